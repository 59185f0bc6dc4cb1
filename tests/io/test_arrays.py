"""Arrays of numbers: every container, both orientations, and what is asked for, not assumed."""

import io
import os
import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest

from ecg12.io import arrays
from ecg12.io.format_table import format_of
from ecg12.io.formats import read_any
from ecg12.io.leads import LEADS
from ecg12.runtime.errors import RecordError

SAID = {"rate": 500, "unit": "mV", "leads": LEADS}
SUFFIXES = [".npy", ".npz", ".h5", ".csv", ".tsv"]


def write(path, values):
    """Write an array as its suffix says."""
    if path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".npz":
        np.savez_compressed(path, ecg=values)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("ecg", data=values, chunks=True, compression="gzip")
    else:
        np.savetxt(path, values, delimiter="," if path.suffix == ".csv" else "\t", fmt="%.9g")
    return path


@pytest.fixture
def signals(make_ecg):
    return make_ecg(500, 3)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("transposed", [False, True])
def test_every_container_in_both_orientations(tmp_path, signals, suffix, transposed):
    path = write(tmp_path / f"a{suffix}", signals.T if transposed else signals)
    assert arrays.recognises(path.read_bytes()[:4096])
    assert arrays.count(path) == 1
    record = arrays.read(path, **SAID)
    assert (record.name, record.leads, record.rate) == ("a", LEADS, 500)
    np.testing.assert_allclose(record.millivolts, signals, atol=1e-8)
    part = arrays.read(path, 0.2, **SAID)
    np.testing.assert_allclose(part.millivolts, signals[:, :100], atol=1e-8)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["rate", "unit", "leads"])
def test_nothing_is_guessed(tmp_path, signals, suffix, name):
    path = write(tmp_path / f"a{suffix}", signals)
    with pytest.raises(RecordError, match=rf"a\{suffix}: .*missing: --{name} "):
        arrays.read(path, **{key: value for key, value in SAID.items() if key != name})
    with pytest.raises(RecordError, match="missing: --rate, --unit, --leads"):
        arrays.read(path)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".h5"])
@pytest.mark.parametrize("transposed", [False, True])
def test_many_recordings_in_one_file(tmp_path, make_ecg, suffix, transposed):
    many = np.array([make_ecg(500, 3, seed) for seed in range(4)])
    path = write(tmp_path / f"exams{suffix}", many.transpose(0, 2, 1) if transposed else many)
    assert arrays.count(path) == 4
    for index in range(4):
        record = arrays.read(tmp_path / f"exams{suffix}[{index}]", 2, **SAID)
        assert record.name == f"exams_{index}"
        np.testing.assert_allclose(record.millivolts, many[index][:, :1000], atol=1e-12)
    with pytest.raises(
        RecordError, match=r"4 recordings; name one, from exams\..*\[0\] to .*\[3\]"
    ):
        arrays.read(path, **SAID)
    with pytest.raises(RecordError, match=r"no recording 4: it holds 4, counted from 0"):
        arrays.read(tmp_path / f"exams{suffix}[4]", **SAID)


def test_a_file_whose_name_ends_like_an_index(tmp_path, signals):
    write(tmp_path / "a.npy", signals).rename(tmp_path / "a.npy[1]")
    assert arrays.read(tmp_path / "a.npy[1]", **SAID).leads == LEADS


@pytest.mark.parametrize("unit", ["uV", "\N{MICRO SIGN}V", "5 uV", "0.005mV", "V", "1e-4 V", "mv"])
def test_units_and_steps(tmp_path, signals, unit):
    one = {"uV": 1e-3, "\N{MICRO SIGN}V": 1e-3, "5 uV": 5e-3, "0.005mV": 5e-3, "V": 1e3}
    one |= {"1e-4 V": 0.1, "mv": 1.0}
    path = write(tmp_path / "a.npy", np.rint(signals * 1000).astype(np.int16))
    record = arrays.read(path, **SAID | {"unit": unit})
    np.testing.assert_allclose(record.millivolts, np.rint(signals * 1000) * one[unit], rtol=1e-12)
    assert record.stored.dtype == np.int16


