"""Jobs in processes and on a cluster: results as they end or in order, whatever is killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecg12.runtime.errors import InputError
from ecg12.runtime.executors import ClusterExecutor, LocalExecutor
from ecg12.runtime.isolated import isolated
from stress.loopback import ROOT, free_port, kill, loopback

THREADS = "TF_NUM_INTRAOP_THREADS"


def square(number):
    return number**2


def refuse(number):
    raise InputError(f"no {number}")


def die_once(number, mark):
    """Kill this process at the first call for a job that has a mark."""
    if mark and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def die(number):
    os.kill(os.getpid(), signal.SIGKILL)


class PairError(Exception):
    """An error that pickle cannot make again: its class takes two arguments."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def refuse_twice():
    raise PairError("a", "b")


def threads_of(_):
    return os.environ.get(THREADS)


def test_each_worker_has_its_share_of_the_threads_and_the_caller_keeps_all(monkeypatch):
    """12 processors, 3 workers: 4 threads each, also for the last two jobs of a resumed run."""
    monkeypatch.delenv(THREADS, raising=False)
    monkeypatch.setattr("ecg12.runtime.executors.cpu_count", lambda: 12)
    executor = LocalExecutor(3)
    assert list(executor.in_order(threads_of, [(0,), (1,)])) == ["4", "4"]
    assert dict(executor.completed(threads_of, {"a": (0,)})) == {"a": "4"}
    assert THREADS not in os.environ
    assert list(LocalExecutor(1).in_order(threads_of, [(0,)])) == [None]
    monkeypatch.setenv(THREADS, "5")
    assert list(executor.in_order(threads_of, [(0,), (1,)])) == ["5", "5"]


@pytest.mark.parametrize("workers", [1, 2])
def test_results_of_a_local_executor(workers):
    executor = LocalExecutor(workers)
    jobs = {f"job {number}": (number,) for number in range(9)}
    assert dict(executor.completed(square, jobs)) == {
        key: number**2 for key, (number,) in jobs.items()
    }
    assert list(executor.in_order(square, list(jobs.values()))) == [n**2 for n in range(9)]
    assert list(executor.in_order(square, [])) == []
    with pytest.raises(InputError, match="no 3"):
        list(executor.completed(refuse, {0: (3,)}))


def test_jobs_run_in_the_folder_of_their_caller(tmp_path, monkeypatch):
    """Processes are used again; the caller may be in another folder by then."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        jobs = {number: () for number in range(4)}
        folders = dict(LocalExecutor(2).completed(os.getcwd, jobs)).values()
        assert set(folders) == {str(tmp_path / name)}


@pytest.mark.slow
def test_a_local_executor_outlives_its_processes(tmp_path):
    marks = {2: str(tmp_path / "two"), 5: str(tmp_path / "five")}
    jobs = {number: (number, marks.get(number)) for number in range(8)}
    squares = {number: number**2 for number in jobs}
    assert dict(LocalExecutor(2).completed(die_once, jobs)) == squares
    with pytest.raises(InputError, match="5 worker processes were killed one after the other"):
        dict(LocalExecutor(2).completed(die, {1: (1,)}))


@pytest.mark.slow
def test_results_in_order_outlive_their_processes(tmp_path):
    """As the recordings of a folder are prepared; nothing but one line tells of the deaths."""
    marks = {number: str(tmp_path / str(number)) for number in (0, 3, 6)}
    arguments = [(number, marks.get(number)) for number in range(9)]
    code = f"""
from ecg12.runtime.executors import LocalExecutor
from tests.runtime.test_executors import die, die_once
print(list(LocalExecutor(2).in_order(die_once, {arguments!r})))
try:
    list(LocalExecutor(2).in_order(die, [(1,), (2,)]))
except ValueError as error:
    print(error)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    squares, error = done.stdout.splitlines()
    assert squares == repr([number**2 for number in range(9)])
    assert error.startswith("5 worker processes were killed one after the other")
    lines = done.stderr.splitlines()
    assert len(lines) >= 6
    assert {line.split("; ")[1] for line in lines} == {"its jobs are run again"}


# A process of its own


@pytest.mark.slow
def test_a_job_alone_is_undisturbed_and_outlives_its_process(tmp_path):
    assert isolated(die_once, 3, str(tmp_path / "mark")) == 9
    assert isolated(os.getpid) != os.getpid()
    with pytest.raises(InputError, match="no 3"):
        isolated(refuse, 3)
    with pytest.raises(InputError, match="die: its process was killed 5 times"):
        isolated(die, 1)


@pytest.mark.slow
def test_an_error_that_cannot_be_sent_arrives_in_words():
    with pytest.raises(RuntimeError, match="PairError: a and b"):
        isolated(refuse_twice)


def length(data):
    return len(data)


