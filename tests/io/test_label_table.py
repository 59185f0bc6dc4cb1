"""Label tables: one normal form for every spelling, cells checked, written whole or not at all."""

from pathlib import Path, PureWindowsPath

import pytest

from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.label_table import (
    normal_form,
    read_label_table,
    write_label_rows,
)
from ecg12.runtime.errors import InputError

COLUMNS = ("164889003", "426783006")
HEADER = "recording,patient,164889003,426783006\n"


def read(tmp_path, text, columns=COLUMNS):
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode())
    return read_label_table(path, columns)


@pytest.mark.parametrize(
    "spelling",
    [
        "g1/A0001", "g1/A0001.hea", "g1/A0001.mat", "g1/A0001.dat", "g1/A0001.XML", "./g1/A0001",
        " g1/A0001 ", "g1\\A0001.xml", Path("g1/A0001.hea"), PureWindowsPath("g1\\A0001.xml"),
    ],
)  # fmt: skip
def test_every_spelling_of_a_recording_has_one_normal_form(spelling):
    assert normal_form(spelling) == "g1/A0001"


@pytest.mark.parametrize("name", ["2004/v1.2", "rec.5", "a.hea.b"])
def test_a_dot_in_a_name_is_no_suffix(name):
    assert normal_form(name) == name


def test_the_file_has_one_column_per_plain_code_of_the_weights(tmp_path):
    rows = [("b/S1.xml", "ab12", ("164889003", "999")), ("S2", "", ())]
    write_label_rows(tmp_path / "labels.csv", rows)
    head, first, second = (tmp_path / "labels.csv").read_text().splitlines()
    codes = Path(WEIGHTS).read_text().splitlines()[0].split(",")[1:]  # 27, as in the file
    columns = head.split(",")
    assert columns[:2] == ["recording", "patient"]
    assert sorted(columns[2:]) == sorted(codes)
    assert len(codes) == 27
    cells = dict(zip(columns, first.split(","), strict=True))
    assert (cells.pop("recording"), cells.pop("patient")) == ("b/S1", "ab12")
    assert [code for code, cell in cells.items() if cell == "1"] == ["164889003"]
    assert second == "S2," + ",0" * 27


def test_what_is_written_is_read_and_encoded(tmp_path):
    classes = load_weights(WEIGHTS)
    rows = [("a", "k1", ("59118001", "713427006")), ("b", "k1", ()), ("c", "", ("426783006",))]
    write_label_rows(tmp_path / "labels.csv", iter(rows))
    table = read_label_table(tmp_path / "labels.csv")
    assert len(table) == 3
    assert table.recordings == ("a", "b", "c")
    assert table.patients == ("k1", "k1", "")
    assert table.row_of["c"] == 2
    targets = classes.encode(table.codes)
    assert [tuple(row.nonzero()[0]) for row in targets] == [
        (classes.names.index("CRBBB"),),
        (),
        (classes.normal,),
    ]


def test_columns_in_any_order_blank_lines_and_a_byte_order_mark(tmp_path):
    table = read(tmp_path, "\ufeff426783006,recording,164889003,patient\n1,x.mat, 0 ,p\n\n")
    assert (table.recordings, table.patients, table.codes) == (("x",), ("p",), (("426783006",),))


def test_columns_of_other_codes_may_stand_beside_one_s_own(tmp_path):
    """So that `finetune --classes` takes what `label` writes for all scored codes."""
    table = read(tmp_path, "recording,patient,10370003,164889003,426783006\nx,p,1,0,1\n")
    assert table.codes == (("426783006",),)
    whole = ",".join(["recording", "patient", *load_weights(WEIGHTS).columns])
    (tmp_path / "labels.csv").write_text(f"{whole},1\n")
    with pytest.raises(InputError, match="does not know '1'"):
        read_label_table(tmp_path / "labels.csv")  # the table of weights knows all that it scores


def test_keys_may_be_any_text_and_other_columns_are_named(tmp_path, caplog):
    keys = ("NORM", "AFIB", "1° AVB; nos")
    text = "recording,patient,AFIB,age,1° AVB; nos,NORM,10370003\nx,p,1,61,0,1,0\n"
    table = read(tmp_path, text, keys)
    assert table.codes == (("NORM", "AFIB"),)
    assert "labels.csv: columns of no class are left out: age" in caplog.text
    assert "10370003" not in caplog.text
    rows = zip(table.recordings, table.patients, table.codes, strict=True)
    write_label_rows(tmp_path / "again.csv", rows, keys)
    expected = "recording,patient,NORM,AFIB,1° AVB; nos\nx,p,1,1,0\n"
    assert (tmp_path / "again.csv").read_text(encoding="utf-8") == expected
    with pytest.raises(InputError, match="misses 'LVH'"):
        read(tmp_path, text, ("NORM", "LVH"))


def test_a_table_without_rows(tmp_path):
    assert len(read(tmp_path, HEADER)) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"labels.csv: no column 'recording', 'patient'; columns: none"),
        ("recording,patient,164889003\n", r"misses '426783006'.*164889003 426783006"),
        (HEADER.replace("\n", ",164889003\n"), r"has twice '164889003'"),
        (HEADER.replace("\n", ",patient\n"), r"column 'patient' occurs twice"),
        (HEADER + "x,,1,0\ny,,1,yes\n", r"labels.csv, line 3, column 426783006: 'yes' is neither"),
        (HEADER + "x,,1,2\n", r"line 2, column 426783006: '2' is neither 0 nor 1, nor empty"),
        (HEADER + "x,,1\n", r"line 2: 3 cells, but 4 columns"),
        (HEADER + "x,,1,0,0\n", r"line 2: 5 cells"),
        (HEADER + "x,,1,0\n./x.hea,,1,0\n", r"line 3: 'x' is in line 2 already"),
        (HEADER + ",,1,0\n", r"line 2: no name of a recording"),
    ],
)
def test_a_malformed_table_is_an_error_that_names_file_line_and_value(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_as_spreadsheets_save_it(tmp_path, encoding, delimiter):
    text = (HEADER + "Müller,k,1,0\n").replace(",", delimiter).replace("\n", "\r\n")
    (tmp_path / "labels.csv").write_bytes(text.encode(encoding))
    table = read_label_table(tmp_path / "labels.csv", COLUMNS)
    assert (table.recordings, table.codes) == (("Müller",), (("164889003",),))


def test_bytes_that_are_no_text_are_an_error(tmp_path):
    (tmp_path / "labels.csv").write_bytes(HEADER.encode() + b"a\0b,,1,0\n")
    with pytest.raises(InputError, match=r"labels.csv, line 2: a zero byte"):
        read_label_table(tmp_path / "labels.csv", COLUMNS)


def test_a_write_that_fails_leaves_the_old_table(tmp_path):
    path = tmp_path / "labels.csv"
    write_label_rows(path, [("a", "", ())], COLUMNS)
    before = path.read_bytes()

    def rows():
        yield "b", "", ()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_label_rows(path, rows(), COLUMNS)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
