"""How a program ends on SIGINT (Ctrl-C) and SIGTERM: at once, with one line and nothing left over.

All that is written is whole or absent, and a program that is killed goes on with the same command.
So a signal needs no exception that finds its way through whatever runs at the moment, libraries
included: a thread waits for it, ends the worker processes, removes unfinished files, writes one
line, and ends the process.
"""

import atexit
import os
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from ecg12.runtime.terminal import reserve_descriptors

Held = TypeVar("Held")
ENDINGS = {signal.SIGINT: ("interrupted", 130), signal.SIGTERM: ("terminated", 143)}
POLL = 0.25  # s between a worker's looks at whether its parent lives
PATIENCE = 1.0  # s that workers have to end
TO_WRITE = 0.3  # s that results have to leave for a reader
TO_STOP = 0.2  # s that the main thread has to begin to wait for the end
HOLD = 3.0  # s that it waits; all of the end takes less
_received: list[int] = []  # signals that end this process
_unfinished: set[Path] = set()  # files and folders that are to go
_lock = threading.Lock()  # of these; whoever ends the process keeps it
_keepers: set[int] = set()  # threads that have or want it
_installed = threading.Event()
_ending = threading.Event()


@contextmanager
def unfinished(make: Callable[[], tuple[Path, Held]]) -> Iterator[tuple[Path, Held]]:
    """Make a file or folder that a signal removes until the block ends.

    Parameters
    ----------
    make
        Makes it; returns its path, and what else the block needs. A signal waits meanwhile.
    """
    with _locked():
        path, held = make()
        _unfinished.add(path)
    try:
        yield path, held
    finally:
        with _locked():
            _unfinished.discard(path)


@contextmanager
def _locked() -> Iterator[None]:
    """Keep `_lock` for the block, which a signal lets come to its end."""
    thread = threading.get_ident()
    _keepers.add(thread)
    try:
        with _lock:
            yield
    finally:
        _keepers.discard(thread)
    if _received:
        time.sleep(HOLD)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a temporary folder, which also a signal removes."""
    with unfinished(lambda: (Path(tempfile.mkdtemp(prefix="ecg12-")), None)) as (path, _):
        try:
            yield path
        finally:
            shutil.rmtree(path)


def _gather_temporary_files() -> None:
    """Let all temporary files, also those of libraries, be in one folder that goes at the end."""
    with suppress(OSError):  # such as a full disk: whoever needs a file says so
        place = Path(tempfile.mkdtemp(prefix="ecg12-"))
        _unfinished.add(place)
        tempfile.tempdir = str(place)
        atexit.register(shutil.rmtree, place, ignore_errors=True)


def common_temporary_folder() -> Path:
    """Return the folder of all programs' temporary files, also where this one gathers its own."""
    place = Path(tempfile.gettempdir())
    return place.parent if place in _unfinished else place


def end_on_signals(program: str) -> None:
    """From now on end this process on SIGINT with status 130 and on SIGTERM with 143.

    Call it in the main thread, as early as possible. A signal that is ignored already stays so.

    Parameters
    ----------
    program
        Begins the line on standard error, such as ``ecg12: interrupted``.
    """
    reserve_descriptors()
    _gather_temporary_files()
    numbers = [n for n in ENDINGS if signal.getsignal(n) is not signal.SIG_IGN]
    _listen(numbers, program, os.dup(2))  # of which a library may divert the original for a while
    atexit.register(_ignore)
    spare_children()


def end_with_parent() -> None:
    """Be a worker process: end, without a line, on SIGTERM or when the parent has ended.

    Ctrl-C is left to the parent, also where a library has undone the mask (`spare_children`): a
    `KeyboardInterrupt` of a worker would end the parent as one of its own.
    """
    if not _installed.is_set():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _listen([signal.SIGTERM], "", -1)


def spare_children() -> None:
    """Let processes that are started from now on not see Ctrl-C; they are ended with SIGTERM.

    A terminal sends SIGINT to all processes, and each would write a traceback. They inherit the
    mask of the thread that starts them. Of no effect before `end_on_signals`.
    """
    if _installed.is_set():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def hold_if_ending() -> None:
    """Say nothing of worker processes that have ended because this one is ended by a signal."""
    if _ending.is_set():
        time.sleep(HOLD)


