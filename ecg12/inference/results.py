"""What is said of one recording: a prediction for every class, or the reason why there is none."""

from dataclasses import dataclass
from typing import Any, Protocol

from ecg12.signal.quality import Quality

NO_SIGNAL, UNUSABLE = "no signal: ", "unusable signal: "  # how such reasons begin


class Reasons(Protocol):
    """What a score rests on; `ecg12.explanation` finds it."""

    @property
    def summary(self) -> str:
        """It in words."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        ...


@dataclass(frozen=True, kw_only=True)
class ClassPrediction:
    """What is said of one class.

    Attributes
    ----------
    codes
        Its SNOMED CT codes; more than one where codes are equivalent.
    abbreviation, name
        As in the challenge's tables; names of equivalent codes joined by " / ".
    positive
        Whether it is diagnosed: more than half of the members vote for it.
    score
        Median of the members' scores, in [0, 1]. Not a probability.
    probability
        The calibrated score; None if the model is not calibrated for this class.
    votes
        Members whose score exceeds their threshold.
    thresholds
        Of each member.
    explanation
        What the score rests on; None where nobody asked.
    answer
        ``"yes"``, ``"no"`` or ``"uncertain"``, if prediction sets of a coverage were asked for;
        ``""`` for a class without a promise.
    prediction_set
        The set behind it: any of ``"no"`` and ``"yes"``. Where it is empty, the answer is the
        label. None where there is no answer.
    """

    codes: tuple[str, ...]
    abbreviation: str
    name: str
    positive: bool
    score: float
    probability: float | None
    votes: int
    thresholds: tuple[float, ...]
    explanation: Reasons | None = None
    answer: str | None = None
    prediction_set: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What is said of one recording.

    Attributes
    ----------
    source
        The recording's path as given, or the name chosen for an array.
    leads, rate
        Of the recording: names of all its channels, and sampling rate in Hz. The leads that the
        prediction rests on are `used` and `derived` of `quality`.
    seconds
        The length used, s.
    classes
        One entry per class of the model, in its order.
    quality
        Verdict on the signal and its reasons; leads used, derived, absent and ignored; share of
        missing samples.
    coverage
        What the answers promise to hold; None without prediction sets.
    ood_percentile
        How far the recording is from those that the networks were trained on: the share, in
        percent, of the validation recordings that are nearer. None where the model cannot say.
    """

    source: str
    leads: tuple[str, ...]
    rate: float
    seconds: float
    classes: tuple[ClassPrediction, ...]
    quality: Quality
    coverage: float | None = None
    ood_percentile: float | None = None

    @property
    def diagnoses(self) -> tuple[ClassPrediction, ...]:
        """The positive classes, the highest score first."""
        positive = [entry for entry in self.classes if entry.positive]
        return tuple(sorted(positive, key=lambda entry: -entry.score))


@dataclass(frozen=True)
class Failure:
    """A recording without a prediction, and why."""

    source: str
    reason: str

    @property
    def about_signal(self) -> bool:
        """Whether the recording was read, but its signal is absent or refused as unusable."""
        return self.reason.startswith((NO_SIGNAL, UNUSABLE))


Outcome = Prediction | Failure


def refuse_unusable(outcome: Outcome) -> Outcome:
    """Turn the prediction of a recording of unusable quality into a failure, with the reasons."""
    if isinstance(outcome, Failure) or outcome.quality.verdict != "unusable":
        return outcome
    return Failure(outcome.source, f"{UNUSABLE}{'; '.join(outcome.quality.reasons)}")
