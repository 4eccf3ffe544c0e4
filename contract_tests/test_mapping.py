"""Records: what a vendor sends becomes what the golden files say, and nothing it may send tomorrow breaks anything."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bridge.adapter.base import Adapter, Item, Refetch
from bridge.errors import BadRequest, MappingError
from bridge.intake.inbox import redact
from bridge.model import RECORDS, Entry, EntryKind
from contract_tests.damage import MARK, damaged, enlarged, leaves, reworded
from contract_tests.fixtures import ActionFixture, SignedFixture, WebhookFixture, show, write_golden
from contract_tests.vendors import Vendor, open_delivery, outcome, said

_MOST_ITEMS = 12
"""How many items of one fixture are damaged: a file of many rows has them alike."""


@pytest.mark.clause("golden")
async def test_fixtures_become_what_the_golden_files_say(vendor: Vendor, update_golden: bool) -> None:
    different = []
    for fixture in vendor.fixtures:
        items = await vendor.items(fixture)
        if isinstance(fixture, SignedFixture | ActionFixture):  # what an action asks, test_actions.py shows
            continue
        adapter = vendor.adapter(fixture.settings)
        shown = [line for item in items for line in show(outcome(adapter, item), item.place)]
        if update_golden:
            write_golden(fixture.golden, shown)
        golden = msgspec.json.decode(fixture.golden.read_bytes()) if fixture.golden.exists() else None
        if msgspec.json.decode(msgspec.json.encode(shown)) != golden:
            different.append(fixture.name)
    assert different == [], "run `make golden` and read the diff"


@pytest.mark.clause("records")
async def test_everything_said_fits_the_shared_model(vendor: Vendor) -> None:
    for fixture in vendor.fixtures:
        _check(said(vendor.adapter(fixture.settings), await vendor.items(fixture)))


@pytest.mark.clause("ordering")
async def test_versions_carry_the_order_that_the_manifest_declares(vendor: Vendor) -> None:
    for fixture in vendor.fixtures:
        for entry in said(vendor.adapter(fixture.settings), await vendor.items(fixture)):
            if isinstance(entry, Entry):
                assert bool(entry.order) == (vendor.manifest.ordering != "none"), fixture.name
                assert entry.order == "" or entry.effective_at is not None, fixture.name


@pytest.mark.clause("ids")
async def test_ids_are_unique_and_stable(vendor: Vendor) -> None:
    seen: dict[str, Any] = {}
    for fixture in vendor.fixtures:
        first, again = await vendor.items(fixture), await vendor.items(fixture)
        assert [item.dedupe_key for item in first] == [item.dedupe_key for item in again], fixture.name
        for item in first:
            content = (item.object, item.raw, item.place)
            assert seen.setdefault(item.dedupe_key, content) == content, f"{fixture.name}: would be taken for another"


@pytest.mark.clause("raw_kept")
async def test_what_came_in_is_kept_and_redacted_as_declared(vendor: Vendor) -> None:
    for fixture in vendor.fixtures:
        items = await vendor.items(fixture)
        if isinstance(fixture, WebhookFixture) and fixture.raw_body is None and items:
            kept = list(leaves([item.raw for item in items]))
            assert [leaf for leaf in leaves(fixture.body) if leaf not in kept] == [], fixture.name
        for item in items:
            for path in vendor.manifest.redact:
                blanked = redact(item.raw, [path])
                assert redact(blanked, [path]) == blanked
    shown = [item.raw for fixture in vendor.fixtures for item in await vendor.items(fixture)]
    unseen = [path for path in vendor.manifest.redact if all(redact(raw, [path]) == raw for raw in shown)]
    assert unseen == [], "a path that no fixture holds is not known to work"


@pytest.mark.clause("nothing_overlooked")
async def test_every_field_is_read_or_ignored(vendor: Vendor) -> None:
    unread = {}
    for fixture in vendor.fixtures:
        mapping = vendor.adapter(fixture.settings).mapping
        for item in await vendor.items(fixture):
            if item.object in mapping.objects and not item.problem:
                unread[f"{fixture.name}: {item.object} {item.place}"] = mapping.unread(item.object, item.raw)
    assert {name: left for name, left in unread.items() if left} == {}, "map them, or list them under `ignore`"


@pytest.mark.clause("new_fields")
async def test_a_field_that_nobody_knows_changes_nothing(vendor: Vendor) -> None:
    for fixture in vendor.fixtures:
        adapter = vendor.adapter(fixture.settings)
        if isinstance(fixture, WebhookFixture) and isinstance(fixture.body, dict):
            larger = vendor.request(fixture, content=msgspec.json.encode(enlarged(fixture.body)))
            before = said(adapter, list(open_delivery(adapter, vendor.request(fixture)).items))
            assert said(adapter, list(open_delivery(adapter, larger).items)) == before, fixture.name
        for item in await vendor.items(fixture):
            larger_item = msgspec.structs.replace(item, raw=enlarged(item.raw))
            assert outcome(adapter, larger_item) == outcome(adapter, item), fixture.name


@pytest.mark.clause("new_words")
async def test_an_unknown_event_or_value_is_harmless(vendor: Vendor) -> None:
    for fixture in vendor.fixtures:
        adapter = vendor.adapter(fixture.settings)
        if isinstance(fixture, WebhookFixture) and isinstance(fixture.body, dict):
            for what, body in reworded(fixture.body):
                try:
                    opened = open_delivery(adapter, vendor.request(fixture, content=msgspec.json.encode(body)))
                except BadRequest:
                    continue
                for item in opened.items:
                    _read(adapter, item, f"{fixture.name}: {what}")
        for item in (await vendor.items(fixture))[:_MOST_ITEMS]:
            for what, raw in reworded(item.raw):
                _read(adapter, msgspec.structs.replace(item, raw=raw, dedupe=""), f"{fixture.name}: {what}")


@pytest.mark.clause("damage")
async def test_a_damaged_record_gives_a_record_or_a_named_error(vendor: Vendor) -> None:
    for fixture in vendor.fixtures:
        adapter = vendor.adapter(fixture.settings)
        for item in (await vendor.items(fixture))[:_MOST_ITEMS]:
            for what, raw in damaged(item.raw):
                _read(adapter, msgspec.structs.replace(item, raw=raw, dedupe=""), f"{fixture.name}: {what}")


@pytest.mark.clause("damaged_delivery", "webhook")
def test_a_damaged_delivery_is_taken_apart_or_refused(vendor: Vendor) -> None:
    for fixture in vendor.of(WebhookFixture):
        adapter = vendor.adapter(fixture.settings)
        if isinstance(fixture.body, dict):
            for what, body in damaged(fixture.body):
                try:
                    opened = open_delivery(adapter, vendor.request(fixture, content=msgspec.json.encode(body)))
                except BadRequest as refusal:
                    assert MARK not in str(refusal)
                    continue
                for item in opened.items:
                    _read(adapter, item, f"{fixture.name}: {what}")


def _read(adapter: Adapter, item: Item, what: str) -> None:
    """Read an item and check what comes of it: records of the shared model, or a MappingError without its contents."""
    try:
        found = [] if item.problem else adapter.read(item)
    except MappingError as problem:
        assert (problem.vendor, problem.path) != ("", ""), what
        assert MARK not in str(problem), f"{what}: the error repeats what it found"
    except Exception as crash:
        raise AssertionError(f"{what}: {type(crash).__name__}: {crash}") from crash
    else:
        _check(found)
    if item.object in adapter.mapping.objects:
        _same_both_ways(adapter, item, what)


def _same_both_ways(adapter: Adapter, item: Item, what: str) -> None:
    """The compiled mapping says exactly what the plain interpreter says, errors included."""
    outcomes = []
    for read in (adapter.mapping.read, adapter.mapping.interpret):
        try:
            outcomes.append(repr(read(item, adapter.source)))
        except MappingError as problem:
            outcomes.append(str(problem))
    assert outcomes[0] == outcomes[1], what


def _check(found: list[Entry | Refetch]) -> None:
    """Every entry is a record of the shared model; nothing is said that the model has no place for."""
    for one in found:
        if isinstance(one, Refetch):
            assert "" not in (one.object, one.id)
            continue
        assert one.source_id != ""
        assert one.object in RECORDS
        assert (one.into is not None) == (one.kind is EntryKind.merged)
        stated = _without_nulls(one.body) if one.kind is EntryKind.patch else one.body
        msgspec.convert(stated, RECORDS[one.object])


def _without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    """What a patch sets, without what it clears: fields, and the ids of single systems."""
    ids = {system: number for system, number in (body.get("external_ids") or {}).items() if number is not None}
    return {name: ids if name == "external_ids" else value for name, value in body.items() if value is not None}
