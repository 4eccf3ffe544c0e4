"""`bridge check SOURCE`: good news from a system that works, and a plain word about each thing that does not."""

from __future__ import annotations

from email.utils import format_datetime

import httpx
import pytest

from bridge.adapter.client import open_client
from bridge.intake.probing import Finding, probe
from bridge.model import Key, KeyKind
from contract_tests.fakes import FakeVendor
from contract_tests.test_lookup import EMAIL, NOBODY, PHONE, SPELLINGS, _people
from contract_tests.transports import PASSING, REFUSALS, Answering, Wire
from contract_tests.vendors import NOW, Vendor, leaks


def _there(vendor: Vendor) -> FakeVendor:
    """The vendor's server with seven objects in each stream, and three people where it keeps people."""
    if not vendor.manifest.base_url:
        pytest.skip(f"{vendor.name} asks no HTTP server")
    if not {"sync", "lookup"} & set(vendor.manifest.capabilities):
        pytest.skip(f"{vendor.name} reads nothing")
    fake = vendor.fake()
    for name in vendor.adapter().streams() if "sync" in vendor.manifest.capabilities else ():
        fake.fill(name, 7)
    if "lookup" in vendor.manifest.capabilities:
        _people(fake, SPELLINGS[0])
    return fake


async def _findings(vendor: Vendor, answer: Answering, known: Key | None = None) -> dict[str, Finding]:
    adapter = vendor.adapter()

    def now(request: httpx.Request) -> httpx.Response:
        response = answer(request)
        if "date" in response.headers and "x-late" not in response.headers:
            response.headers["date"] = format_datetime(NOW, usegmt=True)
        return response

    client = open_client(adapter, transport=Wire(now), clock=NOW.timestamp)
    try:
        found = [one async for one in probe(adapter, client, NOW, known)]
    finally:
        await client.close()
    assert [one for one in found if leaks(adapter.source, one.text)] == []
    assert all(one.text for one in found)
    return {one.what: one for one in found}


@pytest.mark.clause("self_test")
async def test_a_system_that_works_passes(vendor: Vendor) -> None:
    fake = _there(vendor)
    for kind in (*vendor.manifest.lookup_kinds, None):
        known = {"phone": PHONE, "email": EMAIL}.get(kind or "")
        found = await _findings(vendor, fake.answer, Key(KeyKind(kind or "phone"), known) if known else None)
        assert [one for one in found.values() if one.verdict == "bad"] == []
        if known:
            assert found[f"look-up by {kind}"].verdict == "good"


@pytest.mark.clause("self_test_filter", "lookup")
async def test_a_system_that_ignores_the_filter_is_found_out(vendor: Vendor) -> None:
    fake = _there(vendor)
    fake.trouble = "unfiltered"
    found = await _findings(vendor, fake.answer)
    asked = [kind for kind in vendor.manifest.lookup_kinds if kind in NOBODY]
    for kind in asked:
        one = found[f"nobody by {kind}"]
        assert one.verdict in ("good", "bad")
        assert one.verdict == "good" or "ignores the filter" in one.text


@pytest.mark.clause("self_test_faults")
async def test_what_does_not_work_is_said(vendor: Vendor) -> None:
    fake = _there(vendor)
    for fault in {**PASSING, **REFUSALS}.values():
        found = await _findings(vendor, fault)
        assert [one.what for one in found.values() if one.verdict == "bad"] != []

    def late(request: httpx.Request) -> httpx.Response:
        answer = fake.answer(request)
        answer.headers.update({"date": "Mon, 02 Mar 2026 13:00:00 GMT", "x-late": "an hour"})
        return answer

    assert (await _findings(vendor, late))["clock"].verdict == "bad"
