"""Stretches of recordings: what is read of a part equals that part of the whole."""

import tracemalloc
import warnings

import numpy as np
import pytest
import wfdb

from ecg12.io.formats import open_any, read_any
from ecg12.io.leads import LEADS
from ecg12.io.open_record import OpenRecord
from ecg12.io.record import Record
from ecg12.io.wfdb import write_record
from ecg12.runtime.errors import InputError, RecordError

RATE, SECONDS, GAIN = 250, 20, 1000
N = RATE * SECONDS
STRETCHES = [(0, 1), (0, N), (1, 7), (333, 777), (N - 1, 1)]  # first sample, number of samples


@pytest.fixture
def steps(make_ecg):
    """Return (12, n) integers of 1 uV, none of them a mark of a missing sample."""
    return np.rint(make_ecg(RATE, SECONDS) * GAIN).astype(int)


def wrsamp(*arguments, **options):
    with warnings.catch_warnings():  # of pandas, about how wfdb uses it
        warnings.simplefilter("ignore")
        wfdb.wrsamp(*arguments, **options)


def write_wfdb(folder, steps, form, **options):
    wrsamp(
        "r", RATE, ["mV"] * 12, list(LEADS), d_signal=steps.T, fmt=[form] * 12,
        adc_gain=[GAIN] * 12, baseline=[0] * 12, write_dir=str(folder), **options,
    )  # fmt: skip
    return folder / "r.hea"


def write_differences(folder, steps, form):
    """Write format 8 by its definition: each sample less the one before, in 8 bits."""
    (folder / "r.dat").write_bytes(np.diff(steps, axis=1, prepend=0).T.astype(np.int8).tobytes())
    lines = [f"r 12 {RATE} {N}", *(f"r.dat {form} {GAIN}/mV 8 0 0 0 0 {lead}" for lead in LEADS)]
    (folder / "r.hea").write_text("\n".join(lines) + "\n")
    return folder / "r.hea"


def write_mat(folder, steps, _):
    return write_record(folder, Record.from_millivolts("r", steps / GAIN, LEADS, RATE))


def write_edf(folder, steps, _):
    edfio = pytest.importorskip("edfio", reason="edfio is not installed")
    channels = [
        edfio.EdfSignal.from_digital(
            row.astype(np.int16), RATE, label=lead, physical_dimension="uV",
            physical_range=(-32768, 32767), digital_range=(-32768, 32767),
        )
        for row, lead in zip(steps, LEADS, strict=True)
    ]  # fmt: skip
    edfio.Edf(channels, data_record_duration=2).write(folder / "r.edf")
    return folder / "r.edf"


def write_npy(folder, steps, _):
    np.save(folder / "r.npy", steps.T.astype(np.int32))
    return folder / "r.npy"


def write_hdf5(folder, steps, _):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    with h5py.File(folder / "r.h5", "w") as file:
        file["ecg"] = steps
        file["ecg"].attrs.update({"rate": RATE, "unit": "uV", "leads": list(LEADS)})
    return folder / "r.h5"


def write_csv(folder, steps, _):
    np.savetxt(folder / "r.csv", steps.T, "%d", ",", header=",".join(LEADS), comments="")
    return folder / "r.csv"


WRITERS = [
    *((write_wfdb, form) for form in ("16", "24", "32", "212", "80", "516")),
    (write_differences, "8"),
    *((one, "") for one in (write_mat, write_edf, write_npy, write_hdf5, write_csv)),
]
NAMES = [form or writer.__name__.removeprefix("write_") for writer, form in WRITERS]


