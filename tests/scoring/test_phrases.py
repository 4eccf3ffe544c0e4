"""Topics in what customers write; all sentences are made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.scoring import load_scoring
from bridge.scoring.phrases import Negations, Topics, fault_of, flatten
from bridge.scoring.signals_topics import NAMED_COMPETITOR
from tests.scoring.views import CONFIG

SETTINGS = load_scoring(CONFIG / "scoring.yaml").settings


def topics(text: str) -> set[str]:
    return set(SETTINGS.spoken.find(text))


def says(phrase: str, text: str) -> bool:
    return bool(Topics({"it": [phrase]}, Negations()).find(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hiermit kündige ich meinen Vertrag zum nächstmöglichen Termin.", {"cancellation"}),
        ("Ich moechte kuendigen!", {"cancellation"}),
        ("KÜNDIGEN", {"cancellation"}),
        ("(kündigen)", {"cancellation"}),
        ("Bitte „kündigen“!", {"cancellation"}),
        ("Wie lang ist die Kündigungsfrist?", {"contract_terms"}),
        ("Frage zu den Vertragsbedingungen und zur Mindestlaufzeit", {"contract_terms"}),
        (
            "Wann endet mein Vertrag? Überlege, den Anbieter zu wechseln. Möchte kündigen.",
            {"contract_terms", "cancellation"},
        ),
        ("I want to cancel my contract.", {"cancellation"}),
        ("No, please cancel my contract", {"cancellation"}),
        ("What is the notice period?", {"contract_terms"}),
        ("What are your terms and conditions for early termination?", {"contract_terms"}),
        ("Ich bin sehr enttäuscht, das ist eine Frechheit", {"complaint"}),
        ("I am fed up with this", {"complaint"}),
        ("Das ist mir zu teuer geworden.", {"price"}),
        ("Is there a cheaper plan?", {"price"}),
        ("How much does the bigger plan cost?", {"price"}),
        ("Bei der Konkurrenz zahle ich die Hälfte", {"competitor"}),
        ("I have a better offer from another provider", {"competitor"}),
        ("Wir ziehen im März nach Bremen um", {"moving"}),
        ("Mein Umzug ist am 1.12.", {"moving"}),
        ("We are moving house in May", {"moving"}),
        ("Die Rechnung vom Oktober ist leider falsch", {"billing"}),
        ("Meine Rechnung stimmt nicht!", {"billing"}),
        ("You charged me twice in October", {"billing"}),
        ("Der Bezirksschornsteinfeger war da.", set()),
        ("Die AGBs habe ich nie bekommen", set()),
        ("My internet is slow", set()),
        ("", set()),
    ],
)
def test_topics_are_heard_in_german_and_english(text: str, expected: set[str]) -> None:
    assert topics(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Ich will nicht kündigen, ich will nur wissen, wann der Techniker kommt.",
        "Kündigen möchte ich nicht.",
        "Ich habe nicht vor, den Vertrag zu kündigen.",
        "Ich ziehe meine Kündigung zurück.",
        "I’m not going to cancel my contract.",
        "I don’t want to cancel my contract, just the newsletter.",
        "Wir ziehen doch nicht um.",
        "Das ist keine Beschwerde.",
        "It is not too expensive at all",
        "Ich bin nicht unzufrieden",
        "I have no complaint",
    ],
)
def test_what_is_denied_is_not_meant(text: str) -> None:
    assert topics(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "Das Netz geht nicht. Ich will kündigen.",
        "Das geht so nicht, ich möchte kündigen.",
        "Ich will nicht nur kündigen, ich will mein Geld zurück.",
        "Ich wollte nicht kündigen. Jetzt will ich doch kündigen.",
        "It does not work. Cancel my contract!",
        "I want to not only complain, I will cancel my contract",
    ],
)
def test_a_negation_of_something_else_takes_nothing_back(text: str) -> None:
    assert "cancellation" in topics(text)


def test_a_competitor_is_heard_by_name() -> None:
    assert SETTINGS.spoken.find("Telstern hat mir geschrieben") == {NAMED_COMPETITOR: "Telstern"}


@pytest.mark.parametrize(
    ("subject", "topic"),
    [
        ("Kündigung", "cancellation"),
        ("cancel_contract", "cancellation"),
        ("Kündigung 4711", "cancellation"),
        ("Billing issue", "billing"),
        ("Umzugsservice", "moving"),
        ("PRICING", "price"),
        ("Reklamation", "complaint"),
    ],
)
def test_in_a_subject_line_or_an_intent_one_word_is_enough(subject: str, topic: str) -> None:
    assert topic in SETTINGS.named.find(subject, alone=True)
    assert topic not in topics(subject)


@pytest.mark.parametrize("subject", ["Rechnung als PDF", "Umzug der Rufnummer", "Kündigungsfrist", "Move on", "Frage"])
def test_a_word_among_others_names_nothing(subject: str) -> None:
    assert SETTINGS.named.find(subject, alone=True) == {}


@pytest.mark.parametrize(
    ("title", "rank"),
    [
        ("Geschäftsführerin", "executive"),
        ("CEO & Founder", "executive"),
        ("Chief Happiness Officer", "executive"),
        ("Leiterin Einkauf", "manager"),
        ("Head of IT", "manager"),
        ("Sachbearbeiter", None),
    ],
)
def test_a_rank_is_read_from_a_title(title: str, rank: str | None) -> None:
    assert list(SETTINGS.ranks(title)) == ([rank] if rank else [])


def test_a_phrase_matches_whole_words_unless_they_end_in_a_star() -> None:
    assert not says("exit fee", "about exit fees")
    assert says("exit fee*", "about exit fees")
    assert not says("exit fee*", "brexit fees")
    assert says("an* b*", "and bees")
    assert says("ab*", "absurd")
    assert not says("ab*", "cab")


def test_words_of_a_phrase_stand_together_unless_a_gap_is_marked() -> None:
    assert says("price increase", "a price-increase")
    assert not says("price increase", "price, increase")
    assert not says("ziehe um", "ziehe morgen um")
    assert says("ziehe .. um", "ziehe um")
    assert says("ziehe .. um", "ziehe am 1. Mai um") is False  # a full stop ends the thought
    assert says("ziehe .. um", "ziehe wohl schon im Mai um")
    assert not says("ziehe .. um", "ziehe wohl ganz bald schon im Mai um")


def test_letters_of_other_alphabets_are_searched_too() -> None:
    assert says("café*", "im Café")
    assert says("résilier", "je veux résilier")
    assert says("отменить", "хочу отменить")
    assert not says("отменить", "хочу остаться")


@pytest.mark.parametrize("phrase", ["*", " ", "..", "* .. *", ".. um", "ziehe .."])
def test_a_phrase_that_cannot_be_meant_is_faulty(phrase: str) -> None:
    assert fault_of(phrase) is not None


def test_without_phrases_nothing_is_heard() -> None:
    assert Topics({}, Negations()).find("kuendigen") == {}


@given(st.text(max_size=80), st.sampled_from(("kündigen", "exit fee*", "ziehe .. um", "ab*", "e-mail")))
def test_a_phrase_is_found_in_any_text_around_it(text: str, phrase: str) -> None:
    said = phrase.replace("*", "xyz").replace(" .. ", " bald ")
    assert says(phrase, f"{text} {said} {text}")
    assert flatten(said) == flatten(flatten(said))
