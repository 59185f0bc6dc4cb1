"""A comparison ends the statements; that there is nothing to compare with does not."""

import pytest

from ecg12.labelling.splitting import phrases_of


@pytest.mark.parametrize(
    "denied",
    [
        "No previous ECG available",
        "No prior ECG for comparison",
        "No prior EKG to be compared with",
        "Without any previous tracing",
        "No comparison with a previous electrocardiogram",
        "No recent prior 12-lead ECGs",
        "Previous ECG not available",
        "Prior tracing is unavailable",
    ],
)
def test_that_there_is_no_earlier_recording_ends_its_own_clause_alone(denied):
    assert phrases_of([denied, "Flutter"]) == ["flutter"]
    assert phrases_of([f"{denied}. Flutter. Pauses"]) == ["flutter", "pauses"]
    assert phrases_of([f"Flutter; {denied}, pauses"]) == ["flutter", "pauses"]
    assert phrases_of([f"Flutter, {denied.lower()}\nPauses"]) == ["flutter", "pauses"]
    assert phrases_of([f"{denied} but flutter"]) == ["flutter"]


@pytest.mark.parametrize(
    "comparison",
    [
        "No change since previous ECG",
        "No flutter on previous ECG",
        "No significant change compared with prior tracing",
        "Previous electrocardiogram showed it",
        "Without change in comparison to the prior ECGs",
    ],
)
def test_a_denied_change_is_a_comparison(comparison):
    assert phrases_of(["Flutter", f"{comparison}. Pauses", "Escapes"])[0] == "flutter"
    assert not {"pauses", "escapes"} & {
        *phrases_of(["Flutter", f"{comparison}. Pauses", "Escapes"])
    }


def test_a_comparison_behind_a_denied_one_counts():
    said = "No prior ECG available. Flutter. Compared with ECG of 2008, pauses"
    assert phrases_of([said, "Escapes"]) == ["flutter"]
