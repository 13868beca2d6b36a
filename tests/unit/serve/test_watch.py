"""Files that change: what counts as a change, and that each is acted upon once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from seq_exporter.serve.watch import Watch, follow
from seq_exporter.threads import NoThread


def test_the_content_counts_and_not_the_time(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a")
    watch = Watch(lambda: [file])
    os.utime(file, (1, 1))
    assert not watch.has_changed()
    file.write_text("b")
    os.utime(file, (1, 1))
    assert watch.has_changed()
    assert not watch.has_changed()


def test_a_file_that_goes_or_comes_is_a_change(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a")
    watch = Watch(lambda: [file])
    file.unlink()
    assert watch.has_changed()
    assert not watch.has_changed()
    file.write_text("a")
    assert watch.has_changed()


def test_a_link_that_is_swapped_is_a_change(tmp_path: Path) -> None:
    """As Kubernetes renews a Secret: a link to a folder is replaced."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    (tmp_path / "data").symlink_to("one")
    watch = Watch(lambda: [tmp_path / "data" / "file"])
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").rename(tmp_path / "data")
    assert watch.has_changed()


def test_other_files_are_a_change(tmp_path: Path) -> None:
    paths = [tmp_path / "a"]
    watch = Watch(lambda: paths)
    paths.append(tmp_path / "b")
    assert watch.has_changed()


def test_each_change_is_followed_once(tmp_path: Path) -> None:
    file = tmp_path / "file"
    changes: list[str | None] = []

    async def act() -> None:
        changes.append(file.read_text())

    async def run() -> None:
        following = asyncio.create_task(follow(Watch(lambda: [file]).has_changed, 0.001, act))
        for text in ("a", "b"):
            file.write_text(text)
            async with asyncio.timeout(30):  # only for a test that fails
                while text not in changes:
                    await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)
        following.cancel()

    asyncio.run(run())
    # A look in the middle of a write may have seen the file empty.
    assert [text for text in changes if text] == ["a", "b"]


def test_what_fails_is_logged_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    looks: Iterator[bool] = iter([True, *[False] * 1000])
    outcomes = [RuntimeError("odd"), RuntimeError("odd"), NoThread(), None]
    acted: list[object] = []

    async def act() -> None:
        acted.append(outcome := outcomes[len(acted)])
        if outcome:
            raise outcome

    async def run() -> None:
        following = asyncio.create_task(follow(lambda: next(looks), 0.001, act))
        async with asyncio.timeout(30):  # only for a test that fails
            while len(acted) < len(outcomes):
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)
        assert not following.done()
        following.cancel()

    asyncio.run(run())
    assert acted == outcomes
    logged = [(record.message, record.error) for record in caplog.records]  # type: ignore[attr-defined]
    assert logged == [
        ("changed files not followed", "odd"),
        ("changed files not followed", "[Errno 11] no thread can be started"),
    ]


def test_a_look_that_fails_is_no_end(caplog: pytest.LogCaptureFixture) -> None:
    acted = asyncio.Event()
    looks: list[Exception] = [IndexError(), NoThread()]

    def has_changed() -> bool:
        if looks:
            raise looks.pop()
        return True

    async def act() -> None:
        acted.set()

    async def run() -> None:
        following = asyncio.create_task(follow(has_changed, 0.001, act))
        async with asyncio.timeout(30):
            await acted.wait()
        following.cancel()

    asyncio.run(run())
    assert caplog.messages == ["changed files not followed"] * 2
