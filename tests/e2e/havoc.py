"""Automations whose workers are killed: real processes, a real mail server, and what became of every single message.

Each customer has one matter that sets the automation off, so that whoever got two mails was written to twice, whatever
key or Message-ID they carry.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from aiosmtpd.smtp import SMTP, Envelope, Session
from msgspec import Struct

from bridge.acting.approaching import opt_out
from bridge.automation.register import adopt
from bridge.flow import Desk, open_desk
from bridge.intake import sync
from bridge.store import open_store
from tests.desks import drain, feed, go_live, ticket, user
from tests.dump import query
from tests.e2e.site import Site
from tests.patience import eventually, slowness

SECRET = "a-helpdesk-secret-nobody-may-see"
BEFORE: Final = timedelta(minutes=5)
"""Since when source and automation are live when the first fact comes."""
OF = 20
"""Of so many customers one is refused by the mail server, one is put off by it at first, one wants no more mails."""
UNKNOWN_MAILBOX, BUSY_AT_FIRST, WANTS_NO_MORE = 7, 11, 13
DUPLICATES = 0.15
HOLD_SECONDS = 30.0
"""How long the mail server waits for a worker to be killed that it holds."""
PATIENCE = 5.0
"""How long a moment is waited for at which something is under way, on a quiet machine."""
SETTLE_SECONDS = 600.0

Moment = Literal["before", "after"]
"""When the mail server holds its answer: before it has the message, or once it has it."""

_AUTOMATION: dict[str, Any] = {
    "id": "sorry",
    "title": {"de": "Entschuldigung", "en": "Apology"},
    "when": {"fact": "ticket.opened", "where": {"fact.type": "problem"}},
    "purpose": "service",
    "while_ticket_open": "allow",
    "mode": "on",
    "budget": {"amount": 100_000},
    "do": [
        {
            "send_email": {
                "message": {
                    "subject": {"de": "Es tut uns leid", "en": "We are sorry"},
                    "lines": {"de": ["Wir kümmern uns."], "en": ["We are on it."]},
                }
            }
        }
    ],
}
_ALWAYS = ["00:00", "23:59"]
_OUTREACH = {
    "hours": {"monday_to_friday": _ALWAYS, "saturday": _ALWAYS, "sunday": _ALWAYS},
    "time_zone": "Etc/GMT-12",  # a day that ends where the tests run by day: the last minute of it is quiet
    "costs": {"send_email": 0.02},
}


class Plan(Struct, frozen=True, kw_only=True):
    """How much of it."""

    facts: int
    kills: int
    workers: int
    seed: int = 2026


class Tally(Struct, frozen=True, kw_only=True):
    """What became of what was due. `due` is every fact; `taken` are the messages that the mail server has of those that
    are uncertain; `twice` are the customers who got more than one."""

    engine: str
    workers: int
    kills: dict[str, int]
    deliveries: int
    due: int
    sent: int
    uncertain: int
    taken: int
    refused: dict[str, int]
    received: int
    twice: int
    unknown: int
    """Messages at the mail server that the outbox neither calls sent nor uncertain."""
    missing: int
    """Messages that the outbox calls sent and the mail server never had."""
    spent: int
    """Of the budget, in cents: what each message costs, but of those that were refused."""
    seconds: float

    @property
    def lost(self) -> int:
        """How many of those due nobody can tell what became of."""
        return self.due - self.sent - self.uncertain - sum(self.refused.values())


class PostOffice:
    """The mail server. It holds its answer to the next worker at the moment `hold`; `held` says which one that is."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str]] = []
        self.hold: Moment | None = None
        self.held: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._put_off: set[str] = set()

    def hold_next(self, moment: Moment) -> None:
        """Hold the next message at `moment`."""
        self.hold, self.held = moment, asyncio.get_running_loop().create_future()

    async def handle_RCPT(  # noqa: N802 the server calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        number = number_of(address)
        if number % OF == UNKNOWN_MAILBOX:
            return "550 5.1.1 no such mailbox"
        if number % OF == BUSY_AT_FIRST and address not in self._put_off:
            self._put_off.add(address)
            return "451 4.7.1 greylisted"
        envelope.rcpt_tos.append(address)
        await self._maybe_hold("before", envelope)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 the same
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        head = raw.partition(b"\r\n\r\n")[0].decode().splitlines()
        (number,) = (line.partition(":")[2].strip() for line in head if line.lower().startswith("message-id:"))
        self.received += [(address, number) for address in envelope.rcpt_tos]
        await self._maybe_hold("after", envelope)
        return "250 2.0.0 taken"

    async def _maybe_hold(self, moment: Moment, envelope: Envelope) -> None:
        if self.hold == moment and not self.held.done():
            self.hold = None
            self.held.set_result(int(str(envelope.mail_from).partition("@")[0].rpartition("-")[2]))
            await asyncio.sleep(HOLD_SECONDS)


def number_of(address: str) -> int:
    """Which customer has the address."""
    return int(address.partition("@")[0].removeprefix("person"))


class Workers:
    """So many real worker processes; each signs its mails with its own number."""

    def __init__(self, site: Site, count: int) -> None:
        self._site = site
        self._starts = 0
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self.count = count

    def start(self, number: int) -> None:
        """Start one; returns at once."""
        self._starts += 1
        with (self._site.folder / f"{self._starts:03d}-worker.log").open("wb") as log:
            self._running[number] = subprocess.Popen(
                [sys.executable, "-m", "bridge", "worker"],
                env=self._site.environment | {"WORKER": str(number)},
                cwd=self._site.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self, number: int) -> None:
        """End one as a power cut would, and start another in its place."""
        process = self._running.pop(number)
        assert process.poll() is None, f"a worker ended by itself:\n{self._site.logs[-3000:]}"
        process.kill()
        process.wait()

    def stop(self, seconds: float = 60.0) -> list[int]:
        """Ask all to end, and give their exit codes; none is left."""
        for process in self._running.values():
            process.terminate()
        codes = []
        for process in self._running.values():
            try:
                codes.append(process.wait(seconds))
            except subprocess.TimeoutExpired:
                process.kill()
                codes.append(process.wait())
        self._running.clear()
        return codes


async def wreak(plan: Plan, folder: Path, database_url: str) -> Tally:
    """Let the automation work through all facts while its workers are killed, and count what became of them."""
    began = time.monotonic()
    chance = random.Random(plan.seed)
    post = PostOffice()
    async with _serving(post) as port:
        site = _make_site(folder, database_url, port)
        desk = await _open(site, plan.facts)
        workers = Workers(site, plan.workers)
        try:
            for number in range(plan.workers):
                workers.start(number)
            feeder = _Feeder(desk, plan, chance)
            kills = await _kill_on(plan, site, workers, post, feeder, chance)
            await feeder.feed(len(feeder.left))
            await _settle(site)
            codes = workers.stop()
            assert codes == [0] * plan.workers, f"{codes}\n{site.logs[-3000:]}"
            return await _count(plan, database_url, desk.store.engine, post, kills, feeder.fed, began)
        finally:
            workers.stop(0)
            await desk.store.close()


@asynccontextmanager
async def _serving(post: PostOffice) -> Any:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(post, hostname="mail.example.org", loop=loop), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0)


