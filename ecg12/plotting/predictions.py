"""A recording on ECG paper, with the ensemble's predictions in its heading."""

import itertools
from pathlib import Path
from typing import Any

from ecg12.inference.results import ClassPrediction, Prediction
from ecg12.io.formats import open_any
from ecg12.plotting import draw, save


def draw_result(result: Prediction, folder: Path, taken: set[str], **array: Any) -> Path:
    """Draw the recording of a result as PNG into a folder, made if missing; return the file.

    The heading shows the header's own diagnoses, age and sex as `ecg12.plotting.draw` does, and
    below them the classifier's diagnoses. The file is named by the recording, with a number if that
    name is among those `taken`, to which it is added. `array` is what `read_any` needs for arrays.

    Raises
    ------
    InputError
        If nothing of the recording can be drawn.
    """
    record = open_any(result.source, **array)
    said = "; ".join(map(_described, result.diagnoses)) or "none of the known diagnoses"
    figure = draw(record, notes=(f"Classifier (research, no medical device): {said}",))
    folder.mkdir(parents=True, exist_ok=True)
    numbered = (f"{record.name}_{number}" for number in itertools.count(2))
    name = next(name for name in itertools.chain([record.name], numbered) if name not in taken)
    taken.add(name)
    path = folder / f"{name}.png"
    save(figure, path)
    return path


def _described(entry: ClassPrediction) -> str:
    votes = f"{entry.votes} of {len(entry.thresholds)} votes"
    chance = "" if entry.probability is None else f"probability {entry.probability:.2f}, "
    return f"{entry.abbreviation} {entry.name} ({chance}score {entry.score:.2f}, {votes})"
