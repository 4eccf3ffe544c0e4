"""The gateway's process: every route on one screen, and what happens when it starts and stops."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bridge.adapter.registry import Registry, load_registry
from bridge.console import (
    automations,
    doubles,
    lessons,
    letters,
    loops,
    metrics,
    models,
    outbox,
    previews,
    runs,
    sessions,
    sources,
    surveys,
    today,
    vocabulary,
)
from bridge.console import examples as console_examples
from bridge.errors import BadRequest, Conflict, NotAllowed, NotAuthentic, NotFound, TooLarge
from bridge.flow import Rules, open_desk
from bridge.gateway import (
    assist,
    customers,
    desktop,
    events,
    identities,
    lookup,
    outcomes,
    replaying,
    reports,
    scripts,
    subjects,
    system,
    tickets,
    webhooks,
)
from bridge.gateway import examples as gateway_examples
from bridge.gateway.asking import Asking
from bridge.gateway.embeds import Embeds
from bridge.gateway.endpoint import Endpoint, Methods, read_request_id
from bridge.gateway.gate import Gate, utc_now
from bridge.gateway.links import LinkPages
from bridge.gateway.lookup import Lookup
from bridge.gateway.openapi import Description
from bridge.gateway.pages import Pages
from bridge.gateway.refusal import SECURITY_HEADERS, problem_body, unavailable
from bridge.hosts import load_hosts
from bridge.intake import sync
from bridge.settings import Settings
from bridge.store import Store, open_store
from bridge.telemetry import LineBuffer, log

LOOKUP: Final = "/v1/lookup"
_log = log("gateway")


def _for(*scopes: str) -> frozenset[str]:
    return frozenset(scopes)


_FORGED = (BadRequest, NotAuthentic, NotFound, TooLarge)

ROUTES: Final = (
    Endpoint("GET", LOOKUP, lookup.by_query, lookup.SCOPES),
    Endpoint("POST", LOOKUP, lookup.by_body, lookup.SCOPES),
    Endpoint("GET", "/v1/assist", assist.by_query, _for("agent")),
    Endpoint("POST", "/v1/assist", assist.by_body, _for("agent"), browser=True),
    Endpoint("GET", "/v1/interactions/{id}/events", events.of_interaction, _for("agent")),
    Endpoint("POST", "/v1/interactions/{id}/events", events.of_interaction_in_page, _for("agent"), browser=True),
    Endpoint("GET", "/v1/customers/{id}/events", events.of_customer, _for("agent")),
    Endpoint("POST", "/v1/customers/{id}/events", events.of_customer_in_page, _for("agent"), browser=True),
    Endpoint("POST", "/v1/decisions/{id}/outcome", outcomes.record, _for("agent"), (NotFound, Conflict), browser=True),
    Endpoint("POST", "/v1/decisions/{id}/scripts", scripts.others, _for("agent"), (NotFound,), browser=True),
    Endpoint("GET", "/v1/decisions/{id}", replaying.replay, _for("agent", "supervisor"), (NotFound,)),
    Endpoint("GET", "/v1/decisions/{id}/rules", replaying.rules, _for("supervisor"), (NotFound,)),
    Endpoint("POST", "/v1/tickets", tickets.mint, _for("agent"), (Conflict,)),
    Endpoint("GET", "/v1/customers/{id}", customers.show, _for("agent", "supervisor"), (NotFound,)),
    Endpoint("GET", "/v1/customers/{id}/timeline", customers.timeline, _for("agent", "supervisor"), (NotFound,)),
    Endpoint("GET", "/v1/customers/{id}/export", subjects.export, _for("privacy"), (NotFound,)),
    Endpoint("DELETE", "/v1/customers/{id}", subjects.erase, _for("privacy"), (NotFound,)),
    Endpoint("POST", "/v1/identity/merge", identities.merge, _for("supervisor"), (NotFound, Conflict)),
    Endpoint("POST", "/v1/identity/separate", identities.separate, _for("supervisor"), (NotFound, Conflict)),
    Endpoint("POST", "/v1/identity/split", identities.split, _for("supervisor"), (NotFound, Conflict)),
    Endpoint("POST", "/v1/identity/block", identities.block, _for("supervisor"), (Conflict,)),
    Endpoint("POST", "/v1/identity/unblock", identities.unblock, _for("supervisor"), (Conflict,)),
    Endpoint("GET", "/v1/identity/proposals", doubles.listing, _for("supervisor")),
    Endpoint("POST", "/v1/identity/proposals/{id}/merge", doubles.merge, _for("supervisor"), (NotFound, Conflict)),
    Endpoint("POST", "/v1/identity/proposals/{id}/refuse", doubles.refuse, _for("supervisor"), (NotFound, Conflict)),
    Endpoint("POST", "/v1/identity/proposals/{id}/reopen", doubles.reopen, _for("supervisor"), (NotFound, Conflict)),
    Endpoint("GET", "/v1/identity/merges", doubles.merges, _for("supervisor")),
    Endpoint("GET", "/v1/identity/{id}", identities.show, _for("supervisor"), (NotFound,)),
    Endpoint("GET", "/v1/sources", sources.listing, _for("admin", "supervisor")),
    Endpoint("GET", "/v1/models", models.listing, _for("admin", "supervisor")),
    Endpoint("POST", "/v1/models/{kind}/rollback", models.roll_back, _for("admin", "supervisor"), (NotFound, Conflict)),
    Endpoint("GET", "/v1/models/{kind}/{version}", models.show, _for("admin", "supervisor"), (NotFound,)),
    Endpoint("GET", "/v1/reports/uplift", reports.uplift, _for("supervisor"), (NotFound,)),
    Endpoint("GET", "/v1/surveys", surveys.listing, _for("viewer", "supervisor")),
    Endpoint("GET", "/v1/surveys/{id}", surveys.show, _for("viewer", "supervisor"), (NotFound,)),
    Endpoint("POST", "/v1/surveys/{id}/{mode}", surveys.switch, _for("supervisor"), (NotFound,)),
    Endpoint("GET", "/v1/automations", automations.listing, _for("viewer", "supervisor")),
    Endpoint("GET", "/v1/automations/vocabulary", vocabulary.vocabulary, _for("viewer", "supervisor")),
    Endpoint("POST", "/v1/automations/message_preview", vocabulary.message_preview, _for("viewer", "supervisor")),
    Endpoint("POST", "/v1/automations/preview", previews.show, _for("viewer", "supervisor"), (Conflict,)),
    Endpoint("POST", "/v1/automations/pause", automations.pause, _for("supervisor")),
    Endpoint("POST", "/v1/automations/resume", automations.resume, _for("supervisor")),
    Endpoint("GET", "/v1/automations/{id}", automations.show, _for("viewer", "supervisor"), (NotFound,)),
    Endpoint("PUT", "/v1/automations/{id}", automations.save, _for("supervisor"), (Conflict,)),
    Endpoint("DELETE", "/v1/automations/{id}", automations.remove, _for("supervisor"), (NotFound, Conflict)),
    Endpoint("POST", "/v1/automations/{id}/mode", automations.switch, _for("supervisor"), (NotFound, Conflict)),
    Endpoint("POST", "/v1/automations/{id}/rollback", automations.roll_back, _for("supervisor"), (NotFound, Conflict)),
    Endpoint("GET", "/v1/automations/{id}/effect", previews.effect, _for("viewer", "supervisor"), (NotFound,)),
    Endpoint("GET", "/v1/automations/{id}/runs", runs.runs, _for("viewer", "supervisor")),
    Endpoint("GET", "/v1/loops", loops.listing, _for("viewer", "agent", "supervisor")),
    Endpoint("GET", "/v1/loops/{id}", loops.show, _for("agent", "supervisor"), (NotFound,)),
    Endpoint("POST", "/v1/loops/{id}/assign", loops.assign, _for("agent", "supervisor"), (NotFound, Conflict)),
    Endpoint("POST", "/v1/loops/{id}/note", loops.note, _for("agent", "supervisor"), (NotFound, Conflict)),
    Endpoint("POST", "/v1/loops/{id}/reply", loops.reply, _for("agent", "supervisor"), (NotFound, Conflict)),
    Endpoint("POST", "/v1/loops/{id}/close", loops.close, _for("agent", "supervisor"), (NotFound, Conflict)),
    Endpoint("POST", "/v1/loops/{id}/reopen", loops.reopen, _for("agent", "supervisor"), (NotFound, Conflict)),
    Endpoint("POST", "/v1/loops/{id}/snooze", loops.snooze, _for("agent", "supervisor"), (NotFound, Conflict)),
    Endpoint("GET", "/v1/lessons", lessons.listing, _for("agent", "supervisor")),
    Endpoint("POST", "/v1/lessons", lessons.add, _for("agent", "supervisor"), (NotFound,)),
    Endpoint("GET", "/v1/metrics", metrics.show, _for("viewer", "supervisor"), (Conflict,)),
    Endpoint("POST", "/v1/metrics/refresh", metrics.refresh, _for("supervisor")),
    Endpoint("GET", "/v1/today", today.show, _for("viewer", "supervisor")),
    Endpoint("GET", "/v1/outbox", outbox.listing, _for("supervisor", "admin")),
    Endpoint("POST", "/v1/outbox/{id}/settle", outbox.settle, _for("supervisor"), (NotFound, Conflict)),
    Endpoint("POST", "/v1/outbox/retry", outbox.retry_all, _for("supervisor")),
    Endpoint("POST", "/v1/outbox/{id}/retry", outbox.retry, _for("supervisor"), (NotFound, Conflict)),
    Endpoint("GET", "/v1/dead-letters", letters.listing, _for("admin", "supervisor")),
    Endpoint("GET", "/v1/dead-letters/kinds", letters.kinds, _for("admin", "supervisor")),
    Endpoint("POST", "/v1/dead-letters/replay", letters.replay_many, _for("admin"), (NotFound,)),
    Endpoint("POST", "/v1/dead-letters/discard", letters.discard_kind, _for("admin")),
    Endpoint("GET", "/v1/dead-letters/{id}", letters.show, _for("admin"), (NotFound,)),
    Endpoint("POST", "/v1/dead-letters/{id}/replay", letters.replay_one, _for("admin"), (NotFound, Conflict)),
    Endpoint("POST", "/v1/dead-letters/{id}/discard", letters.discard_one, _for("admin"), (NotFound, Conflict)),
    Endpoint("POST", "/webhooks/{source}", webhooks.receive, None, _FORGED),
    Endpoint("GET", "/webhooks/{source}", webhooks.probe, None, _FORGED),
    Endpoint("GET", "/healthz", system.alive, None),
    Endpoint("GET", "/readyz", system.ready, None),
    Endpoint("GET", "/metrics", system.metrics, None, (NotAuthentic, NotAllowed)),
)

DEMO: Final = (
    Endpoint("POST", "/desktop/ticket", desktop.admit, None, (NotAuthentic, NotFound)),
    Endpoint("POST", "/desktop/callers", desktop.callers, _for("agent"), (NotFound,)),
    Endpoint("POST", "/desktop/ring", desktop.ring, _for("agent"), (NotFound,)),
    Endpoint("GET", "/reports/example", reports.example, None, (NotFound,)),
)
"""What the pages ask for in demo mode; no part of the described API."""

CONSOLE: Final = (
    Endpoint("POST", "/console/session", sessions.sign_in, None, (Conflict, NotAllowed, NotAuthentic, NotFound)),
    Endpoint("GET", "/console/session", sessions.show, None),
    Endpoint("DELETE", "/console/session", sessions.sign_out, None),
)
"""How people sign in and out; no part of the described API."""


class App:
    """An ASGI application. `gate` is there between the start and the end of its lifespan."""

    def __init__(
        self,
        settings: Settings,
        sources: Path | dict[str, Any] | None = None,
        *,
        clock: Callable[[], datetime] = utc_now,
        rules: Rules | None = None,
    ) -> None:
        self._settings = settings
        self._sources = settings.config_dir / "sources.yaml" if sources is None else sources
        self._clock = clock
        self._rules = rules
        self._lookup: Lookup | None = None
        self.gate: Gate | None = None
        description = _description()
        described = (
            Endpoint("GET", "/openapi.json", description.document, None),
            Endpoint("GET", "/docs", description.page, None),
        )
        pages, links = _pages(), LinkPages()
        embeds = Embeds(load_hosts(settings.config_dir / "hosts.yaml"), pages, settings)
        by_path: defaultdict[str, list[Endpoint]] = defaultdict(list)
        for one in (*ROUTES, *described, *DEMO, *CONSOLE, *pages.endpoints(), *embeds.endpoints(), *links.endpoints()):
            by_path[one.path].append(one)
        self._router = Starlette(
            routes=[Route(path, Methods(some, self._open_gate)) for path, some in by_path.items()],
            exception_handlers={HTTPException: _refuse_route},
            lifespan=self._lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._router(scope, receive, send)
        elif self._lookup is None:
            await unavailable(send, b"starting")
        elif scope["path"] == LOOKUP:
            await self._lookup(scope, receive, send)
        else:
            await self._router(scope, receive, send)

    def let_go(self) -> None:
        """End the streams of open cards, so that the process need not wait for them; they come back by themselves."""
        if self.gate is not None:
            self.gate.updates.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Gate]:
        """Open the store, read the configuration, tend the gate; at the end write what is left and close."""
        settings, now = self._settings, self._clock()
        registry = load_registry(settings.adapters_dir, settings.mappings_dir, self._sources, os.environ)
        store = await open_store(settings.database_url)
        try:
            async with self._gated(store, registry, now) as gate:
                yield gate
        finally:
            await store.close()

    @asynccontextmanager
    async def _gated(self, store: Store, registry: Registry, now: datetime) -> AsyncIterator[Gate]:
        await sync.register(store, registry.sources, now)
        desk = await open_desk(self._settings, store, registry, now, self._rules)
        asking = Asking(desk, self._clock)
        await asking.open()
        gate = Gate(desk, LineBuffer(sys.stdout.buffer), miss=asking if asking.sources else None, clock=self._clock)
        await gate.refresh()
        stop = asyncio.Event()
        tending = asyncio.create_task(gate.tend(stop))
        watching = asyncio.create_task(gate.updates.watch())
        self.gate, self._lookup = gate, Lookup(gate)
        _log.info("open", engine=store.engine, sources=sorted(registry.sources))
        try:
            yield gate
        finally:
            self.gate, self._lookup = None, None
            gate.updates.close()
            watching.cancel()
            stop.set()
            await asyncio.gather(tending, watching, return_exceptions=True)
            await asking.close()
            await gate.flush()
            _log.info("closed")

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with self.running():
            yield

    def _open_gate(self) -> Gate:
        if self.gate is None:
            raise RuntimeError("the application has not been started")
        return self.gate


def create_app(
    settings: Settings,
    sources: Path | dict[str, Any] | None = None,
    *,
    clock: Callable[[], datetime] = utc_now,
    rules: Rules | None = None,
) -> App:
    """The ASGI application of one gateway process. `sources` replaces `config/sources.yaml`.

    `rules` are those of the settings' files, for whoever has read them already.
    """
    return App(settings, sources, clock=clock, rules=rules)


@cache
def _description() -> Description:
    return Description(ROUTES, {**gateway_examples.SHOWN, **console_examples.SHOWN})


@cache
def _pages() -> Pages:
    return Pages()


async def _refuse_route(request: Request, _: Exception) -> Response:
    """A path that is no route, refused in the shape of every other refusal."""
    response = Response(problem_body("not_found", "there is no such route; see /docs"), 404, None, "application/json")
    response.raw_headers += [*SECURITY_HEADERS, (b"x-request-id", read_request_id(dict(request.scope["headers"])))]
    return response
