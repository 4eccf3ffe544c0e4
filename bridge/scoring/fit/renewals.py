"""How long contracts go on, found in those that are on record, and held against a last period that was kept out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from msgspec import Struct

from bridge.errors import BadRequest
from bridge.model import Renewal
from bridge.scoring.fit.lifetimes import Floats, fit_spans
from bridge.scoring.fit.terms import (
    Rhythm,
    Spans,
    Term,
    find_rhythm,
    find_since,
    spans,
    usual_renewals,
)
from bridge.scoring.worth import By, Contracts, Every, Segment

FEWEST_CONTRACTS = 200
FEWEST_ENDED = 30
"""Fewer than these are no segment of their own, and no model at all."""


class Asked(Struct, frozen=True):
    """Contracts that ran when the period kept out began: whether each was still there at its end, and what was said."""

    stayed: Floats
    said: Mapping[str, Floats]
    """By who said it: the probability that it would be."""


def fit_contracts(terms: Sequence[Term], every: Every, by: By | None, since: date, until: date) -> Contracts:
    """How long contracts go on, by all that is known at the end of `until`; with a segment of its own for each of `by`
    that has enough of them. Raises BadRequest where there are too few."""
    known = [term.as_of(until) for term in terms if term.starts <= until]
    common = _segment(known, find_rhythm(known, every, since, until), since, until)
    if common is None:
        raise BadRequest(
            f"a model of renewing needs {FEWEST_CONTRACTS} contracts of which {FEWEST_ENDED} have ended by {until}"
        )
    segments: dict[str, Segment] = {}
    for name in sorted({term.segment(by) or "" for term in known} - {""}) if by else ():
        some = [term for term in known if by and term.segment(by) == name]
        if len(some) >= FEWEST_CONTRACTS and (
            found := _segment(some, find_rhythm(some, every, since, until), since, until)
        ):
            segments[name] = found
    return Contracts(every=every, common=common, by=by or By.product, segments=segments)


def _segment(terms: Sequence[Term], rhythm: Rhythm, since: date, until: date) -> Segment | None:
    seen = spans(terms, rhythm, since, until)
    if len(seen) < FEWEST_CONTRACTS or seen.ended < FEWEST_ENDED:
        return None
    return Segment(
        renewing=fit_spans(seen.left, seen.stayed).model,
        first=rhythm.first,
        usual=usual_renewals(terms, rhythm, until),
        contracts=len(seen),
        ended=seen.ended,
    )


def running(terms: Sequence[Term], split: date) -> list[Term]:
    """The contracts that ran at the end of `split`."""
    return [term for term in terms if term.starts <= split and (term.left is None or term.left > split)]


def stayed(terms: Sequence[Term], until: date) -> Floats:
    """1 for each contract that was still there at the end of `until`."""
    return np.array([term.left is None or term.left > until for term in terms], dtype=np.float64)


def forecast(model: Contracts, terms: Sequence[Term], split: date, until: date) -> Floats:
    """The probability that each of `terms`, which ran on `split`, is still there on `until`."""
    known: dict[tuple[int, int, int], float] = {}
    said = np.ones(len(terms))
    for place, term in enumerate(terms):
        segment = model.segments.get(term.segment(model.by) or "", model.common)
        rhythm = Rhythm(model.every, segment.first)
        made, then = rhythm.passed(term, split), rhythm.passed(term, until)
        key = (id(segment), made, then)
        if key not in known:
            known[key] = segment.renewing.survival(then) / segment.renewing.survival(made)
        said[place] = known[key]
    return said


def constant_churn(model: Contracts, terms: Sequence[Term], since: date, split: date, until: date) -> Floats:
    """The same by one rate for all, however long they have been there: what is lost where loyalty is not looked at."""
    rhythm = Rhythm(model.every, model.common.first)
    seen: Spans = spans([term.as_of(split) for term in terms if term.starts <= split], rhythm, since, split)
    chances: Counter[str] = Counter()
    for (made, number), count in (*seen.left.items(), *seen.stayed.items()):
        chances["times"] += count * (number - made)
    rate = seen.ended / max(1, chances["times"], seen.ended)
    return np.array(
        [(1 - rate) ** (rhythm.passed(term, until) - rhythm.passed(term, split)) for term in running(terms, split)]
    )


def by_card(
    shares: Mapping[Renewal, float], model: Contracts, terms: Sequence[Term], split: date, until: date
) -> Floats:
    """What the points card says: its share of those that can be left within the period, all of the others."""
    said = np.ones(len(terms))
    for place, term in enumerate(terms):
        rhythm = Rhythm(model.every, model.segments.get(term.segment(model.by) or "", model.common).first)
        if rhythm.passed(term, until) > rhythm.passed(term, split):
            said[place] = shares[term.renewal]
    return said


def seen_since(terms: Sequence[Term]) -> date:
    """From when on ended contracts are on record. Raises BadRequest where none has ended."""
    since = find_since(terms)
    if since is None:
        raise BadRequest("a model of renewing needs contracts that have ended, and there is none")
    return since
