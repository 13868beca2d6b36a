"""The web configuration in force: read anew when its files change."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from typing import Any

from seq_exporter.errors import ConfigError
from seq_exporter.web.settings.file import WebSettings

_log = logging.getLogger(__name__)


class ReloadableSettings:
    """Holds what `load` returned last; whoever asks for `current` anew each time is up to date.

    Raises ConfigError, as `load` does, if there are none to begin with.
    """

    def __init__(self, load: Callable[[], WebSettings]) -> None:
        self._load = load
        self._problem = ""
        self.current = load()
        #: For a server: the context of `current` at each new connection; None for plain HTTP.
        self.ssl_context = _NewestContext(self) if self.current.ssl_context else None

    @property
    def is_behind(self) -> bool:
        """Whether `current` is not what the files say, as they have a mistake."""
        return bool(self._problem)

    def reload(self) -> bool:
        """Read the files anew; return whether they are good. If not, the old settings go on."""
        try:
            settings = self._load()
            if (settings.ssl_context is None) != (self.ssl_context is None):
                raise ConfigError("to turn TLS on or off takes a restart")  # noqa: TRY301
        except ConfigError as err:
            if str(err) != self._problem:  # once, however often it is tried again
                _log.error(
                    "web configuration not reloaded, the old one goes on", extra={"error": str(err)}
                )
            self._problem = str(err)
            return False
        self._problem = ""
        self.current = settings
        _log.info("web configuration reloaded")
        return True


class _NewestContext(ssl.SSLContext):
    """Passes each connection to the newest context.

    To change a context in place would do for a certificate, but could not take an authority of
    clients back.
    """

    def __new__(cls, web_settings: ReloadableSettings) -> _NewestContext:
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, web_settings: ReloadableSettings) -> None:
        self._settings = web_settings

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        context = self._settings.current.ssl_context
        assert context  # noqa: S101 - `reload` saw to it
        return context.wrap_bio(*args, **options)
