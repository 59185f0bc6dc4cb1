"""WFDB as header(5) and signal(5) have it: frames, segments, names, capitals, gains left out."""

import numpy as np
import pytest
import wfdb
from scipy.io import savemat

from ecg12.io.formats import find_any, read_any
from ecg12.io.headers import parse_header
from ecg12.io.leads import LEADS
from ecg12.io.wfdb import find_records, read_record, recognises, write_record
from ecg12.runtime.errors import RecordError


@pytest.fixture
def stored(make_ecg):
    return np.rint(make_ecg(500, 10) * 1000).astype("<i2")


def write(folder, name, data, *, record="{} 12 500 5000", form="16", gain="1000/mV", leads=LEADS,
          rest=" 16 0 0 0 0 ", files=None, tail=""):  # fmt: skip
    """Write a header and, unless they are named, one signal file; return their stem."""
    folder.mkdir(exist_ok=True)
    files = files or [f"{name}.dat"] * len(leads)
    lines = [record.format(name)]
    lines += [f"{f} {form} {gain}{rest}{lead}" for f, lead in zip(files, leads, strict=True)]
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n" + tail)
    if data is not None:
        (folder / f"{name}.dat").write_bytes(data)
    return folder / name


# Storage formats

ENCODED = {  # signal(5), by hand
    "16": lambda values: values.astype("<i2").tobytes(),
    "61": lambda values: values.astype(">i2").tobytes(),
    "160": lambda values: (values + 2**15).astype("<u2").tobytes(),
    "24": lambda values: values.astype("<i4").view("u1").reshape(-1, 4)[:, :3].tobytes(),
    "32": lambda values: values.astype("<i4").tobytes(),
}


@pytest.mark.parametrize("form", ENCODED)
@pytest.mark.parametrize("per_frame", [1, 2])
def test_every_width_and_order_of_bytes(tmp_path, stored, form, per_frame):
    values = stored.astype(np.int64)
    rows = values.reshape(12, -1, per_frame).transpose(1, 0, 2).ravel()
    frames = f"{{}} 12 {500 // per_frame} {5000 // per_frame}"
    kind = form if per_frame == 1 else f"{form}x{per_frame}"
    path = write(tmp_path, "a", ENCODED[form](rows), record=frames, form=kind)
    record = read_record(path)
    np.testing.assert_array_equal(record.stored, values)
    np.testing.assert_allclose(record.millivolts, values / 1000)


@pytest.mark.parametrize("form", ["61", "160"])
def test_missing_samples_of_sixteen_bits(tmp_path, stored, form):
    values = stored.astype(np.int64)
    values[2, 100:200] = -(2**15)
    path = write(tmp_path, "a", ENCODED[form](values.T.ravel()), form=form)
    gap = np.isnan(read_record(path).millivolts)
    np.testing.assert_array_equal(gap, values == -(2**15))


# Several samples per frame


def framed(rows, per_frame):
    """Interleave signals by frames, as signal(5) lays them out."""
    parts = [row.reshape(-1, n) for row, n in zip(rows, per_frame, strict=True)]
    return np.concatenate(parts, axis=1).astype("<i2").tobytes()


def test_frames_of_a_second_equal_the_plain_file(tmp_path, stored):
    plain = write(tmp_path, "plain", stored.T.tobytes())
    frames = write(
        tmp_path, "frames", framed(stored, [500] * 12), record="{} 12 1 10", form="16x500"
    )
    ours, expected = read_record(frames), read_record(plain)
    assert ours.rate == expected.rate == 500
    np.testing.assert_array_equal(ours.stored, expected.stored)
    np.testing.assert_array_equal(expected.stored, stored)
    part = read_record(frames, 1.5)
    np.testing.assert_array_equal(part.stored, stored[:, :750])


