"""`/webhooks/{source}`: a vendor's delivery is verified, taken apart, written to disk, and then answered."""

from __future__ import annotations

from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Request
from bridge.errors import NotFound
from bridge.facts import Origin
from bridge.gateway.endpoint import Call, Raw
from bridge.intake.inbox import keep
from bridge.store import Unit, micros
from bridge.telemetry import METRICS


async def receive(call: Call) -> Raw:
    """Keep one delivery. What the adapter answers is sent only after the items are on disk (fsynced).

    404 for a source that is not configured or takes no webhooks, 401 for a signature that does not hold, 400 for a body
    that is not the vendor's. Duplicates are answered like the first and change nothing.
    """
    adapter = _adapter(call)
    source = adapter.source.name
    body = await call.raw_body(call.gate.settings.body_limit)
    request = Request(
        method=call.scope["method"],
        url=_public_url(call),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in call.headers.items()},
        body=body,
        received_at=call.now,
    )
    try:
        adapter.verify(request, call.now)
    except Exception:
        METRICS.deliveries.labels(source, "refused").inc()
        raise
    opened = adapter.open(request)
    if opened.items:
        unit = Unit()
        keep(unit, source, adapter.manifest, opened.items, via="webhook", origin=Origin.live, now=call.now)
        unit.add("gateway.heard", name=source, at=micros(call.now))
        await call.gate.store.write(unit)
        METRICS.deliveries.labels(source, "kept").inc(len(opened.items))
    if opened.ignored:
        METRICS.deliveries.labels(source, "ignored").inc(opened.ignored)
    return Raw(opened.reply.body, opened.reply.content_type, opened.reply.status)


async def probe(call: Call) -> Raw:
    """200 for a source that takes webhooks: some vendors ask before they save the address.

    A GET with a query is a delivery where the vendor delivers so.
    """
    adapter = _adapter(call)
    if call.scope["method"] in adapter.manifest.webhook_methods and call.scope["query_string"]:
        return await receive(call)
    return Raw(content_type="text/plain; charset=utf-8")


def _adapter(call: Call) -> Adapter:
    adapter = call.gate.registry.adapter(call.path["source"])
    if "webhook" not in adapter.manifest.capabilities:
        raise NotFound("this source takes no webhooks")
    return adapter


def _public_url(call: Call) -> str:
    raw_path: bytes = call.scope.get("raw_path") or call.scope["path"].encode()
    query: bytes = call.scope["query_string"]
    url = call.gate.settings.public_url + raw_path.partition(b"?")[0].decode("latin-1")
    return f"{url}?{query.decode('latin-1')}" if query else url
