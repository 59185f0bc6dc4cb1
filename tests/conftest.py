"""Fixtures that several chapters share: simple recordings, and the reference data if present."""

import logging
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from ecg12.io.leads import LEADS
from ecg12.io.record import Record

with warnings.catch_warnings():  # wfdb warns about pandas while it is imported
    warnings.simplefilter("ignore")
    import wfdb  # noqa: F401

ROOT = Path(__file__).parent.parent


def ecg(rate, seconds, seed=0):
    """Return (12, n) mV: a beat every 0.8 s, wander and noise; Einthoven's law holds exactly."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(rate * seconds)) / rate
    phase = (times + 0.4) % 0.8 - 0.4
    beat = np.exp(-0.5 * (phase / 0.012) ** 2) + 0.25 * np.exp(-0.5 * ((phase - 0.25) / 0.04) ** 2)
    sizes = np.array([0.7, 1.1, -0.6, 0.4, 0.9, 1.4, 1.2, 0.8])[:, None]  # I, II, V1 to V6
    measured = sizes * (beat + 0.2 * np.sin(2 * np.pi * 0.3 * times))
    measured += rng.normal(0, 0.01, measured.shape)
    one, two, *chest = measured
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.array([*limb, *chest])


@pytest.fixture(autouse=True)
def usual_log():
    """Let a program's choice of what is logged end with its test."""
    log = logging.getLogger("ecg12")
    level = log.level
    yield
    log.setLevel(level)


@pytest.fixture
def make_ecg():
    """Return the function `ecg`: a simple 12-lead signal in mV, not quantised."""
    return ecg


@pytest.fixture
def make_record():
    """Return a function that makes a simple recording of any of the twelve leads."""

    def make(name="A0001", *, rate=500, seconds=10, leads=LEADS, seed=0, **options):
        signals = ecg(rate, seconds, seed)[[LEADS.index(lead) for lead in leads]]
        return Record.from_millivolts(name, signals, leads, rate, **options)

    return make


@pytest.fixture(scope="module")
def module_record():
    """Return a simple recording of twelve leads."""
    return Record.from_millivolts("A0001", ecg(500, 10), LEADS, 500)


@pytest.fixture(scope="session")
def shared():
    """Return the folder of reference tables and real recordings, or skip."""
    folder = Path(os.environ.get("ECG12_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}; set ECG12_SHARED to its folder")
    return folder
