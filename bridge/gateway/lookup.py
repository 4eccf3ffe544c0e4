"""`/v1/lookup`: who calls, in one raw ASGI function in front of the router.

On the hit path there is one store read and no other work than to put three pieces of bytes together. Everybody who is
admitted gets 200 and every key within the budget, whatever is broken behind.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from itertools import count
from time import perf_counter
from typing import Final, cast

from msgspec import Struct
from starlette.types import Receive, Scope, Send

from bridge import flat
from bridge.errors import Rejected
from bridge.gateway.caller import Asked, read_asked, read_pairs, read_posted
from bridge.gateway.endpoint import Call, Raw
from bridge.gateway.finder import Finder
from bridge.gateway.formats import CONTENT_TYPES, Format, choose, project
from bridge.gateway.gate import Gate
from bridge.gateway.keys import Who
from bridge.gateway.question import Questions
from bridge.gateway.refusal import SECURITY_HEADERS, refuse, refuse_method, unavailable
from bridge.hosts.registry import BUDGETS
from bridge.store import Row, micros
from bridge.telemetry import METRICS, hit_log, log

SCOPES: Final = frozenset({"ivr", "agent"})
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_NOBODY: Final = flat.neutral() + flat.BLANK_DETAIL
_NOTHING: Final = Asked()
_HEADERS: Final = {format: ((b"content-type", kind), *SECURITY_HEADERS) for format, kind in CONTENT_TYPES.items()}

_log = log("gateway")


class Whom(Struct, kw_only=True):
    """Who is meant, by any one of these; `customer_id` counts first, `interaction` last."""

    phone: str | None = None
    email: str | None = None
    external_id: str | None = None
    customer_id: str | None = None
    interaction: str | None = None
    lang: str | None = None
    budget_ms: str | None = None
    host: str | None = None
    answer: str | None = None


class Answer(Struct, frozen=True):
    """A flat answer, encoded."""

    body: bytes
    format: Format
    match: str


class Lookup:
    """The ASGI application of the one route."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._find = Finder(gate).find
        self._narrow = Questions(gate).narrow
        self._region = gate.settings.region
        self._languages = gate.settings.languages
        self._budget_ms = gate.settings.lookup_budget_ms
        self._line = hit_log(gate.lines).info
        self._prefix = secrets.token_hex(4).encode()
        self._number = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        headers = dict(scope["headers"])
        request_id = headers.get(b"x-request-id") or headers.get(b"inin-correlation-id")
        if request_id is None or not _REQUEST_ID.fullmatch(request_id):
            request_id = b"%b-%x" % (self._prefix, next(self._number))
        try:
            now = self._gate.clock()
            who = await self._gate.keys.admit(headers, SCOPES, now)
            if scope["method"] == "GET":
                pairs = read_pairs(scope["query_string"])
            elif scope["method"] == "POST":
                pairs = await read_posted(scope["query_string"], headers, receive)
            else:
                await refuse_method(send, "GET, POST", request_id)
                return
        except Rejected as problem:
            await refuse(send, problem, request_id)
            METRICS.requests.labels("/v1/lookup", problem.status).inc()
            return
        except Exception as problem:  # noqa: BLE001 - nobody can be admitted while the keys cannot be read
            _log.error("a key could not be checked", problem=type(problem).__name__)
            await unavailable(send, request_id)
            METRICS.requests.labels("/v1/lookup", 503).inc()
            return
        answer = await self.answer(headers, pairs, who, now, began)
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    *_HEADERS[answer.format],
                    (b"content-length", b"%d" % len(answer.body)),
                    (b"x-request-id", request_id),
                ],
            }
        )
        await send({"type": "http.response.body", "body": answer.body})
        took = perf_counter() - began
        METRICS.answered[answer.match].observe(took)
        self._line("lookup", request=request_id.decode(), key=who.key, match=answer.match, s=took)

    async def answer(
        self, headers: dict[bytes, bytes], pairs: dict[str, str], who: Who, now: datetime, began: float
    ) -> Answer:
        """The flat answer to somebody who was admitted; never raises for anything but its own cancellation."""
        asked, ask = _NOTHING, b""
        try:
            asked = read_asked(pairs, self._region, self._languages)
            until = began + (asked.budget_ms or budget_given(headers, asked.host) or self._budget_ms) / 1000
            row, missing, degraded = await self._find(asked, until)
            if row is not None and row[7] is None and row[0] != "exact":
                row, ask = await self._narrow(asked, row, now, until)
        except Exception as problem:  # noqa: BLE001 - whatever the database does, a caller is routed
            _log.error("a look-up went without the store", problem=type(problem).__name__)
            row, missing, degraded = None, "", True
        at = micros(now)
        match, age, known, due = "none", None, _NOBODY, None
        if row is not None:
            match, known = row[0], _pieces(row, asked, agent="agent" in who.scopes)
            if row[7] is not None:
                age = (at - row[10]) // 1_000_000
                if row[14] is not None and "agent" in who.scopes:
                    due = (row[14] - at) // 60_000_000
            elif match == "exact":
                degraded = True
            if asked.interaction and match == "exact":
                self._gate.trail.dip(asked.interaction, row[1], row[7] or "", at)
        if self._gate.health.missing:
            missing = joined(self._gate.health.missing, missing)
        degraded = degraded or bool(missing)
        if degraded:
            METRICS.degraded.inc()
        body = known + flat.tail(
            age_seconds=age,
            degraded=degraded,
            missing=missing,
            answer_ms=int((perf_counter() - began) * 1000),
            ask=ask,
            loop_minutes=due,
        )
        format = choose(headers.get(b"accept", b""))
        return Answer(project(body, format), format, match)


