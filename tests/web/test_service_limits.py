"""The service under load: what is too large, slow or broken is refused, and it lives on."""

import asyncio
import io
import os
import resource
import signal
import socket
import threading
import time
import zipfile
from contextlib import suppress
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
from starlette.requests import Request

from ecg12.io.leads import LEADS
from ecg12.io.wfdb import write_record
from ecg12.web.limits import Limits
from ecg12.web.uploads import Receiver, Upload

CORPUS = Path(__file__).parents[1] / "corpus"


def test_a_large_request_is_refused_before_it_is_sent(serve, pair):
    with serve(limits={"request_bytes": 100_000}) as one:
        status, answer = one.predict(pair)
        assert status == 413
        assert "MiB" in answer["error"]
        assert one.get("/health")[0] == 200


def test_a_large_chunked_request_is_refused(serve):
    with serve(limits={"request_bytes": 100_000}) as one:
        head = (
            "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        )
        part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
        with socket.create_connection(("127.0.0.1", one.port)) as raw:
            raw.sendall(head.encode() + b"%x\r\n%b\r\n" % (len(part), part))
            for _ in range(10):
                raw.sendall(b"%x\r\n%b\r\n" % (50_000, bytes(50_000)))
            raw.settimeout(20)
            assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


def test_more_files_or_recordings_than_allowed_are_refused(serve):
    edf = (CORPUS / "edf" / "edf.edf").read_bytes()
    with serve(limits={"files": 3, "recordings": 2}) as one:
        for n in (3, 4):
            status, answer = one.predict([(f"{i}.edf", edf) for i in range(n)])
            assert status == 413
            assert answer["error"].startswith(("3 recordings", "more than 3 files"))


def test_a_slow_body_is_refused(serve):
    with serve(limits={"idle_seconds": 0.3}) as one:
        head = (
            "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x"
        )
        with socket.create_connection(("127.0.0.1", one.port)) as raw:
            raw.sendall(head.encode())
            raw.settimeout(20)
            assert raw.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_asks_nothing_is_closed(serve):
    with serve(limits={"connection_seconds": 0.3}) as one:
        with socket.create_connection(("127.0.0.1", one.port)) as raw:
            raw.sendall(b"GET / HT")
            raw.settimeout(20)
            assert raw.recv(100) == b""


def test_too_many_connections_are_refused_and_the_service_lives(serve):
    with serve(limits={"connections": 20, "connection_seconds": 1.0}) as one:
        opened = [socket.create_connection(("127.0.0.1", one.port)) for _ in range(60)]
        refused = 0
        for raw in opened[20:]:
            raw.settimeout(20)
            refused += raw.recv(100).startswith(b"HTTP/1.1 503 ")
        assert refused == 40
        for raw in opened:
            raw.close()
        end = time.monotonic() + 20
        while one.get("/health")[0] != 200:
            assert time.monotonic() < end


@pytest.mark.parametrize(
    ("limits", "status"), [({"requests": 1}, 503), ({"client_requests": 1}, 429)]
)
def test_too_many_requests_are_told_to_wait(serve, pair, limits, status):
    with serve(limits=limits) as one:
        head = (
            "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x"
        )
        with socket.create_connection(("127.0.0.1", one.port)) as raw:
            raw.sendall(head.encode())
            end = time.monotonic() + 20
            while (found := one.predict(pair)[0]) == 200:
                assert time.monotonic() < end
            assert found == status
        while one.predict(pair)[0] != 200:
            assert time.monotonic() < end


@pytest.mark.slow
def test_an_archive_that_unpacks_to_more_than_memory_is_a_failure(client):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("signals.npy", "w") as file:
            head = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                head, {"descr": "<f8", "fortran_order": False, "shape": (12, 2**24)}
            )
            file.write(head.getvalue())
            for _ in range(12 * 8):
                file.write(bytes(2**24))
    assert len(packed.getvalue()) < 10_000_000
    fields = {"rate": "500", "unit": "mV", "leads": "I,II,V1"}
    status, answer = client.predict([("bomb.npz", packed.getvalue())], fields)
    assert status == 422
    assert "bomb.npz" in answer["failures"][0]["reason"]
    assert client.get("/health")[0] == 200


def archive_of(signals):
    packed = io.BytesIO()
    np.savez_compressed(packed, ecg=signals)
    return packed.getvalue()


def test_a_recording_that_would_fill_the_memory_of_the_service_is_a_failure(client):
    packed = archive_of(np.zeros((12, 400_000), np.int8))  # 4 s, 12 x 400,000 x 8 bytes
    assert len(packed) < 10_000
    said = {"rate": "100000", "unit": "mV", "leads": ",".join(LEADS)}
    status, answer = client.predict([("fast.npz", packed)], said)
    assert status == 422
    expected = "fast.npz: its first 4 s (12 leads at 100000 Hz) take 36.6 MiB; at most 32 are read"
    assert answer["failures"][0]["reason"] == expected


def test_a_long_recording_counts_by_its_beginning(serve, make_ecg):
    signals = (1000 * make_ecg(500, 60)).astype(np.int16)  # 12 x 30,000 x 8 bytes: 2.7 MiB
    said = {"rate": "500", "unit": "1 uV", "leads": ",".join(LEADS)}
    with serve(limits={"record_bytes": 2**20}) as one:
        status, answer = one.predict([("long.npz", archive_of(signals))], said)
    assert status == 200
    assert not answer["failures"]


