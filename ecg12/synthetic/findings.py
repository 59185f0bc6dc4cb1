"""What a recording shows: findings, which of them exclude each other, and how often they occur.

A *finding* is an abbreviation of `ecg12.labels.DIAGNOSES`, one for each group of codes that mean
the same (`CODES`). A recording has one rhythm and at most one finding of every other slot.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ecg12.labels import code_of

# finding: (slot, share of recordings drawn with it first)
FINDINGS = {
    "NSR": ("rhythm", 14),
    "SB": ("rhythm", 7),
    "STach": ("rhythm", 7),
    "SA": ("rhythm", 6),
    "AF": ("rhythm", 8),
    "AFL": ("rhythm", 5),
    "IAVB": ("conduction to the ventricles", 7),
    "PAC": ("atrial ectopy", 6),
    "PVC": ("ventricular ectopy", 7),
    "RBBB": ("conduction", 6),
    "LBBB": ("conduction", 5),
    "LAD": ("axis", 6),
}
# Codes that are written for a finding; those after the first mean the same and are not always
# written (the challenge's equivalent pairs).
CODES = {
    "RBBB": ("CRBBB", "RBBB"),
    "PAC": ("PAC", "SVPB"),
    "PVC": ("PVC", "VPB"),
}
NO_SINUS = {"AF", "AFL", "Brady", "PR"}
# Pairs that cannot both be shown, beyond those that share a slot.
EXCLUDED = {frozenset((rhythm, other)) for rhythm in NO_SINUS for other in ("IAVB", "PAC", "LPR")}
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
    One to three drawn findings, and sinus rhythm where no rhythm was drawn.
    """
    names = list(mix)
    shares = np.array([mix[name] for name in names], dtype=np.float64)
    extra = rng.choice(len(EXTRA_FINDINGS), p=EXTRA_FINDINGS)
    chosen: set[str] = set()
    for name in rng.choice(names, size=1 + extra, p=shares / shares.sum()):
        if all(compatible(name, other) for other in chosen):
            chosen.add(str(name))
    if not any(FINDINGS[name][0] == "rhythm" for name in chosen):
        chosen.add("NSR")
    return frozenset(chosen)


def compatible(one: str, other: str) -> bool:
    """Tell whether a recording can show two different findings."""
    return FINDINGS[one][0] != FINDINGS[other][0] and frozenset((one, other)) not in EXCLUDED


def codes_of(rng: np.random.Generator, findings: frozenset[str]) -> tuple[str, ...]:
    """Return the SNOMED CT codes of findings; of equivalent codes one, the other, or both."""
    codes: list[str] = []
    for finding in sorted(findings):
        names: Sequence[str] = CODES.get(finding, (finding,))
        if len(names) > 1 and rng.random() < 0.5:
            names = (names[int(rng.integers(len(names)))],)
        codes += [code_of(name) for name in names]
    return tuple(codes)


def mix_of(classes: Sequence[str] | None) -> dict[str, float]:
    """Return the usual mix, or that of some classes only, given as abbreviations or codes.

    Raises
    ------
    ValueError
        If a class is unknown or cannot be drawn; the message lists the choices.
    """
    finding_of = {name: name for name in FINDINGS}
    for finding, names in CODES.items():
        finding_of |= dict.fromkeys(names, finding)
    finding_of |= {code_of(name): finding for name, finding in finding_of.items()}
    wanted = FINDINGS if classes is None else dict.fromkeys(classes)
    if unknown := [name for name in wanted if name not in finding_of]:
        choices = ", ".join(name for name in finding_of if not name.isdigit())
        raise ValueError(f"no synthetic recordings of {', '.join(unknown)}; choices: {choices}")
    return {finding_of[name]: float(FINDINGS[finding_of[name]][1]) for name in wanted}
