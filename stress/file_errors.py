"""Every command, while one operation on its files fails: the n-th, for all n.

    python -m stress.file_errors [COMMAND ...] [--every N] [--faults NAME ...]

Runs a command in this process on a few recordings, counts its operations on files (see
`faulty_files`), and runs it again for each of them with that one failing: an I/O error, a refused
permission, a stale handle, a full disk, a file or folder that vanishes. Whatever fails, the command
must

* end well or with one message, never with a traceback;
* name the file that failed (or the one that was being written), and blame no other;
* leave nothing half-written: outputs are whole, equal to those of an undisturbed run, or absent;
* answer all other recordings as ever, where the file was a recording's.

Prints how often each held. With `--every 7` only each seventh operation fails.
"""

import argparse
import contextlib
import csv
import errno
import io
import json
import logging
import os
import re
import runpy
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np

from stress.faulty_files import FAULTS, Fault, Layer, faulty_files

ROOT = Path(__file__).parent.parent
LISTED = re.compile(r"\.(.+)\.part\w*(\.\w+)?$")  # name of a temporary file
FULL = os.strerror(errno.ENOSPC)
MOST = 1500  # characters of what a run said that are shown
Answers = dict[str, str]


@dataclass
class Outcome:
    """What a run did: its status, all that it said, and its answers by recording or file."""

    status: object = 0
    said: str = ""
    trace: str = ""
    answers: Answers = field(default_factory=dict)


@dataclass(frozen=True)
class Command:
    """A command as it is run, and how its answers are read from the folder `out`."""

    arguments: tuple[str, ...]
    answers: Callable[[Path], Answers]
    program: str = ""


def whole_files(out: Path) -> Answers:
    """Return every file below a folder, hidden work files left out."""
    found = sorted(path for path in out.rglob("*") if path.is_file())
    return {
        path.relative_to(out).as_posix(): path.read_bytes().hex()
        for path in found
        if not path.name.startswith(".")
    }


def predicted(out: Path) -> Answers:
    """Return the predictions of a JSON file by recording."""
    if not (out / "predictions.json").is_file():
        return {}
    found = json.loads((out / "predictions.json").read_bytes())
    answers = {Path(one["source"]).stem: json.dumps(one) for one in found["recordings"]}
    return answers | {Path(one["source"]).stem: "failed" for one in found["failures"]}


def driven(out: Path) -> Answers:
    """Return the output files by recording; those without a prediction as failed."""
    answers = {}
    for path in out.glob("[!.]*.csv"):
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) != 4 or not lines[0].startswith("#"):
            raise AssertionError(f"half an output: {path}")
        none = set(lines[2].split(",")) | set(lines[3].split(",")) <= {"0", "0.0"}
        answers[path.stem] = "failed" if none else "\n".join(lines)
    return answers


def checked(out: Path) -> Answers:
    """Return the rows of the audit by recording."""
    path = out / "recordings.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {Path(row["recording"]).stem: "failed" if row["error"] else repr(row) for row in rows}


def labelled(out: Path) -> Answers:
    """Return the rows of a label table by recording."""
    path = out / "labels.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {Path(row["recording"]).stem: repr(row) for row in csv.DictReader(file)}


def converted(out: Path) -> Answers:
    """Return the converted recordings: header and samples together."""
    answers = {}
    for header in out.rglob("*.hea"):
        samples = header.with_suffix(".mat")
        if samples.is_file():
            answers[header.stem] = header.read_text(encoding="utf-8") + samples.read_bytes().hex()
    return answers


def drawn(out: Path) -> Answers:
    """Return the drawings by recording."""
    return {path.stem: path.read_bytes().hex() for path in out.glob("[!.]*.png")}


def nothing(out: Path) -> Answers:
    """Return the answer of what writes no file."""
    return {"": str(out.exists())}


def scored(out: Path) -> Answers:
    """Return the tables of scores."""
    return whole_files(out) if out.is_dir() else {}


def reported(out: Path) -> Answers:
    """Return the files of a report but for those that tell which recordings were not readable."""
    answers = whole_files(out)
    return {name: answers[name] for name in answers.keys() - {"index.html", "subgroups.csv"}}


def trained(out: Path) -> Answers:
    """Return the names of a model's networks, after loading them."""
    if not (out / "classifier.json").is_file():
        return {}
    from ecg12.ensemble.model_folder import load_classifier

    logging.disable()
    try:
        return {one.name: "loaded" for one in load_classifier(out, "keras").members}
    finally:
        logging.disable(logging.NOTSET)


