"""Challenge headers: the WFDB header (`.hea`) in both dialects, parsed (`wfdb_write` writes it).

Dialect A is that of the challenge archives, dialect B that of the PhysioNet release::

    A0001 12 500 7500 05-Feb-2020 11:39:16        HR06009 12 500 5000
    A0001.mat 16+24 1000/mV 16 0 28 -1716 0 I     HR06009.mat 16x1+24 1000.0(0)/mv 16 0 -5 25645 0 I
    #Age: 74                                      # Age: 61
    #Dx: 426783006                                # Dx: 270492004,164889003

Field by field the format is that of the WFDB Applications Guide (header(5)). A signal line may end
after its format or any later field: without a gain, WFDB's default of 200 units per mV holds, and
`Header.assumed` names these leads; without a description, the lead has no name. What follows a
``#`` in a signal line is a comment. A gain of zero says that the amplitude is not calibrated and
stays unknown (None), as does the number of samples where the header does not say it. Without a
sampling rate, WFDB's default of 250 Hz holds.

A frame may hold several samples of a signal (``16x4``). `Header.rate` and `n_samples` are those of
the twelve leads, of the fastest where they differ.

The header of a recording in segments (``name/segments``) lists, instead of signals, the names of
other headers and how many samples of each belong to the recording; ``~`` is a gap.
"""

import re
from dataclasses import dataclass, field, replace
from itertools import takewhile

from ecg12.io.leads import LEADS, standard_leads
from ecg12.runtime.errors import RecordError

