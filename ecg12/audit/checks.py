"""What an audit reports of one recording: a part of `ecg12.signal.quality`'s assessment.

Noise is left out: it says nothing about whether a data folder is what it is taken for.
"""

from ecg12.signal.lead_checks import Finding
from ecg12.signal.quality import Quality

REPORTED = {
    "missing lead", "unknown lead", "repeated lead", "flat lead", "missing samples",
    "saturated lead", "unknown gain", "implausible amplitude", "limb lead law broken",
    "lead of wrong sign", "equal leads",
}  # fmt: skip


def reported(quality: Quality) -> list[Finding]:
    """Return the findings of an assessment that an audit reports."""
    return [found for found in quality.findings if found.kind in REPORTED]
