"""Windows of long recordings: each as the recording cut to it; rows, summary, faults."""

import csv
import io
import json
import os
import threading
import warnings
from dataclasses import replace

import numpy as np
import pytest
import wfdb

import ecg12
from ecg12.cli.main import main
from ecg12.inference.window_rates import heart_rates, thin
from ecg12.inference.window_summary import WindowSummary
from ecg12.inference.windows import Windows
from ecg12.io.leads import LEADS
from ecg12.io.open_record import OpenRecord
from ecg12.io.record import Record
from ecg12.runtime.errors import InputError, RecordError
from ecg12.signal.heart_rate import record_heart_rate
from ecg12.synthetic.generate import Options, recording

RATE, GAIN = 250, 1000
BEATS = 75  # per minute, of `make_ecg`


@pytest.fixture(scope="module")
def model():
    return ecg12.load_model()


def write(folder, name, steps):
    with warnings.catch_warnings():  # of pandas, about how wfdb uses it
        warnings.simplefilter("ignore")
        wfdb.wrsamp(
            name, RATE, ["mV"] * 12, list(LEADS), d_signal=steps.T, fmt=["16"] * 12,
            adc_gain=[GAIN] * 12, baseline=[0] * 12, write_dir=str(folder),
        )  # fmt: skip
    return folder / f"{name}.hea"


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """Write 47 s: 20 s of sinus rhythm, 10 s unplugged, 17 s of atrial fibrillation."""
    parts = [
        recording(3, 0, Options(classes=("NSR",), rates=(RATE,), seconds=(20.0,))),
        recording(3, 1, Options(classes=("AF",), rates=(RATE,), seconds=(17.0,))),
    ]
    first, last = (np.rint(np.nan_to_num(one.millivolts) * GAIN).astype(int) for one in parts)
    steps = np.concatenate([first, np.zeros((12, 10 * RATE), int), last], axis=1)
    folder = tmp_path_factory.mktemp("day")
    return write(folder, "day", steps)


def cut(path, folder, start, end):
    """Return what wfdb reads of a recording from one time to another, as one of its own."""
    read = wfdb.rdrecord(
        str(path.with_suffix("")), physical=False, sampfrom=start * RATE, sampto=end * RATE
    )
    return write(folder, f"cut{start}", read.d_signal.T)


def test_windows_equal_predictions_of_the_recording_cut_by_wfdb(model, day, tmp_path):
    windows = list(model.predict_windows(day, every=10))
    assert [(one.start, one.end) for one in windows] == [
        (0, 10), (10, 20), (20, 30), (30, 40), (40, 47),
    ]  # fmt: skip
    paths = [cut(day, tmp_path, int(one.start), int(one.end)) for one in windows]
    for window, expected in zip(windows, model.predict_files(paths), strict=True):
        if isinstance(expected, ecg12.Failure):
            assert window.outcome.reason == expected.reason == "no signal: all leads are flat"
            continue
        assert window.outcome.quality == expected.quality
        for ours, theirs in zip(window.outcome.classes, expected.classes, strict=True):
            assert ours.score == pytest.approx(theirs.score, abs=1e-6)
            assert (ours.positive, ours.votes) == (theirs.positive, theirs.votes)


def test_a_recording_in_memory_has_the_windows_of_its_file(model, day):
    from_file = list(model.predict_windows(str(day), every=10))
    for held in (ecg12.read_record(day), OpenRecord.of(ecg12.read_record(day))):
        windows = list(model.predict_windows(held, every=10))
        assert len(windows) == len(from_file)
        for ours, theirs in zip(windows, from_file, strict=True):
            assert ours.heart_rate == theirs.heart_rate
            if isinstance(ours.outcome, ecg12.Prediction):
                assert ours.outcome.classes == theirs.outcome.classes


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (10, [(0, 10), (10, 20), (20, 25)]),
        (12.5, [(0, 12.5), (12.5, 25)]),
        (5, [(0, 10), (5, 15), (10, 20), (15, 25)]),
        (20, [(0, 20), (20, 25)]),
        (30, [(0, 25)]),
        (1000, [(0, 25)]),
    ],
)
def test_where_windows_lie(model, make_record, every, expected):
    """25 s; the networks take 10 s, so that windows of less overlap."""
    windows = model.predict_windows(make_record(seconds=25), every=every)
    assert [(one.start, one.end) for one in windows] == expected


