"""Tables as spreadsheets and databases write them: every encoding, line end and delimiter."""

import codecs
import csv
import tracemalloc

import pytest

from ecg12.runtime import csv_tables
from ecg12.runtime.csv_tables import format_rows, read_rows, read_table, write_rows
from ecg12.runtime.errors import InputError

MARKED = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
UNMARKED = ("utf-8", "utf-16-le", "utf-16-be", "cp1252", "latin-1")


@pytest.fixture
def table(tmp_path):
    """Return a function that writes a table's text or bytes and returns its path."""

    def write(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def rows(path):
    return [cells for _, cells in read_rows(path)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [*((mark, name) for name, mark in MARKED.items()), *((b"", name) for name in UNMARKED)],
)
def test_every_encoding_and_line_end(table, mark, encoding, end):
    text = end.join(["name,größe", "Müller,1", "Ångström,2", ""])
    expected = [["name", "größe"], ["Müller", "1"], ["Ångström", "2"]]
    assert rows(table(mark + text.encode(encoding))) == expected


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_blank_lines_above_the_columns_do_not_hide_the_delimiter(table, delimiter):
    path = table(f"\n  \npath{delimiter}age\nx{delimiter}3\n")
    assert list(read_table(path, ["path"]).records()) == [(4, {"path": "x", "age": "3"})]
    assert rows(path) == [["path", "age"], ["x", "3"]]


def test_bytes_without_meaning_in_cp1252_are_latin_1(table):
    everything = bytes(range(0x80, 0x100))
    assert rows(table(b"a," + everything + b"\n")) == [["a", everything.decode("latin-1")]]
    known = bytes(set(everything) - {0x81, 0x8D, 0x8F, 0x90, 0x9D})
    assert rows(table(b"a," + known + b"\n")) == [["a", known.decode("cp1252")]]


@pytest.mark.slow
def test_the_encoding_of_a_late_character_counts_for_the_whole_table(table):
    ascii_rows = b"abc,1\n" * 400_000  # more than is decoded at a time
    assert rows(table(ascii_rows + "é,2\n".encode()))[-1] == ["é", "2"]
    assert rows(table(ascii_rows + b"\xe9,2\n"))[-1] == ["é", "2"]


def test_a_character_that_is_cut_by_the_chunks_is_whole(table, monkeypatch):
    monkeypatch.setattr(csv_tables, "CHUNK", 3)
    for encoding in ("utf-8", "utf-16"):
        assert rows(table("aé€,𝄞\r\nb,c".encode(encoding))) == [["aé€", "𝄞"], ["b", "c"]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_quoted_cells_keep_delimiters_quotes_and_line_breaks(table, end):
    path = table(f'a,b{end}"x,{end}y","he said ""no"""{end}{end}5" lead,z{end}')
    assert list(read_rows(path)) == [
        (1, ["a", "b"]), (2, [f"x,{end}y", 'he said "no"']), (5, ['5" lead', "z"]),
    ]  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_recognised(table, delimiter):
    path = table(delimiter.join(["a", '"b,c;d\te,;\t,;\t"', "f"]) + "\n")
    assert rows(path) == [["a", "b,c;d\te,;\t,;\t", "f"]]
    names = table(delimiter.join(["a", "b", "x,y;z" if delimiter == "\t" else "x\ty\tz"]))
    assert read_table(names, ["a", "b"]).delimiter == delimiter


def test_blank_lines_are_no_rows(table):
    assert list(read_rows(table("\n a\n  \n\nb,c\n\n"))) == [(2, [" a"]), (5, ["b", "c"])]
    assert rows(table("")) == []
    assert rows(table("\ufeff")) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'a,b\n1,2\n"3,4\n5,6\n', r"table.csv, line 3: a quote is opened here and never closed"),
        (b'"', r"line 1: a quote is opened"),
        ("é\r\nx\ry\n".encode() + b"\xe9", r"line 4: not a text in UTF-8; save it as UTF-8"),
        (codecs.BOM_UTF8 + b"a\n\xff", r"line 2: not a text in UTF-8"),
        (codecs.BOM_UTF16_LE + "a\nb".encode("utf-16-le") + b"\0", r"line 2: not a text in UTF-16"),
        (b"a,b\r\n1,\0", r"line 2: a zero byte: not a text"),
        (b"\x89PNG\r\n\x1a\n\0\0", r"line 3: a zero byte"),
    ],
)
def test_what_is_no_table_is_named_with_its_line(table, content, message):
    with pytest.raises(InputError, match=message):
        rows(table(content))


