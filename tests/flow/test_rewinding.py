"""A record as it stood: whatever is told later, or dated later, changes nothing of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.flow.rewinding import Point, Stood, point, stood, told
from bridge.intake.records import Version
from bridge.model import RECORDS, ContractStatus, InteractionState, TicketStatus
from bridge.store import micros

AT = datetime(2026, 3, 1, 10, tzinfo=timezone.utc)
LIVE = datetime(2026, 6, 1, tzinfo=timezone.utc)
"""When the source went live, unless a test says otherwise: three months after the instant looked back from."""
POINT = point(AT, timezone.utc)
RANKS = {"full": "0", "restored": "1", "patch": "2", "deleted": "3", "merged": "4"}
days = st.integers(-400, 400)
maybe = st.none() | days


def day(offset: int | None) -> str | None:
    return None if offset is None else (AT.date() + timedelta(days=offset)).isoformat()


def moment(offset: int | None) -> str | None:
    return None if offset is None else (AT + timedelta(days=offset)).isoformat()


def body(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


money = st.integers(1, 9).map(lambda one: {"minor": one, "currency": "EUR"})
instants = maybe.map(moment)
dates = maybe.map(day)
BODIES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "customer": st.builds(
        body,
        name=st.sampled_from(["Anna", "Anna Ohm"]),
        job_title=st.sampled_from([None, "Leiter"]),
        tags=st.sampled_from([None, ["wütend"]]),
        deceased=st.sampled_from([None, True]),
        customer_since=dates,
        consents=st.none() | instants.map(lambda at: [body(channel="email", status="denied", at=at)]),
    ),
    "account": st.builds(body, name=st.just("Ohm KG"), segment=st.sampled_from([None, "A"]), owner=st.just("Jana")),
    "contract": st.builds(
        body,
        product=st.sampled_from(["DSL", "Glasfaser"]),
        status=st.sampled_from([one.value for one in ContractStatus]),
        starts=dates,
        ends=dates,
        notice_by=dates,
        monthly_amount=st.none() | money,
        discount_ends=dates,
        cancelled_at=dates,
        cancel_reason=st.sampled_from([None, "Umzug"]),
    ),
    "purchase": st.builds(body, at=instants, amount=money, refunded=st.sampled_from([None, True])),
    "ticket": st.builds(
        body,
        opened=instants,
        first_reply=instants,
        resolved=instants,
        status=st.sampled_from([one.value for one in TicketStatus]),
        priority=st.sampled_from(["urgent", "low"]),
        reopened=st.integers(0, 2),
        satisfaction=st.sampled_from(["good", "bad"]),
    ),
    "interaction": st.builds(
        body,
        channel=st.sampled_from(["voice", "email"]),
        started=instants,
        ended=instants,
        abandoned=st.booleans(),
        disposition=st.sampled_from([None, "gelöst"]),
        text=st.sampled_from([None, "Kündigung"]),
    ),
    "survey_response": st.builds(body, metric=st.just("nps"), sent=instants, answered=instants, score=st.just(3)),
    "usage": st.builds(body, metric=st.just("data_gb"), day=dates, value=st.just(2.5)),
}
HAPPENED = {
    "purchase": ("at",),
    "ticket": ("opened", "first_reply", "resolved"),
    "interaction": ("started", "ended"),
    "survey_response": ("sent", "answered"),
    "usage": ("day",),
    "contract": ("cancelled_at",),
}
"""Fields that only say what has happened."""


def version(
    kind: str,
    fields: dict[str, Any],
    *,
    effective: datetime | None,
    known: datetime,
    place: int = 0,
    how: str = "full",
    subject: str = "id:crm:1",
) -> Version:
    return Version(
        source="crm",
        object=kind,
        source_id="r",
        ord=f"{place:04d}",
        hash=f"{RANKS[how]}{abs(hash((place, how))):x}",
        kind=how,
        effective_at=None if effective is None else micros(effective),
        known_at=micros(known),
        subject=subject,
        body=msgspec.json.encode(fields, order="deterministic").decode(),
    )


def as_of(versions: list[Version], live: datetime | None = LIVE, at: Point = POINT) -> Stood | None:
    return stood(told(versions, None if live is None else micros(live)), [at])[0]


@st.composite
def histories(draw: st.DrawFn, *, beyond: bool = False, least: int = 0) -> tuple[str, list[Version]]:
    """A kind and versions of one record of it: told before or after the source went live, in any order, with and
    without a day of their own; patches, deletions and bringing back among them. With `beyond` none counts by AT."""
    kind = draw(st.sampled_from(sorted(BODIES)))
    versions = [draw(versions_of(kind, place, beyond=beyond)) for place in range(draw(st.integers(least, 5)))]
    return kind, versions


@st.composite
def versions_of(draw: st.DrawFn, kind: str, place: int, *, beyond: bool) -> Version:
    effective = draw(st.none() | (st.integers(1, 400) if beyond else days))
    known = AT + timedelta(days=draw(st.integers(1, 500) if beyond else st.integers(-400, 500)))
    how = draw(st.sampled_from(["full", "full", "full", "patch", "deleted", "restored"]))
    fields = draw(BODIES[kind]) if how in ("full", "patch") else {}
    return version(
        kind,
        fields,
        effective=None if effective is None else AT + timedelta(days=effective),
        known=known,
        place=draw(st.integers(0, 30)) * 10 + place,
        how=how,
        subject=draw(st.sampled_from(["id:crm:1", "id:crm:2", ""])),
    )


lives = st.sampled_from([None, AT - timedelta(days=200), AT - timedelta(hours=1), LIVE])


def _counts(one: Version, live: datetime | None) -> int:
    return told([one], None if live is None else micros(live)).counts[0]


@given(histories(least=1), st.data(), lives)
def test_what_comes_to_be_known_later_changes_nothing_of_what_was_known(
    history: tuple[str, list[Version]], data: st.DataObject, live: datetime | None
) -> None:
    kind, versions = history
    if all(_counts(one, live) > POINT.micros for one in versions):
        versions.append(version(kind, {}, effective=None, known=AT - timedelta(days=300), place=5))
    before = as_of(versions, live)
    planted = [data.draw(versions_of(kind, 1000 + place, beyond=True)) for place in range(3)]
    planted = [one for one in planted if _counts(one, live) > POINT.micros]
    for order in (versions + planted, planted[::-1] + versions[::-1]):
        assert msgspec.json.encode(as_of(order, live)) == msgspec.json.encode(before)


@given(histories(beyond=True, least=1), st.data(), lives)
def test_a_rewound_record_is_read_from_what_was_told_first_of_it_and_later_changes_do_not_show(
    history: tuple[str, list[Version]], data: st.DataObject, live: datetime | None
) -> None:
    kind, versions = history
    first = version(kind, data.draw(BODIES[kind]), effective=None, known=AT + timedelta(hours=1), place=-1)
    imported = live is None or first.known_at <= micros(live)
    if not imported:  # else an imported one beside it would be what makes the record one of before
        versions = [one for one in versions if not told([one], micros(live)).imported] if live else versions
    before = as_of([first], live)
    after = as_of([*versions, first], live)
    assert imported or before is None
    assert msgspec.json.encode(before) == msgspec.json.encode(after)


@given(histories(least=1), lives)
def test_nothing_that_has_happened_is_dated_later_than_the_instant(
    history: tuple[str, list[Version]], live: datetime | None
) -> None:
    kind, versions = history
    found = as_of(versions, live)
    if found is None:
        return
    assert found.held.at <= AT and found.held.known_at <= AT
    for name in HAPPENED.get(kind, ()):
        when = getattr(found.held.record, name)
        assert when is None or (when <= AT if isinstance(when, datetime) else when <= AT.date())
    if kind == "contract" and found.held.record.status is ContractStatus.ended and found.held.record.ends:
        assert found.held.record.ends <= AT.date()


@given(st.sampled_from(sorted(HAPPENED)), st.data(), st.booleans())
def test_an_imported_record_dated_later_is_not_there(kind: str, data: st.DataObject, dated: bool) -> None:
    later = st.integers(1, 400)
    fields = {name: value for name, value in data.draw(BODIES[kind]).items() if name not in (*HAPPENED[kind], "starts")}
    for name in ("starts",) if kind == "contract" else HAPPENED[kind]:
        ahead = data.draw(later)
        fields[name] = day(ahead) if name in ("starts", "day") else moment(ahead)
    effective = AT + timedelta(days=data.draw(later)) if dated else None
    assert as_of([version(kind, fields, effective=effective, known=LIVE)]) is None


@given(st.sampled_from(sorted(BODIES)), st.data())
def test_what_was_first_told_live_was_not_known_before_however_it_is_dated(kind: str, data: st.DataObject) -> None:
    fields = data.draw(BODIES[kind])
    live = AT - timedelta(days=data.draw(st.integers(0, 30)))
    now = AT + timedelta(minutes=data.draw(st.integers(1, 9999)))
    effective = data.draw(st.none() | st.just(max(live, AT - timedelta(days=1))))
    assert as_of([version(kind, fields, effective=effective, known=now)], live) is None


def test_an_import_counts_from_the_vendors_own_day_a_live_word_from_when_it_was_told() -> None:
    effective, known = AT - timedelta(days=2), AT + timedelta(days=2)
    one = version("contract", {"product": "DSL"}, effective=effective, known=known)
    found = as_of([one])
    assert found is not None and not found.rewound
    assert (found.held.at, found.held.known_at) == (effective, effective)
    assert as_of([one], AT - timedelta(days=30)) is None
    late = as_of([one], AT - timedelta(days=1))  # took effect before the source went live: told of late, not live
    assert late is not None and late.held.known_at == effective
    undated = msgspec.structs.replace(one, effective_at=None)
    assert as_of([undated]) is None
    assert as_of([undated], at=point(known, timezone.utc)) is not None


def test_patches_deletions_and_restorations_count_from_their_own_time() -> None:
    def told_by(days_after: int) -> Stood | None:
        return as_of(versions, at=point(AT + timedelta(days=days_after), timezone.utc))

    def on(days_after: int, fields: dict[str, Any], how: str) -> Version:
        return version(
            "ticket", fields, effective=AT + timedelta(days=days_after), known=LIVE, place=days_after, how=how
        )

    versions = [
        on(30, {}, "restored"),
        on(0, {"opened": moment(0), "topic": "A", "priority": "low"}, "full"),
        on(20, {}, "deleted"),
        on(10, {"priority": "urgent"}, "patch"),
    ]
    shown = [told_by(after) for after in (0, 9, 10, 19, 20, 29, 30)]
    assert [None if one is None else one.held.record.priority for one in shown] == [
        "low", "low", "urgent", "urgent", None, None, "urgent"
    ]  # fmt: skip
    first = told_by(-1)
    assert first is None  # opened a day later


def rewind(kind: str, /, **fields: Any) -> Any:
    found = as_of([version(kind, fields, effective=None, known=LIVE)])
    assert found is None or found.rewound
    return None if found is None else found.held.record


def test_a_rewound_contract_is_active_until_its_own_dates_say_otherwise() -> None:
    terms = {
        "product": "DSL", "starts": day(-300), "ends": day(60), "notice_by": day(30), "discount_ends": day(9),
        "monthly_amount": {"minor": 1, "currency": "EUR"}, "renewal": "automatic",
    }  # fmt: skip
    bare = RECORDS["contract"](
        product="DSL", status="active", starts=AT.date() - timedelta(days=300), renewal="automatic"
    )
    assert msgspec.to_builtins(rewind("contract", status="active", **terms)) == msgspec.to_builtins(bare)
    for future in (
        {"status": "cancelled", "cancelled_at": day(1), "cancel_reason": "Umzug"},
        {"status": "ended", "cancelled_at": day(1)},
        {"status": "ended"},
        {"status": "unknown"},
    ):
        assert msgspec.to_builtins(rewind("contract", **terms | future)) == msgspec.to_builtins(bare)
    cancelled = rewind("contract", **terms | {"status": "ended", "cancelled_at": day(0), "cancel_reason": "Umzug"})
    assert (cancelled.status, cancelled.ends, cancelled.cancel_reason) == (
        ContractStatus.cancelled, AT.date() + timedelta(days=60), "Umzug",
    )  # fmt: skip
    assert cancelled.monthly_amount is cancelled.discount_ends is cancelled.notice_by is None
    for over in ({"status": "ended"}, {"status": "cancelled", "cancelled_at": day(-40)}):
        ended = rewind("contract", **terms | over | {"ends": day(-1)})
        assert (ended.status, ended.ends) == (ContractStatus.ended, AT.date() - timedelta(days=1))
    assert rewind("contract", status="active") is None  # nothing says since when
    assert rewind("contract", status="active", starts=day(1)) is None


def test_of_a_rewound_ticket_only_its_dates_are_believed() -> None:
    said = {"priority": "urgent", "satisfaction": "bad", "satisfaction_comment": "nie", "reopened": 3, "tags": ["x"]}
    opened = rewind("ticket", opened=moment(-9), resolved=moment(1), first_reply=moment(1), status="closed", **said)
    assert msgspec.to_builtins(opened) == {"status": "open", "opened": (AT - timedelta(days=9)).isoformat()[:19] + "Z"}
    solved = rewind("ticket", opened=moment(-9), resolved=moment(0), first_reply=moment(-8), status="new", **said)
    assert (solved.status, solved.resolved, solved.first_reply) == (TicketStatus.resolved, AT, AT - timedelta(days=8))
    assert rewind("ticket", status="open") is None


def test_of_a_rewound_interaction_the_end_is_known_once_it_was_over() -> None:
    said = {
        "channel": "voice",
        "state": "ended",
        "abandoned": True,
        "disposition": "weg",
        "wait_seconds": 9,
        "agent": "A",
    }
    over = rewind("interaction", started=moment(-1), ended=moment(0), **said)
    assert over.abandoned and over.wait_seconds == 9
    going = rewind("interaction", started=moment(-1), ended=moment(1), text="…", **said)
    assert (going.state, going.abandoned, going.disposition, going.wait_seconds, going.text, going.agent) == (
        InteractionState.unknown, False, None, None, None, None,
    )  # fmt: skip
    mail = rewind("interaction", channel="email", started=moment(-1), text="Kündigung", disposition="weg")
    assert (mail.text, mail.disposition) == ("Kündigung", None)


def test_of_a_rewound_survey_the_answer_is_known_once_it_was_given() -> None:
    said = {"metric": "nps", "score": 2, "scale": 10, "comment": "…"}
    assert rewind("survey_response", sent=moment(-3), answered=moment(0), **said).score == 2
    for silent in (
        rewind("survey_response", sent=moment(-3), answered=moment(1), **said),
        rewind("survey_response", sent=moment(-3), **said),
    ):
        assert (silent.metric, silent.score, silent.comment, silent.answered) == ("nps", None, None, None)
    assert rewind("survey_response", answered=moment(-1), **said).score == 2


def test_a_measure_is_known_when_its_day_is_over_and_a_refund_is_not_believed() -> None:
    assert rewind("usage", day=day(-1), value=2.0).value == 2
    assert rewind("usage", day=day(0), value=2.0) is None
    assert rewind("usage", value=2.0) is None
    assert not rewind("purchase", at=moment(-1), refunded=True).refunded


def test_a_rewound_person_keeps_who_they_are_and_nothing_that_changes() -> None:
    consents = [
        {"channel": "email", "status": "granted", "at": moment(-5)},
        {"channel": "sms", "status": "denied", "at": moment(5)},
        {"channel": "voice", "status": "denied"},
    ]
    person = rewind(
        "customer", name="Anna", emails=["a@b.example"], customer_since=day(-9), job_title="Chefin", owner="Jana",
        tags=["x"], preferred_channel="sms", communication_needs="laut", consents=consents, accounts=["F1"],
        language="de",
    )  # fmt: skip
    assert msgspec.to_builtins(person, str_keys=True).keys() == {
        "name", "emails", "customer_since", "consents", "accounts", "language",
    }  # fmt: skip
    assert [one.channel for one in person.consents] == ["email"]
    assert rewind("customer", name="Anna", customer_since=day(1)) is None
    assert rewind("customer", name="Anna").name == "Anna"
    company = rewind("account", name="Ohm KG", segment="A", owner="Jana", prestige=True)
    assert (company.name, company.segment, company.owner, company.prestige) == ("Ohm KG", None, None, False)


def test_what_is_dated_later_inside_a_record_was_written_later() -> None:
    kept = {"opened": moment(-9), "priority": "urgent"}
    known = AT - timedelta(days=5)
    found = as_of([version("ticket", kept | {"status": "closed", "resolved": moment(3)}, effective=known, known=LIVE)])
    assert found is not None and found.rewound
    assert found.held.record.status is TicketStatus.open
    found = as_of([version("ticket", kept | {"status": "waiting"}, effective=known, known=LIVE)])
    assert found is not None and not found.rewound
    assert found.held.record.priority == "urgent"


@pytest.mark.parametrize("how", ["deleted", "merged", "restored"])
def test_what_only_ever_was_deleted_was_never_there(how: str) -> None:
    assert as_of([version("ticket", {}, effective=None, known=LIVE, how=how)]) is None
    first = version("ticket", {}, effective=None, known=LIVE, how=how)
    full = version("ticket", {"opened": moment(-3)}, effective=None, known=LIVE, place=1)
    assert as_of([first, full]) is not None


def test_a_day_begins_where_the_company_is() -> None:
    berlin = timezone(timedelta(hours=2))
    late = datetime(2026, 2, 28, 23, tzinfo=timezone.utc)
    assert point(late, berlin).today == date(2026, 3, 1)
    found = as_of([version("contract", {"starts": "2026-03-01"}, effective=None, known=LIVE)], at=point(late, berlin))
    assert found is not None and found.held.at == late
