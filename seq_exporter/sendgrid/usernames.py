"""From SendGrid's users to `subuser` labels: usernames, and which subusers are selected."""

from __future__ import annotations

import logging
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from datetime import date

from seq_exporter.config.model import ALL_SUBUSERS, SubuserSelection
from seq_exporter.errors import AccountUnavailable, EndpointFailed, ServerFailed
from seq_exporter.score import Score
from seq_exporter.scores import SubuserScores, share
from seq_exporter.sendgrid.anomalies import Anomalies
from seq_exporter.sendgrid.client import SendGrid

# When SendGrid is asked again for names that it did not know: a list of 100,000 subusers takes 200
# requests, and names seldom appear by themselves.
_ASK_AGAIN_SECONDS = 86_400.0
# When it is asked again if it did not answer.
_TRY_AGAIN_SECONDS = 3_600.0

# How many names of users without an item are kept: a user who is not listed today may be tomorrow.
_NAMES_TO_SPARE = 10_000

_log = logging.getLogger(__name__)


class Usernames:
    """The usernames of one account's users, from pages of scores and, if missing there, by request.

    SendGrid leaves the username out of the item of a user who is not eligible.
    """

    def __init__(self, known: Iterable[Score] = ()) -> None:
        self._by_id = {score.user_id: score.username for score in known if score.username}
        self._unknown: frozenset[str] = frozenset()
        self._nameless: Collection[str] = ()
        self._asked_at = 0.0
        self._pause_seconds = 0.0

    @property
    def known(self) -> Collection[str]:
        """All usernames that are known."""
        return self._by_id.values()

    @property
    def nameless(self) -> Collection[str]:
        """The user_ids in the newest scores whose usernames are not known."""
        return self._nameless

    def complete(
        self, scores: Sequence[Score], sendgrid: SendGrid, now: float, known: Mapping[str, Score]
    ) -> list[Score]:
        """Return `scores` with every username that is known; asks SendGrid only for new users.

        A completed score that equals the one in `known`, by user_id, is that object. A name belongs
        to the user who has it in `scores`: a remembered name never takes it away. If SendGrid
        refuses, nothing breaks: a user without a name goes by its user_id.
        """
        without: dict[int, Score] = {}  # by their place, because only these are replaced
        for place, score in enumerate(scores):
            if score.username:
                self._by_id[score.user_id] = score.username
            else:
                without[place] = score
        if len(self._by_id) > 2 * len(scores) + _NAMES_TO_SPARE:
            present = {score.user_id for score in scores}
            self._by_id = {key: name for key, name in self._by_id.items() if key in present}
        nameless = self._keep_nameless(score.user_id for score in without.values())
        # If the clock was set back, the age is negative and means nothing.
        if not 0 <= now - self._asked_at < _ASK_AGAIN_SECONDS:
            self._unknown = frozenset()
        is_early = 0 <= now - self._asked_at < self._pause_seconds
        if not is_early and not nameless <= self._unknown:
            # A second day in the same poll: the list has been read already.
            if now != self._asked_at:
                self._ask(nameless, sendgrid, now)
            if not self._pause_seconds:  # added to those of other days in the same poll
                self._unknown = self._keep_nameless(self._unknown | nameless)
        self._nameless = self._keep_nameless(nameless)
        named = list(scores)
        if without:
            recalled = {self._by_id.get(score.user_id) for score in without.values()}
            given = recalled.intersection([score.username for score in scores])
            for place, score in without.items():
                named[place] = share(self._name(score, given), known)
        return named

    def _name(self, score: Score, given: Container[str | None]) -> Score:
        """Return `score` with the user's remembered name, unless another user is `given` it now."""
        name = self._by_id.get(score.user_id)
        return score if name in given else Score(score.user_id, name, score.overall, score.metrics)

    def _keep_nameless(self, user_ids: Iterable[str]) -> frozenset[str]:
        # Not by subtracting sets: Python would copy all names, with every other thread waiting.
        return frozenset(user_id for user_id in user_ids if user_id not in self._by_id)

    def _ask(self, nameless: Collection[str], sendgrid: SendGrid, now: float) -> None:
        """Read the list of subusers, for the names of users who are `nameless`."""
        self._asked_at = now
        self._pause_seconds = 0.0
        listed: list[str] = []
        is_repeated = False
        # The names that differ from those remembered: few in a large account.
        changed: dict[str, str] = {}
        same = {user_id: user_id for user_id in nameless}  # no text is kept twice
        try:
            for page in sendgrid.read_usernames():
                listed += page.users
                if page.is_repeated:  # if a user is listed twice, the last name counts
                    is_repeated = True
                    for user_id in page.users:
                        changed.pop(user_id, None)
                for user_id, name in page.users.items():
                    if self._by_id.get(user_id) != name:
                        changed[same.get(user_id, user_id)] = name
        except (AccountUnavailable, ServerFailed) as err:
            _log.info("cannot list subusers now", extra={"error": str(err)})
            self._pause_seconds = _TRY_AGAIN_SECONDS
        except EndpointFailed as err:
            _log.info("SendGrid refuses this key the list of subusers", extra={"error": str(err)})
        # Also the first pages of a list that cannot be read to its end. A name that the list gives
        # to another user is no longer remembered.
        names = {**self._by_id, **changed}
        # Some may be names of users who are not listed. A repeated user counts twice in `listed`.
        if is_repeated or len(listed) < len(names):
            taken = {names[user_id] for user_id in listed}
            present = set(listed)
            names = {
                user_id: name
                for user_id, name in names.items()
                if user_id in present or name not in taken
            }
        self._by_id = names


