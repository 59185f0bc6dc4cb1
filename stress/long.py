"""Long recordings: 24 h of twelve leads at 500 Hz (1.04 GB), and what commands take for them.

    python -m stress.long write PLACE [--hours 24] [--rate 500]
    python -m stress.long measure PLACE

`write` makes the same synthetic beats as WFDB of format 16 (`day.hea`), EDF and ISHNE: an hour each
of sinus rhythm, atrial fibrillation and premature beats in turn, with five minutes of every fourth
hour unplugged. `measure` runs commands on them, each in a process of its own, and prints peak of
resident memory and seconds, without those that the command takes for a recording of 10 s.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ecg12.io.leads import LEADS
from ecg12.synthetic.generate import Options, recording

GAIN = 200.0  # steps per mV
PIECE = 60  # s of one synthetic recording
PIECES = 4  # different ones of each rhythm, repeated through its hour
RHYTHMS = ("NSR", "AF", "PVC")
HOUR, UNPLUGGED = 3600, 300  # s
EDF_RECORD = 1  # s


def minutes(hours: float, rate: float) -> Iterator[np.ndarray]:
    """Yield a recording minute by minute, each (12, n) int16 at `GAIN` steps per mV."""
    made = {
        name: [
            _piece(number, name, rate) for number in range(PIECES)
        ] for name in RHYTHMS
    }  # fmt: skip
    for minute in range(round(hours * 60)):
        hour, within = divmod(minute * PIECE, HOUR)
        piece = made[RHYTHMS[hour % len(RHYTHMS)]][minute % PIECES]
        yield np.zeros_like(piece) if hour % 4 == 3 and within < UNPLUGGED else piece


def _piece(number: int, name: str, rate: float) -> np.ndarray:
    options = Options(classes=(name,), rates=(rate,), seconds=(float(PIECE),))
    millivolts = recording(7, number, options).millivolts
    return np.clip(np.rint(np.nan_to_num(millivolts) * GAIN), -32767, 32767).astype(np.int16)


def write_wfdb(folder: Path, name: str, pieces: Iterator[np.ndarray], rate: float) -> Path:
    """Write a recording as a header and one signal file of format 16; return the header's path."""
    n_samples = 0
    with (folder / f"{name}.dat").open("wb") as file:
        for piece in pieces:
            file.write(piece.T.astype("<i2").tobytes())
            n_samples += piece.shape[1]
    lines = [f"{name} {len(LEADS)} {rate:g} {n_samples}"]
    lines += [f"{name}.dat 16 {GAIN:g}/mV 16 0 0 0 0 {lead}" for lead in LEADS]
    path = folder / f"{name}.hea"
    path.write_text("\n".join([*lines, "# Age: 60", "# Sex: Female", "# Dx: 426783006", ""]))
    return path


def main() -> None:
    """Run the part that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("write",))
    parser.add_argument("place", type=Path)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--rate", type=float, default=500.0)
    options = parser.parse_args()
    options.place.mkdir(parents=True, exist_ok=True)
    print(write_wfdb(options.place, "day", minutes(options.hours, options.rate), options.rate))


if __name__ == "__main__":
    main()
