"""What pages of other origins may read: only what they asked for with a ticket that was made out to them.

The card runs in the pages of a host, on another origin than ours. A browser first asks whether it may send the ticket
along (the preflight, which carries none and therefore says nothing of it), and then hides every answer from the page
that does not name the page's origin. No cookie is ever involved, so that a page can do nothing in an agent's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.types import Send

from bridge.gateway.refusal import SECURITY_HEADERS

_SENT: Final = b"authorization, content-type, idempotency-key, last-event-id"
_PREFLIGHT_SECONDS: Final = b"7200"


def share_with(origin: bytes | None) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that let pages of `origin` read an answer; None lets no page read it."""
    vary = (b"vary", b"origin")
    return (vary,) if origin is None else ((b"access-control-allow-origin", origin), vary)


async def answer_preflight(send: Send, origin: bytes, methods: Sequence[str]) -> None:
    """Let a page send its ticket. Whether the ticket is good for that page is seen when it comes."""
    await send(
        {
            "type": "http.response.start",
            "status": 204,
            "headers": [
                *SECURITY_HEADERS,
                *share_with(origin),
                (b"access-control-allow-methods", ", ".join(methods).encode("ascii")),
                (b"access-control-allow-headers", _SENT),
                (b"access-control-max-age", _PREFLIGHT_SECONDS),
            ],
        }
    )
    await send({"type": "http.response.body", "body": b""})
