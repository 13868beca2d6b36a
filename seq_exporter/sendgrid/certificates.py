"""Which certificate authorities are trusted: what the environment names, else the system's."""

from __future__ import annotations

import contextlib
import os
import re
import ssl
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

#: Variables of requests: the first that is set names all certificates that are trusted.
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
#: Variables of OpenSSL, as all its programs and Go's read them.
_FILE, _FOLDERS = "SSL_CERT_FILE", "SSL_CERT_DIR"

# Where systems keep their certificates if OpenSSL was built for another one: Go's list.
_SYSTEM_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
# OpenSSL finds a certificate in a folder by such a name only.
_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.\d+")


class Authorities(NamedTuple):
    """Where the trusted certificates are: a file, folders (separated as in PATH), or both."""

    file: str | None
    folders: str | None

    @property
    def paths(self) -> list[str]:
        """The file and each folder."""
        return [*filter(None, (self.file, *(self.folders or "").split(os.pathsep)))]


class TrustedContext:
    """The TLS context of one session, which is kept until the files of its authorities change.

    Reading the system's authorities takes 40 ms and a megabyte, and urllib3 does so for each
    connection. Sessions do not share a context: urllib3 changes it while it connects.
    """

    def __init__(self) -> None:
        self._read: tuple[object, ssl.SSLContext] | None = None

    def context(self, authorities: Authorities) -> ssl.SSLContext:
        """Return a context that trusts `authorities`. Raises OSError if they cannot be read."""
        state = authorities, [_state_of(path) for path in authorities.paths]
        if self._read is None or self._read[0] != state:
            context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
            context.load_verify_locations(authorities.file, authorities.folders)
            self._read = state, context
        return self._read[1]


def _state_of(path: str) -> tuple[int, ...]:
    """Return what is different once a file or folder has changed; nothing if it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def find_authorities(
    environ: Mapping[str, str],
    openssl: ssl.DefaultVerifyPaths | None = None,
    system_files: Iterable[str] = _SYSTEM_FILES,
) -> Authorities:
    """Return what is trusted if no variable of requests names certificates.

    SSL_CERT_FILE and SSL_CERT_DIR replace the file and the folder of the system's store. Without
    any of these, the certificates that certifi brings are trusted.
    """
    paths = openssl or ssl.get_default_verify_paths()
    file, folders = environ.get(_FILE), environ.get(_FOLDERS)
    if not file and os.path.isfile(paths.openssl_cafile):
        file = paths.openssl_cafile
    if not folders and _holds_certificates(paths.openssl_capath):
        folders = paths.openssl_capath
    if not file and not folders:
        file = next(filter(os.path.isfile, system_files), DEFAULT_CA_BUNDLE_PATH)
    return Authorities(file or None, folders or None)


def find_mistake(environ: Mapping[str, str]) -> str:
    """Return what is wrong with the certificates that a variable names, or an empty text.

    `cannot read the CA certificates in /nope, which REQUESTS_CA_BUNDLE names: No such file or
    directory: correct the variable, or unset it`
    """
    bundle = next((name for name in _BUNDLES if environ.get(name)), None)
    for variable in [bundle] if bundle else [_FILE, _FOLDERS]:
        named = environ.get(variable, "")
        paths = named.split(os.pathsep) if variable == _FOLDERS else [named]
        mistakes = [_find_mistake_in(path) for path in paths]
        if named and all(mistakes):
            return (
                f"cannot read the CA certificates in {named}, which {variable} names: "
                f"{mistakes[0]}: correct the variable, or unset it"
            )
    return ""


def _find_mistake_in(path: str) -> str:
    try:
        if os.path.isdir(path):
            if not any(map(_HASHED_NAME.fullmatch, os.listdir(path))):
                return "no file there has a name such as 4a6481c9.0, which `openssl rehash` makes"
        else:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return "it holds no certificate in PEM"
    except OSError as err:
        return err.strerror or type(err).__name__
    return ""


def _holds_certificates(folders: str) -> bool:
    for folder in filter(None, folders.split(os.pathsep)):
        with contextlib.suppress(OSError):  # it is not there, or this user may not look into it
            if any(map(_HASHED_NAME.fullmatch, os.listdir(folder))):
                return True
    return False