@pytest.mark.parametrize(
    ("seconds", "every", "expected"),
    [
        (30.004, 10, [(0, 10), (10, 20), (20, 30.004)]),
        (31.998, 10, [(0, 10), (10, 20), (20, 31.998)]),
        (32, 10, [(0, 10), (10, 20), (20, 30), (30, 32)]),
        (10.5, 10, [(0, 10.5)]),
        (1.5, 10, [(0, 1.5)]),
        (19.5, 9, [(0, 10), (9, 19.5)]),
        (20.5, 5, [(0, 10), (5, 15), (10, 20), (15, 20.5)]),
    ],
)
def test_a_rest_below_2_s_is_no_window_of_its_own(model, make_record, seconds, every, expected):
    """What is shorter than 2 s is unusable; the window before ends with the recording."""
    record = OpenRecord.of(make_record(seconds=seconds))
    windows = Windows.of(model.classifier, record, every)
    spans = [windows.span(i) for i in range(len(windows))]
    assert spans == [(round(start * 500), round(end * 500)) for start, end in expected]


def test_a_rest_of_two_samples_adds_no_diagnosis(model, make_record):
    """The windows but the last are those of the recording without the rest."""
    record = make_record(seconds=30.004)
    cut = replace(record, stored=record.stored[:, :15_000])
    windows, whole = (list(model.predict_windows(one, every=10)) for one in (record, cut))
    assert [(one.start, one.end) for one in windows] == [(0, 10), (10, 20), (20, 30.004)]
    for ours, theirs in zip(windows, whole, strict=True):
        scores = ([entry.score for entry in one.outcome.classes] for one in (ours, theirs))
        np.testing.assert_allclose(*scores, atol=1e-3 if ours is windows[-1] else 1e-6)


@pytest.mark.parametrize("rate", [125.5, 360, 499.9])
def test_windows_cover_every_sample_once_at_odd_rates(model, rate):
    signals = np.zeros((12, 10_007))
    record = OpenRecord.of(Record.from_millivolts("r", signals, LEADS, rate))
    windows = Windows.of(model.classifier, record, 10)
    spans = [windows.span(i) for i in range(len(windows))]
    assert (spans[0][0], spans[-1][1]) == (0, 10_007)
    assert all(one[1] == two[0] for one, two in zip(spans, spans[1:], strict=False))


def test_the_heart_rate_of_a_long_window_is_of_all_of_it(model, make_ecg):
    """20 s at 75 per minute, then 40 s at twice as many: 25 + 100 beats in a minute."""
    signals = np.hstack([make_ecg(500, 20), make_ecg(500, 80)[:, ::2]])
    record = Record.from_millivolts("r", signals, LEADS, 500.0)
    [window] = model.predict_windows(record, every=60)
    assert window.heart_rate == pytest.approx(125, rel=0.02)
    assert window.outcome.seconds == 10


def test_a_window_of_which_the_networks_see_no_signal_is_not_predicted(model, make_ecg):
    """They see 10 s; the filters another second, in which the signal begins."""
    for before in (0.0, np.nan):
        signals = make_ecg(500, 12)
        signals[:, :5000] = before
        record = Record.from_millivolts("r", signals, LEADS, 500.0)
        [window] = model.predict_windows(record, every=12)
        assert window.outcome.reason.startswith("no signal: ")


