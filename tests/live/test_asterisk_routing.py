"""Real calls at a real Asterisk, whose dialplan (`bridge host asterisk`) asks a real gateway where each one goes."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest
from msgspec import Struct

from bridge.hosts.generators import make_files, make_plan
from bridge.settings import read_settings
from bridge.store import open_store
from tests.e2e.site import Site
from tests.live import asterisk, sipp
from tests.live.conftest import Missing

_log = logging.getLogger(__name__)
CALLED = "+493055520"
RATE = 20
"""Calls a second."""
WITHIN_S = 2.5
"""So long at most from a call's arrival to its queue, also while the bridge hangs or is gone."""
AT_RISK, OTHERS = 10, 30
RETENTION, GENERAL = "bridge-retention", "bridge-general"
_LINE = re.compile(r"\[(\d+\.\d+)\].*?Executing \[[^]]*\] (\w+)\(\"(PJSIP/[^\"]+)\", \"([^\"]*)")


def phone(number: int) -> str:
    """The phone of one customer."""
    return f"+49302312{number:04d}"


class Call(Struct):
    """One call as the dialplan had it."""

    began: float
    caller: str = ""
    queue: str = ""
    queued: float = 0.0

    @property
    def seconds(self) -> float:
        return self.queued - self.began


class Center(Struct):
    """An Asterisk that asks a bridge, and what its dialplan did."""

    server: asterisk.Server
    site: Site
    read: int = 0

    async def take(self, callers: list[str]) -> list[Call]:
        """Let them call, RATE a second; their calls, once all have reached a queue."""
        await sipp.call_at_rate(self.server.sip, callers, CALLED, rate=RATE, seconds=WITHIN_S + 2)
        log = self.server.console.read_text("utf-8", "replace")
        calls: dict[str, Call] = {}
        for at, what, channel, given in _LINE.findall(log[self.read :]):
            call = calls.setdefault(channel, Call(float(at)))
            if what == "NoOp":
                call.caller = given
            elif what == "Queue":
                call.queue, call.queued = given.partition(",")[0], float(at)
        self.read = len(log)
        assert len(calls) == len(callers), f"{len(calls)} of {len(callers)} calls"
        return list(calls.values())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A bridge over a CRM's exports: ten whose dear contract was just cancelled, thirty with nothing to worry about."""
    folder = tmp_path_factory.mktemp("routing")
    write_exports(folder / "exports")
    made = Site(
        folder,
        f"sqlite:///{folder / 'bridge.db'}",
        {"crm": {"adapter": "spreadsheet", "settings": {"folder": str(folder / "exports")}}},
    )
    made.start("web", "worker")
    yield made
    made.stop()


def write_exports(folder: Path) -> None:
    """kunden.csv and vertraege.csv."""
    folder.mkdir()
    today = datetime.now(timezone.utc).date()

    def day(days: int) -> str:
        return f"{today + timedelta(days=days):%d.%m.%Y}"

    customers, contracts = [], []
    for number in range(AT_RISK + OTHERS):
        leaves = number < AT_RISK
        customers.append(f"{number};Vorname{number};Nachname{number};p{number}@example.de;{phone(number)};{day(-1500)}")
        state, ends, monthly = ("gekündigt", 20, "489,00") if leaves else ("aktiv", 700, "19,90")
        contracts.append(f"V{number};{number};Glasfaser 500;{state};{day(-1500)};{day(ends)};{monthly} €")
    for name, header, rows in (
        ("kunden.csv", "Kundennummer;Vorname;Nachname;E-Mail;Telefon;Kunde seit", customers),
        (
            "vertraege.csv",
            "Vertragsnummer;Kundennummer;Produkt;Status;Vertragsbeginn;Vertragsende;Monatsbetrag",
            contracts,
        ),
    ):
        (folder / name).write_text("\n".join([header, *rows, ""]), "cp1252")


