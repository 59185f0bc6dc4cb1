"""Signals end a program at once: one line, its status, no process and no unfinished file left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stress.interrupting import COMMANDS, clear, interrupt, make_world, results, session, start

ROOT = Path(__file__).parents[2]
# With workers that write, which a thread may have started; writes itself; swallows what is raised
# in it, beside 1,100 open files.
CODE = """
import os, resource, sys, tempfile, time
from pathlib import Path
if sys.argv[1] == "swallowing":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(1100)]
from ecg12.runtime.interrupts import end_on_signals, temporary_folder
end_on_signals("program")
from ecg12.runtime.executors import LocalExecutor
from ecg12.runtime.files import atomic_write
from ecg12.runtime.prefetch import prefetch
from ecg12.runtime.progress import bar
from tests.runtime.test_interrupts import write

kind, folder = sys.argv[1], Path(sys.argv[2])
def ready():
    (folder / "ready").touch()
jobs = [(folder / str(i), 60) for i in range(4)]
def work(jobs):
    return list(bar(LocalExecutor(2).in_order(write, jobs)))
if kind == "workers":
    work(jobs)
if kind == "ahead":
    list(prefetch(work, [jobs], 1, 1))
with temporary_folder() as place, atomic_write(folder / "own.txt") as path:
    path.write_text("half")
    (place / "x").touch()
    os.close(tempfile.mkstemp()[0])  # as libraries do
    while kind == "writing":
        path.write_text("half")  # by its name, as libraries do
        ready()
    while True:
        ready()
        try:
            time.sleep(60)
        except BaseException:
            pass
"""
# They end as train_model.py does, and take as long; the campaign has them, too.
TRAINING = {"pretrain", "finetune", "crossval", "search", "export"}
ENDINGS = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "terminated")}


def write(path, seconds):
    """Write a file for a long time, in a worker."""
    from ecg12.runtime.files import atomic_write

    with atomic_write(path) as temporary:
        temporary.write_text("half")
        (path.parent / f"ready{path.name}").touch()
        time.sleep(seconds)


@pytest.mark.parametrize("number", ENDINGS, ids=lambda n: n.name)
@pytest.mark.parametrize("kind", ["swallowing", "writing", "workers", "ahead"])
def test_a_signal_ends_all_and_leaves_nothing(tmp_path, kind, number):
    (tmp_path / "tmp").mkdir()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background job of sh
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, kind, str(tmp_path)],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
    )  # fmt: skip
    wanted = ["ready0", "ready1"] if kind in ("workers", "ahead") else ["ready"]
    until = time.monotonic() + 120
    while not all((tmp_path / name).exists() for name in wanted):
        assert time.monotonic() < until
        time.sleep(0.02)
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    _, err = process.communicate(timeout=60)
    status, said = ENDINGS[number]
    assert process.returncode == status
    assert err.splitlines()[-1] == f"program: {said}"
    assert "Traceback" not in err
    assert "worker" not in err
    until = time.monotonic() + 30  # two seconds on an idle machine, as the campaign checks
    while left := list(session(process.pid)):
        assert time.monotonic() < until, left
        time.sleep(0.02)
    assert [path for path in (tmp_path / "tmp").iterdir() if path.name != ".ses"] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*wanted, "tmp"])


def blocked():
    """Tell whether this process was started without a view of SIGINT."""
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_workers_do_not_see_sigint_from_their_first_moment():
    code = """
from ecg12.runtime.interrupts import end_on_signals
end_on_signals("program")
from ecg12.runtime.executors import LocalExecutor
from tests.runtime.test_interrupts import blocked
print(*LocalExecutor(2).in_order(blocked, [(), ()]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True True\n", "")


def test_temporary_files_of_libraries_go_at_the_end(tmp_path):
    code = (
        "import tempfile\nfrom ecg12.runtime import interrupts\ninterrupts.end_on_signals('x')\n"
        "print(tempfile.mkdtemp(), interrupts.common_temporary_folder())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    made, common = map(Path, done.stdout.split())
    assert made.parents[1] == common == tmp_path
    assert (done.stderr, list(tmp_path.iterdir())) == ("", [])


def test_a_worker_ends_when_its_parent_was_killed(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, "workers", str(tmp_path)],
        cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 120
    while not all((tmp_path / name).exists() for name in ("ready0", "ready1")):
        assert time.monotonic() < until  # both workers must be at their jobs
        time.sleep(0.02)
    process.kill()
    process.wait()
    until = time.monotonic() + 30
    while left := list(session(process.pid)):
        assert time.monotonic() < until, left
        time.sleep(0.02)


def test_a_signal_that_is_ignored_stays_ignored(tmp_path):
    """As for a job that nohup or a shell without job control starts."""
    code = (
        "import os, signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from ecg12.runtime.interrupts import end_on_signals\nend_on_signals('x')\n"
        "os.kill(os.getpid(), signal.SIGINT)\nprint('on')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("on\n", "")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Write what the commands read."""
    folder = tmp_path_factory.mktemp("interrupted")
    make_world(folder, 12)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in TRAINING])
def test_three_moments_of_long_commands(world, name):
    """Soon after its start, and twice later; then the same command does all."""
    clear(world)
    begun = time.monotonic()
    assert start(name, world, world / "stderr").wait() == 0
    seconds, expected = time.monotonic() - begun, results(world)
    clear(world)
    for share, number in ((0.1, signal.SIGINT), (0.4, signal.SIGTERM), (0.7, signal.SIGINT)):
        interrupt(name, world, number, share * seconds)
    assert start(name, world, world / "stderr").wait() == 0, (world / "stderr").read_text()
    assert results(world) == expected
