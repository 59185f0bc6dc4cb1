"""The service as a process: uvicorn with limits on connections, and a log of JSON lines."""

import asyncio
import json
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecg12.inference.model import Model
from ecg12.runtime.errors import InputError, UnfinishedError
from ecg12.runtime.optional_deps import require_extra
from ecg12.runtime.progress import printable
from ecg12.web.app import create_app
from ecg12.web.guard import LOOPBACK, is_loopback
from ecg12.web.limits import Limits

with require_extra("the service", "web"):
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger("ecg12.web")

STOPPING = (signal.SIGINT, signal.SIGTERM)
SHORTEST_TOKEN = 16  # characters
ANY = frozenset({"0.0.0.0", "::", ""})  # noqa: S104
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class JsonLines(logging.Formatter):
    """Writes each message as a line of JSON with time and level."""

    default_time_format, default_msec_format = "%Y-%m-%dT%H:%M:%S", "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: dict[str, Any] = {"time": self.formatTime(record), "level": record.levelname}
        text = record.getMessage()
        if record.name == "ecg12.web" and text.startswith("{"):
            return json.dumps(fields | json.loads(text))
        if record.exc_info and record.exc_info[0] is not None:  # its text might name a file
            text = f"{text.strip()}: {record.exc_info[0].__name__}"
        return json.dumps(fields | {"event": "message", "text": printable(text)})


class Connections(H11Protocol):
    """One connection of HTTP/1.1; closed if there are too many, or if it neither asks nor reads."""

    limits = Limits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection, or refuse it."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            transport.write(BUSY)
            transport.close()
            return
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what the client sends, unless the connection is being closed."""
        if not self.transport.is_closing():
            super().data_received(data)

    def pause_writing(self) -> None:
        """Wait for a client that does not read its answer, but not for ever."""
        super().pause_writing()
        self._expect_reading()

    def _expect_reading(self) -> None:
        if left := self.transport.get_write_buffer_size():
            seconds = self.limits.connection_seconds
            self.loop.call_later(seconds, self._close_if_unread, self.cycle, left)

    def _close_if_unread(self, last: object, before: int) -> None:
        """Close the connection if the client has read nothing of its answer since."""
        if self.cycle is last and self.transport.get_write_buffer_size() >= before:
            self.transport.abort()  # closing would wait for the client to read
        else:
            self._expect_reading()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._expect_reading()
        self._wait()

    def _wait(self) -> None:
        self.loop.call_later(self.limits.connection_seconds, self._close_if_idle, self.cycle)

    def _close_if_idle(self, last: object) -> None:
        """Close the connection if no request has begun since."""
        if self.cycle is last and (last is None or self.cycle.response_complete):
            self.transport.close()


def check_access(host: str, token: str) -> None:
    """Refuse to serve others than this machine without a token.

    Raises
    ------
    InputError
        If `host` is not loopback and there is no token, or the token is too short.
    """
    if token and (len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable()):
        raise InputError(
            f"ECG12_TOKEN: at least {SHORTEST_TOKEN} printable ASCII characters are needed"
        )
    if not token and not is_loopback(host):
        raise InputError(
            f"--host {host}: others could reach the service; set ECG12_TOKEN to a secret of at "
            f"least {SHORTEST_TOKEN} characters, which every request must then name"
        )


class Server(uvicorn.Server):
    """A server that SIGINT and SIGTERM end without an error, after its requests in progress."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at the first signal; at the second one at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self.handle_exit) for one in STOPPING}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def make_server(
    model: Model,
    *,
    name: str = "model",
    host: str = "127.0.0.1",
    port: int = 8000,
    root_path: str = "",
    token: str = "",
    allow_hosts: tuple[str, ...] = (),
    limits: Limits | None = None,
) -> tuple[Server, socket.socket]:
    """Return a server and its socket, on which it is to run; the address is taken already.

    Parameters
    ----------
    model
        Predicts.
    name
        Of the model, for those who ask.
    host, port
        Where to listen; port 0 takes a free one.
    root_path
        Path below which a proxy offers the service, such as ``"/ecg"``.
    token
        What ``Authorization: Bearer`` must hold; needed unless `host` is loopback.
    allow_hosts
        Further names in the Host header that are answered, without port.
    limits
        On size, time and number of requests; the usual ones by default.

    Raises
    ------
    InputError
        As `check_access`.
    OSError
        If the port cannot be had.
    """
    check_access(host, token)
    limits = limits or Limits()
    loopback = is_loopback(host)
    own = ({host} if loopback else {socket.gethostname(), host}) - ANY
    app = create_app(
        model, name=name, limits=limits, token=token, hosts=LOOPBACK | own | set(allow_hosts),
        addresses=not loopback,
    )  # fmt: skip
    config = uvicorn.Config(
        app, host=host, port=port, root_path=root_path.rstrip("/"), log_config=None,
        access_log=False, proxy_headers=False, server_header=False, lifespan="on", ws="none",
        http=type("LimitedConnections", (Connections,), {"limits": limits}),
        timeout_graceful_shutdown=round(limits.stop_seconds), log_level=logging.WARNING,
    )  # fmt: skip
    return Server(config), _listen(host, port)


def serve(model: Model, *, host: str = "127.0.0.1", root_path: str = "", **options: Any) -> None:
    """Serve until SIGINT or SIGTERM, with the options of `make_server`."""
    server, listener = make_server(model, host=host, root_path=root_path, **options)
    with listener:
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listener.getsockname()[1]}/"
        log.info(json.dumps({"event": "start", "address": address}))
        server.run([listener])
    if not server.started:
        raise UnfinishedError("the service did not start; its log says why")
    log.info(json.dumps({"event": "stop"}))


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; an error names the address."""
    try:
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from error
    listener.setblocking(False)
    return listener


def log_json() -> None:
    """Write the log, wherever it goes and whatever its level, as lines of JSON."""
    logging.basicConfig()
    for handler in logging.getLogger().handlers:
        handler.setFormatter(JsonLines())


def model_name(folder: str | Path | None) -> str:
    """Return how a model folder is called to clients: by its last part, not by its path."""
    return "shipped" if folder is None else Path(folder).resolve().name
