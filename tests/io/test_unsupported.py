"""Formats that are not read are recognised by the marks that their standards prescribe."""

import numpy as np
import pytest
from scipy.io import wavfile

from ecg12.io.formats import find_any, read_any
from ecg12.io.unsupported import unsupported_format
from ecg12.io.wfdb import write_record
from ecg12.runtime.errors import RecordError

# First bytes, as the standards prescribe them: DICOM has 128 bytes of preamble; SCP-ECG's section 0
# follows 6 bytes and has 16 bytes of header, the last six of which are SCPECG.
HEADS = {
    "DICOM": bytes(128) + b"DICM\x02\x00",
    "SCP-ECG": b"\x12\x34\x88\x01\x00\x00"
    + b"\x56\x78\x00\x00\x88\x00\x00\x00\x14\x14"
    + b"SCPECG",
    "EDF": b"0       X X X 01-JAN-2000",
    "BDF": b"\xffBIOSEMIX X",
    "GDF": b"GDF 2.10",
    "ISHNE": b"ISHNE1.0\x00\x00",
    "HL7 aECG": b'<?xml version="1.0" encoding="UTF-8"?>\n<AnnotatedECG xmlns="urn:hl7-org:v3">',
    "Philips XML": b'<?xml version="1.0"?>\n<restingecgdata xmlns="http://www3.medical.philips.com">',
    "PDF": b"%PDF-1.7",
}


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("file", ["recording", "recording.xml", "recording.dat"])
def test_known_by_content(tmp_path, name, file):
    (tmp_path / file).write_bytes(HEADS[name])
    assert unsupported_format(tmp_path / file) == name
    with pytest.raises(RecordError, match=rf"{file}: {name}, a format that is not read; read are"):
        read_any(tmp_path / file)


@pytest.mark.parametrize(
    ("file", "name"), [("a.dcm", "DICOM"), ("a.SCP", "SCP-ECG"), ("a.csv", "table or text")]
)
def test_known_by_suffix(tmp_path, file, name):
    (tmp_path / file).write_bytes(b"damaged")
    assert unsupported_format(tmp_path / file) == name


def test_unknown_files_and_recordings_that_are_read(tmp_path, make_record):
    path = write_record(tmp_path, make_record("A1"))
    wavfile.write(tmp_path / "b.wav", 500, np.zeros(10, np.int16))
    for file in (path, path.with_suffix(".mat"), tmp_path / "A1", tmp_path / "no.edf"):
        assert unsupported_format(file) is None
    with pytest.raises(RecordError, match=r"b\.wav: of no known format; read are WFDB headers"):
        read_any(tmp_path / "b.wav")
    assert find_any(tmp_path) == [tmp_path / "A1"]
    assert read_any(tmp_path / "A1").name == "A1"