def test_what_the_file_says_need_not_be_given(tmp_path, signals):
    np.savez(tmp_path / "a.npz", ecg=signals, rate=250, unit="uV", leads=LEADS)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["rate"] = 250.0
        file["ecg"] = signals
        file["ecg"].attrs["unit"] = "uV"
        file["ecg"].attrs["leads"] = list(LEADS)
    for path in (tmp_path / "a.npz", tmp_path / "a.h5"):
        record = arrays.read(path)
        assert (record.rate, record.leads) == (250, LEADS)
        np.testing.assert_allclose(record.millivolts, signals * 1e-3, rtol=1e-12)
        assert arrays.read(path, rate=250, unit="1e3 nV", leads=",".join(LEADS)).rate == 250


def test_fewer_leads(tmp_path, signals):
    eight = (*LEADS[:2], *LEADS[6:])
    path = write(tmp_path / "a.npy", signals[[0, 1, *range(6, 12)]].T)
    record = arrays.read(path, **SAID | {"leads": "I, II,C1,C2,C3,C4,C5,C6"})
    assert record.leads == eight
    np.testing.assert_array_equal(record.millivolts, signals[[LEADS.index(x) for x in eight]])


@pytest.mark.parametrize(
    "shape", [(12, 12), (3, 12, 12), (8, 5000), (5000,), (2, 2, 12, 500), (0, 12)]
)
def test_ambiguous_and_other_shapes_are_refused(tmp_path, shape):
    for suffix in (".npy", ".npz", ".h5"):
        path = tmp_path / f"bad{suffix}"
        if suffix == ".h5":
            with h5py.File(path, "w") as file:
                file["ecg"] = np.zeros(shape)
        else:
            write(path, np.zeros(shape))
        with pytest.raises(RecordError, match=r"bad\.\w+: .*(shape|found)"):
            arrays.read(path, **SAID)


def test_code_15(tmp_path, make_ecg, rng):
    exams = np.zeros((3, 4096, 12), np.float32)
    for index, n in enumerate((4096, 2934)):
        before = (4096 - n) // 2
        exams[index, before : before + n] = make_ecg(400, 11, index).T[:n]
    with h5py.File(tmp_path / "exams_part0.hdf5", "w") as file:
        file["exam_id"] = np.arange(3)
        file.create_dataset("tracings", data=exams, chunks=(1, 4096, 12), compression="gzip")
    path = tmp_path / "exams_part0.hdf5"
    with pytest.raises(RecordError, match=r"missing: --rate, --unit \("):
        arrays.read(tmp_path / "exams_part0.hdf5[1]")
    assert arrays.count(path) == 3
    for index, n in enumerate((4096, 2934, 4096)):
        record = arrays.read(tmp_path / f"exams_part0.hdf5[{index}]", rate=400, unit="mV")
        assert (record.leads, record.stored.shape) == (LEADS, (12, n))
        before = (4096 - n) // 2
        np.testing.assert_array_equal(record.millivolts.T, exams[index, before : before + n])
    part = arrays.read(tmp_path / "exams_part0.hdf5[1]", 1, rate=400, unit="mV")
    np.testing.assert_array_equal(part.millivolts.T, exams[1, 581:981])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_named_columns_of_tables(tmp_path, signals, encoding, delimiter):
    names = ["time", *(f"ECG {lead.upper()}" for lead in LEADS), "PLETH"]
    values = np.column_stack([np.arange(1500) / 500, signals.T, np.zeros(1500)])
    rows = [delimiter.join(names)] + [delimiter.join(f"{x:.9g}" for x in row) for row in values]
    text = "\r\n".join(rows) + "\r\n"
    if delimiter != ",":
        text = text.replace(".", ",")
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    assert arrays.recognises(path.read_bytes()[:4096])
    record = arrays.read(path, rate=500, unit="mV")
    assert record.leads == LEADS
    np.testing.assert_allclose(record.millivolts, signals, atol=1e-8)


