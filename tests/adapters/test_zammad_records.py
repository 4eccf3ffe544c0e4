"""Records and deliveries: who is a customer, what is gone, and a delivery that says what a list says."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Item, Request
from bridge.errors import BadRequest, MappingError, NotAuthentic
from bridge.model import EntryKind
from tests.adapters.zammad_account import NOW, ROOT, account, said, vendor

FIXTURES = ROOT / "adapters" / "zammad" / "fixtures"


def _raw(name: str) -> dict[str, Any]:
    fixture = json.loads((FIXTURES / f"{name}.json").read_text("utf-8"))
    raw: dict[str, Any] = fixture["raw"] if "raw" in fixture else fixture["body"]
    return raw


def _user(adapter: Adapter, **changed: Any) -> EntryKind:
    raw = _raw("customer_with_phone_and_email") | changed
    (entry,) = said(adapter, [Item(object="user", raw=raw)])
    return entry.kind


@pytest.mark.parametrize(
    ("roles", "kind"),
    [
        (["Customer"], EntryKind.full),
        (["Agent", "customer"], EntryKind.full),
        (["Agent"], EntryKind.deleted),
        ([], EntryKind.deleted),
    ],
)
def test_who_has_the_role_is_a_customer(roles: list[str], kind: EntryKind) -> None:
    assert _user(account(), roles=roles) is kind


def test_the_roles_of_customers_can_be_named() -> None:
    adapter = account(customer_roles="Privatkunde, Geschäftskunde")
    assert _user(adapter, roles=["Geschäftskunde"]) is EntryKind.full
    assert _user(adapter, roles=["Customer"]) is EntryKind.deleted


@pytest.mark.parametrize(("field", "value"), [("roles", None), ("roles", "Customer"), ("active", None)])
def test_a_user_of_whom_it_is_not_said_whether_they_are_a_customer_is_an_error(field: str, value: Any) -> None:
    with pytest.raises(MappingError, match=rf"user\.{field}"):
        _user(account(), **{field: value})


def test_an_organization_that_is_switched_off_is_gone_and_back_when_it_is_on() -> None:
    raw = _raw("organization_with_members")
    for active, kind in ((True, EntryKind.full), (False, EntryKind.deleted)):
        (entry,) = said(account(), [Item(object="organization", raw=raw | {"active": active})])
        assert entry.kind is kind


@pytest.mark.parametrize(("state", "kind"), [("Merged", EntryKind.deleted), ("closed", EntryKind.full)])
def test_a_merged_ticket_is_gone_and_a_closed_one_resolved(state: str, kind: EntryKind) -> None:
    (entry,) = said(account(), [Item(object="ticket", raw=_raw("ticket_closed_twice") | {"state": state})])
    assert entry.kind is kind
    assert ("resolved" in entry.body) == (state == "closed")


SECRET = "made-up-secret-8d40"


def _request(body: Any, secret: str = SECRET, **headers: str) -> Request:
    content = json.dumps(body).encode()
    signature = "sha1=" + hmac.new(secret.encode(), content, hashlib.sha1).hexdigest()
    url = "https://bridge.example.org/webhooks/desk"
    given = {"x-hub-signature": signature, **headers}
    return Request(method="POST", url=url, headers=given, body=content, received_at=NOW)


def test_a_delivery_is_known_by_its_own_id_and_counts_by_its_content_without_one() -> None:
    adapter = account()
    request = _request(_raw("trigger_about_a_new_ticket"), **{"x-zammad-delivery": "2f6c1f0e"})
    adapter.verify(request, NOW)
    assert [item.dedupe_key for item in adapter.open(request).items] == ["delivery:2f6c1f0e"]
    bare = _request(_raw("trigger_about_a_new_ticket"))
    assert adapter.open(bare).items[0].dedupe == ""


def test_a_delivery_with_another_secret_is_refused() -> None:
    with pytest.raises(NotAuthentic):
        account().verify(_request(_raw("trigger_about_a_new_ticket"), "another-secret"), NOW)


@pytest.mark.parametrize("body", [{"ticket": "81"}, {"ticket": {}}, {"article": {"id": 1}}])
def test_a_payload_of_ones_own_is_refused_with_what_to_do(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="leave the webhook's payload"):
        account().open(_request(body))


def test_a_delivery_says_of_each_record_what_a_list_says() -> None:
    """Else each poll would take back what the webhook brought."""
    adapter = account()
    delivered = said(adapter, list(adapter.open(_request(_raw("trigger_about_a_new_ticket"))).items))
    listed = [("organization", "organization_with_members"), ("user", "customer_with_phone_and_email")]
    listed.append(("ticket", "ticket_that_is_open"))
    assert delivered == said(adapter, [Item(object=name, raw=_raw(fixture)) for name, fixture in listed])


def test_no_field_of_a_delivery_is_overlooked() -> None:
    from adapters.zammad.records import parts

    mapping = vendor().load_mapping(None)
    for fixture in FIXTURES.glob("trigger_*.json"):
        if "expected" not in fixture.name:
            found = parts(_raw(fixture.stem))
            assert [mapping.unread(part.object, part.raw) for part in found] == [[]] * len(found)


def test_a_kept_delivery_whose_ticket_is_gone_is_a_named_error() -> None:
    with pytest.raises(MappingError, match="ticket"):
        account().read(Item(object="delivery", raw={"ticket": None}))
