"""The scripts of a report as a table for a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from bridge.reports.uplift import Script, Uplift

COLUMNS = (
    "situation",
    "script",
    "title",
    "verdict",
    "shown",
    "open",
    "used",
    "saved",
    "stayed",
    "cost",
    "more_stay",
    "more_stay_low",
    "more_stay_high",
    "effective_size",
    "smallest_difference",
    "saves",
    "saves_low",
    "saves_high",
    "cost_per_save",
    "break_even",
    "more_money",
    "more_money_low",
    "more_money_high",
    "pays",
)
"""In this order; columns are only ever added at the end. Shares are shares (0.04 is four of a hundred), money is whole
units of the main currency; what is not known is empty."""
_BYTE_ORDER_MARK = "\ufeff"


def write_csv(report: Uplift, language: str) -> str:
    """One row for each script in each situation, as a spreadsheet program of that language opens it: in German with
    semicolons, decimal commas and a byte order mark."""
    german = language == "de"
    text = StringIO()
    if german:
        text.write(_BYTE_ORDER_MARK)
    writer = csv.writer(text, delimiter=";" if german else ",", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for script in report.scripts:
        writer.writerow([cell(value, german=german) for value in _row(script, language)])
    return text.getvalue()


def _row(script: Script, language: str) -> Iterator[str | float | None]:
    stay, money, saves = script.more_stay, script.more_money, script.saves
    yield from (script.situation, script.script, script.title[language], script.verdict)
    yield from (script.shown, script.open, script.used, script.saved, script.stayed, script.cost)
    yield from (stay.value, stay.low, stay.high, stay.effective, stay.smallest) if stay else (None,) * 5
    yield from (saves.value, saves.low, saves.high) if saves else (None,) * 3
    yield script.cost_per_save.value if script.cost_per_save else None
    yield script.break_even
    yield from (money.value, money.low, money.high) if money else (None,) * 3
    yield script.pays


def cell(value: str | float | None, *, german: bool) -> str:
    """One value as a spreadsheet program reads it; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text = f"{round(value, 6) + 0.0:.6f}".rstrip("0").rstrip(".")  # adding nothing makes -0.0 a plain 0
        return text.replace(".", ",") if german else text
    # what begins like a formula would be reckoned by whoever opens the file (OWASP, CSV Injection)
    return f"'{value}" if value.startswith(_FORMULA) else value


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
