"""Test explanations of the package's model: whether they name what makes a class, and matter.

    python -m experiments.explanation synthetic [-n 12]
    python -m experiments.explanation deletion DATA [-n 30]
    python -m experiments.explanation shuffled DATA [-n 12]

``synthetic``: of recordings drawn for a class and recognised, how much of the map's weight lies on
what makes the class, and does its heaviest segment. ``deletion``: how far the score of a
real recording's diagnosis falls without the heaviest tenth of leads and time, and without a random
tenth. ``shuffled``: rank correlation with maps of networks whose kernels are shuffled, in Keras.
DATA is a folder of recordings with codes. T waves: `experiments.explanation_t_waves`.

Cost: 2 s of a processor for each recording. Result: see reports/explanation.md.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

import ecg12
from ecg12.ensemble.classifier import Classifier
from ecg12.explanation import ClassMap, explain
from ecg12.explanation.explain import segments_of
from ecg12.explanation.occlusion import Occluder, Patch
from ecg12.inference.model import Model
from ecg12.synthetic import Options, recording
from ecg12.synthetic.cases import draw_case
from ecg12.synthetic.findings import draw_findings, mix_of
from ecg12.synthetic.measure import measure
from ecg12.synthetic.rhythms import ATRIAL, VENTRICULAR
from experiments.quality import wilson

SEED = 1
TENTH = 0.1
RANDOM = 4  # random tenths of each recording
SAMPLES = 2000  # of the bootstrap
NAMES = {"RBBB": "CRBBB"}  # synthetic finding → the model's name
QRS_BEFORE, T_LENGTH = 0.05, 0.22  # s: QRS begins before its R wave; T lasts


def ectopic(case, kind):
    """Return the beats of a kind, from P or QRS to the end of T."""
    rhythm = case.rhythm
    chosen = rhythm.kinds == kind
    before = QRS_BEFORE + np.nan_to_num(rhythm.pr[chosen])
    times = rhythm.times[chosen]
    return np.transpose([times - before, times - QRS_BEFORE + rhythm.qt[chosen]])


def qrs(case):
    """Return all QRS complexes."""
    begins = case.rhythm.times - QRS_BEFORE
    return np.transpose([begins, begins + measure(case.measured, 500.0).qrs])


def p_to_qrs(case):
    """Return the time from every P wave's begin to QRS."""
    ends = case.rhythm.times - QRS_BEFORE
    return np.transpose([ends - case.rhythm.pr, ends])


def t_wave(case):
    """Return all T waves."""
    ends = case.rhythm.times - QRS_BEFORE + case.rhythm.qt
    return np.transpose([ends - T_LENGTH, ends])


# Finding → (what makes it in words, its times in s of a case).
TRUTHS = {
    "PVC": ("ectopic beats", lambda case: ectopic(case, VENTRICULAR)),
    "PAC": ("ectopic beats", lambda case: ectopic(case, ATRIAL)),
    "LBBB": ("QRS", qrs),
    "RBBB": ("QRS", qrs),
    "IAVB": ("P and PR", p_to_qrs),
    "TInv": ("T", t_wave),
    "TAb": ("T", t_wave),
}


def drawn(index, finding):
    """Return recording and case number `index` of a finding, as `ecg12.synthetic` draws them."""
    options = Options(classes=(finding,))
    rng = np.random.default_rng((SEED, index))
    wanted = draw_findings(rng, mix_of(options.classes))
    rng.choice(options.sites), rng.choice(options.rates)  # drawn before the case
    case, _ = draw_case(rng, wanted, float(rng.choice(options.seconds)))
    return recording(SEED, index, options), case


def covered(edges, spans):
    """Return (n_segments,) the share of each segment that lies in some spans of time."""
    times = np.arange(0.0005, edges[-1], 0.001)
    inside = np.zeros(len(times), bool)
    for begin, end in spans:
        inside |= (times >= begin) & (times < end)
    place = np.searchsorted(edges, times, side="right") - 1
    counts = np.bincount(place, minlength=len(edges) - 1)
    return np.bincount(place, inside, len(edges) - 1) / np.maximum(counts, 1)


