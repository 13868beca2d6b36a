"""Lines of many subusers: one after another, without those whose value is missing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from seq_exporter.publish.lines import SubuserLines, escape_labels
from seq_exporter.scores import Column

STARTS = ['a{subuser="', 'b{subuser="']


@pytest.mark.parametrize(
    ("labels", "columns", "lines"),
    [
        ([], [[], []], []),
        (
            ["one", "two"],
            [[1.0, 2.0], [3.0, 4.5]],
            [
                'a{subuser="one"} 1.0',
                'b{subuser="one"} 3.0',
                'a{subuser="two"} 2.0',
                'b{subuser="two"} 4.5',
            ],
        ),
        (
            ["one", "two", "three", "four"],
            [[None, 2.0, None, 5.0], [3.0, None, None, 5.0]],
            [
                'b{subuser="one"} 3.0',
                'a{subuser="two"} 2.0',
                'a{subuser="four"} 5.0',
                'b{subuser="four"} 5.0',
            ],
        ),
        (
            ["one", "two"],
            [[None, 2.0], [None, 4.5]],
            ['a{subuser="two"} 2.0', 'b{subuser="two"} 4.5'],
        ),
        (["one", "two"], [[None, None], [None, None]], []),
        (
            ["one", "two", "three", "four"],
            [[1.0, None, 3.0, 4.0], [1.5, None, None, 4.5]],
            [
                'a{subuser="one"} 1.0',
                'b{subuser="one"} 1.5',
                'a{subuser="three"} 3.0',
                'a{subuser="four"} 4.0',
                'b{subuser="four"} 4.5',
            ],
        ),
        (["one"], [[True], [False]], ['a{subuser="one"} 1.0', 'b{subuser="one"} 0.0']),
        # A label that looks like what stands between labels is only a label.
        (["} 1.0"], [[1.0], [2.0]], ['a{subuser="} 1.0"} 1.0', 'b{subuser="} 1.0"} 2.0']),
    ],
)
def test_each_subuser_has_a_line_for_each_value(
    labels: Sequence[str], columns: Sequence[Column], lines: Sequence[str]
) -> None:
    rendered = SubuserLines(STARTS).render(labels, columns)
    assert rendered == ("".join(f"{line}\n" for line in lines), len(lines))


def test_values_of_many_decimals_are_not_all_kept() -> None:
    lines = SubuserLines(['a{subuser="'])
    values = [1 + number / 10_000 for number in range(5_000)]
    rendered = lines.render(["one"] * len(values), [values])
    assert rendered.text == "".join(f'a{{subuser="one"}} {value}\n' for value in values)
    assert all(len(ends) <= 1024 for ends in lines._between)


@pytest.mark.parametrize(
    ("values", "escaped"),
    [
        ([], []),
        (["shop-de", "Müller"], ["shop-de", "Müller"]),
        (["plain", 'a "b"'], ["plain", r"a \"b\""]),
        (["back\\slash", "two\nlines"], [r"back\\slash", r"two\nlines"]),
    ],
)
def test_labels_are_escaped(values: Sequence[str], escaped: Sequence[str]) -> None:
    assert list(escape_labels(values)) == escaped
