"""Several people share a number: what can be asked, and what an answer opens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from bridge import flat
from bridge.app import create_app
from bridge.gateway import question
from bridge.gateway.question import choose, read_answer
from bridge.identity.rules import Question
from bridge.settings import Settings
from tests.gateway.conftest import NOON, SOURCES, Clock, Gateway, person

SHARED = "+4930555000"
RULES = Question(customer_number=("crm",), contract_number=("billing",))


def home(*people: tuple[str, str], **more: Any) -> list[dict[str, Any]]:
    """People who share one phone."""
    return [person(number, name=name, phones=[SHARED], **more) for number, name in people]


FAMILY = home(("1", "Ada Kaya"), ("2", "Benno Kaya"), accounts=["K1"])


def candidate(
    customer: str, person: str, kind: str | None = "customer", number: str = "", **body: Any
) -> tuple[str | None, ...]:
    """A row of `gateway.candidates`."""
    return (
        customer,
        "crm",
        person,
        kind,
        "billing" if kind == "contract" else "crm",
        number or person,
        json.dumps(body),
    )


@pytest.fixture
def family(gateway: Gateway) -> Callable[..., Any]:
    async def asked(*scopes: str, **more: str) -> dict[str, str]:
        return await gateway.lookup(*(scopes or ("ivr",)), phone=SHARED, **more)

    return asked


async def test_a_household_is_asked_which_of_them_it_is_and_the_answer_is_taken(
    gateway: Gateway, family: Callable[..., Any]
) -> None:
    await gateway.know(*FAMILY)
    first = await family(interaction="call-1")
    assert (first["match"], first["found"], first["candidates"]) == ("account", "false", "2")
    assert (first["ask"], first["ask_digits"]) == ("first_name_first3", "3")
    assert first["ask_text"] == "Bitte geben Sie die ersten drei Buchstaben Ihres Vornamens über die Zifferntasten ein."
    assert "first three letters" in (await family(lang="en"))["ask_text"]
    benno = await family(interaction="call-1", answer="236")
    assert (benno["match"], benno["found"], benno["candidates"]) == ("exact", "true", "1")
    assert (benno["ask"], benno["ask_digits"], benno["ask_text"]) == ("", "", "")
    assert (await gateway.lookup(external_id="crm:2"))["customer_id"] == benno["customer_id"]


async def test_who_was_told_apart_once_stays_so_for_the_interaction_and_for_no_other(
    gateway: Gateway, family: Callable[..., Any]
) -> None:
    await gateway.know(*FAMILY)
    ada = await family(interaction="call-1", answer="232")
    again = await family(interaction="call-1")
    assert again["customer_id"] == ada["customer_id"] != ""
    assert (await gateway.lookup(interaction="call-1"))["customer_id"] == ada["customer_id"]
    card = await gateway.get("/v1/assist", "agent", phone=SHARED, interaction="call-1")
    assert card.json()["customer"]["id"] == ada["customer_id"]
    assert (await family(interaction="call-2"))["match"] == "account"


async def test_a_wrong_answer_says_nothing(gateway: Gateway, family: Callable[..., Any]) -> None:
    await gateway.know(*FAMILY)
    plain = await family(interaction="call-1")
    for wrong in ("999", "", "23", "x", "{{answer}}", "2", "1" * 5000):
        answer = await family(interaction="call-2", answer=wrong)
        assert {**answer, "answer_ms": ""} == {**plain, "answer_ms": ""}, wrong


async def test_an_answer_chooses_among_those_who_hold_the_number_and_nobody_else(
    gateway: Gateway, family: Callable[..., Any]
) -> None:
    await gateway.know(*FAMILY, person("3", name="Clara Kaya", phones=["+4930555999"]))
    assert (await family(answer="252"))["match"] == "account"
    assert (await gateway.lookup(phone="+4930555998", answer="232"))["match"] == "none"


async def test_only_three_different_answers_are_tried_for_an_interaction(
    gateway: Gateway, family: Callable[..., Any]
) -> None:
    await gateway.know(*FAMILY)
    for _ in range(4):  # what a host repeats is one answer
        assert (await family(interaction="call-1", answer="777"))["ask"] != ""
    for wrong in ("888", "999"):
        assert (await family(interaction="call-1", answer=wrong))["ask"] != ""
    assert (await family(interaction="call-1", answer="232"))["match"] == "account"
    refused = await family(interaction="call-1", answer="236")
    assert (refused["match"], refused["ask"]) == ("account", "")
    assert (await family(interaction="call-2", answer="232"))["match"] == "exact"


async def test_calling_again_and_again_gives_no_more_than_so_many_tries(
    gateway: Gateway, family: Callable[..., Any]
) -> None:
    await gateway.know(*FAMILY)
    for number in range(question.TRIES_OF_NUMBER):
        await family(interaction=f"call-{number}", answer=str(700 + number))
    assert (await family(interaction="call-x", answer="232"))["match"] == "account"
    gateway.clock.advance(hours=1, seconds=1)
    assert (await family(interaction="call-y", answer="232"))["match"] == "exact"


async def test_without_an_interaction_the_number_itself_has_three_tries(
    gateway: Gateway, family: Callable[..., Any]
) -> None:
    await gateway.know(*FAMILY)
    for wrong in ("777", "888", "999"):
        await family(answer=wrong)
    assert (await family(answer="232"))["match"] == "account"


async def test_nothing_personal_is_in_the_question_and_no_number_among_the_tries(
    gateway: Gateway, family: Callable[..., Any]
) -> None:
    await gateway.know(*FAMILY)
    answer = await family("agent", interaction="call-1", answer="777")
    assert "Kaya" not in json.dumps(answer) and "Ada" not in json.dumps(answer)
    kept = repr(await gateway.rows("answers_tried"))
    assert SHARED[3:] not in kept and "'777'" not in kept


async def test_another_key_of_the_request_may_tell_who_it_is(gateway: Gateway) -> None:
    await gateway.know(
        *home(("1", "Ada Kaya")), person("2", name="B. Kaya", phones=[SHARED], emails=["b@kaya.example"])
    )
    assert (await gateway.lookup(phone=SHARED, email="b@kaya.example"))["match"] == "exact"
    await gateway.know(person("9", name="Carl", emails=["carl@else.example"]))
    assert (await gateway.lookup(phone=SHARED, email="carl@else.example"))["match"] == "ambiguous"


async def test_without_a_fact_that_tells_them_apart_nothing_is_asked(gateway: Gateway) -> None:
    await gateway.know(*home(("1", "Ada Kaya"), ("2", "Ada Kaya")))
    answer = await gateway.lookup(phone=SHARED, answer="232")
    assert (answer["match"], answer["ask"], answer["ask_text"]) == ("ambiguous", "", "")


async def test_a_store_that_fails_costs_the_question_and_not_the_answer(
    gateway: Gateway, family: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await gateway.know(*FAMILY)
    assert (await family())["ask"] != ""

    async def hangs(*_: Any, **__: Any) -> Any:
        await asyncio.sleep(60)

    monkeypatch.setattr(gateway.store, "all", hangs)
    answer = await family(budget_ms="200")
    assert (answer["match"], answer["ask"]) == ("account", "")


@pytest.fixture
async def second(make_settings: Callable[..., Settings], gateway: Gateway) -> AsyncIterator[Any]:
    """Another process on the same store."""
    app = create_app(make_settings(), SOURCES, clock=Clock(NOON))
    async with app.running() as gate:
        yield gate


async def test_what_one_process_was_told_of_an_interaction_the_other_knows(
    gateway: Gateway, second: Any, family: Callable[..., Any]
) -> None:
    await gateway.know(*FAMILY)
    ada = await family(interaction="call-1", answer="232")
    until = asyncio.get_running_loop().time() + 10
    while (found := await second.customer_of("call-1")) is None:  # written behind the answer, every 250 ms
        assert asyncio.get_running_loop().time() < until
        await asyncio.sleep(0.05)
    assert found == ada["customer_id"]


@pytest.mark.parametrize(
    ("rows", "asked", "means"),
    [
        ([], "", {}),
        ([candidate("a", "10001234"), candidate("b", "10005678")], "customer_number_last4", {"1234": "a", "5678": "b"}),
        # nobody is chosen by what two people share
        (
            [candidate("a", "991234"), candidate("b", "881234"), candidate("c", "775555")],
            "customer_number_last4",
            {"5555": "c"},
        ),
        (
            [
                candidate("a", "1", given_name="Ada", family_name="Kaya"),
                candidate("a", "1", "contract", "V-0012345"),
                candidate("b", "2", given_name="Ada", family_name="Kaya"),
                candidate("b", "2", "contract", "V-0067890"),
                candidate("b", "2", "contract", "V-0067891"),
            ],
            "contract_number_last4",
            {"2345": "a", "7890": "b", "7891": "b"},
        ),
        (
            [candidate("a", "1", name="Ömer Öz"), candidate("b", "2", name="Ömer Şahin")],
            "last_name_first3",
            {"69": "a", "724": "b"},
        ),
        (
            [candidate("a", "1", external_ids={"crm": "K-70001"}), candidate("b", "2", None)],
            "customer_number_last4",
            {"0001": "a"},
        ),
        ([candidate("a", "1", name="王 芳"), candidate("b", "2", name="X")], "", {}),
    ],
)
def test_the_fact_that_tells_the_most_apart_is_asked_for(
    rows: Sequence[Any], asked: str, means: dict[str, str]
) -> None:
    fact = choose(rows, RULES)
    assert (fact.code, dict(fact.means)) == (asked, means)


def test_names_are_not_asked_for_where_that_is_not_wanted() -> None:
    rows = [candidate("a", "1", name="Ada Kaya"), candidate("b", "2", name="Benno Kaya")]
    assert choose(rows, Question(names=False)).code == ""


@pytest.mark.parametrize(
    ("fact", "said", "code"),
    [
        ("customer_number_last4", "1234", "1234"),
        ("customer_number_last4", "K-10 00 12 34", "1234"),
        ("customer_number_last4", "12", ""),
        ("first_name_first3", "232", "232"),
        ("first_name_first3", "Jürgen", "587"),
        ("first_name_first3", "straße"[:4], "787"),
        ("last_name_first3", "Öz", "69"),
        ("last_name_first3", "王", ""),
    ],
)
def test_an_answer_may_be_typed_or_spoken_out(fact: str, said: str, code: str) -> None:
    assert read_answer(fact, said) == code


def test_each_question_is_a_flat_end_of_an_answer_in_both_languages() -> None:
    for code in ("customer_number_last4", "contract_number_last4", "first_name_first3", "last_name_first3"):
        texts = set()
        for language in ("de", "en", "fr"):
            end = json.loads(b"{" + question.words(code, language))
            assert tuple(end) == flat.NAMES[-4:]
            assert end["ask"] == code and end["ask_digits"] in ("3", "4")
            texts.add(end["ask_text"])
        assert len(texts) == 2
