"""Results as text for people, JSON and CSV for programs; written as they come."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict

from ecg12.decision.conformal import UNCERTAIN, YES
from ecg12.decision.novelty import LEVELS
from ecg12.inference.results import ClassPrediction, Failure, Outcome, Prediction
from ecg12.io.leads import LEADS
from ecg12.runtime.csv_tables import format_rows
from ecg12.runtime.progress import printable
from ecg12.signal.quality import Quality

NOTICE = (
    "Research software, not a medical device. It knows only the classes it was trained on, and it "
    "makes errors; no decision on a patient may rest on it."
)
LEGEND = (
    "+ diagnosed. Score: median of the members. Probability: the calibrated score, unknown where "
    "the model is not calibrated. Votes: members whose score exceeds their threshold (never: no "
    "score does)."
)
ANSWERS = (
    "At the coverage asked for: yes, no or uncertain, by thresholds of their own, so that a class "
    "with + can be answered no, and one without it yes."
)
COLUMNS = (
    "recording", "codes", "abbreviation", "name", "positive", "score", "probability", "votes",
    "members", "thresholds", "error", "quality", "reasons", "leads", "ood_percentile", "coverage",
    "answer", "warnings",
)  # fmt: skip
NEXT = 3  # negative classes that the text shows besides the diagnoses
DIGITS = 6  # of scores and probabilities in JSON and CSV
FAR = 99.0  # percentile of the distance from the training recordings that the text mentions
NO_PROMISE = "no promise"


def render(layout: str, items: Iterable[Outcome], every_class: bool = False) -> Iterator[str]:
    """Yield pieces of text, which together are all results.

    Parameters
    ----------
    layout
        One of `LAYOUTS`.
    items
        Results and failures; consumed one by one, so that a large folder needs little memory.
    every_class
        Let the text show all classes, rather than the diagnoses and the next likely ones. JSON and
        CSV always hold all.
    """
    return LAYOUTS[layout](items, every_class)


def _text(items: Iterable[Outcome], every_class: bool) -> Iterator[str]:
    yield f"{NOTICE}\n{LEGEND}\n"
    explained = False
    for item in items:
        if isinstance(item, Failure):
            reason = item.reason.removeprefix(f"{item.source}: ")
            yield f"\n{item.source}: NO PREDICTION\n  {reason}\n"
            continue
        if item.coverage is not None and not explained:
            yield f"{ANSWERS}\n"
            explained = True
        yield f"\n{_heading(item)}\n{_table(item, every_class)}"


def _heading(result: Prediction) -> str:
    found = ", ".join(entry.abbreviation for entry in result.diagnoses)
    basis = f"{_leads(result.quality)}; {result.rate:g} Hz, {result.seconds:.3g} s used"
    lines = [f"{result.source}: {found or 'none of the known diagnoses'}", basis]
    return "\n  ".join([*lines, *_quality_lines(result.quality), *_far_lines(result)])


def _far_lines(result: Prediction) -> list[str]:
    """Return a line if the recording is unlike those that the networks were trained on."""
    percentile = result.ood_percentile
    if percentile is None or percentile <= FAR:
        return []
    share = f"{percentile:.1f} %" if percentile < LEVELS[-1] else f"more than {LEVELS[-1]:g} %"
    return [f"unlike the training recordings: farther from them than {share} of others"]


def _leads(quality: Quality) -> str:
    """Return what became of the leads, such as ``8 of 12 leads, 4 derived; ignored: PLETH``."""
    derived = f", {len(quality.derived)} derived" if quality.derived else ""
    kinds = {"absent": quality.absent, "ignored": quality.ignored}
    named = [f"{kind}: {printable(', '.join(leads))}" for kind, leads in kinds.items() if leads]
    return "; ".join([f"{len(quality.used)} of {len(LEADS)} leads{derived}", *named])


def _quality_lines(quality: Quality) -> list[str]:
    """Return verdict, reasons and warnings."""
    lines = [f"signal quality: {'; '.join([quality.verdict, *quality.reasons])}"]
    return lines + [f"warning: {text}" for text in quality.warnings]


def _table(result: Prediction, every_class: bool) -> str:
    ranked = sorted(result.classes, key=lambda entry: (not entry.positive, -entry.score))
    n = len(result.diagnoses) + NEXT
    open_ = [entry for entry in ranked[n:] if entry.answer in (YES, UNCERTAIN)]
    shown = ranked if every_class else ranked[:n] + open_
    short = max(6, *(len(entry.abbreviation) for entry in shown))
    width = max(9, *(len(entry.name) for entry in shown))
    asked = "" if result.coverage is None else f"  {f'at {100 * result.coverage:.0f} %':10}"
    head = f"{'class':{short}} {'diagnosis':{width}} score  probability  votes{asked}  threshold"
    lines = [f"    {head}"]
    for place, entry in enumerate(shown):
        if place == len(result.diagnoses):
            lines.append("    not diagnosed:")
        lines.append(_line(entry, short, width))
        if entry.explanation:
            lines.append(f"      {entry.explanation.summary}")
    return "".join(f"{line}\n" for line in lines)


def _line(entry: ClassPrediction, short: int, width: int) -> str:
    mark = "+" if entry.positive else " "
    chance = f"{entry.probability:.3f}" if entry.probability is not None else "unknown"
    votes = f"{entry.votes}/{len(entry.thresholds)}"
    cuts = " ".join(f"{cut:.3f}" if cut < 1 else "never" for cut in _distinct(entry.thresholds))
    name = f"{entry.abbreviation:{short}} {entry.name:{width}}"
    answer = "" if entry.answer is None else f"  {entry.answer or NO_PROMISE:10}"
    return f"  {mark} {name} {entry.score:.3f}  {chance:>11}  {votes:>5}{answer}  {cuts}"


def _distinct(thresholds: tuple[float, ...]) -> tuple[float, ...]:
    """Return the members' thresholds; one, if they have it in common."""
    return thresholds[:1] if len(set(thresholds)) == 1 else thresholds


