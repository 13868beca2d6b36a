"""The command line of `seq-exporter backfill`: its messages, and the files that it leaves.

The clock is the real one here: days are counted from today (UTC), as a user would.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import responses

from seq_exporter.commands import main as cli
from seq_exporter.commands.backfill.archive import Archive
from seq_exporter.commands.backfill.run import opened
from seq_exporter.errors import BackfillError
from tests.support import KEY, FakeSendGrid, item

CONFIG = f"""
accounts:
  - {{name: acme, api_key: {KEY}, own_score: false}}
  - {{name: globex, api_key: {KEY}, own_score: false}}
"""

#: The loggers whose levels the command sets.
LOGGERS = (None, "uvicorn", "asyncio", "urllib3.connection")


def today() -> date:
    return datetime.now(UTC).date()


def ago(days: int) -> date:
    return today() - timedelta(days)


class CommandLine:
    """Runs the command in `folder`, with a valid configuration."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.output = folder / "out"
        self._capsys = capsys
        (folder / "config.yaml").write_text(CONFIG)

    def run(self, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
        """Return the exit status, standard output and standard error."""
        monkeypatch.setattr(sys, "argv", ["seq-exporter", "backfill", *arguments])
        monkeypatch.chdir(self.folder)
        with pytest.raises(SystemExit) as caught:
            cli.main()
        said, error = self._capsys.readouterr()
        return int(caught.value.code or 0), said, error


Run = Callable[..., tuple[int, str, str]]


def mistake(result: tuple[int, str, str]) -> str:
    """Return the message for a wrong use, without the parts that differ by version of click."""
    status, said, error = result
    assert (status, said) == (2, "")
    usage, _, text = error.partition("\nError: ")
    assert usage.startswith("Usage: seq-exporter backfill [OPTIONS]\n")
    return re.sub(r" \(env var: '[A-Z_]+'\)", "", text.rstrip("\n"))


@pytest.fixture
def command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sendgrid: FakeSendGrid
) -> Iterator[CommandLine]:
    # With `sendgrid`, so a mistake that is overlooked makes no real request.
    handlers = logging.root.handlers[:]
    levels = {logger: logger.level for logger in map(logging.getLogger, LOGGERS)}
    logging.root.handlers.clear()  # else the command closes them, to set its own
    try:
        yield CommandLine(tmp_path, capsys)
    finally:
        logging.root.handlers[:] = handlers
        for logger, level in levels.items():
            logger.setLevel(level)


