import sys
import warnings
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from matplotlib.image import imread

from ecg12.cli.main import main
from ecg12.io.leads import LEADS
from ecg12.io.record import MISSING, Record
from ecg12.io.wfdb import find_records, read_record, write_record
from ecg12.plotting import draw, excerpt, save
from ecg12.runtime.errors import InputError

HEADS = {".png": b"\x89PNG\r\n\x1a\n", ".pdf": b"%PDF-", ".svg": b"<?xml"}


def millimetres(figure, x, y):
    """Return where data coordinates fall on the page, in mm from its lower left corner."""
    points = figure.axes[0].transData.transform(np.transpose([x, y]))
    return points.T / figure.dpi * 25.4


def lines(figure, name):
    """Return the drawn lines of a name in mm of the page, the rhythm strip last."""
    found = [line for line in figure.axes[0].lines if line.get_label() == name]
    return [millimetres(figure, *line.get_data()) for line in found]


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def box(rate=500, seconds=10, leads=LEADS, **options):
    """Return a recording with 1 mV from 1 to 2 s of every 2.5 s, otherwise 0."""
    times = np.arange(rate * seconds) / rate
    row = np.where((times % 2.5 >= 1) & (times % 2.5 < 2), 1.0, 0.0)
    return Record.from_millivolts("box", np.tile(row, (len(leads), 1)), leads, rate, **options)


def beats(record, n):
    """Return the recording with triangular QRS complexes, `n` in 10 s, in place of its signals."""
    times = np.arange(10 * record.rate) / record.rate
    phase = np.abs((times * n / 10) % 1 - 0.5) * 10 / n
    row = np.clip(1 - phase / 0.04, 0, 1)
    return Record.from_millivolts("beats", np.tile(row, (12, 1)), LEADS, record.rate)


@pytest.mark.parametrize("rate", [250, 500, 1000])
def test_one_millivolt_for_one_second_spans_10_by_25_millimetres(rate):
    x, y = lines(draw(box(rate), raw=True), "V2")[0]
    above = y > y.min() + 5
    assert np.ptp(y) == pytest.approx(10, abs=0.01)
    assert np.ptp(x[above]) == pytest.approx(25 - 25 / rate, abs=0.01)


def test_calibration_pulse_is_one_millivolt_and_200_milliseconds_in_every_row():
    pulses = lines(draw(box()), "calibration")
    assert len(pulses) == 4
    for x, y in pulses:
        assert np.ptp(y) == pytest.approx(10)
        assert np.ptp(x[y > y.min() + 5]) == pytest.approx(5)


def test_columns_follow_every_62_5_millimetres_in_three_rows_above_the_strip(make_record):
    figure = draw(make_record())
    starts = np.array([lines(figure, lead)[0][0][0] for lead in LEADS]).reshape(4, 3)
    assert np.diff(starts, axis=0) == pytest.approx(62.5)
    assert np.ptp(starts, axis=1) == pytest.approx(0)
    strips = lines(figure, "II")
    assert len(strips) == 2
    assert np.ptp(strips[1][0]) == pytest.approx(250, abs=0.1)
    assert np.median(strips[1][1]) < np.median(lines(figure, "III")[0][1]) - 30


@pytest.mark.parametrize(("lead", "column"), [("I", 0), ("aVR", 1), ("V1", 2), ("V4", 3)])
def test_columns_are_cut_from_the_recording_one_after_the_other(make_record, lead, column):
    record = make_record(rate=400)
    y = lines(draw(record, raw=True), lead)[0][1]
    signal = record.millivolts[LEADS.index(lead)][1000 * column :][: len(y)]
    assert len(y) in (1000, 1001)
    assert np.diff(y) == pytest.approx(10 * np.diff(signal), abs=1e-6)


@pytest.mark.parametrize(("seconds", "width"), [(2, 297), (10, 297), (20, 547)])
def test_page_is_a4_and_grows_with_the_time_shown(make_record, seconds, width):
    figure = draw(make_record(seconds=30), seconds=seconds)
    assert figure.get_size_inches() * 25.4 == pytest.approx((width, 210))
    assert np.ptp(lines(figure, "II")[1][0]) == pytest.approx(25 * seconds, abs=0.1)


