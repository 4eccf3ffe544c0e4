"""One route: its method, path and scopes, and the function that serves it. Types of its signature are its contract.

A serving function takes `call`, and by name what it needs: `query` and `body`, each annotated with the msgspec struct
that they must fit. It returns a struct (JSON) or a `Raw`. `bridge.gateway.openapi` reads the same annotations.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final, get_type_hints

import msgspec
from msgspec import Struct
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from bridge.errors import BadRequest, NotAuthentic, NotFound, Rejected, Superseded, VendorError
from bridge.gateway.caller import read_pairs
from bridge.gateway.gate import Gate
from bridge.gateway.keys import NOBODY, Who
from bridge.gateway.origins import answer_preflight, share_with
from bridge.gateway.refusal import NOSNIFF, SECURITY_HEADERS, read_body, refuse, refuse_method, send_problem
from bridge.telemetry import METRICS, log

_log = log("gateway")
_REQUEST_ID: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


class Raw(Struct, frozen=True):
    """An answer as it is sent."""

    body: bytes = b""
    content_type: str = "application/json"
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()
    cache: bytes = b"no-store"


class Stream(Struct, frozen=True):
    """An answer that goes on: each piece is sent as it comes, until there are no more or the caller is gone."""

    pieces: AsyncIterator[bytes]
    content_type: str = "text/event-stream"


class Call(Struct):
    """One request, admitted."""

    gate: Gate
    who: Who
    now: datetime
    path: dict[str, str]
    scope: Scope
    receive: Receive
    headers: dict[bytes, bytes]

    async def raw_body(self, limit: int) -> bytes:
        """The body as it came. Raises TooLarge beyond `limit` bytes."""
        return await read_body(self.receive, self.headers, limit)


class Endpoint(Struct, frozen=True):
    """A row of the route table. Without `scopes` it needs no key; `raises` are the refusals of the route's own.

    With `browser`, pages of other origins may call it with a ticket that was made out to them.
    """

    method: str
    path: str
    serve: Callable[..., Awaitable[Any]]
    scopes: frozenset[str] | None
    raises: tuple[type[Rejected], ...] = ()
    browser: bool = False

    def types(self) -> dict[str, Any]:
        """Annotations of the serving function: `query`, `body` and `return` where it has them."""
        hints = get_type_hints(self.serve, include_extras=True)
        return {name: hint for name, hint in hints.items() if name in ("query", "body", "return")}


class Served:
    """An endpoint as an ASGI application."""

    def __init__(self, endpoint: Endpoint, gate: Callable[[], Gate]) -> None:
        self._endpoint = endpoint
        self._gate = gate
        types = endpoint.types()
        self._query: Any = types.get("query")
        self._body = msgspec.json.Decoder(types["body"]) if "body" in types else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        request_id = read_request_id(headers)
        status, who = 500, NOBODY
        try:
            gate = self._gate()
            now = gate.clock()
            if self._endpoint.scopes is not None:
                who = await gate.keys.admit(headers, self._endpoint.scopes, now, gate.ticket_secrets)
            answer = await self._serve(gate, who, now, scope, receive, headers)
            if isinstance(answer, Stream):
                status = 200
                await _stream(scope, receive, send, answer, request_id, self._shared(headers, who))
            else:
                status = answer.status
                await _send(send, answer, request_id, self._shared(headers, who))
        except Rejected as problem:
            status = problem.status
            # who is refused must be able to read that a new ticket is needed; there is nothing else in it
            refused = isinstance(problem, NotAuthentic)
            await refuse(send, problem, request_id, *self._shared(headers, who, refused=refused))
        except msgspec.ValidationError as problem:
            status = 400
            await refuse(send, BadRequest(str(problem)), request_id, *self._shared(headers, who))
        except Superseded:
            status = 409
            text = "somebody else changed it at the same moment; try again"
            await send_problem(send, status, "superseded", text, request_id, *self._shared(headers, who))
        except VendorError as problem:
            status = 502
            await send_problem(send, status, "vendor", str(problem), request_id, *self._shared(headers, who))
        except Exception as problem:  # noqa: BLE001 - the last net: a caller gets an answer, the operator a log line
            _log.error("a request failed", route=self._endpoint.path, request=request_id.decode(), exc_info=problem)
            text = "this failed here; the log has the request's id"
            await send_problem(send, status, "internal", text, request_id, *self._shared(headers, who))
        METRICS.requests.labels(self._endpoint.path, status).inc()

    def _shared(
        self, headers: dict[bytes, bytes], who: Who, *, refused: bool = False
    ) -> tuple[tuple[bytes, bytes], ...]:
        """Lets the page read the answer that asked with its own ticket (`read_ticket` compared the origins)."""
        if not self._endpoint.browser:
            return ()
        return share_with(headers.get(b"origin") if who.agent or refused else None)

    async def _serve(
        self, gate: Gate, who: Who, now: datetime, scope: Scope, receive: Receive, headers: dict[bytes, bytes]
    ) -> Raw | Stream:
        path = {name: str(value) for name, value in scope.get("path_params", {}).items()}
        if any("\0" in value for value in path.values()):
            raise NotFound("there is nothing of that name")
        call = Call(gate, who, now, path, scope, receive, headers)
        given: dict[str, Any] = {}
        if self._query is not None:
            given["query"] = self._read_query(scope["query_string"])
        if self._body is not None:
            given["body"] = self._read_body(await call.raw_body(gate.settings.body_limit))
        answer = await self._endpoint.serve(call, **given)
        if isinstance(answer, Raw | Stream):
            return answer
        return Raw(msgspec.json.encode(answer))

    def _read_query(self, raw: bytes) -> Any:
        pairs = read_pairs(raw)
        if any("\0" in value for value in pairs.values()):
            raise BadRequest("a parameter holds a zero byte")
        return msgspec.convert(pairs, self._query, strict=False)

    def _read_body(self, raw: bytes) -> Any:
        if b"\\u0000" in raw or self._body is None:
            raise BadRequest("the body holds a zero byte")
        try:
            return self._body.decode(raw or b"{}")
        except msgspec.ValidationError:
            raise
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise BadRequest("the body is not JSON") from None
        except RecursionError:
            raise BadRequest("the body is nested too deeply") from None


class Methods:
    """All endpoints of one path as one ASGI application; HEAD is answered as GET."""

    def __init__(self, endpoints: Sequence[Endpoint], gate: Callable[[], Gate]) -> None:
        self._served = {one.method: Served(one, gate) for one in endpoints}
        self._from_pages = [one.method for one in endpoints if one.browser]
        if "GET" in self._served:
            self._served["HEAD"] = self._served["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        served = self._served.get(scope["method"])
        if served is None:
            headers = dict(scope["headers"])
            if scope["method"] == "OPTIONS" and self._from_pages and b"origin" in headers:
                await answer_preflight(send, headers[b"origin"], self._from_pages)
                return
            await refuse_method(send, ", ".join(self._served), read_request_id(headers))
        else:
            await served(scope, receive, send)


async def _send(send: Send, answer: Raw, request_id: bytes, shared: tuple[tuple[bytes, bytes], ...]) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [
                (b"content-type", answer.content_type.encode("latin-1")),
                (b"content-length", b"%d" % len(answer.body)),
                (b"cache-control", answer.cache),
                NOSNIFF,
                (b"x-request-id", request_id),
                *answer.headers,
                *shared,
            ],
        }
    )
    await send({"type": "http.response.body", "body": answer.body})


async def _stream(
    scope: Scope,
    receive: Receive,
    send: Send,
    answer: Stream,
    request_id: bytes,
    shared: tuple[tuple[bytes, bytes], ...],
) -> None:
    response = StreamingResponse(answer.pieces, media_type=answer.content_type)
    response.raw_headers += [*SECURITY_HEADERS, (b"x-request-id", request_id), *shared]
    response.raw_headers.append((b"x-accel-buffering", b"no"))  # nginx would hold the pieces back otherwise
    await response(scope, receive, send)


def read_request_id(headers: dict[bytes, bytes]) -> bytes:
    """The caller's request id, if it is one (at most 64 letters, digits, `._-`), else a new one."""
    given = headers.get(b"x-request-id", b"")
    return given if 0 < len(given) <= 64 and _REQUEST_ID.issuperset(given) else secrets.token_hex(8).encode()
