"""Challenge headers: the WFDB header (`.hea`) in both dialects, parsed and written.

Dialect A is that of the challenge archives, dialect B that of the PhysioNet release::

    A0001 12 500 7500 05-Feb-2020 11:39:16        HR06009 12 500 5000
    A0001.mat 16+24 1000/mV 16 0 28 -1716 0 I     HR06009.mat 16x1+24 1000.0(0)/mv 16 0 -5 25645 0 I
    #Age: 74                                      # Age: 61
    #Dx: 426783006                                # Dx: 270492004,164889003

Field by field the format is that of the WFDB Applications Guide (header(5)); a field that the
header leaves out stays unknown (None) rather than taking WFDB's default.
"""

import re
from dataclasses import dataclass

from ecg12.io.leads import standard_lead
from ecg12.runtime.errors import RecordError

_GAIN = re.compile(r"([^(/]*)(?:\(([^)]*)\))?(?:/(.*))?")  # gain(offset)/unit
_COMMENT = re.compile(r"#\s*(age|sex|dx)\s*:(.*)", re.IGNORECASE)
_SEX = {"male": "Male", "m": "Male", "female": "Female", "f": "Female"}
OLDEST = 130  # years; ages beyond are placeholders (PTB-XL writes 300) and count as unknown
RATES = (1.0, 1e5)  # Hz; beyond, no recording of the heart, and no filter that fits into memory
GAINS = (1e-9, 1e15)  # stored units per physical unit; what lies outside counts as unknown
SHOWN = 80  # characters of a malformed line that a message quotes
LARGEST = 2.0**31  # largest magnitude of a stored value: WFDB formats have at most 32 bits


@dataclass(frozen=True)
class SignalLine:
    """One signal line of a header.

    Attributes
    ----------
    file
        Name of the file that holds the samples.
    format
        WFDB storage format, such as ``"16+24"`` (int16 after 24 bytes).
    gain
        Stored units per physical unit, or None where the header gives none, zero or NaN.
    offset
        Stored value of 0 physical units; 0 where the header gives none or NaN.
    unit
        Physical unit as written; ``"mV"`` where absent, as WFDB defines.
    lead
        Lead name; the twelve standard leads in their usual spelling.
    """

    file: str
    format: str
    gain: float | None
    offset: float
    unit: str
    lead: str


@dataclass(frozen=True)
class Header:
    """A parsed header: rate in Hz, number of samples per lead or None, age in years or None."""

    name: str
    rate: float
    n_samples: int | None
    signals: tuple[SignalLine, ...]
    age: float | None = None
    sex: str | None = None
    codes: tuple[str, ...] = ()


def parse_header(text: str, source: str = "header") -> Header:
    """Parse a header of either dialect.

    Parameters
    ----------
    text
        The whole header.
    source
        The file's name, for error messages.

    Raises
    ------
    RecordError
        If the record line or a signal line is missing or malformed.
    """
    fields = [line.split() for line in _lines(text) if not line.startswith("#")]
    if not fields:
        raise RecordError(f"{source}: the header is empty")
    name, n_signals, rate, n_samples = _record_line(fields[0], source)
    if len(fields) - 1 < n_signals:
        raise RecordError(f"{source}: {n_signals} signals announced, {len(fields) - 1} described")
    signals = tuple(_signal_line(line, source) for line in fields[1 : n_signals + 1])
    comments = parse_comments(text)
    return Header(name, rate, n_samples, signals, *comments)


def _lines(text: str) -> list[str]:
    """Split into lines without outer blanks; empty lines and a byte order mark are left out."""
    lines = (line.strip() for line in text.lstrip("\ufeff").splitlines())
    return [line for line in lines if line]


def parse_comments(text: str) -> tuple[float | None, str | None, tuple[str, ...]]:
    """Return age in years or None, sex (``"Male"``, ``"Female"``) or None, and diagnosis codes."""
    found: dict[str, str] = {}
    for line in _lines(text):
        if match := _COMMENT.match(line):
            found.setdefault(match[1].lower(), match[2].strip())
    return (
        _age(found.get("age", "")),
        _SEX.get(found.get("sex", "").lower()),
        tuple(dict.fromkeys(c.strip() for c in found.get("dx", "").split(",") if c.strip())),
    )


