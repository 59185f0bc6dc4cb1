"""Headers: both dialects and every quirk that the challenge contract lists."""

import numpy as np
import pytest

from ecg12.io.headers import Header, SignalLine, parse_comments, parse_header
from ecg12.io.leads import LEADS, standard_lead
from ecg12.io.wfdb_write import format_header
from ecg12.runtime.errors import RecordError

DIALECT_A = (
    "A0001 12 500 7500 05-Feb-2020 11:39:16\n"
    + "".join(f"A0001.mat 16+24 1000/mV 16 0 28 -1716 0 {lead}\n" for lead in LEADS)
    + "#Age: 74\n#Sex: Male\n#Dx: 426783006,59118001\n#Rx: Unknown\n#Hx: Unknown\n#Sx: Unknown\n"
)
DIALECT_B = (
    "HR06009 12 500 5000\n"
    + "".join(f"HR06009.mat 16x1+24 1000.0(0)/mv 16 0 -5 25645 0 {lead}\n" for lead in LEADS)
    + "# Age: 61\n# Sex: Female\n# Dx: 270492004,164889003\n"
)


def one_lead(gain="1000/mV", lead="I", zero="0", record="A 1 500 10"):
    return f"{record}\nA.mat 16+24 {gain} 16 {zero} 28 -1716 0 {lead}\n"


def signal(gain="1000/mV", **fields):
    return parse_header(one_lead(gain, **fields)).signals[0]


def test_dialect_a_of_the_challenge_archives():
    line = SignalLine("A0001.mat", "16+24", 1000.0, 0.0, "mV", "I")
    header = parse_header(DIALECT_A)
    assert header.signals[0] == line
    assert (header.name, header.rate, header.n_samples) == ("A0001", 500, 7500)
    assert (header.age, header.sex, header.codes) == (74, "Male", ("426783006", "59118001"))
    assert tuple(s.lead for s in header.signals) == LEADS


def test_dialect_b_of_the_physionet_release():
    header = parse_header(DIALECT_B)
    assert header.signals[0] == SignalLine("HR06009.mat", "16x1+24", 1000.0, 0.0, "mv", "I")
    assert (header.age, header.sex, header.codes) == (61, "Female", ("270492004", "164889003"))


def test_the_record_name_may_carry_a_suffix():  # Georgia, 2020
    assert parse_header(one_lead(record="E00271.mat 1 500 10")).name == "E00271.mat"


@pytest.mark.parametrize("text", [DIALECT_A, DIALECT_B])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: "\ufeff" + text,
        lambda text: "\n\n" + text.replace("\n", "\n\n"),
        lambda text: text.replace(" ", "   "),
        lambda text: text.replace(" ", "\t"),
        lambda text: "# a comment before the record line\n" + text,
        lambda text: text.rstrip("\n"),
    ],
    ids=["CRLF", "CR", "BOM", "empty lines", "blanks", "tabs", "comment first", "no last newline"],
)
def test_layout_does_not_matter(text, change):
    assert parse_header(change(text)) == parse_header(text)


@pytest.mark.parametrize(
    ("field", "gain", "unit"),
    [
        ("1000/mV", 1000, "mV"),
        ("1000.0(0)/mv", 1000, "mv"),
        ("4.88e3/mV", 4880, "mV"),
        ("2000000/mV", 2e6, "mV"),
        ("0.2048/uV", 0.2048, "uV"),
        ("1/µV", 1, "µV"),
        ("1e6/V", 1e6, "V"),
        ("-200/mV", -200, "mV"),
        ("200", 200, "mV"),
        ("200/", 200, "mV"),
        ("0/mV", None, "mV"),
        ("0(0)/mV", None, "mV"),
        ("/mV", None, "mV"),
        ("nan/mV", None, "mV"),
        ("NaN(0)/mV", None, "mV"),
        ("inf/mV", None, "mV"),
        ("1e-300/mV", None, "mV"),
        ("1e300/mV", None, "mV"),
    ],
)
def test_gain_and_unit(field, gain, unit):
    assert (signal(field).gain, signal(field).unit) == (gain, unit)


def test_a_line_without_any_gain():
    line = parse_header("A 1 500 10\nA.mat 16+24 V2\n").signals[0]
    assert (line.gain, line.offset, line.unit, line.lead) == (200, 0, "mV", "V2")


@pytest.mark.parametrize(
    ("gain", "zero", "offset"),
    [
        ("1000/mV", "0", 0),
        ("1000/mV", "1024", 1024),
        ("1000(-7)/mV", "1024", -7),  # the baseline in brackets goes before the ADC zero
        ("1000()/mV", "3", 3),
        ("1000/mV", "nan", 0),
        ("1000/mV", "1e300", 0),
    ],
)
def test_offset(gain, zero, offset):
    assert signal(gain, zero=zero).offset == offset


