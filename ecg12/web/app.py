"""The service as an ASGI application."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ecg12.inference.model import Model
from ecg12.inference.results import Failure, Outcome
from ecg12.inference.stream import Source, needed_seconds
from ecg12.io.record import Record
from ecg12.runtime.errors import InputError
from ecg12.runtime.optional_deps import require_extra
from ecg12.web.answers import Wanted, answer, describe, read_fields
from ecg12.web.batching import Batcher
from ecg12.web.explaining import Explainer
from ecg12.web.folders import private_folder
from ecg12.web.guard import LOOPBACK, Guard, refusal
from ecg12.web.limits import Limits, RefusedError
from ecg12.web.openapi import openapi
from ecg12.web.reader_process import Job, Reading
from ecg12.web.reading import Readers
from ecg12.web.uploads import Receiver, Upload

with require_extra("the service", "web"):
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import FileResponse, JSONResponse, Response
    from starlette.routing import Route
    from starlette.types import ASGIApp

FILES = Path(__file__).with_name("page_files")
ASSETS = {
    "page.css": "text/css", "page.js": "text/javascript", "paper.js": "text/javascript",
    "files.js": "text/javascript", "docs.js": "text/javascript", "icon.svg": "image/svg+xml",
}  # fmt: skip


class Service:
    """Answers requests with a model.

    Parameters
    ----------
    model
        Predicts.
    name
        Of the model, for those who ask.
    limits
        On size, time and number of requests.
    """

    def __init__(self, model: Model, name: str, limits: Limits) -> None:
        self._model = model
        self._name = name
        self._limits = limits
        self._seconds = needed_seconds(model.classifier)
        self._receiver = Receiver(limits)
        self._readers = Readers(limits)
        self._threads = ThreadPoolExecutor(limits.readers, thread_name_prefix="read")
        self._batcher = Batcher(model.classifier)
        self._explainer = Explainer(model, limits)
        self._clients: Counter[str] = Counter()
        self._folder: Path | None = None

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Start the processes that read; end all in the end."""
        with private_folder() as self._folder:
            every = range(self._limits.readers)
            await asyncio.gather(*(self._in_thread(self._readers.start) for _ in every))
            try:
                yield
            finally:
                self._readers.stop()
                self._threads.shutdown()
                self._batcher.stop()
                self._explainer.stop()

    async def predict(self, request: Request) -> Response:
        """Answer ``POST /v1/predict``."""
        log_fields = request.state.log_fields
        log_fields["route"] = "/v1/predict"
        with self._admitted(request), tempfile.TemporaryDirectory(dir=self._folder) as folder:
            upload = Upload()
            try:
                await self._receiver.receive(request, Path(folder), upload)
                wanted = read_fields(upload.fields, self._model.classifier.conformal)
                async with asyncio.timeout(self._limits.answer_seconds):
                    readings = await self._read(folder, upload, wanted)
                    sources = [*map(_source, readings)]
                    outcomes = await self._batcher.predict(sources, wanted.coverage)
            except TimeoutError:
                reason = f"no answer within {self._limits.answer_seconds:g} s"
                raise RefusedError(503, reason, {"Retry-After": "5"}) from None
            finally:
                log_fields |= {"bytes": upload.n_bytes, "files": len(upload.names)}
                self._receiver.release(upload)
            explanation = await self._explain(outcomes, readings, wanted.include)
        failures = sum(isinstance(outcome, Failure) for outcome in outcomes)
        log_fields |= {"recordings": len(outcomes), "failures": failures}
        status, text = answer(outcomes, readings, wanted.include, explanation)
        return Response(text, status, media_type="application/json")

    async def model(self, request: Request) -> Response:
        """Answer ``GET /v1/model``."""
        request.state.log_fields["route"] = "/v1/model"
        return JSONResponse(describe(self._model, self._name, self._limits))

    async def health(self, request: Request) -> Response:
        """Answer ``GET /health``."""
        request.state.log_fields["route"] = "/health"
        return JSONResponse({"status": "ok"})

    async def _read(self, folder: str, upload: Upload, wanted: Wanted) -> list[Reading]:
        job = Job(
            folder=folder, names=tuple(upload.names), seconds=self._seconds, said=wanted.said,
            draw_from=wanted.start if "signals" in wanted.include else None,
        )  # fmt: skip
        try:
            return await self._in_thread(partial(self._readers.read, job))
        except InputError as error:
            raise RefusedError(413, str(error)) from error

    async def _explain(
        self, outcomes: Sequence[Outcome], readings: Sequence[Reading], include: frozenset[str]
    ) -> dict[str, Any] | None:
        """Return what the prediction rests on, if it is asked for and there is one."""
        if "explanation" not in include:
            return None
        if len(outcomes) != 1:
            found = f"{len(outcomes)} recordings"
            raise RefusedError(422, f"{found}; one at a time can be explained")
        record = readings[0].record
        if isinstance(outcomes[0], Failure) or record is None:
            return None
        return await self._explainer.explain(record)

    async def _in_thread(self, function: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)

    @contextmanager
    def _admitted(self, request: Request) -> Iterator[None]:
        """Count a request while it is in progress; refuse it if there are too many."""
        client = request.client.host if request.client else ""
        again = {"Retry-After": "1"}
        if self._clients.total() >= self._limits.requests:
            raise RefusedError(
                503, f"{self._limits.requests} requests are in progress; try later", again
            )
        if self._clients[client] >= self._limits.client_requests:
            most = self._limits.client_requests
            raise RefusedError(429, f"{most} of your requests are in progress; wait for one", again)
        self._clients[client] += 1
        try:
            yield
        finally:
            self._clients[client] -= 1
            self._clients += Counter()  # forgets who has none


