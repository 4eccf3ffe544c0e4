"""What browsers are sent: the card's module and the desktop, and what pages of other origins may read."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from bridge.app import create_app
from bridge.gateway.pages import CARD, Pages, join_modules
from bridge.settings import Settings
from tests.gateway.conftest import NOON, SOURCES, Clock, Gateway, case, person, store_keys

ORIGIN = "https://desk.example.com"
PHONE = "+4930901820"


async def ticket(gateway: Gateway) -> dict[str, str]:
    """Headers of a page of ORIGIN with a ticket of its own."""
    answer = await gateway.post("/v1/tickets", "agent", json={"agent": "a-17", "origin": ORIGIN})
    return {"authorization": f"Bearer {answer.json()['ticket']}", "origin": ORIGIN}


async def test_the_module_may_be_loaded_anywhere_and_is_asked_for_again_only_when_it_changed(gateway: Gateway) -> None:
    first = await gateway.client.get(CARD, headers={"accept-encoding": "gzip"})
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    assert first.headers["content-encoding"] == "gzip"
    assert first.headers["cross-origin-resource-policy"] == "cross-origin"
    assert first.headers["access-control-allow-origin"] == "*"
    assert first.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert int(first.headers["content-length"]) < 30_000
    plain = await gateway.client.get(CARD, headers={"accept-encoding": "identity"})
    assert plain.content == first.content
    assert gzip.compress(plain.content)
    tag = first.headers["etag"]
    for sent in (tag, f'W/{tag}, "other"'):
        again = await gateway.client.get(CARD, headers={"if-none-match": sent})
        assert (again.status_code, again.content) == (304, b"")
    versioned = await gateway.client.get(f"{CARD}?v={tag.strip(chr(34))}")
    assert versioned.headers["cache-control"] == "public, max-age=31536000, immutable"
    stale = await gateway.client.get(f"{CARD}?v=older")
    assert stale.headers["cache-control"] == "public, max-age=0, must-revalidate"


async def test_pages_of_ours_run_nothing_but_their_own_files(gateway: Gateway) -> None:
    page = await gateway.client.get("/desktop")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "<script>" not in page.text
    assert "style=" not in page.text
    for name in (CARD, "/desktop/desktop.js", "/desktop/desktop.css"):
        assert f'"{name}?v=' in page.text
    head = await gateway.client.head("/desktop")
    assert head.status_code == 200


def test_modules_are_joined_in_the_order_in_which_they_need_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("import { b } from './b.js';\nimport './c.js';\nexport const a = b + 1;\n")
    (tmp_path / "b.js").write_text("import { a } from './a.js';\nexport const b = () => a;\n")
    (tmp_path / "c.js").write_text("export class C {}\n")
    joined = join_modules(tmp_path / "a.js")
    assert joined == "//# allFunctionsCalledOnLoad\nconst b = () => a;\n\nclass C {}\n\nconst a = b + 1;\n"


def test_no_two_files_of_one_page_use_one_name_for_different_things() -> None:
    scripts = {name: asset.body.decode() for name, asset in Pages()._assets.items() if name.endswith(".js")}
    assert len(scripts) > 10
    for name, text in scripts.items():
        declared = Counter(re.findall(r"^(?:async )?(?:function\*?|class|const|let) (\w+)", text, re.MULTILINE))
        assert [one for one, times in declared.items() if times > 1] == [], name


def test_the_version_of_a_file_changes_with_its_content_alone() -> None:
    versions = [asset.version for asset in Pages()._assets.values()]
    assert versions == [asset.version for asset in Pages()._assets.values()]
    assert len(set(versions)) == len(versions)


async def test_a_page_may_read_what_it_asked_for_with_its_own_ticket_and_nothing_else(gateway: Gateway) -> None:
    await gateway.know(person("1", name="Ada Kaya", phones=[PHONE]))
    own = await ticket(gateway)
    card = await gateway.client.post("/v1/assist", json={"phone": PHONE}, headers=own)
    assert card.headers["access-control-allow-origin"] == ORIGIN
    assert card.headers["vary"] == "origin"
    decision = card.json()["decision_id"]
    wrong = await gateway.client.post(f"/v1/decisions/{decision}/outcome", json={"kind": "x"}, headers=own)
    gone = await gateway.client.post("/v1/decisions/d_0/outcome", json={"kind": "shown"}, headers=own)
    assert (wrong.status_code, gone.status_code) == (400, 404)
    assert {one.headers["access-control-allow-origin"] for one in (wrong, gone)} == {ORIGIN}
    with_key = await gateway.client.post(
        "/v1/assist", json={"phone": PHONE}, headers=gateway.bearer("agent") | {"origin": ORIGIN}
    )
    assert with_key.status_code == 200
    assert "access-control-allow-origin" not in with_key.headers
    elsewhere = await gateway.client.post(
        "/v1/assist", json={"phone": PHONE}, headers=own | {"origin": "https://evil.example"}
    )
    assert elsewhere.status_code == 401
    assert "Kaya" not in elsewhere.text
    unshared = await gateway.client.get(f"/v1/decisions/{decision}", headers=own)
    assert "access-control-allow-origin" not in unshared.headers


async def test_a_browser_may_ask_beforehand_only_where_pages_are_served(gateway: Gateway) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "POST"}
    answer = await gateway.client.options("/v1/assist", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    for path in ("/v1/sources", "/v1/tickets", "/v1/customers/c_1"):
        assert (await gateway.client.options(path, headers=asked)).status_code == 405
    assert (await gateway.client.options("/v1/assist")).status_code == 405


async def test_other_scripts_come_filled_and_without_the_one_on_the_card(gateway: Gateway) -> None:
    await gateway.know(
        person("1", name="Ada Kaya", phones=[PHONE]),
        case("9", "1", type="complaint", status="open", opened="2026-11-20T08:00:00Z"),
    )
    card = (await gateway.post("/v1/assist", "agent", json={"phone": PHONE, "lang": "en"})).json()
    path = f"/v1/decisions/{card['decision_id']}/scripts"
    found = (await gateway.post(path, "agent", json={"lang": "en"})).json()["scripts"]
    assert [one["id"] for one in found] == card["script"]["alternates"]
    assert card["script"]["id"] not in [one["id"] for one in found]
    assert all(one["line"] and "{{" not in one["line"] for one in found)
    german = (await gateway.post(path, "agent", json={})).json()["scripts"]
    assert [one["id"] for one in german] == [one["id"] for one in found]
    assert german[-1]["line"] != found[-1]["line"]
    assert (await gateway.post("/v1/decisions/d_0/scripts", "agent", json={})).status_code == 404
    assert (await gateway.post(path, "ivr", json={})).status_code == 403


@pytest.fixture
async def demo(make_settings: Callable[..., Settings]) -> AsyncIterator[Gateway]:
    """The application in demo mode; its example key is not there yet."""
    clock = Clock(NOON)
    app = create_app(make_settings(demo=True).model_copy(update={"ticket_secret": None}), SOURCES, clock=clock)
    async with (
        app.running() as gate,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000") as client,
    ):
        yield Gateway(app, gate, client, clock, await store_keys(gate.store, [("agent",)], clock()))


async def test_the_example_gives_its_own_page_a_ticket_and_no_other_page(demo: Gateway) -> None:
    own = {"origin": "http://127.0.0.1:8000"}
    assert (await demo.client.post("/desktop/ticket", headers=own)).status_code == 404
    from bridge.access import mint_key
    from bridge.store import Unit
    from bridge.store.keys import keep_key

    unit = Unit()
    keep_key(unit, mint_key("example", ["agent", "ivr"], NOON)[1])
    await demo.store.write(unit)
    await demo.gate.refresh()
    for headers in ({"origin": "https://evil.example"}, {}):
        assert (await demo.client.post("/desktop/ticket", headers=headers)).status_code == 401
    admitted = await demo.client.post("/desktop/ticket", headers=own)
    assert admitted.status_code == 200
    bearer = own | {"authorization": f"Bearer {admitted.json()['ticket']}"}
    callers = (await demo.client.post("/desktop/callers", headers=bearer)).json()["callers"]
    assert len(callers) >= 3
    assert all(set(one["about"]) == {"de", "en"} and one["phone"].startswith("+") for one in callers)
    await demo.know(person("1", name="Ada Kaya", phones=[callers[0]["phone"]]))
    rung = await demo.client.post("/desktop/ring", json={"phone": callers[0]["phone"]}, headers=bearer)
    told = rung.json()["told"]
    assert (told["match"], told["script_line"]) == ("exact", "")
    body = {"interaction": rung.json()["interaction"]}
    card = await demo.client.post("/v1/assist", json=body, headers=bearer)
    assert card.json()["customer"]["name"] == "Ada Kaya"


async def test_outside_demo_mode_the_desktop_gives_nothing_away(gateway: Gateway) -> None:
    assert (
        await gateway.client.post("/desktop/ticket", headers={"origin": "https://bridge.example"})
    ).status_code == 404
    for path, body in (("/desktop/callers", None), ("/desktop/ring", {"phone": PHONE})):
        assert (await gateway.client.post(path, json=body)).status_code == 401
        assert (await gateway.post(path, "agent", json=body)).status_code == 404