def test_grid_has_a_line_every_millimetre_and_a_bold_one_every_five(make_record):
    figure = draw(make_record())
    fine, bold = figure.axes[0].collections
    for lines_, step in ((fine, 1), (bold, 5)):
        upright = [s[:, 0] for s in lines_.get_segments() if np.ptp(s[:, 0]) == 0]
        x = millimetres(figure, *np.transpose(upright))[0]
        assert np.diff(x) == pytest.approx(step)
    assert bold.get_linewidth()[0] > fine.get_linewidth()[0]


def test_png_has_ten_pixels_per_millimetre(tmp_path):
    save(draw(box(), raw=True), tmp_path / "box.png")
    image = imread(tmp_path / "box.png")
    assert image.shape[:2] == (2100, 2970)
    dark = image[..., :3].max(axis=2) < 0.4
    pulse = dark[320:1970, 160:260]  # within the grid, the indent of 10 mm
    columns = np.flatnonzero(pulse.sum(axis=0) > 4 * 90)  # its two upright lines, in four rows
    assert columns.max() - columns.min() == pytest.approx(50, abs=4)
    assert pulse.sum(axis=0).max() == pytest.approx(4 * 100, abs=4 * 5)


@pytest.mark.parametrize("suffix", HEADS)
def test_a_file_name_that_is_no_utf_8_is_drawn_escaped(tmp_path, suffix):
    figure = draw(replace(box(), name="M\udcfcller"))
    assert any(text.startswith("M\\udcfcller") for text in texts(figure))
    save(figure, tmp_path / f"drawn{suffix}")
    assert (tmp_path / f"drawn{suffix}").read_bytes().startswith(HEADS[suffix])


def test_paper_prints_in_black_and_white(tmp_path, make_record):
    save(draw(make_record()), tmp_path / "a.png")
    grey = imread(tmp_path / "a.png")[..., :3] @ [0.299, 0.587, 0.114]
    grid = grey[400:1900, 2765:2805]  # right of the signals
    assert 0.6 < grid.min() < 0.8 < np.median(grid)
    assert grey.min() < 0.05


@pytest.mark.parametrize("suffix", HEADS)
def test_files_are_of_their_kind_and_always_the_same(tmp_path, make_record, suffix):
    for name in "ab":
        save(draw(make_record()), tmp_path / f"{name}{suffix}")
    data = (tmp_path / f"a{suffix}").read_bytes()
    assert data.startswith(HEADS[suffix])
    assert data == (tmp_path / f"b{suffix}").read_bytes()


def test_pdf_page_is_a4(tmp_path, make_record):
    save(draw(make_record()), tmp_path / "a.pdf")
    size = (tmp_path / "a.pdf").read_bytes().split(b"/MediaBox [")[1].split(b"]")[0].split()
    assert [float(v) / 72 * 25.4 for v in size] == pytest.approx([0, 0, 297, 210], abs=0.01)


