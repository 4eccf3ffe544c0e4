"""Twilio's published specification as a server: are our requests legal, and what do we make of its refusals?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from msgspec import Struct

from bridge.adapter.base import Action, Adapter, Item
from bridge.adapter.client import Client, open_client
from bridge.errors import MappingError, VendorError, VendorRefused, VendorRetryable
from bridge.model import Entry
from tests.live import prism
from tests.live.conftest import Connect, Missing

ROOT = Path(__file__).resolve().parents[2]
SPECIFICATION = ROOT.parent / "shared" / "recorded" / "twilio" / "twilio-oai-api-v2010" / "twilio_api_v2010.json"
ACCOUNT = "AC5ef87200e3f04f0b9d5ee3e1a0b6c001"
CALLS = f"2010-04-01/Accounts/{ACCOUNT}/Calls.json"
NOW = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
SMS = {"to": "+493055501234", "text": "Guten Tag Frau Muster, wir rufen Sie heute bis 16 Uhr zurück."}
CALL = {"phone": "+493055501234", "at": NOW.isoformat(), "queue": "Technik"}


@pytest.fixture(scope="module")
def server(missing: Missing) -> Iterator[str]:
    if not SPECIFICATION.exists():
        pytest.skip("the published specification is not beside this checkout")
    try:
        prism.find()
    except prism.Unavailable as problem:
        missing(str(problem))
    with prism.serving(SPECIFICATION) as url:
        yield url


class Twilio(Struct):
    """The adapter, its client, and the way to Prism between them and the vendor."""

    adapter: Adapter
    client: Client
    way: prism.Redirected

    async def perform(self, do: str, args: dict[str, str]) -> str:
        action = Action(do=do, args=args, idempotency_key="loop:17")
        return (await self.adapter.perform(self.client, action)).reference


@pytest.fixture
async def twilio(server: str, connect: Connect) -> AsyncIterator[Twilio]:
    adapter, _ = connect(
        "twilio",
        {
            "account_sid": ACCOUNT,
            "auth_token": "tw-auth-token-41c7",
            "since": "2026-01-01",
            "sms_from": "+4930555010",
            "callback_from": "+4930555010",
            "callback_url": "https://flows.example.org/callback",
            "status_callback": "https://bridge.example.org/webhooks/live",
        },
    )
    way = prism.Redirected(server)
    client = open_client(adapter, transport=way, clock=NOW.timestamp)
    yield Twilio(adapter, client, way)
    await client.close()


async def test_reading_the_calls_list_is_legal_and_its_example_becomes_a_record_or_a_named_error(
    twilio: Twilio,
) -> None:
    page = await twilio.adapter.page(twilio.client, "calls", "", NOW)
    assert page.items
    records, errors = _outcomes(twilio.adapter, list(page.items))
    assert records + errors == len(page.items)
    assert records, "the specification's own example of a call is one"


def _outcomes(adapter: Adapter, items: list[Item]) -> tuple[int, int]:
    records = errors = 0
    for item in items:
        try:
            found = adapter.read(item)
        except MappingError:
            errors += 1
        else:
            records += 1
            assert all(isinstance(one, Entry) for one in found)
    return records, errors


@pytest.mark.parametrize(("do", "args", "sid"), [("send_sms", SMS, "SM"), ("schedule_callback", CALL, "CA")])
async def test_an_action_is_a_legal_request_and_its_answer_names_what_was_made(
    twilio: Twilio, do: str, args: dict[str, str], sid: str
) -> None:
    assert (await twilio.perform(do, args)).startswith(sid)


@pytest.mark.parametrize(("do", "args"), [("send_sms", SMS), ("schedule_callback", CALL)])
async def test_too_many_requests_means_that_nothing_was_done_and_how_long_to_wait(
    twilio: Twilio, do: str, args: dict[str, str]
) -> None:
    twilio.way.answer = "429"
    with pytest.raises(VendorRetryable) as caught:
        await twilio.perform(do, args)
    assert (caught.value.status, caught.value.undone) == (429, True)
    assert caught.value.retry_after == prism.RETRY_SECONDS
    with pytest.raises(VendorRetryable):
        await twilio.adapter.page(twilio.client, "calls", "", NOW)


async def test_without_what_authorises_a_request_is_refused(twilio: Twilio) -> None:
    with pytest.raises(VendorRefused) as caught:
        await twilio.client.call("GET", CALLS, authorise=False)
    assert caught.value.status == 401


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("POST", CALLS, {"To": "+493055501234", "Url": "https://flows.example.org/callback"}),
        ("POST", CALLS.replace("Calls", "Messages"), {"From": "+4930555010", "Body": "Guten Tag"}),
        ("GET", CALLS.replace(ACCOUNT, "AC1"), None),
    ],
    ids=["a call from nowhere", "a message to nobody", "an account that cannot be"],
)
async def test_what_the_specification_does_not_allow_is_refused_and_so_prism_would_have_seen_it(
    twilio: Twilio, method: str, path: str, form: dict[str, str] | None
) -> None:
    with pytest.raises(VendorError) as caught:
        await twilio.client.call(method, path, form=form)
    assert isinstance(caught.value, VendorRefused)
    assert caught.value.status == 422
    assert "55501234" not in str(caught.value)
