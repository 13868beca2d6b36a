"""The checksum of two joined texts, for platforms without a library that computes it."""

from __future__ import annotations

import functools

# The CRC-32 of two joined texts follows from theirs: the first is multiplied by x to the power of
# the second's length in bits, in the polynomial field in which the CRC is defined, with the bits of
# a number in zlib's order.
_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31


def crc32_combine(first: int, second: int, second_bytes: int) -> int:
    """Return the CRC-32 of two joined texts; as zlib's C function of this name does.

    `first` and `second` are theirs, and `second_bytes` is the length of the second.
    """
    return _multiply(_power_of_x(8 * second_bytes), first) ^ second


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


@functools.lru_cache(maxsize=1024)  # the same texts are joined again and again
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
