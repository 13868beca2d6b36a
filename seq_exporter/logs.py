"""Log lines in logfmt or JSON, one event per line, as Prometheus' own programs write them."""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime
from functools import partial

from seq_exporter.escapes import dump_json

#: The levels, by their names in Prometheus' own programs.
LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
FORMATS = ("logfmt", "json")

_LEVEL_NAMES = {number: name for name, number in LEVELS.items()}
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_BARE = re.compile(r"[\w.:/@+-]+")


def configure_logs(level: str, log_format: str) -> None:
    """Write all logs of `level` and above to standard error, in `log_format` (see FORMATS)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter(log_format))
    logging.basicConfig(level=LEVELS[level], handlers=[handler], force=True)
    # Clients could fill the log: these write a line for each invalid request, and a traceback for
    # invalid headers.
    for chatty in ("uvicorn", "asyncio", "urllib3.connection"):
        logging.getLogger(chatty).setLevel(max(logging.ERROR, logging.root.level))
    # At debug level, it writes the query of each URL, which may hold a token.
    logging.getLogger("urllib3.connectionpool").setLevel(max(logging.INFO, logging.root.level))


class LogFormatter(logging.Formatter):
    """Formats a record with the fields from its `extra`.

    time=2026-11-01T06:15:00.123Z level=warn msg="poll failed" account=acme reason=timeout
    {"time": "2026-11-01T06:15:00.123Z", "level": "warn", "msg": "poll failed", "account": "acme"}
    """

    def __init__(self, log_format: str) -> None:
        super().__init__()
        self._encode = partial(dump_json, default=str) if log_format == "json" else _to_logfmt

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a newline."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, object] = {
            "time": time.replace("+00:00", "Z"),
            "level": _LEVEL_NAMES.get(record.levelno, record.levelname.lower()),
            "msg": record.getMessage(),
        }
        fields |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return self._encode(fields)


def _to_logfmt(fields: dict[str, object]) -> str:
    return " ".join(f"{key}={_quote(value)}" for key, value in fields.items())


def _quote(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)  # true, not True
    # logfmt has the escapes of JSON: any text from SendGrid stays on one line.
    return text if _BARE.fullmatch(text) and text.isascii() else dump_json(text)
