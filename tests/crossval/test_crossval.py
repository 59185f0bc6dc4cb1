"""Cross-validation: folds, patients, databases, ways of judging, resume after kill -9."""

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, roc_auc_score

from ecg12.cli.main import main
from ecg12.crossval import Fold, cross_validate, divide, interval, run, summarise
from ecg12.crossval.predictions import FoldPredictions
from ecg12.crossval.subgroups import group_lines, group_rows, held_out_groups
from ecg12.crossval.tables import write_metrics
from ecg12.crossval.ways import METRICS, WAYS, Truth
from ecg12.data.dataset import Dataset
from ecg12.io.classes import CPSC_2018
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import write_record
from ecg12.metrics import best_constant, challenge_score
from ecg12.models import ResNet
from ecg12.runtime.errors import InputError
from ecg12.signal.preprocessing import Preprocessing
from ecg12.subgroups import divide as divide_by
from ecg12.training.recipes import RECIPES, Recipe
from ecg12.training.schedule import Schedule

ROOT = Path(__file__).parents[2]
SHORT = Preprocessing(seconds=0.4, margin=0.2)
TINY = Recipe("tiny", (ResNet(2, 3, 1, 3),), 1, Schedule(epochs=3, threshold=None), SHORT, seed=5)


def dataset_of(targets, names=None):
    names = names or tuple(f"R{i:03}" for i in range(len(targets)))
    return Dataset(
        np.zeros(0), np.arange(len(targets)), targets, names=names, failures=(), fingerprint=""
    )


@pytest.fixture
def targets():
    return np.random.default_rng(0).random((120, 9)) < 0.2


def test_folds_hold_each_recording_out_once_and_validate_on_a_quarter_of_the_rest(targets):
    folds = divide(dataset_of(targets), 5, 0)
    assert sorted(np.concatenate([fold.held_out for fold in folds])) == list(range(120))
    for fold in folds:
        together = np.concatenate(list(fold.parts.values()))
        assert sorted(together) == list(range(120))
        assert len(fold.held_out) == 24
        assert len(fold.validation) == 24
        for part in (fold.held_out, fold.validation):
            off = targets[part].sum(axis=0) - targets.sum(axis=0) / 5
            assert np.abs(off).max() <= 2
    assert [fold.name for fold in folds] == list("12345")


def test_a_patient_s_recordings_stay_in_one_part(targets):
    patients = np.random.default_rng(1).integers(0, 40, 120)
    keys = ["" if p == 39 else str(p) for p in patients]
    patients = np.where(patients == 39, 1000 + np.arange(120), patients)  # each its own
    for fold in divide(dataset_of(targets), 5, 0, patients=keys):
        seen = [set(patients[part]) for part in fold.parts.values()]
        assert not seen[0] & seen[1]
        assert not seen[0] & seen[2]
        assert not seen[1] & seen[2]


def test_one_database_after_the_other_is_held_out(targets):
    names = tuple(f"georgia/g{1 + i % 2}/E{i:05}" if i < 50 else f"A{i:04}" for i in range(120))
    folds = divide(dataset_of(targets, names), 5, 0, by_database=True)
    assert {fold.name: fold.held_out.tolist() for fold in folds} == {
        "georgia": list(range(50)),
        "cpsc2018": list(range(50, 120)),
    }
    for fold in folds:
        assert len(fold.validation) == pytest.approx((120 - len(fold.held_out)) / 4, abs=1)


def test_databases_of_one_institution_are_held_out_together(targets):
    names = tuple(("ptb/S", "ptb-xl/HR", "georgia/E")[i % 3] + str(i) for i in range(120))
    folds = divide(dataset_of(targets, names), 5, 0, by_database=True)
    assert {fold.name: len(fold.held_out) for fold in folds} == {"georgia": 40, "ptb+ptb-xl": 80}