@pytest.mark.parametrize("every", [0, -10, 0.5, float("nan"), float("inf")])
def test_an_impossible_step_is_refused(model, make_record, every):
    with pytest.raises(InputError, match="at least 1 s"):
        model.predict_windows(make_record(), every=every)


def test_the_heart_rate_is_that_of_the_beats(model, make_record):
    windows = list(model.predict_windows(make_record(rate=500, seconds=60), every=10))
    assert [one.heart_rate for one in windows] == pytest.approx([BEATS] * 6, rel=0.01)


@pytest.mark.parametrize("rate", [100, 500])
def test_heart_rates_of_many_windows_are_those_of_each_alone(rate):
    kinds = Options(classes=("AF", "PVC"), rates=(float(rate),), seconds=(10.0,))
    windows = [recording(5, number, kinds) for number in range(6)]
    flat, gap = (one.stored.copy() for one in windows[:2])
    flat[3], gap[2, 100:300] = 7, windows[1].missing
    windows += [replace(windows[0], stored=flat), replace(windows[1], stored=gap)]
    windows += [
        replace(one, stored=one.stored[:, :n])
        for one, n in zip(windows[:3], (9, 450, 7), strict=True)
    ]
    windows.append(replace(windows[0], stored=np.zeros_like(flat)))
    expected = [record_heart_rate(thin(one)) for one in windows]
    assert heart_rates(windows) == [
        None if one is None else pytest.approx(one, rel=1e-9) for one in expected
    ]
    assert expected[-1] is None
    assert None not in expected[:8]


@pytest.mark.parametrize("rate", [100, 500])
def test_heart_rates_of_windows_do_not_count_what_no_lead_records(make_record, rate):
    windows = [make_record(rate=rate, seconds=10) for _ in range(3)]
    gap, off = (one.stored.copy() for one in windows[:2])
    gap[:, 2 * rate : 6 * rate], off[:, 2 * rate : 6 * rate] = windows[0].missing, 0
    windows[0], windows[1] = (
        replace(one, stored=stored) for one, stored in zip(windows, (gap, off), strict=False)
    )
    assert heart_rates(windows) == pytest.approx([BEATS] * 3, rel=0.02)


def test_a_stretch_that_cannot_be_read_costs_its_own_windows(model, make_record):
    whole, faulty = OpenRecord.of(make_record(seconds=60)), range(15 * 500, 16 * 500)

    def read(first, n):
        if first < faulty.stop and first + n > faulty.start:
            raise RecordError("r.dat: Input/output error")
        return whole.read(first, n)

    record = OpenRecord(name="r", rate=500.0, n_samples=60 * 500, read=read)
    outcomes = [one.outcome for one in model.predict_windows(record, every=10)]
    failed = [isinstance(one, ecg12.Failure) for one in outcomes]
    assert failed == [False, True, False, False, False, False]
    assert outcomes[1].reason == "r.dat: Input/output error"
    assert not outcomes[1].about_signal


def test_no_more_than_a_few_batches_are_read_ahead(model, make_record):
    """Memory: of 2,000 windows some hundred are read when the first is answered."""
    part, reads, lock = make_record(rate=50, seconds=400), [], threading.Lock()

    def read(first, n):
        with lock:
            reads.append(n)
        return OpenRecord.of(part).read(0, n)

    record = OpenRecord(name="r", rate=50.0, n_samples=50 * 20_000, read=read)
    next(model.predict_windows(record, every=10))
    assert sum(reads) < 50 * 20_000 / 5


