"""`seq-exporter check --offline`: the files alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jsonschema
import pytest

from seq_exporter.commands.main import main


def check(monkeypatch: pytest.MonkeyPatch, *flags: str) -> int:
    monkeypatch.setattr(sys, "argv", ["seq-exporter", "check", "--offline", *flags])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme").write_text("SG.pretended\n")
    return tmp_path


@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        ("[{name: acme, api_key_file: acme}]", "config.yaml: no mistakes; 1 account\n"),
        (
            "[{name: acme, api_key_file: acme}, {name: bmce, api_key: SG.x}]",
            "config.yaml: no mistakes; 2 accounts\n",
        ),
    ],
)
def test_a_right_configuration_is_said_to_be(
    accounts: str,
    said: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / "config.yaml").write_text(f"accounts: {accounts}\n")
    (folder / "web.yaml").write_text("basic_auth_users: {}\n")
    assert check(monkeypatch, "--web.config.file=web.yaml") == 0
    assert capsys.readouterr() == (said, "")


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_quiet_check_of_right_files_prints_nothing(
    style: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "config.yaml").write_text("accounts: [{name: acme, api_key_file: acme}]\n")
    assert check(monkeypatch, "--quiet", f"--format={style}") == 0
    assert capsys.readouterr() == ("", "")


def test_the_json_of_right_files_fits_the_schema(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The schema needs no configuration."""
    assert check(monkeypatch, "--format=schema") == 0
    schema = json.loads(capsys.readouterr().out)
    (folder / "config.yaml").write_text("accounts: [{name: acme, api_key_file: acme}]\n")
    assert check(monkeypatch, "--format=json") == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, schema)
    assert told == {"ok": True, "accounts": []}
    for wrong in ({"ok": True}, {"ok": "yes", "accounts": []}, {**told, "accounts": [{}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_mistakes_are_told_and_fail_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "config.yaml").write_text(
        "accounts: [{name: acme, api_key_file: amce, regoin: eu}]\n"
    )
    assert check(monkeypatch) == 2
    said, error = capsys.readouterr()
    assert said == ""
    assert "config.yaml:1: accounts[0].regoin: unknown key; did you mean 'region'?\n" in error
    assert "config.yaml:1: accounts[0].api_key_file: no such file 'amce'" in error


def test_mistakes_for_the_web_fail_it_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "config.yaml").write_text("accounts: [{name: acme, api_key_file: acme}]\n")
    (folder / "web.yaml").write_text("basic_auth_user: {}\n")
    assert check(monkeypatch, "--web.config.file=web.yaml") == 2
    assert "web.yaml:1: basic_auth_user: unknown key" in capsys.readouterr().err


def test_an_account_that_is_not_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "config.yaml").write_text("accounts: [{name: acme, api_key_file: acme}]\n")
    assert check(monkeypatch, "--account=amce") == 2
    said = "seq-exporter: no account 'amce' in the configuration: there are acme\n"
    assert capsys.readouterr() == ("", said)
