"""The bytes of a request, read back by hand; and how series are divided into requests."""

from __future__ import annotations

import itertools
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.commands.backfill.write_request import TimeSeries, batch, encode_request

# -- a reader of protobuf that shares nothing with the writer: (number of the field, content) -----


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def read_fields(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:  # int64, two's complement
            value, at = read_varint(data, at)
            yield number, value - (1 << 64) if value >= 1 << 63 else value
        elif kind == 1:  # double
            yield number, struct.unpack_from("<d", data, at)[0]
            at += 8
        else:
            assert kind == 2  # text, or a message
            length, at = read_varint(data, at)
            yield number, data[at : at + length]
            at += length
    assert at == len(data)


def read_request(body: bytes) -> list[tuple[list[tuple[str, str]], list[tuple[int, float]]]]:
    """Return labels and samples of each series, in the order that they have on the wire."""
    found = []
    for number, content in read_fields(bytes(cramjam.snappy.decompress_raw(body))):
        assert number == 1
        labels, samples = [], []
        for kind, message in read_fields(content):
            fields = dict(read_fields(message))
            if kind == 1:
                labels.append((fields[1].decode(), fields[2].decode()))
            else:
                assert kind == 2
                # In proto3, a field that is 0 is not sent.
                samples.append((fields.get(2, 0), fields.get(1, 0.0)))
        found.append((labels, samples))
    return found


def test_the_bytes_of_the_smallest_request() -> None:
    request = encode_request([TimeSeries({"__name__": "x"}, [(1, 4.2)])])
    assert bytes(cramjam.snappy.decompress_raw(request)) == bytes.fromhex(
        "0a1c"  # a series of 28 bytes
        "0a0d" "0a085f5f6e616d655f5f" "120178"  # a label: its name, its value
        "120b" "09cdcccccccccc1040" "1001"  # a sample: its value, its time
    )  # fmt: skip


def test_labels_are_in_order_and_values_exact() -> None:
    labels = {"subuser": "a", "account": "Zürich", "__name__": "sendgrid_seq_score", "B": "b"}
    samples = [(-1, -0.5), (0, 0.0), (1, 4.2), (1_793_880_000_123, 1 / 3), (2**62, 1e308)]
    other = TimeSeries({"__name__": "y"}, [(7, 5.0)])
    assert read_request(encode_request([TimeSeries(labels, samples), other])) == [
        (
            [
                ("B", "b"),
                ("__name__", "sendgrid_seq_score"),
                ("account", "Zürich"),
                ("subuser", "a"),
            ],
            samples,
        ),
        ([("__name__", "y")], [(7, 5.0)]),
    ]


times = st.integers(-(2**63), 2**63 - 1)
values = st.floats(allow_nan=False)


@given(
    st.lists(
        st.builds(
            TimeSeries,
            st.dictionaries(st.text(min_size=1, max_size=9), st.text(min_size=1, max_size=9)),
            st.lists(st.tuples(times, values), max_size=9),
        ),
        max_size=5,
    )
)
def test_any_request_is_read_back_as_written(series: list[TimeSeries]) -> None:
    assert read_request(encode_request(series)) == [
        (sorted(one.labels.items()), one.samples) for one in series
    ]


# -- batches --------------------------------------------------------------------------------------


def numbered(*counts: int) -> list[TimeSeries]:
    """Return a series for each count, with so many samples; no two samples are the same."""
    numbers = itertools.count()
    return [
        TimeSeries({"__name__": "x", "n": str(name)}, [(next(numbers), 1.0) for _ in range(count)])
        for name, count in enumerate(counts)
    ]


@given(st.lists(st.integers(0, 30), max_size=9), st.integers(1, 20))
def test_batches_lose_nothing_keep_the_order_and_are_full(counts: list[int], most: int) -> None:
    series = numbered(*counts)
    batches = list(batch(series, most))
    sizes = [sum(len(one.samples) for one in request) for request in batches]
    assert sizes[:-1] == [most] * (len(sizes) - 1)
    assert not sizes or 0 < sizes[-1] <= most
    parts = [one for request in batches for one in request]
    assert all(part.samples for part in parts)
    assert [(part.labels, sample) for part in parts for sample in part.samples] == [
        (one.labels, sample) for one in series for sample in one.samples
    ]


def test_no_more_series_are_taken_than_a_batch_needs() -> None:
    taken = []

    def endless() -> Iterator[TimeSeries]:
        for number in itertools.count():
            taken.append(number)
            yield TimeSeries({"__name__": "x"}, [(number, 1.0), (number + 1, 1.0)])

    batches = batch(endless(), 5)
    assert [len(one.samples) for one in next(batches)] == [2, 2, 1]
    assert taken == [0, 1, 2]
    assert [len(one.samples) for one in next(batches)] == [1, 2, 2]


def test_a_batch_has_room() -> None:
    with pytest.raises(ValueError, match="a request holds at least one sample"):
        next(batch(numbered(1), 0))


def test_the_list_of_commands_does_not_import_it() -> None:
    code = (
        "import sys; from click.testing import CliRunner;"
        "from seq_exporter.commands.main import commands;"
        "listed = 'backfill' in CliRunner().invoke(commands, ['--help']).stdout;"
        "print(listed, 'cramjam' in sys.modules, sorted(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.startswith("True False ")
    assert "google.protobuf" not in run.stdout
