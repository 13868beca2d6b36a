"""Fork processes that save without pause, and kill them at any moment: `FOLDER TIMES`.

Prints how many died in the middle of a save, and how many files were not whole. A process of its
own, because only one without threads may fork.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from seq_exporter.config.secret import Secret
from seq_exporter.history import NO_HISTORY
from seq_exporter.score import Score
from seq_exporter.scores import Snapshot, SubuserScores
from tests.support import KEY, account, day, state_in

USERS = 2000


def fleet(score: float) -> Snapshot:
    """Return a snapshot all of whose scores are the same."""
    scores = (Score(str(number), f"user-{number}", score, (score,) * 5) for number in range(USERS))
    return Snapshot("acme", SubuserScores(day(4), {score.user_id: score for score in scores}))


SNAPSHOTS = [fleet(2.0), fleet(4.0)]
HISTORIES = [
    NO_HISTORY.record(day(4), snapshot.subusers.overall_by_user)
    for snapshot in SNAPSHOTS
    if snapshot.subusers
]


def save_for_ever(folder: Path) -> None:
    """Save one snapshot and history and the others in turn."""
    state = state_in(folder)
    while True:
        for snapshot, history in zip(SNAPSHOTS, HISTORIES, strict=True):
            state.save(account(), Secret(KEY), snapshot)
            state.save_history(account(), Secret(KEY), history)


def kill_one(folder: Path, chance: random.Random) -> bool:
    """Kill a process that saves, and return whether that was in the middle of a save."""
    child = os.fork()
    if not child:
        save_for_ever(folder)
    started = time.monotonic()
    while not any(folder.rglob(".*.tmp")) and time.monotonic() - started < 30:
        time.sleep(0.0005)
    time.sleep(chance.random() * 0.015)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return any(folder.rglob(".*.tmp"))


def main() -> None:
    """Kill, and look at what is left."""
    folder, times = Path(sys.argv[1]), int(sys.argv[2])
    chance = random.Random(1)
    state = state_in(folder)
    state.save(account(), Secret(KEY), SNAPSHOTS[0])
    state.save_history(account(), Secret(KEY), HISTORIES[0])
    in_the_middle = broken = 0
    for _ in range(times):
        in_the_middle += kill_one(folder, chance)
        try:
            broken += state.load(account(), Secret(KEY)) not in SNAPSHOTS
            broken += state.load_history(account(), Secret(KEY)) not in HISTORIES
        except ValueError:
            broken += 1
    left = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    print(in_the_middle, broken, *left)


if __name__ == "__main__":
    main()
