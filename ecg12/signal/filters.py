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
BLOCK = 24  # results of a product, about: so many that few samples are seen in vain
FORGOTTEN = 1e-15  # of an impulse; so much of it is left where a response counts as ended


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
    n_out = -(-signals.shape[1] * up // down)
    first, products = _blocks(up, down, n_out)
    n_seen = products.shape[1]
    extended, before = _along_the_line(signals, first[0], first[-1] + n_seen)
    seen = sliding_window_view(extended, n_seen, axis=1)[:, first + before]
    result = np.empty((len(signals), len(first), products.shape[2]))
    np.matmul(seen.transpose(1, 0, 2), products, out=result.transpose(1, 0, 2))
    return result.reshape(len(signals), -1)[:, :n_out]


@lru_cache(maxsize=8)
def _blocks(up: int, down: int, n_out: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut the results into blocks, each a product of a matrix with the samples that it depends on.

    A block holds whole periods of the phases, if they are short; so one matrix serves all.

    Returns
    -------
    first
        (n_blocks,) sample at which each block's samples begin.
    products
        (1 or n_blocks, samples, results) matrices.
    """
    kernels = _polyphase(up, max(up, down))
    n_taps = kernels.shape[1]
    size = up * -(-BLOCK // up) if up <= 2 * BLOCK else BLOCK
    places = np.arange(-(-n_out // size) * size).reshape(-1, size) * down
    position = places + HALF_WIDTH * max(up, down)
    begin = position // up - n_taps + 1  # sample at which the kernel of each result begins
    first = begin[:, 0]
    if size % up == 0:
        begin, position = begin[:1], position[:1]
    offset = begin - begin[:, :1]
    products = np.zeros((len(begin), offset.max() + n_taps, size))
    block, result = np.indices(begin.shape)[..., None]
    products[block, offset[..., None] + np.arange(n_taps), result] = kernels[position % up]
    return first, products


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
        whole = np.zeros((len(signals), size))
        whole[:, size - n :] = signals
        return _pass(whole, _response(order, cutoff / rate, size))[:, size - n :]
    reach = min(3 * (order + 1), n - 1)
    size = _fast_size(n + 2 * reach + 2 * spare)
    whole = np.empty((len(signals), size))
    begin, end = spare + reach, spare + reach + n
    whole[:, begin:end] = signals
    whole[:, spare:begin] = 2 * signals[:, :1] - signals[:, reach:0:-1]
    whole[:, end : end + reach] = 2 * signals[:, -1:] - signals[:, -2 : -reach - 2 : -1]
    end += reach
    whole[:, :spare] = whole[:, spare : spare + 1]  # at rest on the first value
    whole[:, end:] = whole[:, end - 1 : end]
    beyond = _second_start(whole[:, end - spare : end], order, cutoff / rate)
    whole = _pass(whole, np.abs(_response(order, cutoff / rate, size)) ** 2)
    whole[:, end - spare : end] += beyond
    return whole[:, begin : begin + n]


def _second_start(last: np.ndarray, order: int, cutoff: float) -> np.ndarray:
    """Return what it changes that the pass backwards begins at rest on its first value.

    The forward pass would go on beyond the last sample, towards its value. Instead it keeps the
    value that it has there.

    Parameters
    ----------
    last
        (n_signals, n) last samples, as many as are remembered.
    order, cutoff
        The latter as a share of the rate.

    Returns
    -------
    (n_signals, n) what is to be added to the filtered samples.
    """
    n = last.shape[1]
    size = _fast_size(n + _memory(order, cutoff))
    response = _response(order, cutoff, size)
    forwards = np.zeros((len(last), size))
    forwards[:, :n] = last - last[:, -1:]
    forwards = _pass(forwards, response)
    kept = forwards[:, n - 1 : n] - forwards
    kept[:, :n] = 0
    return _pass(kept, response.conj())[:, :n]


def _pass(signals: np.ndarray, response: np.ndarray) -> np.ndarray:
    return np.fft.irfft(np.fft.rfft(signals) * response, signals.shape[1])


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
