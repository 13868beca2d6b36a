"""From SendGrid's users to `subuser` labels: usernames, and which subusers are selected."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import date

from seq_exporter.config.model import SubuserSelection
from seq_exporter.errors import AccountUnavailable, EndpointFailed, ServerFailed
from seq_exporter.scores import Score, SubuserScores
from seq_exporter.sendgrid.client import SendGrid
from seq_exporter.sendgrid.parsing import Anomalies

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
        self._asked_at = 0.0
        self._pause_seconds = 0.0

    @property
    def known(self) -> Collection[str]:
        """All usernames that are known."""
        return self._by_id.values()

    def complete(self, scores: Iterable[Score], sendgrid: SendGrid, now: float) -> list[Score]:
        """Return `scores` with every username that is known; asks SendGrid only for new users.

        If SendGrid refuses, nothing breaks: a user without a name goes by its user_id.
        """
        scores = list(scores)
        self._by_id.update((score.user_id, score.username) for score in scores if score.username)
        if len(self._by_id) > 2 * len(scores) + _NAMES_TO_SPARE:
            present = {score.user_id for score in scores}
            self._by_id = {key: name for key, name in self._by_id.items() if key in present}
        nameless = frozenset(score.user_id for score in scores) - self._by_id.keys()
        # If the clock was set back, the age is negative and means nothing.
        if not 0 <= now - self._asked_at < _ASK_AGAIN_SECONDS:
            self._unknown = frozenset()
        is_early = 0 <= now - self._asked_at < self._pause_seconds
        if not is_early and not nameless <= self._unknown:
            if (
                now != self._asked_at
            ):  # otherwise this poll has read the list already, for another day
                self._ask(sendgrid, now)
            if not self._pause_seconds:  # added to those of other days in the same poll
                self._unknown = (self._unknown | nameless) - self._by_id.keys()
        return [
            score if score.username else score._replace(username=self._by_id.get(score.user_id))
            for score in scores
        ]

    def _ask(self, sendgrid: SendGrid, now: float) -> None:
        self._asked_at = now
        self._pause_seconds = 0.0
        try:
            for page in sendgrid.read_usernames():
                self._by_id.update(page.usernames)
        except (AccountUnavailable, ServerFailed) as err:
            _log.info("cannot list subusers now", extra={"error": str(err)})
            self._pause_seconds = _TRY_AGAIN_SECONDS
        except EndpointFailed as err:
            _log.info("SendGrid refuses this key the list of subusers", extra={"error": str(err)})


def labels_for(score: Score) -> tuple[str, str, str]:
    """Return candidates for a user's `subuser` label, best first: the first free one is used."""
    name = score.username or score.user_id
    # The user_id may be the username of a third user.
    return name, score.user_id, f"{name} ({score.user_id})"


def select_subusers(
    day: date,
    scores: Sequence[Score],
    selection: SubuserSelection,
    anomalies: Anomalies,
    read_at: float,
) -> SubuserScores:
    """Return the scores that `selection` contains, each under its label: username or user_id.

    Of two users with one name, the second is labelled with its user_id: no two series are the same.
    """
    by_label: dict[str, Score] = {}
    known: set[str] = set()
    for score in scores:
        name = score.username or score.user_id
        known.add(name)
        if name in selection:
            if name in by_label:
                anomalies.note("duplicate_username", score.user_id, name)
            free = (label for label in labels_for(score) if label not in by_label)
            by_label.setdefault(next(free, name), score)
    return SubuserScores(
        day=day,
        by_label=by_label,
        missing=tuple(sorted(selection.names - known)),
        has_scores=any(score.is_scored for score in scores),
        read_at=read_at,
    )
