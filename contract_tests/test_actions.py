"""Doing something at the vendor: exactly the expected request, under a key, once; and nothing that was not declared."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec
import pytest

from bridge.adapter.actions import ARGUMENTS
from bridge.adapter.base import Action
from bridge.adapter.client import open_client
from bridge.errors import VendorError, VendorRefused, VendorRetryable
from contract_tests.fixtures import ActionFixture, write_golden
from contract_tests.transports import PASSING, REFUSALS, WAIT_SECONDS, Answering, Wire, too_many
from contract_tests.vendors import NOW, Vendor, leaks, unused_client

_UNSAID = {
    "authorization",
    "x-api-token",
    "host",
    "user-agent",
    "accept-encoding",
    "connection",
    "content-length",
    "accept",
}
"""Headers that say nothing of the action, or what must stand in no file."""
_SURELY_UNDONE = {"time-out while connecting", "no connection", "429"}


def _actions(vendor: Vendor) -> list[ActionFixture]:
    if not vendor.manifest.actions:
        pytest.skip(f"{vendor.name} does nothing at its vendor")
    if not vendor.manifest.base_url:
        pytest.skip(f"{vendor.name} asks no HTTP server; its own tests show what it does")
    return vendor.of(ActionFixture)


async def _perform(
    vendor: Vendor,
    fixture: ActionFixture,
    fault: Answering | None = None,
    action: Action | None = None,
    after: int = 0,
) -> tuple[str | Exception, list[httpx.Request]]:
    """The vendor's reference or the failure, and the requests but those for a token. A fault comes after so many good
    answers."""
    fake = vendor.fake()
    answers = iter(fixture.answers[: after if fault else None])

    def answer(request: httpx.Request) -> httpx.Response:
        if fake.authorises(request):
            return fake.answer(request)
        one = next(answers, None)
        if one is None and fault is not None:
            return fault(request)
        assert one is not None, (
            f"{fixture.name}: one request more than there are answers: {request.method} {request.url}"
        )
        content = b"" if one.body is None else msgspec.json.encode(one.body)
        return httpx.Response(one.status, content=content, headers={"content-type": "application/json", **one.headers})

    adapter = vendor.adapter(fixture.settings)
    wire = Wire(answer)
    client = open_client(adapter, transport=wire, clock=NOW.timestamp)
    try:
        done: str | Exception = (await adapter.perform(client, action or fixture.action)).reference
    except Exception as problem:
        done = problem
    finally:
        await client.close()
    return done, [request for request in wire.requests if not fake.authorises(request)]


def _address(vendor: Vendor) -> set[str]:
    """The settings that make up the vendor's address; where that is a secret, it is told to nobody but the vendor."""
    return set(re.findall(r"\{(\w+)\}", vendor.manifest.base_url))


def _shown(request: httpx.Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "")
    body: Any = request.content.decode("utf-8", "replace")
    if "json" in kind:
        body = msgspec.json.decode(request.content)
    elif "form-urlencoded" in kind:
        body = [list(pair) for pair in parse_qsl(body, keep_blank_values=True)]
    headers = {name: value for name, value in sorted(request.headers.items()) if name.lower() not in _UNSAID}
    shown = {"method": request.method, "url": str(request.url), "headers": headers}
    return shown | ({"body": body} if request.content else {})


@pytest.mark.clause("actions")
async def test_an_action_causes_exactly_the_expected_requests(vendor: Vendor, update_golden: bool) -> None:
    for fixture in _actions(vendor):
        done, requests = await _perform(vendor, fixture)
        assert isinstance(done, str), f"{fixture.name}: {done!r}"
        assert len(requests) == len(fixture.answers), fixture.name
        shown: list[dict[str, Any]] = [*map(_shown, requests), {"reference": done}]
        leaked = leaks(vendor.source(fixture.settings), msgspec.json.encode(shown).decode())
        assert set(leaked) <= _address(vendor)
        if update_golden:
            write_golden(fixture.golden, shown)
        assert shown == msgspec.json.decode(fixture.golden.read_bytes()), fixture.name


