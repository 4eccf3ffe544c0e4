"""What a customer says by a link: shown before, done once, in one transaction with the fact and all that follows.

Looking changes nothing: programs that follow the links of a mail look, people press the button.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from bridge.acting.approaching import CHANNELS_OF, Known, office_of, read_known, survivor
from bridge.acting.errands import write_errand
from bridge.acting.linking import is_renewable
from bridge.automation import outbox
from bridge.automation.handing import Errand, hand_over
from bridge.automation.links import Purpose, Token
from bridge.automation.ordering import addresses_of
from bridge.automation.triggering import trigger
from bridge.errors import Conflict, NotFound, Superseded
from bridge.facts import Fact, FactKind, Origin, fact_id
from bridge.flow.concluding import fact_row
from bridge.flow.desk import Desk
from bridge.flow.granting import grant_by_rule
from bridge.identity.suppression import suppression
from bridge.model import Contract, Money
from bridge.scoring.view import Held
from bridge.store import Row, Unit, instant, micros

ATTEMPTS: Final = 5
State = Literal["open", "done", "undone", "expired", "refused"]
Choice = Literal["channel", "everything", "yes", "undo"]
Reason = Literal["", "over", "moved", "withdrawn", "granted_already", "nobody"]
"""Why it can no longer be done: the contract is over; it went to an address that is not the customer's any more; the
offer is no longer made; it was had already; nobody could be told."""


class Terms(Struct, frozen=True, kw_only=True):
    """What a page says of the matter, as the store knows it now."""

    product: str = ""
    ends: date | None = None
    monthly: Money | None = None
    monthly_later: Money | None = None
    """From `discount_ends` on."""
    discount_ends: date | None = None
    offer: str = ""
    amount: Money | None = None
    days: int | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """What there is to say to whoever has the link. `just_now` right after it was done; `how` is as it was done."""

    purpose: Purpose
    state: State
    language: str
    channel: str
    reason: Reason = ""
    how: str = ""
    used_at: datetime | None = None
    just_now: bool = False
    terms: Terms = Terms()


class _Kept(Struct, kw_only=True):
    """A row of `links`, and who the customer is by now."""

    token: Token
    purpose: Purpose
    message: str
    run: str
    automation: str
    customer: str
    channel: str
    address: str
    language: str
    contract: str
    offer: str
    amount: Money | None
    expires_at: datetime
    used_at: datetime | None
    used_how: str
    uses: int
    known: Known | None

    @property
    def hash(self) -> str:
        return self.token.hash


async def look(desk: Desk, token: Token, now: datetime) -> Answer:
    """What the link is good for now; changes nothing. Raises NotFound for one that the store does not know."""
    return await _say(desk, await _read(desk, token, now), now)


async def answer(desk: Desk, token: Token, choice: Choice, now: datetime) -> Answer:
    """Do what the link is for, once, and say what came of it. Raises NotFound for one that the store does not know."""
    for _ in range(ATTEMPTS):
        kept = await _read(desk, token, now)
        before = await _say(desk, kept, now)
        unit = Unit()
        if choice == "undo":
            if before.state != "done" or kept.purpose != "unsubscribe":
                return before
            _take_back(desk, unit, kept, now)
        elif before.state != "open":
            return before
        else:
            try:
                await _do(desk, unit, kept, choice, now)
            except Conflict as problem:
                if await _is_used(desk, token.hash):
                    continue
                return msgspec.structs.replace(before, state="refused", reason=_reason(problem), terms=Terms())
        try:
            await desk.store.write(unit)
        except Superseded:
            continue
        after = await _say(desk, await _read(desk, token, now), now)
        return msgspec.structs.replace(after, just_now=True, state="undone" if choice == "undo" else after.state)
    raise Superseded("links.use")


async def _read(desk: Desk, token: Token, now: datetime) -> _Kept:
    row: Row | None = await desk.store.one("links.one", hash=token.hash)
    if row is None:
        raise NotFound("there is no such link")
    purpose, message, run, automation, customer, channel, address, language, contract, offer, minor, currency = row[:12]
    _, expires_at, used_at, used_how, uses = row[12:]
    living = await survivor(desk, customer)
    return _Kept(
        token=token,
        purpose=purpose,
        message=message,
        run=run,
        automation=automation,
        customer=living,
        channel=channel,
        address=address,
        language=language,
        contract=contract,
        offer=offer,
        amount=None if minor is None else Money(minor, currency),
        expires_at=instant(expires_at),
        used_at=None if used_at is None else instant(used_at),
        used_how=used_how,
        uses=uses,
        known=(await read_known(desk, [living], now)).get(living),
    )


async def _say(desk: Desk, kept: _Kept, now: datetime) -> Answer:
    state: State = "open"
    reason: Reason = ""
    if kept.used_at is not None:
        state = "done"
    elif now >= kept.expires_at:
        state = "expired"
    elif reason := await _against(desk, kept, now):
        if await _is_used(desk, kept.hash):  # while we looked, and that is what speaks against it
            return await _say(desk, await _read(desk, kept.token, now), now)
        state = "refused"
    return Answer(
        purpose=kept.purpose,
        state=state,
        reason=reason,
        language=kept.language,
        channel=kept.channel,
        how=kept.used_how,
        used_at=kept.used_at,
        terms=_terms(desk, kept) if state == "open" or (state == "done" and _still_theirs(desk, kept)) else Terms(),
    )


async def _is_used(desk: Desk, hashed: str) -> bool:
    row = await desk.store.one("links.one", hash=hashed)
    return row is None or row[14] is not None


async def _against(desk: Desk, kept: _Kept, now: datetime) -> Reason:
    """Why it can no longer be done, as far as looking shows it."""
    if kept.purpose == "unsubscribe":
        return ""
    if not _still_theirs(desk, kept):
        return "moved"
    if kept.purpose == "renew":
        held = _contract(kept)
        return "" if held is not None and is_renewable(held.record, now) else "over"
    try:
        await grant_by_rule(desk, Unit(), kept.customer, offer=kept.offer, amount=kept.amount, key="", now=now)
    except Conflict as problem:
        return _reason(problem)
    return ""


def _reason(problem: Conflict) -> Reason:
    reason: Reason = msgspec.convert(str(problem), Reason)
    return reason


def _still_theirs(desk: Desk, kept: _Kept) -> bool:
    """Whether the address that the link went to is the customer's: after a split it may be somebody else's."""
    if kept.known is None or kept.known.situation.view is None:
        return False
    return kept.address in {suppression(desk.salt, one) for one in addresses_of(kept.known.situation.view)}


def _contract(kept: _Kept) -> Held[Contract] | None:
    view = kept.known.situation.view if kept.known else None
    return next((held for held in view.contracts if held.ref == kept.contract), None) if view else None


def _terms(desk: Desk, kept: _Kept) -> Terms:
    if kept.purpose == "renew" and (held := _contract(kept)) is not None:
        record = held.record
        return Terms(
            product=record.product or "",
            ends=record.ends,
            monthly=record.monthly_amount,
            monthly_later=record.amount_after_discount if record.discount_ends else None,
            discount_ends=record.discount_ends if record.amount_after_discount else None,
        )
    offer = desk.rules.deciding.playbooks.catalogue.offers.get(kept.offer)
    if kept.purpose == "accept" and offer is not None:
        return Terms(offer=offer.name[kept.language], amount=kept.amount, days=offer.days)
    return Terms()


async def _do(desk: Desk, unit: Unit, kept: _Kept, choice: Choice, now: datetime) -> None:
    """Fill `unit` with all of it. Raises Conflict with a Reason."""
    how = {"unsubscribe": "everything" if choice == "everything" else kept.channel}.get(kept.purpose, "yes")
    unit.add("links.use", expect=1, hash=kept.hash, at=micros(now), how=how)
    product = ""
    if kept.purpose == "unsubscribe":
        _opt_out(desk, unit, kept, everything=how == "everything", now=now)
    elif kept.purpose == "renew":
        held = _contract(kept)
        product = (held.record.product or "") if held else ""
        near = held.source if held else ""
        _hand_over(desk, unit, kept, near, now)
    else:
        key = f"l_{kept.hash[:24]}"
        await grant_by_rule(desk, unit, kept.customer, offer=kept.offer, amount=kept.amount, key=key, now=now)
        _hand_over(desk, unit, kept, "", now)
    await _tell(desk, unit, kept, product, how, now)


def _opt_out(desk: Desk, unit: Unit, kept: _Kept, *, everything: bool, now: datetime) -> None:
    for hashed, channel in _covered(desk, kept, everything=everything):
        unit.add("automations.opt_out", hash=hashed, channel=channel, at=micros(now), reason=_mark(kept))


def _covered(desk: Desk, kept: _Kept, *, everything: bool) -> list[tuple[str, str]]:
    """The hashed addresses and channels for which nothing more is wanted. Everything means every channel also for the
    address that the link went to: a phone that becomes known later is not called either."""
    if not everything:
        return [(kept.address, kept.channel)]
    covered = {(kept.address, channel.value) for some in CHANNELS_OF.values() for channel in some}
    view = kept.known.situation.view if kept.known else None
    for address in addresses_of(view) if view is not None and _still_theirs(desk, kept) else ():
        channels = CHANNELS_OF[address.partition(":")[0]]
        covered |= {(suppression(desk.salt, address), channel.value) for channel in channels}
    return sorted(covered)


def _mark(kept: _Kept) -> str:
    """The reason of opt-outs that this link made."""
    return f"link:{kept.hash[:24]}"


def _take_back(desk: Desk, unit: Unit, kept: _Kept, now: datetime) -> None:
    """What any link to the same addresses said is taken back with it: else whoever pressed two of them stayed
    unsubscribed by the other. What was said in another way stays."""
    unit.add("links.take_back", expect=1, hash=kept.hash, used_at=micros(kept.used_at or now))
    unit.add("links.opt_in", reason=_mark(kept))
    for hashed, channel in _covered(desk, kept, everything=kept.used_how == "everything"):
        unit.add("links.opt_in_by_link", hash=hashed, channel=channel)
    _audit(unit, kept, "link.undo", kept.used_how, now)


def _hand_over(desk: Desk, unit: Unit, kept: _Kept, near: str, now: datetime) -> None:
    known = kept.known
    if known is None or known.situation.view is None:
        raise Conflict("moved")
    office = office_of(desk, {})
    here = now.astimezone(office.policy.zone)
    held = _contract(kept)
    subject, text = write_errand(
        "renew" if kept.purpose == "renew" else "accept",
        _terms(desk, msgspec.structs.replace(kept, language=office.policy.language)),
        known.situation.view,
        office.policy.language,
        reference=held.source_id if held else "",
        now=here,
    )
    order = hand_over(office, known.situation.view, Errand(subject=subject, text=text, near=near), here)
    if order is None:
        raise Conflict("nobody")
    outbox.enqueue(
        unit,
        dedupe_key=f"l_{kept.hash[:24]}",
        source=order.source,
        action=order.action,
        args=order.args,
        now=now,
        customer=kept.customer,
        fact=_fact_id(kept),
        expect=1,
    )


def _fact_id(kept: _Kept) -> str:
    return fact_id(FactKind.customer_responded, f"link/{kept.hash[:24]}", str(kept.uses + 1))


async def _tell(desk: Desk, unit: Unit, kept: _Kept, product: str, how: str, now: datetime) -> None:
    """The fact with what it sets off, the trail, and a new decision."""
    data: dict[str, Any] = {"answer": kept.purpose, "channel": kept.channel, "automation": kept.automation}
    data |= {name: value for name, value in (("product", product), ("offer", kept.offer)) if value}
    fact = Fact(
        id=_fact_id(kept),
        kind=FactKind.customer_responded,
        customer=kept.customer,
        occurred_at=now,
        known_at=now,
        origin=Origin.live,
        cause=kept.contract or f"link/{kept.hash[:24]}",
        data=data,
    )
    unit.add("customers.add_fact", **fact_row(fact))
    await trigger(desk.store, unit, desk.armed, [fact], live_since=desk.live_since, now=now)
    unit.add("customers.touch", ids=[kept.customer], due_at=micros(now), due_origin=Origin.live.value)
    unit.wake.add("inbox")
    _audit(unit, kept, f"link.{kept.purpose}", how, now)


def _audit(unit: Unit, kept: _Kept, action: str, how: str, now: datetime) -> None:
    detail = msgspec.json.encode({"how": how, "automation": kept.automation}).decode()
    subject = f"customer:{kept.customer}"
    unit.add("access.audit", at=micros(now), actor="customer", action=action, subject=subject, detail=detail)
