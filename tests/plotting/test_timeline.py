"""The timeline of a long recording: what is drawn where."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.image import imread

from ecg12.inference.results import ClassPrediction, Failure, Prediction
from ecg12.inference.window_summary import WindowSummary
from ecg12.inference.windows import Window
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.plotting.timeline import draw_timeline, save_timeline
from ecg12.signal.quality import Quality

CLASSES = load_weights(WEIGHTS)
EVERY = 10.0


def window(index, diagnoses=(), verdict="good", heart_rate=60.0):
    """Return window `index`; no verdict: no signal."""
    outcome = Failure("r", "no signal: all leads are flat")
    if verdict:
        named = zip(CLASSES.groups, CLASSES.names, CLASSES.titles, strict=True)
        entries = tuple(
            ClassPrediction(
                codes=codes, abbreviation=abbreviation, name=name, score=0.5, probability=None,
                positive=abbreviation in diagnoses, votes=0, thresholds=(0.5,),
            )
            for codes, abbreviation, name in named
        )  # fmt: skip
        outcome = Prediction(
            source="r", leads=("I",), rate=500.0, seconds=EVERY, classes=entries,
            quality=Quality(verdict=verdict, reasons=()),
        )  # fmt: skip
    start = EVERY * index
    return Window(start=start, end=start + EVERY, outcome=outcome, heart_rate=heart_rate)


@pytest.fixture
def summary():
    """Return 10 windows: AF in 2 to 4 and 7, PVC in 7; none predicted in 5 and 6; 9 of 5 s."""
    summary = WindowSummary("folder/r.hea", CLASSES, 95.0, EVERY)
    for index in range(10):
        diagnoses = ("AF",) * (index in (2, 3, 4, 7)) + ("PVC",) * (index == 7)
        verdict = "" if index in (5, 6) else "usable" if index == 9 else "good"
        summary.add(window(index, diagnoses, verdict, None if not verdict else 60.0 + index))
    return summary


def bars(axes, label):
    """Return from where to where the bars of a label reach, in s."""
    [found] = [one for one in axes.collections if one.get_label() == label]
    assert isinstance(found, PolyCollection)
    return [
        (path.vertices[:, 0].min(), path.vertices[:, 0].max()) for path in found.get_paths()
    ]  # fmt: skip


def test_bars_lie_where_classes_were_found(summary):
    _, classes, quality = draw_timeline(summary).axes
    assert bars(classes, "AF") == [(20, 50), (70, 80)]
    assert bars(classes, "PVC") == [(70, 80)]
    assert [text.get_text() for text in classes.get_yticklabels()] == ["AF  50.0%", "PVC  12.5%"]
    assert bars(quality, "none") == [(50, 70)]
    assert bars(quality, "good") == [(0, 50), (70, 90)]
    assert bars(quality, "usable") == [(90, 95)]
    assert quality.get_xlim() == (0, 95)


def test_heart_rates_are_drawn_at_the_starts_of_their_windows(summary):
    [line] = draw_timeline(summary).axes[0].lines
    x, y = line.get_data()
    np.testing.assert_array_equal(x, 10 * np.arange(10))
    np.testing.assert_array_equal(y, [60, 61, 62, 63, 64, np.nan, np.nan, 67, 68, 69])


def test_shares_and_the_longest_stretch_by_hand(summary):
    """AF in 4 of the 8 predicted windows, PVC in 1."""
    shares = dict(zip(CLASSES.names, summary.shares, strict=True))
    assert (shares["AF"], shares["PVC"], shares["NSR"]) == (0.5, 0.125, 0)
    text = summary.text()
    assert "00:01:35 in 10 windows" in text
    assert "2: no signal: all leads are flat" in text
    assert "7 good, 1 usable, 0 unusable" in text
    assert "median 64 beats/min" in text  # of 60 to 64 and 67 to 69, the mean of 63 and 64 rounds
    [line] = [line for line in text.splitlines() if line.lstrip().startswith("AF ")]
    assert line.split()[-5:] == ["4", "50.0%", "00:00:20", "to", "00:00:50"]


@pytest.mark.parametrize(
    ("positive", "stretch"),
    [
        ((5,), "00:00:10 to 00:00:20"),
        ((5, 6, 7), "00:00:10 to 00:00:24"),
        ((0, 3, 4), "00:00:06 to 00:00:18"),
        ((26,), "00:00:52 to 00:01:01"),
    ],
)
def test_a_stretch_of_overlapping_windows_ends_with_the_last(positive, stretch):
    """Windows of 10 s every 2 s, in a recording of 61 s whose last window is shorter."""
    summary = WindowSummary("r.hea", CLASSES, 61.0, 2.0)
    for index in range(27):
        one = window(index, ("AF",) * (index in positive))
        start = 2.0 * index
        summary.add(replace(one, start=start, end=min(start + 10.0, 61.0)))
    [line] = [line for line in summary.text().splitlines() if line.lstrip().startswith("AF ")]
    assert " ".join(line.split()[-3:]) == stretch


def test_files_of_one_name_are_kept_apart(summary, tmp_path):
    taken = set()
    paths = [save_timeline(summary, tmp_path / "new", taken) for _ in range(2)]
    assert [path.name for path in paths] == ["r.png", "r_2.png"]
    assert imread(paths[0]).shape[0] > 1000


def test_nothing_predicted_is_drawn_grey(tmp_path):
    summary = WindowSummary("r.hea", CLASSES, 20.0, EVERY)
    for index in range(2):
        summary.add(window(index, (), "", None))
    _, classes, quality = draw_timeline(summary).axes
    assert bars(quality, "none") == [(0, 20)]
    assert [text.get_text() for text in classes.get_yticklabels()] == []
    save_timeline(summary, tmp_path, set())
