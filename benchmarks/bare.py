"""The least that an HTTP request can cost on this server: an ASGI application that sends one constant body.

Served with the same loop, parser and switches as `bridge web`: `python -m benchmarks.bare PORT LENGTH`.
"""

from __future__ import annotations

import sys

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


def make_app(length: int) -> ASGIApp:
    """Answers every request with a JSON object of `length` bytes."""
    body = b'{"bare":"%b"}' % (b"x" * (length - 11))
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))],
    }
    end = {"type": "http.response.body", "body": body}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start)
        await send(end)

    return app


if __name__ == "__main__":
    uvicorn.run(
        make_app(int(sys.argv[2])),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
    )
