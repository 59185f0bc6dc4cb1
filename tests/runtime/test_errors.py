"""Errors of reading: which pass, and which become a line that names the file."""

import errno
import os

import pytest

from ecg12.runtime.errors import (
    InputError,
    ModelError,
    RecordError,
    record_errors,
    unforeseen_errors,
)


@pytest.mark.parametrize(
    "error", [OverflowError("a"), ZeroDivisionError("a"), IndexError("a"), TypeError(), KeyError(3)]
)
def test_what_no_reader_foresees_is_damage_with_its_cause_and_traceback(error, caplog):
    caplog.set_level("DEBUG", "ecg12")
    with pytest.raises(RecordError) as raised, record_errors("folder/r.edf"):
        raise error
    assert str(raised.value) == f"folder/r.edf: damaged ({type(error).__name__})"
    assert raised.value.__cause__ is error
    [line] = caplog.records
    assert line.levelname == "DEBUG"
    assert "raise error" in caplog.text
    assert "folder/r.edf" in caplog.text


def test_the_usual_log_has_no_traceback(caplog):
    caplog.set_level("INFO", "ecg12")
    with pytest.raises(RecordError), record_errors("r.edf"):
        raise OverflowError
    assert caplog.records == []


@pytest.mark.parametrize(
    "error",
    [InputError("a"), ModelError("b"), RecordError("c"), MemoryError(), KeyboardInterrupt()],
)
def test_what_says_enough_passes_as_it_is(error):
    with pytest.raises(type(error)) as raised, record_errors("r.edf"):
        raise error
    assert raised.value is error


def test_an_error_of_the_file_system_says_its_reason():
    error = OSError(errno.EIO, os.strerror(errno.EIO))
    with pytest.raises(RecordError, match=r"^r\.edf: Input/output error$") as raised:
        with record_errors("r.edf"):
            raise error
    assert raised.value.__cause__ is error


def test_what_nobody_foresees_of_a_recording_has_its_type_and_text(caplog):
    caplog.set_level("DEBUG", "ecg12")
    with pytest.raises(RecordError) as raised, unforeseen_errors("A1"):
        raise IndexError("index 3 is out of bounds")
    assert str(raised.value) == "A1: IndexError: index 3 is out of bounds"
    assert "raise IndexError" in caplog.text


@pytest.mark.parametrize(
    "error", [InputError("a"), FileNotFoundError("b"), MemoryError(), KeyboardInterrupt()]
)
def test_what_is_foreseen_passes(error):
    with pytest.raises(type(error)) as raised, unforeseen_errors("A1"):
        raise error
    assert raised.value is error
