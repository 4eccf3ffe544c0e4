"""The card inside somebody else's desktop, which is played by a page of another origin in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Frame, FrameLocator, Page, async_playwright, expect

from tests.browser.embedding import Desk, Zendesk, embedding
from tests.browser.people import PHONES, everybody
from tests.browser.running import Running, utc_now
from tests.browser.test_card import HOLES, faults

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MAIL = "katrin.albers@example.org"
CALL = "0f1e2d3c-aaaa-bbbb-cccc-000000000001"
RISK = {"id": 1, "name": "Katrin Albers", "email": MAIL, "phone_number": PHONES["risk"], "identifier": ""}
CALM = {"id": 2, "name": "Aylin Demir", "email": "", "phone_number": PHONES["calm"]}
TEXTS = {"de": ("Bitte anmelden", "Risiko, 90 Tage"), "en": ("Please sign in", "Risk, 90 days")}


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


@pytest.fixture(scope="module")
def zendesk() -> Zendesk:
    """The other half of the signature."""
    return Zendesk()


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """The desktop's server."""
    server = Desk()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def intruder() -> Iterator[Desk]:
    """A server of somebody who has no business here."""
    server = Desk("127.0.0.1")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory, chromium: str, desk: Desk, zendesk: Zendesk) -> Iterator[Running]:
    """A bridge whose pages the desktop may hold."""
    running = embedding(tmp_path_factory.mktemp("embedding"), desk.origin, zendesk).start()
    running.know(*everybody(utc_now()))
    running.call(PHONES["risk"], CALL)
    yield running
    running.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def partitioning(chromium: str) -> AsyncIterator[Browser]:
    """A browser as people have it: each host's frames get a store of their own. Playwright's takes it from all frames.

    github.com/microsoft/playwright/issues/32230; of several lists of features the last one counts.
    """
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-features=HttpsUpgrades,MediaRouter,PaintHolding"]
        )
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def watched(
    browser: Browser, partitioning: Browser, bridge: Running, capfd: pytest.CaptureFixture[str]
) -> AsyncIterator[Callable[..., Any]]:
    """Makes browsers. At the end nothing personal was in an address or a log line, and no script failed."""
    contexts: list[BrowserContext] = []
    addresses: list[str] = []
    problems: list[str] = []
    lines = BytesIO()
    bridge.gate.lines.flush()
    bridge.gate.lines._out = lines

    async def make(
        language: str = "de", theme: Any = "light", width: int = 1240, height: int = 900, forgetful: bool = False
    ) -> BrowserContext:
        viewport: Any = {"width": width, "height": height}
        locale = {"de": "de-DE", "en": "en-GB"}[language]
        made = await (browser if forgetful else partitioning).new_context(
            viewport=viewport, locale=locale, color_scheme=theme
        )
        made.on("request", lambda one: addresses.append(one.url))
        made.on("weberror", lambda one: problems.append(str(one.error)))
        made.on("console", lambda said: problems.append(said.text) if _unexpected(said.type, said.text) else None)
        contexts.append(made)
        return made

    yield make
    for context in contexts:
        for page in context.pages:
            addresses += [one.url for one in page.frames]
            assert await page.context.cookies() == []
        await context.close()
    bridge.gate.lines.flush()
    captured = capfd.readouterr()
    logged = lines.getvalue().decode() + captured.out + captured.err
    assert addresses
    for text in (*addresses, logged):
        assert not personal(text), text
    assert problems == []


def _unexpected(kind: str, text: str) -> bool:
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


@pytest.fixture
def enter(watched: Callable[..., Any], bridge: Running, desk: Desk) -> Callable[..., Any]:
    """Opens the desktop with one of our pages in it."""

    async def open_(
        play: str,
        *,
        query: dict[str, str] | None = None,
        about: Any = None,
        token: str = "",
        context: BrowserContext | None = None,
        **look: Any,
    ) -> Inside:
        page = await (context or await watched(**look)).new_page()
        address = f"{bridge.base}/embed/{play}" + (f"?{urlencode(query)}" if query else "")
        setup = {"play": play, "address": address, "about": about or {}, "token": token}
        await page.add_init_script(f"window.setup = {json.dumps(setup)}")
        await page.goto(desk.origin)
        return Inside(page, bridge, desk)

    return open_


