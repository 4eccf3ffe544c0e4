"""What is found in playbooks that can be read: and nothing in those that are shipped."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.adapter.yamlfile import read_yaml
from bridge.conditions import compile_condition
from bridge.errors import ConfigError
from bridge.playbook.checking import Finding, check_playbooks, read_draft
from bridge.playbook.imagined import merge, witnesses
from bridge.playbook.situation import SCRIPT_VOCABULARY
from bridge.scoring.signals import SIGNS
from tests.scoring.views import CONFIG

Change = Callable[[dict[str, Any]], Any]
SHIPPED = sorted(path.stem for path in (CONFIG / "playbooks").glob("*.yaml"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of what is shipped, to be spoilt."""
    shutil.copytree(CONFIG / "playbooks", tmp_path / "playbooks")
    shutil.copy(CONFIG / "offers.yaml", tmp_path / "offers.yaml")
    return tmp_path / "playbooks"


def change(folder: Path, script: str, how: Change, of: str = "apology") -> Path:
    path = folder / f"{script}.yaml"
    data = read_yaml(path if path.exists() else folder / f"{of}.yaml") | {"id": script}
    how(data)
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), "utf-8")
    return path


def grave(folder: Path) -> list[Finding]:
    return [one for one in check_playbooks(folder).findings if one.severity != "note"]


def test_what_is_shipped_has_nothing_wrong() -> None:
    checked = check_playbooks(CONFIG / "playbooks")
    assert [one for one in checked.findings if one.severity != "note"] == []
    assert sorted(checked.files) == SHIPPED


@pytest.mark.parametrize(
    ("script", "how", "severity", "place", "text"),
    [
        (
            "apology",
            lambda d: d.update(when={"signal": "detracter"}),
            "error",
            "when.signal",
            "did you mean detractor?",
        ),
        ("apology", lambda d: d["line"].update(de="{{ ownr }}"), "error", "line.de", "did you mean owner?"),
        (
            "apology",
            lambda d: d["offer"]["offers"].append("aplogy"),
            "error",
            "offer.offers[4]",
            "did you mean apology?",
        ),
        ("apology", lambda d: d.update(instead=["complant"]), "error", "instead[0]", "did you mean complaint?"),
        ("apology", lambda d: d["title"].pop("en"), "error", "title.en", "the text is missing"),
        (
            "lower",
            lambda d: d.update(priority=10, when={"signal": "complaint", "band": "open"}),
            "error",
            "priority",
            "complaint comes first",
        ),
        (
            "never",
            lambda d: d.update(when={"all": [{"risk.band": "low"}, {"risk.band": "high"}]}),
            "error",
            "when",
            "can never hold",
        ),
        ("behind", lambda d: d.update(priority=0, when={"signal": "left"}), "error", "priority", "comes first"),
        ("twin", lambda d: d.update(priority=780), "warning", "priority", "that of complaint too"),
        ("apology", lambda d: d.update(instead=["default"]), "", "", ""),
        (
            "promoter_thanks",
            lambda d: d.update(instead=["high_value_at_risk"]),
            "warning",
            "instead[0]",
            "never applies where this playbook does",
        ),
        ("apology", lambda d: d["offer"].update(uplift=0), "warning", "offer.offers[0]", "has no break-even"),
        (
            "apology",
            lambda d: d["line"]["de"].insert(0, "{{ customer }} " + "x" * 301),
            "error",
            "line.de[0]",
            "never shown",
        ),
        (
            "apology",
            lambda d: d["more"]["en"].__setitem__(0, "{{ owner }} " + "x" * 290),
            "warning",
            "more.en[0]",
            "will often be left out",
        ),
        ("apology", lambda d: d["line"]["de"].insert(0, "x"), "warning", "line.de[1]", "alternative 1 before it"),
    ],
)
def test_what_is_probably_not_meant_is_found_with_its_line(
    folder: Path, script: str, how: Change, severity: str, place: str, text: str
) -> None:
    path = change(folder, script, how)
    found = [one for one in grave(folder) if one.file == str(path)]
    if not severity:
        assert found == []
        return
    first = next(one for one in found if one.place == place)
    assert (first.severity, text in first.text) == (severity, True), first
    assert first.line is not None
    assert 1 <= first.line <= len(path.read_text("utf-8").splitlines())


