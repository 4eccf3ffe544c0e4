"""Conversations: one interaction of many participants, told by details and by events in any order."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from adapters.genesys_cloud.sides import address
from bridge.adapter.delivery import Item
from bridge.errors import BadRequest, MappingError
from tests.adapters.genesys_organization import CALL, conversation, entries, event, known, opened, participant, segment

QUEUE, USER, CODE = (f"3f0d2a54-0000-4000-8000-{number:012d}" for number in (1, 2, 3))
NAMES = {"bridge": {"names": {QUEUE: "Technik", USER: "Erika Beispiel", CODE: "Gelöst"}}}
CUSTOMER = participant("customer", segment(end="09:08:00"))
WAITED = participant("acd", segment(start="09:01:00", end="09:03:00", queueId=QUEUE))
SPOKE = participant(
    "agent",
    segment(start="09:03:00", end="09:07:00", queueId=QUEUE),
    segment("wrapup", "09:07:00", "09:08:00", wrapUpCode=CODE, wrapUpNote="Läuft wieder"),
    userId=USER,
)


def _left(how: str, media: str = "voice", **session: Any) -> dict[str, Any]:
    ended = segment(start="09:01:00", end="09:03:00", disconnectType=how)
    return participant("acd", ended, session={"mediaType": media, **session})


def test_a_call_is_told_by_all_its_participants() -> None:
    found = known(conversation(CUSTOMER, WAITED, SPOKE, **NAMES))
    assert found["queue"] == "Technik"
    assert found["agent"] == "Erika Beispiel"
    assert found["disposition"] == "Gelöst"
    assert found["text"] == "Läuft wieder"
    assert found["wait_seconds"] == 120
    assert found["state"] == "ended"


@pytest.mark.parametrize("how", ["client", "PEER", "endpoint"])
def test_whoever_hangs_up_in_the_queue_gave_up(how: str) -> None:
    assert known(conversation(CUSTOMER, _left(how)))["abandoned"] is True


def test_the_vendors_own_word_for_it_counts() -> None:
    assert known(conversation(CUSTOMER, _left("other", metrics=[{"name": "tAbandon"}])))["abandoned"] is True


@pytest.mark.parametrize("how", ["system", "timeout", "transfer", "error", "zz"])
def test_a_queue_that_ended_otherwise_was_not_given_up(how: str) -> None:
    assert "abandoned" not in known(conversation(CUSTOMER, _left(how)))


def test_whoever_was_spoken_to_did_not_give_up() -> None:
    assert "abandoned" not in known(conversation(CUSTOMER, _left("client"), SPOKE))


@pytest.mark.parametrize("media", ["email", "message", "callback"])
def test_nobody_sits_and_waits_for_a_mail_a_message_or_a_callback(media: str) -> None:
    found = known(conversation(CUSTOMER, _left("client", media)))
    assert "abandoned" not in found
    assert "wait_seconds" not in found


def test_while_it_goes_on_no_wait_is_told() -> None:
    waiting = participant("acd", segment(start="09:01:00", end=None))
    found = known(conversation(CUSTOMER, waiting, conversationEnd=None))
    assert found["state"] == "ringing"
    assert "wait_seconds" not in found


def test_outcomes_that_were_not_reached_are_no_steps_of_the_menu() -> None:
    outcomes = [
        {"flowOutcomeId": QUEUE, "flowOutcomeValue": "FAILURE"},
        {"flowOutcomeId": CODE, "flowOutcomeValue": "SUCCESS"},
    ]
    menu = participant("ivr", segment("ivr"), session={"flow": {"flowName": "Hotline", "outcomes": outcomes}})
    assert known(conversation(CUSTOMER, menu, **NAMES))["menu_path"] == ["Hotline", "Gelöst"]


def test_names_that_are_not_known_are_left_out() -> None:
    nameless = conversation(CUSTOMER, WAITED, SPOKE)
    assert not {"queue", "agent", "disposition"} & known(nameless).keys()


def test_of_two_readings_of_the_same_the_one_with_more_names_counts() -> None:
    bare, named = conversation(CUSTOMER, WAITED, SPOKE), conversation(CUSTOMER, WAITED, SPOKE, **NAMES)
    assert known(named, bare) == known(bare, named) == known(named)


def test_details_come_after_events_once_the_conversation_has_ended() -> None:
    told = [
        event("customer.start"),
        event("acd.end", 1772442180000, acdOutcome="ANSWERED", connectedDurationMs=119_000),
        event("user.start", 1772442181000),
        event("customer.end", 1772442999000),
        event("acw", 1772443000000, wrapupNotes="another note"),
    ]
    details = conversation(CUSTOMER, WAITED, SPOKE, **NAMES)
    assert known(*told, details) == known(details, *told) == known(details)


def test_events_make_the_same_call_in_whatever_order_they_arrive() -> None:
    told: list[Any] = [
        event("customer.start"),
        event("user.start", 1772442181000),
        event("customer.end", 1772442181000),
        conversation(CUSTOMER, WAITED, conversationEnd=None),
    ]
    straight = known(*told)
    assert straight["state"] == "ended"
    assert all(known(*other) == straight for other in permutations(told))


def test_a_caller_who_gives_up_is_known_at_once() -> None:
    found = known(event("customer.start"), event("acd.end", acdOutcome="ABANDON", connectedDurationMs=61_999))
    assert (found["abandoned"], found["wait_seconds"]) == (True, 61)


@pytest.mark.parametrize("fields", [{"mediaType": "EMAIL"}, {"connectedDurationMs": True}, {"connectedDurationMs": -1}])
def test_a_wait_that_is_none_is_not_told(fields: dict[str, Any]) -> None:
    assert "wait_seconds" not in known(event("acd.end", **({"connectedDurationMs": 5000} | fields)))


def test_an_unknown_topic_is_counted_and_left_alone() -> None:
    assert (opened(event("flow.start")).items, opened(event("flow.start")).ignored) == ((), 1)
    assert entries(Item(object="conversation_event", raw={"topicName": "zz"}, patch=True)) == []


@pytest.mark.parametrize(
    "body", [{}, {"topicName": "x"}, {"detail-type": "x", "detail": 1}, {"topicName": 1, "eventBody": {}}]
)
def test_what_is_no_event_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        opened(body)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("tel:+493055501234", "+493055501234"),
        ("030 555 01234", "+493055501234"),
        ("sip:+493055501234@trunk.example.com;user=phone", "+493055501234"),
        ("sip:65a5609eefe87a1b57549613+org.orgspan.com;tgrp=7ec137ee@localhost", ""),
        ("sip:erika.beispiel@localhost", ""),
        ("sip:anonymous@anonymous.invalid", ""),
        ("Frieda.Muster@example.org", "frieda.muster@example.org"),
        ("Frieda Muster", ""),
        ("0a1b2c3d-web-session", ""),
        ("110", "110"),
        (None, ""),
        ({"a": 1}, ""),
    ],
)
def test_only_numbers_and_mail_addresses_are_addresses(value: object, found: str) -> None:
    assert address(value, "DE") == found


def test_a_contact_counts_only_where_no_address_tells_who_it_is() -> None:
    nobody = {"ani": "sip:anonymous@anonymous.invalid"}
    for session, subject in ((None, None), (nobody, "ec-1")):
        customer = participant("customer", segment(), session=session, externalContactId="ec-1")
        [entry] = entries(conversation(customer))
        assert entry.subject.customer == subject


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"participants": {}}, "participants"),
        ({"participants": ["x"]}, "participants"),
        ({"participants": [{"sessions": 1}]}, "sessions"),
        ({"conversationEnd": "soon"}, "conversationEnd"),
        ({"surveys": "x"}, "surveys"),
        ({"conversationStart": None, "conversationEnd": None, "participants": None}, "bridge.last"),
    ],
)
def test_what_cannot_be_read_is_a_named_error(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(MappingError, match=path):
        entries(conversation(CUSTOMER, **fields))


def test_a_survey_by_itself_is_read_as_it_is() -> None:
    [entry] = entries(Item(object="survey", raw={"surveyId": "s-1", "eventTime": "2026-03-02T09:10:00Z"}))
    assert entry.object == "survey_response"


def test_surveys_are_the_same_whoever_reads_them_first() -> None:
    sent = {"surveyId": "s-1", "eventTime": "2026-03-02T09:10:00Z", "surveyStatus": "Sent"}
    done = sent | {"surveyPromoterScore": 0, "surveyCompletedDate": "2026-03-02T09:10:00Z", "surveyStatus": "Finished"}
    first, second = (entries(conversation(CUSTOMER, surveys=[one]))[1] for one in (sent, done))
    assert first.order < second.order
    assert second.body["score"] == 0
    assert (first.source_id, CALL) == (second.source_id, entries(conversation(CUSTOMER))[0].source_id)
