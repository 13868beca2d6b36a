"""The files from which promtool makes blocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.history import AccountHistory, list_published_days
from seq_exporter.commands.backfill.openmetrics import check_space, estimate_files, write_files
from seq_exporter.commands.backfill.plan import (
    WINDOW_SECONDS,
    Plan,
    choose_step,
    publish,
)
from seq_exporter.config.model import ALL_SUBUSERS, PollSettings, SeriesSelection
from seq_exporter.config.secret import Secret
from seq_exporter.errors import BackfillError
from seq_exporter.score import Score
from seq_exporter.scores import OwnScore, Snapshot
from tests.support import KEY, FakeTime, account, day
from tests.unit.commands.backfill.past import HOURS, LABELS, at, fill, options_of, plan_of

FILE = """\
# HELP sendgrid_seq_score Overall SEQ score of a subuser, from 1 (poor) to 5 (good), cached from the last successful poll.
# TYPE sendgrid_seq_score gauge
sendgrid_seq_score{account="acme",subuser="shop-de",job="seq",instance="a \\"b\\" \\\\ c\\n"} 4.5 1793620800
sendgrid_seq_score{account="acme",subuser="shop-de",job="seq",instance="a \\"b\\" \\\\ c\\n"} 4.5 1793664000
sendgrid_seq_score{account="acme",subuser="shop-de",job="seq",instance="a \\"b\\" \\\\ c\\n"} 4.0 1793707200
sendgrid_seq_score{account="acme",subuser="shop-fr",job="seq",instance="a \\"b\\" \\\\ c\\n"} 3.0 1793620800
sendgrid_seq_score{account="acme",subuser="shop-fr",job="seq",instance="a \\"b\\" \\\\ c\\n"} 3.0 1793664000
# HELP sendgrid_seq_metric_score SEQ score of a subuser in one metric, from 1 (poor) to 5 (good), cached from the last successful poll.
# TYPE sendgrid_seq_metric_score gauge
sendgrid_seq_metric_score{account="acme",metric="open_rate",subuser="shop-de",job="seq",instance="a \\"b\\" \\\\ c\\n"} 2.0 1793620800
sendgrid_seq_metric_score{account="acme",metric="open_rate",subuser="shop-de",job="seq",instance="a \\"b\\" \\\\ c\\n"} 2.0 1793664000
sendgrid_seq_metric_score{account="acme",metric="open_rate",subuser="shop-de",job="seq",instance="a \\"b\\" \\\\ c\\n"} 1.0 1793707200
# HELP sendgrid_seq_account_score Overall SEQ score of the account itself, from 1 (poor) to 5 (good), cached from the last successful poll.
# TYPE sendgrid_seq_account_score gauge
sendgrid_seq_account_score{account="acme",job="seq",instance="a \\"b\\" \\\\ c\\n"} 5.0 1793707200
"""  # noqa: E501


def write(plan: Plan, archive: Archive, folder: Path) -> dict[str, str]:
    """Write the files; return what is in them by their names."""
    files = write_files(plan, archive, folder, lambda done, text: None)
    return {path.name: path.read_text() for path in files}


def plan_across(border: int, history: AccountHistory) -> Plan:
    """Return a plan whose samples begin two hours before `border`, and end five hours after it."""
    options = options_of(
        delay_seconds=border - at(3) - 2 * HOURS, poll=PollSettings(lookback_days=90)
    )
    days = publish(history.account, history.archive, options, border + 5 * HOURS)
    return Plan([replace(history, days=days)], 2 * HOURS, {})


def test_the_whole_text_of_a_file(archive: Archive, tmp_path: Path) -> None:
    made = account(series=SeriesSelection(eligible=False))
    files = write(plan_of(fill(archive, made), at(4)), archive, tmp_path)
    assert list(files) == ["scores-2026-10-30.om"]
    text = files["scores-2026-10-30.om"]
    assert text.startswith(FILE)
    assert text.endswith("# EOF\n")
    for family in (
        "sendgrid_seq_score_date_timestamp_seconds",
        "sendgrid_seq_subusers",
        "sendgrid_seq_score_subusers",
    ):
        assert f"# TYPE {family} gauge\n" in text
    assert "sendgrid_seq_subuser_eligible" not in text
    assert [line for line in text.splitlines() if 'scope="subusers"' in line] == [
        'sendgrid_seq_score_date_timestamp_seconds{account="acme",scope="subusers",job="seq",'
        f'instance="a \\"b\\" \\\\ c\\n"}} {value} {moment}'
        for value, moment in (
            ("1.7934912e+09", at(2, 12)),
            ("1.7934912e+09", at(3)),
            ("1.7935776e+09", at(3, 12)),
        )
    ]


def test_a_strict_parser_reads_it(archive: Archive, tmp_path: Path) -> None:
    (text,) = write(plan_of(fill(archive, account()), at(4)), archive, tmp_path).values()
    families = list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    assert len(families) == 7  # all but the own metrics
    samples = [sample for family in families for sample in family.samples]
    assert all(sample.labels["instance"] == LABELS["instance"] for sample in samples)
    assert {float(sample.timestamp) for sample in samples} == {at(2, 12), at(3), at(3, 12)}
    eligible = [
        (sample.labels["subuser"], sample.value, int(float(sample.timestamp)))
        for sample in samples
        if sample.name == "sendgrid_seq_subuser_eligible"
    ]
    assert ("shop-fr", 1.0, at(3)) in eligible
    assert ("shop-fr", 0.0, at(3, 12)) in eligible


def test_the_samples_are_counted_in_advance(archive: Archive, tmp_path: Path) -> None:
    made = account(series=SeriesSelection(metrics=("open_rate",)), own_score=False)
    plan = replace(plan_of(fill(archive, made), at(4)), labels={})
    (text,) = write(plan, archive, tmp_path).values()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    missing = 2  # shop-fr has no open rate on the first day, which two samples show
    assert plan.samples == len(lines) + missing


def test_windows_divide_the_samples_into_files(archive: Archive, tmp_path: Path) -> None:
    border = at(3) // WINDOW_SECONDS * WINDOW_SECONDS + WINDOW_SECONDS
    history = fill(archive, account(subusers=None))
    plan = plan_across(border, history)
    files = write(plan, archive, tmp_path)
    moments = [
        [int(line.rpartition(" ")[2]) for line in text.splitlines() if "account_score{" in line]
        for text in files.values()
    ]
    assert moments == [[border - 2 * HOURS], [border, border + 2 * HOURS, border + 4 * HOURS]]


def test_complete_files_stay_and_files_of_another_plan_are_deleted(
    archive: Archive, tmp_path: Path
) -> None:
    history = fill(archive, account())
    plan = plan_of(history, at(4))
    for name in ("scores-2020-01-01.om", "scores-2026-10-30.om.tmp", "scores-2020-01-01.om.tmp"):
        (tmp_path / name).write_text("half of it")
    before = write(plan, archive, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["scores-2026-10-30.om"]
    file = tmp_path / "scores-2026-10-30.om"
    file.write_text("untouched")
    assert write(plan, archive, tmp_path) == {file.name: "untouched"}
    # Labels, step and days belong to the plan.
    assert write(replace(plan, labels={}), archive, tmp_path) != {file.name: "untouched"}
    assert write(plan, archive, tmp_path) == before
    file.unlink()
    assert write(plan, archive, tmp_path) == before


def test_a_stop_leaves_no_files_of_two_plans(archive: Archive, tmp_path: Path) -> None:
    border = at(3) // WINDOW_SECONDS * WINDOW_SECONDS + WINDOW_SECONDS
    history = fill(archive, account(subusers=None))
    plan = replace(plan_across(border, history), labels={"job": "one"})
    assert len(write(plan, archive, tmp_path)) == 2

    def stop(done: int, text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_files(replace(plan, labels={"job": "another"}), archive, tmp_path, stop)
    assert list(tmp_path.iterdir()) == []


def test_a_new_day_changes_only_the_windows_that_it_is_published_in(
    archive: Archive, tmp_path: Path
) -> None:
    history = fill(archive, account())
    plan = plan_of(history, at(4))
    (window,) = plan.windows()
    before = plan.fingerprint(window)
    acme = archive.claim(account(), Secret(KEY))
    acme.add_page(day(20), [Score("1", "shop-de", 4.0)], None)
    acme.finish(day(20))
    acme.label(ALL_SUBUSERS)
    assert plan_of(AccountHistory(account(), acme, []), at(4)).fingerprint(window) == before
    acme.drop(day(2))
    acme.add_page(day(2), [Score("1", "shop-de", 3.9)], None)
    acme.finish(day(2))
    acme.label(ALL_SUBUSERS)
    assert plan_of(AccountHistory(account(), acme, []), at(4)).fingerprint(window) != before


def test_a_file_that_cannot_be_written_leaves_nothing_behind(
    archive: Archive, tmp_path: Path
) -> None:
    plan = plan_of(fill(archive, account()), at(4))
    seen: list[str] = []

    def report(done: int, text: str) -> None:
        seen.extend(path.name for path in tmp_path.iterdir())
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_files(plan, archive, tmp_path, report)
    assert list(tmp_path.iterdir()) == []
    assert "scores-2026-10-30.om" not in seen


def test_files_that_do_not_fit_are_not_begun(
    archive: Archive, tmp_path: Path, time: FakeTime
) -> None:
    plan = plan_of(fill(archive, account()), at(4), step_seconds=60)
    estimated = estimate_files(plan, tmp_path, time.clock)
    check_space(plan, estimated, 100_000_000, tmp_path)
    message = (
        f"^the files take about [1-9]\\d MB, and {tmp_path} has 10 MB: "
        "choose a longer --step than 1m, fewer accounts with --account, or another --output-dir$"
    )
    with pytest.raises(BackfillError, match=message):
        check_space(plan, estimated, 10_000_000, tmp_path)


def test_without_samples_no_file_is_written_or_deleted(archive: Archive, tmp_path: Path) -> None:
    history = fill(archive, account())
    before = write(plan_of(history, at(4)), archive, tmp_path)
    assert write(plan_of(history, at(2)), archive, tmp_path) == {}
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


class Fleet(AccountHistory):
    """A history of a thousand series for each of its scores."""

    def count_series(self, scores: Snapshot) -> int:
        assert scores.own
        return int(1000 * (scores.own.score.overall or 0))


@pytest.mark.parametrize(
    ("series", "step_seconds"),
    [(0, 240), (200, 240), (300, 3600), (13_000, 3600), (15_000, 86_400), (10**6, 86_400)],
)
def test_the_step_is_as_fine_as_the_fleet_allows(
    archive: Archive, series: int, step_seconds: int
) -> None:
    scores = Snapshot("acme", own=OwnScore(day(1), Score("", None, series / 1000)))
    days = {date.fromordinal(day(1).toordinal() - number): True for number in range(90)}
    published = list_published_days(days, delay_seconds=0, lookback_days=7, until=at(2))
    acme = archive.claim(account(), Secret(KEY))
    history = Fleet(account(), acme, [(each, scores) for each in published])
    assert choose_step([history]) == step_seconds
