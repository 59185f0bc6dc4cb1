"""The log: time and level before each message, here and in the processes that run jobs."""

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d (INFO|WARNING|ERROR) (.*)")

# Each job logs, one in a process of its own.
CODE = """
import logging, sys
from functools import partial
from ecg12.runtime.executors import LocalExecutor
from ecg12.runtime.isolated import isolated
from ecg12.runtime.progress import bar, log_to
from tests.runtime.test_progress import say

log_to({stream})
logging.getLogger("ecg12").info("begun")
say("here")
list(LocalExecutor(2).in_order(say, [("worker 1",), ("worker 2",)]))
isolated(say, "alone")
for _ in bar(range(3), desc="bar"):
    logging.getLogger("ecg12").error("beside a bar\\x1b[31m")
logging.getLogger("ecg12").debug("not shown")
"""


def say(text):
    logging.getLogger("ecg12").warning("%s: two\nlines", text)


@pytest.mark.parametrize(("stream", "other"), [("stdout", "stderr"), ("stderr", "stdout")])
def test_lines_have_time_and_level_also_of_workers(stream, other):
    code = CODE.format(stream=f"sys.{stream}")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    written = {"stdout": done.stdout, "stderr": done.stderr}
    found = [line.rpartition("\r")[2] for line in written[stream].splitlines() if line.strip()]
    parsed = [LINE.fullmatch(line.strip()) for line in found]
    lines = [match.groups()[1:] for match in parsed if match]
    assert lines[0] == ("INFO", "begun")
    assert sorted(lines[1:5]) == [
        ("WARNING", f"{text}: two") for text in ("alone", "here", "worker 1", "worker 2")
    ]
    assert lines[5:] == [("ERROR", "beside a bar\\x1b[31m")] * 3
    assert found.count("lines") == 4
    assert "begun" not in written[other]
    assert "\x1b[31m" not in done.stdout + done.stderr
    assert "3/3" in done.stderr  # the bar


def test_a_process_that_does_not_log_starts_none_that_do():
    code = """
from ecg12.runtime.isolated import isolated
from tests.runtime.test_progress import handlers
print(isolated(handlers))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"


def handlers():
    return len(logging.getLogger().handlers)
