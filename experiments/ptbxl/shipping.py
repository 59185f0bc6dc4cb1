"""From the trained networks to the ensemble that is shipped: the challenge's columns alone.

Weights are rounded once to values that float16 holds, so that half the bytes store them exactly;
thresholds and calibration are fitted afterwards, on one half of the validation part, prediction
sets on the other.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.decision.balanced import balanced_thresholds
from ecg12.decision.calibration import calibrate
from ecg12.decision.thresholds import tune
from ecg12.ensemble.classifier import Classifier, Member
from ecg12.ensemble.model_folder import save_classifier
from ecg12.ensemble.model_index import BALANCED
from ecg12.metrics import challenge_score
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.runtime.files import atomic_write
from experiments.ptbxl.heads import fitted_head
from experiments.ptbxl.runs import Config, unit_scores
from experiments.ptbxl.statistics import choosing, conformal_sets, statistics
from experiments.ptbxl.task import CHALLENGE, PREPROCESSING, Material, challenge_cells, make_task


def load(path: Path) -> Any:
    """Load a network of all columns and round its weights to what float16 holds."""
    return rounded(keras.models.load_model(path, compile=False))


def rounded(model: Any) -> Any:
    """Round a model's weights to what float16 holds, in place, and return it."""
    model.set_weights([w.astype(np.float16).astype(np.float32) for w in model.get_weights()])
    return model


def challenge_network(
    model: Any, config: Config, head: tuple[np.ndarray, np.ndarray] | None = None
) -> Any:
    """Return the network with the challenge's columns alone, equivalent codes alike.

    `head` is another last layer, kernel and bias of the challenge's classes.
    """
    n_samples = PREPROCESSING.n_samples
    shipped = config.network.build(len(CHALLENGE.columns), n_samples)
    kernel, bias = model.get_layer("scores").get_weights() if head is None else head
    for layer in shipped.layers:
        if layer.name != "scores":
            layer.set_weights(model.get_layer(layer.name).get_weights())
    columns = CHALLENGE.class_of_column
    shipped.get_layer("scores").set_weights([kernel[:, columns], bias[columns]])
    return rounded(shipped)


def stored_head(networks: Path, name: str, material: Material) -> tuple[np.ndarray, np.ndarray]:
    """Return a member's last layer for the challenge metric; stored, and fitted if missing."""
    path = networks / f"{name}.head.npz"
    if not path.is_file():
        model = load(networks / f"{name}.keras")
        kernel, bias = fitted_head(model, make_task(material), seed=0)
        with atomic_write(path) as temporary:
            np.savez(temporary, kernel=kernel, bias=bias)
    with np.load(path) as saved:
        return saved["kernel"], saved["bias"]


def crossed(scores: np.ndarray, targets: np.ndarray, known: np.ndarray) -> float:
    """Return the challenge metric of thresholds tuned on one half and judged on the other."""
    order = np.random.default_rng(0).permutation(len(scores))
    halves = order[::2], order[1::2]
    reached = []
    for own, other in (halves, halves[::-1]):
        cuts = tuned_thresholds(scores[own], targets[own], known[own])
        labels = scores[other] > cuts
        reached.append(challenge_score(targets[other], labels, CHALLENGE, known[other]))
    return float(np.mean(reached))


def tuned_thresholds(scores: np.ndarray, targets: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the thresholds with the highest challenge metric, (24,).

    Bradycardia has no positive; all others have enough, so all thresholds may move.
    """
    return tune(scores, targets, CHALLENGE, min_positives=0, known=known).thresholds


def median_scores(models: Sequence[Any], material: Material) -> np.ndarray:
    """Return the ensemble's scores of the validation part, (n, 24)."""
    forwards = [backend.compiled([model], model.input_shape[1:]) for model in models]
    columns = [unit_scores(f, material, "validation")["recording"] for f in forwards]
    return np.median([CHALLENGE.merge(own) for own in columns], axis=0)


def ship(
    folder: Path, networks: Path, members: dict[str, Config], material: Material
) -> dict[str, float]:
    """Write the model folder of an odd number of members.

    All get the same thresholds, tuned on the median of their scores: the majority of an odd number
    is above a threshold exactly when the median is. The last layer is the trained one or the one
    fitted to the challenge metric, whichever reaches more of it (`crossed`) on the half of the
    validation part that chooses. Export the folder afterwards, for its graph.

    Returns
    -------
    dict
        What each last layer reaches.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = material.parts["validation"]
    half = choosing(material)
    targets, known = (cells[rows][half] for cells in challenge_cells(material))
    whole = {name: load(networks / f"{name}.keras") for name in members}
    ways = {
        "trained": [challenge_network(whole[n], c) for n, c in members.items()],
        "fitted": [
            challenge_network(whole[n], c, stored_head(networks, n, material))
            for n, c in members.items()
        ],
    }
    every = {way: median_scores(models, material) for way, models in ways.items()}
    scores = {way: own[half] for way, own in every.items()}
    reached = {way: crossed(own, targets, known) for way, own in scores.items()}
    way = max(reached, key=lambda way: reached[way])
    cuts = tuned_thresholds(scores[way], targets, known)
    made = [
        Member(
            name,
            model,
            PREPROCESSING,
            thresholds=cuts,
            validation_score=reached[way],
            network=config.network,
        )
        for (name, config), model in zip(members.items(), ways[way], strict=True)
    ]
    calibration = calibrate(scores[way], targets, known)
    points = {BALANCED: balanced_thresholds(scores[way], targets, known)}
    classifier = Classifier(
        CHALLENGE,
        made,
        calibration,
        operating_points=points,
        conformal=conformal_sets(every[way], material),
    )
    classifier.novelty = statistics(classifier, material)
    save_classifier(folder, classifier)
    return reached