def test_one_broken_file_hides_nothing_in_the_others(folder: Path) -> None:
    change(folder, "apology", lambda d: d.update(prioriti=1))
    change(folder, "complaint", lambda d: d.update(when={"signal": "complant"}))
    (folder / "moving.yaml").write_text("id: [", "utf-8")
    assert {Path(one.file).stem for one in grave(folder)} == {"apology", "complaint", "moving"}


def test_a_broken_catalogue_is_said_once(folder: Path) -> None:
    (folder.parent / "offers.yaml").write_text("ofers: []\n", "utf-8")
    assert [(Path(one.file).name, one.line) for one in grave(folder)] == [("offers.yaml", 1)]


def test_a_folder_needs_a_playbook_for_everybody(folder: Path) -> None:
    (folder / "default.yaml").unlink()
    assert any("one playbook has to apply always" in one.text for one in grave(folder))


def test_offers_that_exclude_each_other_are_noted(folder: Path) -> None:
    change(folder, "apology", lambda d: d["offer"].update(offers=["goodwill_credit", "gift"], at_most=1000))
    texts = [one.text for one in check_playbooks(folder).findings if Path(one.file).stem == "apology"]
    assert any("never granted together" in text for text in texts)
    assert any("a team lead's limit" in text for text in texts)


def test_an_offer_without_cost_has_no_break_even(folder: Path) -> None:
    offers = read_yaml(folder.parent / "offers.yaml")
    offers["offers"][0].pop("cost")
    (folder.parent / "offers.yaml").write_text(yaml.safe_dump(offers, allow_unicode=True), "utf-8")
    assert any("its break-even cannot be said" in one.text for one in grave(folder))


def test_a_draft_may_have_any_name_and_says_its_line(tmp_path: Path) -> None:
    path = tmp_path / "draft.yaml"
    path.write_text("id: x\npriority: 1\ntitle: {de: x, en: x}\nline: {de: x, en: x}\n", "utf-8")
    assert read_draft(path).id == "x"
    path.write_text("id: x\npriority: 1\ntitel: {de: x, en: x}\n", "utf-8")
    with pytest.raises(ConfigError, match="line 3: titel: .*'title'"):
        read_draft(path)


FIELDS = st.one_of(
    st.sampled_from([{"signal": code} for code in SIGNS]),
    st.sampled_from([{"risk.band": "high"}, {"risk.band": {"at_most": "medium"}}, {"value.tier": ["gold", "silver"]}]),
    st.sampled_from([{"ticket.open": {"at_least": 2}}, {"customer.owner": {"exists": True}}, {"customer.tags": "VIP"}]),
    st.sampled_from([{"customer.deceased": True}, {"customer.language": "de"}, {"risk.score": {"less_than": 40}}]),
)
CONDITIONS = st.recursive(
    FIELDS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"all": some}),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"any": some}),
        inner.map(lambda one: {"not": one}),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(CONDITIONS)
def test_every_witness_is_one(condition: Any) -> None:
    holds = compile_condition(condition, SCRIPT_VOCABULARY, "x")
    assert all(holds(facts) for facts in witnesses(condition))


@settings(max_examples=100, deadline=None)
@given(st.lists(FIELDS, min_size=1, max_size=3))
def test_what_is_asked_for_by_itself_is_found(fields: list[Any]) -> None:
    assert witnesses({"any": fields})


def test_facts_that_contradict_each_other_are_not_put_together() -> None:
    assert merge({"risk.band": "low"}, {"risk.band": "high"}) is None
    assert merge({"signal": {"left": "a"}}, {"signal": {"left": "b"}}) is None
    assert merge({"signal": {"left": "a"}}, {"signal": {"moving": "b"}}) == {"signal": {"left": "a", "moving": "b"}}
    assert merge({"customer.tags": ("a",)}, {"customer.tags": ("b", "a")}) == {"customer.tags": ("a", "b")}
