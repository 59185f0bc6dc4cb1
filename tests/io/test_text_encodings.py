"""Every text that a user gives is read alike in each encoding and with each line end."""

import codecs

import numpy as np
import pytest

from ecg12.cli.options import read_salt
from ecg12.io.class_table import read_classes
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.known_labels import read_labelled_classes
from ecg12.io.label_table import read_label_table
from ecg12.io.manifest import build_manifest
from ecg12.io.patients import read_patients
from ecg12.io.wfdb import read_record, write_record
from ecg12.labelling.sources import Columns, table_statements

NAME = "M\u00fcller"  # a letter that all of these encodings have
ENCODINGS = {
    "UTF-8": lambda text: text.encode(),
    "UTF-8 with mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "UTF-16 LE with mark": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "UTF-16 BE with mark": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "UTF-16 LE": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE": lambda text: text.encode("utf-16-be"),
    "Latin-1": lambda text: text.encode("latin-1"),
    "cp1252": lambda text: text.encode("cp1252"),
}
LINE_ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}
EVERY_TEXT = [
    pytest.param(encode, end, id=f"{name}, {ends}")
    for name, encode in ENCODINGS.items()
    for ends, end in LINE_ENDS.items()
]
every_text = pytest.mark.parametrize(("encode", "end"), EVERY_TEXT)


def written(path, text, encode, end):
    path.write_bytes(encode(text.replace("\n", end)))
    return path


@every_text
def test_label_tables(tmp_path, encode, end):
    codes = ("270492004", "164889003")
    text = f"recording,patient,{','.join(codes)}\n{NAME}/a,{NAME},0,1\n{NAME}/b,,,1\n"
    table = read_label_table(written(tmp_path / "labels.csv", text, encode, end), codes)
    assert table.recordings == (f"{NAME}/a", f"{NAME}/b")
    assert table.patients == (NAME, "")
    assert table.codes == (codes[1:], codes[1:])
    assert table.unknown == ((), codes[:1])


@every_text
def test_weights(tmp_path, encode, end):
    text = WEIGHTS.read_text(encoding="utf-8")
    found = load_weights(written(tmp_path / "weights.csv", text, encode, end))
    assert found.groups == load_weights(WEIGHTS).groups
    np.testing.assert_array_equal(found.weights, load_weights(WEIGHTS).weights)


@every_text
def test_class_tables(tmp_path, encode, end):
    text = f"code,abbreviation,name\n1,A,{NAME}\n2,B,two\n"
    found = read_classes(written(tmp_path / "classes.csv", text, encode, end))
    assert (found.columns, found.titles) == (("1", "2"), (NAME, "two"))


@every_text
def test_labelled_classes(tmp_path, encode, end):
    text = f"database,codes\n{NAME},270492004 164889003\n"
    found = read_labelled_classes(written(tmp_path / "labelled.csv", text, encode, end))
    assert NAME in repr(found)


@every_text
def test_tables_of_patients(tmp_path, encode, end):
    text = f"recording,patient\n{NAME}/a,{NAME}\nb,p2\n"
    path = written(tmp_path / "patients.csv", text, encode, end)
    assert read_patients(path, [f"{NAME}/a.hea", "b"]) == [NAME, "p2"]


@every_text
def test_tables_of_statements(tmp_path, encode, end):
    text = f'study,text\ns1,"seen by {NAME}, sinus rhythm"\ns2,AF\n'
    path = written(tmp_path / "statements.csv", text, encode, end)
    found = list(table_statements(path, Columns("study", ("text",))))
    assert [one.recording for one in found] == ["s1", "s2"]
    assert [one.segments for one in found] == [(f"seen by {NAME}, sinus rhythm",), ("AF",)]


@every_text
def test_salts(tmp_path, encode, end):
    assert read_salt(written(tmp_path / "salt", f"{NAME}\n", encode, end)) == NAME


@every_text
def test_headers(tmp_path, make_record, encode, end):
    write_record(tmp_path, make_record(seconds=1, age=61, codes=("164889003",)))
    header, usual = tmp_path / "A0001.hea", read_record(tmp_path / "A0001")
    text = header.read_text().replace("#Hx: Unknown", f"#Hx: {NAME}")
    written(header, text, encode, end)
    found = read_record(tmp_path / "A0001")
    assert (found.leads, found.age, found.codes) == (usual.leads, 61, ("164889003",))
    np.testing.assert_array_equal(found.millivolts, usual.millivolts)
    assert build_manifest(tmp_path).codes == (("164889003",),)
