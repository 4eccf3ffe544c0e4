"""The sample as Zendesk would tell of it: deliveries that the real adapter verifies, opens and reads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from adapters.zendesk.sample import deliveries
from bridge.adapter.delivery import Item, Request
from bridge.intake.records import fold, version
from bridge.model import Entry, EntryKind
from tests.adapters.zendesk_account import NOW, account


@dataclass
class User:
    id: str = "u1"
    name: str = "Jürgen Größmann"
    email: str | None = "juergen@beispiel.de"
    phone: str | None = "+493055501234"
    crm_id: str | None = "K-1"
    language: str = "de"
    since: datetime = NOW - timedelta(days=400)
    shared_phone: bool = False
    deleted: datetime | None = None


@dataclass
class Case:
    id: str = "t1"
    user_id: str = "u1"
    type: str = "complaint"
    subject: str = "Beschwerde"
    text: str = "Niemand ruft zurück."
    opened: datetime = NOW - timedelta(days=9)
    status: str = "resolved"
    priority: str = "high"
    first_reply: datetime | None = NOW - timedelta(days=8)
    settled: datetime | None = NOW - timedelta(days=7)
    reopened: int = 0
    score: Literal["good", "bad"] | None = "bad"
    repeated: bool = False
    late: bool = False


@dataclass
class Center:
    users: list[User] = field(default_factory=lambda: [User()])
    tickets: list[Case] = field(default_factory=lambda: [Case()])


def told(center: Center) -> dict[str, dict[str, Any]]:
    """What the adapter makes of it all, by record."""
    adapter = account()
    entries: list[Entry] = []
    for one in deliveries(center, adapter.source, NOW):
        if isinstance(one, Request):
            adapter.verify(one, NOW)
        items = adapter.open(one).items if isinstance(one, Request) else (one,)
        entries += [said for item in items for said in adapter.read(item) if isinstance(said, Entry)]
    records: dict[str, dict[str, Any]] = {}
    for name in {(one.object, one.source_id) for one in entries}:
        versions = [one for one in entries if (one.object, one.source_id) == name]
        current = fold(version(one, "helpdesk", known_at=1, arrival=1, delivery=None) for one in versions)
        assert current is not None
        records[name[0]] = {"subject": current.subject, "body": current.body, "id": name[1]}
    return records


def test_a_customer_with_a_rated_complaint_arrives_whole() -> None:
    records = told(Center())
    person = f"id:helpdesk:{records['customer']['id']}"
    assert {one["subject"] for one in records.values()} == {person}
    assert len(records["customer"]["id"]) == 14
    for part in ('"type":"complaint"', '"status":"resolved"', '"priority":"high"', '"topic":"Beschwerde"'):
        assert part in records["ticket"]["body"]
    assert '"score":0.0' in records["survey_response"]["body"]
    assert '"external_ids":{"crm":"K-1"}' in records["customer"]["body"]


def test_a_new_ticket_is_only_created_and_one_without_score_is_not_rated() -> None:
    new = replace(Case(), status="new", type="unknown", score=None, first_reply=None, settled=None)
    records = told(Center(tickets=[new]))
    assert set(records) == {"customer", "ticket"}
    assert '"status":"new"' in records["ticket"]["body"]


def test_the_same_contact_center_gives_the_same_deliveries() -> None:
    source = account().source
    once, again = (list(deliveries(Center(), source, NOW)) for _ in range(2))
    assert once == again
    assert [type(one) for one in once] == [Item, Request, Request, Request, Item]


def test_an_old_ticket_comes_with_the_export_and_says_how_often_it_was_reopened() -> None:
    old = Case(opened=NOW - timedelta(days=90), first_reply=None, reopened=2, status="open", settled=None, score=None)
    once = list(deliveries(Center(tickets=[old]), account().source, NOW))
    assert [one.object for one in once if isinstance(one, Item)] == ["user", "ticket"]
    records = told(Center(tickets=[old]))
    for part in ('"reopened":2', '"type":"complaint"', '"status":"open"'):
        assert part in records["ticket"]["body"]
    assert "first_reply" not in records["ticket"]["body"]


def test_events_that_come_late_or_twice_end_in_the_same_ticket() -> None:
    usual = told(Center())
    awry = Center(tickets=[Case(late=True, repeated=True)])
    once = [one for one in deliveries(awry, account().source, NOW) if isinstance(one, Request)]
    assert b"ticket.created" in once[-1].body
    assert b"ticket.created" not in once[0].body
    assert len(once) == 6
    assert told(awry) == usual


def test_a_user_who_is_gone_is_deleted() -> None:
    of = account()
    (item,) = deliveries(Center(users=[User(deleted=NOW)], tickets=[]), of.source, NOW)
    assert isinstance(item, Item)
    (entry,) = of.read(item)
    assert isinstance(entry, Entry)
    assert entry.kind is EntryKind.deleted
