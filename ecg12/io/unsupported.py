"""Formats of ECG files that the package does not read, told by their content or their suffix.

So that a file of another format gets an answer that helps, rather than one about a missing header.
"""

import re
from dataclasses import dataclass
from pathlib import Path

READ = "WFDB headers (.hea) with .mat or .dat, and GE MUSE XML (.xml)"
HEAD = 4096  # bytes that are looked at


@dataclass(frozen=True)
class UnsupportedFormat:
    """One format: its name, usual suffixes, and what its first bytes match (none: suffix only)."""

    name: str
    suffixes: tuple[str, ...]
    begins: re.Pattern[bytes] | None = None


# DICOM PS3.10 (2024) 7.1; SCP-ECG: EN 1064, section 0; EDF: Kemp et al., 1992, and BioSemi's 24-bit
# kind; GDF: Schlögl, 2006; ISHNE: Badilini, 1998; aECG: HL7 V3 Annotated ECG, 2004.
FORMATS = (
    UnsupportedFormat("DICOM", (".dcm", ".dicom"), re.compile(rb"(?s).{128}DICM")),
    UnsupportedFormat("SCP-ECG", (".scp",), re.compile(rb"(?s).{16}SCPECG")),
    UnsupportedFormat("EDF", (".edf", ".rec"), re.compile(rb"0 {7}")),
    UnsupportedFormat("BDF", (".bdf",), re.compile(rb"\xffBIOSEMI")),
    UnsupportedFormat("GDF", (".gdf",), re.compile(rb"GDF ")),
    UnsupportedFormat("ISHNE", (".ecg",), re.compile(rb"ISHNE1\.0|ANN  1\.0")),
    UnsupportedFormat("HL7 aECG", (".aecg",), re.compile(rb"(?s).*<(?:\w+:)?AnnotatedECG\b")),
    UnsupportedFormat("Philips XML", (), re.compile(rb"(?s).*<(?:\w+:)?restingecgdata\b")),
    UnsupportedFormat("PDF", (".pdf",), re.compile(rb"%PDF-")),
    UnsupportedFormat("table or text", (".csv", ".tsv", ".txt", ".xlsx", ".json", ".npy", ".npz")),
    UnsupportedFormat("image", (".png", ".jpg", ".jpeg", ".tif", ".tiff")),
)


def unsupported_format(path: str | Path) -> str | None:
    """Name the format of an existing file that is known, but not read; None for any other file."""
    path = Path(path)
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(HEAD)
    by_content = (f.name for f in FORMATS if f.begins and f.begins.match(head))
    by_suffix = (f.name for f in FORMATS if path.suffix.lower() in f.suffixes)
    return next(by_content, None) or next(by_suffix, None)
