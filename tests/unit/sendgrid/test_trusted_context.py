"""The TLS context of a session: when the files of its authorities are read again."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from seq_exporter.sendgrid.certificates import Authorities, TrustedContext


def names_of(context: ssl.SSLContext) -> set[str]:
    """Return the organizations of the trusted authorities."""
    return {
        part[0][1]
        for authority in context.get_ca_certs()
        for part in authority["subject"]
        if part[0][0] == "organizationName"
    }


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    trustme.CA(organization_name="one").cert_pem.write_to_path(str(file))
    trust = TrustedContext()
    first = trust.context(Authorities(str(file), None))
    assert names_of(first) == {"one"}
    assert first.verify_mode == ssl.CERT_REQUIRED
    assert first.check_hostname
    assert trust.context(Authorities(str(file), None)) is first
    # In its place, as rotations do.
    trustme.CA(organization_name="other").cert_pem.write_to_path(str(tmp_path / "new.pem"))
    (tmp_path / "new.pem").rename(file)
    assert names_of(trust.context(Authorities(str(file), None))) == {"other"}


def test_other_authorities_are_another_context(tmp_path: Path) -> None:
    for name in ("one", "other"):
        trustme.CA(organization_name=name).cert_pem.write_to_path(str(tmp_path / name))
    trust = TrustedContext()
    for name in ("one", "other", "one"):
        assert names_of(trust.context(Authorities(str(tmp_path / name), None))) == {name}


def test_a_folder_that_changes_is_read_again(tmp_path: Path) -> None:
    trust = TrustedContext()
    authorities = Authorities(None, f"{tmp_path}:/nope")
    first = trust.context(authorities)
    assert trust.context(authorities) is first
    (tmp_path / "4a6481c9.0").touch()
    assert trust.context(authorities) is not first


def test_a_file_that_is_gone_is_an_error_each_time(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    trust = TrustedContext()
    trust.context(Authorities(str(file), None))
    file.unlink()
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            trust.context(Authorities(str(file), None))
