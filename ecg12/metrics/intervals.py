"""Intervals of scores, of level 95 %, from bootstrap replicates and from repeated runs.

m is the number of units, patients or recordings, that carry a measure (of a class, those of its
positives: 30 recordings of one patient are one unit), w Student's t of m - 1 degrees of freedom
times sqrt(m / (m - 1)); of a mean over classes, Satterthwaite's degrees of freedom (Biometrics
Bulletin 2:110, 1946), see `mean_factor`.

* `logit_interval`, for AUROC and macro means: value ± w · standard deviation of the replicates, on
  the logit scale; 0 and 1 count as `edge` inside, for AUROC half a pair of recordings, for a mean
  of AUROC over classes that divided by their number.
* `percentile_interval`, for all else: the *expanded* percentiles -w and w of the normal
  distribution (Hesterberg, "What Teachers Should Know About the Bootstrap", The American
  Statistician 69:371, 2015), because the plain ones are too narrow for small m.
* Where no replicate differs, as for a class that is separated perfectly, `logit_interval` and
  `share_interval`, which is for a class's AUPRC and F and for shares of right labels, give the
  interval of Clopper and Pearson for m successes, or none, in m trials, of a mean over classes with
  the m of the rarest; `metric_interval` does so for the challenge metric of a perfect run.
* `difference`, for two disjoint groups: from the intervals of both and the correlation of their
  replicates (Zou, "Toward using confidence intervals to compare correlations", Psychological
  Methods 12:399, 2007), so that a group whose replicates are all alike keeps its uncertainty.
* `student_interval`, for the mean of runs with several seeds, and of folds.

Those for replicates were chosen by `experiments/bootstrap_coverage.py`, which measures how often
they cover the truth; plain percentiles are too narrow where a class with an AUROC near 1 has ten
positives.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm, t

LEVEL = 0.95
MIN_UNITS = 5  # of a class's positives, or of a database; with fewer there is no interval
FEW_UNITS = 20  # of a class's positives; with fewer an interval is rough, which a report says
ROUNDING = 1e-9  # spread of replicates that is rounding


class Estimate(NamedTuple):
    """A measured value and the ends of its interval; NaN where undefined."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if np.isnan(self.low):
            return f"{self.value:.3f}"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def student_interval(values: Sequence[float] | np.ndarray, overlap: float = 0.0) -> Estimate:
    """Return the mean of k values and its interval by Student's t.

    Parameters
    ----------
    values
        (k,) such as the scores of k seeds; of fewer than two there is no interval.
    overlap
        Added to 1 / k in the variance of the mean, s² (1 / k + overlap), for values that are not
        independent.
    """
    k, mean = len(values), float(np.mean(values))
    if k < 2:
        return Estimate(mean, np.nan, np.nan)
    error = np.sqrt(np.var(values, ddof=1) * (1 / k + overlap))
    half = float(t.ppf((1 + LEVEL) / 2, k - 1) * error)
    return Estimate(mean, mean - half, mean + half)


def percentile_interval(draws: np.ndarray, n_units: int) -> tuple[float, float]:
    """Return the ends of the expanded percentile interval of replicates, (m,), NaN left out."""
    known = draws[~np.isnan(draws)]
    if n_units < 2 or not len(known):
        return np.nan, np.nan
    tail = float(norm.cdf(-_factor(n_units)))
    low, high = np.quantile(known, (tail, 1 - tail))
    return float(low), float(high)


def share_interval(draws: np.ndarray, n_units: int) -> tuple[float, float]:
    """Return the interval of a share, such as F: by percentiles where replicates differ."""
    known = draws[~np.isnan(draws)]
    if n_units > 1 and len(known) and np.ptp(known) < ROUNDING:
        return _without_spread(float(known[0]), n_units)
    return percentile_interval(known, n_units)


def metric_interval(draws: np.ndarray, n_units: int) -> tuple[float, float]:
    """Return the interval of a challenge metric: by percentiles, but for one that is always 1.

    A perfect run's is that of a share. Another metric without spread, such as the inactive
    prediction's, which is 0 by definition, has an interval without width.
    """
    known = draws[~np.isnan(draws)]
    if n_units > 1 and len(known) and (np.abs(known - 1) < ROUNDING).all():
        return _without_spread(1.0, n_units)
    return percentile_interval(known, n_units)


