"""Count what an audit finds, database by database; write it as text and as csv tables."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ecg12.audit.folder import Audited
from ecg12.audit.unscored import UNSCORED
from ecg12.io.classes import DIAGNOSES, ScoredClasses, abbreviation
from ecg12.io.known_labels import LabelledClasses, known_cells
from ecg12.io.label_table import LabelTable, normal_form
from ecg12.runtime.csv_tables import table_writer, write_rows
from ecg12.runtime.progress import printable

MOST_GROUPS = 20  # of recordings of the same samples, in the text
SHOWN = 5  # examples of a finding, or values of a quantity, in the text; the csv has all
ROW = ("recording", "database", "error", "rate_hz", "seconds", "gains", "amplitude_mv", "codes")
FINDING = ("recording", "database", "finding", "where", "detail")


class Tally:
    """Counts of a folder's recordings, fed one by one; memory grows by a name for each.

    Parameters
    ----------
    classes
        Which codes are scored.
    labels
        Labels of a label table; None: the codes in the headers.
    labelled
        The codes that databases label; other classes are unknown there. None: all label all.
    """

    def __init__(
        self,
        classes: ScoredClasses,
        labels: LabelTable | None = None,
        labelled: LabelledClasses | None = None,
    ) -> None:
        self.classes, self.labels, self.labelled = classes, labels, labelled
        self.listed = set() if labels is None else set(labels.recordings)  # and not yet seen
        self.recordings: Counter[str] = Counter()
        self.errors: dict[str, str] = {}
        self.values: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self.codes: dict[str, Counter[str]] = defaultdict(Counter)
        self.positives: dict[str, Counter[str]] = defaultdict(Counter)
        self.unknown: dict[str, Counter[str]] = defaultdict(Counter)
        self.found: dict[str, list[str]] = defaultdict(list)
        self.names_of: dict[bytes, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)

    def add(self, audited: Audited) -> tuple[str, ...]:
        """Count one recording; return its codes, of the label table if there is one."""
        if self.labels is not None:
            self.listed.discard(normal_form(audited.name))
        database = audited.database
        self.recordings[database] += 1
        if audited.error:
            self.errors[audited.name] = audited.error
            return audited.codes
        values = self.values[database]
        values["rate, Hz"][f"{audited.rate:g}"] += 1
        values["length, s"][f"{audited.seconds:.4g}"] += 1
        values["gains"][" and ".join(audited.gains)] += 1
        known = f"{audited.amplitude:.1g}" if audited.amplitude > 0 else "unknown"
        values["amplitude, mV"][known] += 1
        codes = self._codes_of(audited)
        if codes is None:
            self.found["not in the label table"].append(audited.name)
        elif not codes and (audited.coded or self.labels is not None):
            self.found["no diagnosis code"].append(audited.name)
        codes = codes or ()
        for kind in dict.fromkeys(finding.kind for finding in audited.findings):
            self.found[kind].append(audited.name)
        self.names_of[audited.digest].append((audited.name, codes))
        return codes

    def _codes_of(self, audited: Audited) -> tuple[str, ...] | None:
        """Count a recording's codes, classes and unknown labels; return the codes.

        None if the label table does not have it.
        """
        codes, database = audited.codes, audited.database
        unknown: tuple[str, ...] = ()
        if self.labels is not None:
            row = self.labels.row_of.get(normal_form(audited.name))
            if row is None:
                return None
            codes = self.labels.codes[row]
            unknown = self.labels.unknown[row] if self.labels.unknown else ()
        for code in codes:
            self.codes[code][database] += 1
        for index in np.flatnonzero(self.classes.encode([codes])[0]):
            self.positives[self.classes.names[index]][database] += 1
        known = known_cells(
            self.classes, [codes], [unknown], databases=[database], labelled=self.labelled
        )
        for index in () if known is None else np.flatnonzero(~known[0]):
            self.unknown[self.classes.names[index]][database] += 1
        return codes

    def duplicates(self) -> list[list[tuple[str, tuple[str, ...]]]]:
        """Return the groups of recordings of the same samples, with their codes."""
        return [group for group in self.names_of.values() if len(group) > 1]

    def status(self, code: str) -> str:
        """Return whether a code is scored, known to the challenge, or unknown."""
        if code in self.classes.columns:
            return "scored"
        return "unscored" if code in UNSCORED or code in DIAGNOSES else "unknown"

    def text(self) -> str:
        """Return the whole audit for a reader; what is unreadable is counted only."""
        total = self.recordings.total()
        lines = [f"{total} recordings, {len(self.errors)} unreadable"]
        for database, count in sorted(self.recordings.items()):
            lines += ["", f"{database}: {count} recordings"]
            lines += [f"  {name}: {_counts(c)}" for name, c in self.values[database].items()]
        lines += ["", "findings (recordings)", *self._found(), "", *self._label_lines()]
        return "\n".join(printable(line) for line in lines) + "\n"

    def _found(self) -> Iterator[str]:
        for kind, names in sorted(self.found.items()):
            yield f"  {kind}: {len(names)} ({', '.join(_some(names))})"
        if self.listed:
            shown = ", ".join(_some(sorted(self.listed)))
            yield f"  in the label table, not in the folder: {len(self.listed)} ({shown})"
        groups = self.duplicates()
        for group in groups[:MOST_GROUPS]:
            alike = len({frozenset(codes) for _, codes in group}) == 1
            shown = ", ".join(_some([name for name, _ in group]))
            yield f"  same samples{'' if alike else ', different diagnoses'}: {shown}"
        if len(groups) > MOST_GROUPS:
            yield f"  same samples: {len(groups) - MOST_GROUPS} more groups"
        if not (self.found or groups or self.listed):
            yield "  none"

    def _label_lines(self) -> Iterator[str]:
        databases = sorted(self.recordings)
        yield f"scored classes ({self.classes.year}): recordings in {', '.join(databases)}, in all"
        yield from self._class_lines(self.positives, databases)
        if absent := [name for name in self.classes.names if not self.positives[name].total()]:
            yield f"  in no recording: {', '.join(absent)}"
        if self.unknown:
            yield "unknown labels: recordings as above"
            yield from self._class_lines(self.unknown, databases)
        for status in ("unscored", "unknown"):
            codes = [code for code in self.codes if self.status(code) == status]
            ranked = sorted(codes, key=lambda code: -self.codes[code].total())
            shown = [f"{_name(code)} {self.codes[code].total()}" for code in ranked]
            yield f"{status} codes: {len(codes)}" + (f" ({', '.join(shown)})" if shown else "")

    def _class_lines(self, counts: dict[str, Counter[str]], databases: list[str]) -> Iterator[str]:
        width = max(7, *map(len, self.classes.names))
        for name in self.classes.names:
            own = [counts[name][database] for database in databases]
            if any(own):
                yield f"  {name:{width}}{''.join(f'{count:7}' for count in [*own, sum(own)])}"

    def _class_table(self, counts: dict[str, Counter[str]]) -> list[tuple[object, ...]]:
        databases = sorted(self.recordings)
        rows: list[tuple[object, ...]] = [("class", *databases, "total")]
        for name in self.classes.names:
            own = counts[name]
            rows.append((name, *(own[d] for d in databases), own.total()))
        return rows

    def tables(self) -> dict[str, list[tuple[object, ...]]]:
        """Return the counts as tables by file name, the header first."""
        databases = sorted(self.recordings)
        values: list[tuple[object, ...]] = [("database", "quantity", "value", "recordings")]
        for database in databases:
            for quantity, counts in self.values[database].items():
                values += [(database, quantity, value, n) for value, n in counts.most_common()]
        codes: list[tuple[object, ...]] = [("code", "abbreviation", "status", *databases, "total")]
        codes += [
            (code, _name(code), self.status(code), *(own[d] for d in databases), own.total())
            for code, own in sorted(self.codes.items(), key=lambda item: -item[1].total())
        ]
        same: list[tuple[object, ...]] = [("group", "recording", "codes")]
        for number, group in enumerate(self.duplicates(), 1):
            same += [(number, name, " ".join(codes)) for name, codes in group]
        unknown = {"unknown_labels.csv": self._class_table(self.unknown)} if self.unknown else {}
        return {
            "databases.csv": values, "codes.csv": codes,
            "classes.csv": self._class_table(self.positives), "duplicates.csv": same, **unknown,
        }  # fmt: skip


def _some(values: list[str]) -> list[str]:
    more = [f"… {len(values) - SHOWN} more"] if len(values) > SHOWN else []
    return [*values[:SHOWN], *more]


def _counts(counter: Counter[str]) -> str:
    shown = [f"{value} ({count})" for value, count in counter.most_common(SHOWN)]
    return ", ".join(shown) + (f", … {len(counter) - SHOWN} more" if len(counter) > SHOWN else "")


def _name(code: str) -> str:
    return UNSCORED.get(code) or abbreviation(code)


def write_tables(folder: Path, audited: Iterable[Audited], tally: Tally) -> None:
    """Count recordings as they come, writing one row each, and at the end all other tables.

    Files: `recordings.csv`, `findings.csv`, and those of `Tally.tables`; each is whole or absent.
    """
    with ExitStack() as stack:
        writers = []
        for name, head in (("recordings.csv", ROW), ("findings.csv", FINDING)):
            writers.append(stack.enter_context(table_writer(folder / name)))
            writers[-1](head)
        for one in audited:
            writers[0](_row(one, tally.add(one)))
            for found in one.findings:
                writers[1](
                    [printable(one.name), one.database, found.kind, found.where, found.detail]
                )
    for name, rows in tally.tables().items():
        write_rows(folder / name, rows)


def _row(one: Audited, codes: tuple[str, ...]) -> list[object]:
    known = [f"{one.rate:g}", f"{one.seconds:g}", " ".join(one.gains), f"{one.amplitude:.4g}"]
    values = known if not one.error else [""] * len(known)
    return [printable(one.name), one.database, printable(one.error), *values, " ".join(codes)]
