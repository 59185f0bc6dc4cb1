"""Operations on files that fail, a few of each command; `stress.file_errors` tries them all."""

import errno

import pytest

from stress.faulty_files import FAULTS, Fault, faulty_files
from stress.file_errors import faults_of, make_inputs


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    place = tmp_path_factory.mktemp("faults")
    make_inputs(place / "inputs")
    return place / "inputs"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize(("command", "every"), [("check", 3), ("evaluate", 13), ("label", 13)])
def test_whatever_fails_is_named_and_costs_nothing_else(inputs, tmp_path, command, every, fault):
    count, wrong = faults_of(command, inputs, tmp_path, fault, every, start=2)
    assert count > 0
    assert wrong == []


@pytest.mark.parametrize("command", ["predict", "driver", "convert"])
def test_a_recording_that_gives_a_read_error_costs_no_other(inputs, tmp_path, command):
    pytest.importorskip("onnxruntime", reason="no onnxruntime; pip install -e '.[onnx]'")
    count, wrong = faults_of(command, inputs, tmp_path, FAULTS[1], 29, start=7)
    assert count > 2
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize(("command", "every"), [("train", 120), ("report", 120)])
def test_a_training_and_a_report_name_what_fails(inputs, tmp_path, command, every):
    pytest.importorskip("tensorflow", reason="no TensorFlow; pip install -e '.[train]'")
    count, wrong = faults_of(command, inputs, tmp_path, FAULTS[0], every, start=11)
    assert count > 1
    assert wrong == []


def test_the_layer_lets_the_operation_fail_that_it_counts(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("text")
    with faulty_files(tmp_path) as layer:
        assert path.read_text() == "text"
    kinds = [kind for kind, _ in layer.operations]
    assert kinds[0] == "open"
    assert "read" in kinds
    for n in range(1, len(kinds) + 1):
        with (
            faulty_files(tmp_path, n, Fault(errno.EIO)),
            pytest.raises(OSError, match="Input/output error"),
        ):
            path.read_text()
    with faulty_files(tmp_path, 1, Fault(0)), pytest.raises(FileNotFoundError):
        path.read_text()
