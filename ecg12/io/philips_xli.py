"""XLI, by which Philips compresses waveforms.

XLI stores one chunk per lead: the number of compressed bytes (int32), two bytes that are not used,
the first second difference (int16), all lowest byte first, and the compressed bytes. These are
codes of 10 bits, highest bit first, of LZW without reset (Welch, IEEE Computer 17(6), 1984). What
they give are the high bytes of all values, then the low bytes: the first two samples of the lead,
then 64 less its second differences, each of them needed one sample later. Of the limb leads, III,
aVR, aVL and aVF are stored as what is left of them when their value by Einthoven's and Goldberger's
rules is taken away.

Source: as of `ecg12.io.philips`.
"""

import struct

import numpy as np

from ecg12.runtime.errors import RecordError

CODE_BITS, FIRST_FREE, LAST_CODE = 10, 256, 1022
HALF = 64  # of which second differences are taken away
CHUNK_HEAD = 8  # bytes


def decode_lead(data: bytes, position: int, n_samples: int, where: str) -> tuple[np.ndarray, int]:
    """Decode the chunk of one lead.

    Parameters
    ----------
    data
        All chunks.
    position
        Where the chunk begins.
    n_samples
        How many samples it is to hold, at least 2.
    where
        File and lead, for messages.

    Returns
    -------
    samples
        (n_samples,) int64, of the limb leads what is left of them.
    position
        Where the next chunk begins.

    Raises
    ------
    RecordError
        If the chunk is truncated or holds fewer samples.
    """
    size, first = _chunk(data, position, where)
    position += CHUNK_HEAD
    content = _decompressed(data[position : position + size], 2 * n_samples)
    if len(content) < 2 * n_samples:
        raise RecordError(f"{where}: {len(content) // 2} samples, {n_samples} announced")
    return _integrated(content, first), position + size


def _chunk(data: bytes, position: int, where: str) -> tuple[int, int]:
    """Return the number of compressed bytes of a chunk, all present, and its first difference."""
    if position + CHUNK_HEAD > len(data):
        raise RecordError(f"{where}: no samples")
    size, first = struct.unpack_from("<i2xh", data, position)
    if not 0 < size <= len(data) - position - CHUNK_HEAD:
        raise RecordError(
            f"{where}: truncated: {size} bytes announced, {len(data) - position - CHUNK_HEAD} held"
        )
    return size, first


def _decompressed(data: bytes, n_bytes: int) -> bytes:
    """Undo LZW until `n_bytes` are there or the data end; what comes after is padding."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    codes = bits[: len(bits) // CODE_BITS * CODE_BITS].reshape(-1, CODE_BITS)
    words = [bytes([byte]) for byte in range(FIRST_FREE)]
    found: list[bytes] = []
    length, last = 0, b""
    for code in (codes @ (1 << np.arange(CODE_BITS)[::-1])).tolist():
        if length >= n_bytes or code > LAST_CODE or code > len(words) - (not last):
            break
        word = words[code] if code < len(words) else last + last[:1]
        if last and len(words) <= LAST_CODE:
            words.append(last + word[:1])
        found.append(word)
        length, last = length + len(word), word
    return b"".join(found)[:n_bytes]


def _integrated(content: bytes, first: int) -> np.ndarray:
    """Return samples (n_samples,) from their high and low bytes: two samples, then differences."""
    high, low = np.frombuffer(content, np.uint8).reshape(2, -1)
    stored = (high.astype(np.uint16) << 8 | low).view(np.int16).astype(np.int64)
    samples = stored.copy()
    second = np.concatenate([[-first], HALF - stored[2:-1]])[: len(stored) - 2]
    slope = np.concatenate([[0], np.cumsum(second)]) + stored[1] - stored[0]
    samples[1:] = stored[0] + np.cumsum(slope)
    return samples