def select_subusers(
    day: date,
    scores: Sequence[Score],
    selection: SubuserSelection,
    anomalies: Anomalies,
    read_at: float,
    held: Mapping[str, Score] | None = None,
) -> SubuserScores:
    """Return the scores that `selection` contains, each under its label: username or user_id.

    Of several users with one name, the one that has the label in `held` keeps it, otherwise the one
    with the lowest user_id gets it: the order of a page does not decide whose series is whose.
    """
    held = held or {}
    selected = scores
    missing: Collection[str] = ()
    if selection != ALL_SUBUSERS:  # to match every name with `*` takes longer than all the rest
        names = [_name_of(score) for score in scores]
        selected = [score for name, score in zip(names, scores, strict=True) if name in selection]
        missing = selection.names.difference(names)
    # Not by `_name_of`: a call takes as long as the rest.
    by_label: Mapping[str, Score] = {score.username or score.user_id: score for score in selected}
    if len(by_label) < len(selected):
        by_label = _label_namesakes(selected, held, anomalies)
    # To compare two large mappings later would stop every thread for 10 ms; this does not.
    is_same = (held.get(label) is score for label, score in by_label.items())
    if len(by_label) == len(held) and all(is_same):
        by_label = held
    return SubuserScores(
        day=day,
        by_label=by_label,
        missing=tuple(sorted(missing)),
        has_scores=any(score.is_scored for score in scores),
        read_at=read_at,
        users=len(scores),
    )


def _order_of(user_id: str) -> tuple[int, str]:
    """Return a key that sorts user_ids as the numbers that they are, and other text too."""
    return len(user_id), user_id


def label_namesake(name: str, user_id: str) -> Iterator[str]:
    """Yield labels for a user whose name is another user's label: the first free one is used."""
    yield user_id
    label = name
    while True:  # the user_id, and whatever follows, may be the username of a third user
        label = f"{label} ({user_id})"
        yield label


def _name_of(score: Score) -> str:
    return score.username or score.user_id


def _label_namesakes(
    scores: Sequence[Score], held: Mapping[str, Score], anomalies: Anomalies
) -> dict[str, Score]:
    by_name: dict[str, dict[str, Score]] = {}
    for score in scores:
        by_name.setdefault(_name_of(score), {}).setdefault(score.user_id, score)
    by_label: dict[str, Score] = {}
    others: list[tuple[str, Score]] = []
    for name, users in by_name.items():
        # A user_id that stands in for an unknown name gives way to the name of another user.
        named = [user_id for user_id, score in users.items() if score.username] or users
        holder = min(named, key=_order_of)
        if name in held and held[name].user_id in named:
            holder = held[name].user_id
        by_label[name] = users[holder]
        others += [(name, score) for user_id, score in users.items() if user_id != holder]
    for name, score in sorted(others, key=lambda other: _order_of(other[1].user_id)):
        anomalies.note("duplicate_username", score.user_id, name)
        labels = label_namesake(name, score.user_id)
        by_label[next(label for label in labels if label not in by_label)] = score
    return by_label
