"""Responses: what each survey asks, how high its scores go, who answered, and what counts."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import ConfigError, MappingError
from bridge.model import Key
from tests.adapters.qualtrics_account import body, make, response, said

SCALE = {"QID3": [1, 2, 3, 4, 5]}


def test_a_promoter_with_a_comment() -> None:
    told = body(response(QID1=9, QID1_NPS_GROUP=3, QID2_TEXT=" Alles gut. "))
    assert told == {
        "metric": "nps",
        "answered": "2026-05-04T10:00:00Z",
        "score": 9.0,
        "scale": 10.0,
        "comment": "Alles gut.",
    }


def test_the_highest_score_is_the_highest_that_was_offered_unless_the_operator_names_it() -> None:
    told = response(QID3=4, offered={"QID3": [1, 2, 3, 4, 5, 99]})
    assert body(response(QID3=4, offered=SCALE), metric="csat", survey="SV_2")["scale"] == 5.0
    assert body(told, make(surveys=["SV_2=csat:QID3/5"]), "csat", "SV_2")["scale"] == 5.0


def test_a_choice_beyond_the_named_scale_is_no_score() -> None:
    told = body(response(QID3=99, offered={"QID3": [1, 99]}), make(surveys=["SV_2=csat:QID3/5"]), "csat", "SV_2")
    assert "score" not in told
    assert "scale" not in told


@pytest.mark.parametrize("offered", [{}, {"QID3": None}, {"QID3": []}, {"QID3": ["1", True]}, {"QID9": [1]}])
def test_a_scale_that_nobody_knows_is_left_out(offered: dict[str, Any]) -> None:
    told = body(response(QID3=4, offered=offered), metric="csat", survey="SV_2")
    assert (told["score"], "scale" in told) == (4.0, False)


def test_the_overlay_can_read_a_score_by_its_question_for_every_survey() -> None:
    adapter = make({"objects": {"csat": {"fields": {"score": "values.QID8"}}}})
    told = body(response(QID8=3, offered={"QID8": [1, 2, 3, 4]}), adapter, "csat", "SV_2")
    assert (told["score"], told["scale"]) == (3.0, 4.0)


def test_choices_are_kept_in_words_and_beside_them_what_was_written() -> None:
    adapter = make(
        surveys=["SV_1=exit reason_for_leaving:QID6 reason_for_leaving:QID6_4_TEXT left_others_because:QID7"]
    )
    labels = {"QID6": ["Zu teuer", " ", "Sonstiges"], "QID7": "Empfang"}
    told = body(response(QID6=["1", "4"], QID6_4_TEXT="Umzug", QID7=2, labels=labels), adapter, "exit")
    assert told["reason_for_leaving"] == "Zu teuer, Sonstiges; Umzug"
    assert told["left_others_because"] == "Empfang"
    assert body(response(QID6=3), adapter, "exit")["reason_for_leaving"] == "3"  # no label: the value is all there is
    assert "reason_for_leaving" not in body(response(), adapter, "exit")


def test_of_several_questions_for_a_score_the_first_with_an_answer_counts() -> None:
    adapter = make(surveys=["SV_1=nps:QID1 nps:QID9"])
    assert body(response(QID1=3, QID9=8), adapter)["score"] == 3.0
    assert body(response(QID9=8), adapter)["score"] == 8.0


def test_the_second_metric_of_a_survey_is_a_record_of_its_own() -> None:
    adapter = make(surveys=["SV_1=nps:QID1 csat:QID3"])
    told = response("R_7", QID1=3, QID3=2, offered=SCALE)
    assert [said(told, adapter, metric)[0].source_id for metric in ("nps", "csat")] == ["R_7", "R_7:csat"]


def test_embedded_data_says_who_answered_before_the_recipient_does() -> None:
    told = response(QID1=1, crm_id="1", externalDataReference="2", email="A@B.example", recipientEmail="c@d.example")
    [entry] = said(told)
    assert [str(key) for key in entry.subject.keys] == ["id:crm:1", "email:a@b.example"]
    [entry] = said(response(QID1=1, crm_id="${e://Field/crm_id}", email=" ", externalDataReference="2", phone=None))
    assert [str(key) for key in entry.subject.keys] == ["id:crm:2"]
    [entry] = said(response(QID1=1, externalDataReference="2"), make(crm_system="billing"))
    assert entry.subject.keys == (Key(entry.subject.keys[0].kind, "billing:2"),)


def test_a_survey_can_say_when_it_was_sent() -> None:
    adapter = make(surveys=["SV_1=nps:QID1 sent:invited"])
    assert body(response(QID1=1, invited="2026-05-01T08:00:00Z"), adapter)["sent"] == "2026-05-01T08:00:00Z"


def test_an_edited_response_comes_after_what_it_was() -> None:
    [first], [edited] = (
        said(response(QID1=1)),
        said(response(QID1=9) | {"values": response()["values"] | {"lastModifiedDate": "2026-05-05T10:00:00Z"}}),
    )
    assert edited.order > first.order
    assert edited.effective_at == first.effective_at


@pytest.mark.parametrize("status", [1, "2", 8, 9, 12, 17])
def test_what_no_customer_gave_does_not_count(status: Any) -> None:
    assert said(response(QID1=1, status=status)) == []
    assert said(response(QID1=1, distributionChannel="preview")) == []


@pytest.mark.parametrize("status", [0, 4, "16", 32, "IP Address", True, None])
def test_every_other_response_does(status: Any) -> None:
    assert said(response(QID1=1, status=status))


@pytest.mark.parametrize("finished", [0, "0", False, "False", "false"])
def test_an_unfinished_response_is_left_alone_or_counts_as_unanswered(finished: Any) -> None:
    told = response(QID1=1, QID2_TEXT="not meant for you", finished=finished)
    assert said(told) == []
    assert body(told, make(unfinished="unanswered")) == {"metric": "nps", "sent": "2026-05-04T10:00:00Z"}


@pytest.mark.parametrize("part", ["values", "labels", "displayedValues"])
def test_a_response_of_another_shape_is_a_named_error(part: str) -> None:
    adapter = make(surveys=["SV_2=csat:QID3"])
    with pytest.raises(MappingError):
        said(response(QID3=1) | {part: [1]} | ({"labels": {}} if part != "labels" else {}), adapter, "csat", "SV_2")


@pytest.mark.parametrize(
    ("surveys", "told"),
    [
        ("SV_1", "SV_id="),
        ("1234=nps:QID1", "SV_id="),
        ("SV_1=", "no metric"),
        ("SV_1=comment:QID2_TEXT", "no metric"),
        ("SV_1=npx:QID1", "'npx' is no metric, did you mean 'nps'"),
        ("SV_1=nps:QID1 comment", "comment does not say which question"),
        ("SV_1=nps:QID1/ten", "no metric"),
        ("SV_1=nps:QID1; SV_1=csat:QID2", "twice"),
    ],
)
def test_an_entry_that_cannot_be_right_says_what_it_lacks(surveys: str, told: str) -> None:
    with pytest.raises(ConfigError, match="settings.surveys") as caught:
        make(surveys=surveys)
    assert told.replace("did you mean", "")[:12] in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"unfinished": "maybe"},
        {"crm_system": "a b"},
        {"poll_seconds": "soon"},
        {"poll_seconds": "-1"},
        {"since": "yesterday"},
        {"directory": "my directory"},
        {"mailing_list": "ML_1"},
        {"invitation_days": "a month"},
    ],
)
def test_a_setting_that_cannot_be_right_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        make(**wrong)
    assert next(iter(wrong)) in caught.value.where
