"""What Freshdesk's contacts, companies, tickets, ratings and hints say, beyond what the mapping's data can say."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from bridge.adapter.delivery import Item, Refetch
from bridge.errors import BadRequest, MappingError, NotAuthentic
from bridge.model import Entry, EntryKind
from tests.adapters.freshdesk_account import NOW, ROOT, account, contact, entry, rating, ticket, webhook


def hinted(body: Any) -> list[Any]:
    adapter = account()
    request = webhook(body)
    adapter.verify(request, NOW)
    [item] = adapter.open(request).items
    return adapter.read(item)


def test_of_one_version_the_contact_that_shows_all_its_addresses_counts() -> None:
    whole = entry(account(), "contact", contact(other_emails=["j@beispiel.de"]))
    part = entry(account(), "contact", contact())
    later = entry(account(), "contact", contact(updated_at="2026-05-04T09:30:13Z"))
    assert part.order < whole.order < later.order
    assert whole.body["emails"] == ["juergen@beispiel.de", "j@beispiel.de"]


@pytest.mark.parametrize("companies", [[7, 8], [{"company_id": 7}, {"company_id": 8}], [7, {"company_id": 8}, {}]])
def test_other_companies_are_accounts_whichever_way_they_are_listed(companies: list[Any]) -> None:
    assert entry(account(), "contact", contact(company_id=6, other_companies=companies)).body["accounts"] == [
        "6",
        "7",
        "8",
    ]


def test_external_ids_are_of_the_system_that_the_operator_names() -> None:
    shop = account(external_id_system=" Shop ")
    assert entry(shop, "contact", contact(unique_external_id="K-1")).body["external_ids"] == {"shop": "K-1"}


def test_agents_are_no_customers() -> None:
    for agent in ({"agent": {"id": 1}}, {"helpdesk_agent": True}):
        assert account().read(Item(object="contact", raw=contact(**agent))) == []
    assert account().read(Item(object="contact", raw=contact(helpdesk_agent=False))) != []


def test_a_server_that_ignores_the_filter_for_deleted_things_deletes_nobody() -> None:
    """Only what says of itself that it is deleted is."""
    assert entry(account(), "contact", contact()).kind is EntryKind.full
    assert entry(account(), "contact", contact(deleted=False)).kind is EntryKind.full
    assert entry(account(), "contact", contact(deleted=True)).kind is EntryKind.deleted
    assert entry(account(), "ticket", ticket(spam=False)).kind is EntryKind.full
    assert entry(account(), "ticket", ticket(spam=True)).kind is EntryKind.deleted


def test_a_company_is_an_account_and_its_renewal_the_end_of_a_contract() -> None:
    company = {
        "id": 6,
        "name": "Muster GmbH",
        "renewal_date": "2026-12-31T00:00:00Z",
        "updated_at": "2026-05-04T09:00:00Z",
    }
    both = [one for one in account().read(Item(object="company", raw=company)) if isinstance(one, Entry)]
    assert [(one.object, one.kind.value) for one in both] == [("account", "full"), ("contract", "full")]
    assert both[1].body == {"status": "active", "ends": "2026-12-31"}
    cleared = account().read(Item(object="company", raw=company | {"renewal_date": None}))
    assert [one.kind for one in cleared if isinstance(one, Entry)] == [EntryKind.full, EntryKind.deleted]


def test_tags_make_complaints_and_cancellations_and_a_list_without_tags_makes_none() -> None:
    assert entry(account(), "ticket", ticket(tags=["BESCHWERDE"], type="Question")).body["type"] == "complaint"
    assert entry(account(), "ticket", ticket(tags=["churn"])).body["type"] == "cancellation"
    assert entry(account(complaint_tags="ärger"), "ticket", ticket(tags=["Ärger"])).body["type"] == "complaint"
    assert "type" not in entry(account(), "ticket", ticket()).body


def test_only_a_ticket_that_is_done_is_resolved() -> None:
    stats = {"resolved_at": "2026-05-04T09:00:00Z", "closed_at": None, "reopened_at": None}
    assert "resolved" not in entry(account(), "ticket", ticket(stats=stats)).body
    assert entry(account(), "ticket", ticket(status=4, stats=stats)).body["resolved"] == "2026-05-04T09:00:00Z"
    again = ticket(stats=stats | {"reopened_at": "2026-05-04T09:30:00Z"})
    assert entry(account(), "ticket", again).body["reopened"] == 1


def test_words_and_numbers_of_their_own_are_told_in_an_overlay() -> None:
    overlay = {"values": {"ticket_status": {"18": "waiting"}, "ticket_type": {"Rechnung": "question"}}}
    found = entry(account(overlay), "ticket", ticket(status=18, type="Rechnung"))
    assert (found.body["status"], found.body["type"]) == ("waiting", "question")


@pytest.mark.parametrize(
    ("given", "score"),
    [(103, 6), (102, 5), (101, 4), (100, 3), (-101, 2), (-102, 1), (-103, 0), (1, 6), (2, 3), (3, 0), ("-103", 0)],
)
def test_ratings_have_seven_steps_and_classic_ones_three_the_other_way_round(given: Any, score: float) -> None:
    found = entry(account(), "satisfaction_rating", rating(ratings={"default_question": given}))
    assert (found.body["score"], found.body["scale"]) == (score, 6.0)


def test_an_answer_to_another_question_is_an_answer_without_a_score() -> None:
    found = entry(account(), "satisfaction_rating", rating(ratings={"question_2": 103}))
    assert (found.body["comment"], "score" in found.body) == ("Gut", False)


@pytest.mark.parametrize("given", [104, 0, "happy", [103], True, 10**300])
def test_a_rating_that_is_none_is_a_named_error(given: Any) -> None:
    with pytest.raises(MappingError) as caught:
        account().read(Item(object="satisfaction_rating", raw=rating(ratings={"default_question": given})))
    assert caught.value.path == "satisfaction_rating.ratings.default_question"


def test_a_hint_is_a_ticket_to_fetch_and_a_hint_of_a_rating_its_ratings_too() -> None:
    assert hinted({"ticket_id": 4201}) == [Refetch(object="ticket", id="4201")]
    assert hinted({"ticket_id": " #4201 "}) == [Refetch(object="ticket", id="4201")]
    assert hinted({"freshdesk_webhook": {"ticket_id": "4201", "x": 1}}) == [Refetch(object="ticket", id="4201")]
    assert hinted({"rating_of_ticket": "INC-4201"}) == [
        Refetch(object="ticket", id="4201"),
        Refetch(object="satisfaction_rating", id="4201"),
    ]


@pytest.mark.parametrize(
    "body",
    [{}, {"ticket_id": ""}, {"ticket_id": "{{ticket.id}}"}, {"ticket_id": [1]}, {"freshdesk_webhook": []}, {"id": 1}],
)
def test_a_body_that_names_no_ticket_is_refused(body: Any) -> None:
    with pytest.raises(BadRequest, match="README"):
        account().open(webhook(body))


def test_the_same_words_later_are_another_hint() -> None:
    first, later = (
        account().open(webhook({"ticket_id": 1}, at=NOW + timedelta(seconds=seconds))).items[0].dedupe_key
        for seconds in (0, 5)
    )
    assert first != later


def test_a_hint_that_was_kept_and_names_nothing_is_a_named_error() -> None:
    with pytest.raises(MappingError, match="ticket_id"):
        account().read(Item(object="ticket_hint", raw={"ticket_id": None}))


def test_who_does_not_know_the_word_is_refused() -> None:
    request = webhook({"ticket_id": 1})
    with pytest.raises(NotAuthentic):
        account(webhook_secret="another-word").verify(request, NOW)
    account(webhook_secret=["another-word", "a-hook-word"]).verify(request, NOW)


def test_the_bodies_in_the_readme_are_what_is_understood() -> None:
    text = ROOT.joinpath("adapters", "freshdesk", "README.md").read_text("utf-8")
    bodies = [json.loads(line) for line in map(str.strip, text.splitlines()) if line.startswith('{"')]
    assert [sorted(body) for body in bodies] == [["ticket_id"], ["rating_of_ticket"]]
    for body in bodies:
        assert hinted(dict.fromkeys(body, "4201"))[0] == Refetch(object="ticket", id="4201")
