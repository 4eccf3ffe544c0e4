"""The customers a change bears on, and everything known of each: read in a few statements for the whole batch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Struct, field

from bridge.identity.partition import Pid
from bridge.identity.rules import IdentityRules
from bridge.identity.survivorship import survive
from bridge.intake.records import Current, Name, decode
from bridge.model import Customer, Key, KeyKind
from bridge.scoring.view import Held, View
from bridge.store import Row, Store, Unit, instant

MOST_MEMBERS = 50
"""Customers of one account that are recomputed at once when the account changes; the others become due for refresh."""
MOST_RECORDS = 500
"""Records of one kind that a view holds, newest first."""

_FIELDS = {
    "account": "accounts",
    "contract": "contracts",
    "purchase": "purchases",
    "ticket": "tickets",
    "interaction": "interactions",
    "survey_response": "surveys",
    "usage": "usage",
}


class Makeup(Struct, kw_only=True):
    """Of one customer: its profiles, the subjects under which its records are found, and all its keys."""

    members: set[Pid] = field(default_factory=set)
    keys: set[Key] = field(default_factory=set)
    exact: set[Key] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)

    @property
    def subjects(self) -> set[str]:
        return {str(key) for key in self.exact} | self.accounts


def parse_subject(subject: str) -> Key | str | None:
    """A key, an account reference, or None for no subject."""
    if subject.startswith("account:"):
        return subject
    kind, _, value = subject.partition(":")
    return Key(KeyKind(kind), value) if value else None


async def owners(
    store: Store, unit: Unit, subjects: Iterable[str], known: Mapping[Key, str | None]
) -> tuple[dict[str, list[str]], set[str]]:
    """Per subject the customers it bears on, and those beyond MOST_MEMBERS of an account, who become due instead.

    `known` says who a key means after this change (None: nobody, or several).
    """
    found: dict[str, list[str]] = {}
    later: set[str] = set()
    wanted: defaultdict[KeyKind, dict[str, str]] = defaultdict(dict)
    for subject in subjects:
        parsed = parse_subject(subject)
        if isinstance(parsed, str):
            members = [row[0] for row in await store.all("identity.members", account=parsed, most=10_000)]
            found[subject] = members[:MOST_MEMBERS]
            later.update(members[MOST_MEMBERS:])
        elif parsed is not None and parsed in known:
            owner = known[parsed]
            found[subject] = [] if owner is None else [owner]
        elif parsed is not None:
            wanted[parsed.kind][parsed.value] = subject
    for kind, values in wanted.items():
        params = {"kind": kind.value, "values": sorted(values)}
        rows = await store.all("customers.owners", **params)
        unit.guard("customers.owners", rows, **params)
        for _, value, customer in rows:
            found[values[value]] = [customer]
    return found, later


async def makeups(store: Store, customers: Iterable[str]) -> dict[str, Makeup]:
    """The stored make-up of `customers`."""
    wanted = sorted(customers)
    found = {customer: Makeup() for customer in wanted}
    if not wanted:
        return found
    owner: dict[Pid, str] = {}
    by_source: defaultdict[str, list[str]] = defaultdict(list)
    for source, source_id, customer, _ in await store.all("customers.profiles", ids=wanted):
        owner[(source, source_id)] = customer
        found[customer].members.add((source, source_id))
        by_source[source].append(source_id)
    values: defaultdict[str, set[str]] = defaultdict(set)
    for source, ids in by_source.items():
        for kind, value, _, source_id, _ in await store.all("identity.keys_of", source=source, ids=ids):
            found[owner[(source, source_id)]].keys.add(Key(KeyKind(kind), value))
            values[kind].add(value)
        for account, _, source_id in await store.all("identity.accounts_of", source=source, ids=ids):
            found[owner[(source, source_id)]].accounts.add(account)
    for kind, some in values.items():
        for _, value, customer in await store.all("customers.owners", kind=kind, values=sorted(some)):
            if customer in found:
                found[customer].exact.add(Key(KeyKind(kind), value))
    return found


async def views(
    store: Store,
    unit: Unit,
    made: Mapping[str, Makeup],
    overlay: Mapping[Name, Current | None],
    rules: IdentityRules,
) -> dict[str, View]:
    """What is known of each customer, with `overlay` in place of what the store still has. Guards what was read."""
    by_subject: defaultdict[str, list[Current]] = defaultdict(list)
    subjects = sorted({subject for one in made.values() for subject in one.subjects})
    if subjects:
        rows = await store.all("records.by_subject", subjects=subjects)
        unit.guard("records.heads_by_subject", [(row[0], row[1], row[2], row[4]) for row in rows], subjects=subjects)
        for row in rows:
            if (row[0], row[1], row[2]) not in overlay:
                by_subject[row[7]].append(current_of(row))
    for current in overlay.values():
        if current is not None and not current.deleted:
            by_subject[current.subject].append(current)
    return {
        customer: view(customer, [one for subject in makeup.subjects for one in by_subject[subject]], rules)
        for customer, makeup in made.items()
    }


def current_of(row: Row) -> Current:
    """A row of `records` as it is read by `records.by_subject`."""
    return Current(**dict(zip(Current.__struct_fields__, row, strict=True)))


def view(customer: str, currents: Iterable[Current], rules: IdentityRules) -> View:
    """The view that `currents` make, each sequence newest first."""
    newest = sorted(currents, key=lambda one: (-one.effective_at, one.name))
    return assemble(customer, map(hold, capped(newest)), rules)


class _OfKind(Protocol):
    @property
    def object(self) -> str: ...


T = TypeVar("T", bound=_OfKind)


def capped(newest: Iterable[T]) -> Iterator[T]:
    """All profiles, and of every other kind the first MOST_RECORDS."""
    counts: Counter[str] = Counter()
    for one in newest:
        counts[one.object] += 1
        if counts[one.object] <= MOST_RECORDS or one.object == "customer":
            yield one


def assemble(customer: str, newest: Iterable[Held[Any]], rules: IdentityRules) -> View:
    """The view that these records make, which come newest first."""
    profiles: list[Held[Customer]] = []
    fields: defaultdict[str, list[Any]] = defaultdict(list)
    for held in newest:
        if held.object == "customer":
            profiles.append(held)
        else:
            fields[_FIELDS[held.object]].append(held)
    said = [(held.source, held.at, held.record) for held in profiles]
    person = survive(said, rules.survivorship) if said else Customer()
    if person.owner is None:
        # A company's account manager looks after its people too.
        owners_of = [held.record.owner for held in fields["accounts"] if held.record.owner]
        person = msgspec.structs.replace(person, owner=owners_of[0]) if owners_of else person
    return View(
        id=customer, customer=person, profiles=tuple(profiles), **{name: tuple(some) for name, some in fields.items()}
    )


def hold(current: Current) -> Held[Any]:
    """The record itself, with where it came from."""
    return Held(
        source=current.source,
        object=current.object,
        source_id=current.source_id,
        at=instant(current.effective_at),
        known_at=instant(current.known_at),
        record=decode(current),
    )
