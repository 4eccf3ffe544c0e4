"""Survey plans, checked and compiled.

A plan is two things at once: `occasion`, by which customers come up, and `rule`, an automation of its own that invites
those who are drawn. So an invitation passes the same gates and the same outbox as everything else that is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.adapter.yamlplaces import with_lines
from bridge.automation.forms import AutomationFile, InviteSurvey, MessageForm, SendEmail, Span, StepForm, When
from bridge.automation.register import Armed
from bridge.automation.rules import Act, Automation, compile_automation, inline
from bridge.automation.survey_forms import NOTHING_SAID, SurveyFile, SurveyingFile, bad_up_to
from bridge.automation.survey_links import WORD, check_link
from bridge.conditions import Predicate
from bridge.errors import ConfigError
from bridge.facts import FactKind
from bridge.playbook.offers import Catalogue

PREFIX: Final = "survey_"
"""What the automation of a plan is called, before the plan's own id."""
ORIGIN: Final = "survey"
"""Of automations that are a plan's; they are switched, but neither edited nor listed as others are."""
_FIRST_DAY: Final = date(2000, 1, 1)
_MAX_AGE: Final = Span(days=2)


class Plan(Struct, frozen=True, kw_only=True):
    """One survey plan as it is used. `occasion` is None where customers come up by the calendar alone."""

    file: SurveyFile
    rule: Automation
    occasion: Automation | None
    who: Predicate
    bad: float | None

    @property
    def id(self) -> str:
        return self.file.id

    @property
    def act(self) -> Act:
        """The step by which customers are invited."""
        step = self.rule.steps[0]
        if not isinstance(step, Act):
            raise TypeError("the first step of a plan invites")
        return step

    @property
    def by_fact(self) -> bool:
        """Customers come up because something happened to them, not because a day has come."""
        return self.occasion is not None and not self.occasion.trigger.by_clock


def armed_of(plan: Plan, armed: tuple[Armed, ...]) -> Armed | None:
    """The plan's automation as it is switched; None before it was adopted."""
    return next((one for one in armed if one.id == plan.rule.id), None)


def load_surveys(folder: Path, catalogue: Catalogue, messages: Mapping[str, MessageForm]) -> tuple[Plan, ...]:
    """Every plan of `folder`, by id; none where there is no such folder. Raises ConfigError with file, line, path."""
    found = []
    for path in sorted(folder.glob("*.yaml")):
        with with_lines(path):
            file = check(read_yaml(path), SurveyFile, str(path))
            if file.id != path.stem:
                raise ConfigError(f"{path}: id", f"is {file.id!r}, but the file is called {path.name}")
            found.append(compile_plan(file, str(path), catalogue, messages))
    return tuple(found)


def load_surveying(path: Path) -> SurveyingFile:
    """Read and check `path`; what is careful where there is no such file. Raises ConfigError."""
    if not path.exists():
        return NOTHING_SAID
    with with_lines(path):
        return check(read_yaml(path) or {}, SurveyingFile, str(path))


def compile_plan(
    file: SurveyFile, path: str, catalogue: Catalogue | None = None, messages: Mapping[str, MessageForm] | None = None
) -> Plan:
    """`file` as it is used; `path` is what errors start with. Raises ConfigError."""
    whole = inline(_automation(file, path), messages or {}, path)
    _check_message(whole, path)
    rule = compile_automation(whole, path, catalogue)
    when, occasion = file.when, None
    if (when.every is None) == (when.after is None):
        raise ConfigError(f"{path}: when", "say either `every` (days) or `after` (what happened)")
    if when.every is not None:
        for name in ("days", "day", "schedule", "where"):
            if getattr(when, name) is not None:
                raise ConfigError(f"{path}: when.{name}", "belongs to `after`")
        if when.delay.length:
            raise ConfigError(f"{path}: when.delay", "belongs to `after`")
    elif when.after == "survey.drawn":
        raise ConfigError(f"{path}: when.after", "is what this plan itself makes happen")
    elif when.after is not None:
        asked = When(fact=when.after, days=when.days, day=when.day, schedule=when.schedule, where=when.where)
        step = StepForm(wait=Span(days=1))
        occasion = compile_automation(
            AutomationFile(id=file.id, title=file.title, when=asked, do=(step,), window=1), path, catalogue
        )
    return Plan(file=file, rule=rule, occasion=occasion, who=rule.condition, bad=bad_up_to(file))