def _record_line(fields: list[str], source: str) -> tuple[str, int, float, int | None]:
    try:
        n_signals = int(fields[1])
        rate = float(fields[2].split("/")[0].split("(")[0])
        n_samples = min(int(fields[3]), int(LARGEST)) if len(fields) > 3 else None
    except (IndexError, ValueError) as error:
        raise RecordError(f"{source}: malformed record line {_quoted(fields)}") from error
    if n_signals < 1 or not RATES[0] <= rate <= RATES[1]:
        raise RecordError(
            f"{source}: {n_signals} signals at {rate} Hz cannot be a recording; "
            f"at least one signal and {RATES[0]:g} to {RATES[1]:g} Hz are read"
        )
    return fields[0], n_signals, rate, n_samples if n_samples and n_samples > 0 else None


def _quoted(fields: list[str]) -> str:
    """Quote the beginning of a line, control characters escaped."""
    line = " ".join(fields)
    return repr(line[:SHOWN] + "…" if len(line) > SHOWN else line)


def _signal_line(fields: list[str], source: str) -> SignalLine:
    """Parse `file format gain(offset)/unit resolution zero first checksum block lead`."""
    match = _GAIN.fullmatch(fields[2] if len(fields) > 3 else "")
    if match is None or len(fields) < 3:
        raise RecordError(f"{source}: malformed signal line {_quoted(fields)}")
    try:
        gain = _known(match[1], *GAINS)
        offset = _known(match[2] or (fields[4] if len(fields) > 5 else ""), 0, LARGEST)
    except ValueError as error:
        raise RecordError(f"{source}: malformed signal line {_quoted(fields)}") from error
    lead = standard_lead(fields[-1])
    return SignalLine(fields[0], fields[1], gain, offset or 0.0, match[3] or "mV", lead)


def _known(text: str, low: float, high: float) -> float | None:
    """Read a number; absent, NaN, or of a magnitude not between `low` and `high` is None."""
    number = float(text or "nan")
    return number if low <= abs(number) <= high else None


def _age(text: str) -> float | None:
    """Read an age; ``"90+"`` is 90, anything that is no number of 0 to 130 years is None."""
    try:
        age = float(text.removesuffix("+"))
    except ValueError:
        return None
    return age if 0 <= age <= OLDEST else None


def format_header(header: Header, first: list[int], checksums: list[int], dialect: str) -> str:
    """Write a header of dialect ``"A"`` or ``"B"`` for samples stored as int16.

    Parameters
    ----------
    header
        What to write; an unknown age is written ``NaN``, an unknown sex ``Unknown``.
    first, checksums
        First stored sample and 16-bit checksum of each signal.
    dialect
        ``"A"``, the challenge archives', or ``"B"``, the PhysioNet release's.

    Raises
    ------
    ValueError
        If the dialect is unknown.
    """
    if dialect not in ("A", "B"):
        raise ValueError(f"unknown header dialect {dialect!r}; choices: 'A', 'B'")
    lines = [f"{header.name} {len(header.signals)} {header.rate:.12g} {header.n_samples}"]
    for signal, value, checksum in zip(header.signals, first, checksums, strict=True):
        gain = _format_gain(signal, dialect)
        lines.append(
            f"{signal.file} {signal.format} {gain} 16 {signal.offset:.0f} {value} {checksum} 0 "
            f"{signal.lead}"
        )
    mark = "#" if dialect == "A" else "# "
    age = "NaN" if header.age is None else f"{header.age:.12g}"
    lines += [f"{mark}Age: {age}", f"{mark}Sex: {header.sex or 'Unknown'}"]
    lines += [f"{mark}Dx: {','.join(header.codes)}"]
    lines += [f"{mark}{key}: Unknown" for key in ("Rx", "Hx", "Sx")]
    return "\n".join(lines) + "\n"


def _format_gain(signal: SignalLine, dialect: str) -> str:
    gain = float(signal.gain or 0)
    unit = re.sub("[µμ]", "u", signal.unit)  # WFDB reads headers as ASCII
    if dialect == "B":
        return f"{gain!r}({signal.offset:.0f})/{unit}"
    offset = f"({signal.offset:.0f})" if signal.offset else ""
    return f"{gain:.12g}{offset}/{unit}"
