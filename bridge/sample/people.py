"""Who the customers are: homes and firms on one line each, with a temper that no system knows."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from random import Random

from msgspec import Struct

from bridge.model import Channel, Consent, ConsentStatus
from bridge.sample import names
from bridge.sample.records import Company, Person
from bridge.sample.world import WEEKS, World

FIRST_ID = 20_001


class Tariff(Struct, frozen=True):
    """A product: its network, and cents a month in the first year and after."""

    product: str
    network: str
    first: int
    after: int


HOMES = (
    Tariff("DSL 50", "dsl", 2490, 3490),
    Tariff("DSL 100", "dsl", 2990, 3990),
    Tariff("Glasfaser 250", "fibre", 3490, 4490),
    Tariff("Glasfaser 500", "fibre", 3990, 5490),
    Tariff("Glasfaser 1000", "fibre", 4990, 6990),
)
_SOLD = (14, 30, 30, 20, 6)
FIRMS = (Tariff("Business 250", "fibre", 7900, 8900), Tariff("Business 1000", "fibre", 12900, 15900))


class Temper(Struct, frozen=True, kw_only=True):
    """What nobody sees, and what decides.

    `fuse`: the strain at which it is enough. `thrift`: how much the price counts, 0 to 1. `voice`: whether they
    complain before they go, or go without a word. `roots`: how hard it is for them to leave. `memory`: the share of
    strain that is left after a week. `line`: how often their line makes trouble, against others'. `wordy`: how gladly
    they call and write.
    """

    fuse: float
    thrift: float
    voice: float
    roots: float
    memory: float
    line: float
    wordy: float
    age: int


class Unit(Struct, frozen=True, kw_only=True):
    """One line: a home or a firm, whose people share contract and fate. The first of them signed."""

    number: int
    persons: tuple[Person, ...]
    company: Company | None
    temper: Temper
    region: str
    tariff: Tariff
    starts: date
    helpdesk: bool
    """Whether their first entry in the helpdesk carries the CRM's number."""

    @property
    def business(self) -> bool:
        return self.company is not None and not self.company.id.startswith("H")


def make_unit(random: Random, number: int, first: int, most: int, world: World) -> Unit:
    """The unit with that `number`, of at most `most` people, whose ids are counted from `first`."""
    starts = _starts(random, world)
    region = random.choices(names.REGIONS, (30, 22, 14, 18, 16))[0]
    firm = random.random() < 0.085
    temper = _temper(random, firm)
    tariff = random.choices(FIRMS, (75, 25))[0] if firm else random.choices(HOMES, _SOLD)[0]
    company: Company | None
    if firm:
        persons, company = _firm(random, number, first, most, region, starts)
    else:
        persons, company = _home(random, number, first, most, region, starts, temper)
    return Unit(
        number=number,
        persons=persons,
        company=company,
        temper=temper,
        region=region,
        tariff=tariff,
        starts=starts,
        helpdesk=random.random() < 0.85,
    )


def _starts(random: Random, world: World) -> date:
    """Six in ten were there before the three years, the others came in evenly."""
    if random.random() < 0.62:
        return world.start - timedelta(days=int(min(5000, 10 + random.expovariate(1 / 1300))))
    return world.day(random.randrange(WEEKS - 1), random.randrange(7))


def _temper(random: Random, firm: bool) -> Temper:
    thrift = random.betavariate(2, 3.4)
    roots = random.betavariate(2.2, 2) * (1 - 0.3 * thrift)
    return Temper(
        fuse=random.lognormvariate(0.5, 0.5) + 0.6 * roots,
        thrift=thrift * (0.6 if firm else 1.0),
        voice=min(1.0, random.betavariate(1.6, 1.8) * (1.3 if firm else 1.0)),
        roots=roots,
        memory=random.uniform(0.88, 0.975),
        line=random.lognormvariate(-0.25, 0.7),
        wordy=random.lognormvariate(0.2, 0.5) * (1.5 if firm else 1.0),
        age=int(min(92, max(19, random.gauss(49, 17)))),
    )


