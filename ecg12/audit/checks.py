"""What an audit reports of one recording: a part of `ecg12.signal.quality`'s assessment.

Noise is left out: it says nothing about whether a data folder is what it is taken for. Sparse leads
are reported as missing samples.
"""

from ecg12.signal.lead_checks import Finding
from ecg12.signal.quality import Quality

REPORTED = {
    "missing lead", "unknown lead", "repeated lead", "flat lead", "missing samples",
    "saturated lead", "unknown gain", "implausible amplitude", "limb lead law broken",
    "limb leads contradict", "lead of wrong sign", "swapped leads", "equal leads",
    "nearly flat lead", "short lead",
}  # fmt: skip


def reported(quality: Quality) -> list[Finding]:
    """Return the findings of an assessment that an audit reports."""
    return [found for found in quality.findings if found.kind in REPORTED]