def test_csv_rows_and_the_summary(day, tmp_path, capsys):
    output = tmp_path / "rows.csv"
    arguments = ["predict", str(day), "--every", "10", "--format", "csv", "-o", str(output)]
    main([*arguments, "--plot", str(tmp_path / "drawn")])
    rows = list(csv.DictReader(io.StringIO(output.read_text())))
    assert [row["start"] for row in rows] == ["0.0", "10.0", "20.0", "30.0", "40.0"]
    assert ["AF" in row["diagnoses"].split("|") for row in rows] == [False] * 3 + [True] * 2
    assert rows[2]["error"] == "no signal: all leads are flat"
    assert rows[2]["score AF"] == rows[2]["quality"] == ""
    assert float(rows[3]["score AF"]) > 0.5
    shown = capsys.readouterr().out
    assert "00:00:47 in 5 windows" in shown
    assert "4 predicted, 1 without prediction" in shown
    [line] = [line for line in shown.splitlines() if line.lstrip().startswith("AF ")]
    assert line.split()[-5:] == ["2", "50.0%", "00:00:30", "to", "00:00:47"]
    assert (tmp_path / "drawn" / "day.png").read_bytes().startswith(b"\x89PNG")


def test_json_lines_hold_what_predict_says(day, tmp_path, capsys):
    main(["predict", str(day), "--every", "10", "--format", "json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    main(["predict", str(cut(day, tmp_path, 30, 40)), "--format", "json"])
    [expected] = json.loads(capsys.readouterr().out)["recordings"]
    del expected["source"]
    ours = {key: lines[3][key] for key in expected}
    for one in (*ours["classes"], *expected["classes"]):
        one["score"], one["probability"] = round(one["score"], 4), None
    assert ours == expected
    assert lines[2]["error"] == "no signal: all leads are flat"
    assert (lines[2]["start"], lines[2]["end"]) == (20.0, 30.0)


def test_one_file_that_cannot_be_read_leaves_the_others(day, tmp_path, capsys):
    output = tmp_path / "rows.csv"
    broken = tmp_path / "broken.hea"
    broken.write_text("broken 12 500\n")
    files = [str(broken), str(day)]
    with pytest.raises(SystemExit, match="1"):
        main(["predict", *files, "--every", "10", "--format", "csv", "-o", str(output)])
    assert f"ecg12: 1 of 2 recordings failed:\n  {broken}: " in capsys.readouterr().err
    assert len(output.read_text().splitlines()) == 1 + 5


def test_a_name_that_is_no_utf8_is_escaped_in_the_rows(day, tmp_path, capsys):
    output, odd = tmp_path / "rows.csv", tmp_path / os.fsdecode(b"M\xfcller.hea")
    odd.write_bytes(day.read_bytes())
    (tmp_path / "day.dat").write_bytes(day.with_suffix(".dat").read_bytes())
    main(["predict", str(odd), "--every", "10", "--format", "csv", "-o", str(output)])
    assert len(output.read_text(encoding="utf-8").splitlines()) == 1 + 5
    assert "\\udcfc" in output.read_text(encoding="utf-8")
    assert "00:00:47 in 5 windows" in capsys.readouterr().out


def test_a_recording_without_any_prediction_is_a_failure(tmp_path, capsys):
    path = write(tmp_path, "flat", np.zeros((12, 20 * RATE), int))
    with pytest.raises(SystemExit, match="1"):
        main(["predict", str(path), "--every", "10"])
    written = capsys.readouterr()
    assert "flat.hea: 2 of 2 windows without prediction" in written.err
    assert "0 predicted, 2 without prediction" in written.out


def test_strict_refuses_unusable_windows(make_record, tmp_path, capsys):
    """V2 is unplugged in the last 10 s of 20."""
    steps = np.rint(make_record(rate=RATE, seconds=20).millivolts * GAIN).astype(int)
    steps[7, 10 * RATE :] = 0
    path = write(tmp_path, "loose", steps)
    main(["predict", str(path), "--every", "10", "--strict"])
    shown = capsys.readouterr().out
    assert "1 predicted, 1 without prediction" in shown
    assert "1: unusable signal: no signal in V2" in shown


def test_an_empty_summary_has_no_shares(model):
    summary = WindowSummary("r", model.classes, 0.0, 10.0)
    assert summary.predicted == 0
    assert summary.ranked() == []
    assert "none of the known diagnoses" in summary.text()
