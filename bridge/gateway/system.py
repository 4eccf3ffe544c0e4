"""For machines: is it alive, is it ready, what does it measure."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import msgspec
from msgspec import Struct
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from bridge import __version__
from bridge.gateway.endpoint import Call, Raw
from bridge.store import Store
from bridge.telemetry import METRICS

READY_SECONDS = 2.0


class Health(Struct, kw_only=True):
    """`status` is ok or unavailable."""

    status: str
    version: str = __version__


async def alive(call: Call) -> Health:
    """200 as long as the process answers."""
    return Health(status="ok")


async def ready(call: Call) -> Raw:
    """200 when the store answers, else 503: take this process out of the balancer."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            await call.gate.store.one("gateway.alive")
    except Exception:  # noqa: BLE001 - whatever it is, this process cannot answer
        return Raw(msgspec.json.encode(Health(status="unavailable")), status=503)
    return Raw(msgspec.json.encode(Health(status="ok")))


async def metrics(call: Call) -> Raw:
    """Prometheus text, drawn off the event loop. Needs the admin scope unless BRIDGE_OPEN_METRICS is set."""
    if not call.gate.settings.open_metrics:
        await call.gate.keys.admit(call.headers, frozenset({"admin"}), call.now)
    await _count_waiting(call.gate.store)
    text = await asyncio.to_thread(generate_latest, METRICS.registry)
    return Raw(text, CONTENT_TYPE_LATEST)


async def _count_waiting(store: Store) -> None:
    """What waits is in the store that all processes share. One that does not answer leaves the figures of before."""
    with suppress(Exception):
        async with asyncio.timeout(READY_SECONDS):
            waiting: dict[str, int] = dict(await store.all("inbox.waiting"))
            unsettled: dict[str, int] = dict(await store.all("outbox.unsettled"))
        for state in ("new", "waiting", "dead", "discarded"):
            METRICS.waiting.labels(state).set(waiting.get(state, 0))
        for state in ("uncertain", "dead"):
            METRICS.unsettled.labels(state).set(unsettled.get(state, 0))
