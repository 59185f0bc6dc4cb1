"""What each part adds that says how far a prediction can be trusted.

    python -m benchmarks.trust [ROUNDS]

Processor time for one synthetic recording of twelve leads, 10 s at 500 Hz, by the model of the
package: signal quality, the distance from the training recordings, prediction sets, and the
explanation of all that is diagnosed; beside them preparing, the networks alone, and a whole
prediction. The parts take turns; the fastest of all rounds (default 30; five explanations) counts,
because what else runs can only add. Exit status 1 if a part takes longer than allowed.
"""

import copy
import sys
import time
from collections.abc import Callable

from ecg12 import explain, load_model
from ecg12.inference.model import Model
from ecg12.io.record import Record
from ecg12.signal.quality import assess
from ecg12.synthetic import Options, recording

ALLOWED = {"quality": 3.0, "distance": 1.0, "sets": 0.5, "explanation": 5000.0}  # ms
EXPLAINED = 5  # rounds


def plain(model: Model) -> Model:
    """Return a model without distances and prediction sets."""
    classifier = copy.copy(model.classifier)
    classifier.novelty = classifier.sets = None
    return Model(classifier)


def parts(record: Record) -> dict[str, Callable[[], object]]:
    """Return what is measured."""
    model = load_model(coverage=0.9)
    bare, classifier = plain(model).classifier, model.classifier
    prepared, scores = [classifier.prepare(record)], classifier.predict
    decided, sets = scores(prepared), classifier.sets
    if sets is None:
        raise RuntimeError("the model has no prediction sets")
    return {
        "prepare": lambda: classifier.prepare(record),
        "quality": lambda: assess(record),
        "networks": lambda: bare.predict(prepared),
        "sets": lambda: (
            sets.answers(decided.scores, decided.labels),
            sets.holds(decided.scores),
        ),
        "with distance": lambda: scores(prepared),
        "prediction": lambda: model.predict_record(record),
        "explanation": lambda: explain(model, record),
    }


def fastest(measured: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the least processor time of each, ms."""
    found = dict.fromkeys(measured, float("inf"))
    for number in range(rounds):
        for name, call in measured.items():
            if name != "explanation" or number < EXPLAINED:
                begin = time.process_time()
                call()
                found[name] = min(found[name], 1e3 * (time.process_time() - begin))
    return found


def main(rounds: int) -> int:
    """Print the times; return the exit status."""
    record = recording(1, 0, Options(classes=("PVC",)))
    found = fastest(parts(record), rounds)
    # The sets, which are in both, are far below what this difference can resolve.
    found["distance"] = max(found.pop("with distance") - found["networks"], 0.0)
    for name, taken in sorted(found.items(), key=lambda item: item[1]):
        allowed = f"  (at most {ALLOWED[name]:g})" if name in ALLOWED else ""
        print(f"{name:12} {taken:9.3f} ms{allowed}")
    return int(any(found[name] > most for name, most in ALLOWED.items()))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30))
