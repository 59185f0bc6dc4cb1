"""Diagnosis classes: SNOMED CT codes, equivalent codes, challenge weights, encoding.

The table of weights (`weights.csv`) decides which classes are scored, and by which year's rules:

* 2020: 27 columns, one SNOMED CT code each. Three pairs of codes are equivalent and are merged,
  which leaves 24 classes (Perez Alday et al., 2020).
* 2021: 26 columns; equivalent codes share a column, written `a|b` (Reyna et al., 2021).

A *column* is one plain code, as an output file has it; a *class* is a group of equivalent codes,
and everything is trained, decided and scored on classes.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ecg12.runtime.csv_tables import read_rows
from ecg12.runtime.errors import InputError

WEIGHTS = Path(__file__).with_name("weights.csv")  # the table of 2020, part of the package
SINUS_RHYTHM = "426783006"

# Codes that the 2020 evaluator takes for one; the first of each pair names the merged class.
EQUIVALENTS_2020 = (
    ("713427006", "59118001"),
    ("284470004", "63593006"),
    ("427172004", "17338001"),
)

# SNOMED CT code: (abbreviation, name), as in the challenge's tables of 2020 and 2021.
DIAGNOSES = {
    "6374002": ("BBB", "bundle branch block"),
    "10370003": ("PR", "pacing rhythm"),
    "17338001": ("VPB", "ventricular premature beats"),
    "39732003": ("LAD", "left axis deviation"),
    "47665007": ("RAD", "right axis deviation"),
    "59118001": ("RBBB", "right bundle branch block"),
    "59931005": ("TInv", "T wave inversion"),
    "63593006": ("SVPB", "supraventricular premature beats"),
    "111975006": ("LQT", "prolonged QT interval"),
    "164884008": ("VEB", "ventricular ectopics"),
    "164889003": ("AF", "atrial fibrillation"),
    "164890007": ("AFL", "atrial flutter"),
    "164909002": ("LBBB", "left bundle branch block"),
    "164917005": ("QAb", "Q wave abnormal"),
    "164931005": ("STE", "ST elevation"),
    "164934002": ("TAb", "T wave abnormal"),
    "164947007": ("LPR", "prolonged PR interval"),
    "251146004": ("LQRSV", "low QRS voltages"),
    "270492004": ("IAVB", "first degree AV block"),
    "284470004": ("PAC", "premature atrial contraction"),
    "365413008": ("PRWP", "poor R wave progression"),
    "426177001": ("SB", "sinus bradycardia"),
    "426627000": ("Brady", "bradycardia"),
    "426783006": ("NSR", "sinus rhythm"),
    "427084000": ("STach", "sinus tachycardia"),
    "427172004": ("PVC", "premature ventricular contractions"),
    "427393009": ("SA", "sinus arrhythmia"),
    "429622005": ("STD", "ST depression"),
    "445118002": ("LAnFB", "left anterior fascicular block"),
    "698252002": ("NSIVCB", "nonspecific intraventricular conduction disorder"),
    "713426002": ("IRBBB", "incomplete right bundle branch block"),
    "713427006": ("CRBBB", "complete right bundle branch block"),
    "733534002": ("CLBBB", "complete left bundle branch block"),
}


_CONTROL = {"Cc", "Cs", "Zl", "Zp"}  # Unicode's control characters, surrogates and line breaks


def key_fault(key: str) -> str:
    """Return why a text cannot be the key of a class; "" if it can.

    A key is a SNOMED CT code or any other text that can be a cell of an output file, whose readers
    know neither quotes nor escapes, and that take `|` for "or" and a first `#` for a comment.
    """
    if not key:
        return "is empty"
    if key != key.strip():
        return "begins or ends with a blank"
    if key.startswith("#"):
        return "begins with '#'"
    bad = (c for c in key if c in ',|"' or unicodedata.category(c) in _CONTROL)
    return next((f"holds {c!r}" for c in bad), "")


def abbreviation(code: str) -> str:
    """Return the challenge's abbreviation of a SNOMED CT code, or the code if it has none."""
    return DIAGNOSES[code][0] if code in DIAGNOSES else code


def code_of(name: str) -> str:
    """Return the SNOMED CT code of an abbreviation such as ``"AF"``.

    Raises
    ------
    KeyError
        If no known diagnosis has that abbreviation; the message lists the choices.
    """
    codes = {short: code for code, (short, _) in DIAGNOSES.items()}
    if name not in codes:
        raise KeyError(f"unknown diagnosis {name!r}; choices: {', '.join(sorted(codes))}")
    return codes[name]


