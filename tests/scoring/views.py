"""Views of made-up customers, and random ones."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from bridge.model import (
    Account,
    Channel,
    Contract,
    ContractStatus,
    Customer,
    Direction,
    Interaction,
    Money,
    Purchase,
    Record,
    Renewal,
    Satisfaction,
    SurveyMetric,
    SurveyResponse,
    Ticket,
    TicketStatus,
    TicketType,
    Usage,
)
from bridge.scoring.lifetime import Buying, Renewing, Spending
from bridge.scoring.view import Held, View
from bridge.scoring.worth import By, Contracts, Every, Purchases, Segment, WorthModel

R = TypeVar("R", bound=Record)

CONFIG = Path(__file__).parents[2] / "config"
NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
BUYERS = Purchases(
    buying=Buying(r=0.243, alpha=4.414, a=0.793, b=2.426), spending=Spending(p=6.25, q=3.74, v=1544.0), factor=1.1
)
"""As published of the buyers of CDs; amounts in cents."""
MONTHLY = WorthModel(
    currency="EUR",
    purchases=BUYERS,
    contracts=Contracts(
        every=Every.month,
        common=Segment(renewing=Renewing(alpha=0.7, beta=30.0), first=12, usual=20),
        segments={"Mobil M": Segment(renewing=Renewing(alpha=1.5, beta=20.0), first=1, usual=8)},
    ),
)
YEARLY = WorthModel(
    currency="EUR",
    discount_rate=0.05,
    contracts=Contracts(
        every=Every.year,
        by=By.account,
        common=Segment(renewing=Renewing(alpha=0.668, beta=3.806), first=2, usual=3),
        segments={"Handwerk": Segment(renewing=Renewing(alpha=0.704, beta=1.182))},
    ),
)
TODAY = date(2026, 11, 21)
_OBJECTS: dict[type[Record], str] = {
    Account: "account",
    Contract: "contract",
    Customer: "customer",
    Interaction: "interaction",
    Purchase: "purchase",
    SurveyResponse: "survey_response",
    Ticket: "ticket",
    Usage: "usage",
}
_FIELDS: dict[type[Record], str] = {
    Account: "accounts",
    Contract: "contracts",
    Interaction: "interactions",
    Purchase: "purchases",
    SurveyResponse: "surveys",
    Ticket: "tickets",
    Usage: "usage",
}


def ago(days: float) -> datetime:
    """The instant `days` before NOW."""
    return NOW - timedelta(days=days)


def day(ahead: int) -> date:
    """The date `ahead` days after TODAY."""
    return TODAY + timedelta(days=ahead)


def euros(amount: float) -> Money:
    return Money(round(amount * 100), "EUR")


def held(record: R, at: datetime = NOW, source_id: str = "1", source: str = "crm") -> Held[R]:
    return Held(source=source, object=_OBJECTS[type(record)], source_id=source_id, at=at, known_at=at, record=record)


def view_of(*records: Record | tuple[Record, datetime], customer: Customer | None = None) -> View:
    """A view of `records`, each changed at the given instant (else at NOW), newest first as views are."""
    fields: dict[str, list[Held[Any]]] = {}
    for number, each in enumerate(records):
        record, at = each if isinstance(each, tuple) else (each, NOW)
        fields.setdefault(_FIELDS[type(record)], []).append(held(record, at, str(number)))
    newest = {name: tuple(sorted(some, key=lambda one: one.at, reverse=True)) for name, some in fields.items()}
    return View(id="c_1", customer=customer or Customer(), **newest)


def contract(**fields: Any) -> Contract:
    return Contract(**({"status": ContractStatus.active, "product": "Glasfaser 250"} | fields))


_INSTANTS = st.one_of(
    st.integers(-900 * 24 * 60, 30 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    st.sampled_from((datetime(1, 1, 1, tzinfo=timezone.utc), datetime.max.replace(tzinfo=timezone.utc))),
)
_RECENT = st.one_of(_INSTANTS, st.integers(-400 * 24, 24).map(lambda hours: NOW + timedelta(hours=hours)))
_DAYS = st.one_of(st.integers(-800, 800).map(day), st.sampled_from((date.min, date.max, date(2024, 2, 29))))
_MONEY = st.builds(Money, st.integers(0, 50_000), st.sampled_from(("EUR", "CHF", "JPY")))
_WORDS = st.sampled_from(
    (
        None,
        "Wann endet mein Vertrag?",
        "I want to cancel my contract",
        "Alles gut",
        "Nordfunk ist billiger, ich ziehe im Mai um",
        "Die Rechnung ist falsch, das ist eine Frechheit",
    )
)


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


_RECORDS: dict[str, st.SearchStrategy[Any]] = {
    "contracts": st.builds(
        Contract,
        status=st.sampled_from(ContractStatus),
        product=st.sampled_from((None, "Mobil M")),
        starts=_maybe(_DAYS),
        ends=_maybe(_DAYS),
        renewal=st.sampled_from(Renewal),
        monthly_amount=_maybe(_MONEY),
        discount_ends=_maybe(_DAYS),
        amount_after_discount=_maybe(_MONEY),
        cancelled_at=_maybe(_DAYS),
    ),
    "purchases": st.builds(
        Purchase, at=_maybe(_INSTANTS), amount=_maybe(_MONEY), margin=_maybe(_MONEY), refunded=st.booleans()
    ),
    "tickets": st.builds(
        Ticket,
        type=st.sampled_from(TicketType),
        status=st.sampled_from(TicketStatus),
        text=_WORDS,
        topic=st.sampled_from((None, "Rechnung", "Umzug", "Frage")),
        opened=_maybe(_RECENT),
        first_reply=_maybe(_INSTANTS),
        resolved=_maybe(_INSTANTS),
        reopened=st.integers(0, 1),
        satisfaction=st.sampled_from(Satisfaction),
    ),
    "interactions": st.builds(
        Interaction,
        channel=st.sampled_from(Channel),
        direction=st.sampled_from(Direction),
        started=_maybe(_RECENT),
        personal=st.sampled_from((None, True, False, False)),
        wait_seconds=st.sampled_from((None, 30, 700)),
        abandoned=st.booleans(),
        agent=st.sampled_from((None, None, "agent-7")),
        text=_WORDS,
    ),
    "surveys": st.builds(
        SurveyResponse,
        metric=st.sampled_from(SurveyMetric),
        sent=_maybe(_RECENT),
        answered=_maybe(_INSTANTS),
        score=_maybe(st.sampled_from((0.0, 3.0, 5.0, 9.0, 10.0))),
        scale=_maybe(st.sampled_from((5.0, 10.0))),
    ),
    "usage": st.builds(
        Usage,
        metric=st.sampled_from((None, "email_open", "logins")),
        day=_maybe(st.one_of(st.integers(-200, 10).map(day), st.sampled_from((date.min, date.max)))),
        value=_maybe(st.sampled_from((0.0, 1.0, 7.5))),
    ),
    "accounts": st.builds(
        Account,
        prestige=st.booleans(),
        name=st.sampled_from((None, "Hafenwerk AG")),
        segment=st.sampled_from((None, "Handwerk")),
    ),
}
_MOST = {"contracts": 3, "purchases": 12, "tickets": 5, "interactions": 8, "surveys": 5, "usage": 8, "accounts": 1}


@st.composite
def _daily_usage(draw: DrawFn) -> tuple[Held[Usage], ...]:
    """Nothing, or months of daily use with another level at their end."""
    length = draw(st.sampled_from((0, 0, 60, 150)))
    end, before, after = draw(st.integers(-60, 2)), draw(st.integers(0, 9)), draw(st.integers(0, 9))
    return tuple(
        held(
            Usage(metric="minutes", day=day(end - back), value=float(after if back < 28 else before)),
            NOW,
            f"u{back}",
        )
        for back in range(length)
    )


@st.composite
def views(draw: DrawFn) -> View:
    """Any customer, with dates as odd as vendors write them."""
    fields: dict[str, tuple[Held[Any], ...]] = {}
    for name, records in _RECORDS.items():
        some = draw(st.lists(st.tuples(records, _INSTANTS), max_size=_MOST[name]))
        made = [held(record, at, str(number)) for number, (record, at) in enumerate(some)]
        fields[name] = tuple(sorted(made, key=lambda one: one.at, reverse=True))
    fields["usage"] += draw(_daily_usage())
    customer = Customer(
        job_title=draw(st.sampled_from((None, "Inhaberin", "Teamleiter", "Assistenz der Geschäftsführung"))),
        customer_since=draw(_maybe(st.one_of(_DAYS, st.integers(-120, 5).map(day)))),
        time_zone=draw(st.sampled_from((None, "America/Sao_Paulo", "Pacific/Auckland", "Berlin", "Asia/Kolkata"))),
    )
    return View(id="c_1", customer=customer, **fields)