def test_tables_of_other_programs(tmp_path, signals):
    frame = pd.DataFrame(signals.T, columns=LEADS)
    frame.to_csv(tmp_path / "named.csv")
    pd.DataFrame(signals.T).to_csv(tmp_path / "numbered.csv")
    pd.DataFrame(signals.T).to_csv(tmp_path / "plain.csv", index=False)
    np.savetxt(tmp_path / "savetxt.csv", signals.T, delimiter=",", header=",".join(LEADS))
    np.savetxt(tmp_path / "blanks.txt", signals.T)
    (tmp_path / "last.csv").write_text(
        "".join(",".join(map(str, row)) + ",\n" for row in signals.T)
    )
    for path in tmp_path.iterdir():
        said = {"rate": 500, "unit": "mV"}
        if path.stem in ("numbered", "plain", "blanks", "last"):
            said["leads"] = LEADS
        record = arrays.read(path, **said)
        assert record.leads == LEADS
        np.testing.assert_allclose(record.millivolts, signals, atol=1e-8)


def test_columns_of_other_names_are_those_that_are_given(tmp_path, signals):
    pd.DataFrame(signals.T, columns=[f"ch{n}" for n in range(12)]).to_csv(tmp_path / "a.csv")
    np.testing.assert_allclose(arrays.read(tmp_path / "a.csv", **SAID).millivolts, signals)


def rows_of(values, before=None):
    """Write rows of numbers; `before` makes the first cell of a row from its number."""
    rows = [",".join(f"{x:.6f}" for x in row) for row in values]
    return [f"{before(n)},{row}" if before else row for n, row in enumerate(rows)]


def clock(n):
    return f"'0:{n * 2 // 1000:02d}.{n * 2 % 1000:03d}'"


LAYOUTS = {  # of a table: rows before the numbers, first cells, whether it says the unit
    "units in round brackets": ([",".join(f"{x} (mV)" for x in LEADS)], None, True),
    "units in square brackets": ([",".join(f"{x} [mV]" for x in LEADS)], None, True),
    "times and units": (["Time (s)," + ",".join(f"{x}(mV)" for x in LEADS)], str, True),
    "a row of units": ([",".join(LEADS), ",".join(["mV"] * 12)], None, True),
    "rdsamp": (
        ["'Elapsed time'," + ",".join(f"'{x}'" for x in LEADS),
         "'hh:mm:ss.mmm'," + ",".join(["'mV'"] * 12)],
        clock, True,
    ),
    "dates": (["when," + ",".join(LEADS)], "[12:40:38.{} 20/07/1995]".format, False),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_names_units_and_times_of_tables(tmp_path, signals, layout):
    heading, before, says_unit = LAYOUTS[layout]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([*heading, *rows_of(signals.T, before)]) + "\n")
    assert arrays.recognises(path.read_bytes()[:4096])
    record = arrays.read(path, rate=500, **({} if says_unit else {"unit": "mV"}))
    assert record.leads == LEADS
    np.testing.assert_allclose(record.millivolts, signals, atol=1e-6)


