"""Age, sex and key of a patient from what clinical files say; nothing else is kept."""

import math
from datetime import date, datetime

from ecg12.io.headers import OLDEST

YEARS_PER_UNIT = {
    "YEAR": 1.0, "MONTH": 1 / 12, "WEEK": 7 / 365.25, "DAY": 1 / 365.25, "HOUR": 1 / 8766,
}  # fmt: skip
SHORT = {
    "": "YEAR", "Y": "YEAR", "M": "MONTH", "W": "WEEK", "D": "DAY", "H": "HOUR",
    "A": "YEAR", "MO": "MONTH", "WK": "WEEK",  # UCUM
}  # fmt: skip
COMPACT = "%Y%m%d"
DATES = ("%m-%d-%Y", "%m/%d/%Y", "%Y-%m-%d", COMPACT)
NOBODY = {"nan", "na", "n/a", "none", "null", "unknown", "anonymous", "anon", "-", "?"}
SEXES = {"MALE": "Male", "M": "Male", "FEMALE": "Female", "F": "Female"}


def known_patient(written: str) -> str:
    """Return a patient's key without outer blanks; "" of what stands for no one.

    These are words such as ``nan`` and ``unknown``, and zeros alone.
    """
    key = written.strip()
    return "" if key.lower() in NOBODY or not key.strip("0") else key


def patient_sex(written: str) -> str | None:
    """Return ``"Male"`` or ``"Female"`` from a word or letter of any case; None for any other."""
    return SEXES.get(written.strip().upper())


def patient_age(
    value: float, unit: str, born: date | None = None, day: date | None = None
) -> float | None:
    """Return an age in years: as stated, or else from birth to recording; None if unknown.

    Parameters
    ----------
    value
        The stated age; NaN where there is none.
    unit
        Its unit, in English as its first letter or in UCUM, of any case; years if empty.
    born, day
        Days of birth and of the recording, where they are known.
    """
    word = unit.strip().upper()
    word = SHORT.get(word, word.removesuffix("S"))
    age = value * YEARS_PER_UNIT.get(word, math.nan)
    if math.isnan(age) and born and day:
        return age_between(born, day)
    return age if 0 <= age <= OLDEST else None


def age_between(born: date, day: date) -> float | None:
    """Return the whole years from birth to a day; None outside 0 to 130, which no age is."""
    age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return float(age) if 0 <= age <= OLDEST else None


def parse_date(written: str) -> date | None:
    """Return the day of a text such as ``05-30-2021``, ``2021-05-30`` or ``20210530``, or None."""
    for layout in DATES:
        if layout == COMPACT and len(written) != 8:  # a month alone, which strptime would divide
            continue
        try:
            return datetime.strptime(written, layout).date()
        except ValueError:
            continue
    return None
