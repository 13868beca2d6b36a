"""The text at the end of a backfill, as a person reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.fetch import FetchedAccount
from seq_exporter.commands.backfill.remote_write import SentSamples
from seq_exporter.commands.backfill.summary import describe_files, describe_sending, summarize
from seq_exporter.config.secret import Secret
from seq_exporter.sendgrid.anomalies import Anomalies
from tests.support import KEY, account, day
from tests.unit.commands.backfill.past import at, fill, options_of, plan_of


def summary(
    archive: Archive,
    not_calculated: set[date],
    now: int,
    names: str = "",
    anomalies: Anomalies | None = None,
    **changes: Any,
) -> str:
    made = account()
    plan = plan_of(fill(archive, made), at(4))
    acme = archive.claim(made, Secret(KEY))
    fetched = FetchedAccount(made, acme, not_calculated, names, anomalies or Anomalies())
    return summarize([fetched], plan, options_of(**changes), now)


def test_days_that_were_fetched_and_days_that_are_missing(archive: Archive) -> None:
    archive.claim(account(), Secret(KEY)).forget(date(2026, 10, 31))
    said = summary(archive, {day(4), day(3)}, at(4), first=date(2026, 10, 31), last=day(4))
    assert said == (
        "acme: 2 days, 3 scores of subusers\n"
        "  not calculated: 2026-11-03, 2026-11-04\n"
        "  no longer kept by SendGrid: 2026-10-31"
    )


@pytest.mark.parametrize(
    ("last", "now", "hint"),
    [
        pytest.param(2, at(3, 15), "", id="later than --delay"),
        pytest.param(
            2,
            at(3, 9),
            "\n  2026-11-02 was calculated within 9.0 h of its end: use a shorter --delay",
            id="earlier",
        ),
        pytest.param(3, at(4, 9), "", id="not there yet"),
        pytest.param(
            3,
            at(4, 15),
            "\n  2026-11-03 is not calculated 15.0 h after its end: use a longer --delay",
            id="later",
        ),
    ],
)
def test_a_delay_that_does_not_fit_is_reported(
    last: int, now: int, hint: str, archive: Archive
) -> None:
    said = summary(archive, set(), now, last=day(last))
    assert said == f"acme: 2 days, 3 scores of subusers{hint}"


def test_the_commands_to_type_next(archive: Archive, tmp_path: Path) -> None:
    plan = plan_of(fill(archive, account()), at(4))
    folder = tmp_path / "the past"
    folder.mkdir()
    file = folder / "scores-2026-10-30.om"
    file.write_bytes(b"x" * 1_550_000)
    assert (
        describe_files([file], plan, folder)
        == f"""\
1 file, 1.6 MB, a sample every 12h up to 2026-11-04 00:00 UTC.
Next, make blocks of them, and move the blocks into Prometheus' data directory:

  rm -rf '{folder}/blocks'
  for file in '{folder}'/scores-*.om; do
    promtool tsdb create-blocks-from openmetrics \\
      --max-block-duration=486h "$file" '{folder}/blocks'
  done
  mv '{folder}/blocks'/* PROMETHEUS_DATA_DIRECTORY

Prometheus has to keep them: --storage.tsdb.retention.time=100d or more.
If Prometheus runs already, wait until 2026-11-04 03:00 UTC, three hours after
the newest sample: before, it may lose samples of its own."""
    )


def test_missing_labels_of_the_live_exporter_are_reported(archive: Archive, tmp_path: Path) -> None:
    plan = replace(plan_of(fill(archive, account()), at(4)), labels={"job": "seq"})
    warning = (
        "Without the --label=job=...,instance=... of the live exporter, a graph shows its\n"
        "series and these as different ones."
    )
    file = tmp_path / "scores-2026-10-30.om"
    file.touch()
    assert warning in describe_files([file], plan, tmp_path)
    assert describe_sending(SentSamples(1234, 0), plan, "http://localhost/write") == (
        "1,234 samples sent to http://localhost/write,\n"
        f"one every 12h up to 2026-11-04 00:00 UTC.\n{warning}"
    )


def test_samples_that_a_stopped_run_had_sent_are_reported(archive: Archive) -> None:
    plan = plan_of(fill(archive, account()), at(4))
    assert describe_sending(SentSamples(34, 1200), plan, "http://localhost/write") == (
        "34 samples sent to http://localhost/write,\n"
        "one every 12h up to 2026-11-04 00:00 UTC.\n"
        "1,200 had been sent before, by a run that was stopped."
    )


def test_anomalies_are_reported(archive: Archive) -> None:
    anomalies = Anomalies()
    anomalies.note("score", "7", 9)
    anomalies.note("score", "8", 9)
    said = summary(archive, set(), at(3, 15), "access forbidden", anomalies, last=day(2))
    assert said == (
        "acme: 2 days, 3 scores of subusers\n"
        "  users without a name go by their id: access forbidden\n"
        "  score not as documented, and left out: 2 (user_id '7': 9)"
    )


def test_nothing_is_written(archive: Archive, tmp_path: Path) -> None:
    plan = plan_of(fill(archive, account()), at(2))
    said = "No scores were published in that time: no file is written."
    assert describe_files([], plan, tmp_path) == said
