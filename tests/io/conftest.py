"""Fixtures of the readers of files: damaged copies, and an independent reader."""

import random
import time
import tracemalloc

import pytest

from ecg12.io.record import Record
from ecg12.runtime.errors import RecordError

MOST_SECONDS, MOST_BYTES = 2.0, 200e6  # of processor time, and memory, that a damaged file may take


def damaged(data, seed):
    """Return a copy with one to eight faults: bytes changed, doubled, taken out, cut off."""
    chance, copy = random.Random(seed), bytearray(data)
    for _ in range(chance.randint(1, 8)):
        near = chance.random() < 0.5  # half of the faults in the header
        at = chance.randrange(max(1, min(len(copy), 2000) if near else len(copy)))
        kind, size = chance.randrange(5), chance.choice([1, 2, 4, 30, 500])
        if kind == 0:
            copy[at : at + size] = chance.randbytes(len(copy[at : at + size]))
        elif kind == 1:
            copy[at : at + size] = copy[at : at + size] * 2
        elif kind == 2:
            del copy[at : at + size]
        elif kind == 3:
            copy[at : at + 1] = chance.choice([b"\0", b"\xff", b"9", b"-", b"<", b",", b"e"])
        elif chance.random() < 0.3:
            del copy[at:]
    return bytes(copy)


@pytest.fixture
def survives(tmp_path):
    """Return a check: of 30 damaged copies each is read or refused with a word, soon and small."""

    def check(read, data, suffix, n=30):
        refused = 0
        for seed in range(n):
            path = tmp_path / f"damaged{seed}{suffix}"
            path.write_bytes(damaged(data, seed))
            tracemalloc.start()
            begun = time.process_time()
            try:
                record, reason = read(path), None
            except RecordError as error:
                record, reason = None, str(error)
            assert time.process_time() - begun < MOST_SECONDS
            assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
            tracemalloc.stop()
            assert isinstance(record, Record) or str(path) in reason
            refused += record is None
            path.unlink()
        assert refused

    return check


@pytest.fixture
def independent():
    """Return a function that reads a file with ecgdatakit: lead → mV, and the rate in Hz."""
    ecgdatakit = pytest.importorskip("ecgdatakit", reason="ecgdatakit is not installed")
    millivolts = {"nV": 1e-6, "uV": 1e-3, "mV": 1.0, "V": 1e3}

    def read(path):
        leads = ecgdatakit.FileParser().parse(str(path)).leads
        physical = [lead.to_physical() if lead.is_raw else lead for lead in leads]
        signals = {lead.label: lead.samples * millivolts[lead.units] for lead in physical}
        return signals, leads[0].sampling_rate

    return read
