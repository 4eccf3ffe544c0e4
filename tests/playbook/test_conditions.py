"""The predicate language: what it means, what it refuses, and that it never raises once compiled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timezone
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.conditions import Field, Kind, compile_condition, condition_schema
from bridge.errors import ConfigError

VOCABULARY = {
    "risk.band": Field(kind=Kind.ordered, values=("low", "medium", "high"), beside=("unknown",)),
    "tier": Field(kind=Kind.choice, values=("gold", "silver")),
    "score": Field(kind=Kind.number, about="0 to 100"),
    "known": Field(kind=Kind.boolean),
    "name": Field(kind=Kind.text),
    "tags": Field(kind=Kind.texts),
    "since": Field(kind=Kind.day),
    "seen": Field(kind=Kind.instant),
    "signal": Field(kind=Kind.marks, bands={"complaint": ("open", "d30"), "ending": ("d14", "d30")}),
}
FACTS = {
    "risk.band": "high",
    "tier": "gold",
    "score": 62.5,
    "known": True,
    "name": "Albers Optik",
    "tags": ("VIP", "press"),
    "since": date(2019, 3, 1),
    "seen": datetime(2026, 11, 21, 12, tzinfo=timezone.utc),
    "signal": {"complaint": "open"},
}


def holds(condition: Any, facts: Mapping[str, Any] = FACTS) -> bool:
    return compile_condition(condition, VOCABULARY, "file.yaml: when")(facts)


@pytest.mark.parametrize(
    "condition",
    [
        None,
        {},
        {"all": []},
        {"risk.band": "high"},
        {"risk.band": {"at_least": "medium", "at_most": "high"}},
        {"risk.band": {"more_than": "low"}},
        {"risk.band": {"not_in": ["low", "unknown"]}},
        {"tier": ["gold", "silver"]},
        {"tier": {"is": "gold"}},
        {"score": {"more_than": 62, "less_than": 63}},
        {"score": 62.5},
        {"known": True},
        {"name": "albers optik"},
        {"name": {"contains": "OPTIK"}},
        {"name": {"exists": True}},
        {"tags": "vip"},
        {"tags": ["nobody", "PRESS"]},
        {"tags": {"contains": "vip"}},
        {"since": {"at_most": "2019-03-01"}},
        {"since": "2019-03-01"},
        {"seen": {"less_than": "2026-12-01T00:00:00Z"}},
        {"signal": "complaint"},
        {"signal": ["ending", "complaint"]},
        {"signal": "complaint", "band": "open"},
        {"signal": ["ending", "complaint"], "band": ["d14", "open"], "known": True},
        {"signal": {"exists": True}},
        {"any": [{"known": False}, {"tier": "gold"}]},
        {"not": {"signal": "ending"}},
        {"all": [{"known": True}, {"not": {"any": []}}]},
    ],
)
def test_a_condition_that_is_true_of_the_facts_holds_and_its_opposite_does_not(condition: Any) -> None:
    assert holds(condition)
    assert not holds({"not": condition})


@pytest.mark.parametrize(
    "condition",
    [
        {"risk.band": {"at_least": "high"}, "known": False},
        {"risk.band": {"less_than": "high"}},
        {"signal": "complaint", "band": "d30"},
        {"signal": "ending", "band": "d14"},
        {"tags": "nobody"},
        {"any": []},
        {"name": {"exists": False}},
        {"tier": {"not_in": ["gold"]}},
    ],
)
def test_a_condition_that_is_false_of_the_facts_does_not_hold(condition: Any) -> None:
    assert not holds(condition)


@pytest.mark.parametrize("junk", [None, "unknown", 3, True, [], {}, object(), ("x",), datetime(2026, 1, 1)])  # noqa: DTZ001 a naive instant is the junk
def test_an_unknown_missing_or_mistyped_value_makes_every_comparison_false_and_never_raises(junk: Any) -> None:
    comparisons = [
        {"risk.band": {"at_least": "low"}},
        {"risk.band": {"not_in": ["low", "unknown"]}},
        {"tier": {"not_in": ["silver"]}},
        {"score": {"at_least": -1, "at_most": 2}},
        {"since": {"at_least": "1900-01-01"}},
        {"seen": {"at_least": "1900-01-01T00:00:00Z"}},
        {"name": {"contains": "a"}},
        {"tags": "a"},
        {"signal": "complaint"},
        {"signal": "complaint", "band": "open"},
    ]
    for condition in comparisons:
        assert not holds(condition, {})
        assert not holds(condition, dict.fromkeys(FACTS, junk))
    assert not holds({"signal": "complaint", "band": "open"}, {"signal": {"complaint": junk}})


def test_a_value_beside_the_order_equals_itself_but_is_neither_above_nor_below() -> None:
    unknown = {"risk.band": "unknown"}
    assert holds({"risk.band": "unknown"}, unknown)
    assert not holds({"risk.band": {"at_least": "low"}}, unknown)
    assert not holds({"risk.band": {"at_most": "high"}}, unknown)


def test_missing_and_empty_do_not_exist() -> None:
    empty: tuple[dict[str, Any], ...] = ({}, {"tags": ()}, {"tags": None}, {"tags": []})
    for nothing in empty:
        assert holds({"tags": {"exists": False}}, nothing)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"risk.bnd": "high"}, "file.yaml: when.risk.bnd: there is no such name; did you mean risk.band?"),
        ({"zzz": 1}, "file.yaml: when.zzz: there is no such name; known: all, any, known"),
        ({"risk.band": "hihg"}, "file.yaml: when.risk.band: there is no value 'hihg'; did you mean high?"),
        (
            {"risk.band": {"atleast": "high"}},
            "when.risk.band.atleast: no operator of ordered values; did you mean at_l",
        ),
        ({"risk.band": {"at_least": "unknown"}}, "unknown is outside the order low < medium < high"),
        ({"risk.band": {}}, "when.risk.band: says nothing; operators here are is, one_of"),
        ({"tier": {"one_of": "gold"}}, "when.tier.one_of: takes a list, not 'gold'"),
        ({"all": [{}, {"any": [{"tier": "gld"}]}]}, "file.yaml: when.all[1].any[0].tier: there is no value 'gld'"),
        ({"all": {}}, "when.all: takes a list of conditions, not a map"),
        ({"not": [1]}, "when.not: a condition is a map"),
        (["x"], "file.yaml: when: a condition is a map such as `risk.band: …`, not a list"),
        ({"score": "much"}, "when.score: takes a number, not 'much'"),
        ({"score": True}, "when.score: takes a number, not true or false"),
        ({"known": "yes"}, "when.known: takes true or false"),
        ({"name": {"exists": 1}}, "when.name.exists: takes true or false, not 1"),
        ({"name": {"contains": None}}, "when.name.contains: takes a text, not nothing"),
        ({"tags": 3}, "when.tags: takes a text or a list of texts, not 3"),
        ({"since": "tomorrow"}, "when.since: takes a date such as 2026-12-31, not 'tomorrow'"),
        ({"since": 3}, "when.since: takes a date such as 2026-12-31, not 3"),
        ({"seen": "2026-01-01T00:00:00"}, "when.seen: takes an instant with its zone"),
        ({"signal": "complain"}, "when.signal: there is no signal 'complain'; did you mean complaint?"),
        ({"signal": [["x"]]}, "when.signal: there is no signal ['x']"),
        ({"signal": "complaint", "band": "d14"}, "when.band: complaint has no band 'd14'; known: d30, open"),
        ({"signal": {"exists": True}, "band": "open"}, "when.band: needs the codes beside it"),
        ({"signal": {"one_of": ["complaint"]}}, "when.signal.one_of: give the codes as a plain value or list"),
        ({"band": "open"}, "when.band: stands beside `signal`"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_file_path_and_the_nearest_name(condition: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        holds(condition)
    assert message in str(caught.value)


def test_a_condition_nested_beyond_reason_is_refused() -> None:
    deep: Any = {"known": True}
    for _ in range(2000):
        deep = {"not": deep}
    with pytest.raises(ConfigError, match="nested too deeply"):
        holds(deep)


LEAVES: dict[str, tuple[Any, ...]] = {
    "risk.band": ("low", "medium", "high", "unknown"),
    "score": (-1, 0, 3.5, 100),
    "tier": ("gold", "silver"),
    "known": (True, False),
}
ORDER = ("low", "medium", "high")


def leaf() -> st.SearchStrategy[Any]:
    def of(name: str) -> st.SearchStrategy[Any]:
        value = st.sampled_from(LEAVES[name])
        forms = [value, st.builds(lambda x: {"is": x}, value), st.builds(lambda x: {"exists": x}, st.booleans())]
        if name != "known":
            many = st.lists(value, min_size=1, max_size=3)
            forms += [many, st.builds(lambda x: {"not_in": x}, many)]
        if name in ("risk.band", "score"):
            limits = value.filter(lambda x: x != "unknown")
            words = st.sampled_from(("at_least", "at_most", "more_than", "less_than"))
            forms.append(st.dictionaries(words, limits, min_size=1))
        return st.one_of(forms).map(lambda form: {name: form})

    marks = st.builds(
        lambda code, band: {"signal": code} | ({"band": band} if band else {}),
        st.sampled_from(("complaint", ["complaint", "ending"])),
        st.sampled_from((None, "d30", ["open", "d30"])),
    )
    return st.one_of(*(of(name) for name in LEAVES), marks)


def tree(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, max_size=3)
    return st.one_of(
        st.builds(lambda x: {"all": x}, several),
        st.builds(lambda x: {"any": x}, several),
        st.builds(lambda x: {"not": x}, inner),
        st.builds(lambda one, two: {**one, **two}, inner, st.builds(lambda x: {"all": x}, several)),
    )


CONDITIONS = st.recursive(leaf(), tree, max_leaves=8)
SITUATIONS = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.sampled_from((*values, None, "odd")) for name, values in LEAVES.items()},
        "signal": st.dictionaries(st.sampled_from(("complaint", "ending")), st.sampled_from(("open", "d14", "d30"))),
    },
)


def naive(condition: Any, facts: Mapping[str, Any]) -> bool:
    """The language as its description reads, one line a rule."""
    parts = []
    for name, form in condition.items():
        if name == "all":
            parts.append(all(naive(each, facts) for each in form))
        elif name == "any":
            parts.append(any(naive(each, facts) for each in form))
        elif name == "not":
            parts.append(not naive(form, facts))
        elif name == "signal":
            bands = condition.get("band")
            allowed = None if bands is None else bands if isinstance(bands, list) else [bands]
            codes = form if isinstance(form, list) else [form]
            shown = facts.get("signal") or {}
            parts.append(any(code in shown and (allowed is None or shown[code] in allowed) for code in codes))
        elif name != "band":
            forms = form if isinstance(form, dict) else {"one_of" if isinstance(form, list) else "is": form}
            parts.extend(naive_one(name, word, given, facts.get(name)) for word, given in forms.items())
    return all(parts)


def naive_one(name: str, word: str, given: Any, value: Any) -> bool:
    if word == "exists":
        return (value is not None) is bool(given)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    typed = {"score": number, "known": isinstance(value, bool)}.get(name, value in LEAVES[name])
    if not typed:
        return False
    if word in ("is", "one_of", "not_in"):
        return (value in (given if isinstance(given, list) else [given])) is (word != "not_in")
    if name == "risk.band":
        if value not in ORDER:
            return False
        value, given = ORDER.index(value), ORDER.index(given)
    compared: dict[str, bool] = {
        "at_least": value >= given,
        "at_most": value <= given,
        "more_than": value > given,
        "less_than": value < given,
    }
    return compared[word]


@given(CONDITIONS, SITUATIONS)
def test_the_compiled_predicate_says_what_a_plain_reading_says(condition: Any, facts: dict[str, Any]) -> None:
    assert holds(condition, facts) is naive(condition, facts)


@given(st.lists(CONDITIONS, max_size=3), SITUATIONS)
def test_de_morgan_holds_whatever_is_missing(conditions: list[Any], facts: dict[str, Any]) -> None:
    turned = [{"not": each} for each in conditions]
    assert holds({"not": {"all": conditions}}, facts) is holds({"any": turned}, facts)
    assert holds({"not": {"any": conditions}}, facts) is holds({"all": turned}, facts)


@given(CONDITIONS)
def test_the_schema_for_editors_accepts_what_the_compiler_accepts(condition: Any) -> None:
    schema = {"$ref": "#/$defs/condition", "$defs": {"condition": condition_schema(VOCABULARY)}}
    assert jsonschema_rs.is_valid(schema, condition)


@pytest.mark.parametrize(
    "condition",
    [{"risk.bnd": 1}, {"risk.band": "hihg"}, {"score": "x"}, {"tags": {"is": "x"}}, {"signal": "x"}, {"all": {}}],
)
def test_the_schema_for_editors_refuses_what_the_compiler_refuses(condition: Any) -> None:
    schema = {"$ref": "#/$defs/condition", "$defs": {"condition": condition_schema(VOCABULARY)}}
    assert not jsonschema_rs.is_valid(schema, condition)
    with pytest.raises(ConfigError):
        holds(condition)
