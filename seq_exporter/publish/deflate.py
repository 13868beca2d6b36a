"""Text that is compressed once, and then only joined.

A gzip answer must be a single member, because curl and browsers stop after the first one. So each
text is raw deflate blocks that end on a byte boundary (a full flush) and do not depend on what is
before them: such texts can follow one another in any order. The checksum of the member is computed
from theirs.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

try:
    from zlib_ng import zlib_ng as zlib
except ModuleNotFoundError:  # no wheel for this platform: the same bytes in twice the time
    import zlib  # type: ignore[no-redef]

# The default: a higher level saves little, and the volatile part is compressed at each scrape.
_LEVEL = 6
# How far back repetitions are searched, as a power of two: 16 KiB are the lines of 40 subusers. In
# the largest window, 32 KiB, they take half as long again to find, and the page is not smaller.
_WINDOW_BITS = 14
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# What is held while a text is sent: a slice of it, and what that is inflated from.
_SLICE_BYTES = 24 * 1024
_DEFLATED_SLICE_BYTES = 16 * 1024


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
        deflate = zlib.compressobj(_LEVEL, wbits=-_WINDOW_BITS)
        parts: list[bytes] = []
        size = count = crc = 0
        for each in texts:
            text = each.encode()
            parts.append(deflate.compress(text))
            size += len(text)
            count += text.count(b"\n")
            crc = zlib.crc32(text, crc)
        parts.append(deflate.flush(zlib.Z_FULL_FLUSH))
        return cls(b"".join(parts), size, count, crc, _power_of_x(8 * size))

    @classmethod
    def join(cls, texts: Iterable[DeflatedText]) -> DeflatedText:
        """Join texts, in their order."""
        texts = tuple(texts)
        crc = 0
        for text in texts:
            crc = _multiply(text._shift, crc) ^ text.crc
        size = sum(text.size for text in texts)
        lines = sum(text.lines for text in texts)
        deflated = b"".join(text.deflated for text in texts)
        return cls(deflated, size, lines, crc, _power_of_x(8 * size))

    def gzipped(self, following: DeflatedText, volatile: bytes) -> tuple[bytes, ...]:
        """Return the parts of one gzip member (RFC 1952): this, `following`, then `volatile`."""
        deflate = zlib.compressobj(_LEVEL, wbits=-_WINDOW_BITS)
        crc = zlib.crc32(volatile, _multiply(following._shift, self.crc) ^ following.crc)
        size = self.size + following.size + len(volatile)
        tail = deflate.compress(volatile) + deflate.flush() + struct.pack("<II", crc, size % 2**32)
        # The last two are small; sending each on its own would take longer than this copy.
        return _GZIP_HEADER, self.deflated, following.deflated + tail

    def inflated(self) -> Iterator[bytes]:
        """Yield the text in slices, so the whole text is never in memory."""
        inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        deflated = memoryview(self.deflated)
        for start in range(0, len(deflated), _DEFLATED_SLICE_BYTES):
            left: bytes | memoryview = deflated[start : start + _DEFLATED_SLICE_BYTES]
            while text := inflate.decompress(left, _SLICE_BYTES):
                yield text
                left = inflate.unconsumed_tail


# The CRC-32 of two joined texts follows from theirs: the first is multiplied by x to the power of
# the second's length in bits, in the polynomial field in which the CRC is defined, with the bits of
# a number in zlib's order. zlib's crc32_combine does the same, and Python's zlib module lacks it.
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
    power = _ONE
    for number in range(exponent.bit_length()):
        if exponent >> number & 1:
            power = _multiply(power, _square_of_x(number))
    return power


@functools.cache  # a few dozen: as many as a length in bits has binary digits
def _square_of_x(number: int) -> int:
    """Return x to the power of 2 ** number."""
    if not number:
        return _ONE >> 1
    root = _square_of_x(number - 1)
    return _multiply(root, root)
