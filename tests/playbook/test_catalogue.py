"""The catalogue of offers: what is shipped, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import yaml

from bridge.adapter.yamlfile import read_yaml
from bridge.errors import ConfigError
from bridge.playbook.offers import COSTS_MONEY, NO_OFFERS, OfferKind, load_catalogue
from bridge.playbook.schemas import config_schemas
from tests.playbook.faults import find_faults
from tests.scoring.views import CONFIG

SHIPPED = load_catalogue(CONFIG / "offers.yaml")
Change = Callable[[list[dict[str, Any]]], Any]


def written(folder: Path, change: Change) -> Path:
    data = read_yaml(CONFIG / "offers.yaml")
    change(data["offers"])
    path = folder / "offers.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), "utf-8")
    return path


def test_every_kind_of_offer_is_shipped_with_a_name_in_both_languages_and_limits_where_it_is_money() -> None:
    assert {offer.kind for offer in SHIPPED.offers.values()} == set(OfferKind)
    for offer in SHIPPED.offers.values():
        assert [fault for language, name in offer.name.items() for fault in find_faults(name, language)] == []
        assert (offer.limits is not None) is (offer.kind in COSTS_MONEY)
        assert offer.uplift > 0


def test_what_excludes_another_is_excluded_by_it() -> None:
    assert "gift" in SHIPPED.offers["goodwill_credit"].not_with
    assert "goodwill_credit" in SHIPPED.offers["gift"].not_with


def test_without_a_file_there_is_nothing_to_offer(tmp_path: Path) -> None:
    assert load_catalogue(tmp_path / "offers.yaml") == NO_OFFERS


def test_the_schema_keeps_what_is_shipped_and_refuses_misspelt_names() -> None:
    schema = msgspec.json.decode(config_schemas()["offers.json"])
    shipped = read_yaml(CONFIG / "offers.yaml")
    jsonschema_rs.validate(schema, shipped)
    assert not jsonschema_rs.is_valid(schema, shipped | {"hourly": 3})


@pytest.mark.parametrize(
    ("change", "place", "what"),
    [
        (lambda offers: offers[1].update(kind="goodwil_credit"), "offers[1].kind", "did you mean 'goodwill_credit'?"),
        (lambda offers: offers[1].update(cooldown=3), "offers[1].cooldown", "did you mean 'cooldown_days'?"),
        (lambda offers: offers[1]["limits"].update(team=3), "offers[1].limits.team", "did you mean 'team_lead'?"),
        (lambda offers: offers[1].pop("limits"), "offers[1]", "who may grant how much"),
        (lambda offers: offers[0].update(limits={"agent": 1, "team_lead": 2}), "offers[0].limits", "is not granted as"),
        (lambda offers: offers[1]["limits"].update(agent=900), "offers[1].limits.team_lead", "less than an agent"),
        (lambda offers: offers[2].update(id="apology"), "offers[2].id", "is there twice"),
        (lambda offers: offers[1].update(not_with=["gifft"]), "offers[1].not_with[0]", "did you mean gift?"),
        (lambda offers: offers[1].update(not_with=["goodwill_credit"]), "offers[1].not_with[0]", "no such other"),
        (lambda offers: offers[0]["name"].pop("en"), "offers[0].name", "1 to 60 characters"),
        (lambda offers: offers[0]["name"].update(fr="x"), "offers[0].name.fr", "no such language"),
        (lambda offers: offers[0]["name"].update(de="x" * 61), "offers[0].name", "1 to 60 characters"),
        (lambda offers: offers[7]["cost"].pop("months"), "offers[7].cost", "belong together"),
        (lambda offers: offers[8].pop("days"), "offers[8]", "for how many `days`"),
        (lambda offers: offers[0].update(uplift=7), "offers[0].uplift", "Expected `float` <= 1"),
        (lambda offers: offers[0].update(taken_up=0), "offers[0].taken_up", "Expected `float` > 0"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_file_line_path_and_the_nearest_name(
    tmp_path: Path, change: Change, place: str, what: str
) -> None:
    path = written(tmp_path, change)
    with pytest.raises(ConfigError) as caught:
        load_catalogue(path)
    where, _, rest = str(caught.value).partition(f": {place}: ")
    assert where.startswith(f"{path}, line ")
    assert what in rest
