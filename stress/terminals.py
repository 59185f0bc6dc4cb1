"""Every command on every terminal: encodings that lack characters, the locale C, closed streams.

    python -m stress.terminals [COMMAND ...]

The recordings have names and comments beyond ASCII, one a name that is no UTF-8. No run may show a
traceback or an encoding error, and each must end with the status that it has on a UTF-8 terminal;
where the results cannot be written (a full device), with status 1 and one line, but for `--help`,
of which argparse does not say it.
"""

import argparse
import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "ecg12" / "ensemble" / "shipped"
WRONG = (
    "Traceback",
    "UnicodeEncodeError",
    "UnicodeDecodeError",
    "Exception ignored",
    "Logging err",
)
ODD = "Müller – …µ"  # noqa: RUF001  # an umlaut, a dash, an ellipsis, a micro sign


@dataclass(frozen=True)
class Terminal:
    """Where a program writes: by its environment, and the streams that are closed or lead away."""

    environment: dict[str, str] = field(default_factory=dict)
    closed: tuple[int, ...] = ()
    device: str = ""
    reader: bool = True


C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
TERMINALS = {
    "UTF-8": Terminal({"PYTHONIOENCODING": "utf-8"}),
    "ASCII": Terminal({"PYTHONIOENCODING": "ascii"}),
    "ASCII, strict": Terminal({"PYTHONIOENCODING": "ascii:strict"}),
    "Latin-1": Terminal({"PYTHONIOENCODING": "latin-1"}),
    "cp1252": Terminal({"PYTHONIOENCODING": "cp1252"}),
    "UTF-16": Terminal({"PYTHONIOENCODING": "utf-16"}),
    "locale C": Terminal(C),
    "locale POSIX": Terminal({"LC_ALL": "POSIX"}),
    "no input": Terminal(closed=(0,)),
    "no output": Terminal(closed=(1,)),
    "no errors": Terminal(closed=(2,)),
    "none": Terminal(C, closed=(0, 1, 2)),
    "full": Terminal(device="/dev/full"),
    "reader gone": Terminal(reader=False),
}
TINY = ("--recipe", "smoke")
COMMANDS: dict[str, tuple[str, ...]] = {
    "help": ("-m", "ecg12", "predict", "--help"),
    "table of formats": ("-m", "ecg12", "formats"),
    "formats": ("-m", "ecg12", "formats", "data"),
    "check": ("-m", "ecg12", "check", "data", "-o", "out"),
    "predict": ("-m", "ecg12", "predict", "data", "--runtime", "onnx"),
    "predict csv": (
        "-m", "ecg12", "predict", "data", "--runtime", "onnx", "--format", "csv", "-o", "out.csv",
    ),
    "plot": ("-m", "ecg12", "plot", "data", "-o", "out"),
    "convert": ("-m", "ecg12", "convert", "data", "-o", "out"),
    "label": ("-m", "ecg12", "label", "xml", "-o", "out", "--min-count", "1"),
    "wrong use": ("-m", "ecg12", "predict", f"{ODD}.hea", "--rate", ODD),
    "missing": ("-m", "ecg12", "predict", f"{ODD}.hea", "--runtime", "onnx"),
    "driver": (str(ROOT / "driver.py"), str(SHIPPED), "data", "out"),
    "evaluate": (str(ROOT / "evaluate_model.py"), "data", "outputs"),
    "report": ("-m", "ecg12", "report", "data", "outputs", "-o", "out", "--replicates", "10"),
    "windows": ("-m", "ecg12", "predict", "data", "--every", "10", "--format", "csv"),
    "synth": ("-m", "ecg12", "synth", "out", "-n", "2", "--workers", "1"),
    "prepare": ("-m", "ecg12", "prepare", "data", "-o", "out", "--workers", "1", *TINY),
    "pretrain": ("-m", "ecg12", "pretrain", "data", "-o", "out", *TINY),
    "finetune": (
        "-m", "ecg12", "finetune", "data", "--classes", "classes.csv", "-o", "out", *TINY,
    ),
    "crossval": ("-m", "ecg12", "crossval", "data", "-o", "out", "--folds", "2", *TINY),
    "search": (
        "-m", "ecg12", "search", "data", "-o", "out", "--trials", "1", "--keep", "1", *TINY,
    ),
    "export": ("-m", "ecg12", "export", str(SHIPPED), "-o", "out"),
    "serve without a model": ("-m", "ecg12", "serve", "--model", "data"),
    "train": (str(ROOT / "train_model.py"), "data", "out"),
}  # fmt: skip
QUICK = ("help", "formats", "check", "wrong use", "missing")  # that load no network