@pytest.mark.parametrize("unit", ["uV", "\N{MICRO SIGN}V", "\N{GREEK SMALL LETTER MU}V"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_unit_that_a_table_says(tmp_path, signals, unit, encoding):
    path = tmp_path / "a.csv"
    heading = ",".join(f"{lead} ({unit})" for lead in LEADS)
    path.write_text("\n".join([heading, *rows_of(1e3 * signals.T)]), encoding)
    np.testing.assert_allclose(arrays.read(path, rate=500).millivolts, signals, atol=1e-6)


def test_leads_of_several_units_are_refused(tmp_path, signals):
    path = tmp_path / "a.csv"
    units = ["mV", *["uV"] * 11]
    heading = ",".join(f"{lead} ({unit})" for lead, unit in zip(LEADS, units, strict=True))
    path.write_text("\n".join([heading, *rows_of(signals.T)]))
    for given in ({}, {"unit": "mV"}):
        with pytest.raises(RecordError, match=f"{path}: leads in mV, uV"):
            arrays.read(path, rate=500, **given)


@pytest.mark.parametrize(
    ("heading", "given", "shown"),
    [
        (",".join(reversed(LEADS)), {"leads": LEADS}, "leads V6,V5"),
        (",".join(f"{lead} (uV)" for lead in LEADS), {"unit": "mV"}, "unit uV in the file, mV"),
    ],
)
def test_what_is_given_must_not_differ_from_the_file(tmp_path, signals, heading, given, shown):
    path = tmp_path / "a.csv"
    path.write_text("\n".join([heading, *rows_of(signals.T)]))
    with pytest.raises(RecordError, match=f"{path}: {shown}"):
        arrays.read(path, **SAID | given)


@pytest.mark.parametrize("before", [None, str])
@pytest.mark.parametrize("name", ['"V{}"', "V{}", "C{}", "D{}", "{}"])
def test_names_that_number_the_columns_are_no_leads(tmp_path, signals, name, before):
    path = tmp_path / "a.csv"
    names = [name.format(n) for n in range(1, 13)]  # as R's write.csv names a matrix's columns
    heading = ",".join(['""', *names] if before else names)
    path.write_text("\n".join([heading, *rows_of(signals.T, before)]))
    assert arrays.recognises(path.read_bytes()[:4096])
    with pytest.raises(RecordError, match="missing: --leads "):
        arrays.read(path, rate=500, unit="mV")
    record = arrays.read(path, **SAID)
    assert record.leads == LEADS
    np.testing.assert_allclose(record.millivolts, signals, atol=1e-6)


@pytest.mark.parametrize("chest", [("V1", "V2", "V3"), tuple(f"C{n}" for n in range(1, 7))])
def test_chest_leads_alone_are_leads(tmp_path, signals, chest):
    path = tmp_path / "a.csv"
    path.write_text("\n".join([",".join(chest), *rows_of(signals[6 : 6 + len(chest)].T)]))
    assert arrays.read(path, rate=500, unit="mV").leads == LEADS[6 : 6 + len(chest)]


def test_notes_of_hdf5_may_be_bytes_and_arrays_of_one(tmp_path, signals):
    with h5py.File(tmp_path / "a.h5", "w") as file:  # as MATLAB writes them
        file["ecg"] = signals
        file.attrs["leads"] = np.array(LEADS, "S")
        file.attrs["unit"] = np.bytes_("mV")
        file.attrs["rate"] = [500.0]
    record = arrays.read(tmp_path / "a.h5")
    assert (record.rate, record.leads, record.units[0]) == (500, LEADS, "mV")


def test_a_changed_npz_file_is_read_again(tmp_path, signals):
    path = tmp_path / "a.npz"
    for sign in (1, -1):
        np.savez(path, ecg=np.stack([sign * signals] * 2))
        os.utime(path, (sign + 1, sign + 1))
        for index in (0, 1):
            record = arrays.read(tmp_path / f"a.npz[{index}]", **SAID)
            np.testing.assert_array_equal(record.millivolts, sign * signals)


def test_a_row_per_lead_that_begins_with_its_name(tmp_path, signals):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(rows_of(signals, lambda n: LEADS[n])))
    assert arrays.recognises(path.read_bytes()[:4096])
    record = arrays.read(path, rate=500, unit="mV")
    assert record.leads == LEADS
    np.testing.assert_allclose(record.millivolts, signals, atol=1e-6)
    short = arrays.read(path, 0.2, rate=500, unit="mV")
    np.testing.assert_allclose(short.millivolts, signals[:, :100], atol=1e-6)


def test_columns_of_unknown_names_are_the_leads_that_are_given(tmp_path, signals):
    path = tmp_path / "a.csv"
    names = ",".join(["Time (ms)", *(f"Channel {n}" for n in range(12))])
    path.write_text("\n".join([names, *rows_of(signals.T, str)]))
    assert format_of(path) is None
    np.testing.assert_allclose(read_any(path, **SAID).millivolts, signals, atol=1e-6)
    with pytest.raises(RecordError, match=r"a\.csv: .*of no known format"):
        read_any(path, rate=500, unit="mV")


@pytest.mark.parametrize("names", ["", ",".join(LEADS)])
def test_a_last_lead_without_samples(tmp_path, signals, names):
    path = tmp_path / "a.csv"
    values = signals.copy()
    values[11] = np.nan
    text = "\n".join(",".join("" if x != x else f"{x:.6f}" for x in row) for row in values.T)
    path.write_text(f"{names}\n{text}\n")
    record = arrays.read(path, **SAID)
    np.testing.assert_allclose(record.millivolts, values, atol=1e-6)


def test_empty_cells_are_missing(tmp_path, signals):
    signals[3, 700:800] = np.nan
    frame = pd.DataFrame(signals.T, columns=LEADS)
    frame.to_csv(tmp_path / "a.csv", index=False)
    np.testing.assert_allclose(
        arrays.read(tmp_path / "a.csv", rate=500, unit="mV").millivolts, signals
    )


@pytest.mark.parametrize(
    "text",
    [
        "record,AF,NSR\nA0001,1,0\nA0002,0,1\n",  # a table of labels
        "#A0001\n426783006,164889003\n0,1\n0.1,0.9\n",  # an answer of the challenge
        "code,name\n426783006,sinus rhythm\n",
        "a text, with commas\nand a line\n",
        "1\n2\n3\n",
        "",
    ],
)
def test_other_tables_are_no_recordings(tmp_path, text):
    assert not arrays.recognises(text.encode())
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(RecordError, match=r"a\.csv: "):
        arrays.read(tmp_path / "a.csv", **SAID)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda rows: [*rows, "1,2"], "row 1501 of numbers has 2 cells, not 12"),
        (lambda rows: [*rows, rows[0] + "x"], "row 1501 of numbers: a cell is no number"),
        (lambda rows: [*rows, rows[0] + "_1"], "row 1501"),
    ],
)
def test_damaged_tables(tmp_path, signals, change, reason):
    rows = [",".join(f"{x:.4f}" for x in row) for row in signals.T]
    (tmp_path / "bad.csv").write_text("\n".join(change(rows)))
    with pytest.raises(RecordError, match=rf"bad\.csv: {reason}"):
        arrays.read(tmp_path / "bad.csv", **SAID)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"rate": "fast"}, "rate 'fast'"),
        ({"rate": -1}, "a sampling rate of -1 Hz"),
        ({"rate": float("nan")}, "a sampling rate of nan Hz"),
        ({"unit": "counts"}, "unit 'counts'"),
        ({"unit": "0 mV"}, "unit '0 mV'"),
        ({"unit": 5}, "unit 5"),
        ({"leads": 12}, "leads must be names"),
        ({"leads": [*LEADS[:11], "I"]}, "lead I stands twice"),
        ({"leads": [f"x{n}" for n in range(12)]}, "0 of the twelve leads"),
    ],
)
def test_options_that_make_no_sense(tmp_path, signals, given, reason):
    path = write(tmp_path / "a.npy", signals)
    with pytest.raises(RecordError, match=rf"a\.npy: {reason}"):
        arrays.read(path, **SAID | given)


