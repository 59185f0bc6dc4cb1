"""Count what an audit finds, database by database; write it as text and as csv tables."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ecg12.audit.folder import Audited
from ecg12.audit.unscored import UNSCORED
from ecg12.io.classes import DIAGNOSES, ScoredClasses, abbreviation
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
    """

    def __init__(self, classes: ScoredClasses) -> None:
        self.classes = classes
        self.recordings: Counter[str] = Counter()
        self.errors: dict[str, str] = {}
        self.values: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self.codes: dict[str, Counter[str]] = defaultdict(Counter)
        self.positives: dict[str, Counter[str]] = defaultdict(Counter)
        self.found: dict[str, list[str]] = defaultdict(list)
        self.names_of: dict[bytes, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)

    def add(self, audited: Audited) -> None:
        """Count one recording."""
        database = audited.database
        self.recordings[database] += 1
        if audited.error:
            self.errors[audited.name] = audited.error
            return
        values = self.values[database]
        values["rate, Hz"][f"{audited.rate:g}"] += 1
        values["length, s"][f"{audited.seconds:.4g}"] += 1
        values["gains"][" and ".join(audited.gains)] += 1
        known = f"{audited.amplitude:.1g}" if audited.amplitude > 0 else "unknown"
        values["amplitude, mV"][known] += 1
        for code in audited.codes:
            self.codes[code][database] += 1
        for index in np.flatnonzero(self.classes.encode([audited.codes])[0]):
            self.positives[self.classes.names[index]][database] += 1
        if not audited.codes:
            self.found["no diagnosis code"].append(audited.name)
        for kind in dict.fromkeys(finding.kind for finding in audited.findings):
            self.found[kind].append(audited.name)
        self.names_of[audited.digest].append((audited.name, audited.codes))

    def duplicates(self) -> list[list[tuple[str, tuple[str, ...]]]]:
        """Return the groups of recordings of the same samples, with their codes."""
        return [group for group in self.names_of.values() if len(group) > 1]

    def status(self, code: str) -> str:
        """Return whether a code is scored, known to the challenge, or unknown."""
        if code in self.classes.columns:
            return "scored"
        return "unscored" if code in UNSCORED or code in DIAGNOSES else "unknown"

    def text(self) -> str:
        """Return the whole audit for a reader."""
        total = self.recordings.total()
        lines = [f"{total} recordings, {len(self.errors)} unreadable"]
        lines += [f"  {error}" for error in _some(list(self.errors.values()))]
        for database, count in sorted(self.recordings.items()):
            lines += ["", f"{database}: {count} recordings"]
            lines += [f"  {name}: {_counts(c)}" for name, c in self.values[database].items()]
        lines += ["", "findings (recordings)", *self._found(), "", *self._label_lines()]
        return "\n".join(printable(line) for line in lines) + "\n"

    def _found(self) -> Iterator[str]:
        for kind, names in sorted(self.found.items()):
            yield f"  {kind}: {len(names)} ({', '.join(_some(names))})"
        groups = self.duplicates()
        for group in groups[:MOST_GROUPS]:
            alike = len({frozenset(codes) for _, codes in group}) == 1
            shown = ", ".join(_some([name for name, _ in group]))
            yield f"  same samples{'' if alike else ', different diagnoses'}: {shown}"
        if len(groups) > MOST_GROUPS:
            yield f"  same samples: {len(groups) - MOST_GROUPS} more groups"
        if not self.found and not groups:
            yield "  none"

    def _label_lines(self) -> Iterator[str]:
        databases = sorted(self.recordings)
        yield f"scored classes ({self.classes.year}): recordings in {', '.join(databases)}, in all"
        width = max(7, *map(len, self.classes.names))
        for name in self.classes.names:
            own = [self.positives[name][database] for database in databases]
            yield f"  {name:{width}}{''.join(f'{count:7}' for count in [*own, sum(own)])}"
        for status in ("unscored", "unknown"):
            codes = [code for code in self.codes if self.status(code) == status]
            ranked = sorted(codes, key=lambda code: -self.codes[code].total())
            shown = [f"{_name(code)} {self.codes[code].total()}" for code in ranked]
            yield f"{status} codes: {len(codes)}" + (f" ({', '.join(shown)})" if shown else "")

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
        classes: list[tuple[object, ...]] = [("class", *databases, "total")]
        for name in self.classes.names:
            own = self.positives[name]
            classes.append((name, *(own[d] for d in databases), own.total()))
        same: list[tuple[object, ...]] = [("group", "recording", "codes")]
        for number, group in enumerate(self.duplicates(), 1):
            same += [(number, name, " ".join(codes)) for name, codes in group]
        return {
            "databases.csv": values, "codes.csv": codes, "classes.csv": classes,
            "duplicates.csv": same,
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
            tally.add(one)
            writers[0](_row(one))
            for found in one.findings:
                writers[1](
                    [printable(one.name), one.database, found.kind, found.where, found.detail]
                )
    for name, rows in tally.tables().items():
        write_rows(folder / name, rows)


def _row(one: Audited) -> list[object]:
    known = [f"{one.rate:g}", f"{one.seconds:g}", " ".join(one.gains), f"{one.amplitude:.4g}"]
    values = known if not one.error else [""] * len(known)
    return [printable(one.name), one.database, printable(one.error), *values, " ".join(one.codes)]
