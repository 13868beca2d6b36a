"""The page as compressed pieces, which are made once and then only put together.

A gzip answer has to be one member, as curl and browsers read no further than the first. So a piece
is raw deflate blocks that end on a byte boundary (a full flush), and need nothing of what is before
them: pieces can follow one another in any order. The member's checksum is computed from theirs.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Six is zlib's own choice: the bulk gains little from more, and the volatile part is compressed at
# each scrape.
_LEVEL = 6
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# What is encoded and compressed in one go, so that the text is nowhere as a whole.
_TEXTS_AT_ONCE = 1000
_SLICE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class DeflatedText:
    """Compressed text of `size` bytes and `lines` lines; `crc` is the CRC-32 of the text."""

    deflated: bytes
    size: int
    lines: int
    crc: int
    _shift: int

    @classmethod
    def of(cls, texts: Iterable[str]) -> DeflatedText:
        """Compress `texts`, each of any number of whole lines."""
        deflate = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS)
        parts: list[bytes] = []
        size = count = crc = 0
        rest = iter(texts)
        while batch := list(itertools.islice(rest, _TEXTS_AT_ONCE)):
            text = "".join(batch).encode()
            parts.append(deflate.compress(text))
            size += len(text)
            count += text.count(b"\n")
            crc = zlib.crc32(text, crc)
        parts.append(deflate.flush(zlib.Z_FULL_FLUSH))
        return cls(b"".join(parts), size, count, crc, _power_of_x(8 * size))

    @classmethod
    def join(cls, pieces: Iterable[DeflatedText]) -> DeflatedText:
        """Put pieces together, in their order."""
        pieces = tuple(pieces)
        crc = 0
        for piece in pieces:
            crc = _multiply(piece._shift, crc) ^ piece.crc
        size = sum(piece.size for piece in pieces)
        lines = sum(piece.lines for piece in pieces)
        deflated = b"".join(piece.deflated for piece in pieces)
        return cls(deflated, size, lines, crc, _power_of_x(8 * size))

    def gzipped(self, following: DeflatedText, volatile: bytes) -> tuple[bytes, ...]:
        """Return the parts of one gzip member (RFC 1952): this, `following`, then `volatile`."""
        deflate = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS)
        crc = zlib.crc32(volatile, _multiply(following._shift, self.crc) ^ following.crc)
        size = self.size + following.size + len(volatile)
        tail = deflate.compress(volatile) + deflate.flush() + struct.pack("<II", crc, size % 2**32)
        return _GZIP_HEADER, self.deflated, following.deflated, tail

    def inflated(self) -> Iterator[bytes]:
        """Yield the text in slices, so that it is nowhere as a whole."""
        inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        left = self.deflated
        while text := inflate.decompress(left, _SLICE_BYTES):
            yield text
            left = inflate.unconsumed_tail


# The CRC-32 of two texts one after the other is made of theirs: the first is multiplied by x to the
# length of the second in bits, in the field of polynomials that the CRC is defined in, with the
# bits of a number in the order that zlib has them (as zlib's crc32_combine does, which Python's
# zlib lacks).
_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31


def _multiply(a: int, b: int) -> int:
    product = 0
    bit = _ONE
    while a:
        if a & bit:
            product ^= b
            a ^= bit
        bit >>= 1
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


def _power_of_x(exponent: int) -> int:
    power, square = _ONE, _ONE >> 1  # 1 and x
    while exponent:
        if exponent & 1:
            power = _multiply(power, square)
        square = _multiply(square, square)
        exponent >>= 1
    return power
