"""What was bought and what was signed, read from all records: what the value is learnt from.

Read page by page; of a purchase only the customer, the day and the amount are kept, of a contract its dates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import Struct, field

from bridge.flow.gathering import makeups, parse_subject
from bridge.model import Account, Contract, ContractStatus, Key, KeyKind, Purchase
from bridge.scoring.card import ScoringCard
from bridge.scoring.fit.terms import Term
from bridge.scoring.signals_contracts import goes_on
from bridge.scoring.value_purchases import amount_of, day_of
from bridge.store import Row, Store, instant

PAGE = 2_000
_OBJECTING = '%"objects_to_profiling":true%'
"""How the stored body of somebody says that they object."""

_purchase = msgspec.json.Decoder(Purchase)
_contract = msgspec.json.Decoder(Contract)
_account = msgspec.json.Decoder(Account)


class Dealings(Struct, kw_only=True):
    """`purchases` of those who have no contract: whose (a customer, or an account), the day, the amount in minor
    units of the main currency. `terms`: every contract once, however many people share it; known as of `as_of`."""

    purchases: list[tuple[str, date, float]] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    as_of: date | None = None
    beside: int = 0
    """Purchases of those who have a contract too."""
    unreadable: int = 0
    """Purchases and contracts without a date, an amount or a currency that is known."""
    objecting: int = 0
    """Customers and accounts left out because somebody objects to profiling."""


async def read_dealings(
    store: Store, card: ScoringCard, now: datetime, report: Callable[[int, int], None] = lambda done, of_all: None
) -> Dealings:
    """Everything bought and signed up to `now`. `report` is told how many records are read, and of how many.

    Left out: customers who object to profiling, with their accounts. Who has a contract, or shares one, is no source of
    purchases: they buy in another rhythm.
    """
    found = Dealings()
    total = (await store.all("records.counted", objects=["purchase", "contract"]))[0][0]
    silenced = await _objecting(store)
    found.objecting = len(silenced)
    bound: set[str] = set()
    done = 0
    segments = await _segments(store)
    async for source, rows in _pages(store, "contract"):
        owners = await _owners(store, (row[3] for row in rows))
        accounts = await _accounts(store, source, rows) if segments else {}
        for row in rows:
            owner = owners[row[3]]
            bound.add(owner)
            if owner not in silenced:
                segment = segments.get(row[3]) or segments.get(accounts.get(row[3], ""))
                _keep_contract(found, row, segment, now)
        done += len(rows)
        report(done, total)
    sharing = any(one.startswith("account:") for one in bound)
    async for _, rows in _pages(store, "purchase"):
        owners = await _owners(store, (row[3] for row in rows))
        with_contract = await _sharing(store, owners.values(), bound) if sharing else bound
        for row in rows:
            owner = owners[row[3]]
            if owner in silenced:
                continue
            if owner in with_contract:
                found.beside += 1
            else:
                _keep_purchase(found, row, owner, card, now)
        done += len(rows)
        report(done, total)
    return found


async def _pages(store: Store, kind: str) -> AsyncIterator[tuple[str, list[Row]]]:
    for (source,) in await store.all("records.sources", objects=[kind]):
        after = ""
        while rows := await store.all("records.page", source=source, object=kind, after=after, most=PAGE):
            yield source, rows
            after = rows[-1][0]


def _keep_contract(found: Dealings, row: Row, segment: str | None, now: datetime) -> None:
    _, _, known_at, _, body = row
    contract = _contract.decode(body)
    today = now.date()
    known = min(today, instant(known_at).date())
    found.as_of = known if found.as_of is None else max(found.as_of, known)
    stopped = not goes_on(contract)
    left = contract.ends or contract.cancelled_at if stopped else None
    unknown = stopped and left is None
    if contract.starts is None or contract.starts > today or unknown or (left and left < contract.starts):
        found.unreadable += 1
        return
    if left and left > today:  # on notice it still runs
        left = today if contract.status is ContractStatus.ended else None
    found.terms.append(Term(contract.starts, left, contract.product, segment, contract.renewal))


def _keep_purchase(found: Dealings, row: Row, owner: str, card: ScoringCard, now: datetime) -> None:
    _, effective_at, _, _, body = row
    purchase = _purchase.decode(body)
    at = purchase.at or instant(effective_at)
    amount = amount_of(purchase.amount, purchase.margin, card.file.value)
    if purchase.refunded or at > now:
        return
    if amount is None or not owner:
        found.unreadable += 1
        return
    found.purchases.append((owner, day_of(at, card.zone), amount))


async def _owners(store: Store, subjects: Iterable[str]) -> dict[str, str]:
    """Whose each subject is: the customer that the key means, the account itself, else the subject."""
    wanted: defaultdict[str, dict[str, str]] = defaultdict(dict)
    found: dict[str, str] = {}
    for subject in set(subjects):
        parsed = parse_subject(subject)
        found[subject] = subject
        if isinstance(parsed, Key):
            wanted[parsed.kind.value][parsed.value] = subject
    for kind, values in wanted.items():
        for _, value, customer in await store.all("customers.owners", kind=kind, values=sorted(values)):
            found[values[value]] = customer
    return found


async def _objecting(store: Store) -> set[str]:
    rows = await store.all("records.saying", object="customer", pattern=_OBJECTING)
    silenced = set((await _owners(store, (row[0] for row in rows))).values())
    for makeup in (await makeups(store, silenced)).values():
        silenced |= makeup.accounts
    return silenced


async def _sharing(store: Store, owners: Iterable[str], bound: set[str]) -> set[str]:
    """`bound`, and those of `owners` one of whose accounts is bound."""
    customers = {one for one in owners if one not in bound and not one.startswith("account:")}
    made = await makeups(store, customers)
    return bound | {customer for customer, makeup in made.items() if makeup.accounts & bound}


async def _segments(store: Store) -> dict[str, str]:
    """The segment of each account that has one, by its subject."""
    found: dict[str, str] = {}
    async for source, rows in _pages(store, "account"):
        for source_id, *_, body in rows:
            if segment := _account.decode(body).segment:
                found[f"account:{source}:{source_id}"] = segment
    return found


async def _accounts(store: Store, source: str, rows: Iterable[Row]) -> dict[str, str]:
    """The account of those contracts that are a person's, by the person's subject."""
    start = f"{KeyKind.id.value}:{source}:"
    people = sorted({row[3].removeprefix(start) for row in rows if row[3].startswith(start)})
    members: list[Any] = await store.all("identity.accounts_of", source=source, ids=people) if people else []
    return {f"{start}{source_id}": account for account, _, source_id in members}