def test_unknown_suffix_and_folder_are_named(tmp_path, make_record):
    figure = draw(make_record())
    with pytest.raises(InputError, match=r"a\.gif.*'\.gif'; choices: \.png, \.pdf, \.svg"):
        save(figure, tmp_path / "a.gif")
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        save(figure, tmp_path / "nowhere" / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_heading_names_the_patient_the_rate_and_the_diagnoses(make_record):
    codes = ("164889003", "1234567")
    record = make_record("R1", age=61, sex="Female", codes=codes)
    title, diagnoses, note = [t.replace("\xa0", " ") for t in texts(draw(record, notes=["said AF"]))
                              if t not in LEADS][:3]  # fmt: skip
    assert title.split("   ") == ["R1", "61 years", "female", "75 beats/min"]  # a beat every 0.8 s
    assert diagnoses == "Diagnoses: AF atrial fibrillation; SNOMED CT 1234567"
    assert note == "said AF"


def test_long_heading_makes_the_page_taller_and_stays_above_the_grid(make_record):
    figure = draw(make_record(), notes=["a line"] * 20)
    height = figure.get_size_inches()[1] * 25.4
    places = [millimetres(figure, [0], [t.get_position()[1]])[1][0]
              for t in figure.axes[0].texts if t.get_text() == "a line"]  # fmt: skip
    assert height > 210
    assert millimetres(figure, [0], [165])[1][0] < min(places) < max(places) < height - 5


@pytest.mark.parametrize("n", [5, 12, 20, 30])
@pytest.mark.parametrize("rate", [100, 257, 1000])
def test_heart_rate_counts_beats(make_record, rate, n):
    record = beats(make_record(rate=rate), n)
    assert excerpt(record).heart_rate == pytest.approx(6 * n, rel=0.01)


@pytest.mark.parametrize("value", [0, MISSING])
def test_heart_rate_is_that_of_the_beats_beside_a_gap(make_record, value):
    record = make_record()
    stored = record.stored.copy()
    stored[:, 1000:3000] = value
    assert excerpt(replace(record, stored=stored)).heart_rate == pytest.approx(75, rel=0.02)


def test_heart_rate_is_that_of_the_twelve_leads_alone(make_ecg):
    signals = np.vstack([make_ecg(500, 10)[1], 2 * np.sin(np.linspace(0, 200 * np.pi, 5000)) ** 9])
    record = Record.from_millivolts("a", signals, ["II", "PLETH"], 500)
    assert excerpt(record).heart_rate == pytest.approx(75, rel=0.02)  # a beat every 0.8 s
    other = Record.from_millivolts("a", signals[1:], ["PLETH"], 500)
    assert excerpt(other).heart_rate is None


def test_heart_rate_agrees_with_the_labels_of_real_recordings(shared):
    limits = {"426177001": (0, 61), "427084000": (99, 300)}  # SB, STach
    agree = []
    for path in find_records(shared / "data" / "real" / "chapman_ningbo"):
        record = read_record(path)
        for low, high in (limits[code] for code in record.codes if code in limits):
            agree.append(low < (excerpt(record).heart_rate or 0) < high)
    assert len(agree) > 10
    assert np.mean(agree) > 0.9


def test_missing_and_flat_leads_are_named_instead_of_drawn(make_record):
    record = make_record(leads=[lead for lead in LEADS if lead != "V3"])
    stored = record.stored.copy()
    stored[record.leads.index("aVL")] = 7
    figure = draw(replace(record, stored=stored))
    assert {"V3 absent", "aVL no signal"} <= set(texts(figure))
    assert not lines(figure, "V3")
    assert not lines(figure, "aVL")


def test_names_keep_clear_of_the_trace():
    row = np.zeros(5000)
    row[50:70] = 2.0  # mV, where the name of lead I would stand
    figure = draw(Record.from_millivolts("tall", np.tile(row, (12, 1)), LEADS, 500), raw=True)
    name = next(text for text in figure.axes[0].texts if text.get_text() == "I")
    left, low, right, high = name.get_window_extent().extents / figure.dpi * 25.4
    x, y = lines(figure, "I")[0]
    near = y[(x > left) & (x < right)]
    assert len(near) > 10
    assert low > near.max()  # above its own trace, as on every print-out
    assert high < y.max()


def test_a_digitised_page_has_the_rate_and_the_size_of_the_whole_recording(make_record):
    """Of each lead but II only 2.5 s are there, in four columns; the rest is blank."""
    record = make_record()
    stored = np.full_like(record.stored, record.missing)
    for lead in range(12):
        part = slice(1250 * (lead // 3), 1250 * (lead // 3 + 1))
        stored[lead, part] = record.stored[lead, part]
    stored[1] = record.stored[1]
    whole, page = excerpt(record), excerpt(replace(record, stored=stored))
    assert page.heart_rate == pytest.approx(75, rel=0.02)  # a beat every 0.8 s
    assert page.amplitude_note == whole.amplitude_note == ""
    for lead, row in page.signals.items():
        assert np.isnan(row).mean() == (0 if lead == "II" else 0.75)
        here = ~np.isnan(row)
        assert np.ptp(row[here]) == pytest.approx(np.ptp(whole.signals[lead][here]), rel=0.1)


def test_gaps_stay_open(make_record):
    record = make_record()
    stored = record.stored.copy()
    stored[1, 2000:2500] = record.missing
    x, y = lines(draw(replace(record, stored=stored)), "II")[1]
    assert np.flatnonzero(np.isnan(y)).tolist() == list(range(2000, 2500))


def test_short_recording_shows_its_end_in_the_last_columns(make_record):
    record = make_record(seconds=6)
    figure = draw(record)
    assert [np.ptp(lines(figure, lead)[0][0]) for lead in ("I", "V4")] == pytest.approx(
        [62.5, 62.5], abs=0.1
    )
    assert np.ptp(lines(figure, "II")[1][0]) == pytest.approx(150, abs=0.1)
    v4, whole = lines(figure, "V4")[0][1], excerpt(record).signals["V4"]
    assert np.ptp(v4) == pytest.approx(10 * np.ptp(whole[-1250:]), abs=0.01)
    assert "columns from 0, 2.5, 3.5, 3.5 s" in texts(figure)[-1]


@pytest.mark.parametrize("factor", [1000, 1e-3])
def test_impossible_gain_is_told_and_the_signal_still_legible(make_record, factor):
    record = make_record()
    figure = draw(replace(record, gains=record.gains * factor))
    assert any(t.startswith("AMPLITUDE NOT TO SCALE: by the header's gain") for t in texts(figure))
    assert lines(figure, "calibration") == []
    assert 5 < np.ptp(lines(figure, "II")[1][1]) < 30


@pytest.mark.parametrize("height", [0.06, 0.2, 1.0, 6.0, 9.0])
def test_possible_amplitudes_are_drawn_to_scale_and_unusual_ones_told(height):
    """QRS below 0.3 mV may be low voltage, a finding: 10 mm are a millivolt there, too."""
    record = beats(box(), 12)
    figure = draw(replace(record, gains=record.gains / height), raw=True)
    assert np.ptp(lines(figure, "V2")[0][1]) == pytest.approx(10 * height, rel=1e-3)
    assert all(np.ptp(y) == pytest.approx(10) for _, y in lines(figure, "calibration"))
    assert len(lines(figure, "calibration")) == 4
    told = [text for text in texts(figure) if text.startswith("Unusual amplitude, drawn to scale")]
    assert len(told) == (height != 1.0)


@pytest.mark.parametrize("height", [0.04, 12.0])
def test_impossible_amplitudes_are_drawn_at_a_typical_size(height):
    record = beats(box(), 12)
    page = excerpt(replace(record, gains=record.gains / height), raw=True)
    assert not page.to_scale
    assert 0.8 < np.ptp(page.signals["V2"]) < 1.4


def test_unknown_gain_is_told(make_record):
    record = make_record()
    figure = draw(replace(record, gains=np.where(np.arange(12) == 3, np.nan, record.gains)))
    assert any("the header gives no gain for aVR" in text for text in texts(figure))


def test_filter_removes_wander_and_noise_but_keeps_beats():
    times = np.arange(5000) / 500
    phase = np.abs(times % 0.8 - 0.4)
    beat = np.exp(-0.5 * (phase / 0.02) ** 2)
    wander, mains = np.sin(2 * np.pi * 0.1 * times), 0.2 * np.sin(2 * np.pi * 60 * times)
    clean = Record.from_millivolts("clean", np.tile(beat, (12, 1)), LEADS, 500)
    noisy = Record.from_millivolts("noisy", np.tile(beat + wander + mains, (12, 1)), LEADS, 500)
    inner = slice(1000, 4000)
    given = excerpt(noisy, low_pass=25).signals["I"][inner]
    wanted = excerpt(clean, low_pass=25).signals["I"][inner]
    assert np.abs(given - wanted).max() < 0.05
    assert np.corrcoef(given, beat[inner])[0, 1] > 0.95
    raw = excerpt(noisy, raw=True).signals["I"]
    assert np.ptp(raw - (beat + wander + mains)) == pytest.approx(0, abs=0.002)


def test_excerpt_begins_where_asked_and_is_centred_on_what_is_shown(make_record):
    record = make_record(seconds=30)
    stored = record.stored.copy()
    stored[:, :6000] += 3000  # 3 mV higher before 12 s
    shown = excerpt(replace(record, stored=stored), 12, 5, raw=True).signals["V2"]
    wanted = record.millivolts[LEADS.index("V2"), 6000:8500]
    assert shown == pytest.approx(wanted - np.median(wanted))


def test_recording_that_ends_within_qrs_does_not_bend_the_base_line():
    times = np.arange(5000) / 500
    beat = np.exp(-0.5 * ((np.abs((times - 9.998 + 0.4) % 0.8 - 0.4)) / 0.02) ** 2)
    record = Record.from_millivolts("end", np.tile(beat, (12, 1)), LEADS, 500)
    shown = excerpt(record).signals["I"]
    quiet = (beat < 0.001) & (times > 8.4)
    assert np.abs(shown[quiet] - np.median(shown)).max() < 0.1


def test_other_leads_and_single_leads_are_drawn_as_far_as_they_go(make_record):
    record = replace(make_record(leads=("I", "V6")), leads=("MLII", "vx"))
    figure = draw(record)
    assert len(lines(figure, "MLII")) == 1  # the rhythm strip
    assert "not drawn: vx" in texts(figure)[-1]


def test_recording_without_any_signal_is_drawn_empty(make_record):
    record = make_record(seconds=1)
    figure = draw(replace(record, stored=np.zeros_like(record.stored)))
    assert texts(figure).count("II no signal") == 2
    assert any("rate unknown" in text for text in texts(figure))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 10}, "start at 10 s of a recording of 10 s"),
        ({"start": 9.9999}, "start at 9.9999 s of a recording of 10 s"),
        ({"start": -1}, "start at -1 s"),
        ({"seconds": 0}, "0 s: 1 to 60 s fit"),
        ({"low_pass": 0}, "low-pass at 0 Hz"),
    ],
)
def test_impossible_options_are_refused(make_record, options, message):
    with pytest.raises(InputError, match=message):
        draw(make_record(), **options)


