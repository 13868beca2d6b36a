"""An explanation in plain words: the same sentences on a terminal and on a page."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from seq_exporter.escapes import show
from seq_exporter.explain.evidence import DAYS, Evidence, Others
from seq_exporter.remedies import MEANINGS, REMEDIES
from seq_exporter.scores import METRICS
from seq_exporter.trends import LEAST_BEFORE, LEAST_CHANGE, Trend, find_trend, is_news

#: The overall score and its metrics, in the order in which they are shown.
SERIES = ("overall", *METRICS)

# A score that is not higher is poor, as the alerts count.
_POOR = 2.0
# As many have to fall together to have one cause, as the alerts count.
_MANY, _MANY_SHARE = 3, 0.2

_DAY = timedelta(days=1)

_TO_BE_SCORED = (
    "If it should have one: turn on open tracking (in SendGrid: Settings, Tracking), "
    "or find out why it sends so little."
)

Series = Mapping[str, Mapping[date, float | None]]
Trends = Mapping[str, Trend | None]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened to a score, in sentences.

    `series` has each score by day, for every day of the month; `trends` how each has changed, and
    `moved` the metrics that have, in that order. `cause` is the metric to begin with, and `runbook`
    the alert about such a score, if there is one. Names in the sentences are `show`n.
    """

    series: Series
    trends: Trends
    happened: Sequence[str]
    moved: Sequence[str] = ()
    others: Sequence[str] = ()
    cause: str = ""
    remedy: str = ""
    next_steps: Sequence[str] = ()
    runbook: str = ""


def explain(evidence: Evidence) -> Explanation:
    """Return what `evidence` shows, in words."""
    series = _list_series(evidence)
    trends = {name: find_trend(values) for name, values in series.items()}
    overall = series["overall"]
    gap = _tell_of_gap(evidence, overall)
    if overall[evidence.day] is None:
        return Explanation(
            series,
            trends,
            happened=[_tell_of_absence(evidence, overall), *gap],
            next_steps=[_TO_BE_SCORED],
            runbook="SeqSubuserIneligible",
        )
    moved, cause = _list_moved(trends), _find_cause(series, trends)
    return Explanation(
        series,
        trends,
        happened=[*_tell_what_happened(evidence, series, trends, moved), *gap],
        moved=moved,
        others=list(_tell_of_others(evidence, trends["overall"])),
        cause=cause or "",
        remedy=f"A low {cause} means that {MEANINGS[cause]}. {REMEDIES[cause]}" if cause else "",
        next_steps=list(_tell_where_to_look(evidence, cause, trends[cause])) if cause else (),
        runbook=_find_runbook(evidence, trends, cause),
    )


def write_command(account: str, subuser: str) -> str:
    """Return the command that explains a subuser's score, as a shell takes it.

    seq-exporter explain --account=acme shop-de
    """
    words = ["seq-exporter", "explain", f"--account={account}"]
    # After `--`, a name that begins with a dash is no flag.
    return shlex.join([*words, *(["--"] if subuser.startswith("-") else []), subuser])


def _list_series(evidence: Evidence) -> Series:
    """Return the overall score and each metric by day, of every day that is drawn."""
    first = evidence.day - timedelta(days=DAYS - 1)
    days = [first + timedelta(days=number) for number in range(DAYS)]
    values = {
        day: (score.overall, *score.metrics) if score else (None,) * len(SERIES)
        for day in days
        for score in [evidence.days.get(day)]
    }
    return {name: {day: values[day][index] for day in days} for index, name in enumerate(SERIES)}


def _tell_of_absence(evidence: Evidence, overall: Mapping[date, float | None]) -> str:
    scored = [day for day, score in overall.items() if score is not None]
    since = f"since {max(scored) + _DAY}" if scored else f"for {DAYS} days"
    if evidence.gap:
        last = f" (its last known score is from {max(scored)})" if scored else ""
        since = f"on {evidence.day}{last}"
    return (
        f"It has had no score {since}: open tracking is off, or fewer than 1,000 messages were "
        "sent in 30 days."
    )


def _tell_of_gap(evidence: Evidence, month: Iterable[date]) -> Iterator[str]:
    if not evidence.gap:
        return
    if _has_saved(evidence):
        known = "Of some days, only the overall score is known"
    elif all(day in evidence.days for day in month):
        known = "SendGrid was not asked again"
    elif len(evidence.days) > 1:
        known = "Some days are not known"
    else:
        known = f"Only {evidence.day} is known"
    yield f"{known}: {show(evidence.gap)}"


def _has_saved(evidence: Evidence) -> bool:
    """Whether of some days only the overall score is known, because it was saved."""
    scored = [score for score in evidence.days.values() if score.is_scored]
    return bool(evidence.gap) and not all(any(score.metrics) for score in scored)


