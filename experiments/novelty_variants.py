"""What the distance from the training recordings was chosen from, on PTB-XL's validation part.

    python -m experiments.novelty_variants DATA [--every 6]

prints, for features of the first member of the shipped model: AUROC between recordings of DATA/val
and noise or spoilt copies of them. Means and covariances are of recordings of DATA/train.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ecg12.ensemble.classifier import BATCH
from ecg12.ensemble.model_folder import load_classifier
from ecg12.ensemble.model_index import SHIPPED
from ecg12.io.record import Record
from ecg12.io.wfdb import find_records, read_record
from ecg12.metrics import auroc
from ecg12.models.heads import penultimate
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.signal.preprocessing import STEP, dequantize, prepare
from experiments.novelty import COLOURS, noise, spoilt
from experiments.ptbxl.task import PREPROCESSING

DEPTHS = ("stem_relu", *(f"block{i}_relu" for i in range(1, 7)))
CHOSEN = ("stem_relu", "block4_relu", "block6_relu")
RIDGE = 1e-4
N_SPOILT = 4
Features = dict[str, np.ndarray]  # layer → (n, d)


def distance(new: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the squared Mahalanobis distance of (n, d) features from known ones, per feature."""
    covariance = np.cov(known, rowvar=False)
    covariance += np.diag(RIDGE * np.diag(covariance) + 1e-12)
    apart = new - known.mean(axis=0)
    return np.asarray((apart @ np.linalg.inv(covariance) * apart).mean(axis=1))


def scaled(features: np.ndarray) -> np.ndarray:
    """Scale features to length one."""
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)


def variants(new: Features, known: Features) -> dict[str, np.ndarray]:
    """Return the distances by variant, (n,) each."""
    found = {"penultimate": distance(new["penultimate"], known["penultimate"])}
    for name, change in (("", np.asarray), (", length one", scaled)):
        pairs = {layer: (change(new[layer]), change(known[layer])) for layer in new}
        if name:
            found[f"penultimate{name}"] = distance(*pairs["penultimate"])
        for title, layers in (("three depths", CHOSEN), ("all depths", DEPTHS)):
            single = [distance(*pairs[layer]) for layer in layers]
            found[f"{title}{name}"] = np.mean(single, axis=0)
            joined = (np.hstack([pairs[layer][i] for layer in layers]) for i in (0, 1))
            found[f"{title}{name}, one covariance"] = distance(*joined)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="PTB-XL: train and val")
    parser.add_argument("--every", type=int, default=6, help="of so many recordings one")
    options = parser.parse_args()
    model = load_classifier(SHIPPED, "keras").members[0].model
    means = [keras.ops.mean(model.get_layer(name).output, axis=1) for name in DEPTHS]
    joined = keras.Model(model.input, keras.ops.concatenate([*means, penultimate(model)], axis=-1))
    forward = backend.compiled([joined], model.input_shape[1:])
    ends = np.cumsum([x.shape[-1] for x in means])

    def features(signals: np.ndarray) -> Features:
        chunks = (signals[i : i + BATCH] for i in range(0, len(signals), BATCH))
        whole = np.concatenate([forward(dequantize(own, STEP))[0] for own in chunks])
        pieces = np.split(whole.astype(np.float64), ends, axis=1)
        return dict(zip((*DEPTHS, "penultimate"), pieces, strict=True))

    def prepared(records: Iterable[Record]) -> np.ndarray:
        return np.array([prepare(one, PREPROCESSING) for one in records])

    every = options.every
    known = features(
        prepared(map(read_record, list(find_records(options.data / "train"))[::every]))
    )
    kept = [read_record(path) for path in list(find_records(options.data / "val"))[::every]]
    base = variants(features(prepared(kept)), known)
    columns = {name: prepared(noise(name, 100)) for name in COLOURS}
    columns |= {name: prepared(own) for name, own in list(spoilt(lambda: kept))[:N_SPOILT]}
    print(f"| variant | {' | '.join(columns)} |\n{'|---' * (len(columns) + 1)}|")  # noqa: T201
    found = {name: variants(features(signals), known) for name, signals in columns.items()}
    for variant, own in base.items():
        areas = [_area(own, other[variant]) for other in found.values()]
        print(f"| {variant} | " + " | ".join(f"{area:.3f}" for area in areas) + " |")  # noqa: T201


def _area(base: np.ndarray, own: np.ndarray) -> float:
    truth = np.repeat([False, True], [len(base), len(own)])[:, None]
    return float(auroc(truth, np.concatenate([base, own])[:, None])[0])


if __name__ == "__main__":
    main()
