"""XML of strangers: every encoding, the name of the root, numbers of a text; hostile files."""

import codecs
import time
import tracemalloc

import numpy as np
import pytest

from ecg12.io.xml_file import (
    LARGEST_FILE,
    MOST_MARKS,
    attribute,
    finite,
    number,
    numbers,
    read_root,
    root_name,
    text,
)  # fmt: skip
from ecg12.runtime.errors import RecordError

WESTERN = "Müller ST-Hebung 1°"
DOCTYPE = '<!DOCTYPE root SYSTEM "http://example.org/root.dtd">'


def document(said, declared=None, before=""):
    declaration = f'<?xml version="1.0" encoding="{declared}"?>\n' if declared else ""
    return f'{declaration}{before}<root a="1"><name>{said}</name></root>'


@pytest.fixture
def parse(tmp_path):
    """Write bytes to a file and read its root."""

    def write_and_read(data, *names):
        path = tmp_path / "ecg.xml"
        path.write_bytes(data)
        return read_root(path, *(names or ("root",)))

    return write_and_read


@pytest.mark.parametrize(
    ("declared", "encoding", "mark", "said"),
    [
        (None, "utf-8", b"", WESTERN),
        (None, "utf-8", codecs.BOM_UTF8, WESTERN),
        (None, "latin-1", b"", WESTERN),
        ("UTF-8", "utf-8", b"", WESTERN),
        ("utf-8", "utf-8", codecs.BOM_UTF8, WESTERN),
        ("ISO-8859-1", "latin-1", b"", WESTERN),
        ("ISO8859-1", "latin-1", b"", WESTERN),
        ("ISO-8859-1", "utf-8", codecs.BOM_UTF8, WESTERN),
        ("windows-1252", "cp1252", b"", WESTERN),
        ("ISO-8859-15", "iso8859-15", b"", WESTERN),
        ("US-ASCII", "utf-8", b"", WESTERN),
        ("UTF-16", "utf-16-le", codecs.BOM_UTF16_LE, WESTERN),
        ("UTF-16", "utf-16-be", codecs.BOM_UTF16_BE, WESTERN),
        ("UTF-16", "utf-16-le", b"", WESTERN),
        ("utf-16", "utf-16-be", b"", WESTERN),
        (None, "utf-16-le", codecs.BOM_UTF16_LE, WESTERN),
        (None, "utf-16-be", b"", WESTERN),
        ("UTF-16", "utf-8", b"", WESTERN),  # as programs write that change text, not declaration
        ("UTF-8", "utf-16-le", codecs.BOM_UTF16_LE, WESTERN),
        ("UTF-32", "utf-32-le", codecs.BOM_UTF32_LE, WESTERN),
        ("UTF-32", "utf-32-be", codecs.BOM_UTF32_BE, WESTERN),
        ("GB2312", "gb2312", b"", "正常心电图"),
        ("gb2312", "gbk", b"", "張氏"),
        ("GB18030", "gb18030", b"", "正常心电图"),
        ("Big5", "big5", b"", "正常心電圖"),
        ("Shift_JIS", "shift_jis", b"", "正常範囲 ソ表"),
        ("EUC-JP", "euc_jp", b"", "正常範囲"),
        ("EUC-KR", "euc_kr", b"", "정상"),
        ("windows-1251", "cp1251", b"", "Норма"),
        ("KOI8-R", "koi8_r", b"", "Норма"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", f"{DOCTYPE}\n<!-- made <by> hand -->\n"])
def test_encodings(parse, declared, encoding, mark, said, before):
    data = mark + document(said, declared, before).encode(encoding)
    assert text(parse(data), "name") == said
    assert root_name(data) == "root"
    assert root_name(data.ljust(5000, b" ")[:4096]) == "root"


def test_one_letter_in_another_encoding_costs_one_letter(parse):
    data = document("Müller", "UTF-8").encode("latin-1")
    assert text(parse(data), "name") == "M\ufffdller"


@pytest.mark.parametrize(
    "declared", ["Smithers", "utf-7", "idna", "punycode", "unicode_escape", "base64", "zlib", "hex"]
)
def test_encodings_that_are_none(parse, declared):
    data = document("", declared).encode()
    with pytest.raises(RecordError, match=r"ecg\.xml: .* unknown encoding") as caught:
        parse(data)
    assert declared not in str(caught.value)
    assert root_name(data) is None


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"<a/>", "a"),
        (b"\r\n  <a>", "a"),
        (b"<?xml version='1.0'?><?style x?><!-- <b> --><a x='1'>", "a"),
        (b'<n:a xmlns:n="urn:x">', "a"),
        (b"<!-- no end", None),
        (b"<a", None),
        (b"no XML", None),
        (b"", None),
        (b"\0", None),
        (bytes(range(256)) * 16, None),
    ],
)
def test_root_name(head, name):
    assert root_name(head) == name


