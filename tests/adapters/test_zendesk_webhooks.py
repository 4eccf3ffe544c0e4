"""Webhooks: which are taken, what they say, and that any order of arrival ends in the same state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.adapter.delivery import Item, Refetch
from bridge.errors import BadRequest, MappingError, NotAuthentic
from bridge.intake.records import fold, version
from bridge.model import Entry, EntryKind
from tests.adapters.zendesk_account import NOW, account, entry, event, ticket, webhook


def read(body: dict[str, Any]) -> list[Entry | Refetch]:
    adapter = account()
    return [said for item in adapter.open(webhook(adapter, body)).items for said in adapter.read(item)]


def patch(body: dict[str, Any]) -> Entry:
    [found] = read(body)
    assert isinstance(found, Entry)
    assert found.kind is EntryKind.patch
    return found


def test_a_signed_delivery_is_taken_and_a_forged_or_stale_one_is_not() -> None:
    adapter = account()
    good = webhook(adapter, event("ticket.created"))
    adapter.verify(good, NOW)
    with pytest.raises(NotAuthentic):
        adapter.verify(msgspec.structs.replace(good, body=good.body.replace(b"35436", b"35437")), NOW)
    with pytest.raises(NotAuthentic):
        adapter.verify(good, NOW + timedelta(minutes=6))


def test_the_public_test_secret_of_an_unsaved_webhook_opens_nothing() -> None:
    adapter = account()
    public = account()
    public.source = msgspec.structs.replace(
        adapter.source, settings={"webhook_secret": "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="}
    )
    with pytest.raises(NotAuthentic):
        adapter.verify(webhook(public, event("ticket.created")), NOW)


def test_a_body_of_nothing_is_signed_all_the_same_and_then_refused() -> None:
    adapter = account()
    empty = webhook(adapter, b"")
    adapter.verify(empty, NOW)
    with pytest.raises(BadRequest):
        adapter.open(empty)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "something.else"},
        {"type": None},
        {"ticket": []},
        {"ticket": {"status": "open"}},
        {"ticket_id": "12a"},
        {"ticket_id": True},
        {"ticket_id": "9" * 20},
        {"ticket_id": None},
    ],
)
def test_a_body_that_is_neither_event_nor_trigger_is_refused(body: dict[str, Any]) -> None:
    adapter = account()
    with pytest.raises(BadRequest, match="README"):
        adapter.open(webhook(adapter, body))


@pytest.mark.parametrize("name", ["ticket.sla_policy_changed", "user.photo_changed", "article.published", "ticket.zz"])
def test_an_event_that_is_not_used_is_answered_200_and_counted(name: str) -> None:
    adapter = account()
    opened = adapter.open(webhook(adapter, {"type": f"zen:event-type:{name}", "id": "1", "detail": {}}))
    assert (opened.items, opened.ignored, opened.reply.status) == ((), 1, 200)


def test_an_event_is_known_again_by_its_id_whatever_delivery_brings_it() -> None:
    adapter = account()
    first = adapter.open(webhook(adapter, event("ticket.created"))).items
    again = adapter.open(webhook(adapter, event("ticket.created"), at=NOW + timedelta(seconds=40))).items
    assert first[0].dedupe_key == again[0].dedupe_key


def test_an_event_without_id_is_known_again_by_its_content() -> None:
    adapter = account()
    body = event("ticket.created")
    del body["id"]
    [one], [other] = (adapter.open(webhook(adapter, body | {"time": time})).items for time in (1, 2))
    assert one.dedupe_key != other.dedupe_key


@pytest.mark.parametrize(
    ("name", "detail", "field", "value"),
    [
        ("status_changed", {"status": "PENDING"}, "status", "waiting"),
        ("priority_changed", {"priority": "URGENT"}, "priority", "urgent"),
        ("priority_changed", {"priority": None}, "priority", None),
        ("subject_changed", {"subject": "Ölspur"}, "topic", "Ölspur"),
        ("type_changed", {"type": "INCIDENT"}, "type", "problem"),
        ("tags_changed", {"tags": ["vip"]}, "tags", ["vip"]),
        ("tags_changed", {"tags": "vip beschwerde"}, "type", "complaint"),
        ("description_changed", {"description": "[geschwärzt]"}, "text", "[geschwärzt]"),
        ("merged", {"status": "CLOSED"}, "status", "closed"),
    ],
)
def test_a_ticket_event_is_a_patch_with_what_it_carries(
    name: str, detail: dict[str, Any], field: str, value: object
) -> None:
    found = patch(event(f"ticket.{name}", detail))
    assert (found.object, found.source_id) == ("ticket", "35436")
    assert found.body[field] == value
    assert found.subject.customer == "23304514533908"


def test_a_field_that_an_event_does_not_carry_is_not_touched() -> None:
    body = event("ticket.status_changed")
    del body["detail"]["subject"]
    assert "topic" not in patch(body).body
    assert "satisfaction" not in patch(body).body


def test_being_solved_resolves_a_ticket_and_being_opened_again_takes_that_back() -> None:
    solved = patch(event("ticket.status_changed", {"status": "SOLVED"}))
    assert solved.body["resolved"] == "2026-05-04T10:20:30.123456Z"
    assert patch(event("ticket.status_changed", {"status": "OPEN"})).body["resolved"] is None
    assert "resolved" not in patch(event("ticket.status_changed", {"status": "CLOSED"})).body
    assert "resolved" not in patch(event("ticket.priority_changed", {"status": "SOLVED"})).body


@pytest.mark.parametrize("name", ["ticket.soft_deleted", "ticket.permanently_deleted", "ticket.marked_as_spam"])
def test_a_ticket_that_was_deleted_is_deleted(name: str) -> None:
    [found] = read(event(name))
    assert isinstance(found, Entry)
    assert (found.object, found.kind, found.body) == ("ticket", EntryKind.deleted, {})


def test_what_was_deleted_comes_back() -> None:
    for body in (event("ticket.undeleted"), event("user.active_changed", current=True)):
        restored, changed = read(body)
        assert isinstance(restored, Entry)
        assert isinstance(changed, Entry)
        assert (restored.kind, changed.kind) == (EntryKind.restored, EntryKind.patch)
        assert restored.order == changed.order


@pytest.mark.parametrize(
    ("name", "fields"),
    [("user.active_changed", {"current": False}), ("user.deleted", {}), ("organization.deleted", {})],
)
def test_people_and_organizations_are_deleted_too(name: str, fields: dict[str, Any]) -> None:
    [found] = read(event(name, **fields))
    assert isinstance(found, Entry)
    assert found.kind is EntryKind.deleted


def test_a_customer_who_becomes_an_agent_is_deleted_and_one_who_comes_back_is_fetched() -> None:
    [gone] = read(event("user.role_changed", {"role": "agent"}))
    assert isinstance(gone, Entry)
    assert gone.kind is EntryKind.deleted
    assert read(event("user.role_changed")) == [Refetch(object="user", id="23304514533908")]


def test_events_about_agents_say_nothing() -> None:
    assert read(event("user.name_changed", {"role": "admin"}, current="Änne")) == []
    assert read(event("user.identity_created", {"role": "agent"})) == []


def test_a_users_new_name_and_organization_are_patches() -> None:
    assert patch(event("user.name_changed", current="Çelik")).body == {"name": "Çelik"}
    left = patch(event("user.organization_membership_deleted", {"organization_id": "0"}))
    assert left.body == {"accounts": None}


def test_no_event_overwrites_what_identifies_a_customer() -> None:
    found = patch(event("user.name_changed", {"email": "alt@beispiel.de", "external_id": "K-1"}, current="Çelik"))
    assert set(found.body) == {"name"}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("ticket.custom_field_changed", [Refetch(object="ticket", id="35436")]),
        ("user.created", [Refetch(object="user", id="23304514533908")]),
        ("user.external_id_changed", [Refetch(object="user", id="23304514533908")]),
        ("user.identity_changed", [Refetch(object="user", id="23304514533908")]),
        ("user.merged", [Refetch(object="user", id="23304514533908")]),
        ("organization.name_changed", [Refetch(object="organization", id="19442893058196")]),
        ("ticket.csat_received", [Refetch(object="ticket", id="35436"), Refetch(object="csat", id="35436")]),
    ],
)
def test_an_event_that_says_too_little_is_fetched(name: str, wanted: list[Refetch]) -> None:
    assert read(event(name)) == wanted


def test_a_type_written_with_a_slash_is_understood() -> None:
    body = event("user.identity_created") | {"type": "zen:event-type/user.identity_created"}
    assert read(body) == [Refetch(object="user", id="23304514533908")]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (event("ticket.status_changed") | {"detail": []}, "detail"),
        (event("ticket.status_changed", {"id": None}), "detail.id"),
        (event("ticket.custom_field_changed", {"id": "../users"}), "detail.id"),
        (event("user.name_changed", {"role": None}), "detail.role"),
        (event("ticket.status_changed") | {"time": "gestern"}, "time"),
        (event("ticket.status_changed", {"updated_at": None}) | {"time": None}, "detail.updated_at"),
    ],
)
def test_an_event_that_cannot_be_read_is_kept_and_named(body: dict[str, Any], path: str) -> None:
    adapter = account()
    [item] = adapter.open(webhook(adapter, body)).items
    with pytest.raises(MappingError, match=path):
        adapter.read(item)


def test_an_event_kept_by_another_version_says_nothing() -> None:
    item = Item(object="ticket_event", raw=event("ticket.created") | {"type": "zen:event-type:ticket.retired"})
    assert account().read(item) == []


def test_a_trigger_that_names_a_ticket_has_it_fetched_each_time_anew() -> None:
    adapter = account()
    [one] = adapter.open(webhook(adapter, {"ticket_id": "35436"})).items
    [later] = adapter.open(webhook(adapter, {"ticket_id": "35436"}, at=NOW + timedelta(seconds=1))).items
    assert adapter.read(one) == [Refetch(object="ticket", id="35436")]
    assert one.dedupe_key != later.dedupe_key
    named = {"x-zendesk-webhook-invocation-id": "01HX"}
    [first] = adapter.open(webhook(adapter, {"ticket_id": 35436}, headers=named)).items
    [again] = adapter.open(webhook(adapter, {"ticket_id": 35436}, headers=named, at=NOW + timedelta(seconds=1))).items
    assert first.dedupe_key == again.dedupe_key


def test_a_trigger_that_carries_a_ticket_is_a_patch() -> None:
    body = {
        "ticket": {
            "id": "35436",
            "status": "Offen",
            "priority": "Dringend",
            "tags": "internet beschwerde",
            "organization_id": "",
            "requester_id": "23304514533908",
            "updated_at": "2026-05-04T10:45:00Z",
        }
    }
    found = patch(body)
    assert found.body == {
        "status": "open",
        "priority": "urgent",
        "type": "complaint",
        "tags": ["internet", "beschwerde"],
    }


@pytest.mark.parametrize("updated_at", [None, "", "4. Mai 2026", "May 4, 2026"])
def test_a_trigger_whose_ticket_cannot_be_put_in_order_has_it_fetched(updated_at: str | None) -> None:
    body = {"ticket": {"id": 35436, "status": "Offen", "updated_at": updated_at}}
    assert read(body) == [Refetch(object="ticket", id="35436")]


def test_the_order_of_events_is_the_tickets_clock_and_then_their_own() -> None:
    """An event sent late must not stand over a change that the export already told."""
    late = patch(event("ticket.status_changed") | {"time": "2026-05-04T10:20:59Z"})
    change = entry(account(), "ticket", ticket(updated_at="2026-05-04T10:20:31Z"))
    same_second = entry(account(), "ticket", ticket(updated_at="2026-05-04T10:20:30Z"))
    assert same_second.order < late.order < change.order
    one, two = (patch(event("ticket.status_changed") | {"time": f"2026-05-04T10:20:30.{n}Z"}) for n in (1, 2))
    assert one.order < two.order


def _history() -> list[Entry]:
    """A ticket's life as events and exports tell it, in the order in which it happened."""
    adapter = account()
    told: list[Entry | Refetch] = []

    def say(name: str, second: int, **detail: Any) -> None:
        body = event(name, {"updated_at": f"2026-05-04T10:00:{second:02}Z"} | detail)
        body |= {"id": f"{name}-{second}", "time": f"2026-05-04T10:00:{second:02}.5Z"}
        [item] = adapter.open(webhook(adapter, body)).items
        told.extend(adapter.read(item))

    say("ticket.created", 0, status="NEW", subject="Störung")
    say("ticket.priority_changed", 1, status="NEW", priority="HIGH", subject="Störung")
    told.append(entry(adapter, "ticket", ticket(status="open", priority="high", updated_at="2026-05-04T10:00:02Z")))
    say("ticket.tags_changed", 3, priority="HIGH", tags=["beschwerde"])
    say("ticket.soft_deleted", 4, status="DELETED")
    say("ticket.undeleted", 5, priority="HIGH", tags=["beschwerde"])
    say("ticket.status_changed", 6, status="SOLVED", priority="URGENT", subject="Erledigt", tags=["beschwerde"])
    return [one for one in told if isinstance(one, Entry)]


HISTORY = _history()


@given(st.permutations(range(len(HISTORY))), st.lists(st.integers(0, len(HISTORY) - 1), max_size=5))
def test_late_shuffled_and_repeated_deliveries_end_in_the_same_ticket(order: list[int], twice: list[int]) -> None:
    def state(which: list[int]) -> tuple[str, int, str]:
        versions = [
            version(HISTORY[one], "helpdesk", known_at=at, arrival=at, delivery=None) for at, one in enumerate(which)
        ]
        current = fold({(one.ord, one.hash): one for one in versions}.values())
        assert current is not None
        return current.body, current.deleted, current.subject

    assert state([*order, *twice]) == state(list(range(len(HISTORY))))


def test_the_state_at_the_end_of_the_history_is_what_the_last_event_said() -> None:
    current = fold(version(one, "helpdesk", known_at=1, arrival=1, delivery=None) for one in HISTORY)
    assert current is not None
    body = msgspec.json.decode(current.body)
    assert current.deleted == 0
    assert (body["status"], body["priority"], body["type"], body["topic"]) == (
        "resolved",
        "urgent",
        "complaint",
        "Erledigt",
    )
