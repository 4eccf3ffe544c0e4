"""Hostile templates, facts and files: refused or dropped with a clear message; never a crash, never another's data."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.adapter.yamlplaces import LARGEST
from bridge.conditions import compile_condition
from bridge.errors import ConfigError
from bridge.model import Account, Customer, Ticket, TicketStatus, TicketType
from bridge.playbook import Situation, load_playbooks, suggest
from bridge.playbook.scripts import LONGEST_LINE, PlaybookFile, compile_playbook
from bridge.playbook.situation import SCRIPT_VOCABULARY, WORDS
from bridge.playbook.texts import Line, Words
from tests.playbook.situations import KATRIN, situation_of
from tests.scoring.views import CONFIG, ago, contract, view_of

PLAYBOOKS = load_playbooks(CONFIG / "playbooks")
OPEN, CLOSE = "{{ ", " }}"
HOSTILE = [
    "{{ customer.__class__.__mro__[1].__subclasses__() }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__ }}",
    "{{ config }}",
    "{{ range(10**12) | list }}",
    "{{ 'x' * 10**9 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{% for a in range(10**9) %}{% for b in range(10**9) %}x{% endfor %}{% endfor %}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% set x = customer %}{{ x }}",
    "{% raw %}{{ customer }}{% endraw %}{% if 1 %}x{% endif %}",
    "{% import 'x' as y %}",
    "{% extends customer %}",
    "{{ customer | attr('family_name') }}",
    "{{ customer ~ owner }}",
    "{{ customer if owner else product }}",
    "{{ {'a': customer} }}",
    "{{ customer[0] }}",
    "{{ (customer) | safe }}",
    "{{ " + "(" * 20_000 + "customer" + ")" * 20_000 + " }}",
    "{{ " + "-" * 50_000 + "1 }}",
    "{{ " + "customer." * 20_000 + "x }}",
    "{%" * 5_000,
    "{{" * 5_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:30])
def test_a_template_that_does_more_than_name_a_fact_is_refused_at_once(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ConfigError) as caught:
        Line(text, WORDS, "file.yaml: line.en")
    assert time.perf_counter() - began < 5
    assert str(caught.value).startswith("file.yaml: line.en: ")
    assert len(str(caught.value)) < 500


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=20),
            st.sampled_from(
                ["{{", "}}", "{%", "%}", "{#", "#}", "customer", " owner ", "|", ".", "(", ")", "'", "\\", "\n"]
            ),
        ),
        max_size=12,
    ).map("".join)
)
def test_any_text_is_a_line_or_refused_and_says_nothing_it_was_not_given(text: str) -> None:
    try:
        line = Line(text, WORDS, "x")
    except ConfigError:
        return
    assert line.needs <= WORDS
    filled = line.fill(Words(dict.fromkeys(WORDS, "FACT"), "de"))
    assert filled is not None
    assert filled.count("FACT") <= text.count("{{") + text.count("FACT")
    if line.needs:
        assert line.fill(Words({}, "de")) is None


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(WORDS)), st.text(max_size=400))
def test_a_hostile_fact_stays_text_on_one_line_and_short(name: str, value: str) -> None:
    line = Line(f"a{OPEN}{name}{CLOSE}b", WORDS, "x")
    filled = line.fill(Words({name: value}, "en"))
    assert filled is not None
    assert filled.isprintable()
    assert len(filled) <= 62


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_every_script_stands_with_any_name_product_and_owner(name: str, product: str, owner: str) -> None:
    who = msgspec.structs.replace(KATRIN, family_name=name, owner=owner, salutation="Frau")
    view = view_of(
        contract(product=product),
        Ticket(type=TicketType.complaint, status=TicketStatus.open, opened=ago(6), topic=name),
        Account(name=name),
        customer=who,
    )
    said = suggest(PLAYBOOKS, situation_of(view))
    for language in ("de", "en"):
        assert 0 < len(said.line[language]) <= LONGEST_LINE
        assert said.line[language].isprintable()


def test_a_customer_named_like_a_template_is_told_nothing_of_others() -> None:
    other = "Geheimer Nachbar"
    for name in HOSTILE[:20]:
        view = view_of(
            contract(product=name[:60]), customer=msgspec.structs.replace(KATRIN, family_name=name, owner=name)
        )
        suggest(PLAYBOOKS, situation_of(view_of(contract(product=other), customer=Customer(name=other))))
        said = msgspec.json.encode(suggest(PLAYBOOKS, situation_of(view))).decode()
        assert other not in said
        assert "<class" not in said
        assert "uid=" not in said


def nested(word: str, depth: int) -> Any:
    condition: Any = {"risk.band": "high"}
    for _ in range(depth):
        condition = {word: [condition]} if word != "not" else {"not": condition}
    return condition


@pytest.mark.parametrize("word", ["all", "any", "not"])
def test_a_condition_is_nested_as_deep_as_people_do_and_no_deeper(word: str) -> None:
    assert compile_condition(nested(word, 20), SCRIPT_VOCABULARY, "x") is not None
    for depth in (21, 900, 50_000):
        with pytest.raises(ConfigError, match="nested too deeply"):
            compile_condition(nested(word, depth), SCRIPT_VOCABULARY, "x")


def playbook(**fields: Any) -> PlaybookFile:
    usual: dict[str, Any] = {"id": "x", "priority": 1, "title": {"de": "x", "en": "x"}, "line": {"de": "x", "en": "x"}}
    return PlaybookFile(**(usual | fields))


def test_very_many_alternatives_are_read_and_said_in_no_time() -> None:
    lines = tuple(f"{OPEN}owner{CLOSE} {number}" for number in range(20_000))
    began = time.perf_counter()
    made = compile_playbook(playbook(line={"de": (*lines, "x"), "en": "x"}), "x", PLAYBOOKS.catalogue)
    assert made.line["de"].fill(Words({}, "de")) == "x"
    assert time.perf_counter() - began < 30


Change = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda d: d.update(when=nested("any", 60)), "nested"),
        (lambda d: d.update(line={"de": "x" * LARGEST, "en": "x"}), "is larger than"),
        (lambda d: d.update(more={"de": [HOSTILE[0]], "en": ["x"]}), "only text and {{ fact }}"),
        (lambda d: d.update(empathy={"de": HOSTILE[6], "en": "x"}), "only text and {{ fact }}"),
        (lambda d: d.update(leniency={"de": [HOSTILE[9]], "en": ["x"]}), "only text and {{ fact }}"),
        (
            lambda d: d.update(follow_up=[{"days": 1, "text": {"de": HOSTILE[10], "en": "x"}}]),
            "only text and {{ fact }}",
        ),
        (lambda d: d.update(done_when={"text": {"de": ["{{ pasword }}"], "en": ["x"]}}), "there is no fact 'pasword'"),
        (lambda d: d.update(done_when={"condition": nested("not", 60)}), "nested"),
    ],
)
def test_a_hostile_file_is_refused_with_its_name(tmp_path: Path, change: Change, what: str) -> None:
    data: dict[str, Any] = {"id": "x", "priority": 1, "title": {"de": "x", "en": "x"}, "line": {"de": "x", "en": "x"}}
    change(data)
    path = tmp_path / "x.yaml"
    path.write_text(yaml.dump(data, Dumper=yaml.CSafeDumper), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_playbooks(tmp_path, PLAYBOOKS.catalogue)
    assert str(path) in str(caught.value)
    assert what in str(caught.value)
    assert len(str(caught.value)) < 1_000


def test_nobody_known_is_no_reason_to_fail() -> None:
    assert suggest(PLAYBOOKS, Situation()).script_id == "default"