COMMANDS = {
    "check": Command(("check", "data", "-o", "out", "--workers", "1"), checked),
    "predict": Command(
        ("predict", "data", "--model", "model", "--format", "json", "-o", "out/predictions.json"),
        predicted,
    ),
    "driver": Command(("model", "data", "out"), driven, "driver.py"),
    "evaluate": Command(
        ("labels", "outputs", "out/scores.csv", "out/classes.csv"), scored, "evaluate_model.py"
    ),
    "report": Command(("report", "labels", "outputs", "-o", "out", "--replicates", "10"), reported),
    "convert": Command(("convert", "data", "-o", "out", "--workers", "1"), converted),
    "label": Command(("label", "xml", "-o", "out", "--min-count", "1", "--workers", "1"), labelled),
    "label table": Command(
        ("label", "statements.csv", "-o", "out", "--min-count", "1", "--recording", "recording",
         "--text", "text"), labelled,
    ),
    "plot": Command(("plot", "data", "-o", "out"), drawn),
    "synth": Command(("synth", "out", "-n", "3", "--workers", "1"), converted),
    "export": Command(("export", "model", "-o", "out"), whole_files),
    "formats": Command(("formats", "data"), nothing),
    "train": Command(("data", "out"), trained, "train_model.py"),
}  # fmt: skip


def make_inputs(place: Path) -> None:
    """Write recordings of several formats, statements, a model, labels and outputs."""
    from ecg12.ensemble.model_index import SHIPPED
    from ecg12.io.classes import WEIGHTS, load_weights
    from ecg12.io.outputs import write_output
    from ecg12.io.wfdb_write import write_record
    from ecg12.synthetic import recording
    from ecg12.synthetic.muse import generate_muse

    classes = load_weights(WEIGHTS)
    for name in ("data/group", "labels", "outputs", "xml", "model"):
        (place / name).mkdir(parents=True)
    for i in range(4):
        record = recording(1, i)
        folder = place / "data" / ("group" if i % 2 else "")
        write_record(folder, record)
        shutil.copy(folder / f"{record.name}.hea", place / "labels")
        decided = np.arange(len(classes.columns)) % (i + 2) == 0
        write_output(place / "outputs", record.name, classes.columns, decided, decided * 0.5)
    for i, path in enumerate(generate_muse(place / "synth", 3, 1)):
        shutil.copy(path, place / "xml" / f"muse{i}.xml")
    shutil.copy(place / "xml" / "muse0.xml", place / "data" / "muse.xml")
    shutil.rmtree(place / "synth")
    rows = "".join(f"r{i},atrial fibrillation; sinus rhythm\n" for i in range(4))
    (place / "statements.csv").write_text(f"recording,text\n{rows}", encoding="utf-8")
    for path in filter(Path.is_file, SHIPPED.iterdir()):
        shutil.copy(path, place / "model")


@contextlib.contextmanager
def heard() -> Iterator[io.StringIO]:
    """Collect the log and both streams."""
    text, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    others, root.handlers = root.handlers, [handler]
    root.setLevel(logging.INFO)
    try:
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            yield text
    finally:
        root.handlers, _ = others, root.setLevel(level)


@contextlib.contextmanager
def small_training() -> Iterator[None]:
    """Let the recipe `smoke` train one network for one epoch, without compiling it."""
    from dataclasses import replace

    import tensorflow as tf

    from ecg12.training.recipes import RECIPES
    from ecg12.training.schedule import Schedule

    smoke, eager = RECIPES["smoke"], tf.config.functions_run_eagerly()
    schedule = Schedule(epochs=1, min_steps=1)
    tiny = replace(smoke, networks=smoke.networks[:1], keep=1, schedule=schedule)
    tf.config.run_functions_eagerly(True)
    try:
        with mock.patch.dict(RECIPES, smoke=tiny):
            yield
    finally:
        tf.config.run_functions_eagerly(eager)


def run(command: Command, work: Path, n: int, fault: Fault) -> tuple[Outcome, Layer]:
    """Run a command in a folder of its inputs, its n-th operation failing."""
    outcome, here = Outcome(), Path.cwd()
    training = command.program == "train_model.py"
    settings = {"ECG12_RECIPE": "smoke", "ECG12_PRETRAINED": "", "ECG12_RUNTIME": "onnx"}
    os.chdir(work)
    try:
        with (
            small_training() if training else contextlib.nullcontext(),
            mock.patch.dict(os.environ, settings), heard() as text,
        ):  # fmt: skip
            with faulty_files(work, n, fault) as layer:
                try:
                    _call(command)
                except SystemExit as end:
                    outcome.status = end.code or 0
                    text.write(f"\n{end.code}" if isinstance(end.code, str) else "")
                except BaseException:
                    outcome.status, outcome.trace = "traceback", traceback.format_exc()
    finally:
        os.chdir(here)
    outcome.said = text.getvalue()
    outcome.answers = command.answers(work / "out")
    return outcome, layer


