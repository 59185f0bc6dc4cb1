"""Long recordings: 24 h of twelve leads at 500 Hz (1.04 GB), and what commands take for them.

    python -m stress.long PLACE [--hours 24] [--rate 500] [--formats wfdb edf ishne] [--every 10]

Writes the same synthetic beats as WFDB of format 16, EDF and ISHNE, unless they are there: an hour
each of sinus rhythm, atrial fibrillation and premature beats in turn, with five minutes of every
fourth hour unplugged. Then runs commands and the API on them, each in a process of its own, and
prints the peak of resident memory and the seconds, beside those for a recording of 10 s, in which
nearly all is start-up. With `--every`, also windows, and how many times faster than real time.
"""

import argparse
import binascii
import os
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg12.io.leads import LEADS
from ecg12.synthetic.generate import Options, recording

GAIN = 200  # steps per mV
PIECE = 60  # s of one synthetic recording
PIECES = 4  # different ones of each rhythm, repeated through its hour
RHYTHMS = ("NSR", "AF", "PVC")
HOUR, UNPLUGGED = 3600, 300  # s
SHORT = 10 / HOUR  # h
MOST_MEGABYTES, MOST_SECONDS = 1000, 10.0  # that a command may take, without its start

# What is run in a process that has loaded the array: the memory that it takes beyond it.
API = """
import resource, sys
import numpy as np
import ecg12
from ecg12.inference.challenge import predict_challenge
rate, file, header = float(sys.argv[1]), sys.argv[2], open(sys.argv[3]).read()
signals = np.fromfile(file, np.int16).reshape(-1, 12).T
model = ecg12.load_model(runtime="onnx")
model.predict(signals[:, :5000], fs=rate, leads=ecg12.LEADS, unit="uV")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if sys.argv[4] == "predict":
    model.predict(signals, fs=rate, leads=ecg12.LEADS, unit="uV")
else:
    predict_challenge(model, header, signals)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def minutes(hours: float, rate: int) -> Iterator[np.ndarray]:
    """Yield a recording minute by minute, each (12, n) int16 at `GAIN` steps per mV."""
    made = {name: [_piece(n, name, rate) for n in range(PIECES)] for name in RHYTHMS}
    left = round(hours * HOUR * rate)
    for minute in range(-(-left // (PIECE * rate))):
        hour, within = divmod(minute * PIECE, HOUR)
        piece = made[RHYTHMS[hour % len(RHYTHMS)]][minute % PIECES][:, :left]
        left -= piece.shape[1]
        yield np.zeros_like(piece) if hour % 4 == 3 and within < UNPLUGGED else piece


def _piece(number: int, name: str, rate: int) -> np.ndarray:
    options = Options(classes=(name,), rates=(float(rate),), seconds=(float(PIECE),))
    millivolts = recording(7, number, options).millivolts
    return np.clip(np.rint(np.nan_to_num(millivolts) * GAIN), -32767, 32767).astype(np.int16)


def write_wfdb(folder: Path, pieces: Iterator[np.ndarray], n_samples: int, rate: int) -> Path:
    """Write a header and one signal file of format 16; return the header's path."""
    lines = [f"day {len(LEADS)} {rate} {n_samples}"]
    lines += [f"day.dat 16 {GAIN}/mV 16 0 0 0 0 {lead}" for lead in LEADS]
    path = folder / "day.hea"
    path.write_text("\n".join([*lines, "# Age: 60", "# Sex: Female", "# Dx: 426783006", ""]))
    with (folder / "day.dat").open("wb") as file:
        file.writelines(piece.T.astype("<i2").tobytes() for piece in pieces)
    return path


