"""A page as wide as a desk's screen that is watched: at its end no script has failed and none broke a policy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page

from tests.patience import PATIENCE_SECONDS


@asynccontextmanager
async def wide_page(browser: Browser, *, width: int, height: int) -> AsyncIterator[Page]:
    """In a browser without a past, that speaks German and likes it light."""
    context = await browser.new_context(
        viewport={"width": width, "height": height}, locale="de-DE", color_scheme="light"
    )
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
    yield page
    await context.close()
    assert problems == []
