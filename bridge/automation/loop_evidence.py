"""What records say of a loop: somebody spoke with the customer, the customer came back, it is settled. Pure.

Nothing is taken for done because time has passed. A loop closes by itself only where its tickets are resolved (or it
has none and there was a reply) and the customer said afterwards that it is good. One about keeping the customer does
not even then, but where a call ends with a save (`bridge.flow.looping.follow_outcome`).

A ticket does not say when the customer was asked about it, and it is touched long after (most helpdesks close resolved
ones by themselves). So its satisfaction counts at the moment at which it becomes known, and at no later one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from bridge.automation.loop_rules import LoopRules
from bridge.automation.loops import Change, Loop, close, reply, resume
from bridge.model import Direction, InteractionState, Satisfaction, Ticket, TicketStatus
from bridge.scoring.view import Held, View

_DONE = (TicketStatus.resolved, TicketStatus.closed)
_THEIR_TURN = TicketStatus.waiting


def prove(rules: LoopRules, loop: Loop, view: View, now: datetime, satisfied: Collection[str] = frozenset()) -> Change:
    """`loop` as the records of `view` leave it, with the evidence of every step. `satisfied` are the tickets of which
    it became known just now that the customer is."""
    change = Change(loop=loop)
    if loop.state == "closed":
        return change
    if (spoken := _first_reply(loop, view, now)) is not None:
        change = change.then(reply(change.loop, spoken[0], record=spoken[1]))
    if change.loop.state == "waiting" and (back := _came_back(change.loop, view, now)) is not None:
        change = change.then(resume(rules, change.loop, now, record=back))
    if rules.awaits_save(loop.opener):
        return change  # to like how they were served is not to stay
    if (settled := _settled(rules, change.loop, view, now, satisfied)) is not None:
        change = change.then(close(change.loop, now, record=settled, why="better_answer"))
    return change


def tickets_of(loop: Loop, view: View) -> list[Held[Ticket]]:
    """The tickets that the loop is about, as far as they are known."""
    return [one for one in view.tickets if one.ref in loop.records]


def open_tickets(loop: Loop, view: View) -> list[str]:
    """Those of them that are neither resolved nor closed."""
    return [one.ref for one in tickets_of(loop, view) if one.record.status not in _DONE]


def _first_reply(loop: Loop, view: View, now: datetime) -> tuple[datetime, str] | None:
    """When a person first spoke with the customer after they complained, and the record that says so."""
    if loop.replied_at is not None:
        return None
    return min((one for one in _spoken(loop, view) if loop.asked_at < one[0] <= now), default=None)


def _spoken(loop: Loop, view: View) -> Iterator[tuple[datetime, str]]:
    for call in view.interactions:
        record = call.record
        if record.state is InteractionState.ended and not record.abandoned and record.personal:
            yield record.started or record.ended or call.at, call.ref
    for ticket in tickets_of(loop, view):
        if ticket.record.first_reply is not None:
            yield ticket.record.first_reply, ticket.ref


def _came_back(loop: Loop, view: View, now: datetime) -> str | None:
    """The record by which the customer came back while it was their turn."""
    since = loop.waits_since or now
    found = [
        (call.record.started or call.at, call.ref)
        for call in view.interactions
        if call.record.direction is Direction.inbound
    ]
    found += [(one.record.answered, one.ref) for one in view.surveys if one.record.answered]
    found += [(one.at, one.ref) for one in tickets_of(loop, view) if one.record.status not in (*_DONE, _THEIR_TURN)]
    return min((one for one in found if since < one[0] <= now), default=(now, None))[1]


def _settled(rules: LoopRules, loop: Loop, view: View, now: datetime, satisfied: Collection[str]) -> str | None:
    """The record by which the customer says that it is good."""
    tickets = tickets_of(loop, view)
    if open_tickets(loop, view) or (not tickets and loop.replied_at is None):
        return None
    done = [one.record.resolved or one.at for one in tickets]
    since = max([*done, loop.asked_at] if tickets else [loop.replied_at or loop.asked_at, loop.asked_at])
    good = [
        (one.record.answered, one.ref)
        for one in view.surveys
        if one.record.answered is not None
        and one.record.score is not None
        and one.record.scale
        and one.record.score / one.record.scale >= rules.file.good_share
        and since <= one.record.answered <= now
        and one.ref not in loop.records
    ]
    good += [
        (one.at, one.ref)
        for one in tickets
        if one.ref in satisfied and one.record.satisfaction is Satisfaction.good and since <= one.at <= now
    ]
    return min(good, default=(now, None))[1]
