"""The experiment that learns synthetic recordings and scores real ones: targets and habits."""

import numpy as np
import pytest

from ecg12.io.classes import code_of
from ecg12.synthetic import Options, recording
from experiments.synthetic_to_real import COLUMNS, NAMES, outputs_of, report, score


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], {"NSR", "normal"}),
        (["NSR"], {"NSR", "normal"}),
        (["NSR", "LAD"], {"NSR", "LAD"}),
        (["LAD"], {"NSR", "LAD"}),
        (["AF", "CRBBB"], {"AF", "RBBB"}),
        (["PR"], {"PR"}),
    ],
)
def test_sinus_rhythm_is_restored_and_alone_it_is_normal(names, shown):
    outputs = outputs_of([code_of(name) for name in names])
    assert {name for name, on in zip(COLUMNS, outputs, strict=True) if on} == shown


def test_outputs_do_not_depend_on_whether_a_site_writes_sinus_rhythm():
    for index in range(25):
        codes = recording(6, index, Options(seconds=(5.0,))).codes
        unwritten = [code for code in codes if code != code_of("NSR")]
        np.testing.assert_array_equal(outputs_of(codes), outputs_of(unwritten))


def test_windows_are_averaged_ectopic_beats_are_not_and_habits_choose_the_meaning_of_nsr():
    windows = np.arange(3)[:, None, None] * np.ones((3, 12, 4))

    def network(signals, training):
        assert not training
        level = np.asarray(signals)[:, 0, :1] / np.asarray(signals)[-1, 0, 0] / 2
        return np.hstack([np.tile(level, len(NAMES)), 1 - level])

    scores = score(network, windows, np.array([0, 0, 1]), np.array(["chapman_ningbo", "ptb"]))
    by_name = dict(zip(NAMES, scores.T, strict=True))
    np.testing.assert_allclose(by_name["AF"], [0.125, 0.5])  # mean of 0 and 1/4; 1/2
    np.testing.assert_allclose(by_name["PVC"], [0.25, 0.5])  # the highest window
    np.testing.assert_allclose(by_name["NSR"], [0.125, 0.5])
    np.testing.assert_allclose(
        score(network, windows, np.array([0, 0, 1]), np.array(["cpsc2018", "ptb"]))[0, 0],
        0.875,  # one minus the mean: the output for normal recordings
    )


def test_a_class_is_scored_within_the_databases_that_use_it(capsys):
    targets = np.zeros((20, len(NAMES)), dtype=bool)
    place = NAMES.index("AF")
    targets[:5, place] = True
    scores = np.zeros((1, 20, len(NAMES)))
    scores[0, :5, place] = 1.0
    scores[0, 10:, place] = 2.0  # a database without the label, which does not count
    report(scores, targets, np.repeat(["one", "two"], 10))
    printed = capsys.readouterr().out
    assert "AF        5 of   10  1.000  [1.000, 1.000]" in printed
    assert "(one 1.00 (5))" in printed
    assert "macro of 1 classes 1.000" in printed
