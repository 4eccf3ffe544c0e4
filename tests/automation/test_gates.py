"""Every reason not to approach a customer, each by itself."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from bridge.automation.gates import Person, Sent, judge
from bridge.automation.ordering import Matter, Office, Order, order
from bridge.automation.outreach import Hours, Outreach, load_outreach, next_open, zone_of
from bridge.automation.rules import Act
from bridge.model import Channel, Consent, ConsentStatus, Customer, Phone, Ticket, TicketStatus
from bridge.playbook import Situation
from bridge.playbook.offers import Catalogue
from bridge.scoring.view import Held, View
from tests.automation.mailing import APOLOGY, TUESDAY, rule
from tests.scoring.views import CONFIG

BERLIN = ZoneInfo("Europe/Berlin")
PROOF = Consent(Channel.email, ConsentStatus.granted, TUESDAY - timedelta(days=400), "form/7")
POLICY = Outreach(unsubscribe="mailto:ab@example.de")


def person(*tickets: Held[Ticket], sent: tuple[Sent, ...] = (), **fields: Any) -> Person:
    customer = Customer(**({"emails": ("a@example.de",), "name": "A"} | fields))
    return Person(view=View(id="c_1", customer=customer, tickets=tickets), zone=BERLIN, sent=sent)


def held(number: int, status: TicketStatus = TicketStatus.open) -> Held[Ticket]:
    ticket = Ticket(status=status, opened=TUESDAY)
    return Held(source="h", object="ticket", source_id=str(number), at=TUESDAY, known_at=TUESDAY, record=ticket)


def mail(ago: timedelta, **fields: Any) -> Sent:
    usual: dict[str, Any] = {
        "key": "k",
        "automation": "other",
        "channel": "email",
        "purpose": "advertising",
        "apology": False,
    }
    return Sent(**(usual | fields), at=TUESDAY - ago)


def reason(who: Person, *, step: dict[str, Any] | None = None, **changes: Any) -> str | None:
    do = [{"send_email": {**APOLOGY["do"][0]["send_email"], **(step or {})}}]
    made = rule(**({"do": do, "while_ticket_open": "wait"} | changes))
    act = made.steps[0]
    assert isinstance(act, Act)
    return judge(made, act, who, POLICY, TUESDAY, cause="h/ticket/1").reason


def test_a_service_message_passes_where_nothing_speaks_against_it() -> None:
    assert reason(person(held(1))) is None


@pytest.mark.parametrize(
    ("consents", "purpose", "expected"),
    [
        ((), "service", None),
        ((), "advertising", "consent_missing"),
        ((Consent(Channel.sms, ConsentStatus.granted, TUESDAY, "x"),), "advertising", "consent_missing"),
        ((Consent(Channel.email, ConsentStatus.granted),), "advertising", "consent_not_proved"),
        ((PROOF,), "advertising", None),
        ((Consent(Channel.email, ConsentStatus.denied),), "service", "consent_denied"),
    ],
)
def test_advertising_needs_proof_and_service_only_that_nobody_said_no(
    consents: tuple[Consent, ...], purpose: str, expected: str | None
) -> None:
    assert reason(person(consents=consents), purpose=purpose) == expected


def test_the_dead_are_left_in_peace_and_objections_hold() -> None:
    assert reason(person(deceased=True)) == "deceased"
    assert reason(person(objects_to_profiling=True)) is None
    assert reason(person(objects_to_profiling=True, consents=(PROOF,)), purpose="advertising") == "objects_to_profiling"
    assert reason(person(objects_to_profiling=True), **{"if": {"risk.band": "high"}}) == "objects_to_profiling"


def test_who_opted_out_is_not_written_to_whatever_the_consent_says() -> None:
    who = msgspec.structs.replace(person(consents=(PROOF,)), opted_out=frozenset({Channel.email}))
    assert reason(who) == "opted_out"


def test_another_open_ticket_holds_a_message_and_its_own_does_not() -> None:
    assert reason(person(held(1), held(2))) == "ticket_open"
    assert reason(person(held(1), held(2, TicketStatus.closed))) is None
    assert reason(person(held(2)), while_ticket_open="allow") is None


def test_nobody_is_apologised_to_twice() -> None:
    sorry = {"apology": True}
    assert reason(person(sent=(mail(timedelta(days=9), apology=True),)), step=sorry) == "apologised_already"
    assert reason(person(sent=(mail(timedelta(days=31), apology=True),)), step=sorry) is None
    by_agent = msgspec.structs.replace(person(), apologised=TUESDAY - timedelta(days=1))
    assert reason(by_agent, step=sorry) == "apologised_already"
    assert reason(by_agent) is None


def test_nobody_hears_from_us_too_often() -> None:
    yesterday = mail(timedelta(days=1))
    assert reason(person(consents=(PROOF,), sent=(yesterday,)), purpose="advertising") == "frequency"
    assert reason(person(sent=(yesterday, yesterday))) is None
    service = mail(timedelta(hours=2), purpose="service")
    assert reason(person(sent=(service, service))) == "frequency"
    mine = mail(timedelta(days=20), automation="sorry")
    assert reason(person(sent=(mine,)), at_most={"times": 1, "days": 30}) == "at_most"
    assert reason(person(sent=(mine,)), at_most={"times": 1, "days": 10}) is None


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        (timedelta(hours=-2), "frequency"),
        (timedelta(hours=-25), None),
        (timedelta(hours=30), "frequency"),  # its turn was yesterday: it is sent any moment
    ],
)
def test_what_waits_counts_for_when_its_turn_is(ago: timedelta, expected: str | None) -> None:
    waits = mail(ago, purpose="service", waits=True)
    assert reason(person(sent=(waits, waits))) == expected


def test_who_prefers_another_channel_is_left_out_where_the_step_says_so() -> None:
    caller = person(preferred_channel=Channel.voice)
    assert reason(caller, step={"preferred_only": True}) == "other_channel_preferred"
    assert reason(caller) is None


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-11-24T07:59:00+01:00", "2026-11-24T08:00:00+01:00"),
        ("2026-11-24T12:00:00+01:00", "2026-11-24T12:00:00+01:00"),
        ("2026-11-24T20:00:00+01:00", "2026-11-25T08:00:00+01:00"),
        ("2026-11-27T21:00:00+01:00", "2026-11-30T08:00:00+01:00"),
        ("2026-12-24T21:00:00+01:00", "2026-12-28T08:00:00+01:00"),
        ("2027-03-26T21:00:00+01:00", "2027-03-29T08:00:00+02:00"),
    ],
)
def test_quiet_hours_are_those_of_the_customers_clock(at: str, opens: str) -> None:
    policy = Outreach(holidays=("2026-12-25",))
    assert next_open(policy, Channel.email, BERLIN, datetime.fromisoformat(at)) == datetime.fromisoformat(opens)
    assert next_open(Outreach(hours=Hours(monday_to_friday=None)), Channel.email, BERLIN, TUESDAY) is None


def test_public_holidays_are_quiet_every_year() -> None:
    shipped = load_outreach(CONFIG / "outreach.yaml")
    for eve, opens in (("2026-12-24", "2026-12-28"), ("2027-12-30", "2027-12-31"), ("2031-12-24", "2031-12-29")):
        at = datetime.fromisoformat(f"{eve}T21:00:00+01:00")
        assert next_open(shipped, Channel.email, BERLIN, at) == datetime.fromisoformat(f"{opens}T08:00:00+01:00")
    epiphany = datetime.fromisoformat("2028-01-06T10:00:00+01:00")
    assert next_open(shipped, Channel.email, BERLIN, epiphany) == epiphany
    bavaria = msgspec.structs.replace(shipped, public_holidays="BY")
    assert next_open(bavaria, Channel.email, BERLIN, epiphany) == epiphany.replace(hour=8) + timedelta(days=1)


def test_the_customers_own_zone_counts_where_it_is_one() -> None:
    lisbon = zone_of(Customer(time_zone="Europe/Lisbon"), POLICY)
    assert next_open(POLICY, Channel.sms, lisbon, datetime(2026, 11, 24, 7, 30, tzinfo=timezone.utc)) == datetime(
        2026, 11, 24, 8, tzinfo=timezone.utc
    )
    assert zone_of(Customer(time_zone="Mond/Krater"), POLICY) == BERLIN


CAN = frozenset(
    ("send_email", "send_sms", "schedule_callback", "add_note", "create_ticket", "create_task", "invite_survey")
)
PHONES = (Phone(raw="1", e164="+493023125042"), Phone(raw="2", e164="+4915123456789"))


def ordered(step: dict[str, Any], policy: Outreach = POLICY, **changes: Any) -> Any:
    made = rule(do=[step], **changes)
    act = made.steps[0]
    assert isinstance(act, Act)
    customer = Customer(name="A", emails=("a@example.de",), phones=PHONES, language="en")
    view = View(id="c_1", customer=customer)
    office = Office(policy=policy, catalogue=Catalogue(), currency="EUR", sources={"all": CAN, "none": frozenset()})
    matter = Matter(rule=made, run="r_1", cause="all/ticket/7", fact={}, occurred_at=TUESDAY)
    found = order(matter, act, Situation(view), office, TUESDAY)
    return (found.action, found.args, found.address) if isinstance(found, Order) else found


def test_each_step_is_an_order_that_the_vendors_interface_takes() -> None:
    both = {"de": "Ja", "en": "Yes"}
    assert ordered({"send_sms": {"text": both}}) == (
        "send_sms",
        {"to": "+4915123456789", "text": "Yes"},
        "phone:+4915123456789",
    )
    assert ordered({"add_note": {"text": both}}) == ("add_note", {"text": "Ja", "ticket": "7"}, "")
    called = ordered({"schedule_callback": {"reason": both, "after": {"hours": 12}}})
    assert called[1]["at"] == "2026-11-25T07:00:00+00:00" and called[1]["phone"] == "+493023125042"
    assert ordered({"notify": {"subject": both, "text": both}}) == "no_address"
    team = msgspec.structs.replace(POLICY, team="team@example.de")
    told = ordered({"notify": {"subject": both, "text": both}}, team)
    assert told == ("send_email", {"to": "team@example.de", "subject": "Ja", "text": "Ja"}, "")
    ticket = ordered({"create_ticket": {"subject": both, "text": both}})
    assert ticket[1]["email"] == "a@example.de" and ticket[1]["priority"] == "normal"
    task = ordered({"create_task": {"subject": both, "due": 2}})
    assert task[1]["due"] == "2026-11-26"
    assert ordered({"invite_survey": {"survey": "s1"}})[1]["reference"] == "r_1"
    assert ordered({"webhook": {"through": "all", "text": both}})[0] == "add_note"
    assert ordered({"send_sms": {"text": both, "through": "none"}}) == "no_source"


def test_advertising_says_how_to_get_no_more_or_is_not_sent() -> None:
    step = APOLOGY["do"][0]
    assert ordered(step, purpose="advertising")[1]["unsubscribe"] == "mailto:ab@example.de"
    assert ordered(step, Outreach(), purpose="advertising") == "no_unsubscribe"
    text = ordered(step, purpose="advertising")[1]["text"]
    assert text.endswith("Kind regards\n\nNo more messages like this: mailto:ab@example.de")
    named = {"send_sms": {"text": {"de": "Neu", "en": ["New: {{ unsubscribe_link }}", "New"]}}}
    assert ordered(named, purpose="advertising")[1]["text"] == "New: mailto:ab@example.de"
    short = {"send_sms": {"text": {"de": "Neu", "en": "New"}}}
    assert ordered(short, purpose="advertising")[1]["text"] == "New\n\nNo more messages like this: mailto:ab@example.de"
    assert ordered(short, Outreach(), purpose="advertising") == "no_unsubscribe"
    assert ordered(short)[1]["text"] == "New"
    assert "unsubscribe" not in ordered(step, Outreach())[1]