def ticket_of(requester: Any, number: int = 4711, locale: str = "de") -> dict[str, Any]:
    """What Zendesk answers to our page."""
    return {"ticket.id": number, "ticket.requester": requester, "currentUser.locale": locale}


@pytest.fixture
def at_zendesk(desk: Desk) -> dict[str, str]:
    """The query that Zendesk appends."""
    return {"origin": desk.origin, "app_guid": "a-1"}


def looked_up(bridge: Running) -> int:
    """How many cards were asked for so far."""
    bridge.do(bridge.gate.flush())
    raw: Any = bridge.gate.store
    found: int = raw._hot.execute("select count(*) from audit where action = 'assist'").fetchone()[0]
    return found


async def test_zendesk_opens_with_its_token_and_takes_the_line_into_the_reply(
    enter: Any, zendesk: Zendesk, at_zendesk: dict[str, str], axe: str, keep: Any
) -> None:
    about = ticket_of(RISK)
    inside = await enter("zendesk", query=at_zendesk, token=zendesk.token(), about=about, height=1260)
    await expect(inside.name).to_have_text("Katrin Albers")
    line = await inside.view.locator("retention-card .line").inner_text()
    await inside.view.locator("retention-card [data-k=insert]").click()
    await expect(inside.page.locator("#reply")).to_have_value(re.compile(re.escape(line.strip('„“"')[:30])))
    assert await faults(inside.frame, axe) == []
    said = await inside.view.locator("retention-card .card").inner_text()
    assert not HOLES.search(said)
    await keep(inside.page, "embed-zendesk-de")


async def test_in_english_and_dark(
    enter: Any, zendesk: Zendesk, at_zendesk: dict[str, str], axe: str, keep: Any
) -> None:
    about = ticket_of(RISK, 1, "en-GB")
    inside = await enter("zendesk", query=at_zendesk, token=zendesk.token(), about=about, theme="dark", height=1260)
    await expect(inside.view.locator("retention-card .risk h3")).to_have_text("Risk, 90 days")
    assert await faults(inside.frame, axe) == []
    await keep(inside.page, "embed-zendesk-en-dark")


@pytest.mark.parametrize("forgetful", [False, True], ids=["as people have it", "storage forbidden in frames"])
async def test_another_requester_gets_another_card_and_each_ticket_keeps_its_own_note(
    enter: Any, zendesk: Zendesk, at_zendesk: dict[str, str], forgetful: bool
) -> None:
    token = zendesk.token()
    inside = await enter("zendesk", query=at_zendesk, token=token, about=ticket_of(RISK, 10), forgetful=forgetful)
    await expect(inside.name).to_have_text("Katrin Albers")
    await inside.view.locator("retention-card [data-k=add-note]").click()
    await inside.view.locator("retention-card textarea").fill("ruft um drei zurück")
    await inside.page.evaluate("(about) => window.changed(about)", ticket_of(CALM, 11))
    await expect(inside.name).to_have_text("Aylin Demir")
    await expect(inside.view.locator("retention-card textarea")).to_have_value("")
    await inside.page.evaluate("(about) => window.changed(about)", ticket_of(RISK, 10))
    await expect(inside.name).to_have_text("Katrin Albers")
    await expect(inside.view.locator("retention-card textarea")).to_have_value("ruft um drei zurück")


