"""The made-up contact center in neutral terms: a regional internet provider with homes and small shops.

Everything follows from a seed and a day. Telephone numbers are from the ranges that the Bundesnetzagentur keeps
free for films and books, so that none of them can belong to anybody.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Literal

from msgspec import Struct

from bridge.model import Channel, Consent, ConsentStatus, ContractStatus, Money


class Company(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    segment: str | None = None
    owner: str | None = None


class Person(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    given_name: str
    family_name: str
    salutation: str
    email: str | None
    phone: str | None
    language: str = "de"
    account_id: str | None = None
    customer_since: date | None = None
    consents: tuple[Consent, ...] = ()

    @property
    def crm_id(self) -> str:
        """The helpdesk knows the CRM's number of everybody."""
        return self.id


class Agreement(Struct, frozen=True, kw_only=True):
    id: str
    customer_id: str
    product: str
    status: ContractStatus
    starts: date
    ends: date | None = None
    notice_by: date | None = None
    monthly_amount: Money
    discount_ends: date | None = None
    amount_after_discount: Money | None = None


class Sale(Struct, frozen=True, kw_only=True):
    id: str
    customer_id: str
    at: datetime
    amount: Money
    margin: Money | None = None


class Case(Struct, frozen=True, kw_only=True):
    id: str
    customer_id: str
    type: str
    subject: str
    text: str
    opened: datetime
    status: str
    priority: str = "normal"
    score: Literal["good", "bad"] | None = None


class Center(Struct, frozen=True, kw_only=True):
    """All of it. `callers` are three people worth a call, with what is the matter."""

    accounts: tuple[Company, ...]
    customers: tuple[Person, ...]
    contracts: tuple[Agreement, ...]
    purchases: tuple[Sale, ...]
    tickets: tuple[Case, ...]
    callers: tuple[tuple[str, str], ...]
    """Phone number and one line about the caller."""


_WOMEN = "Katrin Sabine Aylin Monika Julia Petra Fatma Anna Lena Birgit Claudia Elif Svenja Ute Marta Nadine".split()
_MEN = "Jens Mehmet Thomas Stefan Uwe Paul Jan Andreas Emre Klaus Lukas Tobias Piotr Dirk Felix Norbert".split()
_NAMES = (
    "Albers Yılmaz Krüger Weiß Schröder Demir Hoffmann Petersen Nowak Böhm Lindner Öztürk Jansen Fuchs Vogt Pohl "
    "Schäfer Kaya Busch Wendt Lorenz Thiel Sommer Brandt"
).split()
_SHOPS = "Optik Bäckerei Fahrräder Blumen Schreinerei Physiotherapie Buchladen Elektro".split()
_RANGES = ("+493023125", "+494066969", "+496990009", "+492214710", "+498999998")
"""`Rufnummern für Medien`, each with three more digits."""
_TARIFFS = (("Glasfaser 250", "29.90", "44.90"), ("Glasfaser 500", "39.90", "54.90"), ("DSL 100", "24.90", "34.90"))
_OWNERS = ("Jana Brandt", "Oliver Seidel", "Merve Aksoy")
_CASES = (
    ("problem", "Router startet neu", "Seit dem Update startet der Router mehrmals am Tag neu."),
    ("question", "Rechnung als PDF", "Wo finde ich meine Rechnung als PDF?"),
    ("problem", "Langsames Internet am Abend", "Abends kommen nur 20 Mbit/s an."),
    ("question", "Umzug der Leitung", "Ich ziehe innerhalb der Stadt um. Was muss ich tun?"),
    ("complaint", "Techniker kam nicht", "Zum zweiten Mal Urlaub genommen, und wieder kam niemand."),
)


def make_center(*, now: datetime, customers: int = 60, seed: int = 7) -> Center:
    """The contact center as it stands at `now`, with three callers of known fate and `customers` others."""
    random = Random(seed)
    today = now.date()
    stories = _stories(now)
    people: list[Person] = [person for person, *_ in stories]
    contracts = [agreement for _, agreements, _, _ in stories for agreement in agreements]
    tickets = [case for _, _, cases, _ in stories for case in cases]
    accounts = [Company(id="F1", name="Albers Optik GmbH", segment="Gewerbe", owner=_OWNERS[0])]
    purchases: list[Sale] = []
    for number in range(customers):
        person, account = _person(random, number, today)
        people.append(person)
        if account is not None:
            accounts.append(account)
        contracts.append(_agreement(random, number, person, today))
        if random.random() < 0.4:
            purchases += _sales(random, number, person, now)
        if random.random() < 0.45:
            tickets.append(_case(random, number, person, now))
    return Center(
        accounts=tuple(accounts),
        customers=tuple(people),
        contracts=tuple(contracts),
        purchases=tuple(purchases),
        tickets=tuple(tickets),
        callers=tuple((str(person.phone), about) for person, _, _, about in stories),
    )


