"""What a test does with a desktop that holds one of our pages, and what the desktop tells of whom."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from playwright.async_api import Frame, FrameLocator, Page

from tests.browser.embedding import Desk
from tests.browser.people import PHONES
from tests.browser.running import Running

MAIL = "katrin.albers@example.org"
CALL = "0f1e2d3c-aaaa-bbbb-cccc-000000000001"
RISK = {"id": 1, "name": "Katrin Albers", "email": MAIL, "phone_number": PHONES["risk"], "identifier": ""}
CALM = {"id": 2, "name": "Aylin Demir", "email": "", "phone_number": PHONES["calm"]}


class Inside:
    """A desktop with one of our pages in it."""

    def __init__(self, page: Page, bridge: Running, desk: Desk) -> None:
        self.page = page
        self.bridge = bridge
        self.desk = desk

    @property
    def frame(self) -> Frame:
        """Our page."""
        return next(one for one in self.page.frames if one.name == "card")

    @property
    def view(self) -> FrameLocator:
        """Our page, also when the host builds it anew."""
        return self.page.frame_locator("iframe[name=card]")

    @property
    def name(self) -> Any:
        """The name on the card."""
        return self.view.locator("retention-card h2")

    def notice(self, name: str) -> Any:
        """What the page says while there is no card."""
        return self.view.locator(f"[data-notice='{name}']")

    async def say(self, message: Any) -> None:
        """The host posts something."""
        await self.page.evaluate("(message) => window.send(message)", message)

    async def heard(self, kind: str) -> list[Any]:
        """What our page told the host, of one kind."""
        all_: list[Any] = await self.page.evaluate("window.heard.map(({ data }) => data)")
        return [one for one in all_ if isinstance(one, dict) and one.get("type") == f"retention-bridge:{kind}"]

    async def sign_in(self) -> None:
        """By the button, and the company's own page in a window."""
        self.desk.ticket = lambda: self.bridge.ticket(self.bridge.base)
        await self.view.locator("[data-k=sign-in]").click()


def ticket_of(requester: Any, number: int = 4711, locale: str = "de") -> dict[str, Any]:
    """What Zendesk answers to our page."""
    return {"ticket.id": number, "ticket.requester": requester, "currentUser.locale": locale}


def context_of(contact: Any, number: int = 7) -> dict[str, Any]:
    """What Chatwoot posts."""
    agent = {"id": 3, "name": "Jana Brandt", "email": "jana@example.org"}
    conversation = {"id": number, "inbox_id": 1, "status": "open", "meta": {"sender": contact}, "messages": []}
    return {"conversation": conversation, "contact": contact, "currentAgent": agent}


def looked_up(bridge: Running) -> int:
    """How many cards were asked for so far."""
    bridge.do(asyncio.sleep(0.3))  # a flush that is under way holds rows that nobody sees yet
    bridge.do(bridge.gate.flush())
    raw: Any = bridge.gate.store
    found: int = raw._hot.execute("select count(*) from audit where action = 'assist'").fetchone()[0]
    return found


def unexpected(kind: str, text: str) -> bool:
    # the browser itself reports every answer that is a refusal; what the page makes of it is what is tested
    told = (
        "the server responded with a status of 401",
        'violates the following Content Security Policy directive: "frame-',
    )
    return kind in ("error", "warning") and not any(one in text for one in told)


def personal(text: str) -> bool:
    """Whether a number, an address or something that opens a door is in it."""
    digits = {number[3:] for number in PHONES.values()}
    return bool(re.search(r"@|%40|eyJ|rb_[0-9a-f]{12}_", text)) or any(one in text for one in digits)
