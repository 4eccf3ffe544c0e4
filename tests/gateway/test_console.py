"""People at the console: how they sign in, what their role lets them do, and who cannot use their session."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.access import ROLES, SCOPES, Session, mint_key, mint_session, read_session, role_of
from bridge.errors import NotAllowed, NotAuthentic
from bridge.store import Unit
from bridge.store.keys import keep_key
from tests.gateway.conftest import NOON, Gateway

SECRET = "0123456789abcdef0123456789abcdef"
HERE = {"origin": "https://bridge.example", "x-console": "1"}
READ = {"x-console": "1"}


async def key_with(gateway: Gateway, *scopes: str, name: str = "Anna Brandt") -> tuple[str, str]:
    """A key and its id."""
    key, stored = mint_key(name, scopes, gateway.clock())
    unit = Unit()
    keep_key(unit, stored)
    await gateway.store.write(unit)
    return key, stored.id


async def sign_in(gateway: Gateway, key: str = "", **body: str) -> httpx.Response:
    headers = HERE | ({"authorization": f"Bearer {key}"} if key else {})
    gateway.client.cookies.clear()
    return await gateway.client.post("/console/session", headers=headers, json=body)


async def test_a_key_opens_a_session_that_lives_in_a_cookie_no_script_can_read(gateway: Gateway) -> None:
    key, _ = await key_with(gateway, *ROLES["manager"])
    answer = await sign_in(gateway, key)
    assert answer.status_code == 200, answer.text
    assert answer.json() | {"expires_at": ""} == {
        "name": "Anna Brandt",
        "role": "manager",
        "roles": ["viewer", "agent", "manager"],
        "scopes": ["agent", "supervisor", "team_lead", "viewer"],
        "expires_at": "",
        "currency": "EUR",
        "demo": False,
    }
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-rb_console=")
    for part in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age=36000"):
        assert part in cookie
    assert "Domain" not in cookie
    assert key not in cookie
    told = await gateway.client.get("/console/session", headers=READ)
    assert told.json()["name"] == "Anna Brandt"
    assert (await gateway.client.get("/v1/today", headers=READ)).status_code == 200
    replay = await gateway.client.post("/v1/dead-letters/replay", headers=HERE, json={"source": "crm"})
    assert replay.status_code == 403


async def test_a_page_of_somebody_elses_cannot_use_the_session(gateway: Gateway) -> None:
    key, _ = await key_with(gateway, *ROLES["manager"])
    await sign_in(gateway, key)
    for headers in ({}, {"origin": "https://evil.example", "x-console": "1"}, {"origin": "https://bridge.example"}):
        assert (await gateway.client.get("/v1/today", headers=headers)).status_code == 401
    gateway.client.cookies.clear()
    for headers in (HERE | {"origin": "https://evil.example"}, {"x-console": "1"}, {"origin": HERE["origin"]}):
        with_key = headers | {"authorization": f"Bearer {key}"}
        assert (await gateway.client.post("/console/session", headers=with_key, json={})).status_code == 401


async def test_a_session_ends_with_its_key_with_its_hours_and_when_one_signs_out(gateway: Gateway) -> None:
    key, id = await key_with(gateway, *ROLES["manager"])
    await sign_in(gateway, key)
    assert (await gateway.client.get("/v1/today", headers=READ)).status_code == 200
    (copied,) = [one.value for one in gateway.client.cookies.jar]
    await gateway.client.delete("/console/session", headers=HERE)
    assert (await gateway.client.get("/console/session", headers=READ)).json() is None
    for refreshed in range(2):
        if refreshed:
            await gateway.gate.refresh()
        for cookie in (copied, f"{copied}="):
            stolen = READ | {"cookie": f"__Host-rb_console={cookie}"}
            answer = await gateway.client.get("/v1/today", headers=stolen)
            assert answer.status_code == 401, "who signed out is out, wherever the cookie went"
    gateway.clock.advance(seconds=1)
    await sign_in(gateway, key)
    await gateway.store.change("access.revoke", id=id, at=int(gateway.clock().timestamp() * 1e6))
    await gateway.gate.refresh()
    assert (await gateway.client.get("/v1/today", headers=READ)).status_code == 401
    other, _ = await key_with(gateway, "viewer")
    await sign_in(gateway, other)
    gateway.clock.now += timedelta(hours=10)
    assert (await gateway.client.get("/v1/today", headers=READ)).status_code == 401


async def test_a_session_that_a_neighbour_of_the_domain_planted_is_none(gateway: Gateway) -> None:
    key, _ = await key_with(gateway, *ROLES["manager"])
    await sign_in(gateway, key)
    (session,) = [one.value for one in gateway.client.cookies.jar]
    gateway.client.cookies.clear()
    planted = READ | {"cookie": f"rb_console={session}"}
    assert (await gateway.client.get("/v1/today", headers=planted)).status_code == 401
    own = READ | {"cookie": f"rb_console=x; other=1; __Host-rb_console={session}"}
    assert (await gateway.client.get("/v1/today", headers=own)).status_code == 200


async def test_a_person_makes_out_no_tickets_in_other_peoples_names(gateway: Gateway) -> None:
    wanted = {"agent": "somebody-else", "origin": "https://desk.example.com"}
    by_key = await gateway.post("/v1/tickets", "agent", json=wanted)
    with_ticket = {"authorization": f"Bearer {by_key.json()['ticket']}", "origin": wanted["origin"]}
    assert (await gateway.client.post("/v1/tickets", headers=with_ticket, json=wanted)).status_code == 403
    key, _ = await key_with(gateway, *ROLES["manager"])
    await sign_in(gateway, key)
    assert (await gateway.client.post("/v1/tickets", headers=HERE, json=wanted)).status_code == 403


async def test_a_role_may_be_less_than_the_key_and_never_more(gateway: Gateway) -> None:
    key, _ = await key_with(gateway, "supervisor", "agent", "team_lead")
    assert (await sign_in(gateway, key, role="viewer")).json()["scopes"] == ["viewer"]
    assert (await gateway.client.get("/v1/models", headers=READ)).status_code == 403
    assert (await sign_in(gateway, key, role="operator")).status_code == 403
    ivr, _ = await key_with(gateway, "ivr")
    assert (await sign_in(gateway, ivr)).status_code == 403
    assert (await sign_in(gateway, "rb_000000000000_" + "0" * 48)).status_code == 401
    assert (await sign_in(gateway)).status_code == 401, "outside demo mode everybody proves who they are"


async def test_a_link_signs_one_person_in_once(gateway: Gateway) -> None:
    _, id = await key_with(gateway, *ROLES["operator"], name="console: Jo")
    until = gateway.clock() + timedelta(days=1)
    link = mint_session(SECRET, Session(name="Jo", role="operator", origin="", key=id, expires_at=until), NOON)
    await gateway.gate.refresh()
    gateway.client.cookies.clear()
    gateway.client.cookies.set("rb_console", link)
    assert (await gateway.client.get("/v1/today", headers=READ)).status_code == 401, "a link is no session"
    assert (await sign_in(gateway, link=link, role="manager")).status_code == 403, "and the link is not used up"
    told = await sign_in(gateway, link=link)
    assert (told.json()["name"], told.json()["role"]) == ("Jo", "operator")
    assert (await gateway.client.get("/v1/dead-letters", headers=READ)).status_code == 200
    for same in (link, link + "="):  # one signature can be written in several ways
        again = await sign_in(gateway, link=same)
        assert again.status_code == 401
        assert "used" in again.json()["error"]["message"]
    session = mint_session(
        SECRET, Session(name="Jo", role="operator", origin=HERE["origin"], key=id, expires_at=until), NOON
    )
    assert (await sign_in(gateway, link=session)).status_code == 401, "a session is no link"
    weak = mint_session(SECRET, Session(name="Jo", role="viewer", origin="", key=id, expires_at=until), NOON)
    assert (await sign_in(gateway, link=weak, role="operator")).status_code == 403


@pytest.mark.parametrize("limits", [{"demo": True}])
async def test_in_the_example_nobody_has_to_say_who_they_are(gateway: Gateway) -> None:
    assert (await sign_in(gateway)).status_code == 404
    await key_with(gateway, *SCOPES, name="example")
    await gateway.gate.refresh()
    assert (await sign_in(gateway)).json()["role"] == "manager"
    assert (await sign_in(gateway, role="operator")).json()["role"] == "operator"
    assert (await gateway.client.get("/v1/dead-letters", headers=READ)).status_code == 200


async def test_every_page_of_the_console_is_there_and_no_other(gateway: Gateway) -> None:
    for path in ("/console", "/console/today", "/console/automations/bad_nps"):
        page = await gateway.client.get(path)
        assert page.status_code == 200
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert (await gateway.client.get("/console/nothing")).status_code == 404


async def test_signing_in_is_remembered_and_the_key_is_not(gateway: Gateway) -> None:
    key, _ = await key_with(gateway, "viewer")
    await sign_in(gateway, key)
    await gateway.gate.flush()
    rows = await gateway.rows("audit", "actor, action, subject")
    assert ("agent:Anna Brandt", "console.sign_in", "role:viewer") in [tuple(row) for row in rows]
    assert key not in str(rows)


@given(scopes=st.frozensets(st.sampled_from(SCOPES), min_size=1), wanted=st.sampled_from([None, *ROLES]))
def test_nobody_gets_a_role_whose_scopes_the_key_does_not_hold(scopes: frozenset[str], wanted: str | None) -> None:
    try:
        role = role_of(scopes, wanted)
    except NotAllowed:
        assert wanted is not None or not scopes & {"viewer", "agent", "supervisor", "admin"}
        return
    assert ROLES[role] <= scopes | {"viewer"}
    assert wanted in (None, role)


@given(cut=st.integers(0, 400), letter=st.sampled_from("aZ0_-."))
def test_an_altered_session_is_none(cut: int, letter: str) -> None:
    session = Session(
        name="Jo", role="viewer", origin="https://a.example", key="k", expires_at=NOON + timedelta(hours=1)
    )
    token = mint_session(SECRET, session, NOON)
    place = cut % len(token)
    altered = token[:place] + letter + token[place + 1 :]
    if altered == token:
        assert read_session([SECRET], altered, NOON) == session
        return
    try:
        # the last letter of a part may carry spare bits
        assert read_session([SECRET], altered, NOON) == session
    except NotAuthentic:
        pass
    with pytest.raises(NotAuthentic):
        read_session(["another secret of thirty-two chars"], token, NOON)
    with pytest.raises(NotAuthentic):
        read_session([SECRET], token, NOON + timedelta(hours=1))
