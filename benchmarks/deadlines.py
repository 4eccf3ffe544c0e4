"""The deadline of look-ups while all sources are broken: `python -m benchmarks.deadlines`.

A gateway with four sources that can be asked live is asked for known callers, unknown ones and hidden numbers, in every
shape in which a host asks, while the sources hang, dribble, lie, are down, talk nonsense, or do each something else.
Time is measured at the client, over HTTP. An answer is truthful when `degraded` and `missing_sources` say what was so:
for who is known nothing is missing; for a stranger those sources are that cannot have answered.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Final, Literal
from urllib.parse import parse_qsl, quote, urlencode

from msgspec import Struct

from benchmarks import database, people
from benchmarks.faults import FAULTS, Fault, install, serving, sources
from benchmarks.figures import Figure, conclude, load
from benchmarks.load import quantile
from benchmarks.lookup import give_key
from benchmarks.processes import CLIENT, SERVER, aside, environment, free_port, make_config, running, scratch, wait_for
from bridge.hosts.registry import BUDGETS

BENCH: Final = "deadlines"
CUSTOMERS: Final = 3_000
LOOKUPS, QUICK_LOOKUPS = 10_000, 600
CONNECTIONS: Final = 24
MIXED: Final = "each another fault"
SILENT: Final = frozenset({"hangs", "dribbles", "is down", "talks nonsense"})
"""Who has one of these faults cannot answer, and must be named."""
TIGHT_MS: Final = 250

Caller = Literal["known", "stranger", "hidden"]


class Shape(Struct, frozen=True, kw_only=True):
    """One way in which a host asks. `budget_ms` is what it may take, as the client measures it."""

    name: str
    budget_ms: int
    form: Literal["query", "form", "json", "event"]
    host: str = ""
    basic: bool = False
    accept: str = "application/json"
    tight: bool = False

    def request(self, phone: str, key: str, number: int) -> bytes:
        """The bytes on the wire."""
        fields = {"interaction": f"call-{number}"} | ({"host": self.host} if self.host else {})
        fields |= {"budget_ms": str(self.budget_ms)} if self.tight else {}
        target, body, kind = "/v1/lookup", b"", ""
        if self.form == "query":
            target += "?" + urlencode({"phone": phone} | fields, quote_via=quote)
        elif self.form == "form":
            body, kind = urlencode({"From": phone, "CallSid": f"CA{number}"} | fields).encode(), "x-www-form-urlencoded"
        elif self.form == "json":
            body, kind = json.dumps({"phone": phone} | fields).encode(), "json"
        else:
            endpoint = {"Type": "TELEPHONE_NUMBER", "Address": phone}
            data = {"ContactId": f"call-{number}", "CustomerEndpoint": endpoint, "Queue": None}
            body = json.dumps({"Details": {"ContactData": data, "Parameters": fields}}).encode()
            kind = "json"
        secret = base64.b64encode(f"bench:{key}".encode()).decode()
        credentials = f"Basic {secret}" if self.basic else f"Bearer {key}"
        head = f"{'POST' if body else 'GET'} {target} HTTP/1.1\r\nhost: bench\r\nauthorization: {credentials}\r\n"
        head += f"accept: {self.accept}\r\ncontent-length: {len(body)}\r\n"
        if body:
            head += f"content-type: application/{kind}\r\n"
        return head.encode() + b"\r\n" + body


SHAPES: Final = (
    Shape(name="GET", budget_ms=1500, form="query"),
    Shape(name="GET, little time", budget_ms=TIGHT_MS, form="query", tight=True),
    Shape(name="JSON, Genesys", budget_ms=BUDGETS["genesys"], form="json", host="genesys"),
    Shape(name="form, Twilio", budget_ms=BUDGETS["twilio"], form="form", host="twilio"),
    Shape(name="form and basic, Twilio", budget_ms=BUDGETS["twilio"], form="form", host="twilio", basic=True),
    Shape(name="event, Amazon Connect", budget_ms=BUDGETS["amazon_connect"], form="event", host="amazon_connect"),
    Shape(name="text", budget_ms=1500, form="query", accept="text/plain"),
    Shape(
        name="form answer, Asterisk",
        budget_ms=BUDGETS["asterisk"],
        form="form",
        host="asterisk",
        accept="application/x-www-form-urlencoded",
    ),
)


class Answered(Struct, frozen=True, kw_only=True):
    """What became of one look-up."""

    shape: str
    caller: Caller
    status: int
    ms: float
    budget_ms: int
    match: str
    degraded: bool
    missing: frozenset[str]

    @property
    def late(self) -> bool:
        return self.ms > self.budget_ms

    def truthful(self, silent: frozenset[str]) -> bool:
        """Whether it says what was so, where the sources `silent` cannot answer."""
        if self.caller != "stranger":
            return not self.degraded and not self.missing and (self.match == "exact") is (self.caller == "known")
        return self.match == "none" and self.degraded is bool(self.missing) and silent <= self.missing


class Plan(Struct, frozen=True, kw_only=True):
    """`known` are phones that the gateway knows; strangers begin at `first`, and each is asked for once."""

    port: int
    key: str
    known: tuple[str, ...]
    first: int
    count: int
    connections: int = CONNECTIONS
    seed: int = 0


def drive(plan: Plan) -> list[Answered]:
    """Ask in all shapes in turn, for known callers, strangers and hidden numbers in turn."""
    return asyncio.run(ask_all(plan))


async def ask_all(plan: Plan) -> list[Answered]:
    """As `drive`, inside a loop that runs."""
    random = Random(plan.seed)
    work: list[tuple[int, Shape, Caller, str]] = []
    for number in range(plan.count):
        caller: Caller = "hidden" if number % 10 == 0 else "known" if random.random() < 0.4 else "stranger"
        phone = "anonymous" if caller == "hidden" else random.choice(plan.known)
        if caller == "stranger":
            phone = f"+4940{plan.first + number}"
        work.append((plan.first + number, SHAPES[number % len(SHAPES)], caller, phone))
    work.reverse()
    answered: list[Answered] = []
    await asyncio.gather(*(_work_off(plan, work, answered) for _ in range(plan.connections)))
    return answered


async def _work_off(plan: Plan, work: list[tuple[int, Shape, Caller, str]], answered: list[Answered]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", plan.port)
    while work:
        number, shape, caller, phone = work.pop()
        began = perf_counter()
        writer.write(shape.request(phone, plan.key, number))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        ms = (perf_counter() - began) * 1000
        found = _read(body, shape.accept)
        answered.append(
            Answered(
                shape=shape.name,
                caller=caller,
                status=int(head[9:12]),
                ms=ms,
                budget_ms=shape.budget_ms,
                match=found.get("match", ""),
                degraded=found.get("degraded") != "false",
                missing=frozenset(found.get("missing_sources", "").split(",")) - {""},
            )
        )
    writer.close()


def _read(body: bytes, accept: str) -> dict[str, str]:
    text = body.decode()
    if accept == "text/plain":
        return dict(line.partition("=")[::2] for line in text.splitlines())
    if "form" in accept:
        return dict(parse_qsl(text, keep_blank_values=True))
    read: dict[str, str] = json.loads(text)
    return read


def measure(lookups: int, *, fresh: bool = False) -> list[Figure]:
    """A gateway anew for each fault, so that each time its sources are really asked."""
    source = database.prepare(CUSTOMERS, fresh=fresh)
    kinds: list[Fault | str] = [*FAULTS, MIXED]
    each = -(-lookups // len(kinds))
    figures, answered = [], []
    with scratch() as folder:
        path = database.copy(source, folder)
        key = asyncio.run(give_key(path, "ivr"))
        for place, kind in enumerate(kinds):
            faults: list[Fault] = list(FAULTS) if kind == MIXED else [_fault(kind)] * 4
            silent = frozenset(f"crm{number}" for number, one in enumerate(faults, 1) if one in SILENT)
            some = _phase(folder, path, key, faults, each, place)
            answered += some
            figures.append(_figure(f"sources: {kind}", some, silent))
    late = sum(one.late for one in answered)
    note = f"of {len(answered):,} at {CONNECTIONS} connections; {load()}"
    figures.append(Figure(bench=BENCH, name="over budget at the client", measured=late, unit="", most=0, note=note))
    bad = sum(one.status != 200 for one in answered)
    figures.append(Figure(bench=BENCH, name="not 200", measured=bad, unit="", most=0))
    return figures


def _fault(kind: str) -> Fault:
    return next(one for one in FAULTS if one == kind)


def _phase(folder: Path, path: Path, key: str, faults: list[Fault], count: int, place: int) -> list[Answered]:
    with ExitStack() as stack:
        addresses = stack.enter_context(serving(faults))
        config = make_config(folder, sources(addresses))
        port, log = free_port(), folder / f"web-{place}.log"
        env = environment(path, config, BRIDGE_PORT=str(port), **install(folder))
        stack.enter_context(running(["bridge", "web"], SERVER, log, env))
        wait_for(port, "/readyz", log)
        client = stack.enter_context(aside(CLIENT))
        known = tuple(people.phone(number) for number in range(CUSTOMERS))
        plan = Plan(port=port, key=key, known=known, first=20_000_000 + place * 100_000, count=count, seed=place)
        return client.call(drive, plan)


def _figure(name: str, answered: list[Answered], silent: frozenset[str]) -> Figure:
    untrue = [one for one in answered if not one.truthful(silent)]
    waited = [one.ms for one in answered if one.caller == "stranger"]
    known = [one.ms for one in answered if one.caller == "known"]
    used = max(one.ms / one.budget_ms for one in answered)
    worst = max(answered, key=lambda one: one.ms / one.budget_ms)
    note = (
        f"{len(answered):,} look-ups; known p99 {quantile(known, 0.99):.0f} ms; strangers p50 "
        f"{quantile(waited, 0.5):.0f} p99 {quantile(waited, 0.99):.0f} max {max(waited):.0f} ms; most of a budget used "
        f"{used:.0%} ({worst.shape}); {load()}"
    )
    if untrue:
        note += f"; untrue: {dict(Counter((one.caller, one.match, one.degraded) for one in untrue))}"
    return Figure(bench=BENCH, name=f"untruthful, {name}", measured=len(untrue), unit="", most=0, note=note)


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deadlines", description=__doc__)
    parser.add_argument("--lookups", type=int, default=LOOKUPS, help=f"in all (default {LOOKUPS:,})")
    parser.add_argument("--fresh", action="store_true", help="import the customers anew")
    parser.add_argument("--quick", action="store_true", help="few look-ups: to see that it works")
    args = parser.parse_args()
    return conclude(lambda: measure(QUICK_LOOKUPS if args.quick else args.lookups, fresh=args.fresh), quick=args.quick)


if __name__ == "__main__":
    raise SystemExit(main())
