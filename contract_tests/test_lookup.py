"""Asking live, while a caller waits: the right person or nobody, and never a stranger."""

from __future__ import annotations

import pytest

from bridge.adapter.base import Adapter, Item
from bridge.adapter.client import open_client
from bridge.errors import VendorRefused
from bridge.intake.live import checked
from bridge.model import Entry, Key, KeyKind
from contract_tests.fakes import FakeVendor, Trouble
from contract_tests.transports import Wire
from contract_tests.vendors import Vendor, leaks, said

PHONE = "+493012345678"
SPELLINGS = ("+49 30 12345678", "030/1234 56-78", "0049 (30) 12345678", "+49 (0) 30 12345678")
"""One number as people type it into a vendor's field."""
EMAIL = "frieda.muster@example.org"
NOBODY = {"phone": "+4915500009999", "email": "nobody.at.all@example.org"}
MOST_REQUESTS = 6
"""A caller is waiting, and the vendor counts."""


def _people(fake: FakeVendor, spelling: str) -> str:
    """Three people, of whom the second is asked for; gives back the id of that one."""
    fake.add_person(phone="+49 40 7654321", email="someone.else@example.org", external_id="K-7")
    wanted = fake.add_person(phone=spelling, email=EMAIL, external_id="K-8")
    fake.add_person(phone="+49 89 1112223", email="x" + EMAIL, external_id="K-88")
    return wanted


async def _ask(vendor: Vendor, fake: FakeVendor, key: Key) -> tuple[Adapter, list[Item]]:
    adapter = vendor.adapter()
    wire = Wire(fake.answer)
    client = open_client(adapter, transport=wire)
    try:
        items = await adapter.lookup(client, key)
    finally:
        await client.close()
    assert len(wire.requests) <= MOST_REQUESTS
    assert [str(request.url.path) for request in wire.requests if leaks(adapter.source, str(request.url))] == []
    return adapter, items


def _customers(adapter: Adapter, items: list[Item]) -> set[str]:
    return {one.source_id for one in said(adapter, items) if isinstance(one, Entry) and one.object == "customer"}


@pytest.mark.clause("lookup_finds", "lookup")
@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_a_person_is_found_by_every_kind_of_key(vendor: Vendor, spelling: str) -> None:
    for kind in vendor.manifest.lookup_kinds:
        fake = vendor.fake()
        wanted = _people(fake, spelling)
        value = {"phone": PHONE, "email": EMAIL, "id": f"{vendor.source().name}:{wanted}"}[kind]
        key = Key(KeyKind(kind), value)
        adapter, items = await _ask(vendor, fake, key)
        assert _customers(adapter, checked(adapter, items, key)) == {wanted}, kind


@pytest.mark.clause("lookup_nobody", "lookup")
@pytest.mark.parametrize("trouble", ["", "unfiltered"])
async def test_a_key_that_cannot_exist_finds_nobody(vendor: Vendor, trouble: Trouble) -> None:
    values = {**NOBODY, "id": f"{vendor.source().name}:999"}
    for kind in vendor.manifest.lookup_kinds:
        fake = vendor.fake()
        _people(fake, SPELLINGS[0])
        fake.trouble = trouble
        key = Key(KeyKind(kind), values[kind])
        adapter, items = await _ask(vendor, fake, key)
        assert checked(adapter, items, key) == [], kind


@pytest.mark.clause("lookup_unfiltered", "lookup")
async def test_a_server_that_ignores_the_filter_gives_away_nobody_else(vendor: Vendor) -> None:
    """Several real systems answer a filter they do not know with everybody, and status 200."""
    for kind in vendor.manifest.lookup_kinds:
        fake = vendor.fake()
        wanted = _people(fake, SPELLINGS[0])
        fake.trouble = "unfiltered"
        key = Key(KeyKind(kind), {"phone": PHONE, "email": EMAIL, "id": f"{vendor.source().name}:{wanted}"}[kind])
        adapter, items = await _ask(vendor, fake, key)
        assert _customers(adapter, checked(adapter, items, key)) == {wanted}, kind


@pytest.mark.clause("lookup_foreign", "lookup")
async def test_an_id_of_another_system_is_not_asked_for(vendor: Vendor) -> None:
    fake = vendor.fake()
    wanted = _people(fake, SPELLINGS[0])
    try:
        adapter, items = await _ask(vendor, fake, Key(KeyKind.id, f"zz_other_system:{wanted}"))
    except VendorRefused:
        return
    assert _customers(adapter, items) == set()


@pytest.mark.clause("lookup_quoting", "lookup")
@pytest.mark.parametrize("value", ['a"b@example.org', "a b@example.org", "a:b*@example.org", "role:admin@example.org"])
async def test_a_key_with_signs_of_the_query_language_finds_nobody(vendor: Vendor, value: str) -> None:
    if "email" not in vendor.manifest.lookup_kinds:
        pytest.skip(f"{vendor.name} looks nobody up by e-mail")
    fake = vendor.fake()
    _people(fake, SPELLINGS[0])
    key = Key(KeyKind.email, value)
    adapter, items = await _ask(vendor, fake, key)
    assert checked(adapter, items, key) == []
