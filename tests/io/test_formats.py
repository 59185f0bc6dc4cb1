"""The table of formats: what is recognised by its content, what is refused, what a folder holds."""

import shutil
import zipfile

import h5py
import numpy as np
import pytest
from scipy.io import wavfile

from ecg12.io.format_table import FORMATS, format_of
from ecg12.io.formats import find_any, read_any, scan
from ecg12.io.leads import LEADS
from ecg12.io.wfdb import write_record
from ecg12.runtime.errors import RecordError

XML = '<?xml version="1.0"?>\n<!-- exported -->\n<{}><x/></{}>'
# First bytes as the standards prescribe them: DICOM has 128 bytes of preamble; SCP-ECG's section 0
# follows 6 bytes and has 16 bytes of header, the last six of which are SCPECG.
READ = {
    "DICOM": bytes(128) + b"DICM\x02\x00",
    "SCP-ECG": b"\x12\x34\x88\x01\x00\x00\x56\x78\x00\x00\x88\x00\x00\x00\x14\x14SCPECG",
    "EDF/BDF": b"0".ljust(8) + b"X X X X".ljust(176) + b"768".ljust(8),
    "ISHNE": b"ISHNE1.0\x00\x00",
    "HL7 aECG": b'<?xml version="1.0" encoding="UTF-8"?>\n<AnnotatedECG xmlns="urn:hl7-org:v3">',
    "Philips XML": b'<?xml version="1.0"?>\n<restingecgdata xmlns="http://www3.medical.philips.com">',
    "CardioSoft XML": b'<?xml version="1.0" encoding="ISO8859-1"?>\n<CardiologyXML>',
    "GE MUSE XML": b'<?xml version="1.0"?><!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n<RestingECG>',
    "WFDB": b"A1 12 500 5000\nA1.mat 16+24 1000/mV 16 0 0 0 0 I\n",
    "array of numbers": b"I,II,V1\n0.1,0.2,0.3\n0.2,0.3,0.4\n",
}
REFUSED = {
    "GE Sapphire XML": b'<sapphire xmlns="urn:ge:sapphire:sapphire_3"><dcarRecord/></sapphire>',
    "Mortara ELI XML": XML.format("ECG", "ECG").encode(),
    "Schiller XML": XML.format("examdescript", "examdescript").encode("utf-16"),
    "Bionet XML": XML.format("CardioXP", "CardioXP").encode(),
    "MFER": b"@ MFR Standard 12 leads ECG",
    "Contec .ECG": b"0000050\0\1\2002019-05-11 10:22:31\0\1\2",
    "ISHNE annotations": b"ANN  1.0\0\0",
    "GDF": b"GDF 2.10",
    "Apple Watch csv": "Name,A B\nRecorded Date,2020\nDevice,\"Watch6,1\"\n"
    "Sample Rate,512 hertz\n\n\nLead,Lead I\nUnit,µV\n\n-12.3\n".encode(),
    "Kardia (AliveCor)": b"ALIVE\0\0\0",
    "MATLAB 7.3 (HDF5)": b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n",
    "PDF": b"%PDF-1.7",
    "image": b"\x89PNG\r\n\x1a\n",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><path/></svg>',
    "spreadsheet": b"PK\x03\x04" + bytes(22) + b"\x13\0\0\0[Content_Types].xml",
    "Parquet or Arrow": b"PAR1\x15",
    "archive": b"\x1f\x8b\x08\0",
}  # fmt: skip


@pytest.mark.parametrize("name", READ | REFUSED)
@pytest.mark.parametrize("file", ["recording", "recording.xml", "recording.dat", "recording.csv"])
def test_content_decides_whatever_the_name(tmp_path, name, file):
    (tmp_path / file).write_bytes((READ | REFUSED)[name])
    assert format_of(tmp_path / file).name == name


def test_every_row_of_the_table_is_tested():
    assert {row.name for row in FORMATS if row.read} == READ.keys()
    assert {row.name for row in FORMATS if not row.read} == REFUSED.keys()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_what_to_do(tmp_path, name):
    (tmp_path / "recording.xml").write_bytes(REFUSED[name])
    (row,) = [row for row in FORMATS if row.name == name]
    with pytest.raises(RecordError) as error:
        read_any(tmp_path / "recording.xml")
    assert str(error.value).startswith(
        f"{tmp_path}/recording.xml: {name}, a format that is not read"
    )
    assert row.instead
    assert row.instead in str(error.value)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "gbk"]
)
def test_xml_is_known_by_its_root_in_any_encoding(tmp_path, encoding):
    declared = {"utf-8-sig": "utf-8", "utf-16-le": "utf-16"}.get(encoding, encoding)
    text = f'<?xml version="1.0" encoding="{declared}"?><!-- x --><ns:CardiologyXML xmlns:ns="y">'
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    assert format_of(tmp_path / "a.txt").name == "CardioSoft XML"