@pytest.mark.parametrize("language", ["de", "en"])
async def test_a_token_that_was_used_or_forged_opens_nothing_and_says_what_to_do(
    enter: Any, zendesk: Zendesk, at_zendesk: dict[str, str], language: str, axe: str
) -> None:
    token = zendesk.token()
    inside = await enter("zendesk", query=at_zendesk, token=token, about=ticket_of(RISK), language=language)
    await expect(inside.name).to_have_text("Katrin Albers")
    before = looked_up(inside.bridge)
    for sent, words in (
        (token, {"de": "schon verbraucht", "en": "has been used"}),
        (Zendesk().token(), {"de": "nicht angenommen", "en": "not accepted"}),
        (zendesk.token(aud="https://other.zendesk.com"), {"de": "nicht angenommen", "en": "not accepted"}),
        (zendesk.token(exp=1), {"de": "nicht angenommen", "en": "not accepted"}),
        ("", {"de": "nicht unterschrieben", "en": "did not sign"}),
    ):
        again = await enter("zendesk", query=at_zendesk, token=sent, about=ticket_of(RISK), language=language)
        await expect(again.view.get_by_role("alert")).to_contain_text(words[language])
        assert await again.view.locator("retention-card").count() == 0
        assert await faults(again.frame, axe) == []
    assert looked_up(inside.bridge) == before


async def test_without_zendesks_script_it_says_so_and_the_agent_searches(
    enter: Any, watched: Any, zendesk: Zendesk, at_zendesk: dict[str, str], axe: str
) -> None:
    context = await watched()
    await context.route("**/zaf.js", lambda route: route.fulfill(status=200, content_type="text/javascript", body=""))
    inside = await enter("zendesk", query=at_zendesk, token=zendesk.token(), about=ticket_of(RISK), context=context)
    await expect(inside.notice("noScript")).to_contain_text("Das Skript von Zendesk fehlt")
    assert await faults(inside.frame, axe) == []
    await inside.view.locator("input").fill(PHONES["risk"])
    await inside.page.keyboard.press("Enter")
    await expect(inside.name).to_have_text("Katrin Albers")


async def test_a_ticket_without_address_and_number_is_said(
    enter: Any, zendesk: Zendesk, at_zendesk: dict[str, str]
) -> None:
    inside = await enter("zendesk", query=at_zendesk, token=zendesk.token(), about=ticket_of(None))
    await expect(inside.notice("nobody")).to_be_visible()
    await inside.view.locator("input").fill("crm:2")
    await inside.page.keyboard.press("Enter")
    await expect(inside.name).to_have_text("Aylin Demir")


@pytest.mark.parametrize("language", ["de", "en"])
async def test_genesys_shows_whose_call_it_is_once_the_agent_has_signed_in(
    enter: Any, language: str, axe: str, keep: Any
) -> None:
    query = {"conversationid": CALL, "gcHostOrigin": "https://apps.mypurecloud.de", "lang": language}
    inside = await enter("genesys", query=query, language=language, width=390)
    await expect(inside.notice("sign-in")).to_contain_text(TEXTS[language][0])
    assert await faults(inside.frame, axe) == []
    await keep(inside.page, f"embed-sign-in-{language}")
    await inside.sign_in()
    await expect(inside.name).to_have_text("Katrin Albers")
    await expect(inside.view.locator("retention-card .risk h3")).to_have_text(TEXTS[language][1])
    assert await faults(inside.frame, axe) == []
    await keep(inside.page, f"embed-genesys-{language}-narrow")


@pytest.mark.parametrize(("language", "words"), [("de", "nicht ersetzt"), ("en", "did not replace")])
async def test_a_placeholder_that_genesys_left_standing_is_said_in_plain_words(
    enter: Any, bridge: Running, language: str, words: str, axe: str
) -> None:
    before = looked_up(bridge)
    query = {"conversationId": "{{pcConversationId}}", "lang": "{{pcLangTag}}"}
    inside = await enter("genesys", query=query, language=language)
    await expect(inside.notice("unsubstituted")).to_contain_text(words)
    await expect(inside.notice("unsubstituted")).to_contain_text("{{pcConversationId}}")
    assert await faults(inside.frame, axe) == []
    nothing = await enter("genesys", language=language)
    await expect(nothing.notice("noConversation")).to_be_visible()
    assert looked_up(bridge) == before


