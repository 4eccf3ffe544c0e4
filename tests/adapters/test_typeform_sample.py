"""The sample as Typeform would tell of it: deliveries that the real adapter verifies, opens and reads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.typeform.sample import deliveries
from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Request
from tests.adapters.typeform_account import NOW, entries, make


@dataclass
class Person:
    id: str = "10023"
    email: str | None = "juergen@beispiel.de"


@dataclass
class Survey:
    id: str = "s1"
    customer_id: str = "10023"
    metric: str = "nps"
    sent: datetime = NOW - timedelta(days=3)
    answered: datetime | None = NOW - timedelta(days=2)
    score: float | None = 3
    comment: str | None = "Niemand rief zurück."
    reason_for_leaving: str | None = None
    left_others_because: str | None = None


@dataclass
class Center:
    surveys: list[Survey]
    customers: list[Person] = field(default_factory=lambda: [Person()])


def told(survey: Survey, adapter: Adapter | None = None) -> list[dict[str, Any]]:
    """The bodies of what one survey becomes."""
    adapter = adapter or make(unfinished="unanswered")
    return [one.body for one in entries(adapter, *deliveries(Center([survey]), adapter.source, NOW))]


def test_an_answered_survey_arrives_whole() -> None:
    adapter = make()
    [entry] = entries(adapter, *deliveries(Center([Survey()]), adapter.source, NOW))
    assert {str(key) for key in entry.subject.keys} == {"id:crm:10023", "email:juergen@beispiel.de"}
    assert entry.body == {
        "metric": "nps",
        "sent": "2026-05-01T12:00:00Z",
        "answered": "2026-05-02T12:00:00Z",
        "score": 3.0,
        "scale": 10.0,
        "comment": "Niemand rief zurück.",
    }


@pytest.mark.parametrize(("metric", "scale"), [("nps", 10.0), ("csat", 5.0)])
def test_each_metric_has_its_scale(metric: str, scale: float) -> None:
    [body] = told(replace(Survey(), metric=metric))
    assert (body["metric"], body["scale"]) == (metric, scale)


def test_who_leaves_says_why_and_what_drove_them_from_others() -> None:
    leaving = replace(Survey(), metric="exit", score=None, reason_for_leaving="Preis", left_others_because="Service")
    [body] = told(leaving)
    assert (body["reason_for_leaving"], body["left_others_because"]) == ("Preis", "Service")
    assert "score" not in body


def test_a_survey_that_nobody_answered_was_opened_and_left() -> None:
    unanswered = replace(Survey(), answered=None, score=None, comment=None)
    assert told(unanswered) == [{"metric": "nps", "sent": "2026-05-01T12:00:00Z"}]
    assert told(unanswered, make()) == []
    assert told(replace(unanswered, sent=NOW)) == []


def test_a_metric_without_a_form_and_the_future_are_left_out() -> None:
    assert told(replace(Survey(), metric="ces")) == []
    assert told(replace(Survey(), answered=NOW + timedelta(seconds=1))) == []


def test_a_form_for_the_metric_alone_goes_before_one_that_asks_several() -> None:
    adapter = make(forms=["B1=nps+csat", "N1=nps", "N2=nps"])
    [request] = deliveries(Center([Survey()], customers=[]), adapter.source, NOW)
    assert isinstance(request, Request)
    assert b'"form_id":"N1"' in request.body
    assert b"email" not in request.body


def test_the_same_contact_center_gives_the_same_deliveries() -> None:
    source = make().source
    once, again = (list(deliveries(Center([Survey()]), source, NOW)) for _ in range(2))
    assert once == again
