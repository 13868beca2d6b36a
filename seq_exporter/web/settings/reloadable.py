"""The web configuration in use, which can be reloaded."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from typing import Any

from seq_exporter.errors import ConfigError
from seq_exporter.web.settings.model import WebSettings

_log = logging.getLogger(__name__)


class ReloadableSettings:
    """Holds the settings that `load` last returned. Read `current` for each request.

    Raises ConfigError if the first `load` does.
    """

    def __init__(self, load: Callable[[], WebSettings]) -> None:
        self._load = load
        self._problem = ""
        self.current = load()
        #: For a server: uses the context of `current` for each new connection; None for plain HTTP.
        self.ssl_context = _NewestContext(self) if self.current.ssl_context else None

    @property
    def is_behind(self) -> bool:
        """Whether the last reload failed, so `current` differs from the files."""
        return bool(self._problem)

    def reload(self) -> bool:
        """Re-read the files; return whether that succeeded. If not, keep the old settings."""
        try:
            settings = self._load()
            if (settings.ssl_context is None) != (self.ssl_context is None):
                raise ConfigError("a reload cannot turn TLS on or off: restart the exporter")  # noqa: TRY301
        except ConfigError as err:
            if str(err) != self._problem:  # log a mistake once, not at every attempt
                _log.error(
                    "web configuration not reloaded, keeping the old one",
                    extra={"error": str(err)},
                )
            self._problem = str(err)
            return False
        self._problem = ""
        self.current = settings
        _log.info("web configuration reloaded")
        return True


class _NewestContext(ssl.SSLContext):
    """Passes each connection to the newest context.

    Changing a context in place would be enough for a new certificate, but could not remove a
    client authority.
    """

    def __new__(cls, web_settings: ReloadableSettings) -> _NewestContext:
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, web_settings: ReloadableSettings) -> None:
        self._settings = web_settings

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        context = self._settings.current.ssl_context
        assert context  # noqa: S101 - `reload` rejects settings without one
        return context.wrap_bio(*args, **options)
