"""Which database a recording belongs to, by its folder or its name; which databases share a source.

The challenge's training sets lie one folder each, cut into parts `g1`, `g2` … of a thousand
recordings, or all in one folder; then the pattern of their names distinguishes them (Reyna et al.,
"Will Two Do?", Computing in Cardiology 2021).
"""

import re
from collections.abc import Iterable
from pathlib import Path

PATTERNS = {
    "cpsc2018": re.compile(r"A\d{4}"),
    "cpsc2018_extra": re.compile(r"Q\d{4}"),
    "incart": re.compile(r"I\d{4}"),
    "ptb": re.compile(r"S\d{4}"),
    "ptbxl": re.compile(r"HR\d{5}"),
    "georgia": re.compile(r"E\d{5}"),
    "chapman_ningbo": re.compile(r"JS\d{5}"),
}
OTHER = "other"
# Databases of the same institutions (Reyna et al., 2021): a model trained on one of them has seen
# the institution of the others. Each pattern is searched in the folders of a database's path, in
# small letters.
SAME_SOURCE = (
    re.compile(r"(^|_)cpsc_?2018(_(2|extra))?$"),
    re.compile(r"(^|_)ptb([-_]?xl)?(_|$)"),
)
_PART = re.compile(r"g\d+")


def database_of(path: str | Path, root: str | Path) -> str:
    """Name the database of one recording.

    Parameters
    ----------
    path
        The recording, with or without suffix, below `root`.
    root
        The data folder.

    Returns
    -------
    str
        Its folder relative to `root`, parts such as `g1` left out; for a recording right in `root`
        the name in `PATTERNS` that its own name fits, or "other".
    """
    path = Path(path)
    folders = path.relative_to(root).parent.parts
    if named := [folder for folder in folders if not _PART.fullmatch(folder)]:
        return "/".join(named)
    fits = (name for name, pattern in PATTERNS.items() if pattern.fullmatch(path.stem))
    return next(fits, OTHER)


def databases_of(paths: Iterable[str | Path], root: str | Path) -> list[str]:
    """Name the database of each recording, as `database_of` does."""
    return [database_of(path, root) for path in paths]


def sources_of(databases: Iterable[str]) -> list[str]:
    """Name the source of each database: itself, or ``"a+b"`` of all databases that share it.

    CPSC 2018 and its extra set have one source, and so have PTB and PTB-XL. A source must be left
    out as a whole for its institution to be unseen.
    """
    databases = list(databases)
    families: dict[object, list[str]] = {}
    for name in sorted(set(databases)):
        folders = name.lower().split("/")
        family = next((p for p in SAME_SOURCE if any(map(p.search, folders))), name)
        families.setdefault(family, []).append(name)
    sources = {name: "+".join(family) for family in families.values() for name in family}
    return [sources[name] for name in databases]
