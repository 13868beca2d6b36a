"""From a plan to a receiver of remote write, in requests that are counted: a stop loses none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.history import Series
from seq_exporter.commands.backfill.plan import Plan, Window
from seq_exporter.commands.backfill.remote_write import Receiver, show_url
from seq_exporter.commands.backfill.timeline import instants
from seq_exporter.commands.backfill.write_request import TimeSeries, batch
from seq_exporter.commands.progress import Report

_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)")


class Sent(NamedTuple):
    """How many samples a receiver has taken, now and in a run before that was stopped."""

    now: int
    before: int


def send_series(plan: Plan, archive: Archive, receiver: Receiver, report: Report) -> Sent:
    """Send the samples of `plan`, and return how many there are.

    What the receiver has taken in a run that was stopped is not sent again; after one that was not,
    everything is. Tells `report` of samples. Raises RemoteWriteFailed.
    """
    now = before = 0
    place = show_url(receiver.url)
    receiver_name = archive.name_receiver(receiver.url, receiver.headers)
    for window in plan.windows():
        name, content = f"{receiver_name} {window.start}", plan.fingerprint(window)
        begun, done = archive.get_output(name)
        requests_before = done if begun == content else 0
        for number, request in enumerate(batch(_list_series(plan, window)), 1):
            count = sum(len(series.samples) for series in request)
            if number > requests_before:
                receiver.send(request)
                archive.set_output(name, content, number)
                now += count
            else:
                before += count
            report(count, place)
    archive.forget_outputs(f"{receiver_name} ")
    return Sent(now, before)


def _list_series(plan: Plan, window: Window) -> Iterator[TimeSeries]:
    for past in plan.pasts:
        for series in past.list_series(window):
            samples = [
                (1000 * second, float(value))
                for shown, value in series.values
                for second in instants(shown, plan.step_seconds, *window)
            ]
            yield TimeSeries(_labels_of(series) | dict(plan.labels), samples)


def _labels_of(series: Series) -> dict[str, str]:
    """Read the labels of `name{account="acme",...}`."""
    found: Mapping[str, str] = dict(_LABEL.findall(series.text))
    labels = {name: _ESCAPE.sub(_unescape, value) for name, value in found.items()}
    return {"__name__": series.family, **labels}


def _unescape(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]
