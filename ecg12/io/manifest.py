"""What a data folder holds: recordings of any format, their labels and patients, and a digest.

Labels are in the headers of challenge recordings, or in a label table (`label_table`), which then
is the only source: a recording that is not in it is left out, since an absent label is no negative
one. Recordings of other formats than WFDB carry statements at most, no codes, and need a table.
"""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ecg12.io.arrays import split_index
from ecg12.io.formats import find_any
from ecg12.io.headers import parse_header
from ecg12.io.label_table import LabelTable, first_of_each, normal_form
from ecg12.io.wfdb import HEADER, header_of, signal_files, text_of
from ecg12.runtime.errors import InputError, file_error
from ecg12.runtime.files import is_file
from ecg12.runtime.progress import bar

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Manifest:
    """The labelled recordings of a folder, in order.

    Attributes
    ----------
    paths
        As `formats.read_any` takes them.
    names
        Paths below the folder, without suffix.
    codes
        SNOMED CT codes of each.
    seconds
        Length of each according to its header, s; 0 where none does.
    patients
        Key of each recording's patient, "" where unknown; empty if all are.
    digest
        Changes whenever a recording, a label or a patient does.
    signals_digest
        Changes whenever a recording does, but not with labels, patients or other comments.
    unknown
        Codes of which nobody knows whether the recording shows them; empty: none of any.
    unread
        Place of each recording whose header, which has the codes, cannot be read, and why.
    """

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    codes: tuple[tuple[str, ...], ...]
    seconds: tuple[float, ...]
    patients: tuple[str, ...]
    digest: str
    signals_digest: str
    unknown: tuple[tuple[str, ...], ...] = ()
    unread: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ValidationFolder:
    """Recordings that validate a training and train nothing: their folder, and their label table.

    Without a table the labels are those in the headers.
    """

    path: Path
    labels: LabelTable | None = None


def join_manifests(first: Manifest, second: Manifest) -> Manifest:
    """Return the recordings of two manifests, one after the other."""
    patients: list[str] = []
    unknown: list[tuple[str, ...]] = []
    for one in (first, second):
        patients += one.patients or ("",) * len(one.paths)
        unknown += one.unknown or ((),) * len(one.paths)
    return Manifest(
        first.paths + second.paths,
        first.names + second.names,
        first.codes + second.codes,
        first.seconds + second.seconds,
        tuple(patients) if any(patients) else (),
        f"{first.digest} {second.digest}",
        f"{first.signals_digest} {second.signals_digest}",
        tuple(unknown) if any(unknown) else (),
        {**first.unread, **{len(first.paths) + i: why for i, why in second.unread.items()}},
    )


def build_manifest(
    folder: str | Path, labels: LabelTable | None = None, *, shared: bool = False
) -> Manifest:
    """List the labelled recordings of a folder; the log has how many are left out, and why.

    Parameters
    ----------
    folder
        Recordings, flat or nested.
    labels
        Their labels and patients; None for those in the headers.
    shared
        The table has recordings of other folders too, so that none is missed.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no recording in it.
    InputError
        If no recording has labels: all are MUSE files and there is no table, or none is in it.
    """
    found = find_named(folder)
    names = tuple(sorted(_labelled(folder, found, labels, shared)))
    rows = [labels.row_of[name] for name in names] if labels else []
    patients = tuple(labels.patients[row] for row in rows) if labels else ()
    unknown = tuple(labels.unknown[row] for row in rows) if labels and labels.unknown else ()
    codes, seconds, digest, signals_digest = [], [], hashlib.sha256(), hashlib.sha256()
    unread: dict[int, str] = {}
    for place, name in enumerate(bar(names, desc="headers", unit="rec")):
        try:
            own, length, state = _scan(found[name])
        except OSError as error:
            own, length, state = (), 0.0, ""
            unread[place] = file_error(error, found[name])
        codes.append(labels.codes[rows[place]] if labels else own)
        seconds.append(length)
        patient = patients[place] if patients else ""
        digest.update(repr((name, state, codes[-1], patient)).encode())
        signals_digest.update(repr((name, state)).encode())
    paths = tuple(found[name] for name in names)
    known = patients if any(patients) else ()
    if unnamed := known.count(""):
        log.warning(
            "%s: the label table names no patient for %d of %d recordings, each of which counts as "
            "its own", folder, unnamed, len(names),
        )  # fmt: skip
    digests = digest.hexdigest(), signals_digest.hexdigest()
    return Manifest(paths, names, tuple(codes), tuple(seconds), known, *digests, unknown, unread)


