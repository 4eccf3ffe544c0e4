"""A person of whom everything is known that can be known, and what must be found nowhere once she is erased."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.adapter.base import Item
from bridge.automation import outbox
from bridge.automation.loops import close, open_loop
from bridge.cards import unpack_card
from bridge.flow import Desk, look_for_doubles
from bridge.flow.looping import row_of
from bridge.gateway.trail import Trail
from bridge.identity.suppression import suppression
from bridge.intake import sync
from bridge.store import Unit, find_answer, micros
from bridge.worker import Worker
from tests.desks import NOW, drain, feed, ticket, user
from tests.dump import query

ROSA, CRM_ID = 4_711_000_001, "K-90817"
PERSONAL = (
    "Rosa",
    "Unverwechselbar",
    "rosa.u@example.de",
    "ROSA.U@example.de",
    "+493023125042",
    "+49 30 23125042",
    str(ROSA),
    CRM_ID,
    "Mein Nachbar hört alles mit",
)
"""What must be nowhere afterwards, in every spelling in which it came."""


async def read_all(url: str) -> str:
    """Every column of every table as one text; what is compressed is unpacked."""
    tables = "select name from sqlite_master where type = 'table'"
    if url.startswith("postgresql"):
        tables = "select tablename from pg_tables where schemaname = 'public'"
    rows = [row for (table,) in await query(url, tables) for row in await query(url, f"select * from {table}")]
    return "\n".join(_text(value) for row in rows for value in row)


def _text(value: Any) -> str:
    if not isinstance(value, bytes | memoryview):
        return str(value)
    raw = bytes(value)
    return (raw if raw[:1] in (b"{", b",") else unpack_card(raw)).decode()


def traces(text: str) -> list[str]:
    """Which of PERSONAL stand in `text`."""
    return [one for one in PERSONAL if one in text]


def rosas_user(**fields: Any) -> Item:
    """Rosa as the helpdesk's exports give her."""
    said = {"name": "Rosa Unverwechselbar", "email": "ROSA.U@example.de", "phone": "+49 30 23125042"}
    return user(ROSA, **(said | {"external_id": CRM_ID} | fields))


def neighbours() -> list[Item]:
    """A flatmate whose line the CRM has for Rosa too, and somebody who has nothing to do with it."""
    return [
        user(5, name="Mitbewohner", phone="030 23125099"),
        user(6, name="Unbeteiligt", phone="030 23125777"),
        ticket(61, 6),
        ticket(51, 5),
    ]


def _write_crm(desk: Desk) -> None:
    folder = Path(desk.registry.adapter("crm").source.setting("folder"))
    (folder / "kunden.csv").write_text(
        "Kundennummer;Vorname;Nachname;E-Mail;Telefon;Firmennummer;Geändert am\n"
        f"{CRM_ID};Rosa;Unverwechselbar;rosa.u@example.de;030 23125 099;F1;01.11.2026\n"
    )
    (folder / "vertraege.csv").write_text(
        "Vertragsnummer;Kundennummer;Tarif;Status;Vertragsende;Geändert am\n"
        f"V1;{CRM_ID};DSL;aktiv;31.12.2026;01.11.2026\n"
    )


async def read_crm(desk: Desk, now: datetime) -> None:
    """Read the CRM's exports, and work until nothing is left to do; the helpdesk is not called."""
    await sync.register(desk.store, {"crm": desk.registry.adapter("crm")}, now)
    await Worker(desk=desk, clock=lambda: now).poll_source("crm")
    await drain(desk, now=now)


async def tell_of_rosa(desk: Desk) -> str:
    """Everything that can be known of a person, from every side; returns her id."""
    _write_crm(desk)
    text = {"subject": "Beschwerde", "description": "Mein Nachbar hört alles mit", "tags": ["beschwerde"]}
    detail = {"id": ROSA, "role": "end-user", "email": "rosa.u@example.de"}
    hint = {"type": "zen:event-type:user.created", "id": "h1", "detail": detail}
    await feed(
        desk,
        "helpdesk",
        [
            rosas_user(at=NOW - timedelta(days=2)),
            rosas_user(at=NOW - timedelta(days=1), name="Rosa U. Unverwechselbar"),
            ticket(71, ROSA, at=NOW - timedelta(days=1), **text),
            ticket(71, ROSA, at=NOW, status="solved", **text),
            rosas_user(updated_at="neulich"),
            Item(
                object="satisfaction_rating", raw={"id": 9, "score": "unoffered", "requester_id": ROSA, "ticket_id": 71}
            ),
        ],
    )
    await read_crm(desk, NOW)
    await _keep_a_hint(desk, hint)
    await feed(desk, "helpdesk", [ticket(72, ROSA, at=NOW, **text)])
    await drain(desk)
    await feed(desk, "helpdesk", [ticket(72, ROSA, at=NOW + timedelta(seconds=9), **text)])
    row = await find_answer(desk.store, "email", "rosa.u@example.de", None)
    assert row is not None
    assert row[0] == "exact"
    await _use(desk, str(row[1]), str(row[7]))
    await _propose(desk)
    return str(row[1])


async def _keep_a_hint(desk: Desk, hint: dict[str, Any]) -> None:
    """A hint whose object was fetched: what it said of the person stays in the inbox."""
    await feed(desk, "helpdesk", [Item(object="user_event", raw=hint, dedupe="h1", patch=True)])
    await query(
        desk.settings.database_url,
        "update deliveries set state = 'mapped' where dedupe_key = 'user_event:h1' returning id",
    )


