"""The samples of a multiplex group of DICOM: one value of each channel in turn (PS3.5, 8.3)."""

from typing import Any

import numpy as np

from ecg12.io.dicom_file import Dicom
from ecg12.runtime.errors import RecordError

KINDS = {
    "SB": "i1", "UB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4", "SV": "i8", "UV": "u8",
}  # fmt: skip
COMPANDED = {"MB": "mu-law", "AB": "A-law"}


def group_samples(dicom: Dicom, group: Any, n_channels: int) -> tuple[np.ndarray, slice]:
    """Return the samples of a group, (n_channels, n_samples), and those between its padding."""
    kind = dicom.text(group, "WaveformSampleInterpretation")
    if kind in COMPANDED:
        raise RecordError(f"{dicom.path}: samples compressed by {COMPANDED[kind]} are not read")
    bits = dicom.whole(group, "WaveformBitsAllocated")
    if kind not in KINDS or bits != 8 * int(KINDS[kind][1]):
        raise RecordError(f"{dicom.path}: samples of unknown kind in {bits} bits")
    dtype = np.dtype(dicom.byte_order + KINDS[kind])
    announced = dicom.whole(group, "NumberOfWaveformChannels")
    n_samples = dicom.whole(group, "NumberOfWaveformSamples")
    data = dicom.data(group, "WaveformData")
    needed = announced * n_samples * dtype.itemsize
    if not 0 < announced == n_channels or n_samples < 1 or len(data) - needed not in (0, 1):
        raise RecordError(
            f"{dicom.path}: {announced} channels of {n_samples} samples announced, {n_channels} "
            f"channels described, {len(data)} bytes of samples"
        )
    samples = np.frombuffer(data, dtype, announced * n_samples).reshape(n_samples, announced)
    padding, kept = dicom.data(group, "WaveformPaddingValue"), slice(0, n_samples)
    if len(padding) == dtype.itemsize:
        kept = _between(samples, np.frombuffer(padding, dtype)[0])
    return samples.T.astype(dtype.newbyteorder("=")), kept


def _between(samples: np.ndarray, padding: int) -> slice:
    """Return the rows between those at the ends that are nothing but padding, all if all are."""
    (kept,) = np.nonzero((samples != padding).any(axis=1))
    return slice(int(kept[0]), int(kept[-1]) + 1) if len(kept) else slice(0, len(samples))


def extended(values: np.ndarray, bits: int) -> np.ndarray:
    """Extend the sign of samples stored in fewer bits than are allocated, where it is not there.

    Parameters
    ----------
    values
        (n_samples,) of a group in which no value is negative.
    bits
        Bits stored, as the channel is described.
    """
    if values.dtype.kind != "i" or not 1 < bits < 8 * values.itemsize:
        return values
    if not 2 ** (bits - 1) <= int(values.max()) < 2**bits:
        return values
    wide = values.astype(np.int64)
    return (wide - 2**bits * (wide >= 2 ** (bits - 1))).astype(values.dtype)