@pytest.mark.parametrize("chunk", [1, 2, 3, 2**20])
def test_lines_before_a_fault_are_counted_across_chunks(table, chunk, monkeypatch):
    monkeypatch.setattr(csv_tables, "CHUNK", chunk)
    with pytest.raises(InputError, match="table.csv, line 5: not a text"):
        rows(table("ä\r\nb\rc\n\r\n".encode() + b"\xe9\n"))


def test_cells_and_lines_that_are_too_long_are_named(table, monkeypatch):
    monkeypatch.setattr(csv_tables, "LONGEST", 1000)
    with pytest.raises(InputError, match="line 2: longer than 1000 characters"):
        rows(table("a\n" + "x" * 1001 + "\n"))
    with pytest.raises(InputError, match="line 2: no row of a table"):
        rows(table('a\n"' + "x\n" * 600 + '"\n'))


def test_a_folder_or_a_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(IsADirectoryError):
        read_rows(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "no.csv")


def test_columns_are_required_and_rows_checked(table):
    path = table(" a ,b,c\n1, 2 ,3\n\n4,5\n")
    found = read_table(path, ["c", "a"])
    assert found.columns == ("a", "b", "c")
    records = found.records()
    assert next(records) == (2, {"a": "1", "b": "2", "c": "3"})
    with pytest.raises(InputError, match=r"table.csv, line 4: 2 cells, but 3 columns"):
        next(records)
    with pytest.raises(InputError, match=r"table.csv: no column 'd', 'e'; columns: a, b, c"):
        read_table(path, ["a", "d", "e"])
    with pytest.raises(InputError, match=r"table.csv: no column 'a'; columns: none"):
        read_table(table(""), ["a"])
    with pytest.raises(InputError, match=r"column 'a' occurs twice"):
        read_table(table("a,b,a\n"), ["a"])
    assert read_table(table("a,b,b\n"), ["a"]).columns == ("a", "b", "b")


def test_what_is_written_is_read_by_python_s_own_reader(tmp_path):
    path = tmp_path / "t.csv"
    cells = [["a", "b"], ["x,\ny", 'say "é"'], ["", None], [1, 0.1], ["\udce9", "#"]]
    write_rows(path, cells)
    assert path.read_bytes() == b'a,b\n"x,\ny","say ""\xc3\xa9"""\n,\n1,0.1\n\\udce9,#\n'
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1] == ["x,\ny", 'say "é"']
    assert rows(path)[1] == ["x,\ny", 'say "é"']
    assert format_rows(cells[:2]) == 'a,b\n"x,\ny","say ""é"""\n'
    write_rows(path, [["a", "b;c"]], ";")
    assert path.read_text() == 'a;"b;c"\n'


def test_a_table_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "t.csv"
    write_rows(path, [["old"]])

    def cells():
        yield ["new"]
        assert path.read_text() == "old\n"
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_rows(path, cells())
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_large_table_takes_little_memory(tmp_path):
    path = tmp_path / "t.csv"
    write_rows(path, (("recording" * 10, str(i)) for i in range(200_000)))  # 19 MB
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_rows(path)) == 200_000
        assert tracemalloc.get_traced_memory()[1] < 8e6
    finally:
        tracemalloc.stop()
