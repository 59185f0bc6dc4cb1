"""Short versions of the campaigns in `stress/`, which `make stress` runs at length."""

import numpy as np
import pytest

from ecg12.ensemble.classifier import Classifier, Member
from ecg12.ensemble.model_folder import save_classifier
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.models import ResNet
from ecg12.runtime.backend import keras
from ecg12.signal.preprocessing import Preprocessing
from ecg12.synthetic import recording
from stress.altered import AF, VARIANTS, quirks
from stress.mutants import FILES, try_mutants
from stress.targets import run

REFUSED = {"two_leads", "v4_back", "entity", "pdf", "columns", "bimodal", "rates"}
REFUSED |= {"h"}  # its unit differs from the one that is given
MUTANTS = 30


@pytest.mark.parametrize(("name", "path"), FILES, ids=lambda value: getattr(value, "name", value))
def test_the_corpus_and_its_neighbours_are_read_or_refused(name, path, tmp_path):
    """Mutants of each file of the corpus raise nothing but the documented error."""
    assert len(try_mutants(name, path, tmp_path, MUTANTS)) == MUTANTS
    assert run(name, path.read_bytes(), tmp_path) != (path.stem in REFUSED)


@pytest.mark.slow
def test_every_unusual_file_has_an_output_and_the_unreadable_are_all_negative(tmp_path):
    keras.utils.set_random_seed(0)
    classes, chain = load_weights(WEIGHTS), Preprocessing(seconds=2.0)
    model = ResNet(2, 3, 1, 4).build(len(classes.columns), chain.n_samples)
    member = Member("a", model, chain, thresholds=np.full(len(classes), 0.5), validation_score=0.0)
    (tmp_path / "model").mkdir()
    save_classifier(tmp_path / "model", Classifier(classes, [member]))
    assert quirks(tmp_path) == (90, 13)


@pytest.mark.parametrize("name", VARIANTS)
def test_altered_data_keep_their_recordings_sound(name):
    records = VARIANTS[name]([recording(1, i) for i in range(20)])
    counts = {"15 %": 3, "150 %": 30, "one recording": 1}
    assert len(records) == counts.get(name, 20)
    assert len({record.name for record in records}) == len(records)
    assert not (name == "AF removed" and any(AF in record.codes for record in records))
