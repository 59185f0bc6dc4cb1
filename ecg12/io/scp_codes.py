"""The code of SCP-ECG samples: the default Huffman table and differences.

In the default table (EN 1064, annex C), n ones, a zero and a sign stand for n or -n, up to 8; a
single zero stands for 0; ten bits announce a number of 8 or 16 bits. Samples are coded as they are,
as their differences or as the differences of those.
"""

import re

import numpy as np

_CODE = re.compile(r"0|1{1,8}0[01]|1111111110([01]{8})|1111111111([01]{16})|[01]+")
SMALL = {"0": 0} | {
    "1" * n + "0" + sign: value
    for n in range(1, 9)
    for sign, value in (("0", n), ("1", -n))
}  # fmt: skip


def huffman(data: bytes, n_samples: int) -> np.ndarray | None:
    """Decode numbers by the default table.

    Parameters
    ----------
    data
        The code; its last bits may be left over.
    n_samples
        How many numbers are wanted.

    Returns
    -------
    numpy.ndarray or None
        (n_samples,) int64; None where the data hold fewer.
    """
    bits = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}" if data else ""
    values: list[int] = []
    for found in _CODE.finditer(bits):
        value = SMALL.get(found[0])
        if value is None:
            value = _announced(found[1] or found[2])
        if value is None or len(values) == n_samples:
            break
        values.append(value)
    return np.array(values, np.int64) if len(values) == n_samples else None


def _announced(bits: str | None) -> int | None:
    """Return the two's complement of 8 or 16 bits; None for bits that are left over."""
    return int(bits, 2) - (int(bits[0]) << len(bits)) if bits else None


def undo_differences(values: np.ndarray, order: int) -> np.ndarray:
    """Return samples from differences of order 0, 1 or 2, the first `order` samples as they are."""
    values = values.copy()
    if order == 2 and len(values) > 1:
        values[1] -= values[0]
        values[1:] = np.cumsum(values[1:])
    return np.cumsum(values) if order else values