def test_signals_of_different_rates_get_that_of_the_leads(tmp_path, stored):
    slow = np.rint(1000 * np.sin(np.arange(1250) / 125 * 2 * np.pi)).astype("<i2")  # 1 Hz
    slow[300:310] = -32768
    per_frame = [4] * 12 + [1]
    path = write(
        tmp_path, "mixed", framed([*stored, slow], per_frame), record="{} 13 125 1250",
        form="16x{}", leads=[*LEADS, "PLETH"],
    )  # fmt: skip
    text = path.with_suffix(".hea").read_text().splitlines()
    text = [line.replace("16x{}", "16" if "PLETH" in line else "16x4") for line in text]
    path.with_suffix(".hea").write_text("\n".join(text))
    record = read_record(path)
    assert (record.rate, record.stored.shape) == (500, (13, 5000))
    np.testing.assert_array_equal(record.stored[:12], stored)
    expected = np.sin(np.arange(5000) / 500 * 2 * np.pi)
    gap = np.isnan(record.millivolts[12])
    np.testing.assert_array_equal(np.flatnonzero(gap), np.arange(1200, 1240))
    np.testing.assert_allclose(record.millivolts[12, 100:1100], expected[100:1100], atol=0.01)
    reader = wfdb.rdrecord(str(path), smooth_frames=False)
    for ours, theirs in zip(record.millivolts, reader.e_p_signal[:12], strict=False):
        np.testing.assert_allclose(ours, theirs)


def test_limb_and_chest_leads_of_different_rates(tmp_path, make_ecg):
    whole = np.rint(make_ecg(1000, 4) * 1000)
    chest = np.rint(make_ecg(500, 4)[6:] * 1000)
    time, half = np.arange(4000) / 1000, np.arange(2000) / 500
    smooth = 1000 * np.sin(2 * np.pi * 10 * half)  # what resampling can restore
    chest[0] = np.rint(smooth)
    forms = ["16x4"] * 6 + ["16x2"] * 6
    data = framed([*whole[:6], *chest], [4] * 6 + [2] * 6)
    lines = [f"a.dat {form} 1000/mV 16 0 0 0 0 {x}" for form, x in zip(forms, LEADS, strict=True)]
    (tmp_path / "a.hea").write_text("\n".join(["a 12 250 1000", *lines]))
    (tmp_path / "a.dat").write_bytes(data)
    record = read_record(tmp_path / "a")
    assert (record.rate, record.stored.shape) == (1000, (12, 4000))
    np.testing.assert_array_equal(record.stored[:6], whole[:6])
    inner = slice(200, 3800)
    expected = np.sin(2 * np.pi * 10 * time)
    np.testing.assert_allclose(record.millivolts[6, inner], expected[inner], atol=0.01)


def test_without_a_rate_that_of_wfdb_holds_and_is_said(tmp_path, stored, caplog):
    path = write(tmp_path, "a", stored.T.tobytes(), record="{} 12")
    record = read_record(path)
    assert record.rate == wfdb.rdheader(str(path)).fs == 250
    np.testing.assert_array_equal(record.stored, stored)
    assert "a: no sampling rate; WFDB's 250 Hz is used" in caplog.text


# Segments


def test_two_segments_are_one_recording(tmp_path, stored):
    for number, part in enumerate((stored[:, :2500], stored[:, 2500:])):
        write(tmp_path, f"s{number}", part.T.tobytes(), record="{} 12 500 2500")
    (tmp_path / "whole.hea").write_text("whole/2 12 500 5000\ns0 2500\ns1 2500\n#Age: 61\n#Dx: 1\n")
    assert find_any(tmp_path) == find_records(tmp_path) == [tmp_path / "whole"]
    record = read_record(tmp_path / "whole")
    assert (record.rate, record.leads, record.age, record.codes) == (500, LEADS, 61, ("1",))
    np.testing.assert_allclose(record.millivolts, stored / 1000, atol=1e-12)
    expected = wfdb.rdrecord(str(tmp_path / "whole")).p_signal.T
    np.testing.assert_allclose(record.millivolts, expected, atol=1e-12)
    part = read_record(tmp_path / "whole", 6)
    np.testing.assert_allclose(part.millivolts, stored[:, :3000] / 1000, atol=1e-12)
    (tmp_path / "s1.dat").unlink()
    assert read_record(tmp_path / "whole", 5).stored.shape == (12, 2500)
    with pytest.raises(RecordError, match=r"s1\.hea: no signal file"):
        read_record(tmp_path / "whole", 6)
    (tmp_path / "s0.dat").unlink()
    assert find_records(tmp_path) == [tmp_path / "whole"]  # of headers alone, too


