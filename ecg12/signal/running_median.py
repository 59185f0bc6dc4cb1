"""Running medians by sorting networks in NumPy: those of SciPy, two to three times as fast.

K windows in a row, K a power of two, share all but K - 1 samples at each side. Sorted, K of the
shared samples, in the middle, are candidates for their medians. Half of these windows shares K/2
samples more, all on one side: of the candidates a, ascending, and these samples b, descending, K/2
remain, min(max(a[i], b[i]), a[i + K/2]). They rise and fall but once, cyclically, so that a bitonic
merger sorts them. So on until one is left of each window: its median.

Samples are replaced by their ranks in the lead, which 16 bits hold, so that each step is a minimum
or maximum of long rows of small integers, for which processors have vector instructions. A cascade
of medians needs the ranks but once. Samples that follow each other belong to the rows of an array,
in bit-reversed order: then the blocks to be merged lie in its halves.

Sources: K. E. Batcher, Sorting networks and their applications (1968); A. Adams, Fast median
filters using separable sorting networks (2021), for what windows share.
"""

import threading
from collections.abc import Callable, Sequence

import numpy as np

KEPT = 8  # networks of a thread, for other windows or lengths; one takes up to a megabyte


def cascaded_median(signals: np.ndarray, windows: Sequence[int]) -> np.ndarray:
    """Apply one running median after the other; the samples at the ends are repeated.

    Parameters
    ----------
    signals
        (n_signals, n_samples) finite numbers.
    windows
        Odd numbers of samples.

    Returns
    -------
    (n_signals, n_samples), samples of the same signal.
    """
    n_signals, n = signals.shape
    begins = np.arange(n_signals)[:, None] * n
    order = np.argsort(signals, axis=1)
    order += begins
    dtype = np.int16 if n < np.iinfo(np.int16).max else np.int32
    ranks = np.empty((n_signals, n), dtype)
    ranks.reshape(-1)[order] = np.arange(n, dtype=dtype)
    for window in windows:
        ranks = _network(window, ranks).medians(ranks)
    return signals.take(order.take(begins + ranks))


class _Own(threading.local):
    """The networks of a thread: no other may write to their arrays at the same time."""

    def __init__(self) -> None:
        self.networks: dict[tuple[int, int, str], _Network] = {}


_OWN = _Own()


