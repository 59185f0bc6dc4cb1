"""The architecture search: space, constraints, trials, halving, resume; here on one machine."""

import csv
import json
import re
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ecg12.cli.main import main
from ecg12.ensemble.model_folder import load_classifier
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import write_record
from ecg12.models import TABLE_2, ResNet, activation_bytes
from ecg12.runtime.errors import InputError
from ecg12.search import (
    Constraints,
    Options,
    Rung,
    Size,
    Space,
    costs,
    draw,
    rungs,
    search,
    simulate,
    trials,
)
from ecg12.search import run as run_module
from ecg12.signal.preprocessing import Preprocessing
from ecg12.training.pipeline import WORK
from ecg12.training.recipes import Recipe
from ecg12.training.resources import TRAINING_COPIES
from ecg12.training.schedule import Schedule

SHORT = Preprocessing(seconds=0.4, margin=0.2)
TINY = Space(n=(1, 2), m=(2, 3), k=(2,), s=(3,), p=(0.0, 0.5), z=(0, 1), f=(4,))
RECIPE = Recipe(
    "tiny",
    (),
    1,
    Schedule(epochs=3, batch=4, min_steps=1, threshold=None, patience=3),
    SHORT,
    seed=3,
)
OPTIONS = Options(trials=4, keep=2, ensemble=1, recipe=RECIPE, space=TINY)
SIZE = Size(n_outputs=27, n_samples=2500, batch=128, n_training=25_000, n_validation=8_000)


def write(folder, n=20, codes=("426783006", "164889003")):
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(n):
        signals = rng.normal(0, 1, (12, 400)) * (1 + 2 * (i % len(codes)))
        own = (codes[i % len(codes)],)
        write_record(folder, Record.from_millivolts(f"R{i}", signals, LEADS, 500.0, codes=own))
    return folder


def table(folder, without=("seconds", "host")):
    with (folder / "search.csv").open() as file:
        return [{k: v for k, v in row.items() if k not in without} for row in csv.DictReader(file)]


# The space


def test_the_paper_s_space_holds_11025_distinct_networks():
    networks = list(Space().networks())
    assert len(networks) == len(set(networks)) == 11_025
    assert {(network.z > 0) == (network.f > 0) for network in networks} == {True}
    assert set(TABLE_2) <= set(networks)


@pytest.mark.parametrize(
    ("network", "n_samples"),
    [
        (ResNet(16, 7, 2, 8), 2500),
        (ResNet(4, 3, 3, 5, p=0.5, z=1, f=32), 100),
        (ResNet(2, 11, 6, 6, p=0, z=2, f=64), 100),
    ],
)
def test_costs_by_formula_equal_those_of_the_built_network(network, n_samples):
    model = network.build(27, n_samples)
    assert network.parameters(27, n_samples) == model.count_params()
    assert network.activation_bytes(27, n_samples) == activation_bytes(model)
    size = Size(n_outputs=27, n_samples=n_samples, batch=16, n_training=60, n_validation=20)
    memory = costs(network, size)["memory"]
    assert memory * 1e9 == pytest.approx(activation_bytes(model) * 16 * TRAINING_COPIES)


def test_seconds_of_an_epoch_count_a_training_step_as_three_forward_passes():
    """Table 2's first network: 2.65 GFLOP; at 100 GFLOP/s 25,000 × 3 + 8,000 of them."""
    found = costs(TABLE_2[0], SIZE, speed=100.0)["epoch_seconds"]
    assert found == pytest.approx(2.65 * 83_000 / 100, rel=0.002)


def test_draws_are_distinct_seeded_and_grow():
    few, counts = draw(Space(), 166, seed=0, constraints=Constraints(), size=SIZE)
    more, _ = draw(Space(), 400, seed=0, constraints=Constraints(), size=SIZE)
    other, _ = draw(Space(), 166, seed=1, constraints=Constraints(), size=SIZE)
    assert counts == {"networks": 11_025, "left": 11_025}
    assert len(set(few)) == 166
    assert more[:166] == few
    assert other != few
    drawn = Counter(network.k for network in more)
    assert all(abs(drawn[k] - 400 / 3) < 4 * np.sqrt(400 * 2 / 9) for k in (16, 32, 64))


def test_constraints_hold_and_say_what_they_exclude():
    limits = Constraints(parameters=5e5, gflop=10, memory=20, epoch_seconds=6000, speed=100)
    drawn, counts = draw(Space(), 50, seed=0, constraints=limits, size=SIZE)
    for network in drawn:
        model = costs(network, SIZE, 100)
        assert model["parameters"] <= 5e5
        assert model["gflop"] <= 10
        assert model["memory"] <= 20
        assert model["epoch_seconds"] <= 6000
    by_hand = sum(network.parameters(27) > 5e5 for network in Space().networks())
    assert counts["parameters"] == by_hand > 0
    assert counts["left"] >= 50


