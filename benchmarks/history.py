"""Two years of a company's records, for benchmarks that look back: as adapters leave them, written straight into a
store.

Number i is the same person with the same past every time. What happens is spread over the whole time; everything but
the person and the contract was told live.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from benchmarks.people import email, name, phone
from bridge.intake.records import Version, apply, version
from bridge.model import (
    Channel,
    Consent,
    ConsentStatus,
    Contract,
    ContractStatus,
    Customer,
    Entry,
    EntryKind,
    Interaction,
    InteractionState,
    Money,
    Phone,
    Purchase,
    Record,
    Renewal,
    Subject,
    SurveyMetric,
    SurveyResponse,
    Ticket,
    TicketStatus,
    TicketType,
)
from bridge.store import micros

SOURCE = "crm"
DAYS = 730
_AT_ONCE = 2_000
_SCORES = (0, 2, 5, 6, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10, 10)
"""A quarter of those who answer are dissatisfied."""
_VERSION = (
    "insert into record_versions (source, object, source_id, ord, hash, kind, effective_at, known_at, subject, body) "
    "values (:source, :object, :source_id, :ord, :hash, :kind, :effective_at, :known_at, :subject, :body)"
)
_RECORD = (
    "insert or replace into records "
    "(source, object, source_id, ord, hash, effective_at, known_at, subject, body, deleted) values "
    "(:source, :object, :source_id, :ord, :hash, :effective_at, :known_at, :subject, :body, :deleted)"
)


def write_history(path: Path, customers: int, now: datetime) -> int:
    """Fill the store at `path`, whose tables are there, with `customers` and their two years; returns the records."""
    begins = now - timedelta(days=DAYS)
    written = 0
    with sqlite3.connect(path) as db:
        db.execute("pragma synchronous = off")
        source = "insert or ignore into sources (name, adapter, registered_at, live_since) values (?, 'webhook', ?, ?)"
        db.execute(source, (SOURCE, micros(begins), micros(begins)))
        numbers = iter(range(customers))
        while some := list(islice(numbers, _AT_ONCE)):
            versions = [one for number in some for one in _past(number, begins, now)]
            db.executemany(_VERSION, map(msgspec.structs.asdict, versions))
            db.executemany(_RECORD, (msgspec.structs.asdict(apply(None, one)) for one in versions))
            for number in some:
                _identity(db, number, micros(begins))
            written += len(versions)
    db.close()
    return written


def _identity(db: sqlite3.Connection, number: int, at: int) -> None:
    customer = "c_" + blake2b(str(number).encode(), digest_size=8).hexdigest()
    db.execute("insert into customers (id, version, created_at, due_at) values (?, 1, ?, ?)", (customer, at, 1 << 62))
    db.execute("insert into profiles values (?, ?, ?, ?)", (SOURCE, str(number), customer, at))
    for kind, value in (("id", f"{SOURCE}:{number}"), ("email", email(number)), ("phone", phone(number))):
        db.execute("insert into identities values (?, ?, ?, ?, 0)", (kind, value, SOURCE, str(number)))
        db.execute(
            "insert into keys values (?, ?, 'exact', ?, '', 1, 'unknown', 3, 'general', 'de')", (kind, value, customer)
        )


def _past(number: int, begins: datetime, now: datetime) -> Iterator[Version]:
    dice = Random(number)
    span = (now - begins) // timedelta(minutes=1)

    def moments(most: int) -> Iterable[datetime]:
        return (begins + timedelta(minutes=dice.randrange(1, span)) for _ in range(dice.randrange(most + 1)))

    yield _told("customer", str(number), _person(number, dice, begins), begins - timedelta(days=1))
    yield _told("contract", f"v{number}", _contract(number, dice, begins), begins - timedelta(days=1), number)
    for place, at in enumerate(moments(4)):
        answer = SurveyResponse(metric=SurveyMetric.nps, sent=at - timedelta(days=1), answered=at,
                                score=float(dice.choice(_SCORES)), scale=10.0)  # fmt: skip
        yield _told("survey_response", f"s{number}-{place}", answer, at, number)
    for place, at in enumerate(moments(3)):
        kind = dice.choice((TicketType.complaint, TicketType.problem, TicketType.question))
        opened = Ticket(type=kind, status=TicketStatus.open, opened=at)
        yield _told("ticket", f"t{number}-{place}", opened, at, number)
        done = at + timedelta(hours=dice.randrange(2, 200))
        if done < now:
            over = msgspec.structs.replace(opened, status=TicketStatus.resolved, resolved=done)
            yield _told("ticket", f"t{number}-{place}", over, done, number)
    for place, at in enumerate(moments(6)):
        call = Interaction(
            channel=Channel.voice,
            state=InteractionState.ended,
            started=at,
            ended=at + timedelta(minutes=6),
            customer_address=phone(number),
            wait_seconds=dice.randrange(600),
            abandoned=dice.random() < 0.15,
            personal=True,
        )
        yield _told("interaction", f"i{number}-{place}", call, at + timedelta(minutes=6), number)
    for place, at in enumerate(moments(4)):
        bought = Purchase(at=at, amount=Money(dice.randrange(500, 20_000), "EUR"))
        yield _told("purchase", f"p{number}-{place}", bought, at, number)


def _person(number: int, dice: Random, begins: datetime) -> Customer:
    salutation, given, family = name(number)
    agreed = dice.choice((ConsentStatus.granted, ConsentStatus.granted, ConsentStatus.denied, ConsentStatus.unknown))
    return Customer(
        name=f"{given} {family}",
        salutation=salutation,
        given_name=given,
        family_name=family,
        language="de",
        emails=(email(number),),
        phones=(Phone(e164=phone(number), raw=phone(number)),),
        consents=(Consent(Channel.email, agreed, begins - timedelta(days=40), "form"),),
        customer_since=(begins + timedelta(days=dice.randrange(-3000, 0))).date(),
    )


def _contract(number: int, dice: Random, begins: datetime) -> Contract:
    starts = (begins - timedelta(days=dice.randrange(1, 700))).date()
    return Contract(
        product=dice.choice(("Glasfaser 250", "Glasfaser 500", "DSL 100")),
        status=ContractStatus.active,
        starts=starts,
        ends=(begins + timedelta(days=dice.randrange(1, 1500))).date(),
        renewal=Renewal.automatic,
        monthly_amount=Money(dice.choice((2490, 2990, 4490)), "EUR"),
    )


def _told(kind: str, id: str, record: Record, at: datetime, customer: int | None = None) -> Version:
    body: dict[str, Any] = msgspec.to_builtins(record)
    entry = Entry(
        object=kind,
        source_id=id,
        kind=EntryKind.full,
        subject=Subject() if customer is None else Subject(customer=str(customer)),
        body={field: value for field, value in body.items() if value not in (None, [], {}, "")},
        effective_at=at,
        order=f"t{micros(at):017d}",
    )
    return version(entry, SOURCE, known_at=micros(at), arrival=0, delivery=None)