def test_a_long_comment_before_the_root(tmp_path):
    (tmp_path / "a.xml").write_text(f"<?xml version='1.0'?><!--{'x' * 9000}--><sapphire/>")
    assert format_of(tmp_path / "a.xml").name == "GE Sapphire XML"


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("a.dcm", b"damaged", "named like DICOM, but of no known format; read are WFDB"),
        ("a.SCP", b"\1\2\3", "named like SCP-ECG, but of no known format"),
        ("package.json", b'{"name": "x"}', "of no known format; read are"),
        ("a.csv", b"name,age\nx,y\n", "named like array of numbers, but"),
        ("a.xml", b"<Invoice/>", "XML with the root 'Invoice', of no known format"),
        ("a.xml", b"<Invoice", "not well-formed XML"),
        ("a", b"", "of no known format; read are WFDB, GE MUSE XML, DICOM"),
    ],
)
def test_files_of_no_known_format(tmp_path, file, content, reason):
    (tmp_path / file).write_bytes(content)
    assert format_of(tmp_path / file) is None
    with pytest.raises(RecordError, match=rf"{file}: {reason}"):
        read_any(tmp_path / file)


def test_sound_is_none(tmp_path):
    wavfile.write(tmp_path / "b.wav", 500, np.zeros(10, np.int16))
    with pytest.raises(RecordError, match=r"b\.wav: of no known format; read are WFDB"):
        read_any(tmp_path / "b.wav")


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(RecordError, match=r"A1\.hea: No such file"):
        read_any(tmp_path / "A1")
    with pytest.raises(RecordError, match=r"a\.npy\[0\]\.hea: No such file"):
        read_any(tmp_path / "a.npy[0]")
    with pytest.raises(RecordError, match="a folder without recordings; read are WFDB"):
        read_any(tmp_path)


@pytest.fixture
def mixture(tmp_path, make_record, make_ecg):
    """Write a folder of many things: what reads as a recording, what does not, and what is none."""
    folder = tmp_path / "mixture"
    (folder / "deep" / "er").mkdir(parents=True)
    write_record(folder, make_record("A1"))
    (folder / "A1.atr").write_bytes(b"\1\2")  # annotations of A1
    (folder / "RECORDS").write_text("A1\n")
    for number, content in enumerate(REFUSED.values()):
        (folder / "deep" / f"file{number}").write_bytes(content)
    (folder / "deep" / "er" / "healforce.SCP").write_bytes(b"\7\7\7")
    (folder / "deep" / "er" / "damaged.xml").write_bytes(b"\7\7\7")
    np.save(folder / "a.npy", make_ecg(500, 2))
    np.save(folder / "many.npy", np.array([make_ecg(500, 2, seed) for seed in range(3)]))
    (folder / "labels.csv").write_text("recording,AF\nA1,1\n")
    (folder / ".hidden.pdf").write_bytes(b"%PDF-1.4")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.dcm").write_bytes(READ["DICOM"])
    return folder


def test_nothing_in_a_folder_is_passed_over_in_silence(mixture, caplog):
    found = scan(mixture)
    assert found.recordings.keys() == {mixture / "A1"}
    assert found.counts() == {"WFDB": 1}
    names = [row.name for row in found.unread.values()]
    assert sorted(names) == sorted(
        [
            *REFUSED,
            "array of numbers",
            "array of numbers",
            *["named like an ECG, but of no known format"] * 2,
        ]
    )
    assert {path.name for path in found.unknown} == {"RECORDS", "labels.csv"}
    caplog.set_level("INFO")
    assert find_any(mixture) == [mixture / "A1"]
    for name in REFUSED:
        assert f"{name}: " in caplog.text
    assert (
        "2 not read (a.npy, many.npy): array of numbers: give --rate, --unit and --leads"
        in caplog.text
    )
    assert "2 not read (damaged.xml, healforce.SCP): named like an ECG" in caplog.text
    assert "2 not read (RECORDS, labels.csv): of no known format" in caplog.text
    n_files = sum(path.is_file() for path in mixture.rglob("*"))
    hidden, wfdb_files = 2, 3
    named = len(found.unread) + len(found.unknown)
    assert named + hidden + wfdb_files == n_files


def test_arrays_of_a_folder_count_if_they_are_wanted(mixture, make_ecg):
    paths = find_any(mixture, {})
    assert [path.name for path in paths] == ["A1", "a.npy", *(f"many.npy[{n}]" for n in range(3))]
    for seed, path in enumerate(paths[2:]):
        record = read_any(path, rate=500, unit="mV", leads=LEADS)
        np.testing.assert_array_equal(record.millivolts, make_ecg(500, 2, seed))


def test_arrays_of_few_leads_in_a_folder_are_told_apart_by_their_number(tmp_path):
    """A stack of two recordings of three leads; without leads said, of no shape of recordings."""
    np.save(tmp_path / "stack.npy", np.zeros((2, 3, 1000)))
    said = {"rate": 500, "unit": "mV", "leads": "I,II,V1"}
    paths = find_any(tmp_path, said)
    assert [path.name for path in paths] == ["stack.npy[0]", "stack.npy[1]"]
    assert [read_any(path, **said).leads for path in paths] == [("I", "II", "V1")] * 2


