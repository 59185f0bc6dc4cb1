"""Which recordings of a folder have labels: headers, label tables, MUSE files, patients."""

import errno
import os
import re

import numpy as np
import pytest

from ecg12.data.dataset import prepare_folder
from ecg12.data.splits import split
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.formats import read_any
from ecg12.io.label_table import LabelTable
from ecg12.io.leads import LEADS
from ecg12.io.manifest import build_manifest
from ecg12.io.record import Record
from ecg12.io.wfdb import write_record
from ecg12.runtime.errors import InputError
from ecg12.signal.preprocessing import Preprocessing, prepare
from ecg12.synthetic.muse import generate_muse
from stress.faulty_files import Fault, faulty_files

CLASSES = load_weights(WEIGHTS)
SHORT = Preprocessing(seconds=1.0, margin=0.5)
AF, NSR = "164889003", "426783006"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Two MUSE files in a folder, and one challenge recording with a code in its header."""
    folder = tmp_path_factory.mktemp("archive")
    generate_muse(folder / "muse", 2)
    signals = np.random.default_rng(0).normal(size=(12, 600))
    (folder / "wfdb").mkdir()
    write_record(folder / "wfdb", Record.from_millivolts("A1", signals, LEADS, 500.0, codes=(AF,)))
    return folder


RECORDINGS = ("wfdb/A1", "muse/S00001", "muse/S00000", "muse/gone")
TABLE = LabelTable(RECORDINGS, ("p", "q", "p", ""), ((NSR,), (NSR,), (NSR,), ()))


def test_a_table_labels_files_of_any_format_and_overrules_headers(archive, tmp_path, caplog):
    dataset = prepare_folder(archive, tmp_path, SHORT, CLASSES, n_jobs=1, labels=TABLE)
    assert dataset.names == ("muse/S00000", "muse/S00001", "wfdb/A1")
    assert dataset.patients == ("p", "q", "p")
    np.testing.assert_array_equal(dataset.targets.nonzero()[1], [CLASSES.normal] * 3)
    record = read_any(archive / "muse" / "S00001.xml", SHORT.needed_seconds)
    np.testing.assert_array_equal(dataset.signals[1], prepare(record, SHORT))
    assert "1 of 4 recordings of the label table are not there, such as 'muse/gone'" in caplog.text


def test_without_a_table_muse_files_are_left_out_and_counted(archive, caplog):
    listing = build_manifest(archive)
    assert listing.names == ("wfdb/A1",)
    assert listing.codes == ((AF,),)
    assert listing.patients == ()
    assert "left out: 2 of 3 recordings have no header" in caplog.text
    with pytest.raises(InputError, match="all 2 recordings have no header, which holds the codes"):
        build_manifest(archive / "muse")


def test_a_file_that_cannot_be_looked_at_costs_no_other(archive, caplog):
    """The n-th look at one file fails, and all later ones."""
    with faulty_files(archive) as usual:
        build_manifest(archive)
    looks = [n for n, (_, path) in enumerate(usual.operations, 1) if path.endswith("S00001.xml")]
    assert looks
    for n in looks:
        caplog.clear()
        with faulty_files(archive, n, Fault(errno.EACCES, lasting=True)):
            assert build_manifest(archive).names == ("wfdb/A1",)
        assert caplog.text.count("S00001.xml: Permission denied") == 1


def test_recordings_that_differ_only_in_suffix_are_named(tmp_path, caplog):
    """One is used, the first; a label table cannot tell them apart."""
    header = b"0".ljust(184) + b"512".ljust(8) + bytes(64)  # by which EDF is known
    for name in ("P1.edf", "P1.rec", "P1.bdf", "P2.edf"):
        (tmp_path / name).write_bytes(header)
    table = LabelTable(("P1", "P2"), ("a", "b"), ((NSR,), (NSR,)))
    listing = build_manifest(tmp_path, table)
    assert listing.names == ("P1", "P2")
    assert listing.paths == (tmp_path / "P1.bdf", tmp_path / "P2.edf")
    lines = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert lines == [
        f"left out: {tmp_path / name}: the name P1 belongs to {tmp_path / 'P1.bdf'}"
        for name in ("P1.edf", "P1.rec")
    ]


def test_recordings_without_a_row_are_left_out_not_negative(archive, caplog):
    table = LabelTable(("muse/S00001",), ("",), ((),))
    listing = build_manifest(archive, table)
    assert listing.names == ("muse/S00001",)
    assert listing.patients == ()  # none is known
    assert "left out: 2 of 3 recordings are not in the label table" in caplog.text
    with pytest.raises(InputError, match="all 3 recordings are not in the label table, such as"):
        build_manifest(archive, LabelTable(("x",), ("",), ((),)))


def test_the_recording_that_a_table_lacks_is_named_not_one_that_it_has(archive, caplog):
    for has, lacks in (("wfdb/A1", "muse/S0000"), ("muse/S00001", "wfdb/A1|muse/S00000")):
        caplog.clear()
        build_manifest(archive, LabelTable((has,), ("",), ((),)))
        assert re.search(f"not in the label table, such as '({lacks})", caplog.text)


def test_patients_that_are_known_in_part_are_counted(archive, caplog):
    table = LabelTable(TABLE.recordings, ("p", "", "p", ""), TABLE.codes)
    assert build_manifest(archive, table).patients == ("p", "", "p")
    assert "names no patient for 1 of 3 recordings" in caplog.text


def test_digest_follows_files_labels_and_patients(archive):
    before = build_manifest(archive, TABLE).digest
    assert build_manifest(archive, TABLE).digest == before
    codes = LabelTable(TABLE.recordings, TABLE.patients, ((AF,), *TABLE.codes[1:]))
    patients = LabelTable(TABLE.recordings, ("q", *TABLE.patients[1:]), TABLE.codes)
    digests = {build_manifest(archive, table).digest for table in (codes, patients)}
    path = archive / "muse" / "S00000.xml"
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    digests.add(build_manifest(archive, TABLE).digest)
    assert len(digests | {before}) == 4


def test_no_patient_is_in_two_parts_and_patients_are_divided_60_20_20():
    rng = np.random.default_rng(0)
    patients = [f"p{i}" for i in rng.integers(100, size=700)] + [""] * 50
    parts = split(750, 3, patients)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(750))
    known = {name: {patients[i] for i in part} - {""} for name, part in parts.items()}
    assert not known["training"] & known["validation"]
    assert not (known["training"] | known["validation"]) & known["test"]
    unknown = {name: sum(not patients[i] for i in part) for name, part in parts.items()}
    counts = {name: len(known[name]) + unknown[name] for name in parts}
    assert counts == {"training": 90, "validation": 30, "test": 30}


def test_one_patient_alone_trains_and_validates():
    parts = split(3, 0, ["p", "p", "p"])
    assert {name: part.tolist() for name, part in parts.items()} == {
        "training": [0, 1, 2], "validation": [0, 1, 2], "test": []
    }  # fmt: skip
