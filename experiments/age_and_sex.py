r"""Age and sex as inputs to the dense layers.

    python -m experiments.age_and_sex WORK [--seeds 10] [--data DATA]

Paper B's new head (Dropout, 128, 32, sigmoids) stands on the network's features and, beside them,
on four numbers: age / 100, whether it is known, and sex as two. The control has the same network,
but zeros in their place, so that both have the same number of weights. All is trained from scratch
on the target (`experiments.small`); the numbers travel as one more sample of four of the leads.

The paper (Ansari et al., 2020): no gain, without numbers. Synthetic ages and sexes fit their
findings only as far as the generator makes them.

Cost: see reports/transfer.md, which holds the results.
"""

from dataclasses import replace

import numpy as np

from ecg12.io.leads import LEADS
from ecg12.io.wfdb import read_header
from ecg12.models.heads import penultimate
from ecg12.runtime.backend import keras
from experiments.small import (
    CLASSES,
    NETWORK,
    PREPROCESSING,
    Results,
    begin,
    held_out,
    parser,
    table,
)

layers = keras.layers
PERSON = 4


def person(header):
    """Return age / 100, known or not, male, female: (4,), of zeros what is unknown."""
    age = (0, 0) if header.age is None else (header.age / 100, 1)
    return np.array([*age, header.sex == "Male", header.sex == "Female"], np.float64)


def with_person(dataset, folder, known):
    """Append a sample to each lead that holds what is known of the patient, or zeros."""
    column = np.zeros((len(dataset), len(LEADS), 1))
    if known:
        people = [person(read_header(folder / name)) for name in dataset.names]
        column[:, :PERSON, 0] = people
    column = np.rint(column / PREPROCESSING.step).astype(np.int16)
    signals = np.concatenate([dataset.signals[dataset.rows], column], axis=2)
    return replace(dataset, signals=signals, rows=np.arange(len(dataset)))


def network(seed):
    """Return an untrained network on (12, n_samples + 1): the last sample goes to the head."""
    keras.utils.set_random_seed(seed)
    n = PREPROCESSING.n_samples
    body = NETWORK.build(1, n)
    body = keras.Model(body.input, penultimate(body), name="body")
    inputs = layers.Input((len(LEADS), n + 1, 1), name="signals")
    features = body(layers.Cropping2D(((0, 0), (0, 1)), name="ecg")(inputs))
    about = layers.Cropping2D(((0, len(LEADS) - PERSON), (n, 0)), name="about")(inputs)
    x = layers.Concatenate(name="all")([features, layers.Flatten(name="person")(about)])
    x = layers.Dropout(0.5, name="dropout")(x)
    x = layers.Dense(128, "relu", name="dense1")(x)
    x = layers.Dense(32, "relu", name="dense2")(x)
    return keras.Model(inputs, layers.Dense(len(CLASSES.columns), "sigmoid", name="scores")(x))


def main():
    """Run what is missing, seed by seed, then print the table."""
    options = parser(__doc__).parse_args()
    study = begin(options)
    results = Results("age_and_sex", study)
    folder = options.data or options.work / f"target{options.target}"
    names = {"without": False, "with age and sex": True}
    datasets = {name: with_person(study.target, folder, known) for name, known in names.items()}
    for seed in range(options.seeds):
        for name, dataset in datasets.items():
            task = study.target_task(seed, dataset=dataset)
            results.run(name, seed, lambda s=seed, t=task: held_out(study.fit(network(s), t, s), t))
    table(results, list(names), "without", options.seeds)


if __name__ == "__main__":
    main()
