"""Explanations: stand-in networks whose score depends on a known lead and time."""

import json
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

import ecg12
from ecg12.ensemble.classifier import Decisions
from ecg12.explanation import explain
from ecg12.explanation.occlusion import Occluder, Patch
from ecg12.explanation.segments import cut_segments
from ecg12.inference.model import Model
from ecg12.io.classes import CPSC_2018
from ecg12.io.leads import LEADS
from ecg12.runtime.errors import InputError, RecordError
from ecg12.signal.preprocessing import Preprocessing, prepare_parts

PLAIN = Preprocessing(rate=100.0, margin=0.0, medians=(), cutoff=None)


@dataclass
class Standin:
    """Stands for an ensemble: of AF the log odds are `odds` of the prepared signals, of others 0.

    AF and the class after it are diagnosed where the score is above one half.
    """

    odds: object
    preprocessings: tuple = (PLAIN,)
    classes: object = field(default=CPSC_2018)

    def prepare(self, record):
        return tuple(prepare_parts(record, chain) for chain in self.preprocessings)

    def predict(self, prepared):
        odds = np.zeros((len(prepared), len(self.classes)))
        odds[:, 0] = [self.odds(*(signals.astype(float) for signals in one)) for one in prepared]
        scores = 1 / (1 + np.exp(-odds))
        return Decisions(scores > 0.5, scores, (scores > 0.5).astype(int))


def energy(lead, start, end, part=0, rate=100):
    """Return a score's log odds: the energy of a lead in some samples of a part, scaled."""
    row, samples = LEADS.index(lead), slice(round(start * rate), round(end * rate))
    return lambda signals, *_: 1e-7 * (signals[part, row, samples] ** 2).sum()


def overlapping(edges, start, end):
    return (edges[:-1] < end - 1e-9) & (edges[1:] > start + 1e-9)


def test_the_map_is_the_lead_and_the_time_that_the_score_depends_on(make_record):
    found = explain(Model(Standin(energy("V2", 3.1, 3.3))), make_record(), ["AF"])["AF"]
    row = found.weights[LEADS.index("V2")]
    assert (row[~overlapping(found.edges, 3.1, 3.3)] == 0).all()
    assert row.argmax() == np.searchsorted(found.edges, 3.2) - 1  # the beat at 3.2 s
    assert row.max() > 0
    assert (np.delete(found.weights, LEADS.index("V2"), axis=0) == 0).all()
    assert found.top_leads == ("V2",)
    assert found.lead_shares["V2"] == 1
    begin, end = found.top_times[0]
    assert begin < 3.2 < end


def test_two_places_are_not_confused(make_record):
    """At the same place of different beats, in two leads of one group and in one of another."""
    places = {"V1": (0.7, 0.9), "V3": (3.1, 3.3), "aVF": (5.5, 5.7)}
    parts = [energy(lead, *span) for lead, span in places.items()]
    model = Model(Standin(lambda signals: sum(part(signals) for part in parts)))
    found = explain(model, make_record(), ["AF"])["AF"]
    for lead, row in zip(found.leads, found.weights, strict=True):
        outside = ~overlapping(found.edges, *places.get(lead, (0, 0)))
        assert (row[outside] == 0).all()
        assert row.any() == (lead in places)


def test_an_occluded_part_is_a_line_between_the_levels_beside_it(make_record):
    """Log odds that are linear in the samples fall by the difference to NumPy's interpolation."""
    rng = np.random.default_rng(0)
    factors = rng.normal(0, 1e-4, (1, 12, 1000))
    standin = Standin(lambda signals: (factors * signals).sum())
    record = make_record()
    prepared = standin.prepare(record)
    whole = prepared[0].astype(float)
    line = whole.copy()
    for lead in (1, 5):
        levels = whole[0, lead, 398:400].mean(), whole[0, lead, 430:432].mean()
        line[0, lead, 400:430] = np.interp(np.arange(400, 430), (399, 430), levels)
    occluder = Occluder(standin, record, prepared)
    fall = occluder.falls([[Patch(("II", "aVF"), 4.0, 4.3)]])[0, 0]
    assert fall == pytest.approx((factors * (whole - np.rint(line))).sum(), rel=1e-6)
    np.testing.assert_array_equal(occluder.occlude([])[0], prepared[0])


def test_a_t_wave_becomes_the_usual_one(make_record):
    """Upside down in V5, it is upright again; V3, which is absent, stays flat."""
    record = make_record(leads=[lead for lead in LEADS if lead != "V3"])
    standin = Standin(lambda signals: 0.0)
    [prepared] = standin.prepare(record)
    row = LEADS.index("V5")
    prepared[0, row, 96:120] *= -1  # T of the beat at 0.8 s is 0.25 s after it
    occluder = Occluder(standin, record, (prepared,))
    copy = occluder.occlude([Patch(("V3", "V5"), 0.88, 1.2, t_wave=True)])[0][0].astype(float)
    steps = 1024  # prepared, a recording's amplitude is 1
    levels = copy[row, 86:88].mean(), copy[row, 120:122].mean()
    wave = copy[row, 88:120] - np.interp(np.arange(88, 120), (87, 120), levels)
    assert wave.max() == pytest.approx(0.36 * steps, rel=0.15)
    assert wave.argmax() == pytest.approx(0.44 * 32, abs=1)
    assert wave.min() > -1
    assert (copy[LEADS.index("V3")] == 0).all()
    changed = (copy != prepared[0]).any(axis=0)
    assert changed[88:120].sum() > 25
    assert not changed[:88].any()
    assert not changed[120:].any()


