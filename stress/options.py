"""Try every option of every command, and of the challenge's programs, with values of every kind.

    python -m stress.options [--commands predict check ...] [--values few]

The commands' own parsers say which options there are, so that new ones are covered. Each option
gets values that are empty, negative, zero, huge, not a number, of another type, paths that are
missing, existing, folders, files, devices, not to be written, `.` and `-`. The command must then
work, or end with status 2 and one line that names the program, without results or an unfinished
file; or with 1 and a list of the recordings that failed. Nothing else may reach the terminal: no
warning, no traceback. What trains, serves or searches is replaced by nothing, after all that is
checked before.
"""

import argparse
import contextlib
import importlib
import io
import logging
import re
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from ecg12.cli import COMMANDS
from ecg12.cli.main import main as run_command
from ecg12.cli.main import parser

HUGE = "9" * 30
NUMBERS = ("-1", "-5", "0", "0.5", "1", HUGE, "1e308", "-1e308", "nan", "inf", "-inf", "1_0", "٣")
WORDS = ("", " ", "abc", "-", ".", "..", "a\nb", "x" * 5000, "\udcff")
PATHS = (
    "missing", "missing/deep.csv", "folder", "table.csv", "text.txt", "broken.hea", "data",
    "data/R0.hea", "/proc/nothing/x", "/dev/null", "table.csv/x", "model",
)  # fmt: skip
FEW = (
    "-1", "0", HUGE, "nan", "", "abc", "a\nb", "-", ".", "missing", "table.csv", "data",
    "/dev/null",
)  # fmt: skip
LONG = {  # command → what works long in it, replaced once the arguments are checked
    "finetune": ("ecg12.training.pipeline", "train"),
    "pretrain": ("ecg12.training.pipeline", "train"),
    "crossval": ("ecg12.crossval", "cross_validate"),
    "search": ("ecg12.search", "search"),
    "export": ("ecg12.ensemble.export", "export_model"),
    "serve": ("ecg12.web.server", "serve"),
}
BASES = {  # where names of types do not tell what belongs there
    "report": ["data", "outputs", "--replicates", "20", "--weights", "scored.csv"],
    "synth": ["drawn", "-n", "2", "--workers", "1"],
    "finetune": ["data", "--classes", "classes.csv", "-o", "new"],
    "formats": ["data"],
    "predict": ["data/R0.hea"],
    "plot": ["data/R0.hea"],
    "label": ["table.csv", "-o", "labels", "--recording", "recording", "--text", "text"],
}
NEEDED = {
    "input_folder": "data", "input_file": "table.csv", "recordings": "data", "output_folder": "new",
    "output_file": "new.csv", "output_path": "new.png",
}  # fmt: skip
PROGRAMS = {
    "driver.py": ("model", "data", "outputs"),
    "train_model.py": ("data", "new"),
    "evaluate_model.py": ("data", "outputs", "scores.csv", "classes_scores.csv"),
}


@dataclass
class Outcome:
    """What one call did: its status, what it wrote, and which files it made or changed."""

    status: int
    out: str
    err: str
    changed: list[str] = field(default_factory=list)
    raised: str = ""


def make_world(folder: Path) -> None:
    """Write small inputs: three recordings and a broken one, outputs, tables, a model, a folder."""
    from dataclasses import replace

    from ecg12.io.classes import WEIGHTS, load_weights
    from ecg12.io.outputs import write_output
    from ecg12.io.wfdb import write_record
    from stress.quirks import make

    for name in ("data", "outputs", "folder"):
        (folder / name).mkdir(parents=True)
    columns = list(load_weights(WEIGHTS).columns)
    for number in range(3):
        record = replace(make(), name=f"R{number}", codes=(columns[number], "426783006"))
        write_record(folder / "data", record)
        labels = [int(column == columns[number]) for column in columns]
        write_output(folder / "outputs", f"R{number}", columns, labels, [0.5] * len(columns))
    (folder / "broken.hea").write_text("broken 12 500\n")
    (folder / "text.txt").write_text("nothing\n")
    (folder / "table.csv").write_text("recording,patient,text\nR0,a,Sinus rhythm\nR1,b,AF\n")
    (folder / "scored.csv").write_text(",426783006,164889003\n426783006,1,0\n164889003,0,1\n")
    (folder / "classes.csv").write_text("426783006,NSR,sinus rhythm\n164889003,AF,fibrillation\n")
    shutil.copytree(Path("ecg12/ensemble/shipped").absolute(), folder / "model")


def actions(command: str) -> list[argparse.Action]:
    """Return the arguments of a command but for its help."""
    top = parser(command)
    (commands,) = (a for a in top._actions if isinstance(a, argparse._SubParsersAction))
    (one,) = commands.choices.values()
    return [action for action in one._actions if not isinstance(action, argparse._HelpAction)]


def base(command: str, known: Sequence[argparse.Action]) -> list[str]:
    """Return arguments with which a command works."""
    if command in BASES:
        return BASES[command]
    words: list[str] = []
    for action in known:
        if action.required or (not action.option_strings and action.nargs not in ("?", "*")):
            value = NEEDED.get(getattr(action.type, "__name__", ""), "data")
            words += [*action.option_strings[:1], value]
    return words