async def by_query(call: Call, query: Whom) -> Raw:
    """Who is calling, and where the call goes: a flat answer, every key always there, all values strings.

    Everybody who is admitted gets 200 within the budget, also for an unknown, withheld or malformed number, and also
    when the store is down (`degraded`). Say who by any of the parameters; several are tried in the order phone,
    external_id, email. With `interaction` (the host's own id of the call) the agent's desktop finds the caller again.
    `host` (or the header `X-Host`) sets the budget to what that phone system waits for; `budget_ms` (or `X-Budget-Ms`)
    says it in milliseconds. Where several people share the number, `ask_text` is a question for the caller; the same
    look-up with `answer` then finds the one who is meant, or asks again.
    """
    return await _plain(call, read_pairs(call.scope["query_string"]))


async def by_body(call: Call) -> Raw:
    """As by query, from a JSON object, a form, or the event that Amazon Connect hands to a function, unchanged."""
    return await _plain(call, await read_posted(call.scope["query_string"], call.headers, call.receive))


async def _plain(call: Call, pairs: dict[str, str]) -> Raw:
    answer = await Lookup(call.gate).answer(call.headers, pairs, call.who, call.now, perf_counter())
    return Raw(answer.body, CONTENT_TYPES[answer.format].decode())


def _pieces(row: Row, asked: Asked, *, agent: bool) -> bytes:
    """The prepared pieces; else what may be said of several candidates, or while a decision is not ready yet."""
    if row[7] is not None:
        return cast("bytes", row[11] + (row[12] if agent else flat.BLANK_DETAIL))
    head = flat.neutral(
        match=row[0],
        candidates=row[3],
        customer=row[1] if row[0] == "exact" else "",
        tier=row[4] or "unknown",
        priority=row[5],
        route=row[6] or "general",
        language=asked.language or "",
    )
    return head + flat.BLANK_DETAIL


def joined(*names: str) -> str:
    """Lists with commas as one, each name once."""
    return ",".join(dict.fromkeys(name for some in names for name in some.split(",") if name))


def budget_given(headers: dict[bytes, bytes], host: str = "") -> int | None:
    """The budget in milliseconds of `X-Budget-Ms`, else that of the host, which a request names itself or in `X-Host`.

    A host that nobody knows is as good as none.
    """
    text = headers.get(b"x-budget-ms", b"")
    if text.isdigit() and len(text) < 6:
        return int(text)
    return BUDGETS.get(host or headers.get(b"x-host", b"").decode("latin-1"))
