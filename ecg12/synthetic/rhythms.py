"""When the heart beats: the times, kinds and intervals of all beats of a recording.

Sinus rhythm follows respiration and slower regulation; ectopic beats come early and are followed
by a pause; in atrial fibrillation RR intervals are gamma-distributed, in flutter they are
multiples of the atrial cycle. Times in seconds; the recording runs from 0 to its length, and
beats before and after it are there so that their waves reach into it.
"""

from dataclasses import dataclass, replace

import numpy as np

CONDUCTED, ATRIAL, VENTRICULAR = 0, 1, 2  # kinds of beat
# Flutter waves per beat: fixed or changing block; common ones stand twice.
CONDUCTION_RATIOS = (
    *((2,), (2,), (2,), (3,), (4,), (4,)),
    *((2, 4), (2, 4, 4), (2, 3, 4), (2, 2, 3), (3, 4), (4, 5)),
)
PACING = ("ventricle", "ventricle", "both", "both", "atrium")
LEAD_IN = 2.5  # seconds of beats before and after the recording


@dataclass(frozen=True, eq=False)
class Rhythm:
    """The beats of one recording.

    Attributes
    ----------
    times
        (n_beats,) instants of the R wave in seconds.
    kinds
        (n_beats,) `CONDUCTED`, `ATRIAL` (premature) or `VENTRICULAR` (premature).
    pr, qt
        (n_beats,) intervals in seconds; PR is NaN for a beat without P wave.
    breath
        Respiratory frequency in Hz.
    atria
        ``"beating"`` with P waves or not at all, ``"fibrillating"`` or ``"fluttering"``.
    atrial_rate
        Frequency in Hz of flutter or fibrillation waves.
    paced
        What a pacemaker stimulates: ``"atrium"``, ``"ventricle"``, ``"both"`` or nothing (empty).
    """

    times: np.ndarray
    kinds: np.ndarray
    pr: np.ndarray
    qt: np.ndarray
    breath: float
    atria: str = "beating"
    atrial_rate: float = 0.0
    paced: str = ""

    @property
    def rr(self) -> np.ndarray:
        """(n_beats,) interval before each beat in seconds, the second one's before the first."""
        return np.diff(self.times, prepend=2 * self.times[0] - self.times[1])


def draw_rhythm(rng: np.random.Generator, findings: frozenset[str], seconds: float) -> Rhythm:
    """Draw the beats that findings ask for, over a recording of some seconds."""
    breath = rng.uniform(0.15, 0.30)
    atria, atrial_rate, paced = "beating", 0.0, ""
    if "AF" in findings:
        atria, atrial_rate = "fibrillating", rng.uniform(4.5, 8.5)
        rr = _fibrillation(rng, findings, seconds)
    elif "AFL" in findings:
        atria, atrial_rate = "fluttering", rng.uniform(4.0, 5.7)
        rr = _flutter(rng, seconds, atrial_rate)
    elif "PR" in findings:
        rr, paced = _paced(rng, seconds), PACING[rng.integers(len(PACING))]
    else:
        rr = _sinus(rng, findings, seconds, breath)
    times = np.cumsum(rr) - LEAD_IN - rng.uniform(0, rr[0])
    kinds = np.zeros(len(times), dtype=np.intp)
    for finding, kind in (("PAC", ATRIAL), ("PVC", VENTRICULAR)):
        if finding in findings:
            times, kinds = _with_ectopy(rng, times, kinds, kind, seconds)
    empty = np.zeros(len(times))
    rhythm = Rhythm(times, kinds, empty, empty, breath, atria, atrial_rate, paced)
    return replace(rhythm, pr=_pr(rng, findings, rhythm), qt=_qt(rng, findings, rhythm))


def draw_rate(rng: np.random.Generator, findings: frozenset[str]) -> float:
    """Draw a rate per minute of the sinus node, or of a junctional rhythm that replaces it."""
    if "Brady" in findings:
        return float(rng.uniform(35, 58))
    if "SB" in findings:
        return float(np.clip(rng.normal(52, 5), 39, 58.5))
    if "STach" in findings:
        return float(min(101.5 + rng.gamma(1.6, 11), 160))
    return float(np.clip(rng.normal(75, 10.5), 61, 99))


def _count(seconds: float, rr: float) -> int:
    """Return a number of beats that surely reaches beyond the recording's end.

    Premature atrial beats shorten the whole by up to a fifth.
    """
    return int((1.2 * seconds + 2 * LEAD_IN) / rr) + 4


