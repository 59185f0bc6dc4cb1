"""Signal quality: faults put into a sound recording by hand, laws, units, and the annotators."""

import bz2
import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from ecg12.io.leads import LEADS
from ecg12.io.record import MISSING, Record
from ecg12.signal.quality import assess

RATE, N = 500, 5000
TIMES = np.arange(N) / RATE


@pytest.fixture
def ecg(make_ecg):
    """Return (12, 5000) mV whose QRS complexes are 0.4 to 1.4 mV high, without noise or wander."""
    return make_ecg(RATE, 10)


def recorded(signals, leads=LEADS, **options):
    return Record.from_millivolts("R", signals, leads, RATE, **options)


def kinds(quality, lead):
    return {found.kind for found in quality.findings if found.where == lead}


def test_a_sound_recording_is_good(ecg):
    quality = assess(recorded(ecg))
    assert (quality.verdict, quality.reasons, quality.warnings) == ("good", (), ())
    assert (quality.used, quality.derived, quality.absent, quality.ignored) == (LEADS, (), (), ())
    assert (quality.missing, quality.seconds, quality.no_signal) == (0, 10, "")


@pytest.mark.parametrize(
    ("signals", "reason"),
    [
        (np.zeros((12, N)), "all leads are flat"),
        (np.full((12, N), 0.25), "all leads are flat"),
        (np.full((12, N), np.nan), "every sample is missing"),
        (np.arange(12.0)[:, None], "one sample"),
    ],
    ids=["flat", "constant", "missing", "one sample"],
)
def test_no_signal_is_told(signals, reason):
    quality = assess(recorded(signals))
    assert (quality.verdict, quality.no_signal) == ("unusable", reason)
    assert quality.reasons[0] == f"no signal: {reason}"
    assert quality.used == ()


def test_a_beside_lead_with_signal_does_not_make_a_signal(ecg):
    signals = np.vstack([np.zeros((12, N)), ecg[:1]])
    quality = assess(recorded(signals, (*LEADS, "PLETH")))
    assert quality.no_signal == "all leads are flat"
    assert quality.ignored == ("PLETH",)


@pytest.mark.parametrize("frequency", [50, 60])
@pytest.mark.parametrize("rate", [500, 250, 1000])
def test_a_sine_of_the_mains_is_named_with_its_frequency(make_ecg, frequency, rate):
    """0.2 mV peak to peak in V3 alone, where QRS is about 1 mV."""
    signals = make_ecg(rate, 10)
    signals[8] += 0.1 * np.sin(2 * np.pi * frequency * np.arange(10 * rate) / rate)
    quality = assess(Record.from_millivolts("R", signals, LEADS, rate))
    [found] = [found for found in quality.findings if found.kind == "mains"]
    assert (found.where, found.detail[:6]) == ("V3", f"{frequency} Hz,")
    assert (quality.verdict, quality.reasons) == ("usable", ("mains hum in V3",))


@pytest.mark.parametrize("frequency", [49.9, 49.98, 50.01, 50.05, 60.03])
@pytest.mark.parametrize("seconds", [10, 30, 60])
def test_mains_a_little_off_their_frequency_are_no_muscle_noise(make_ecg, frequency, seconds):
    """0.2 mV peak to peak in V3. Over 2 s a sine that is d Hz off has sinc(2 d) of its size."""
    nominal = round(frequency)
    hums = []
    for hertz in (nominal, frequency):
        signals = make_ecg(RATE, seconds)
        signals[8] += 0.1 * np.sin(2 * np.pi * hertz * np.arange(seconds * RATE) / RATE)
        quality = assess(recorded(signals))
        assert quality.reasons == ("mains hum in V3",)
        [found] = [found for found in quality.findings if found.kind == "mains"]
        named, _, hum, *_ = found.detail.split()
        assert named == f"{nominal}"
        hums.append(float(hum))
    assert hums[1] == pytest.approx(hums[0] * np.sinc(2 * (frequency - nominal)), abs=0.02)


