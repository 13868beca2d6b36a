"""Text that is compressed once, and then only joined.

A gzip answer must be a single member, because curl and browsers stop after the first one. So each
text is raw deflate blocks that end on a byte boundary (a full flush) and do not depend on what is
before them: such texts can follow one another in any order. The checksum of the member is computed
from theirs.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

try:
    from zlib_ng import zlib_ng as zlib
    from zlib_ng.zlib_ng import crc32_combine
except ModuleNotFoundError:  # no wheel for this platform: the same bytes in twice the time
    import zlib  # type: ignore[no-redef]

    from seq_exporter.publish.checksums import crc32_combine

# The default: a higher level saves little, and the volatile part is compressed at each scrape. A
# page is sent hundreds of times: level 4 takes three quarters of the time, and isal a sixth, but
# their pages are larger by a seventh and a quarter.
_LEVEL = 6
# How far back repetitions are searched, as a power of two: 8 KiB are the lines of 20 subusers. In
# the largest window, 32 KiB, they take 1.7 times as long to find, for a page smaller by 4 %.
_WINDOW_BITS = 13
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

    @classmethod
    def of(cls, texts: Iterable[str]) -> DeflatedText:
        """Compress `texts`, each of any number of whole lines."""
        deflater = Deflater()
        for text in texts:
            deflater.add(text, text.count("\n"))
        return deflater.finish()

    @classmethod
    def join(cls, texts: Iterable[DeflatedText]) -> DeflatedText:
        """Join texts, in their order."""
        texts = tuple(texts)
        crc = 0
        for text in texts:
            crc = crc32_combine(crc, text.crc, text.size)
        size = sum(text.size for text in texts)
        lines = sum(text.lines for text in texts)
        deflated = b"".join(text.deflated for text in texts)
        return cls(deflated, size, lines, crc)

    def gzipped(self, following: DeflatedText, volatile: bytes) -> tuple[bytes, ...]:
        """Return the parts of one gzip member (RFC 1952): this, `following`, then `volatile`."""
        deflate = zlib.compressobj(_LEVEL, wbits=-_WINDOW_BITS)
        crc = zlib.crc32(volatile, crc32_combine(self.crc, following.crc, following.size))
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


class Deflater:
    """Compresses a text that comes in parts, each of any number of whole lines."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(_LEVEL, wbits=-_WINDOW_BITS)
        # Not a list of parts: 4 MB of memory would be left in pieces between them.
        self._deflated = io.BytesIO()
        self._size = self._lines = self._crc = 0

    def add(self, text: str, lines: int) -> None:
        """Compress one more part, which has this number of `lines`."""
        part = text.encode()
        self._deflated.write(self._deflate.compress(part))
        self._size += len(part)
        self._lines += lines
        self._crc = zlib.crc32(part, self._crc)

    def finish(self) -> DeflatedText:
        """Return the whole text; nothing can be added any more."""
        self._deflated.write(self._deflate.flush(zlib.Z_FULL_FLUSH))
        return DeflatedText(self._deflated.getvalue(), self._size, self._lines, self._crc)
