"""What a statement says of earlier recordings: all behind a comparison speaks of another ECG."""

import re

_ECG = r"(?:ecgs?|ekgs?|electrocardiograms?|tracings?)"
_EARLIER = rf"(?:previous|prior) (?:12[- ]lead )?{_ECG}\b"
COMPARISON = re.compile(
    r"\b(?:when |as )?compared (?:with|to)\b|\bin comparison (?:with|to)\b"
    rf"|\bsince (?:the )?(?:previous|prior|last)\b|\b{_EARLIER}",
    re.IGNORECASE,
)
# "No previous ECG available": nothing is compared. It reaches to the end of its clause.
_NONE = re.compile(
    r"\b(?:(?:no|without) (?:(?:an?|any|available|comparable|old|older|recent"
    rf"|comparison (?:with|to)) )*{_EARLIER}"
    rf"|{_EARLIER}(?: (?:is|are|was|were))? (?:not (?:available|found)|unavailable)\b)"
    r"(?:(?!\.(?:\s|$)| - |\b(?:but|however|except)\b)[^;:,()\n])*",
    re.IGNORECASE,
)


def before_comparison(segment: str) -> tuple[str, bool]:
    """Return what stands before a comparison with an earlier recording, and whether there is one.

    That there is no earlier recording is no comparison; it is left out alone.
    """
    said = _NONE.sub("", segment)
    compared = COMPARISON.search(said)
    return said[: compared.start() if compared else None], compared is not None
