"""A decision is explained for good: the card byte for byte, the rules as they were, and what happened later."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bridge.access import SCOPES
from bridge.app import App, create_app
from bridge.flow import apply_rules
from bridge.settings import Settings, read_settings
from tests.gateway.conftest import NOON, SOURCES, Clock, Gateway, person, store_keys
from tests.gateway.test_outcomes import decision

ADA = person("1", name="Ada Kaya", phones=["+4930901820"], language="de")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration that a test may change."""
    folder = tmp_path / "config"
    shutil.copytree(read_settings().config_dir, folder)
    return folder


async def test_a_decision_is_explained_also_after_the_files_have_changed_and_a_restart(
    make_settings: Callable[..., Settings], config: Path
) -> None:
    clock, settings = Clock(NOON), make_settings(config_dir=config)
    playbook = config / "playbooks" / "default.yaml"
    old = playbook.read_text("utf-8")

    async def enter(app: App, gateway: Gateway, *, first: bool) -> tuple[bytes, bytes, str]:
        if first:
            await gateway.know(ADA)
            ids.append((await gateway.lookup(phone="+4930901820"))["decision_id"])
            await gateway.post(f"/v1/decisions/{ids[0]}/outcome", "agent", json={"kind": "shown"})
        seen = await gateway.get(f"/v1/decisions/{ids[0]}", "supervisor", lang="de")
        rules = await gateway.get(seen.json()["materials"]["rules"], "supervisor")
        assert rules.status_code == 200, rules.text
        card = seen.content[seen.content.index(b'"card":') : seen.content.index(b'"outcomes":')]
        return card, rules.content, rules.json()["playbooks/default.yaml"]

    ids: list[str] = []
    answers = []
    for first in (True, False):
        app = create_app(settings, SOURCES, clock=clock)
        async with (
            app.running() as gate,
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://bridge.example") as client,
        ):
            keys = await store_keys(gate.store, [*((scope,) for scope in SCOPES), SCOPES], clock())
            gateway = Gateway(app, gate, client, clock, keys)
            await gate.refresh()
            if not first:
                assert await apply_rules(gate.desk, clock())
                await gateway.digest()
                assert (await gateway.lookup(phone="+4930901820"))["decision_id"] != ids[0]
            answers.append(await enter(app, gateway, first=first))
        playbook.write_text(old.replace("Anliegen klären", "zuhören"), "utf-8")
        clock.advance(days=3)
    assert answers[0] == answers[1]
    assert answers[1][2] == old != playbook.read_text("utf-8")


async def test_what_was_recorded_and_what_happened_later_come_with_it_and_no_agent(gateway: Gateway) -> None:
    id = await decision(gateway)
    path = f"/v1/decisions/{id}"
    before = (await gateway.get(path, "agent")).json()
    assert (before["outcomes"], before["later"], before["settles_at"]) == ([], None, None)
    for body in ({"kind": "shown"}, {"result": "saved", "note": "froh", "agent": "a-17"}):
        assert (await gateway.post(f"{path}/outcome", "agent", json=body)).status_code == 200
        gateway.clock.advance(minutes=1)
    seen = await gateway.get(path, "agent")
    assert [(one["kind"], one["result"], one["note"], one["by"]) for one in seen.json()["outcomes"]] == [
        ("shown", None, None, "key"),
        ("result", "saved", "froh", "key"),
    ]
    assert "a-17" not in seen.text
    assert seen.json()["later"]["became"] in ("open", "not_asked")
    assert 0 < seen.json()["later"]["risk"] < 1
    horizon = timedelta(days=gateway.gate.desk.rules.deciding.choice.horizon_days)
    assert seen.json()["settles_at"] > (NOON + horizon).isoformat()


async def test_who_cannot_be_judged_is_named_so_and_who_was_erased_is_gone(gateway: Gateway) -> None:
    id = await decision(gateway)
    await gateway.post(f"/v1/decisions/{id}/outcome", "agent", json={"kind": "shown"})
    gateway.clock.advance(days=120)
    seen = (await gateway.get(f"/v1/decisions/{id}", "supervisor")).json()
    assert seen["later"]["became"] == "not_asked"  # neither a contract nor a rhythm to judge by
    assert (
        await gateway.client.delete(f"/v1/customers/{seen['customer']}", headers=gateway.bearer("privacy"))
    ).is_success
    assert (await gateway.get(f"/v1/decisions/{id}", "supervisor")).status_code == 404


async def test_the_rules_are_for_supervisors_and_only_of_what_is_kept(gateway: Gateway) -> None:
    id = await decision(gateway)
    assert (await gateway.get(f"/v1/decisions/{id}/rules", "agent")).status_code == 403
    assert (await gateway.get("/v1/decisions/d_none/rules", "supervisor")).status_code == 404
    assert "scoring.yaml" in (await gateway.get(f"/v1/decisions/{id}/rules", "supervisor")).json()
