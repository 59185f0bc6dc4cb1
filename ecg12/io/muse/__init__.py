"""GE MUSE XML: one resting ECG with its diagnosis statements, read from a file not trusted.

The format is that of MUSE exports (root `RestingECG`, usually ISO-8859-1 with a DOCTYPE). Of its
waveforms those of type `Rhythm` are the recording; usually I, II and V1 to V6 are stored, and
III, aVR, aVL and aVF follow from I and II. Statements are taken from the over-read `Diagnosis`,
not from the machine's `OriginalDiagnosis`.

The patient's identity never leaves this package: a salted hash replaces the identifier, birth dates
become ages, lines that name a reader are left out, names and identifiers that the file holds are
cut out of its statements, and no message quotes text from a file.
"""

from ecg12.io.muse.recording import (
    NAME,
    SUFFIXES,
    MuseRecording,
    identifier,
    patient_key,
    read,
    read_muse,
    read_statements,
    recognises,
    statements,
)

__all__ = [
    "NAME",
    "SUFFIXES",
    "MuseRecording",
    "identifier",
    "patient_key",
    "read",
    "read_muse",
    "read_statements",
    "recognises",
    "statements",
]
