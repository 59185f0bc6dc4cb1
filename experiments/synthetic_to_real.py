r"""Train on synthetic recordings only, score on real ones.

    python -m experiments.synthetic_to_real DATA --tuned-on cpsc2018 georgia \
        --others chapman_ningbo cpsc2018_extra ptb ptbxl

DATA holds one folder of recordings per database. A small one-dimensional residual network learns
synthetic recordings, preprocessed as the product does, and scores the real ones: first those of
the databases on which the synthesiser was tuned, then, separately, the others. A class is scored
if it has at least 5 positives among the recordings of those databases that use its label at all;
intervals are 95 % bootstrap over recordings, for the mean score of all training seeds.

Cost on 2 very busy cores: 10 minutes of drawing and 6 to 7 of training per seed.
Expected: macro AUROC .957 over 11 classes where tuned, .801 over 10 classes elsewhere (.883 over
the seven of them that are rhythms and premature beats); see reports/synthetic.md for each class.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from scipy.ndimage import uniform_filter1d

from ecg12.io.classes import abbreviation
from ecg12.io.wfdb import find_records, read_record
from ecg12.metrics import auroc
from ecg12.metrics.bootstrap import draw_weights
from ecg12.metrics.intervals import percentile_interval
from ecg12.metrics.ranking import RankedClass
from ecg12.signal.preprocessing import STEP, Preprocessing, prepare
from ecg12.synthetic import Options, recording
from ecg12.synthetic.findings import FINDINGS
from ecg12.synthetic.sites import CODES

NAMES = list(FINDINGS)
TWELVE = ("NSR", "SB", "STach", "SA", "AF", "AFL", "RBBB", "LBBB", "IAVB", "PVC", "PAC", "LAD")
FINDING_OF = {name: name for name in NAMES} | {
    name: finding for finding, names in CODES.items() for name, _ in names
}
COLUMNS = [*NAMES, "normal"]  # the network's outputs: sinus rhythm alone is one of its own
RHYTHMS = [NAMES.index(n) for n in ("NSR", "SB", "STach", "SA", "Brady", "AF", "AFL", "PR")]
# Databases where NSR stands for a normal recording (Liu 2018; Georgia's labels; the healthy
# controls of Bousseljot 1995); elsewhere it is the rhythm, whatever stands beside it (Zheng 2020,
# Wagner 2020).
NORMAL_ALONE = ("cpsc2018", "cpsc2018_extra", "georgia", "ptb")
EPISODIC = [NAMES.index(name) for name in ("PAC", "PVC")]  # may be in one part of a recording
# The usual mix with more of what is hard to tell from everything else.
WEIGHTS = {name: share for name, (_, share) in FINDINGS.items()} | {
    "NSR": 26, "AFL": 12, "PAC": 12, "PVC": 10, "TInv": 7, "NSIVCB": 6
}  # fmt: skip
OPTIONS = Options(
    classes=tuple(WEIGHTS),
    sites=("general", "American", "research"),
    weights=tuple(map(float, WEIGHTS.values())),
)
PREPROCESSING = Preprocessing(rate=125.0)
WINDOW = 10.0  # s; a longer recording is scored in up to three parts
MIN_POSITIVES = 5
BATCH = 64
REPLICATES = 400


def targets_of(codes):
    """Return (n_classes,) bool from SNOMED CT codes."""
    shown = {FINDING_OF.get(abbreviation(code)) for code in codes}
    return np.array([name in shown for name in NAMES])


def outputs_of(codes):
    """Return (n_classes + 1,) bool of a synthetic recording: sinus rhythm is restored, then normal.

    Every synthetic recording has a rhythm; where none is written, a site's habit left out NSR.
    """
    targets = targets_of(codes)
    targets[0] |= not targets[RHYTHMS].any()
    return np.r_[targets, targets[0] and targets.sum() == 1]


def draw(seed, n, workers):
    """Return (n, 12, samples) int16 and (n, n_classes + 1) bool of synthetic recordings."""
    jobs = (delayed(_draw)(seed, range(i, min(i + 50, n))) for i in range(0, n, 50))
    parts = Parallel(n_jobs=workers)(jobs)
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def _draw(seed, indices):
    records = [recording(seed, index, OPTIONS) for index in indices]
    signals = np.stack([prepare(record, PREPROCESSING) for record in records])
    return signals, np.stack([outputs_of(record.codes) for record in records])


def load(folder, databases):
    """Return windows, (n_windows, 12, samples), their recording, targets and database."""
    windows, owner, targets, database = [], [], [], []
    for name in databases:
        for stem in find_records(Path(folder) / name):
            record = read_record(stem)
            for part in _parts(record):
                windows.append(prepare(part, PREPROCESSING))
                owner.append(len(targets))
            targets.append(targets_of(record.codes))
            database.append(name)
    return np.stack(windows), np.array(owner), np.stack(targets), np.array(database)


def _parts(record):
    step = round(WINDOW * record.rate)
    n = max(1, min(3, record.stored.shape[1] // step))
    return [replace(record, stored=record.stored[:, i * step :]) for i in range(n)]


def train(signals, targets, epochs, seed):
    """Return a network trained on synthetic recordings."""
    from ecg12.runtime.backend import keras

    keras.utils.set_random_seed(seed)
    model = _network(keras, signals.shape[2], targets.shape[1])
    steps = epochs * (len(signals) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(1e-4, steps, warmup_target=2e-3, warmup_steps=100)
    optimizer = keras.optimizers.Adam(rate, use_ema=True, ema_momentum=0.995)
    model.compile(optimizer, "binary_crossentropy")
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(len(signals))[: len(signals) // BATCH * BATCH].reshape(-1, BATCH)
        losses = [
            model.train_on_batch(_augmented(rng, signals[b]), targets[b].astype(np.float32))
            for b in order
        ]
        print(f"  loss {losses[-1]:.4f}", flush=True)
    optimizer.finalize_variable_values(model.trainable_variables)
    return model


def _augmented(rng, signals):
    """Scale, blur and disturb, differently for every recording: (n, samples, 12) float32."""
    n = len(signals)
    x = inputs(signals) * np.exp(rng.normal(0, 0.15, (n, 1, 1)) + rng.normal(0, 0.1, (n, 1, 12)))
    blurred = uniform_filter1d(x, 3, axis=1)
    x += rng.uniform(0, 1, (n, 1, 1)) * (rng.random((n, 1, 1)) < 0.5) * (blurred - x)
    noise = rng.standard_normal(x.shape, np.float32)
    x += 0.01 * rng.exponential(1, (n, 1, 12)) * noise
    x *= rng.random((n, 1, 12)) > 0.02  # an electrode that fell off
    return x.astype(np.float32)


def inputs(signals):
    """Return (n, samples, 12) float32 from prepared signals."""
    return (signals * np.float32(STEP)).transpose(0, 2, 1)


def _network(keras, n_samples, n_classes):
    layers = keras.layers
    x = signals = keras.Input((n_samples, 12))
    x = _convolution(layers, x, 32, 9, 2)
    for filters in (48, 64, 96, 128):
        main = _convolution(layers, x, filters, 7, 2)
        main = layers.BatchNormalization()(layers.Conv1D(filters, 7, padding="same")(main))
        side = layers.Conv1D(filters, 1)(layers.AveragePooling1D(2, padding="same")(x))
        x = layers.ReLU()(layers.Add()([main, side]))
    pooled = [layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)]
    x = layers.Dropout(0.3)(layers.Concatenate()(pooled))
    return keras.Model(signals, layers.Dense(n_classes, "sigmoid")(x))


def _convolution(layers, x, filters, size, stride):
    x = layers.Conv1D(filters, size, stride, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def score(model, windows, owner, database):
    """Return (n_recordings, n_classes): the mean over windows, the maximum for ectopic beats.

    NSR is scored as the rhythm or as the normal recording, by the habit of the database.
    """
    parts = [inputs(windows[i : i + 256]) for i in range(0, len(windows), 256)]
    scores = np.concatenate([np.asarray(model(part, training=False)) for part in parts])
    n = owner.max() + 1
    mean = np.stack([scores[owner == i].mean(axis=0) for i in range(n)])
    highest = np.stack([scores[owner == i].max(axis=0) for i in range(n)])
    mean[:, EPISODIC] = highest[:, EPISODIC]
    alone = np.isin(database, NORMAL_ALONE)
    mean[alone, 0] = mean[alone, -1]
    return mean[:, :-1]


def report(scores, targets, database):
    """Print AUROC of each class, (n_seeds, n_recordings, n_classes) scores, and macro means."""
    table = {}
    for i, name in enumerate(NAMES):
        using = [d for d in np.unique(database) if targets[database == d, i].any()]
        chosen = np.isin(database, using)
        truth, found = targets[chosen, i : i + 1], scores[:, chosen, i]
        if truth.sum() < MIN_POSITIVES:
            continue
        each = [auroc(truth, s[:, None])[0] for s in found]
        low, high = _interval(truth[:, 0], found.mean(axis=0))
        table[name] = np.mean(each)
        parts = [f"{d} {_area(scores, targets, database == d, i)}" for d in using]
        print(f"{name:7s}{truth.sum():4d} of {len(truth):4d}  {np.mean(each):.3f}  "
              f"[{low:.3f}, {high:.3f}]  {' '.join(f'{a:.2f}' for a in each)}  "
              f"({', '.join(parts)})")  # fmt: skip
    twelve = [table[name] for name in TWELVE if name in table]
    print(f"macro of {len(table)} classes {np.mean(list(table.values())):.3f}; "
          f"of {len(twelve)} among the first twelve {np.mean(twelve):.3f}")  # fmt: skip


def _area(scores, targets, chosen, i):
    """Return the AUROC in one database, mean of the seeds, and its number of positives."""
    truth = targets[chosen, i : i + 1]
    if truth.all():
        return f"- ({truth.sum()})"
    mean = np.mean([auroc(truth, s[chosen, i : i + 1])[0] for s in scores])
    return f"{mean:.2f} ({truth.sum()})"


def _interval(y_true, y_score):
    ranked = RankedClass(y_true, y_score)
    chunks = draw_weights(np.arange(len(y_true)), REPLICATES)
    draws = np.concatenate([ranked(weights)[0] for weights in chunks])
    return percentile_interval(draws, len(y_true))


def main():
    """Draw, train, score and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--tuned-on", nargs="+", required=True, help="databases")
    parser.add_argument("--others", nargs="+", default=[], help="databases")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("-n", type=int, default=16000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    real = [load(options.data, names) for names in (options.tuned_on, options.others) if names]
    scores = [[] for _ in real]
    start = time.monotonic()
    signals, labels = draw(1000, options.n, options.workers)
    print(f"drawn in {time.monotonic() - start:.0f} s", flush=True)
    for seed in range(options.seeds):
        start = time.monotonic()
        model = train(signals, labels, options.epochs, seed)
        print(f"trained in {time.monotonic() - start:.0f} s", flush=True)
        for found, (windows, owner, _, database) in zip(scores, real, strict=True):
            found.append(score(model, windows, owner, database))
    for found, (_, _, targets, database) in zip(scores, real, strict=True):
        print(", ".join(np.unique(database)))
        report(np.stack(found), targets, database)


if __name__ == "__main__":
    main()
