"""An explanation in plain words, and a picture of the month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from rich.console import Console
from rich.text import Text

from seq_exporter.commands.cells import (
    Cell,
    change_cell,
    choose_theme,
    draw,
    score_cell,
    squeeze,
)
from seq_exporter.commands.explain.evidence import DAYS, Evidence
from seq_exporter.escapes import show
from seq_exporter.remedies import MEANINGS, REMEDIES
from seq_exporter.scores import METRICS
from seq_exporter.trends import LEAST_BEFORE, LEAST_CHANGE, Trend, find_trend

_NAMES = ("overall", *METRICS)
_NAME_WIDTH = max(map(len, _NAMES))
# A score that is not higher is poor, as the alerts count.
_POOR = 2.0
# As many have to fall together to have one cause, as the alerts count.
_MANY, _MANY_SHARE = 3, 0.2
_MOST_NAMES = 5
# Longer lines are hard to read.
_WIDEST = 80


def print_explanation(evidence: Evidence, console: Console) -> None:
    """Print a month of the score and its metrics, then what happened, what helps, where to look."""
    series = _list_series(evidence)
    trends = {name: find_trend(values) for name, values in series.items()}
    console.print(_title(evidence))
    console.print()
    with console.use_theme(choose_theme(console)):
        for line in _draw_month(evidence, series, trends, console.width):
            console.print(line, no_wrap=True, overflow="crop")
    if series["overall"][evidence.day] is None:
        paragraphs = [_tell_of_absence(series["overall"])]
    else:
        metric = _find_cause(series, trends)
        paragraphs = [
            "\n".join(_tell_what_happened(series["overall"], trends)),
            "\n".join(_tell_of_others(evidence, trends["overall"])),
            f"A low {metric} means that {MEANINGS[metric]}. {REMEDIES[metric]}" if metric else "",
            _tell_where_to_look(evidence, metric, trends) if metric else "",
        ]
    for paragraph in filter(None, paragraphs):
        console.print()
        for line in Text(paragraph).wrap(console, min(console.width, _WIDEST)):
            line.rstrip()
            console.print(line)


def _list_series(evidence: Evidence) -> Mapping[str, Mapping[date, float | None]]:
    """Return the overall score and each metric by day, of every day that is drawn."""
    first = evidence.day - timedelta(days=DAYS - 1)
    days = [first + timedelta(days=number) for number in range(DAYS)]
    values = {
        day: (score.overall, *score.metrics) if score else (None,) * len(_NAMES)
        for day in days
        for score in [evidence.days.get(day)]
    }
    return {name: {day: values[day][index] for day in days} for index, name in enumerate(_NAMES)}


def _title(evidence: Evidence) -> Text:
    who = show(evidence.subuser) if evidence.subuser else "own score"
    return Text.assemble((who, "bold"), f" of account {show(evidence.account)}, {evidence.day}")


def _draw_month(
    evidence: Evidence,
    series: Mapping[str, Mapping[date, float | None]],
    trends: Mapping[str, Trend | None],
    width: int,
) -> Iterator[Text]:
    """Yield a line for each score: its newest value, its change, and a bar for each day.

    overall                  2.8 ▼1.4 ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▄▄▄▄

    In a narrow terminal, a bar is the mean of several days.
    """
    bars = max(min(width - _NAME_WIDTH - 12, DAYS), 1)
    first, last = str(min(series["overall"])), str(evidence.day)
    dates = first + last.rjust(bars - len(first)) if bars > len(first + last) else ""
    yield Text(" " * (_NAME_WIDTH + 12) + dates, style="dim")
    for name, values in series.items():
        trend, newest = trends[name], values[evidence.day]
        is_changed = trend and newest is not None and not trend.is_over
        yield Text.assemble(
            f"{name:<{_NAME_WIDTH}} ",
            _pad(score_cell(newest), 5),
            " ",
            _pad(change_cell(trend.change) if trend and is_changed else Cell(""), 4),
            " ",
            draw(squeeze(list(values.values()), bars)),
        )


def _pad(cell: Cell, width: int) -> Text:
    return Text(" " * (width - len(cell.text))) + Text(cell.text, cell.style)


def _tell_of_absence(overall: Mapping[date, float | None]) -> str:
    scored = [day for day, score in overall.items() if score is not None]
    since = f"since {max(scored) + timedelta(days=1)}" if scored else f"for {DAYS} days"
    return (
        f"It has had no score {since}: open tracking is off, or fewer than 1,000 messages were "
        "sent in 30 days."
    )


def _tell_what_happened(
    overall: Mapping[date, float | None], trends: Mapping[str, Trend | None]
) -> Iterator[str]:
    scored = [score for score in overall.values() if score is not None]
    if len(scored) <= LEAST_BEFORE:
        days = "1 day has" if len(scored) == 1 else f"{len(scored)} days have"
        yield f"Only {days} a score in the last {DAYS}: too few to see a change."
        return
    if trend := trends["overall"]:
        yield _tell_of("The overall score", trend)
    else:
        poor = " It is poor." if scored[-1] <= _POOR else ""
        yield f"The overall score has changed by less than {LEAST_CHANGE} in {DAYS} days.{poor}"
    moved = sorted(
        ((name, trend) for name, trend in trends.items() if trend and name != "overall"),
        key=lambda each: (each[1].day, -abs(each[1].change)),
    )
    for name, trend in moved:
        yield _tell_of(name, trend)
    if len(moved) < len(METRICS):
        which = "The other" if moved else "The five"
        yield f"{which} metrics have changed by less than {LEAST_CHANGE}."


def _tell_of(name: str, trend: Trend) -> str:
    verb = "fell" if trend.change < 0 else "rose"
    when = f"on {trend.day}" if trend.is_sudden else f"since {trend.day}"
    if not trend.is_sudden:
        verb = "has fallen" if trend.change < 0 else "has risen"
    over = f", and is back at {trend.now:.1f}" if trend.is_over else ""
    return f"{name} {verb} from {trend.before:.1f} to {trend.after:.1f} {when}{over}."


def _tell_of_others(evidence: Evidence, overall: Trend | None) -> Iterator[str]:
    if evidence.failure:
        yield f"How the other subusers have fared is not known: {show(evidence.failure)}"
    others = evidence.others
    if others is None:
        return
    lost = f"fell by {LEAST_CHANGE} or more since {others.day}"
    named = [f"{show(label)} by {loss}" for label, loss in others.fallen.items()]
    if not named:
        alone = " Look for the cause in its own mail." if overall else ""
        yield f"No other subuser {lost}.{alone}"
        return
    more = f" and {len(named) - _MOST_NAMES} more" if len(named) > _MOST_NAMES else ""
    shown = f"{', '.join(named[:_MOST_NAMES])}{more}"
    yield f"Of {others.compared} other subusers with a score, {len(named)} {lost}: {shown}."
    if len(named) >= _MANY and len(named) > _MANY_SHARE * others.compared:
        yield "Look for what they share: an IP pool, a domain, a template, a DNS record."


def _find_cause(
    series: Mapping[str, Mapping[date, float | None]], trends: Mapping[str, Trend | None]
) -> str | None:
    """Return the metric to begin with, None if none fell or is poor.

    Of those that lost about as much as the one that lost most, it is the one that causes the
    others; REMEDIES has them in that order.
    """
    lost = {
        name: -trend.change
        for name in REMEDIES
        if (trend := trends[name]) and trend.change < 0 and not trend.is_over
    }
    if lost:
        return next(name for name, loss in lost.items() if loss >= max(lost.values()) / 2)
    newest = {name: [*series[name].values()][-1] for name in REMEDIES}
    poor = {name: score for name, score in newest.items() if score is not None and score <= _POOR}
    return min(poor, key=lambda name: poor[name], default=None)


def _tell_where_to_look(evidence: Evidence, metric: str, trends: Mapping[str, Trend | None]) -> str:
    places = [f"In SendGrid, switch to {show(evidence.subuser)}."] if evidence.subuser else []
    if trend := trends[metric]:
        # Mail of some days before the first low day is in its score.
        first = trend.day - timedelta(days=3)
        places += [
            f"Open Stats, Overview, from {first} on: what was sent that was not sent before?"
        ]
    places += [f"docs/remedies.md#{metric} has the steps for this metric."]
    return " ".join(places)
