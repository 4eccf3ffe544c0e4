"""The shipped playbooks: both languages, with all facts and with none, for whom they are meant; and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.adapter.yamlfile import read_yaml
from bridge.errors import ConfigError
from bridge.model import Channel, Customer, Money
from bridge.playbook import Situation, Suggestion, fill, load_playbooks, suggest
from bridge.playbook.schemas import config_schemas, write_schemas
from bridge.playbook.scripts import LONGEST_LINE, LONGEST_TITLE
from bridge.playbook.situation import SCRIPT_VOCABULARY, VOCABULARY
from bridge.scoring.result import Band, Tier
from bridge.scoring.signals import SIGNS
from bridge.scoring.view import View
from tests.playbook.customers import CUSTOMERS
from tests.playbook.faults import find_faults
from tests.playbook.situations import CARD, KATRIN, OWN, situation_of, unhappy, with_signals
from tests.scoring.views import CONFIG, views

PLAYBOOKS = load_playbooks(CONFIG / "playbooks")
OFFERS = PLAYBOOKS.catalogue
IDS = [playbook.id for playbook in PLAYBOOKS.playbooks]


def texts(suggestion: Suggestion, language: str) -> list[str]:
    return [
        suggestion.title[language],
        suggestion.line[language],
        *((suggestion.empathy[language],) if suggestion.empathy else ()),
        *suggestion.more[language],
        *suggestion.leniency[language],
        *suggestion.do_not_say[language],
        *(one.text[language] for one in suggestion.follow_up),
        *suggestion.done_when[language],
    ]


def assert_whole(suggestion: Suggestion, own: Collection[str] = OWN) -> None:
    """Both languages are there, fit the card, and have no fault in them."""
    for language in ("de", "en"):
        assert 0 < len(suggestion.title[language]) <= LONGEST_TITLE
        assert 0 < len(suggestion.line[language]) <= LONGEST_LINE
        assert [fault for text in texts(suggestion, language) for fault in find_faults(text, language, own)] == []
    assert len(suggestion.more["de"]) == len(suggestion.more["en"])
    assert len(suggestion.do_not_say["de"]) == len(suggestion.do_not_say["en"])


def test_there_is_a_customer_for_every_playbook() -> None:
    assert set(CUSTOMERS) == set(IDS)


@pytest.mark.parametrize("script", IDS)
def test_every_playbook_is_suggested_to_the_customer_it_is_meant_for(script: str) -> None:
    suggestion = suggest(PLAYBOOKS, situation_of(CUSTOMERS[script]))
    assert suggestion.script_id == script
    assert_whole(suggestion)


@pytest.mark.parametrize("fields", [{"objects_to_profiling": True}, {"deceased": True}])
@pytest.mark.parametrize("script", IDS)
def test_who_objects_or_has_died_gets_the_neutral_script(script: str, fields: dict[str, bool]) -> None:
    view = CUSTOMERS[script]
    silent = msgspec.structs.replace(view, customer=msgspec.structs.replace(view.customer, **fields))
    suggestion = suggest(PLAYBOOKS, situation_of(silent))
    assert (suggestion.script_id, suggestion.alternates, suggestion.offers) == ("default", (), ())


def test_no_two_playbooks_have_the_same_priority() -> None:
    assert len({playbook.priority for playbook in PLAYBOOKS.playbooks}) == len(IDS)


@pytest.mark.parametrize("script", IDS)
def test_german_and_english_say_the_same_with_the_same_facts(script: str) -> None:
    data = read_yaml(CONFIG / "playbooks" / f"{script}.yaml")
    parts = {
        part: data[part] for part in ("title", "empathy", "line", "more", "leniency", "do_not_say") if part in data
    }
    parts |= {f"follow_up[{place}]": one["text"] for place, one in enumerate(data.get("follow_up", ()))}
    parts |= {"done_when": data["done_when"]["text"]} if "text" in data.get("done_when", ()) else {}
    for part in parts.values():
        given = [part[language] for language in ("de", "en")]
        german, english = ([each] if isinstance(each, str) else each for each in given)
        assert len(german) == len(english)
        for one, other in zip(german, english, strict=True):
            assert set(re.findall(r"{{ (\w+) }}", one)) == set(re.findall(r"{{ (\w+) }}", other))


@pytest.mark.parametrize("script", IDS)
@pytest.mark.parametrize(
    "situation",
    [
        with_signals(*SIGNS),
        with_signals(*SIGNS, facts=False),
        with_signals(*SIGNS, customer=Customer(), expected=None),
        with_signals(),
        Situation(),
    ],
    ids=["all facts", "only sure facts", "no name", "no signal", "nobody"],
)
def test_every_playbook_renders_whole_in_both_languages(script: str, situation: Situation) -> None:
    playbook = PLAYBOOKS.playbooks[IDS.index(script)]
    assert_whole(fill(playbook, situation))


@pytest.mark.parametrize("codes", [*((code,) for code in SIGNS), *combinations(SIGNS, 2)])
def test_every_sign_and_pair_of_signs_gets_a_whole_script(codes: tuple[str, ...]) -> None:
    assert_whole(suggest(PLAYBOOKS, with_signals(*codes)))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([(code, band) for code, sign in SIGNS.items() for band in sign.bands]), max_size=6),
    st.booleans(),
    st.sampled_from((KATRIN, Customer(), Customer(name="Kim Weber"), msgspec.structs.replace(KATRIN, owner=None))),
    st.sampled_from(Band),
    st.sampled_from(Tier),
    st.sampled_from((None, Money(50, "EUR"), Money(250_000, "EUR"))),
)
def test_every_playbook_renders_whole_in_any_situation(
    signs: list[tuple[str, str]], facts: bool, customer: Customer, band: Band, tier: Tier, expected: Money | None
) -> None:
    situation = with_signals(
        *dict(signs).items(), facts=facts, customer=customer, band=band, tier=tier, expected=expected
    )
    for playbook in PLAYBOOKS.playbooks:
        assert_whole(fill(playbook, situation))


@pytest.mark.parametrize("facts", [True, False], ids=["all facts", "only sure facts"])
@pytest.mark.parametrize("code", SIGNS)
def test_every_reason_and_what_would_lower_it_reads_whole(code: str, facts: bool) -> None:
    situation = with_signals(code, facts=facts)
    assert situation.scores is not None
    signal = situation.scores.signals[0]
    words = CARD.words[signal.code]
    for texts_of in (words.text, words.lower):
        for language, text in texts_of.items():
            assert find_faults(text.fill(signal.facts, 160), language, OWN) == []


@settings(max_examples=100, deadline=None)
@given(views())
def test_every_customer_gets_a_whole_script(view: View) -> None:
    assert_whole(suggest(PLAYBOOKS, situation_of(view)), own=("Mobil M", "logins"))


NEEDS = msgspec.structs.replace(KATRIN, communication_needs="hört schwer")
WRITES = msgspec.structs.replace(KATRIN, preferred_channel=Channel.email)


@pytest.mark.parametrize(
    ("situation", "script"),
    [
        (with_signals("complaint"), "complaint"),
        (with_signals(("complaint", "d90")), "default"),
        (with_signals("complaint", "ticket_waiting", "ticket_reopened"), "complaint"),
        (with_signals("ticket_waiting", "discount_ending"), "apology"),
        (with_signals("bad_review"), "apology"),
        (with_signals("detractor", tier=Tier.platinum, band=Band.critical), "key_account"),
        (with_signals("detractor", tier=Tier.gold, band=Band.critical), "apology"),
        (with_signals("complaint", "prestige", band=Band.low), "key_account"),
        (with_signals("prestige", "contract_ending"), "contract_end"),
        (with_signals("complaint", "seniority", tier=Tier.gold), "key_account"),
        (with_signals("complaint", ("seniority", "manager"), tier=Tier.gold), "complaint"),
        (with_signals("complaint", "seniority", tier=Tier.bronze), "complaint"),
        (with_signals("cancellation_intent", "complaint", "contract_terms"), "wants_to_leave"),
        (with_signals("contract_cancelled", "complaint"), "complaint"),
        (with_signals("contract_cancelled", "detractor"), "win_back"),
        (with_signals("left", "silence"), "win_back"),
        (with_signals("onboarding", "onboarding_trouble", "ticket_waiting"), "onboarding_trouble"),
        (with_signals("calls_abandoned", "billing_trouble"), "long_waits"),
        (with_signals("billing_trouble", "price_asked"), "billing_trouble"),
        (with_signals(("billing_trouble", "d90")), "default"),
        (with_signals("competitor", "price_asked", "contract_terms"), "competitor_offer"),
        (with_signals("moving", "contract_terms"), "moving"),
        (with_signals("contract_terms", "contract_ending"), "contract_terms"),
        (with_signals("price_asked", "discount_ending"), "price_asked"),
        (with_signals("silence", tier=Tier.gold, band=Band.high), "high_value_at_risk"),
        (with_signals("contract_ending", tier=Tier.gold, band=Band.high), "high_value_at_risk"),
        (with_signals("silence", tier=Tier.silver, band=Band.high), "neglected"),
        (with_signals("discount_ending", "contract_ending"), "discount_end"),
        (with_signals("contract_ending", "usage_falling"), "contract_end"),
        (with_signals(("emails_unopened", "x3"), ("surveys_unanswered", "x2")), "default"),
        (with_signals("onboarding", "promoter"), "welcome"),
        (with_signals("promoter", "long_tenure", band=Band.low), "promoter_thanks"),
        (with_signals("promoter", band=Band.high), "default"),
        (with_signals("complaint", customer=NEEDS), "cannot_phone"),
        (with_signals("complaint", customer=WRITES), "complaint"),
        (with_signals(customer=WRITES), "other_channel"),
        (with_signals(tier=Tier.unknown, band=Band.unknown), "default"),
        (Situation(), "default"),
    ],
)
def test_each_playbook_is_suggested_to_those_it_is_meant_for(situation: Situation, script: str) -> None:
    assert suggest(PLAYBOOKS, situation).script_id == script


def test_the_other_playbooks_that_apply_are_named_in_order() -> None:
    situation = with_signals("complaint", "contract_ending", tier=Tier.gold, band=Band.high)
    assert suggest(PLAYBOOKS, situation).alternates == ("high_value_at_risk", "contract_end", "default")


def test_the_line_names_what_happened_to_this_customer() -> None:
    suggestion = suggest(PLAYBOOKS, situation_of(unhappy()))
    assert suggestion.line["de"].startswith("Frau Albers, Ihre Beschwerde vom 15.11.2026 liegt vor mir, und Sie warten")
    assert suggestion.line["en"].startswith("Ms Albers, I have your complaint of 15 Nov 2026 in front of me, and you")
    assert "Persönliche Betreuung: Jana Brandt." in suggestion.more["de"][-1]


def test_what_makes_phoning_hard_is_never_said_and_routing_cannot_ask_for_it() -> None:
    assert "hört" not in msgspec.json.encode(suggest(PLAYBOOKS, with_signals(customer=NEEDS))).decode()
    assert "customer.communication_needs" in SCRIPT_VOCABULARY
    assert "customer.communication_needs" not in VOCABULARY


def test_nobody_is_told_that_they_were_filed_as_a_name_or_a_number() -> None:
    """Rank, value, risk, usage figures and the name of a competitor are for the agent, never for the line to say."""
    data = [read_yaml(CONFIG / "playbooks" / f"{script}.yaml") for script in IDS]
    spoken = " ".join(
        str(text) for each in data for part in ("line", "empathy") for text in each.get(part, {}).values()
    )
    for fact in ("prestige_", "seniority_", "usage_falling_", "emails_unopened_", "competitor_name", "offer_ceiling"):
        assert fact not in spoken


def test_a_discount_that_ends_is_named_with_both_prices() -> None:
    line = suggest(PLAYBOOKS, with_signals("discount_ending")).line
    assert "44,90 € statt 29,90 €" in line["de"]
    assert "€44.90 instead of €29.90" in line["en"]


def test_nothing_personal_is_said_beyond_what_the_script_names() -> None:
    said = msgspec.json.encode(suggest(PLAYBOOKS, situation_of(unhappy()))).decode()
    for secret in ("@", "017", "+49", "77001", "hört", "Geheim", "Messe", "Inhaberin", "Optik", "Katrin", "crm/"):
        assert secret not in said


def test_the_dead_are_not_addressed() -> None:
    dead = msgspec.structs.replace(unhappy(), customer=msgspec.structs.replace(KATRIN, deceased=True))
    assert "Albers" not in msgspec.json.encode(suggest(PLAYBOOKS, situation_of(dead))).decode()


def test_a_hostile_name_or_product_stays_text() -> None:
    hostile = msgspec.structs.replace(KATRIN, family_name="{{ owner }}\u202e\x00{% for x in y %}", salutation="Frau")
    suggestion = suggest(PLAYBOOKS, with_signals("contract_ending", customer=hostile))
    assert "Frau {{ owner }}{% for x in y %}" in suggestion.line["de"]
    assert suggestion.line["de"].isprintable()


def test_a_line_made_too_long_by_its_facts_gives_way_to_the_next() -> None:
    long = with_signals("contract_ending", customer=Customer(name="N" * 400, owner="O" * 400))
    assert_whole(suggest(PLAYBOOKS, long), own=("N" * 59 + "…", "O" * 59 + "…", *OWN))


Change = Callable[[dict[str, Any]], Any]


def written(folder: Path, change: Change = lambda data: None, name: str = "default") -> Path:
    data = read_yaml(CONFIG / "playbooks" / "apology.yaml") | {"id": name}
    change(data)
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    return path


def always(data: dict[str, Any]) -> None:
    data.pop("when")


def test_playbooks_of_equal_priority_are_taken_by_their_id(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        written(tmp_path, always, name)
    suggestion = suggest(load_playbooks(tmp_path, OFFERS), Situation())
    assert (suggestion.script_id, suggestion.alternates) == ("a", ("b", "c"))


def test_the_version_changes_with_any_playbook_and_with_nothing_else(tmp_path: Path) -> None:
    written(tmp_path, always)
    first = load_playbooks(tmp_path, OFFERS).version
    assert load_playbooks(tmp_path, OFFERS).version == first
    written(tmp_path, lambda data: data.update(when=None, priority=91))
    assert load_playbooks(tmp_path, OFFERS).version != first


def test_a_folder_without_a_playbook_for_everybody_is_refused(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(ConfigError, match="one playbook has to apply always"):
        load_playbooks(tmp_path, OFFERS)


@pytest.mark.parametrize(
    ("change", "place", "what"),
    [
        (lambda d: d.update(id="other"), "id", "is 'other', but the file is called default.yaml"),
        (lambda d: d.update(id="No spaces"), "id", "Expected `str` matching"),
        (lambda d: d.update(prioriti=3), "prioriti", "did you mean 'priority'?"),
        (lambda d: d.update(when={"any": [{"signal": "complant"}]}), "when.any[0].signal", "did you mean complaint?"),
        (lambda d: d.update(when={"risk.bnd": "high"}), "when.risk.bnd", "did you mean risk.band?"),
        (lambda d: d["title"].pop("de"), "title.de", "the text is missing"),
        (lambda d: d["title"].update(it="x"), "title.it", "there is no such language"),
        (lambda d: d["title"].update(de=""), "title.de", "the text is missing"),
        (lambda d: d["title"].update(de=["x", " "]), "title.de", "1 to 80 characters"),
        (lambda d: d["title"].update(de="x" * 81), "title.de", "1 to 80 characters"),
        (lambda d: d["line"].update(en="x" * 301), "line.en", "1 to 300 characters"),
        (lambda d: d["line"].update(en="Dear {{ customer }}"), "line.en", "add a last alternative without facts"),
        (lambda d: d["line"].update(en=["{{ custmer }}", "x"]), "line.en[0]", "did you mean customer?"),
        (lambda d: d["line"].update(en="{{ customer.emails }}"), "line.en", "only text and {{ fact }}"),
        (lambda d: d["line"].update(en="{{ ''.__class__.__mro__ }}"), "line.en", "only text and {{ fact }}"),
        (lambda d: d["line"].update(en="{{ range(9**9)|list }}"), "line.en", "only text and {{ fact }}"),
        (lambda d: d["line"].update(en="{% for x in customer %}x{% endfor %}"), "line.en", "only text and {{ fact }}"),
        (lambda d: d["line"].update(en="{% include 'x' %}"), "line.en", "only text and {{ fact }}"),
        (lambda d: d["line"].update(en="{{ customer"), "line.en", "is not a template"),
        (lambda d: d["line"].update(en="{{ " + "(" * 5000), "line.en", "nested too deeply"),
        (lambda d: d["more"]["de"].append("x"), "more", "more lines in one language than in another"),
        (lambda d: d["more"].pop("de"), "more.de", "the text is missing"),
        (lambda d: d["offer"].update(offers=["goodwil_credit"]), "offer.offers[0]", "did you mean goodwill_credit?"),
        (lambda d: d["offer"].update(offers=["apology"] * 2), "offer.offers[1]", "is named twice"),
        (lambda d: d["offer"].update(offers=[]), "offer.offers", "names nothing to offer"),
        (lambda d: d.update(empathy={"de": "{{ customer }}", "en": "x"}), "empathy.de", "without facts"),
        (lambda d: d["follow_up"][0].update(day=1), "follow_up[0].day", "did you mean 'days'?"),
        (lambda d: d["follow_up"][1]["text"].update(de="{{ ownr }}"), "follow_up[1].text.de", "did you mean owner?"),
        (lambda d: d["leniency"]["en"].append("x"), "leniency", "more lines in one language"),
        (lambda d: d.update(done_when={}), "done_when", "says nothing"),
        (
            lambda d: d["done_when"].update(condition={"ticket.opn": 1}),
            "done_when.condition.ticket.opn",
            "ticket.open?",
        ),
        (lambda d: d.update(instead=["defalt"]), "instead[0]", "there is no other playbook 'defalt'"),
        (lambda d: d.update(instead=["default"]), "instead[0]", "there is no other playbook 'default'"),
        (lambda d: d.update(hold_out="nevr"), "hold_out", "did you mean 'never'?"),
        (lambda d: d["offer"].update(uplift=12), "offer.uplift", "Expected `float` <= 1"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_file_path_and_the_nearest_name(
    tmp_path: Path, change: Change, place: str, what: str
) -> None:
    path = written(tmp_path, change)
    with pytest.raises(ConfigError) as caught:
        load_playbooks(tmp_path, OFFERS)
    where, _, rest = str(caught.value).partition(f": {place}: ")
    line = where.removeprefix(f"{path}, line ")
    assert 1 <= int(line) <= len(path.read_text("utf-8").splitlines())
    assert what in rest


def test_the_schemas_for_editors_are_fresh(tmp_path: Path) -> None:
    """After a change: `bridge.playbook.schemas.write_schemas(Path("config/schemas"))`."""
    for name, content in config_schemas().items():
        assert (CONFIG / "schemas" / name).read_bytes() == content, f"config/schemas/{name} is out of date"
    assert len(write_schemas(tmp_path)) == len(config_schemas())
    assert write_schemas(tmp_path) == []


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        ("scoring.yaml", "scoring"),
        ("routing.yaml", "routing"),
        ("identity.yaml", "identity"),
        ("incident.yaml", "incident"),
        ("offers.yaml", "offers"),
        *((f"playbooks/{name}.yaml", "playbook") for name in IDS),
    ],
)
def test_every_configuration_file_names_its_schema_and_keeps_it(file: str, schema: str) -> None:
    path = CONFIG / file
    pointer = path.read_text("utf-8").splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / pointer).resolve() == (CONFIG / "schemas" / f"{schema}.json").resolve()
    jsonschema_rs.validate(msgspec.json.decode((path.parent / pointer).read_bytes()), read_yaml(path))


def test_the_schemas_refuse_misspelt_names() -> None:
    playbook = msgspec.json.decode(config_schemas()["playbook.json"])
    shipped = read_yaml(CONFIG / "playbooks" / "apology.yaml")
    assert jsonschema_rs.is_valid(playbook, shipped)
    changes: tuple[dict[str, Any], ...] = (
        {"prioriti": 1},
        {"when": {"risk.bnd": "high"}},
        {"title": {"fr": "x"}},
        {"offer": {"offers": ["X Y"]}},
        {"offer": {"offers": []}},
    )
    for change in changes:
        assert not jsonschema_rs.is_valid(playbook, shipped | change)
