"""The card inside desktops that a page of another origin plays in a real browser: who gets in, and what stays."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.embedding import Zendesk
from tests.browser.inside import CALL, CALM, RISK, looked_up, ticket_of
from tests.browser.people import PHONES
from tests.browser.running import Running
from tests.browser.test_card import HOLES, faults

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TEXTS = {"de": ("Bitte anmelden", "Risiko, 90 Tage"), "en": ("Please sign in", "Risk, 90 days")}


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
    before = len(bridge.outcomes(PHONES["risk"]))
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
    assert bridge.outcomes(PHONES["risk"])[before:] == [("result", "pending", "noch nicht fertig")]


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


async def test_a_ticket_is_renewed_unseen_while_the_session_lasts(enter: Any, bridge: Running) -> None:
    asked: list[str] = []
    inside = await enter("genesys", query={"conversationid": CALL})
    inside.page.on("request", lambda one: asked.append(one.url.removeprefix(bridge.base)))
    inside.desk.ticket = lambda: bridge.ticket(bridge.base, minutes=3 / 60)
    await inside.view.locator("[data-k=sign-in]").click()
    await expect(inside.name).to_have_text("Katrin Albers")
    await inside.page.wait_for_timeout(4000)  # by now the first ticket has ended
    assert asked.count("/embed/genesys/ticket") == 1
    before = asked.count("/v1/assist")
    await inside.frame.evaluate("document.querySelector('retention-card').setAttribute('lang', 'en')")
    await expect(inside.view.locator("retention-card .risk h3")).to_have_text("Risk, 90 days")
    assert asked.count("/v1/assist") > before


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
