r"""Gradient-boosted trees on a network's features, one booster per class, against its dense head.

    pip install -e .[experiments]
    python -m experiments.boosting WORK [--seeds 5] [--data DATA]

Each seed pretrains a network on the source and trains it on the target (`experiments.small`). Then
XGBoost (Chen and Guestrin, 2016; 100 trees of depth 3, rate 0.1, per class) is trained on the same
training recordings, on the features that the dense layers take in ("body") or on the 32 units below
the sigmoids ("last layer"), and replaces what stands above them. A class without positive
recordings in training scores 0.

The paper (Ansari et al., 2020): about equal, without numbers.

Cost: see reports/transfer.md, which holds the results.
"""

from functools import partial

import numpy as np
import xgboost

from ecg12.models.heads import penultimate
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.training.task import column_scores
from experiments.small import Results, begin, held_out, measured, parser, table

OPTIONS = {"n_estimators": 100, "max_depth": 3, "learning_rate": 0.1, "n_jobs": 1}


def boosted(features, targets, others, known=None):
    """Return (n, n_classes) scores of other recordings, by one booster per class.

    `known` (n, n_classes): a booster learns from the recordings whose label it is true for.
    """
    scores = np.zeros((len(others), targets.shape[1]))
    known = np.ones_like(targets, bool) if known is None else known
    for place, (own, positive) in enumerate(zip(known.T, targets.T, strict=True)):
        if 0 < positive[own].sum() < own.sum():
            booster = xgboost.XGBClassifier(**OPTIONS).fit(features[own], positive[own])
            scores[:, place] = booster.predict_proba(others)[:, 1]
    return scores


def features_of(trainer, task, output):
    """Return (n_recordings, n_features) of each part, at a tensor of the network."""
    model = keras.Model(trainer.model.input, output)
    forward = backend.compiled([model], model.input_shape[1:])
    return {name: column_scores(forward, task, part)[0] for name, part in task.parts.items()}


def run(study, seed):
    """Return the measures of the dense head and of the boosters, by name."""
    task = study.target_task(seed)
    trainer = study.fit(study.transferred(seed, study.pretrained_once(seed)()), task, seed)
    rows = {"dense head": held_out(trainer, task)}
    model = trainer.model
    tensors = {"body": penultimate(model), "last layer": model.layers[-1].input}
    for name, tensor in tensors.items():
        found = features_of(trainer, task, tensor)
        known = found["training"], task.dataset.targets[task.parts["training"]]
        scores = (boosted(*known, found[part]) for part in ("validation", "test"))
        rows[f"boosters, {name}"] = measured(task, *scores)
    return rows


def main():
    """Run what is missing, seed by seed, then print the table."""
    options = parser(__doc__, seeds=5).parse_args()
    study = begin(options)
    results = Results("boosting", study)
    names = "dense head", "boosters, body", "boosters, last layer"
    for seed in range(options.seeds):
        results.run_all(names, seed, partial(run, study, seed))
    table(results, names, names[0], options.seeds)


if __name__ == "__main__":
    main()
