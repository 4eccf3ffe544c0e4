"""`/v1/automations/vocabulary` and `…/message_preview`: all that the builder offers, and how a message reads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from bridge.acting.approaching import office_of
from bridge.automation import forms
from bridge.automation.forms import MessageForm, StepForm
from bridge.automation.messages import (
    LINKS,
    LONGEST_LINE,
    LONGEST_SMS,
    LONGEST_SUBJECT,
    OFFER_WORDS,
    Written,
    load_messages,
    words_known,
)
from bridge.automation.rules import CHANNELS, Automation, load_automations
from bridge.automation.triggers import SINCE, TRIGGERS, Trigger, fact_vocabulary
from bridge.conditions import OPERATORS, Field, nearest
from bridge.console import words as said
from bridge.console.automations import form_of
from bridge.console.words import Said
from bridge.errors import BadRequest, ConfigError
from bridge.facts import FactKind
from bridge.gateway.endpoint import Call
from bridge.model import Money
from bridge.playbook.offers import Catalogue
from bridge.playbook.situation import SCRIPT_VOCABULARY
from bridge.playbook.texts import Line
from bridge.scoring.wording import LANGUAGES, plain

_ACTIONS: Final = {"offer": "send_email", "notify": "send_email", "webhook": "add_note"}
_LONGEST: Final = {"subject": LONGEST_SUBJECT, "reason": LONGEST_LINE, "text": LONGEST_LINE}
_EXAMPLE: Final[dict[str, Any]] = {
    "owner": "Jana Brandt",
    "product": "Comfort",
    "since_year": "2019",
    "fact_score": 3,
    "fact_scale": 10,
    "fact_metric": "NPS",
    "fact_product": "Comfort",
    "fact_date": date(2027, 1, 31),
    "fact_days": 60,
    "fact_day": 14,
    "fact_wait": 95,
}
"""What is known of the customer in examples; what is not here is as it is for many: not known."""
_NAMED: Final = {"de": "Frau Dr. Albers", "en": "Dr Albers"}
_LINK: Final = "https://…"

ParameterKind = Literal["message", "texts", "flag", "choice", "number", "text", "span", "source", "offer"]


class Value(Struct, kw_only=True):
    """One value of a field; `beside` ones stand outside its order."""

    value: str
    title: Said
    beside: bool = False


class Code(Struct, kw_only=True):
    """One signal with its bands."""

    value: str
    title: Said
    bands: list[Value]


class Name(Struct, kw_only=True):
    """A name that conditions may ask: `kind` as in docs/AUTOMATIONS.md, with the operators it takes."""

    name: str
    kind: str
    title: Said
    operators: tuple[str, ...]
    values: list[Value] = []
    codes: list[Code] = []


class When(Struct, kw_only=True):
    """Something that sets automations off. `counts`: the parameter it needs, and how that is said."""

    fact: str
    title: Said
    counts: str
    counts_title: Said | None
    schedule: bool
    fields: list[Name]
    words: list[Value]
    """What texts may name: the insertable `{{ word }}`."""


class Parameter(Struct, kw_only=True):
    """A parameter of a step. `longest` in characters, for texts."""

    name: str
    kind: ParameterKind
    title: Said
    required: bool
    longest: int = 0
    values: list[Value] = []


class What(Struct, kw_only=True):
    """A step. `sources` are those that can do it; `needs_source` is false for wait and stop_if."""

    do: str
    title: Said
    reaches: str
    """The channel by which the customer is reached; "" where nobody is."""
    needs_source: bool
    sources: tuple[str, ...]
    cost: float
    parameters: list[Parameter]


class Stored(Struct, kw_only=True):
    """A message of `config/messages`."""

    id: str
    form: MessageForm


class Offered(Struct, kw_only=True):
    """An offer of the catalogue; `amount` is whether it is made of a sum of money."""

    id: str
    title: Said
    amount: bool


class Vocabulary(Struct, kw_only=True):
    """All that the builder offers, with words in German and English."""

    currency: str
    languages: tuple[str, ...]
    triggers: list[When]
    names: list[Name]
    since: list[Name]
    operators: dict[str, Said]
    steps: list[What]
    messages: list[Stored]
    offers: list[Offered]
    owners: list[str]
    templates: list[dict[str, Any]]
    reasons: dict[str, Said]
    states: dict[str, Said]


class Example(Struct, kw_only=True, forbid_unknown_fields=True):
    """A message as it is being written: lines that are missing in a language are taken from the other."""

    subject: dict[str, str | tuple[str, ...]] = {}
    lines: dict[str, str | tuple[str, ...]] = {}
    message: str | None = None
    """Instead: the name of one of `config/messages`."""
    fact: str = "survey.answered"


class Page(Struct, kw_only=True):
    """A message in one language. `missing`: nothing was written in it, this is the other. `left_out` are words whose
    lines are dropped for the example customer, who has no such thing."""

    subject: str
    text: str
    missing: bool
    customers: int
    """Whose language it is, as far as that is known."""
    left_out: list[str]


class Pages(Struct, kw_only=True):
    """In each language; `links` are named by it and made for each customer when it is sent."""

    de: Page
    en: Page
    links: list[str]


async def vocabulary(call: Call) -> Vocabulary:
    """Triggers, names for conditions, steps with who can do them, messages, offers, templates."""
    desk = call.gate.desk
    office = office_of(desk, {})
    # files are read beside the loop on which callers are answered
    messages, templates = await asyncio.to_thread(_read_files, desk.settings.config_dir, office.catalogue)
    return Vocabulary(
        currency=office.currency,
        languages=LANGUAGES,
        triggers=_triggers(),
        names=[_name(name, field) for name, field in SCRIPT_VOCABULARY.items()],
        since=[_name(name, field) for name, field in SINCE.items()],
        operators=dict(said.OPERATORS),
        steps=[_what(do, office.sources, office.policy.costs.get(do, 0.0)) for do in StepForm.__struct_fields__],
        messages=[Stored(id=id, form=form) for id, form in sorted(messages.items())],
        offers=[
            Offered(id=one.id, title=one.name, amount=one.limits is not None)
            for one in office.catalogue.offers.values()
        ],
        owners=sorted(office.policy.people),
        templates=[form_of(one.file) for one in templates],
        reasons=dict(said.REASONS),
        states=dict(said.STATES),
    )


def _read_files(folder: Path, catalogue: Catalogue) -> tuple[dict[str, MessageForm], tuple[Automation, ...]]:
    messages = dict(load_messages(folder / "messages"))
    return messages, load_automations(folder / "automations", catalogue, messages)


async def message_preview(call: Call, body: Example) -> Pages:
    """How a message reads for an example customer, in German and English. 400 names the place that is wrong."""
    desk = call.gate.desk
    subject, lines = body.subject, body.lines
    if body.message is not None:
        messages = await asyncio.to_thread(load_messages, desk.settings.config_dir / "messages")
        if body.message not in messages:
            raise BadRequest(f"message: there is no such message; {nearest(body.message, messages)}")
        subject, lines = messages[body.message].subject, messages[body.message].lines
    if body.fact not in said.FACTS:
        raise BadRequest(f"fact: there is no such fact; {nearest(body.fact, said.FACTS)}")
    known = words_known(fact_vocabulary(FactKind(body.fact)))
    counts = {str(row[0]): int(row[1]) for row in await call.gate.store.all("building.languages")}
    try:
        written = {one: _write(call, subject, lines, one, known, counts) for one in LANGUAGES}
    except ConfigError as problem:
        raise BadRequest(str(problem)) from None
    named = {name for text in _texts(subject, lines) for name in _needs(text, known)}
    return Pages(de=written["de"], en=written["en"], links=sorted(named & LINKS))


def _write(
    call: Call,
    subject: Mapping[str, str | tuple[str, ...]],
    lines: Mapping[str, str | tuple[str, ...]],
    language: str,
    known: frozenset[str],
    counts: Mapping[str, int],
) -> Page:
    other = next(one for one in LANGUAGES if one != language)
    missing = not _each(lines.get(language)) or not _each(subject.get(language))
    used = other if missing else language
    credit = Money(2000, office_of(call.gate.desk, {}).currency)
    offer = {"offer": {"de": "Gutschrift", "en": "credit"}[used], "offer_amount": credit}
    example = {name: value for name, value in _EXAMPLE.items() if name in known}
    words = Written(example | offer | {"customer": _NAMED[used]}, used, dict.fromkeys(LINKS, _LINK))
    left_out: set[str] = set()

    def fill(texts: Iterable[str], where: str) -> list[str]:
        filled = []
        for place, text in enumerate(texts):
            line = Line(text, known, f"{where}.{used}[{place}]")
            said_ = line.fill(words)
            left_out.update(line.needs - words.known) if said_ is None else filled.append(said_)
        return filled

    subjects = fill(_each(subject.get(used)), "subject")
    policy = call.gate.desk.rules.outreach
    greeting = Line(policy.greeting[used], known, "greeting").fill(words) or policy.greeting_unnamed[used]
    text = "\n\n".join((greeting, *fill(_each(lines.get(used)), "lines"), policy.closing[used].strip()))
    return Page(
        subject=plain(subjects[0], LONGEST_SUBJECT) if subjects else "",
        text=text,
        missing=missing,
        customers=counts.get(language, 0),
        left_out=sorted(left_out),
    )


def _each(given: str | tuple[str, ...] | None) -> tuple[str, ...]:
    texts = (given,) if isinstance(given, str) else given or ()
    return tuple(one for one in texts if one.strip())


def _texts(*given: Mapping[str, str | tuple[str, ...]]) -> list[str]:
    return [text for texts in given for one in texts.values() for text in _each(one)]


def _needs(text: str, known: frozenset[str]) -> frozenset[str]:
    return Line(text, known, "lines").needs


@lru_cache(maxsize=1)
def _triggers() -> list[When]:
    return [_when(kind, trigger) for kind, trigger in TRIGGERS.items()]


def _when(kind: FactKind, trigger: Trigger) -> When:
    fields = fact_vocabulary(kind)
    return When(
        fact=kind.value,
        title=said.FACTS[kind.value],
        counts=trigger.counts,
        counts_title=said.COUNTS[kind.value] if trigger.counts else None,
        schedule=kind is FactKind.schedule_due,
        fields=[_name(name, field) for name, field in fields.items()],
        words=[
            *(Value(value=name, title=title) for name, title in said.WORDS.items() if name not in OFFER_WORDS),
            *(Value(value=name.replace(".", "_"), title=said.FACT_FIELDS[name]) for name in fields),
        ],
    )


def _name(name: str, field: Field) -> Name:
    known = [*((one, False) for one in field.values), *((one, True) for one in field.beside)]
    return Name(
        name=name,
        kind=field.kind.value,
        title=said.FACT_FIELDS[name] if name.startswith("fact.") else said.FIELDS[name],
        operators=OPERATORS[field.kind],
        values=[Value(value=str(one), title=said.VALUES[str(one)], beside=beside) for one, beside in known],
        codes=[
            Code(
                value=code,
                title=said.SIGNALS[code],
                bands=[Value(value=band, title=said.of_band(band)) for band in bands],
            )
            for code, bands in field.bands.items()
        ],
    )


def _what(do: str, sources: Mapping[str, frozenset[str]], cost: float) -> What:
    waits = do in ("wait", "stop_if")
    form = _FORMS.get(do)
    return What(
        do=do,
        title=said.STEPS[do],
        reaches=CHANNELS[do].value if do in CHANNELS else "email" if do == "invite_survey" else "",
        needs_source=not waits,
        sources=() if waits else tuple(name for name, can in sources.items() if _ACTIONS.get(do, do) in can),
        cost=cost,
        parameters=[] if form is None else [_parameter(field, do) for field in msgspec.structs.fields(form)],
    )


_FORMS: Final[dict[str, Any]] = {
    "send_email": forms.SendEmail,
    "send_sms": forms.SendSms,
    "schedule_callback": forms.ScheduleCallback,
    "invite_survey": forms.InviteSurvey,
    "offer": forms.MakeOffer,
    "create_ticket": forms.CreateTicket,
    "create_task": forms.CreateTask,
    "add_note": forms.AddNote,
    "notify": forms.Notify,
    "webhook": forms.Webhook,
}
_KINDS: Final[dict[str, ParameterKind]] = {
    "message": "message",
    "text": "texts",
    "subject": "texts",
    "reason": "texts",
    "apology": "flag",
    "preferred_only": "flag",
    "after": "span",
    "through": "source",
    "amount": "number",
    "due": "number",
    "priority": "choice",
    "by": "choice",
}
_CHOICES: Final = {"priority": ("low", "normal", "high", "urgent"), "by": ("email", "sms")}


def _parameter(field: msgspec.structs.FieldInfo, do: str) -> Parameter:
    name = field.name
    return Parameter(
        name=name,
        kind="offer" if name == "id" else _KINDS.get(name, "text"),
        title=said.PARAMETERS[name],
        required=field.required,
        longest=LONGEST_SMS if do == "send_sms" and name == "text" else _LONGEST.get(name, 0),
        values=[Value(value=one, title=said.VALUES[one]) for one in _CHOICES.get(name, ())],
    )
