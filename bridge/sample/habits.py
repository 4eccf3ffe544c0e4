"""What people do without talking to anybody: use the line, open newsletters, buy."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from random import Random

from bridge.model import ConsentStatus, Money
from bridge.sample.people import Unit
from bridge.sample.records import Person, Reading, Sale
from bridge.sample.world import World

WEEKS_BACK = 14
"""How many weeks back the usage export reaches."""
NEWSLETTERS = 6
_GOODS = (
    ("WLAN-Verstärker", 6990, 0.28),
    ("Router Pro", 16990, 0.22),
    ("TV-Box", 9990, 0.3),
    ("SIM-Karte Zusatz", 990, 0.6),
    ("Sicherheitspaket Jahr", 4790, 0.7),
    ("Schnurlostelefon", 5490, 0.25),
)
_BUSINESS_GOODS = (("Switch 8 Port", 12900, 0.25), ("Tischtelefon", 14900, 0.3), ("Wartungspaket", 24000, 0.55))


def sale(random: Random, unit: Unit, person: Person, at: datetime, number: int) -> Sale:
    """One purchase of `person`."""
    product, cents, share = random.choice(_BUSINESS_GOODS if unit.business else _GOODS)
    pieces = random.choice((1, 1, 2, 4)) if unit.business else 1
    return Sale(
        id=f"B{unit.persons[0].id}-{number}",
        customer_id=person.id,
        at=at,
        amount=Money(cents * pieces, "EUR"),
        margin=Money(round(cents * pieces * share), "EUR") if random.random() < 0.8 else None,
        product=product,
        refunded=random.random() < 0.03,
    )


def sundays(today: date, count: int = WEEKS_BACK) -> tuple[date, ...]:
    """The last `count` Sundays before `today`, oldest first."""
    last = today - timedelta(days=today.isoweekday() % 7 or 7)
    return tuple(last - timedelta(days=7 * back) for back in reversed(range(count)))


def newsletters(today: date, count: int = NEWSLETTERS) -> tuple[date, ...]:
    """The days on which the last `count` newsletters went out, oldest first: the tenth of each month."""
    day = today.replace(day=10)
    found: list[date] = []
    while len(found) < count:
        if day < today:
            found.append(day)
        day = (day.replace(day=1) - timedelta(days=1)).replace(day=10)
    return tuple(reversed(found))


def readings(
    random: Random, unit: Unit, world: World, *, left: date | None, drift: date | None, sad: bool
) -> list[Reading]:
    """Gigabytes of each week, where the line is fibre (the old network counts nothing), and whether those who get the
    newsletter opened it, until the line was left.

    Use falls by a quarter each month once the interest is gone (`drift`); for anybody a holiday makes it fall.
    """
    signer = unit.persons[0]
    found: list[Reading] = []

    def note(metric: str, day: date, value: float) -> None:
        if day > unit.starts and (left is None or day <= left):
            found.append(Reading(customer_id=signer.id, metric=metric, day=day, value=value))

    if unit.tariff.network == "fibre":
        usual, away = random.lognormvariate(3.9, 0.6), random.randrange(WEEKS_BACK * 3)
        for week, day in enumerate(sundays(world.today)):
            share = 0.2 if week in (away, away + 1) else 1.0
            note("data_gb", day, round(usual * share * 0.75 ** _months(drift, day) * random.lognormvariate(0, 0.16), 1))
    if any(one.channel == "email" and one.status is ConsentStatus.granted for one in signer.consents):
        opens = random.betavariate(1.6, 1.4) * (0.6 if sad else 1.0)
        for day in newsletters(world.today):
            note("email_open", day, float(random.random() < opens * 0.5 ** _months(drift, day)))
    return found


def _months(since: date | None, day: date) -> float:
    return max(0, (day - since).days) / 30.4 if since else 0.0


def noon(day: date) -> datetime:
    """An instant of `day`."""
    return datetime.combine(day, time(12), timezone.utc)