def interval(values):
    """Return a mean with its 95 % bootstrap interval."""
    values = np.asarray(values, float)
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (SAMPLES, len(values)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{values.mean():.2f} ({low:.2f} to {high:.2f})"


def synthetic(model, n):
    """Print how much weight lies on what makes each class."""
    print("| class | rests on | recognised | weight there | time there | heaviest segment there |"
          " chance |\n|---|---|---|---|---|---|---|")  # fmt: skip
    for finding, (words, times) in TRUTHS.items():
        name, rows, asked = NAMES.get(finding, finding), [], 0
        for index in range(3 * n):
            record, case = drawn(index, finding)
            entry = entry_of(model, record, name)
            asked += 1
            # Of a class that it never recognises, the score is explained as it is.
            if len(rows) < n and (entry.positive or finding == "TInv"):
                found = explain(model, record, [name])[name]
                rows.append((entry.positive, *agreement(found, times(case))))
            if len(rows) == n:
                break
        known, *columns = np.transpose(rows)
        cells = " | ".join(cells_of(columns))
        print(f"| {name} | {words} | {int(known.sum())} of {asked} | {cells} |", flush=True)


def cells_of(columns):
    """Return weight, time, share of hits and their chance as text."""
    weight, time, hits, chance = columns
    return interval(weight), interval(time), wilson(int(hits.sum()), len(hits)), interval(chance)


def entry_of(model, record, name):
    """Return what is predicted of one class."""
    classes = model.predict_record(record).classes
    return next(entry for entry in classes if entry.abbreviation == name)


def agreement(found: ClassMap, spans):
    """Return weight and time in spans, whether the heaviest segment is there, and its chance."""
    inside = covered(found.edges, spans)
    length, weight = np.diff(found.edges), found.weights.sum(axis=0)
    return (
        weight @ inside / weight.sum(), length @ inside / length.sum(),
        inside[weight.argmax()] > 0.5, np.mean(inside > 0.5),
    )  # fmt: skip


def drawn_from(folder):
    """Yield the recordings of a folder in random order."""
    paths = list(ecg12.find_records(folder))
    for place in np.random.default_rng(SEED).permutation(len(paths)):
        yield ecg12.read_record(paths[place])


def diagnosed(model, folder, n, most):
    """Yield n records, drawn from a folder, and a diagnosis that their codes name too.

    No diagnosis is taken more than `most` times, so that sinus rhythm does not fill the list.
    """
    counts = {}
    for record in drawn_from(folder):
        if n == 0:
            return
        for entry in model.predict_record(record).diagnoses:
            name = entry.abbreviation
            if set(entry.codes) & set(record.codes) and counts.get(name, 0) < most:
                counts[name] = counts.get(name, 0) + 1
                n -= 1
                yield record, name
                break


def tenth(order, segments, leads):
    """Return patches of the first cells (lead, segment) of an order, a tenth of the whole."""
    edges = segments.edges
    length = np.diff(edges)
    total, patches = 0.0, []
    for cell in order:
        lead, place = divmod(int(cell), len(length))
        if total + length[place] > TENTH * edges[-1] * len(leads):
            break
        total += length[place]
        t_wave = bool(segments.t_waves[place])
        patches.append(Patch((leads[lead],), edges[place], edges[place + 1], t_wave))
    return patches


def deletion(model, folder, n):
    """Print how far log odds and scores fall without the heaviest tenth and a random one."""
    rng, rows = np.random.default_rng(SEED), []
    places = {name: k for k, name in enumerate(model.classes.names)}
    for record, name in diagnosed(model, folder, n, -(-n // 10)):
        found = explain(model, record, [name])[name]
        heaviest = np.argsort(-found.weights, axis=None)
        orders = [heaviest, *(rng.permutation(heaviest) for _ in range(RANDOM))]
        classifier = model.classifier
        prepared = classifier.prepare(record)
        occluder = Occluder(classifier, record, prepared)
        segments = segments_of(occluder.seconds, prepared, classifier.preprocessings)
        copies = [tenth(order, segments, found.leads) for order in orders]
        odds = occluder.falls(copies)[:, places[name]]
        without = classifier.predict([occluder.occlude(copy) for copy in copies])
        lost = found.score - without.scores[:, places[name]]
        rows.append((odds[0], odds[1:].mean(), lost[0], lost[1:].mean()))
        print(record.name, name, found.top_leads, np.round(rows[-1], 2), flush=True)
    top, other, lost, lost_other = np.transpose(rows)
    print(f"\n{len(rows)} recordings\n| | heaviest tenth | random tenth | difference |")
    print("|---|---|---|---|")
    print(f"| log odds | {interval(top)} | {interval(other)} | {interval(top - other)} |")
    print(f"| score | {interval(lost)} | {interval(lost_other)} | {interval(lost - lost_other)} |")
    larger = wilson(int((top > other).sum()), len(rows))
    print(f"| larger fall without the heaviest | {larger} | | |")


def shuffled(model, folder, n):
    """Print rank correlations of maps: with shuffled kernels, and of two trained members."""
    pair = [_single(model, place) for place in (0, 2)]
    noise = _shuffle(_single(ecg12.load_model(runtime="keras"), 0))
    rows = []
    for record, name in diagnosed(model, folder, n, 1):
        one, two, other = (
            explain(each, record, [name])[name].weights.ravel() for each in (*pair, noise)
        )
        rows.append([spearmanr(one, two)[0], np.nan_to_num(spearmanr(one, other)[0])])
        print(record.name, name, np.round(rows[-1], 2), flush=True)
    same, random = np.transpose(rows)
    print(f"\n{len(rows)} recordings: two members {interval(same)}, shuffled {interval(random)}")


def _single(model, place):
    member = model.classifier.members[place]
    return Model(Classifier(model.classes, [member], model.classifier.calibration))


def _shuffle(model):
    """Shuffle every kernel of a network, within itself."""
    rng = np.random.default_rng(SEED)
    network = model.classifier.members[0].model
    weights = [rng.permutation(w.ravel()).reshape(w.shape) if w.ndim > 1 else w
               for w in network.get_weights()]  # fmt: skip
    network.set_weights(weights)
    return model


def main():
    """Run one of the tests."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("test", choices=("synthetic", "deletion", "shuffled"))
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("-n", type=int, default=12)
    options = parser.parse_args()
    model = ecg12.load_model(runtime="keras" if options.test == "shuffled" else None)
    if options.test == "synthetic":
        synthetic(model, options.n)
    elif options.test == "deletion":
        deletion(model, options.data, options.n)
    elif options.test == "shuffled":
        shuffled(model, options.data, options.n)


if __name__ == "__main__":
    main()
