"""A service that runs in a thread, and a client for it that uses nothing of it."""

import http.client
import json
import logging
import threading
import time
import uuid
from contextlib import contextmanager

import pytest

import ecg12
from ecg12.web.limits import Limits
from ecg12.web.server import make_server

TOKEN = "a-secret-for-the-tests"


class Client:
    """Speaks HTTP with a service; `log` has its lines."""

    def __init__(self, port):
        self.port = port
        self.address = f"http://127.0.0.1:{port}/"

    def request(self, method, path, body=None, headers=None):
        """Return status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get(self, path, headers=None):
        """Return status, headers and body."""
        return self.request("GET", path, headers=headers)

    def body(self, files, fields=None):
        """Return the body that `predict` sends, and its content type."""
        return multipart(files, fields)

    def predict(self, files, fields=None, headers=None):
        """Send (name, bytes) pairs; return status and the parsed answer."""
        body, kind = multipart(files, fields)
        status, _, text = self.request(
            "POST", "/v1/predict", body, {"Content-Type": kind, **(headers or {})}
        )
        return status, json.loads(text)


def multipart(files, fields=None):
    """Return a body and its content type."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in (fields or {}).items()
    ]
    for name, data in files:
        head = f'Content-Disposition: form-data; name="file"; filename="{name}"'
        parts += [f"--{boundary}\r\n{head}\r\n\r\n".encode(), data, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


@contextmanager
def running(model, **options):
    """Run a service in a thread; give its client; stop it in the end."""
    server, listener = make_server(model, port=0, **options)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        end = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < end
            time.sleep(0.01)
        yield Client(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="session")
def served_model():
    """Return the model of the package, run by onnxruntime."""
    return ecg12.load_model(runtime="onnx")


@pytest.fixture(scope="session")
def serve(served_model):
    """Return a context manager that runs a service with options of its own."""

    def start(**options):
        if isinstance(options.get("limits"), dict):
            options["limits"] = Limits(**options["limits"])
        return running(served_model, **options)

    return start


@pytest.fixture(scope="session")
def client(serve):
    """Return the client of a service with the usual limits."""
    logging.getLogger("ecg12.web").setLevel(logging.INFO)
    with serve() as one:
        yield one


@pytest.fixture(scope="module")
def pair(tmp_path_factory, module_record):
    """Return header and signal file of a simple recording, as (name, bytes)."""
    header = ecg12.write_record(tmp_path_factory.mktemp("pair"), module_record)
    return [(path.name, path.read_bytes()) for path in (header, header.with_suffix(".mat"))]