def test_objects_are_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    np.save(tmp_path / "a.npy", np.array([[Bomb()]], object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", ecg=np.array([[Bomb()]], object))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(RecordError, match=name):
            arrays.read(tmp_path / name, **SAID)


def test_a_small_archive_that_would_fill_the_memory(tmp_path):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "<f8", "fortran_order": False, "shape": (12, 10**9)}
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ecg.npy", buffer.getvalue() + bytes(10**7))
    with pytest.raises(RecordError, match=r"a\.npz: .* found: none"):
        arrays.read(tmp_path / "a.npz", **SAID)


def test_hdf5_follows_to_no_other_file(tmp_path, signals):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["ecg"] = signals
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["ecg"] = h5py.ExternalLink("other.h5", "ecg")
    with h5py.File(tmp_path / "outside.h5", "w") as file:
        file.create_dataset("ecg", (12, 500), "f8", external=[("other.h5", 0, 48000)])
    with h5py.File(tmp_path / "virtual.h5", "w", libver="latest") as file:
        layout = h5py.VirtualLayout((12, 1500), "f8")
        layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "ecg", (12, 1500))
        file.create_virtual_dataset("ecg", layout)
    for name in ("link.h5", "outside.h5", "virtual.h5"):
        with pytest.raises(RecordError, match="found: none"):
            arrays.read(tmp_path / name, **SAID)


def test_a_day_is_read_by_parts(tmp_path, signals):
    path = tmp_path / "day.npy"
    day = np.lib.format.open_memmap(path, "w+", np.float32, (12, 86400 * 500))  # 2 GB, sparse
    day[:, :1500] = signals
    del day
    np.testing.assert_allclose(arrays.read(path, 3, **SAID).millivolts, signals, atol=1e-6)
    with pytest.raises(RecordError, match=r"day\.npy: a recording of more than"):
        arrays.read(path, **SAID)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_copies(tmp_path, survives, signals, suffix):
    path = write(tmp_path / f"a{suffix}", signals.T)
    survives(lambda damaged: arrays.read(damaged, **SAID), path.read_bytes(), suffix)
