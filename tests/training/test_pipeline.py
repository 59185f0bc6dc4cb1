"""Training a submission: members, plans, resume, reports, and data that teach nothing."""

import json
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecg12.data.dataset import Dataset
from ecg12.decision.calibration import calibrate
from ecg12.ensemble.classifier import Member
from ecg12.ensemble.model_folder import load_classifier
from ecg12.inference.challenge import drive
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.known_labels import read_labelled_classes
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import write_record
from ecg12.metrics import challenge_score
from ecg12.models import CRNN, ResNet
from ecg12.runtime import backend
from ecg12.runtime.errors import InputError
from ecg12.runtime.files import write_json
from ecg12.runtime.locks import LOCK, locked
from ecg12.signal.preprocessing import Preprocessing
from ecg12.training import members
from ecg12.training.pipeline import REPORT, WORK, train
from ecg12.training.recipes import Recipe, get_recipe
from ecg12.training.resources import Clock
from ecg12.training.schedule import Schedule
from ecg12.training.selection import Candidate, join, score_parts
from ecg12.training.task import Task
from ecg12.training.trainer import Trainer

CLASSES = load_weights(WEIGHTS)
SHORT = Preprocessing(seconds=0.4, margin=0.2)
TINY = Recipe(
    "tiny", (ResNet(2, 3, 1, 3, p=0.5),) * 3, 3, Schedule(epochs=2, threshold=None), SHORT, seed=5
)


