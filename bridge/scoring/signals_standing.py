"""Signs of who somebody is: a well-known company, a senior role. They weigh nothing by themselves; scripts ask them."""

from __future__ import annotations

from typing import Any

from bridge.scoring.limits import Settings
from bridge.scoring.result import Signal
from bridge.scoring.signals_reading import NOTHING, Moment, Reading, Sign, evidence
from bridge.scoring.view import View

EXECUTIVE = "executive"
MANAGER = "manager"
NEITHER = "neither"
"""Words that show that a title only names an executive: Assistentin der Geschäftsführung."""
TITLES = (EXECUTIVE, MANAGER, NEITHER)


def _read_prestige(view: View, moment: Moment, settings: Settings) -> Reading:
    """One of the customer's accounts is marked as one that others look up to."""
    for held in view.accounts:
        if held.record.prestige:
            facts: dict[str, Any] = {"name": held.record.name} if held.record.name else {}
            return Reading(Signal(code="prestige", band="yes", evidence=evidence(held), facts=facts))
    return NOTHING


def _read_seniority(view: View, moment: Moment, settings: Settings) -> Reading:
    """The job title is one of an executive or a manager, by the card's words."""
    title = view.customer.job_title
    if not title:
        return NOTHING
    found = settings.ranks(title)
    band = next((each for each in (EXECUTIVE, MANAGER) if each in found), None)
    if band is None or NEITHER in found:
        return NOTHING
    proof = next((evidence(held) for held in view.profiles if held.record.job_title == title), None)
    return Reading(Signal(code="seniority", band=band, evidence=proof, facts={"title": title}))


STANDING_SIGNS = (
    Sign(code="prestige", of=("accounts",), bands=("yes",), read=_read_prestige, sometimes=("name",)),
    Sign(code="seniority", bands=(EXECUTIVE, MANAGER), read=_read_seniority, always=("title",)),
)
