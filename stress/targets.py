"""What is fuzzed: each parser with what it may raise and what must hold of all that it returns."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

import numpy as np

from ecg12.ensemble.classifier import Member
from ecg12.ensemble.onnx_runtime import load_graph
from ecg12.io import aecg, arrays, cardiosoft, dicom, edf, ishne, philips, scp
from ecg12.io.classes import ScoredClasses, load_weights
from ecg12.io.headers import GAINS, OLDEST, RATES
from ecg12.io.int16 import as_int16
from ecg12.io.leads import LEADS
from ecg12.io.matlab import format_mat, read_mat
from ecg12.io.muse import read_muse
from ecg12.io.outputs import parse_output
from ecg12.io.record import Record
from ecg12.io.wfdb import read_header, read_record
from ecg12.runtime.errors import ModelError, RecordError
from ecg12.runtime.files import sha256
from ecg12.signal.preprocessing import Preprocessing

ROOT = Path(__file__).parent.parent
CORPUS = ROOT / "tests" / "corpus"
PART = b"\n\0\n"  # between the files of a recording in several
MATRIX = np.arange(-30, 30, dtype=np.int16).reshape(12, 5)


def header(path: Path) -> None:
    """Read a header and join it to samples."""
    parsed = read_header(path)
    assert RATES[0] <= parsed.rate <= RATES[1]
    assert parsed.age is None or 0 <= parsed.age <= OLDEST
    assert parsed.sex in (None, "Male", "Female")
    assert all(s.gain is None or GAINS[0] <= abs(s.gain) <= GAINS[1] for s in parsed.signals)
    assert all(math.isfinite(s.offset) for s in parsed.signals)
    assert len(set(parsed.codes)) == len(parsed.codes)
    if len(parsed.signals) == len(MATRIX):
        assert Record.from_header(parsed, MATRIX, "r").millivolts.shape == MATRIX.shape


def mat(path: Path) -> None:
    """Read a MATLAB file's first samples, and what can be written write and read again."""
    matrix = read_mat(path, 100)
    assert matrix.ndim == 2
    assert matrix.size > 0
    assert matrix.shape[1] <= 100
    assert matrix.dtype.kind in "iuf"
    if matrix.dtype == np.int16:
        path.write_bytes(format_mat(matrix))
        np.testing.assert_array_equal(read_mat(path), matrix)


def muse(path: Path) -> None:
    """Read a MUSE file."""
    found = read_muse(path, salt="salt")
    as_int16(found.record, path.name)
    record = found.record
    assert record.stored.dtype == np.int16
    assert record.stored.shape == (len(record.leads), record.stored.shape[1])
    assert RATES[0] <= record.rate <= RATES[1]
    assert record.age is None or 0 <= record.age <= OLDEST
    assert found.patient is None or len(found.patient) == 32


def reading(
    read: Callable[[Path], Record],
    *others: Callable[[Path], str | tuple[str, ...]],
    calibrated: bool = True,
) -> Callable[[Path], None]:
    """Return a target that reads a file of a clinical format, checks the recording, converts it.

    `others` read texts of it; `calibrated` says whether the amplitude of every lead is known.
    """

    def check(path: Path) -> None:
        record = read(path)
        n_leads, n_samples = record.stored.shape
        assert n_samples > 0
        assert n_leads == len(record.leads) == len(record.units)
        assert max(record.leads.count(lead) for lead in LEADS) <= 1
        assert record.gains.shape == record.offsets.shape == (n_leads,)
        assert np.isfinite(record.resolution).all() or not calibrated
        assert record.millivolts.shape == record.stored.shape
        assert RATES[0] <= record.rate <= RATES[1]
        assert record.age is None or 0 <= record.age <= OLDEST
        assert record.sex in (None, "Male", "Female")
        assert record.name == path.stem
        kept, _ = as_int16(record, path.name)
        assert kept.stored.dtype == np.int16
        if calibrated:
            steps = np.abs(record.millivolts - kept.millivolts) / np.abs(kept.resolution)[:, None]
            assert not np.nan_to_num(steps).max() > 0.501
        for other in others:
            assert all(isinstance(part, str) for part in other(path))

    return check


