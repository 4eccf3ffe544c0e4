"""Automations as data: the shipped ones, what is refused and how it is said, days of the clock."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.automation.dated import dated_facts, falls_on
from bridge.automation.forms import Schedule
from bridge.automation.messages import load_messages
from bridge.automation.outreach import Outreach, load_outreach
from bridge.automation.rules import Automation, load_automations
from bridge.automation.schemas import automation_schemas, write_schemas
from bridge.automation.triggering import happened_lately, matches, run_id
from bridge.errors import ConfigError
from bridge.facts import FactKind
from bridge.model import Channel, Contract, ContractStatus, Customer, Direction, Interaction, Purchase, Usage
from bridge.playbook.offers import Catalogue, load_catalogue
from bridge.scoring.view import Held, View
from tests.automation.mailing import rule
from tests.scoring.views import CONFIG

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 9, tzinfo=timezone.utc)


def shipped() -> tuple[Automation, ...]:
    return load_automations(
        CONFIG / "automations", load_catalogue(CONFIG / "offers.yaml"), load_messages(CONFIG / "messages")
    )


def test_what_is_shipped_is_switched_off() -> None:
    assert {one.id: one.file.mode for one in shipped()} == dict.fromkeys(
        ("abandoned_call", "bad_nps", "contract_ending", "first_weeks", "loop_closed", "risk_rose"), "off"
    )
    assert load_outreach(CONFIG / "outreach.yaml").costs["schedule_callback"] == 6


def test_the_schemas_are_those_of_the_code(tmp_path: Path) -> None:
    """After a change: `bridge.automation.schemas.write_schemas(Path("config/schemas"))`."""
    for name, content in automation_schemas().items():
        assert (CONFIG / "schemas" / name).read_bytes() == content, name
    assert len(write_schemas(tmp_path)) == len(automation_schemas())
    assert write_schemas(tmp_path) == []


def test_a_version_changes_with_everything_but_the_mode() -> None:
    assert rule().version == rule(mode="on").version
    assert rule().version != rule(window=31).version


def test_only_what_goes_by_an_assessment_of_the_customer_profiles() -> None:
    assert {one.id: one.profiles for one in shipped()} == {
        "abandoned_call": False,
        "bad_nps": False,
        "contract_ending": True,
        "first_weeks": False,
        "loop_closed": False,
        "risk_rose": True,
    }


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"when": {"fact": "ticket.opend"}},
            "test: when.fact: 'ticket.opend' is not known here; did you mean 'ticket.opened'?",
        ),
        ({"when": {"fact": "contract.ending"}}, "test: when.days: contract.ending needs it"),
        ({"when": {"fact": "ticket.opened", "day": 3}}, "test: when.day: does not belong to ticket.opened"),
        ({"when": {"fact": "schedule.due"}}, "test: when.schedule: belongs to schedule.due"),
        (
            {"when": {"fact": "ticket.opened", "where": {"fact.tipe": "problem"}}},
            "test: when.where.fact.tipe: there is no such name; did you mean fact.type?",
        ),
        ({"if": {"riks.band": "high"}}, "test: if.riks.band: there is no such name; did you mean risk.band?"),
        ({"do": []}, "test: do: does nothing"),
        ({"max_age": {}}, "test: max_age: everything is older than that"),
        ({"do": [{}]}, "test: do[0]: a step is one thing to do; this one says nothing"),
        ({"do": [{"wait": {}}]}, "test: do[0].wait: waits for nothing"),
        ({"do": [{"wait": {"days": 1}, "stop_if": {}}]}, "test: do[0]: a step is one thing to do; this one has 2"),
        ({"do": [{"sent_email": {}}]}, "test: do[0].sent_email: is not known here; did you mean 'send_email'?"),
        (
            {"do": [{"send_email": {"message": "nothing"}}]},
            "test: do[0].send_email.message: there is no file nothing.yaml",
        ),
        ({"do": [{"send_sms": {"text": {"de": "Ja"}}}]}, "test: do[0].send_sms.text.en: the text is missing"),
        (
            {"do": [{"send_sms": {"text": {"de": ["{{ fact_tipe }}", "x"], "en": "y"}}}]},
            "test: do[0].send_sms.text.de[0]: there is no fact 'fact_tipe'; did you mean fact_type?",
        ),
        (
            {"do": [{"offer": {"id": "gold", "message": {"subject": {}, "lines": {}}}}]},
            "test: do[0].offer.id: there is no offer 'gold'",
        ),
        ({"title": {"de": "Ja"}}, "test: title.en: the text is missing"),
    ],
)
def test_errors_say_where_and_what_was_meant(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as problem:
        rule(**changes)
    assert str(problem.value).startswith(says)


def test_errors_in_files_name_the_line(tmp_path: Path) -> None:
    text = (CONFIG / "automations" / "first_weeks.yaml").read_text().replace("day: 14", "days: 14")
    (tmp_path / "first_weeks.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"first_weeks.yaml, line 7: when.days: does not belong"):
        load_automations(tmp_path, Catalogue(), load_messages(CONFIG / "messages"))
    (tmp_path / "outreach.yaml").write_text("time_zone: Mond\n")
    with pytest.raises(ConfigError, match="line 1: time_zone: there is no time zone"):
        load_outreach(tmp_path / "outreach.yaml")
    (tmp_path / "outreach.yaml").write_text('hours: {monday_to_friday: ["20:00", "08:00"]}\n')
    with pytest.raises(ConfigError, match="ends before it begins"):
        load_outreach(tmp_path / "outreach.yaml")
    for said, wrong in (
        ("holidays: ['20261225']", r"holidays\[0\]: '20261225' is not a date as 2026-12-25"),
        ("costs: {send_emial: 0.02}", "costs.send_emial: there is no such step; did you mean send_email"),
        ("through: {callback: phone}", "through.callback: there is no such step"),
        ("people: {Jana Brandt: jana at example.org}", "people.Jana Brandt: is no e-mail address$"),
        ("team: team", "team: is no e-mail address$"),
        ("greeting: {de: 'Hallo {{ custmer }}', en: Hello}", "greeting.de: there is no fact 'custmer'"),
        ("time_zone: Europe", "time_zone: there is no time zone 'Europe'"),
    ):
        (tmp_path / "outreach.yaml").write_text(said + "\n")
        with pytest.raises(ConfigError, match=wrong):
            load_outreach(tmp_path / "outreach.yaml")
    assert load_outreach(tmp_path / "none.yaml") == Outreach()


def test_a_schedule_falls_on_its_days_and_on_the_last_of_short_months() -> None:
    last = Schedule(day_of_month=31)
    assert [day for day in range(26, 31) if falls_on(last, date(2026, 11, day))] == [30]
    assert falls_on(Schedule(weekday="tuesday", months=(11,)), TODAY)
    assert not falls_on(Schedule(months=(12,)), TODAY) and falls_on(Schedule(), TODAY)


def _held(record: Any, kind: str) -> Held[Any]:
    return Held(source="crm", object=kind, source_id="1", at=NOW, known_at=NOW, record=record)


def _by_clock(fact: str, **when: Any) -> Automation:
    return rule(when={"fact": fact, **when})


def test_days_come_exactly_once_whatever_days_are_looked_at() -> None:
    contract = Contract(status=ContractStatus.active, ends=TODAY + timedelta(days=45), product="DSL")
    bought = Purchase(at=NOW - timedelta(days=90))
    view = View(
        id="c_1",
        customer=Customer(customer_since=TODAY - timedelta(days=14)),
        contracts=(_held(contract, "contract"),),
        purchases=(_held(bought, "purchase"),),
    )
    rules = [
        _by_clock("contract.ending", days=45),
        _by_clock("discount.ending", days=45),
        _by_clock("onboarding.day", day=14),
        _by_clock("customer.inactive", days=90),
        _by_clock("schedule.due", schedule={"weekday": "tuesday"}),
    ]
    found = list(dated_facts(rules, view, TODAY - timedelta(days=1), TODAY, BERLIN, NOW))
    assert [one.kind for one in found] == [
        FactKind.contract_ending,
        FactKind.onboarding_day,
        FactKind.customer_inactive,
        FactKind.schedule_due,
    ]
    assert {one.occurred_at for one in found} == {datetime(2026, 11, 23, 23, tzinfo=timezone.utc)}
    assert [[one.kind for one in rules if matches(one, fact)] for fact in found] == [[fact.kind] for fact in found]
    again = list(dated_facts(rules, view, TODAY - timedelta(days=5), TODAY + timedelta(days=1), BERLIN, NOW))
    assert [one.id for one in again] == [one.id for one in found]
    assert list(dated_facts(rules, view, TODAY, TODAY + timedelta(days=5), BERLIN, NOW)) == []


@pytest.mark.parametrize("zone", ["Europe/London", "Europe/Berlin", "Pacific/Auckland", "America/New_York", "UTC"])
def test_every_day_of_a_schedule_is_one_by_itself_also_where_clocks_change(zone: str) -> None:
    daily = _by_clock("schedule.due", schedule={})
    view = View(id="c_1", customer=Customer())
    year = list(dated_facts([daily], view, date(2026, 12, 31), date(2027, 12, 31), ZoneInfo(zone), NOW))
    assert len({run_id(daily, fact) for fact in year}) == 365
    assert not any(
        happened_lately(daily, fact, {run_id(daily, before): before.occurred_at}) for before, fact in pairwise(year)
    )


def test_silence_is_not_broken_by_mass_mailings_nor_by_days_to_come() -> None:
    silent = _by_clock("customer.inactive", days=90)
    called = Interaction(channel=Channel.voice, direction=Direction.inbound, started=NOW - timedelta(days=90))
    mailing = Interaction(channel=Channel.email, personal=False, started=NOW - timedelta(days=9))
    view = View(
        id="c_1",
        customer=Customer(),
        interactions=(_held(mailing, "interaction"), _held(called, "interaction")),
        usage=(_held(Usage(metric="logins", day=date.max, value=3.0), "usage"),),
    )
    (fact,) = dated_facts([silent], view, TODAY - timedelta(days=1), TODAY, BERLIN, NOW)
    assert fact.data == {"days": 90, "date": TODAY - timedelta(days=90)}
