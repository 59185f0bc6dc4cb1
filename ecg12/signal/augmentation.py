"""Variation of training recordings, drawn anew in each epoch, on prepared signals.

Each part has its own switch; zero leaves it out. Lead dropout lets one network serve every set of
leads. Stretching time and mixing recordings (mixup) were tried and brought nothing on real
recordings (reports/ptbxl.md).

The signals are those of `preprocessing.prepare`, so a recording that loses leads is divided by its
amplitude again: what the network sees equals what it would be given had the leads been missing.
"""

from dataclasses import dataclass

import numpy as np

from ecg12.io.leads import LEADS, LIMB_LEADS
from ecg12.signal.preprocessing import amplitude

LIMB = np.isin(LEADS, list(LIMB_LEADS))
V2 = LEADS.index("V2")
SPARSE = 50  # of so many samples one tells nearly always that a lead was recorded
KNOT = 3  # samples between the drawn values of noise: at 250 Hz it ends at 42 Hz, as signals do
SLOW, FAST = 0.15, 0.5  # Hz: range of the wander, that of breathing


@dataclass(frozen=True)
class Augmentation:
    """How training recordings vary.

    Attributes
    ----------
    gain
        Each lead is multiplied by 1 ± up to this.
    noise, wander
        Largest standard deviation of the values of noise that are drawn every `KNOT` samples
        (between them it is linear, .84 of it over all), and largest amplitude of a sine of
        0.15–0.5 Hz per lead, in units of the signal (for most preprocessings, its amplitude).
    lead_dropout
        Share of the recordings that lose leads: all chest leads, all of them but V2, or any.
    """

    gain: float = 0.0
    noise: float = 0.0
    wander: float = 0.0
    lead_dropout: float = 0.0

    def __post_init__(self) -> None:
        """Refuse shares outside 0 to 1 and negative amounts."""
        for name in ("gain", "lead_dropout"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} {getattr(self, name)} is not within 0 and 1")
        for name in ("noise", "wander"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} {getattr(self, name)} is negative")

    def apply(
        self,
        rng: np.random.Generator,
        signals: np.ndarray,
        rate: float,
        rescale: bool,
    ) -> np.ndarray:
        """Return a varied copy of a batch.

        Parameters
        ----------
        rng
            Decides everything.
        signals
            (n, 12, n_samples) float32.
        rate
            Hz.
        rescale
            Divide a recording that loses leads by its amplitude again.

        Returns
        -------
        Signals of the same shape and type.
        """
        if not any((self.gain, self.noise, self.wander, self.lead_dropout)):
            return signals
        if self.gain:
            gains = rng.uniform(1 - self.gain, 1 + self.gain, (*signals.shape[:2], 1))
            varied = signals * gains.astype(np.float32)
        else:
            varied = signals.copy()
        recorded = recorded_leads(signals)
        if self.noise or self.wander:
            if self.noise:
                _add_noise(rng, varied, self.noise * recorded[..., None])
            if self.wander:
                _add_wander(rng, varied, self.wander * recorded[..., None], rate)
            _clear_after(varied, lengths(signals))
        if self.lead_dropout:
            kept = kept_leads(rng, len(signals), self.lead_dropout)
            kept[~(kept & recorded).any(axis=1)] = True  # of few leads none may be left
            _drop_leads(varied, kept, rescale)
        return varied


def recorded_leads(signals: np.ndarray) -> np.ndarray:
    """Return which leads of a batch hold signal, (n, n_leads) bool.

    Not recorded are leads that are zero throughout: absent, or without an electrode.
    """
    present = np.any(signals[..., ::SPARSE], axis=2)
    for place in zip(*np.nonzero(~present), strict=True):
        present[place] = signals[place].any()
    return present


def lengths(signals: np.ndarray) -> np.ndarray:
    """Return (n,) samples of each recording before the zeros that fill it up to n_samples."""
    ends = np.full(len(signals), signals.shape[2])
    for index in np.flatnonzero(~signals[:, :, -1].any(axis=1)):
        anything = np.flatnonzero(signals[index].any(axis=0))
        ends[index] = anything[-1] + 1 if len(anything) else 0
    return ends


def _clear_after(signals: np.ndarray, ends: np.ndarray) -> None:
    """Set the samples after each recording's end to zero, as they are at inference too."""
    for index in np.flatnonzero(ends < signals.shape[2]):
        signals[index, :, ends[index] :] = 0


