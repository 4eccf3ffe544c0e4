"""What automations would have done for one customer in a stretch of the past: the same rules, gates and orders as in
earnest, in the order of the clock, with nothing written. Pure.

Time passes without gaps: a run goes on at the very moment at which it is due, and what is enqueued is sent then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Any

import msgspec
from msgspec import Struct

from bridge.automation.forms import MakeOffer
from bridge.automation.gates import OF_THE_CUSTOMER, Person, Sent, Verdict, judge, of_the_customer
from bridge.automation.matters import since_values
from bridge.automation.ordering import Matter, Order, addresses_of, order_key
from bridge.automation.outreach import zone_of
from bridge.automation.preview import ExampleStep, Result
from bridge.automation.register import Armed
from bridge.automation.rehearsal import Past, Purse, Reached, Rehearsed, Spent, Stage
from bridge.automation.rules import Act, Automation, StopIf, Wait
from bridge.automation.triggering import acts_on, happened_lately, run_id, share_of
from bridge.automation.triggers import fact_values
from bridge.facts import Fact, FactKind
from bridge.playbook.situation import Situation

_RUN, _SEND = 0, 1


class _Going(Struct, kw_only=True):
    rule: Automation
    run: Rehearsed
    matter: Matter
    step: int = 0
    count: int = 0
    waits_since: datetime | None = None
    first_refusal: str = ""


class _Outgoing(Struct, kw_only=True):
    going: _Going
    act: Act
    step: int
    key: str
    address: str
    cost: int
    wanted_at: datetime


def rehearse(
    armed: Sequence[Armed], facts: Iterable[Fact], past: Past, stage: Stage, purse: Purse | None = None
) -> list[Rehearsed]:
    """Every run that `facts` set off among `armed`, in the order in which they were created, as they go up to
    `stage.until`. A fact is noticed at its `known_at`."""
    player = _Player(past, stage, purse)
    for fact in sorted(facts, key=lambda one: (one.known_at, one.occurred_at, one.id)):
        for one in armed:
            if one.rule.kind is fact.kind and acts_on(one, fact, {}, fact.known_at):
                player.begin(one.rule, fact)
    player.play()
    return list(player.runs.values())


class _Player:
    """Plays one customer's events: runs before what is sent, where both are due at one moment."""

    def __init__(self, past: Past, stage: Stage, purse: Purse | None) -> None:
        self.past, self.stage, self.purse = past, stage, purse
        self.runs: dict[str, Rehearsed] = {}
        self._occurred: dict[str, datetime] = {}
        self._events: list[tuple[datetime, int, str, int, _Going | _Outgoing]] = []
        self._count = 0
        self._sent: dict[str, Sent] = {}
        self._enqueued: set[str] = set()

    def begin(self, rule: Automation, fact: Fact) -> None:
        id = run_id(rule, fact)
        if id in self.runs or fact.known_at >= self.stage.until or happened_lately(rule, fact, self._occurred):
            return
        self._occurred[id] = fact.occurred_at
        run = Rehearsed(id=id, automation=rule.id, customer=self.past.customer, fact=fact)
        self.runs[id] = run
        if share_of(rule, self.past.customer, "roll_out") >= rule.file.roll_out:
            run.state, run.reason = "refused", "not_rolled_out"
            return
        matter = Matter(
            rule=rule,
            run=id,
            cause=fact.cause,
            fact=fact_values(fact.kind, fact.data),
            occurred_at=fact.occurred_at,
        )
        self._push(fact.known_at, _RUN, id, _Going(rule=rule, run=run, matter=matter))

    def play(self) -> None:
        while self._events and self._events[0][0] < self.stage.until:
            at, _, _, _, thing = heappop(self._events)
            if isinstance(thing, _Going):
                self._advance(thing, at)
            else:
                self._send(thing, at)

    def _push(self, at: datetime, phase: int, id: str, thing: _Going | _Outgoing) -> None:
        self._count += 1
        heappush(self._events, (at, phase, id, self._count, thing))

    def _situation(self, rule: Automation, at: datetime) -> Situation | None:
        return self.past.situation(at, self.stage.scored(rule))

    def _facts(self, going: _Going, situation: Situation, at: datetime) -> dict[str, Any]:
        since = (
            since_values(situation.view, going.matter.occurred_at, at, self.past.responded, self.past.closed)
            if situation.view is not None
            else {}
        )
        return {**situation.facts, **going.matter.fact, **since}

    def _advance(self, going: _Going, at: datetime) -> None:
        situation = self._situation(going.rule, at)
        if situation is None or situation.view is None:
            return self._end(going, "stopped", "customer_gone")
        if going.step == 0 and not self._begins(going, situation, at):
            return None
        if going.waits_since is not None and (place := self._settled(going, going.step, situation, at)) is not None:
            going.step = place
            self._note(going, "stop_if", "stopped", "", at)
            return self._end(going, "stopped", "stop_if")
        while going.step < len(going.rule.steps):
            step = going.rule.steps[going.step]
            if isinstance(step, Wait):
                self._note(going, "wait", "waits", "", at, at + step.length)
                going.step, going.waits_since = going.step + 1, None
                return self._push(at + step.length, _RUN, going.run.id, going)
            if isinstance(step, StopIf):
                if step.holds(self._facts(going, situation, at)):
                    self._note(going, "stop_if", "stopped", "", at)
                    return self._end(going, "stopped", "stop_if")
            elif not self._act(going, step, situation, at):
                return None
            going.step, going.waits_since = going.step + 1, None
        return self._end(going, "refused" if not going.count and going.first_refusal else "done", going.first_refusal)

    def _settled(self, going: _Going, step: int, situation: Situation, at: datetime) -> int | None:
        if not going.rule.unless(step):
            return None
        return going.rule.settled(step, self._facts(going, situation, at))

    def _begins(self, going: _Going, situation: Situation, at: datetime) -> bool:
        rule = going.rule
        if going.waits_since is None and at - going.matter.occurred_at > rule.max_age:
            self._end(going, "refused", "too_old")
        elif not rule.condition(self._facts(going, situation, at)):
            self._end(going, "stopped", "condition")
        elif going.run.fact.kind is FactKind.ticket_opened and going.matter.cause in self.past.own_tickets:
            self._end(going, "stopped", "own_ticket")
        elif share_of(rule, self.past.customer, "hold_out") < rule.file.hold_out:
            self._end(going, "held_out", "")
        else:
            going.run.begun_at = going.run.begun_at or at
            return True
        return False

    def _act(self, going: _Going, act: Act, situation: Situation, at: datetime) -> bool:
        """False when the run rests or ended with it."""
        verdict, ordered = self._verdict(going, act, situation, at)
        if verdict.until is not None:
            since = going.waits_since or at
            if verdict.until - since <= timedelta(days=self.stage.office.policy.patience_days):
                self._note(going, act.do, "postponed", verdict.reason or "", at, verdict.until)
                going.waits_since = since
                self._push(verdict.until, _RUN, going.run.id, going)
                return False
            verdict = Verdict(reason="gave_up_waiting")
        if ordered is None:
            reason = verdict.reason or ""
            going.first_refusal = going.run.reason = going.first_refusal or reason
            self._note(going, act.do, "refused", reason, at)
            if reason in OF_THE_CUSTOMER:
                self._end(going, "refused", reason)
                return False
            return True
        self._enqueue(going, act, ordered, at)
        return True

    def _verdict(self, going: _Going, act: Act, situation: Situation, at: datetime) -> tuple[Verdict, Order | None]:
        rule, policy = going.rule, self.stage.office.policy
        person = self._person(situation, at)
        if act.channel is None:
            verdict = Verdict(reason=of_the_customer(rule, person))
        else:
            verdict = judge(rule, act, person, policy, at, cause=going.matter.cause, opened=self._opened(rule))
        if not verdict.go:
            self._blame(going, verdict, person, act, at)
            return verdict, None
        ordered = self.stage.order(going.matter, going.step, act, situation, at)
        if not isinstance(ordered, Order):
            return Verdict(reason=ordered), None
        if order_key(going.matter, going.step, ordered.address) in self._enqueued:
            return Verdict(reason="already_sent"), None
        if isinstance(act.form, MakeOffer) and self._offer_running(act.form.id, at):
            return Verdict(reason="offer_running"), None
        if ordered.cost_minor:
            going.run.asked.append(Spent(at, going.run.id, going.step, ordered.cost_minor))
        if self.purse is not None and not self.purse.room(rule, going.run.id, going.step, ordered.cost_minor, at):
            return Verdict(reason="budget_spent"), None
        return verdict, ordered

    def _opened(self, rule: Automation) -> frozenset[str]:
        return self.past.own_tickets if rule.opens_tickets else frozenset()

    def _person(self, situation: Situation, at: datetime) -> Person:
        view = situation.view
        if view is None:
            raise ValueError("nobody is known")
        return Person(
            view=view,
            zone=zone_of(view.customer, self.stage.office.policy),
            sent=(*(one for one in self.past.sent if one.at <= at), *self._sent.values()),
            opted_out=self.past.opted_out(at),
            apologised=self.past.apologised(at),
        )

    def _offer_running(self, id: str, at: datetime) -> bool:
        offer = self.stage.office.catalogue.offers.get(id)
        barred = {id, *(offer.not_with if offer else ())}
        return any(until > at and one in barred for one, until in self.past.granted(at).items())

    def _blame(self, going: _Going, verdict: Verdict, person: Person, act: Act, at: datetime) -> None:
        """Whose message it was that another had to give way to: the last one of another automation without which it
        would not have been refused."""
        if verdict.reason not in ("frequency", "apologised_already"):
            return
        others = {one.automation for one in person.sent if one.automation not in ("", going.rule.id)}
        for name in sorted(others):
            less = msgspec.structs.replace(person, sent=tuple(one for one in person.sent if one.automation != name))
            again = judge(going.rule, act, less, self.stage.office.policy, at, cause=going.matter.cause)
            if again.reason != verdict.reason:
                going.run.lost_to.append(name)

    def _enqueue(self, going: _Going, act: Act, ordered: Order, at: datetime) -> None:
        key = order_key(going.matter, going.step, ordered.address)
        self._enqueued.add(key)
        self._note(going, act.do, "done", "", at)
        going.count += 1
        channel = act.channel.value if act.channel else ""
        going.run.done.append(Reached(at, going.step, channel, ordered.cost_minor))
        outgoing = _Outgoing(
            going=going,
            act=act,
            step=going.step,
            key=key,
            address=ordered.address,
            cost=ordered.cost_minor,
            wanted_at=ordered.due_at or at,
        )
        if channel:
            self._sent[key] = self._message(outgoing, outgoing.wanted_at, waits=True)
        self._push(outgoing.wanted_at, _SEND, going.run.id, outgoing)

    def _message(self, outgoing: _Outgoing, at: datetime, *, waits: bool = False) -> Sent:
        rule = outgoing.going.rule
        return Sent(
            key=outgoing.key,
            automation=rule.id,
            channel=outgoing.act.channel.value if outgoing.act.channel else "",
            purpose=rule.file.purpose,
            apology=outgoing.act.apology,
            at=at,
            waits=waits,
        )

    def _send(self, outgoing: _Outgoing, at: datetime) -> None:
        """What is asked again right before it is sent."""
        going, policy = outgoing.going, self.stage.office.policy
        verdict = self._still(outgoing, at)
        if verdict.go:
            if outgoing.key in self._sent:
                self._sent[outgoing.key] = self._message(outgoing, at)
            return
        late = at - outgoing.wanted_at > timedelta(days=policy.patience_days)
        if verdict.until is not None and not late:
            if outgoing.key in self._sent:
                self._sent[outgoing.key] = self._message(outgoing, verdict.until, waits=True)
            self._push(verdict.until, _SEND, going.run.id, outgoing)
            return
        reason = "gave_up_waiting" if verdict.until is not None else verdict.reason or ""
        self._sent.pop(outgoing.key, None)
        going.run.done = [one for one in going.run.done if one.step != outgoing.step]
        if outgoing.cost:
            going.run.asked.append(Spent(at, going.run.id, outgoing.step, -outgoing.cost))
        refused = ExampleStep(step=outgoing.step, do=outgoing.act.do, at=at, result="refused", reason=reason)
        going.run.steps.append(refused)

    def _still(self, outgoing: _Outgoing, at: datetime) -> Verdict:
        going = outgoing.going
        situation = self._situation(going.rule, at)
        if situation is None or situation.view is None:
            return Verdict(reason="no_address")
        if outgoing.address and outgoing.address not in addresses_of(situation.view):
            return Verdict(reason="no_address")
        if self._settled(going, outgoing.step, situation, at) is not None:
            return Verdict(reason="stop_if")
        person, policy = self._person(situation, at), self.stage.office.policy
        cause, opened = going.matter.cause, self._opened(going.rule)
        verdict = judge(going.rule, outgoing.act, person, policy, at, cause=cause, opened=opened, own=outgoing.key)
        self._blame(going, verdict, person, outgoing.act, at)
        return verdict

    def _note(
        self, going: _Going, do: str, result: Result, reason: str, at: datetime, until: datetime | None = None
    ) -> None:
        going.run.steps.append(ExampleStep(step=going.step, do=do, at=at, result=result, reason=reason, until=until))

    def _end(self, going: _Going, state: str, reason: str) -> None:
        going.run.state, going.run.reason = state, reason
