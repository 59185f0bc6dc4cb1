"""The command `formats`, and arrays in `check`: what a folder holds is said."""

import numpy as np
import pytest

from ecg12.cli.main import main
from ecg12.io.format_table import FORMATS
from ecg12.io.wfdb import write_record


def test_the_command_lists_every_format(capsys):
    main(["formats"])
    text = capsys.readouterr().out
    for row in FORMATS:
        assert f"  {row.name} " in text
    for name in ("DICOM", "EDF/BDF", "array of numbers"):
        line = next(line for line in text.splitlines() if line.startswith(f"  {name} "))
        assert line.endswith("needs the extra 'formats'")
    read, _, refused = text.partition("recognised, not read:")
    assert "ISHNE" in read
    assert "MFER" in refused


def test_the_command_says_what_files_are_and_folders_hold(tmp_path, make_record, capsys):
    write_record(tmp_path, make_record("A1"))
    (tmp_path / "b.txt").write_bytes(b"%PDF-1.7")
    main(["formats", str(tmp_path / "A1")])
    assert capsys.readouterr().out == f"{tmp_path / 'A1'}: WFDB\n"
    main(["formats", str(tmp_path), str(tmp_path / "b.txt")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{tmp_path}: 1 recordings"
    assert lines[1] == "  1 WFDB"
    assert lines[2].startswith("  1 not read (b.txt): PDF: ")
    assert lines[3].startswith(f"{tmp_path / 'b.txt'}: PDF, not read: ")
    with pytest.raises(SystemExit, match="none: no such file or folder"):
        main(["formats", str(tmp_path / "none")])


@pytest.mark.parametrize("given", [True, False])
def test_arrays_are_audited_if_their_rate_unit_and_leads_are_given(
    tmp_path, make_ecg, make_record, capsys, given
):
    np.save(tmp_path / "a.npy", np.array([make_ecg(500, 10, seed) for seed in range(3)]))
    write_record(tmp_path, make_record("A1"))
    said = ["--rate", "500", "--unit", "mV", "--leads", "I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6"]
    main(["check", str(tmp_path), "--workers", "1", *(said if given else [])])
    assert capsys.readouterr().out.startswith(f"{4 if given else 1} recordings, 0 unreadable\n")
