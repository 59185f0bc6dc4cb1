"""Findings about a recording in words, as reasons for a verdict and as warnings."""

from collections.abc import Iterator, Mapping, Sequence

from ecg12.io.leads import LEADS
from ecg12.signal.lead_checks import Finding

# Kinds of finding that leave a lead without use, unless other leads replace it.
NO_SIGNAL = {
    "flat lead": "no signal in",
    "nearly flat lead": "next to no signal in",
    "sparse lead": "next to no signal in",
    "short lead": "less than 2 s of signal in",
}
FAULTS = {
    **NO_SIGNAL,
    "no common beats": "beats unlike those of the other leads in",
    "limb leads contradict": "the limb leads contradict each other:",
    "swapped leads": "likely swapped:",
    "lead of wrong sign": "likely inverted:",
    "equal leads": "the same samples in",
    "repeated lead": "given twice:",
    "saturated lead": "clipped:",
    "baseline wander": "baseline wander in",
    "mains": "mains hum in",
    "muscle noise": "muscle noise in",
    "spikes": "spikes in",
}
OF_ANY_LEAD = ("flat lead", "saturated lead", "repeated lead")  # also of leads beside the twelve


def by_kind(findings: Sequence[Finding], derived: Sequence[str]) -> dict[str, list[str]]:
    """Return each kind of `FAULTS` → where it was found.

    Leads without signal that are derived from others do not count, nor do those that are none of
    the twelve.
    """
    where: dict[str, list[str]] = {kind: [] for kind in FAULTS}
    for found in findings:
        replaced = found.kind in NO_SIGNAL and found.where in derived
        other = found.kind in OF_ANY_LEAD and found.where not in LEADS
        if found.kind in FAULTS and not replaced and not other:
            where[found.kind].append(found.where)
    return where


def words(where: Mapping[str, list[str]], lacking: list[str]) -> Iterator[str]:
    """Yield a reason for each kind that was found, and one for leads that the header lacks."""
    for kind, text in FAULTS.items():
        if where[kind]:
            yield f"{text} {_some(where[kind])}"
    if lacking:
        yield f"absent: {_some(lacking)}"


def warnings(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield what changes no verdict: gains that are missing or cannot be true."""
    for found in findings:
        if found.kind == "implausible amplitude":
            yield f"implausible amplitude: {found.detail}"
        elif found.kind == "unknown gain":
            yield f"no gain is given for {found.where}"


def _some(names: list[str]) -> str:
    return "all leads" if len(names) == len(LEADS) else ", ".join(dict.fromkeys(names))
