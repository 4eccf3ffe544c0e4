"""A bridge whose automations have a past, and pages of its console."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from bridge.automation.register import adopt
from bridge.flow import load_rules
from bridge.store import micros
from tests.browser.running import MANIFEST, Running, utc_now

UNHAPPY = 12
Opener = Callable[..., Any]


def start_unhappy(folder: Path) -> Running:
    """A bridge with twelve unhappy customers, a happy one, and a source that writes and calls."""
    bridge = Running(folder, demo=True)
    manifest = MANIFEST.replace("[webhook]", "[webhook, send_email, schedule_callback, add_note]")
    (folder / "vendors" / "acme" / "manifest.yaml").write_text(manifest, "utf-8")
    adapter = folder / "vendors" / "acme" / "adapter.py"
    acts = "".join(
        f'\n    async def {name}(self, client, args, key):\n        return Receipt(reference="1")\n'
        for name in ("send_email", "schedule_callback", "add_note")
    )
    adapter.write_text(adapter.read_text("utf-8").replace("Adapter, Item", "Adapter, Item, Receipt") + acts, "utf-8")
    mapping = folder / "mappings" / "acme.yaml"
    mapping.write_text(mapping.read_text("utf-8").replace("      phones:", '      emails: "emails[*]"\n      phones:'))
    bridge.start()
    now = utc_now()
    with closing(sqlite3.connect(folder / "bridge.db")) as db:  # what comes now is the past, and stands as it was
        db.execute("update sources set live_since = ?", [micros(now + timedelta(hours=1))])
        db.commit()
    bridge.do(bridge.gate.refresh())
    items: list[tuple[str, dict[str, Any]]] = []
    for number in range(UNHAPPY + 1):
        id = f"u{number}"
        language = "en" if number % 4 == 3 else "de"
        since = (now - timedelta(days=800)).date().isoformat()
        item = {"id": id, "name": f"Kim Muster{number}", "emails": [f"{id}@example.org"], "language": language}
        items.append(("person", item | {"since": since, "phones": [f"+49302312{5110 + number}"]}))
        answered = (now - timedelta(days=4 + 6 * number, hours=3)).isoformat()
        score = 9 if number == UNHAPPY else number % 7
        answer = {"id": f"a{number}", "person": id, "answered": answered, "metric": "nps", "score": score, "scale": 10}
        items.append(("answer", answer))
    bridge.know(*items)
    bridge.do(adopt(bridge.gate.store, load_rules(bridge.settings).automations, now))
    bridge.do(bridge.gate.refresh())
    return bridge


@asynccontextmanager
async def console_of(browser: Browser, bridge: Running) -> AsyncIterator[Opener]:
    """Opens the console; at the end no script has failed and none broke a policy."""
    problems: list[str] = []
    contexts = []

    async def make(path: str = "/console/automations", language: str = "de", theme: Any = "light") -> Page:
        locale = {"de": "de-DE", "en": "en-GB"}[language]
        viewport: Any = {"width": 1280, "height": 900}
        context = await browser.new_context(
            viewport=viewport, locale=locale, color_scheme=theme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(8000)
        page.on("pageerror", lambda problem: problems.append(str(problem)))
        page.on("console", lambda told: problems.append(told.text) if "Content Security" in told.text else None)
        await page.goto(f"{bridge.base}{path}")
        await expect(page.get_by_role("heading", level=1).first).to_be_visible()
        return page

    yield make
    for context in contexts:
        await context.close()
    assert problems == []
