"""What an adapter does that says nothing for itself, and the small things that it is handed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.adapter.base import Adapter, json_body
from bridge.adapter.client import open_client
from bridge.adapter.delivery import Action, Item, Refetch, Request
from bridge.adapter.manifest import Manifest, Signature
from bridge.adapter.mapping import build_mapping
from bridge.adapter.order import by_rank, by_sequence, by_time
from bridge.adapter.source import Source
from bridge.errors import BadRequest, ConfigError, NotAuthentic, VendorRefused
from bridge.model import Key, KeyKind

NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)


@pytest.fixture
def adapter() -> Adapter:
    manifest = Manifest(
        name="desk",
        title="Desk",
        kind="helpdesk",
        docs="",
        capabilities=("webhook",),
        streams=("a", "b"),
        base_url="https://desk.example/",
        signature=Signature(scheme="header", header="x-secret"),
    )
    mapping = build_mapping({"vendor": "desk", "objects": {"thing": {"to": "usage", "id": "id"}}}, "desk.yaml")
    source = Source(name="help", adapter="desk", settings={"webhook_secret": ("new", "old"), "none": ()})
    return Adapter(source, manifest, mapping)


def request(body: bytes = b"{}", secret: str = "") -> Request:
    return Request(method="POST", url="https://x/", headers={"x-secret": secret}, body=body, received_at=NOW)


async def test_an_adapter_refuses_what_it_does_not_say_it_can(adapter: Adapter) -> None:
    client = open_client(adapter, transport=httpx.MockTransport(lambda _: httpx.Response(200, json=1)))
    with pytest.raises(BadRequest, match="help takes no webhooks"):
        adapter.open(request())
    with pytest.raises(VendorRefused, match="help: has no stream a"):
        await adapter.page(client, "a", "", NOW)
    with pytest.raises(VendorRefused, match="help: has no live look-up"):
        await adapter.lookup(client, Key(KeyKind.phone, "+4930123456"))
    with pytest.raises(VendorRefused, match="help: cannot fetch thing"):
        await adapter.fetch(client, Refetch(object="thing", id="1"))
    with pytest.raises(VendorRefused, match="help: cannot add_note"):
        await adapter.perform(client, Action(do="add_note", args={}, idempotency_key="1"))
    assert (await client.call("GET", "x")).data == 1
    await client.close()


def test_an_adapter_checks_and_reads_as_manifest_and_mapping_say(adapter: Adapter) -> None:
    adapter.verify(request(secret="old"), NOW)
    with pytest.raises(NotAuthentic):
        adapter.verify(request(secret="older"), NOW)
    (entry,) = adapter.read(Item(object="thing", raw={"id": 5}))
    assert getattr(entry, "source_id", None) == "5"
    assert adapter.streams() == ("a", "b")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"1", b'"a"'])
def test_a_body_that_is_no_json_object_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest, match="the body is not"):
        json_body(request(body))
    assert json_body(request(b'{"a":1}')) == {"a": 1}


def test_a_setting_is_its_first_value_or_its_default_or_missing(adapter: Adapter) -> None:
    assert adapter.source.setting("webhook_secret") == "new"
    assert adapter.source.setting("none", "default") == "default"
    with pytest.raises(ConfigError, match=r"help\.settings\.none: is missing"):
        adapter.source.setting("none")


def test_an_item_without_a_name_of_its_own_is_known_by_its_content() -> None:
    one = Item(object="a", raw={"x": 1, "y": 2})
    assert one.dedupe_key == Item(object="a", raw={"y": 2, "x": 1}).dedupe_key
    assert one.dedupe_key != Item(object="b", raw={"x": 1, "y": 2}).dedupe_key
    assert Item(object="a", raw={}, dedupe="7").dedupe_key == "a:7"


INSTANTS = st.integers(0, 2**32).map(
    lambda seconds: datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
)


@given(INSTANTS, INSTANTS, st.integers(0, 10**19), st.integers(0, 10**19), st.integers(0, 99), st.integers(0, 99))
def test_orders_sort_as_text_as_the_vendor_means_them(
    first: datetime, second: datetime, low: int, high: int, early: int, late: int
) -> None:
    assert (by_time(first) < by_time(second)) == (first < second)
    assert (by_sequence(low) < by_sequence(high)) == (low < high)
    assert (by_rank(early, first) < by_rank(late, second)) == ((early, first) < (late, second))
