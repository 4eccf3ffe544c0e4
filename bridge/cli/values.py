"""The command that finds what customers will still bring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from bridge.cli.desks import out, with_desk
from bridge.cli.fits import aside, belong, require_engine, working, write_model
from bridge.flow import Desk
from bridge.flow.models import in_use, install, roll_back
from bridge.model import Money
from bridge.scoring.worth import Contracts, Every, Segment, write_worth
from bridge.worker import utc_now

if TYPE_CHECKING:
    from bridge.scoring.fit.valuing import Part, Valuing
    from bridge.scoring.fit.worth import Worth

commands = typer.Typer()

_SAID = {
    "history": "this fit, of what was known before",
    "in_use": "the model in use",
    "card": "the points card",
    "constant": "one rate of leaving for all",
}
DISCOUNT_RATE = 0.1
_RENEWALS = (1, 2, 3, 6)
"""Shares that are still there after so many renewals are shown."""


@commands.command(epilog="Example: `bridge fit value --transactions purchases.csv --held-out-from 2025-07-01`")
def value(
    transactions: Annotated[
        Path | None, typer.Option("--transactions", help="CSV with a column each for customer, date and amount")
    ] = None,
    held_out_from: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Of the CSV: first day held out; left out: half of the history"),
    ] = None,
    discount_rate: Annotated[
        float | None,
        typer.Option(min=0, max=0.99, help="By how much less money is worth that comes a year later; left out: 0.1"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Fit and report, and change nothing")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Take the model in use back")] = False,
    model: Annotated[Path | None, typer.Option("--model", help="Write the fitted model to this file")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Find what customers will still bring, in the company's own purchases and contracts, and say how good that is.

    How often and how much people buy is learnt from those who have no contract; who has both keeps the plain average
    of their own purchases beside it. How long contracts go on is learnt from all that are on record, those still
    running too; products or account segments with 200 contracts, 30 of them ended, get a model of their own. The last
    period (a third of the history, at most a year) is kept out and foretold. Each part is taken into use only if it
    comes nearer to what then happened than what is in use now, by more than chance.

    Customers who object to profiling are left out. With `--transactions` the engine is judged on any list of purchases,
    and nothing is taken into use. See docs/VALUE.md.
    """
    of_store = (("--discount-rate", discount_rate), ("--dry-run", dry_run), ("--model", model))
    of_file = (("--transactions", transactions), ("--held-out-from", held_out_from))
    if rollback:
        belong("fit value", "--rollback takes back what is in use", *of_store, *of_file)
        asyncio.run(with_desk(lambda desk: _take_back(desk, as_json=as_json)))
        return
    require_engine()
    if transactions is not None:
        belong("fit value", "a list of purchases is only judged", *of_store)
        _judge_file(transactions, held_out_from, as_json=as_json)
        return
    belong("fit value", "--held-out-from goes with --transactions", ("--held-out-from", held_out_from))
    rate = DISCOUNT_RATE if discount_rate is None else discount_rate
    valuing = asyncio.run(with_desk(lambda desk: _fit_store(desk, rate, dry_run=dry_run, quiet=as_json)))
    if model is not None:
        write_model(model, write_worth(valuing.fitted))
    if as_json:
        typer.echo(msgspec.json.encode(valuing).decode())


async def _fit_store(desk: Desk, discount_rate: float, *, dry_run: bool, quiet: bool) -> Valuing:
    from bridge.flow.dealings import read_dealings
    from bridge.scoring.fit.valuing import fit_value

    now = utc_now()
    card = desk.rules.deciding.card
    rules = card.file.value
    before = await in_use(desk.store, "value")
    old = desk.fitted.worth.model if desk.fitted.worth else None
    with working() as bars:
        reading = bars.add_task("purchases and contracts", total=None)
        dealings = await read_dealings(
            desk.store, card, now, lambda done, of_all: bars.update(reading, completed=done, total=of_all)
        )
        fitting = bars.add_task("fit", total=1.0)
        valuing = fit_value(
            dealings.purchases,
            dealings.terms,
            dealings.as_of or now.date(),
            rules,
            old,
            discount_rate=discount_rate,
            report=lambda share: bars.update(fitting, completed=share),
        )
    for count, what in (
        (dealings.beside, "purchases are of customers with a contract: these keep their own average"),
        (dealings.unreadable, "records lack a date or an amount in a known currency"),
        (dealings.objecting, "customers and accounts are left out: somebody objects to profiling"),
    ):
        if count:
            aside.print(f"· {count:,} {what}", style="dim", highlight=False)
    if not quiet:
        _show_fit(valuing, rules.currency)
    if dry_run:
        aside.print("· nothing was changed (--dry-run)", style="dim", highlight=False)
    elif valuing.model is None:
        aside.print(
            "· not taken into use: it comes no nearer to what happened than what is in use",
            style="dim",
            highlight=False,
        )
    else:
        body = write_worth(valuing.model)
        if before is not None and before.body == body:
            aside.print(f"· value model {before.version} is in use already", style="dim", highlight=False)
        else:
            version = await install(desk.store, "value", body, _report(valuing), now)
            aside.print(
                f"· value model {version} is in use; cards follow as they are refreshed", style="dim", highlight=False
            )
    return valuing


def _report(valuing: Valuing) -> dict[str, object]:
    return {"purchases": valuing.purchases, "contracts": valuing.contracts, "notes": valuing.notes}


