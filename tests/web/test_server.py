"""The service as a process of its own: start, log, stop."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from ecg12.web.folders import PREFIX, private_folder
from ecg12.web.server import JsonLines


@pytest.fixture
def process(tmp_path):
    """Return a running `ecg12 serve`, the port it listens on, and its log."""
    log = tmp_path / "log"
    with log.open("wb") as stream:
        command = [sys.executable, "-m", "ecg12", "serve", "--port", "0", "--runtime", "onnx"]
        environment = {k: v for k, v in os.environ.items() if k != "ECG12_TOKEN"}
        running = subprocess.Popen(
            command, stdout=stream, stderr=stream, env=environment | {"TMPDIR": str(tmp_path)}
        )
    try:
        port, end = None, time.monotonic() + 240
        while port is None:
            assert running.poll() is None, log.read_text()
            assert time.monotonic() < end
            time.sleep(0.1)
            found = re.search(r"http://127\.0\.0\.1:(\d+)/", log.read_text())
            port = found and int(found[1])
        yield running, port, log
    finally:
        running.kill()
        running.wait()


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_progress_is_answered_before_it_stops(process, sent, tmp_path):
    running, port, log = process
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="Jane_Doe.edf"\r\n\r\nx\r\n'
    head = (
        "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; "
        f"boundary=b\r\nContent-Length: {len(part) + 7}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=120) as one:
        one.sendall(head.encode() + part)
        end = time.monotonic() + 120
        while not list(tmp_path.glob(f"{PREFIX}*/*/Jane_Doe.edf")):  # it has begun
            assert time.monotonic() < end
            time.sleep(0.02)
        running.send_signal(sent)
        time.sleep(0.5)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
        one.sendall(b"--b--\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 415 ")
    assert running.wait(120) == 0
    assert list(tmp_path.glob(f"{PREFIX}*")) == []
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[-1]["event"] == "stop"
    assert {"time", "level", "event"} <= set(lines[0])
    assert "Jane" not in log.read_text()


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "ecg12", "serve", "--port", str(port), "--runtime", "onnx"],
            capture_output=True, text=True,
        )  # fmt: skip
    assert done.returncode == 2
    assert f"127.0.0.1:{port}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_a_killed_service_left_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, new = tmp_path / f"{PREFIX}left", tmp_path / f"{PREFIX}new"
    for folder in (left, new):
        (folder / "request").mkdir(parents=True)
        (folder / "request" / "a.edf").write_bytes(b"x")
    os.utime(left, (0, 0))
    with private_folder() as own:
        os.utime(own, (0, 0))
        with private_folder() as other:
            assert {path for path in tmp_path.iterdir()} == {new, own, other}
    assert list(tmp_path.iterdir()) == [new]


def test_an_error_is_logged_without_its_text():
    import logging

    try:
        raise OSError("Jane_Doe.edf")
    except OSError:
        record = logging.LogRecord(
            "uvicorn.error", logging.ERROR, "", 0, "Exception in ASGI application\n", (),
            sys.exc_info(),
        )  # fmt: skip
    line = JsonLines().format(record)
    assert json.loads(line)["text"] == "Exception in ASGI application: OSError"
    assert "\n" not in line