@pytest.fixture
async def key(site: Site) -> str:
    """The phone system's key at the bridge, which has read everything."""
    await asyncio.gather(site.opened("web"), site.opened("worker"))
    store = await open_store(site.database_url)
    try:
        await site.settled(store, 60)
    finally:
        await store.close()
    (made,) = await site.make_keys(["ivr"])
    return made


@pytest.fixture
async def center(site: Site, key: str, missing: Missing) -> AsyncIterator[Center]:
    """Asterisk with the files that `bridge host asterisk` writes, the key in its place, and an agent in each queue."""
    files = _files(site)
    secret = files["extensions_retention_bridge_key.conf"].replace("PASTE-THE-KEY-HERE", key)
    queues = files["queues_retention_bridge.conf"]
    for queue, agent in ((RETENTION, "anna"), (GENERAL, "stumm")):
        queues = queues.replace(f"[{queue}]\n", f"[{queue}]\nmember => PJSIP/{agent}\n")
    more = {
        "more_extensions.conf": f"{secret}\n{files['extensions_retention_bridge.conf']}",
        "more_queues.conf": queues,
    }
    with ExitStack() as stack:
        try:
            server = stack.enter_context(asterisk.running(more))
        except asterisk.Unavailable as problem:
            missing(str(problem))
        stack.enter_context(sipp.answering(server.anna))
        stack.enter_context(sipp.answering(server.stumm))
        yield Center(server, site)


def _files(site: Site) -> dict[str, str]:
    plan = make_plan("asterisk", read_settings(config_dir=site.config), url=site.url)
    return {name: body.decode() for name, body in make_files("asterisk", plan).items()}


async def test_who_is_dear_and_leaving_reaches_retention_and_all_others_the_general_queue(
    center: Center, site: Site, key: str
) -> None:
    async with httpx.AsyncClient(base_url=site.url, headers={"authorization": f"Bearer {key}"}) as client:
        answer = (await client.get("/v1/lookup", params={"phone": phone(0)})).json()
    assert (answer["route_hint"], answer["risk_band"] in ("high", "critical")) == ("retention", True), answer
    began = len(center.server.console.read_text("utf-8", "replace"))
    callers = [phone(number % (AT_RISK + OTHERS)) for number in range(90)] + ["+493023129999"] * 5 + ["anonymous"] * 5
    calls = await center.take(callers)
    wrong = []
    for call in calls:
        at_risk = call.caller in {phone(number) for number in range(AT_RISK)}
        if call.queue != (RETENTION if at_risk else GENERAL):
            wrong.append((call.caller, call.queue))
    assert wrong == []
    assert sum(call.queue == RETENTION for call in calls) == sum(
        one in {phone(n) for n in range(AT_RISK)} for one in callers
    )
    slowest = max(call.seconds for call in calls)
    _log.info("%d calls at %d a second: the slowest took %.0f ms to its queue", len(calls), RATE, slowest * 1000)
    assert slowest < WITHIN_S
    said = center.server.console.read_text("utf-8", "replace")[began:]
    assert [line for line in said.splitlines() if key in line] == []


@pytest.mark.parametrize("how", ["hangs", "is gone", "refuses"])
async def test_while_the_bridge_is_out_of_order_every_call_still_goes_through_in_time(
    center: Center, site: Site, how: str
) -> None:
    if how == "refuses":
        await asyncio.to_thread(center.server.command, "dialplan set global BRIDGE_KEY rb_000000000000_wrong")
    elif how == "hangs":
        site.signal("web", signal.SIGSTOP)
    else:
        site.kill("web")
    try:
        calls = await center.take([phone(number % (AT_RISK + OTHERS)) for number in range(60)])
    finally:
        if how == "hangs":
            site.signal("web", signal.SIGCONT)
        elif how == "is gone":
            site.start("web")
            await site.opened("web")
    slowest = max(call.seconds for call in calls)
    _log.info("%d calls while the bridge %s: the slowest took %.0f ms", len(calls), how, slowest * 1000)
    assert {call.queue for call in calls} == {GENERAL}
    assert slowest < WITHIN_S
