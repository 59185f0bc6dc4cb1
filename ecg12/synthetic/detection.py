"""Find the QRS complexes of a noise-free 12-lead signal and group them by shape.

Places and widths come from sharpness and spatial velocity (the norm of the leads' slopes), the
dominant group from correlation. Times in seconds, signals in mV.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

EIGHT = [0, 1, 6, 7, 8, 9, 10, 11]  # the independent leads among the twelve
BEAT = 0.22  # share of the usual sharpness that marks a QRS
T_TIME, T_SHARE = 0.5, 0.3  # a candidate so soon (s) after a QRS and so much blunter is its T wave
FAST = 0.2  # share of a QRS's own peak velocity that is surely QRS
EDGE = 0.12  # share of it that marks onset and end
TURN = 0.35  # below this share a turning point of the velocity is onset or end too
EARLY = 0.82  # share of the interval before
ALIKE = 0.90  # correlation of two QRS complexes of the same origin


class TooFewBeatsError(ValueError):
    """A signal without enough QRS complexes to be measured."""


@dataclass(frozen=True, eq=False)
class Beats:
    """All QRS complexes of a recording.

    Attributes
    ----------
    times
        (n_beats,) centres in seconds.
    widths
        (n_beats,) QRS durations in seconds.
    dominant
        (n_beats,) whether the QRS has the recording's usual shape.
    """

    times: np.ndarray
    widths: np.ndarray
    dominant: np.ndarray

    @property
    def early(self) -> np.ndarray:
        """(n_beats,) whether a beat comes much sooner than usual and than the one before it."""
        rr = np.diff(self.times)
        usual = np.minimum(rr[:-1], 1.05 * np.median(rr))
        return np.r_[False, False, rr[1:] < EARLY * usual]

    @property
    def regular_rr(self) -> np.ndarray:
        """Intervals in seconds between dominant beats, neither of which is early or after one."""
        odd = ~self.dominant | self.early
        return np.diff(self.times)[~(odd[1:] | odd[:-1])]


def velocity_of(signals: np.ndarray, rate: float) -> np.ndarray:
    """Return the spatial velocity in mV/s, smoothed over 6 ms."""
    slopes = np.gradient(signals[EIGHT], 1 / rate, axis=1)
    return uniform_filter1d(np.sqrt((slopes**2).sum(axis=0)), 2 * round(0.003 * rate) + 1)


def find_beats(signals: np.ndarray, rate: float) -> Beats:
    """Find the QRS complexes of (12, n) signals.

    A QRS is sharp: it differs from its own mean over 60 ms far more than P and T do.

    Raises
    ------
    TooFewBeatsError
        If fewer than three are found.
    """
    eight, n = signals[EIGHT], signals.shape[1]
    blunt = uniform_filter1d(eight, 2 * round(0.03 * rate) + 1, axis=1)
    sharpness = uniform_filter1d(np.linalg.norm(eight - blunt, axis=0), 2 * round(0.02 * rate) + 1)
    centres = _sharp_places(sharpness, rate)
    if len(centres) < 3:
        raise TooFewBeatsError(f"{len(centres)} QRS complexes in {n / rate:.1f} s; 3 are needed")
    dominant, widths = _dominant(signals, centres, rate)
    return Beats(centres / rate, widths, dominant)


def _sharp_places(sharpness: np.ndarray, rate: float) -> np.ndarray:
    """Return the centres in samples of stretches of high sharpness that are not T waves."""
    n, two = len(sharpness), round(2 * rate)
    usual = np.median(sharpness[: n - n % two or n].reshape(-1, min(two, n)).max(axis=1))
    places = np.flatnonzero(sharpness > BEAT * usual)
    groups = np.split(places, np.flatnonzero(np.diff(places) > 0.09 * rate) + 1)
    reach, centres, heights = 0.16 * rate, list[int](), list[float]()
    for group in (g for g in groups if len(g)):
        height = float(sharpness[group].max())
        weight = sharpness[group] ** 2
        centre = round(float(group @ weight / weight.sum()))
        soon = bool(centres) and centre - centres[-1] < T_TIME * rate
        if reach <= centre < n - reach and not (soon and height < T_SHARE * heights[-1]):
            centres.append(centre)
            heights.append(height)
    return np.array(centres)


def limits_of(velocity: np.ndarray, centre: int, rate: float) -> tuple[int, int]:
    """Return onset and end in samples of the QRS around a sample."""
    reach = round(0.11 * rate)
    first = max(centre - reach, 0)
    near = velocity[first : centre + reach]
    peak = velocity[max(centre - reach // 2, 0) : centre + reach // 2].max()
    fast = np.flatnonzero(near > FAST * peak) + first
    pieces = np.split(fast, np.flatnonzero(np.diff(fast) > 0.045 * rate) + 1)
    piece = min(pieces, key=lambda p: np.abs(p - centre).min())
    before = velocity[max(piece[0] - reach, 0) : piece[0] + 1][::-1]
    after = velocity[piece[-1] : piece[-1] + reach]
    return piece[0] - _settled(before, peak), piece[-1] + _settled(after, peak)


def _settled(course: np.ndarray, peak: float) -> int:
    """Return the first place where a course of velocities is slow or turns at a low level."""
    slow = course[:-1] < EDGE * peak
    turning = (np.diff(course) >= 0) & (course[:-1] < TURN * peak)
    stop = np.flatnonzero(slow | turning)
    return int(stop[0]) if len(stop) else len(course) - 1


def _dominant(
    signals: np.ndarray, centres: np.ndarray, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mark the largest group of QRS complexes alike in shape; measure all widths in seconds.

    Where another group is nearly as large (bigeminy), the narrower one is dominant. Beats of the
    dominant group share one width.
    """
    alike = _alike(signals, centres, rate)
    group = alike[int(np.argmax(alike.sum(axis=1)))]
    velocity = velocity_of(signals, rate)
    widths = np.empty(len(centres))
    for chosen in (np.flatnonzero(~group), np.flatnonzero(group)[:1]):
        limits = [limits_of(velocity, centre, rate) for centre in centres[chosen]]
        widths[chosen] = [(last - first) / rate for first, last in limits]
    widths[group] = widths[np.argmax(group)]
    other = alike[int(np.argmax(~group))]
    if 0.4 * len(group) <= other.sum() and widths[other].mean() < widths[group].mean():
        group = other
    return group, widths


def _alike(signals: np.ndarray, centres: np.ndarray, rate: float) -> np.ndarray:
    """Return (n, n): whether two QRS complexes correlate."""
    reach = round(0.07 * rate)
    cuts = signals[EIGHT][:, centres[:, None] + np.arange(-reach, reach + 1, 2)]
    flat = cuts.transpose(1, 0, 2).reshape(len(centres), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    return flat @ flat.T > ALIKE
