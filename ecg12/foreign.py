"""Formats of ECG files that the package does not read, told by their content or their suffix.

So that a file of another format gets an answer that helps, rather than one about a missing header.
"""

import re
from dataclasses import dataclass
from pathlib import Path

READ = "WFDB headers (.hea) with .mat or .dat, and GE MUSE XML (.xml)"
HEAD = 4096  # bytes that are looked at


@dataclass(frozen=True)
class Foreign:
    """One format: its name, usual suffixes, and what its first bytes match (none: suffix only)."""

    name: str
    suffixes: tuple[str, ...]
    begins: re.Pattern[bytes] | None = None


# DICOM PS3.10 (2024) 7.1; SCP-ECG: EN 1064, section 0; EDF: Kemp et al., 1992, and BioSemi's 24-bit
# kind; GDF: Schlögl, 2006; ISHNE: Badilini, 1998; aECG: HL7 V3 Annotated ECG, 2004.
FORMATS = (
    Foreign("DICOM", (".dcm", ".dicom"), re.compile(rb"(?s).{128}DICM")),
    Foreign("SCP-ECG", (".scp",), re.compile(rb"(?s).{16}SCPECG")),
    Foreign("EDF", (".edf", ".rec"), re.compile(rb"0 {7}")),
    Foreign("BDF", (".bdf",), re.compile(rb"\xffBIOSEMI")),
    Foreign("GDF", (".gdf",), re.compile(rb"GDF ")),
    Foreign("ISHNE", (".ecg",), re.compile(rb"ISHNE1\.0|ANN  1\.0")),
    Foreign("HL7 aECG", (".aecg",), re.compile(rb"(?s).*<(?:\w+:)?AnnotatedECG\b")),
    Foreign("Philips XML", (), re.compile(rb"(?s).*<(?:\w+:)?restingecgdata\b")),
    Foreign("PDF", (".pdf",), re.compile(rb"%PDF-")),
    Foreign("table or text", (".csv", ".tsv", ".txt", ".xlsx", ".json", ".npy", ".npz")),
    Foreign("image", (".png", ".jpg", ".jpeg", ".tif", ".tiff")),
)


def foreign_format(path: str | Path) -> str | None:
    """Name the format of an existing file that is known, but not read; None for any other file."""
    path = Path(path)
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(HEAD)
    by_content = (f.name for f in FORMATS if f.begins and f.begins.match(head))
    by_suffix = (f.name for f in FORMATS if path.suffix.lower() in f.suffixes)
    return next(by_content, None) or next(by_suffix, None)
