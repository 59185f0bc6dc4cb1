"""Measurement of noise-free signals: drawn by hand from straight lines, intervals known."""

from pathlib import Path

import numpy as np
import pytest

from ecg12.synthetic.criteria import CRITERIA, OVERRIDDEN, shown
from ecg12.synthetic.detection import TooFewBeatsError
from ecg12.synthetic.dipole import LIMB
from ecg12.synthetic.findings import FINDINGS
from ecg12.synthetic.measure import measure

RATE = 500.0
# The slope is taken over 4 ms and smoothed over 6 ms, which rounds the corners of a triangle.
BLUR = 0.010
REGULAR = np.arange(0.5, 9.5, 0.8)


def triangle(times, start, end, height):
    """Return a triangle from start to end in seconds, its peak in the middle."""
    return height * np.clip(1 - np.abs(times - (start + end) / 2) / ((end - start) / 2), 0, None)


def drawn(
    *,
    onsets=REGULAR,
    pr=0.16,
    qrs=0.08,
    qt=0.40,
    p=0.15,
    t=0.3,
    one=1.0,
    two=1.0,
    shift=0.0,
):
    """Twelve leads of triangles: P of 100 ms, QRS, T of 160 ms that ends at QT.

    `one` and `two` are the heights of QRS in I and II, all chest leads are like II; QRS onsets
    are given in seconds; P of odd beats comes `shift` later.
    """
    times = np.arange(5000) / RATE
    beat = np.zeros(len(times))
    rest = np.zeros(len(times))
    for i, onset in enumerate(onsets):
        beat += triangle(times, onset, onset + qrs, 1.0)
        start = onset - pr + shift * (i % 2)
        rest += triangle(times, start, start + 0.10, p)
        rest += triangle(times, onset + qt - 0.16, onset + qt, t)
    limbs = LIMB @ np.stack([one * beat + rest, two * beat + rest])
    return np.vstack([limbs, np.tile(two * beat + rest, (6, 1))])


def test_intervals_rate_and_heights():
    m = measure(drawn(), RATE)
    assert m.rate == pytest.approx(75, abs=0.2)
    assert m.pr == pytest.approx(0.16, abs=0.012)  # onsets are read at a tenth of the wave
    assert m.qrs == pytest.approx(0.08, abs=BLUR)
    assert m.qt == pytest.approx(0.40, abs=0.012)
    assert m.qtc == pytest.approx(0.40 / np.sqrt(0.8), abs=0.012)
    assert m.p_coherence == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(m.r[[0, 1, 6]], 1.0, atol=0.02)
    np.testing.assert_allclose(m.t_high[[0, 1, 6]], 0.3, atol=0.01)
    np.testing.assert_allclose(m.st, 0, atol=0.01)
    assert m.spikes == 0


@pytest.mark.parametrize(
    ("one", "two", "degrees"),
    [(1.0, 0.5, 0), (1.0, 1.0, 30), (0.5, 1.0, 60), (0.0, 1.0, 90), (1.0, 0.0, -30)],
)
def test_axis_by_the_hexaxial_system(one, two, degrees):
    assert measure(drawn(one=one, two=two), RATE).axis == pytest.approx(degrees, abs=2)


@pytest.mark.parametrize("pr", [0.14, 0.20, 0.26])
@pytest.mark.parametrize("qrs", [0.08, 0.14])
def test_pr_and_qrs_follow_the_drawing(pr, qrs):
    m = measure(drawn(pr=pr, qrs=qrs, qt=0.45), RATE)
    assert m.pr == pytest.approx(pr, abs=0.012)
    assert m.qrs == pytest.approx(qrs, abs=BLUR)


def test_waves_before_qrs_that_do_not_repeat_are_no_p():
    assert measure(drawn(p=0.0), RATE).p_coherence == 0
    assert measure(drawn(shift=0.05), RATE).p_coherence < 0.85