async def test_signing_in_once_is_enough_for_all_pages_of_a_host(enter: Any, watched: Any) -> None:
    context = await watched()
    first = await enter("genesys", query={"conversationid": CALL}, context=context)
    await first.sign_in()
    await expect(first.name).to_have_text("Katrin Albers")
    second = await enter("genesys", query={"conversationid": CALL}, context=context)
    await expect(second.name).to_have_text("Katrin Albers")
    elsewhere = await enter("chatwoot", about={"contact": RISK}, context=context)
    await expect(elsewhere.notice("sign-in")).to_be_visible()


async def test_a_half_typed_note_survives_that_the_host_builds_the_page_anew_and_an_outcome_is_recorded_once(
    enter: Any, bridge: Running
) -> None:
    before = len(bridge.outcomes())
    inside = await enter("genesys", query={"conversationid": CALL})
    await inside.sign_in()
    await inside.view.locator("retention-card [data-k=add-note]").click()
    await inside.view.locator("retention-card textarea").fill("noch nicht fertig")
    await inside.page.evaluate("window.open_()")
    await inside.sign_in()
    await expect(inside.view.locator("retention-card textarea")).to_have_value("noch nicht fertig")
    await inside.view.locator("retention-card [data-k=pending]").click()
    await inside.page.evaluate("window.open_()")
    await inside.sign_in()
    after = inside.view.locator("retention-card .after")
    await expect(after).to_contain_text("vermerkt um", timeout=9000)
    assert bridge.outcomes()[before:] == [("result", "pending", "noch nicht fertig")]


async def test_after_a_transfer_the_next_agent_has_the_same_decision(enter: Any, bridge: Running) -> None:
    seen = []
    for _ in range(2):
        inside = await enter("genesys", query={"conversationid": CALL})  # each in a browser of their own
        await inside.sign_in()
        await expect(inside.name).to_have_text("Katrin Albers")
        seen.append(await inside.frame.evaluate("document.querySelector('retention-card').decision"))
    assert seen[0]
    assert seen[0] == seen[1]


async def test_amazon_connect_hands_over_the_contact_it_was_opened_for(enter: Any, axe: str, keep: Any) -> None:
    inside = await enter("amazon_connect", about={"contactId": CALL})
    await expect(inside.notice("sign-in")).to_be_visible()
    await inside.sign_in()
    await expect(inside.name).to_have_text("Katrin Albers")
    assert await faults(inside.frame, axe) == []
    await keep(inside.page, "embed-amazon-connect-de")
    await inside.say({"type": "connect-destroy"})
    await expect(inside.notice("idle")).to_be_visible()


