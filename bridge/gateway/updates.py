"""Open cards hear of a new decision: one task per process compares what is decided with what the cards show.

It is woken by what the flow commits (LISTEN/NOTIFY, or SQLite's `data_version`) and asks one question for all open
cards together, so that a thousand of them cost what one does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec

from bridge.errors import Rejected
from bridge.gateway.trail import Trail
from bridge.store import Store
from bridge.telemetry import log

CHANNEL: Final = "customers"
HEARTBEAT_SECONDS: Final = 15.0
"""As often an open stream shows that it lives, and its key or ticket is looked at again."""
LOOK_SECONDS: Final = 5.0
"""Without being woken, the decisions are compared this often."""
REST_SECONDS: Final = 0.02
"""Between two comparisons, so that a busy worker does not keep the gateway busy too."""
RETRY_MS: Final = 2000

_log = log("gateway")


class Card:
    """One open card: whom it shows, which decision it has, and a bell that rings when there is another one."""

    __slots__ = ("bell", "customer", "decision", "interaction")

    def __init__(self, *, customer: str, interaction: str, decision: str) -> None:
        self.customer = customer
        self.interaction = interaction
        self.decision = decision
        self.bell = asyncio.Event()


class Updates:
    """All open cards of this process."""

    def __init__(self, store: Store, trail: Trail, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._store = store
        self._trail = trail
        self._cards: set[Card] = set()
        self._any = asyncio.Event()
        self._closed = False
        self.heartbeat = heartbeat

    async def watch(self) -> None:
        """Compare whenever something was committed, as long as a card is open; until it is cancelled."""
        healthy = True
        await self._store.wait(CHANNEL, 0)  # begins to listen
        while True:
            await self._any.wait()
            before = None
            try:
                before = self._store.mark()
                await self.compare(self._cards)
            except Exception as problem:  # noqa: BLE001 - whatever the database does, the loop goes on
                if healthy:
                    _log.error("open cards cannot be kept up to date", problem=type(problem).__name__)
                healthy = False
                await asyncio.sleep(1)
            else:
                healthy = True
                await asyncio.sleep(REST_SECONDS)
                await self._store.wait(CHANNEL, LOOK_SECONDS, since=before)

    async def compare(self, cards: set[Card]) -> None:
        """Ring the bells of those of `cards` that show another decision than the one in force."""
        cards = set(cards)
        await self._find_callers([card for card in cards if card.interaction])
        customers = {card.customer for card in cards if card.customer}
        if not customers:
            return
        current: dict[str, str] = dict(await self._store.all("gateway.current", customers=sorted(customers)))
        for card in cards:
            decision = current.get(card.customer)
            if decision is None and card.customer:
                decision = await self._follow(card)
            if decision is not None and decision != card.decision:
                card.decision = decision
                card.bell.set()

    async def _compare_now(self, card: Card) -> None:
        try:
            await self.compare({card})
        except Exception as problem:  # noqa: BLE001 - the stream has begun; `watch` compares again
            _log.error("an open card was not compared", problem=type(problem).__name__)

    async def _find_callers(self, cards: list[Card]) -> None:
        """A host's interaction may become somebody's, or somebody else's, while its card is open."""
        if not cards:
            return
        wanted = sorted({card.interaction for card in cards})
        known: dict[str, str] = dict(await self._store.all("gateway.dips", interactions=wanted))
        for card in cards:
            card.customer = self._trail.customer_of(card.interaction) or known.get(card.interaction, card.customer)

    async def _follow(self, card: Card) -> str | None:
        """The decision of the customer whom this one was merged into."""
        survivor = await self._store.one("gateway.survivor", customer=card.customer)
        if survivor is None or survivor[0] == card.customer:
            return None
        card.customer = str(survivor[0])
        row = await self._store.one("gateway.current", customers=[card.customer])
        return None if row is None else str(row[1])

    async def hear(self, card: Card, still_admitted: Callable[[], object]) -> AsyncIterator[bytes]:
        """The events of one card, as the browser reads them, until the gateway closes or the ticket has ended."""
        yield b"retry: %d\n\n" % RETRY_MS
        self._cards.add(card)
        self._any.set()
        try:
            await self._compare_now(card)
            while not self._closed:
                try:
                    await asyncio.wait_for(card.bell.wait(), self.heartbeat)
                except TimeoutError:
                    try:
                        still_admitted()
                    except Rejected:
                        yield b"event: expired\ndata: {}\n\n"
                        return
                    yield b": still here\n\n"
                    continue
                card.bell.clear()
                if not self._closed:
                    yield event_of(card)
        finally:
            self._cards.discard(card)
            if not self._cards:
                self._any.clear()

    def close(self) -> None:
        """End all streams, so that the process can end; the cards come back by themselves."""
        self._closed = True
        for card in self._cards:
            card.bell.set()


def event_of(card: Card) -> bytes:
    """`event: card`: another decision is in force. It names no person; the card fetches what it may see."""
    data = msgspec.json.encode({"decision_id": card.decision, "customer_id": card.customer})
    return b"id: %b\nevent: card\ndata: %b\n\n" % (card.decision.encode(), data)
