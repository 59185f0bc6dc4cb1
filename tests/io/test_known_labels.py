"""Known labels: which databases label which classes, read from a table."""

import numpy as np
import pytest

from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.known_labels import (
    LabelledClasses,
    known_cells,
    read_labelled_classes,
    warn_of_absent,
)
from ecg12.runtime.errors import InputError

CLASSES = load_weights(WEIGHTS)
AF, NSR, RBBB, CRBBB = "164889003", "426783006", "59118001", "713427006"


@pytest.fixture
def labelled(tmp_path):
    path = tmp_path / "labelled.csv"
    path.write_text(f"database,codes,note\ncpsc2018,{AF} {RBBB}  12345,nine\nptb,{NSR},\n")
    return read_labelled_classes(path)


def test_other_classes_of_a_named_database_are_unknown_unless_shown(labelled):
    codes = ((AF,), (NSR,), (), ())
    known = known_cells(
        CLASSES, codes, databases=["cpsc2018", "cpsc2018", "ptb", "georgia"], labelled=labelled
    )
    names = [{name for name, cell in zip(CLASSES.names, row, strict=True) if cell} for row in known]
    assert names[0] == {"AF", "CRBBB"}  # one of two equivalent codes is labelled
    assert names[1] == {"AF", "CRBBB", "NSR"}
    assert names[2] == {"NSR"}
    assert names[3] == set(CLASSES.names)


def test_empty_cells_are_unknown_also_in_labelled_classes(labelled):
    known = known_cells(CLASSES, [()], [(AF,)], databases=["cpsc2018"], labelled=labelled)
    assert np.flatnonzero(known[0]).tolist() == [CLASSES.names.index("CRBBB")]


def test_own_keys_that_hold_blanks_stand_between_bars(tmp_path):
    path = tmp_path / "labelled.csv"
    path.write_text("database,codes\na,NORM|atrial fib\nb,atrial fib|\nc,NORM STTC\n")
    assert read_labelled_classes(path).codes == {
        "a": {"NORM", "atrial fib"}, "b": {"atrial fib"}, "c": {"NORM", "STTC"}
    }  # fmt: skip


def test_databases_that_are_not_there_are_named(labelled, caplog):
    warn_of_absent(labelled, ["ptb", "georgia"], CLASSES)
    assert "no recording belongs to cpsc2018; the databases are georgia, ptb" in caplog.text
    caplog.clear()
    warn_of_absent(labelled, ["ptb", "cpsc2018"], CLASSES)
    assert not caplog.text
    warn_of_absent(LabelledClasses({"ptb": frozenset({"NSR", "AF"})}, "a.csv"), ["ptb"], CLASSES)
    assert "a.csv: no code of ptb is one of the classes: AF, NSR" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("database,kinds\nptb,1\n", "no column 'codes'"),
        ('database,codes\nptb,"1,2"\n', "line 2: codes '1,2'; blanks or"),
        ("database,codes\nptb,\n", "line 2: needs a database and its codes"),
        ("database,codes\n,1\n", "line 2: needs a database and its codes"),
        ("database,codes\nptb,1\nptb,2\n", "line 3: 'ptb' has a line already"),
        ("database,codes\n", "labelled.csv: names no database"),
    ],
)
def test_tables_that_say_nothing_are_refused(tmp_path, text, message):
    path = tmp_path / "labelled.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_labelled_classes(path)
