"""The vendor fails: each fault ends in an error that says what to do next, and none gives away a secret or a person."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from bridge.adapter.base import Adapter, Refetch
from bridge.adapter.client import Client, open_client
from bridge.errors import ConfigError, NotAuthentic, VendorError, VendorRefused, VendorRetryable
from bridge.model import Key, KeyKind
from contract_tests.fixtures import WebhookFixture
from contract_tests.transports import NONSENSE, PASSING, REFUSALS, WAIT_SECONDS, Answering, Wire, too_many
from contract_tests.vendors import NOW, Vendor, leaks, said

PHONE = "+493012345678"
EMAIL = "frieda.muster@example.org"
_PERSONAL = ("3012345678", "12345678", "frieda", "muster", "360000000001")

Call = Callable[[Adapter, Client], Awaitable[object]]


async def _calls(vendor: Vendor) -> dict[str, Call]:
    """Everything the adapter may ask its vendor, by name."""
    if not vendor.manifest.base_url:
        pytest.skip(f"{vendor.name} asks no server")
    calls: dict[str, Call] = {}
    if "sync" in vendor.manifest.capabilities:
        calls |= {f"page of {stream}": partial(_page, stream) for stream in vendor.adapter().streams()}
    nobody = getattr(vendor.fake(), "nobody", "360000000001")  # what cannot be an id of the vendor's is not asked for
    keys = {"phone": PHONE, "email": EMAIL, "id": f"{vendor.source().name}:{nobody}"}
    for kind in vendor.manifest.lookup_kinds:
        calls[f"look-up by {kind}"] = partial(_lookup, Key(KeyKind(kind), keys[kind]))
    for fixture in vendor.fixtures:
        for hint in said(vendor.adapter(fixture.settings), await vendor.items(fixture)):
            if isinstance(hint, Refetch):
                calls[f"fetch of {hint.object}"] = partial(_fetch, hint)
    return calls


async def _page(stream: str, adapter: Adapter, client: Client) -> object:
    return await adapter.page(client, stream, "", NOW)


async def _lookup(key: Key, adapter: Adapter, client: Client) -> object:
    return await adapter.lookup(client, key)


async def _fetch(hint: Refetch, adapter: Adapter, client: Client) -> object:
    return await adapter.fetch(client, hint)


async def _failures(vendor: Vendor, call: Call, fault: Answering) -> list[Exception | None]:
    """What comes of a call when everything fails, and when the token is given but nothing else works."""
    fake = vendor.fake()
    problems: list[Exception | None] = []
    for spared in (None, fake.authorises):
        adapter = vendor.adapter()
        wire = Wire(fake.answer, spared)
        wire.fault = fault
        client = open_client(adapter, transport=wire)
        try:
            await call(adapter, client)
        except Exception as problem:
            problems.append(problem)
        else:
            problems.append(None)
        finally:
            await client.close()
        assert wire.requests, "nothing was asked"
    return problems


async def _unexpected(vendor: Vendor, faults: dict[str, Answering], wanted: type[VendorError]) -> list[str]:
    return [
        f"{name}, {fault}: {problem!r}"
        for name, call in (await _calls(vendor)).items()
        for fault, what in faults.items()
        for problem in await _failures(vendor, call, what)
        if not isinstance(problem, wanted)
    ]


@pytest.mark.clause("passing_faults", "sync")
async def test_a_fault_that_passes_is_worth_another_try(vendor: Vendor) -> None:
    assert await _unexpected(vendor, PASSING, VendorRetryable) == []


@pytest.mark.clause("rate_limit", "sync")
async def test_the_vendor_says_how_long_to_wait(vendor: Vendor) -> None:
    for name, call in (await _calls(vendor)).items():
        for problem in await _failures(vendor, call, too_many(vendor.manifest.rate_limit.retry_after)):
            assert isinstance(problem, VendorRetryable), name
            assert problem.retry_after == WAIT_SECONDS, name


@pytest.mark.clause("refusals", "sync")
async def test_a_refusal_is_not_repeated(vendor: Vendor) -> None:
    """But for a fetch: an object that we may no longer see is gone."""
    unexpected = await _unexpected(vendor, REFUSALS, VendorRefused)
    assert [one for one in unexpected if not one.startswith("fetch")] == []


@pytest.mark.clause("nonsense", "sync")
async def test_an_answer_that_is_none_is_an_error_and_never_an_empty_result(vendor: Vendor) -> None:
    assert await _unexpected(vendor, NONSENSE, VendorError) == []


@pytest.mark.clause("discretion", "sync")
async def test_errors_and_logs_name_no_secret_and_no_person(vendor: Vendor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    source = vendor.source()
    faults = (PASSING | REFUSALS | NONSENSE).values()
    texts = [
        str(problem)
        for call in (await _calls(vendor)).values()
        for what in faults
        for problem in await _failures(vendor, call, what)
    ]
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    for text in texts + ours:
        assert leaks(source, text) == []
        assert [word for word in _PERSONAL if word in text.casefold()] == [], text


@pytest.mark.clause("secrets_unseen")
def test_secrets_stand_in_no_error_and_no_repr(vendor: Vendor) -> None:
    """A delivery that is refused and a setting that is wrong say what to mend, not what the secret was."""
    source = vendor.source()
    texts = [repr(vendor.adapter()), str(vendor.adapter())]
    for setting in vendor.manifest.settings:
        try:
            vendor.adapter({setting.name: "zz not / a value"})
        except ConfigError as problem:
            texts.append(str(problem))
            assert setting.name in str(problem), "the error names the setting to mend"
    for fixture in vendor.of(WebhookFixture):
        adapter = vendor.adapter(fixture.settings)
        request = vendor.request(fixture, "another-secret-0123456789")
        with pytest.raises(NotAuthentic) as caught:
            adapter.verify(request, NOW)
        texts.append(str(caught.value))
    assert [text for text in texts if leaks(source, text)] == []