@pytest.mark.clause("action_key")
async def test_an_action_carries_its_key_so_that_the_vendor_or_a_person_can_tell_it_was_done(vendor: Vendor) -> None:
    for fixture in _actions(vendor):
        _, requests = await _perform(vendor, fixture)
        key = fixture.action.idempotency_key
        said = [(one.method, str(one.url), str(dict(one.headers)), one.content.decode()) for one in requests]
        assert any(key in text for parts in said for text in parts), fixture.name


@pytest.mark.clause("action_undeclared")
async def test_what_is_not_declared_is_refused_before_anybody_is_called(vendor: Vendor) -> None:
    adapter = vendor.adapter()
    for name in [*(set(ARGUMENTS) - vendor.manifest.actions), "zz_unheard_of", "headers", "page", "sync"]:
        with pytest.raises(VendorRefused):
            await adapter.perform(unused_client(adapter), Action(do=name, args={}, idempotency_key="k"))


@pytest.mark.clause("action_arguments")
async def test_arguments_that_do_not_fit_are_refused_before_anybody_is_called(vendor: Vendor) -> None:
    for fixture in _actions(vendor):
        damaged = [{"zz_unknown": 1, **fixture.args}, {}]
        damaged += [{**fixture.args, name: {"zz": MARK}} for name in fixture.args]
        for args in damaged:
            action = msgspec.structs.replace(fixture.action, args=args)
            done, requests = await _perform(vendor, fixture, action=action)
            assert isinstance(done, VendorRefused), f"{fixture.name}: {args}"
            assert requests == []
            assert MARK not in str(done)


MARK = "zz-4711@example.org"


@pytest.mark.clause("action_faults")
async def test_a_fault_says_whether_the_vendor_surely_did_nothing(vendor: Vendor) -> None:
    """Only what surely was not done may be done again by itself."""
    for fixture in _actions(vendor):
        source = vendor.source(fixture.settings)
        for name, fault in {**PASSING, "429": too_many(vendor.manifest.rate_limit.retry_after)}.items():
            problem, requests = await _perform(vendor, fixture, fault)
            assert requests, fixture.name
            assert isinstance(problem, VendorRetryable), f"{fixture.name}, {name}: {problem!r}"
            assert problem.undone == (name in _SURELY_UNDONE) or len(fixture.answers) > 1, f"{fixture.name}, {name}"
            assert name != "429" or problem.retry_after == WAIT_SECONDS
            assert _indiscreet(source, fixture, problem) == []
        for name, fault in REFUSALS.items():
            problem, _ = await _perform(vendor, fixture, fault)
            assert isinstance(problem, VendorRefused), f"{fixture.name}, {name}: {problem!r}"
            assert _indiscreet(source, fixture, problem) == []


@pytest.mark.clause("action_half_done")
async def test_what_was_done_in_part_is_never_said_to_be_undone(vendor: Vendor) -> None:
    """An action of several requests that fails after one of them wrote something."""
    for fixture in _actions(vendor):
        for after in range(1, len(fixture.answers)):
            for name, fault in {**PASSING, "429": too_many(vendor.manifest.rate_limit.retry_after)}.items():
                problem, requests = await _perform(vendor, fixture, fault, after=after)
                done = zip(requests, fixture.answers[:after], strict=False)
                written = any(one.method not in ("GET", "HEAD") and answer.status < 300 for one, answer in done)
                where = f"{fixture.name}, {name} after {after}"
                assert isinstance(problem, VendorRetryable), f"{where}: {problem!r}"
                assert not (written and problem.undone), where


def _indiscreet(source: Any, fixture: ActionFixture, problem: VendorError) -> list[str]:
    personal = [one for one in fixture.args.values() if isinstance(one, str) and len(one) > 5]
    return leaks(source, str(problem)) + [one for one in personal if one in str(problem)]
