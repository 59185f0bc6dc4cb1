"""Findings that are denied behind their name, in headings and in additions give no label."""

import pytest

from ecg12.labelling.splitting import Splitting, phrases_of

DENIED = [
    # "not" behind the finding
    "Left axis deviation not appreciated",
    "Left axis deviation not demonstrated",
    "Left axis deviation is not confirmed",
    "Atrial fibrillation is not currently present",
    "Atrial fibrillation not clearly seen",
    "Atrial fibrillation is not there",
    "Atrial fibrillation is not suspected",
    "Atrial fibrillation no more",
    "Atrial fibrillation no more seen",
    "Atrial fibrillation currently not",
    "Atrial fibrillation is absent now",
    "T wave inversion not clearly identified",
    "Premature atrial contractions not appreciated",
    "Flutter and pauses are not confirmed",
    "Flutter is not likely",
    "Flutter and pauses are unlikely",
    # headings
    "Negative for: right bundle branch block",
    "Negative for - flutter",
    "Without: flutter",
    "Absence of: flutter, pauses",
    "History of: flutter",
    "No evidence of: flutter",
    "None of the following: flutter; pauses\nEscapes",
    "The following are absent: flutter; pauses",
    # additions
    "Atrial fibrillation (unlikely)",
    "Atrial fibrillation, unlikely",
    "Atrial fibrillation: unlikely",
    "Atrial fibrillation (less likely)",
    "Atrial fibrillation, less likely",
    "Atrial fibrillation: doubtful",
    "Atrial fibrillation (history of)",
    "Atrial fibrillation (AF), history of",
    "Atrial fibrillation, by history",
    "Atrial fibrillation. Not appreciated",
    "Atrial fibrillation - not demonstrated",
    "Atrial fibrillation: 0",
    "Atrial fibrillation = 0",
    "Atrial fibrillation, none",
    # lines
    "No evidence of\nflutter",
    "WITH NO EVIDENCE OF\nFLUTTER",
    "Flutter\nis not seen",
]


@pytest.mark.parametrize("said", DENIED)
def test_what_is_denied_is_no_phrase(said):
    assert phrases_of([said]) == []
    assert phrases_of([f"Sinus rhythm. {said}"]) == ["sinus rhythm"]


@pytest.mark.parametrize(
    ("said", "phrases"),
    [
        ("Atrial fibrillation has replaced sinus rhythm", ["atrial fibrillation"]),
        ("Sinus rhythm is no longer present; atrial fibrillation", ["atrial fibrillation"]),
        ("Sinus rhythm not flutter", ["sinus rhythm"]),
        ("Sinus rhythm, probably not flutter", ["sinus rhythm"]),
        ("Sinus rhythm, no frequent pauses", ["sinus rhythm"]),
        ("Sinus rhythm and there is no flutter", ["sinus rhythm", "there"]),
        ("Sinus rhythm without: flutter", ["sinus rhythm"]),
        ("Flutter is not new", ["flutter"]),
        ("Flutter has not significantly changed", ["flutter has"]),
        ("ST depression not related to exercise", ["st depression"]),
        ("Flutter is not ruled out", ["flutter"]),
        ("None of the following: flutter; pauses. Sinus rhythm", ["sinus rhythm"]),
        ("Sinus rhythm with no\nflutter", ["sinus rhythm"]),
        ("Flutter: no\nPauses: yes", ["pauses", "yes"]),
        ("Flutter: 0, pauses: 1", ["pauses"]),
        ("Sinus rhythm\nNot seen:\nFlutter", ["sinus rhythm"]),
    ],
)
def test_what_is_not_denied_stays(said, phrases):
    assert phrases_of([said]) == phrases


@pytest.mark.parametrize("text", ["\n", "not ", "a, ", "incomplete, ", "very ", " no previous"])
def test_long_texts_take_no_long_time(text):
    """Minutes, were it quadratic in steps of one character."""
    assert isinstance(phrases_of([text * 10_000], Splitting(uncertain=False)), list)