def test_pacemaker_spikes_are_counted_and_do_not_widen_qrs():
    signals = drawn()
    places = (REGULAR * RATE).astype(int) - 4
    signals[:, places] += 1.0
    m = measure(signals, RATE)
    assert m.spikes == len(places)
    assert m.qrs == pytest.approx(0.08, abs=BLUR)


def test_early_beats_are_told_from_the_pause_that_follows():
    onsets = np.r_[np.arange(0.5, 4.0, 0.8), 4.2, 5.3, 6.1, 6.9, 7.7]
    m = measure(drawn(onsets=onsets), RATE)
    np.testing.assert_array_equal(np.flatnonzero(m.beats.early), [5])
    assert m.rate == pytest.approx(75, abs=0.5)


def test_a_flat_line_is_refused():
    with pytest.raises(TooFewBeatsError, match="0 QRS complexes in 10.0 s"):
        measure(np.zeros((12, 5000)), RATE)


@pytest.mark.parametrize(
    ("drawing", "expected", "absent"),
    [
        ({}, {"NSR"}, {"SB", "SA", "IAVB", "AF", "LAD"}),
        ({"onsets": np.arange(0.5, 9.5, 1.2)}, {"SB"}, {"NSR", "Brady"}),
        ({"onsets": np.arange(0.5, 9.5, 0.5), "qt": 0.28}, {"STach"}, {"NSR"}),
        ({"onsets": np.arange(0.5, 9.5, 1.2), "p": 0.0}, {"Brady"}, {"SB", "AF"}),
        ({"pr": 0.23}, {"NSR", "IAVB", "LPR"}, set()),
        ({"pr": 0.28}, {"NSR", "IAVB"}, {"LPR"}),
        ({"one": 1.0, "two": -0.3}, {"LAD"}, {"RAD"}),
        ({"one": -0.6, "two": 0.8}, {"RAD"}, {"LAD"}),
        ({"one": 0.2, "two": 0.4, "p": 0.08, "t": 0.1}, {"LQRSV"}, set()),
        ({"qt": 0.48}, {"LQT"}, set()),
        ({"t": -0.3}, {"TInv", "TAb"}, set()),
        ({"t": 0.05}, {"TAb"}, {"TInv"}),
        ({"t": 0.09}, {"TAb"}, {"TInv"}),
        ({"t": 0.13}, set(), {"TAb"}),
        ({"t": 0.13, "one": 1.6, "two": 1.6}, {"TAb"}, {"TInv"}),  # below a tenth of R
        ({"t": 0.09, "one": 0.25, "two": 0.25}, set(), {"TAb"}),  # R is too small to tell
    ],
)
def test_criteria_on_drawings(drawing, expected, absent):
    classes = shown(measure(drawn(**drawing), RATE))
    assert expected <= classes
    assert not absent & classes


def test_sinus_arrhythmia_and_fibrillation_differ_in_p():
    rng = np.random.default_rng(1)
    breathing = 0.5 + np.cumsum(0.85 + 0.1 * np.sin(np.arange(11) * 2 * np.pi * 0.2))
    assert {"SA"} <= shown(measure(drawn(onsets=breathing - 0.85), RATE))
    random = 0.5 + np.cumsum(rng.uniform(0.6, 1.1, 10))
    assert {"AF"} <= shown(measure(drawn(onsets=random, p=0.0), RATE))


def test_every_finding_has_a_criterion_and_most_are_measured():
    assert FINDINGS.keys() == CRITERIA.keys()
    assert sum(c.test is not None for c in CRITERIA.values()) >= 20
    assert all(c.note for c in CRITERIA.values() if c.test is None)
    assert set().union(*OVERRIDDEN.values()) <= CRITERIA.keys()


def test_the_table_of_criteria_in_the_documentation_is_this_one():
    root = Path(__file__).parents[2]
    page = (root / "docs" / "guides" / "synthetic.md").read_text(encoding="utf-8")
    for name, c in CRITERIA.items():
        assert f"| {name} | {c.text} | {'yes' if c.test else 'no'} | {c.note} |" in page
