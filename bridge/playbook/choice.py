"""Which script is suggested, filled for one customer."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from bridge.model import Money
from bridge.playbook.offers import Arithmetic, OfferKind, find_terms
from bridge.playbook.scripts import Playbook, Playbooks
from bridge.playbook.situation import Situation
from bridge.scoring.wording import LANGUAGES


class Suggestion(Struct, frozen=True, kw_only=True):
    """What to say and what may be offered; texts per language. `alternates` are the other scripts that apply."""

    script_id: str
    title: dict[str, str]
    line: dict[str, str]
    more: dict[str, tuple[str, ...]]
    do_not_say: dict[str, tuple[str, ...]]
    offers: tuple[OfferKind, ...]
    ceiling: Money | None
    arithmetic: Arithmetic | None
    alternates: tuple[str, ...] = ()


def suggest(playbooks: Playbooks, situation: Situation, incidents: Sequence[Playbook] = ()) -> Suggestion:
    """The applicable script of the highest priority (of equal ones the first by id), filled.

    The first of `incidents` (those going on) that applies comes before all playbooks; not when the customer has died:
    whoever calls then has other worries.
    """
    facts = situation.facts
    overriding = () if facts.get("customer.deceased") else incidents
    apply = [playbook for playbook in (*overriding, *playbooks.playbooks) if playbook.when(facts)]
    return fill(apply[0], situation, alternates=tuple(playbook.id for playbook in apply[1:]))


def fill(playbook: Playbook, situation: Situation, *, alternates: tuple[str, ...] = ()) -> Suggestion:
    """`playbook` for this customer, whether it applies or not."""
    terms = find_terms(playbook.offer, situation.scores.value.expected if situation.scores else None)
    words = {language: situation.words(language, terms.ceiling) for language in LANGUAGES}
    return Suggestion(
        script_id=playbook.id,
        title={language: playbook.title[language].fill(words[language]) for language in LANGUAGES},
        line={language: playbook.line[language].fill(words[language]) for language in LANGUAGES},
        more={language: playbook.more[language].fill(words[language]) for language in LANGUAGES},
        do_not_say={language: playbook.do_not_say[language].fill(words[language]) for language in LANGUAGES},
        offers=terms.kinds,
        ceiling=terms.ceiling,
        arithmetic=terms.arithmetic,
        alternates=alternates,
    )