def logit_interval(
    draws: np.ndarray, value: float, n_units: int, edge: float, *, factor: float | None = None
) -> tuple[float, float]:
    """Return the ends of the logit interval of a value between 0 and 1.

    Parameters
    ----------
    draws
        (m,) replicates; NaN are left out.
    value
        What was measured.
    n_units
        How many units carry it.
    edge
        How far from 0 and 1 those count.
    factor
        Half-width in standard deviations; by default that of `n_units`.
    """
    known = draws[~np.isnan(draws)]
    if n_units < 2 or not len(known) or np.isnan(value):
        return np.nan, np.nan
    if np.ptp(known) < ROUNDING:
        return _without_spread(value, n_units)
    spread = logit(np.clip(known, edge, 1 - edge)).std()
    half = (factor or _factor(n_units)) * spread
    low, high = expit(logit(np.clip(value, edge, 1 - edge)) + half * np.array([-1, 1]))
    return min(float(low), value), max(float(high), value)


def area_interval(
    draws: np.ndarray, value: float, n_units: int, n_pairs: int
) -> tuple[float, float]:
    """Return the ends of the interval of an AUROC: `logit_interval`, edges half a pair inside.

    Parameters
    ----------
    draws, value, n_units
        As for `logit_interval`; the units of the class's positives.
    n_pairs
        How many pairs of a positive and a negative recording there are.
    """
    return logit_interval(draws, value, n_units, 0.5 / n_pairs)


def mean_area_interval(
    draws: np.ndarray, value: float, n_units: np.ndarray, n_pairs: np.ndarray, factor: float
) -> tuple[float, float]:
    """Return the ends of the interval of a mean AUROC of several classes.

    0 and 1 count as half a pair of the class with most pairs inside, divided by the classes: the
    least by which such a mean can fall short of 1.

    Parameters
    ----------
    draws, value
        As for `logit_interval`.
    n_units, n_pairs
        (n_classes,) as for `area_interval`; classes without pairs are left out.
    factor
        Of `mean_factor`.
    """
    pairs = n_pairs[n_pairs > 0]
    if not len(pairs):
        return np.nan, np.nan
    edge = 0.5 / pairs.max() / len(pairs)
    return logit_interval(draws, value, fewest_units(n_units), edge, factor=factor)


def fewest_units(n_units: np.ndarray) -> int:
    """Return the units of the rarest class that counts in `mean_factor`; 0 where none does."""
    counted = n_units[n_units > 1]
    return int(counted.min()) if len(counted) else 0


def difference(first: Estimate, second: Estimate, r: float = 0.0) -> Estimate:
    """Return the first less the second with its interval, for replicates that correlate by r."""
    value = first.value - second.value

    def reach(a: float, b: float) -> float:
        return float(np.sqrt(max(a * a - 2 * r * a * b + b * b, 0.0)))

    low = value - reach(first.value - first.low, second.high - second.value)
    high = value + reach(first.high - first.value, second.value - second.low)
    return Estimate(value, low, high)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return Pearson's r of replicates, (m,) each, NaN left out; 0 where one does not vary."""
    defined = ~np.isnan(first) & ~np.isnan(second)
    first, second = first[defined], second[defined]
    if len(first) < 2 or min(np.ptp(first), np.ptp(second)) < ROUNDING:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def mean_factor(draws: np.ndarray, n_units: np.ndarray) -> float:
    """Return the half-width, in standard deviations, of the interval of a mean over classes.

    A class's variance is known from the units of its positives alone, so that of a mean with one
    rare class is hardly better known than that class's.

    Parameters
    ----------
    draws
        (m, n_classes) replicates.
    n_units
        (n_classes,) units of each class's positives; classes with fewer than two are left out.
    """
    kept = (n_units > 1) & ~np.isnan(draws).all(axis=0)
    if not kept.any():
        return np.nan
    variances, freedom = np.nanvar(draws[:, kept], axis=0), n_units[kept] - 1
    wider = variances * n_units[kept] / freedom
    if not variances.any():
        return np.nan
    degrees = wider.sum() ** 2 / (wider**2 / freedom).sum()
    return float(np.sqrt(wider.sum() / variances.sum()) * t.ppf((1 + LEVEL) / 2, degrees))


def _without_spread(value: float, n_units: int) -> tuple[float, float]:
    """Return Clopper and Pearson's interval where all units agree, 0 or 1; scaled between."""
    far = ((1 - LEVEL) / 2) ** (1 / n_units)
    return value * far, 1 - (1 - value) * far


def _factor(n_units: int) -> float:
    """Return the half-width of an interval in standard deviations."""
    return float(np.sqrt(n_units / (n_units - 1)) * t.ppf((1 + LEVEL) / 2, n_units - 1))
