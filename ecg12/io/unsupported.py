"""Formats that are recognised and not read, each with what to do instead.

A reader is only written where there are real files, or an independent program, to test it against.
"""

from ecg12.io.recognition import Format, begins, has_root

EXPORT = "export the recording as DICOM, HL7 aECG or SCP-ECG"
DIGITISE = "it holds a drawing, no samples; Open-ECG-Digitizer makes csv of it"
SINGLE = "export the samples as csv, and give --rate, --unit and --leads"

# Sources: Sapphire: urn:ge:sapphire; Mortara: ELI Link; Schiller: SEMA; MFER: ISO 22077-1, tag 40h;
# Contec: github.com/RigacciOrg/ecg-contec; GDF: Schlögl, 2006; ISHNE annotations: Badilini, 1998;
# HDF5 of MATLAB: "MAT-File Format" (The MathWorks).
REFUSED = (
    Format(
        name="GE Sapphire XML", suffixes=(".xml",), recognises=has_root("sapphire"),
        instead="export the recording as MUSE XML or DICOM",
    ),
    Format(
        name="Mortara ELI XML", suffixes=(".xml",), recognises=has_root("ECG", "EliEcg"),
        instead=EXPORT,
    ),
    Format(
        name="Schiller XML", suffixes=(".xml",), instead=EXPORT,
        recognises=has_root(
            "eventdata", "examdescript", "com.xiriuz.sema.xml.schillerEDI.SchillerEDI"
        ),
    ),
    Format(
        name="Bionet XML", suffixes=(".xml",), recognises=has_root("CardioXP"), instead=EXPORT
    ),
    Format(
        name="MFER", suffixes=(".mwf", ".mfer"), recognises=begins(rb"@ MFR"), instead=EXPORT
    ),
    Format(
        name="Contec .ECG", suffixes=(".ecg",), instead=EXPORT,
        recognises=begins(rb".{10}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\0"),
    ),
    Format(
        name="ISHNE annotations", suffixes=(".ann",), recognises=begins(rb"ANN  1\.0"),
        instead="name the recording, whose file begins with ISHNE1.0",
    ),
    Format(
        name="GDF", suffixes=(".gdf",), recognises=begins(rb"GDF "),
        instead="write it as EDF+, as BioSig does",
    ),
    Format(
        name="Apple Watch csv", suffixes=(".csv",), instead=SINGLE,
        recognises=begins(rb".{0,2000}(?:\nSample Rate, ?\"?5\d\d|, ?\"?Watch\d+,\d)"),
    ),
    Format(
        name="Kardia (AliveCor)", suffixes=(".atc", ".json"), instead=SINGLE,
        recognises=begins(rb"ALIVE\0|\s*\{.{0,3000}\"lead_?I\"|\s*\{.{0,3000}\"AliveCor"),
    ),
    Format(
        name="MATLAB 7.3 (HDF5)", suffixes=(".mat",), recognises=begins(rb"MATLAB 7\.3 MAT-file"),
        instead="in MATLAB, write it again by save(..., '-v7')",
    ),
    Format(
        name="PDF", suffixes=(".pdf",), recognises=begins(rb"%PDF-"), instead=DIGITISE,
        only_ecg=False,
    ),
    Format(
        name="image", suffixes=(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".heic"),
        recognises=begins(
            rb"\x89PNG\r\n|\xff\xd8\xff|II\*\0|MM\0\*|GIF8|BM.{4}\0{4}|RIFF.{4}WEBP|.{4}ftyphei"
        ),
        instead=DIGITISE, only_ecg=False,
    ),
    Format(
        name="SVG", suffixes=(".svg",), recognises=has_root("svg"), instead=DIGITISE, only_ecg=False
    ),
    Format(
        name="spreadsheet", suffixes=(".xlsx", ".xls", ".ods"), only_ecg=False,
        recognises=begins(
            rb"PK\x03\x04.{26}(?:\[Content_Types\]|_rels/|xl/|mimetypeapplication/vnd\.oasis)"
            rb"|\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        ),
        instead="save the sheet as csv",
    ),
    Format(
        name="Parquet or Arrow", suffixes=(".parquet", ".feather", ".arrow"), only_ecg=False,
        recognises=begins(rb"PAR1|ARROW1|FEA1"), instead="write the array as .npy",
    ),
    Format(
        name="archive", suffixes=(".zip", ".gz", ".tar", ".7z", ".rar", ".bz2", ".xz", ".zst"),
        recognises=begins(
            rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf\x27\x1c|Rar!|BZh\d1AY|\xfd7zXZ|\x28\xb5\x2f\xfd|.{257}ustar"
        ),
        instead="unpack it", only_ecg=False,
    ),
)  # fmt: skip