def _automation(file: SurveyFile, path: str) -> AutomationFile:
    invite = file.invite
    if bool(invite.survey) == (invite.message is not None):
        raise ConfigError(f"{path}: invite", "say either `survey` (the survey system's id) or `message` (an e-mail)")
    if bool(invite.link) != (invite.message is not None):
        raise ConfigError(f"{path}: invite.link", "belongs to `message`, and a message needs it")
    if invite.message is not None:
        check_link(invite.link, f"{path}: invite.link")
        if invite.by != "email":
            raise ConfigError(f"{path}: invite.by", "a message is an e-mail")
        step = StepForm(
            send_email=SendEmail(message=invite.message, through=invite.through, preferred_only=invite.preferred_only)
        )
    else:
        asked = InviteSurvey(
            survey=invite.survey, by=invite.by, through=invite.through, preferred_only=invite.preferred_only
        )
        step = StepForm(invite_survey=asked)
    return AutomationFile(
        id=PREFIX + file.id,
        title=file.title,
        when=When(fact="survey.drawn", where={"fact.survey": file.id}),
        condition=file.who,
        purpose=file.purpose,
        while_ticket_open=file.while_ticket_open,
        do=(step,),
        max_age=_MAX_AGE,
        window=1,
    )


def _check_message(file: AutomationFile, path: str) -> None:
    """An e-mail that asks has its link in every language."""
    email = file.do[0].send_email
    if email is None or not isinstance(email.message, MessageForm):
        return
    for language, lines in email.message.lines.items():
        if f"{{{{ {WORD} }}}}" not in str(lines):
            raise ConfigError(f"{path}: invite.message", f"names {{{{ {WORD} }}}} nowhere in its lines ({language})")


def version_of(plan: Plan) -> str:
    """16 hex digits over everything but the mode."""
    body = msgspec.json.encode(msgspec.structs.replace(plan.file, mode="off"), order="deterministic")
    return blake2b(body + plan.rule.version.encode(), digest_size=8).hexdigest()


def share_of(*names: str) -> float:
    """Where names fall among all, from 0 up to 1: the same for good."""
    return int.from_bytes(blake2b("\x1f".join(names).encode(), digest_size=7).digest(), "big") / (1 << 56)


def round_of(every: int, day: date) -> tuple[int, int]:
    """The number of the round of `every` days that `day` lies in, and which day of it."""
    return divmod((day - _FIRST_DAY).days, every)


def comes_up(plan: Plan, customer: str, day: date) -> bool:
    """Whether `day` is the one of its round on which the customer of a periodic plan comes up."""
    every = plan.file.when.every
    if every is None:
        return False
    number, place = round_of(every, day)
    return int(share_of("slot", plan.id, str(number), customer) * every) == place


def occasion_id(plan: Plan, cause: str) -> str:
    """`o_` and 24 hex digits: the same for the same plan and cause (a fact's id; a round and customer)."""
    return "o_" + blake2b(f"{plan.id}\x1f{cause}".encode(), digest_size=12).hexdigest()


def round_cause(plan: Plan, customer: str, day: date) -> str:
    """The cause of a periodic occasion."""
    return f"{round_of(plan.file.when.every or 1, day)[0]}\x1f{customer}"


def fact_cause(kind: FactKind, id: str) -> str:
    """The cause of an occasion that a fact is."""
    return f"{kind.value}\x1f{id}"