def random_crop(rng: np.random.Generator, signals: np.ndarray, n_samples: int) -> np.ndarray:
    """Cut a random stretch out of each recording.

    Parameters
    ----------
    rng
        Draws where each begins, evenly over what was recorded.
    signals
        (n, n_leads, any), stored or scaled; zeros at the end of a short recording stay outside the
        stretch, unless the recording is shorter than it.
    n_samples
        Length of the stretches, at most that of the signals.

    Returns
    -------
    (n, n_leads, n_samples), of the type of the signals.
    """
    starts = rng.integers(np.maximum(lengths(signals) - n_samples, 0) + 1)
    pairs = zip(signals, starts, strict=True)
    return np.stack([row[:, start : start + n_samples] for row, start in pairs])


def _add_noise(rng: np.random.Generator, signals: np.ndarray, most: np.ndarray) -> None:
    """Add noise, linear between knots of a standard deviation up to `most`, one per recording.

    Knots are drawn evenly, which takes a fifth of the time of normal ones.
    """
    n, n_leads, n_samples = signals.shape
    knots = rng.random((n, n_leads, -(-n_samples // KNOT) + 1), dtype=np.float32)
    knots -= np.float32(0.5)
    knots *= (np.sqrt(12) * rng.random((n, 1, 1)) * most).astype(np.float32)
    rise = np.diff(knots)
    rise /= np.float32(KNOT)
    noise = np.empty((*rise.shape, KNOT), np.float32)
    noise[..., 0] = knots[..., :-1]
    for place in range(1, KNOT):
        np.add(noise[..., place - 1], rise, out=noise[..., place])
    signals += noise.reshape(n, n_leads, -1)[..., :n_samples]


def _add_wander(
    rng: np.random.Generator, signals: np.ndarray, most: np.ndarray, rate: float
) -> None:
    """Add a slow sine to each lead, all of a recording at the frequency of its breathing."""
    n, n_leads, n_samples = signals.shape
    frequency = rng.uniform(SLOW, FAST, (n, 1, 1))
    phase = rng.uniform(0, 2 * np.pi, (n, 1, 1))
    size = (rng.uniform(-1, 1, (n, n_leads, 1)) * most).astype(np.float32)
    step = (2 * np.pi / rate * frequency).astype(np.float32)
    angle = step * np.arange(n_samples, dtype=np.float32) + phase.astype(np.float32)
    signals += size * np.sin(angle)


def kept_leads(rng: np.random.Generator, n: int, share: float) -> np.ndarray:
    """Draw which leads each of n recordings keeps, (n, 12) bool.

    A `share` of the recordings lose some: a third of these keep the limb leads (all that two leads
    tell), a third the limb leads and V2, a third each lead with probability one half. Of limb
    leads, two tell the other four (Einthoven's law), so they are kept or lost together.
    """
    any_of_them = rng.random((n, len(LEADS))) < 0.5
    any_of_them[any_of_them[:, LIMB].sum(axis=1) > 1] |= LIMB
    any_of_them[np.arange(n), rng.integers(len(LEADS), size=n)] = True  # never none
    any_of_them[any_of_them[:, LIMB].sum(axis=1) > 1] |= LIMB
    choices = np.stack([np.tile(LIMB, (n, 1)), np.tile(LIMB, (n, 1)), any_of_them])
    choices[1, :, V2] = True
    kept = choices[rng.integers(3, size=n), np.arange(n)]
    kept[rng.random(n) >= share] = True
    return kept


def drop_leads(signals: np.ndarray, kept: np.ndarray, rescale: bool) -> np.ndarray:
    """Set the leads to zero that are not kept, (n, 12, n_samples) and (n, 12) bool.

    With `rescale` a recording that loses leads is divided by the amplitude of those that remain,
    over its own length as in `preprocessing.prepare`.
    """
    result = signals.copy()
    _drop_leads(result, kept, rescale)
    return result


def _drop_leads(signals: np.ndarray, kept: np.ndarray, rescale: bool) -> None:
    """Do in place what `drop_leads` does."""
    losing = np.flatnonzero(~kept.all(axis=1))
    ends = lengths(signals[losing])
    for index, end in zip(losing, ends, strict=True):
        signals[index, ~kept[index]] = 0
        if rescale and end:
            signals[index] /= amplitude(signals[index, kept[index], :end]) or 1.0
