"""The second process: drains the inbox, polls the sources, keeps decisions fresh, does what automations say, tidies up.

All of it can run in any number of processes on PostgreSQL; leases share the work. On SQLite transactions are kept short
and a pause follows each, so that the gateway gets its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta, timezone

from msgspec import Struct, field

from bridge import privacy
from bridge.acting.advancing import advance_due
from bridge.acting.linking import KEEP as KEEP_LINKS
from bridge.acting.sending import send_due
from bridge.acting.settling import reconcile_due
from bridge.acting.survey_answers import match_answers
from bridge.acting.surveying import survey_once
from bridge.acting.sweeping import sweep_once
from bridge.acting.tending import tend_once
from bridge.adapter.client import Client, open_client
from bridge.adapter.delivery import Item, Refetch
from bridge.automation import outbox
from bridge.automation.register import CHANNEL, adopt
from bridge.automation.survey_register import adopt_surveys
from bridge.errors import BridgeError, Superseded, VendorError, VendorRetryable
from bridge.facts import Origin
from bridge.flow import Desk, absorb, apply_rules, exposing, fit_tiers, look_for_doubles, refresh_due, review
from bridge.flow.reading import next_try
from bridge.flow.relearning import learn_next
from bridge.intake import inbox, sync
from bridge.intake.inbox import Delivery
from bridge.reports import keeping
from bridge.store import Unit, micros
from bridge.telemetry import METRICS, log

Clock = Callable[[], datetime]

TRANSACTION_SECONDS = 0.020
"""What a writing transaction may take beside a gateway on the same SQLite file."""
PAUSE_SECONDS = 0.005
LEAST, MOST = 25, 500
IDLE_SECONDS = 1.0
POLL_SECONDS = 60.0
TIDY_SECONDS = 600.0
SURVEYS_SECONDS = 60.0
KEEP_UNSHOWN = timedelta(hours=24)
KEEP_DIPS = timedelta(days=7)
KEEP_ANSWERS = timedelta(days=1)
FETCHES_AT_ONCE = 8
RUNS_AT_ONCE = 25
SENDS_AT_ONCE = 25
RECONCILE_SECONDS = 30.0
PARTING_SECONDS = 20.0
"""How long what is being sent may take to its end after the process was asked to stop."""
LOOPS_AT_ONCE = 50
LOOPS_SECONDS = 15.0


def utc_now() -> datetime:
    """The clock of production."""
    return datetime.now(timezone.utc)


class Pace(Struct):
    """How many customers or deliveries go into one transaction, so that it stays short; follows what was measured."""

    size: int = 100

    def learn(self, seconds: float, done: int) -> None:
        """Smaller after a transaction that took too long, larger after a full one that was quick."""
        if seconds > TRANSACTION_SECONDS:
            self.size = max(LEAST, min(self.size, done) * 2 // 3)
        elif done >= self.size and seconds < TRANSACTION_SECONDS / 2:
            self.size = min(MOST, self.size * 5 // 4 + 1)


class Worker(Struct, kw_only=True):
    """The loops of one process over one desk. `clients` are opened when first needed."""

    desk: Desk
    clock: Clock = utc_now
    interval: timedelta = timedelta(seconds=POLL_SECONDS)
    report: sync.Report | None = None
    clients: dict[str, Client] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)
    fetching: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FETCHES_AT_ONCE))

    def client(self, source: str) -> Client:
        """The HTTP client of `source`."""
        if source not in self.clients:
            self.clients[source] = open_client(self.desk.registry.adapter(source))
        return self.clients[source]

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is under way is finished or left to its lease."""
        now = self.clock()
        if again := await privacy.reinstate(self.desk, now=now):
            log("worker").warning("worker.erased_again", customers=again)
        await sync.register(self.desk.store, self.desk.registry.sources, now)
        if changed := await adopt(self.desk.store, self.desk.rules.automations, now):
            log("worker").info("automations.adopted", automations=changed)
        if changed := await adopt_surveys(self.desk.store, self.desk.rules.surveys, now):
            log("worker").info("surveys.adopted", surveys=changed)
        await self.desk.look_up()
        if await apply_rules(self.desk, now):
            log("worker").info("rules.applied", version=self.desk.rules.deciding.version)
        loops = [
            asyncio.create_task(self._repeat(stop, self.work, "inbox")),
            asyncio.create_task(self._repeat(stop, self.poll_all, None)),
            asyncio.create_task(self._repeat(stop, self.tidy, None)),
            asyncio.create_task(self._repeat(stop, self.automate, CHANNEL)),
            asyncio.create_task(self._repeat(stop, self.reckon, keeping.CHANNEL)),
            asyncio.create_task(self._repeat(stop, self.reconcile, None)),
            asyncio.create_task(self._repeat(stop, self.ask, None)),
            asyncio.create_task(self._repeat(stop, self.tend, None)),
        ]
        sending = asyncio.create_task(self._repeat(stop, self.send, outbox.CHANNEL))
        await stop.wait()
        # A message that is cut off while it is sent stays uncertain.
        await asyncio.wait([sending], timeout=PARTING_SECONDS)
        loops.append(sending)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        for client in self.clients.values():
            await client.close()

    async def _repeat(self, stop: asyncio.Event, step: Callable[[], Awaitable[float]], channel: str | None) -> None:
        while not stop.is_set():
            before = None
            try:
                before = self.desk.store.mark()
                idle = await step()
            except Exception as problem:  # noqa: BLE001 the loop outlives what it trips over; leases bring it back
                log("worker").error("worker.step_failed", step=step.__name__, exc_info=problem)
                idle = IDLE_SECONDS
            if channel is None or idle == 0:
                await asyncio.sleep(idle)
            else:
                await self.desk.store.wait(channel, idle, since=before)

    async def work(self) -> float:
        """One batch of the inbox, or, when that is empty, of customers due; returns how long to rest."""
        if await self.drain_once() or await self.refresh_once():
            if self.desk.store.engine == "sqlite":
                await asyncio.sleep(PAUSE_SECONDS)
            return 0.0
        return IDLE_SECONDS

    async def drain_once(self) -> int:
        """Absorb one batch of what is due in the inbox; returns how many deliveries it had."""
        store = self.desk.store
        owner, deliveries = await inbox.take(store, most=self.pace.size, now=self.clock())
        if not deliveries:
            return 0
        await self.desk.look_up()
        with METRICS.batch_seconds.time():
            await self._absorb(owner, deliveries)
        METRICS.batches.labels("inbox").inc()
        return len(deliveries)

    async def _absorb(self, owner: str, deliveries: list[Delivery]) -> None:
        try:
            absorbed = await absorb(self.desk, owner, deliveries, self.clock())
        except Superseded:
            await inbox.release(self.desk.store, owner, deliveries)
            return
        except Exception as problem:  # noqa: BLE001 one delivery must not stop the others; it is kept and logged
            if len(deliveries) == 1:
                await self._give_up(owner, deliveries[0], f"{type(problem).__name__} while it was absorbed")
                log("worker").error("worker.delivery_failed", delivery=deliveries[0].id, exc_info=problem)
                return
            # One of them cannot be absorbed: find it, and let the others pass.
            for delivery in deliveries:
                await self._absorb(owner, [delivery])
            return
        self.pace.learn(absorbed.seconds, len(deliveries))
        if absorbed.wanted:
            await asyncio.gather(*(self._refetch(owner, one, hints) for one, hints in absorbed.wanted))

    async def _refetch(self, owner: str, delivery: Delivery, hints: list[Refetch]) -> None:
        adapter = self.desk.registry.adapter(delivery.source)
        items: list[Item] = []
        try:
            async with self.fetching:
                for hint in hints:
                    items += await adapter.fetch(self.client(delivery.source), hint)
        except VendorError as problem:
            retry_after = problem.retry_after if isinstance(problem, VendorRetryable) else None
            again = next_try(self.clock(), delivery.attempts, retry_after)
            if again is None or not isinstance(problem, VendorRetryable):
                await self._give_up(owner, delivery, str(problem))
            else:
                await self._finish(Unit(), owner, delivery, "waiting", str(problem), micros(again))
            return
        unit = Unit()
        now = self.clock()
        inbox.keep(unit, delivery.source, adapter.manifest, items, via="fetch", origin=delivery.origin, now=now)
        await self._finish(unit, owner, delivery, "mapped", None, 0)

    async def _give_up(self, owner: str, delivery: Delivery, reason: str) -> None:
        await self._finish(Unit(), owner, delivery, "dead", reason, 0)

    async def _finish(
        self, unit: Unit, owner: str, delivery: Delivery, state: str, error: str | None, due_at: int
    ) -> None:
        unit.guard("inbox.leased", [(1,)], ids=[delivery.id], owner=owner)
        unit.add("inbox.finish", id=delivery.id, state=state, error=error, record="", due_at=due_at)
        with suppress(Superseded):  # the lease ran out and somebody else has it now
            await self.desk.store.write(unit)

    async def refresh_once(self) -> int:
        """Decide one batch of customers who are due; returns how many."""
        done = await refresh_due(self.desk, most=self.pace.size, now=self.clock())
        if done:
            METRICS.batches.labels("refresh").inc()
        return done

    async def automate(self) -> float:
        """Advance one batch of automations' runs, or look at one page of customers for whom a day has come."""
        now = self.clock()
        done = await advance_due(self.desk, most=RUNS_AT_ONCE, now=now)
        if done:
            METRICS.batches.labels("runs").inc()
        if done or await sweep_once(self.desk, now):
            if self.desk.store.engine == "sqlite":
                await asyncio.sleep(PAUSE_SECONDS)
            return 0.0
        return IDLE_SECONDS

    async def ask(self) -> float:
        """Do one page of a survey's tranche; find the invitations that answers belong to."""
        now = self.clock()
        await self.desk.look_up()
        if await survey_once(self.desk, now):
            if self.desk.store.engine == "sqlite":
                await asyncio.sleep(PAUSE_SECONDS)
            return 0.0
        await match_answers(self.desk, now)
        return SURVEYS_SECONDS

    async def tend(self) -> float:
        """Do what time does to one batch of loops: clocks that ran out, who waits no longer."""
        return 0.0 if await tend_once(self.desk, most=LOOPS_AT_ONCE, now=self.clock()) else LOOPS_SECONDS

    async def send(self) -> float:
        """Do one batch of what the outbox holds."""
        if not await send_due(self.desk, self.client, most=SENDS_AT_ONCE, clock=self.clock):
            return IDLE_SECONDS
        METRICS.batches.labels("outbox").inc()
        if self.desk.store.engine == "sqlite":
            await asyncio.sleep(PAUSE_SECONDS)
        return 0.0

    async def reconcile(self) -> float:
        """Ask vendors what became of uncertain actions; returns how long to rest."""
        await reconcile_due(self.desk, self.client, most=SENDS_AT_ONCE, clock=self.clock)
        return RECONCILE_SECONDS

    async def reckon(self) -> float:
        """Reckon the figures on retention, where they are a day old or wanted."""
        if await keeping.renew_metrics(self.desk, self.clock()):
            METRICS.batches.labels("metrics").inc()
        return TIDY_SECONDS

    async def poll_all(self) -> float:
        """Poll every source that is due, all sources at once; returns how long to rest."""
        await sync.register(self.desk.store, self.desk.registry.sources, self.clock())
        await asyncio.gather(*(self.poll_source(name) for name in self.desk.registry.sources))
        return IDLE_SECONDS

    async def poll_source(self, name: str) -> None:
        """Poll the streams of one source, one after the other, and let it go live when all were read once."""
        adapter = self.desk.registry.adapter(name)
        if not sync.can_poll(adapter):
            return
        await self.desk.look_up()
        origin = Origin.live if self.desk.live_since.get(name) is not None else Origin.first_import
        try:
            for stream in adapter.streams():
                await sync.poll(
                    self.desk.store,
                    adapter,
                    self.client(name),
                    stream,
                    clock=self.clock,
                    interval=self.interval,
                    origin=origin,
                    report=self.report,
                )
        except BridgeError as problem:
            log("worker").warning("worker.poll_failed", source=name, problem=str(problem))
        if await sync.settle(self.desk.store, adapter, self.clock()):
            await self.desk.look_up()
            log("worker").info("source.live", source=name)

    async def tidy(self) -> float:
        """Forget what need not be kept and what must not be, draw the value tiers anew, hold what was said against what
        happened."""
        now = self.clock()
        unit = Unit()
        unit.add("customers.forget_decisions", before=micros(now - KEEP_UNSHOWN))
        unit.add("customers.forget_dips", before=micros(now - KEEP_DIPS))
        unit.add("gateway.forget_answers", before=micros(now - KEEP_ANSWERS))
        unit.add("links.forget", before=micros(now - KEEP_LINKS))
        await self.desk.store.write(unit)
        await privacy.sweep(self.desk)
        if not (await self.desk.store.all("customers.due_count", now=micros(now)))[0][0]:
            await fit_tiers(self.desk, now)
        await self.desk.look_up()
        await review(self.desk, now)
        await exposing.settle(self.desk, now)
        await learn_next(self.desk, now)
        await look_for_doubles(self.desk, now)
        return TIDY_SECONDS

    async def settle_all(self) -> None:
        """Poll everything once and work until nothing is left to do: what an import and a test want."""
        await sync.register(self.desk.store, self.desk.registry.sources, self.clock())
        for name in self.desk.registry.sources:
            await self.poll_source(name)
        while await self.drain_once() or await self.refresh_once():
            pass