def _json(items: Iterable[Outcome], _: bool) -> Iterator[str]:
    yield f'{{"notice": {json.dumps(NOTICE)},\n "recordings": ['
    failures, separator = [], "\n"
    for item in items:
        if isinstance(item, Failure):
            failures.append(asdict(item))
        else:
            yield separator + json.dumps(as_dict(item), allow_nan=False)
            separator = ",\n"
    yield f'],\n "failures": {json.dumps(failures)}}}\n'


def as_dict(result: Prediction) -> dict[str, object]:
    """Return a prediction as JSON has it."""
    quality = result.quality
    fields = asdict(result) | {  # findings of single leads stay out
        "quality": {
            "verdict": quality.verdict, "reasons": quality.reasons, "warnings": quality.warnings,
            "used": quality.used, "derived": quality.derived, "absent": quality.absent,
            "ignored": quality.ignored, "missing": rounded(quality.missing),
        }
    }  # fmt: skip
    fields["ood_percentile"] = rounded(result.ood_percentile, 2)
    for entry, given in zip(fields["classes"], result.classes, strict=True):
        for name in ("score", "probability"):
            entry[name] = rounded(entry[name])
        del entry["explanation"]
        if given.explanation:
            entry["explanation"] = given.explanation.as_dict()
        if result.coverage is None:
            del entry["answer"], entry["prediction_set"]
    if result.coverage is None:
        del fields["coverage"]
    return fields | {"diagnoses": [entry.abbreviation for entry in result.diagnoses]}


def _csv(items: Iterable[Outcome], _: bool) -> Iterator[str]:
    yield _row(COLUMNS)
    for item in items:
        if isinstance(item, Failure):
            values = {"recording": item.source, "error": item.reason}
            yield _row([values.get(column, "") for column in COLUMNS])
            continue
        for entry in item.classes:
            yield _row([
                item.source, "|".join(entry.codes), entry.abbreviation, entry.name,
                int(entry.positive), rounded(entry.score), rounded(entry.probability),
                entry.votes, len(entry.thresholds), " ".join(map(str, entry.thresholds)), "",
                item.quality.verdict, "; ".join(item.quality.reasons),
                _leads(item.quality), rounded(item.ood_percentile, 2), item.coverage,
                entry.answer, "; ".join(item.quality.warnings),
            ])  # fmt: skip


def _row(cells: Iterable[object]) -> str:
    return format_rows([cells])


def rounded(value: float | None, digits: int = DIGITS) -> float | None:
    """Return a score, probability or percentile as JSON and csv have it."""
    return None if value is None else round(value, digits)


LAYOUTS: dict[str, Callable[[Iterable[Outcome], bool], Iterator[str]]] = {
    "text": _text,
    "json": _json,
    "csv": _csv,
}