def test_too_few_samples_per_second_are_refused(make_record):
    with pytest.raises(InputError, match="A0001: 20 Hz; at least 50 Hz"):
        draw(make_record(rate=20))


def test_real_recordings_are_drawn_without_warnings(shared, tmp_path):
    folders = sorted((shared / "data" / "real").iterdir())
    for folder in (f for f in folders if f.is_dir()):
        record = read_record(find_records(folder)[0])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure = draw(record)
        assert {*LEADS, "II"} <= {line.get_label() for line in figure.axes[0].lines}


def test_command_draws_a_recording(tmp_path, make_record, capsys, caplog):
    caplog.set_level("INFO")
    path = write_record(tmp_path, make_record("R7", codes=("164889003",)))
    main(["plot", str(path), "-o", str(tmp_path / "out.pdf"), "--lowpass", "40", "--start", "1"])
    assert (tmp_path / "out.pdf").read_bytes().startswith(HEADS[".pdf"])
    assert capsys.readouterr().out == f"{path} drawn in {tmp_path / 'out.pdf'}\n"
    assert caplog.records == []


def test_command_names_the_file_after_the_recording(tmp_path, make_record, monkeypatch):
    path = write_record(tmp_path, make_record("R7"))
    monkeypatch.chdir(tmp_path)
    main(["plot", str(path), "--raw"])
    assert (tmp_path / "R7.png").read_bytes().startswith(HEADS[".png"])


@pytest.mark.parametrize("suffix", HEADS)
def test_letters_that_the_font_lacks_cost_no_warning(tmp_path, make_record, suffix):
    """Warnings are errors in the tests."""
    save(draw(make_record("\u5fc3\u7535\u56fe")), tmp_path / f"x{suffix}")
    assert (tmp_path / f"x{suffix}").read_bytes().startswith(HEADS[suffix])


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "ecg12.plotting.paper")
    with pytest.raises(InputError, match=r"drawing needs matplotlib; .* 'ecg12\[report\]'"):
        import_module("ecg12.plotting.paper")


def test_drawing_leaves_pyplot_alone(monkeypatch, make_record, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it fails
    monkeypatch.delitem(sys.modules, "ecg12.plotting.paper")
    paper = import_module("ecg12.plotting.paper")
    paper.save(paper.draw(make_record()), tmp_path / "a.png")
    assert (tmp_path / "a.png").is_file()