def _make_site(folder: Path, database_url: str, port: int) -> Site:
    smtp = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "worker-${WORKER}@telekom.example"}
    helpdesk = {"adapter": "zendesk", "demo": True, "settings": {"subdomain": "acme", "webhook_secret": SECRET}}
    site = Site(folder, database_url, {"helpdesk": helpdesk, "mail": {"adapter": "smtp", "settings": smtp}}, WORKER="0")
    automations = site.config / "automations"
    for path in automations.glob("*.yaml"):
        path.unlink()
    (automations / "sorry.yaml").write_text(yaml.safe_dump(_AUTOMATION, allow_unicode=True), "utf-8")
    (site.config / "outreach.yaml").write_text(yaml.safe_dump(_OUTREACH), "utf-8")
    return site


async def _open(site: Site, customers: int) -> Desk:
    """The desk behind the site: everybody known, source and automation live, some who want no more."""
    early = datetime.now(timezone.utc) - BEFORE
    store = await open_store(site.database_url)
    registry = site.registry
    await sync.register(store, registry.sources, early)
    desk = await open_desk(site.settings, store, registry, early)
    await go_live(desk, early)
    await adopt(store, desk.rules.automations, early)
    await feed(desk, "helpdesk", [user(one, at=early) for one in range(1, customers + 1)], now=early)
    await drain(desk, now=early, most=500)
    for number in range(1, customers + 1):
        if number % OF == WANTS_NO_MORE:
            await opt_out(desk, f"email:person{number}@example.de", reason="asked us", now=early)
    return desk


class _Feeder:
    """Everything that happens, in a shuffled order, some of it told twice: part after part."""

    def __init__(self, desk: Desk, plan: Plan, chance: random.Random) -> None:
        self._desk = desk
        self.left = list(range(1, plan.facts + 1))
        self.left += chance.sample(self.left, int(plan.facts * DUPLICATES))
        chance.shuffle(self.left)
        self.fed = 0
        self._told: Counter[int] = Counter()

    async def feed(self, count: int) -> None:
        """The next `count`; what is told again comes as another version of the same."""
        now = datetime.now(timezone.utc)
        part, self.left = self.left[:count], self.left[count:]
        items = []
        for number in part:
            self._told[number] += 1
            items.append(ticket(number, number, at=now, subject=f"Anschluss, {self._told[number]}. Mal"))
        await feed(self._desk, "helpdesk", items, now=now)
        self.fed += len(items)


