"""The files of WFDB recordings: which belong together, and what they are called.

A recording is a header (`.hea`) and its signal files: a MATLAB file (`.mat`) of the same name, or
whatever files beside it the header names, or the other recordings that are its segments. It is
called by the path of its header without suffix, or with it where the rest of the name would look
like a signal file (`b.dat.hea`). Suffixes may be in capitals.
"""

from collections.abc import Iterable
from pathlib import Path

from ecg12.io.headers import SHOWN, Header, announces_segments, parse_header
from ecg12.runtime.errors import InputError, RecordError, file_error
from ecg12.runtime.files import folders_below, is_file, read_limited, recordings_folder
from ecg12.runtime.text import decode

HEADER = ".hea"
SIGNALS = (".mat", ".dat")
SUFFIXES = (HEADER, *SIGNALS)
LARGEST_HEADER = 2**20  # bytes; a header of twelve leads takes 2**10


def find_records(folder: str | Path) -> list[Path]:
    """List the recordings below a folder, sorted.

    A header without signals or signals without a header are listed too, so that reading them can
    say what is missing. Signal files that a header names and the segments of a recording are not.
    Names that begin with a dot are skipped; links to files are followed, as archives that keep
    their files elsewhere need it, links to folders are not.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no recording in it.
    OSError
        If a folder cannot be listed.
    """
    folder = recordings_folder(folder)
    found: list[Path] = []
    without: list[Path] = []
    for where, files in folders_below(folder):
        recordings, orphans, _ = in_folder(where, files)
        found += recordings
        without += [path.with_suffix("") for path in orphans]
    if not (found or without):
        raise FileNotFoundError(f"{folder}: no recordings (.hea with .mat or .dat)")
    return sorted({*found, *without})


def header_files(folder: str | Path) -> list[Path]:
    """List the headers of the recordings below a folder, in the order of `find_records`.

    Those of segments are left out.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    OSError
        If a folder cannot be listed.
    """
    owners: dict[tuple[str, ...], Path] = {}  # parts of what a recording is called → its header
    for where, files in folders_below(recordings_folder(folder)):
        headers = _sorted_out(where, files)[0]
        headers.sort(key=lambda name: name.endswith(HEADER))  # of `a.HEA` and `a.hea` the latter
        owners |= {(*where.parts, _called(name)): where / name for name in headers}
    return [owners[parts] for parts in sorted(owners)]


def in_folder(folder: Path, names: Iterable[str]) -> tuple[list[Path], list[Path], list[Path]]:
    """Sort out the files of one folder.

    Parameters
    ----------
    folder
        The folder.
    names
        The names of its files.

    Returns
    -------
    recordings
        What `read_record` takes, one for each header that is no segment of another recording.
    orphans
        Files with the suffix of signals that belong to no header; none where a header cannot be
        read, because they may be its own.
    others
        Files that are neither headers nor signals.
    """
    headers, orphans, others = _sorted_out(folder, list(names))
    recordings = [folder / _called(name) for name in headers]
    return recordings, [folder / name for name in orphans], [folder / name for name in others]