def test_networks_too_deep_for_the_signals_are_left_out():
    """100 samples halve six times to 1: of the depths 4 to 10, those above 6 are out."""
    drawn, counts = draw(
        Space(), 100, seed=0, constraints=Constraints(), size=replace(SIZE, n_samples=100)
    )
    assert max(network.m for network in drawn) == 6
    assert counts["length"] == 11_025 * 4 // 7


def test_too_strict_constraints_are_refused_with_counts():
    with pytest.raises(
        InputError, match=r"166 networks asked for, but only 0 of the 11025 .*gflop"
    ):
        draw(Space(), 166, seed=0, constraints=Constraints(gflop=0.001), size=SIZE)
    with pytest.raises(InputError, match="gflop must be positive"):
        Constraints(gflop=-1)
    with pytest.raises(InputError, match="at least one trial"):
        draw(Space(), 0, seed=0, constraints=Constraints(), size=SIZE)


# Halving


def row(gflop, metrics, ended="4 epochs"):
    return {"gflop": gflop, "metrics": metrics, "ended": ended}


def test_rungs_thin_out_to_those_that_are_kept():
    ladder = rungs(166, 8, 100, first=3, factor=3)
    assert ladder == (Rung(166, 3), Rung(56, 9), Rung(19, 27), Rung(8, 100))
    assert rungs(6, 8, 100) == (Rung(6, 100),)
    with pytest.raises(InputError, match="factor ≥ 2"):
        rungs(166, 8, 100, factor=1)


def test_simulated_halving_by_hand():
    """Of three, the slow starter is lost; trained: 3 × 1 + 1 × 3 more of 12 epochs' GFLOP."""
    rows = {
        1: row(2.0, [0.1, 0.9, 0.9, 0.9]),
        2: row(1.0, [0.3, 0.3, 0.3, 0.5]),
        3: row(1.0, [0.2, 0.2, 0.2, 0.2]),
    }
    assert simulate(rows, (Rung(3, 1), Rung(1, 4))) == ([2], (2 + 1 + 1 + 3) / 16)
    assert simulate(rows, (Rung(3, 4),)) == ([1, 2, 3], 1.0)


def test_failed_trials_never_win():
    rows = {
        1: row(1.0, [0.9], "failed: FloatingPointError: …"),
        2: row(1.0, [0.1] * 4),
        3: row(1.0, [], "failed: MemoryError: no message"),
    }
    assert simulate(rows, (Rung(3, 4),))[0] == [2]


# A search


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write(tmp_path_factory.mktemp("search") / "data")


@pytest.fixture(scope="module")
def whole(data):
    """Run an undisturbed search."""
    folder = data.parent / "whole"
    return folder, search(data, folder, OPTIONS)


@pytest.mark.slow
def test_a_search_leaves_a_table_and_a_model(whole):
    folder, report = whole
    rows = table(folder)
    assert [int(line["trial"]) for line in rows] == [1, 2, 3, 4]
    assert [int(line["seed"]) for line in rows] == [1004, 1005, 1006, 1007]
    assert len({line["network"] for line in rows}) == 4
    for line in rows:
        metrics = [float(value) for value in line["metrics"].split()]
        assert len(metrics) == int(line["epochs"]) == 3
        assert float(line["metric"]) == pytest.approx(max(metrics), abs=1e-6)
        assert metrics[int(line["best_epoch"]) - 1] == max(metrics)
        assert line["ended"] == "3 epochs"
    ranked = sorted(rows, key=lambda line: (-float(line["metric"]), int(line["trial"])))[:2]
    assert [int(line["trial"]) for line in ranked] == report["retrained"]
    assert [line["rank"] for line in ranked] == ["1", "2"]
    members = load_classifier(folder / "model").members
    assert len(members) == 1
    assert members[0].name.split("_", 1)[1] in {line["network"] for line in ranked}
    assert not (folder / WORK).exists()
    assert json.loads((folder / "search.json").read_text()) == report


@pytest.mark.slow
def test_a_finished_search_is_not_done_again(data, whole):
    with pytest.raises(InputError, match="this search is finished"):
        search(data, whole[0], OPTIONS)


@pytest.fixture
def no_retraining(monkeypatch):
    """Stop where the trials are over and their table is written."""
    nobody = SimpleNamespace(members=())
    monkeypatch.setattr(run_module, "train", lambda *arguments, **options: nobody)


