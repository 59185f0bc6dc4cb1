"""Phrasings that were written before the mapper are found."""

from datetime import datetime

import numpy as np
import pytest
from statement_tables import CLASSES

from ecg12.io.classes import code_of
from ecg12.labelling.splitting import phrases_of
from ecg12.labelling.vocabulary import open_mapper
from ecg12.synthetic.findings import draw_findings, mix_of
from ecg12.synthetic.phrases import CHANGES
from ecg12.synthetic.wording import Context, comparison, diagnosis


@pytest.fixture(scope="module")
def mapper(vocabulary, tmp_path_factory):
    return open_mapper(tmp_path_factory.mktemp("indexes"), CLASSES, vocabulary)


def found_in(mapper, segments):
    return {code for phrase in phrases_of(segments) for code in mapper.propose(phrase).codes}


def test_what_is_found_is_said_and_most_of_what_is_said_is_found(mapper):
    rng = np.random.default_rng(0)
    truth, answers = [], []
    for _ in range(400):
        findings = draw_findings(rng, mix_of(None))
        segments = diagnosis(rng, findings, Context(75.0, "lateral", "anterior"))
        segments += comparison(rng, datetime(2008, 3, 12, 10, 11))
        truth.append([code_of(name) for name in findings])
        answers.append(found_in(mapper, segments))
    said, found = CLASSES.encode(truth), CLASSES.encode(answers)
    assert (found & said).sum() == found.sum()
    assert (found & said).sum() > 0.5 * said.sum()  # without any review


@pytest.mark.parametrize("change", [c for c in CHANGES if "no longer" in c or "replaced" in c])
def test_changes_deny_what_is_gone_even_without_a_comparison(mapper, change):
    kept = (
        {"NSR"} if change.startswith("Sinus") else {"AF"} if change.startswith("Atrial") else set()
    )
    assert found_in(mapper, [change]) == {code_of(name) for name in kept}