def _home(
    random: Random, number: int, first: int, most: int, region: str, starts: date, temper: Temper
) -> tuple[tuple[Person, ...], Company | None]:
    phone = names.landline(number)
    signer = _person(random, first, region, starts, phone, age=temper.age)
    if most < 2 or random.random() >= 0.065:
        return (signer,), None
    other = _person(random, first + 1, region, starts + timedelta(days=30), phone, family=signer.family_name)
    if random.random() < 0.45:  # two rows with one number, and nothing that says that they live together
        return (signer, other), None
    home = Company(id=f"H{first}", name=f"Haushalt {signer.family_name}", segment="Privat")
    return tuple(_member(one, home, None) for one in (signer, other)), home


def _firm(
    random: Random, number: int, first: int, most: int, region: str, starts: date
) -> tuple[tuple[Person, ...], Company]:
    size = min(most, random.choices((1, 2, 3, 4, 5, 8), (50, 18, 12, 9, 7, 4))[0])
    phone = names.switchboard(number) if size > 1 else names.landline(number)
    owner = random.choice(names.OWNERS) if size > 2 or random.random() < 0.2 else None
    persons = [_person(random, first + place, region, starts, phone) for place in range(size)]
    family = persons[0].family_name
    name = f"{random.choice(names.TRADES)} {family} {random.choice(names.FORMS)}"
    company = Company(
        id=f"F{first}",
        name=name,
        segment="Gewerbe" if size < 5 else "Mittelstand",
        owner=owner,
        prestige=size > 2 and random.random() < 0.15,
    )
    return tuple(_member(one, company, _job(random, one, place)) for place, one in enumerate(persons)), company


def _job(random: Random, one: Person, place: int) -> str | None:
    jobs = names.JOBS_OF_WOMEN if one.salutation.startswith("Frau") else names.JOBS
    return jobs[random.randrange(2)] if place == 0 else jobs[random.randrange(2, len(jobs))]


def _member(one: Person, company: Company, job: str | None) -> Person:
    values = {name: getattr(one, name) for name in one.__struct_fields__}
    return Person(**values | {"account_id": company.id, "job_title": job, "owner": company.owner})


def _person(
    random: Random, number: int, region: str, since: date, phone: str | None, *, family: str = "", age: int = 45
) -> Person:
    woman = random.random() < 0.5
    given = random.choice(names.WOMEN if woman else names.MEN)
    family = family or random.choice(names.FAMILIES)
    title = " Dr." if random.random() < 0.04 else ""
    email = (
        names.address(random, given, family, str(number)) if random.random() < (0.93 if age < 70 else 0.55) else None
    )
    return Person(
        id=str(number),
        name=f"{given} {family}",
        given_name=given,
        family_name=family,
        salutation=f"{'Frau' if woman else 'Herr'}{title}",
        email=email,
        phone=phone,
        language="en" if random.random() < 0.07 else "de",
        region=region,
        preferred_channel=_preferred(random, email),
        communication_needs=_NEED if random.random() < 0.006 else None,
        customer_since=since,
        consents=_consents(random, email, since),
        objects_to_profiling=random.random() < 0.01,
    )


_NEED = "Hört schwer, bitte schreiben statt anrufen"


def _preferred(random: Random, email: str | None) -> Channel:
    if random.random() < 0.7:
        return Channel.unknown
    return random.choice((Channel.voice, Channel.email, Channel.sms)) if email else Channel.voice


def _consents(random: Random, email: str | None, since: date) -> tuple[Consent, ...]:
    at = datetime.combine(since, time(12), timezone.utc)
    given: list[Consent] = []
    for channel, share in ((Channel.email, 0.55 if email else 0.0), (Channel.voice, 0.3), (Channel.sms, 0.15)):
        if random.random() < 0.8:
            status = ConsentStatus.granted if random.random() < share else ConsentStatus.denied
            given.append(Consent(channel=channel, status=status, at=at))
    return tuple(given)
