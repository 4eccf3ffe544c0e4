"""Every recorded Salesforce body goes through the real adapter: records, or named errors; counts in = counts out."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Action, Item
from bridge.errors import MappingError, VendorError
from bridge.model import Entry, Key, KeyKind
from tests.adapters.salesforce_org import NOW, Org, make

_SET = "restforce-fixtures"
_OWN = {"to": "customer", "id": "Id"}
_OVERLAY = {
    "objects": {"Whizbang": _OWN | {"fields": {"name": "Name", "emails": "Email_Label", "phones": "Phone_Label"}}}
}
_TASK = Action(do="create_task", args={"subject": "a"}, idempotency_key="k")


async def _page(adapter: Adapter, client: Client) -> list[Item]:
    return list((await adapter.page(client, "contact", "", NOW)).items)


async def _deletions(adapter: Adapter, client: Client) -> list[Item]:
    cursor = '{"until":"2013-05-08T22:00:00.000Z","read":true,"gone":"2013-05-07T00:00:00.000Z"}'
    when = NOW.replace(year=2013, month=5, day=9)
    return list((await adapter.page(client, "contact", cursor, when)).items)


async def _search(adapter: Adapter, client: Client) -> list[Item]:
    return await adapter.lookup(client, Key(KeyKind.phone, "+14155551212"))


async def _task(adapter: Adapter, client: Client) -> list[Item]:
    await adapter.perform(client, _TASK)
    return []


_ASKED: dict[str, Callable[[Adapter, Client], Awaitable[list[Item]]]] = {
    "queryAll": _page,
    "deleted/": _deletions,
    "search/": _search,
    "sobjects/Task": _task,
    "describe": _page,
    "token": _page,
}
"""Whatever was recorded is given as the answer to each of these questions."""


def _body(path: Path) -> Any:
    text = path.read_text("utf-8")
    return json.loads(text) if text.strip() else None


def _status(body: Any) -> int:
    failed = isinstance(body, list) and body and isinstance(body[0], dict) and "errorCode" in body[0]
    return 400 if failed or (isinstance(body, dict) and "error" in body) else 200


async def _asked(adapter: Adapter, question: str, body: Any) -> tuple[str, list[Item]]:
    """What becomes of a recorded body as an answer: a list of items or a named error, never anything else."""
    org = Org()
    answer = httpx.Response(_status(body), content=b"" if body is None else json.dumps(body).encode())
    client = org.client(adapter)
    if question == "token":
        org.fake.authorises = lambda request: False  # type: ignore[method-assign]  # answered with the recording
    org.instead[question] = [answer] * 2
    try:
        return "answered", await _ASKED[question](adapter, client)
    except VendorError as problem:
        assert problem.source == "crm"
        return "named error", []
    finally:
        await client.close()


def _records(body: Any) -> list[dict[str, Any]]:
    """The records that a body holds, wherever they stand."""
    if isinstance(body, dict):
        own = [body] if "attributes" in body else []
        return own + [one for value in body.values() for one in _records(value)]
    return [one for value in body for one in _records(value)] if isinstance(body, list) else []


async def test_recorded_bodies_become_records_or_named_errors(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shared / "recorded" / "salesforce" / _SET
    if not folder.is_dir():
        pytest.skip(f"no recordings in recorded/salesforce/{_SET} beside the checkout")
    outcomes: Counter[tuple[str, str]] = Counter()
    found: Counter[str] = Counter()
    items: list[tuple[str, Item]] = []
    bodies = [_body(path) for path in sorted(folder.rglob("*.json"))]
    for body in bodies:
        for question in _ASKED:
            outcome, given = await _asked(make(_OVERLAY), question, body)
            outcomes[question, outcome] += 1
            items += [(question, one) for one in given]
        items += [("record", Item(object="Whizbang", raw=record)) for record in _records(body)]
    assert outcomes.total() == len(bodies) * len(_ASKED)
    adapter = make(_OVERLAY)
    for kind, item in items:
        found[kind] += 1
        outcomes[kind, _read(adapter, item)] += 1
    columns = ("answered", "record", "deleted", "not ours", "named error")
    lines = [f"\n{_SET}: {len(bodies)} bodies", f"{'':16}{'in':>6}" + "".join(f"{column:>13}" for column in columns)]
    for kind in [*_ASKED, "record"]:
        row = [outcomes[kind, column] for column in columns]
        into = found[kind] + (len(bodies) if kind in _ASKED else 0)
        assert sum(row) == into
        lines.append(f"{kind:16}{into:>6}" + "".join(f"{number:>13}" for number in row))
    assert outcomes["deleted/", "deleted"] == 1
    assert outcomes["record", "record"] + outcomes["record", "named error"] == found["record"]
    assert outcomes["record", "record"] > 0
    with capsys.disabled():
        sys.stdout.write("\n".join(lines) + "\n")


def _read(adapter: Adapter, item: Item) -> str:
    if item.problem:
        return "named error"
    try:
        said = adapter.read(item)
    except MappingError as problem:
        assert (problem.vendor, bool(problem.path)) == ("salesforce", True)
        return "named error"
    kinds = [entry.kind.value for entry in said if isinstance(entry, Entry)]
    return "not ours" if not kinds else "deleted" if kinds == ["deleted"] else "record"
