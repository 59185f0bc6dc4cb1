"""A process that prepares, trains or drives, and may kill itself at a chosen moment.

    python -m stress.victim WORK DATA MODEL [OUT] [--kill STAGE CALL DELAY]

WORK is prepare, train or drive. `--kill STAGE CALL DELAY` sends SIGKILL `DELAY` seconds after the
`CALL`th time that the stage begins; stages: preparation, training, thresholding, saving, driving.
`--kill replace CALL before|after` does so just before or after the `CALL`th rename of a finished
temporary file. Without it the process prints, as JSON, how long each call of each stage took.
"""

import argparse
import json
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from ecg12.data import dataset
from ecg12.inference import challenge
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.models import ResNet
from ecg12.signal.preprocessing import Preprocessing
from ecg12.training import members, pipeline, trainer
from ecg12.training.recipes import Recipe
from ecg12.training.schedule import Schedule

SHORT = Preprocessing(seconds=0.4, margin=0.2)
durations: dict[str, list[float]] = defaultdict(list)


def kill() -> None:
    """End this process as `kill -9` does: no cleaning up, no last words."""
    os.kill(os.getpid(), signal.SIGKILL)


def watched(stage: str, function: Callable[..., Any], call: int, delay: float) -> Any:
    """Wrap a stage's function: time it, and start the clock of death at its `call`th call."""

    def run(*arguments: Any, **options: Any) -> Any:
        durations[stage].append(0.0)
        if len(durations[stage]) == call:
            timer = threading.Timer(delay, kill)
            timer.daemon = True
            timer.start()
        begun = time.perf_counter()
        result = function(*arguments, **options)
        durations[stage][-1] = time.perf_counter() - begun
        return result

    return run


def kill_at_rename(call: int, when: str) -> None:
    """Let the `call`th `os.replace` be the process's last act, or the one that it does not do."""
    replace, calls = os.replace, []

    def dying_replace(*arguments: Any, **options: Any) -> None:
        calls.append(1)
        if len(calls) == call and when == "before":
            kill()
        replace(*arguments, **options)
        if len(calls) == call:
            kill()

    os.replace = dying_replace


def watch(stage: str, call: int, delay: float) -> None:
    """Watch all stages; die in one of them, if its name is given."""

    def wrap(name: str, owner: Any, attribute: str) -> None:
        own = call if stage == name else 0
        setattr(owner, attribute, watched(name, getattr(owner, attribute), own, delay))

    wrap("preparation", dataset, "fill_map")
    wrap("training", trainer.Trainer, "_epoch")
    wrap("thresholding", members, "tune")
    wrap("saving", pipeline, "save_classifier")
    wrap("driving", challenge, "write_output")


def work(options: argparse.Namespace) -> None:
    """Do what is asked for, with networks that train in a second."""
    if options.work == "prepare":
        dataset.prepare_folder(options.data, options.model, SHORT, load_weights(WEIGHTS), n_jobs=2)
    elif options.work == "train":
        schedule = Schedule(epochs=3, threshold=None)
        recipe = Recipe("tiny", (ResNet(2, 3, 1, 3, p=0.5),) * 3, 3, schedule, SHORT, seed=5)
        pipeline.train(options.data, options.model, recipe)
    else:
        challenge.drive(options.model, options.data, options.out)


def main(arguments: Sequence[str] | None = None) -> None:
    """Work, and die on the way if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", choices=("prepare", "train", "drive"))
    parser.add_argument("data")
    parser.add_argument("model")
    parser.add_argument("out", nargs="?")
    parser.add_argument("--kill", nargs=3, default=("", "0", "0"))
    options = parser.parse_args(arguments)
    stage, call, when = options.kill
    if stage == "replace":
        kill_at_rename(int(call), when)
        stage, when = "", "0"
    watch(stage, int(call), float(when))
    work(options)
    print("durations", json.dumps(durations))


if __name__ == "__main__":
    main()