def test_a_variable_layout_with_a_gap_and_gains_that_differ(tmp_path, stored):
    layout = [f"~ 0 1000/mV 16 0 0 0 0 {lead}" for lead in ("I", "II", "V2")]
    (tmp_path / "m_layout.hea").write_text("\n".join(["m_layout 3 500 0", *layout]))
    write(tmp_path, "m_1", stored[:2, :1000].T.tobytes(), record="{} 2 500 1000", leads=("I", "II"))
    write(
        tmp_path, "m_2", (stored[[1, 7], 1500:2500].T // 2).tobytes(), record="{} 2 500 1000",
        leads=("II", "V2"), gain="500(0)/mV",
    )  # fmt: skip
    (tmp_path / "m.hea").write_text("m/4 3 500 2500\nm_layout 0\nm_1 1000\n~ 500\nm_2 1000\n")
    assert find_records(tmp_path) == [tmp_path / "m"]
    record = read_record(tmp_path / "m")
    expected = wfdb.rdrecord(str(tmp_path / "m"))
    assert list(record.leads) == expected.sig_name
    np.testing.assert_allclose(record.millivolts, expected.p_signal.T, atol=1e-12)
    assert np.isnan(record.millivolts[:, 1000:1500]).all()
    assert np.isnan(record.millivolts[0, 1500:]).all()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"record": "{} 12 500 2000"}, "segment s1 announced with 2500 samples, it holds 2000"),
        ({"gain": "0/mV"}, "lead I with a gain and without one"),
        ({"record": "{} 12 250 2500"}, "segment s1 at 250 Hz, others at 500 Hz"),
        ({"gain": "1000/mmHg"}, "lead I in mmHg and in mV"),
    ],
)
def test_segments_that_do_not_fit(tmp_path, stored, change, reason):
    write(tmp_path, "s0", stored[:, :2500].T.tobytes(), record="{} 12 500 2500")
    options = {"record": "{} 12 500 2500"} | change
    write(tmp_path, "s1", stored[:, 2500:].T.tobytes(), **options)
    (tmp_path / "w.hea").write_text("w/2 12 500 5000\ns0 2500\ns1 2500\n")
    with pytest.raises(RecordError, match=rf"w\.hea: {reason}"):
        read_record(tmp_path / "w")


def test_a_lead_that_stands_twice_in_a_segment(tmp_path, stored):
    leads = ("I", "II", "II", "V1")
    write(tmp_path, "s0", stored[:4].T.tobytes(), record="{} 4 500 5000", leads=leads)
    (tmp_path / "w.hea").write_text("w/1 4 500 5000\ns0 5000\n")
    with pytest.raises(RecordError, match="s0: lead II stands twice"):
        read_record(tmp_path / "w")


def test_segments_without_gains_stay_as_stored(tmp_path, stored):
    for number, part in enumerate((stored[:, :2500], stored[:, 2500:])):
        write(tmp_path, f"s{number}", part.T.tobytes(), record="{} 12 500 2500", gain="0/mV")
    (tmp_path / "w.hea").write_text("w/2 12 500 5000\ns0 2500\ns1 2500\n")
    record = read_record(tmp_path / "w")
    np.testing.assert_array_equal(record.stored, stored)
    assert np.isnan(record.gains).all()