def _tell_what_happened(
    evidence: Evidence,
    series: Series,
    trends: Trends,
    moved: Sequence[str],
) -> Iterator[str]:
    overall = series["overall"]
    scored = _list_scores(overall)
    if len(scored) <= LEAST_BEFORE:
        if not evidence.gap:
            days = "1 day has" if len(scored) == 1 else f"{len(scored)} days have"
            yield f"Only {days} a score in the last {DAYS}: too few to see a change."
        return
    if trend := trends["overall"]:
        yield _tell_of("The overall score", trend, overall)
    else:
        known = len(scored) if evidence.gap else DAYS
        yield _tell_of_no_trend(scored, known)
    for name in moved:
        if trend := trends[name]:
            yield _tell_of(name, trend, series[name])
    if len(moved) < len(METRICS) and not _has_saved(evidence):
        which = "The other" if moved else "The five"
        others = [_list_scores(series[name]) for name in METRICS if name not in moved]
        is_still = not any(is_news(min(scores), max(scores)) for scores in others if scores)
        little = f"changed by less than {LEAST_CHANGE}" if is_still else "no lasting change"
        yield f"{which} metrics have {little}."


def _list_scores(values: Mapping[date, float | None]) -> Sequence[float]:
    return [score for score in values.values() if score is not None]


def _tell_of_no_trend(scored: Sequence[float], days: int) -> str:
    lowest, highest, newest = min(scored), max(scored), scored[-1]
    poor = " It is poor." if newest <= _POOR else ""
    if not is_news(lowest, highest):
        return f"The overall score has changed by less than {LEAST_CHANGE} in {days} days.{poor}"
    return (
        f"The overall score has no lasting change in {days} days: it was between {lowest:.1f} and "
        f"{highest:.1f}, and is {newest:.1f} now.{poor}"
    )


def _list_moved(trends: Trends) -> list[str]:
    """Return the metrics that have changed, in that order; on the same day, by how much."""
    found = {name: trend for name in METRICS if (trend := trends[name])}
    return sorted(found, key=lambda name: (found[name].day, -abs(found[name].change)))


def _tell_of(name: str, trend: Trend, values: Mapping[date, float | None]) -> str:
    verb = "fell" if trend.change < 0 else "rose"
    before = max(day for day, value in values.items() if value is not None and day < trend.day)
    when = f"on {trend.day}" if trend.day - before == _DAY else f"between {before} and {trend.day}"
    if not trend.is_sudden:
        when = f"since {trend.day}"
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
    named = [f"{show(label)} by {loss}" for label, loss in others.most_fallen.items()]
    other = "other published subuser" if others.is_partial else "other subuser"
    if not named:
        is_alone = overall and not others.is_partial
        yield f"No {other} {lost}.{' Look for the cause in its own mail.' if is_alone else ''}"
        return
    more = f" and {others.fallen - len(named)} more" if others.fallen > len(named) else ""
    shown = f"{', '.join(named)}{more}"
    compared = f"{others.compared} {other}{'s' if others.compared != 1 else ''}"
    yield f"Of {compared} with a score, {others.fallen} {lost}: {shown}."
    if _are_many(others):
        yield "Look for what they share: an IP pool, a domain, a template, a DNS record."


def _are_many(others: Others) -> bool:
    return others.fallen >= _MANY and others.fallen > _MANY_SHARE * others.compared


def _find_cause(series: Series, trends: Trends) -> str | None:
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


def _tell_where_to_look(evidence: Evidence, cause: str, trend: Trend | None) -> Iterator[str]:
    if evidence.subuser:
        yield f"In SendGrid, switch to {show(evidence.subuser)}."
    if trend:
        # Mail of some days before the first low day is in its score.
        first = trend.day - timedelta(days=3)
        yield f"Open Stats, Overview, from {first} on: what was sent that was not sent before?"
    yield f"docs/remedies.md#{cause} has the steps for this metric."


def _find_runbook(evidence: Evidence, trends: Trends, cause: str | None) -> str:
    """Return the alert that fires for such a score, if it lasts and is large enough."""
    overall = trends["overall"]
    if overall and overall.change < 0 and not overall.is_over:
        if evidence.others and _are_many(evidence.others):
            return "SeqFleetScoreDropped"
        return "SeqScoreDropped" if overall.is_sudden else "SeqScoreDeclining"
    if (evidence.days[evidence.day].overall or 0.0) <= _POOR:
        return "SeqScorePoor"
    if cause:
        return "SeqMetricScoreDropped" if trends[cause] else "SeqMetricScorePoor"
    return ""