def _sinus(
    rng: np.random.Generator, findings: frozenset[str], seconds: float, breath: float
) -> np.ndarray:
    """RR intervals with respiratory and slower (0.1 Hz) waves; sinus arrhythmia exceeds 120 ms."""
    mean = 60 / draw_rate(rng, findings)
    if "SA" in findings:  # successive intervals differ less than those before ectopic beats
        deepest = min(0.16, 0.082 / np.sin(np.pi * min(breath * mean, 0.5)))
        depth = max(rng.uniform(0.075, deepest), 0.072 / mean)
    else:
        depth = min(rng.uniform(0.01, 0.06), 0.05 / mean) + 0.02 * ("SB" in findings) * rng.random()
    n = _count(seconds, mean * (1 - depth))
    now = mean * np.arange(n)
    wave = np.sin(2 * np.pi * (breath * now + rng.random()))
    slow = np.sin(2 * np.pi * (rng.uniform(0.07, 0.12) * now + rng.random()))
    return mean * (1 + depth * wave + 0.012 * rng.random() * slow) + rng.normal(0, 0.003, n)


def _fibrillation(rng: np.random.Generator, findings: frozenset[str], seconds: float) -> np.ndarray:
    slow = "Brady" in findings
    mean = 60 / (rng.uniform(38, 56) if slow else np.clip(rng.normal(92, 24), 55, 165))
    shape = rng.uniform(0.15, 0.30) ** -2
    return np.maximum(rng.gamma(shape, mean / shape, _count(seconds, mean * 0.8)), 0.29)


def _paced(rng: np.random.Generator, seconds: float) -> np.ndarray:
    mean = 60 / np.clip(rng.normal(69, 9), 50, 100)
    return np.full(_count(seconds, mean), mean) + rng.normal(0, 0.001, _count(seconds, mean))


def _flutter(rng: np.random.Generator, seconds: float, atrial: float) -> np.ndarray:
    ratios = CONDUCTION_RATIOS[rng.integers(len(CONDUCTION_RATIOS))]
    n = _count(seconds, min(ratios) / atrial)
    return rng.choice(ratios, n) / atrial + rng.normal(0, rng.choice((0.004, 0.02)), n)


def _with_ectopy(
    rng: np.random.Generator, times: np.ndarray, kinds: np.ndarray, kind: int, seconds: float
) -> tuple[np.ndarray, np.ndarray]:
    """Make some beats premature; an atrial one resets the sinus node, a ventricular does not."""
    rr, kinds = np.diff(times), kinds.copy()
    early = (0.55, 0.79) if kind == ATRIAL else (0.48, 0.80)
    for beat in _ectopic_beats(rng, times, kinds, seconds):
        part = max(rng.uniform(*early), 0.30 / rr[beat - 1])
        lost = rr[beat - 1] * (1 - min(part, 0.85))
        rr[beat - 1] -= lost
        rr[beat] = rr[beat] + lost if kind == VENTRICULAR else rr[beat] * rng.uniform(1.0, 1.2)
        kinds[beat] = kind
    return times[0] + np.concatenate([[0.0], np.cumsum(rr)]), kinds


def _ectopic_beats(
    rng: np.random.Generator, times: np.ndarray, kinds: np.ndarray, seconds: float
) -> list[int]:
    """Choose beats, none beside another ectopic one: scattered, or every second or third."""
    inside = np.flatnonzero((times > 0.9) & (times < seconds - 0.8))
    inside = inside[(inside > 0) & (inside < len(times) - 1)]
    if rng.random() < 0.12:
        candidates = inside[rng.integers(2) :: rng.integers(2, 4)]
    else:
        candidates = rng.permutation(inside)[: 1 + rng.poisson(1.4 * seconds / 10)]
    chosen: list[int] = []
    for beat in map(int, candidates):
        near = kinds[beat - 1 : beat + 2].any() or any(abs(beat - c) < 2 for c in chosen)
        if not near:
            chosen.append(beat)
    return chosen


def _pr(rng: np.random.Generator, findings: frozenset[str], rhythm: Rhythm) -> np.ndarray:
    """PR intervals: shorter at high rate, constant but for a few ms."""
    mean_rr = float(np.mean(rhythm.rr))
    beating = rhythm.atria == "beating" and "Brady" not in findings
    if not beating or rhythm.paced == "ventricle":
        return np.full(len(rhythm.times), np.nan)
    if "LPR" in findings:
        interval = rng.uniform(0.212, 0.240)
    elif "IAVB" in findings:
        interval = max(min(0.215 + rng.gamma(1.7, 0.024), 0.36, 0.60 * mean_rr), 0.214)
    else:
        interval = np.clip(rng.normal(0.156 + 0.05 * (mean_rr - 0.8), 0.018), 0.124, 0.192)
    pr = interval + rng.normal(0, 0.0015, len(rhythm.times))
    pr[rhythm.kinds == ATRIAL] += rng.uniform(-0.03, 0.03)
    pr[rhythm.kinds == VENTRICULAR] = np.nan
    return pr


def _qt(rng: np.random.Generator, findings: frozenset[str], rhythm: Rhythm) -> np.ndarray:
    """QT by Bazett's and Fridericia's exponents mixed; it follows the mean RR more than its own."""
    rr = 0.85 * np.mean(rhythm.rr) + 0.15 * np.clip(rhythm.rr, 0.3, 1.6)
    if "LQT" in findings:
        return rng.uniform(0.485, 0.57) * rr**0.5
    return np.clip(rng.normal(0.396, 0.018), 0.35, 0.432) * rr**0.42