def write(folder, n=20, codes=("426783006", "164889003")):
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(n):
        signals = rng.normal(0, 1, (12, 400)) * (1 + 2 * (i % len(codes)))
        own = (codes[i % len(codes)],)
        write_record(folder, Record.from_millivolts(f"R{i}", signals, LEADS, 500.0, codes=own))
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train the tiny recipe on 20 recordings of noise."""
    place = tmp_path_factory.mktemp("submission")
    write(place / "data")
    (place / "model").mkdir()
    (place / "model" / "mine.keras").write_text("a user's own file")
    return place, train(place / "data", place / "model", TINY)


@pytest.mark.slow
def test_a_database_validates_where_the_recipe_says_so(tmp_path):
    for name, n in (("ptb", 6), ("georgia", 14)):
        (tmp_path / "data").mkdir(exist_ok=True)
        write(tmp_path / "data" / name, n)
    recipe = replace(TINY, networks=TINY.networks[:1], validation="database", seed=1)
    train(tmp_path / "data", tmp_path / "model", recipe)
    report = json.loads((tmp_path / "model" / REPORT).read_text())
    assert report["recipe"]["validation"] == "database"
    assert report["data"]["validating_databases"] in (["ptb"], ["georgia"])
    with pytest.raises(InputError, match="all recordings belong to one database, other"):
        train(tmp_path / "data" / "ptb", tmp_path / "other", recipe)
    with pytest.raises(ValueError, match="unknown validation 'site'; choices: random, database"):
        replace(TINY, validation="site")


def test_classes_that_a_database_does_not_label_are_unknown(tmp_path, caplog):
    """Of ten recordings of ptb, five show AF, of which nothing was to be expected."""
    (tmp_path / "data").mkdir()
    for name in ("ptb", "georgia"):
        write(tmp_path / "data" / name, 10)
    table = tmp_path / "labelled.csv"
    table.write_text("database,codes\nptb,426783006\n")
    recipe = replace(TINY, networks=TINY.networks[:1])
    labelled = read_labelled_classes(table)
    train(tmp_path / "data", tmp_path / "model", recipe, labelled=labelled)
    report = json.loads((tmp_path / "model" / REPORT).read_text())
    unknown = report["data"]["unknown"]
    assert (unknown["NSR"], unknown["AF"], unknown["SB"]) == (0, 5, 10)
    assert "known to be without" not in caplog.text  # georgia's say where AF is not

    table.write_text("database,codes\nptb,426783006\ngeorgia,426783006\n")
    train(tmp_path / "data", tmp_path / "other", recipe, labelled=read_labelled_classes(table))
    assert "no recording is known to be without AF, so nothing learns what is not" in caplog.text
    assert np.isfinite(report["ensemble"]["validation"]["Challenge metric"])


def test_without_recordings_nothing_is_written(tmp_path):
    """Such as with the arguments in the wrong order."""
    with pytest.raises(FileNotFoundError, match="data: no such folder of recordings"):
        train(tmp_path / "data", tmp_path / "model", TINY)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_report_tells_members_variants_and_parts(trained):
    place, _ = trained
    report = json.loads((place / "model" / REPORT).read_text())
    assert report["data"]["recordings"] == 20
    assert [row["seed"] for row in report["members"]] == [5, 6, 7]
    for row in report["members"]:
        assert row["parameters"] == TINY.networks[0].build(27, SHORT.n_samples).count_params()
        assert len(row["history"]) == 2
        assert set(row["thresholds"]) == {
            "single", "per_class", "simplex_from_single", "simplex_from_per_class"
        }  # fmt: skip
        best = max(scores["validation"] for scores in row["thresholds"].values())
        assert row["thresholds"][row["chosen_thresholds"]]["validation"] == best
    assert set(report["ensemble"]) == {"training", "validation", "test"}


@pytest.mark.slow
def test_ensemble_s_reported_score_is_that_of_its_predictions(trained):
    place, classifier = trained
    report = json.loads((place / "model" / REPORT).read_text())
    order = np.random.default_rng(5).permutation(20)  # the seeded 60/20/20 split: test part first
    names = sorted(path.stem for path in (place / "data").glob("*.hea"))
    from ecg12.io.wfdb import read_record

    records = [read_record(place / "data" / names[i]) for i in order[:4]]
    labels = classifier.predict([classifier.prepare(record) for record in records]).labels
    targets = CLASSES.encode([record.codes for record in records])
    expected = challenge_score(targets, labels, CLASSES)
    assert report["ensemble"]["test"]["Challenge metric"] == pytest.approx(expected)


@pytest.mark.slow
def test_report_shows_calibration_before_and_after(trained):
    """Four validation recordings are too few for any class, so all scores stay; and say so."""
    place, classifier = trained
    report = json.loads((place / "model" / REPORT).read_text())
    assert not classifier.calibration.fitted.any()
    for part in ("training", "validation", "test"):
        shown = report["ensemble"][part]["calibration"]
        assert shown["not_calibrated"] == list(CLASSES.names)
        assert shown["before"] == shown["after"]
        assert 0 < shown["before"]["brier"] < 1


def test_ensemble_is_calibrated_on_its_validation_medians(monkeypatch):
    monkeypatch.setattr("ecg12.ensemble.keras_runtime.KerasRuntime", list)  # nothing is run
    rng = np.random.default_rng(0)
    targets = rng.random((60, 24)) < 0.3
    part = np.arange(10, 50)
    dataset = Dataset(np.zeros(0), np.arange(60), targets, names=(), failures=(), fingerprint="")
    task = Task(dataset, {"validation": part}, CLASSES)
    members = [
        Member(str(i), None, SHORT, thresholds=np.full(24, 0.5), validation_score=0.5)
        for i in range(3)
    ]
    scores = rng.random((3, 40, 24))
    candidates = [Candidate(m, {}, {"validation": s}) for m, s in zip(members, scores, strict=True)]
    calibration = join(candidates, task).calibration
    expected = calibrate(np.sort(scores, axis=0)[1], targets[part])
    np.testing.assert_array_equal(calibration.slopes, expected.slopes)
    assert calibration.fitted.sum() > 20


def test_a_part_of_which_nothing_is_known_is_reported_without_measures(monkeypatch, tmp_path):
    """A small test part may hold nothing but empty cells; its measures do not exist."""
    monkeypatch.setattr("ecg12.ensemble.keras_runtime.KerasRuntime", list)  # nothing is run
    rng = np.random.default_rng(0)
    targets = rng.random((60, 24)) < 0.3
    known = np.ones((60, 24), bool)
    known[50:] = False
    data = Dataset(
        np.zeros(0), np.arange(60), targets & known, names=(), failures=(), fingerprint="",
        known=known,
    )  # fmt: skip
    parts = {"training": np.arange(0), "validation": np.arange(50), "test": np.arange(50, 60)}
    task = Task(data, parts, CLASSES)
    member = Member("0", None, SHORT, thresholds=np.full(24, 0.5), validation_score=0.5)
    scores = {name: rng.random((len(part), 24)) for name, part in parts.items()}
    candidates = [Candidate(member, {}, scores)]
    found = score_parts(join(candidates, task), candidates, task)
    write_json(tmp_path / "training.json", found)  # which refuses what is no number
    validated = found["validation"]["calibration"]
    expected = {"before": {}, "after": {}, "not_calibrated": validated["not_calibrated"]}
    assert found["test"]["calibration"] == expected
    assert 0 < validated["before"]["brier"] < 1


@pytest.mark.slow
def test_members_of_equal_specification_differ_in_weights(trained):
    _, classifier = trained
    stems = [member.model.get_layer("stem").get_weights()[0] for member in classifier.members]
    assert not np.array_equal(stems[0], stems[1])
    assert not np.array_equal(stems[1], stems[2])


@pytest.mark.slow
def test_training_removes_its_work_and_keeps_others_files(trained):
    place, _ = trained
    assert not (place / "model" / WORK).exists()
    assert (place / "model" / "mine.keras").read_text() == "a user's own file"


@pytest.mark.slow
def test_same_seed_same_model_other_seed_another(trained, tmp_path):
    place, classifier = trained
    again = train(place / "data", tmp_path / "again", TINY)
    other = train(place / "data", tmp_path / "other", replace(TINY, seed=50))
    for one, two in zip(classifier.members, again.members, strict=True):
        for a, b in zip(one.model.get_weights(), two.model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(one.thresholds, two.thresholds)
    one, two = (c.members[0].model.get_weights()[0] for c in (classifier, other))
    assert not np.array_equal(one, two)


@pytest.mark.slow
def test_retraining_with_another_recipe_replaces_the_model(trained, tmp_path, caplog):
    caplog.set_level("INFO")
    place, _ = trained
    shutil.copytree(place / "model", tmp_path / "model")
    train(place / "data", tmp_path / "model", replace(TINY, networks=TINY.networks[:1]))
    assert len(load_classifier(tmp_path / "model").members) == 1
    assert len(list((tmp_path / "model").glob("member*.keras"))) == 1
    assert caplog.messages[0].startswith(f"recipe {TINY.name} on ")  # the device
    assert "no pretrained networks: all begin from scratch" in caplog.messages


def member_names(folder):
    """Return the members that a model folder's index names, by the standard library alone."""
    return [
        entry["name"] for entry in json.loads((folder / "classifier.json").read_text())["members"]
    ]


