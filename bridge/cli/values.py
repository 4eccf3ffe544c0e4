"""The command that finds what customers without a contract will still buy."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from bridge.cli.desks import out
from bridge.cli.fits import aside, require_engine

if TYPE_CHECKING:
    from bridge.scoring.fit.worth import Worth

commands = typer.Typer()


@commands.command(epilog="Example: `bridge fit value --transactions purchases.csv --held-out-from 2025-07-01`")
def value(
    transactions: Annotated[
        Path, typer.Option("--transactions", help="CSV with a column each for customer, date and amount")
    ],
    held_out_from: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day held out for judging; left out: half of the history"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Judge the value engine on any list of purchases: what it forecasts, and what customers then really bought.

    BG/NBD (how often) and Gamma-Gamma (how much) are found in the history up to a day and held against the time after
    it; then found again in all of it.
    """
    require_engine()
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
