"""Small tables of statements, and what labelling them has written."""

import csv

from ecg12.io.classes import WEIGHTS, code_of, load_weights
from ecg12.io.label_table import read_label_table
from ecg12.labelling import Columns, Options, label

CLASSES = load_weights(WEIGHTS)
COLUMNS = Columns("ecg", ("text_*",), "who")
NAMES = dict(zip((code_of(n) for n in ("AF", "NSR", "SB", "CRBBB", "RBBB")),
                 ("AF", "NSR", "SB", "CRBBB", "RBBB"), strict=True))  # fmt: skip


def table(path, *rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("ecg", "who", "text_1", "text_2"), *rows])
    return path


ROWS = (
    ("a/1.hea", "p1", "Sinus rhythm", "Right bundle branch block"),
    ("a/2", "p2", "Sinus rhythm with odd thing", ""),
    ("a/3", "p1", "No sinus rhythm", "Odd thing"),
    ("a/4", "", "Odd thing", "Rare thing"),
)


def run(tmp_path, vocabulary, rows=ROWS, **options):
    source = table(tmp_path / "statements.csv", *rows)
    options = Options(COLUMNS, **{"min_count": 2, "salt": "pepper"} | options)
    return label(source, tmp_path / "out", CLASSES, vocabulary, options)


def labels(tmp_path):
    found = read_label_table(tmp_path / "out" / "labels.csv")
    short = [{NAMES.get(code, code) for code in codes} for codes in found.codes]
    return dict(zip(found.recordings, short, strict=True))


def review(tmp_path):
    with (tmp_path / "out" / "review.csv").open(newline="") as file:
        return {row["phrase"]: row for row in csv.DictReader(file)}


def edit(tmp_path, old, new):
    path = tmp_path / "out" / "review.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def said_by(count, people, text):
    """Return rows with `count` recordings of `people` patients in turn."""
    place = f"{count}-{people}"
    return [(f"{place}/{n}", f"{place} {n % people}", text, "") for n in range(count)]