def at_each_end_of_a_member(monkeypatch, look):
    """Call `look` whenever a member has been trained to its end."""
    run = Trainer.run

    def watched(trainer, *arguments):
        ended = run(trainer, *arguments)
        look()
        return ended

    monkeypatch.setattr(Trainer, "run", watched)


@pytest.mark.slow
def test_a_good_ensemble_stays_until_the_new_one_is_complete(trained, tmp_path, monkeypatch):
    place, _ = trained
    model = shutil.copytree(place / "model", tmp_path / "model")
    before = (model / "classifier.json").read_bytes(), (model / REPORT).read_bytes()
    seen = []
    at_each_end_of_a_member(
        monkeypatch,
        lambda: seen.append(
            ((model / "classifier.json").read_bytes(), (model / REPORT).read_bytes())
        ),
    )
    train(place / "data", model, replace(TINY, seed=70))
    assert seen == [before] * 3
    assert (model / "classifier.json").read_bytes() != before[0]
    assert [row["seed"] for row in json.loads((model / REPORT).read_text())["members"]] == [
        70, 71, 72
    ]  # fmt: skip
    assert len(list(model.glob("member*.keras"))) == 3


class Killed(BaseException):
    """Ends a training as a signal does: nothing handles it."""


def kill_after(monkeypatch, n):
    """End the training after its n-th member is trained."""
    ends = []

    def end():
        ends.append(1)
        if len(ends) == n:
            raise Killed

    at_each_end_of_a_member(monkeypatch, end)


