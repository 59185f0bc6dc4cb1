"""Programs end well whatever their output leads to: the short version of `stress.terminals`."""

import io
import logging
import os
import subprocess
import sys

import pytest

from ecg12.runtime.terminal import prepare_streams
from stress.terminals import COMMANDS, ODD, TERMINALS, judged, make_inputs, run_in


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    place = tmp_path_factory.mktemp("inputs")
    make_inputs(place)
    return place


@pytest.mark.parametrize(
    ("command", "terminal", "usual"),
    [
        ("formats", "ASCII, strict", 0), ("formats", "full", 0), ("formats", "reader gone", 0),
        ("formats", "locale C", 0), ("check", "none", 1), ("check", "Latin-1", 1),
        ("wrong use", "ASCII", 2),
    ],
)  # fmt: skip
def test_no_terminal_makes_a_program_fail(inputs, command, terminal, usual):
    found = run_in(TERMINALS[terminal], COMMANDS[command], inputs)
    assert judged(TERMINALS[terminal], *found, usual) == ""


def test_a_program_names_files_beyond_the_encoding(inputs):
    status, said = run_in(TERMINALS["ASCII, strict"], COMMANDS["check"], inputs)
    assert status == 1
    assert ODD.encode("ascii", "backslashreplace").decode() in said


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_streams_take_every_text(monkeypatch, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr("sys.stdout", stream)
    prepare_streams()
    print(ODD, "\udcfc", flush=True)
    written = stream.buffer.getvalue().decode(encoding)
    assert written == f"{ODD} \udcfc\n".encode(encoding, "backslashreplace").decode(encoding)


def test_streams_that_are_closed_are_replaced(monkeypatch):
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(f"sys.{name}", None)
    prepare_streams()
    import sys

    print("lost")
    assert sys.stdin.read() == ""
    logging.StreamHandler(sys.stderr).flush()
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.close()


def test_processes_inherit_what_replaces_a_closed_stream():
    code = """
import subprocess, sys
from ecg12.runtime.terminal import prepare_streams
prepare_streams()
sys.exit(subprocess.run([sys.executable, "-c", "import os; os.fstat(2)"]).returncode)
"""
    done = subprocess.run([sys.executable, "-c", code], preexec_fn=lambda: os.close(2))
    assert done.returncode == 0


def test_a_log_that_cannot_be_written_is_no_traceback():
    code = """
import logging, os
from ecg12.runtime.progress import log_to
log_to(open("/dev/full", "w"))
logging.getLogger("ecg12").info("x")
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
