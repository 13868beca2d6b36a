"""What goes wrong with time, keys and disks while the polls go on."""

from __future__ import annotations

from datetime import UTC, datetime, time

from seq_exporter.config.secret import ApiKey, Secret
from tests.faults.server import Exchange
from tests.faults.stage import HELD, NEW, Fault, Stage
from tests.support import KEY, day

_MIDNIGHT = datetime.combine(day(6), time(), UTC).timestamp()
_DAY_HOURS = 24
_MONTH_HOURS = 30 * 24


def _moved(name: str, hours: float, shows: dict[tuple[str, str], float], *reasons: str) -> Fault:
    """Return the fault of a clock that steps, and steps back in the end."""
    return Fault(
        name,
        shows,
        dict.fromkeys(reasons, 1),
        begin=lambda stage: _step(stage, hours),
        end=lambda stage: _step(stage, -hours),
    )


def _step(stage: Stage, hours: float) -> None:
    # The server keeps the right time.
    stage.time.pass_hours(hours)
    stage.sendgrid.clock_error_hours += hours


def _pass_midnight(stage: Stage, exchange: Exchange) -> None:
    """Let a day begin between the first page of subusers and the second."""
    if exchange.query.get("after_key") and stage.time.seconds < _MIDNIGHT:
        stage.time.seconds = _MIDNIGHT + 1
    stage.sendgrid.answer(exchange)


def _before_midnight(stage: Stage) -> None:
    stage.time.seconds = _MIDNIGHT - 1


def _fill_disk(stage: Stage) -> None:
    """Put a file where the folder was: nothing can be written there, by nobody."""
    stage.state_folder.rename(stage.state_folder.with_name("moved"))
    stage.state_folder.touch()


def _free_disk(stage: Stage) -> None:
    stage.state_folder.unlink()


def _lose_key(name: str, content: str | None) -> Fault:
    """Return the fault of a key file with another `content`, or that is gone."""

    def begin(stage: Stage) -> None:
        file = stage.state_folder.with_name("key")
        if content is not None:
            file.write_text(content)
        stage.set_key(ApiKey(file))

    return Fault(
        name,
        HELD,
        {"key_unavailable": 1},
        begin=begin,
        end=lambda stage: stage.set_key(ApiKey(Secret(KEY))),
    )


FAULTS = [
    Fault("UTC midnight between two pages", NEW, {}, _pass_midnight, begin=_before_midnight),
    _moved("the clock steps back a day", -_DAY_HOURS, HELD),
    _moved("the clock steps back a month", -_MONTH_HOURS, HELD),
    _moved("the clock steps forward a day", _DAY_HOURS, NEW),
    _moved("the clock steps forward a month", _MONTH_HOURS, {}, "bad_request"),
    _lose_key("the key file is gone", None),
    _lose_key("the key file is empty", "\n"),
    _lose_key("the key file holds two keys", f"{KEY}\n{KEY}\n"),
    _lose_key("the key file holds another header", f"{KEY}\r\nX-Evil: 1"),
    Fault("the state cannot be written", NEW, {"unsaved": 1}, begin=_fill_disk, end=_free_disk),
]
