"""`seq-exporter scores` with flags that are wrong: it asks nobody."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seq_exporter.commands.main import main
from seq_exporter.commands.scores.command import scores
from tests.support import KEY

#: Days are counted from the real one. At midnight, the message may name the day after it.
TODAY = datetime.now(UTC).date()


def test_an_earlier_name_of_a_flag_still_works() -> None:
    for flags in (["--descending"], ["--reverse"]):
        assert scores.make_context("scores", flags).params["descending"] is True
    assert scores.make_context("scores", []).params["descending"] is False


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--date=2026-02-30"], "'2026-02-30' is not a date: use YYYY-MM-DD"),
        (["--date=20261101"], "'20261101' is not a date: use YYYY-MM-DD"),
        (["--date=2026-W01-1"], "'2026-W01-1' is not a date: use YYYY-MM-DD"),
        (["--date=2999-01-01"], f"2999-01-01 is in the future: today is {TODAY} (UTC)"),
        (
            ["--date=2026-01-01"],
            "2026-01-01 is over 90 days back, and SendGrid keeps no more: "
            f"{TODAY - timedelta(90)} is the oldest day",
        ),
        (["--history=91"], "'91' is not a whole number from 0 to 90"),
        (["--limit=-1"], "'-1' is not a whole number from 0 on"),
        (["--limit=1_0"], "'1_0' is not a whole number from 0 on"),
        (["--below=low"], "'low' is not a number"),
        (["--below=nan"], "'nan' is not a number"),
        (["--format=csv", "--history=9"], "--history is for tables and JSON: csv holds one day"),
        (["--format=openmetrics", "--limit=9"], "--limit is for rows"),
        (["--sort=opens"], "'opens' is not one of 'overall', 'engagement_recency'"),
        (["--format=openmetrics", "--below=3"], "a series that comes and goes is of no use"),
        (["--format=openmetrics", "--subuser=a*"], "choose with `subusers:` in the configuration"),
        (["--account=ketlewick"], "no account 'ketlewick' in the configuration"),
        (["--config.file=none.yaml"], "no configuration file: looked for"),
    ],
)
def test_wrong_use(
    flags: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "config.yaml").write_text(f"accounts: [{{name: kettlewick, api_key: {KEY}}}]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["seq-exporter", "scores", *flags])
    with pytest.raises(SystemExit) as ended:
        main()
    out, error = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert message in error