def test_whole_databases_validate_where_the_recipe_says_so(targets):
    names = tuple(f"{'abcd'[i % 4]}/{i}" for i in range(120))
    for by_database in (False, True):
        data = dataset_of(targets, names)
        for fold in divide(data, 5, 0, by_database=by_database, validation="database"):
            rest = np.concatenate([fold.training, fold.validation])
            assert sorted(np.concatenate([rest, fold.held_out])) == list(range(120))
            apart = set(fold.validation % 4)
            assert len(apart) == 1
            assert not apart & set(fold.training % 4)
    pairs = names[:2] * 60  # nothing is left to validate when one of two is held out
    with pytest.raises(InputError, match=r"fold a\b.* b\b"):
        divide(dataset_of(targets, pairs), 5, 0, by_database=True, validation="database")


def test_folds_that_cannot_be_are_refused(targets):
    with pytest.raises(InputError, match=r"^3 .*\b5\b"):
        divide(dataset_of(targets[:3]), 5, 0)
    with pytest.raises(InputError, match=r"^120 .*\b1\b"):
        divide(dataset_of(targets), 1, 0)
    with pytest.raises(InputError, match=r"^2 patients .*\b5\b"):
        divide(dataset_of(targets), 5, 0, patients=["a", "b"] * 60)
    with pytest.raises(InputError, match=r"^3 .* fold 1\b"):
        divide(dataset_of(targets[:6]), 2, 0)
    with pytest.raises(InputError, match="one database, other"):
        divide(dataset_of(targets), 5, 0, by_database=True)
    names = tuple(("ptb/S", "georgia/E")[i % 2] + str(i) for i in range(120))
    pairs = [str(i // 2) for i in range(120)]
    with pytest.raises(InputError, match="ptb and georgia"):
        divide(dataset_of(targets, names), 5, 0, patients=pairs, by_database=True)


def test_interval_by_hand():
    """Mean .6, s² .01, times 1/3 + 1/2; Student's t for 2 degrees of freedom is 4.3027."""
    mean, low, high = interval([0.5, 0.6, 0.7])
    half = 4.302653 * np.sqrt(0.01 * (1 / 3 + 1 / 2))
    assert (mean, low, high) == pytest.approx((0.6, 0.6 - half, 0.6 + half), abs=1e-6)


def test_folds_without_a_value_count_where_the_folds_are_counted():
    """Three of four folds: the variance of three, but tests a third as large as trainings."""
    half = 4.302653 * np.sqrt(0.01 * (1 / 3 + 1 / 3))
    found = interval([0.5, np.nan, 0.6, 0.7])
    assert found == pytest.approx((0.6, 0.6 - half, 0.6 + half), abs=1e-6)
    assert interval([0.5]) == pytest.approx((0.5, np.nan, np.nan), nan_ok=True)


def test_interval_covers_the_mean_of_independent_folds_at_least_so_often():
    rng = np.random.default_rng(0)
    found = [interval(rng.normal(0.5, 0.1, 5)) for _ in range(2000)]
    covered = np.mean([low < 0.5 < high for _, low, high in found])
    # Without overlap the factor sqrt(1 + 5/4) on the error only widens: t 2.776 becomes 4.164.
    assert covered == pytest.approx(0.986, abs=0.01)


@pytest.fixture
def judged(targets):
    """Networks that know their training recordings by heart and guess on the others."""
    rng = np.random.default_rng(2)
    folds = divide(dataset_of(targets), 4, 0)
    predictions = []
    for fold in folds:
        scores = np.where(targets, 0.9, 0.1)
        scores[fold.held_out] = rng.random((len(fold.held_out), 9))
        predictions.append(FoldPredictions(scores, scores / 2, scores > 0.8, 1.5))
    return folds, predictions, summarise(folds, predictions, Truth(targets, CPSC_2018))


def test_optimistic_ways_reward_what_unbiased_ways_do_not(judged):
    _, _, summary = judged
    assert summary.mean("in-sample", "challenge") == 1
    assert summary.mean("in-sample", "AUROC") == 1
    chance = {way: summary.mean(way, "challenge") for way in WAYS if way != "in-sample"}
    for optimistic in ("in-fold", "held-out"):
        for unbiased in ("carried over", "nested", "submission"):
            assert chance[optimistic] > chance[unbiased] + 0.05


def test_rows_hold_each_way_and_fold(judged, targets):
    folds, predictions, summary = judged
    assert [(row["way"], row["fold"]) for row in summary.rows] == [
        (way, str(n)) for way in WAYS for n in (1, 2, 3, 4)
    ]
    for fold, own, row in zip(folds, predictions, summary.rows[-4:], strict=True):
        true, scores = targets[fold.held_out], own.scores[fold.held_out]
        assert row["challenge"] == challenge_score(true, scores > 0.8, CPSC_2018)
        assert row["constant"] == best_constant(true, CPSC_2018)[1]
        both = true.any(axis=0)
        expected = np.mean([roc_auc_score(true[:, k], scores[:, k]) for k in np.flatnonzero(both)])
        assert row["AUROC"] == pytest.approx(expected)
    for fold, own, row in zip(folds, predictions, summary.folds, strict=True):
        true, scores = targets[fold.held_out].ravel(), own.scores[fold.held_out].ravel()
        assert row["log_loss"] == pytest.approx(log_loss(true, scores))
        assert row["log_loss_calibrated"] == pytest.approx(log_loss(true, scores / 2))
        sizes = [len(part) for part in fold.parts.values()]
        assert [row[name] for name in ("training", "validation", "held_out")] == sizes


def test_means_are_those_of_the_rows(judged):
    _, _, summary = judged
    for row in summary.means:
        own = [r[row["metric"]] for r in summary.rows if r["way"] == row["way"]]
        assert row["mean"] == pytest.approx(np.mean(own))
        assert row["low"] <= row["mean"] <= row["high"]
    assert len(summary.means) == len(WAYS) * len(METRICS)
    assert [row["unbiased"] for row in summary.means[:: len(METRICS)]] == [0, 0, 0, 1, 1, 1]
    text = summary.text()
    for way in WAYS:
        assert f"{summary.mean(way, 'challenge'):.3f} (" in text
    assert "95% interval" in text


def test_unknown_cells_neither_fit_nor_judge(judged, targets):
    """Whatever stands in the unknown cells, truth and votes, all tables are the same."""
    folds, predictions, _ = judged
    known = np.random.default_rng(4).random(targets.shape) < 0.7
    tables = []
    for vote in (False, True):
        voted = [replace(own, labels=np.where(known, own.labels, vote)) for own in predictions]
        truth = Truth(targets & known, CPSC_2018, known)
        tables.append(summarise(folds, voted, truth))
    assert tables[0].rows == tables[1].rows
    assert tables[0].folds == tables[1].folds
    row, own, part = tables[0].folds[0], predictions[0], folds[0].held_out
    areas = []
    for k in range(9):
        some = part[known[part, k]]
        areas.append(roc_auc_score(targets[some, k], own.scores[some, k]))
        f = f1_score(targets[some, k], own.labels[some, k])
        areas[-1] = (areas[-1], f)
    assert (row["AUROC"], row["F"]) == pytest.approx(np.mean(areas, axis=0))
    cells = known[part]
    assert row["log_loss"] == pytest.approx(log_loss(targets[part][cells], own.scores[part][cells]))


def test_groups_are_scored_on_what_was_held_out(judged, targets):
    """Two in three recordings are one group; the scores of the other folds must not count."""
    folds, predictions, _ = judged
    names = ["one" if i % 3 else "other" for i in range(120)]
    ways = [divide_by("sex", names, ["one", "other"]), divide_by("age", ["old"] * 120, ["old"])]
    truth = Truth(targets, CPSC_2018)
    found = held_out_groups(folds, predictions, truth, ways, np.arange(120))
    y_pred = np.empty((120, 9), bool)
    for fold, own in zip(folds, predictions, strict=True):
        y_pred[fold.held_out] = own.scores[fold.held_out] > 0.8
    rows = {(row["group"], row["measure"]): row for row in group_rows(found)}
    one = np.arange(120) % 3 > 0
    expected = challenge_score(targets[one], y_pred[one], CPSC_2018)
    assert rows["one", "challenge metric"]["value"] == pytest.approx(expected)
    assert rows["other", "challenge metric"]["rest"] == pytest.approx(expected)
    areas = [row for (group, name), row in rows.items() if name.startswith("AUROC")]
    for row in areas:
        k = CPSC_2018.names.index(row["measure"].removeprefix("AUROC "))
        part = one if row["group"] == "one" else ~one
        areas = []  # of each fold, with its pairs
        for fold, own in zip(folds, predictions, strict=True):
            rows_of_fold = fold.held_out[part[fold.held_out]]
            true = targets[rows_of_fold, k]
            if pairs := true.sum() * (~true).sum():
                areas.append((roc_auc_score(true, own.scores[rows_of_fold, k]), pairs))
        assert row["value"] == pytest.approx(
            np.average([a for a, _ in areas], weights=[n for _, n in areas])
        )
    assert rows["old", ""]["differs"] == "all recordings"
    assert len({row["recordings"] for row in rows.values()} - {80, 40, 120}) == 0
    assert group_lines(found)[1] == "none"  # all scores are noise


def test_scores_of_another_scale_in_a_fold_are_no_difference_between_databases():
    """Three databases, each a fold. Adding 5 or -5 to a fold's scores changes no order in it."""
    rng, databases = np.random.default_rng(0), np.repeat(np.arange(3), 200)
    y_true = np.zeros((600, 9), bool)
    y_true[:, 0] = rng.random(600) < 0.4
    y_true[:, CPSC_2018.normal] = ~y_true[:, 0]
    logits = rng.normal(size=(600, 9)) + 2 * y_true
    parts = [np.flatnonzero(databases == number) for number in range(3)]
    folds = [Fold(str(n), np.empty(0, int), np.empty(0, int), part) for n, part in enumerate(parts)]
    ways = [divide_by("database", databases.tolist(), [0, 1, 2])]
    found = []
    for shift in (0, 5):
        predictions = [
            FoldPredictions(own, own, y_true, 1.0)
            for own in (1 / (1 + np.exp(-logits - shift * n)) for n in (-1, 0, 1))
        ]
        found.append(held_out_groups(folds, predictions, Truth(y_true, CPSC_2018), ways))
    for plain, shifted, part in zip(*found, parts, strict=True):
        expected = [roc_auc_score(y_true[part, k], logits[part, k]) for k in (0, CPSC_2018.normal)]
        area = shifted.measures["macro AUROC"]
        assert area.group.value == pytest.approx(np.mean(expected))
        assert area == plain.measures["macro AUROC"]
        others = [roc_auc_score(y_true[p, 0], logits[p, 0]) for p in parts if p is not part]
        pairs = [y_true[p, 0].sum() * (~y_true[p, 0]).sum() for p in parts if p is not part]
        rest = shifted.classes[CPSC_2018.names[0]].rest
        assert rest.value == pytest.approx(np.average(others, weights=pairs))


def test_a_class_counts_only_in_folds_with_both_its_positives_and_negatives():
    """In one fold all have the class, in the other none: no two recordings can be compared."""
    y_true = np.zeros((200, 9), bool)
    y_true[:100, 1] = True
    y_true[np.arange(200) % 2 == 0, 2] = True
    scores = np.random.default_rng(0).random((200, 9))
    parts = np.arange(100), np.arange(100, 200)
    folds = [Fold(str(n), np.empty(0, int), np.empty(0, int), part) for n, part in enumerate(parts)]
    ways = [divide_by("sex", (["f"] * 2 + ["m"] * 2) * 50, ["f", "m"])]
    predictions = [FoldPredictions(scores, scores, y_true, 1.0)] * 2
    found = held_out_groups(folds, predictions, Truth(y_true, CPSC_2018), ways)
    assert [list(scored.classes) for scored in found] == [[CPSC_2018.names[2]]] * 2


@pytest.mark.parametrize(("patients", "count", "unit"), [
    (None, "", "recordings"), (np.arange(120) // 2, 5, "patients"),
])  # fmt: skip
def test_small_groups_are_of_patients_only_where_these_are_known(
    judged, targets, patients, count, unit
):
    folds, predictions, _ = judged
    ways = [divide_by("sex", ["one"] * 110 + ["few"] * 10, ["one", "few"])]
    found = held_out_groups(folds, predictions, Truth(targets, CPSC_2018), ways, patients)
    [row] = [row for row in group_rows(found) if row["group"] == "few"]
    assert (row["recordings"], row["patients"]) == (10, count)
    assert group_lines(found)[-1] == f"Not compared, of fewer than 20 {unit}: sex few (10)"


def test_databases_get_their_range(judged, targets):
    folds, predictions, _ = judged
    named = [Fold(f"201{f.name}", f.training, f.validation, f.held_out) for f in folds]
    summary = summarise(named, predictions, Truth(targets, CPSC_2018), by_database=True)
    own = [r["challenge"] for r in summary.rows if r["way"] == "nested"]
    row = next(r for r in summary.means if (r["way"], r["metric"]) == ("nested", "challenge"))
    assert (row["low"], row["high"]) == (min(own), max(own))
    assert "lowest to highest database" in summary.text()


def test_undefined_values_are_empty_cells(tmp_path):
    write_metrics(tmp_path / "t.csv", [{"a": 1, "b": float("nan"), "c": 0.12345678}])
    assert (tmp_path / "t.csv").read_text() == "a,b,c\n1,,0.123457\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Write 24 recordings of noise: 12 in each of two databases."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for i in range(24):
        place = folder / ("ptb", "georgia")[i % 2]
        place.mkdir(exist_ok=True)
        signals = rng.normal(0, 1 + i % 3, (12, 400))
        code = ("426783006", "164889003")[i // 2 % 2]
        write_record(place, Record.from_millivolts(f"R{i}", signals, LEADS, 500.0, codes=(code,)))
    return folder


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    output = tmp_path_factory.mktemp("whole")
    return output, cross_validate(data, output, TINY, k=2)


def rows_of(path):
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return [{name: cell for name, cell in row.items() if name != "seconds"} for row in rows]


@pytest.mark.slow
def test_tables_on_disk(whole):
    output, summary = whole
    assert sorted(path.name for path in output.iterdir()) == [
        "fold1.npz", "fold2.npz", "folds.csv", "subgroups.csv", "summary.csv", "ways.csv"
    ]  # fmt: skip
    assert [row["held_out"] for row in rows_of(output / "folds.csv")] == ["12", "12"]
    ways = rows_of(output / "ways.csv")
    assert len(ways) == 2 * len(WAYS)
    assert float(ways[0]["challenge"]) == pytest.approx(summary.rows[0]["challenge"], abs=1e-6)
    groups = {row["group"]: row for row in rows_of(output / "subgroups.csv")}
    assert groups["ptb"]["recordings"] == groups["georgia"]["recordings"] == "12"
    assert groups["ptb"]["differs"].startswith("too few")
    assert {row["patients"] for row in groups.values()} == {""}  # no table names them
    assert "ptb (12)" in summary.text()


@pytest.mark.slow
def test_finished_folds_are_not_trained_again(whole, data, monkeypatch):
    output, summary = whole
    monkeypatch.setattr(run, "train_members", None)  # calling it would raise
    again = cross_validate(data, output, TINY, k=2)
    assert again.rows == summary.rows


@pytest.mark.slow
def test_another_seed_trains_anew(whole, data, monkeypatch):
    output, _ = whole
    monkeypatch.setattr(run, "train_members", None)
    with pytest.raises(TypeError, match="'NoneType' object is not callable"):
        cross_validate(data, output, replace(TINY, seed=6), k=2)


KILLED = """
import sys
from ecg12.crossval import cross_validate
from tests.crossval.test_crossval import TINY
cross_validate(sys.argv[1], sys.argv[2], TINY, k=2)
"""


@pytest.mark.slow
def test_after_kill_9_the_run_goes_on_and_ends_alike(whole, data, tmp_path):
    """Killed within the second fold: the first is kept, the tables come out the same."""
    output = tmp_path / "out"
    command = [sys.executable, "-c", KILLED, str(data), str(output)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    deadline = time.monotonic() + 600
    while not (output / "folds.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len(rows_of(output / "folds.csv")) == 1
    assert not (output / "fold2.npz").exists()
    before = (output / "fold1.npz").stat().st_mtime_ns
    cross_validate(data, output, TINY, k=2)
    assert (output / "fold1.npz").stat().st_mtime_ns == before
    for table in ("folds.csv", "ways.csv", "summary.csv", "subgroups.csv"):
        assert rows_of(output / table) == rows_of(whole[0] / table)


@pytest.mark.slow
def test_the_recipe_says_what_validates(data, tmp_path):
    recipe = replace(TINY, validation="database")
    with pytest.raises(InputError, match=r"georgia .* ptb\b"):
        cross_validate(data, tmp_path, recipe, by_database=True)


@pytest.mark.slow
def test_command_leaves_databases_out(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(RECIPES, "tiny", TINY)
    patients = tmp_path / "patients.csv"
    patients.write_text("recording,patient\n" + "".join(
        f"{('ptb', 'georgia')[i % 2]}/R{i},P{i % 2}{i // 4}\n" for i in range(24)
    ))  # fmt: skip
    main([
        "crossval", str(data), "-o", str(tmp_path / "out"), "--recipe", "tiny", "--seed", "1",
        "--leave-one-database-out", "--patients", str(patients),
    ])  # fmt: skip
    printed = capsys.readouterr().out
    assert [line.split()[:2] for line in printed.splitlines()[2:4]] == [
        ["georgia", "12"], ["ptb", "12"]
    ]  # fmt: skip
    assert [row["fold"] for row in rows_of(tmp_path / "out" / "folds.csv")] == ["georgia", "ptb"]


@pytest.mark.slow
def test_command_takes_own_classes_and_a_label_table(data, tmp_path, monkeypatch, capsys):
    """The table's labels count, not the headers': it has 20 of the 24 recordings."""
    monkeypatch.setitem(RECIPES, "tiny", TINY)
    (tmp_path / "my.csv").write_text("164889003,AF\n426783006,NSR\n")
    rows = [(("ptb", "georgia")[i % 2], i, i // 2 % 2) for i in range(20)]
    (tmp_path / "labels.csv").write_text("recording,patient,426783006,164889003,1\n" + "".join(
        f"{database}/R{i},P{i},{normal},{1 - normal},0\n" for database, i, normal in rows
    ))  # fmt: skip
    main([
        "crossval", str(data), "-o", str(tmp_path / "out"), "--recipe", "tiny", "--folds", "2",
        "--classes", str(tmp_path / "my.csv"), "--labels", str(tmp_path / "labels.csv"),
    ])  # fmt: skip
    capsys.readouterr()
    with np.load(tmp_path / "out" / "fold1.npz") as saved:
        assert saved["scores"].shape == (20, 2)
    assert len(rows_of(tmp_path / "out" / "folds.csv")) == 2


def test_own_classes_without_sinus_rhythm_are_refused(data, tmp_path):
    (tmp_path / "my.csv").write_text("164889003,AF\n")
    with pytest.raises(SystemExit, match="426783006.* AF"):
        main([
            "crossval", str(data), "-o", str(tmp_path / "out"),
            "--classes", str(tmp_path / "my.csv"),
        ])  # fmt: skip


@pytest.mark.slow
def test_a_table_may_have_empty_cells(data, tmp_path, monkeypatch, capsys):
    """Of AF every third label is unknown: the constants are those of the known cells."""
    monkeypatch.setitem(RECIPES, "tiny", TINY)
    (tmp_path / "my.csv").write_text("164889003,AF\n426783006,NSR\n")
    rows = [(("ptb", "georgia")[i % 2], i, i // 2 % 2) for i in range(24)]
    (tmp_path / "labels.csv").write_text("recording,patient,426783006,164889003\n" + "".join(
        f"{database}/R{i},,{normal},{'' if i % 3 == 0 else 1 - normal}\n"
        for database, i, normal in rows
    ))  # fmt: skip
    main([
        "crossval", str(data), "-o", str(tmp_path / "out"), "--recipe", "tiny", "--folds", "2",
        "--classes", str(tmp_path / "my.csv"), "--labels", str(tmp_path / "labels.csv"),
    ])  # fmt: skip
    assert "nested" in capsys.readouterr().out
    with np.load(tmp_path / "out" / "fold1.npz") as saved:
        assert saved["labels"].shape == (24, 2)
    rows = rows_of(tmp_path / "out" / "folds.csv")
    assert all(0 <= float(row["AUROC"]) <= 1 for row in rows)
