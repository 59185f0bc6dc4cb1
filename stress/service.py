"""The service under load, under attack, and fuzzed.

    python -m stress.service [load] [flat] [hostile] [fuzz] [--seconds 600] [--requests 5000]

A service runs in a process of its own, with the model of the package.

`load` sends 200 recordings from 20 clients at once: all must be answered; it prints the median and
the 95th percentile of the time to the answer.

`flat` sends 5,000 requests and prints the service's own memory (anonymous, its readers' included)
on the way; from the first fifth to the end it must not grow by more than 10 %.

`hostile` sends a gigabyte, an archive that unpacks to more than memory, bodies that never end,
files of no known format and of wrong content, and opens 1,000 connections. Each must be refused,
and the service must answer as before.

`fuzz` sends what differs by a few random bytes from good requests: files of every format of
`tests/corpus`, bodies of multipart/form-data, and heads of requests. An answer of status 500, or
none, or a service that has ended, is a failure.
"""

import argparse
import http.client
import io
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ecg12.io.wfdb import write_record
from ecg12.synthetic import recording
from stress.targets import CORPUS, ROOT

CLIENTS, RECORDINGS, CONNECTIONS = 20, 200, 1000
GROWTH = 1.1  # of memory, at most
GIGABYTE = 2**30
INSERTED = (b"\r\n", b'"', b";", b"--", b"\0", b"\xff", b"99999999", b"%", b":", b"0")
Files = Sequence[tuple[str, bytes]]
EXPECTED = {200, 400, 403, 404, 405, 408, 411, 413, 415, 421, 422, 429, 503}