@pytest.mark.parametrize("gain", ["abc/mV", "1000(x)/mV", "1000(0/mV", "1.2.3/mV"])
def test_a_gain_that_is_no_number_names_file_and_line(gain):
    with pytest.raises(RecordError, match=r"x\.hea: malformed signal line .*A\.mat 16\+24"):
        parse_header(one_lead(gain), "x.hea")


@pytest.mark.parametrize(
    ("written", "standard"),
    [
        ("AVR", "aVR"),
        ("avl", "aVL"),
        ("aVF", "aVF"),
        ("v6", "V6"),
        (" i ", "I"),
        ("x", "x"),
    ],
)
def test_lead_spelling(written, standard):
    assert standard_lead(written) == standard
    assert signal(lead=written).lead == standard


def test_any_order_and_subset_of_leads():
    text = "A 3 500 10\n" + "".join(
        f"A.mat 16+24 1000/mV 16 0 0 0 0 {x}\n" for x in ["V2", "II", "AVF"]
    )
    assert [s.lead for s in parse_header(text).signals] == ["V2", "II", "aVF"]


@pytest.mark.parametrize("rate", ["250", "257", "300", "400", "500", "1000", "360.1", "976.5625"])
def test_sampling_rate(rate):
    assert parse_header(one_lead(record=f"A 1 {rate} 10")).rate == float(rate)
    assert parse_header(one_lead(record=f"A 1 {rate}/1000(0) 10")).rate == float(rate)


@pytest.mark.parametrize(
    ("count", "n_samples"),
    [("7500", 7500), ("", None), ("0", None), ("-5", None), ("9" * 400, 2**31)],
)
def test_number_of_samples(count, n_samples):
    assert parse_header(one_lead(record=f"A 1 500 {count}")).n_samples == n_samples


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the header is empty"),
        ("#Age: 74\n#Dx: 1\n", "the header is empty"),
        ("A\n", "malformed record line 'A'"),
        ("A twelve 500 10\n", "malformed record line"),
        ("A 1 500 ten\n", "malformed record line"),
        ("A 1 500Hz 10\n", "malformed record line"),
        ("A 0 500 10\n", "0 signals at 500.0 Hz"),
        ("A -3 500 10\n", "-3 signals at 500.0 Hz"),
        ("A 12\nA_1 x\n", "12 signals announced, 1 described"),
        (one_lead(record="A 1 0 10"), "1 signals at 0.0 Hz"),
        (one_lead(record="A 1 -500 10"), "1 signals at -500.0 Hz"),
        (one_lead(record="A 1 nan 10"), "1 signals at nan Hz"),
        (one_lead(record="A 1 1e308 10"), "1 signals at 1e\\+308 Hz"),
        (one_lead(record="A 1 1e-9 10"), "1 signals at 1e-09 Hz"),
        (one_lead(record="A 12 500 10"), "12 signals announced, 1 described"),
        (one_lead(record="A 1000000000000 500 10"), "1000000000000 signals announced, 1 described"),
        ("A 1 500 10\nA_1 mV\n", "malformed signal line 'A_1 mV'"),
        ("A/2 1 500 10\nA_1 5\n", "2 segments announced, 1 described"),
        ("A/1 1 500 10\nA_1 x\n", "malformed segment line 'A_1 x'"),
    ],
)
def test_what_is_no_header_names_file_and_value(text, message):
    with pytest.raises(RecordError, match=f"A1.hea: {message}"):
        parse_header(text, "A1.hea")


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("74", 74),
        ("0", 0),
        ("54.5", 54.5),
        ("90+", 90),
        ("NaN", None),
        ("nan", None),
        ("Unknown", None),
        ("", None),
        ("sixty", None),
        ("300", None),
        ("-1", None),
        ("inf", None),
    ],
)
@pytest.mark.parametrize("mark", ["#", "# ", "#  "])
def test_age(mark, text, age):
    assert parse_comments(f"{mark}Age: {text}\n")[0] == age