class KilledError(Exception):
    """Stands for kill -9."""


def killed_search(monkeypatch, epochs, *arguments):
    """Search until so many epochs are saved, then be killed."""
    save, saved = trials.Trainer._save, []

    def dying(trainer):
        save(trainer)
        saved.append(trainer)
        if len(saved) == epochs:
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(trials.Trainer, "_save", dying)
        with pytest.raises(KilledError):
            search(*arguments)


@pytest.mark.slow
@pytest.mark.usefixtures("no_retraining")
def test_a_search_killed_and_continued_leaves_the_same_table(data, whole, tmp_path, monkeypatch):
    for epochs in (2, 3):
        killed_search(monkeypatch, epochs, data, tmp_path / "s", OPTIONS)
    begun = []
    train = trials.Trainer.run
    monkeypatch.setattr(
        trials.Trainer,
        "run",
        lambda self, n=None: begun.append(self.progress.epoch) or train(self, n),
    )
    report = search(data, tmp_path / "s", OPTIONS)
    assert 0 < begun[0] < 3  # the checkpoint of the one that was killed
    assert table(tmp_path / "s") == table(whole[0])
    assert report["retrained"] == whole[1]["retrained"]


@pytest.mark.slow
def test_a_search_of_other_choices_is_refused(data, tmp_path, monkeypatch):
    killed_search(monkeypatch, 1, data, tmp_path / "s", OPTIONS)
    with pytest.raises(InputError, match="of a search with other trials;"):
        search(data, tmp_path / "s", replace(OPTIONS, trials=5))
    with pytest.raises(InputError, match="other data, seed|other seed, data"):
        search(data, tmp_path / "s", replace(OPTIONS, recipe=replace(RECIPE, seed=4)))


def test_a_target_that_is_not_there_is_an_error_before_anything_is_written(data, tmp_path):
    with pytest.raises(FileNotFoundError, match="absent: no such folder of recordings"):
        search(data, tmp_path / "out", OPTIONS, target=tmp_path / "absent")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("no_retraining")
def test_a_target_that_shows_no_class_is_an_error_before_the_first_trial(data, tmp_path):
    target = tmp_path / "target"
    write(target, 5)
    for header in target.glob("*.hea"):
        header.write_text(re.sub("Dx: .*", "Dx: 999", header.read_text()))
    with pytest.raises(InputError, match="target: no recording shows any of the classes"):
        search(data, tmp_path / "out", OPTIONS, target=target)
    assert not list((tmp_path / "out").glob("trials/*"))


@pytest.mark.parametrize("name", ["trials", "keep", "ensemble"])
def test_numbers_below_one_are_refused(name):
    with pytest.raises(InputError, match=f"{name} 0: at least one is needed"):
        replace(OPTIONS, **{name: 0})


@pytest.mark.usefixtures("no_retraining")
def test_databases_that_shall_validate_and_cannot_are_refused_before_the_first_trial(
    data, tmp_path
):
    options = replace(OPTIONS, recipe=replace(RECIPE, validation="database"))
    two = tmp_path / "two"
    two.mkdir()
    for name in ("ptb", "georgia"):
        write(two / name, 5)
    for arguments in ({"data": data}, {"data": two, "target": data}):
        with pytest.raises(InputError, match="all recordings belong to one database"):
            search(output=tmp_path / "out", options=options, **arguments)
        assert not list((tmp_path / "out").glob("trials/*"))


@pytest.mark.slow
@pytest.mark.usefixtures("no_retraining")
def test_failures_are_rows(data, whole, tmp_path, monkeypatch):
    """Trials that run out of memory, whose loss is NaN, or that kill their process."""
    build = ResNet.build
    drawn = [line["network"] for line in table(whole[0])]

    def failing(self, *arguments):
        if self.name == drawn[0]:
            raise MemoryError
        model = build(self, *arguments)
        if self.name == drawn[2]:
            weights = model.get_weights()
            weights[-1][:] = np.nan
            model.set_weights(weights)
        return model

    monkeypatch.setattr(ResNet, "build", failing)
    (tmp_path / "s" / WORK).mkdir(parents=True)
    notes = {"epoch": 0, "starts": trials.MOST_STARTS}
    (tmp_path / "s" / WORK / "trial002.json").write_text(json.dumps(notes))
    report = search(data, tmp_path / "s", OPTIONS)
    ended = [line["ended"] for line in table(tmp_path / "s")]
    assert ended[0] == "failed: MemoryError: no message"
    assert ended[1].startswith("failed: KilledError: killed 3 times in epoch 1")
    assert ended[2].startswith("failed: FloatingPointError: ")
    assert report["failed"] == 3
    assert report["retrained"] == [4]
    assert table(tmp_path / "s")[3] == {**table(whole[0])[3], "rank": "1"}