def test_all_signal_files_of_a_header_belong_to_it(tmp_path, stored):
    lines = [f"{file} 16 1000/mV 16 0 0 0 0 {lead}" for lead, file in
             zip(LEADS, ["X.dat"] * 6 + ["X_chest.dat"] * 6, strict=True)]  # fmt: skip
    (tmp_path / "X.hea").write_text("\n".join(["X 12 500 5000", *lines]))
    (tmp_path / "X.dat").write_bytes(stored[:6].T.tobytes())
    (tmp_path / "X_chest.dat").write_bytes(stored[6:].T.tobytes())
    assert find_records(tmp_path) == find_any(tmp_path) == [tmp_path / "X"]
    np.testing.assert_array_equal(read_record(tmp_path / "X").stored, stored)


def test_a_table_of_whole_numbers_is_no_header(tmp_path):
    rows = np.zeros((100, 12), int)
    rows[1:] = [16, 16, 500, *range(9)]
    np.savetxt(tmp_path / "a.tsv", rows, "%d", delimiter="\t")
    head = (tmp_path / "a.tsv").read_bytes()[:4096]
    assert not recognises(head)
    assert recognises(b"100 2 360 650000\n100.dat 212 200 11 1024 995 -22131 0 MLII\n")


def test_the_segments_of_a_monitor_equal_wfdb(shared):
    folder = shared / "data/formats/wfdb/041s"
    assert find_records(folder) == [folder / "041s"]
    record = read_record(folder / "041s")
    assert (record.rate, record.stored.shape) == (500, (7, 8000))  # four samples per frame
    for number, start in ((1, 0), (2, 4000)):
        segment = wfdb.rdrecord(str(folder / f"041s0{number}"), smooth_frames=False)
        for row in range(3):
            ours = record.stored[row, start : start + 4000]
            np.testing.assert_allclose(ours, segment.e_p_signal[row], atol=1e-12)
    whole = wfdb.rdrecord(str(folder / "041s"))
    assert (list(record.leads), list(record.units)) == (whole.sig_name, whole.units)


# Names


def test_signal_files_named_unlike_their_header(tmp_path, stored):
    files = ["limb.dat"] * 6 + ["chest.dat"] * 6
    path = write(tmp_path, "rec", None, files=files)
    (tmp_path / "limb.dat").write_bytes(stored[:6].T.tobytes())
    (tmp_path / "chest.dat").write_bytes(stored[6:].T.tobytes())
    assert find_any(tmp_path) == find_records(tmp_path) == [path]
    np.testing.assert_array_equal(read_any(path).stored, stored)
    (tmp_path / "other.dat").write_bytes(b"\0\0")
    assert find_records(tmp_path) == [tmp_path / "other", path]


@pytest.mark.parametrize("suffix", [".dat", ".mat", ".hea"])
def test_a_recording_that_is_called_like_a_signal_file(tmp_path, make_record, suffix):
    plain, other = make_record("b"), make_record(f"b{suffix}", seed=3)
    write_record(tmp_path, plain)
    write_record(tmp_path, other)
    found = find_any(tmp_path)
    assert [path.name for path in found] == ["b", f"b{suffix}.hea"]
    records = [read_any(path) for path in found]
    assert [record.name for record in records] == ["b", f"b{suffix}"]
    for record, expected in zip(records, (plain, other), strict=True):
        np.testing.assert_array_equal(record.stored, expected.stored)


@pytest.mark.parametrize(
    ("name", "date"),
    [("year", " 2006"), ("short", " 12:00:00 1/1/89"), ("night", " 24:00:00 01/01/2006"),
     ("m\xfcller", ""), ("\u60a3\u8005", " 0:0:0.5 99/99/9999"), ("with.dots", "")],
)  # fmt: skip
def test_odd_dates_and_names_beside_dat(tmp_path, stored, name, date):
    path = write(tmp_path, name, stored.T.tobytes(), record="{} 12 500 5000" + date)
    assert find_any(tmp_path) == [path]
    record = read_any(path)
    assert record.name == name
    np.testing.assert_array_equal(record.stored, stored)


