"""What a recording shows: findings, which of them exclude each other, and how often they occur.

A *finding* is an abbreviation of `io.classes.DIAGNOSES`, one for each group of codes that mean the
same (`ecg12.synthetic.sites.CODES`). A recording has one rhythm and at most one finding of
every other slot.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np

from ecg12.io.classes import code_of
from ecg12.runtime.errors import InputError
from ecg12.synthetic.sites import CODES

# finding: (slot, share of recordings drawn with it first)
FINDINGS = {
    "NSR": ("rhythm", 10),
    "SB": ("rhythm", 8),
    "STach": ("rhythm", 8),
    "SA": ("rhythm", 7),
    "Brady": ("rhythm", 2),
    "AF": ("rhythm", 10),
    "AFL": ("rhythm", 8),
    "PR": ("rhythm", 3),
    "IAVB": ("atrioventricular", 8),
    "LPR": ("atrioventricular", 2),
    "PAC": ("atrial ectopy", 9),
    "PVC": ("ventricular ectopy", 8),
    "RBBB": ("conduction", 7),
    "IRBBB": ("conduction", 3),
    "LBBB": ("conduction", 5),
    "NSIVCB": ("conduction", 4),
    "LAnFB": ("fascicle", 3),
    "LAD": ("axis", 3),
    "RAD": ("axis", 3),
    "LQRSV": ("voltage", 3),
    "LQT": ("QT", 3),
    "QAb": ("Q", 3),
    "TInv": ("repolarization", 4),
    "TAb": ("repolarization", 5),
    "STD": ("repolarization", 5),
    "STE": ("repolarization", 4),
}
# Pairs that cannot both be shown, beyond those that share a slot: without sinus rhythm there is no
# P to be late or early, and where the ventricles are activated abnormally, Q, ST, T and QT follow.
_P_WAVE = ("IAVB", "LPR", "PAC")
_SECONDARY = ("QAb", "TInv", "TAb", "STD", "STE", "LQT")
EXCLUDES = {
    "AF": (*_P_WAVE, "LQT"),
    "AFL": (*_P_WAVE, *_SECONDARY),
    "Brady": (*_P_WAVE, "LQT"),
    "PR": tuple(name for name, (slot, _) in FINDINGS.items() if slot != "rhythm"),
    "SA": ("PAC",),
    "STach": ("LQT", "LPR"),
    "RBBB": _SECONDARY,
    "LBBB": (*_SECONDARY, "LAnFB", "RAD", "LQRSV"),
    "NSIVCB": (*_SECONDARY, "LAnFB"),
    "IRBBB": ("LAnFB", "QAb", "LQRSV"),
    "LAnFB": ("RAD", "QAb", "LQRSV"),
    "LQRSV": ("RBBB", "STD", "STE", "TInv", "QAb"),
    "LQT": ("TInv", "TAb", "STD"),
}
EXCLUDED = {frozenset((name, other)) for name, others in EXCLUDES.items() for other in others}
# Rhythms that other findings stand on, with their shares.
BASIC_RHYTHMS = {"NSR": 0.62, "SB": 0.12, "STach": 0.12, "SA": 0.04, "AF": 0.10}
EXTRA_FINDINGS = (0.55, 0.33, 0.12)  # chances of 0, 1 and 2 findings beside the first


def draw_findings(rng: np.random.Generator, mix: Mapping[str, float]) -> frozenset[str]:
    """Draw a compatible set of findings.

    Parameters
    ----------
    rng
        Source of randomness.
    mix
        Finding → relative frequency.

    Returns
    -------
    One to three drawn findings, and a rhythm where none was drawn.
    """
    names = list(mix)
    shares = np.array([mix[name] for name in names], dtype=np.float64)
    extra = rng.choice(len(EXTRA_FINDINGS), p=EXTRA_FINDINGS)
    chosen: set[str] = set()
    for name in rng.choice(names, size=1 + extra, p=shares / shares.sum()):
        if all(compatible(name, other) for other in chosen):
            chosen.add(str(name))
    if not any(FINDINGS[name][0] == "rhythm" for name in chosen):
        chosen.add(_basic_rhythm(rng, chosen, mix))
    if "Brady" in chosen and rng.random() < 0.5:  # slow fibrillation; junctional rhythm otherwise
        chosen.add("AF")
    return frozenset(chosen)


def _basic_rhythm(rng: np.random.Generator, chosen: set[str], mix: Mapping[str, float]) -> str:
    """Draw a rhythm for findings that leave it open: sinus rhythm, or another of the mix."""
    open_to = {
        name: share
        for name, share in BASIC_RHYTHMS.items()
        if (name == "NSR" or name in mix) and all(compatible(name, other) for other in chosen)
    }
    shares = np.array(list(open_to.values()))
    return str(rng.choice(list(open_to), p=shares / shares.sum()))


def compatible(one: str, other: str) -> bool:
    """Tell whether a recording can show two different findings."""
    return FINDINGS[one][0] != FINDINGS[other][0] and frozenset((one, other)) not in EXCLUDED


@cache
def mix_of(
    classes: tuple[str, ...] | None, weights: tuple[float, ...] | None = None
) -> dict[str, float]:
    """Return the usual mix, or that of some classes only, given as abbreviations or codes.

    Parameters
    ----------
    classes
        Classes to draw; None for all.
    weights
        Their relative frequencies; None for those of the usual mix.

    Raises
    ------
    InputError
        If a class is unknown or cannot be drawn (the message lists the choices), or a weight is
        missing or not positive.
    """
    finding_of = {name: name for name in FINDINGS}
    for finding, names in CODES.items():
        finding_of |= dict.fromkeys((name for name, _ in names), finding)
    finding_of |= {code_of(name): finding for name, finding in finding_of.items()}
    wanted = tuple(FINDINGS) if classes is None else classes
    if not wanted:
        raise InputError("no class is given; leave them out for all")
    if unknown := [name for name in wanted if name not in finding_of]:
        choices = ", ".join(name for name in finding_of if not name.isdigit())
        raise InputError(f"no synthetic recordings of {', '.join(unknown)}; choices: {choices}")
    findings = [finding_of[name] for name in wanted]
    if weights is None:
        return {name: float(FINDINGS[name][1]) for name in findings}
    return _weighted(findings, wanted, weights)


def _weighted(
    findings: list[str], names: tuple[str, ...], weights: tuple[float, ...]
) -> dict[str, float]:
    if len(weights) != len(names):
        raise InputError(f"{len(weights)} weights for {len(names)} classes; one each is needed")
    for name, weight in zip(names, weights, strict=True):
        if not (np.isfinite(weight) and weight > 0):
            raise InputError(f"weight {weight:g} of {name}; a weight is a positive number")
    mix = dict.fromkeys(findings, 0.0)
    for finding, weight in zip(findings, weights, strict=True):  # CRBBB and RBBB are one finding
        mix[finding] += weight
    return mix
