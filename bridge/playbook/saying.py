"""A suggestion as cards carry it, in one language: plain names and values, ready to be encoded."""

from __future__ import annotations

from typing import Any

from bridge.playbook.choice import Suggestion
from bridge.playbook.terms import Terms


def say_script(suggestion: Suggestion, language: str) -> dict[str, Any]:
    """The words of a script: what is said and what is not, and what happens afterwards."""
    return {
        "title": suggestion.title[language],
        "empathy": suggestion.empathy.get(language),
        "line": suggestion.line[language],
        "more": suggestion.more[language],
        "leniency": suggestion.leniency.get(language, ()),
        "do_not_say": suggestion.do_not_say[language],
        "follow_up": [{"days": one.days, "text": one.text[language]} for one in suggestion.follow_up],
        "done_when": suggestion.done_when.get(language, ()),
    }


def say_terms(terms: Terms, language: str) -> dict[str, Any]:
    """What may be offered, each with its limits and its arithmetic, and what may not be offered now and why.

    `ceiling` and `arithmetic` are those of the first offer that an agent may grant an amount of.
    """
    return {
        "kinds": terms.kinds,
        "ceiling": terms.ceiling,
        "arithmetic": terms.arithmetic,
        "offers": [
            {
                "id": one.id,
                "kind": one.kind,
                "name": one.name[language],
                "ceiling": one.ceiling,
                "team_lead_ceiling": one.team_lead_ceiling,
                "break_even": one.break_even,
                "why": one.why,
                "cooldown_days": one.cooldown_days,
                "days": one.days,
                "not_with": one.not_with,
            }
            for one in terms.offers
        ],
        "withheld": [
            {"id": one.id, "name": one.name[language], "reason": one.reason, "until": one.until}
            for one in terms.withheld
        ],
        "most_at_once": terms.most_at_once,
    }
