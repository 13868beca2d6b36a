"""Several fleets, account by account, side by side."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from seq_exporter.simulator.fleet import Fleet, SimulatedAccount
from tests.incidents.judge import ANCHOR, Finding, Judgement, judge
from tests.incidents.replay import Firing

#: Not more notifications of one incident than these, nor more false alarms than one in so many.
MOST_NOTIFICATIONS = 3
YEARS_FOR_A_FALSE_ALARM = 50

# promtool's rule tests take 10,000 samples for a query at most: 40 subusers fit.
_SUBUSERS = 40


class Summary(NamedTuple):
    """What became of all incidents, and what was said in vain."""

    findings: Sequence[Finding]
    false_alarms: Sequence[Firing]
    subuser_years: float

    @property
    def is_good(self) -> bool:
        """Whether every incident was reported in time, none too often, and few in vain."""
        found = all(finding.is_in_time for finding in self.findings)
        calm = all(finding.notifications <= MOST_NOTIFICATIONS for finding in self.findings)
        allowed = self.subuser_years / YEARS_FOR_A_FALSE_ALARM
        return found and calm and len(self.false_alarms) <= allowed


def play(seeds: Sequence[int], promtool: str, alertmanager: str) -> Summary:
    """Play a quarter of a year of the fleets made of these seeds."""

    def play_account(account: SimulatedAccount) -> Judgement:
        with tempfile.TemporaryDirectory() as folder:
            return judge(account, promtool, alertmanager, Path(folder))

    accounts = [
        account
        for seed in seeds
        for account in Fleet(seed, subusers=_SUBUSERS, anchor=ANCHOR).accounts
    ]
    # promtool's rule tests use one processor each.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        judgements = list(pool.map(play_account, accounts))
    return Summary(
        [finding for judgement in judgements for finding in judgement.findings],
        [firing for judgement in judgements for firing in judgement.false_alarms],
        sum(judgement.subuser_years for judgement in judgements),
    )
