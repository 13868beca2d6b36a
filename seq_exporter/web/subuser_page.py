"""The page of one subuser at `/subuser`: what happened to its score, and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from seq_exporter.escapes import show
from seq_exporter.explain.evidence import Evidence
from seq_exporter.explain.words import SERIES, Explanation, explain, write_command
from seq_exporter.scores import HIGHEST, LOWEST, Health, Snapshot, SubuserScores
from seq_exporter.web.listing import Accounts
from seq_exporter.web.templates import link_subuser, load_template

# Comparing a misspelt name with more would take seconds.
_MOST_COMPARED = 2_000
# A name may be as long as a URL.
_MOST_SHOWN = 200

# The title of a refusal by its status.
_TITLES = {
    300: "Which account?",
    400: "Which subuser?",
    404: "Not found",
    503: "Not known now",
}

_DOCUMENT = re.compile(r"docs/[\w/-]+\.md(?:#[\w-]+)?")

# A day of a picture is so wide, and the picture so high. Browsers stretch it.
_DAY_WIDTH, _HEIGHT, _LEAST_HEIGHT = 10, 40, 4


class Choice(NamedTuple):
    """The subuser whose page is asked for, and its account."""

    account: str
    subuser: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no page of one subuser, and the links that lead on: `(text, address)`."""

    status: int
    sentence: str
    links: Sequence[tuple[str, str]] = ()


def choose_subuser(accounts: Accounts, given: Mapping[str, str]) -> Choice | Refusal:
    """Return whose page the parameters `account` and `subuser` ask for, or why there is none.

    The account may be left out if only one has such a subuser. As a URL gives both, exactly: a name
    may begin with a blank.
    """
    account, subuser = given.get("account", ""), given.get("subuser", "")
    if not subuser:
        return Refusal(400, "The parameter subuser is missing: choose a subuser from the list.")
    if account:
        found = [each for each in accounts if each[0].account == account]
        if not found:
            text = f"No account is named '{_shorten(account)}': use a name of the configuration."
            return Refusal(404, text)
        return _choose_within(*found[0], subuser)
    having = [
        each.account for each, _ in accounts if each.subusers and subuser in each.subusers.by_label
    ]
    if len(having) == 1:
        return Choice(having[0], subuser)
    if having:
        sentence = f"{len(having)} accounts have a subuser '{_shorten(subuser)}': choose one."
        links = [(show(name), link_subuser(name, subuser)) for name in having]
        return Refusal(300, sentence, links)
    sentence = f"No account has a subuser '{_shorten(subuser)}' now."
    if unknown := sum(not each.subusers for each, _ in accounts):
        sentence += f" The subusers of {unknown} of {len(accounts)} accounts are not known."
    return Refusal(404, sentence, [_link_search(subuser)])


def _choose_within(snapshot: Snapshot, health: Health, subuser: str) -> Choice | Refusal:
    account, subusers, name = show(snapshot.account), snapshot.subusers, _shorten(subuser)
    if subusers and subuser in subusers.by_label:
        return Choice(snapshot.account, subuser)
    if not subusers and health.failure:
        return Refusal(
            503, f"The subusers of account {account} are not known: {show(health.failure)}"
        )
    if not subusers and not health.is_ready:
        return Refusal(
            503,
            f"The subusers of account {account} are not known yet: its first poll has not ended. "
            "Reload this page in a minute.",
        )
    if not subusers:
        return Refusal(
            404,
            f"No subusers of account {account} are known: its configuration asks for none, or "
            "SendGrid has calculated no scores of theirs yet.",
        )
    if subuser in subusers.missing:
        return Refusal(
            404,
            f"The configuration of account {account} names '{name}', and SendGrid knows no such "
            "subuser: correct the name, or ask who removed it. "
            "docs/runbooks/SeqSubuserMissing.md has the steps.",
        )
    return _report_absence(snapshot.account, subusers, subuser)


def _report_absence(account: str, subusers: SubuserScores, subuser: str) -> Refusal:
    sentence = (
        f"Account {show(account)} has no subuser '{_shorten(subuser)}' now: it was renamed or "
        "removed, or `subusers` in the configuration leaves it out. "
        "docs/runbooks/SeqSubuserVanished.md has the steps."
    )
    known = subusers.by_label
    nearest = difflib.get_close_matches(subuser, known) if len(known) <= _MOST_COMPARED else []
    links = [(f"Did you mean {show(name)}?", link_subuser(account, name)) for name in nearest]
    return Refusal(404, sentence, [*links, _link_search(subuser)])