def test_mains_are_measured_where_a_lead_has_samples(ecg):
    """V3 is there for 2.5 s of 10, as on a printed page."""
    ecg[8] += 0.1 * np.sin(2 * np.pi * 50 * TIMES)
    quality = assess(recorded(page(ecg)))
    assert "mains hum in V3" in quality.reasons


def test_a_lead_of_few_samples_is_not_called_flat(ecg):
    """V3 is there for 0.5 s of each 1.5 s, 3 s in all."""
    ecg[8, np.arange(N) % 750 >= 250] = np.nan
    quality = assess(recorded(ecg))
    assert kinds(quality, "V3") == {"missing samples", "sparse lead"}
    assert quality.verdict == "unusable"


def spikes(row):
    row[[700, 2100, 4000]] += 5
    return row


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda row: row + 1.5 * np.sin(2 * np.pi * 0.25 * TIMES), "baseline wander"),
        (lambda row: row + np.random.default_rng(1).normal(0, 0.12, N), "muscle noise"),
        (spikes, "spikes"),
        (lambda row: np.clip(row, None, 0.3), "saturated lead"),
        (lambda row: 1e-3 * row, "nearly flat lead"),
        (lambda row: np.random.default_rng(1).normal(0, 3, N), "no common beats"),
        (lambda row: np.where(TIMES < 8.5, np.nan, row), "short lead"),
    ],
    ids=["wander", "muscle", "spikes", "clipped", "low", "beatless", "short"],
)
def test_noise_of_a_chest_lead_is_found_there(ecg, change, kind):
    sound = assess(recorded(ecg))
    ecg[8] = change(ecg[8].copy())
    quality = assess(recorded(ecg))
    assert kind in kinds(quality, "V3")
    assert kind not in {found.kind for found in sound.findings}
    assert quality.verdict == (
        "unusable" if kind in ("nearly flat lead", "short lead") else "usable"
    )
    assert all(kinds(quality, lead) == set() for lead in LEADS if lead != "V3")


def test_one_lead_without_beats_is_usable_and_two_are_not(ecg):
    noise = np.random.default_rng(2).normal(0, 3, (2, N))
    ecg[8] = noise[0]
    assert assess(recorded(ecg)).verdict == "usable"
    ecg[10] = noise[1]
    quality = assess(recorded(ecg))
    assert quality.verdict == "unusable"
    assert "beats unlike those of the other leads in V3, V5" in quality.reasons


def test_a_flat_chest_lead_is_unusable_a_flat_limb_lead_is_derived(ecg):
    """Lead III follows from I and II by Einthoven's law; no lead follows for V2."""
    chest, limb = ecg.copy(), ecg.copy()
    chest[7] = limb[2] = 0.5
    quality = assess(recorded(chest))
    assert (quality.verdict, quality.reasons) == ("unusable", ("no signal in V2",))
    assert quality.absent == ("V2",)
    quality = assess(recorded(limb))
    assert (quality.verdict, quality.derived, quality.absent) == ("good", ("III",), ())


def test_with_one_arm_s_electrode_off_lead_i_is_not_derived_as_zero(ecg):
    """Lead I is then zero by law: II = III and nothing tells it."""
    two = ecg[1]
    ecg[:6] = [0 * two, two, two, -two / 2, -two / 2, two]
    quality = assess(recorded(ecg))
    assert (quality.verdict, quality.derived) == ("unusable", ())
    assert quality.reasons == ("no signal in I",)


@pytest.mark.parametrize(("one", "two"), [("I", "II"), ("III", "aVF"), ("aVR", "aVL")])
def test_leads_that_stand_in_each_other_s_place_are_told_by_the_laws(ecg, one, two):
    order = [{one: two, two: one}.get(lead, lead) for lead in LEADS]
    quality = assess(recorded(ecg[[LEADS.index(lead) for lead in order]]))
    assert f"likely swapped: {one} and {two}" in quality.reasons
    assert quality.verdict == "usable"


