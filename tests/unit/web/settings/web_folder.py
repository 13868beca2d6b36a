"""A folder with certificates and a web configuration file that names them."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from seq_exporter.errors import ConfigError
from seq_exporter.web.settings.file import load_web_settings
from seq_exporter.web.settings.model import WebSettings

HASH = "$2b$04$QM5zG7hnFcL1ide/1.jVCO1lpI0Aim8sZOF4Meq7AXO.SLeas9VIW"
TLS = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"


class WebFolder:
    """A folder with a certificate authority, a certificate from it for 127.0.0.1, and `web.yml`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.authority = trustme.CA()
        leaf = self.authority.issue_cert("127.0.0.1")
        self.authority.cert_pem.write_to_path(path / "ca.pem")
        leaf.cert_chain_pems[0].write_to_path(path / "cert.pem")
        leaf.private_key_pem.write_to_path(path / "key.pem")
        self.authority.private_key_pem.write_to_path(path / "other-key.pem")
        (path / "junk.pem").write_text("junk\n")

    def write(self, text: str) -> Path:
        """Write `web.yml`, with `<cert.pem>` replaced by the text of that file, as YAML."""
        for pem in self.path.glob("*.pem"):
            lines = pem.read_text().splitlines()
            text = text.replace(f"<{pem.name}>", "\n    ".join(["|", *lines]))
        file = self.path / "web.yml"
        file.write_text(text)
        return file

    def load(self, text: str) -> WebSettings:
        return load_web_settings(self.write(text))

    def refusal_of(self, text: str) -> str:
        """Return the error for a bad file, with paths relative to the folder."""
        with pytest.raises(ConfigError) as caught:
            self.load(text)
        return str(caught.value).replace(f"{self.path}/", "")
