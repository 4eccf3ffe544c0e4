"""A mass incident: whom it concerns, how long, and that its script comes before all others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from bridge.adapter.yamlfile import read_yaml
from bridge.decisions import decide, load_deciding
from bridge.errors import ConfigError
from bridge.playbook import Situation, load_incidents, load_playbooks, suggest
from bridge.scoring.result import Band, Tier
from tests.playbook.customers import CUSTOMERS
from tests.playbook.faults import find_faults
from tests.playbook.situations import KATRIN, OWN, situation_of, with_signals
from tests.scoring.views import CONFIG, NOW, view_of

PLAYBOOKS = load_playbooks(CONFIG / "playbooks")
OFFERS = PLAYBOOKS.catalogue
HOUR = timedelta(hours=1)
Change = Callable[[dict[str, Any]], Any]


def example() -> dict[str, Any]:
    """The example in the comments of the shipped file."""
    lines = (CONFIG / "incident.yaml").read_text("utf-8").splitlines()
    start = lines.index("# incidents:")
    data: dict[str, Any] = yaml.safe_load("\n".join(line.removeprefix("# ") for line in lines[start:]))["incidents"][0]
    return data | {"begins": None, "ends": None}


def declared(folder: Path, *changes: Change) -> Path:
    """A file in which an outage is declared once for each change."""
    incidents = []
    for change in changes:
        data = example()
        change(data)
        incidents.append({name: value for name, value in data.items() if value is not None})
    path = folder / "incident.yaml"
    path.write_text(yaml.safe_dump({"incidents": incidents}, allow_unicode=True), "utf-8")
    return path


def everybody(data: dict[str, Any]) -> None:
    data["when"] = None


def script(path: Path, situation: Situation, now: datetime = NOW) -> str:
    return suggest(PLAYBOOKS, situation, load_incidents(path, OFFERS).at(now)[0]).script_id


def test_no_incident_is_declared_as_shipped_or_without_a_file(tmp_path: Path) -> None:
    for path in (CONFIG / "incident.yaml", tmp_path / "incident.yaml"):
        assert load_incidents(path, OFFERS).at(NOW) == ((), None)


def test_its_script_comes_before_all_others_and_they_are_its_alternates(tmp_path: Path) -> None:
    incidents, _ = load_incidents(declared(tmp_path, everybody), OFFERS).at(NOW)
    for view in CUSTOMERS.values():
        suggestion = suggest(PLAYBOOKS, situation_of(view), incidents)
        assert suggestion.script_id == "incident_netz_nord"
        assert suggestion.alternates[-1] == "default"
        for language in ("de", "en"):
            for text in (suggestion.title[language], suggestion.line[language], *suggestion.more[language]):
                assert find_faults(text, language, OWN) == []
    assert suggest(PLAYBOOKS, Situation(), incidents).script_id == "incident_netz_nord"


def test_it_is_suggested_to_those_it_concerns_alone(tmp_path: Path) -> None:
    path = declared(tmp_path, lambda data: data.update(when={"customer.region": "DE-HH"}))
    north = msgspec.structs.replace(KATRIN, region="DE-HH")
    assert script(path, with_signals(customer=north)) == "incident_netz_nord"
    assert script(path, with_signals("complaint")) == "complaint"
    assert script(path, Situation()) == "default"
    path = declared(tmp_path, lambda data: data.update(when={"contract.products": "Glasfaser 250"}))
    assert script(path, with_signals()) == "incident_netz_nord"
    assert script(path, situation_of(view_of(customer=KATRIN))) == "default"


def test_who_calls_for_somebody_who_has_died_is_not_told_of_it(tmp_path: Path) -> None:
    path = declared(tmp_path, everybody)
    assert script(path, with_signals(customer=msgspec.structs.replace(KATRIN, deceased=True))) == "default"
    objecting = msgspec.structs.replace(KATRIN, objects_to_profiling=True)
    assert script(path, with_signals(customer=objecting)) == "incident_netz_nord"  # an outage is no profile


def test_of_several_the_first_that_applies_counts(tmp_path: Path) -> None:
    path = declared(
        tmp_path,
        lambda data: data.update(id="south", when={"customer.region": "DE-BY"}),
        lambda data: data.update(id="all", when=None),
    )
    assert script(path, with_signals()) == "incident_all"
    south = msgspec.structs.replace(KATRIN, region="DE-BY")
    assert script(path, with_signals(customer=south)) == "incident_south"


def test_it_begins_and_ends_by_itself_and_says_when(tmp_path: Path) -> None:
    begins, ends = NOW + HOUR, NOW + 3 * HOUR
    path = declared(tmp_path, lambda data: data.update(when=None, begins=begins.isoformat(), ends=ends.isoformat()))
    incidents = load_incidents(path, OFFERS)
    assert incidents.at(NOW) == ((), begins)
    going_on, change = incidents.at(begins)
    assert [each.id for each in going_on] == ["incident_netz_nord"]
    assert change == ends
    assert incidents.at(ends) == ((), None)


def test_a_decision_made_before_an_incident_does_not_outlive_its_beginning(tmp_path: Path) -> None:
    for path in ("scoring.yaml", "routing.yaml", "offers.yaml"):
        (tmp_path / path).write_text((CONFIG / path).read_text("utf-8"), "utf-8")
    (tmp_path / "playbooks").symlink_to(CONFIG / "playbooks")
    without = load_deciding(tmp_path, ("de", "en"))
    begins = NOW + HOUR
    declared(tmp_path, lambda data: data.update(when=None, begins=begins.isoformat()))
    rules = load_deciding(tmp_path, ("de", "en"))
    assert rules.version != without.version
    view = CUSTOMERS["complaint"]
    before = decide(rules, view, now=NOW)
    assert before.valid_until == begins
    assert b"complaint" in before.details["de"]
    after = decide(rules, view, now=begins)
    assert b"incident_netz_nord" in after.details["de"]
    assert after.valid_until == decide(without, view, now=begins).valid_until


def test_what_may_be_offered_is_what_the_incident_says(tmp_path: Path) -> None:
    incidents, _ = load_incidents(declared(tmp_path, everybody), OFFERS).at(NOW)
    suggestion = suggest(PLAYBOOKS, with_signals("complaint", tier=Tier.gold, band=Band.high), incidents)
    assert [kind.value for kind in suggestion.offers] == ["goodwill_credit", "limit_lifted"]
    assert str(suggestion.ceiling) == "20.00 EUR"


@pytest.mark.parametrize(
    ("changes", "place", "what"),
    [
        ([lambda d: d.update(id="Nord")], "incidents[0].id", "Expected `str` matching"),
        ([lambda d: d.update(begin="x")], "incidents[0].begin", "did you mean 'begins'?"),
        ([lambda d: d.update(begins="2026-11-20T06:00:00")], "incidents[0].begins", "timezone"),
        (
            [lambda d: d.update(begins="2026-11-20T06:00:00Z", ends="2026-11-20T06:00:00Z")],
            "incidents[0].ends",
            "is not after `begins`",
        ),
        ([lambda d: d.update(when={"customer.regoin": "x"})], "incidents[0]: when.customer.regoin", "did you mean"),
        ([lambda d: d["line"].pop("en")], "incidents[0]: line.en", "the text is missing"),
        ([everybody, everybody], "incidents[1].id", "is declared twice"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_file_and_path(
    tmp_path: Path, changes: list[Change], place: str, what: str
) -> None:
    path = declared(tmp_path, *changes)
    with pytest.raises(ConfigError) as caught:
        load_incidents(path, OFFERS)
    assert str(caught.value).startswith(f"{path}, line ")
    assert f": {place}: " in str(caught.value)
    assert what in str(caught.value)


def test_the_shipped_example_can_be_declared_as_it_stands(tmp_path: Path) -> None:
    path = declared(tmp_path, lambda data: None)
    assert read_yaml(path)["incidents"][0]["when"] == example()["when"]
    assert len(load_incidents(path, OFFERS).declared) == 1
