"""The finder of faults finds faults, and nothing else."""

from __future__ import annotations

import pytest

from tests.playbook.faults import find_faults


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Frau Albers, Ihr Rabatt endet am 31.12.2026, dann wären es 44,90 € statt 29,90 €.", "de"),
        ("Ms Albers, your discount ends on 31 Dec 2026, and it would then be €44.90.", "en"),
        ("„Das Angebot gilt nur heute.“", "de"),
        ("“This offer is valid today only.”", "en"),
        ("Nutzt das Produkt 40 % weniger als zuvor", "de"),
        ("Er will, was sie war", "de"),
    ],
)
def test_a_finished_text_has_no_fault(text: str, language: str) -> None:
    assert find_faults(text, language) == []


@pytest.mark.parametrize(
    ("text", "language", "what"),
    [
        ("Hallo {{ customer }}", "de", "'{'"),
        ("Hallo None", "de", "'None'"),
        ("Hallo , wie geht es", "de", "' ,'"),
        ("Hallo  Welt", "de", "'  '"),
        ("Hallo ", "de", "ends with a space"),
        ("", "en", "is empty"),
        ("Hallo\u202eWelt", "de", "cannot be read"),
        ("Your Vertrag und more", "en", "'und'"),
        ("Ihr contract and mehr", "de", "'and'"),
        ("Ends on 31.12.2026", "en", "'31.12.2026'"),
        ("Endet am 31 Dec 2026", "de", "'31 Dec 2026'"),
        ("It is 44,90", "en", "'4,90'"),
        ("Es sind €44", "de", "'€4'"),
        ("„Nein”", "en", "German quote"),
        ("“Nein”", "de", "German quote"),
    ],
)
def test_each_kind_of_fault_is_found(text: str, language: str, what: str) -> None:
    assert any(what in fault for fault in find_faults(text, language))


def test_the_customers_own_words_keep_their_language() -> None:
    assert find_faults("Mr van der Berg, your contract Haus und Hof runs out.", "en") != []
    assert (
        find_faults("Mr van der Berg, your contract Haus und Hof runs out.", "en", own=("van der Berg", "Haus und Hof"))
        == []
    )