def calls(command: str, values: Sequence[str]) -> Iterator[list[str]]:
    """Yield the arguments of every call of a command: each option with each value, and absent."""
    known = actions(command)
    words = base(command, known)
    yield words
    for place in range(len(words)):
        yield [*words[:place], *words[place + 1 :]]
    for action in known:
        if action.option_strings:
            option = action.option_strings[-1]
            yield [*words, option]
            if action.nargs != 0:
                yield from ([*words, f"{option}={value}"] for value in values)
    for place, word in enumerate(words):  # positional ones, and those that the base needs
        if not word.startswith("-"):
            for value in values:
                yield [*words[:place], value, *words[place + 1 :]]


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of all below a folder."""
    found = {}
    for path in folder.rglob("*"):
        state = path.lstat()
        found[str(path.relative_to(folder))] = (
            (0, 0) if path.is_dir() else (state.st_size, state.st_mtime_ns)
        )
    return found


def call(function: Callable[[], object], folder: Path) -> Outcome:
    """Call in a folder; return what happened. Warnings count as written to the terminal."""
    before, raised, status = snapshot(folder), "", 0
    out, err = io.StringIO(), io.StringIO()
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []  # so that the log goes to `err`
    with (
        contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):  # fmt: skip
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)  # as Python does
        try:
            function()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
            if isinstance(end.code, str):
                err.write(end.code + "\n")
        except BaseException:
            raised = traceback.format_exc()
        finally:
            root.handlers = handlers
    after = snapshot(folder)
    changed = sorted(name for name in after if before.get(name) != after[name])
    return Outcome(status, out.getvalue(), err.getvalue(), changed, raised)


class Nothing(mock.MagicMock):
    """Is called in place of long work; what it returns can be shown."""

    def __format__(self, _: str) -> str:
        return "nothing"


@contextlib.contextmanager
def replaced(command: str) -> Iterator[None]:
    """Replace what works long in a command by nothing."""
    if command not in LONG:
        yield
        return
    module, name = LONG[command]
    with mock.patch.object(importlib.import_module(module), name, Nothing(name=name)):
        yield


LOG = re.compile(r"\d\d:\d\d:\d\d (?:INFO|WARNING|ERROR) .*|\{\"time\": .*\}|\s.*|.*\r.*|")


def fault(outcome: Outcome, program: str) -> str:
    """Say what is wrong with an outcome; "" if nothing is."""
    said = [line for line in outcome.err.split("\n") if not LOG.fullmatch(line)]
    if outcome.raised:
        return outcome.raised.splitlines()[-1]
    if outcome.status not in (0, 1, 2):
        return f"status {outcome.status}"
    if "Traceback" in outcome.err or "Warning" in outcome.err:
        return "a traceback or a warning"
    if hidden := [name for name in outcome.changed if ".part" in name]:
        return f"left behind: {hidden}"
    if outcome.status == 2 and (len(said) != 1 or not said[0].startswith(program)):
        return f"status 2 with {len(said)} lines: {said[:3]}"
    if outcome.status == 2 and outcome.out:
        return "status 2 after results"
    if outcome.status == 1 and not outcome.err.strip():
        return "status 1 without a reason"
    return f"status 0, but said {said}" if outcome.status == 0 and said else ""


def try_command(
    command: str, folder: Path, values: Sequence[str]
) -> tuple[Counter[int], list[str]]:
    """Make all calls of a command; return how many ended with which status, and the faults."""
    statuses: Counter[int] = Counter()
    faults = []
    with replaced(command):
        for words in calls(command, values):
            restore(folder)
            outcome = call(lambda words=words: run_command([command, *words]), folder)
            statuses[outcome.status] += 1
            if found := fault(outcome, "ecg12"):
                faults.append(f"ecg12 {command} {words}: {found}"[:600])
    return statuses, faults


def restore(folder: Path) -> None:
    """Bring a folder back to how it was made: what is not of it goes."""
    kept = folder.parent / "kept"
    if not kept.exists():
        shutil.copytree(folder, kept)
    now, then = snapshot(folder), snapshot(kept)
    for name in sorted(now.keys() - then.keys(), reverse=True):
        path = folder / name
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    for name in then:
        if now.get(name) != then[name] and not (kept / name).is_dir():
            shutil.copy2(kept / name, folder / name)


def main() -> None:
    """Try all commands in a temporary folder; print counts, and end with 1 if anything failed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--commands", nargs="+", default=list(COMMANDS), choices=list(COMMANDS))
    options.add_argument("--values", choices=("all", "few"), default="all")
    asked = options.parse_args()
    values = FEW if asked.values == "few" else (*NUMBERS, *WORDS, *PATHS)
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "world"
        make_world(folder)
        for command in asked.commands:
            statuses, faults = try_command(command, folder, values)
            counts = ", ".join(
                f"{n} with status {status}" for status, n in sorted(statuses.items())
            )
            print(
                f"{command}: {statuses.total()} calls: {counts}; {len(faults)} faults", flush=True
            )
            for line in faults:
                print(f"  {line}", flush=True)
            bad += len(faults)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