@pytest.mark.parametrize(
    ("text", "sex"),
    [
        ("Male", "Male"),
        ("M", "Male"),
        ("male", "Male"),
        ("Female", "Female"),
        ("F", "Female"),
        ("FEMALE", "Female"),
        ("NaN", None),
        ("Unknown", None),
        ("", None),
    ],
)
def test_sex(text, sex):
    assert parse_comments(f"#Sex: {text}\n")[1] == sex
    assert parse_comments(f"# sex:{text}\r\n")[1] == sex


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("#Dx: 426783006\n", ("426783006",)),
        ("# Dx: 1,2\n", ("1", "2")),
        ("#Dx: 1, 2 ,3\n", ("1", "2", "3")),
        ("#Dx: 1,2,\n", ("1", "2")),
        ("#Dx: 1,,2\n", ("1", "2")),
        ("#Dx: 2,1,2\n", ("2", "1")),
        ("#Dx: \n", ()),
        ("#Dx:\n", ()),
        ("#Dx: ,\n", ()),
        ("#Age: 5\n", ()),
        ("#Dx: 999999999\n", ("999999999",)),
        ("#Dx: 1\n#Age: 5\n# Dx: 3,1\n#Dx:\n#dx: 2\n", ("1", "3", "2")),
        ("#DX :\t1,\t2\n", ("1", "2")),
        ("#Dx (SNOMED CT): 1,2: 3\n", ("1", "2")),  # the official programs split at ": "
        ("#Dx: ICD10:I48,426783006\n", ("ICD10:I48", "426783006")),
        ("#Dx: 1,\x0b2,\x853\n", ("1", "2", "3")),
        ("#Hx: 1\n#Rx Dx: 2\n", ()),
    ],
    ids=["one", "two", "blanks", "trailing comma", "double comma", "duplicate", "blank", "empty",
         "only a comma", "line absent", "unknown to every table", "several lines", "tabs",
         "more before and after", "colon", "odd line breaks", "other comments"],
)  # fmt: skip
def test_diagnoses(text, codes):
    assert parse_comments(text)[2] == codes


def test_of_repeated_ages_and_sexes_the_first_counts():
    text = "#Age: 5\n#Age: 70\n#Sex: F\n#Sex: M\n#Dx: 1\n"
    assert parse_comments(text) == (5, "Female", ("1",))


@pytest.mark.parametrize("dialect", ["A", "B"])
def test_what_is_written_is_read_again(dialect):
    signals = tuple(
        SignalLine("S1.mat", "16+24", gain, 7.0 * i, "mV", lead)
        for i, (gain, lead) in enumerate(zip([1000.0, 0.2048, None], LEADS, strict=False))
    )
    header = Header("S1", 257.5, 2570, signals, 61.5, "Female", ("426783006", "1"))
    text = format_header(header, [1, 2, 3], [4, 5, 6], dialect)
    assert parse_header(text) == header
    unknown = Header("S1", 500.0, 10, signals)
    assert parse_header(format_header(unknown, [1, 2, 3], [4, 5, 6], dialect)) == unknown


def test_written_dialects_look_like_their_models():
    header = parse_header(one_lead())
    assert format_header(header, [28], [-1716], "A").splitlines() == [
        "A 1 500 10",
        "A.mat 16+24 1000/mV 16 0 28 -1716 0 I",
        *("#Age: NaN", "#Sex: Unknown", "#Dx: ", "#Rx: Unknown", "#Hx: Unknown", "#Sx: Unknown"),
    ]
    second = format_header(header, [28], [-1716], "B").splitlines()[1]
    assert second == "A.mat 16+24 1000.0(0)/mV 16 0 28 -1716 0 I"


def test_a_micro_sign_is_written_in_ascii():
    text = format_header(parse_header(one_lead("1/µV")), [0], [0], "A")
    assert text.isascii()
    assert parse_header(text).signals[0].unit == "uV"


def test_an_unknown_dialect_lists_the_choices():
    with pytest.raises(ValueError, match="'C'; choices: 'A', 'B'"):
        format_header(parse_header(DIALECT_A), [0] * 12, [0] * 12, "C")


def mutated(data, rng):
    """Change, delete, insert or copy a few random bytes."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 12)):
        i, j = rng.integers(len(data), size=2)
        kind = rng.integers(4)
        if kind == 0:
            data[i] = rng.integers(256)
        elif kind == 1:
            del data[i : i + rng.integers(1, 6)]
        elif kind == 2:
            data[i:i] = rng.choice(list(b"0123456789.-+e/()# \n\r\0_\xff"), 3).tolist()
        else:
            data[i : i + 8] = data[j : j + 8]
    return bytes(data)


def test_damaged_headers_raise_record_errors_and_nothing_else():
    rng = np.random.default_rng(0)
    read = 0
    for i in range(3000):
        text = mutated((DIALECT_A, DIALECT_B)[i % 2].encode(), rng).decode("latin-1")
        try:
            header = parse_header(text)
        except RecordError:
            continue
        read += 1
        assert header.rate > 0
        assert all(s.gain is None or np.isfinite(s.gain) for s in header.signals)
        assert header.age is None or 0 <= header.age <= 130
    assert 300 < read < 2700
