"""What stands behind a finding makes another class of it, or leaves it open."""

import pytest
from statement_tables import CLASSES

from ecg12.io.classes import code_of
from ecg12.labelling.lookup import Mapper
from ecg12.labelling.splitting import PAPER, Splitting, phrases_of

CERTAIN = Splitting(uncertain=False)
BLOCK = "Right bundle branch block"
INCOMPLETE = [
    f"{BLOCK}, incomplete", f"{BLOCK} (incomplete)", f"{BLOCK} - incomplete",
    f"{BLOCK}: incomplete", f"{BLOCK}. Incomplete.", f"{BLOCK}, likely incomplete",
]  # fmt: skip


@pytest.mark.parametrize("said", INCOMPLETE)
def test_an_incomplete_block_is_its_own_class(said):
    (phrase,) = phrases_of([said])
    assert phrase == "incomplete right bundle branch block"
    assert Mapper(CLASSES).propose(phrase).codes == (code_of("IRBBB"),)


def test_the_papers_connectives_do_not_cut_at_a_comma():
    (phrase,) = phrases_of([f"{BLOCK} (incomplete)"], Splitting(PAPER))
    assert Mapper(CLASSES).propose(phrase).codes == (code_of("IRBBB"),)


@pytest.mark.parametrize(
    ("said", "phrases"),
    [
        ("AV block, first degree", ["first degree av block"]),
        ("AV block (1st)", ["1st degree av block"]),
        ("Axis deviation: left", ["left axis deviation"]),
        (f"{BLOCK} (RBBB), incomplete", [f"incomplete {BLOCK.lower()}", "incomplete rbbb"]),
        ("RBBB, new, incomplete", ["incomplete rbbb", "new"]),
        ("RBBB (new, incomplete)", ["incomplete rbbb", "new"]),
        ("Pauses; RBBB, incomplete and LAFB", ["pauses", "incomplete rbbb", "lafb"]),
        ("RBBB, complete or incomplete", ["incomplete complete rbbb"]),  # of no class
        ("RBBB, left and right axis", ["rbbb", "left axis", "right axis"]),
        ("Pauses with incomplete\nRBBB", ["pauses", "incomplete rbbb"]),
        ("RBBB, incomplete, no longer seen", []),
        ("Pauses. Left: RBBB", ["pauses", "left", "rbbb"]),
    ],
)
def test_a_lone_qualifier_belongs_to_the_finding_before_it(said, phrases):
    assert phrases_of([said]) == phrases


@pytest.mark.parametrize(
    ("said", "kept", "certain"),
    [
        ("Flutter (possible)", ["flutter"], []),
        ("Flutter, possible", ["flutter"], []),
        ("Flutter - possible", ["flutter"], []),
        ("Flutter: possible, pauses: no", ["flutter"], []),
        ("Flutter is likely", ["flutter"], []),
        ("Flutter is likely and pauses", ["flutter", "pauses"], []),
        ("Flutter probable", ["flutter"], []),
        ("Flutter?", ["flutter"], []),
        ("?Flutter", ["flutter"], []),
        ("Flutter (?)", ["flutter"], []),
        ("Flutter? No", [], []),
        ("Flutter (F), possible", ["flutter", "f"], []),
        ("Pauses, flutter (suspected)", ["pauses", "flutter", "suspected"], ["pauses"]),
        ("Pauses with flutter, probable", ["pauses", "flutter"], ["pauses"]),
        ("Pauses and flutter cannot be ruled out", ["pauses", "flutter"], []),
        ("Possible: flutter. Pauses", ["flutter", "pauses"], ["pauses"]),
        ("RBBB, likely incomplete", ["incomplete rbbb"], []),
    ],
)
def test_doubt_behind_a_finding_leaves_it_open(said, kept, certain):
    assert phrases_of([said]) == kept
    assert phrases_of([said], CERTAIN) == certain


def test_very_likely_is_a_doubt_as_well():
    assert "flutter" not in phrases_of(["Flutter, very likely"], CERTAIN)
    assert "flutter" not in phrases_of(["Flutter (very likely)"], CERTAIN)
