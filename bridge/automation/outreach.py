"""How customers are approached, whatever the automation: `config/outreach.yaml`."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from bridge.adapter.addresses import normalise_email
from bridge.adapter.yamlfile import check, read_yaml
from bridge.adapter.yamlplaces import with_lines
from bridge.automation.forms import DOING
from bridge.automation.holidays import Region, is_public_holiday, read_laws
from bridge.conditions import nearest
from bridge.errors import ConfigError
from bridge.model import Channel, Customer
from bridge.playbook.situation import WORDS
from bridge.playbook.texts import Line
from bridge.scoring.wording import LANGUAGES

_Clock = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Span = Annotated[tuple[_Clock, _Clock], Meta(description="From and to, such as ['08:00', '20:00']")]
_DAYS_AHEAD = 400


class Hours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When customers may be approached, at their own place; a day that is left out is quiet."""

    monday_to_friday: Span | None = ("08:00", "20:00")
    saturday: Span | None = None
    sunday: Span | None = None


class Cap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most so many messages to one customer within so many days, of all automations together."""

    messages: Annotated[int, Meta(ge=1, le=1000)]
    days: Annotated[int, Meta(ge=1, le=3650)]


class LinkDays(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many days the links of a message are good."""

    unsubscribe: Annotated[int, Meta(ge=60, le=3650)] = 400
    renew: Annotated[int, Meta(ge=1, le=3650)] = 60
    accept: Annotated[int, Meta(ge=1, le=3650)] = 30


