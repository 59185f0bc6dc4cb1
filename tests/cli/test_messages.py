"""What failed is listed apart from all else; how much is said."""

import argparse
import csv
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from ecg12.cli import COMMANDS
from ecg12.cli.main import main, parser
from ecg12.cli.messages import Failures
from ecg12.io.wfdb import write_record

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path, make_record):
    """Write a recording, and seven that cannot be read."""
    place = tmp_path / "data"
    place.mkdir()
    write_record(place, make_record("good", codes=("426783006",)))
    for number in range(7):
        (place / f"bad{number}.hea").write_text(f"bad{number} 12 500\n")
    return place


def ended(arguments, capsys):
    """Run a command that answers some; return its output, and lines on standard error."""
    with pytest.raises(SystemExit) as end:
        main(list(map(str, arguments)))
    assert end.value.code == 1
    out, err = capsys.readouterr()
    return out, err.splitlines()


def test_a_name_with_a_colon_is_named_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("scan 10: 30.hea").touch()
    found = Failures(argparse.Namespace(failures=None))
    found.add("Holter: Mon/a.hea", "Holter: Mon/a.hea: no such file")
    found.add("A1", "A1.mat: cut off: 3 bytes")
    found.add("b.hea", "another reason")
    found.add_message("scan 10: 30.hea: damaged: 12")
    found.add_message("gone.hea: no such file")
    assert found.reasons == [
        ("Holter: Mon/a.hea", "no such file"), ("A1.mat", "cut off: 3 bytes"),
        ("b.hea", "another reason"), ("scan 10: 30.hea", "damaged: 12"),
        ("gone.hea", "no such file"),
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["check", "plot", "convert"])
def test_five_failures_with_reasons_and_all_in_a_file(folder, tmp_path, capsys, command):
    table = tmp_path / "failed.csv"
    out, lines = ended([command, folder, "-o", tmp_path / "out", "--failures", table], capsys)
    first = lines.index("ecg12: 7 of 8 recordings failed:")  # begins a line of its own
    reason = "12 signals announced, 0 described"
    assert lines[first + 1 :] == [
        *(f"  {folder}/bad{number}.hea: {reason}" for number in range(5)),
        f"  and 2 more, all in {table}",
    ]
    with table.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["file", "reason"],
            *([f"{folder}/bad{number}.hea", reason] for number in range(7)),
        ]
    assert "failed" not in out


def test_without_a_file_the_option_is_named(folder, capsys):
    _, lines = ended(["check", folder], capsys)
    assert lines[-1] == "  and 2 more; --failures FILE lists all"


def test_of_one_recording_the_reason_is_one_line(folder, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    _, lines = ended(["plot", folder / "bad0.hea"], capsys)
    assert lines == [f"ecg12: {folder}/bad0.hea: 12 signals announced, 0 described"]


def test_quiet_shows_no_bar_and_failures_still(folder, capsys):
    _, lines = ended(["check", folder, "--quiet"], capsys)
    assert lines[0] == "ecg12: 7 of 8 recordings failed:"


def test_verbose_tells_where_an_error_arose(tmp_path, caplog):
    with pytest.raises(SystemExit, match="no recordings"):
        main(["check", str(tmp_path), "--verbose"])
    assert "in find_any" in caplog.text
    caplog.clear()
    with pytest.raises(SystemExit, match="no recordings"):
        main(["check", str(tmp_path)])
    assert "find_any" not in caplog.text
    logging.getLogger("ecg12").setLevel(logging.NOTSET)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_say_less_or_more(command):
    text = parser(command).parse_args
    with pytest.raises(SystemExit) as end:
        text([command, "--quiet", "--verbose"])
    assert end.value.code == 2


def test_plot_draws_all_of_a_folder_and_numbers_equal_names(tmp_path, make_record, capsys):
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        write_record(tmp_path / "data" / name, make_record("R1"))
    main(["plot", str(tmp_path / "data"), "-o", str(tmp_path / "out")])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["R1.png", "R1_2.png"]
    assert capsys.readouterr().out == f"2 recordings drawn in {tmp_path / 'out'}\n"


def test_several_drawings_need_a_folder(folder, tmp_path):
    with pytest.raises(SystemExit, match=r"both\.pdf: a file; several recordings need a folder"):
        main(["plot", str(folder), "-o", str(tmp_path / "both.pdf")])
    assert not (tmp_path / "both.pdf").exists()


def test_failures_do_not_replace_results(folder, tmp_path):
    table = str(tmp_path / "p.csv")
    with pytest.raises(SystemExit, match=r"p\.csv: the results go there"):
        main(["predict", str(folder), "-o", table, "--failures", table, "--format", "csv"])
    assert not (tmp_path / "p.csv").exists()


@pytest.mark.parametrize(("kind", "suffix"), [("wfdb", "hea"), ("muse", "xml")])
def test_synth_tells_of_recordings_of_another_call(tmp_path, caplog, kind, suffix):
    call = ["synth", str(tmp_path), "--format", kind, "--seconds", "5"]
    main([*call, "-n", "2"])
    main([*call, "-n", "2"])
    assert "another call" not in caplog.text
    main([*call, "-n", "1"])
    assert f"also holds 1 recordings of another call, such as S00001.{suffix}" in caplog.text


def test_muse_files_have_no_header_dialect(tmp_path):
    with pytest.raises(SystemExit, match="--dialect B: MUSE files have no WFDB header"):
        main(["synth", str(tmp_path), "-n", "1", "--format", "muse", "--dialect", "B"])


def test_a_reader_that_has_had_enough_is_no_traceback(folder):
    command = f"{sys.executable} -m ecg12 formats {folder} {folder} | true"
    done = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_check_does_not_miss_codes_where_the_format_has_none(tmp_path, make_ecg, capsys):
    """A table of numbers holds no diagnoses; a header does, and this one has none."""
    import numpy as np

    np.save(tmp_path / "a.npy", make_ecg(500, 10))
    leads = "I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6"
    main(["check", str(tmp_path), "--rate", "500", "--unit", "mV", "--leads", leads])
    assert "no diagnosis code" not in capsys.readouterr().out