def make_inputs(place: Path) -> None:
    """Write recordings of odd names and comments, MUSE files, and outputs."""
    from ecg12.io.classes import WEIGHTS, load_weights
    from ecg12.io.outputs import write_output
    from ecg12.io.wfdb_write import write_record
    from ecg12.synthetic import recording
    from ecg12.synthetic.muse import generate_muse

    codes = load_weights(WEIGHTS).columns
    names = (ODD, os.fsdecode(b"M\xfcller"), "plain")
    folder = place / "data" / ODD
    for new in (folder, place / "outputs"):
        new.mkdir(parents=True)
    for i, name in enumerate(names):
        write_record(folder, recording(1, i))
        for path in list(folder.glob(f"{recording(1, i).name}.*")):
            if path.suffix == ".hea":
                path.write_bytes(path.read_bytes() + f"#Hx: {ODD}\n".encode())
            path.rename(folder / f"{name}{path.suffix}")
        write_output(place / "outputs", name, codes, [0] * len(codes), [0.5] * len(codes))
    classes = "426783006,NSR,sinus rhythm\n164889003,AF,fibrillation\n"
    (place / "classes.csv").write_text(classes, encoding="utf-8")
    (place / "data" / f"broken {ODD}.hea").write_text("x\n", encoding="utf-8")
    write_output(place / "outputs", f"broken {ODD}", codes, [0] * len(codes), [0.5] * len(codes))
    for number, path in enumerate(generate_muse(place / "xml" / ODD, 2, 1)):
        path.rename(path.with_name(f"{names[number]}.xml"))


def run_in(terminal: Terminal, command: Sequence[str], inputs: Path) -> tuple[int, str]:
    """Run a command on fresh inputs; return its status and all that it showed."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "work")
        shutil.copytree(inputs, work)
        base = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
        environment = base | {
            "PYTHONPATH": str(ROOT), "ECG12_RUNTIME": "onnx", "ECG12_RECIPE": "smoke",
        }  # fmt: skip
        shown = Path(folder, "shown")
        with shown.open("wb") as errors:
            out = Path(terminal.device or folder, "" if terminal.device else "out").open("wb")
            reading, writing = os.pipe()
            os.close(reading)
            with out:
                done = subprocess.run(
                    [sys.executable, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=out if terminal.reader else writing,
                    stderr=errors,
                    cwd=work,
                    env=environment | terminal.environment,
                    preexec_fn=lambda: [os.close(number) for number in terminal.closed],
                    timeout=600,
                )
            os.close(writing)
        said = shown.read_bytes()
        if not terminal.device:
            said += Path(folder, "out").read_bytes()
        return done.returncode, said.replace(b"\0", b"").decode(errors="replace")


def judged(terminal: Terminal, status: int, said: str, usual: int) -> str:
    """Return what is wrong with a run, or nothing; `usual` is its status on a UTF-8 terminal."""
    if any(word in said for word in WRONG):
        return said[-2000:]
    if terminal.device and usual == 0:
        full = os.strerror(errno.ENOSPC)
        return "" if status == 1 and full in said else f"status {status} on a full device: {said}"
    if terminal.device or not terminal.reader or status == usual:
        return ""
    return f"status {status}, not {usual}: {said[-2000:]}"


def main() -> None:
    """Run the matrix."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("commands", nargs="*", default=list(COMMANDS), help="default: all")
    options = parser.parse_args()
    failures = cells = 0
    with tempfile.TemporaryDirectory() as folder:
        make_inputs(Path(folder))
        for name in options.commands:
            usual, _ = run_in(TERMINALS["UTF-8"], COMMANDS[name], Path(folder))
            for title, terminal in TERMINALS.items():
                if terminal.device and "--help" in COMMANDS[name]:
                    continue
                wrong = judged(terminal, *run_in(terminal, COMMANDS[name], Path(folder)), usual)
                cells, failures = cells + 1, failures + bool(wrong)
                if wrong:
                    print(f"{name}, {title}: {wrong}", flush=True)
            print(f"{name}: status {usual}, {len(TERMINALS)} terminals", flush=True)
    print(f"{cells} cells, {failures} wrong")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