async def _take_back(desk: Desk, *, as_json: bool) -> None:
    before = await roll_back(desk.store, "value", utc_now())
    if as_json:
        typer.echo(msgspec.json.encode({"in_use": before.version if before else None}).decode())
        return
    aside.print(
        "· the points card's assumptions count again" if before is None else f"· value model {before.version} is back",
        style="dim",
        highlight=False,
    )


def _show_fit(valuing: Valuing, currency: str) -> None:
    for note in valuing.notes:
        out.print(f"· {note}", markup=False, highlight=False)
    if (part := valuing.purchases) is not None and (bought := valuing.fitted.purchases) is not None:
        out.print(
            f"\nPurchases of {part.n:,} customers without a contract, {part.from_day} to {part.to_day}", highlight=False
        )
        _show_part(part, lambda amount: f"{Money(round(amount), currency).amount:,.0f}", currency, "brought")
        if part.counted is not None and part.foretold is not None:
            out.print(
                f"{part.foretold:,.0f} days with purchases were foretold and {part.counted:,.0f} came; "
                f"from now on forecasts are multiplied by {bought.factor:.3f}",
                highlight=False,
            )
    if (part := valuing.contracts) is not None and (signed := valuing.fitted.contracts) is not None:
        out.print(f"\n{part.n:,} contracts that ran on {part.from_day}, until {part.to_day}", highlight=False)
        _show_part(part, lambda count: f"{count:,.0f}", "contracts", "still there")
        _show_segments(signed)


def _show_part(part: Part, shown: Callable[[float], str], what: str, happened: str) -> None:
    table = Table("Said by", what, "Beside what happened", "Off by, each", box=None, padding=(0, 2, 0, 0))
    for name, words in _SAID.items():
        if (said := part.said.get(name)) is not None:
            beside = f"{said.total / part.actual - 1:+.1%}" if part.actual else ""
            each = shown(said.error) if what != "contracts" else f"{said.error:.4f}"
            table.add_row(words, shown(said.total), beside, each)
    table.add_row(happened, shown(part.actual), "", "")
    out.print(table)
    out.print("nearer than what is in use" if part.better else "no nearer than what is in use", highlight=False)


def _show_segments(signed: Contracts) -> None:
    every = "year" if signed.every is Every.year else "month"
    heads = (f"{one}." for one in _RENEWALS)
    table = Table(signed.by.value, "Contracts", "Ended", "Bound", *heads, box=None, padding=(0, 2, 0, 0))
    for name, one in (("all others" if signed.segments else "all", signed.common), *signed.segments.items()):
        table.add_row(
            name, f"{one.contracts:,}", f"{one.ended:,}", f"{one.first} {every}{'s' * (one.first > 1)}", *_survival(one)
        )
    out.print(f"\nRenewed every {every}; the share that is still there after that many renewals", highlight=False)
    out.print(table)


def _survival(segment: Segment) -> list[str]:
    return [f"{segment.renewing.survival(number):.1%}" for number in _RENEWALS]


def _judge_file(transactions: Path, held_out_from: datetime | None, *, as_json: bool) -> None:
    """How often people buy (BG/NBD) and how much (Gamma-Gamma) is found in the history up to a day and held against the
    time after it; then found again in all of it."""
    from bridge.scoring.fit.transactions import read_transactions
    from bridge.scoring.fit.worth import fit_worth

    ledger = read_transactions(transactions)
    if ledger.left_out:
        aside.print(f"· {ledger.left_out:,} rows could not be read and are left out", style="dim", highlight=False)
    with aside.status("fitting …"):
        worth = fit_worth(ledger, held_out_from.date() if held_out_from else None)
    if as_json:
        typer.echo(msgspec.json.encode(worth).decode())
    else:
        _show(worth)


def _show(worth: Worth) -> None:
    record = worth.record
    out.print(
        f"{record.customers:,} customers, judged from {record.from_day} to {record.to_day} by what was known before",
        highlight=False,
    )
    error = record.forecast / record.actual - 1 if record.actual else 0.0
    naive = record.naive / record.actual - 1 if record.actual else 0.0
    table = Table("Figure", "Value", "What it says", box=None, padding=(0, 2, 0, 0))
    table.add_row("purchases forecast", f"{record.forecast:,.0f}", f"{error:+.1%} beside the {record.actual:,.0f} made")
    table.add_row("as so far", f"{record.naive:,.0f}", f"{naive:+.1%}: what each customer's own rate would have said")
    table.add_row("error per customer", f"{record.mae:.3f}", f"mean; {record.rmse:.3f} root mean square")
    table.add_row("correlation", f"{record.correlation:.3f}", "between forecast and purchases, over customers")
    table.add_row("top tenth", f"{record.top_tenth:.1%}", "of all purchases, by the tenth of whom most was expected")
    if record.spend_forecast is not None and record.spend_actual is not None:
        said = f"forecast; {record.spend_actual:,.2f} was spent"
        table.add_row("amount a purchase", f"{record.spend_forecast:,.2f}", said)
    table.add_row("factor", f"{worth.factor:.3f}", "by which the last period's forecast would have been right in all")
    out.print(table)
    model = worth.buying.model
    out.print(
        f"\nBG/NBD of all: r {model.r:.4f}, alpha {model.alpha:.4f} weeks, a {model.a:.4f}, b {model.b:.4f}; "
        f"log-likelihood {worth.buying.log_likelihood:,.3f}",
        highlight=False,
    )
    if worth.spending:
        spend = worth.spending.model
        out.print(f"Gamma-Gamma of all: p {spend.p:.4f}, q {spend.q:.4f}, v {spend.v:.4f}", highlight=False)
    else:
        out.print("Gamma-Gamma: too few repeat purchases with amounts; only counts are forecast", highlight=False)
