"""Who renews or accepts is handed to people: by the first way there is, at the system that knows the customer."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import msgspec
import pytest

from bridge.acting.answering import Terms
from bridge.acting.errands import write_errand
from bridge.adapter.actions import ARGUMENTS
from bridge.automation.handing import Errand, HandedOver, hand_over
from bridge.automation.ordering import Office
from bridge.automation.outreach import Outreach
from bridge.model import Customer, Money, Phone
from bridge.playbook.offers import NO_OFFERS
from bridge.scoring.view import Held, View

NOW = datetime(2026, 11, 24, 9, 5, tzinfo=timezone.utc)
ERRAND = Errand(subject="Rosa möchte verlängern", text="Bitte eintragen.", near="billing")
EVERYTHING = frozenset({"create_task", "create_ticket", "add_note", "send_email"})


def _view(*sources: str, owner: str | None = "Jana Brandt") -> View:
    customer = Customer(
        name="Rosa Beispiel", owner=owner, emails=("rosa@example.de",), phones=(Phone(e164="+493023125042", raw=""),)
    )
    held = tuple(
        Held(source=one, object="user", source_id=f"{one}-7", at=NOW, known_at=NOW, record=customer) for one in sources
    )
    return View(id="c_1", customer=customer, profiles=held)


def _handed(view: View, sources: dict[str, frozenset[str]], **policy: Any) -> HandedOver | None:
    office = Office(policy=Outreach(**policy), catalogue=NO_OFFERS, currency="EUR", sources=sources)
    return hand_over(office, view, ERRAND, NOW)


@pytest.mark.parametrize("way", ["create_task", "create_ticket", "add_note", "notify"])
def test_every_way_fits_what_adapters_take(way: str) -> None:
    handed = _handed(_view("crm"), {"crm": EVERYTHING}, hand_over=(way,), people={"Jana Brandt": "jana@example.de"})
    assert handed is not None
    args = msgspec.convert(handed.args, ARGUMENTS[handed.action], strict=False)
    assert "Rosa" in str(args) and handed.source == "crm"
    assert getattr(args, "to", "jana@example.de") == "jana@example.de"


def test_the_first_way_that_there_is_is_taken() -> None:
    ways: dict[str, Any] = {"hand_over": ("create_task", "add_note", "notify"), "team": "team@example.de"}
    note, mail = frozenset({"add_note"}), frozenset({"send_email"})
    view = _view("crm", owner=None)
    handed = _handed(view, {"crm": note, "post": mail}, **ways)
    assert handed is not None and (handed.source, handed.action) == ("crm", "add_note")
    handed = _handed(_view("other"), {"crm": note, "post": mail}, **ways)  # a note needs somebody to be about
    assert handed is not None and (handed.action, handed.args["to"]) == ("send_email", "team@example.de")
    assert _handed(_view("other"), {"crm": note}, **ways) is None
    assert _handed(view, {"post": mail}, hand_over=("notify",)) is None


def test_the_system_is_the_one_named_else_where_the_matter_is_else_where_the_customer_is() -> None:
    task = frozenset({"create_task"})
    everywhere = {"billing": task, "crm": task, "desk": task}
    for known, sources, through, expected in (
        (("crm",), everywhere, {"create_task": "desk"}, "desk"),
        (("crm",), everywhere, {}, "billing"),
        (("desk",), {"crm": task, "desk": task}, {}, "desk"),
        ((), {"crm": task}, {}, "crm"),
        ((), {"crm": task, "desk": task}, {}, None),
        (("crm",), everywhere, {"create_task": "gone"}, None),
    ):
        handed = _handed(_view(*known), sources, through=through)
        assert (handed and handed.source) == expected


@pytest.mark.parametrize("language", ["de", "en"])
def test_employees_read_what_it_is_about(language: str) -> None:
    terms = Terms(
        product="DSL 100", ends=date(2027, 1, 31), monthly=Money(3990, "EUR"), offer="x", amount=Money(2000, "EUR")
    )
    subject, text = write_errand("renew", terms, _view(), language, reference="V-7", now=NOW)
    assert "Rosa Beispiel" in subject and "DSL 100" in subject
    assert all(word in text for word in ("V-7", "2027", "39", "09:05"))
    subject, text = write_errand("accept", terms, _view(), language, reference="", now=NOW)
    assert "20" in text and "{" not in text + subject
    nameless = msgspec.structs.replace(_view(), customer=Customer())
    subject, text = write_errand("renew", Terms(), nameless, language, reference="V-7", now=NOW)
    assert subject == {"de": "Ein Kunde möchte verlängern", "en": "A customer would like to renew"}[language]
    assert text.splitlines()[1] in ("Vertrag V-7", "Contract V-7")
    assert write_errand("accept", Terms(offer="gift"), nameless, language, reference="", now=NOW)[1].count("gift") == 1