def test_capitals(tmp_path, make_record, stored):
    record = make_record("u")
    write_record(tmp_path, record)
    (tmp_path / "u.hea").rename(tmp_path / "U.HEA")
    (tmp_path / "u.mat").rename(tmp_path / "U.MAT")
    write(tmp_path, "W", stored.T.tobytes(), files=["w.dat"] * 12)
    (tmp_path / "W.hea").rename(tmp_path / "W.HEA")
    (tmp_path / "W.dat").rename(tmp_path / "W.DAT")
    assert find_any(tmp_path) == find_records(tmp_path) == [tmp_path / "U", tmp_path / "W"]
    for name in ("U", "U.HEA", "U.MAT"):
        np.testing.assert_array_equal(read_any(tmp_path / name).stored, record.stored)
    np.testing.assert_array_equal(read_any(tmp_path / "W").stored, stored)


def test_signals_in_two_matlab_files(tmp_path, make_record):
    limb, chest = make_record("limb", leads=LEADS[:6]), make_record("chest", leads=LEADS[6:])
    write_record(tmp_path, limb)
    write_record(tmp_path, chest)
    for name in ("limb", "chest"):
        (tmp_path / f"{name}.hea").unlink()
    files = ["limb.mat"] * 6 + ["chest.mat"] * 6
    path = write(tmp_path, "both", None, files=files, form="16+24")
    assert find_records(tmp_path) == [path]
    np.testing.assert_array_equal(
        read_record(path).stored, np.concatenate([limb.stored, chest.stored])
    )


@pytest.mark.parametrize("record", ["{} 12 500 5000", "{} 12 500"])
def test_a_matlab_file_beside_the_file_that_the_header_names_is_not_read(tmp_path, stored, record):
    """It holds mV, and the header's 1000 steps per mV are of the file that it names."""
    path = write(tmp_path, "q", stored.T.tobytes(), record=record)
    expected = wfdb.rdrecord(str(path)).p_signal.T
    savemat(tmp_path / "q.mat", {"val": stored / 1000})
    assert find_any(tmp_path) == [path]
    for read in (read_any, read_record):
        np.testing.assert_allclose(read(path).millivolts, expected)


def test_the_matlab_file_is_read_where_what_the_header_names_is_missing(tmp_path, stored):
    path = write(tmp_path, "q", stored.T.tobytes())
    (tmp_path / "q.dat").unlink()
    savemat(tmp_path / "q.mat", {"val": stored})
    np.testing.assert_array_equal(read_any(path).stored, stored)
    lines = path.with_suffix(".hea").read_text().replace("q.dat", "limb.dat", 6)
    path.with_suffix(".hea").write_text(lines)  # one of two files is there
    (tmp_path / "limb.dat").write_bytes(bytes(stored[:6].nbytes))
    np.testing.assert_array_equal(read_any(path).stored, stored)


def test_the_matlab_file_of_the_headers_name_precedes_another_that_it_names(tmp_path, stored):
    """As in the challenge of 2020, whose headers name matrices of other recordings."""
    path = write(tmp_path, "E1", None, files=["E2.mat"] * 12, form="16+24")
    for name, values in (("E1", stored), ("E2", stored[:, ::-1])):
        savemat(tmp_path / f"{name}.mat", {"val": values}, format="4")
    np.testing.assert_array_equal(read_any(path).stored, stored)


# Gains and leads


def change_gain(record, kind):
    """Return the text of a header with each signal line cut or extended."""
    lines = [f"{record.name} 12 500 5000"]
    for lead in LEADS:
        line = {
            "no gain": f"{record.name}.mat 16+24 {lead}",
            "gain alone": f"{record.name}.mat 16+24 200",
            "comment": f"{record.name}.mat 16+24 1000/mV 16 0 0 0 0 {lead} # note",
            "nothing": f"{record.name}.mat 16+24",
        }[kind]
        lines.append(line)
    return "\n".join(lines) + "\n#Age: 61\n"


