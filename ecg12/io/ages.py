"""The age of a patient, from dates that files of every format hold."""

from datetime import date

from ecg12.io.headers import OLDEST


def age_between(born: date, day: date) -> float | None:
    """Return the whole years from birth to a day; None outside 0 to 130, which no age is."""
    age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return float(age) if 0 <= age <= OLDEST else None