def test_namespaces_are_dropped(parse):
    xml = b'<n:r xmlns:n="urn:n" xmlns:x="urn:x"><n:name> a </n:name><n:v x:type=" PQ"/></n:r>'
    root = parse(xml, "other", "r")
    assert text(root, "name") == "a"
    assert attribute(root.find("v"), "type") == "PQ"
    assert attribute(root.find("v"), "z") == attribute(None, "z") == text(None, "name") == ""


def test_another_root_is_refused(parse):
    with pytest.raises(RecordError, match=r"ecg\.xml: the root element is not a or b"):
        parse(b"<c/>", "a", "b")


@pytest.mark.parametrize(
    ("written", "value"), [("5", 5), (" 2.5e-3 ", 0.0025), ("-1", -1), ("x", None), ("inf", None)]
)
def test_one_number(parse, written, value):
    expected = np.nan if value is None else value
    root = parse(f"<root><n>{written}</n></root>".encode())
    np.testing.assert_equal([number(root, "n"), finite(written)], [expected, expected])
    assert np.isnan(number(root, "absent"))


@pytest.mark.parametrize(
    ("written", "separators", "values"),
    [
        ("1 -2\n\t+3\r\n", "", [1, -2, 3]),
        ("1.5 -.5 2. 1e3 4", "", [1.5, -0.5, 2, 1000, 4]),
        ("1,-2,\n3,\t4,", ",", [1, -2, 3, 4]),
        ("1;2,3", ",;", [1, 2, 3]),
        ("  ", ",", []),
        ("1,,2", ",", None),
        (",1", ",", None),
        ("1,2", "", None),
        ("1 nan", "", None),
        ("0x10", "", None),
        ("1-2", "", None),
        ("1\u00a02", "", None),
        ("\u0661", "", None),
        ("1 \ufffd", "", None),
    ],
)
def test_many_numbers(written, separators, values):
    found = numbers(written, separators)
    if values is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found, values)
        assert found.dtype == (np.float64 if "." in written else np.int64)


def test_numbers_beyond_64_bits_saturate():
    np.testing.assert_array_equal(numbers("9" * 30), [2**63 - 1])


@pytest.mark.parametrize("unit", ["1 ", "1,", "1-", " ", ",", "1" * 50, "1.", "1e"])
def test_numbers_take_linear_time_and_little_memory(unit):
    written = unit * (2**21 // len(unit))
    tracemalloc.start()
    start = time.perf_counter()
    numbers(written, ",")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.perf_counter() - start < 2
    assert peak < 20 * 2**21


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not well-formed XML at line 1, column 0"),
        (b"<root>", "not well-formed"),
        (b"<root>&undeclared;</root>", "not well-formed"),
        (b"\0" * 1000, "not well-formed"),
        ("<root>\ud800</root>".encode("utf-16-le", "surrogatepass"), None),
        (b'<!DOCTYPE root [<!ENTITY a "b">]><root>&a;</root>', "declares XML entities"),
        (b"<a>" * (MOST_MARKS + 1), f"more than {MOST_MARKS} XML tags or attributes"),
        (("<a>" * (MOST_MARKS + 1)).encode("utf-16"), f"more than {MOST_MARKS} XML tags"),
        (b" " * (LARGEST_FILE + 1), f"larger than {LARGEST_FILE} bytes"),
    ],
    ids=range(9),
)
def test_damaged_and_hostile_files(parse, data, reason):
    if reason is None:  # the lone surrogate becomes U+FFFD
        assert parse(data).text == "\ufffd"
        return
    with pytest.raises(RecordError, match=rf"ecg\.xml: {reason}"):
        parse(data)
