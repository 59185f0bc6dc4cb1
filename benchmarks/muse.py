"""Time the reading of MUSE XML against the plain way to do it, and the writing of it.

    python benchmarks/muse.py [rounds]

A file of 10 s, 500 Hz, 8 stored leads is read over and over. The plain way is
xml.etree.ElementTree, base64 and numpy with no check at all. Both run alternately in one process,
and medians of processor time are compared. Exit status 1 if reading takes more than 4 times as
long as the plain way, or fewer than 300 files are read per second and core. Seen on two cores of a
busy machine: 390 to 440 files per second, 1.7 to 1.8 times the plain way.
"""

import base64
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import parse

import numpy as np

from ecg12.io.muse import read_muse
from ecg12.synthetic import recording
from ecg12.synthetic.muse import statements_of, visit_of
from ecg12.synthetic.muse_xml import median_beat, write_muse

LONGEST = 4.0  # times the plain way
REQUIRED = 300.0  # files per second


def plain(path: Path) -> tuple[np.ndarray, list[str]]:
    """Read as most scripts would: (12, n) float64 in µV, and the statements."""
    root = parse(path).getroot()
    rhythm = root.findall("Waveform")[1]
    leads = {}
    for lead in rhythm.findall("LeadData"):
        samples = np.frombuffer(base64.b64decode(lead.findtext("WaveFormData")), "<i2")
        leads[lead.findtext("LeadID")] = samples * float(lead.findtext("LeadAmplitudeUnitsPerBit"))
    one, two, *chest = leads.values()
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.array([*limb, *chest]), [node.text for node in root.iter("StmtText")]


def ours(path: Path) -> object:
    """Read as the package does."""
    return read_muse(path, "salt")


def milliseconds(function: Callable[[Path], object], path: Path) -> float:
    """Time one call, ms of processor time."""
    start = time.process_time()
    function(path)
    return 1e3 * (time.process_time() - start)


def main(rounds: int) -> int:
    """Print times, rates and their ratio; return the exit status."""
    record = recording(0, 0)
    visit, beat = visit_of(0, 0, record), median_beat(record)
    said, machine = statements_of(0, 0, record, visit, beat)
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        for _ in range(20):
            path = write_muse(folder, record, said, visit, original=machine, beat=beat)
        written = 1e3 * (time.process_time() - start) / 20
        plain(path), ours(path)
        pairs = [(milliseconds(plain, path), milliseconds(ours, path)) for _ in range(rounds)]
    slow, fast = np.median(pairs, axis=0)
    print(f"plain {slow:.2f} ms, ecg12 {fast:.2f} ms: {fast / slow:.1f} x (at most {LONGEST:g})")
    print(f"{1e3 / fast:.0f} files read per second and core (required: {REQUIRED:g})")
    print(f"written in {written:.1f} ms, median beat not included")
    return 0 if fast <= LONGEST * slow and 1e3 / fast >= REQUIRED else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 301))
