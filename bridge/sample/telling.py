"""How a caller's story is told by hand: one line of text for each thing that happened."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from bridge.model import Channel, Consent, ConsentStatus, ContractStatus, Money
from bridge.sample import habits, names
from bridge.sample.records import Agreement, Call, Caller, Case, Company, Person, Reading, Sale, Survey, User


class Told(Struct, kw_only=True):
    """The records of the stories."""

    now: datetime
    accounts: list[Company] = field(default_factory=list)
    customers: list[Person] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    contracts: list[Agreement] = field(default_factory=list)
    purchases: list[Sale] = field(default_factory=list)
    tickets: list[Case] = field(default_factory=list)
    surveys: list[Survey] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    told: list[Caller] = field(default_factory=list)

    @property
    def callers(self) -> tuple[Caller, ...]:
        """In the order in which they are told."""
        return tuple(self.told)

    def ago(self, days: float) -> datetime:
        """Ten in the morning, so many days ago (or that part of the day ago, where it is less than one)."""
        if days < 1:
            return self.now - timedelta(days=days)
        day = self.now.date() - timedelta(days=int(days))
        return datetime.combine(day, time(10), timezone.utc)

    def person(self, name: str, phone: str, years: float, de: str, en: str, **more: Any) -> Person:
        """One more caller, with an entry in the helpdesk."""
        given, _, family = name.partition(" ")
        number = str(1001 + len(self.customers))
        since = self.now.date() - timedelta(days=int(years * 365))
        consent = Consent(channel=Channel.email, status=ConsentStatus.granted, at=habits.noon(since))
        facts: dict[str, Any] = {
            "salutation": "Frau" if given in names.WOMEN else "Herr",
            "email": f"{names.ascii_name(given)}.{names.ascii_name(family)}.{number}@example.de",
            "customer_since": since,
            "consents": (consent,),
        }
        made = Person(id=number, name=name, given_name=given, family_name=family, phone=phone, **facts | more)
        self.customers.append(made)
        if de:
            self.told.append(Caller(phone=phone, about={"de": de, "en": en}, customer_id=number))
        self.users.append(
            User(
                id=f"U{number}",
                name=name,
                email=made.email,
                phone=phone,
                crm_id=number,
                language=made.language,
                since=self.ago(400),
            )
        )
        return made

    def contract(
        self, person: Person, product: str, monthly: str, *, ends: int | None, after: str = "", discount: int = 0,
        **more: Any,
    ) -> None:  # fmt: skip
        """The contract that `person` signed; `ends` and `discount` (its end) in days from now."""
        today = self.now.date()
        end = today + timedelta(days=ends) if ends is not None else None
        self.contracts.append(
            msgspec.structs.replace(
                Agreement(
                    id=f"V{person.id}",
                    customer_id=person.id,
                    product=product,
                    status=ContractStatus.active,
                    starts=person.customer_since or today,
                    ends=end,
                    notice_by=end - timedelta(days=30) if end else None,
                    monthly_amount=Money.of(Decimal(monthly), "EUR"),
                    discount_ends=today + timedelta(days=discount) if after else None,
                    amount_after_discount=Money.of(Decimal(after), "EUR") if after else None,
                ),
                **more,
            )
        )

    def ticket(
        self, person: Person, days: float, kind: Literal["question", "problem", "complaint", "cancellation"],
        subject: str, text: str, *, settled: bool = False, **more: Any,
    ) -> None:  # fmt: skip
        """A ticket of `person`, opened so many days ago; open unless `settled` after two days."""
        opened = self.ago(days)
        done = opened + timedelta(days=2)
        facts: dict[str, Any] = {
            "status": "resolved" if settled else "open",
            "settled": done if settled else None,
            "first_reply": opened + timedelta(hours=5) if settled else None,
        }
        self.tickets.append(
            Case(
                id=f"T{person.id}-{len(self.tickets)}",
                customer_id=person.id,
                user_id=f"U{person.id}",
                type=kind,
                subject=subject,
                text=text,
                opened=opened,
                **facts | more,
            )
        )

    def call(self, person: Person, days: float, wait: int, *, reached: bool, queue: str = "technik") -> None:
        """A call of `person` that waited so many seconds."""
        started = self.ago(days)
        answered = started + timedelta(seconds=35 + wait) if reached else None
        self.calls.append(
            Call(
                id=f"A{person.id}-{len(self.calls)}",
                customer_id=person.id,
                phone=person.phone,
                our_number=names.HOTLINE,
                started=started,
                answered=answered,
                ended=started + timedelta(seconds=35 + wait + (240 if reached else 0)),
                wait_seconds=wait,
                abandoned=not reached,
                menu_path=("störung", "internet"),
                queue=queue,
            )
        )

    def survey(self, person: Person, days: float, score: int | None, comment: str | None = None) -> None:
        """An NPS invitation, answered a day later with `score`, or never."""
        sent = self.ago(days)
        self.surveys.append(
            Survey(
                id=f"S{person.id}-{len(self.surveys)}",
                customer_id=person.id,
                metric="nps",
                sent=sent,
                answered=None if score is None else sent + timedelta(hours=20),
                score=score,
                comment=comment,
            )
        )

    def use(self, person: Person, gigabytes: tuple[float, ...], opened: tuple[bool, ...]) -> None:
        """What was used in each of the last weeks and which of the last newsletters were opened, oldest first."""
        today = self.now.date()
        for day, value in zip(habits.sundays(today, len(gigabytes)), gigabytes, strict=True):
            self.readings.append(Reading(customer_id=person.id, metric="data_gb", day=day, value=value))
        for day, open in zip(habits.newsletters(today, len(opened)), opened, strict=True):
            self.readings.append(Reading(customer_id=person.id, metric="email_open", day=day, value=float(open)))