async def test_without_amazons_script_it_says_so(enter: Any, watched: Any) -> None:
    context = await watched()
    await context.route("**/connect.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
    inside = await enter("amazon_connect", context=context)
    await inside.sign_in()
    await expect(inside.notice("noScript")).to_contain_text("Amazon Connect")


def context_of(contact: Any, number: int = 7) -> dict[str, Any]:
    """What Chatwoot posts."""
    agent = {"id": 3, "name": "Jana Brandt", "email": "jana@example.org"}
    conversation = {"id": number, "inbox_id": 1, "status": "open", "meta": {"sender": contact}, "messages": []}
    return {"conversation": conversation, "contact": contact, "currentAgent": agent}


async def test_chatwoots_unsigned_word_opens_nothing_until_the_agent_has_signed_in(
    enter: Any, bridge: Running, axe: str, keep: Any
) -> None:
    before = looked_up(bridge)
    asked: list[str] = []
    inside = await enter("chatwoot", about=context_of(RISK))
    inside.page.on("request", lambda one: asked.append(one.url) if "/v1/" in one.url else None)
    await expect(inside.notice("sign-in")).to_be_visible()
    for _ in range(3):
        await inside.page.evaluate("(about) => window.changed(about)", context_of(CALM))
    await expect(inside.notice("sign-in")).to_be_visible()
    assert (asked, looked_up(bridge)) == ([], before)
    await inside.sign_in()
    await expect(inside.name).to_have_text("Aylin Demir")
    await inside.page.evaluate("(about) => window.changed(about)", context_of(RISK))
    await expect(inside.name).to_have_text("Katrin Albers")
    assert await faults(inside.frame, axe) == []
    await keep(inside.page, "embed-chatwoot-de")


JUNK: tuple[Any, ...] = (
    0,
    None,
    "",
    "x",
    "null",
    "[]",
    '"appContext"',
    "{",
    "{}",
    [],
    {},
    {"event": "appContext", "data": context_of(CALM)},
    json.dumps({"event": "appContext"}),
    json.dumps({"event": "appContext", "data": None}),
    json.dumps({"event": "appContext", "data": [1]}),
    json.dumps({"event": "other", "data": context_of(CALM)}),
    "chatwoot-dashboard-app:fetch-info",
    {"type": "retention-bridge:ticket", "ticket": "x"},
    {"source": "react-devtools-bridge", "payload": {"event": "appContext"}},
)

ODD: tuple[dict[str, Any], ...] = (
    {"contact": {"id": [], "email": {}}},
    {"conversation": 3, "contact": "x"},
    {"contact": {}},
)


async def test_what_other_scripts_post_changes_nothing(enter: Any) -> None:
    inside = await enter("chatwoot", about=context_of(RISK))
    await inside.sign_in()
    await expect(inside.name).to_have_text("Katrin Albers")
    for message in JUNK:
        await inside.say(message)
    await inside.page.wait_for_timeout(200)
    await expect(inside.name).to_have_text("Katrin Albers")
    for odd in ODD:
        await inside.say(json.dumps({"event": "appContext", "data": odd}))
        await expect(inside.notice("nobody")).to_be_visible()
        await inside.say(json.dumps({"event": "appContext", "data": context_of(RISK)}))
        await expect(inside.name).to_have_text("Katrin Albers")


async def test_a_page_beside_ours_that_is_not_the_host_is_not_heard(
    enter: Any, bridge: Running, intruder: Desk
) -> None:
    forged: dict[str, list[Any]] = {
        "chatwoot": [json.dumps({"event": "appContext", "data": context_of(CALM)})],
        "iframe": [{"type": "retention-bridge:show", "phone": PHONES["calm"]}, {"type": "retention-bridge:clear"}],
    }
    for play, messages in forged.items():
        inside = await enter(play, about=context_of(RISK))
        if play == "chatwoot":
            await inside.sign_in()
        else:
            await inside.say({"type": "retention-bridge:ticket", "ticket": bridge.ticket(bridge.base)})
            await inside.say({"type": "retention-bridge:show", "phone": PHONES["risk"]})
        await expect(inside.name).to_have_text("Katrin Albers")
        beside = """([src, messages]) => new Promise((resolve) => {
          const frame = document.createElement('iframe');
          window.addEventListener('message', ({ source, data }) => {
            if (source !== frame.contentWindow || data !== 'intruder') return;
            for (const one of messages) frame.contentWindow.postMessage(one, '*');
            setTimeout(resolve, 300);
          });
          frame.src = src;
          document.body.append(frame);
        })"""
        ticket = {"type": "retention-bridge:ticket", "ticket": bridge.ticket(bridge.base)}
        await inside.page.evaluate(beside, (f"{intruder.origin}/intruder.html", [*messages, ticket]))
        await expect(inside.name).to_have_text("Katrin Albers")


async def test_a_ticket_is_taken_from_the_sign_ins_own_window_alone(enter: Any, bridge: Running) -> None:
    inside = await enter("chatwoot", about=context_of(RISK))
    await expect(inside.notice("sign-in")).to_be_visible()
    good = {"type": "retention-bridge:ticket", "ticket": bridge.ticket(bridge.base)}
    await inside.say(good)
    await inside.page.wait_for_timeout(200)
    await expect(inside.notice("sign-in")).to_be_visible()
    for ticket, words in (
        (bridge.ticket(inside.desk.origin), "für eine andere Seite"),
        ("nonsense", "keine gültige Anmeldung"),
    ):
        inside.desk.ticket = lambda ticket=ticket: ticket
        await inside.view.locator("[data-k=sign-in]").click()
        await expect(inside.view.locator(".bad")).to_contain_text(words)
    inside.desk.ticket = lambda: bridge.ticket(bridge.base, secret="f" * 32)
    await inside.view.locator("[data-k=sign-in]").click()
    await expect(inside.notice("sign-in")).to_contain_text("abgelaufen")
    assert await inside.view.locator("retention-card").count() == 0


async def test_a_window_that_the_browser_holds_back_is_said(enter: Any) -> None:
    inside = await enter("chatwoot", about=context_of(RISK))
    await expect(inside.notice("sign-in")).to_be_visible()
    await inside.frame.evaluate("window.open = () => null")
    await inside.view.locator("[data-k=sign-in]").click()
    await expect(inside.view.locator(".bad")).to_contain_text("Pop-ups")


async def test_a_page_elsewhere_may_not_hold_ours(watched: Any, bridge: Running, intruder: Desk) -> None:
    context = await watched()
    page = await context.new_page()
    refused: list[str] = []
    page.on("requestfailed", lambda one: refused.append(one.failure or ""))
    setup = {"play": "chatwoot", "address": f"{bridge.base}/embed/chatwoot", "about": context_of(RISK)}
    await page.add_init_script(f"window.setup = {json.dumps(setup)}")
    async with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
        await page.goto(intruder.origin)
    frame = next(one for one in page.frames if one.name == "card")
    assert "retention-card" not in await frame.content()


async def test_a_page_of_ones_own_speaks_to_the_card_by_messages(
    enter: Any, bridge: Running, axe: str, keep: Any
) -> None:
    before = len(bridge.outcomes())
    inside = await enter("iframe")
    await expect(inside.notice("handOver")).to_be_visible()
    assert len(await inside.heard("hello")) == 1
    assert len(await inside.heard("renew")) == 1
    show = {"type": "retention-bridge:show", "interaction": "desk-1", "phone": PHONES["calm"], "lang": "en"}
    await inside.say(show | {"theme": "dark"})
    await expect(inside.notice("handOver")).to_contain_text("Not signed in yet")
    await inside.say({"type": "retention-bridge:ticket", "ticket": bridge.ticket(bridge.base)})
    await expect(inside.name).to_have_text("Aylin Demir")
    await expect(inside.view.locator("retention-card .risk h3")).to_have_text("Risk, 90 days")
    assert await inside.frame.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 26, 33)"
    assert await faults(inside.frame, axe) == []
    await inside.view.locator("retention-card [data-k=insert]").click()
    await expect(inside.page.locator("#reply")).not_to_have_value("")
    [insert] = await inside.heard("insert")
    assert set(insert) == {"type", "text", "script", "decision"}
    await inside.view.locator("retention-card [data-k=saved]").click()
    await expect(inside.view.locator("retention-card .after")).to_contain_text("recorded at", timeout=9000)
    [outcome] = await inside.heard("outcome")
    assert (outcome["result"], outcome["interaction"]) == ("saved", "desk-1")
    [ready] = await inside.heard("ready")
    assert ready["match"] == "exact"
    assert bridge.outcomes()[before:] == [("accepted", None, None), ("result", "saved", None)]
    height = (await inside.heard("height"))[-1]["height"]
    assert height == await inside.frame.evaluate("Math.ceil(document.documentElement.getBoundingClientRect().height)")
    assert await inside.frame.evaluate("[document.scrollingElement.scrollHeight, innerHeight]") == [height, height]
    await keep(inside.page, "embed-iframe-en-dark")
    await inside.say(show | {"interaction": "desk-2", "phone": PHONES["risk"], "lang": "de", "theme": "light"})
    await expect(inside.name).to_have_text("Katrin Albers")
    await inside.say({"type": "retention-bridge:clear"})
    await expect(inside.notice("idle")).to_be_visible()


