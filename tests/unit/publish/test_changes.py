"""Changes of several threads, and how often they are published."""

from __future__ import annotations

import threading

import pytest

from seq_exporter.publish.changes import Changes

# An upper bound for waits that would never end; no test takes as long.
HUNG = 60


def test_what_has_not_changed_is_not_published() -> None:
    published: list[int] = []
    changes = Changes(lambda: published.append(1))
    changes.publish()
    assert published == []
    changes.note()
    changes.publish()
    changes.publish()
    assert published == [1]


def test_changes_while_it_publishes_share_the_next_run() -> None:
    data, published = [0], []
    has_begun, go = threading.Event(), threading.Event()

    def publish() -> None:
        published.append(list(data))
        has_begun.set()
        assert go.wait(HUNG)

    changes = Changes(publish)
    barrier = threading.Barrier(4)

    def change(number: int) -> None:
        data.append(number)
        changes.note()
        if number > 1:
            barrier.wait(HUNG)
        changes.publish()

    first = threading.Thread(target=change, args=(1,))
    first.start()
    assert has_begun.wait(HUNG)
    others = [threading.Thread(target=change, args=(number,)) for number in (2, 3, 4)]
    for thread in others:
        thread.start()
    barrier.wait(HUNG)  # all of them are noted
    go.set()
    for thread in (first, *others):
        thread.join(HUNG)
    assert [sorted(each) for each in published] == [[0, 1], [0, 1, 2, 3, 4]]


def test_after_an_error_it_is_published_again() -> None:
    errors = [ZeroDivisionError]

    def publish() -> None:
        if errors:
            raise errors.pop()

    changes = Changes(publish)
    changes.note()
    with pytest.raises(ZeroDivisionError):
        changes.publish()
    published: list[int] = []
    changes._publish = lambda: published.append(1)
    changes.publish()
    assert published == [1]
