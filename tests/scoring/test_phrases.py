"""Topics in what customers write; all sentences are made up."""

from __future__ import annotations

import pytest

from bridge.scoring import load_scoring
from bridge.scoring.phrases import Negations, Phrases, flatten
from tests.scoring.views import CONFIG

PHRASES = load_scoring(CONFIG / "scoring.yaml").settings.phrases


def topics(text: str) -> set[str]:
    return {topic for topic, phrases in PHRASES.items() if phrases.match(flatten(text))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hiermit kündige ich meinen Vertrag zum nächstmöglichen Termin.", {"cancellation"}),
        ("Ich moechte kuendigen!", {"cancellation"}),
        ("KÜNDIGEN", {"cancellation"}),
        ("Ich will nicht kündigen, ich will nur wissen, wann der Techniker kommt.", set()),
        ("Kündigen möchte ich nicht.", set()),
        ("Das Netz geht nicht. Ich will kündigen.", {"cancellation"}),
        ("Das geht so nicht, ich möchte kündigen.", {"cancellation"}),
        ("Wie lang ist die Kündigungsfrist?", {"contract_terms"}),
        ("Frage zu den Vertragsbedingungen und zur Mindestlaufzeit", {"contract_terms"}),
        (
            "Wann endet mein Vertrag? Überlege, den Anbieter zu wechseln. Möchte kündigen.",
            {"contract_terms", "cancellation"},
        ),
        ("Der Bezirksschornsteinfeger war da.", set()),
        ("Die AGBs habe ich nie bekommen", set()),
        ("I want to cancel my contract.", {"cancellation"}),
        ("I don’t want to cancel my contract, just the newsletter.", set()),
        ("No, please cancel my contract", {"cancellation"}),
        ("What is the notice period?", {"contract_terms"}),
        ("What are your terms and conditions for early termination?", {"contract_terms"}),
        ("My internet is slow", set()),
        ("", set()),
    ],
)
def test_topics_are_heard_in_german_and_english_and_negations_respected(text: str, expected: set[str]) -> None:
    assert topics(text) == expected


def test_one_plain_mention_counts_beside_a_negated_one() -> None:
    assert topics("Ich wollte nicht kündigen. Jetzt will ich doch kündigen.") == {"cancellation"}


def test_a_phrase_matches_whole_words_unless_it_ends_in_a_star() -> None:
    exact, open_end = Phrases(["exit fee"], Negations()), Phrases(["exit fee*"], Negations())
    assert not exact.match("about exit fees")
    assert open_end.match("about exit fees")
    assert not open_end.match("brexit fees")


def test_without_phrases_nothing_is_heard() -> None:
    assert not Phrases([], Negations()).match("kuendigen")