def _network(window: int, ranks: np.ndarray) -> "_Network":
    """Return the network for a window, made when it is first needed."""
    shared = 1 << (window + 1).bit_length() - 1
    lanes = len(ranks) * -(-(ranks.shape[1] + window) // shared)
    known, key = _OWN.networks, (window, lanes, ranks.dtype.str)
    if key not in known:
        if len(known) >= KEPT:
            known.clear()
        known[key] = _Network(window, lanes, ranks.dtype)
    return known[key]


class _Network:
    """All comparisons that find the medians of one window length.

    Arrays are (ranks, blocks, lanes): a lane is `shared` samples in a row, cut into blocks; the
    ranks of a block ascend. Even blocks are in the first half of an array, odd ones in the second.

    Parameters
    ----------
    window
        Odd number of samples.
    lanes
        How many.
    dtype
        Of integers; no sample is the largest or smallest of them.
    """

    def __init__(self, window: int, lanes: int, dtype: np.dtype) -> None:
        self._window, self._dtype = window, dtype
        self._bits = (window + 1).bit_length() - 1
        self._shared = 1 << self._bits
        self._steps: list[tuple[Callable, np.ndarray, np.ndarray, np.ndarray]] = []
        self._spare = [np.empty(self._shared * lanes, dtype) for _ in range(2)]
        self._samples = np.zeros(self._shared * lanes + window + 1, dtype)
        before, after = (np.empty((1, self._shared, lanes), dtype) for _ in range(2))
        left = self._sorted_blocks(before, 1)
        right = self._sorted_blocks(after, 0)
        found = self._halve(self._candidates(left), left, right)
        self._lanes = [
            (self._in_order(before[0]), self._as_lanes(self._samples[: before.size])),
            (self._in_order(after[0]), self._as_lanes(self._samples[window + 1 :])),
        ]
        self._found = self._in_order(found[0])
        self._result = np.empty((self._shared, lanes), dtype)

    def medians(self, samples: np.ndarray) -> np.ndarray:
        """Return the running medians of (n_signals, n_samples) integers."""
        n_signals, n = samples.shape
        first = self._window // 2 + 1
        rows = self._samples[: self._result.size].reshape(n_signals, -1)
        rows[:, :first] = samples[:, :1]
        rows[:, first : first + n] = samples
        rows[:, first + n :] = samples[:, -1:]
        for lanes, source in self._lanes:
            np.copyto(lanes, source)
        for step, one, two, out in self._steps:
            step(one, two, out=out)
        np.copyto(self._result.reshape(self._found.shape), self._found)
        return self._result.T.reshape(n_signals, -1)[:, :n]

    def _in_order(self, rows: np.ndarray) -> np.ndarray:
        """View rows in bit-reversed order as (2, …, 2, lanes) in the order of the samples."""
        axes = (*reversed(range(self._bits)), self._bits)
        return rows.reshape((2,) * self._bits + rows.shape[-1:]).transpose(axes)

    def _as_lanes(self, samples: np.ndarray) -> np.ndarray:
        """View samples, lane after lane, in the same shape."""
        lanes = samples.reshape((-1, *(2,) * self._bits))
        return lanes.transpose((*range(1, self._bits + 1), 0))

    def _other(self, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Return memory for an array, not that in which another one lies."""
        spare = self._spare[1 if array.base is self._spare[0] else 0]
        return spare[: int(np.prod(shape))].reshape(shape)

    def _compare(self, one: np.ndarray, two: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        self._steps += [(np.minimum, one, two, low), (np.maximum, one, two, high)]

    def _sort(self, bitonic: np.ndarray, out: np.ndarray | None, distance: int) -> np.ndarray:
        """Compare ranks at a distance, at half of it, and so on; the last time into `out`."""
        while distance:
            shape = bitonic.shape
            target = out if out is not None and distance == 1 else self._other(bitonic, shape)
            pairs = (-1, 2, distance * bitonic[0].size)
            a, b = bitonic.reshape(pairs), target.reshape(pairs)
            self._compare(a[:, 0], a[:, 1], b[:, 0], b[:, 1])
            bitonic, distance = target, distance // 2
        return bitonic

    def _merge(self, one: np.ndarray, two: np.ndarray) -> np.ndarray:
        """Merge blocks of as many sorted ranks into new memory."""
        n, shape = len(one), (2 * len(one), *one.shape[1:])
        out = np.empty(shape, self._dtype)
        first = self._other(out, shape) if n > 1 else out
        self._compare(one, two[::-1], first[:n], first[n:])
        return self._sort(first, out, n // 2)

    def _sorted_blocks(self, blocks: np.ndarray, odd: int) -> list[np.ndarray]:
        """Sort blocks of 1, 2, 4, … samples; of the longest, two a lane, make all or just one.

        The even one of the longest is needed among the candidates if the window has its bit.
        """
        found = [blocks]
        for _ in range(self._bits - 1):
            half = blocks.shape[1] // 2
            one, two = blocks[:, :half], blocks[:, half:]
            if half == 2 and not (odd and self._window + 1 & half * len(blocks)):
                one, two = one[:, odd : odd + 1], two[:, odd : odd + 1]
            blocks = self._merge(one, two)
            found.append(blocks)
        return found

    def _candidates(self, blocks: list[np.ndarray]) -> np.ndarray:
        """Sort what `shared` windows share: the first samples of the next lane.

        There may be fewer than candidates: beyond them is what no sample exceeds.
        """
        n = self._window + 1 - self._shared
        limits = np.iinfo(self._dtype)
        low = self._shared - 1 - self._window // 2
        found = np.full((self._shared, 1, blocks[0].shape[-1]), limits.max, self._dtype)
        found[:low] = limits.min
        core: np.ndarray | None = None
        for level in range(self._bits):
            size = 1 << level
            if n & size:
                block = _reversed(n >> level + 1 << 1, self._bits - level)
                run = blocks[level][:, block]
                core = run if core is None else self._merge(self._extended(core, size), run)
        if core is not None:
            inside = found[low : low + n, 0]
            inside[:, -1] = limits.max
            self._copy(core[:n, 1:], inside[:, :-1])
        return found

    def _extended(self, core: np.ndarray, size: int) -> np.ndarray:
        """Extend sorted samples to `size` by what no sample exceeds."""
        longer = np.full((size, core.shape[-1]), np.iinfo(self._dtype).max, self._dtype)
        self._copy(core, longer[: len(core)])
        return longer

    def _copy(self, one: np.ndarray, out: np.ndarray) -> None:
        self._steps.append((np.minimum, one, one, out))

    def _halve(
        self, candidates: np.ndarray, left: list[np.ndarray], right: list[np.ndarray]
    ) -> np.ndarray:
        """Halve the windows, and with them their candidates, until one is left of each."""
        for level in reversed(range(self._bits)):
            size, blocks = 1 << level, candidates.shape[1]
            halves = self._other(candidates, (size, 2 * blocks, candidates.shape[2]))
            added = left[level][::-1, -blocks:], right[level][::-1, :blocks]
            for half, new in zip((halves[:, :blocks], halves[:, blocks:]), added, strict=True):
                self._steps.append((np.maximum, new, candidates[:size], half))
                self._steps.append((np.minimum, half, candidates[size:], half))
            candidates = self._sort(halves, None, size // 2)
        return candidates


def _reversed(number: int, bits: int) -> int:
    """Return a number with its bits in reversed order."""
    return int(format(number, f"0{bits}b")[::-1], 2) if bits else 0