async def _kill_on(
    plan: Plan, site: Site, workers: Workers, post: PostOffice, feeder: _Feeder, chance: random.Random
) -> dict[str, int]:
    """Kill one after the other: in turn at any moment, before the mail server has a message, and once it has it and has
    not said so. Each time the leases of the dead run out at once, and another takes the place."""
    kills: Counter[str] = Counter()
    share = -(-len(feeder.left) // plan.kills)
    for number in range(plan.kills):
        await feeder.feed(share)
        moments: tuple[Literal["any", "before", "after"], ...] = ("after", "any", "before", "any")
        moment = moments[number % len(moments)]
        victim = chance.randrange(plan.workers)
        if moment == "any":
            await _until_something_is_held(site)
            await asyncio.sleep(chance.uniform(0.0, 0.25))
        else:
            post.hold_next(moment)
            try:
                victim = await asyncio.wait_for(asyncio.shield(post.held), PATIENCE * 2 * slowness())
            except TimeoutError:
                moment = "any"
        post.hold = None
        workers.kill(victim)
        kills[moment] += 1
        await _minutes_pass(site)
        workers.start(victim)
    return dict(kills)


async def _until_something_is_held(site: Site) -> None:
    asked = (
        "select 1 from deliveries where lease_until > 0"
        " union all select 1 from runs where state = 'waiting' and lease_until > 0"
        " union all select 1 from outbox where lease_until > 0"
    )
    with suppress(AssertionError):  # all may be done by now
        seconds = PATIENCE * slowness()
        await eventually(lambda: query(site.database_url, asked), "something is held", seconds, pause=0.01)


async def _minutes_pass(site: Site) -> None:
    """As if the minutes had passed for which a dead worker's leases hold, and those after which a busy server is asked
    again. Who is alive loses its leases, too, as one that hung for so long would."""
    for table in ("deliveries", "outbox", "runs"):
        await query(site.database_url, f"update {table} set lease_until = 0 where lease_until > 0 returning 1")
    await query(site.database_url, "update outbox set due_at = 0 where state = 'due' returning 1")


async def _settle(site: Site) -> None:
    """Wait until nothing is under way any more."""
    left = (
        "select 'deliveries', count(*) from deliveries where state in ('new', 'waiting')"
        " union all select 'runs', count(*) from runs where state = 'waiting'"
        " union all select 'outbox', count(*) from outbox where state in ('due', 'sending')"
    )
    end = time.monotonic() + SETTLE_SECONDS
    while any(count for _, count in await query(site.database_url, left)):
        assert time.monotonic() < end, f"{await query(site.database_url, left)}\n{site.logs[-3000:]}"
        await query(site.database_url, "update outbox set due_at = 0 where state = 'due' returning 1")
        await asyncio.sleep(0.5)


async def _count(
    plan: Plan, url: str, engine: str, post: PostOffice, kills: dict[str, int], deliveries: int, began: float
) -> Tally:
    rows = await query(url, "select state, address, reference, coalesce(error, '') from outbox")
    runs = await query(url, "select state, reason, count(*) from runs group by state, reason")
    refused: Counter[str] = Counter()
    for state, reason, count in runs:
        if state != "done":
            refused[f"{state}: {reason}" if state != "refused" else reason] += count
    for state, _, _, error in rows:
        if state in ("refused", "dead"):
            refused["by the mail server" if error.startswith("mail: ") else error] += 1
    got = Counter(address for address, _ in post.received)
    sent = {address.removeprefix("email:"): reference for state, address, reference, _ in rows if state == "sent"}
    doubtful = {address.removeprefix("email:") for state, address, _, _ in rows if state == "uncertain"}
    known = set(post.received)
    ((spent,),) = await query(url, "select sum(spent_minor) from automation_spending")
    return Tally(
        engine=engine,
        workers=plan.workers,
        kills=kills,
        deliveries=deliveries,
        due=plan.facts,
        sent=len(sent),
        uncertain=len(doubtful),
        taken=len(doubtful & set(got)),
        refused=dict(refused),
        received=len(post.received),
        twice=sum(count > 1 for count in got.values()),
        unknown=len(set(got) - set(sent) - doubtful),
        missing=len(set(sent.items()) - known),
        spent=int(spent),
        seconds=time.monotonic() - began,
    )
