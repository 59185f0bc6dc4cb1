"""Settings of the environment: defaults, values, and messages that name the variable."""

from pathlib import Path

import pytest

from ecg12.runtime.errors import InputError
from ecg12.runtime.settings import Settings, read_hours

ALL = {
    "ECG12_RECIPE": "light",
    "ECG12_BUDGET": "0.5",
    "ECG12_PRETRAINED": "archive/model",
    "ECG12_DEVICES": "4",
    "ECG12_SALT": " a secret\n",
}


def test_without_variables_the_settings_are_those_that_the_documents_name():
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    documents = Path(__file__).parents[2].joinpath("docs").rglob("*.md")
    written = readme + "".join(path.read_text() for path in documents)
    assert Settings.from_env({}) == Settings(
        recipe="submission", hours=46.0, pretrained=None, devices=1, salt=None
    )
    for name in ALL:
        assert name in written


def test_every_variable_is_read():
    assert Settings.from_env({**ALL, "ECG12_OTHER": "x"}) == Settings(
        recipe="light", hours=0.5, pretrained="archive/model", devices=4, salt="a secret"
    )


def test_empty_values():
    assert Settings.from_env({"ECG12_PRETRAINED": ""}).pretrained == ""  # no pretrained networks
    assert Settings.from_env({"ECG12_DEVICES": ""}).devices == 1


@pytest.mark.parametrize("text", ["abc", "0", "-3", "nan", "inf", ""])
def test_a_budget_must_be_a_positive_number(text):
    with pytest.raises(InputError, match=f"ECG12_BUDGET='{text}': a positive number of hours"):
        Settings.from_env({"ECG12_BUDGET": text})
    with pytest.raises(InputError, match=f"--hours='{text}': a positive number of hours"):
        read_hours(text)


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "²"])
def test_devices_must_be_a_whole_number(text):
    with pytest.raises(InputError, match=f"ECG12_DEVICES='{text}': a whole number from 1 on"):
        Settings.from_env({"ECG12_DEVICES": text})


def test_an_empty_salt_is_refused_and_none_is_shown():
    with pytest.raises(InputError, match="ECG12_SALT=' ': the salt of patient keys is empty"):
        Settings.from_env({"ECG12_SALT": " "})
    assert "secret" not in repr(Settings.from_env(ALL))
