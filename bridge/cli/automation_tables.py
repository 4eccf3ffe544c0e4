"""Previews and runs of automations in plain words, for the command line."""

from __future__ import annotations

from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from bridge.automation.preview import Note, Preview, Reason
from bridge.cli.desks import out

REASONS: Final[dict[str, str]] = {
    "deceased": "the customer has died",
    "objects_to_profiling": "objects to profiling",
    "opted_out": "wants no more on this channel",
    "consent_denied": "does not allow this channel",
    "consent_missing": "never agreed to advertising here",
    "consent_not_proved": "agreed, but nothing proves it",
    "other_channel_preferred": "prefers another channel",
    "ticket_open": "another matter is open",
    "apologised_already": "was apologised to lately",
    "at_most": "had as many of these as allowed",
    "frequency": "heard from us often enough",
    "quiet_hours": "night, Sunday or holiday there",
    "no_address": "no address known",
    "no_source": "no source can do it",
    "no_unsubscribe": "no link to unsubscribe",
    "already_sent": "was done already",
    "budget_spent": "the budget is spent",
    "offer_running": "has this offer already",
    "gave_up_waiting": "no good moment came in time",
    "not_rolled_out": "not rolled out to them yet",
    "too_old": "known too late",
    "condition": "`if` did not hold",
    "stop_if": "settled meanwhile",
    "customer_gone": "no customer any more",
    "own_ticket": "the ticket is our own",
    "switched_off": "it was switched off",
}
_BLOCKS: Final = " ▁▂▃▄▅▆▇█"


def in_words(reason: str) -> str:
    """What a reason means."""
    return REASONS.get(reason, reason.replace("_", " "))


def show_preview(found: Preview, lang: str) -> None:
    """Print a preview: the outcome first, then step by step, what stood in the way, money, conflicts, the weeks."""
    about = "about " if found.estimated else ""
    out.print(
        f"[bold]{escape(found.title.get(lang, found.automation))}[/] from {found.since:%Y-%m-%d} to "
        f"{found.until:%Y-%m-%d}: set off {about}{_many(found.matched, 'time')}, begun {_number(found.begun)}, "
        f"{about}[bold]{_many(found.reached, 'customer')}[/] reached with {_many(found.messages, 'message')}.",
        highlight=False,
        soft_wrap=True,
    )
    if found.estimated:
        _say(
            f"{_number(found.looked_at)} of {_number(found.customers)} customers were looked at; figures are scaled up."
        )
    if found.held_out:
        _say(f"{_number(found.held_out)} were held out, so that the effect can be measured.")
    for one in found.not_begun:
        _say(f"{_number(one.count)} did not begin: {in_words(one.reason)}.")
    out.print(_steps(found))
    if found.postponed:
        _say(f"Put off for a while: {_listed(found.postponed)}.")
    _money(found)
    for conflict in found.conflicts:
        title = conflict.title.get(lang, conflict.automation)
        _say(
            f"Beside “{title}”: {_number(conflict.takes)} messages of this one were left out because of the other, "
            f"{_number(conflict.loses)} of the other because of this one ({_many(conflict.customers, 'customer')})."
        )
    if any(week.messages for week in found.weeks):
        most = max(week.messages for week in found.weeks)
        bars = "".join(_BLOCKS[-(-week.messages * 8 // most)] for week in found.weeks)
        _say(f"Messages by week, {found.weeks[0].begins:%Y-%m-%d} onwards, at most {_number(most)}: {bars}")
    for note in found.notes:
        out.print(f"[yellow]{escape(_noted(note))}[/]", highlight=False, soft_wrap=True)


def _steps(found: Preview) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("step", "came up", "done", "cost"):
        table.add_column(head, justify="left" if head == "step" else "right", no_wrap=True)
    table.add_column("left out", overflow="fold")
    for one in found.steps:
        refused = _listed(one.refused)
        stopped = f"{_number(one.stopped)} ended here" if one.stopped else ""
        table.add_row(
            f"{one.step + 1}. {one.do}",
            _number(one.came_up),
            "" if one.do == "stop_if" else _number(one.done),
            f"{one.cost:,.2f}" if one.cost else "",
            "; ".join(part for part in (refused, stopped) if part),
        )
    return table


def _money(found: Preview) -> None:
    cost, even = found.cost, found.break_even
    if not cost.total:
        return
    _say(
        f"Cost: {cost.total:,.2f} {cost.currency}, {cost.per_month:,.2f} a month, "
        f"{cost.per_reached:,.2f} for each customer reached."
    )
    if cost.exhausted_periods:
        first = cost.exhausted[0]
        refused = sum(one.refused for one in cost.exhausted)
        _say(
            f"The budget of {cost.budget:,.2f} {cost.currency} a {cost.every} was spent in "
            f"{_many(cost.exhausted_periods, 'period')}, first on {first.at:%Y-%m-%d}; "
            f"{_number(refused)} steps were left out."
        )
    if even.value_each is None:
        _say("What a customer is worth is not known yet, so nothing can be said about when it pays.")
    elif even.one_in is not None and even.share is not None:
        _say(
            f"It pays from 1 in {_number(even.one_in)} kept because of it ({even.share:.1%}): who is kept brings "
            f"{even.value_each:,.2f} {cost.currency} on average."
        )
    elif even.cost_each:
        _say(f"It never pays: a customer brings {even.value_each:,.2f}, and reaching one costs {even.cost_each:,.2f}.")


def _listed(reasons: tuple[Reason, ...]) -> str:
    return "; ".join(f"{_number(one.count)} {in_words(one.reason)}" for one in reasons)


def _noted(note: Note) -> str:
    return {
        "no_source": f"{note.place}: no source can do this today; it is counted as if one could.",
        "no_unsubscribe": "Advertising e-mails need a link to unsubscribe; counted as if there were one.",
        "imported": f"{_number(note.count)} runs were before the customer was known here: consent and the like are as "
        "of today.",
        "left_out": f"“{note.automation}” is on too and needs past scores: it is not set against this one "
        "(--thorough does).",
        "no_history": "Nothing tells of such facts in the past.",
    }.get(note.code, note.code)


def _number(count: int) -> str:
    return f"{count:,}"


def _many(count: int, what: str) -> str:
    return f"{_number(count)} {what}{'' if count == 1 else 's'}"


def _say(text: str, **more: Any) -> None:
    out.print(escape(text), highlight=False, soft_wrap=True, **more)