def write_edf(folder: Path, pieces: Iterator[np.ndarray], n_samples: int, rate: int) -> Path:
    """Write EDF with data records of 1 s, field by field as its specification lists them."""
    n, path = len(LEADS), folder / "day.edf"
    head = [("0", 8), ("X", 80), ("X", 80), ("01.01.20", 8), ("00.00.00", 8), (256 * (n + 1), 8)]
    head += [("", 44), (n_samples // rate, 8), (1, 8), (n, 4)]
    ends = (f"{-32768 / GAIN}", f"{32767 / GAIN}", "-32768", "32767")
    fields = [(lead, 16) for lead in LEADS] + [("", 80)] * n + [("mV", 8)] * n
    fields += [(end, 8) for end in ends for _ in LEADS] + [("", 80)] * n + [(rate, 8)] * n
    with path.open("wb") as file:
        fields += [("", 32)] * n
        file.write("".join(f"{value!s:{width}}" for value, width in head + fields).encode())
        for piece in pieces:
            seconds = piece.reshape(n, -1, rate).transpose(1, 0, 2)
            file.write(seconds.astype("<i2").tobytes())
    return path


def write_ishne(folder: Path, pieces: Iterator[np.ndarray], n_samples: int, rate: int) -> Path:
    """Write ISHNE, field by field as its standard lists them."""
    n, path = len(LEADS), folder / "day.ecg"
    body = struct.pack("<4i", 0, n_samples, 522, 522) + b"\0\0" + bytes(100)
    body += struct.pack("<11h", 2, 0, 1, 1, 1960, 1, 1, 2020, 1, 1, 2020)
    body += struct.pack("<4h", 0, 0, 0, n) + struct.pack(f"<{n}h", *range(5, 17))
    body += struct.pack(f"<{n}h", *[0] * n) + struct.pack(f"<{n}h", *[10**6 // GAIN] * n)
    body += struct.pack("<h", 0) + b"digital".ljust(40, b"\0") + struct.pack("<h", rate)
    body = body.ljust(512, b"\0")
    with path.open("wb") as file:
        file.write(b"ISHNE1.0" + struct.pack("<H", binascii.crc_hqx(body, 0xFFFF)) + body)
        file.writelines(piece.T.astype("<i2").tobytes() for piece in pieces)
    return path


Writer = Callable[[Path, Iterator[np.ndarray], int, int], Path]
WRITERS: dict[str, Writer] = {"wfdb": write_wfdb, "edf": write_edf, "ishne": write_ishne}
SUFFIX = {"wfdb": ".hea", "edf": ".edf", "ishne": ".ecg"}


def write(place: Path, form: str, hours: float, rate: int) -> Path:
    """Write a recording of a format into a folder of its own, unless it is there; return it."""
    folder = place / f"{form}-{hours:.3g}h"
    path = folder / f"day{SUFFIX[form]}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        n_samples = round(hours * HOUR * rate)
        WRITERS[form](folder, minutes(hours, rate), n_samples, rate)
    return path


@dataclass(frozen=True)
class Taken:
    """What a process took: its status, peak of resident memory in MB, s, and s of processor."""

    status: int
    megabytes: float
    seconds: float
    processor: float


def run(arguments: Sequence[str], output: Path) -> Taken:
    """Run Python with arguments, its output into a file."""
    begun = time.monotonic()
    child = os.posix_spawn(
        sys.executable, [sys.executable, *arguments], os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )  # fmt: skip
    _, status, usage = os.wait4(child, 0)
    processor = usage.ru_utime + usage.ru_stime
    return Taken(status, usage.ru_maxrss / 1024, time.monotonic() - begun, processor)


def commands(path: Path, place: Path) -> dict[str, list[str]]:
    """Return the commands that are measured on a recording."""
    out = str(place / "out")
    return {
        "plot": ["plot", str(path), "-o", f"{out}.png"],
        "check": ["check", str(path.parent), "--workers", "1"],
        "predict": ["predict", str(path)],
        "prepare": ["prepare", str(path.parent), "-o", f"{out}-work", "--workers", "1"],
        "convert": ["convert", str(path), "-o", f"{out}-converted", "--workers", "1"],
    }


def measure(path: Path, names: Sequence[str]) -> dict[str, Taken]:
    """Run commands on a recording, each in a process of its own."""
    found = {}
    for name in names:
        with tempfile.TemporaryDirectory() as place:
            arguments = ["-m", "ecg12", *commands(path, Path(place))[name]]
            found[name] = run(arguments, Path(place, "log"))
            if found[name].status:
                raise RuntimeError(f"{name} {path}: {Path(place, 'log').read_text()}")
    return found


def beyond_array(path: Path, rate: int, call: str) -> float:
    """Return the MB that `Model.predict` or `run_model` takes beyond the array of a recording."""
    with tempfile.TemporaryDirectory() as place:
        log = Path(place, "log")
        files = [str(path.with_suffix(".dat")), str(path)]
        taken = run(["-c", API, str(rate), *files, call], log)
        text = log.read_text()
    if taken.status:
        raise RuntimeError(f"{call} {path}: {text}")
    return float(text.split()[-1])


def windows(path: Path, every: float, hours: float) -> None:
    """Predict a recording window by window; print how many times faster than real time."""
    with tempfile.TemporaryDirectory() as place:
        rows, log = Path(place, "rows.csv"), Path(place, "log")
        arguments = ["predict", str(path), "--every", f"{every:g}", "--format", "csv"]
        arguments += ["-o", str(rows), "--plot", place]
        taken = run(["-m", "ecg12", *arguments], log)
        n = len(rows.read_text().splitlines()) - 1
    times = hours * HOUR / taken.seconds
    print(
        f"windows every {every:g} s: {n} in {taken.seconds:.0f} s ({taken.processor:.0f} s of "
        f"processor), {times:.0f} times real time, {taken.megabytes:.0f} MB"
    )


def main() -> None:
    """Write what is missing, measure, and say what took too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place", type=Path)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--formats", nargs="+", choices=WRITERS, default=list(WRITERS))
    parser.add_argument("--commands", nargs="+", default=["plot", "check", "predict", "prepare"])
    parser.add_argument("--every", type=float)
    options = parser.parse_args()
    for form in options.formats:
        names = [one for one in options.commands if form == "wfdb" or one != "prepare"]
        path = write(options.place, form, options.hours, options.rate)
        long = measure(path, names)
        short = measure(write(options.place, form, SHORT, options.rate), names)
        for name, taken in long.items():
            start = short[name]
            print(
                f"{form} {name}: {taken.megabytes:.0f} MB ({start.megabytes:.0f} for 10 s), "
                f"{taken.seconds:.1f} s ({start.seconds:.1f}), of processor "
                f"{taken.processor:.1f} s ({start.processor:.1f})", flush=True,
            )  # fmt: skip
            if taken.megabytes > MOST_MEGABYTES or (
                name != "convert" and taken.processor - start.processor > MOST_SECONDS
            ):
                print(f"TOO MUCH: {form} {name}")
        if form == "wfdb":
            for call in ("predict", "run_model"):
                beyond = beyond_array(path, options.rate, call)
                print(f"{call}: {beyond:.0f} MB beyond the array", flush=True)
        if options.every:
            windows(path, options.every, options.hours)


if __name__ == "__main__":
    main()
