"""Resampling and the low-pass of the signal chain, in NumPy: SciPy's results within rounding.

`scipy.signal` would be half of the time that a single prediction takes to start. The filters are
linear and known in closed form, so little is needed in its place: resampling is one product per
phase with a windowed sinc, and the Butterworth low-pass is a product in the frequency domain.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

HALF_WIDTH = 10  # of the anti-alias filter, in samples of the lower of the two rates
KAISER = 5.0  # shape of its window
FORGOTTEN = 1e-18  # of an impulse; so much of it is left where a response counts as ended


def resample(signals: np.ndarray, up: int, down: int) -> np.ndarray:
    """Resample along time by up/down, as `scipy.signal.resample_poly` does.

    A windowed sinc (`scipy.signal.firwin`, Kaiser window) keeps what lies below half of the lower
    rate. Beyond the ends the signals go on along the line through their first and last samples.

    Parameters
    ----------
    signals
        (n_signals, n_samples) float64, at least one sample.
    up, down
        Without a common divisor.

    Returns
    -------
    (n_signals, ceil(n_samples · up / down)) float64.
    """
    kernels = _polyphase(up, max(up, down))
    n_taps = kernels.shape[1]
    n_out = -(-signals.shape[1] * up // down)
    position = np.arange(n_out) * down + HALF_WIDTH * max(up, down)
    first = position // up - n_taps + 1  # sample at which the kernel of each result begins
    extended, before = _along_the_line(signals, first[0], first[-1] + n_taps)
    windows = sliding_window_view(extended, n_taps, axis=1)
    result = np.empty((len(signals), n_out))
    for phase in range(min(up, n_out)):
        own = result[:, phase::up]
        seen = windows[:, first[phase] + before :: down][:, : own.shape[1]]
        own[:] = seen @ kernels[position[phase] % up]
    return result


def _along_the_line(signals: np.ndarray, begin: int, end: int) -> tuple[np.ndarray, int]:
    """Extend signals to the samples from `begin` to `end`; return them and how many are before."""
    n = signals.shape[1]
    before, after = max(-begin, 0), max(end - n, 0)
    slope = (signals[:, -1:] - signals[:, :1]) / max(n - 1, 1)
    parts = [
        signals[:, :1] + slope * np.arange(-before, 0),
        signals,
        signals[:, -1:] + slope * np.arange(1, after + 1),
    ]
    return np.concatenate(parts, axis=1), before


@lru_cache
def _polyphase(up: int, largest: int) -> np.ndarray:
    """Return the anti-alias filter by phases, (up, n_taps), in the order of the samples."""
    half = HALF_WIDTH * largest
    kernel = np.sinc(np.arange(-half, half + 1) / largest) * np.kaiser(2 * half + 1, KAISER)
    n_taps = -(-len(kernel) // up)
    padded = np.zeros(n_taps * up)
    padded[: len(kernel)] = kernel * (up / kernel.sum())
    return np.ascontiguousarray(padded.reshape(n_taps, up)[::-1].T)


def low_pass(
    signals: np.ndarray, cutoff: float, rate: float, *, order: int, zero_phase: bool
) -> np.ndarray:
    """Apply a Butterworth low-pass along time.

    Parameters
    ----------
    signals
        (n_signals, n_samples) float64, at least one sample.
    cutoff, rate
        Hz; −3 dB at the cutoff, for each pass.
    order
        Of the filter.
    zero_phase
        Forwards and backwards, as `scipy.signal.sosfiltfilt` does, the signals continued at both
        ends by their point reflection; otherwise once and from rest, as `scipy.signal.sosfilt`.

    Raises
    ------
    ValueError
        If the cutoff is not between 0 and half the rate.

    Notes
    -----
    The response comes from the analog filter's poles and the bilinear transform, frequency by
    frequency. The discrete Fourier transform repeats in time what it filters; enough samples lie
    before the signals that nothing of the repetition is left where they begin.
    """
    if not 0 < cutoff < rate / 2:
        raise ValueError(f"cutoff {cutoff} Hz is not between 0 and half the rate, {rate / 2} Hz")
    n = signals.shape[1]
    spare = _memory(order, cutoff / rate)
    if not zero_phase:
        size = _fast_size(n + spare)
        rest = np.zeros((len(signals), size - n))
        return _pass(np.concatenate([rest, signals], axis=1), order, cutoff / rate)[:, size - n :]
    reach = min(6 * -(-order // 2), n - 1)
    start, end = signals[:, :1], signals[:, -1:]
    left = 2 * start - signals[:, reach:0:-1]
    right = 2 * end - signals[:, -2 : -reach - 2 : -1]
    reflected = np.concatenate([left, signals, right], axis=1)
    for _ in range(2):  # forwards, then backwards; at rest on the first value of each pass
        held = _fast_size(reflected.shape[1] + spare) - reflected.shape[1]
        whole = np.concatenate([np.repeat(reflected[:, :1], held, axis=1), reflected], axis=1)
        reflected = _pass(whole, order, cutoff / rate)[:, : held - 1 : -1]
    return reflected[:, reach : reach + n]


def _pass(signals: np.ndarray, order: int, cutoff: float) -> np.ndarray:
    size = signals.shape[1]
    return np.fft.irfft(np.fft.rfft(signals) * _response(order, cutoff, size), size)


def _poles(order: int) -> np.ndarray:
    """Return the poles of the analog Butterworth filter with cutoff 1."""
    return np.exp(1j * np.pi * (2 * np.arange(order) + order + 1) / (2 * order))


@lru_cache
def _response(order: int, cutoff: float, size: int) -> np.ndarray:
    """Return the response at the frequencies of `numpy.fft.rfft` of an even size."""
    angle = np.pi * np.arange(size // 2) / size  # half of it: the bilinear transform's
    frequency = np.tan(angle) / math.tan(math.pi * cutoff)
    response = 1 / np.prod(1j * frequency[:, None] - _poles(order), axis=1)
    return np.append(response, 0.0)  # half the rate is infinity for the analog filter


@lru_cache
def _memory(order: int, cutoff: float) -> int:
    """Return after how many samples a response has died away."""
    poles = _poles(order) * math.tan(math.pi * cutoff)
    slowest = np.abs((1 + poles) / (1 - poles)).max()
    return math.ceil(math.log(FORGOTTEN) / math.log(slowest))


def _fast_size(least: int) -> int:
    """Return the smallest even number from `least` on that is 1, 3, 5, 9 or 15 powers of two."""
    return min(m << max(1, math.ceil(math.log2(least / m))) for m in (1, 3, 5, 9, 15))
