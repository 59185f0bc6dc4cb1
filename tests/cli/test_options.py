"""Every option with values that it cannot have: status 2 with one line, before anything is done."""

import contextlib
import io
import subprocess
import sys
from pathlib import Path

import pytest

from ecg12.cli import COMMANDS
from ecg12.cli.main import main
from stress.options import FEW, actions, calls, fault, make_world, restore, try_command

ROOT = Path(__file__).parents[2]
QUICK = ("check", "convert", "formats", "label", "plot", "report", "synth")
# Those whose calls load a network library; the campaign tries these with all values.
SLOW = sorted(set(COMMANDS) - set(QUICK))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Write small inputs once; each test finds them as they were made."""
    folder = tmp_path_factory.mktemp("options") / "world"
    make_world(folder)
    restore(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_is_refused_in_one_line_or_works(world, command):
    statuses, faults = try_command(command, world, FEW)
    assert faults == []
    assert statuses[2] > 0


def test_the_generator_covers_every_option():
    """So that a command's new option is tried without being named anywhere."""
    for command in COMMANDS:
        tried = {word.partition("=")[0] for words in calls(command, FEW) for word in words}
        options = [action for action in actions(command) if action.option_strings]
        assert all(tried & set(action.option_strings) for action in options), command


def test_the_generator_sees_faults(world):
    """A command that leaves a traceback, a second line or a half-written file does not pass."""
    from stress.options import call

    def bad():
        Path(".x.part0.json").write_text("")
        print("ecg12: one\necg12: two", file=sys.stderr)
        raise SystemExit(2)

    def worse():
        raise KeyError("x")

    assert fault(call(bad, world), "ecg12").startswith("left behind")
    assert fault(call(worse, world), "ecg12") == "KeyError: 'x'"
    restore(world)


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "data", "outputs", "--replicates", "-5"],
        ["report", "data", "outputs", "--misses", "-1"],
        ["check", "data", "--workers", "0"],
        ["crossval", "data", "-o", "out", "--folds", "1"],
        ["synth", "out", "-n", "0"],
        ["synth", "out", "--seconds", "nan"],
        ["synth", "out", "--rates", "1e308"],
        ["plot", "data", "--start", "-1"],
        ["plot", "data", "--lowpass", "nan"],
        ["predict", "data", "-o", "."],
        ["predict", "data", "-o", "missing/x.json"],
        ["predict", "data", "-o", "table.csv/x"],
        ["predict", "data", "-o", "/dev/null"],
        ["predict", "data", "-o", "-"],
        ["predict", "data", "-o", ""],
        ["predict", "data", "--failures", "data"],
        ["predict", "missing.hea"],
        ["predict", "data", "--model", "table.csv"],
        ["predict", "data", "--rate", "-500"],
        ["pretrain", "data", "--hours", "0"],
        ["search", "data", "-o", "out", "--gflop", "-1"],
        ["finetune", "data", "--classes", "data"],
        ["export", "-o", "out", "missing"],
        ["label", "table.csv", "-o", "text.txt"],
        ["synth", "/proc/nothing"],
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_2_and_one_line_with_the_value_as_given(world, arguments, monkeypatch):
    monkeypatch.chdir(world)
    before = sorted(world.rglob("*"))
    said = io.StringIO()
    with pytest.raises(SystemExit) as end, contextlib.redirect_stderr(said):
        main(arguments)
    [line] = said.getvalue().splitlines()
    assert end.value.code == 2
    value = next(word for word in reversed(arguments) if not word.startswith("--"))
    assert line.startswith(f"ecg12 {arguments[0]}: argument ")
    assert (value or "''") in line
    assert ".part" not in line
    assert sorted(world.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "good", "bad"),
    [
        ("driver.py", ["model", "data", "out"], ["", "-", "table.csv", "/dev/null"]),
        ("train_model.py", ["data", "out"], ["", "-", "table.csv", "/dev/null"]),
        (
            "evaluate_model.py", ["data", "outputs", "s.csv", "c.csv"],
            ["", "-", "/dev/null", "missing/x", "table.csv/x"],
        ),
    ],
)  # fmt: skip
def test_the_programs_refuse_wrong_paths_in_one_line(world, program, good, bad):
    for place in range(len(good)):
        for value in bad if place in (0, len(good) - 1) else bad[:2]:
            words = [*good[:place], value, *good[place + 1 :]]
            done = subprocess.run(
                [sys.executable, str(ROOT / program), *words],
                cwd=world, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert (done.returncode, done.stdout) == (2, ""), words
            [line] = done.stderr.splitlines()
            assert line.startswith(f"{program}: argument ")


def test_a_full_disk_is_no_wrong_use(monkeypatch, tmp_path):
    """The machine fails, not the user: status 1, as for a recording that cannot be read."""
    from ecg12.cli import formats

    def full(options):
        raise OSError(28, "No space left on device", "out.csv")

    monkeypatch.setattr(formats, "run", full)
    with pytest.raises(SystemExit, match="out.csv: No space left on device") as end:
        main(["formats", str(tmp_path)])
    assert end.value.code == 1