@pytest.mark.slow
def test_a_good_ensemble_stays_also_when_the_retraining_is_killed_and_goes_on(
    trained, tmp_path, monkeypatch
):
    place, _ = trained
    model = shutil.copytree(place / "model", tmp_path / "model")
    before = (model / "classifier.json").read_bytes()
    for killed_after in (3, 2):
        with monkeypatch.context() as patch:
            kill_after(patch, killed_after)
            with pytest.raises(Killed):
                train(place / "data", model, replace(TINY, seed=70))
        assert (model / "classifier.json").read_bytes() == before
        assert len(load_classifier(model).members) == 3
    train(place / "data", model, replace(TINY, seed=70))
    assert (model / "classifier.json").read_bytes() != before


@pytest.mark.slow
def test_a_fresh_folder_is_a_valid_model_after_each_member_also_after_a_kill(
    trained, tmp_path, monkeypatch
):
    place, _ = trained
    model = tmp_path / "model"
    with monkeypatch.context() as patch:
        kill_after(patch, 2)
        with pytest.raises(Killed):
            train(place / "data", model, replace(TINY, networks=TINY.networks * 2, keep=5))
    assert member_names(model) == ["member1_resnet_k2_s3_n1_m3_p0.5_z0_f0"]
    seen = []
    at_each_end_of_a_member(monkeypatch, lambda: seen.append(len(member_names(model))))
    train(place / "data", model, replace(TINY, networks=TINY.networks * 2, keep=5))
    assert seen == [1, 1, 1, 3, 3, 5]  # an ensemble has an odd number of members


@pytest.mark.slow
def test_a_lock_is_held_until_the_last_file_of_a_training_is_removed(
    trained, tmp_path, monkeypatch
):
    """Else another training would begin in a folder that this one still removes."""
    place, _ = trained
    removed, lock = [], tmp_path / "model" / WORK / LOCK
    unlink = Path.unlink

    def watched(path, *arguments, **options):
        if path.parent == lock.parent and path.exists():
            removed.append(path.name)
            assert lock.exists()
            with pytest.raises(InputError, match="in use by another process"), locked(lock):
                pass
        unlink(path, *arguments, **options)

    monkeypatch.setattr(Path, "unlink", watched)
    train(place / "data", tmp_path / "model", replace(TINY, networks=TINY.networks[:1]))
    assert "signals.npy" in removed
    assert removed[-1] == LOCK
    assert not lock.parent.exists()


def diverge(monkeypatch, *seeds):
    """Let the loss of these seeds' members be no number; return the seeds in their order."""
    train_on_batch, begun = backend.train_on_batch, []
    run = Trainer.run

    def watched(trainer, *arguments):
        begun.append(trainer.seed)
        return run(trainer, *arguments)

    def poisoned(*arguments):
        loss = train_on_batch(*arguments)
        return float("nan") if begun and begun[-1] in seeds else loss

    monkeypatch.setattr(Trainer, "run", watched)
    monkeypatch.setattr(backend, "train_on_batch", poisoned)
    return begun


@pytest.mark.slow
def test_a_member_that_diverges_is_a_row_with_its_reason(trained, tmp_path, monkeypatch, caplog):
    place, _ = trained
    diverge(monkeypatch, 6)
    classifier = train(place / "data", tmp_path / "model", TINY)
    rows = json.loads((tmp_path / "model" / REPORT).read_text())["members"]
    reason = "failed: FloatingPointError: resnet_k2_s3_n1_m3_p0.5_z0_f0: the loss is nan in the "
    assert [row["seed"] for row in rows] == [5, 6, 7]
    assert [row["ended"] for row in rows] == ["2 epochs", f"{reason}first epoch", "2 epochs"]
    assert any(f"member2_resnet_k2_s3_n1_m3_p0.5_z0_f0 {reason}" in m for m in caplog.messages)
    assert len(classifier.members) == len(load_classifier(tmp_path / "model").members) == 1


