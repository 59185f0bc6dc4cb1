"""Which numbers the settings of a preprocessing may be.

They come from a model folder, which a stranger may have written: a rate of 1e9 Hz would fill the
memory. The ranges are wider than any recording of the heart needs.
"""

from collections.abc import Mapping
from typing import Any

RANGES = {
    "rate": (1.0, 10_000.0), "seconds": (0.01, 3600.0), "margin": (0.0, 60.0),
    "order": (1, 10), "parts": (1, 3600),
}  # fmt: skip
WHOLE = ("order", "parts")
CUTOFFS = (0.001, 0.499)  # of the rate; nearer to its ends, a filter remembers too many samples
MEDIANS = (0.0, 10.0)  # s
MOST_MEDIANS = 4
MOST_LEADS = 64
MOST_SAMPLES = 2**18  # per lead of one part: 4 min at 1 kHz
MOST_USED = 2**21  # per lead of all parts: an hour at 500 Hz
MOST_SECONDS = 3660.0  # of a recording that are used


def check_ranges(settings: Mapping[str, Any]) -> None:
    """Refuse settings of `Preprocessing` whose numbers are out of range.

    Raises
    ------
    ValueError
        The message names the setting, its value and the range.
    TypeError
        If a setting is no number, or no sequence.
    """
    for name, (least, most) in RANGES.items():
        _check(name, settings[name], least, most)
        if name in WHOLE and settings[name] != int(settings[name]):
            raise ValueError(f"{name}={settings[name]!r} is no whole number")
    for median in settings["medians"]:
        _check("medians", median, *MEDIANS)
    rate, parts, seconds = (settings[name] for name in ("rate", "parts", "seconds"))
    if settings["cutoff"] is not None:
        _check("cutoff", settings["cutoff"], *(share * rate for share in CUTOFFS))
    _check("number of medians", len(settings["medians"]), 0, MOST_MEDIANS)
    _check("number of leads", len(settings["leads"]), 1, MOST_LEADS)
    _check("rate * seconds", round(rate * seconds), 1, MOST_SAMPLES)
    _check("rate * seconds * parts", round(rate * seconds) * parts, 1, MOST_USED)
    _check("seconds * parts + margin", seconds * parts + settings["margin"], 0, MOST_SECONDS)


def _check(name: str, value: Any, least: float, most: float) -> None:
    if not least <= value <= most:  # not NaN either
        raise ValueError(f"{name}={value!r} is not between {least:g} and {most:g}")
