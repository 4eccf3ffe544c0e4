"""Which script is suggested, filled for one customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from bridge.model import Money
from bridge.playbook.offers import OfferKind
from bridge.playbook.scripts import Playbook, Playbooks
from bridge.playbook.situation import Situation
from bridge.playbook.terms import Arithmetic, OfferTerms, Terms, Withheld, find_terms
from bridge.playbook.texts import Several, Words
from bridge.scoring.result import Band
from bridge.scoring.wording import LANGUAGES

_NONE: Mapping[str, datetime] = {}


class Then(Struct, frozen=True, kw_only=True):
    """What happens `days` after the call; text per language."""

    days: int
    text: dict[str, str]


class Suggestion(Struct, frozen=True, kw_only=True):
    """What to say and what may be offered; texts per language. `alternates` are the other scripts that apply."""

    script_id: str
    title: dict[str, str]
    line: dict[str, str]
    more: dict[str, tuple[str, ...]]
    do_not_say: dict[str, tuple[str, ...]]
    terms: Terms
    alternates: tuple[str, ...] = ()
    empathy: dict[str, str] = {}
    """Said before the line; empty where there is none."""
    leniency: dict[str, tuple[str, ...]] = {}
    follow_up: tuple[Then, ...] = ()
    done_when: dict[str, tuple[str, ...]] = {}

    @property
    def offers(self) -> tuple[OfferKind, ...]:
        """Kinds of what may be offered."""
        return self.terms.kinds

    @property
    def made(self) -> tuple[OfferTerms, ...]:
        """What may be offered, with its terms."""
        return self.terms.offers

    @property
    def withheld(self) -> tuple[Withheld, ...]:
        """What the script offers, but not to this customer now."""
        return self.terms.withheld

    @property
    def ceiling(self) -> Money | None:
        """The highest amount that an agent may grant."""
        return self.terms.ceiling

    @property
    def arithmetic(self) -> Arithmetic | None:
        """How that was found, or why there is none."""
        return self.terms.arithmetic

    @property
    def changes_at(self) -> datetime | None:
        """When something that was granted has cooled down, so that it may be offered again."""
        return min((one.until for one in self.terms.withheld if one.until), default=None)


def suggest(
    playbooks: Playbooks,
    situation: Situation,
    incidents: Sequence[Playbook] = (),
    *,
    granted: Mapping[str, datetime] = _NONE,
) -> Suggestion:
    """The applicable script of the highest priority (of equal ones the first by id), filled.

    The first of `incidents` (those going on) that applies comes before all playbooks; not when the customer has died:
    whoever calls then has other worries. `granted` are the offers that have been granted and not cooled down.
    """
    apply = applicable(playbooks, situation, incidents)
    return fill(apply[0], situation, alternates=tuple(playbook.id for playbook in apply[1:]), granted=granted)


def applicable(playbooks: Playbooks, situation: Situation, incidents: Sequence[Playbook] = ()) -> list[Playbook]:
    """All that apply, best first; never none."""
    facts = situation.facts
    overriding = () if facts.get("customer.deceased") else incidents
    return [playbook for playbook in (*overriding, *playbooks.playbooks) if playbook.when(facts)]


def fill(
    playbook: Playbook,
    situation: Situation,
    *,
    alternates: tuple[str, ...] = (),
    granted: Mapping[str, datetime] = _NONE,
    explore: bool = False,
) -> Suggestion:
    """`playbook` for this customer, whether it applies or not.

    With `explore` the customer belongs to the share on which it is found out what offers do: who would probably stay
    anyway is not spared.
    """
    margin, risk = margin_and_risk(situation)
    terms = find_terms(playbook.offer, margin, risk=risk, granted=granted, explore=explore)
    words = {language: situation.words(language, terms.ceiling) for language in LANGUAGES}
    return Suggestion(
        script_id=playbook.id,
        title={language: playbook.title[language].fill(words[language]) for language in LANGUAGES},
        line={language: playbook.line[language].fill(words[language]) for language in LANGUAGES},
        more={language: playbook.more[language].fill(words[language]) for language in LANGUAGES},
        do_not_say={language: playbook.do_not_say[language].fill(words[language]) for language in LANGUAGES},
        terms=terms,
        alternates=alternates,
        empathy={language: text.fill(words[language]) for language, text in playbook.empathy.items()},
        leniency=_lines(playbook.leniency, words),
        follow_up=tuple(
            Then(days=one.days, text={language: lines[0] for language, lines in said.items()})
            for one in playbook.follow_up
            if all((said := _lines(one.text, words)).values())
        ),
        done_when=_lines(playbook.done_when, words),
    )


def margin_and_risk(situation: Situation) -> tuple[Money | None, float | None]:
    """The expected margin and the probability to leave, as far as they are known."""
    if situation.scores is None:
        return None, None
    risk = situation.scores.risk
    return situation.scores.value.expected, risk.probability if risk.band is not Band.unknown else None


def _lines(texts: Mapping[str, Several], words: Mapping[str, Words]) -> dict[str, tuple[str, ...]]:
    return {language: several.fill(words[language]) for language, several in texts.items()}
