"""A self-test of one configured source against the system itself: reads, asks, and writes nothing anywhere."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from msgspec import Struct

from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Page
from bridge.errors import MappingError, VendorError
from bridge.intake.live import checked
from bridge.model import Entry, EntryKind, Key, KeyKind

Verdict = Literal["good", "warning", "bad", "skipped"]

MOST_STREAMS = 8
SKEW_SECONDS = 30
"""A clock that is further off is worth a word; signatures with a time are refused beyond 300 seconds."""
_TOO_SKEWED = 300
NOBODY = {"phone": "+491713920099", "email": "nobody-{}@nowhere.example", "id": "{}"}
"""Keys that cannot exist: a number kept free for fiction, a domain that nobody can have, an id nobody gave out."""


class Finding(Struct, frozen=True):
    """What one test found: `text` says it, and for what is not good also what to do."""

    what: str
    verdict: Verdict
    text: str


async def probe(adapter: Adapter, client: Client, now: datetime, known: Key | None = None) -> AsyncIterator[Finding]:
    """Test what the adapter can do, one finding after the other, the cheapest first.

    `known` is a key that the vendor certainly has; left out, one of the people on its first pages is asked for.
    """
    manifest = adapter.manifest
    pages: dict[str, Page] = {}
    if "sync" in manifest.capabilities:
        async for finding in _read(adapter, client, now, pages):
            yield finding
        for finding in _map(adapter, pages):
            yield finding
        yield await _turn(adapter, client, now, pages)
    if "lookup" in manifest.capabilities:
        async for finding in _look_up(adapter, client, known, pages):
            yield finding
    if manifest.base_url:
        yield _clock(client, now)
        yield _rate(adapter, client)
    if "webhook" in manifest.capabilities and manifest.signature is not None:
        setting = manifest.signature.setting
        given = bool(adapter.source.secrets(setting))
        text = "deliveries can be checked" if given else f"fill in {setting}: until then every delivery is refused"
        yield Finding("webhook", "good" if given else "bad", text)
    if actions := ", ".join(sorted(manifest.actions)):
        yield Finding("actions", "skipped", f"{actions}: a test does nothing at the vendor")


async def _read(adapter: Adapter, client: Client, now: datetime, pages: dict[str, Page]) -> AsyncIterator[Finding]:
    try:
        streams = adapter.streams()[:MOST_STREAMS]
    except VendorError as problem:
        yield Finding("reading", "bad", str(problem))
        return
    if not streams:
        yield Finding("reading", "warning", "there is nothing to read yet: no stream is configured")
    for name in streams:
        began = time.monotonic()
        try:
            page = pages[name] = await adapter.page(client, name, "", now)
        except VendorError as problem:
            yield Finding(f"reading {name}", "bad", f"{problem}{_hint(problem)}")
            continue
        took = f"{(time.monotonic() - began) * 1000:,.0f} ms"
        total = f" of {page.total:,}" if page.total is not None else ""
        yield Finding(f"reading {name}", "good", f"{len(page.items):,}{total} on the first page, {took}")


def _hint(problem: VendorError) -> str:
    if problem.status == 401:
        return ": the credentials of this source are wrong or have ended"
    if problem.status == 403:
        return ": the credentials are good, but may not read this; see the adapter's README for the rights it needs"
    return ""


def _map(adapter: Adapter, pages: dict[str, Page]) -> Iterator[Finding]:
    """What the mapping makes of the first pages; each kind of error once."""
    items = [item for page in pages.values() for item in page.items]
    if not items:
        return
    mapped = 0
    problems: dict[str, int] = {}
    for item in items:
        try:
            if item.problem:
                raise MappingError(adapter.manifest.name, item.object, item.problem)
            mapped += bool(adapter.read(item))
        except MappingError as problem:
            problems[str(problem)] = problems.get(str(problem), 0) + 1
    dead = sum(problems.values())
    text = f"{mapped:,} of {len(items):,} become records, {len(items) - mapped - dead:,} are not ours"
    yield Finding("mapping", "good" if not problems else "warning", text)
    for text, count in sorted(problems.items(), key=lambda pair: -pair[1])[:5]:
        yield Finding("mapping", "bad", f"{count:,} × {text}")


async def _turn(adapter: Adapter, client: Client, now: datetime, pages: dict[str, Page]) -> Finding:
    """Whether the second page is another one than the first."""
    name = next((name for name, page in pages.items() if page.more and page.items), None)
    if name is None:
        return Finding("paging", "skipped", "everything there is fits the first pages")
    first = pages[name]
    try:
        second = await adapter.page(client, name, first.cursor, now)
    except VendorError as problem:
        return Finding("paging", "bad", f"the second page of {name}: {problem}")
    before = {item.dedupe_key for item in first.items}
    new = sum(item.dedupe_key not in before for item in second.items)
    if second.items and not new:
        return Finding("paging", "bad", f"the second page of {name} is the first one again")
    return Finding("paging", "good", f"the second page of {name} brings {new:,} others")


async def _look_up(
    adapter: Adapter, client: Client, known: Key | None, pages: dict[str, Page]
) -> AsyncIterator[Finding]:
    there = _keys(adapter, pages)
    for kind in adapter.manifest.lookup_kinds:
        key = known if known is not None and known.kind.value == kind else there.get(kind)
        what = f"look-up by {kind}"
        if key is None:
            yield Finding(what, "skipped", f"no {kind} is known to ask for; name one with --key")
        else:
            began = time.monotonic()
            try:
                items = await adapter.lookup(client, key)
            except VendorError as problem:
                yield Finding(what, "bad", f"{problem}{_hint(problem)}")
                continue
            took = f"{(time.monotonic() - began) * 1000:,.0f} ms"
            kept = checked(adapter, items, key)
            strangers = f"; {len(items) - len(kept):,} others came along and were dropped" if items != kept else ""
            if kept:
                yield Finding(what, "good", f"found, {took}{strangers}")
            else:
                text = f"somebody who is there is not found, {took}{strangers}: the vendor's index may lag, or it knows"
                yield Finding(what, "warning", f"{text} another spelling")
        yield await _nobody(adapter, client, kind)


async def _nobody(adapter: Adapter, client: Client, kind: str) -> Finding:
    """Ask for a key that cannot exist: whoever answers with people would one day answer with a stranger."""
    what = f"nobody by {kind}"
    number = secrets.token_hex(8)
    value = f"{adapter.source.name}:{number}" if kind == "id" else NOBODY[kind].format(number)
    try:
        items: list[Item] = await adapter.lookup(client, Key(KeyKind(kind), value))
    except VendorError as problem:
        return Finding(what, "bad", f"a key that cannot exist: {problem}")
    if items:
        text = (
            f"the vendor ignores the filter: a key that cannot exist brought {len(items):,} records. Each was dropped,"
        )
        return Finding(what, "bad", f"{text} so that no stranger is shown, but nobody can be found this way")
    return Finding(what, "good", "a key that cannot exist finds nobody")


def _keys(adapter: Adapter, pages: dict[str, Page]) -> dict[str, Key]:
    """One key of each kind, of people on the first pages."""
    found: dict[str, Key] = {}
    for item in (item for page in pages.values() for item in page.items):
        try:
            entries = [] if item.problem else adapter.read(item)
        except MappingError:
            continue
        for entry in entries:
            if (
                not isinstance(entry, Entry)
                or entry.object != "customer"
                or entry.kind not in (EntryKind.full, EntryKind.patch)
            ):
                continue
            found.setdefault("id", Key(KeyKind.id, f"{adapter.source.name}:{entry.source_id}"))
            for email in entry.body.get("emails") or ():
                found.setdefault("email", Key(KeyKind.email, email))
            for phone in entry.body.get("phones") or ():
                if phone.get("e164"):
                    found.setdefault("phone", Key(KeyKind.phone, phone["e164"]))
    return found


def _clock(client: Client, now: datetime) -> Finding:
    try:
        skew = (parsedate_to_datetime(client.heard.get("date", "")) - now).total_seconds()
    except (ValueError, TypeError):
        return Finding("clock", "skipped", "the vendor's answers carry no date")
    if abs(skew) <= SKEW_SECONDS:
        return Finding("clock", "good", f"{skew:+.0f} s beside the vendor's")
    text = f"{skew:+,.0f} s beside the vendor's: set this machine's clock (NTP)"
    return Finding("clock", "bad" if abs(skew) > _TOO_SKEWED else "warning", text)


def _rate(adapter: Adapter, client: Client) -> Finding:
    name = adapter.manifest.rate_limit.remaining
    if not name:
        return Finding("rate limit", "skipped", "the vendor does not say how many requests are left")
    value = client.heard.get(name.lower())
    if value is None:
        return Finding("rate limit", "warning", f"the last answer has no header {name}: a proxy may take it away")
    return Finding("rate limit", "good", f"{name}: {value}")
