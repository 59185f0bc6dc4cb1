"""What a request sends: files, written into a private folder as they arrive, and text fields."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from starlette.requests import ClientDisconnect, Request

from ecg12.runtime.optional_deps import require_extra
from ecg12.web.limits import MEGABYTE, Limits, RefusedError

with require_extra("the service", "web"):
    from python_multipart import MultipartParser
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import parse_options_header

MULTIPART = "multipart/form-data"
LONGEST_NAME = 200  # bytes of a file's name; some readers append to it
LONGEST_FIELD = 4096  # bytes of a text field, and of what precedes the content of a part
MOST_FIELDS = 20  # text fields of a request


@dataclass
class Upload:
    """What was sent.

    Attributes
    ----------
    names
        Of the files in the folder, in the order in which they were sent.
    fields
        Text fields by name.
    n_bytes
        Length of the body.
    """

    names: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    n_bytes: int = 0


class Receiver:
    """Receives the bodies of requests; knows how much all of them hold together."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.held = 0

    async def receive(self, request: Request, folder: Path, upload: Upload) -> None:
        """Write the files of a request into a folder.

        Parameters
        ----------
        request
            Its body is read.
        folder
            Empty; nobody else may read it.
        upload
            Filled; `n_bytes` of it count as held until `release`.

        Raises
        ------
        RefusedError
            408 if the body is slow, 413 if it is large, 415 if it is not multipart/form-data, 422
            if its parts cannot be used, 503 if too much is held at once.
        """
        parts = _Parts(folder, upload, self.limits)
        boundary = self._boundary(request)
        try:
            parser = MultipartParser(boundary, parts.callbacks())  # type: ignore[arg-type]
            async with asyncio.timeout(self.limits.upload_seconds):
                async for chunk in self._chunks(request):
                    self._count(upload, len(chunk))
                    parser.write(chunk)
            parser.finalize()
        except TimeoutError:
            raise RefusedError(408, "the body of the request arrived too slowly") from None
        except FormParserError as error:
            raise RefusedError(422, f"the body is no {MULTIPART}: {error}") from error
        except OSError as error:
            reason = f"the files cannot be held to be read: {error.strerror}; try later"
            raise RefusedError(503, reason, {"Retry-After": "5"}) from error
        finally:
            parts.close()
        if not parts.ended:
            raise RefusedError(422, f"the body is no whole {MULTIPART}: its end is missing")
        if not upload.names:
            raise RefusedError(422, "no file; send each as a part with a filename")

    def release(self, upload: Upload) -> None:
        """Say that the files of an upload are no longer held."""
        self.held -= upload.n_bytes

    def _boundary(self, request: Request) -> bytes:
        declared = request.headers.get("content-length", "0")
        if declared.isascii() and declared.isdecimal() and int(declared) > self._most:
            raise self._too_large()
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        if kind.decode("latin-1") != MULTIPART:
            raise RefusedError(415, f"the body must be {MULTIPART}, with each file as a part")
        if not options.get(b"boundary"):
            raise RefusedError(422, f"the content type {MULTIPART} names no boundary")
        return options[b"boundary"]

    async def _chunks(self, request: Request) -> AsyncIterator[bytes]:
        stream = request.stream().__aiter__()
        while True:
            try:
                async with asyncio.timeout(self.limits.idle_seconds):
                    chunk = await anext(stream)
            except StopAsyncIteration:
                return
            except ClientDisconnect:
                raise RefusedError(400, "the connection was closed before the body ended") from None
            yield chunk

    @property
    def _most(self) -> int:
        return self.limits.request_bytes

    def _too_large(self) -> RefusedError:
        most = f"{self._most / MEGABYTE:g} MiB"
        return RefusedError(
            413, f"the body of the request is larger than {most}, the most that is read"
        )

    def _count(self, upload: Upload, n: int) -> None:
        upload.n_bytes += n
        self.held += n
        if upload.n_bytes > self._most:
            raise self._too_large()
        if self.held > self.limits.all_bytes:
            reason = "other requests hold all the space for files; send this one again later"
            raise RefusedError(503, reason, {"Retry-After": "5"})


class _Parts:
    """Takes the events of the parser: writes each file, collects each field."""

    def __init__(self, folder: Path, upload: Upload, limits: Limits) -> None:
        self._folder, self._upload, self._limits = folder, upload, limits
        self._header, self._value = bytearray(), bytearray()
        self._disposition = b""
        self._file: IO[bytes] | None = None
        self._field, self._content = "", bytearray()
        self.ended = False

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin, "on_part_data": self._data, "on_part_end": self._end,
            "on_header_field": self._header_name, "on_header_value": self._header_value,
            "on_header_end": self._header_end, "on_headers_finished": self._headers_finished,
            "on_end": self._finish,
        }  # fmt: skip

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self._disposition = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        self._check_header()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check_header()

    def _check_header(self) -> None:
        if len(self._header) + len(self._value) > LONGEST_FIELD:
            reason = f"a part whose header is longer than {LONGEST_FIELD} bytes"
            raise RefusedError(422, reason)

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise RefusedError(422, "a part of the body has no name in its Content-Disposition")
        if b"filename" not in options:
            self._field = _text(options[b"name"])
            if self._field in self._upload.fields:
                raise RefusedError(422, f"the field {self._field!r} is there twice")
            if len(self._upload.fields) >= MOST_FIELDS:
                raise RefusedError(422, f"more than {MOST_FIELDS} text fields in one request")
            self._upload.fields[self._field] = ""
            return
        if len(self._upload.names) >= self._limits.files:
            raise RefusedError(413, f"more than {self._limits.files} files in one request")
        name = safe_name(_text(options[b"filename"]))
        if name in self._upload.names:
            raise RefusedError(422, f"two files are called {name!r}; send them in two requests")
        self._file = (self._folder / name).open("xb")
        self._upload.names.append(name)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(data[start:end])
            return
        self._content += data[start:end]
        if len(self._content) > LONGEST_FIELD:
            reason = f"the field {self._field!r} is longer than {LONGEST_FIELD} bytes"
            raise RefusedError(422, reason)

    def _end(self) -> None:
        if self._file is None:  # a letter may have come in two pieces
            self._upload.fields[self._field] = _text(bytes(self._content))
            self._content.clear()
        self.close()

    def _finish(self) -> None:
        self.ended = True


def safe_name(given: str) -> str:
    """Return the name under which an uploaded file is written, whatever it is said to be called.

    The last part of a path, printable, without leading dots, at most 200 bytes: of a longer one the
    suffix is kept.
    """
    name = unicodedata.normalize("NFC", given).replace("\\", "/").rpartition("/")[2]
    name = "".join(c if c.isprintable() else "_" for c in name).strip().lstrip(".")
    stem, dot, suffix = name.rpartition(".")
    if len(name.encode()) > LONGEST_NAME:
        suffix = _cut(suffix, 20)
        stem = _cut(stem or name, LONGEST_NAME - len(f"{dot}{suffix}".encode()))
        name = f"{stem}{dot}{suffix}" if dot else stem
    return name or "recording"


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
