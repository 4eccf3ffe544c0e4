"""Responses: which question means what, how high its scale goes, who answered, and what was never submitted."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from adapters.typeform.answers import scale_of
from bridge.adapter.delivery import Item
from bridge.errors import BadRequest, ConfigError, MappingError, NotAuthentic
from bridge.intake.inbox import redact
from bridge.intake.records import fold, version
from tests.adapters.typeform_account import NOW, answer, entries, make, response, said, webhook


def test_a_signed_delivery_is_taken_and_a_forged_one_is_not() -> None:
    adapter = make()
    good = webhook(response(answer("nps", 9)))
    adapter.verify(good, NOW)
    bare = good.headers["typeform-signature"].removeprefix("sha256=")
    for forged in (
        msgspec.structs.replace(good, body=good.body.replace(b"9", b"1")),
        msgspec.structs.replace(good, headers={"typeform-signature": bare}),
    ):
        with pytest.raises(NotAuthentic):
            adapter.verify(forged, NOW)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (answer("comment", "Zu langsam", "text"), "Zu langsam"),
        (answer("comment", {"label": "Preis", "id": "c", "ref": "r"}, "choice"), "Preis"),
        (answer("comment", {"other": "Umzug"}, "choice"), "Umzug"),
        (answer("comment", {"labels": ["Preis", "Netz"], "other": "Umzug"}, "choices"), "Preis, Netz, Umzug"),
        (answer("comment", {"labels": ["Preis", None, " "]}, "choices"), "Preis"),
        (answer("comment", {}, "choices"), None),
        (answer("comment", {}, "choice"), None),
        (answer("comment", "2026-04-01", "date"), "2026-04-01"),
        (answer("comment", ["a"], "text"), None),
        (answer("comment", {"last4": "4242"}, "payment"), None),
        (answer("comment", "https://x.example/brief.pdf", "file_url"), None),
        (answer("comment", "x", "ranking of tomorrow"), "x"),
        ({"type": 7, "field": {"ref": "comment"}}, None),
        (answer("kommentar", "Auch gut", "text"), "Auch gut"),
        (answer("id-of-nothing", "x", "text"), None),
    ],
)
def test_an_answer_is_read_alike_whatever_the_type_of_its_question(given: dict[str, Any], text: str | None) -> None:
    assert said(answer("nps", 9), given).get("comment") == text


def test_your_own_references_or_ids_are_named_in_the_overlay() -> None:
    reference = "0d3f7c1e-5b1c-4a0e-9c51-8c1f0f0a7e11"
    fields = {"score": [f"answers.{reference}", "answers.other"], "comment": 'answers."q.2"'}
    adapter = make({"objects": {"nps": {"fields": fields}}})
    body = said(answer(reference, 4), answer("q.2", "Weil", "text"), adapter=adapter)
    assert (body["score"], body["comment"]) == (4.0, "Weil")
    by_id = make({"objects": {"nps": {"fields": {"score": "answers.id-zz"}}}})
    assert said(answer("zz", 3), adapter=by_id)["score"] == 3.0


def test_a_metric_of_your_own_is_an_object_of_the_overlay() -> None:
    review = {
        "to": "survey_response",
        "id": "form_response.token",
        "order": {"from": "form_response.submitted_at", "as": "instant"},
        "at": "form_response.submitted_at",
        "fields": {"metric": {"const": "review"}, "answered": "form_response.submitted_at", "score": "answers.stars"},
    }
    adapter = make({"objects": {"review": review}}, forms=["N1=review/5"])
    body = said(answer("stars", 2), adapter=adapter)
    assert (body["metric"], body["score"], body["scale"]) == ("review", 2.0, 5.0)


def _csat(*answers: dict[str, Any], settings: str = "C1=csat", **definition: Any) -> dict[str, Any]:
    question = {"id": "id-csat", "ref": "csat", "type": "opinion_scale"} | definition
    shown = {"id": "C1", "fields": [{"id": "g", "type": "group", "properties": {"fields": [question]}}]}
    return said(*answers, adapter=make(forms=[settings]), form_id="C1", definition=shown)


@pytest.mark.parametrize(
    ("definition", "scale"),
    [
        ({"properties": {"steps": 11, "start_at_one": False}}, 10.0),
        ({"properties": {"steps": 11}}, 10.0),
        ({"properties": {"steps": 7, "start_at_one": True}}, 7.0),
        ({"type": "rating", "properties": {"steps": 5}}, 5.0),
        ({"type": "rating", "properties": {"steps": 5, "start_at_one": False}}, 5.0),
        ({"type": "nps", "properties": {}}, 10.0),
        ({"type": "rating", "properties": {}}, None),
        ({"properties": None}, None),
        ({"properties": {"steps": "many"}}, None),
        ({"properties": {"steps": 0}}, None),
        ({"id": "another", "ref": "another", "properties": {"steps": 5}}, None),
        ({"id": "another", "properties": {"steps": 5, "start_at_one": True}}, 5.0),
    ],
)
def test_how_high_a_score_goes_stands_in_the_definition(definition: dict[str, Any], scale: float | None) -> None:
    assert _csat(answer("csat", 4), **definition).get("scale") == scale


def test_the_operator_may_say_the_scale_that_no_definition_says() -> None:
    assert _csat(answer("csat", 4), settings="C1=csat/7", properties={})["scale"] == 7.0
    assert "scale" not in _csat(settings="C1=csat/7", properties={})


@pytest.mark.parametrize("definition", [None, [], {}, {"fields": None}, {"fields": ["x", 7]}])
def test_a_definition_of_another_shape_says_nothing(definition: Any) -> None:
    assert scale_of(response(answer("csat", 4), definition=definition), {"csat"}) is None


def test_of_a_form_that_asks_twice_each_metric_is_a_record_of_its_own() -> None:
    adapter = make(forms=["N1=nps+csat/5"])
    told = response(answer("nps", 9), answer("csat", 5), answer("comment", "Gut", "text"))
    found = entries(adapter, webhook(told))
    assert [(one.source_id, one.body["metric"], one.body["score"], one.body["comment"]) for one in found] == [
        ("a-response", "nps", 9.0, "Gut"),
        ("a-response:csat", "csat", 5.0, "Gut"),
    ]
    assert len({item.dedupe_key for item in adapter.open(webhook(told)).items}) == 2


def test_the_version_that_knows_the_scale_counts_whichever_comes_first() -> None:
    adapter = make(forms=["C1=csat"])
    hook = webhook(response(answer("csat", 4), form_id="C1"))
    fields = [{"id": "id-csat", "ref": "csat", "type": "rating", "properties": {"steps": 5}}]
    listed = response(answer("csat", 4), form_id="C1", definition={"fields": fields})
    item = Item(object="csat", raw={"form_response": listed})
    for told in ((hook, item), (item, hook)):
        versions = [version(one, "surveys", known_at=1, arrival=1, delivery=None) for one in entries(adapter, *told)]
        current = fold(versions)
        assert current is not None
        assert '"scale":5.0' in current.body


@pytest.mark.parametrize(
    ("hidden", "answers", "keys"),
    [
        ({"crm_id": "10023", "email": "Frieda@Example.org"}, [], {"id:crm:10023", "email:frieda@example.org"}),
        ({"crm_id": "xxxxx", "email": "XXXXX", "phone": "hidden_value"}, [], set()),
        ({"email": " "}, [answer("m", "kalle@example.org", "email")], {"email:kalle@example.org"}),
        ({"phone": "030 5550 1234"}, [answer("t", "+4930999", "phone_number")], {"phone:+493055501234"}),
        (None, [answer("t", "+493055501234", "phone_number")], {"phone:+493055501234"}),
        ({}, [answer("m", "one@example.org", "email"), answer("n", "two@example.org", "email")],
         {"email:one@example.org"}),
        ({"crm_id": 10023}, [], {"id:crm:10023"}),
    ],
)  # fmt: skip
def test_who_answered_is_said_by_hidden_fields_else_by_the_answers(
    hidden: Any, answers: list[dict[str, Any]], keys: set[str]
) -> None:
    [entry] = entries(make(), webhook(response(*answers, hidden=hidden)))
    assert {str(key) for key in entry.subject.keys} == keys


def test_customer_ids_are_those_of_the_system_that_is_named() -> None:
    [entry] = entries(make(crm_system="Sales"), webhook(response()))
    assert [str(key) for key in entry.subject.keys] == ["id:sales:10023"]
    with pytest.raises(ConfigError, match=r"settings\.crm_system"):
        make(crm_system="a b")


def test_what_was_not_submitted_is_left_alone_unless_it_counts_as_unanswered() -> None:
    begun = response(answer("nps", 1), answer("comment", "Doch nicht", "text"), submitted_at=None)
    partial = webhook(begun, "form_response_partial")
    opened = make().open(partial)
    assert (opened.items, opened.ignored, opened.reply.status) == ((), 1, 200)
    counting = make(unfinished="unanswered")
    [entry] = entries(counting, partial)
    assert entry.body == {"metric": "nps", "sent": "2026-05-04T09:58:00Z"}
    [submitted] = entries(counting, webhook(response(answer("nps", 8))))
    assert entry.source_id == submitted.source_id
    assert entry.order < submitted.order
    with pytest.raises(ConfigError, match=r"settings\.unfinished"):
        make(unfinished="maybe")


def test_a_listed_response_that_was_never_submitted_says_nothing() -> None:
    never = Item(object="nps", raw={"form_response": response(submitted_at="0001-01-01T00:00:00Z")})
    assert make().read(never) == []


def test_when_it_was_sent_is_known_where_the_link_says_it() -> None:
    body = said(answer("nps", 9), hidden={"sent_at": "2026-05-01T08:00:00Z"})
    assert (body["sent"], body["answered"]) == ("2026-05-01T08:00:00Z", "2026-05-04T10:00:00Z")
    assert "sent" not in said(answer("nps", 9))


def test_other_events_and_other_forms_are_answered_and_left_alone() -> None:
    adapter = make()
    for request in (webhook(response(), "form_response_deleted"), webhook(response(form_id="Z9"))):
        opened = adapter.open(request)
        assert (opened.items, opened.ignored, opened.reply.status) == ((), 1, 200)
    with pytest.raises(BadRequest, match="Typeform"):
        adapter.open(msgspec.structs.replace(webhook({}), body=b'{"event_type": "form_response"}'))


def test_an_event_sent_again_is_known_by_its_id() -> None:
    adapter = make()
    [first], [again], [other] = (
        adapter.open(webhook(response(answer("nps", score)), number=number)).items
        for score, number in ((9, "01A"), (9, "01A"), (9, "01B"))
    )
    assert first.dedupe_key == again.dedupe_key != other.dedupe_key


@pytest.mark.parametrize(
    "broken",
    [{"answers": "x"}, {"answers": ["x"]}, {"answers": [{"type": "text"}]}, {"hidden": "x"}, {"token": None}],
)
def test_a_response_of_another_shape_is_a_named_error(broken: dict[str, Any]) -> None:
    with pytest.raises(MappingError, match="form_response"):
        said(**broken)


def test_what_is_never_needed_is_blank_before_it_is_written() -> None:
    adapter = make()
    card, file = answer("p", {"last4": "4242"}, "payment"), answer("f", "https://x.example/4242", "file_url")
    raw = {"form_response": response(card, file, metadata={"network_id": "4242"})}
    kept = redact(raw, adapter.manifest.redact)
    assert "4242" not in repr(kept)
    assert adapter.read(Item(object="nps", raw=kept)) == adapter.read(Item(object="nps", raw=raw))


@pytest.mark.parametrize(
    ("forms", "what"),
    [
        (["abc"], "form_id=metric"),
        (["a b=nps"], "form_id=metric"),
        (["abc=npz"], "did you mean 'nps'"),
        (["abc=nps", "abc=csat"], "named twice"),
        (["abc=csat/many"], "form_id=metric"),
    ],
)
def test_a_setting_that_names_no_form_says_what_belongs_there(forms: list[str], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        make(forms=forms)


@pytest.mark.parametrize(
    ("name", "value"), [("since", "soon"), ("requests_per_second", "0"), ("requests_per_second", "x")]
)
def test_a_setting_that_cannot_be_read_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=rf"settings\.{name}"):
        make(None, **{name: value})


def test_forms_may_be_listed_in_one_text() -> None:
    assert make(forms="A1=nps, B2 = csat/5").streams() == ("A1", "B2")
