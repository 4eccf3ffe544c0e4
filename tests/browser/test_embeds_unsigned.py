"""Desktops whose word nobody signed: what they say, and what others say in their name, opens nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.embedding import Desk
from tests.browser.inside import CALM, RISK, context_of, looked_up
from tests.browser.people import PHONES
from tests.browser.running import Running
from tests.browser.test_card import faults

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


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
    before = len(bridge.outcomes(PHONES["calm"]))
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
    assert bridge.outcomes(PHONES["calm"])[before:] == [("accepted", None, None), ("result", "saved", None)]
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