def test_swapped_arm_electrodes_are_told_by_lead_v6(ecg):
    """With the arms' electrodes exchanged I is inverted, II is III, aVR is aVL; all laws hold."""
    one, two, three, right, left, foot, *chest = ecg
    quality = assess(recorded(np.array([-one, three, two, left, right, foot, *chest])))
    kinds = {found.kind for found in quality.findings}
    assert "limb lead law broken" not in kinds
    # This simple heart has an upright lead aVL as well as a lead I like V6.
    assert quality.reasons == ("likely swapped: right and left arm",)


def test_inverted_and_equal_leads_are_told(ecg):
    inverted = ecg.copy()
    inverted[3] *= -1
    assert assess(recorded(inverted)).reasons == ("likely inverted: aVR",)
    ecg[9] = ecg[8]
    assert assess(recorded(ecg)).reasons == ("the same samples in V3 and V4",)


@pytest.mark.parametrize(("factor", "unit"), [(1000, "uV"), (1e-3, "V"), (1e6, "nV")])
def test_a_wrong_unit_is_a_warning_that_names_the_likely_one(ecg, factor, unit):
    """QRS is near 1 mV, so the numbers of `unit` lie a factor from those of mV."""
    right = assess(Record.from_array(ecg, fs=RATE, leads=LEADS))
    wrong = assess(Record.from_array(ecg * factor, fs=RATE, leads=LEADS, unit="mV"))
    [warning] = wrong.warnings
    assert f"; if the samples were in {unit}, " in warning
    assert (wrong.verdict, wrong.reasons) == (right.verdict, right.reasons) == ("good", ())


@pytest.mark.parametrize("factor", [0.2, 5, 1000])
def test_gains_change_no_verdict_and_no_reason(ecg, factor):
    noise = np.random.default_rng(3)
    faults = [ecg, ecg + noise.normal(0, 0.05, ecg.shape), ecg * (np.arange(12) != 7)[:, None]]
    faults += [np.where(np.arange(12)[:, None] > 8, noise.normal(0, 1, (12, N)), ecg)]
    verdicts = set()
    for signals in faults:
        record = recorded(signals)
        other = assess(replace(record, gains=record.gains * factor))
        own = assess(record)
        assert (other.verdict, other.reasons) == (own.verdict, own.reasons)
        verdicts.add(own.verdict)
    assert verdicts == {"good", "usable", "unusable"}


def test_an_offset_and_infinity_do_no_harm(ecg):
    plain = assess(Record.from_array(ecg, fs=RATE, leads=LEADS))
    assert assess(Record.from_array(ecg + 100, fs=RATE, leads=LEADS)).verdict == plain.verdict
    ecg[3, 100:110] = np.inf
    quality = assess(Record.from_array(ecg, fs=RATE, leads=LEADS))
    assert quality.missing == pytest.approx(10 / (12 * N))
    assert quality.verdict == "good"


def page(signals):
    """Return what is left on a printed page: 2.5 s a lead in four columns, lead II throughout."""
    kept = np.full_like(signals, np.nan)
    for column in range(4):
        part = slice(1250 * column, 1250 * (column + 1))
        kept[3 * column : 3 * column + 3, part] = signals[3 * column : 3 * column + 3, part]
    kept[1] = signals[1]
    return kept


def test_a_digitised_page_is_usable_and_what_is_missing_is_told(ecg):
    """Of 12 leads of 10 s eleven lack 7.5 s: 11/12 · 3/4 = 69 %."""
    quality = assess(recorded(page(ecg)))
    assert quality.missing == pytest.approx(11 / 12 * 3 / 4)
    assert quality.reasons == ("69% of the samples are missing",)
    assert quality.verdict == "usable"


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(10, "good"), (5, "good"), (4, "usable"), (1.5, "unusable")]
)
def test_a_short_recording_is_told(make_ecg, seconds, verdict):
    quality = assess(recorded(make_ecg(RATE, seconds)))
    assert quality.verdict == verdict
    assert quality.reasons == (() if verdict == "good" else (f"only {seconds:g} s long",))