@pytest.mark.slow
def test_a_member_that_diverged_is_not_trained_again_after_a_restart(
    trained, tmp_path, monkeypatch
):
    place, _ = trained
    recipe = replace(TINY, networks=TINY.networks[:1] * 4)
    with monkeypatch.context() as patch:
        diverge(patch, 5)
        kill_after(patch, 2)
        with pytest.raises(Killed):
            train(place / "data", tmp_path / "model", recipe)
    begun = diverge(monkeypatch, 5)
    train(place / "data", tmp_path / "model", recipe)
    assert begun == [6, 7, 8]
    rows = json.loads((tmp_path / "model" / REPORT).read_text())["members"]
    ended = {row["seed"]: row["ended"].split(":")[0] for row in rows}
    assert ended == {5: "failed", 6: "2 epochs", 7: "2 epochs", 8: "2 epochs"}


@pytest.mark.slow
def test_if_every_member_fails_it_is_one_error_also_after_a_restart(trained, tmp_path, monkeypatch):
    place, _ = trained
    begun = diverge(monkeypatch, 5, 6, 7)
    for _ in range(2):
        with pytest.raises(
            InputError,
            match="none of 3 networks of recipe tiny could be trained; member1_.* the loss is",
        ):
            train(place / "data", tmp_path / "model", TINY)
    assert begun == [5, 6, 7]
    assert not list((tmp_path / "model").glob("*.json"))


@pytest.mark.slow
def test_networks_that_cannot_be_built_are_rows_too(trained, tmp_path):
    """Ten blocks halve 100 samples to nothing."""
    place, _ = trained
    deep = replace(TINY.networks[0], m=10)
    recipe = replace(TINY, networks=(deep, TINY.networks[0], deep))
    assert len(train(place / "data", tmp_path / "model", recipe).members) == 1
    rows = json.loads((tmp_path / "model" / REPORT).read_text())["members"]
    reasons = {row["seed"]: row["ended"] for row in rows}
    assert reasons[6] == "2 epochs"
    for seed in (5, 7):
        assert reasons[seed].startswith("failed: ValueError: 10 blocks halve 100 samples")
    with pytest.raises(InputError, match="none of 2 networks of recipe tiny could be trained"):
        train(place / "data", tmp_path / "other", replace(TINY, networks=(deep, deep)))


@pytest.mark.slow
def test_a_member_that_finds_no_memory_is_tried_again_after_a_restart(
    trained, tmp_path, monkeypatch
):
    place, _ = trained
    run = Trainer.run

    def without_memory(trainer, *arguments):
        if trainer.seed == 5:
            raise MemoryError("3 GB")
        if trainer.seed == 7:
            raise Killed
        return run(trainer, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "run", without_memory)
        with pytest.raises(Killed):
            train(place / "data", tmp_path / "model", TINY)
    train(place / "data", tmp_path / "model", TINY)
    assert len(load_classifier(tmp_path / "model").members) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "codes"),
    [(1, ("426783006",)), (2, ("164889003",)), (6, ("999",)), (9, ("426783006",))],
    ids=["one recording", "two recordings", "no scored class", "one class"],
)
def test_data_that_teach_nothing_give_a_model_all_the_same(tmp_path, n, codes):
    write(tmp_path / "data", n, codes)
    train(tmp_path / "data", tmp_path / "model", TINY)
    assert len(load_classifier(tmp_path / "model").members) == 3


@pytest.mark.slow
def test_two_trainings_into_one_folder_are_refused(trained, tmp_path):
    place, _ = trained
    (tmp_path / "model" / WORK).mkdir(parents=True)
    with (
        locked(tmp_path / "model" / WORK / LOCK),
        pytest.raises(InputError, match="in use by another process"),
    ):
        train(place / "data", tmp_path / "model", TINY)


