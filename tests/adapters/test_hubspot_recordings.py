"""Every recorded HubSpot answer goes through the real adapter: records or named errors; counts in = counts out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bridge.adapter.delivery import Item, Refetch
from bridge.errors import MappingError, VendorError
from bridge.model import RECORDS, Entry, Key, KeyKind
from tests.adapters.hubspot_account import NOW, Account, account

_KINDS = {"contacts": "contact", "companies": "company"}


def _interactions(folder: Path) -> Iterator[tuple[str, str, str, int, str]]:
    """Kind, method, URL, status and body of every recorded answer."""
    for path in sorted(folder.rglob("*.yml")):
        for one in yaml.safe_load(path.read_text("utf-8"))["http_interactions"]:
            asked, answer = one["request"], one["response"]
            kind = path.parent.name
            yield kind, asked["method"].upper(), asked["uri"], answer["status"]["code"], answer["body"]["string"]


@pytest.fixture
def recorded(shared: Path) -> list[tuple[str, str, str, int, str]]:
    folder = shared / "recorded" / "hubspot" / "crm-v3-cassettes"
    if not folder.is_dir():
        pytest.skip("no recordings in recorded/hubspot/crm-v3-cassettes beside the checkout")
    return list(_interactions(folder))


def test_recorded_objects_become_records_or_named_errors(recorded: list[tuple[str, str, str, int, str]]) -> None:
    adapter = account()
    rows, outcomes = 0, Counter[str]()
    for kind, _, _, status, body in recorded:
        data: Any = json.loads(body) if status == 200 else {"results": []}
        for raw in data.get("results", [data]):
            rows += 1
            try:
                said = adapter.read(Item(object=_KINDS[kind], raw=raw))
            except MappingError as problem:
                assert (problem.vendor, bool(problem.path)) == ("hubspot", True)
                outcomes["named error"] += 1
                continue
            [entry] = said
            assert isinstance(entry, Entry)
            assert entry.object in RECORDS
            assert entry.source_id == raw["id"]
            outcomes["record"] += 1
    assert len(recorded) == 6
    assert rows == sum(outcomes.values()) == 4
    assert outcomes == {"record": 4}


async def test_the_adapter_understands_each_recorded_answer_to_its_own_question(
    recorded: list[tuple[str, str, str, int, str]],
) -> None:
    """Found, not there, not allowed, a list with a next page: each as the service answered it."""
    outcomes: Counter[str] = Counter()
    for kind, method, url, status, body in recorded:
        answer = httpx.Response(status, content=body.encode(), headers={"content-type": "application/json"})
        adapter = account(api_version="v3")
        vendor = Account().on("", answer)
        client = vendor.client(adapter)
        path = httpx.URL(url).path
        try:
            if method == "POST":
                found = await adapter.lookup(client, Key(KeyKind.email, "test1@example.org"))
                assert vendor.asked[0].url.path == path
                outcomes["found by search"] += len(found)
            elif "limit" in url:
                page = await adapter.page(client, kind, json.dumps({"listing": True}), NOW)
                assert (vendor.asked[0].url.path, page.more) == (path, True)
                outcomes["listed"] += len(page.items)
            else:
                found = await adapter.fetch(client, Refetch(object=_KINDS[kind], id="1"))
                outcomes["fetched" if found else "not there"] += 1
        except VendorError as problem:
            assert problem.status == status == 403
            outcomes["refused"] += 1
        finally:
            await client.close()
    assert outcomes == {"found by search": 1, "listed": 1, "fetched": 2, "not there": 1, "refused": 1}
