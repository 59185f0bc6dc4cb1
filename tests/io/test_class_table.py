"""One's own classes: their table, the measure without sinus rhythm, its exact thresholds."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from ecg12.decision.threshold_sweep import f_per_class, f_single
from ecg12.decision.thresholds import single, tune
from ecg12.io.class_table import read_classes
from ecg12.io.classes import CPSC_2018, ScoredClasses
from ecg12.metrics import FScorer, constant_baseline, evaluate, measure_name, scorer_of
from ecg12.runtime.errors import InputError

AF, NSR = "164889003", "426783006"
THREE = ScoredClasses((("1",), ("2",), ("3",)), np.eye(3), 2021)


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_codes_equivalents_abbreviations_and_names(tmp_path):
    text = f"Code,Abbreviation,Name\n\n{AF}\n713427006|59118001, RBBB , right block\n9,nine\n"
    classes = read_classes(write(tmp_path / "my.csv", text))
    assert classes.groups == ((AF,), ("713427006", "59118001"), ("9",))
    assert classes.names == ("AF", "RBBB", "nine")
    assert classes.titles == ("atrial fibrillation", "right block", "9")
    assert classes.year == 2021
    np.testing.assert_array_equal(classes.weights, np.eye(3))
    assert not classes.has_normal
    assert read_classes(write(tmp_path / "my.csv", NSR)).has_normal


def test_keys_may_be_any_text(tmp_path):
    lines = ("code,abbreviation,name", "NORM", "AFIB|Vorhofflimmern,AF,fibrillation", "1° AVB")
    classes = read_classes(write(tmp_path / "my.csv", "\n".join([*lines, f"{NSR}|SR\n"])))
    assert classes.groups == (("NORM",), ("AFIB", "Vorhofflimmern"), ("1° AVB",), (NSR, "SR"))
    assert classes.names == ("NORM", "AF", "1° AVB", "NSR")
    assert classes.titles == ("NORM", "fibrillation", "1° AVB", "sinus rhythm / SR")
    assert classes.has_normal
    targets = classes.encode([("AFIB", "NORM"), ("norm",), ("SR",)])
    assert targets.tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"my\.csv: no classes; a line reads 713427006"),
        ("code,abbreviation,name\n", "no classes"),
        (f'{AF}\n"L,VH",x\n', r"my\.csv, line 2: class key 'L,VH' holds ','; a line reads 713"),
        ('"a\nb"\n', r"line 1: class key 'a\\nb' holds"),
        ('NORM\n\n"say ""AF"""\n', "line 3: class key 'say \"AF\"' holds '\"'"),
        ("#NORM\n", "line 1: class key '#NORM' begins with '#'"),
        (f"{AF}|\n", "line 1: class key '' is empty"),
        (",AF,fibrillation\n", "line 1: class key '' is empty"),
        ("NORM|NORM\n", "line 1: 'NORM' occurs twice"),
        ("NORM\npatient\n", "line 2: class key 'patient' is the name of a label table's column"),
        ("NORM\nAFIB\nNORM\n", "line 3: 'NORM' is in line 1 already"),
        (f"{AF}\n1|{AF}\n", f"line 2: '{AF}' is in line 1 already"),
        ("1,x\n2,x\n", "line 2: 'x' is in line 1 already"),
    ],
)
def test_tables_that_cannot_be_meant(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_classes(write(tmp_path / "my.csv", text))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8-sig", "utf-16"])
def test_a_table_in_any_encoding(tmp_path, encoding):
    (tmp_path / "my.csv").write_bytes("1,Ü".encode(encoding))
    assert read_classes(tmp_path / "my.csv").names == ("Ü",)


@pytest.fixture
def problem():
    """Return targets, of one class none, and scores with ties that know something of them."""
    rng = np.random.default_rng(3)
    targets = rng.random((60, 3)) < [0.5, 0.1, 0.0]
    return targets, np.round(rng.normal(targets, 1.0), 1)


def sklearn_f(targets, labels):
    """Macro F1 of the classes that occur."""
    classes = targets.any(axis=0)
    return f1_score(targets[:, classes], labels[:, classes], average="macro", zero_division=0.0)


def test_the_measure_without_sinus_rhythm_is_macro_f(problem):
    targets, scores = problem
    assert measure_name(THREE) == "F-measure"
    assert scorer_of(targets, THREE)(scores > 0.5) == pytest.approx(
        sklearn_f(targets, scores > 0.5)
    )
    assert FScorer(np.zeros((4, 3), bool))(np.ones((4, 3), bool)) == 0
    assert measure_name(CPSC_2018) == "Challenge metric"
    reached = evaluate(targets, scores > 0.5, scores, THREE)
    assert "Challenge metric" not in reached


def test_the_best_constant_prediction_by_trying_all(problem):
    targets, _ = problem
    constants = [[bool(i & 1), bool(i & 2), bool(i & 4)] for i in range(8)]
    best = max(sklearn_f(targets, np.tile(constant, (60, 1))) for constant in constants)
    predicted, baseline = constant_baseline(targets, THREE)
    assert baseline == pytest.approx(best)
    assert predicted.tolist() == [True, True, False]


def test_thresholds_are_the_best_of_all(problem):
    targets, scores = problem
    cuts = np.unique(scores) - 0.05
    cuts = np.append(cuts, scores.max() + 1)
    best = max(sklearn_f(targets, scores > cut) for cut in cuts)
    assert sklearn_f(targets, scores > f_single(scores, targets)) == pytest.approx(best)
    assert single(scores, targets, THREE) == f_single(scores, targets)
    each = f_per_class(scores, targets)
    for k in (0, 1):
        found = f1_score(targets[:, k], scores[:, k] > each[k])
        tried = max(f1_score(targets[:, k], scores[:, k] > cut, zero_division=0) for cut in cuts)
        assert found == pytest.approx(tried)
    assert not (scores[:, 2] > each[2]).any()  # never seen: never answered


def test_tuning_leaves_rare_classes_at_the_single_threshold(problem):
    targets, scores = problem
    tuned = tune(scores, targets, THREE, min_positives=10)
    assert set(tuned.variants) == {"single", "per_class"}
    flat, fitted = tuned.variants.values()
    assert (flat == flat[0]).all()
    np.testing.assert_array_equal(fitted[1:], flat[1:])
    assert tuned.scores["per_class"] == pytest.approx(sklearn_f(targets, scores > fitted))
    freer = tune(scores, targets, THREE, min_positives=1)
    np.testing.assert_array_equal(freer.variants["per_class"][:2], f_per_class(scores, targets)[:2])
    assert freer.scores["per_class"] > freer.scores["single"]
    assert freer.best == "per_class"


def test_scores_that_are_not_finite_are_refused(problem):
    targets, scores = problem
    scores[3, 1] = np.nan
    with pytest.raises(ValueError, match="1 scores are not finite"):
        single(scores, targets, THREE)
