"""Checksums of joined texts, as zlib computes them of the whole."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.publish.checksums import crc32_combine


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_the_checksum_of_two_texts_is_that_of_the_whole(first: bytes, second: bytes) -> None:
    combined = crc32_combine(zlib.crc32(first), zlib.crc32(second), len(second))
    assert combined == zlib.crc32(first + second)


def test_a_text_of_gigabytes() -> None:
    """Its checksum is that of its parts, joined over and over."""
    crc, size = zlib.crc32(b"a line\n"), 7
    for _ in range(30):
        crc, size = crc32_combine(crc, crc, size), 2 * size
    doubled = zlib.crc32(b"a line\n" * 2**20)
    expected, size = doubled, 7 * 2**20
    for _ in range(10):
        expected, size = crc32_combine(expected, expected, size), 2 * size
    assert crc == expected
