"""Arguments of the wrong type: each is an InputError that names the value and what is needed."""

import json

import pytest

import ecg12
from ecg12.ensemble.model_index import INDEX, SHIPPED
from ecg12.runtime.errors import InputError, ModelError


@pytest.fixture(scope="module")
def model():
    return ecg12.load_model()


@pytest.mark.parametrize("coverage", ["0.9", True, [0.9]])
def test_a_coverage_that_is_no_number(coverage):
    with pytest.raises(InputError) as raised:
        ecg12.load_model(coverage=coverage)
    assert str(raised.value) == f"coverage={coverage!r}: a number from 0.5 to 0.99 is needed"


@pytest.mark.parametrize("every", ["10", None, True])
def test_a_step_that_is_no_number(model, make_record, every):
    with pytest.raises(InputError, match=f"^every={every!r}: a number of seconds, 1 or more$"):
        model.predict_windows(make_record(), every=every)


@pytest.mark.parametrize("recording", [None, 7, ["a.hea"]])
def test_windows_of_what_is_no_recording(model, recording):
    with pytest.raises(InputError, match="recording=.*: a Record or a path is needed"):
        model.predict_windows(recording)


@pytest.mark.parametrize("record", ["a.hea", None, [[0.0] * 5000] * 12])
def test_what_is_no_record(model, record):
    message = "^record=.*: a Record is needed; ecg12.read_record reads a file"
    with pytest.raises(InputError, match=message) as raised:
        model.predict_record(record)
    assert len(str(raised.value)) < 200
    with pytest.raises(InputError, match=message):
        list(model.predict_records([record]))
    with pytest.raises(InputError, match=message):
        ecg12.explain(model, record)


@pytest.mark.parametrize("count", [2**70, float("inf")])
def test_an_index_with_a_number_beyond_64_bits(tmp_path, count):
    index = json.loads((SHIPPED / INDEX).read_text())
    index["conformal"]["counts"][0][0] = count
    (tmp_path / INDEX).write_text(json.dumps(index))
    with pytest.raises(ModelError, match=f"^{tmp_path / INDEX}: not a classifier's index: "):
        ecg12.load_model(tmp_path)
