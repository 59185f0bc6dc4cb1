"""An error that no reader foresees costs the recording that it is of, and no other."""

from pathlib import Path

import pytest

import ecg12
from ecg12.data.dataset import prepare_folder
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.convert import convert
from ecg12.io.formats import open_any, read_any
from ecg12.io.matlab import open_mat
from ecg12.io.muse import read_statements
from ecg12.io.wfdb import write_record
from ecg12.labelling.sources import Statements, muse_statements
from ecg12.runtime.errors import InputError, RecordError
from ecg12.signal.preprocessing import Preprocessing
from ecg12.synthetic.muse import generate_muse

SHORT = Preprocessing(seconds=1.0, margin=0.5)
NAMES = ("A1", "B1", "C1")
BAD = "B1"
ERRORS = [OverflowError, ZeroDivisionError, IndexError]


def predict(folder, _):
    """Return what is predicted, and why the others are not."""
    outcomes = list(ecg12.load_model().predict_files([folder / name for name in NAMES]))
    failed = [one.reason for one in outcomes if isinstance(one, ecg12.Failure)]
    done = [Path(one.source).name for one in outcomes if isinstance(one, ecg12.Prediction)]
    return done, failed


def train(folder, work):
    """Return what is prepared for a training, and why the others are not."""
    dataset = prepare_folder(folder, work, SHORT, load_weights(WEIGHTS), n_jobs=1)
    return list(dataset.names), list(dataset.failures)


def converted(folder, work):
    """Return what is converted, and why the others are not."""
    failures = convert([folder], work / "out", workers=1).failures
    return sorted(path.stem for path in (work / "out").glob("*.hea")), list(failures.values())


@pytest.fixture
def folder(tmp_path, make_record):
    place = tmp_path / "data"
    place.mkdir()
    for seed, name in enumerate(NAMES):
        write_record(place, make_record(name, seed=seed, codes=("426783006",)))
    return place


@pytest.fixture
def let_out(monkeypatch):
    """Return a function after which the reader of one recording raises: opening it, or reading."""

    def change(error, when):
        def opened(path):
            if path.stem != BAD:
                return open_mat(path)
            if when == "open":
                raise error("of a reader")
            return open_mat(path)[0], read

        def read(first, n):
            raise error("of a reader")

        monkeypatch.setattr("ecg12.io.wfdb.open_mat", opened)

    return change


@pytest.mark.parametrize("when", ["open", "read"])
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("run", [predict, train, converted])
def test_it_costs_no_other_recording_and_the_reason_names_the_file(
    folder, tmp_path, let_out, run, error, when
):
    if run is predict:
        pytest.importorskip("onnxruntime", reason="no onnxruntime; pip install -e '.[onnx]'")
    let_out(error, when)
    done, [reason] = run(folder, tmp_path)
    assert done == ["A1", "C1"]
    assert f"/{BAD}" in reason
    assert reason.endswith(f": damaged ({error.__name__})")


@pytest.mark.parametrize("error", ERRORS)
def test_windows_of_a_recording_that_cannot_be_read_are_failures(folder, let_out, error):
    pytest.importorskip("onnxruntime", reason="no onnxruntime; pip install -e '.[onnx]'")
    let_out(error, "read")
    outcomes = [one.outcome for one in ecg12.load_model().predict_windows(folder / BAD, every=5)]
    [reason] = {one.reason for one in outcomes}
    assert reason == f"{folder / BAD}: damaged ({error.__name__})"


def test_the_cause_is_kept_when_a_stretch_is_read(folder, let_out):
    let_out(IndexError, "read")
    record = open_any(folder / BAD)
    with pytest.raises(RecordError, match=r"B1: damaged \(IndexError\)") as raised:
        record.read(0, 1)
    assert isinstance(raised.value.__cause__, IndexError)
    with pytest.raises(InputError, match="start at 99 s of a recording of 10 s"):
        record.cut(99.0)


def test_memory_that_is_short_is_no_damage(folder, let_out):
    let_out(MemoryError, "read")
    with pytest.raises(MemoryError):
        read_any(folder / BAD)
    with pytest.raises(MemoryError):
        open_any(folder / BAD).read(0, 1)
    assert read_any(folder / "A1").stored.shape == (12, 5000)


def test_what_is_read_beside_the_samples_costs_no_other_recording(folder, tmp_path, monkeypatch):
    """Statements and the patient's identifier, of MUSE files."""

    def statements(path, salt):
        if path.stem == BAD:
            raise IndexError
        return read_statements(path, salt)

    monkeypatch.setattr("ecg12.io.convert.read_statements", statements)
    monkeypatch.setattr("ecg12.labelling.sources.read_statements", statements)
    generate_muse(tmp_path / "muse", 2)
    first, second = sorted((tmp_path / "muse").glob("*.xml"))
    first.rename(first.with_stem(BAD))
    done, [reason] = converted(tmp_path / "muse", tmp_path)
    assert done == [second.stem]
    assert reason == f"{first.with_stem(BAD)}: damaged (IndexError)"
    labelled = list(muse_statements(tmp_path / "muse")[1])
    assert [one.recording for one in labelled if isinstance(one, Statements)] == [second.stem]
    assert [str(one) for one in labelled if isinstance(one, RecordError)] == [reason]