_GAIN = re.compile(r"([^(/]*)(?:\(([^)]*)\))?(?:/(.*))?")  # gain(offset)/unit
_FORMAT = re.compile(r"\d{1,3}(?:x(\d{1,5}))?(?:[:+].*)?")  # format x samples per frame
_SEGMENTED = re.compile(r"([^/]+)/(\d{1,6})")  # name/number of segments
_COMMENT = re.compile(r"#\s*(?:(age|sex)\s*|(dx)[^:]*):(.*)", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n?|\n")
_SEX = {"male": "Male", "m": "Male", "female": "Female", "f": "Female"}
OLDEST = 130  # years; ages beyond are placeholders (PTB-XL writes 300) and count as unknown
RATES = (1.0, 1e5)  # Hz; beyond, no recording of the heart, and no filter that fits into memory
GAINS = (1e-9, 1e15)  # stored units per physical unit; what lies outside counts as unknown
DEFAULT_GAIN = 200.0  # stored units per mV, by header(5)
DEFAULT_RATE = 250.0  # Hz, by header(5)
GAP = "~"  # instead of the name of a segment, or of the file of a signal
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
        Stored units per physical unit; None where the header gives zero or NaN.
    offset
        Stored value of 0 physical units; 0 where the header gives none or NaN.
    unit
        Physical unit as written; ``"mV"`` where absent, as WFDB defines.
    lead
        Lead name; the twelve standard leads in their usual spelling.
    initial
        Stored value before the first one, which formats of differences need.
    """

    file: str
    format: str
    gain: float | None
    offset: float
    unit: str
    lead: str
    initial: int = field(default=0, compare=False)

    @property
    def per_frame(self) -> int:
        """Samples in a frame; 1 where the format is none of WFDB."""
        found = _FORMAT.fullmatch(self.format)
        return max(1, int(found[1] or 1)) if found else 1


@dataclass(frozen=True)
class Header:
    """A parsed header: rate in Hz, number of samples per lead or None, age in years or None.

    `frame` is the number of samples in a frame at that rate, `segments` name and number of samples
    of each segment of a recording in segments, `assumed` the leads whose gain is WFDB's default,
    `assumed_rate` whether the rate is.
    """

    name: str
    rate: float
    n_samples: int | None
    signals: tuple[SignalLine, ...]
    age: float | None = None
    sex: str | None = None
    codes: tuple[str, ...] = ()
    frame: int = 1
    segments: tuple[tuple[str, int], ...] = ()
    assumed: tuple[str, ...] = ()
    assumed_rate: bool = False


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
    segmented = _SEGMENTED.fullmatch(fields[0][0])
    name, n_signals, rate, n_samples = _record_line(fields[0], source)
    n_lines, what = (int(segmented[2]), "segments") if segmented else (n_signals, "signals")
    if segmented and not n_lines:
        raise RecordError(f"{source}: a recording of 0 segments")
    if len(fields) - 1 < n_lines:
        raise RecordError(f"{source}: {n_lines} {what} announced, {len(fields) - 1} described")
    signals: tuple[SignalLine, ...] = ()
    segments: tuple[tuple[str, int], ...] = ()
    if segmented:
        segments = tuple(_segment_line(line, source) for line in fields[1 : n_lines + 1])
    else:
        signals = _named([_signal_line(line, source) for line in fields[1 : n_lines + 1]])
    frame = max((s.per_frame for s in signals if s.lead in LEADS), default=0)
    frame = frame or max((s.per_frame for s in signals), default=1)
    _check_rate(n_signals, rate * frame, source)
    return Header(
        segmented[1] if segmented else name,
        rate * frame,
        None if n_samples is None else min(n_samples * frame, int(LARGEST)),
        signals,
        *parse_comments(text),
        frame,
        segments,
        tuple(s.lead for line, s in zip(fields[1:], signals, strict=False) if not _gain(line)),
        len(fields[0]) == 2,
    )


def announces_segments(text: str) -> bool:
    """Tell whether a header's record line announces segments, which are other recordings."""
    fields = (line.split(maxsplit=1) for line in _lines(text) if not line.startswith("#"))
    return bool(_SEGMENTED.fullmatch(next(fields, [""])[0]))


def _lines(text: str) -> list[str]:
    """Split into lines without outer blanks; empty lines and a byte order mark are left out."""
    lines = (line.strip() for line in _LINE_END.split(text.lstrip("\ufeff")))
    return [line for line in lines if line]


def parse_comments(text: str) -> tuple[float | None, str | None, tuple[str, ...]]:
    """Return age in years or None, sex (``"Male"``, ``"Female"``) or None, and diagnosis codes.

    The codes are those of all lines that begin with ``#Dx``, in whatever case and spacing, as the
    evaluation program of 2021 collects them; of age and sex the first line counts.
    """
    found: dict[str, str] = {}
    codes: list[str] = []
    comments = (line for line in _lines(text) if line[0] == "#")
    for match in filter(None, map(_COMMENT.match, comments)):
        if match[2]:
            codes += filter(None, map(str.strip, match[3].split(": ")[0].split(",")))
        else:
            found.setdefault(match[1].lower(), match[3].split(":")[0].strip())
    sex = _SEX.get(found.get("sex", "").lower())
    return _age(found.get("age", "")), sex, tuple(dict.fromkeys(codes))


def _record_line(fields: list[str], source: str) -> tuple[str, int, float, int | None]:
    try:
        n_signals = int(fields[1])
        rate = float(fields[2].split("/")[0].split("(")[0]) if len(fields) > 2 else DEFAULT_RATE
        n_samples = min(int(fields[3]), int(LARGEST)) if len(fields) > 3 else None
    except (IndexError, ValueError) as error:
        raise RecordError(f"{source}: malformed record line {_quoted(fields)}") from error
    return fields[0], n_signals, rate, n_samples if n_samples and n_samples > 0 else None


def _check_rate(n_signals: int, rate: float, source: str) -> None:
    if n_signals < 1 or not RATES[0] <= rate <= RATES[1]:
        raise RecordError(
            f"{source}: {n_signals} signals at {rate} Hz cannot be a recording; "
            f"at least one signal and {RATES[0]:g} to {RATES[1]:g} Hz are read"
        )


def _quoted(fields: list[str]) -> str:
    """Quote the beginning of a line, control characters escaped."""
    line = " ".join(fields)
    return repr(line[:SHOWN] + "…" if len(line) > SHOWN else line)


def _segment_line(fields: list[str], source: str) -> tuple[str, int]:
    try:
        return fields[0], min(max(0, int(fields[1])), int(LARGEST))
    except (IndexError, ValueError) as error:
        raise RecordError(f"{source}: malformed segment line {_quoted(fields)}") from error


def _named(signals: list[SignalLine]) -> tuple[SignalLine, ...]:
    """Name the leads as the package does, and by number where they have no name."""
    leads = standard_leads(signal.lead for signal in signals)
    numbered = enumerate(zip(signals, leads, strict=True), 1)
    return tuple(
        signal if signal.lead == lead != "" else replace(signal, lead=lead or f"signal {n}")
        for n, (signal, lead) in numbered
    )


def _signal_line(fields: list[str], source: str) -> SignalLine:
    """Parse `file format gain(offset)/unit resolution zero first checksum block description`."""
    if len(fields) < 2 or not _FORMAT.fullmatch(fields[1]):
        raise RecordError(f"{source}: malformed signal line {_quoted(fields)}")
    written = _gain(fields)
    rest = fields[3:] if written else fields[2:]
    numeric = list(takewhile(_is_number, rest[:5]))
    try:
        if not written and (len(numeric) > 1 or set("(/") & set("".join(rest[:1]))):
            raise ValueError("no gain, but what follows one")
        gain = _known(written[1], *GAINS) if written else DEFAULT_GAIN
        zero = numeric[1] if len(numeric) > 1 else ""
        offset = _known((written and written[2]) or zero, 0, LARGEST)
    except ValueError as error:
        raise RecordError(f"{source}: malformed signal line {_quoted(fields)}") from error
    described = " ".join(rest[len(numeric) :]).partition(" #")[0]
    lead = "" if described.startswith("#") else described
    unit = (written and written[3]) or "mV"
    initial = int(_known(numeric[2], 0, LARGEST) or 0) if len(numeric) > 2 else 0
    return SignalLine(fields[0], fields[1], gain, offset or 0.0, unit, lead, initial)


def _gain(fields: list[str]) -> re.Match[str] | None:
    """Return the parts of a signal line's gain, if its third field is one."""
    found = _GAIN.fullmatch(fields[2]) if len(fields) > 2 else None
    return found if found and (_is_number(found[1]) or (not found[1] and fields[2])) else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


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