@pytest.mark.slow
def test_the_other_paper_s_recipe_trains_and_answers_recordings(tmp_path):
    """With a small network: its preprocessing, loss and schedule are those of the recipe."""
    recipe = replace(get_recipe("crnn"), networks=(CRNN(2, 2),))
    recipe = replace(recipe, schedule=replace(recipe.schedule, epochs=1))
    write(tmp_path / "data", 8)
    train(tmp_path / "data", tmp_path / "model", recipe)
    assert drive(tmp_path / "model", tmp_path / "data", tmp_path / "out") == []
    rows = [path.read_text().splitlines()[3] for path in sorted((tmp_path / "out").iterdir())]
    scores = np.array([row.split(",") for row in rows], float)
    assert scores.shape == (8, 27)
    assert np.isfinite(scores).all()
    report = json.loads((tmp_path / "model" / REPORT).read_text())
    assert report["recipe"]["schedule"]["loss"] == "categorical_crossentropy"
    assert report["recipe"]["preprocessing"]["amplitude"] == "stored"


StubCandidate = namedtuple("StubCandidate", "row")


class Stub:
    """A trainer whose epochs take the time that its network's cost says, on a clock of its own."""

    def __init__(self, index, clock, stops_after):
        self.index, self.clock, self.stops_after = index, clock, stops_after
        self.cost = NETWORKS[index].gflop()

    def epoch_seconds(self):
        return self.cost

    mean_epoch_seconds = epoch_seconds

    def run(self, epochs):
        self.clock.deadline -= self.cost * min(epochs, self.stops_after)
        return "stub"


NETWORKS = (ResNet(2, 3, 1, 3), ResNet(4, 3, 1, 3), ResNet(6, 3, 1, 3), ResNet(16, 3, 1, 3))


@pytest.fixture
def run_stubs(monkeypatch, tmp_path):
    def run(seconds, stops_after, finished=()):
        """Train stubs; return the indices of those trained and the time spent."""
        recipe = Recipe("stubs", NETWORKS, 3, Schedule(epochs=100))
        clock = Clock(seconds / 3600, now=lambda: 0.0)
        make = lambda recipe, index, task, work, clock: Stub(index, clock, stops_after)  # noqa: E731
        monkeypatch.setattr(members, "make_trainer", make)
        monkeypatch.setattr(members, "is_finished", lambda r, index, t, w: index in finished)
        monkeypatch.setattr(members, "candidate_of", lambda r, index, t, e: StubCandidate(index))
        task = type("Task", (), {"classes": CLASSES})
        _, rows = members.train_members(recipe, task, tmp_path, clock)
        return rows, seconds - clock.left()

    return run


def test_all_members_are_trained_where_time_allows(run_stubs):
    total = sum(network.gflop() for network in NETWORKS)
    trained, spent = run_stubs(100.5 * total, stops_after=100)
    assert trained == [0, 1, 2, 3]
    assert spent == pytest.approx(100 * total)


def test_short_time_gives_up_the_most_expensive_members(run_stubs):
    three = sum(network.gflop() for network in NETWORKS[:3])
    trained, spent = run_stubs(20 * three, stops_after=100)
    assert trained == [0, 1, 2]
    assert spent <= 20 * three


def test_members_given_up_come_back_when_others_end_early(run_stubs):
    total = sum(network.gflop() for network in NETWORKS)
    three = sum(network.gflop() for network in NETWORKS[:3])
    trained, _ = run_stubs(9 * total + 5 * three, stops_after=2)
    assert trained == [0, 1, 2, 3]


def test_finished_members_cost_nothing(run_stubs):
    trained, spent = run_stubs(0.001, stops_after=0, finished=(1, 2, 3))
    assert trained[:3] == [1, 2, 3]
    assert spent == 0


def test_one_member_is_trained_however_short_the_time(run_stubs):
    assert run_stubs(1e-6, stops_after=100)[0] == [0]