def _call(command: Command) -> None:
    if not command.program:
        from ecg12.cli.main import main

        main(command.arguments)
        return
    with (
        mock.patch.object(sys, "argv", [command.program, *command.arguments]),
        mock.patch("ecg12.runtime.interrupts.end_on_signals"),  # a thread and a pipe each time
    ):
        runpy.run_path(str(ROOT / command.program), run_name="__main__")


def faults_of(
    name: str, inputs: Path, place: Path, fault: Fault, step: int = 1, start: int = 1
) -> tuple[int, list[str]]:
    """Let one operation after the other fail; return how many did, and what went wrong."""
    wrong, count, n = [], 0, start
    usual, _ = one_run(name, inputs, place, 0, fault)
    if usual.status or not usual.answers:
        raise AssertionError(f"{name} fails by itself: {usual.status}\n{usual.said}{usual.trace}")
    while True:
        outcome, layer = one_run(name, inputs, place, n, fault)
        if layer.failed is None:
            return count, wrong
        count += 1
        kind, path = layer.failed
        where = os.path.relpath(path, place / "work")
        faults = [
            *judged(outcome, usual, Path(where), not fault.code),
            *leftovers(place / "work", kind, where),
        ]
        wrong += [f"{name}, operation {n}, {fault.name}, {kind} {where}: {one}" for one in faults]
        n += step


def one_run(name: str, inputs: Path, place: Path, n: int, fault: Fault) -> tuple[Outcome, Layer]:
    """Run a command on fresh inputs."""
    work = place / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(inputs, work)
    if "out/" in " ".join(COMMANDS[name].arguments):
        (work / "out").mkdir()
    try:
        return run(COMMANDS[name], work, n, fault)
    except (ValueError, KeyError, AssertionError) as error:  # an answer that cannot be read
        raise AssertionError(f"{name}, operation {n}, {fault.name}: {error!r}") from error


def names_of(path: Path) -> set[str]:
    """Return what a message may call a path: its name, or what a temporary file stands for."""
    hidden = LISTED.match(path.name)
    names = {path.name, path.stem, path.name.split("-")[0]}
    return {name for name in names | ({hidden[1]} if hidden else set()) if name}


def judged(outcome: Outcome, usual: Outcome, path: Path, gone: bool) -> list[str]:
    """Return what is wrong with a disturbed run; `gone`: its file had vanished."""
    if outcome.trace:
        return [outcome.trace.strip().splitlines()[-1] + "\n" + outcome.trace]
    wrong = ["a traceback:\n" + outcome.said] if "Traceback" in outcome.said else []
    named = any(name in outcome.said for name in names_of(path)) or path.parts == ("out",)
    if path.parts[0] == "out" and (FULL in outcome.said or gone):
        named = True  # any file may be the first that is written; what is removed later is lost
    lost = {key for key in usual.answers if outcome.answers.get(key) != usual.answers[key]}
    other = {key for key in lost if outcome.answers.get(key, "failed") != "failed"}
    if other:
        wrong.append(f"another answer for {sorted(other)}")
    said = outcome.said[-MOST:]
    if (lost or outcome.status) and not named:
        wrong.append(f"status {outcome.status}, lost {sorted(lost)}, not named:\n{said}")
    if outcome.status not in (0, 1, 2) and not isinstance(outcome.status, str):
        wrong.append(f"status {outcome.status}")
    ours = path.parts[0] in ("data", "xml") and path.suffix
    mine = {key for key in lost if key.lower().split("/")[-1].startswith(path.stem.lower())}
    if ours and lost - mine:
        wrong.append(f"others lost: {sorted(lost - mine)}:\n{said}")
    blamed = {key for key in usual.answers.keys() - mine if f"/{key}" in outcome.said}
    if ours and blamed:
        wrong.append(f"others blamed: {sorted(blamed)}:\n{said}")
    return wrong


def leftovers(work: Path, kind: str, where: str) -> list[str]:
    """Return what is left of files that were being written, unless removing them failed."""
    found = [str(p.relative_to(work)) for p in work.rglob(".*.part*")]
    return [f"left: {found}"] if found and not (kind == "remove" or ".part" in where) else []


def main() -> None:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("commands", nargs="*", default=list(COMMANDS), help="default: all")
    parser.add_argument("--every", type=int, default=1, help="let each N-th operation fail only")
    known = {fault.name.partition(",")[0]: fault for fault in FAULTS}
    parser.add_argument("--faults", nargs="+", default=list(known), choices=list(known))
    options = parser.parse_args()
    faults = [known[name] for name in options.faults]
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_inputs(place / "inputs")
        for name in options.commands:
            for fault in faults:
                began = time.monotonic()
                count, wrong = faults_of(name, place / "inputs", place, fault, options.every)
                failures += len(wrong)
                seconds = time.monotonic() - began
                print(f"{name}, {fault.name}: {count} failed in {seconds:.0f} s", end=", ")
                print(f"{len(wrong)} wrong", *wrong, sep="\n", flush=True)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