@pytest.mark.slow
@pytest.mark.usefixtures("no_retraining")
def test_halving_gives_up_what_simulation_gives_up(data, whole, tmp_path):
    """Going on from a checkpoint is as if never stopped, so both must agree to the last digit."""
    ladder = rungs(4, 2, 3, first=1, factor=2)
    search(data, tmp_path / "s", replace(OPTIONS, ladder=ladder))
    full = {
        int(line["trial"]): row(
            float(line["gflop"]), [float(value) for value in line["metrics"].split()]
        )
        for line in table(whole[0])
    }
    finalists, _ = simulate(full, ladder)
    rows = table(tmp_path / "s")
    by_rank = sorted((line for line in rows if line["rank"]), key=lambda line: line["rank"])
    assert [int(line["trial"]) for line in by_rank] == finalists
    for line, undisturbed in zip(rows, table(whole[0]), strict=True):
        assert undisturbed["metrics"].startswith(line["metrics"])
        if int(line["trial"]) not in finalists:
            assert line["ended"].startswith("halving: behind after")
    with pytest.raises(InputError, match="recipe .*halving needs a recipe of decay"):
        Options(recipe=replace(RECIPE, schedule=Schedule(decay="cosine")), ladder=ladder)


@pytest.mark.parametrize("monitor", ["loss", "auroc"])
def test_a_recipe_that_does_not_monitor_the_metric_is_refused(monitor):
    """Trials are ranked by what is monitored, and that is to be the challenge metric."""
    recipe = replace(RECIPE, schedule=replace(RECIPE.schedule, monitor=monitor))
    named = f"recipe {RECIPE.name}: .*by the {monitor} .*choices: submission, mcircc, "
    with pytest.raises(InputError, match=named):
        replace(OPTIONS, recipe=recipe)


def test_the_command_refuses_a_recipe_that_monitors_the_loss(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    with pytest.raises(SystemExit) as stop:
        main(["search", str(tmp_path / "data"), "-o", str(tmp_path / "s"), "--recipe", "crnn"])
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert "recipe crnn" in message
    assert "crnn" not in message.split("choices: ")[1]


@pytest.mark.slow
def test_the_speed_is_measured_once(data, tmp_path, monkeypatch):
    measured = []
    monkeypatch.setattr(
        "ecg12.search.planning.measure_speed", lambda *arguments: measured.append(1) or 1e-6
    )
    options = replace(OPTIONS, constraints=Constraints(epoch_seconds=1))
    for _ in range(2):
        with pytest.raises(InputError, match="epoch_seconds 16"):
            search(data, tmp_path / "s", options)
    options = replace(OPTIONS, constraints=Constraints(epoch_seconds=1e9))
    killed_search(monkeypatch, 1, data, tmp_path / "s", options)
    assert len(measured) == 3
    killed_search(monkeypatch, 1, data, tmp_path / "s", options)
    assert len(measured) == 3


def test_the_command_says_what_is_wrong(data, tmp_path):
    with pytest.raises(SystemExit, match="only 0 of the 11025 .* gflop 11025"):
        main(["search", str(data), "-o", str(tmp_path / "s"), "--gflop", "0.01"])
    with pytest.raises(SystemExit, match="unknown recipe"):
        main(["search", str(data), "-o", str(tmp_path / "s"), "--recipe", "best"])


def test_the_command_learns_the_classes_of_the_table_that_is_named(data, tmp_path, monkeypatch):
    learnt = []

    def read(*_, classes, **__):
        learnt.append(classes)
        raise InputError("enough")

    monkeypatch.setattr(run_module, "open_data", read)
    table = tmp_path / "weights.csv"
    table.write_text(",426783006,164889003\n426783006,1,0.5\n164889003,0.5,1\n")
    with pytest.raises(SystemExit, match="enough"):
        main(["search", str(data), "-o", str(tmp_path / "s"), "--weights", str(table)])
    assert learnt[0].columns == ("426783006", "164889003")
    np.testing.assert_array_equal(learnt[0].weights, [[1, 0.5], [0.5, 1]])


def test_the_command_prepares(data, tmp_path, capsys):
    main(["prepare", str(data), "-o", str(tmp_path / "work"), "--workers", "1"])
    assert "20 recordings prepared in" in capsys.readouterr().out
    assert np.load(tmp_path / "work" / "signals.npy", mmap_mode="r").shape == (20, 12, 1000)
