"""How a request is refused: one JSON shape, `{"error": {"code": …, "message": …}}`, with no key of the flat answer.

`=` and `&` in it are escaped, so that a dialplan that reads any body as a form finds no field in it either.
"""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.types import Receive, Send

from bridge.errors import BadRequest, NotAuthentic, Rejected, TooLarge

NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
SECURITY_HEADERS: Final = ((b"cache-control", b"no-store"), NOSNIFF)


class Problem(msgspec.Struct, frozen=True):
    """What went wrong: `code` for machines, stable; `message` for the person who has to act."""

    code: str
    message: str


class Refusal(msgspec.Struct, frozen=True):
    """The body of every answer that is not a success."""

    error: Problem


def problem_body(code: str, message: str) -> bytes:
    """The bytes of a refusal."""
    body = msgspec.json.encode(Refusal(Problem(code, message)))
    return body.replace(b"=", b"\\u003d").replace(b"&", b"\\u0026")


async def send_problem(
    send: Send, status: int, code: str, message: str, request_id: bytes, *more: tuple[bytes, bytes]
) -> None:
    """Answer with a refusal."""
    body = problem_body(code, message)
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                *SECURITY_HEADERS,
                (b"x-request-id", request_id),
                *more,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, problem: Rejected, request_id: bytes, *more: tuple[bytes, bytes]) -> None:
    """Answer with what `problem` says; 401 names the ways to authenticate."""
    if isinstance(problem, NotAuthentic):
        more = ((b"www-authenticate", b'Bearer realm="retention-bridge"'), *more)
    await send_problem(send, problem.status, problem.code, str(problem), request_id, *more)


async def refuse_method(send: Send, allowed: str, request_id: bytes) -> None:
    """405, naming what is allowed."""
    await send_problem(
        send, 405, "method_not_allowed", f"use {allowed}", request_id, (b"allow", allowed.encode("ascii"))
    )


async def unavailable(send: Send, request_id: bytes) -> None:
    """503 for what needs the store while it cannot be used."""
    await send_problem(
        send,
        503,
        "unavailable",
        "the store cannot be used at the moment; try again",
        request_id,
        (b"retry-after", b"5"),
    )


async def read_body(receive: Receive, headers: dict[bytes, bytes], limit: int) -> bytes:
    """The whole body. Raises TooLarge as soon as it is known to be larger than `limit`, without reading the rest."""
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes")
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("the body ended early")
        body += message.get("body", b"")
        if len(body) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
        if not message.get("more_body", False):
            return bytes(body)
