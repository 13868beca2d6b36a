"""Prometheus' answers as the data frames that Grafana makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: A frame in the form in which Grafana's server sends it to the browser.
Frame = dict[str, Any]
#: A field's name, type and settings, and its values.
Field = tuple[dict[str, Any], list[Any]]
#: A series with its labels, and its sample or its samples.
Series = Mapping[str, Any]


def make_frames(
    targets: Sequence[Mapping[str, Any]], answers: Sequence[Sequence[Series]]
) -> list[Frame]:
    """Return the frames of a panel's queries, in their order."""
    tables = sum(target["format"] == "table" for target in targets)
    return [
        frame
        for target, answer in zip(targets, answers, strict=True)
        for frame in _frames_of(target, answer, tables)
    ]


def _frames_of(target: Mapping[str, Any], answer: Sequence[Series], tables: int) -> Iterator[Frame]:
    """Return a frame for each series, or one for a table. Without series, there is still a frame.

    It is empty, unless the panel has several tables.
    """
    ref = target["refId"]
    if target["format"] == "table" and (answer or tables > 1):
        yield _frame(ref, _list_columns(answer, "Value" if tables == 1 else f"Value #{ref}"))
    elif answer:
        for series in answer:
            yield _frame(ref, _list_samples(series, target))
    else:
        yield _frame(ref, [])


def _list_samples(series: Series, target: Mapping[str, Any]) -> list[Field]:
    samples = series.get("values") or [series["value"]]
    legend = _name_series(target["legendFormat"], series["metric"], target["expr"])
    value = {"name": "Value", "type": "number", "labels": series["metric"]}
    value["config"] = {"displayNameFromDS": legend} if legend else {}
    return [_times(samples), (value, [float(number) for _, number in samples])]


def _name_series(legend: str, labels: Mapping[str, str], expression: str) -> str:
    """Return the name of a series; with `__auto`, it is Grafana that names it by its labels."""
    if legend == "__auto":
        return "" if labels else expression
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), legend)


def _list_columns(answer: Sequence[Series], value: str) -> list[Field]:
    """Return a column for the times, one for each label, and one for the values."""
    labels = dict.fromkeys(name for series in answer for name in sorted(series["metric"]))
    samples = [series["value"] for series in answer]
    return [
        _times(samples),
        *(
            ({"name": name, "type": "string"}, [each["metric"].get(name, "") for each in answer])
            for name in labels
        ),
        ({"name": value, "type": "number"}, [float(number) for _, number in samples]),
    ]


def _times(samples: Sequence[tuple[float, str]]) -> Field:
    return {"name": "Time", "type": "time"}, [time * 1000 for time, _ in samples]


def _frame(ref: str, fields: Sequence[Field]) -> Frame:
    """Return a frame. NaN, which JSON does not have, is listed apart."""
    nan = [[row for row, value in enumerate(values) if value != value] for _, values in fields]
    values = [[None if value != value else value for value in values] for _, values in fields]
    entities = [{"NaN": rows} if rows else None for rows in nan]
    schema = {"refId": ref, "fields": [field for field, _ in fields]}
    return {"schema": schema, "data": {"values": values, "entities": entities}}