async def _use(desk: Desk, customer: str, decision: str) -> None:
    """What agents and automations leave behind."""
    trail = Trail(desk.store)
    trail.dip("call-1", customer, decision, micros(NOW))
    trail.shown(decision, NOW)
    trail.audit("key:1", "customer", f"customer:{customer}", NOW)
    await trail.flush()
    unit = Unit()
    money: dict[str, Any] = {"offer": "credit", "amount_minor": 500, "currency": "EUR"}
    used: dict[str, Any] = {"decision": decision, "customer": customer, "at": micros(NOW)}
    due = micros(NOW + timedelta(days=90))
    unit.add("predictions.note", said_at=micros(NOW), due_at=due, low=customer, high=f"{customer}0")
    unit.add("gateway.add_grant", until=micros(NOW) + 1, **used, **money)
    unit.add(
        "gateway.add_outcome",
        key="o_1",
        kind="accepted",
        result="saved",
        note="Rosa war zufrieden",
        disposition=None,
        agent="a7",
        actor="key:1",
        cost_minor=1680,
        cost_currency="EUR",
        epoch=2,
        situation="complaint",
        **used,
        **money,
    )
    args = {"to": "+493023125042", "text": "Guten Tag Rosa"}
    outbox.enqueue(unit, dedupe_key="m1", source="helpdesk", action="send_sms", args=args, now=NOW, customer=customer)
    _set_off(unit, customer)
    _ask(unit, customer)
    _link(desk, unit, customer)
    _complained(desk, unit, customer)
    await desk.store.write(unit)


async def _propose(desk: Desk) -> None:
    """What she has in common with others is looked for, and somebody is proposed as the same person."""
    await look_for_doubles(desk, NOW)
    unit = Unit()
    sides: dict[str, Any] = {"a_source": "helpdesk", "a_id": str(ROSA), "b_source": "helpdesk", "b_id": "5"}
    unit.add("review.put", id="p_1", score=7, evidence="[]", found_at=micros(NOW), **sides)
    await desk.store.write(unit)
    assert await query(desk.settings.database_url, "select token from match_tokens")


def _complained(desk: Desk, unit: Unit, customer: str) -> None:
    """A loop of hers, with her words in its history, from which a lesson was drawn."""
    form = desk.rules.loops.openers[0].form
    opened = open_loop(
        desk.rules.loops, form, fact="f_9", customer=customer, cause="helpdesk/ticket/71", owner="team", at=NOW
    )
    said = close(opened.loop, NOW, by="key:1", reason="manner", done="Rosa angerufen: Mein Nachbar hört alles mit")
    row = row_of(desk, said.loop)
    unit.many("loops.put", [row])
    event: dict[str, Any] = {"kind": "closed", "by_whom": "key:1", "record": "helpdesk/ticket/71", "data": "{}"}
    event |= {"loop": said.loop.id, "customer": customer, "at": micros(NOW), "text": said.loop.done}
    unit.many("loops.add_event", [event])
    unit.add("loops.link_lesson", loop=said.loop.id, lesson="n_1", at=micros(NOW))


def _link(desk: Desk, unit: Unit, customer: str) -> None:
    """A link of hers, and one that a run of somebody else's sent to her address."""
    for hashed, whose in (("h1", customer), ("h2", "c_somebody")):
        unit.add(
            "links.put",
            hash=hashed,
            purpose="renew",
            message="m1",
            run="r_1",
            automation="bad_nps",
            customer=whose,
            channel="email",
            address=suppression(desk.salt, "email:rosa.u@example.de"),
            language="de",
            contract=f"crm/contract/{CRM_ID}",
            offer="",
            amount_minor=None,
            currency=None,
            made_at=micros(NOW),
            expires_at=micros(NOW + timedelta(days=60)),
        )


def _ask(unit: Unit, customer: str) -> None:
    """She came up for a survey about her complaint, and was asked."""
    asked: dict[str, Any] = {"id": "o_1", "plan": "after_ticket", "metric": "csat", "mode": "on"}
    unit.add(
        "surveys.put_occasion",
        customer=customer,
        cause=f"helpdesk/user/{ROSA}",
        came_up_at=micros(NOW),
        **asked,
    )


def _set_off(unit: Unit, customer: str) -> None:
    """A run that knows her complaint, with a step, and a message to her that another customer's run was about."""
    run: dict[str, Any] = {
        "automation": "bad_nps",
        "version": "1",
        "mode": "on",
        "cause": "helpdesk/ticket/71",
        "fact": "f_1",
    }
    at = {name: micros(NOW) for name in ("occurred_at", "created_at", "due_at", "finished_at")}
    said = '{"comment":"Mein Nachbar hört alles mit"}'
    unit.add(
        "automations.put_run",
        id="r_1",
        customer=customer,
        kind="ticket.opened",
        data=said,
        state="done",
        reason="",
        **run,
        **at,
    )
    step: dict[str, Any] = {
        "run": "r_1",
        "step": 0,
        "at": micros(NOW),
        "action": "send_sms",
        "result": "enqueued",
        "reason": "",
        "until": None,
    }
    unit.add("automations.add_step", customer=customer, **step)
    outbox.enqueue(
        unit,
        dedupe_key="m2",
        source="helpdesk",
        action="send_email",
        args={"to": "rosa.u@example.de", "text": "Guten Tag"},
        now=NOW,
        customer="c_somebody",
        belongs=outbox.Belongs(run="r_2", channel="email", address="email:rosa.u@example.de"),
    )