async def test_the_same_conversation_said_again_changes_nothing(enter: Any, bridge: Running) -> None:
    inside = await enter("iframe")
    await inside.say({"type": "retention-bridge:ticket", "ticket": bridge.ticket(bridge.base)})
    show = {"type": "retention-bridge:show", "interaction": "desk-3", "phone": PHONES["risk"]}
    await inside.say(show)
    await expect(inside.name).to_have_text("Katrin Albers")
    before = looked_up(bridge)
    for _ in range(5):
        await inside.say(show)
    await inside.page.wait_for_timeout(200)
    assert looked_up(bridge) == before
    assert len(await inside.heard("ready")) == 1


@pytest.mark.parametrize(
    "message",
    [
        {"type": "retention-bridge:show"},
        {"type": "retention-bridge:show", "phone": 493023125101, "email": ["a"], "customer": {}},
        {"type": "retention-bridge:show", "phone": " ", "email": "x" * 255},
        {"type": "retention-bridge:unheard-of"},
        {"type": "retention-bridge:constructor"},
        {"type": "show", "phone": PHONES["calm"]},
        {"type": 1},
        "retention-bridge:clear",
        None,
    ],
)
async def test_a_message_of_another_shape_changes_nothing(enter: Any, bridge: Running, message: Any) -> None:
    inside = await enter("iframe")
    await inside.say({"type": "retention-bridge:ticket", "ticket": bridge.ticket(bridge.base)})
    await inside.say({"type": "retention-bridge:show", "phone": PHONES["risk"]})
    await expect(inside.name).to_have_text("Katrin Albers")
    await inside.say(message)
    await inside.page.wait_for_timeout(100)
    await expect(inside.name).to_have_text("Katrin Albers")