def test_the_recordings_of_a_request_have_a_common_limit(serve, make_ecg):
    signals = (1000 * make_ecg(500, 10)).astype(np.int16)  # 12 x 5000 x 2 bytes
    said = {"rate": "500", "unit": "1 uV", "leads": ",".join(LEADS)}
    files = [(f"R{i}.npz", archive_of(signals)) for i in range(4)]
    files.append(("short.npz", archive_of(signals[:, :2500])))
    with serve(limits={"request_record_bytes": 300_000}) as one:
        status, answer = one.predict(files, said)
    assert status == 200
    assert [found["source"] for found in answer["recordings"]] == ["R0.npz", "R1.npz", "short.npz"]
    assert [found["reason"].partition(":")[0] for found in answer["failures"]] == [
        "R2.npz", "R3.npz"
    ]  # fmt: skip
    assert "takes 0.1 MiB" in answer["failures"][0]["reason"]


@pytest.mark.parametrize("at", range(1, 6))
def test_a_text_field_may_arrive_in_pieces(tmp_path, at):
    value = "5 µV".encode()
    head = b'--x\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n'
    rest = b"\r\n" + head % (b"file", b'; filename="a.csv"') + b"1\r\n--x--\r\n"
    pieces = [head % (b"unit", b"") + value[:at], value[at:] + rest]
    messages = [{"type": "http.request", "body": one, "more_body": True} for one in pieces]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        return messages.pop(0)

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    request, upload = Request({"type": "http", "headers": headers}, receive), Upload()
    asyncio.run(Receiver(Limits()).receive(request, tmp_path, upload))
    assert upload.fields == {"unit": "5 µV"}


def test_a_full_disk_is_said(client, pair):
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, most[1]))
    try:
        status, answer = client.predict(pair)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
        signal.signal(signal.SIGXFSZ, before)
    assert status == 503
    assert "cannot be held" in answer["error"]
    assert client.predict(pair)[0] == 200


def test_a_client_that_goes_away_leaves_nothing(serve, pair, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with serve(limits={"client_requests": 3}) as one:
        body, kind = one.body(pair)
        head = (
            f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        for sent in (len(body) // 2, len(body), len(body)):  # in its middle, and once it is there
            with socket.create_connection(("127.0.0.1", one.port)) as raw:
                raw.sendall(head + body[:sent])
        end = time.monotonic() + 60
        while one.predict(pair)[0] != 200 or len(list(tmp_path.glob("*/*"))) > 1:  # the lock
            assert time.monotonic() < end


def received(raw):
    """Return how many bytes can be received before the connection ends."""
    count = 0
    with suppress(ConnectionResetError):
        while part := raw.recv(2**20):
            count += len(part)
    return count


def test_an_answer_that_is_not_read_is_given_up(serve, make_record, tmp_path):
    for n in range(20):  # 6 MB of signals, more than the kernel takes
        write_record(tmp_path, make_record(f"R{n}", rate=1000))
    with serve(limits={"connection_seconds": 0.5, "connections": 5}) as one:
        files = [(path.name, path.read_bytes()) for path in tmp_path.iterdir()]
        body, kind = one.body(files, {"include": "signals"})
        head = (
            f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.connect(("127.0.0.1", one.port))
            raw.sendall(head + body)
            raw.settimeout(120)
            assert raw.recv(12) == b"HTTP/1.1 200"
            time.sleep(3)
            assert received(raw) < 5_000_000  # what the kernel held, of more than 6 MB


def readers():
    return [one for one in active_children() if one.name == "ecg12-reader"]


def test_a_reader_that_was_killed_is_replaced(client, pair):
    _, expected = client.predict(pair)
    for one in readers():
        os.kill(one.pid, signal.SIGKILL)
        one.join(10)
    status, answer = client.predict(pair)
    assert status == 200
    assert answer == expected


def test_a_reader_that_is_killed_while_it_works_costs_one_recording_at_most(client, pair):
    leads = "I,II,V1,V2,V3,V4,V5,V6\n"
    row = ",".join(["{:.4f}"] * 8) + "\n"
    signals = np.random.default_rng(0).normal(0, 0.2, (5000, 8))
    text = (leads + "".join(row.format(*samples) for samples in signals)).encode()
    files = [(f"E{i:02}.csv", text) for i in range(30)]  # some tens of milliseconds each
    client.predict(pair)  # a reader has begun
    busy, stop = set(readers()), threading.Event()

    def kill():
        while not stop.wait(0.01):
            for one in busy:
                ticks = sum(map(int, Path(f"/proc/{one.pid}/stat").read_text().split()[13:15]))
                if ticks - begun.setdefault(one.pid, ticks) > 20:  # 0.2 s of processor time
                    os.kill(one.pid, signal.SIGKILL)
                    killed.append(one)
                    return

    begun, killed = {}, []
    thread = threading.Thread(target=kill)
    thread.start()
    status, answer = client.predict(files, {"rate": "500", "unit": "mV"})
    stop.set()
    thread.join()
    assert status == 200
    assert len(killed) == 1
    failures = answer["failures"]  # none if it was still looking at what the files are
    assert len(failures) <= 1
    for failure in failures:
        assert failure["reason"] == f"{failure['source']}: the process that read it ended"
    named = {one["source"] for one in [*answer["recordings"], *failures]}
    assert named == {name for name, _ in files}
    assert len(answer["recordings"]) == len(files) - len(failures)
