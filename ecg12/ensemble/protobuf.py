"""Reads the fields of a protobuf message, without its schema and without any library.

(The wire format: https://protobuf.dev/programming-guides/encoding/.) Numbers and bytes are handed
over as they are; what they mean, the caller knows. Groups, which are no longer used, are refused.
"""

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
WIDTHS = {FIXED64: 8, FIXED32: 4}
MOST_VARINT_BYTES = 10


def fields(message: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """Yield number, wire type and value of each field, in their order.

    The value is an unsigned number (varint), or the bytes.

    Raises
    ------
    ValueError
        If the message ends within a field, or is none.
    """
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        number, wire = key >> 3, key & 7
        if not number:
            raise ValueError("a field with the number 0")
        if wire == VARINT:
            value, at = varint(message, at)
            yield number, wire, value
            continue
        if wire == BYTES:
            length, at = varint(message, at)
        elif wire in WIDTHS:
            length = WIDTHS[wire]
        else:
            raise ValueError(f"wire type {wire}, which is not read")
        if length > len(message) - at:
            raise ValueError(f"a field of {length} bytes, of which {len(message) - at} are there")
        yield number, wire, message[at : at + length]
        at += length


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, below 2**64, and where it ends.

    Raises
    ------
    ValueError
        If the message ends before, or the number is larger.
    """
    number = 0
    for i, byte in enumerate(message[at : at + MOST_VARINT_BYTES]):
        number |= (byte & 127) << 7 * i
        if byte < 128 and number < 2**64:
            return number, at + i + 1
    raise ValueError("a number that does not end or is too large")


def signed(number: int) -> int:
    """Return the signed 64-bit number that an unsigned one stands for."""
    return number - (number >> 63 << 64)


def numbers(wire: int, value: int | memoryview) -> list[int]:
    """Return the signed numbers of a repeated field: one, or packed into bytes.

    Raises
    ------
    ValueError
        If it holds no varints.
    """
    if isinstance(value, int):
        return [signed(value)]
    if wire != BYTES:
        raise ValueError(f"wire type {wire} where whole numbers belong")
    found, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        found.append(signed(number))
    return found
