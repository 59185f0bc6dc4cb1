"""A validation folder of one's own: all of the data train, and the folder chooses."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ecg12
from ecg12.cli.main import main
from ecg12.data.splits import split_off_folder
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.label_table import LabelTable, write_label_rows
from ecg12.io.leads import LEADS
from ecg12.io.manifest import ValidationFolder
from ecg12.io.record import Record
from ecg12.io.wfdb import read_record, write_record
from ecg12.metrics import challenge_score
from ecg12.models import ResNet
from ecg12.runtime.errors import InputError
from ecg12.signal.preprocessing import Preprocessing
from ecg12.training.pipeline import REPORT, WORK, train
from ecg12.training.recipes import RECIPES, Recipe
from ecg12.training.schedule import Schedule
from ecg12.training.trainer import Trainer

CLASSES = load_weights(WEIGHTS)
AF, NSR, SB = "164889003", "426783006", "426177001"
TINY = Recipe(
    "tiny",
    (ResNet(2, 3, 1, 3),),
    1,
    Schedule(epochs=2, threshold=None),
    Preprocessing(seconds=0.4, margin=0.2),
    seed=5,
)

pytestmark = pytest.mark.slow  # each trains a network


def write(folder, n, codes=(NSR, AF), seed=0):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for i in range(n):
        signals = rng.normal(0, 1, (12, 400)) * (1 + 2 * (i % len(codes)))
        own = (codes[i % len(codes)],) if codes[0] else ()
        write_record(folder, Record.from_millivolts(f"R{i}", signals, LEADS, 500.0, codes=own))


@pytest.fixture
def folders(tmp_path):
    """12 recordings to train on and 6 that validate, one of them unreadable."""
    write(tmp_path / "train", 12)
    write(tmp_path / "val", 6, seed=1)
    (tmp_path / "val" / "R5.mat").unlink()
    return tmp_path / "train", tmp_path / "val", tmp_path / "model"


def report_of(model):
    return json.loads((model / REPORT).read_text())


def test_the_folder_validates_and_all_data_train(folders):
    data, validation, model = folders
    classifier = train(data, model, TINY, validation=ValidationFolder(validation))
    report = report_of(model)
    assert (report["data"]["recordings"], report["data"]["unreadable"]) == (12, 0)
    counts = report["validation"]
    assert (counts["folder"], counts["recordings"], counts["unreadable"]) == ("val", 5, 1)
    assert {name: n for name, n in counts["positives"].items() if n} == {"NSR": 3, "AF": 2}
    assert report["ensemble"].keys() == {"training", "validation"}
    for name, folder, n in (("training", data, 12), ("validation", validation, 5)):
        records = [read_record(folder / f"R{i}") for i in range(n)]
        labels = classifier.predict([classifier.prepare(record) for record in records]).labels
        expected = challenge_score(CLASSES.encode([r.codes for r in records]), labels, CLASSES)
        assert report["ensemble"][name]["Challenge metric"] == pytest.approx(expected)


def test_a_killed_training_goes_on_and_other_validation_trains_anew(folders, monkeypatch, tmp_path):
    data, validation, model = folders
    train(data, tmp_path / "whole", TINY, validation=ValidationFolder(validation))
    validate, scored = Trainer.validate, []

    def killed_in_the_second_epoch(self):
        scored.append(len(self.task.parts["validation"]))
        if len(scored) == 2:
            raise KeyboardInterrupt
        return validate(self)

    monkeypatch.setattr(Trainer, "validate", killed_in_the_second_epoch)
    with pytest.raises(KeyboardInterrupt):
        train(data, model, TINY, validation=ValidationFolder(validation))
    shutil.copytree(model / WORK, tmp_path / "other" / WORK)
    train(data, model, TINY, validation=ValidationFolder(validation))
    assert scored == [5, 5, 5]  # the first epoch was not trained again
    whole, resumed = report_of(tmp_path / "whole"), report_of(model)
    losses = [[row["loss"] for row in r["members"][0]["history"]] for r in (whole, resumed)]
    assert losses[0] == losses[1]
    assert whole["ensemble"] == resumed["ensemble"]
    train(data, tmp_path / "other", TINY)
    assert scored[3:] == [2, 2]


def test_labels_are_those_of_the_same_table_or_of_one_of_its_own(folders, tmp_path):
    data, validation, _ = folders
    for path in sorted(validation.glob("R*")):
        text = path.read_bytes()
        path.rename(path.with_name(f"V{path.name[1:]}")).write_bytes(
            text.replace(b"R", b"V", 1) if path.suffix == ".hea" else text
        )
    names = (*(f"R{i}" for i in range(12)), *(f"V{i}" for i in range(6)))
    codes = ((AF,), (NSR,)) * 9
    write_label_rows(tmp_path / "all.csv", [(n, "", c) for n, c in zip(names, codes, strict=True)])
    write_label_rows(tmp_path / "own.csv", [(name, "", (SB,), (AF,)) for name in names[12:16]])
    shared = ecg12.train(
        data, tmp_path / "a", TINY, labels=tmp_path / "all.csv", validation=validation
    )
    assert report_of(tmp_path / "a")["validation"]["positives"]["AF"] == 3
    assert len(shared.classes) == 24
    ecg12.train(
        data,
        tmp_path / "b",
        TINY,
        validation=validation,
        validation_labels=tmp_path / "own.csv",
    )
    counts = report_of(tmp_path / "b")
    assert counts["validation"]["recordings"] == counts["validation"]["positives"]["SB"] == 4
    assert counts["validation"]["unknown"]["AF"] == 4
    assert counts["data"]["unknown"]["AF"] == 0
    assert counts["data"]["positives"]["AF"] == 6


def test_one_row_does_not_label_two_recordings(folders, tmp_path):
    data, validation, model = folders
    rows = [(f"R{i}", "", (AF,)) for i in range(12)]
    write_label_rows(tmp_path / "all.csv", rows)
    with pytest.raises(InputError, match=r"R0 is a recording of .*train and one of .*val, .* \(6 "):
        ecg12.train(data, model, TINY, labels=tmp_path / "all.csv", validation=validation)


def test_an_empty_table_of_labels_is_not_replaced_by_that_of_the_data(folders):
    data, validation, model = folders
    labels = LabelTable(tuple(f"R{i}" for i in range(12)), ("",) * 12, ((AF,), (NSR,)) * 6)
    with pytest.raises(InputError, match="val: "):
        ecg12.train(
            data, model, TINY, labels=labels,
            validation=validation, validation_labels=LabelTable((), (), ()),
        )  # fmt: skip


def test_a_folder_that_cannot_validate_is_refused(folders, tmp_path):
    data, validation, model = folders
    for one, other in ((data, tmp_path), (tmp_path, validation), (data, data)):
        with pytest.raises(InputError, match="neither folder may be in the other"):
            train(one, model, TINY, validation=ValidationFolder(other))
    with pytest.raises(FileNotFoundError, match="nothing: no such folder"):
        train(data, model, TINY, validation=ValidationFolder(tmp_path / "nothing"))
    with pytest.raises(InputError, match="none is named"):
        ecg12.train(data, model, TINY, validation_labels=tmp_path / "own.csv")
    with pytest.raises(InputError, match="x.csv' with classes"):
        ecg12.train(data, model, TINY, classes=CLASSES, weights="x.csv")
    assert not model.exists()
    write(tmp_path / "empty", 2, codes=("",))
    with pytest.raises(InputError, match="empty: no recording shows any of the classes"):
        train(data, model, TINY, validation=ValidationFolder(tmp_path / "empty"))


def test_no_patient_is_on_both_sides():
    validating = np.array([False, True, False, True])
    parts = split_off_folder(validating, ("p", "q", "", ""))
    assert {name: part.tolist() for name, part in parts.items()} == {
        "training": [0, 2],
        "validation": [1, 3],
        "test": [],
    }
    with pytest.raises(InputError, match="patients with recordings both in .* folder: 1;"):
        split_off_folder(validating, ("p", "q", "", "p"))


def test_the_commands_take_the_folder(folders, tmp_path, monkeypatch):
    data, validation, model = map(str, folders)
    recipe = replace(TINY, validation="database")  # the folder decides all the same
    monkeypatch.setitem(RECIPES, "tiny", recipe)
    arguments = ["--recipe", "tiny", "--validation", validation, "-o", model]
    main(["pretrain", data, *arguments])
    report = report_of(Path(model))
    assert report["validation"]["recordings"] == 5
    assert "validating_databases" not in report["data"]
    (tmp_path / "my.csv").write_text(f"{AF},AF\n{NSR},NSR\n")
    own = ["--classes", str(tmp_path / "my.csv"), "-o", str(tmp_path / "own")]
    main(["finetune", data, *arguments[:-2], *own])
    assert report_of(tmp_path / "own")["validation"]["positives"] == {"AF": 2, "NSR": 3}
    table = str(tmp_path / "my.csv")
    with pytest.raises(SystemExit, match="there is no --validation FOLDER"):
        main(["finetune", data, "--validation-labels", table, *own])
