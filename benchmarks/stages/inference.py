"""Inference: the shipped ensemble and the driver, beside the networks alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from joblib import Parallel, cpu_count, delayed

import ecg12
from benchmarks.recordings import DISTINCT, write_linked
from benchmarks.results import Result
from benchmarks.setting import Setting
from benchmarks.timing import Times, in_turn, larger, total
from ecg12.data.dataset import dequantize
from ecg12.ensemble.classifier import BATCH
from ecg12.ensemble.model_index import SHIPPED
from ecg12.inference.challenge import drive, predict_challenge
from ecg12.inference.model import Model
from ecg12.io.wfdb import read_record
from ecg12.models import INFERENCE_FILTERS, rows_as_channels
from ecg12.runtime import backend
from ecg12.signal.preprocessing import Preprocessing, prepare_parts
from ecg12.signal.quality import assess
from ecg12.training.recipes import get_recipe

RUNTIMES = ("keras", "onnx")
TOGETHER = 8


def measure(setting: Setting) -> list[Result]:
    """Compare prediction and driver with bare calls, then the networks of two recipes."""
    stems = write_linked(setting.work / "drive", setting.size(4096, 40), setting.size(DISTINCT, 2))
    batches = [_batched(setting, stems, runtime) for runtime in RUNTIMES]
    return [*batches, *_driver(setting, stems), _recipes(setting)]


def networks_alone(model: Model, stems: list[Path]) -> Callable[[], object]:
    """Return a call of the networks on prepared recordings, batch by batch, and nothing else."""
    classifier = model.classifier
    step = classifier.preprocessings[0].step
    prepared = np.concatenate([classifier.prepare(read_record(stem))[0] for stem in stems])
    inputs = dequantize(prepared, step)
    chunks = [inputs[i : i + BATCH] for i in range(0, len(inputs), BATCH)]
    return lambda: [classifier.runtime.scores(0, chunk) for chunk in chunks]


def _batched(setting: Setting, stems: list[Path], runtime: str) -> Result:
    """Compare predictions of records in memory, prepared, with the networks alone."""
    model, n = ecg12.load_model(runtime=runtime), setting.size(256, 32)
    prepared = [model.classifier.prepare(read_record(stem)) for stem in stems[:n]]
    chunks = [prepared[i : i + BATCH] for i in range(0, n, BATCH)]
    ours, bare = in_turn(
        [
            lambda: [model.classifier.predict(chunk) for chunk in chunks],
            networks_alone(model, stems[:n]),
        ],
        setting.few,
    )
    return Result(key=f"predict: {runtime}", ours=ours.per(n), other=bare.per(n))


def _prepare(stems: list[Path], chain: Preprocessing) -> None:
    for stem in stems:
        record = read_record(stem, chain.needed_seconds)
        prepare_parts(record, chain)
        assess(record)


def _driver(setting: Setting, stems: list[Path]) -> list[Result]:
    """Compare the driver with the larger of its two parts, their sum, and `run_model` in a loop.

    Both parts use all cores, so their sum is what can be reached where neither waits. Loading the
    model counts in the driver and in the loop.
    """
    n, output = len(stems), setting.folder("driven")
    model = ecg12.load_model(runtime="keras")
    [chain] = model.classifier.preprocessings
    chunks = [stems[i::64] for i in range(min(64, n))]
    workers = Parallel(cpu_count())

    def preparing() -> None:
        workers(delayed(_prepare)(chunk, chain) for chunk in chunks)

    def driving() -> None:
        drive(SHIPPED, stems[0].parent, output)

    def loop() -> None:
        loaded = ecg12.load_model(runtime="onnx")
        for stem in stems[:few]:
            header = stem.with_suffix(".hea").read_text()
            predict_challenge(loaded, header, read_record(stem).stored)

    few = setting.size(256, 8)
    bare = networks_alone(model, stems)
    rounds = setting.size(3, 1)
    driver, parts, networks, single = (
        one.per(count)
        for one, count in zip(
            in_turn([driving, preparing, bare, loop], rounds), (n, n, n, few), strict=True
        )
    )
    # Workers go on after each round, so their processor time is that of one core each.
    both = Times(parts.wall, tuple(cpu_count() * t for t in parts.wall))
    medians = [f"{1e3 * np.median(one.wall):.2f} ms" for one in (parts, networks)]
    note = f"preparing {medians[0]}, networks {medians[1]}"
    return [
        Result(key="drive: parts", ours=driver, other=larger(both, networks), note=note),
        Result(key="drive: sum", ours=driver, other=total(both, networks), note=note),
        Result(key="drive: loop", ours=driver, other=single),
    ]


def _recipes(setting: Setting) -> Result:
    """Compare the networks of `submission` with the five cheapest of paper B."""
    n, rng = setting.size(TOGETHER, 1), np.random.default_rng(0)

    def ensemble(name: str) -> Callable[[], object]:
        recipe = get_recipe(name)
        n_samples = recipe.preprocessing.n_samples
        networks = sorted(recipe.networks, key=lambda network: network.gflop())[:5]
        models = [network.build(26, n_samples) for network in networks]
        for model in models:
            rows_as_channels(model, INFERENCE_FILTERS)  # as a classifier does
        shape = 12, n_samples, 1
        forward = backend.compiled(models, shape)
        x = rng.standard_normal((n, *shape), dtype=np.float32)
        return lambda: forward(x)

    times = in_turn([ensemble("submission"), ensemble("mcircc")], setting.few)
    return Result(key="predict: paper B", ours=times[0].per(n), other=times[1].per(n))