def _source(reading: Reading) -> Source:
    """Return what was read as a source of the one inference stream."""

    def read(_: float) -> Record:
        if reading.record is None:
            raise InputError(reading.reason)
        return reading.record

    return Source(reading.name, read)


def create_app(
    model: Model,
    *,
    name: str = "model",
    limits: Limits | None = None,
    token: str = "",
    hosts: Iterable[str] = LOOPBACK,
    addresses: bool = False,
) -> ASGIApp:
    """Return the service as an ASGI application.

    Parameters
    ----------
    model
        Predicts.
    name
        Of the model, for those who ask.
    limits
        On size, time and number of requests; the usual ones by default.
    token, hosts, addresses
        As `Guard` takes them.
    """
    limits = limits or Limits()
    service = Service(model, name, limits)
    described = partial(_openapi, limits)
    app = Starlette(
        routes=[
            Route("/", partial(_file, "page.html", "text/html")),
            Route("/docs", partial(_file, "docs.html", "text/html")),
            Route("/openapi.json", described),
            Route("/health", service.health),
            Route("/v1/model", service.model),
            Route("/v1/predict", service.predict, methods=["POST"]),
            *(
                Route(f"/static/{file}", partial(_file, file, kind))
                for file, kind in ASSETS.items()
            ),
        ],
        lifespan=service.lifespan,
        exception_handlers={RefusedError: _refused, HTTPException: _http_error, Exception: _error},
    )
    return Guard(app, hosts=hosts, addresses=addresses, token=token)


async def _file(name: str, kind: str, request: Request) -> Response:
    request.state.log_fields["route"] = name
    return FileResponse(FILES / name, media_type=kind, headers={"Cache-Control": "no-cache"})


async def _openapi(limits: Limits, request: Request) -> Response:
    request.state.log_fields["route"] = "/openapi.json"
    return JSONResponse(openapi(limits, request.scope.get("root_path", "")))


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedError):
        raise error
    return refusal(error)


async def _http_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _error(_: Request, error: Exception) -> Response:
    return refusal(RefusedError(500, "an error of the service; its log says where"))