def test_an_inverted_t_wave_is_what_its_class_rests_on(make_record):
    """Log odds fall with the mean of V5 where T is; of one beat, T is upside down."""

    def odds(signals):
        return -2e-5 * signals[0, LEADS.index("V5"), 256:277].sum()

    record = make_record()
    standin = Standin(odds)
    [prepared] = standin.prepare(record)
    prepared[0, LEADS.index("V5"), 250:290] *= -1
    standin.prepare = lambda _: (prepared,)
    found = explain(Model(standin), record, ["AF"])["AF"]
    assert found.top_leads == ("V5",)
    [(begin, end)] = found.top_times
    assert 2.5 < begin < 2.65 < end < 2.8  # the beat is at 2.4 s


def test_segments_hold_one_qrs_complex_or_t_wave_each(make_ecg):
    """Beats come every 0.8 s; half a complex at either end is none."""
    segments = cut_segments(make_ecg(100, 10), 100.0, 10.0)
    edges = segments.edges
    assert (edges[0], edges[-1]) == (0, 10)
    assert (np.diff(edges) > 0.03).all()
    assert segments.t_waves.shape == (len(edges) - 1,)
    for beat in np.arange(0.8, 9.5, 0.8):
        t_end = 0.4 * 0.8 ** (1 / 3)  # by Fridericia's correction
        st_end = 0.08 + 0.2 * (t_end - 0.08)
        ends = beat + np.array([-0.08, 0.08, st_end, t_end])
        place = np.searchsorted(edges, beat) - 1
        assert edges[place : place + 4] == pytest.approx(ends, abs=0.021)
        assert segments.t_waves[place : place + 3].tolist() == [False, False, True]
    assert segments.t_waves[-1]  # the last one ends with the recording
    assert segments.t_waves.sum() == 13  # those of R peaks at 0 to 9.6 s


@pytest.mark.parametrize("beats", [[1, 2, 3, 4, 5, 6, 7, 8, 9.9], np.arange(0.5, 9.8, 0.35)])
def test_t_waves_end_before_the_next_beat_and_the_recording(beats):
    signals = np.zeros((12, 1000))
    for beat in beats:
        place = round(100 * beat)
        signals[:, place - 3 : place + 4] = np.hanning(9)[1:-1]
    segments = cut_segments(signals, 100.0, 10.0)
    begins, ends = segments.edges[:-1][segments.t_waves], segments.edges[1:][segments.t_waves]
    complete = [beat for beat in beats if beat < 9.7]
    assert len(begins) == len(complete)
    for begin, end, beat, following in zip(begins, ends, complete, [*beats[1:], 10], strict=False):
        assert beat < begin < end < following


@pytest.mark.parametrize("signals", [np.zeros((12, 1000)), np.zeros((1, 0))])
def test_segments_are_even_without_beats(signals):
    segments = cut_segments(signals, 100.0, 10.0)
    np.testing.assert_allclose(np.diff(segments.edges), 10 / 83)
    assert not segments.t_waves.any()


@pytest.mark.parametrize("seconds", [10, 60])
def test_the_number_of_copies_does_not_grow_with_length_nor_classes(make_record, seconds):
    """Four groups of leads × 110 segments, and 40 cells of three leads, at most."""

    class Counting(Standin):
        scored = 0

        def predict(self, prepared):
            self.scored += len(prepared)
            return super().predict(prepared)

    chain = Preprocessing(rate=100.0, margin=0.0, medians=(), cutoff=None, parts=6)
    standin = Counting(energy("V2", 3.1, 3.3), (chain,))
    explain(Model(standin), make_record(seconds=seconds), CPSC_2018.names)
    assert 200 < standin.scored < 4 * 110 + 3 * 40


def test_padding_of_a_short_recording_is_not_occluded(make_record):
    def odds(signals):
        return energy("II", 1.5, 1.7)(signals) + 1e3 * signals[:, :, 400:].any()

    found = explain(Model(Standin(odds)), make_record(seconds=4), ["AF"])["AF"]
    assert found.edges[-1] == 4
    assert set(np.flatnonzero(found.weights.any(axis=1))) == {LEADS.index("II")}


