"""Draw docs/sample.svg from a run of the sample: when and why customers give notice, and what scripts do about it.

.venv/bin/python scripts/draw_sample.py docs/sample.svg
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from statistics import mean

from bridge.sample import Cause, Center, Fate, make_center

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
CUSTOMERS = 12_000
MONTHS = 48
MONTH = 30.44
COLOURS = {
    Cause.service: "#c8553d",
    Cause.price: "#e0a030",
    Cause.competitor: "#8a6fb0",
    Cause.moving: "#5f8f8a",
    Cause.drift: "#3d7ab8",
    Cause.onboarding: "#b0486f",
    Cause.death: "#8a8a8a",
}
SCRIPTS = {"default": "#9aa3ad", "apology": "#c8553d", "discount_end": "#e0a030", "neglected": "#3d7ab8"}
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #22272e } .quiet { fill: #68717c; font-size: 12px }
  .head { font-weight: 600; font-size: 14px } line { stroke: #c9ced4 } .mark { stroke-dasharray: 3 3; stroke: #68717c }
  @media (prefers-color-scheme: dark) {
    text { fill: #e4e7eb } .quiet { fill: #9aa3ad } line { stroke: #444c56 } .mark { stroke: #9aa3ad }
  }
"""


def hazards(center: Center) -> dict[Cause, list[float]]:
    """Cause → share of those still there who give notice, in per cent, month by month of their time as customers."""
    fates = {fate.customer_id: fate for fate in center.fates}
    there: Counter[int] = Counter()
    gone: Counter[tuple[Cause, int]] = Counter()
    begin = NOW.date().replace(year=NOW.year - 3)
    for contract in center.contracts:
        fate = fates.get(contract.customer_id)
        if fate is None:
            continue
        last = fate.noticed or NOW.date()
        first = max(0, int((begin - contract.starts).days / MONTH) + 1)
        until = int((last - contract.starts).days / MONTH)
        there.update(range(first, min(until, MONTHS - 1) + 1))
        if fate.noticed and fate.cause and first <= until < MONTHS:
            gone[(fate.cause, until)] += 1
    return {cause: [100 * gone[(cause, month)] / max(1, there[month]) for month in range(MONTHS)] for cause in Cause}


def groups(center: Center) -> dict[str, list[Fate]]:
    """Three kinds of people who are about to leave, by what only the truth knows."""
    undecided = [fate for fate in center.fates if fate.noticed is None and fate.decided is None]
    return {
        "hurt, and say so": [fate for fate in undecided if fate.strain > fate.fuse and fate.voice > 0.35],
        "hurt, and silent": [fate for fate in undecided if fate.strain > fate.fuse and fate.voice <= 0.35],
        "thrifty, price jumps": [fate for fate in undecided if fate.risk - fate.under["discount_end"] > 0.06],
        "drifting away": [fate for fate in undecided if fate.risk > 0.2 and fate.under["neglected"] < 0.7 * fate.risk],
    }


def draw(center: Center) -> str:
    """Both plots as one SVG."""
    parts = list(_stack(hazards(center))) + list(_bars(groups(center)))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1010 410" role="img"'
        f' aria-label="Notice given by month as a customer and cause; risk by group and script">\n'
        f"<style>{STYLE}</style>\n{body}\n</svg>\n"
    )


def _stack(shares: dict[Cause, list[float]]) -> Iterable[str]:
    left, bottom, width, height = 48, 330, 500, 260
    top = max(sum(shares[cause][month] for cause in Cause) for month in range(MONTHS)) * 1.05
    yield f'<text class="head" x="{left}" y="24">Gives notice, % of customers a month, by month as a customer</text>'
    for percent in range(0, int(top) + 1, 2):
        y = bottom - percent / top * height
        yield f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="quiet" x="{left - 10}" y="{y + 4:.1f}" text-anchor="end">{percent}</text>'
    step = width / MONTHS
    for month in range(MONTHS):
        y = float(bottom)
        for cause, colour in COLOURS.items():
            tall = shares[cause][month] / top * height
            y -= tall
            if tall:
                x = left + month * step
                yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{step - 1:.1f}" height="{tall:.1f}" fill="{colour}"/>'
    for month, what in ((12, "first price ends"), (24, "bond ends")):
        x = left + month * step
        yield f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="52"/>'
        yield f'<text class="quiet" x="{x + 5:.1f}" y="60">{what}</text>'
    for month in range(0, MONTHS + 1, 12):
        yield f'<text class="quiet" x="{left + month * step:.1f}" y="{bottom + 18}" text-anchor="middle">{month}</text>'
    yield from _legend({cause.value: colour for cause, colour in COLOURS.items()}, left, bottom + 46, 100)


def _bars(some: dict[str, list[Fate]]) -> Iterable[str]:
    left, bottom, width, height = 620, 330, 370, 260
    yield f'<text class="head" x="{left}" y="24">Gives notice within 90 days, %, by script</text>'
    for percent in range(0, 51, 10):
        y = bottom - percent / 50 * height
        yield f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="quiet" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{percent}</text>'
    wide = width / len(some)
    for place, (name, fates) in enumerate(some.items()):
        for offset, (script, colour) in enumerate(SCRIPTS.items()):
            tall = mean(fate.under[script] for fate in fates) * 2 * height
            x = left + place * wide + 8 + offset * (wide - 16) / len(SCRIPTS)
            bar = (wide - 16) / len(SCRIPTS) - 2
            yield f'<rect x="{x:.1f}" y="{bottom - tall:.1f}" width="{bar:.1f}" height="{tall:.1f}" fill="{colour}"/>'
        first, _, second = name.partition(", ")
        middle = left + (place + 0.5) * wide
        for line, text in enumerate((first, second)):
            y = bottom + 18 + line * 15
            yield f'<text class="quiet" x="{middle:.1f}" y="{y}" text-anchor="middle">{text}</text>'
    yield from _legend(SCRIPTS, left, bottom + 64, 96)


def _legend(colours: dict[str, str], left: int, y: int, wide: int) -> Iterable[str]:
    for place, (name, colour) in enumerate(colours.items()):
        x, line = left + place % 5 * wide, y + place // 5 * 18 - 14
        yield f'<rect x="{x}" y="{line}" width="11" height="11" fill="{colour}"/>'
        yield f'<text class="quiet" x="{x + 16}" y="{line + 10}">{name.replace("_", " ")}</text>'


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw(make_center(now=NOW, customers=CUSTOMERS)), "utf-8")
