"""A disk that fills up or may not be written: training and driving on small file systems in memory.

    python -m stress.disk

Trains and drives the smoke recipe through the scripts at the root, into file systems of several
sizes, so that signals, checkpoints, members or outputs do not fit. Each must end with status 1 and
one line that says so, leave nothing half-written, and reach the usual result when there is space
again. Needs root, to mount; says so and ends well where that is not allowed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stress.killing import check_whole, content
from stress.targets import ROOT

# Sizes of the model's file system, none of which holds all of 30 recordings (1.8 MB of signals),
# three small networks and their checkpoints.
SIZES = ("1m", "2m", "2300k", "2600k")
RECORDINGS = 30
SPACE = "64m"
FULL = "No space left on device"


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[None]:
    """Mount an empty file system of so many bytes."""
    folder.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def remount(folder: Path, options: str) -> None:
    """Change size or writability of a mounted file system."""
    _mount("-o", f"remount,{options}", str(folder))


def entry_point(program: str, *arguments: Path) -> tuple[int, str]:
    """Run one of the challenge's programs; return its exit status and its output."""
    environment = {**os.environ, "ECG12_RECIPE": "smoke", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, program, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def refused(status: int, output: str, reason: str) -> str:
    """Check that a program ended with one line that gives the reason; return the line."""
    line = output.strip().splitlines()[-1]
    if status != 1 or reason not in line or "Traceback" in output:
        raise AssertionError(f"exit status {status}:\n{output[-3000:]}")
    return line


def succeed(status: int, output: str) -> None:
    """Check that a program ended well."""
    if status:
        raise AssertionError(f"exit status {status}:\n{output[-3000:]}")


def training(place: Path, data: Path, expected: object) -> None:
    """Train where there is too little space, then where there is enough."""
    model = place / "small"
    for size in SIZES:
        with mounted(model, size):
            line = refused(*entry_point("train_model.py", data, model), FULL)
            check_whole(model)
            remount(model, f"size={SPACE}")
            succeed(*entry_point("train_model.py", data, model))
            if content("train", model) != expected:
                raise AssertionError(f"{size}: another result than with space from the beginning")
        print(f"training in {size}: {line}; with space: same result", flush=True)


def driving(place: Path, data: Path, model: Path) -> None:
    """Drive into a full file system, then with space; from and into read-only ones."""
    out = place / "out"
    with mounted(out, "40k"):
        line = refused(*entry_point("driver.py", model, data, out), FULL)
        check_whole(out)
        written = len(list(out.glob("*.csv")))
        remount(out, f"size={SPACE}")
        succeed(*entry_point("driver.py", model, data, out))
        outputs = content("drive", out)
        remount(out, "ro")
        read_only = refused(*entry_point("driver.py", model, data, out), "Read-only file system")
    print(f"driving, no space after {written} outputs: {line}; with space: all written", flush=True)
    print(f"driving into a read-only folder: {read_only}", flush=True)
    with mounted(place / "read", SPACE):
        shutil.copytree(model, place / "read", dirs_exist_ok=True)
        remount(place / "read", "ro")
        succeed(*entry_point("driver.py", place / "read", data, out))
        if content("drive", out) != outputs:
            raise AssertionError("other outputs of a read-only model folder")
        line = refused(
            *entry_point("train_model.py", data, place / "read"), "Read-only file system"
        )
    print(f"driving a read-only model: same outputs; training into it: {line}", flush=True)


def main() -> None:
    """Run all of it in a temporary folder."""
    if os.geteuid() != 0:
        sys.exit("skipped: mounting a small file system needs root")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        data, model = place / "data", place / "model"
        command = [sys.executable, "-m", "ecg12", "synth", str(data), "-n", str(RECORDINGS)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        try:
            with mounted(place / "trial", "1m"):
                pass
        except subprocess.CalledProcessError as error:
            sys.exit(
                f"skipped: no file system can be mounted here: {error.stderr.decode().strip()}"
            )
        succeed(*entry_point("train_model.py", data, model))
        training(place, data, content("train", model))
        driving(place, data, model)


if __name__ == "__main__":
    main()
