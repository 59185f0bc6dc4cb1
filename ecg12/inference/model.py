"""A trained model, loaded: predictions for arrays, recordings and files."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.decision.conformal import COVERAGES
from ecg12.ensemble.classifier import Classifier
from ecg12.ensemble.model_folder import load_classifier
from ecg12.ensemble.model_index import CHALLENGE, SHIPPED
from ecg12.inference.results import Failure, Outcome, Prediction
from ecg12.inference.stream import MANY, Source, check_record, predict_stream
from ecg12.inference.windows import Window, Windows, predict_windows
from ecg12.io.classes import ScoredClasses
from ecg12.io.formats import open_any, read_any
from ecg12.io.given import expand_folders
from ecg12.io.open_record import OpenRecord
from ecg12.io.record import Record
from ecg12.runtime.errors import InputError, RecordError, shown, unforeseen_errors
from ecg12.runtime.settings import Settings


class Model:
    """An ensemble of networks that predicts recordings.

    Research software, not a medical device: it knows only the classes it was trained on, it
    makes errors, and no decision on a patient may rest on it.

    Parameters
    ----------
    classifier
        The ensemble, as `load_model` reads it from a model folder.
    """

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier

    def __repr__(self) -> str:
        return f"<Model: {len(self.classifier.members)} networks, {len(self.classes)} classes>"

    @property
    def classes(self) -> ScoredClasses:
        """The classes of each prediction, in order; `classes.names` has their abbreviations."""
        return self.classifier.classes

    def predict(
        self,
        signals: np.ndarray,
        *,
        fs: float,
        leads: Sequence[str],
        unit: str = "mV",
        name: str = "recording",
    ) -> Prediction:
        """Predict one recording that is held in memory.

        Parameters
        ----------
        signals
            (n_leads, n_samples) in `unit`; NaN or infinity where a sample is missing.
        fs
            Sampling rate in Hz.
        leads
            Name of each row: any of I, II, III, aVR, aVL, aVF and V1 to V6, in any order.
        unit
            ``"nV"``, ``"uV"``, ``"mV"`` or ``"V"``.
        name
            How the prediction names the recording.

        Raises
        ------
        InputError
            If unit, rate, leads or shape cannot be, or a lead is repeated.
        RecordError
            As for `predict_record`.
        """
        record = Record.from_array(signals, fs=fs, leads=leads, unit=unit, name=name)
        return self.predict_record(record)

    def predict_record(self, record: Record) -> Prediction:
        """Predict one recording as `read_record` returned it.

        Raises
        ------
        InputError
            If it is no `Record`.
        RecordError
            If it has none of the twelve leads or no signal (flat, all missing, one sample or less
            than one of a network's), or the model's scores are not finite numbers. The message
            begins with the recording's name.
        """
        [outcome] = self.predict_records([record])
        if isinstance(outcome, Failure):
            start = f"{outcome.source}: "
            raise RecordError(start + outcome.reason.removeprefix(start))
        return outcome

    def predict_records(self, records: Iterable[Record]) -> Iterator[Outcome]:
        """Predict recordings held in memory, in order; each yields a `Prediction` or `Failure`.

        A `Record` that cannot be, as one of fewer rows than names, is a `Failure`, too.

        Raises
        ------
        InputError
            Of what is no `Record`, when its turn comes.
        """
        return predict_stream(self.classifier, map(_held, records))

    def predict_files(
        self,
        paths: Iterable[str | Path] | str | Path,
        *,
        rate: float | None = None,
        unit: str | None = None,
        leads: Sequence[str] | str | None = None,
    ) -> Iterator[Outcome]:
        """Predict recordings on disk, in order; each yields a `Prediction` or `Failure`.

        Parameters
        ----------
        paths
            Files of any format that is read, or folders of such; or only one. Each file has an
            outcome, also one that is given again; what folders hold has one.
        rate, unit, leads
            What arrays of numbers among them do not say, as `read_record` takes it. Those in
            folders are only predicted if one of these is given.
        """
        given = [paths] if isinstance(paths, str | Path) else paths
        said = {"rate": rate, "unit": unit, "leads": leads}
        is_said = any(value is not None for value in said.values())
        found = expand_folders(given, said if is_said else None)
        sources = (file_source(path, **said) for path in found)
        return predict_stream(self.classifier, sources, many=len(found) >= MANY)

    def predict_windows(
        self,
        recording: Record | OpenRecord | str | Path,
        every: float = 10.0,
        *,
        rate: float | None = None,
        unit: str | None = None,
        leads: Sequence[str] | str | None = None,
    ) -> Iterator[Window]:
        """Predict a long recording window by window; each yields a `Window`, as it comes.

        A window's prediction equals that of the recording cut to the window. Of a file, no more
        than a few windows are in memory.

        Parameters
        ----------
        recording
            A recording, or the path of one of any format that is read.
        every
            From one window to the next, s; a window is that long, or as long as the networks take,
            if that is longer.
        rate, unit, leads
            What an array of numbers does not say, as `read_record` takes it.

        Raises
        ------
        RecordError
            If the recording cannot be read. What fails in a window is that window's `Failure`.
        InputError
            If `every` is no number, or less than 1 s, or there is no recording.
        """
        if not isinstance(recording, Record | OpenRecord | str | Path):
            raise InputError(f"recording={shown(recording)}: a Record or a path is needed")
        name = str(recording) if isinstance(recording, str | Path) else recording.name
        with unforeseen_errors(name):
            opened = _opened(recording, rate=rate, unit=unit, leads=leads)
            windows = Windows.of(self.classifier, opened, every)
        return predict_windows(self.classifier, opened, windows, name)


def _opened(recording: Record | OpenRecord | str | Path, **said: Any) -> OpenRecord:
    if isinstance(recording, str | Path):
        return open_any(recording, **said)
    return recording if isinstance(recording, OpenRecord) else OpenRecord.of(recording)


def _held(record: Record) -> Source:
    check_record(record)
    return Source(record.name, lambda _: record)


def file_source(path: Path, **said: Any) -> Source:
    """Return a recording on disk as a source; its prediction is named by the path as given.

    `said` is what `read_any` needs for arrays.
    """
    return Source(str(path), partial(read_any, path, **said))


def load_model(
    folder: str | Path | None = None,
    *,
    decide: str = CHALLENGE,
    coverage: float | None = None,
    runtime: str | None = None,
    n_recordings: int | None = None,
) -> Model:
    """Load a trained model; no code from its folder is executed.

    Parameters
    ----------
    folder
        A model folder, as `train`, ``python train_model.py`` or ``ecg12 export`` writes it. None:
        the model that is part of the package.
    decide
        By which thresholds labels are positive: ``"challenge"``, those with the highest challenge
        metric (or macro F-measure), or ``"balanced"``, those where sensitivity and specificity are
        most alike.
    coverage
        From .5 to .99: each class is then answered yes, no or uncertain, so that of recordings like
        those of the training, with a class or without, this share has no wrong answer.
    runtime
        ``"keras"``; ``"onnx"``, for which the folder must hold an exported graph; or ``"auto"``:
        the graph if there is one and onnxruntime is installed, but Keras for many recordings.
        None: what `ECG12_RUNTIME` says, ``"auto"`` by default.
    n_recordings
        How many will be predicted, if that is known.

    Raises
    ------
    ModelError
        If the folder holds no model, one of another format or without prediction sets, or a
        file that is missing or differs from its checksum.
    InputError
        If what runs the networks is not installed, or the coverage is no number or one without
        sets.
    """
    if coverage is not None and (isinstance(coverage, bool) or not isinstance(coverage, Real)):
        low, high = COVERAGES[0], COVERAGES[-1]
        raise InputError(f"coverage={shown(coverage)}: a number from {low:g} to {high:g} is needed")
    asked = Settings.from_env().runtime if runtime is None else runtime
    place = SHIPPED if folder is None else folder
    return Model(load_classifier(place, asked, n_recordings, decide, coverage))
