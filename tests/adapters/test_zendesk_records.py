"""What users, tickets, organizations and CSAT answers become."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.adapter.delivery import Item
from bridge.errors import ConfigError, MappingError
from bridge.model import EntryKind
from tests.adapters.zendesk_account import account, entry, ticket, user


def test_an_end_user_becomes_a_customer() -> None:
    found = entry(
        account(), "user", user(locale="de-AT", external_id="K-1", organization_id=19442893058196, tags=["vip"])
    )
    assert (found.object, found.source_id, found.kind) == ("customer", "23304514533908", EntryKind.full)
    assert found.body["name"] == "Jürgen Größmann"
    assert found.body["phones"] == [{"raw": "030 5550 1234", "e164": "+493055501234"}]
    assert found.body["language"] == "de"
    assert found.body["external_ids"] == {"crm": "K-1"}
    assert found.body["accounts"] == ["19442893058196"]


@pytest.mark.parametrize("role", ["agent", "admin", "contributor"])
def test_nobody_but_an_end_user_becomes_a_customer(role: str) -> None:
    assert account().read(Item(object="user", raw=user(role=role))) == []


@pytest.mark.parametrize("role", [None, 3, "", []])
def test_a_user_without_a_role_is_an_error_that_names_the_path(role: Any) -> None:
    with pytest.raises(MappingError, match="zendesk: role"):
        account().read(Item(object="user", raw=user(role=role)))


def test_a_shared_phone_is_marked_on_the_customer() -> None:
    found = entry(account(), "user", user(shared_phone_number=True))
    assert found.body["phones"] == [{"raw": "030 5550 1234", "e164": "+493055501234", "shared": True}]


def test_an_inactive_user_is_deleted_and_an_active_one_is_back_by_the_order() -> None:
    gone = entry(account(), "user", user(active=False, updated_at="2026-05-05T00:00:00Z"))
    back = entry(account(), "user", user(updated_at="2026-05-06T00:00:00Z"))
    assert gone.kind is EntryKind.deleted
    assert gone.body == {}
    assert back.kind is EntryKind.full
    assert gone.order < back.order


def test_external_ids_carry_the_name_that_the_operator_gave_their_system() -> None:
    erp = account(external_id_system="ERP")
    assert entry(erp, "user", user(external_id="7")).body["external_ids"] == {"erp": "7"}
    raw = {"id": 1, "name": "Müller & Söhne", "external_id": "F-1", "updated_at": "2026-05-04T09:30:12Z"}
    assert entry(erp, "organization", raw).body == {"name": "Müller & Söhne", "external_ids": {"erp": "F-1"}}


def test_a_deleted_organization_is_deleted() -> None:
    raw = {"id": 1, "updated_at": "2026-05-04T09:30:12Z", "deleted_at": "2026-05-04T09:30:12Z"}
    assert entry(account(), "organization", raw).kind is EntryKind.deleted


@pytest.mark.parametrize(
    ("word", "ours"),
    [("new", "new"), ("pending", "waiting"), ("hold", "waiting"), ("SOLVED", "resolved"), ("Gelöst", "resolved")],
)
def test_a_status_is_read_in_any_case_and_in_german(word: str, ours: str) -> None:
    assert entry(account(), "ticket", ticket(status=word)).body["status"] == ours


@pytest.mark.parametrize(
    ("word", "tags", "ours"),
    [
        ("question", [], "question"),
        ("incident", [], "problem"),
        ("question", ["rechnung", "Beschwerde"], "complaint"),
        (None, ["kündigung"], "cancellation"),
        ("problem", ["beschwerde", "kuendigung"], "cancellation"),
        ("task", [], None),
    ],
)
def test_a_ticket_is_a_complaint_or_cancellation_by_its_tags(
    word: str | None, tags: list[str], ours: str | None
) -> None:
    assert entry(account(), "ticket", ticket(type=word, tags=tags)).body.get("type") == ours


def test_the_tags_that_make_a_complaint_are_the_operators() -> None:
    own = account(complaint_tags="ärger , eskalation", cancellation_tags="")
    assert entry(own, "ticket", ticket(tags=["eskalation"])).body["type"] == "complaint"
    assert "type" not in entry(own, "ticket", ticket(tags=["beschwerde", "kuendigung"])).body


@pytest.mark.parametrize("status", ["deleted", "Deleted", "scrubbed"])
def test_a_deleted_ticket_is_deleted(status: str) -> None:
    found = entry(account(), "ticket", ticket(status=status))
    assert (found.kind, found.body) == (EntryKind.deleted, {})


def test_metrics_tell_the_first_reply_the_resolution_and_how_often_it_was_reopened() -> None:
    metrics = {"reopens": 2, "solved_at": "2026-05-04T10:00:09Z", "reply_time_in_minutes": {"calendar": 95}}
    solved = entry(account(), "ticket", ticket(status="solved", metric_set=metrics)).body
    assert solved["first_reply"] == "2026-05-03T08:47:00Z"
    assert solved["resolved"] == "2026-05-04T10:00:09Z"
    assert solved["reopened"] == 2
    assert "resolved" not in entry(account(), "ticket", ticket(status="open", metric_set=metrics)).body


@pytest.mark.parametrize("minutes", [None, "95", -1, 10**9])
def test_an_odd_reply_time_is_left_out(minutes: Any) -> None:
    metrics = {"reply_time_in_minutes": {"calendar": minutes}}
    assert "first_reply" not in entry(account(), "ticket", ticket(metric_set=metrics)).body


def test_a_reply_beyond_the_calendar_is_left_out() -> None:
    raw = ticket(created_at="9999-12-31T23:59:00Z", metric_set={"reply_time_in_minutes": {"calendar": 5}})
    assert "first_reply" not in entry(account(), "ticket", raw).body


def test_a_system_change_is_newer_although_it_does_not_move_updated_at() -> None:
    before = entry(account(), "ticket", ticket(generated_timestamp=1777888809))
    after = entry(account(), "ticket", ticket(generated_timestamp=1777890000, satisfaction_rating={"score": "bad"}))
    assert before.order < after.order
    assert after.body["satisfaction"] == "bad"


def rating(**fields: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "requester_id": 23304514533908,
        "score": "bad",
        "created_at": "2026-05-04T12:00:00Z",
        "updated_at": "2026-05-05T18:45:10Z",
    } | fields


@pytest.mark.parametrize(("word", "score"), [("good", 1.0), ("bad", 0.0), ("bad_with_comment", 0.0)])
def test_a_legacy_rating_is_one_or_nothing_of_one(word: str, score: float) -> None:
    found = entry(account(), "satisfaction_rating", rating(score=word))
    assert (found.body["metric"], found.body["score"], found.body["scale"]) == ("csat", score, 1.0)
    assert (found.body["sent"], found.body["answered"]) == ("2026-05-04T12:00:00Z", "2026-05-05T18:45:10Z")
    assert found.subject.customer == "23304514533908"


def test_an_offered_rating_is_a_survey_not_answered_yet_and_its_answer_comes_after_it() -> None:
    offered = entry(account(), "satisfaction_rating", rating(score="offered", updated_at="2026-05-04T12:00:00Z"))
    answered = entry(account(), "satisfaction_rating", rating())
    assert "answered" not in offered.body
    assert offered.source_id == answered.source_id
    assert offered.order < answered.order


def test_a_rating_nobody_was_asked_for_is_no_record() -> None:
    assert account().read(Item(object="satisfaction_rating", raw=rating(score="unoffered"))) == []


def answer(rating: int | None, at: str = "2026-05-05T18:40:00.000Z", **question: Any) -> dict[str, Any]:
    asked = {"sub_type": "customer_satisfaction", "type": "rating_scale_numeric"} | question
    return {"type": "rating_scale", "rating": rating, "question": asked, "created_at": at, "updated_at": at}


def comment(text: str, at: str = "2026-05-05T18:41:00.000Z") -> dict[str, Any]:
    return {"type": "open_ended", "value": text, "question": {"type": "open_ended"}, "created_at": at}


def survey(*answers: Any) -> dict[str, Any]:
    return {"id": "01JWPHVQK3JY2RQCPWGBVCN6Y1", "responder_id": 23304514533908, "answers": list(answers)}


def test_a_survey_response_carries_rating_scale_comment_and_when_it_was_last_answered() -> None:
    other = answer(9, sub_type="other")
    found = entry(account(), "survey_response", survey(other, answer(2), comment("Zu lange gewartet")))
    assert found.body == {
        "metric": "csat",
        "score": 2.0,
        "scale": 5.0,
        "comment": "Zu lange gewartet",
        "answered": "2026-05-05T18:41:00Z",
    }
    assert found.subject.customer == "23304514533908"


def test_the_scale_is_the_highest_option_that_the_question_offers() -> None:
    options = [{"rating": 1}, {"rating": 3}, {"rating": None}, "odd"]
    assert entry(account(), "survey_response", survey(answer(2, options=options))).body["scale"] == 3.0
    assert entry(account(), "survey_response", survey(answer(10))).body["scale"] == 10.0


def test_a_changed_answer_is_a_newer_version_of_the_same_response() -> None:
    first = entry(account(), "survey_response", survey(answer(1)))
    second = entry(account(), "survey_response", survey(answer(4, at="2026-05-06T08:00:00.5Z")))
    assert first.source_id == second.source_id
    assert first.order < second.order


@pytest.mark.parametrize("answers", [(), ({"type": "skipped"},), ({"type": "rating_scale", "rating": 3},)])
def test_a_response_without_an_answer_in_time_is_no_record(answers: tuple[Any, ...]) -> None:
    assert account().read(Item(object="survey_response", raw=survey(*answers))) == []


def test_a_response_with_an_unreadable_time_is_an_error_that_names_the_path() -> None:
    with pytest.raises(MappingError, match=r"answers\[\*\].updated_at") as problem:
        account().read(Item(object="survey_response", raw=survey(answer(3, at="gestern"))))
    assert "gestern" not in str(problem.value)


def test_an_overlay_reads_custom_fields() -> None:
    overlay = {
        "objects": {
            "user": {"fields": {"customer_since": "user_fields.kunde_seit"}},
            "ticket": {"fields": {"priority": {"from": "custom_fields[id=77].value", "values": "ours"}}},
        },
        "values": {"ours": {"sofort": "urgent"}},
    }
    own = account(overlay)
    assert entry(own, "user", user(user_fields={"kunde_seit": "2019-03-01"})).body["customer_since"] == "2019-03-01"
    assert entry(own, "ticket", ticket(custom_fields=[{"id": 77, "value": "sofort"}])).body["priority"] == "urgent"


def test_an_object_that_nobody_mapped_is_a_named_error() -> None:
    with pytest.raises(MappingError, match="zendesk: brand"):
        account().read(Item(object="brand", raw={"id": 1}))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("csat", "both"),
        ("csat_lookback_days", "a week"),
        ("since", "31.01.2024"),
        ("webhook_secret", "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="),
        ("webhook_secret", ["good-one", "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="]),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(setting: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"sources.helpdesk.settings.{setting}"):
        account(**{setting: value})