def _stories(now: datetime) -> list[tuple[Person, list[Agreement], list[Case], str]]:
    today = now.date()
    albers = _made("1001", "Frau", "Katrin", "Albers", "+493023125101", date(2019, 3, 1), account="F1")
    krueger = _made("1002", "Herr", "Thomas", "Krüger", "+494066969102", date(2022, 6, 1))
    yilmaz = _made("1003", "Frau", "Aylin", "Yılmaz", "+492214710103", date(2016, 9, 1), language="en")
    ends = today + timedelta(days=41)
    return [
        (
            albers,
            [
                _contract("V1001", albers, "Business 1000", "129.00", "189.00", date(2019, 3, 1), ends, discount=ends),
            ],
            [
                Case(
                    id="T1001",
                    customer_id=albers.id,
                    type="complaint",
                    subject="Vier Tage ohne Anschluss",
                    text="Vier Tage ohne Anschluss, und das mit einem Geschäft. So geht das nicht.",
                    opened=now - timedelta(days=6),
                    status="open",
                    priority="high",
                    score="bad",
                ),
            ],
            "complaint after four days without a line, contract ends in 41 days",
        ),
        (
            krueger,
            [
                _contract(
                    "V1002",
                    krueger,
                    "Glasfaser 500",
                    "39.90",
                    "54.90",
                    date(2022, 6, 1),
                    today + timedelta(days=180),
                    discount=today + timedelta(days=12),
                )
            ],
            [],
            "first-year price ends in twelve days",
        ),
        (
            yilmaz,
            [_contract("V1003", yilmaz, "DSL 100", "34.90", None, date(2016, 9, 1), today + timedelta(days=300))],
            [],
            "with us for years, nothing wrong; speaks English",
        ),
    ]


def _made(
    number: str,
    salutation: str,
    given: str,
    family: str,
    phone: str,
    since: date,
    *,
    language: str = "de",
    account: str | None = None,
) -> Person:
    return Person(
        id=number,
        name=f"{given} {family}",
        given_name=given,
        family_name=family,
        salutation=salutation,
        email=f"{_ascii(given)}.{_ascii(family)}.{number}@example.de",
        phone=phone,
        language=language,
        account_id=account,
        customer_since=since,
        consents=(
            Consent(
                channel=Channel.email,
                status=ConsentStatus.granted,
                at=datetime(since.year, since.month, since.day, 12, tzinfo=timezone.utc),
            ),
        ),
    )


def _contract(
    number: str,
    person: Person,
    product: str,
    monthly: str,
    after: str | None,
    starts: date,
    ends: date | None,
    *,
    discount: date | None = None,
) -> Agreement:
    return Agreement(
        id=number,
        customer_id=person.id,
        product=product,
        status=ContractStatus.active,
        starts=starts,
        ends=ends,
        notice_by=ends - timedelta(days=30) if ends else None,
        monthly_amount=Money.of(Decimal(monthly), "EUR"),
        discount_ends=discount,
        amount_after_discount=Money.of(Decimal(after), "EUR") if after and discount else None,
    )


def _person(random: Random, number: int, today: date) -> tuple[Person, Company | None]:
    woman = random.random() < 0.5
    given, family = random.choice(_WOMEN if woman else _MEN), random.choice(_NAMES)
    phone = f"{_RANGES[number % len(_RANGES)]}{200 + number // len(_RANGES):03d}"
    account = None
    if random.random() < 0.15:
        shop = random.choice(_SHOPS)
        account = Company(
            id=f"F{10 + number}", name=f"{shop} {family}", segment="Gewerbe", owner=random.choice(_OWNERS)
        )
    person = _made(
        str(2000 + number),
        "Frau" if woman else "Herr",
        given,
        family,
        phone,
        today - timedelta(days=random.randint(60, 3000)),
        language="en" if random.random() < 0.1 else "de",
        account=account.id if account else None,
    )
    return person, account


def _agreement(random: Random, number: int, person: Person, today: date) -> Agreement:
    product, monthly, after = random.choice(_TARIFFS)
    starts = person.customer_since or today
    ends = today + timedelta(days=random.randint(5, 720))
    discount = today + timedelta(days=random.randint(5, 300)) if random.random() < 0.35 else None
    return _contract(f"V{2000 + number}", person, product, monthly, after, starts, ends, discount=discount)


def _sales(random: Random, number: int, person: Person, now: datetime) -> list[Sale]:
    every, at = random.randint(30, 120), now - timedelta(days=random.randint(5, 150))
    sales = []
    for place in range(random.randint(2, 8)):
        amount = Decimal(random.randint(900, 12_000)) / 100
        sales.append(
            Sale(
                id=f"B{2000 + number}-{place}",
                customer_id=person.id,
                at=at,
                amount=Money.of(amount, "EUR"),
                margin=Money.of(amount * Decimal("0.3"), "EUR"),
            )
        )
        at -= timedelta(days=max(5, int(random.gauss(every, every / 4))))
    return sales


def _case(random: Random, number: int, person: Person, now: datetime) -> Case:
    kind, subject, text = random.choice(_CASES)
    done = random.random() < 0.7
    return Case(
        id=f"T{2000 + number}",
        customer_id=person.id,
        type=kind,
        subject=subject,
        text=text,
        opened=now - timedelta(days=random.randint(3, 120), hours=random.randint(0, 23)),
        status="resolved" if done else random.choice(("open", "waiting")),
        priority=random.choice(("normal", "normal", "high")),
        score=random.choice(("good", "good", "bad")) if done and random.random() < 0.5 else None,
    )


def _ascii(name: str) -> str:
    folded = name.casefold()
    for letter, plain in _FOLDED:
        folded = folded.replace(letter, plain)
    return "".join(letter for letter in folded if letter.isascii() and letter.isalpha())


_FOLDED = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("ı", "i"), ("ş", "s"))