def _ignore() -> None:
    """Let a program that has done its work end as it would: Python drops its handlers first."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)


class Terminated(KeyboardInterrupt):
    """SIGTERM came, within `own_handlers`."""


@contextmanager
def own_handlers() -> Iterator[None]:
    """Let the block handle signals itself, as a server does that answers what it has begun.

    Raises
    ------
    KeyboardInterrupt, Terminated
        On a signal that the block does not handle.
    """
    if not _installed.is_set():
        yield
        return
    listening = signal.set_wakeup_fd(-1)
    earlier = [signal.signal(signal.SIGINT, signal.default_int_handler)]
    earlier.append(signal.signal(signal.SIGTERM, _raise))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        spare_children()
        for number, handler in zip(ENDINGS, earlier, strict=True):
            signal.signal(number, handler)
        signal.set_wakeup_fd(listening, warn_on_full_buffer=False)


def _raise(*_: object) -> None:
    raise Terminated


def _hold(number: int, _: object) -> None:
    """Let the main thread do nothing more: it might write again what is being removed.

    Not while it keeps `_lock`, for which the removal waits.
    """
    _received.append(number)
    if threading.get_ident() not in _keepers:
        time.sleep(HOLD)


def _listen(numbers: list[signal.Signals], program: str, shown: int) -> None:
    """Start the thread that waits for signals."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    threading.Thread(target=_watch, args=(reading, program, shown), daemon=True).start()
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, _hold)
    _installed.set()


def _watch(reading: int, program: str, shown: int) -> None:
    """Wait for a signal, or a worker for the end of its parent, and end the process."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
    parent, number = os.getppid(), 0
    readable = select.poll()
    readable.register(reading, select.POLLIN)
    while number not in ENDINGS:
        if readable.poll(None if program else 1000 * POLL):
            number = os.read(reading, 1)[0]
        elif os.getppid() != parent:
            number = signal.SIGTERM
    said, status = ENDINGS[signal.Signals(number)]
    _ending.set()
    try:
        children = _descendants()
        _send(children, signal.SIGTERM)
        _stop()
        _lock.acquire()  # and keep it: nothing is begun any more
        _remove()
        _await(children)
        _send(set(filter(_works, _descendants())), signal.SIGKILL)  # begun meanwhile
        _remove()  # what a library has written meanwhile, where the main thread was within it
        if program:
            _flush()
            os.write(shown, f"{_line_end()}{program}: {said}\n".encode())
    finally:  # whatever happens, such as a closed terminal
        os._exit(status)


def _descendants() -> set[int]:
    """Return the processes below this one, where the system tells (Linux)."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            parent = path.read_text(errors="replace").rpartition(")")[2].split()[1]
            children.setdefault(int(parent), []).append(int(path.parent.name))
    found, waiting = set(), [os.getpid()]
    while waiting:
        own = children.get(waiting.pop(), [])
        found.update(own)
        waiting += own
    return found


def _send(processes: set[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


def _await(processes: set[int]) -> None:
    """Wait for processes to end, and kill those that take too long.

    Joblib's tracker of resources ignores signals: it removes what others leave, and ends itself.
    """
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and any(map(_works, processes)):
        time.sleep(0.01)
    _send(set(filter(_works, processes)), signal.SIGKILL)


def _works(process: int) -> bool:
    """Tell whether a process has not ended, and would end on SIGTERM."""
    try:
        status = Path(f"/proc/{process}/status").read_text(errors="replace")
    except OSError:
        return False
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    ignored = int(fields["SigIgn"], 16) >> (signal.SIGTERM - 1) & 1
    return fields["State"][0] not in "ZX" and not ignored


def _stop() -> None:
    """Wait until the main thread waits (`_hold`), or is in a call that takes longer.

    This thread may have got the signal, since the main thread blocks SIGINT (`spare_children`).
    SIGTERM interrupts what the main thread waits for.
    """
    main = threading.main_thread().ident
    until = time.monotonic() + TO_STOP
    while not _received and time.monotonic() < until:
        if main is not None and signal.getsignal(signal.SIGTERM) is _hold:
            signal.pthread_kill(main, signal.SIGTERM)
        time.sleep(0.005)


def _remove() -> None:
    """Remove what is unfinished."""
    for path in _unfinished:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _flush() -> None:
    """Write what is still held of standard output, if its reader takes it."""
    if sys.stdout is not None:
        flushing = threading.Thread(target=sys.stdout.flush, daemon=True)
        flushing.start()
        flushing.join(TO_WRITE)


def _line_end() -> str:
    """Return what ends the line of a progress bar that is shown."""
    progress = sys.modules.get("ecg12.runtime.progress")
    is_open = getattr(progress, "bar_is_open", None)  # it may be half imported
    return "\n" if is_open and is_open() else ""
