"""How often each class occurs in an archive, beside the challenge's data: the paper's Table 1."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ecg12.io.classes import abbreviation
from ecg12.runtime.csv_tables import write_rows

# Recordings per class in the public data of 2020 (Ansari et al., 2020, Table 1).
CHALLENGE = {
    "270492004": 2394, "164889003": 3475, "164890007": 314, "426627000": 288, "713427006": 683,
    "713426002": 1611, "445118002": 1806, "39732003": 6086, "164909002": 1041, "251146004": 556,
    "698252002": 997, "10370003": 299, "284470004": 1729, "427172004": 188, "164947007": 340,
    "111975006": 1513, "164917005": 1013, "47665007": 427, "59118001": 2402, "427393009": 1240,
    "426177001": 2359, "426783006": 20846, "427084000": 2402, "63593006": 215,
    "164934002": 4673, "59931005": 1112, "17338001": 365,
}  # fmt: skip
HEADER = ("snomed_ct_code", "abbreviation", "challenge_count", "count")


def count_rows(columns: Sequence[str], counts: Mapping[str, int]) -> list[tuple[str, ...]]:
    """Return one row per code, in the form of Table 1: see `HEADER`.

    The challenge's count is empty for codes that were not scored in 2020.
    """
    return [
        (code, abbreviation(code), str(CHALLENGE.get(code, "")), str(counts.get(code, 0)))
        for code in columns
    ]


def write_counts(path: str | Path, columns: Sequence[str], counts: Mapping[str, int]) -> None:
    """Write the table of counts as csv, atomically."""
    write_rows(path, [HEADER, *count_rows(columns, counts)])


def format_counts(columns: Sequence[str], counts: Mapping[str, int]) -> str:
    """Return the table of counts as text."""
    lines = [f"{'class':10}{'code':>12}{'challenge':>12}{'archive':>12}"]
    for code, short, challenge, count in count_rows(columns, counts):
        lines.append(f"{short:10}{code:>12}{challenge:>12}{count:>12}")
    return "\n".join(lines)