class Outreach(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form of `config/outreach.yaml`; what is left out is careful."""

    time_zone: str = "Europe/Berlin"
    """Of customers whose own is not known, and of the days of schedules."""
    language: Literal["de", "en"] = "de"
    """Of what is written to employees."""
    hours: Hours = Hours()
    hours_by_channel: dict[Literal["voice", "email", "sms"], Hours] = {}
    public_holidays: Region | None = None
    """Quiet days of this German state, by its letters (BW, BY …; DE: those that all states have), every year anew."""
    holidays: tuple[str, ...] = ()
    """Further quiet days, such as 2026-12-24."""
    caps: tuple[Cap, ...] = (Cap(messages=1, days=3), Cap(messages=4, days=30))
    service_caps: tuple[Cap, ...] = (Cap(messages=2, days=1),)
    """Of service messages; these do not count the others."""
    advertising_consent: Literal["proved", "granted"] = "proved"
    """proved: granted, with its date and its evidence."""
    apology_days: Annotated[int, Meta(ge=0, le=3650)] = 30
    """Within which nobody is apologised to again."""
    patience_days: Annotated[int, Meta(ge=0, le=365)] = 7
    """For how long a message waits for a better moment before it is given up."""
    unsubscribe: Annotated[str, Meta(pattern="^((https://|mailto:)[^ ]+)?$")] = ""
    """Where customers say that they want no more, while there are no links of their own for it."""
    links: LinkDays = LinkDays()
    company: Annotated[str, Meta(max_length=80)] = ""
    """As customers know it: stands above the pages that links lead to."""
    reach_us: dict[str, Annotated[str, Meta(max_length=200)]] = {}
    """In each language, how customers reach a person: a number, an address."""
    hand_over: tuple[Literal["create_task", "create_ticket", "add_note", "notify"], ...] = (
        "create_task",
        "create_ticket",
        "add_note",
        "notify",
    )
    """How employees learn that a customer renews or accepts: the first of these that a source can do."""
    through: dict[str, str] = {}
    """Action → the source that does it."""
    costs: dict[str, Annotated[float, Meta(ge=0, le=100_000)]] = {}
    """Step → what doing it once costs, in whole units of the main currency."""
    people: dict[str, str] = {}
    """Name of an account manager → e-mail address."""
    team: str = ""
    """Address that hears what no account manager does."""
    greeting: dict[str, str] = msgspec.field(
        default_factory=lambda: {"de": "Guten Tag {{ customer }},", "en": "Hello {{ customer }},"}
    )
    greeting_unnamed: dict[str, str] = msgspec.field(default_factory=lambda: {"de": "Guten Tag,", "en": "Hello,"})
    closing: dict[str, str] = msgspec.field(default_factory=lambda: {"de": "Freundliche Grüße", "en": "Kind regards"})

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def late(self) -> timedelta:
        """How long after its time something is still done, when nobody was at work or all was held meanwhile."""
        return timedelta(days=max(self.patience_days, 1))

    def is_holiday(self, day: date) -> bool:
        """Whether all of `day` is quiet, whatever day of the week it is."""
        return is_public_holiday(self.public_holidays, day) or day.isoformat() in self.holidays

    def spans(self, channel: Channel) -> Hours:
        """The hours of one channel."""
        return next((hours for name, hours in self.hours_by_channel.items() if name == channel.value), self.hours)


def load_outreach(path: Path) -> Outreach:
    """Read and check `path`; what is careful where there is no such file. Raises ConfigError with file, line, path."""
    if not path.exists():
        return Outreach()
    with with_lines(path):
        file = check(read_yaml(path) or {}, Outreach, str(path))
        _check_hours(file, str(path))
        _check_names(file, str(path))
        _check_texts(file, str(path))
    return file


def _check_hours(file: Outreach, path: str) -> None:
    read_laws(file.public_holidays)
    try:
        ZoneInfo(file.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"{path}: time_zone", f"there is no time zone {file.time_zone!r}") from None
    for place, day in enumerate(file.holidays):
        if not _is_day(day):
            raise ConfigError(f"{path}: holidays[{place}]", f"{day!r} is not a date as 2026-12-25")
    for name, hours in [
        ("hours", file.hours),
        *((f"hours_by_channel.{k}", v) for k, v in file.hours_by_channel.items()),
    ]:
        for field, span in msgspec.structs.asdict(hours).items():
            if span is not None and span[0] >= span[1]:
                raise ConfigError(f"{path}: {name}.{field}", "ends before it begins")
    if all(span is None for span in msgspec.structs.astuple(file.hours)):
        raise ConfigError(f"{path}: hours", "leaves no time at all; switch automations off instead")


def _check_names(file: Outreach, path: str) -> None:
    for name, given in (("costs", file.costs), ("through", file.through)):
        for step in given:
            if step not in DOING:
                raise ConfigError(f"{path}: {name}.{step}", f"there is no such step; {nearest(step, DOING)}")
    for where, address in (("team", file.team), *((f"people.{one}", to) for one, to in file.people.items())):
        if address and normalise_email(address) is None:
            raise ConfigError(f"{path}: {where}", "is no e-mail address")


def _check_texts(file: Outreach, path: str) -> None:
    for name in ("greeting", "greeting_unnamed", "closing", *(("reach_us",) if file.reach_us else ())):
        for language in LANGUAGES:
            if not getattr(file, name).get(language):
                raise ConfigError(f"{path}: {name}.{language}", "the text is missing")
    for language in LANGUAGES:
        Line(file.greeting[language], WORDS, f"{path}: greeting.{language}")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text  # days are compared as they are written
    except ValueError:
        return False


def zone_of(customer: Customer, policy: Outreach) -> ZoneInfo:
    """Where the customer's clock stands, as far as it is known."""
    try:
        return ZoneInfo(customer.time_zone) if customer.time_zone else policy.zone
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return policy.zone


def next_open(policy: Outreach, channel: Channel, zone: ZoneInfo, at: datetime) -> datetime | None:
    """The first instant from `at` on at which the channel is not quiet, in UTC; None when it always is."""
    hours = policy.spans(channel)
    today = at.astimezone(zone).date()
    for ahead in range(_DAYS_AHEAD):
        day = today + timedelta(days=ahead)
        span = (hours.saturday if day.weekday() == 5 else hours.sunday) if day.weekday() > 4 else hours.monday_to_friday
        if span is None or policy.is_holiday(day):
            continue
        begins, ends = _hours(day, span, zone)
        if at < ends:
            return max(at, begins)
    return None


@lru_cache(maxsize=4096)  # the same days are asked for again and again
def _hours(day: date, span: tuple[str, str], zone: ZoneInfo) -> tuple[datetime, datetime]:
    begins, ends = (datetime.combine(day, time.fromisoformat(one), zone).astimezone(timezone.utc) for one in span)
    return begins, ends
