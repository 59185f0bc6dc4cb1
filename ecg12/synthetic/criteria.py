"""Which classes a measured recording shows: one criterion per class, and how classes relate.

The criteria are the textbook's (AHA/ACCF/HRS recommendations of 2009; Kligfield 2007, Surawicz
2009, Rautaharju 2009; for ST, the universal definition of infarction, Thygesen 2012), cut to what
can be seen in 12 leads alone. A class whose test is None is labelled by construction;
`Criterion.note` says why. Where the ventricles are activated abnormally, ST, T, QT and Q waves are
secondary and are not judged.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ecg12.io.leads import LEADS
from ecg12.synthetic.measure import Measurement

LEAD_I, II, III, AVR, AVL, AVF, V1, V2, V3, V4, V5, V6 = range(len(LEADS))
# Pairs of neighbouring leads, for ST elevation and Q waves, and those in which T is upright.
CONTIGUOUS = np.array(
    [(1, 5), (2, 5), (0, 4), (6, 7), (7, 8), (8, 9), (9, 10), (10, 11)], dtype=np.intp
)
UPRIGHT = np.array([(1, 5), (0, 4), (0, 11), (8, 9), (9, 10), (10, 11)], dtype=np.intp)
ELEVATED = np.array([0.1, 0.1, 0.1, np.inf, 0.1, 0.1, 0.1, 0.2, 0.2, 0.1, 0.1, 0.1])  # mV
DEPRESSED = 0.05  # mV
# T is flat below 0.1 mV and low below a tenth of R (Rautaharju 2009), where R is no less than
# 0.3 mV and, since T of aVL and aVF is small in health, in these pairs.
LEVEL = np.array([(0, 1), (0, 11), (1, 5), (9, 10), (10, 11)], dtype=np.intp)
FLAT, LOW, R_SEEN = 0.1, 0.1, 0.3  # mV, share of R, mV


def _both(leads: np.ndarray, pairs: np.ndarray) -> bool:
    return bool(leads[pairs].all(axis=1).any())


def _p(m: Measurement) -> bool:
    return m.p_coherence > 0.6 and 0.08 < m.pr < 0.42


def _sinus(m: Measurement) -> bool:
    return _p(m) and not m.spikes


def _spread(m: Measurement) -> float:
    return float(np.ptp(m.rr))


def _irregular(m: Measurement) -> bool:
    rr = np.diff(m.beats.times)[m.beats.dominant[1:] & m.beats.dominant[:-1]]
    return len(rr) > 1 and float(rr.std() / rr.mean()) > 0.08


def _right_block(m: Measurement) -> bool:
    return m.terminal[V1] > 0.08 and min(m.terminal[LEAD_I], m.terminal[V6]) < -0.03


def _left_block(m: Measurement) -> bool:
    no_q = bool((m.q[[LEAD_I, V5, V6]] < 0.05).all())
    upright = m.terminal[LEAD_I] > 0 and m.r[LEAD_I] > m.s[LEAD_I] and m.r[V6] > m.s[V6]
    return no_q and upright and m.s[V1] > 1.5 * m.r[V1]


def _narrow(m: Measurement) -> bool:
    return m.qrs < 0.120 and not m.spikes


def _lad(m: Measurement) -> bool:
    return -90 < m.axis < -30 and not m.spikes


def _fascicular(m: Measurement) -> bool:
    superior = bool((m.s[[II, III, AVF]] > m.r[[II, III, AVF]]).all()) and m.r[III] > 0.03
    q_and_r = m.q[AVL] > 0.03 and m.r[AVL] > 2 * m.s[AVL]
    return -90 < m.axis < -45 and superior and q_and_r and not m.spikes and not _left_block(m)


def _q_waves(m: Measurement) -> bool:
    deep = (m.q_width >= 0.04) & ((m.q > 0.2) | (m.q > 0.25 * m.r)) & (m.q > 0.1)
    deep[[LEAD_I, AVL, V5, V6]] &= (
        m.axis <= 90
    )  # with the axis to the right, these are negative as a rule
    return _narrow(m) and _both(deep, CONTIGUOUS)


def _inverted(m: Measurement) -> np.ndarray:
    return (m.t_low < -0.1) & (-m.t_low > m.t_high) & (m.r > m.s * np.where(LIMB_LEAD, 1, 0))


LIMB_LEAD = np.arange(12) < 6


def _t_inversion(m: Measurement) -> bool:
    return _narrow(m) and _both(_inverted(m), UPRIGHT)


def _t_abnormal(m: Measurement) -> bool:
    size = np.maximum(m.t_high, -m.t_low)
    flat = (size < np.maximum(FLAT, LOW * m.r)) & (m.r > R_SEEN)
    biphasic = (m.t_high > 0.08) & (m.t_low < -0.08)
    tall = m.t_high > np.where(LIMB_LEAD, 0.6, 1.1)
    shapes = (biphasic, tall, _inverted(m))
    return _narrow(m) and (_both(flat, LEVEL) or any(_both(kind, UPRIGHT) for kind in shapes))


def _st_elevation(m: Measurement) -> bool:
    return _narrow(m) and _both(m.st > ELEVATED, CONTIGUOUS)


def _st_depression(m: Measurement) -> bool:
    return _narrow(m) and _both(m.st < -DEPRESSED, UPRIGHT) and not _st_elevation(m)


def _low_voltage(m: Measurement) -> bool:
    height = m.r + m.s
    return bool((height[:6] < 0.5).all() and (height[6:] < 1.0).all())


def _early_atrial(m: Measurement) -> bool:
    return _sinus(m) and bool((m.beats.early & m.beats.dominant).any())


def _wide_ectopic(m: Measurement) -> bool:
    return bool((~m.beats.dominant & (m.beats.widths >= 0.12)).any()) and not m.spikes


@dataclass(frozen=True)
class Criterion:
    """What makes a recording a member of a class.

    Attributes
    ----------
    text
        The criterion in words.
    test
        Applies it to a measurement; None where the class is labelled by construction.
    note
        Why it is not measured, or how the class relates to others.
    """

    text: str
    test: Callable[[Measurement], bool] | None
    note: str = ""


CRITERIA = {
    "NSR": Criterion(
        "P before every QRS, 60-100/min, PP spread ≤ 120 ms",
        lambda m: _sinus(m) and 60 <= m.rate <= 100 and _spread(m) <= 0.120,
        "the rhythm, whatever the morphology; excludes SA",
    ),
    "SB": Criterion("P before every QRS, < 60/min", lambda m: _sinus(m) and m.rate < 60),
    "STach": Criterion("P before every QRS, > 100/min", lambda m: _sinus(m) and m.rate > 100),
    "SA": Criterion(
        "P before every QRS, PP spread > 120 ms",
        lambda m: _sinus(m) and _spread(m) > 0.120,
        "overlaps SB and STach",
    ),
    "Brady": Criterion(
        "< 60/min without P before QRS",
        lambda m: not _p(m) and not m.spikes and m.rate < 60,
        "slow AF or junctional; overlaps AF",
    ),
    "AF": Criterion(
        "no P that repeats, RR irregular (coefficient of variation > .08)",
        lambda m: not _p(m) and not m.spikes and _irregular(m),
    ),
    "AFL": Criterion(
        "atrial waves at 240-340/min",
        None,
        "waves locked to QRS at 2:1 cannot be distinguished from P and T by measurement; overrides "
        "sinus rhythms and AF, and its waves distort ST, T and Q, which are not judged",
    ),
    "PR": Criterion("two or more pacemaker spikes", lambda m: m.spikes > 1),
    "IAVB": Criterion("PR > 200 ms", lambda m: _sinus(m) and m.pr > 0.200, "contains LPR"),
    "LPR": Criterion(
        "PR 200-240 ms", lambda m: _sinus(m) and 0.200 < m.pr <= 0.240, "implies IAVB"
    ),
    "PAC": Criterion(
        "P, then a QRS of the usual shape before 82 % of the usual interval", _early_atrial,
        "equals SVPB",
    ),
    "PVC": Criterion(
        "a QRS of another shape, ≥ 120 ms", _wide_ectopic, "equals VPB and VEB"
    ),
    "RBBB": Criterion(
        "QRS ≥ 120 ms, last 40 ms positive in V1 and negative in I or V6",
        lambda m: m.qrs >= 0.120 and _right_block(m) and not m.spikes,
        "equals CRBBB",
    ),
    "IRBBB": Criterion(
        "the pattern of RBBB at 110-119 ms",
        lambda m: 0.110 <= m.qrs < 0.120 and _right_block(m) and not m.spikes,
    ),
    "LBBB": Criterion(
        "QRS ≥ 120 ms, V1 negative, upright without q in I, V5, V6",
        lambda m: m.qrs >= 0.120 and _left_block(m) and not m.spikes,
    ),
    "NSIVCB": Criterion(
        "QRS > 110 ms without the pattern of either bundle branch",
        lambda m: m.qrs > 0.110 and not (_right_block(m) or _left_block(m) or m.spikes),
    ),
    "LAnFB": Criterion(
        "axis -45 to -90 degrees, qR in aVL, rS in II, III, aVF", _fascicular, "implies LAD"
    ),
    "LAD": Criterion("axis -30 to -90 degrees", _lad),
    "RAD": Criterion("axis 90 to 180 degrees", lambda m: m.axis > 90 and not m.spikes),
    "LQRSV": Criterion(
        "QRS < 0.5 mV in all limb leads and < 1.0 mV in all chest leads", _low_voltage
    ),
    "LQT": Criterion(
        "QTc (Bazett) > 470 ms at QRS < 120 ms", lambda m: _narrow(m) and m.qtc > 0.470,
        "not judged where RR is irregular",
    ),
    "QAb": Criterion("Q ≥ 40 ms, > 0.2 mV or > R/4 in two neighbouring leads", _q_waves),
    "TInv": Criterion("T < -0.1 mV in two neighbouring leads", _t_inversion, "implies TAb"),
    "TAb": Criterion(
        "T flat (< 0.1 mV or R/10), biphasic, tall or inverted in two neighbouring leads",
        _t_abnormal,
    ),
    "STD": Criterion(
        "ST < -0.05 mV in two neighbouring leads, 40 ms after J", _st_depression,
        "not labelled where reciprocal to STE",
    ),
    "STE": Criterion(
        "ST > 0.1 mV (V2, V3 0.2 mV) in two neighbouring leads, 40 ms after J",
        _st_elevation,
    ),
}  # fmt: skip
OVERRIDDEN = {
    "AFL": {
        "NSR",
        "SB",
        "STach",
        "SA",
        "AF",
        "IAVB",
        "LPR",
        "PAC",
        "LQT",
        "QAb",
        "TInv",
        "TAb",
        "STD",
        "STE",
    },
    "AF": {"LQT"},
    "Brady": {"LQT"},
}


# Classes that a heart may show beside those wanted; anything else asks for another draw. A long PR
# is among them only where one is wanted: PR is drawn below 192 ms for all others, so that a longer
# one is a P wave whose onset was misread.
INCIDENTAL = frozenset("SA Brady LAnFB LAD RAD LQRSV LQT QAb TInv TAb STD STE IRBBB NSIVCB".split())
LONG_PR = frozenset(("IAVB", "LPR"))


def incidental(wanted: frozenset[str]) -> frozenset[str]:
    """Return the classes that a recording may show beside those wanted."""
    return INCIDENTAL | LONG_PR if wanted & LONG_PR else INCIDENTAL


def shown(measurement: Measurement, constructed: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return every class whose criterion a recording meets.

    Parameters
    ----------
    measurement
        Of the noise-free recording.
    constructed
        The classes shown by construction; of these, those without a test are taken as they are.
    """
    met = {name for name, c in CRITERIA.items() if c.test and c.test(measurement)}
    met |= {name for name in constructed if CRITERIA[name].test is None}
    for name in sorted(met & OVERRIDDEN.keys()):
        met -= OVERRIDDEN[name]
    return frozenset(met)