def _link_search(subuser: str) -> tuple[str, str]:
    search = urlencode({"subuser": subuser[:_MOST_SHOWN]})
    return "Search the subusers", f"./?{search}#subusers"


def _shorten(name: str) -> str:
    return show(name[:_MOST_SHOWN])


class SubuserPage:
    """Renders the page of a subuser.

    `find_docs` returns the URL of the folder of the documentation, if there is one.
    """

    def __init__(self, find_docs: Callable[[], str | None] = lambda: None) -> None:
        self._find_docs = find_docs

    @property
    def _docs_url(self) -> str:
        return (self._find_docs() or "").rstrip("/")

    def render(self, evidence: Evidence) -> str:
        """Return the HTML that explains the score of a subuser."""
        explanation = explain(evidence)
        newest = evidence.days[evidence.day]
        sentences = [*explanation.next_steps]
        if explanation.runbook:
            sentences.append(f"docs/runbooks/{explanation.runbook}.md is the runbook of its alert.")
        return load_template("subuser.html").render(
            docs_url=self._docs_url,
            account=evidence.account,
            subuser=evidence.subuser,
            day=evidence.day,
            overall=newest.overall,
            verdict=explanation.happened[0],
            happened=explanation.happened[1:],
            others=explanation.others,
            remedy=explanation.remedy,
            next_steps=[self._split(sentence) for sentence in sentences],
            rows=list(_describe_rows(explanation)),
            first=min(explanation.series["overall"]),
            days=list(_list_days(explanation)),
            names=SERIES,
            asked_at=_tell_time(evidence.asked_at),
            command=show(write_command(evidence.account, evidence.subuser)),
        )

    def render_refusal(self, refusal: Refusal) -> str:
        """Return the HTML that says why there is no page of a subuser."""
        return load_template("no_subuser.html").render(
            title=_TITLES[refusal.status],
            sentence=self._split(refusal.sentence),
            links=refusal.links,
        )

    def _split(self, sentence: str) -> list[tuple[str, str]]:
        """Return the parts of a sentence with the address of each, "" if it is no link.

        [("docs/remedies.md#open_rate", "https://.../remedies.md#open_rate"), (" has ...", "")]
        """
        docs_url, parts, end = self._docs_url, [], 0
        for found in _DOCUMENT.finditer(sentence) if docs_url else ():
            address = f"{docs_url}/{found[0].removeprefix('docs/')}"
            parts += [(sentence[end : found.start()], ""), (found[0], address)]
            end = found.end()
        return [*parts, (sentence[end:], "")]


def _describe_rows(explanation: Explanation) -> Iterator[dict[str, Any]]:
    """Yield a row of the picture for each score: the overall one, then what moved, in order."""
    still = [name for name in SERIES[1:] if name not in explanation.moved]
    for name in ("overall", *explanation.moved, *still):
        values, trend = explanation.series[name], explanation.trends[name]
        newest = [*values.values()][-1]
        has_changed = trend is not None and newest is not None and not trend.is_over
        yield {
            "name": name,
            "newest": newest,
            "trend": trend if has_changed else None,
            "bars": list(_draw_bars(values)),
            "label": _tell_picture(name, values),
        }


def _draw_bars(values: Mapping[date, float | None]) -> Iterator[dict[str, Any]]:
    """Yield the bar of each day that has a score; the picture of a month is 300 wide, 40 high."""
    for number, (day, value) in enumerate(values.items()):
        if value is not None:
            share = (value - LOWEST) / (HIGHEST - LOWEST)
            height = round(_LEAST_HEIGHT + share * (_HEIGHT - _LEAST_HEIGHT), 1)
            yield {
                "day": day,
                "value": value,
                "x": number * _DAY_WIDTH,
                "y": round(_HEIGHT - height, 1),
                "height": height,
            }


def _tell_picture(name: str, values: Mapping[date, float | None]) -> str:
    """Return the text of a picture: `open_rate: 4.5 on ..., 3.4 on ...`."""
    scored = [(day, value) for day, value in values.items() if value is not None]
    if not scored:
        return f"{name}: no score"
    ends = dict([scored[0], scored[-1]])
    return f"{name}: {', '.join(f'{value:.1f} on {day}' for day, value in ends.items())}"


def _list_days(explanation: Explanation) -> Iterator[tuple[date, list[float | None]]]:
    """Yield the scores of each day, the newest first."""
    for day in sorted(explanation.series["overall"], reverse=True):
        yield day, [explanation.series[name][day] for name in SERIES]


def _tell_time(seconds: float | None) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC" if seconds else ""
