"""The package as a whole: what an import loads, public names, commands, tables of weights."""

import doctest
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ecg12
from ecg12.cli import COMMANDS

ROOT = Path(__file__).parents[1]
HEAVY = {"keras", "tensorflow", "jax", "sklearn", "matplotlib", "scipy", "pandas", "wfdb", "dask"}


def python(code, *arguments, cwd=ROOT):
    """Run code in a fresh process; return what it prints."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_an_import_loads_nothing_heavy():
    loaded = {name.partition(".")[0] for name in python("import ecg12, sys; print(*sys.modules)")}
    assert "ecg12" in loaded
    assert not loaded & HEAVY


def test_every_public_name_is_there():
    assert dir(ecg12) == sorted(ecg12.__all__)
    for name in ecg12.__all__:
        assert getattr(ecg12, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ecg12.nothing


def test_both_tables_of_weights_are_equal():
    inside = ROOT / "ecg12" / "io" / "weights.csv"
    assert (ROOT / "weights.csv").read_bytes() == inside.read_bytes()


def test_a_table_of_weights_in_the_current_folder_is_not_picked_up(tmp_path):
    (tmp_path / "weights.csv").write_text("no table")
    code = "from ecg12.io.classes import WEIGHTS, load_weights; print(len(load_weights(WEIGHTS)))"
    assert python(code, cwd=tmp_path) == ["24"]


@pytest.mark.slow
def test_the_driver_loads_nothing_of_training_or_reports(tmp_path, make_record):
    data = tmp_path / "data"
    data.mkdir()
    ecg12.write_record(data, make_record("A1"))
    code = "import sys, team_code; team_code.drive(*sys.argv[1:]); print(*sys.modules)"
    model = ROOT / "tests" / "fixtures" / "model_format_1"
    loaded = set(python(code, model, data, tmp_path / "out"))
    assert "ecg12.inference.challenge" in loaded
    for chapter in ("training", "report", "search", "labelling", "synthetic", "crossval"):
        assert not [name for name in loaded if name.startswith(f"ecg12.{chapter}")]
    assert (tmp_path / "out" / "A1.csv").is_file()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_imported_when_it_is_called(name):
    code = (
        "import sys\nfrom ecg12.cli.main import parser\n"
        "parser(sys.argv[1])\n"
        "print(*[name for name in sys.modules if name.startswith('ecg12.cli.')])"
    )
    loaded = {module.rpartition(".")[2] for module in python(code, name)}
    assert name in loaded
    assert not (loaded - {name}) & COMMANDS.keys()
    assert importlib.import_module(f"ecg12.cli.{name}").__doc__


def test_version_and_unknown_commands(capsys):
    from ecg12.cli.main import main

    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"ecg12 {ecg12.__version__}\n"
    with pytest.raises(SystemExit) as end:
        main(["predcit"])
    assert end.value.code == 2
    assert "predict" in capsys.readouterr().err


def test_ctrl_c_ends_a_command_with_one_line(monkeypatch, capsys, tmp_path):
    from ecg12.cli import check
    from ecg12.cli.main import main

    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "run", interrupted)
    with pytest.raises(SystemExit) as end:
        main(["check", str(tmp_path)])
    assert end.value.code == 130
    assert capsys.readouterr().err == "ecg12: interrupted\n"


@pytest.mark.slow
def test_examples_of_the_estimator_run():
    from ecg12.training import estimator

    failed, tried = doctest.testmod(estimator)
    assert tried > 0
    assert failed == 0
