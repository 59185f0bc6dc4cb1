"""Which labels are known: cells of recordings and classes that may count for or against a class.

A label is unknown where a label table has an empty cell (`label_table`), and where the recording's
database does not label the class at all and the recording does not show it either.
"""

from collections.abc import Sequence

import numpy as np

from ecg12.io.classes import ScoredClasses


def known_cells(
    classes: ScoredClasses,
    codes: Sequence[Sequence[str]],
    unknown: Sequence[Sequence[str]] = (),
) -> np.ndarray | None:
    """Return of which classes each recording is known to show them or not.

    Of equivalent codes one that is known is enough.

    Parameters
    ----------
    classes
        The scored classes.
    codes
        The codes that each recording shows; what it shows is known.
    unknown
        The codes of which each recording does not say it; empty: none of any.

    Returns
    -------
    (n_recordings, n_classes) bool; None if all are known.
    """
    column_of = {code: column for column, code in enumerate(classes.columns)}
    cells = np.ones((len(codes), len(classes.columns)), bool)
    for row, blank in zip(cells, unknown, strict=False):
        row[[column_of[code] for code in blank if code in column_of]] = False
    for row, shown in zip(cells, codes, strict=True):
        row[[column_of[code] for code in shown if code in column_of]] = True
    starts = np.searchsorted(classes.class_of_column, np.arange(len(classes)))
    known = np.asarray(np.logical_or.reduceat(cells, starts, axis=1))
    return None if known.all() else known
