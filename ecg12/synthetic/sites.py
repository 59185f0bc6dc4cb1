"""Hospitals: sampling, filters, gain and what their readers write down.

The profiles resemble the sources of the challenge's data (Perez Alday et al., 2020, table 1). A
site's habit decides which of a recording's true classes become labels.
"""

from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

from ecg12.io.classes import code_of


@dataclass(frozen=True)
class Site:
    """One hospital.

    Attributes
    ----------
    rates, seconds
        Sampling rates in Hz and lengths in seconds.
    high_pass, low_pass
        Corner frequencies in Hz, one of each is in use; 0 and infinity for none.
    notch
        Share of recordings with a filter against the local mains.
    mains
        Mains frequency in Hz.
    gain
        Stored units per mV.
    step
        Resolution of the converter in mV.
    habit
        A key of `HABITS`.
    """

    rates: tuple[float, ...] = (500.0,)
    seconds: tuple[float, ...] = (10.0,)
    high_pass: tuple[float, ...] = (0.05, 0.15, 0.5)
    low_pass: tuple[float, ...] = (40.0, 100.0, 150.0)
    notch: float = 0.5
    mains: float = 50.0
    gain: float = 1000.0
    step: float = 0.001
    habit: str = "full"


SITES = {
    "general": Site(),
    "nine classes": Site(seconds=(6.0, 9.0, 10.0, 12.0, 15.0, 20.0, 30.0, 60.0), habit="nine"),
    "American": Site(mains=60.0, gain=1000.0, step=0.00488, habit="normal alone"),
    "research": Site(
        rates=(1000.0,), seconds=(30.0, 60.0), high_pass=(0.0, 0.05), low_pass=(150.0, 300.0)
    ),
    "monitor": Site(
        rates=(250.0, 257.0, 300.0, 400.0), seconds=(5.0, 10.0, 30.0), high_pass=(0.15, 0.5, 0.67),
        low_pass=(35.0, 40.0), notch=1.0, gain=200.0, step=0.005, habit="rhythm and blocks",
    ),
}  # fmt: skip

# Codes that are written for a class, with how often each is (the challenge's equivalent pairs,
# and paper A's code of ventricular ectopics); at least one is.
CODES = {
    "RBBB": (("CRBBB", 0.75), ("RBBB", 0.75)),
    "PAC": (("PAC", 0.75), ("SVPB", 0.75)),
    "PVC": (("PVC", 0.75), ("VPB", 0.75), ("VEB", 0.5)),
}
_NINE = {
    "AF": "AF", "IAVB": "IAVB", "LBBB": "LBBB", "NSR": "NSR", "PAC": "PAC", "PVC": "VEB",
    "RBBB": "RBBB", "STD": "STD", "STE": "STE",
}  # fmt: skip
_COARSE = (
    "NSR",
    "SB",
    "STach",
    "SA",
    "Brady",
    "AF",
    "AFL",
    "PR",
    "PAC",
    "PVC",
    "IAVB",
    "RBBB",
    "LBBB",
)
# habit: (class → code where a habit has a list of its own, whether sinus rhythm means "normal")
HABITS: dict[str, tuple[dict[str, str] | None, bool]] = {
    "full": (None, False),
    "normal alone": (None, True),
    "nine": (_NINE, True),
    "rhythm and blocks": ({name: name for name in _COARSE}, False),
}


def labels(rng: np.random.Generator, classes: frozenset[str], habit: str) -> tuple[str, ...]:
    """Return the SNOMED CT codes that a site writes for a recording's classes.

    Parameters
    ----------
    rng
        Source of randomness: of equivalent codes one or more are written.
    classes
        What the recording shows, as keys of `ecg12.synthetic.criteria.CRITERIA`.
    habit
        A key of `HABITS`.
    """
    listed, alone = HABITS[habit]
    names = sorted(classes if listed is None else classes & listed.keys())
    if alone and len(classes) > 1:
        names = [name for name in names if name != "NSR"]
    if listed is not None:
        return tuple(code_of(listed[name]) for name in names)
    return tuple(code for name in names for code in _codes(rng, name))


def _codes(rng: np.random.Generator, name: str) -> list[str]:
    choices = CODES.get(name, ((name, 1.0),))
    written = [code_of(short) for short, share in choices if rng.random() < share]
    return written or [code_of(choices[0][0])]


def electrocardiograph(
    rng: np.random.Generator, site: Site, signals: np.ndarray, rate: float
) -> np.ndarray:
    """Pass (n_leads, n_samples) mV through a site's filters and converter.

    The high-pass is a single pole, as in direct writers, the low-pass a Butterworth of order 2,
    the notch 2 Hz wide; all are causal.
    """
    n = signals.shape[1]
    length = next_fast_len(n + 2 * round(rate), real=True)
    padded = np.pad(signals, ((0, 0), (round(rate), length - n - round(rate))), mode="edge")
    response = _response(rng, site, rfftfreq(length, 1 / rate))
    filtered = irfft(rfft(padded, axis=1) * response, length, axis=1)
    return np.rint(filtered[:, round(rate) : round(rate) + n] / site.step) * site.step


def _response(rng: np.random.Generator, site: Site, frequency: np.ndarray) -> np.ndarray:
    """Return the complex gain at frequencies in Hz, the first of which is 0."""
    response = np.ones(len(frequency), dtype=complex)
    if corner := float(rng.choice(site.high_pass)):
        ratio = 1j * frequency / corner
        response *= ratio / (1 + ratio)
    ratio = 1j * frequency / float(rng.choice(site.low_pass))
    response /= 1 + np.sqrt(2) * ratio + ratio**2
    if rng.random() < site.notch:
        distance = site.mains**2 - frequency**2
        response *= distance / (distance + 2j * frequency)
    return response