@dataclass(frozen=True, eq=False)
class ScoredClasses:
    """The classes of one task and the credit for each pair of true and predicted class.

    Attributes
    ----------
    groups
        One tuple of equivalent keys per class, the representative one first: SNOMED CT codes, or
        for one's own classes any text that `key_fault` accepts.
    weights
        (n_classes, n_classes); row: true class, column: predicted class.
    year
        The challenge whose rules hold, 2020 or 2021.
    named
        Abbreviation and name of each class; empty for those of the challenge's tables.
    source
        Path of the table that they were read from; "" for others.
    """

    groups: tuple[tuple[str, ...], ...]
    weights: np.ndarray
    year: int
    named: tuple[tuple[str, str], ...] = ()
    source: str = ""

    def __len__(self) -> int:
        return len(self.groups)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """One plain code per output column, equivalent codes included."""
        return tuple(code for group in self.groups for code in group)

    @cached_property
    def class_of_column(self) -> np.ndarray:
        """(n_columns,) index of the class to which each column belongs."""
        return np.repeat(np.arange(len(self)), [len(group) for group in self.groups])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The abbreviation of each class, or of its representative code."""
        if self.named:
            return tuple(short for short, _ in self.named)
        return tuple(abbreviation(group[0]) for group in self.groups)

    @cached_property
    def titles(self) -> tuple[str, ...]:
        """The name of each class in full; of equivalent codes all names."""
        if self.named:
            return tuple(name for _, name in self.named)
        return tuple(" / ".join(DIAGNOSES.get(c, (c, c))[1] for c in g) for g in self.groups)

    @property
    def has_normal(self) -> bool:
        """Whether sinus rhythm is among the classes, without which there is no challenge metric."""
        return SINUS_RHYTHM in self.columns

    @cached_property
    def normal(self) -> int:
        """Index of sinus rhythm, which the metric's inactive classifier always predicts.

        Raises
        ------
        ValueError
            If sinus rhythm is not among the classes.
        """
        for index, group in enumerate(self.groups):
            if SINUS_RHYTHM in group:
                return index
        raise ValueError(f"sinus rhythm ({SINUS_RHYTHM}) is not among the scored classes")

    def encode(self, recordings: Iterable[Sequence[str]]) -> np.ndarray:
        """Return (n_recordings, n_classes) bool from each recording's codes; others are ignored."""
        index = {code: i for i, group in enumerate(self.groups) for code in group}
        rows = list(recordings)
        targets = np.zeros((len(rows), len(self)), dtype=bool)
        for row, codes in zip(targets, rows, strict=True):
            row[[index[code] for code in codes if code in index]] = True
        return targets

    def expand(self, values: np.ndarray) -> np.ndarray:
        """Give every equivalent column its class's value: (..., n_classes) → (..., n_columns)."""
        return values[..., self.class_of_column]

    def merge(self, values: np.ndarray) -> np.ndarray:
        """Average the columns of each class: (..., n_columns) → (..., n_classes)."""
        starts = np.searchsorted(self.class_of_column, np.arange(len(self)))
        sizes = np.bincount(self.class_of_column, minlength=len(self))
        return np.add.reduceat(values, starts, axis=-1) / sizes.astype(values.dtype)


# The nine classes of the China Physiological Signal Challenge 2018, in paper A's order (AF, IAVB,
# LBBB, normal, PAC, ventricular ectopics, RBBB, STD, STE); a wrong class earns nothing.
CPSC_2018 = ScoredClasses(
    (
        ("164889003",), ("270492004",), ("164909002",), (SINUS_RHYTHM,), ("284470004",),
        ("164884008",), ("59118001",), ("429622005",), ("164931005",),
    ),
    np.eye(9),
    2020,
)  # fmt: skip


def load_weights(path: str | Path) -> ScoredClasses:
    """Read the scored classes, their equivalents and their weights from a challenge weight table.

    Parameters
    ----------
    path
        A csv table whose first row and first column hold the same SNOMED CT codes. Columns with
        `|` between equivalent codes make it a table of 2021, their absence one of 2020.

    Raises
    ------
    InputError
        If the table is not square, its rows and columns differ, a code is repeated, a weight is no
        finite number, or equivalent codes differ in weight. The message names the file.
    """
    table = [[cell.strip() for cell in cells] for _, cells in read_rows(path)]
    columns = table[0][1:] if table else []
    rows = [row[0] for row in table[1:]]
    if not columns or rows != columns or any(len(row) != len(columns) + 1 for row in table):
        raise InputError(
            f"{path}: a weight table needs the same codes in its first row and column; "
            f"found {len(columns)} columns and {len(rows)} rows"
        )
    codes = [code for column in columns for code in column.split("|")]
    if len(set(codes)) < len(codes):
        raise InputError(f"{path}: a code occurs more than once in the first row")
    try:
        weights = np.array([row[1:] for row in table[1:]], dtype=np.float64)
    except ValueError as error:
        raise InputError(f"{path}: a weight is not a number: {error}") from error
    if not np.isfinite(weights).all():
        raise InputError(f"{path}: a weight is not finite")
    if any("|" in column for column in columns):
        groups = tuple(tuple(column.split("|")) for column in columns)
        return ScoredClasses(groups, weights, 2021, source=str(path))
    return _merge_equivalents(path, columns, weights)


def _merge_equivalents(path: str | Path, codes: list[str], weights: np.ndarray) -> ScoredClasses:
    """Join the equivalent codes of 2020, each class at the place of its first code."""
    pair_of = {code: pair for pair in EQUIVALENTS_2020 for code in pair}
    groups = dict.fromkeys(
        tuple(c for c in pair_of.get(code, (code,)) if c in codes) for code in codes
    )
    for group in groups:
        places = [codes.index(code) for code in group]
        if len(np.unique(weights[places], axis=0)) > 1:
            raise InputError(f"{path}: equivalent codes {' and '.join(group)} differ in weight")
    keep = [codes.index(group[0]) for group in groups]
    return ScoredClasses(tuple(groups), weights[np.ix_(keep, keep)], 2020, source=str(path))