async def test_a_ticket_is_renewed_unseen_while_the_session_lasts(enter: Any, bridge: Running) -> None:
    asked: list[str] = []
    inside = await enter("genesys", query={"conversationid": CALL})
    inside.page.on("request", lambda one: asked.append(one.url) if one.url.endswith("/ticket") else None)
    inside.desk.ticket = lambda: bridge.ticket(bridge.base, minutes=3 / 60)
    await inside.view.locator("[data-k=sign-in]").click()
    await expect(inside.name).to_have_text("Katrin Albers")
    await inside.page.wait_for_timeout(4000)  # by now the first ticket has ended
    assert [one for one in asked if "/embed/genesys/ticket" in one] == [f"{bridge.base}/embed/genesys/ticket"]
    before = looked_up(bridge)
    await inside.frame.evaluate("document.querySelector('retention-card').setAttribute('lang', 'en')")
    await expect(inside.view.locator("retention-card .risk h3")).to_have_text("Risk, 90 days")
    assert looked_up(bridge) > before


async def test_when_the_sign_in_is_over_nothing_about_a_customer_stays_and_the_agent_signs_in_again(
    enter: Any, watched: Any, bridge: Running
) -> None:
    context = await watched()
    await context.route("**/embed/genesys/ticket", lambda route: route.fulfill(status=401, body="{}"))
    inside = await enter("genesys", query={"conversationid": CALL}, context=context)
    inside.desk.ticket = lambda: bridge.ticket(bridge.base, minutes=2 / 60)
    await inside.view.locator("[data-k=sign-in]").click()
    await expect(inside.name).to_have_text("Katrin Albers")
    await inside.page.wait_for_timeout(2000)
    await inside.frame.evaluate("document.querySelector('retention-card').setAttribute('lang', 'en')")
    await expect(inside.notice("sign-in")).to_contain_text("Anmeldung abgelaufen")
    assert "Albers" not in await inside.frame.content()
    await inside.sign_in()
    await expect(inside.name).to_have_text("Katrin Albers")
