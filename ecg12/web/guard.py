"""What each request passes first: checks of Host, Origin and token.

Each answer gets its security headers, and each request one line in the log, without names of files
or values of fields.
"""

import hmac
import json
import logging
import time
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecg12.web.limits import RefusedError

log = logging.getLogger("ecg12.web")

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Tell whether an address or name is that of this machine alone."""
    return host.lower() in LOOPBACK or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def refusal(error: RefusedError) -> JSONResponse:
    """Return the answer to a request that is refused."""
    return JSONResponse({"error": error.reason}, error.status, error.headers)


class Guard:
    """ASGI middleware around the whole service.

    Parameters
    ----------
    app
        What answers the requests that pass.
    hosts
        Names in the Host header that are answered, without port. A page of another site whose name
        is made to point here has that other name in it (DNS rebinding).
    addresses
        Whether every IP address is answered as well: it cannot be made to point elsewhere.
    token
        What ``Authorization: Bearer`` must hold below ``/v1``; "" for nothing.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], addresses: bool, token: str) -> None:
        self._app = app
        self._addresses = addresses
        self._hosts = frozenset(host.lower() for host in hosts)
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        scope.setdefault("state", {})["log_fields"] = log_fields = {}
        answer: dict[str, Any] = {"status": None}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer["status"] = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, receive, guarded)
        except RefusedError as error:
            log_fields["reason"] = "refused"
            await refusal(error)(scope, receive, guarded)
        except Exception as error:
            log_fields["reason"] = _place(error)
            if answer["status"] is None:
                await refusal(RefusedError(500, "an error of the service; its log says where"))(
                    scope, receive, guarded
                )
        finally:
            _note(scope, answer["status"], time.monotonic() - began, log_fields)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._answers_to(hosts[0]):
            reason = "this service does not answer to that Host; --allow-host of ecg12 serve adds"
            raise RefusedError(421, f"{reason} a name")
        origin = headers.get("origin")
        if origin is not None and origin.lower().partition("://")[2] != hosts[0].lower():
            raise RefusedError(403, "a page of another origin may not use this service")
        if headers.get("sec-fetch-site", "none") == "cross-site":
            raise RefusedError(403, "a page of another site may not use this service")
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if self._token and path.startswith("/v1") and not self._knows_token(headers):
            reason = "a token is needed: Authorization: Bearer and the value of ECG12_TOKEN"
            raise RefusedError(401, reason, {"WWW-Authenticate": "Bearer"})

    def _answers_to(self, host: str) -> bool:
        if set(host) & set("@/?#\\"):
            return False
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:  # no address
            return False
        return name in self._hosts or (self._addresses and _is_address(name))

    def _knows_token(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode(), self._token)
        return scheme.lower() == "bearer" and same


def _place(error: Exception) -> str:
    """Return the kind of an error and where it was raised; its text might name a file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f" in {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"
    return f"{type(error).__name__}{where}"


def _note(scope: Scope, status: int | None, seconds: float, log_fields: dict[str, Any]) -> None:
    """Write one line of JSON to the log; the route, not the path, which the client chose."""
    fields = {
        "event": "request",
        "method": scope["method"] if scope["method"] in METHODS else "other",
        "route": log_fields.pop("route", None),
        "status": status,
        "milliseconds": round(1000 * seconds),
    }
    log.info(json.dumps(fields | log_fields))


METHODS = ("GET", "HEAD", "POST", "OPTIONS")
