"""Unknown labels: what nobody looked for counts neither for nor against a class."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from ecg12.data.dataset import Dataset, prepare_folder, summary
from ecg12.decision.calibration import calibrate, log_loss
from ecg12.decision.thresholds import per_class, single, tune
from ecg12.io.classes import CPSC_2018, WEIGHTS, load_weights
from ecg12.io.known_labels import known_cells
from ecg12.io.label_table import LabelTable, read_label_table, write_label_rows
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb_write import write_record
from ecg12.metrics import auprc, auroc, best_constant, challenge_score, evaluate, scorer_of
from ecg12.models import SEResNet
from ecg12.models.losses import LOSSES, ignoring_unknown
from ecg12.runtime.backend import keras, start
from ecg12.search.task_file import load_task, store_task
from ecg12.signal.preprocessing import Preprocessing
from ecg12.training.resources import Clock
from ecg12.training.schedule import Schedule
from ecg12.training.task import Task
from ecg12.training.trainer import Trainer

CLASSES = load_weights(WEIGHTS)
AF, RBBB, CRBBB, SINUS = "164889003", "59118001", "713427006", "426783006"
N = 200
WITHOUT_NORMAL = replace(
    CPSC_2018,
    groups=tuple(g for g in CPSC_2018.groups if g[0] != SINUS),
    weights=np.eye(8),
)

pytestmark = pytest.mark.slow  # each trains a network


def drawn(seed=0, n_classes=24):
    """Return targets, known cells and scores; half of the first three classes is unknown."""
    rng = np.random.default_rng(seed)
    known = np.ones((N, n_classes), bool)
    known[:, :3] = rng.random((N, 3)) < 0.5
    targets = (rng.random((N, n_classes)) < 0.2) & known
    scores = np.clip(0.3 * targets + 0.7 * rng.random(targets.shape), 0.01, 0.99)
    return targets, known, scores


def test_areas_are_those_of_the_known_recordings():
    targets, known, scores = drawn()
    for measure, oracle in ((auroc, roc_auc_score), (auprc, average_precision_score)):
        found = measure(targets, scores, known)
        columns = zip(targets.T, scores.T, known.T, strict=True)
        expected = [oracle(t[k], s[k]) for t, s, k in columns]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_class_of_which_nothing_is_known_has_no_area():
    targets, known, scores = drawn()
    known[:, 0] = False
    assert np.isnan(auroc(targets, scores, known)[0])
    assert np.isnan(auprc(targets, scores, known)[0])


@pytest.mark.parametrize("classes", [CLASSES, WITHOUT_NORMAL], ids=["challenge", "macro F"])
def test_scores_are_those_of_labels_and_truth_without_the_unknown_cells(classes):
    """To neither set an unknown class belongs, so leaving it out of both is the definition."""
    targets, known, scores = drawn(n_classes=len(classes))
    labels = scores > 0.4
    scorer = scorer_of(targets, classes, known)
    assert scorer(labels) == pytest.approx(scorer_of(targets & known, classes)(labels & known))
    assert scorer(labels | ~known) == scorer(labels & known)
    found = evaluate(targets, labels, scores, classes, known)
    expected = evaluate(targets & known, labels & known, scores, classes)
    for name in found.keys() - {"AUROC", "AUPRC"}:
        assert found[name] == pytest.approx(expected[name])


def test_accuracy_is_of_the_recordings_of_which_something_is_known():
    targets, known, scores = drawn()
    known[:50] = False
    labels = scores > 0.4
    found = evaluate(targets & known, labels, scores, CLASSES, known)["Accuracy"]
    assert found == pytest.approx(np.mean(((targets == labels) | ~known)[50:].all(axis=1)))
    nothing = np.zeros_like(known)
    assert np.isnan(evaluate(targets & nothing, labels, scores, CLASSES, nothing)["Accuracy"])


def test_the_best_constant_is_credited_for_known_cells_alone():
    targets, known, _ = drawn()
    labels, score = best_constant(targets, CLASSES, known)
    everywhere = np.broadcast_to(labels, targets.shape)
    assert score == pytest.approx(challenge_score(targets, everywhere & known, CLASSES))


@pytest.mark.parametrize("classes", [CLASSES, WITHOUT_NORMAL], ids=["challenge", "macro F"])
def test_thresholds_do_not_depend_on_scores_of_unknown_cells(classes):
    targets, known, scores = drawn(n_classes=len(classes))
    other = np.where(known, scores, np.random.default_rng(9).random(scores.shape))
    first, second = (tune(s, targets, classes, known=known) for s in (scores, other))
    assert first.scores["single"] == pytest.approx(second.scores["single"], rel=1e-12)
    assert first.scores["per_class"] == pytest.approx(second.scores["per_class"], rel=1e-12)
    scorer = scorer_of(targets, classes, known)
    assert first.scores["single"] >= max(scorer(scores > cut) for cut in np.arange(0, 1, 0.02))


def test_recordings_of_which_nothing_is_known_change_no_threshold():
    targets, known, scores = drawn()
    known[-40:] = False
    some = slice(None, -40)
    cut = single(scores[some], targets[some], CLASSES, known[some])
    start = np.full(len(CLASSES), cut)
    fitted = per_class(scores[some], targets[some], CLASSES, start, known=known[some])
    whole = per_class(scores, targets, CLASSES, start, known=known)
    assert scorer_of(targets, CLASSES, known)(scores > whole) == pytest.approx(
        scorer_of(targets[some], CLASSES, known[some])(scores[some] > fitted)
    )


def test_calibration_is_that_of_the_known_recordings():
    targets, known, scores = drawn()
    whole = calibrate(scores, targets, known)
    for column in range(3):
        rows = known[:, column]
        alone = calibrate(scores[rows, column, None], targets[rows, column, None])
        np.testing.assert_array_equal(whole.slopes[column], alone.slopes[0])
        np.testing.assert_array_equal(whole.intercepts[column], alone.intercepts[0])
    by_cell = log_loss(targets[known], scores[known])
    assert log_loss(targets, scores, known) == pytest.approx(by_cell)


@pytest.mark.parametrize("name", list(LOSSES))
def test_no_loss_depends_on_scores_of_unknown_cells(name):
    targets, known, scores = drawn()
    loss = ignoring_unknown(LOSSES[name](CLASSES))
    y = CLASSES.expand(targets).astype(np.float32)
    columns = CLASSES.expand(known)
    y[~columns] = np.nan
    p = CLASSES.expand(scores).astype(np.float32)
    other = np.where(columns, p, np.float32(0.5))
    first, second = (keras.ops.convert_to_numpy(loss(y, values)) for values in (p, other))
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)
    if name == "binary_crossentropy":
        cells = np.where(y == 1, -np.log(p), -np.log(1 - p))
        np.testing.assert_allclose(first, np.where(columns, cells, 0).mean(axis=1), rtol=1e-4)


def task_of(targets, known):
    rng = np.random.default_rng(3)
    signals = rng.normal(0, 300, (len(targets), 12, 64)).astype(np.int16)
    names = tuple(f"R{i}" for i in range(len(targets)))
    data = Dataset(
        signals,
        np.arange(len(targets)),
        targets,
        names=names,
        failures=(),
        fingerprint="x",
        known=known,
    )
    order = rng.permutation(len(targets))
    return Task(data, {"training": order[:40], "validation": order[40:60]}, CLASSES)


@pytest.mark.parametrize("monitor", ["metric", "loss", "auroc"])
def test_training_does_not_depend_on_unknown_targets(tmp_path, monitor):
    """What stands in an unknown cell changes neither a weight nor the score after an epoch."""
    start(0)
    targets, known, _ = drawn()
    histories, weights = [], []
    for cells in (targets, targets | ~known):
        keras.utils.set_random_seed(1)
        schedule = Schedule(epochs=2, batch=8, threshold=None, monitor=monitor)
        model = SEResNet(k=4, m=2).build(len(CLASSES.columns), 64)
        task = task_of(cells, known)
        run = Trainer(
            model,
            task,
            schedule,
            seed=0,
            checkpoint=tmp_path / "c.npz",
            identity=str(len(weights)),
            clock=Clock(1),
        )
        run.run()
        histories.append([(row["loss"], row["validation_score"]) for row in run.history])
        weights.append(np.concatenate([w.ravel() for w in model.get_weights()]))
    assert histories[0] == histories[1]
    np.testing.assert_array_equal(*weights)


def test_empty_cells_are_unknown_and_are_written_as_such(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(f"recording,patient,{AF},{SINUS}\na,,1,\nb,,,0\nc,,0,1\n")
    table = read_label_table(path, (AF, SINUS))
    assert table.codes == ((AF,), (), (SINUS,))
    assert table.unknown == ((SINUS,), (AF,), ())
    rows = zip(table.recordings, table.patients, table.codes, table.unknown, strict=True)
    write_label_rows(tmp_path / "again.csv", rows, (AF, SINUS))
    assert (tmp_path / "again.csv").read_text() == path.read_text()


def test_a_class_is_known_where_one_of_its_codes_is_or_where_it_is_shown():
    codes = ((), (RBBB,), (), (AF,))
    unknown = ((RBBB,), (CRBBB,), (RBBB, CRBBB, AF), (AF, "12345"))
    known = known_cells(CLASSES, codes, unknown)
    af, rbbb = CLASSES.names.index("AF"), CLASSES.names.index("CRBBB")
    assert known[:, rbbb].tolist() == [True, True, False, True]
    assert known[:, af].tolist() == [True, True, False, True]
    assert known.sum() == 4 * len(CLASSES) - 2
    assert known_cells(CLASSES, codes) is None
    assert known_cells(CLASSES, codes, ((),) * 4) is None


def test_a_folder_is_prepared_with_its_table_s_unknown_cells(tmp_path):
    data, af = tmp_path / "data", CLASSES.names.index("AF")
    data.mkdir()
    for i, name in enumerate(("a", "b")):
        signals = np.random.default_rng(i).normal(size=(12, 600))
        write_record(data, Record.from_millivolts(name, signals, LEADS, 500.0, codes=(AF,)))
    table = LabelTable(("b", "a"), ("", ""), ((SINUS,), ()), ((AF,), ()))
    prepared = Preprocessing(seconds=1.0, margin=0.5)
    dataset = prepare_folder(data, tmp_path / "w", prepared, CLASSES, n_jobs=1, labels=table)
    assert dataset.names == ("a", "b")
    expected = np.ones((2, len(CLASSES)), bool)
    expected[1, af] = False
    np.testing.assert_array_equal(dataset.known, expected)
    assert summary(dataset, CLASSES)["unknown"] == {
        name: int(name == "AF") for name in CLASSES.names
    }
    plain = replace(table, unknown=())
    other = prepare_folder(data, tmp_path / "v", prepared, CLASSES, n_jobs=1, labels=plain)
    assert other.known is None
    assert "unknown" not in summary(other, CLASSES)
    assert other.fingerprint != dataset.fingerprint


def test_a_search_s_workers_get_the_known_cells(tmp_path):
    targets, known, _ = drawn()
    task = task_of(targets, known)
    np.save(tmp_path / "signals.npy", task.dataset.signals)
    store_task(tmp_path, task)
    np.testing.assert_array_equal(load_task(tmp_path).dataset.known, known)