def test_a_folder_of_nothing_that_is_read(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    with pytest.raises(FileNotFoundError, match=r"no recordings; 1 not read \(a\.pdf\): PDF"):
        find_any(tmp_path)


@pytest.mark.parametrize("suffix", ["", ".hea", ".mat"])
def test_wfdb_recordings_by_any_of_their_names(tmp_path, make_record, suffix):
    record = make_record("A1")
    write_record(tmp_path, record)
    np.testing.assert_array_equal(read_any(tmp_path / f"A1{suffix}").stored, record.stored)
    assert read_any(tmp_path / f"A1{suffix}", 1).stored.shape == (12, 500)


def test_hdf5_is_told_from_matlab(tmp_path, make_ecg):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["ecg"] = make_ecg(500, 2)
    np.testing.assert_array_equal(
        read_any(tmp_path / "a.mat", rate=500, unit="mV", leads=LEADS).millivolts, make_ecg(500, 2)
    )
    with h5py.File(tmp_path / "b.mat", "w", userblock_size=512) as file:
        file["val"] = make_ecg(500, 2)
    with (tmp_path / "b.mat").open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    with pytest.raises(RecordError, match=r"b\.mat: MATLAB 7\.3 \(HDF5\), .*save\(\.\.\., '-v7'\)"):
        read_any(tmp_path / "b.mat")


def test_matlab_7_3_beside_a_header(tmp_path, make_record):
    write_record(tmp_path, make_record("A1"))
    with h5py.File(tmp_path / "A1.mat", "w", userblock_size=512) as file:
        file["val"] = np.zeros((5000, 12), np.int16)
    with (tmp_path / "A1.mat").open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    with pytest.raises(RecordError, match=r"A1\.mat: HDF5, .*save\(\.\.\., '-v7'\)"):
        read_any(tmp_path / "A1")


def test_the_same_ecg_in_three_formats_gives_the_same_input(shared):
    folder = shared / "data/formats"
    paths = [folder / name for name in ("dicom/ecgtoolkit_Example.dcm",
             "scp/ecgtoolkit_Example.scp", "aecg/ecgtoolkit_Example.xml")]  # fmt: skip
    dicom, scp, aecg = (read_any(path) for path in paths)
    assert dicom.leads == scp.leads == aecg.leads == LEADS
    np.testing.assert_allclose(dicom.millivolts, scp.millivolts, atol=1e-9)
    np.testing.assert_allclose(aecg.millivolts, scp.millivolts, atol=1e-9)


def test_a_zip_archive_is_no_npz(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("notes.txt", "x")
    assert format_of(tmp_path / "a.npz").name == "archive"


def test_a_pipe_is_not_opened(tmp_path):
    import os

    os.mkfifo(tmp_path / "a.xml")
    assert format_of(tmp_path / "a.xml") is None
    assert scan(tmp_path).unknown == [tmp_path / "a.xml"]


def test_the_samples_of_all_formats(shared, tmp_path):
    """Each file of the samples is a recording, a part of one, or is named with a reason."""
    folder = shared / "data/formats"
    found = scan(folder)
    assert found.counts() == {
        "DICOM": 4, "GE MUSE XML": 2, "SCP-ECG": 4, "HL7 aECG": 4, "Philips XML": 2, "ISHNE": 1,
        "WFDB": 2,
    }  # fmt: skip
    unread = {path.name: row.name for path, row in found.unread.items()}
    assert unread == {"dicom-ecg-plot_3x4.pdf": "PDF"}
    assert [path.name for path in found.unknown] == ["README.csv"]
    refused = {
        "fda_minimum_nowaveform": "of the twelve leads",
        "scptools_ECG_20060620_112352_ANON000002": "no V3, V5",
        "healforce_62": "Healforce",
    }
    for path in found.recordings:
        if path.stem in refused:
            with pytest.raises(RecordError, match=refused[path.stem]):
                read_any(path)
        if path.stem in refused or path.name == "flacformats":  # which has no lead of the twelve
            continue
        for name in (path.name, "recording.bin"):
            copy = path
            if path.is_file():
                copy = tmp_path / name
                shutil.copyfile(path, copy)
            assert set(read_any(copy, 2).leads) & set(LEADS)


def test_an_archive_and_its_list(shared):
    """Each file of real recordings is one, a part of one, or is named."""
    folder = shared / "data/real"
    found = scan(folder)
    headers = {path.with_suffix("") for path in folder.rglob("*.hea")}
    assert found.counts() == {"WFDB": len(headers)}
    assert set(found.recordings) == headers
    files = {path for path in folder.rglob("*") if path.is_file()}
    parts = {path for path in files if path.with_suffix("") in headers}
    assert files - parts == {*found.unread, *found.unknown}