@pytest.fixture
def run(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        return command.run("--output-dir=out", *arguments, monkeypatch=monkeypatch)

    return run


def test_days_that_cannot_be_asked_for(run: Run, command: CommandLine) -> None:
    oldest = ago(90)
    for arguments, said in (
        (
            [f"--from={ago(91)}"],
            f"--from={ago(91)} is over 90 days back, and SendGrid keeps no more: "
            f"{oldest} is the oldest day",
        ),
        (
            [f"--to={ago(91)}"],
            f"--to={ago(91)} is over 90 days back, and SendGrid keeps no more: "
            f"{oldest} is the oldest day",
        ),
        ([f"--from={ago(-1)}"], f"--from={ago(-1)} is in the future: today is {today()} (UTC)"),
        ([f"--to={ago(-1)}"], f"--to={ago(-1)} is in the future: today is {today()} (UTC)"),
        ([f"--from={ago(3)}", f"--to={ago(4)}"], f"--from={ago(3)} is after --to={ago(4)}"),
    ):
        assert mistake(run(*arguments)) == said
    assert not command.output.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(
            ["--from=yesterday"],
            "Invalid value for '--from': 'yesterday' is not a date: use YYYY-MM-DD",
            id="from is no date",
        ),
        pytest.param(
            ["--to=2026-02-30"],
            "Invalid value for '--to': '2026-02-30' is not a date: use YYYY-MM-DD",
            id="to is no day of the calendar",
        ),
        pytest.param(
            ["--step=0s"],
            "Invalid value for '--step': '0s' is not from 1s to 1d: queries would see gaps",
            id="no step",
        ),
        pytest.param(
            ["--step=999ms"],
            "Invalid value for '--step': '999ms' is not from 1s to 1d: queries would see gaps",
            id="a step of less than a second",
        ),
        pytest.param(
            ["--step=2d"],
            "Invalid value for '--step': '2d' is not from 1s to 1d: queries would see gaps",
            id="a step of two days",
        ),
        *(
            pytest.param(
                [f"--step={text}"],
                "Invalid value for '--step': must be auto, or a duration such as 4m, 1h or 1d, "
                f"not '{text}'",
                id=f"step is no duration: {text!r}",
            )
            for text in ("hourly", "", "Auto", "auto ", "240", "1.5h", "-1h", "1h 30m", "30m1h")
        ),
        pytest.param(
            ["--delay=half a day"],
            "Invalid value for '--delay': must be a duration such as 90s, 15m, 1h30m or 7d, "
            "not 'half a day'",
            id="delay is no duration",
        ),
        pytest.param(
            ["--until=noon"],
            "Invalid value for '--until': 'noon' is not a time: use YYYY-MM-DDTHH:MM:SSZ",
            id="until is no time",
        ),
        pytest.param(
            ["--until=2026-13-01T00:00:00Z"],
            "Invalid value for '--until': '2026-13-01T00:00:00Z' is not a time: "
            "use YYYY-MM-DDTHH:MM:SSZ",
            id="until is in no month",
        ),
        pytest.param(
            ["--label=job"],
            "Invalid value for '--label': write NAME=VALUE, such as job=seq-exporter",
            id="a label without a value",
        ),
        pytest.param(
            ["--label=job="],
            "Invalid value for '--label': write NAME=VALUE, such as job=seq-exporter",
            id="a label with an empty value",
        ),
        pytest.param(
            ["--label==seq"],
            "Invalid value for '--label': write NAME=VALUE, such as job=seq-exporter",
            id="a label without a name",
        ),
        pytest.param(
            ["--label="],
            "Invalid value for '--label': write NAME=VALUE, such as job=seq-exporter",
            id="an empty label",
        ),
        pytest.param(
            ["--label=data-center=a"],
            "Invalid value for '--label': 'data-center' is not a label name",
            id="a bad name",
        ),
        pytest.param(
            ["--label=1st=a"],
            "Invalid value for '--label': '1st' is not a label name",
            id="a name that begins with a digit",
        ),
        pytest.param(
            ["--label=größe=a"],
            "Invalid value for '--label': 'größe' is not a label name",
            id="a name of other letters",
        ),
        pytest.param(
            ["--label=__name__=a"],
            "Invalid value for '--label': '__name__' is not a label name",
            id="a name of Prometheus' own",
        ),
        *(
            pytest.param(
                [f"--label=job=seq,{name}=a"],
                f"Invalid value for '--label': '{name}' is a label that the series have already",
                id=f"reserved: {name}",
            )
            for name in ("account", "band", "metric", "scope", "state", "subuser", "user_id")
        ),
        pytest.param(
            ["--label=job=a,job=b"],
            "Invalid value for '--label': 'job' is given twice",
            id="a name twice in one flag",
        ),
        pytest.param(
            ["--label=job=a", "--label=job=a"],
            "Invalid value for '--label': 'job' is given twice",
            id="a name twice in two flags",
        ),
        pytest.param(
            ["--label=job=\udcff"],
            "Invalid value for '--label': the value of 'job' is not UTF-8",
            id="a label that is no text",
        ),
        pytest.param(
            ['--label=job="seq"'],
            "Invalid value for '--label': the value of 'job' is in quotes: omit them",
            id="a label as a query writes it",
        ),
        pytest.param(
            [f"--delay={'9' * 400}y"],
            "Invalid value for '--delay': must be a duration such as 90s, 15m, 1h30m or 7d, "
            f"not '{'9' * 400}y'",
            id="a delay beyond all numbers",
        ),
        pytest.param(
            [f"--from={ago(3)}", f"--until={ago(3)}"],
            f"--until ends before --from={ago(3)} begins",
            id="an end before the beginning",
        ),
        pytest.param(
            ["--requests-per-minute=0"],
            "Invalid value for '--requests-per-minute': '0' is not a whole number from 1 to 6000",
            id="no requests",
        ),
        pytest.param(
            ["--requests-per-minute=6001"],
            "Invalid value for '--requests-per-minute': "
            "'6001' is not a whole number from 1 to 6000",
            id="too many requests",
        ),
        *(
            pytest.param(
                [f"--remote-write={url}"],
                "Invalid value for '--remote-write': "
                "write a URL such as http://localhost:9090/api/v1/write",
                id=f"no URL of a receiver: {url}",
            )
            for url in (
                "localhost:9090",
                "/api/v1/write",
                "ftp://localhost/api/v1/write",
                "http://",
                "http://user:hush@[/api/v1/write",
                "http://user:hush@localhost:99999/api/v1/write",
                "http://user:hush@localhost:0/api/v1/write",
                "http://user:hush@localhost:port/api/v1/write",
            )
        ),
        *(
            pytest.param(
                [f"--remote-write={url}"],
                "Invalid value for '--remote-write': has white space or an invisible character "
                "inside: write the URL on one line, with %20 for a space",
                id=f"a URL with white space: {url!r}",
            )
            for url in (
                "http://local host:9090/write",
                "http://localhost :9090/write",
                "http:// localhost/write",
                "http://localhost:9090/a b",
                "http://user:hu sh@localhost/write",
                "http://user:hu\nsh@localhost/write",
                "http://localhost:9090/api/\n  v1/write",
                "http://localhost\t:9090/write",
                "http://localhost:9090/write?x=a b",
                "http://localhost\xa0/write",
                "http://localhost/write\u200b",
                "\ufeffhttp://localhost/write",
                "http://localhost/write\x1b",
            )
        ),
        pytest.param(
            ["--remote-write-header=Authorization"],
            "Invalid value for '--remote-write-header': write NAME=VALUE, "
            "such as X-Scope-OrgID=team",
            id="a header without a value",
        ),
        pytest.param(
            ["--remote-write-header=Authorization: Bearer hush"],
            "Invalid value for '--remote-write-header': write NAME=VALUE, "
            "such as X-Scope-OrgID=team",
            id="a header as HTTP writes it, with a secret that is not repeated",
        ),
        pytest.param(
            ["--remote-write-header==hush"],
            "Invalid value for '--remote-write-header': write NAME=VALUE, "
            "such as X-Scope-OrgID=team",
            id="a header without a name",
        ),
        pytest.param(
            ["--remote-write-header=Authorization: Bearer aHVzaA=="],
            "Invalid value for '--remote-write-header': the text before '=' is not a header name",
            id="a header as HTTP writes it, with a secret that has an equals sign",
        ),
        pytest.param(
            ["--remote-write-header=Authorization=Bearer hush\n"],
            "Invalid value for '--remote-write-header': "
            "the value of Authorization is not plain text on one line",
            id="a secret with the end of its line",
        ),
        pytest.param(
            ["--remote-write-header=Authorization= Bearer hush"],
            "Invalid value for '--remote-write-header': "
            "the value of Authorization is not plain text on one line",
            id="a secret after white space",
        ),
        pytest.param(
            ["--remote-write-header=X-Team=größe"],
            "Invalid value for '--remote-write-header': "
            "the value of X-Team is not plain text on one line",
            id="a header of other letters",
        ),
    ],
)
def test_wrong_use(run: Run, command: CommandLine, arguments: list[str], said: str) -> None:
    assert mistake(run(*arguments)) == said
    assert not command.output.exists()


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\r\n", "\xa0"])
@pytest.mark.parametrize("is_variable", [False, True])
def test_white_space_around_the_url_of_a_receiver(
    space: str,
    is_variable: bool,
    run: Run,
    fleet: FakeSendGrid,
    mock: responses.RequestsMock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "http://user:hush@localhost:9/api/v1/write"
    mock.add(responses.POST, url)
    given = f"{space}{url}{space}"
    if is_variable:
        monkeypatch.setenv("SEQ_EXPORTER_REMOTE_WRITE", given)
    flags = [] if is_variable else [f"--remote-write={given}"]
    status, said, _ = run(*one_day(), *flags)
    assert status == 0
    assert " samples sent to http://localhost:9/api/v1/write,\n" in said


def test_the_output_folder_is_required(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = mistake(command.run(monkeypatch=monkeypatch))
    assert said == "Missing option '--output-dir'."


def test_an_unknown_account(run: Run, command: CommandLine) -> None:
    assert run("--account=acme", "--account=umbrella") == (
        2,
        "",
        "seq-exporter: no account 'umbrella' in the configuration: there are acme, globex\n",
    )
    assert not command.output.exists()


def test_no_configuration_file(run: Run, command: CommandLine) -> None:
    status, said, error = run("--config.file=gone.yaml")
    assert (status, said) == (2, "")
    assert error.splitlines()[0] == (
        f"seq-exporter: no configuration file: looked for {command.folder / 'gone.yaml'}"
    )
    assert not command.output.exists()


def make_foreign(output: Path) -> None:
    output.mkdir()
    (output / "scores.sqlite").touch()
    (output / "scores-2026-11-01.om").touch()
    (output / "scores-2026-11-01.om.tmp").touch()
    (output / "blocks").mkdir()
    (output / "thesis.txt").write_text("years of work")


def make_link_to_itself(output: Path) -> None:
    output.symlink_to(output.name)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(
            make_foreign,
            "--output-dir out holds 'thesis.txt', which is not from a backfill: "
            "name a new or empty folder, or one from an earlier backfill",
            id="something else is in it",
        ),
        pytest.param(
            lambda output: output.write_text("a file"),
            "cannot use --output-dir out: Not a directory",
            id="it is a file",
        ),
        pytest.param(
            make_link_to_itself,
            "cannot use --output-dir out: Too many levels of symbolic links",
            id="it leads to itself",
        ),
    ],
)
def test_a_path_that_cannot_be_an_output_folder(
    run: Run, command: CommandLine, make: Callable[[Path], None], said: str
) -> None:
    make(command.output)
    before = sorted(command.folder.rglob("*"))
    assert run() == (2, "", f"seq-exporter: {said}\n")
    assert sorted(command.folder.rglob("*")) == before


