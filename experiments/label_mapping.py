"""Measure how well statements become labels: precision and recall, before and after a review.

    python -m experiments.label_mapping WORK [--n 1500] [--seed 11] [--min-count 10]

WORK gets a synthetic MUSE archive with known truth, a small vocabulary in the formats of UMLS and
SNOMED CT, and label tables. The archive's phrasings (`ecg12.synthetic.phrases`) were written before
the mapper and stand in none of its tables; the vocabulary's names were written without regard to
them. The classes drawn are the truth, so the mapping alone is measured, not the readers.

Three label tables are compared with the truth: of the automatic mapping; after a review in which
the most frequent phrases without a class are decided as `label_mapping_review.csv` has it (phrases
without a class there get none); and after a review of all phrases. Brackets hold 95 % bootstrap
intervals over recordings.

The paper (Ansari et al., 2020) corrected its mapping by hand and gives no figure for either state.
Cost: 2 minutes for 1500 recordings on two cores, nearly all of it to draw them.
Result: see reports/labelling.md.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.label_table import read_label_table
from ecg12.labelling import Options, Vocabulary, label
from ecg12.labelling.review import FINAL, NONE, PHRASE, PROPOSED
from ecg12.metrics.bootstrap import draw_weights
from ecg12.metrics.intervals import percentile_interval
from ecg12.synthetic import Options as Drawn
from ecg12.synthetic.muse import VOCABULARY, generate_muse, read_labels
from ecg12.synthetic.vocabulary import MRCONSO, RELATIONSHIPS

DECISIONS = Path(__file__).with_name("label_mapping_review.csv")
RESAMPLINGS = 1000


def counted(truth, found):
    """Return true positives, found and true per class, (3, n_classes), from bool arrays."""
    return np.array([(truth & found).sum(axis=0), found.sum(axis=0), truth.sum(axis=0)])


def shares(counts):
    """Return precision and recall from (3, …) counts; NaN where nothing is found or true."""
    with np.errstate(invalid="ignore"):
        return counts[0] / counts[1], counts[0] / counts[2]


def intervals(truth, found, seed=0):
    """Return bootstrap intervals over recordings of overall precision and recall, (2, 2)."""
    per_recording = counted(truth.T, found.T).astype(float)
    chunks = draw_weights(np.arange(len(truth)), RESAMPLINGS, seed)
    drawn = np.hstack([shares(per_recording @ weights) for weights in chunks])
    return [percentile_interval(draws, len(truth)) for draws in drawn]


def decide(review, decisions, n):
    """Decide the n most frequent phrases of a review file that have no class; return how many."""
    with review.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    waiting = [row for row in rows if not row[PROPOSED]][:n]
    for row in waiting:
        row[FINAL] = decisions.get(row[PHRASE], NONE)
    with review.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return len(waiting)


def measure(archive, output, classes, options):
    """Label the archive; return what is true and what was found, (n_recordings, n_classes)."""
    folder = archive / VOCABULARY
    vocabulary = Vocabulary(folder / MRCONSO, None, folder / RELATIONSHIPS)
    label(archive, output, classes, vocabulary, options)
    table, truth = read_label_table(output / "labels.csv"), read_labels(archive)
    found = classes.encode(table.codes)
    return classes.encode([truth[name] for name in table.recordings]), found


def print_states(names, states):
    """Print precision and recall per class and overall, one pair of columns per state."""
    print(f"{'class':8}{'true':>6}" + "".join(f"{title:>18}" for title, _, _ in states))
    rates = [shares(counted(truth, found)) for _, truth, found in states]
    n_true = states[0][1].sum(axis=0)
    for place, name in enumerate(names):
        cells = "".join(f"{p[place]:11.3f} {r[place]:6.3f}" for p, r in rates)
        print(f"{name:8}{n_true[place]:6}{cells}")
    for title, truth, found in states:
        pair = shares(counted(truth, found).sum(axis=1))
        spans = intervals(truth, found)
        shown = (f"{v:.3f} [{a:.3f}, {b:.3f}]" for v, (a, b) in zip(pair, spans, strict=True))
        exact = (truth == found).all(axis=1).mean()
        print(f"{title}: precision {' recall '.join(shown)}; all classes right in {exact:.1%}")


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--n", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--min-count", type=int, default=10)
    parser.add_argument("--decided", type=int, default=20, help="phrases of the first review")
    arguments = parser.parse_args()
    archive = arguments.work / f"muse-{arguments.seed}-{arguments.n}"
    if not (archive / "truth.csv").exists():
        drawn = Drawn(rates=(250.0,))
        generate_muse(archive, arguments.n, arguments.seed, drawn, workers=-1, progress=True)
    with DECISIONS.open(newline="", encoding="utf-8") as file:
        decisions = {row["phrase"]: row["codes final"] for row in csv.DictReader(file)}
    output = arguments.work / f"labels-{archive.name}"
    (output / "review.csv").unlink(missing_ok=True)
    classes, options = load_weights(WEIGHTS), Options(min_count=arguments.min_count, workers=-1)
    states = [("automatic", *measure(archive, output, classes, options))]
    for most in (arguments.decided, None):
        n = decide(output / "review.csv", decisions, most)
        states.append((f"{n} decided", *measure(archive, output, classes, options)))
    print_states(classes.names, states)


if __name__ == "__main__":
    main()