def find_named(folder: str | Path) -> dict[str, Path]:
    """Return the recordings of a folder by their path below it, without suffix.

    Of recordings that differ only in suffix it is the first; the log names the others.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no recording in it.
    """
    found, left_out = first_of_each(
        find_any(folder), lambda path: normal_form(path.relative_to(folder))
    )
    for name, path in left_out:
        log.warning("left out: %s: the name %s belongs to %s", path, name, found[name])
    return found


def _labelled(
    folder: str | Path, found: dict[str, Path], labels: LabelTable | None, shared: bool
) -> list[str]:
    """Name the recordings that have labels; report the others."""
    n_seen = len(found)
    if labels is None:
        headed = _headed(found)
        names, n_seen = [name for name, has in headed.items() if has], len(headed)
        hint = "have no header, which holds the codes; give a label table (--labels), "
        hint += "such as python -m ecg12 label writes"
    else:
        names = [name for name in found if name in labels.row_of]
        without = next((name for name in found if name not in labels.row_of), "")
        hint = f"are not in the label table, such as {without!r}"
        absent = [name for name in labels.recordings if name not in found]
        if absent and not shared:
            log.warning(
                "%s: %d of %d recordings of the label table are not there, such as %r",
                folder, len(absent), len(labels), absent[0],
            )  # fmt: skip
    if not names:
        raise InputError(f"{folder}: all {len(found)} recordings {hint}")
    if left_out := n_seen - len(names):
        log.warning("%s: left out: %d of %d recordings %s", folder, left_out, len(found), hint)
    return names


def _headed(found: dict[str, Path]) -> dict[str, bool]:
    """Tell which recordings have a header; of those that cannot be looked at the log has why."""
    headed = {}
    for name, path in found.items():
        try:
            headed[name] = _has_header(path)
        except OSError as error:
            log.warning("left out: %s", file_error(error, path))
    return headed


def _has_header(path: Path) -> bool:
    """Tell whether `find_any` means a WFDB recording, which it calls by its header."""
    return not is_file(split_index(path)[0]) or path.suffix.lower() == HEADER


def _scan(path: Path) -> tuple[tuple[str, ...], float, str]:
    """Return codes and length in a header, and a digest of it and its signal files' state.

    Samples are not read: size and time of change stand for them. Comments, where the labels are,
    are left out of the digest. An OSError if a file cannot be read or looked at.
    """
    if not _has_header(path):
        return (), 0.0, repr((path.name, _states([split_index(path)[0]])))
    header_path = header_of(path)
    text, header, files = "", None, [header_path.with_suffix(".mat")]
    try:
        text = text_of(header_path)
        header = parse_header(text, str(header_path))
        files = sorted(signal_files(header_path, header))
    except (FileNotFoundError, InputError):
        pass  # reading the recording says what is wrong with it
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    digest = hashlib.sha256(f"{lines}\0{_states(files)!r}".encode())
    if header is None:
        return (), 0.0, digest.hexdigest()
    return header.codes, (header.n_samples or 0) / header.rate, digest.hexdigest()


def _states(files: list[Path]) -> list[tuple[str, int, int]]:
    found = ((file, file.stat()) for file in files if is_file(file))
    return [(file.name, state.st_size, state.st_mtime_ns) for file, state in found]