@pytest.mark.parametrize(("writer", "form"), WRITERS, ids=NAMES)
def test_stretches_of_each_format_are_what_was_written(tmp_path, steps, writer, form):
    if form in ("80", "8"):
        steps = np.clip(steps // 32, -60, 60)
    path = writer(tmp_path, steps, form)
    array = {"rate": RATE, "unit": "uV", "leads": LEADS} if not form else {}
    record = open_any(path, **array)
    assert (record.name, record.rate, record.n_samples) == ("r", RATE, N)
    for first, n in STRETCHES:
        part = record.read(first, n)
        assert part.leads == LEADS
        np.testing.assert_allclose(part.centred, steps[:, first : first + n], atol=1e-6)


def test_a_stretch_equals_wfdb_where_frames_hold_several_samples(tmp_path, steps):
    """The limb leads at half the rate of the chest leads: resampled, as in the whole."""
    signals = [row[::2].copy() for row in steps[:6]] + list(steps[6:])
    for first, _ in STRETCHES:
        signals[0][first // 2 : first // 2 + 40] = -32768  # missing
    wrsamp(
        "r", RATE // 2, ["mV"] * 12, list(LEADS), e_d_signal=signals, fmt=["16"] * 12,
        adc_gain=[GAIN] * 12, baseline=[0] * 12, samps_per_frame=[1] * 6 + [2] * 6,
        write_dir=str(tmp_path),
    )  # fmt: skip
    record, whole = open_any(tmp_path / "r"), read_any(tmp_path / "r")
    for first, n in STRETCHES:
        part = record.read(first, n).stored
        np.testing.assert_array_equal(part, whole.stored[:, first : first + n])
    np.testing.assert_array_equal(whole.stored[6:], steps[6:])


def write_segments(folder, steps):
    """Write 8 s of all leads, a gap of 4 s, and 8 s of lead II alone in uV."""
    first, second = 8 * RATE, 12 * RATE
    for name, rows, leads, unit in (
        ("s1", steps[:, :first], list(LEADS), "mV"),
        ("s2", steps[1:2, second:], ["II"], "uV"),
    ):
        wrsamp(
            name, RATE, [unit] * len(leads), leads, d_signal=rows.T, fmt=["16"] * len(leads),
            adc_gain=[GAIN if unit == "mV" else 1] * len(leads), baseline=[0] * len(leads),
            write_dir=str(folder),
        )  # fmt: skip
    lines = [f"m/3 12 {RATE} {N}", f"s1 {first}", f"~ {4 * RATE}", f"s2 {N - second}"]
    (folder / "m.hea").write_text("\n".join(lines) + "\n")
    return folder / "m.hea"


def test_segments_are_read_where_they_are_asked_for(tmp_path, steps):
    record = open_any(write_segments(tmp_path, steps))
    assert record.n_samples == N
    across = record.read(7 * RATE, 6 * RATE)  # 1 s of the first, the gap, 1 s of the second
    expected = np.full((12, 6 * RATE), np.nan)
    expected[:, :RATE] = steps[:, 7 * RATE : 8 * RATE]
    expected[1, 5 * RATE :] = steps[1, 12 * RATE : 13 * RATE]
    np.testing.assert_allclose(across.millivolts * GAIN, expected, atol=1e-9)
    late = record.read(19 * RATE, RATE)
    assert late.leads == ("II",)
    np.testing.assert_allclose(late.millivolts[0] * GAIN, steps[1, 19 * RATE :], atol=1e-9)
    assert np.isnan(record.read(9 * RATE, RATE).millivolts).all()


def test_a_recording_without_its_length_is_as_long_as_its_file(tmp_path, steps):
    path = write_wfdb(tmp_path, steps, "16")
    lines = path.read_text().split("\n")
    path.write_text("\n".join([f"r 12 {RATE}", *lines[1:]]))
    record = open_any(path)
    assert record.n_samples == N
    np.testing.assert_array_equal(record.read(100, 50).stored, steps[:, 100:150])


def test_times_beyond_the_end_are_refused_and_lengths_end_there(make_record):
    record = OpenRecord.of(make_record(seconds=10))
    assert record.seconds == 10
    assert record.cut(9, 5).stored.shape == (12, 500)
    assert record.cut(2).stored.shape == (12, 4000)
    with pytest.raises(InputError, match=r"10 s.*10 s"):
        record.cut(10, 1)
    with pytest.raises(InputError, match="-1 s"):
        record.cut(-1, 1)


def test_a_file_that_is_cut_off_while_it_is_open_is_named(tmp_path, steps):
    for writer in (write_mat, write_npy, lambda *a: write_wfdb(*a[:2], "16")):
        path = writer(tmp_path, steps, "")
        record = open_any(path, rate=RATE, unit="uV", leads=LEADS)
        for file in tmp_path.iterdir():
            if file.suffix in (".mat", ".npy", ".dat"):
                file.write_bytes(file.read_bytes()[:2000])
        with pytest.raises(RecordError, match="r"):
            record.read(N - 10, 10)
        for file in tmp_path.iterdir():
            file.unlink()


@pytest.mark.parametrize("kind", ["wfdb", "npy"])
def test_memory_follows_what_is_read(tmp_path, kind):
    """Two hours, 43 MB in 16 bits, of which nothing but holes is on the disk."""
    rate, n = 250, 2 * 3600 * 250
    if kind == "wfdb":
        lines = [f"r 12 {rate} {n}", *(f"r.dat 16 200/mV 16 0 0 0 0 {lead}" for lead in LEADS)]
        (tmp_path / "r.hea").write_text("\n".join(lines) + "\n")
        file = tmp_path / "r.dat"
        with file.open("wb") as opened:
            opened.truncate(24 * n)
    else:
        np.lib.format.open_memmap(tmp_path / "r.npy", "w+", np.int16, (n, 12)).flush()
    path = tmp_path / ("r.hea" if kind == "wfdb" else "r.npy")
    array = {"rate": rate, "unit": "uV", "leads": LEADS}
    open_any(path, **array).read(0, 10)  # what is imported does not count
    tracemalloc.start()
    record = open_any(path, **array)
    for first in range(0, n - 2500, n // 20):
        assert record.read(first, 2500).stored.shape == (12, 2500)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6