def test_an_output_folder_that_cannot_be_made(run: Run, command: CommandLine) -> None:
    (command.folder / "file").touch()
    assert run("--output-dir=file/out") == (
        2,
        "",
        "seq-exporter: cannot use --output-dir file/out: Not a directory\n",
    )


def test_an_archive_that_is_another_file(run: Run, command: CommandLine) -> None:
    command.output.mkdir()
    (command.output / "scores.sqlite").write_text("a letter, and not a short one " * 100)
    assert run() == (
        1,
        "",
        "seq-exporter: out/scores.sqlite is not an archive of a backfill: file is not a database: "
        "move it away, and run the same command again: it fetches what SendGrid still has\n",
    )


def test_an_archive_that_is_in_use(run: Run, command: CommandLine) -> None:
    command.output.mkdir()
    with closing(Archive(command.output / "scores.sqlite")):
        assert run() == (
            1,
            "",
            "seq-exporter: out/scores.sqlite is in use by another backfill: "
            "wait for its end, or stop it\n",
        )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "No space left on device: make room"),
        (errno.EACCES, "Permission denied: let this user write there"),
        (errno.EROFS, "Read-only file system: let this user write there"),
    ],
)
def test_a_file_that_cannot_be_written(tmp_path: Path, code: int, said: str) -> None:
    with pytest.raises(BackfillError) as caught, opened(tmp_path):
        raise OSError(code, os.strerror(code))
    assert str(caught.value) == (
        f"cannot write to {tmp_path}: {said}, and run the same command again; "
        "complete files are kept"
    )


