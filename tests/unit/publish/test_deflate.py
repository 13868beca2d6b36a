"""Compressed pieces: in whatever order they are joined, they are the text and its checksum."""

from __future__ import annotations

import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st

from seq_exporter.publish.deflate import DeflatedText

LINES = st.lists(st.text(), max_size=5)


def text(lines: list[str]) -> bytes:
    return "".join(lines).encode()


@given(LINES)
def test_a_piece_tells_what_it_is_made_of(lines: list[str]) -> None:
    piece = DeflatedText.of(lines)
    assert (piece.size, piece.lines) == (len(text(lines)), text(lines).count(b"\n"))
    assert piece.crc == zlib.crc32(text(lines))
    assert b"".join(piece.inflated()) == text(lines)


@given(st.lists(LINES, max_size=5), LINES, st.binary())
def test_pieces_that_are_joined_are_one_member(
    pieces: list[list[str]], own: list[str], volatile: bytes
) -> None:
    whole = b"".join(map(text, pieces))
    joined = DeflatedText.join(map(DeflatedText.of, pieces))
    assert (joined.size, joined.lines) == (len(whole), whole.count(b"\n"))
    assert joined.crc == zlib.crc32(whole)
    assert b"".join(joined.inflated()) == whole
    inflate = zlib.decompressobj(wbits=31)
    member = b"".join(joined.gzipped(DeflatedText.of(own), volatile))
    assert inflate.decompress(member) == whole + text(own) + volatile
    assert inflate.eof
    assert not inflate.unused_data


def test_pieces_of_joined_pieces_are_pieces() -> None:
    first, second = (
        DeflatedText.join([DeflatedText.of(["a"]), DeflatedText.of(["b"])]),
        DeflatedText.of(["c"]),
    )
    assert DeflatedText.join([first, second]).crc == zlib.crc32(b"abc")


def test_a_large_text_is_inflated_in_slices() -> None:
    lines = [f"line {number}\n" for number in range(200_000)]
    slices = list(DeflatedText.of(lines).inflated())
    assert b"".join(slices) == text(lines)
    assert len(slices) > 5
    assert max(map(len, slices)) <= 256 * 1024


def test_nothing_is_a_piece_too() -> None:
    nothing = DeflatedText.join([])
    assert (nothing.size, nothing.lines, nothing.crc) == (0, 0, 0)
    assert gzip.decompress(b"".join(nothing.gzipped(nothing, b"volatile"))) == b"volatile"
