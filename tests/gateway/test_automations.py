"""Automations over HTTP: built, saved, switched, taken back, held; what they did; and all that the builder offers."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, get_args

import msgspec
import pytest

from bridge.access import SCOPES
from bridge.automation import register
from bridge.automation.forms import FactName, StepForm
from bridge.automation.gates import Reason
from bridge.automation.rules import compile_automation
from bridge.automation.triggers import SINCE, TRIGGERS, fact_vocabulary
from bridge.conditions import OPERATORS, Field
from bridge.console import automations as gateway_automations
from bridge.console import words as said
from bridge.errors import Superseded
from bridge.playbook.situation import SCRIPT_VOCABULARY
from bridge.scoring.signals import SIGNS
from tests.gateway.conftest import Gateway, person

FORM: dict[str, Any] = {
    "title": {"de": "Entschuldigen", "en": "Apologise"},
    "when": {"fact": "survey.answered", "where": {"fact.metric": "nps", "fact.score": {"at_most": 6}}},
    "purpose": "service",
    "do": [
        {"send_email": {"message": "apology", "apology": True}},
        {"wait": {"days": 3}},
        {"stop_if": {"any": [{"since.resolved": {"at_least": 1}}, {"since.talked": True}]}},
        {"schedule_callback": {"reason": {"de": "Nachfragen", "en": "Ask"}}},
    ],
}


async def put(gateway: Gateway, id: str, form: dict[str, Any], version: str | None = None, **headers: str) -> Any:
    return await gateway.client.put(
        f"/v1/automations/{id}",
        json={"automation": form, "version": version},
        headers=gateway.bearer("supervisor") | {name.replace("_", "-"): text for name, text in headers.items()},
    )


async def test_one_is_built_switched_on_for_some_and_listed_with_who_did_it(gateway: Gateway) -> None:
    made = (await put(gateway, "sorry", FORM)).json()
    assert (made["entry"]["mode"], made["entry"]["origin"]) == ("off", "console")
    assert made["entry"]["steps"] == ["send_email", "wait", "stop_if", "schedule_callback"]
    assert made["entry"]["updated_by"] == "test"
    assert made["form"]["do"][0]["send_email"]["message"]["subject"]["en"].startswith("That was not good")
    body = {"mode": "on", "roll_out": 0.1}
    on = (await gateway.post("/v1/automations/sorry/mode", "supervisor", json=body)).json()
    assert (on["entry"]["mode"], on["entry"]["roll_out"]) == ("on", 0.1)
    assert on["entry"]["live_since"]
    assert len(on["versions"]) == 2
    assert [one.mode for one in gateway.gate.desk.armed if one.id == "sorry"] == ["on"]
    listed = (await gateway.get("/v1/automations", "viewer")).json()
    assert [one["id"] for one in listed["automations"]] == ["sorry"]
    actions = await gateway.rows("audit", "action", "subject = 'automation:sorry'")
    assert sorted(actions) == [("automation.save",), ("automation.save",)]


async def test_what_somebody_else_changed_meanwhile_is_not_overwritten(gateway: Gateway) -> None:
    first = (await put(gateway, "sorry", FORM)).json()["entry"]["version"]
    assert (await put(gateway, "sorry", FORM)).status_code == 409
    changed = FORM | {"window": 60}
    second = (await put(gateway, "sorry", changed, first)).json()["entry"]["version"]
    assert (await put(gateway, "sorry", FORM | {"window": 7}, first)).status_code == 409
    assert (await put(gateway, "sorry", FORM | {"window": 7}, if_match=f'"{second}"')).status_code == 200
    back = await gateway.post("/v1/automations/sorry/rollback", "supervisor", json={"version": first})
    assert back.json()["entry"]["version"] == first
    assert sum(one["in_use"] for one in back.json()["versions"]) == 1
    again = await gateway.post("/v1/automations/sorry/rollback", "supervisor", json={"version": first})
    assert again.status_code == 400


async def test_of_two_who_save_at_the_same_moment_one_is_told(gateway: Gateway) -> None:
    first = (await put(gateway, "sorry", FORM)).json()["entry"]["version"]
    both = await asyncio.gather(*(put(gateway, "sorry", FORM | {"window": days}, first) for days in (7, 60)))
    assert sorted(one.status_code for one in both) == [200, 409]
    (kept,) = [one.json()["entry"]["version"] for one in both if one.status_code == 200]
    assert (await gateway.get("/v1/automations/sorry", "viewer")).json()["entry"]["version"] == kept


async def test_nobody_switches_on_what_somebody_else_has_changed_and_off_always_works(gateway: Gateway) -> None:
    seen = (await put(gateway, "sorry", FORM)).json()["entry"]["version"]
    await put(gateway, "sorry", FORM | {"window": 60}, seen)
    path = "/v1/automations/sorry/mode"
    for wanted in ({"mode": "on"}, {"mode": "on", "roll_out": 0.1}):
        assert (await gateway.post(path, "supervisor", json=wanted | {"version": seen})).status_code == 409
    assert (await gateway.get("/v1/automations/sorry", "viewer")).json()["entry"]["mode"] == "off"
    assert (await gateway.post(path, "supervisor", json={"mode": "on"})).status_code == 200
    assert (await gateway.post(path, "supervisor", json={"mode": "off"})).status_code == 200


async def test_switching_off_works_while_others_save(gateway: Gateway) -> None:
    seen = (await put(gateway, "sorry", FORM)).json()["entry"]["version"]
    await gateway.post("/v1/automations/sorry/mode", "supervisor", json={"mode": "on"})
    saved, off = await asyncio.gather(
        put(gateway, "sorry", FORM | {"window": 60}, seen),
        gateway.post("/v1/automations/sorry/mode", "supervisor", json={"mode": "off"}),
    )
    assert off.status_code == 200
    assert saved.status_code in (200, 409)
    entry = (await gateway.get("/v1/automations/sorry", "viewer")).json()["entry"]
    assert entry["mode"] == "off"
    assert (entry["version"] == seen) == (saved.status_code == 409)


async def test_an_edit_does_not_take_back_that_it_was_switched_off_meanwhile(gateway: Gateway) -> None:
    await put(gateway, "sorry", FORM)
    store, now = gateway.store, gateway.clock()
    before = await register.switch(store, "sorry", "on", by="key:1", now=now)
    later = now + timedelta(seconds=1)
    await register.switch(store, "sorry", "off", by="key:2", now=later)
    rule = compile_automation(msgspec.structs.replace(before.rule.file, window=7), "sorry")
    with pytest.raises(Superseded):
        await register.save(store, rule, mode=before.mode, by="key:1", now=later, before=before)
    with pytest.raises(Superseded):
        await register.switch(store, "sorry", "on", by="key:1", now=later, before=before)
    assert (await register.find_armed(store, "sorry")).mode == "off"


async def test_what_is_too_long_too_deep_or_too_large_is_refused_and_breaks_nothing(gateway: Gateway) -> None:
    long = FORM | {"if": {"any": [{"risk.band": "high"}] * 20_000}}
    answer = await put(gateway, "sorry", long)
    assert (answer.status_code, "longer" in answer.text) == (400, True)
    deep = b'{"automation": {"if": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    key = gateway.bearer("supervisor") | {"content-type": "application/json"}
    for method, path in (("PUT", "/v1/automations/sorry"), ("POST", "/v1/automations/preview")):
        answer = await gateway.client.request(method, path, content=deep, headers=key)
        assert (answer.status_code, "deep" in answer.text) == (400, True)
    huge = {"after": "9999999999999999999:r_1"}
    assert (await gateway.get("/v1/automations/sorry/runs", "supervisor", **huge)).status_code == 400


async def test_of_many_versions_the_latest_are_shown_and_the_one_in_use(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_automations, "MOST_VERSIONS", 2)
    first = version = (await put(gateway, "sorry", FORM)).json()["entry"]["version"]
    for days in (7, 8, 9):
        gateway.clock.advance(seconds=1)
        version = (await put(gateway, "sorry", FORM | {"window": days}, version)).json()["entry"]["version"]
    back = (await gateway.post("/v1/automations/sorry/rollback", "supervisor", json={"version": first})).json()
    assert [(one["form"].get("window"), one["in_use"]) for one in back["versions"]] == [
        (9, False),
        (8, False),
        (None, True),
    ]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"do": [{"wait": {}}]}, "do[0].wait"),
        ({"do": []}, "do"),
        ({"do": [{"send_email": {"message": "apologie"}}]}, "do[0].send_email.message"),
        ({"do": [{"add_note": {"text": {"de": "Nur"}}}]}, "do[0].add_note.text.en"),
        ({"title": {"de": "Nur"}}, "title.en"),
        ({"when": {"fact": "contract.ending"}}, "when.days"),
        ({"when": {"fact": "survey.answered", "where": {"fact.scor": 1}}}, "when.where.fact.scor"),
        ({"if": {"risk.band": "hgh"}}, "if.risk.band"),
    ],
)
async def test_an_error_begins_with_its_place_in_the_form(gateway: Gateway, changes: Any, place: str) -> None:
    answer = await put(gateway, "sorry", FORM | changes)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(f"{place}: ")
    assert (await put(gateway, "new", FORM)).status_code == 400


async def test_everything_is_held_and_let_go_and_what_was_built_here_can_be_removed(gateway: Gateway) -> None:
    await put(gateway, "sorry", FORM)
    assert (await gateway.post("/v1/automations/pause", "supervisor")).json() == {"paused": True}
    assert (await gateway.get("/v1/automations", "supervisor")).json()["paused"]
    assert (await gateway.post("/v1/automations/resume", "supervisor")).json() == {"paused": False}
    gone = await gateway.client.delete("/v1/automations/sorry", headers=gateway.bearer("supervisor"))
    assert gone.json() == {"removed": "sorry"}
    assert (await gateway.get("/v1/automations/sorry", "viewer")).status_code == 404


async def test_only_supervisors_change_and_viewers_see_nobody(gateway: Gateway) -> None:
    await put(gateway, "sorry", FORM)
    for scope in set(SCOPES) - {"supervisor"}:
        key = gateway.bearer(scope)
        assert (await gateway.client.put("/v1/automations/sorry", json={}, headers=key)).status_code == 403
        assert (await gateway.post("/v1/automations/sorry/mode", scope, json={"mode": "on"})).status_code == 403
        assert (await gateway.post("/v1/automations/pause", scope)).status_code == 403
    runs = (
        ("r1", 5),
        ("r2", 6),
        ("r3", 7),
    )
    for id, at in runs:
        await gateway.store.change(
            "automations.put_run",
            id=id,
            automation="sorry",
            version="v",
            mode="on",
            customer="c_1",
            cause="x",
            fact="f",
            kind="survey.answered",
            data="{}",
            occurred_at=at,
            created_at=at,
            state="held_out",
            due_at=at,
            reason="",
            finished_at=at,
        )
    await gateway.store.change(
        "automations.add_step",
        run="r3",
        step=0,
        at=9,
        action="send_email",
        result="refused",
        reason="frequency",
        until=None,
        customer="c_1",
    )
    seen = (await gateway.get("/v1/automations/sorry/runs", "viewer")).json()["runs"]
    assert [one["customer"] for one in seen] == [None, None, None]
    assert seen[0]["steps"][0]["reason"] == "frequency"
    page = (await gateway.get("/v1/automations/sorry/runs", "supervisor", limit="2")).json()
    assert [(one["id"], one["customer"]) for one in page["runs"]] == [("r3", "c_1"), ("r2", "c_1")]
    rest = (await gateway.get("/v1/automations/sorry/runs", "supervisor", after=page["next"])).json()
    assert [one["id"] for one in rest["runs"]] == ["r1"]
    assert rest.get("next") is None


def test_every_name_has_its_words_in_german_and_english() -> None:
    fields: dict[str, Field] = {**SCRIPT_VOCABULARY, **SINCE}
    asked = {name: field for kind in TRIGGERS for name, field in fact_vocabulary(kind).items()}
    assert set(said.FACTS) >= {kind.value for kind in TRIGGERS} | set(get_args(FactName))
    assert set(said.COUNTS) == {kind.value for kind, one in TRIGGERS.items() if one.counts}
    assert set(said.FIELDS) >= set(fields)
    assert set(said.FACT_FIELDS) >= set(asked)
    for field in (*fields.values(), *asked.values()):
        assert set(said.VALUES) >= {str(one) for one in (*field.values, *field.beside)}
    assert set(said.SIGNALS) == set(SIGNS)
    assert all(said.of_band(band) for sign in SIGNS.values() for band in sign.bands)
    assert set(said.OPERATORS) == {one for some in OPERATORS.values() for one in some}
    assert set(said.STEPS) == set(StepForm.__struct_fields__)
    assert set(said.REASONS) >= set(get_args(Reason))
    tables = [one for one in vars(said).values() if isinstance(one, dict)]
    words = [one for table in tables for one in table.values() if isinstance(one, dict)]
    assert len(words) > 150
    assert all(set(one) == {"de", "en"} and all(one.values()) for one in words)


async def test_the_builder_is_told_all_that_it_may_offer(gateway: Gateway) -> None:
    told = (await gateway.get("/v1/automations/vocabulary", "viewer")).json()
    assert {one["fact"] for one in told["triggers"]} == {kind.value for kind in TRIGGERS}
    steps = {one["do"]: one for one in told["steps"]}
    assert [one["name"] for one in steps["schedule_callback"]["parameters"]][:3] == ["reason", "after", "queue"]
    assert {one["id"] for one in told["messages"]} >= {"apology"}
    assert "bad_nps" in {one["id"] for one in told["templates"]}
    score = next(one for one in told["triggers"][0]["fields"] if one["name"] == "fact.score")
    assert score["title"] == {"de": "Bewertung", "en": "Score"}
    assert "at_most" in score["operators"]


async def test_a_message_reads_for_an_example_in_both_languages_and_says_what_is_missing(gateway: Gateway) -> None:
    await gateway.know(
        person("1", name="A", language="en", phones=["+493090180001"]),
        person("2", name="B", language="de", phones=["+493090180002"]),
    )
    body: dict[str, Any] = {"subject": {"de": "Hallo"}, "lines": {"de": ["Ihre {{ fact_score }}.", "{{ renew_link }}"]}}
    told = (await gateway.post("/v1/automations/message_preview", "supervisor", json=body)).json()
    assert told["de"]["text"].startswith("Guten Tag Frau Dr. Albers,\n\nIhre 3.")
    assert (told["en"]["missing"], told["de"]["missing"]) == (True, False)
    assert (told["en"]["customers"], told["de"]["customers"]) == (1, 1)
    assert told["links"] == ["renew_link"]
    body["lines"]["de"] = ["Ihre {{ fact_scor }}."]
    wrong = await gateway.post("/v1/automations/message_preview", "supervisor", json=body)
    assert wrong.status_code == 400
    assert wrong.json()["error"]["message"].startswith("lines.de[0]: ")
    stored = await gateway.post("/v1/automations/message_preview", "supervisor", json={"message": "apology"})
    assert "tut uns leid" in stored.json()["de"]["subject"]
    dropped = {"subject": {"de": "x"}, "lines": {"de": ["x", "Nur {{ complaint_date }}"]}}
    told = (await gateway.post("/v1/automations/message_preview", "supervisor", json=dropped)).json()
    assert told["de"]["left_out"] == ["complaint_date"]