@pytest.mark.parametrize("kind", ["no gain", "gain alone", "comment", "nothing"])
def test_signal_lines_that_end_early_or_have_a_comment(tmp_path, make_record, kind, caplog):
    record = make_record("A1")
    path = write_record(tmp_path, record)
    path.write_text(change_gain(record, kind))
    read = read_any(path)
    gain, unnamed = {"comment": (1000, False), "no gain": (200, False)}.get(kind, (200, True))
    assert read.leads == (tuple(f"signal {n}" for n in range(1, 13)) if unnamed else LEADS)
    np.testing.assert_allclose(read.millivolts, record.stored / gain, rtol=1e-12)
    np.testing.assert_allclose(wfdb.rdrecord(str(tmp_path / "A1")).adc_gain, gain)
    said = "no gain of I, II" if kind == "no gain" else "no gain of signal 1"
    assert (said in caplog.text) == (kind in ("no gain", "nothing"))
    assert parse_header(path.read_text()).age == 61


def test_a_negative_gain_turns_the_signal_and_is_said(tmp_path, stored, caplog):
    path = write(tmp_path, "a", stored.T.tobytes(), gain="-1000/mV")
    np.testing.assert_allclose(read_record(path).millivolts, -stored / 1000, rtol=1e-12)
    np.testing.assert_allclose(wfdb.rdrecord(str(path)).p_signal.T, -stored / 1000, rtol=1e-9)
    assert "negative gain" in caplog.text


def test_a_lead_twice_is_refused(tmp_path, stored):
    data = np.vstack([stored, -3 * stored[:1]]).astype("<i2").T.tobytes()
    path = write(tmp_path, "a", data, record="{} 13 500 5000", leads=[*LEADS, "I"])
    with pytest.raises(RecordError, match="a: lead I stands twice"):
        read_record(path)


@pytest.mark.parametrize("spelling", ["{}", "ECG {}", "Lead {}", "MDC_ECG_LEAD_{}", "EKG {}"])
def test_leads_in_other_spellings_and_channels_beside_them(tmp_path, stored, spelling):
    names = [spelling.format(lead.upper().replace("V", "C", 1 if lead[0] == "V" else 0))
             if spelling == "{}" else spelling.format(lead.upper()) for lead in LEADS]  # fmt: skip
    data = np.vstack([stored, stored[:2]]).astype("<i2").T.tobytes()
    path = write(tmp_path, "a", data, record="{} 14 500 5000", leads=[*names, "PLETH", "ABP"])
    record = read_record(path)
    assert record.leads == (*LEADS, "PLETH", "ABP")
    np.testing.assert_array_equal(record.stored[:12], stored)


def test_differences_of_format_8(tmp_path):
    samples = np.cumsum(np.random.default_rng(0).integers(-100, 100, (3, 700)), axis=1)
    steps = np.diff(samples, axis=1, prepend=(samples[:, 0] - 5)[:, None]).astype("i1")
    lines = [f"a.dat 8 200/mV 12 0 {row[0] - 5} 0 0 {lead}"
             for row, lead in zip(samples, ("I", "II", "V1"), strict=True)]  # fmt: skip
    (tmp_path / "a.hea").write_text("\n".join(["a 3 500 700", *lines]))
    (tmp_path / "a.dat").write_bytes(steps.T.tobytes())
    expected = wfdb.rdrecord(str(tmp_path / "a"), physical=False).d_signal.T
    np.testing.assert_array_equal(read_record(tmp_path / "a").stored, expected)


# Damage


@pytest.mark.parametrize("part", [".hea", ".dat"])
def test_damaged_copies(tmp_path, survives, stored, part):
    path = write(tmp_path, "frames", framed(stored, [500] * 12), record="{} 12 1 10", form="16x500")
    whole = {suffix: path.with_suffix(suffix).read_bytes() for suffix in (".hea", ".dat")}

    def read(damaged):
        for suffix, data in whole.items():
            own = damaged.read_bytes() if suffix == part else data
            (tmp_path / f"frames{suffix}").write_bytes(own)
        try:
            return read_record(path)
        except RecordError as error:
            raise RecordError(f"{damaged}: {error}") from error

    survives(read, whole[part], part)
