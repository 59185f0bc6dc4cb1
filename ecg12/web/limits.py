"""How much a request may hold, how long it may take, and how many may run at once."""

from dataclasses import dataclass

from ecg12.runtime.errors import InputError

MEGABYTE = 2**20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a service.

    Attributes
    ----------
    request_bytes, all_bytes
        Of the body of one request, and of all bodies that are held at once.
    files, recordings
        Parts of one request that are files, and recordings in them.
    idle_seconds, upload_seconds
        Longest pause within a body, and longest time until it has arrived.
    read_seconds, read_bytes
        Time and memory in which one recording must be read.
    record_bytes, request_record_bytes
        Of one recording as the service filters it, in 64 bits, and of all recordings and drawings
        of one request; the service itself holds them. Of a long recording the beginning alone
        counts, as much as the model needs.
    answer_seconds
        Longest time from the end of the body to the answer; also that of reading it all.
    explanations, explain_seconds
        Explanations that may wait at once, and longest time of one.
    requests, client_requests
        Predictions in progress: of all clients, and of one address.
    connections
        Open connections; further ones are closed.
    connection_seconds
        How long a connection may stay open without a whole request head, or while nothing of its
        answer is read.
    stop_seconds
        How long requests in progress may go on when the service is stopped.
    readers
        Processes that read.
    """

    request_bytes: int = 64 * MEGABYTE
    all_bytes: int = 1024 * MEGABYTE
    files: int = 200
    recordings: int = 100
    idle_seconds: float = 10.0
    upload_seconds: float = 120.0
    read_seconds: float = 10.0
    read_bytes: int = 2048 * MEGABYTE
    record_bytes: int = 32 * MEGABYTE  # 16 leads of 11 s at 23 kHz
    request_record_bytes: int = 128 * MEGABYTE  # 100 of 12 leads of 11 s at 1 kHz in 64 bits
    answer_seconds: float = 60.0
    explanations: int = 8
    explain_seconds: float = 120.0
    requests: int = 64
    client_requests: int = 32
    connections: int = 256
    connection_seconds: float = 15.0
    stop_seconds: float = 30.0
    readers: int = 2

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise InputError(f"{name}={value!r}: a positive number is needed")


class RefusedError(Exception):
    """A request that is not answered as it asked; becomes an answer that says why.

    Parameters
    ----------
    status
        Of HTTP.
    reason
        What is wrong, and what would be right.
    headers
        Further headers of the answer.
    """

    def __init__(self, status: int, reason: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers or {}
