"""What the mapping cannot say: currencies, drafts, won or lost, open or closed, calls and to-dos."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.adapter.delivery import Item
from bridge.model import Entry, EntryKind
from tests.adapters.salesforce_org import make

STAMP = "2026-03-02T09:00:00.000+0000"


def said(object: str, **raw: Any) -> list[Entry]:
    item = Item(object=object, raw={"Id": "003Aa0000004711IAA", "SystemModstamp": STAMP, "IsDeleted": False} | raw)
    return [one for one in make().read(item) if isinstance(one, Entry)]


def one(object: str, **raw: Any) -> Entry:
    [entry] = said(object, **raw)
    return entry


@pytest.mark.parametrize(
    ("currency", "money"),
    [
        ("USD", ("USD", 120050)),
        ("JPY", ("JPY", 1200)),
        ("", ("EUR", 120050)),
        (None, ("EUR", 120050)),
        (7, ("EUR", 120050)),
    ],
)
def test_an_amount_is_in_the_currency_of_its_row(currency: object, money: tuple[str, int]) -> None:
    amount = one("opportunity", IsWon=True, Amount=1200.5, CurrencyIsoCode=currency).body["amount"]
    assert (amount["currency"], amount["minor"]) == money


@pytest.mark.parametrize(("won", "kind"), [(True, "full"), (False, "deleted"), (None, "deleted"), ("true", "deleted")])
def test_an_opportunity_is_a_purchase_only_while_it_is_won(won: object, kind: str) -> None:
    assert one("opportunity", IsWon=won, Amount=5).kind is EntryKind(kind)


@pytest.mark.parametrize(
    ("status", "code", "found"),
    [
        ("Activated", "Activated", "active"),
        ("Gekündigt", "Activated", "cancelled"),
        ("Sonderfall", "Activated", "active"),
        ("Sonderfall", "Signed", "active"),
        ("Sonderfall", "Terminated", "ended"),
        ("Sonderfall", None, None),
        ("Draft", "Draft", "deleted"),
        ("In Approval Process", "InApproval", "deleted"),
    ],
)
def test_what_state_a_contract_is_in(status: str, code: str | None, found: str | None) -> None:
    entry = one("contract", Status=status, StatusCode=code)
    assert (entry.body.get("status") if entry.kind is EntryKind.full else "deleted") == found


@pytest.mark.parametrize(
    ("status", "closed", "found"),
    [("Neu", False, "new"), ("Neu", True, "new"), ("Ganz eigen", True, "closed"), ("Ganz eigen", False, "open")],
)
def test_a_status_that_nobody_mapped_is_open_or_closed(status: str, closed: bool, found: str) -> None:
    assert one("case", Status=status, IsClosed=closed).body["status"] == found
    assert "status" not in one("case", Status="Ganz eigen", IsClosed="yes").body


CALL = {"WhoId": "003Aa0000004711IAA", "TaskSubtype": "Call", "IsClosed": True, "CompletedDateTime": STAMP}


@pytest.mark.parametrize(
    ("seconds", "started"),
    [
        (90, "2026-03-02T08:58:30Z"),
        (0, "2026-03-02T09:00:00Z"),
        (-5, "2026-03-02T09:00:00Z"),
        (10**9, "2026-03-02T09:00:00Z"),
    ],
)
def test_a_call_began_its_length_before_its_end(seconds: int, started: str) -> None:
    body = one("task", **CALL, CallDurationInSeconds=seconds).body
    assert (body["started"], body["ended"]) == (started, "2026-03-02T09:00:00Z")


def test_a_call_without_an_end_began_when_it_was_due() -> None:
    body = one(
        "task", **CALL | {"CompletedDateTime": None, "ActivityDate": "2026-03-01"}, CallDurationInSeconds=90
    ).body
    assert body["started"] == "2026-02-28T23:00:00Z"
    assert "ended" not in body


def test_an_end_at_the_beginning_of_all_time_is_left_as_it_is() -> None:
    body = one("task", **CALL | {"CompletedDateTime": "0001-01-01T00:00:00.000+0000"}, CallDurationInSeconds=90).body
    assert body["started"] == body["ended"]


def test_a_call_that_is_opened_again_did_not_take_place_yet() -> None:
    assert one("task", **CALL | {"IsClosed": False}).kind is EntryKind.deleted


@pytest.mark.parametrize(
    "change", [{"TaskSubtype": "Task"}, {"TaskSubtype": None}, {"WhoId": None}, {"WhoId": "00QAa0000000003UAA"}]
)
def test_what_is_no_exchange_with_a_customer_says_nothing(change: dict[str, Any]) -> None:
    assert said("task", **CALL | change) == []


def test_a_call_about_a_lead_of_a_company_belongs_to_the_company() -> None:
    subject = one("task", **CALL | {"WhoId": "00QAa0000000003UAA", "AccountId": "001Aa0000000020IAA"}).subject
    assert (subject.customer, subject.account) == (None, "001Aa0000000020IAA")


@pytest.mark.parametrize("master", [None, "", "  ", 7, "003Aa0000004711IAA", "003Aa0000004711"])
def test_a_deleted_contact_without_another_master_is_deleted(master: object) -> None:
    assert one("contact", IsDeleted=True, MasterRecordId=master).kind is EntryKind.deleted


def test_only_people_are_merged() -> None:
    master = "003Aa0000004712"
    assert one("contact", IsDeleted=True, MasterRecordId=master).into == "003Aa0000004712IAA"
    for other in ("account", "case"):
        assert one(other, IsDeleted=True, MasterRecordId=master).kind is EntryKind.deleted


def test_not_opting_out_is_no_consent() -> None:
    channels = one("contact", HasOptedOutOfEmail=True, DoNotCall=False).body["consents"]
    assert channels == [{"channel": "email", "status": "denied"}]
    assert "consents" not in one("contact", HasOptedOutOfEmail=False, DoNotCall=False).body
