"""Numbers, dates and money of the card: written by hand for speed, and judged here by the browser's own formatters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WORDS = Path(__file__).resolve().parents[2] / "bridge" / "web" / "card" / "words.js"
NUMBERS = [0, 1, 7, 9.96, 12.5, 68.4, 99.9, 100, 999, 1000, 1234.5, 9999.999, 12345, 1234567.89, -1, -7.3, -1234.5]
SHARES = [0, 0.003, 0.01, 0.125, 0.5, 0.684, 0.995, 1]
AMOUNTS = [0, 1, 50, 99, 100, 101, 4550, 7000, 123456, 100000000, -4500, -4550]
DAYS = ["2026-01-01", "2026-02-28", "2024-02-29", "2026-05-09", "2026-09-30", "2026-12-31", "2026-03-29T01:30:00Z"]
AGES = [0, 59, 60, 119, 120, 3599, 3600, 7200, 86399, 86400, 172799, 172800, 259200, 8640000]

JUDGE = Path(__file__).with_name("judge.js")


async def test_what_the_card_writes_is_what_the_browser_would_write(context: BrowserContext) -> None:
    page = await context.new_page()
    given = [WORDS.read_text("utf-8"), NUMBERS, SHARES, AMOUNTS, DAYS, AGES]
    wrong: list[Any] = await page.evaluate(JUDGE.read_text("utf-8").split("\n", 1)[1], given)
    assert wrong == [], json.dumps(wrong, ensure_ascii=False, indent=1)