class Service:
    """A running `ecg12 serve`."""

    def __init__(self, log: Path) -> None:
        self._log = log.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ecg12", "serve", "--port", "0", "--runtime", "onnx"],
            cwd=ROOT, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        end = time.monotonic() + 300
        while not (found := re.search(rb"http://127\.0\.0\.1:(\d+)/", log.read_bytes())):
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the service did not start: {log.read_text()}")
            time.sleep(0.1)
        self.port = int(found[1])
        while self.status("/health") != 200:
            if self.process.poll() is not None:
                raise AssertionError(f"the service did not start: {log.read_text()}")
            time.sleep(0.1)

    def status(self, path: str) -> int:
        """Return the status of a GET, 0 where the service does not answer."""
        try:
            return ask(self.port, "GET", path)[0]
        except OSError:
            return 0

    def predict(self, files: Files, fields: dict[str, str] | None = None) -> int:
        """Return the status of a prediction."""
        body, kind = multipart(files, fields or {})
        return ask(self.port, "POST", "/v1/predict", body, {"Content-Type": kind})[0]

    def memory(self) -> float:
        """Return the anonymous memory of the process and its children, MB."""
        family = [self.process.pid, *children(self.process.pid)]
        return sum(anonymous(pid) for pid in family) / 1e3

    def check(self, good: Files) -> None:
        """Assert that it lives and answers."""
        if self.process.poll() is not None:
            raise AssertionError(f"the service ended with status {self.process.returncode}")
        end = time.monotonic() + 120
        while (status := self.predict(good)) != 200:
            if time.monotonic() > end:
                raise AssertionError(f"a good request has status {status}")
            time.sleep(0.5)

    def stop(self) -> int:
        """Stop it as a supervisor does; return its status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(120)
        self._log.close()
        return status


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in listed]


def anonymous(pid: int) -> int:
    """Return a process's own memory in kB, without the pages of files."""
    found = re.search(r"RssAnon:\s*(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0


def multipart(files: Files, fields: dict[str, str]) -> tuple[bytes, str]:
    """Return a body and its content type."""
    parts = [
        f'--b0undary\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, data in files:
        head = f'Content-Disposition: form-data; name="file"; filename="{name}"'
        parts += [f"--b0undary\r\n{head}\r\n\r\n".encode(), data, b"\r\n"]
    return b"".join([*parts, b"--b0undary--\r\n"]), "multipart/form-data; boundary=b0undary"


def ask(
    port: int, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Return the status and the body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body or None, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def raw(port: int, data: bytes, seconds: float) -> bytes:
    """Send bytes; return the beginning of the answer, or nothing if there is none in time."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as one:
        try:
            one.sendall(data)
            return one.recv(64)
        except OSError:
            return b""


def recordings(n: int) -> list[Files]:
    """Return synthetic recordings, a header and a signal file each."""
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(n):
            header = write_record(folder, recording(7, i))
            files = (header, header.with_suffix(".mat"))
            made.append([(path.name, path.read_bytes()) for path in files])
    return made


def from_clients(service: Service, sent: Sequence[Files], n: int, clients: int) -> list[float]:
    """Send n requests from so many clients at once; return the seconds of each.

    Raises
    ------
    AssertionError
        If one is not answered with a prediction.
    """
    places, times, wrong = iter(range(n)), list[float](), list[object]()
    lock = threading.Lock()

    def client() -> None:
        while not wrong:
            with lock:
                place = next(places, None)
            if place is None:
                return
            begun = time.monotonic()
            try:
                status: object = service.predict(sent[place % len(sent)])
            except OSError as error:
                status = error
            times.append(time.monotonic() - begun)
            if status != 200:
                wrong.append(status)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise AssertionError(f"{len(times)} requests, then {wrong[0]!r}")
    return times


def load(service: Service, _: argparse.Namespace) -> str:
    """Send 200 recordings from 20 clients."""
    sent = recordings(RECORDINGS)
    from_clients(service, sent[:CLIENTS], CLIENTS, 1)  # all is loaded
    begun = time.monotonic()
    times = from_clients(service, sent, RECORDINGS, CLIENTS)
    rate = RECORDINGS / (time.monotonic() - begun)
    middle, high = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    alone = statistics.median(from_clients(service, sent, 20, 1))
    return (
        f"{RECORDINGS} recordings from {CLIENTS} clients: all answered, p50 {middle:.2f} s, "
        f"p95 {high:.2f} s, {rate:.1f} a second; one client alone: p50 {alone:.2f} s"
    )


def flat(service: Service, options: argparse.Namespace) -> str:
    """Send thousands of requests and watch the memory."""
    sent, step = recordings(20), max(1, options.requests // 10)
    seen = []
    for _ in range(10):
        from_clients(service, sent, step, 4)
        seen.append(service.memory())
        print(f"flat: {len(seen) * step} requests, {seen[-1]:.0f} MB", flush=True)
    if max(seen[2:]) > GROWTH * seen[1]:
        raise AssertionError(f"memory grows: {[round(one) for one in seen]} MB")
    return f"{10 * step} requests: memory in MB every {step}: {[round(one) for one in seen]}"


def hostile(service: Service, _: argparse.Namespace) -> str:
    """Send what nobody should send."""
    [good] = recordings(1)
    wrong = {"a.png": b"\x89PNG\r\n\x1a\n" + os.urandom(999), "a.edf": os.urandom(99_999)}
    found = {
        "1 GB announced": announced(service.port, GIGABYTE),
        "1 GB in chunks": in_chunks(service.port, GIGABYTE),
        "zip bomb": service.predict([("bomb.npz", bomb())], {"rate": "500", "unit": "mV"}),
        "wrong type": service.predict(list(wrong.items())[:1]),
        "wrong content": service.predict(list(wrong.items())[1:]),
    }
    service.check(good)
    with slow(service.port, 30) as bodies:
        service.check(good)  # beside them
        found["30 slow bodies"] = min(int(one.recv(16).split()[1]) for one in bodies)
    refused, opened = 0, []
    for _ in range(CONNECTIONS):
        try:
            opened.append(socket.create_connection(("127.0.0.1", service.port), timeout=10))
        except OSError:
            refused += 1
    for one in opened:
        one.close()
    service.check(good)
    expected = {413, 415, 422, 408}
    if not set(found.values()) <= expected:
        raise AssertionError(f"not refused: {found}")
    return f"{found}; {CONNECTIONS} connections ({refused} refused); the service lives"


def announced(port: int, n: int) -> int:
    """Announce a body of n bytes and send it until there is an answer; return its status."""
    head = "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; "
    return _sent(port, f"{head}boundary=b\r\nContent-Length: {n}\r\n\r\n".encode(), bytes(2**20))


def in_chunks(port: int, n: int) -> int:
    """Send a file in chunks until there is an answer; return its status."""
    head = "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; "
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    first = f"{head}boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return _sent(port, first + _chunk(part), _chunk(bytes(2**20)), n // 2**20)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _sent(port: int, first: bytes, more: bytes, times: int = 1024) -> int:
    """Send `first`, then `more` again and again until there is an answer; return its status."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as one:
        one.sendall(first)
        one.setblocking(False)
        left = more * 1
        count = 0
        while True:
            try:
                answer = one.recv(64)
                return int(answer.split()[1]) if answer else 0
            except BlockingIOError:
                pass
            try:
                left = left[one.send(left) :]
            except BlockingIOError:
                time.sleep(0.001)
            if not left:
                count += 1
                if count > times:
                    one.setblocking(True)
                    return int(one.recv(64).split()[1])
                left = more


def bomb() -> bytes:
    """Return a small archive of an array of 4 GB."""
    packed, head = io.BytesIO(), io.BytesIO()
    shape = {"descr": "<f8", "fortran_order": False, "shape": (12, 5 * 10**7)}
    np.lib.format.write_array_header_1_0(head, shape)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("signals.npy", "w", force_zip64=True) as file:
            file.write(head.getvalue())
            for _ in range(300):
                file.write(bytes(2**24))
    return packed.getvalue()


@contextmanager
def slow(port: int, n: int) -> Iterator[list[socket.socket]]:
    """Open n requests whose bodies never end."""
    head = (
        b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b"
    )
    opened = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(n)]
    for one in opened:
        one.sendall(head)
    try:
        yield opened
    finally:
        for one in opened:
            one.close()


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Change, delete, insert or repeat a few random bytes."""
    copy = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        near = chance.random() < 0.5  # half of the faults in the head
        at = chance.randrange(max(1, min(len(copy), 500) if near else len(copy)))
        kind = chance.randrange(4)
        if kind == 0 and copy:
            copy[min(at, len(copy) - 1)] = chance.randrange(256)
        elif kind == 1:
            del copy[at : at + chance.randint(1, 40)]
        elif kind == 2:
            copy[at:at] = chance.choice(INSERTED)
        else:
            copy[at:at] = copy[at : at + chance.randint(1, 40)]
    return bytes(copy)


def seeds() -> list[Files]:
    """Return good uploads: a file of each format, and WFDB recordings."""
    folders = ("aecg", "array", "cardiosoft", "dicom", "edf", "ishne", "muse", "philips", "scp")
    files = [path for name in folders for path in sorted((CORPUS / name).iterdir())]
    return [*([(path.name, path.read_bytes())] for path in files), *recordings(2)]


def fuzz(service: Service, options: argparse.Namespace) -> str:
    """Send mutants for so many seconds."""
    chance, good = random.Random(options.seed), seeds()
    counts: Counter[str] = Counter()
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        files = chance.choice(good)
        kind = chance.choice(["file", "body", "head"])
        if kind == "file":
            files = [(name, mutated(data, chance)) for name, data in files]
        fields = {"include": "signals,csv"} if chance.random() < 0.3 else {}
        body, content = multipart(files, fields)
        head = (
            f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        ).encode()
        if kind == "body":
            body = mutated(body, chance)
            head = re.sub(rb"Length: \d+", b"Length: %d" % len(body), head)
        if kind == "head":
            head = mutated(head, chance)
        answer = raw(service.port, head + body, 1 if kind == "head" else 120)
        status = int(answer.split()[1]) if answer.startswith(b"HTTP/") else 0
        counts[f"{kind} {status}"] += 1
        if status not in EXPECTED | ({0} if kind == "head" else set()):
            raise AssertionError(f"status {status} to {head + body!r}"[:3000])
        if service.process.poll() is not None:
            raise AssertionError(f"the service ended after {head + body!r}"[:3000])
    service.check(good[-1])
    return f"{counts.total()} requests in {options.seconds} s: {dict(sorted(counts.items()))}"


WAYS = {"load": load, "flat": flat, "hostile": hostile, "fuzz": fuzz}


def main() -> None:
    """Run what is named, or all; end with status 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ways", nargs="*", default=list(WAYS), metavar="|".join(WAYS))
    parser.add_argument("--seconds", type=int, default=600, help="of fuzz (default %(default)s)")
    parser.add_argument("--requests", type=int, default=5000, help="of flat (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of fuzz (default %(default)s)")
    options = parser.parse_args()
    failed = 0
    for name in options.ways:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            service = Service(log)
            try:
                print(f"{name}: {WAYS[name](service, options)}", flush=True)
            except AssertionError as error:
                failed += 1
                print(f"{name}: FAILED: {error}", flush=True)
            if (status := service.stop()) != 0:
                failed += 1
                print(f"{name}: the service stopped with status {status}", flush=True)
            errors = [line for line in log.read_text().splitlines() if '"status": 500' in line]
            failed += bool(errors)
            print("\n".join(json.dumps(json.loads(line)) for line in errors[:3]), end="")
    sys.exit(min(failed, 1))


if __name__ == "__main__":
    main()