def _sorted_out(folder: Path, names: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Return the names of headers of recordings, of orphans and of others, see `in_folder`.

    Names are compared in small letters and as text, since there may be many.
    """
    small = {name: name.lower() for name in names}
    headers = [name for name in names if small[name].endswith(HEADER)]
    signals = [name for name in names if small[name].endswith(SIGNALS)]
    stem = {name: small[name].rpartition(".")[0] for name in (*headers, *signals)}
    stems, complete = ({stem[name] for name in group} for group in (headers, signals))
    alone = any(stem[name] not in stems for name in signals)  # it may be another header's
    segments: set[str] = set()
    files: set[str] = set()
    for name in headers:
        if alone or stem[name] not in complete:
            try:
                found = _named_by(f"{folder}/{name}", only_segments=len(headers) == len(names))
            except OSError:  # which reading it says again
                signals = []
                continue
            segments |= found[0] - {stem[name]}
            files |= found[1]
    whole = [name for name in headers if stem[name] not in segments]
    orphans = [n for n in signals if stem[n] not in stems and small[n] not in files]
    others = [n for n in names if not small[n].endswith(SUFFIXES) and small[n] not in files]
    return whole, orphans, others


def _named_by(path: str, *, only_segments: bool) -> tuple[set[str], set[str]]:
    """Return the segments and the files that a header names, in small letters.

    If only segments are wanted, most headers are not parsed.
    """
    try:
        text = text_of(path)
        if only_segments and not announces_segments(text):
            return set(), set()
        header = parse_header(text, path)
    except InputError:
        return set(), set()
    return (
        {name.lower() for name, _ in header.segments},
        {signal.file.lower() for signal in header.signals},
    )


def _called(name: str) -> str:
    """Return what a header's recording is called: its name without suffix, if that is clear."""
    stem = name[: -len(HEADER)]
    return name if stem.lower().endswith(SUFFIXES) else stem


def read_header(path: str | Path) -> Header:
    """Read the header of a recording, given with or without suffix.

    Raises
    ------
    RecordError
        If it is missing or malformed; the message names the file.
    """
    path = header_of(path)
    return parse_header(read_text(path), str(path))


def read_text(path: str | Path) -> str:
    """Return the text of a header file, which may be malformed.

    Raises
    ------
    RecordError
        If it is missing, no regular file, or larger than 1 MiB.
    """
    try:
        return text_of(path)
    except OSError as error:
        raise RecordError(file_error(error, path)) from error
    except InputError as error:
        raise RecordError(str(error)) from error


def text_of(path: str | Path) -> str:
    """Return the text of a header file; an OSError or InputError if it cannot be read."""
    return decode(read_limited(path, LARGEST_HEADER))


def is_recording(path: Path) -> bool:
    """Tell whether a path names a recording that has a header, and is not a file of its own."""
    if path.suffix.lower() == HEADER or (path.suffix.lower() not in SIGNALS and is_file(path)):
        return False
    return is_file(header_of(path))


def stem_of(path: Path) -> Path:
    """Return the path of a recording's header without suffix, from any path that names it."""
    suffix = path.suffix.lower()
    if suffix == HEADER:
        return path.with_suffix("")
    if suffix not in SIGNALS:
        return path
    signals_of = path.with_suffix("")
    by_itself = not is_file(path) or not is_file(header_path(signals_of))
    return path if by_itself and is_file(header_path(path)) else signals_of


def check_beside(name: str, header: Path) -> None:
    """Refuse a name in a header that would lead anywhere but to a file beside it.

    Raises
    ------
    RecordError
        Naming the header and the name.
    """
    if Path(name).name != name or "::" in name or "\0" in name:
        raise RecordError(f"{header}: {name[:SHOWN]!r} is no name of a file beside the header")


def header_of(path: str | Path) -> Path:
    """Return the path of the header of a recording that is given by any of its paths."""
    return header_path(stem_of(Path(path)))


def header_path(stem: Path) -> Path:
    """Return the path of a header as it is on the disk, from its path without suffix."""
    path = stem.with_name(f"{stem.name}{HEADER}")
    return existing(path) or path


def existing(path: Path) -> Path | None:
    """Return a file's path as it is on the disk, its suffix or all of its name in capitals."""
    if is_file(path):
        return path
    capital = path.with_suffix(path.suffix.upper())
    written = (capital, path.with_name(path.name.upper()), path.with_name(path.name.lower()))
    return next((one for one in written if is_file(one)), None)


def signal_files(path: Path, header: Header) -> list[Path]:
    """Return where a recording's samples may lie: always beside its header, whatever that says.

    Parameters
    ----------
    path
        Path of the header.
    header
        What it says.
    """
    names = [f"{path.stem}.mat", *(Path(signal.file).name for signal in header.signals)]
    for name, _ in header.segments:
        segment = header_of(path.with_name(f"{Path(name).name}{HEADER}"))
        names.append(segment.name)
        if is_file(segment) and segment != path:
            more = read_header(segment)
            names += [Path(signal.file).name for signal in more.signals]
    found = (path.with_name(name) for name in dict.fromkeys(names) if name)
    return [existing(file) or file for file in found]