@pytest.mark.parametrize(
    ("leads", "derived", "verdict"),
    [
        (("I", "II", *LEADS[6:]), LEADS[2:6], "good"),
        (("I", "II", "V2"), LEADS[2:6], "usable"),
        (("II",), (), "usable"),
    ],
)
def test_leads_that_are_not_there_are_derived_or_absent(ecg, leads, derived, verdict):
    quality = assess(recorded(ecg[[LEADS.index(lead) for lead in leads]], leads))
    assert (quality.used, quality.derived, quality.verdict) == (leads, derived, verdict)
    assert set(quality.absent) == set(LEADS) - set(leads) - set(derived)


@pytest.mark.parametrize("seed", range(40))
def test_any_shape_is_assessed(seed):
    """Whatever rate, length, leads and gaps: an answer, and no warning of NumPy."""
    rng = np.random.default_rng(seed)
    n, rate = int(rng.choice([1, 2, 3, 50, 1499])), float(rng.choice([1, 50, 257, 1e5]))
    leads = tuple(rng.permutation([*LEADS, "X"])[: rng.integers(1, 13)].tolist())
    stored = rng.normal(0, 1000, (len(leads), n)).astype(np.int16)
    stored[rng.random(stored.shape) < rng.choice([0, 0.5, 0.99])] = MISSING
    gains = np.full(len(leads), rng.choice([1000, -1, np.nan]))
    units = ("mV",) * len(leads)
    record = Record("R", stored, gains, np.zeros(len(leads)), units, leads, rate)
    assert assess(record).verdict in ("good", "usable", "unusable")


@pytest.fixture(scope="module")
def annotated(shared):
    """Return records of the 2011 challenge, and whether they were called unacceptable."""
    folder = shared / "data/quality"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    rows = list(csv.DictReader((folder / "meta.csv").read_text().splitlines()))
    packed = np.load(io.BytesIO(bz2.decompress((folder / "signals.npy.bz2").read_bytes())))
    signals = np.clip(np.cumsum(packed.astype(np.int32), axis=-1), -32767, 32767)
    flat = (np.full(12, 1000.0), np.zeros(12), ("mV",) * 12, LEADS, 500.0)
    pairs = [
        (Record(row["record"], one.astype(np.int16), *flat), row["quality"] == "unacceptable")
        for row, one in zip(rows, signals, strict=True)
        if row["quality"] != "unknown"
    ]
    assert len(pairs) == 426
    return pairs


@pytest.mark.slow
def test_annotators_agree_with_the_verdict(annotated):
    """Accuracy on 426 recordings; "acceptable" for all of them would give .812."""
    unusable = np.array([assess(record).verdict == "unusable" for record, _ in annotated])
    truth = np.array([bad for _, bad in annotated])
    assert (unusable == truth).mean() >= 0.92
    assert unusable[truth].mean() >= 0.65
    assert (~unusable[~truth]).mean() >= 0.97


def test_leads_beside_the_twelve_may_share_a_name(ecg):
    beside = np.tile(np.sin(TIMES), (2, 1))
    quality = assess(recorded(np.vstack([ecg, beside]), (*LEADS, "PLETH", "PLETH")))
    assert (quality.verdict, quality.reasons) == ("good", ())
    assert "repeated lead" in kinds(quality, "PLETH")


def test_without_a_gain_a_broken_law_is_given_in_stored_units(ecg):
    """Three leads, cut off at steps of 1, break III = II - I by 3 steps at most."""
    ecg[2] *= -0.5
    details = {}
    for name, gain in (("mV", 1000.0), ("stored units", np.nan)):
        found = assess(replace(recorded(ecg), gains=np.full(12, gain))).findings
        [details[name]] = [f.detail for f in found if f.kind == "limb lead law broken"]
    assert details["mV"].startswith("by more than 0.003 mV in ")
    assert details["stored units"].startswith("by more than 3 stored units in ")
