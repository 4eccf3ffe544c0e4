"""`/l/…` as a browser, a mail program and a scanner see it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, get_args

import httpx
import pytest
from structlog.processors import format_exc_info
from structlog.testing import capture_logs

from bridge.acting.answering import Answer, Reason, State, Terms
from bridge.acting.linking import mint_link
from bridge.automation.links import Link, Purpose
from bridge.automation.outreach import Outreach
from bridge.gateway import links
from bridge.gateway.link_pages import answer_page, language_of_browser
from bridge.gateway.links import Turnstile
from bridge.identity.suppression import suppression
from bridge.model import Money
from bridge.store import Unit, micros
from bridge.telemetry import mask
from tests.gateway.conftest import NOON, Gateway, person

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


async def _link(
    gateway: Gateway, purpose: Purpose = "unsubscribe", *, language: str = "de", channel: str = "email"
) -> str:
    """A link that Rosa was sent; returns its path."""
    await gateway.know(person("1", name="Rosa Beispiel", emails=["rosa@example.de"], language=language))
    desk = gateway.gate.desk
    made = mint_link(desk.settings, purpose, now=gateway.clock(), days=60)
    assert isinstance(made, Link)
    customer = (await gateway.rows("profiles", "customer"))[0][0]
    unit = Unit()
    unit.add(
        "links.put",
        hash=made.hash,
        purpose=purpose,
        message="m1",
        run="r_1",
        automation="bad_nps",
        customer=customer,
        channel=channel,
        address=suppression(desk.salt, "email:rosa@example.de"),
        language=language,
        contract="crm/contract/1" if purpose == "renew" else "",
        offer="",
        amount_minor=None,
        currency=None,
        made_at=micros(gateway.clock()),
        expires_at=micros(made.expires_at),
    )
    await gateway.store.write(unit)
    return made.url.removeprefix("https://bridge.example")


def _says(response: httpx.Response) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", response.text)
    assert found is not None and response.headers["content-type"] == "text/html; charset=utf-8"
    return found[1]


async def _opted_out(gateway: Gateway) -> list[Any]:
    return [row[0] for row in await gateway.rows("opt_outs", "channel")]


async def test_following_a_link_shows_a_page_with_one_button_and_does_nothing(gateway: Gateway) -> None:
    path = await _link(gateway)
    for method in ("GET", "HEAD"):
        assert (await gateway.client.request(method, path)).status_code == 200
    response = await gateway.client.get(path)
    assert response.text.count("<button") == 1 and response.text.count("<form") == 1
    assert "<script" not in response.text and "Rosa" not in response.text
    assert _says(response) == "Möchten Sie nichts mehr von uns hören?"
    assert await _opted_out(gateway) == []


async def test_a_page_is_nobodys_business_but_its_readers(gateway: Gateway) -> None:
    response = await gateway.client.get(await _link(gateway))
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "form-action 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "script-src" not in policy and "unsafe" not in policy
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-robots-tag"].startswith("noindex")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "http://" not in response.text.replace("http://www.w3.org", "") and "https://" not in response.text
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("how", ["data", "files"])
async def test_a_mail_programs_own_button_unsubscribes(gateway: Gateway, how: str) -> None:
    """RFC 8058: form data of either kind, no cookie, no redirect."""
    path = await _link(gateway)
    given: Any = ONE_CLICK if how == "data" else {name: (None, value) for name, value in ONE_CLICK.items()}
    response = await gateway.client.post(path, **{how: given})
    assert response.status_code == 200 and _says(response) == "Sie sind abgemeldet"
    assert await _opted_out(gateway) == ["email"]
    again = await gateway.client.post(path, data=ONE_CLICK)
    assert again.status_code == 200 and _says(again) == "Sie sind schon abgemeldet"
    assert "21.11.2026 um 13:00 Uhr" in again.text


async def test_it_can_be_taken_back_on_the_page(gateway: Gateway) -> None:
    path = await _link(gateway, language="en")
    done = await gateway.client.post(path, data={"choice": "everything"})
    assert _says(done) == "You are unsubscribed" and 'value="undo"' in done.text
    assert _says(await gateway.client.post(path, data={"choice": "undo"})) == "You will hear from us again"
    assert await _opted_out(gateway) == []
    assert _says(await gateway.client.get(path)) == "Would you rather not hear from us?"


@pytest.mark.parametrize("body", [{}, {"choice": "yes"}, {"choice": "renew"}, {"List-Unsubscribe": "no"}])
async def test_a_body_that_chooses_nothing_does_nothing(gateway: Gateway, body: dict[str, str]) -> None:
    path = await _link(gateway)
    response = await gateway.client.post(path, data=body)
    assert response.status_code == 200 and _says(response) == "Möchten Sie nichts mehr von uns hören?"
    assert await _opted_out(gateway) == []


async def test_a_renewal_is_not_set_off_by_a_mail_programs_button(gateway: Gateway) -> None:
    response = await gateway.client.post(await _link(gateway, "renew"), data=ONE_CLICK)
    assert (response.status_code, _says(response)) == (409, "Dieser Vertrag ist schon beendet")
    assert await gateway.rows("facts", "id", "kind = 'customer.responded'") == []


async def test_what_is_no_link_of_ours_says_so_and_no_more(gateway: Gateway) -> None:
    path = await _link(gateway)
    forged = path[:-1] + ("A" if path[-1] != "A" else "B")
    other = mint_link(gateway.gate.settings, "renew", now=NOON, days=9)
    assert other is not None
    texts = set()
    for one in (forged, "/l/x", "/l/" + "A" * 46, other.url.removeprefix("https://bridge.example"), "/l/%00"):
        for method in ("GET", "POST"):
            response = await gateway.client.request(method, one, headers={"accept-language": "fr, en;q=0.5"})
            assert response.status_code == 404
            if "html" in response.headers["content-type"]:
                texts.add(response.text)
    (text,) = texts
    assert "This link leads nowhere" in text and 'lang="en"' in text and "<button" not in text


async def test_a_link_that_has_ended_says_how_to_reach_a_person(gateway: Gateway) -> None:
    path = await _link(gateway)
    gateway.clock.advance(days=62)
    response = await gateway.client.post(path, data={"choice": "channel"})
    assert (response.status_code, _says(response)) == (410, "Dieser Link ist abgelaufen")
    assert "Antworten Sie einfach auf unsere Nachricht." in response.text
    assert await _opted_out(gateway) == []


async def test_who_presses_without_end_is_asked_to_wait_and_bodies_are_small(gateway: Gateway) -> None:
    path = await _link(gateway)
    statuses = [(await gateway.client.get(path)).status_code for _ in range(links.A_MINUTE + 1)]
    assert statuses == [200] * links.A_MINUTE + [429]
    gateway.clock.advance(minutes=1)
    assert (await gateway.client.get(path)).status_code == 200
    large = await gateway.client.post(path, content=b"choice=channel&" + b"x" * links.BODY_LIMIT)
    assert large.status_code == 413
    assert await _opted_out(gateway) == []


async def test_no_token_gets_into_logs_or_metrics(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await _link(gateway)
    token = path.removeprefix("/l/")

    def broken(*_: Any) -> Any:
        raise RuntimeError(f"broken on the way to {path}")

    with capture_logs() as said:
        await gateway.client.get(path)
        await gateway.client.post(path, data=ONE_CLICK)
        monkeypatch.setattr(links, "answer_page", broken)
        broken_off = await gateway.client.get(path)
    assert (broken_off.status_code, _says(broken_off)) == (503, "Bitte versuchen Sie es gleich noch einmal")
    gateway.gate.lines.flush()
    (problem,) = said
    assert problem["route"] == "/l/{token}"
    written = str(mask(None, "error", format_exc_info(None, "error", dict(problem))))
    assert "broken on the way to /l/***" in written and token not in written
    metrics = (await gateway.get("/metrics", "admin")).text
    assert "/l/{token}" in metrics and token not in metrics


def test_the_turnstile_forgets_whom_it_has_not_seen_for_long() -> None:
    turnstile = Turnstile(most=1, size=2)
    assert [turnstile.admits(name, NOON) for name in "aab"] == [True, False, True]
    assert turnstile.admits("c", NOON) and turnstile.admits("a", NOON)
    assert turnstile.admits("a", NOON + timedelta(minutes=1))


def test_pages_speak_the_language_of_the_browser_where_they_can() -> None:
    policy = Outreach()
    for accepted, language in ((b"en-GB,de;q=0.5", "en"), (b"fr, de", "de"), (b"", "de"), (b"\xff\xfe", "de")):
        assert language_of_browser(accepted, policy) == language


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_page_that_there_can_be_has_its_words(language: str) -> None:
    policy = Outreach(company="<b>Acme</b>", reach_us={"de": "Telefon 1", "en": "phone 1"})
    terms = Terms(
        product="<script>DSL</script>",
        ends=NOON.date(),
        monthly=Money(3990, "EUR"),
        monthly_later=Money(4990, "EUR"),
        discount_ends=NOON.date(),
        offer="Gutschrift",
        amount=Money(2000, "EUR"),
        days=30,
    )
    seen = set()
    states: list[tuple[State, Reason, bool]] = [
        ("open", "", False),
        ("done", "", True),
        ("done", "", False),
        ("expired", "", False),
    ]
    states += [("refused", one, False) for one in get_args(Reason) if one]
    undone: list[tuple[State, Reason, bool]] = [("undone", "", True)]
    purposes: tuple[Purpose, ...] = ("unsubscribe", "renew", "accept")
    for purpose in purposes:
        for state, reason, just_now in [*states, *(undone if purpose == "unsubscribe" else [])]:
            for channel in ("email", "sms"):
                found = Answer(
                    purpose=purpose,
                    state=state,
                    reason=reason,
                    language=language,
                    channel=channel,
                    how=channel,
                    used_at=NOON,
                    just_now=just_now,
                    terms=terms,
                )
                page = answer_page(found, policy).body.decode()
                assert "{" not in page.partition("</style>")[2] and "<script" not in page and "<b>" not in page
                assert f'<html lang="{language}">' in page and "1" in page.partition('class="help"')[2]
                seen.add(page)
    assert len(seen) >= 15