def test_every_network_s_input_lacks_the_part(make_record):
    """One takes 10 s at 100 Hz, the other 5 s at 250 Hz."""
    other = Preprocessing(rate=250.0, seconds=5.0, margin=0.0, medians=(), cutoff=None)
    first, second = energy("I", 2.3, 2.5), energy("V6", 2.3, 2.5, rate=250)
    standin = Standin(lambda one, two: first(one) + second(two), (PLAIN, other))
    found = explain(Model(standin), make_record(), ["AF"])["AF"]
    for lead, row in zip(LEADS, found.weights, strict=True):
        assert (row[~overlapping(found.edges, 2.3, 2.5)] == 0).all()
        assert row.any() == (lead in ("I", "V6"))


def test_times_of_a_recording_in_parts_are_those_of_the_recording(make_record):
    """Parts of 2 s of a recording of 6 s; the second begins at 2 s."""
    chain = Preprocessing(rate=100.0, seconds=2.0, margin=0.0, medians=(), cutoff=None, parts=3)
    standin = Standin(energy("V4", 0.3, 0.5, part=1), (chain,))
    found = explain(Model(standin), make_record(seconds=6), ["AF"])["AF"]
    row = found.weights[LEADS.index("V4")]
    assert row.any()
    assert (row[~overlapping(found.edges, 2.3, 2.5)] == 0).all()
    assert found.edges[-1] == 6


def test_diagnoses_are_explained_unless_others_are_asked_for(make_record):
    model = Model(Standin(lambda signals: 1 + energy("V2", 3.1, 3.3)(signals)))
    record = make_record()
    assert [one.abbreviation for one in explain(model, record).classes] == ["AF"]
    asked = explain(model, record, ["IAVB", "AF"])
    assert [one.abbreviation for one in asked.classes] == ["IAVB", "AF"]
    assert asked["IAVB"].score == 0.5
    assert (asked["IAVB"].weights == 0).all()
    assert asked["IAVB"].summary == "no part alone lowers the score"
    with pytest.raises(KeyError):
        asked["PVC"]
    assert explain(Model(Standin(lambda signals: -1.0)), record).classes == ()


def test_a_text_for_classes_is_one_name(make_record):
    model, record = Model(Standin(energy("V2", 3.1, 3.3))), make_record()
    found = explain(model, record, "AF")
    assert [one.abbreviation for one in found.classes] == ["AF"]
    np.testing.assert_array_equal(found["AF"].weights, explain(model, record, ["AF"])["AF"].weights)
    with pytest.raises(InputError, match="^unknown class af; choices: AF"):
        explain(model, record, "af")
    for classes in (3, [3], [None]):
        with pytest.raises(InputError, match="^classes=.*: names of classes are needed; choices:"):
            explain(model, record, classes)


def test_what_cannot_be_explained_is_an_error(make_record):
    model = Model(Standin(lambda signals: 0.0))
    with pytest.raises(InputError, match="unknown class XYZ; choices: AF"):
        explain(model, make_record(), ["XYZ"])
    with pytest.raises(RecordError, match="A0001: the model's scores are not finite"):
        explain(Model(Standin(lambda signals: np.nan)), make_record(), ["AF"])


def test_what_is_not_predicted_for_want_of_a_signal_is_not_explained(make_record):
    """The networks take 10 s at 100 Hz; 2 samples of 500 Hz are less than one of theirs."""
    record = make_record(seconds=12)
    off = record.stored.copy()
    off[:, :5000] = 0
    spoiled = {
        "all leads are flat": [np.zeros_like(off), off],
        "every sample is missing": [np.full_like(off, record.missing)],
        "one sample": [record.stored[:, :1]],
        "2 samples at 500 Hz, less than one at the 100 Hz of a network": [record.stored[:, :2]],
    }
    model = Model(Standin(lambda signals: 1.0))
    for reason, stored in spoiled.items():
        for one in stored:
            given = replace(record, stored=one)
            [outcome] = model.predict_records([given])
            assert outcome.reason == f"no signal: {reason}"
            with pytest.raises(RecordError, match=f"^A0001: no signal: {reason}$"):
                explain(model, given, ["AF"])


def test_json_is_compact_and_the_map_again(make_record):
    found = explain(Model(Standin(energy("V2", 3.1, 3.3))), make_record(), ["AF"])
    text = json.dumps(found.as_dict())
    assert len(text) < 6000
    form = json.loads(text)["AF"]
    assert form["top_leads"] == ["V2"]
    assert form["lead_shares"]["V2"] == 1
    weights = np.array([form["map"][lead] for lead in LEADS]) * form["largest"] / 100
    np.testing.assert_allclose(weights, found["AF"].weights, atol=0.006 * form["largest"])
    np.testing.assert_allclose(form["edges"], found["AF"].edges, atol=0.0006)


@pytest.mark.slow
def test_both_runtimes_give_the_same_map(make_record):
    record = make_record(seconds=3)
    maps = [
        explain(ecg12.load_model(runtime=runtime), record, ["NSR"])["NSR"].weights
        for runtime in ("onnx", "keras")
    ]
    assert maps[0].max() > 0.01
    # Log odds of scores near 1 differ by what float32 rounds there.
    assert np.abs(maps[0] - maps[1]).max() < 0.05 * maps[0].max()
