"""Where calls go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings

from bridge.adapter.yamlfile import read_yaml
from bridge.errors import ConfigError
from bridge.model import Customer, Ticket, TicketStatus
from bridge.playbook import Routing, Situation, load_routing, route
from bridge.playbook.situation import SCRIPT_VOCABULARY, address_of
from bridge.scoring.result import Band, Tier
from bridge.scoring.view import View
from tests.playbook.situations import KATRIN, situation_of, unhappy, with_signals
from tests.scoring.views import CONFIG, contract, view_of, views

RULES = load_routing(CONFIG / "routing.yaml")


@pytest.mark.parametrize(
    ("situation", "hint", "priority"),
    [
        (Situation(), "general", 3),
        (with_signals(tier=Tier.platinum, band=Band.low), "vip", 1),
        (with_signals(tier=Tier.silver, band=Band.critical), "retention", 1),
        (with_signals(tier=Tier.bronze, band=Band.high), "retention", 2),
        (with_signals("contract_cancelled", tier=Tier.bronze, band=Band.medium), "retention", 2),
        (with_signals(tier=Tier.gold, band=Band.low), "owner", 2),
        (with_signals(tier=Tier.gold, band=Band.low, customer=Customer()), "general", 3),
        (with_signals(tier=Tier.unknown, band=Band.unknown), "general", 3),
        (with_signals(tier=Tier.platinum, customer=Customer(deceased=True)), "service", 2),
        (situation_of(view_of(Ticket(status=TicketStatus.waiting))), "service", 3),
    ],
)
def test_the_first_rule_that_holds_decides(situation: Situation, hint: str, priority: int) -> None:
    assert route(RULES, situation) == Routing(route_hint=hint, priority=priority)


@settings(max_examples=50, deadline=None)
@given(views())
def test_every_customer_goes_somewhere_and_only_names_of_the_vocabulary_are_asked(view: View) -> None:
    situation = situation_of(view)
    assert route(RULES, situation).route_hint in {"retention", "vip", "owner", "service", "general"}
    assert set(situation.facts) <= set(SCRIPT_VOCABULARY)


def test_a_full_situation_knows_every_name_of_the_vocabulary() -> None:
    facts = situation_of(unhappy()).facts
    assert set(facts) == set(SCRIPT_VOCABULARY)
    assert facts["account.segments"] == ("Business",)
    assert facts["account.prestige"] is False
    assert facts["contract.products"] == ("Glasfaser 250",)
    assert facts["ticket.open"] == 1
    assert facts["signal"]["complaint"] == "open"


def test_a_situation_that_is_not_scored_yet_has_its_plain_facts() -> None:
    facts = Situation(view_of(contract())).facts
    assert facts["contract.count"] == 1
    assert "risk.band" not in facts
    assert route(RULES, Situation(view_of(contract()))).route_hint == "general"


@pytest.mark.parametrize(
    ("change", "place", "what"),
    [
        (lambda d: d["rules"][0].update(route_hint="Hold On"), "rules[0].route_hint", "Expected `str` matching"),
        (lambda d: d["rules"][0].update(priority=6), "rules[0].priority", "Expected `int` <= 5"),
        (
            lambda d: d["rules"][1].update(when={"value.teir": "gold"}),
            "rules[1].when.value.teir",
            "did you mean value.tier?",
        ),
        (lambda d: d["rules"][1].update(when={"value.tier": "gld"}), "rules[1].when.value.tier", "did you mean gold?"),
        (lambda d: d["rules"][0].pop("when"), "rules[0]", "the rules after it never count"),
        (lambda d: d["rules"].pop(), "rules", "the last rule has to hold always"),
        (lambda d: d["rules"].clear(), "rules", "the last rule has to hold always"),
        (lambda d: d.update(rulez=[]), "rulez", "did you mean 'rules'?"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_file_path_and_the_nearest_name(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], place: str, what: str
) -> None:
    data = read_yaml(CONFIG / "routing.yaml")
    change(data)
    path = tmp_path / "routing.yaml"
    path.write_text(yaml.safe_dump(data), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_routing(path)
    assert str(caught.value).startswith(f"{path}: {place}: ")
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("salutation", "german", "english"),
    [
        ("Frau", "Frau Albers", "Ms Albers"),
        ("Herr", "Herr Albers", "Mr Albers"),
        ("Frau Dr.", "Frau Dr. Albers", "Dr Albers"),
        ("Herr Prof. Dr.", "Herr Prof. Dr. Albers", "Prof. Albers"),
        ("MRS.", "Frau Albers", "Ms Albers"),
        ("mr", "Herr Albers", "Mr Albers"),
        ("Dr.", "Katrin Albers", "Katrin Albers"),
        ("Divers", "Katrin Albers", "Katrin Albers"),
        ("Familie Herr", "Katrin Albers", "Katrin Albers"),
        (None, "Katrin Albers", "Katrin Albers"),
    ],
)
def test_customers_are_addressed_as_is_usual_and_by_their_full_name_where_it_is_not_certain(
    salutation: str | None, german: str, english: str
) -> None:
    customer = msgspec.structs.replace(KATRIN, salutation=salutation)
    assert (address_of(customer, "de"), address_of(customer, "en")) == (german, english)


def test_without_a_family_name_the_name_is_what_is_there() -> None:
    assert address_of(Customer(salutation="Frau", given_name="Katrin"), "de") == "Katrin"
    assert address_of(Customer(salutation="Frau"), "de") == ""
    assert address_of(Customer(given_name="Katrin", family_name="Albers"), "en") == "Katrin Albers"