def written(command: CommandLine) -> list[str]:
    """Return the samples of the one score, over all files."""
    lines = [
        line
        for file in sorted(command.output.glob("scores-*.om"))
        for line in file.read_text().splitlines()
    ]
    return [line for line in lines if line.startswith("sendgrid_seq_score{")]


@pytest.fixture
def fleet(sendgrid: FakeSendGrid) -> FakeSendGrid:
    """Has one subuser, with a score on one day: the one three days ago."""
    sendgrid.subusers = {ago(3): [item("1", "shop", 4)]}
    return sendgrid


def one_day() -> list[str]:
    """Return the flags for that day."""
    return ["--account=acme", f"--from={ago(3)}", f"--to={ago(3)}", "--delay=0s", "--step=1h"]


def after(hours: float) -> int:
    """Return the moment so many hours after the end of that day, in epoch seconds."""
    midnight = datetime.combine(ago(2), datetime.min.time(), UTC)
    return int((midnight + timedelta(hours=hours)).timestamp())


def moments(command: CommandLine) -> list[int]:
    return [int(line.rpartition(" ")[2]) for line in written(command)]


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        pytest.param(
            ["--label=job=seq-exporter,instance=seq:10737"],
            'job="seq-exporter",instance="seq:10737"',
            id="two in one flag",
        ),
        pytest.param(
            ["--label=job=seq-exporter", "--label=instance=seq:10737"],
            'job="seq-exporter",instance="seq:10737"',
            id="two flags",
        ),
        pytest.param(
            ["--label=team=a,b, c,job=seq,1=2"],
            'team="a,b, c",job="seq,1=2"',
            id="commas in values",
        ),
        pytest.param(
            ["--label=query=a=b==c"], 'query="a=b==c"', id="the first equals sign divides"
        ),
        pytest.param(
            ['--label=path=C:\\new "x"'], r'path="C:\\new \"x\""', id="what is to be escaped"
        ),
        pytest.param(["--label=_x=\N{SNOWMAN}"], '_x="\N{SNOWMAN}"', id="any text for a value"),
    ],
)
def test_labels_are_added_to_every_series(
    run: Run, command: CommandLine, fleet: FakeSendGrid, labels: list[str], text: str
) -> None:
    status, _, _ = run(*one_day(), f"--until={datetime.fromtimestamp(after(1), UTC)}", *labels)
    assert status == 0
    assert written(command) == [
        f'sendgrid_seq_score{{account="acme",subuser="shop",{text}}} 4.0 {after(0)}'
    ]


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the time zone of the process to nine hours ahead of UTC."""
    monkeypatch.setenv("TZ", "JST-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_east")
@pytest.mark.parametrize(
    ("write", "hours"),
    [
        pytest.param(
            lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"), [0, 1, 2], id="with a Z"
        ),
        pytest.param(
            lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S"), [0, 1, 2], id="without: UTC"
        ),
        pytest.param(
            lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S+02:00"), [0], id="with a zone"
        ),
        pytest.param(
            lambda moment: (moment + timedelta(seconds=1)).isoformat(), [0, 1, 2, 3], id="a second"
        ),
        pytest.param(lambda moment: moment.strftime("%Y-%m-%d"), [], id="a day is its beginning"),
    ],
)
def test_no_sample_is_at_or_after_until(
    run: Run,
    command: CommandLine,
    fleet: FakeSendGrid,
    write: Callable[[datetime], str],
    hours: list[int],
) -> None:
    until = write(datetime.fromtimestamp(after(3), UTC))
    status, _, _ = run(*one_day(), f"--until={until}")
    assert status == 0
    assert moments(command) == [after(each) for each in hours]


@pytest.mark.parametrize(
    "until", [pytest.param([], id="now"), pytest.param(["--until=9999-12-31"], id="the future")]
)
def test_no_sample_is_in_the_future(
    run: Run, command: CommandLine, fleet: FakeSendGrid, until: list[str]
) -> None:
    begun = int(datetime.now(UTC).timestamp())
    assert run(*one_day(), *until)[0] == 0
    assert moments(command)[0] == after(0)
    assert begun - 3600 <= moments(command)[-1] <= datetime.now(UTC).timestamp()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(["X-Scope-OrgID=team"], id="one"),
        pytest.param(["X-Scope-OrgID=team", "Authorization=Bearer aHVzaA=="], id="two"),
    ],
)
def test_valid_headers(run: Run, headers: list[str]) -> None:
    flags = [f"--remote-write-header={header}" for header in headers]
    # The headers are accepted: the mistake reported is read after them.
    _, _, error = run(*flags, "--account=umbrella")
    assert error.startswith("seq-exporter: no account 'umbrella'")


def test_the_variable_has_one_header_per_line(
    run: Run, fleet: FakeSendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = "Authorization=Bearer hush\nX-Scope-OrgID=the team"
    monkeypatch.setenv("SEQ_EXPORTER_REMOTE_WRITE_HEADER", headers)
    _, _, error = run("--account=umbrella")
    assert error.startswith("seq-exporter: no account 'umbrella'")


def test_the_flags_choose_the_days_asked_for(run: Run, fleet: FakeSendGrid) -> None:
    some = [f"subusers {ago(4)}", f"subusers {ago(3)}"]
    run("--account=globex", f"--from={ago(4)}", f"--to={ago(3)}", "--requests-per-minute=6000")
    assert fleet.take_requests() == [*some, f"subusers {ago(4)}"]


@pytest.mark.parametrize(
    "days", [pytest.param(0, id="today"), pytest.param(90, id="ninety days back")]
)
def test_the_first_and_the_last_day_that_can_be_asked_for(
    run: Run, fleet: FakeSendGrid, days: int
) -> None:
    fleet.subusers = {ago(days): [item("1", "shop", 4)]}
    assert run("--account=acme", f"--from={ago(days)}", f"--to={ago(days)}")[0] == 0
    assert fleet.requests == [f"subusers {ago(days)}"]


def test_from_today_on_is_today(run: Run, fleet: FakeSendGrid) -> None:
    fleet.subusers = {today(): [item("1", "shop", 4)]}
    assert run("--account=acme", f"--from={today()}")[0] == 0
    assert fleet.requests == [f"subusers {today()}"]


def test_by_default_it_begins_ninety_days_back(run: Run, fleet: FakeSendGrid) -> None:
    fleet.subusers = {ago(90): (401, {}, "")}
    assert run("--account=acme")[0] == 1
    assert fleet.requests == [f"subusers {ago(90)}"]


def test_a_flag_may_be_an_environment_variable(
    run: Run, command: CommandLine, fleet: FakeSendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQ_EXPORTER_LABEL", "job=seq,instance=a zone=b")
    monkeypatch.setenv("SEQ_EXPORTER_UNTIL", f"{datetime.fromtimestamp(after(1), UTC):%FT%TZ}")
    assert run(*one_day())[0] == 0
    (line,) = written(command)
    assert re.findall(r'(\w+)="(\w+)"', line)[2:] == [
        ("job", "seq"),
        ("instance", "a"),
        ("zone", "b"),
    ]


def test_a_second_run_asks_for_nothing_and_leaves_the_files_as_they_are(
    run: Run, command: CommandLine, fleet: FakeSendGrid
) -> None:
    flags = [*one_day(), f"--until={datetime.fromtimestamp(after(1), UTC)}"]
    first = run(*flags)
    assert fleet.take_requests() == [f"subusers {ago(3)}"]
    assert " up to " in first[1]
    (file,) = command.output.glob("*.om")
    before = file.stat()
    (command.output / "scores-2020-01-01.om").touch()  # of other days
    (command.output / "scores-2020-01-01.om.tmp").touch()  # half a file
    (command.output / "blocks").mkdir()
    second = run(*flags)
    assert first[:2] == second[:2]
    assert fleet.take_requests() == []
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    names = sorted(path.name for path in command.output.iterdir())
    assert names == ["blocks", file.name, "scores.sqlite"]


class Interrupting(dict[date, Any]):
    """Days, one of which stops the process when it is asked for."""

    def __init__(self, days: dict[date, Any], last: date, number: signal.Signals) -> None:
        super().__init__(days)
        self.last = last
        self.number = number

    def get(self, day: date, default: Any = None) -> Any:
        if day == self.last:
            signal.raise_signal(self.number)
        return super().get(day, default)


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, id="Ctrl-C"), pytest.param(signal.SIGTERM, id="SIGTERM")]
)
def test_after_a_stop_the_same_command_continues(
    run: Run, command: CommandLine, sendgrid: FakeSendGrid, number: signal.Signals
) -> None:
    days: dict[date, Any] = {ago(back): [item("1", "shop", 4)] for back in range(1, 6)}
    sendgrid.subusers = Interrupting(days, ago(2), number)
    flags = ["--account=acme", f"--from={ago(5)}", "--requests-per-minute=6000"]
    status, said, error = run(*flags)
    assert (status, said) == (1, "")
    assert error == (
        "seq-exporter: stopped with 3 days of scores and 0 complete files in out:\n"
        "the same command continues from there\n"
    )
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    sendgrid.take_requests()
    sendgrid.subusers = days
    assert run(*flags)[0] == 0
    assert sendgrid.take_requests() == [f"subusers {ago(2)}", f"subusers {ago(1)}"]


def test_a_refused_key_is_a_failure(run: Run, command: CommandLine, fleet: FakeSendGrid) -> None:
    fleet.subusers[ago(3)] = (401, {}, "")
    status, said, error = run(*one_day())
    assert (status, said) == (1, "")
    assert error.splitlines() == [
        "seq-exporter: account 'acme': 401: SendGrid refuses the key: "
        "is it active, complete and for this region?",
        "Nothing is written yet. The days fetched so far are kept: run the same command again, "
        "or choose the accounts to write with --account.",
    ]
    assert sorted(path.name for path in command.output.iterdir()) == ["scores.sqlite"]


def test_what_follows_is_said_before(run: Run, fleet: FakeSendGrid) -> None:
    until = f"--until={datetime.fromtimestamp(after(1), UTC)}"
    error = run(*one_day(), until)[2]
    said = r"\nWriting about 41 samples, one every 1h: less than 1 MB, \d+ (s|min)\nWriting: "
    assert re.search(said, error)
    assert "Writing about" not in run(*one_day(), until)[2]  # it is there


def test_what_will_be_sent_is_said_before(
    run: Run, fleet: FakeSendGrid, mock: responses.RequestsMock
) -> None:
    url = "http://localhost:9/api/v1/write"
    mock.add(responses.POST, url)
    until = f"--until={datetime.fromtimestamp(after(1), UTC)}"
    error = run(*one_day(), until, f"--remote-write={url}")[2]
    assert "Sending about 41 samples, one every 1h: less than 1 MB, " in error


def test_an_account_with_too_many_series_is_not_written(
    run: Run, command: CommandLine, fleet: FakeSendGrid
) -> None:
    config = command.folder / "config.yaml"
    config.write_text(
        config.read_text().replace("own_score: false", "own_score: false, max_series: 30", 1)
    )
    status, said, error = run(*one_day())
    assert (status, said) == (1, "")
    assert error.splitlines()[-1] == (
        f"seq-exporter: account 'acme': 41 series of {ago(3)} are more than max_series, 30: "
        "raise it, or leave series out"
    )
    assert not list(command.output.glob("*.om"))
