"""`/l/{token}`: what a customer answers by a link of a message. No key is needed: the link is one.

GET shows a page with one button and changes nothing, so that programs that follow the links of a mail set nothing off.
POST does it, once. A mail program's own button to unsubscribe posts `List-Unsubscribe=One-Click` (RFC 8058).
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from bridge.acting.answering import Choice, answer, look
from bridge.automation.links import Token, read_token
from bridge.errors import NotAuthentic, NotFound, Superseded, TooLarge
from bridge.gateway.endpoint import Call, Endpoint, Raw
from bridge.gateway.link_pages import answer_page, plain_page
from bridge.telemetry import log

PATTERN: Final = "/l/{token}"
BODY_LIMIT: Final = 4096
A_MINUTE: Final = 30
"""How often one link is answered within a minute, by one process."""
MOST_LINKS: Final = 10_000
_ONE_CLICK: Final = "List-Unsubscribe"


class Turnstile:
    """Counts what each link was used in this minute, of the `MOST_LINKS` that were used last."""

    def __init__(self, most: int = A_MINUTE, size: int = MOST_LINKS) -> None:
        self._most = most
        self._size = size
        self._seen: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def admits(self, name: str, now: datetime) -> bool:
        """Whether `name` may pass once more."""
        minute = int(now.timestamp()) // 60
        then, count = self._seen.pop(name, (minute, 0))
        count = count + 1 if then == minute else 1
        self._seen[name] = (minute, count)
        while len(self._seen) > self._size:
            self._seen.popitem(last=False)
        return count <= self._most


class LinkPages:
    """The two routes of one process."""

    def __init__(self) -> None:
        self._turnstile = Turnstile()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Theirs; no part of the described API."""
        return (
            Endpoint("GET", PATTERN, self.show, None),
            Endpoint("POST", PATTERN, self.answer, None),
        )

    async def show(self, call: Call) -> Raw:
        """What the button will do, or what was done and when."""
        return await self._reply(call, None)

    async def answer(self, call: Call) -> Raw:
        """Do it. A body that chooses nothing does nothing: the page is shown again."""
        try:
            body = await call.raw_body(BODY_LIMIT)
        except TooLarge:
            return self._plain(call, "unknown", 413)
        return await self._reply(call, body)

    async def _reply(self, call: Call, body: bytes | None) -> Raw:
        try:
            return await self._found(call, body)
        except (NotAuthentic, NotFound):
            return self._plain(call, "unknown", 404)
        except Superseded:
            return self._plain(call, "busy", 503)
        except Exception as problem:  # noqa: BLE001 - a customer gets a page in plain words, the operator a log line
            log("gateway").error("a link failed", route=PATTERN, exc_info=problem)
            return self._plain(call, "busy", 503)

    async def _found(self, call: Call, body: bytes | None) -> Raw:
        desk = call.gate.desk
        token = read_token(call.gate.ticket_secrets, call.path["token"])
        if not self._turnstile.admits(token.hash, call.now):
            return self._plain(call, "busy", 429)
        choice = None if body is None else read_choice(call.headers, body, token)
        if choice is None:
            found = await look(desk, token, call.now)
        else:
            found = await answer(desk, token, choice, call.now)
        return answer_page(found, desk.rules.outreach)

    def _plain(self, call: Call, text: str, status: int) -> Raw:
        return plain_page(text, call.headers.get(b"accept-language", b""), call.gate.desk.rules.outreach, status)


def read_choice(headers: dict[bytes, bytes], body: bytes, token: Token) -> Choice | None:
    """What was chosen; None for nothing that this link is for."""
    if headers.get(b"content-type", b"").lower().startswith(b"multipart/form-data"):
        fields = {_ONE_CLICK: "One-Click"} if b"List-Unsubscribe" in body and b"One-Click" in body else {}
    else:
        fields = dict(parse_qsl(body.decode("latin-1")))
    if token.purpose == "unsubscribe" and fields.get(_ONE_CLICK) == "One-Click":
        return "channel"
    allowed = ("channel", "everything", "undo") if token.purpose == "unsubscribe" else ("yes",)
    given = fields.get("choice")
    return msgspec.convert(given, Choice) if given in allowed else None
