"""Whole tables at the widths that there are."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from seq_exporter.commands.cells import describe_change, draw
from seq_exporter.commands.scores.columns import NUMBERS
from seq_exporter.commands.scores.rows import Row
from seq_exporter.commands.scores.table import print_table
from tests.support import TODAY

METRICS = (1.0, 3.6, 4.2, None, 4.5)
HISTORY = (4.2, 4.1, None, 2.9, 2.8)


def numbers(*values: float | None) -> dict[str, float | None]:
    return dict(zip(NUMBERS, values, strict=True))


ROWS = [
    Row("acme", "shop-de", TODAY, numbers(2.8, *METRICS, -1.4, None), HISTORY),
    Row("globex", "<b>[red]büro", TODAY, numbers(*(4.0,) * 6, 0.0, 0.3), (None,) * 5),
]


def show(width: int, rows: list[Row], of_accounts: int = 2, **settings: object) -> str:
    text = io.StringIO()
    options: dict[str, object] = {"color_system": None} | settings
    console = Console(file=text, width=width, highlight=False, **options)  # type: ignore[arg-type]
    print_table(rows, console, of_accounts=of_accounts)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def test_wide() -> None:
    assert show(100, ROWS) == (
        "                              engage  open bounce bounce  spam\n"
        "account subuser      overall recency  rate  class   rate  rate  7 d 30 d history\n"
        "acme    shop-de          2.8     1.0   3.6    4.2      -   4.5 ▼1.4    - ▇▇ ▄▄\n"
        "globex  <b>[red]büro     4.0     4.0   4.0    4.0    4.0   4.0    = ▲0.3"
    )


def test_of_one_account_its_name_is_left_out() -> None:
    assert show(100, ROWS[:1], of_accounts=1).splitlines()[1].startswith("subuser overall recency ")


def test_rows_of_one_of_several_accounts_name_it() -> None:
    assert show(100, ROWS[:1]).splitlines()[1].startswith("account subuser overall recency ")


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (72, "account subuser      overall recency  rate  class   rate  rate  7 d 30 d"),
        (68, "account subuser      overall recency  rate  class   rate  rate  7 d"),
        (42, "account subuser      overall  7 d"),
        (28, "subuser      overall  7 d"),
        (20, "subuser      overall"),
    ],
)
def test_narrow(width: int, titles: str) -> None:
    shown = show(width, [row._replace(history=()) for row in ROWS]).splitlines()
    assert titles in shown
    assert max(map(len, shown)) <= width


MONTHS = [2.0] * 30 + [3.0] * 30 + [None] * 15 + [5.0] * 15
LONG = [row._replace(history=tuple(MONTHS)) for row in ROWS]


@pytest.mark.parametrize(
    ("width", "titles", "bars"),
    [
        (170, "rate  rate  7 d 30 d history", "▃" * 30 + "▅" * 30 + " " * 15 + "█" * 15),
        (92, "rate  rate  7 d 30 d history", "▃▃▃▃▃▃▄▅▅▅▅▅▅  ████"),
        (82, "account subuser      overall  7 d history", "▃" * 16 + "▅" * 16 + " " * 8 + "█" * 8),
        (62, "account subuser      overall  7 d history", "▃▃▃▃▃▃▃▃▃▄▅▅▅▅▅▅▅▅▅    █████"),
        (42, "subuser      overall  7 d history", "▃▃▃▃▃▄▅▅▅▅▅  ███"),
        (37, "subuser      overall history", "▃▃▃▃▃▄▅▅▅▅▅  ███"),
    ],
)
def test_a_history_is_squeezed_into_the_room_there_is(width: int, titles: str, bars: str) -> None:
    shown = show(width, LONG)
    assert titles in shown
    assert bars in shown
    assert max(map(len, shown.splitlines())) <= width


@pytest.mark.parametrize(
    ("colours", "red", "orange"),
    [("256", "30;48;5;166", "30;48;5;214"), ("standard", "30;41", "30;43")],
)
def test_a_terminal_of_fewer_colours_tells_scores_apart(
    colours: str, red: str, orange: str
) -> None:
    text = show(80, ROWS[:1], color_system=colours, force_terminal=True)
    assert f"\x1b[{red}m    1.0\x1b[0m" in text
    assert f"\x1b[{orange}m    2.8\x1b[0m" in text


def test_a_long_name_is_cut() -> None:
    row = ROWS[0]._replace(subuser="a-name-that-is-longer-than-anybody-would-think")
    assert show(20, [row]) == "subuser      overall\na-name-that…     2.8"
    assert "a-name-that-is-longer-than-anyb…" in show(80, [row])


def test_a_name_cannot_command_the_terminal() -> None:
    row = ROWS[0]._replace(account="ac\u202eme", subuser="a\x1b[31mb\tc\nd\x00")
    text = show(100, [row, ROWS[1]])
    assert r"ac\u202eme a\x1b[31mb\tc\nd\x00     2.8" in text
    assert len(text.splitlines()) == 4
    assert show(20, [row]) == "subuser      overall\n" + r"a\x1b[31mb\…     2.8"


def test_colour_is_not_all_that_tells() -> None:
    """A number is black on a light colour, as wide as its column."""
    *_, line = show(80, ROWS[:1], 1, color_system="truecolor", force_terminal=True).splitlines()
    orange, red, yellow, blue = ("230;159;0", "213;94;0", "240;228;66", "86;180;233")
    assert line == (
        f"shop-de \x1b[30;48;2;{orange}m    2.8\x1b[0m \x1b[30;48;2;{red}m    1.0\x1b[0m "
        f"\x1b[30;48;2;{yellow}m  3.6\x1b[0m \x1b[30;48;2;{blue}m   4.2\x1b[0m      - "
        f"\x1b[30;48;2;{blue}m  4.5\x1b[0m \x1b[38;2;{red}m▼1.4\x1b[0m    - ▇▇ ▄▄"
    )
    assert "\x1b[" not in show(100, ROWS[:1])


def test_characters_that_take_two_columns() -> None:
    rows = [
        ROWS[0]._replace(subuser=name, history=()) for name in ("漢字漢字のショップ", "shop-de")
    ]
    assert show(32, rows).splitlines()[-2:] == [
        "漢字漢字のショップ     2.8 ▼1.4",
        "shop-de                2.8 ▼1.4",
    ]
    assert show(20, rows).splitlines()[-2:] == ["漢字漢字の …     2.8", "shop-de          2.8"]


@pytest.mark.parametrize(
    ("change", "text"),
    [(-1.44, "▼1.4"), (0.04, "="), (-0.04, "="), (0.05, "▲0.1"), (2.0, "▲2.0")],
)
def test_a_change(change: float, text: str) -> None:
    assert describe_change(change) == text


def test_bars() -> None:
    assert draw([1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, None]) == "▁▂▃▄▅▆▇██ "