def refuse_to_start(tmp_path, monkeypatch, times):
    """Let the next processes die before they have read their job, so often."""
    program = tmp_path / "python"
    program.write_text(
        f"""#!/bin/sh
n=$(ls {tmp_path}/died* 2>/dev/null | wc -l)
if [ "$n" -lt {times} ]; then touch {tmp_path}/died$n; kill -9 $$; fi
exec {sys.executable} "$@"
"""
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def test_a_process_that_dies_before_it_has_read_its_job_is_tried_again(tmp_path, monkeypatch):
    """The job is larger than a pipe's buffer, so that writing it fails."""
    refuse_to_start(tmp_path, monkeypatch, times=3)
    assert isolated(length, b"x" * 2**22) == 2**22
    assert len(list(tmp_path.glob("died*"))) == 3
    refuse_to_start(tmp_path, monkeypatch, times=100)
    with pytest.raises(InputError, match="length: its process was killed 5 times"):
        isolated(length, b"x" * 2**22)


def answer_half(mark):
    """Write the beginning of an answer and die, once."""
    if not Path(mark).exists():
        Path(mark).touch()
        os.write(int(sys.argv[1]), (2**20).to_bytes(8, "big") + b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    return "whole"


def test_half_an_answer_is_none(tmp_path):
    assert isolated(answer_half, str(tmp_path / "mark")) == "whole"


def wait_in_child(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)


def test_a_job_alone_ends_with_the_process_that_asked(tmp_path):
    note = tmp_path / "pid"
    code = f"from test_executors import *; isolated(wait_in_child, {str(note)!r})"
    paths = f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'runtime'}"
    asking = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": paths})
    until(lambda: note.exists() and note.read_text())
    child = int(note.read_text())
    kill(asking)
    until(lambda: not Path(f"/proc/{child}").exists() or "zombie" in status(child))


def status(pid):
    return Path(f"/proc/{pid}/status").read_text()


def until(holds, seconds=30):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


# A cluster on loopback


@pytest.fixture
def cluster(tmp_path):
    """Run a scheduler and two workers."""
    pytest.importorskip("distributed", reason="no Dask; pip install -e '.[cluster]'")
    with loopback(tmp_path, 2) as running:
        yield running


def slow_square(number, folder):
    """Note each begun and each finished call in a file."""
    path = Path(folder) / f"job{number}"
    path.with_suffix(".begun").touch()
    time.sleep(0.5)
    path.with_suffix(".done").touch()
    return number**2


@pytest.mark.cluster
def test_a_cluster_outlives_worker_and_scheduler(cluster, tmp_path):
    folder = tmp_path / "jobs"
    folder.mkdir()
    jobs = {number: (number, str(folder)) for number in range(12)}
    found = []
    for key, result in ClusterExecutor(cluster.address, patience=60).completed(slow_square, jobs):
        found.append((key, result))
        if len(found) == 2:
            kill(cluster.workers[0])
        if len(found) == 4:
            kill(cluster.scheduler)
            cluster.start_scheduler()
            for worker in cluster.workers:
                kill(worker)
        cluster.keep_workers(2)
    assert sorted(found) == [(number, number**2) for number in range(12)]


@pytest.mark.cluster
def test_a_cluster_gives_results_in_order_and_errors_as_they_are(cluster):
    executor = ClusterExecutor(cluster.address, patience=60)
    arguments = [(number,) for number in range(300)]
    assert list(executor.in_order(square, arguments)) == [number**2 for number in range(300)]
    with pytest.raises(InputError, match="no 3"):
        list(executor.completed(refuse, {0: (3,)}))


@pytest.mark.cluster
def test_a_scheduler_out_of_reach_is_named():
    pytest.importorskip("distributed", reason="no Dask; pip install -e '.[cluster]'")
    executor = ClusterExecutor(f"tcp://127.0.0.1:{free_port()}", patience=0)
    with pytest.raises(InputError, match=r"tcp://127.* no scheduler to be reached for 0 s"):
        list(executor.completed(square, {0: (3,)}))


@pytest.mark.cluster
@pytest.mark.parametrize("address", ["typo", "http://typo:1", "tcp://"])
def test_an_address_of_no_scheduler_is_refused(address):
    pytest.importorskip("distributed", reason="no Dask; pip install -e '.[cluster]'")
    with pytest.raises(InputError, match=f"'{address}' is no scheduler's address"):
        list(ClusterExecutor(address).completed(square, {0: (3,)}))


@pytest.mark.cluster
def test_what_listens_and_never_answers_is_given_up():
    """A client of Dask would wait for it for ever."""
    pytest.importorskip("distributed", reason="no Dask; pip install -e '.[cluster]'")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        executor = ClusterExecutor(f"tcp://127.0.0.1:{silent.getsockname()[1]}", first=1)
        with pytest.raises(InputError, match="no scheduler to be reached for 1 s"):
            list(executor.completed(square, {0: (3,)}))


@pytest.mark.cluster
def test_a_scheduler_without_workers_is_given_up(tmp_path):
    pytest.importorskip("distributed", reason="no Dask; pip install -e '.[cluster]'")
    with loopback(tmp_path, 0) as running:
        executor = ClusterExecutor(running.address, patience=3)
        with pytest.raises(InputError, match=r"no worker for 3 s"):
            list(executor.completed(square, {0: (3,)}))


def test_a_cluster_without_dask_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match="a Dask cluster needs distributed; .* pip install"):
        list(ClusterExecutor("tcp://127.0.0.1:1").completed(square, {0: (3,)}))
