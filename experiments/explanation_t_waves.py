"""Test explanations on T waves of real recordings, and whether the package's model uses T waves.

    python -m experiments.explanation_t_waves weights DATA [-n 10]
    python -m experiments.explanation_t_waves all DATA [-n 15]

``weights``: how much of the map's weight lies on T in recordings that are labelled with abnormal T
waves (those diagnosed) and inverted ones (none is), T taken to last from 0.12 to 0.42 s after the
middle of QRS. ``all``: how far the log odds fall if all T waves of a recording, in all leads,
become the usual one, and if they become lines. DATA is a folder of recordings with codes.

Cost: 2 s of a processor for each recording of ``weights``. Result: see reports/explanation.md.
"""

import argparse
from itertools import count, islice
from pathlib import Path

import numpy as np

import ecg12
from ecg12.explanation import explain
from ecg12.explanation.explain import segments_of
from ecg12.explanation.occlusion import Occluder, Patch, log_odds
from ecg12.io.classes import abbreviation
from ecg12.io.leads import LEADS
from ecg12.signal.heart_rate import bridge_gaps, find_beats
from experiments.explanation import agreement, cells_of, drawn, drawn_from, entry_of, interval

T_AFTER = (0.12, 0.42)  # s after the middle of QRS


def weights(model, folder, n):
    """Print how much weight lies on T in recordings of abnormal and of inverted T waves."""
    for name, positive in (("TAb", True), ("TInv", False)):
        rows = []
        for record in islice(labelled(model, folder, name, positive), n):
            found = explain(model, record, [name])[name]
            rows.append(agreement(found, t_times(record)))
            print(record.name, name, found.top_leads, np.round(rows[-1], 2), flush=True)
        cells = " | ".join(cells_of(np.transpose(rows)))
        print(f"| {name} | {len(rows)} real recordings | {cells} |", flush=True)


def without(model, folder, n):
    """Print how far log odds of T wave classes fall without all T waves of a recording."""
    print("| class | recordings | n | log odds | fall, usual T | fall, line |")
    print("|---" * 6 + "|")
    kinds = {
        "abnormal T, diagnosed": ("TAb", labelled(model, folder, "TAb", True)),
        "inverted T": ("TInv", labelled(model, folder, "TInv", False)),
        "synthetic, inverted T": ("TInv", (drawn(place, "TInv")[0] for place in count())),
        "synthetic, sinus rhythm": ("TInv", (drawn(place, "NSR")[0] for place in count())),
        "sinus rhythm": ("TAb", labelled(model, folder, "NSR", True, alone=True)),
    }
    for words, (name, records) in kinds.items():
        rows = [_without_t(model, record, name) for record in islice(records, n)]
        cells = " | ".join(map(interval, np.transpose(rows)))
        print(f"| {name} | {words} | {len(rows)} | {cells} |", flush=True)


def _without_t(model, record, name):
    """Return a class's log odds, and how far they fall with usual T waves and with lines."""
    classifier = model.classifier
    prepared = classifier.prepare(record)
    occluder = Occluder(classifier, record, prepared)
    segments = segments_of(occluder.seconds, prepared, classifier.preprocessings)
    spans = np.transpose([segments.edges[:-1], segments.edges[1:]])[segments.t_waves]
    copies = [[Patch(LEADS, *span, usual) for span in spans] for usual in (True, False)]
    place = model.classes.names.index(name)
    whole = log_odds(classifier.predict([prepared]).scores)[0, place]
    return whole, *occluder.falls(copies)[:, place]


def labelled(model, folder, name, positive, *, alone=False):
    """Yield recordings that are labelled with a class (alone) and diagnosed so, or not."""
    for record in drawn_from(folder):
        names = set(map(abbreviation, record.codes))
        if names == {name} if alone else name in names:
            if entry_of(model, record, name).positive == positive:
                yield record


def t_times(record):
    """Return about where the T waves of a recording's first 10 s are, (n, 2) s."""
    signals = bridge_gaps(record.centred[:, : round(10 * record.rate)])
    beats = find_beats(signals, record.rate) / record.rate
    return np.transpose([beats + T_AFTER[0], beats + T_AFTER[1]])


def main():
    """Run one of the tests."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("test", choices=("weights", "all"))
    parser.add_argument("data", type=Path)
    parser.add_argument("-n", type=int, default=10)
    options = parser.parse_args()
    test = weights if options.test == "weights" else without
    test(ecg12.load_model(), options.data, options.n)


if __name__ == "__main__":
    main()
