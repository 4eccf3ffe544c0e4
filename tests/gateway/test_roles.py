"""What each role of the console reaches: every route by name, so that a new one is given to somebody on purpose."""

from __future__ import annotations

import re

import pytest

from bridge.access import ROLES
from bridge.app import ROUTES
from bridge.gateway.endpoint import Stream
from tests.gateway.conftest import Gateway
from tests.gateway.test_console import HERE, key_with, sign_in

VIEWER = """
GET /v1/automations
GET /v1/automations/vocabulary
GET /v1/automations/{id}
GET /v1/automations/{id}/effect
GET /v1/automations/{id}/runs
GET /v1/loops
GET /v1/metrics
GET /v1/surveys
GET /v1/surveys/{id}
GET /v1/today
POST /v1/automations/message_preview
POST /v1/automations/message_preview
POST /v1/automations/preview
"""
WORK = """
GET /v1/customers/{id}
GET /v1/customers/{id}/timeline
GET /v1/decisions/{id}
GET /v1/lessons
GET /v1/loops/{id}
POST /v1/lessons
POST /v1/loops/{id}/assign
POST /v1/loops/{id}/close
POST /v1/loops/{id}/note
POST /v1/loops/{id}/reopen
POST /v1/loops/{id}/reply
POST /v1/loops/{id}/snooze
"""
CARDS = """
GET /v1/assist
GET /v1/customers/{id}/events
GET /v1/interactions/{id}/events
GET /v1/lookup
POST /v1/assist
POST /v1/customers/{id}/events
POST /v1/decisions/{id}/outcome
POST /v1/decisions/{id}/scripts
POST /v1/interactions/{id}/events
POST /v1/lookup
POST /v1/tickets
"""
LEAD = """
DELETE /v1/automations/{id}
GET /v1/dead-letters
GET /v1/dead-letters/kinds
GET /v1/decisions/{id}/rules
GET /v1/identity/merges
GET /v1/identity/proposals
GET /v1/identity/{id}
GET /v1/models
GET /v1/models/{kind}/{version}
GET /v1/outbox
GET /v1/reports/uplift
GET /v1/sources
POST /v1/automations/pause
POST /v1/automations/resume
POST /v1/automations/{id}/mode
POST /v1/automations/{id}/rollback
POST /v1/identity/block
POST /v1/identity/merge
POST /v1/identity/proposals/{id}/merge
POST /v1/identity/proposals/{id}/refuse
POST /v1/identity/proposals/{id}/reopen
POST /v1/identity/separate
POST /v1/identity/split
POST /v1/identity/unblock
POST /v1/metrics/refresh
POST /v1/models/{kind}/rollback
POST /v1/outbox/retry
POST /v1/outbox/{id}/retry
POST /v1/outbox/{id}/settle
POST /v1/surveys/{id}/{mode}
PUT /v1/automations/{id}
"""
OPERATE = """
GET /v1/dead-letters/{id}
POST /v1/dead-letters/discard
POST /v1/dead-letters/replay
POST /v1/dead-letters/{id}/discard
POST /v1/dead-letters/{id}/replay
"""
REACHED = {
    "viewer": VIEWER,
    "agent": VIEWER + WORK + CARDS,
    "manager": VIEWER + WORK + CARDS + LEAD,
    "operator": VIEWER + WORK + LEAD + OPERATE,
}
ONLY_BY_KEY = {"POST /v1/tickets", "GET /v1/lookup", "POST /v1/lookup"}
"""Of those that a scope opens: for machines, not for people."""


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_reaches_what_it_is_meant_to_and_is_refused_everything_else(gateway: Gateway, role: str) -> None:
    key, _ = await key_with(gateway, *ROLES[role])
    assert (await sign_in(gateway, key, role=role)).status_code == 200
    meant = set(REACHED[role].split("\n")) - {"", *ONLY_BY_KEY}
    reached = set()
    for one in ROUTES:
        name = f"{one.method} {one.path}"
        if one.scopes is None or (one.types().get("return") is Stream and name in meant):
            reached |= {name} & meant  # what streams never ends by itself
            continue
        path = re.sub(r"{\w+}", "x", one.path)
        body = {"agent": "x", "origin": "https://desk.example"} if name in ONLY_BY_KEY else {}
        answer = await gateway.client.request(
            one.method, path, headers=HERE, json=body if one.method != "GET" else None
        )
        assert answer.status_code != 500, (name, answer.text)
        if answer.status_code not in (401, 403):
            reached.add(name)
    assert reached == meant


async def test_who_has_no_role_reaches_nothing_that_is_not_for_everybody(gateway: Gateway) -> None:
    gateway.client.cookies.clear()
    for one in ROUTES:
        if one.scopes is not None:
            answer = await gateway.client.request(one.method, re.sub(r"{\w+}", "x", one.path), headers=HERE)
            assert answer.status_code == 401, (one.method, one.path)
