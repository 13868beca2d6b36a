"""Draw docs/images/*.svg from a Prometheus: `python -m grafana.pictures URL`.

The pictures use the dashboards' own queries, in a simple drawing: Grafana itself looks better.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from grafana.queries import CHOICES, list_queries
from grafana.source.colours import FAULT_STEPS, SCORE_STEPS, Steps
from grafana.source.metric_texts import METRIC_NAMES

IMAGES = Path(__file__).parents[1] / "docs" / "images"

_WIDTH = 960
_INK, _FAINT, _GROUND, _CARD = "#D8D9DA", "#8E9199", "#111217", "#1F2127"
_NUMBERS = ("Scored", "Ineligible", "Missing", "Score under 3", "Fell by 1 or more in 7 days")
#: From few to many, in one hue: readable without colours too.
_HEAT = ("#16233A", "#1F3D63", "#27588D", "#3077B4", "#56B4E9", "#B8E2F8")

#: Answers by panel and the letter of its query.
Answers = Mapping[tuple[str, str], Sequence[Any]]


def main(base: str) -> None:
    """Draw both pictures."""
    IMAGES.mkdir(exist_ok=True)
    now = time.time()
    for name, draw in (("seq-fleet", _draw_fleet), ("seq-subuser", _draw_subuser)):
        answers = {
            (query.panel["title"], query.target["refId"]): query.send(base, now)["data"]["result"]
            for query in list_queries(CHOICES)
            if query.dashboard == name
        }
        (IMAGES / f"{name}.svg").write_text(draw(answers), encoding="utf-8")
        print(f"docs/images/{name}.svg")


def _draw_fleet(answers: Answers) -> str:
    parts = [_text(20, 32, "Fleet", 18)]
    card_width = (_WIDTH - 40 - 16 * 4) / 5
    for place, title in enumerate(_NUMBERS):
        ((_, value),) = [found["value"] for found in answers[title, "A"]]
        left = 20 + place * (card_width + 16)
        plain = title in ("Scored", "Ineligible")
        color = _INK if plain else color_of(float(value), FAULT_STEPS)
        parts += [_box(left, 48, card_width, 64, _CARD), _text(left + 12, 68, title, 11, _FAINT)]
        parts.append(_text(left + 12, 100, f"{float(value):,.0f}", 24, color))
    parts += _draw_heat(answers)
    parts += _draw_worst(answers)
    return _picture(404, parts)


def _draw_heat(answers: Answers) -> Iterable[str]:
    yield _text(20, 144, "Bands over time: how many subusers have which score", 13, _FAINT)
    rows = {letter: answers["Bands over time: $metric", letter] for letter in "ABCDE"}
    counts = {
        letter: [float(value) for _, value in found[0]["values"]] if found else []
        for letter, found in rows.items()
    }
    most = max(max(values, default=0) for values in counts.values()) or 1
    days = max(len(values) for values in counts.values())
    width = 520 / days
    for row, letter in enumerate("EDCBA"):
        yield _text(20, 178 + row * 44, "5" if letter == "E" else f"{5 - row} to {6 - row}", 12)
        for day, count in enumerate(counts[letter]):
            shade = _HEAT[min(int((count / most) ** 0.5 * len(_HEAT)), len(_HEAT) - 1)]
            left = 64 + (day + days - len(counts[letter])) * width
            yield _box(left, 154 + row * 44, width - 0.5, 40, shade if count else _CARD, 0)
    yield _text(64, 390, "90 days ago", 12, _FAINT)
    yield _text(64 + 520, 390, "now", 12, _FAINT, "end")


def _draw_worst(answers: Answers) -> Iterable[str]:
    yield _text(620, 144, "Worst ten now", 13, _FAINT)
    worst = sorted(answers["Worst ten now", "A"], key=lambda found: float(found["value"][1]))
    for row, found in enumerate(worst):
        value, top = float(found["value"][1]), 154 + row * 22
        labels = found["metric"]
        yield _text(620, top + 13, f"{labels['account']} / {labels['subuser']}", 12)
        yield _box(800, top, (value - 1) / 4 * 100 + 2, 17, color_of(value, SCORE_STEPS), 2)
        yield _text(_WIDTH - 20, top + 13, f"{value:.1f}", 12, anchor="end")


def _draw_subuser(answers: Answers) -> str:
    parts = [_text(20, 32, f"Subuser {CHOICES['subuser']}", 18)]
    found = {
        line["metric"]["metric"]: line["values"] for line in answers["All scores over time", "A"]
    }
    times = [float(time) for time, _ in found["overall"]]
    start, span = times[0], times[-1] - times[0]
    for row, (metric, name) in enumerate({"overall": "Overall", **METRIC_NAMES}.items()):
        top = 52 + row * 34
        parts.append(_text(20, top + 19, name, 13))
        for begin, end, color in _merge(found[metric]):
            left = 180 + (begin - start) / span * (_WIDTH - 200)
            width = (min(end, times[-1]) - begin) / span * (_WIDTH - 200)
            parts.append(_box(left, top, max(width, 1), 28, color, 0))
    parts.append(_text(180, 272, "90 days ago", 12, _FAINT))
    parts.append(_text(_WIDTH - 20, 272, "now", 12, _FAINT, "end"))
    parts += _draw_legend(400, 272)
    return _picture(288, parts)


def _draw_legend(left: float, top: float) -> Iterable[str]:
    for place, band in enumerate((1, 2, 3, 4)):
        yield _box(left + place * 90, top - 11, 12, 12, color_of(band, SCORE_STEPS), 2)
        yield _text(left + 18 + place * 90, top, f"{band} to {band + 1}", 12, _FAINT)


def _merge(values: Sequence[Any]) -> Iterable[tuple[float, float, str]]:
    """Return when each colour begins and ends, in epoch seconds; missing values are gaps."""
    step = values[1][0] - values[0][0]
    begin = before = values[0][0]
    color = color_of(float(values[0][1]), SCORE_STEPS)
    for moment, value in values[1:]:
        new = color_of(float(value), SCORE_STEPS)
        if new != color or moment > before + 1.5 * step:
            yield begin, before + step, color
            begin, color = moment, new
        before = moment
    yield begin, before + step, color


def color_of(value: float, steps: Steps) -> str:
    """Return the colour of the value's step."""
    return [color for floor, color in steps if floor is None or value >= floor][-1]


def _box(
    left: float, top: float, width: float, height: float, color: str, round_by: int = 4
) -> str:
    place = f'x="{left:.1f}" y="{top:g}" width="{width:.1f}" height="{height:g}"'
    return f'<rect {place} rx="{round_by}" fill="{color}"/>'


def _text(
    left: float, base: float, text: str, size: int, color: str = _INK, anchor: str = "start"
) -> str:
    look = f'font-size="{size}" fill="{color}" text-anchor="{anchor}"'
    return f'<text x="{left:g}" y="{base:g}" {look}>{escape(text)}</text>'


def _picture(height: int, parts: Iterable[str]) -> str:
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    font = "font-family=\"system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif\""
    body = "\n".join([_box(0, 0, _WIDTH, height, _GROUND, 8), *parts])
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>\n{body}\n</svg>\n'


if __name__ == "__main__":
    main(sys.argv[1])