def wfdb(path: Path) -> Record:
    """Read a recording whose header and other files, `a.dat`, `a.hea` ..., are parts of one."""
    whole, *parts = path.read_bytes().split(PART)
    path.write_bytes(whole)
    for name, part in zip_longest(("a.dat", "a.hea", "b.dat"), parts[:3]):
        path.with_name(name).unlink(missing_ok=True)
        if part is not None:
            path.with_name(name).write_bytes(part)
    record = read_record(path)
    first = read_record(path, 3 / record.rate).stored  # by rounding one sample more
    assert min(3, record.stored.shape[1]) <= first.shape[1] <= 4
    np.testing.assert_array_equal(first, record.stored[:, : first.shape[1]])
    return replace(record, name=path.stem)


def array(path: Path) -> Record:
    """Read an array of numbers of any kind, said to be of millivolts at 500 Hz."""
    try:
        return arrays.read(path, rate=500, unit="mV")
    except (RecordError, ModelError) as error:
        if "missing: --leads" not in str(error):
            raise
        return arrays.read(path, rate=500, unit="mV", leads=LEADS)


def output(path: Path) -> None:
    """Read an output by the rules of both years."""
    text = path.read_bytes().decode("utf-8", errors="replace")
    for classes in tables():
        found = parse_output(text, classes)
        assert found.labels.shape == found.scores.shape == (len(classes),)
        assert not np.isnan(found.scores).any()
        assert all(remark.strip() for remark in found.remarks)


def graph(path: Path) -> None:
    """Load an exported graph and run it."""
    chain = Preprocessing(seconds=0.4)
    member = Member("a", None, chain, thresholds=np.zeros(24), validation_score=0.0)
    runtime = load_graph(path.parent, {"file": path.name, "sha256": sha256(path)}, [member], 27)
    assert runtime.scores(0, np.zeros((2, 12, chain.n_samples, 1), np.float32)).shape[0] == 1


@lru_cache
def tables() -> tuple[ScoredClasses, ScoredClasses]:
    """Return the classes of both years."""
    late = ROOT / "tests" / "fixtures" / "eval_cases_weights_2021.csv"
    return load_weights(ROOT / "weights.csv"), load_weights(late)


# Name: (what is run, suffix of its files, module whose lines count, longest input in bytes)
TARGETS: dict[str, tuple[Callable[[Path], None], str, str, int]] = {
    "header": (header, ".hea", "ecg12/io/headers.py", 2000),
    "wfdb": (reading(wfdb, calibrated=False), ".hea", "ecg12/io/wfdb*.py", 2000),
    "mat": (mat, ".mat", "ecg12/io/matlab.py", 1000),
    "muse": (muse, ".xml", "ecg12/io/muse", 4000),
    "dicom": (
        reading(dicom.read, dicom.statements, dicom.identifier),
        ".dcm",
        "ecg12/io/dicom*.py",
        8000,
    ),
    "aecg": (
        reading(aecg.read, aecg.statements, aecg.identifier),
        ".xml",
        "ecg12/io/aecg.py",
        4000,
    ),
    "scp": (reading(scp.read, scp.statements, scp.identifier), ".scp", "ecg12/io/scp*.py", 3000),
    "philips": (
        reading(philips.read, philips.statements, philips.identifier),
        ".xml",
        "ecg12/io/philips*.py",
        4000,
    ),
    "cardiosoft": (
        reading(cardiosoft.read, cardiosoft.statements, cardiosoft.identifier),
        ".xml",
        "ecg12/io/cardiosoft.py",
        3000,
    ),
    "ishne": (reading(ishne.read, ishne.identifier), ".ecg", "ecg12/io/ishne.py", 1500),
    "edf": (reading(edf.read, edf.identifier), ".edf", "ecg12/io/edf*.py", 3000),
    "array": (reading(array), ".bin", "ecg12/io/array*.py", 4000),
    "graph": (graph, ".onnx", "ecg12/ensemble/onnx_file_check.py", 20_000),
    "output": (output, ".csv", "ecg12/io/outputs.py", 2000),
}


def run(name: str, data: bytes, folder: Path) -> bool:
    """Run a target on some bytes; return whether they were read rather than refused.

    Anything but our documented error passes through, and so does a broken promise.
    """
    function, suffix, _, _ = TARGETS[name]
    path = folder / f"input{suffix}"
    path.write_bytes(data)
    try:
        function(path)
    except (RecordError, ModelError) as error:
        assert path.name in str(error) or str(folder) in str(error)
        return False
    return True
