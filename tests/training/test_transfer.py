"""Transfer: the body kept bit for bit, frozen blocks, partners by specification, own classes."""

import csv
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from ecg12.cli.main import main
from ecg12.data.dataset import Dataset
from ecg12.ensemble.model_folder import INDEX, load_classifier
from ecg12.ensemble.model_index import SHIPPED
from ecg12.inference.challenge import drive
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import write_record
from ecg12.models import CRNN, TABLE_2, ResNet, SEResNet, freeze, swap_head
from ecg12.runtime.backend import keras, start
from ecg12.runtime.errors import InputError, ModelError
from ecg12.runtime.settings import Settings
from ecg12.signal.preprocessing import Preprocessing
from ecg12.synthetic.muse import generate_muse
from ecg12.training.pipeline import REPORT, WORK, train
from ecg12.training.recipes import RECIPES, Recipe, begin_at, for_own_classes, recipe_of
from ecg12.training.resources import Clock
from ecg12.training.schedule import Schedule
from ecg12.training.task import Task
from ecg12.training.trainer import Trainer
from ecg12.training.transfer import (
    begins_at_shipped,
    match,
    pretrained_folder,
    read_pretrained,
)

AF, NSR, SB = "164889003", "426783006", "426177001"
CLASSES = load_weights(WEIGHTS)
SHORT = Preprocessing(seconds=0.4, margin=0.2)
NETWORK = ResNet(2, 3, 1, 3)
TINY = Recipe("tiny", (NETWORK, NETWORK), None, Schedule(epochs=2, threshold=None), SHORT)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """20 recordings of noise, of sinus rhythm or of atrial fibrillation."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for i in range(20):
        signals, codes = rng.normal(0, 1 + 2 * (i % 2), (12, 400)), ((NSR, AF)[i % 2],)
        write_record(folder, Record.from_millivolts(f"R{i}", signals, LEADS, 500.0, codes=codes))
    return folder


@pytest.fixture(scope="module")
def pretrained(data, tmp_path_factory):
    """Return the folder of two networks pretrained on those recordings."""
    folder = tmp_path_factory.mktemp("pretrained")
    train(data, folder, TINY)
    return folder


def body(model):
    """Return the weights of all layers but those of a head, by layer."""
    heads = ("scores", "transfer_dense1", "transfer_dense2", "transfer_scores")
    return {
        x.name: x.get_weights() for x in model.layers if x.get_weights() and x.name not in heads
    }


def assert_equal(one, other, names):
    for name in names:
        for a, b in zip(one[name], other[name], strict=True):
            np.testing.assert_array_equal(a, b)


# The head


def test_parameters_after_the_swap_are_the_reference_s(shared):
    rows = (shared / "reference" / "mcircc_table2_networks.csv").read_text().splitlines()
    places = {name: place for place, name in enumerate(rows[0].split(","))}
    column = places["parameters_after_head_swap"]
    expected = [int(row.split(",")[column]) for row in rows[1:]]
    assert [swap_head(n.build(27), 27).count_params() for n in TABLE_2] == expected


@pytest.mark.parametrize(
    ("network", "n"), [(NETWORK, 100), (CRNN(2, 2), 7500), (SEResNet(k=4, s=3, m=2), 100)]
)
def test_the_body_is_bit_equal_after_the_swap_and_after_another(network, n):
    model = network.build(3, n)
    before = body(model)
    swapped = swap_head(model, 7)
    assert_equal(body(swapped), before, before)
    twice = swap_head(swapped, 5)
    assert body(twice).keys() == before.keys()
    assert_equal(body(twice), before, before)
    assert twice.output.shape == (None, 5)
    assert twice.name == swapped.name == f"{network.name}_transfer"


# Freezing


def task(n_samples):
    start(0)
    rng = np.random.default_rng(0)
    targets = np.zeros((12, len(CLASSES)), bool)
    targets[np.arange(12), rng.choice([1, CLASSES.normal], 12)] = True
    signals = rng.normal(0, 300, (12, 12, n_samples)).astype(np.int16)
    dataset = Dataset(
        signals,
        np.arange(12),
        targets,
        names=tuple(map(str, range(12))),
        failures=(),
        fingerprint="f",
    )
    return Task(dataset, {"training": np.arange(8), "validation": np.arange(8, 12)}, CLASSES)


BLOCKS = {
    NETWORK: ["stem|block1", "block2", "block3"],
    SEResNet(k=4, s=3, m=2): ["stem|block1", "block2"],
    CRNN(2, 2): [f"block{i}" for i in range(1, 8)],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "j"),
    [*((NETWORK, j) for j in range(4)), (SEResNet(k=4, s=3, m=2), 1), (CRNN(2, 2), 7)],
)
def test_frozen_blocks_do_not_move_and_all_others_do(network, j, tmp_path):
    n_samples = 7287 if isinstance(network, CRNN) else 64
    keras.utils.set_random_seed(0)
    model = swap_head(network.build(3, n_samples), len(CLASSES.columns))
    freeze(model, j)
    before = {layer.name: layer.get_weights() for layer in model.layers if layer.get_weights()}
    schedule = Schedule(epochs=2, batch=4, learning_rate=0.01, threshold=None)
    trainer = Trainer(
        model,
        task(n_samples),
        schedule,
        seed=0,
        checkpoint=tmp_path / "s.npz",
        identity="",
        clock=Clock(1),
    )
    for _ in range(2):
        trainer._epoch()
    beginnings = tuple("|".join(BLOCKS[network][:j]).split("|")) if j else ()
    frozen = [name for name in before if name.startswith(beginnings)] if j else []
    after = {name: model.get_layer(name).get_weights() for name in before}
    assert_equal(after, before, frozen)
    for name in before.keys() - set(frozen):
        assert any(not np.array_equal(a, b) for a, b in zip(after[name], before[name], strict=True))
    assert bool(frozen) == bool(j)


def test_more_blocks_than_there_are_cannot_be_frozen():
    with pytest.raises(ValueError, match="4 blocks of resnet_k2_s3_n1_m3 cannot be frozen; 0 to 3"):
        freeze(NETWORK.build(3, 64), 4)
    with pytest.raises(ValueError, match="-1 blocks"):
        freeze(NETWORK.build(3, 64), -1)


# Pretrained folders


@pytest.mark.slow
def test_pretraining_keeps_every_network_and_says_how_it_was_made(pretrained):
    known = read_pretrained(pretrained)
    assert [one.network for one in known] == [NETWORK, NETWORK]
    assert known[0].preprocessing == SHORT
    index = json.loads((pretrained / INDEX).read_text())
    assert index["classes"] == [list(group) for group in CLASSES.groups]
    assert {e["sha256"] for e in index["members"]} == {one.checksum for one in known}
    assert all(np.isfinite(e["validation_score"]) for e in index["members"])
    assert index["members"][0]["network"] == {
        "kind": "ResNet", "k": 2, "s": 3, "n": 1, "m": 3, "p": 0.0, "z": 0, "f": 0
    }  # fmt: skip


@pytest.mark.slow
def test_a_start_is_the_saved_body_under_a_new_head(pretrained):
    first = match(pretrained, [NETWORK], SHORT)[0]
    saved = {m.name: m.model for m in load_classifier(pretrained).members}[first.pretrained.name]
    model = first.build(5)
    assert_equal(body(model), body(saved), body(saved))
    assert model.output.shape == (None, 5)


@pytest.mark.slow
def test_equal_networks_begin_at_different_partners_and_others_from_scratch(pretrained, caplog):
    other = ResNet(3, 3, 1, 3)
    first, none, second = match(pretrained, [NETWORK, other, NETWORK], SHORT, frozen=1)
    assert none is None
    assert first.pretrained.name != second.pretrained.name
    assert first.frozen == 1
    assert "none fits resnet_k3_s3_n1_m3, which begins from scratch" in caplog.text
    match(pretrained, [NETWORK], SHORT)
    assert f"not used: {second.pretrained.name}" in caplog.text


@pytest.mark.slow
def test_what_does_not_fit_is_an_error(pretrained):
    with pytest.raises(InputError, match=r"\(resnet_k2_s3_n1_m3\) are none of those to be trained"):
        match(pretrained, [ResNet(3, 3, 1, 3)], SHORT)
    with pytest.raises(InputError, match="was trained on recordings prepared by .*cutoff=40.0"):
        match(pretrained, [NETWORK], replace(SHORT, cutoff=30.0))
    match(pretrained, [NETWORK], replace(SHORT, parts=3))  # of the answer, not of the input
    with pytest.raises(InputError, match="4 blocks .* cannot be frozen"):
        match(pretrained, [NETWORK], SHORT, frozen=4)[0].build(3)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["missing", "changed", "no index", "no specification"])
def test_damaged_folders_are_refused(pretrained, tmp_path, damage):
    index = json.loads((pretrained / INDEX).read_text())
    for entry in index["members"]:
        content = (pretrained / entry["file"]).read_bytes()
        (tmp_path / entry["file"]).write_bytes(content)
        if damage == "no specification":
            del entry["network"]
    if damage == "missing":
        (tmp_path / index["members"][0]["file"]).unlink()
    if damage == "changed":
        (tmp_path / index["members"][0]["file"]).write_bytes(content[:-1])
    if damage != "no index":
        (tmp_path / INDEX).write_text(json.dumps(index))
    with pytest.raises(ModelError, match=str(tmp_path)):
        read_pretrained(tmp_path)


def test_a_graph_alone_begins_no_training(tmp_path):
    index = json.loads((SHIPPED / INDEX).read_text())
    for entry in index["members"]:
        del entry["file"], entry["sha256"]
    (tmp_path / INDEX).write_text(json.dumps(index))
    with pytest.raises(ModelError, match="classifier.json: names no .keras files"):
        read_pretrained(tmp_path)


# Training from there


@pytest.mark.slow
def test_training_begins_there_says_so_and_still_trains(data, pretrained, tmp_path, caplog):
    caplog.set_level("INFO")
    recipe = begin_at(TINY, pretrained)
    model = train(data, tmp_path, recipe)
    assert f"starts from the pretrained networks of {pretrained}" in caplog.text
    saved = {m.name: m.model for m in load_classifier(pretrained).members}
    report = json.loads((tmp_path / REPORT).read_text())
    for start_, member, row in zip(recipe.starts, model.members, report["members"], strict=True):
        assert row["start"]["sha256"] == start_.pretrained.checksum
        before = body(saved[start_.pretrained.name])["block1_conv1"][0]
        assert not np.array_equal(body(member.model)["block1_conv1"][0], before)
    assert drive(tmp_path, data, tmp_path / "out") == []


@pytest.mark.slow
def test_another_pretrained_network_is_another_training(data, pretrained, tmp_path, caplog):
    """A work folder left by a kill is gone on with only if the beginning is the same."""
    recipe = replace(begin_at(TINY, pretrained), networks=(NETWORK,))
    one = replace(recipe, starts=recipe.starts[:1])
    train(data, tmp_path / "whole", one)

    def killed(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ecg12.training.pipeline.score_parts", killed)
        with pytest.raises(KeyboardInterrupt):
            train(data, tmp_path / "model", one)
    assert (tmp_path / "model" / WORK / "member1.npz").is_file()
    trained = []
    epoch = Trainer._epoch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_epoch", lambda self: trained.append(1) or epoch(self))
        resumed = train(data, tmp_path / "model", one)
        assert not trained
        again = load_classifier(tmp_path / "whole").members[0].model.get_weights()
        for a, b in zip(resumed.members[0].model.get_weights(), again, strict=True):
            np.testing.assert_array_equal(a, b)
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr("ecg12.training.pipeline.score_parts", killed)
            with pytest.raises(KeyboardInterrupt):
                train(data, tmp_path / "model", one)
        trained.clear()
        train(data, tmp_path / "model", replace(recipe, starts=recipe.starts[1:]))
        assert trained
    assert "training from the first epoch" in caplog.text


def test_the_folder_is_chosen_by_variable_then_by_place(tmp_path):
    beside = tmp_path / "pretrained"
    assert pretrained_folder(Settings(), beside) is None
    beside.mkdir()
    assert pretrained_folder(Settings(), beside) == beside
    assert pretrained_folder(Settings()) is None
    assert pretrained_folder(Settings(pretrained="other")).name == "other"
    assert pretrained_folder(Settings(pretrained="")) is None


@pytest.mark.slow
def test_train_model_uses_the_folder_it_is_given(data, pretrained, tmp_path, monkeypatch):
    from team_code import training_code

    monkeypatch.setitem(RECIPES, "tiny", replace(TINY, keep=1))
    monkeypatch.setenv("ECG12_RECIPE", "tiny")
    monkeypatch.setenv("ECG12_PRETRAINED", str(pretrained))
    training_code(str(data), str(tmp_path / "model"))
    report = json.loads((tmp_path / "model" / REPORT).read_text())
    assert all(row["start"] for row in report["members"])
    monkeypatch.setenv("ECG12_PRETRAINED", str(tmp_path / "absent"))
    with pytest.raises(ModelError, match="absent: there is no such folder of pretrained networks"):
        training_code(str(data), str(tmp_path / "model"))


def test_the_shipped_model_begins_a_training_only_when_it_is_asked_for():
    settings = Settings.from_env({"ECG12_PRETRAINED": "shipped"})
    assert settings.recipe == "shipped"
    starts = recipe_of(settings).starts
    assert len(starts) == 3
    assert all(start is not None for start in starts)
    assert begins_at_shipped(starts)
    assert Settings.from_env({}).recipe == "submission"
    assert not recipe_of(Settings.from_env({})).starts


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("ECG12_RECIPE", "x", "ECG12_RECIPE='x'; choices: submission, mcircc, "),
        ("ECG12_BUDGET", "-1", "ECG12_BUDGET='-1': a positive number of hours is needed"),
        ("ECG12_DEVICES", "0", "ECG12_DEVICES='0': a whole number from 1 on is needed"),
    ],
)
def test_train_model_names_the_variable_that_cannot_be_used(
    tmp_path, monkeypatch, variable, value, message
):
    from team_code import training_code

    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match=message):
        training_code(str(tmp_path), str(tmp_path / "model"))
    assert not list(tmp_path.iterdir())


# The commands


@pytest.mark.slow
def test_pretrain_reads_muse_files_with_a_label_table(tmp_path, monkeypatch, capsys):
    from ecg12.io.label_table import write_label_rows

    generate_muse(tmp_path / "muse", 5)
    names = tuple(f"S0000{i}" for i in range(4))
    rows = zip(names, ("p", "p", "q", "r"), ((NSR,), (AF,), (SB,), ()), strict=True)
    write_label_rows(tmp_path / "labels.csv", rows)
    monkeypatch.setitem(RECIPES, "tiny", TINY)
    folders = [str(tmp_path / name) for name in ("muse", "pretrained", "labels.csv")]
    main(["pretrain", folders[0], "-o", folders[1], "--labels", folders[2], "--recipe", "tiny"])
    assert "2 pretrained networks" in capsys.readouterr().out
    report = json.loads((tmp_path / "pretrained" / REPORT).read_text())
    assert report["data"]["recordings"] == 4


OWN = "code,abbreviation,name\n164889003,AFib,fibrillating\n426783006|111,fine,nothing wrong\n"


@pytest.mark.slow
@pytest.mark.parametrize("classes", [OWN, "164889003\n426177001,slow\n"], ids=["normal", "none"])
def test_finetune_answers_one_s_own_classes(classes, data, pretrained, tmp_path, capsys):
    (tmp_path / "my.csv").write_text(classes)
    model, mine = str(tmp_path / "model"), str(tmp_path / "my.csv")
    arguments = ["--classes", mine, "--pretrained", str(pretrained), "--freeze", "1"]
    main(["finetune", str(data), "-o", model, *arguments])
    trained = load_classifier(model)
    columns = ("164889003", "426783006", "111") if classes == OWN else ("164889003", "426177001")
    assert trained.classes.columns == columns
    assert trained.classes.names == (("AFib", "fine") if classes == OWN else ("AF", "slow"))
    report = json.loads((tmp_path / "model" / REPORT).read_text())
    assert report["members"][0]["start"]["frozen_blocks"] == 1
    measure = "Challenge metric" if classes == OWN else "F-measure"
    assert measure in report["ensemble"]["validation"]
    drive(model, data, tmp_path / "out")
    assert (tmp_path / "out" / "R0.csv").read_text().splitlines()[1] == ",".join(columns)
    capsys.readouterr()
    main(["report", str(data), str(tmp_path / "out"), "--classes", mine])
    assert trained.classes.names[0] in capsys.readouterr().out
    main(["predict", str(data / "R0.hea"), "--model", model, "--all"])
    assert ("fibrillating" if classes == OWN else "atrial fibrillation") in capsys.readouterr().out


@pytest.mark.slow
def test_finetune_answers_classes_whose_keys_are_texts(data, pretrained, tmp_path, capsys):
    """From headers that name them to outputs, reports and predictions."""
    key_of = {NSR: "NORM", AF: "AFIB"}
    copied = tmp_path / "data"
    shutil.copytree(data, copied)
    for header in copied.glob("*.hea"):
        text = header.read_text()
        for code, key in key_of.items():
            text = text.replace(code, key)
        header.write_text(text)
    (tmp_path / "my.csv").write_text("NORM\nAFIB|flimmer,AF,fibrillation\nsinus bradycardia\n")
    model, mine, out = str(tmp_path / "model"), str(tmp_path / "my.csv"), tmp_path / "out"
    main(["finetune", str(copied), "-o", model, "--classes", mine, "--pretrained", str(pretrained)])
    drive(model, copied, out)
    columns = "NORM,AFIB,flimmer,sinus bradycardia"
    assert (out / "R0.csv").read_text().splitlines()[1] == columns
    capsys.readouterr()
    main(["report", str(copied), str(out), "--classes", mine])
    printed = capsys.readouterr().out
    for name in ("NORM", "AF", "sinus bradycardia"):
        n = 0 if "sinus" in name else 10  # every other of the 20 recordings
        assert re.search(rf"^{name} +{n} ", printed, re.MULTILINE)
    main(["predict", str(copied / "R0.hea"), "--model", model, "--format", "csv"])
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["codes"] for row in rows] == ["NORM", "AFIB|flimmer", "sinus bradycardia"]
    assert [row["name"] for row in rows] == ["NORM", "fibrillation", "sinus bradycardia"]


@pytest.mark.slow
def test_finetune_spares_a_model_of_other_classes(data, pretrained, tmp_path):
    (tmp_path / "my.csv").write_text(OWN)
    before = sorted(pretrained.iterdir())
    with pytest.raises(SystemExit, match=r"holds a model for \d+ other classes.*another folder"):
        main(["finetune", str(data), "--classes", str(tmp_path / "my.csv"), "-o", str(pretrained)])
    assert sorted(pretrained.iterdir()) == before


def test_finetune_refuses_classes_that_no_recording_shows(data, tmp_path, monkeypatch):
    monkeypatch.setenv("ECG12_PRETRAINED", "")
    monkeypatch.setitem(RECIPES, "tiny", TINY)
    (tmp_path / "my.csv").write_text("111,LVH\n222,RVH\n")
    with pytest.raises(SystemExit, match="no recording shows any of the classes LVH, RVH"):
        main([
            "finetune", str(data), "--classes", str(tmp_path / "my.csv"), "--recipe", "tiny",
            "-o", str(tmp_path / "model"),
        ])  # fmt: skip


def test_own_classes_without_a_pretrained_folder_are_trained_from_scratch():
    recipe = for_own_classes(None, None)
    default = RECIPES["submission"]
    assert recipe.networks == default.networks
    assert recipe.schedule.augmentation == default.schedule.augmentation
    assert recipe.schedule.decay == "cosine"
    assert not recipe.starts


def test_finetune_refuses_to_freeze_what_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("ECG12_PRETRAINED", "")
    (tmp_path / "my.csv").write_text("1\n")
    with pytest.raises(SystemExit, match="--freeze 2: there are no pretrained networks"):
        main(["finetune", str(tmp_path), "--classes", str(tmp_path / "my.csv"), "--freeze", "2"])
