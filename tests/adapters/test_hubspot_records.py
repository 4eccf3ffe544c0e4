"""What objects become: ties, archives, merges, won deals, categories, scales, and what an account adds of its own."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.adapter.delivery import Item
from bridge.errors import MappingError
from bridge.intake.records import fold, version
from bridge.model import Entry, EntryKind
from tests.adapters.hubspot_account import EVERYTHING, account, entry, row

AT = "2026-05-04T10:00:00.000Z"


def said(object: str, raw: dict[str, Any], **settings: Any) -> list[Entry]:
    adapter = account(objects=EVERYTHING, **settings)
    return [one for one in adapter.read(Item(object=object, raw=raw)) if isinstance(one, Entry)]


def current(*entries: Entry) -> tuple[str, bool]:
    """Subject and deletion of what versions in this order of arrival fold to."""
    versions = [version(one, "crm", known_at=n, arrival=n, delivery=n) for n, one in enumerate(entries)]
    folded = fold(versions)
    assert folded is not None
    return folded.subject, bool(folded.deleted)


@pytest.mark.parametrize("known_first", [True, False])
def test_of_two_versions_of_one_instant_the_one_that_knows_its_customer_is_kept(known_first: bool) -> None:
    [bare], [known] = said("ticket", row(6)), said("ticket", row(6) | {"associated": {"contact": "51"}})
    assert current(*((known, bare) if known_first else (bare, known))) == ("id:crm:51", False)


@pytest.mark.parametrize("archived_at", [AT, "2026-05-04T10:00:00.001Z", "2026-05-04T09:00:00Z", None])
def test_an_archived_object_is_gone_even_if_it_was_archived_in_the_instant_of_its_last_change(archived_at: Any) -> None:
    [known] = said("ticket", row(6) | {"associated": {"contact": "51"}})
    [gone] = said("ticket", row(6) | {"archived": True, "archivedAt": archived_at})
    assert current(gone, known) == current(known, gone) == ("id:crm:51", True)


def test_an_object_that_was_changed_after_its_deletion_is_back() -> None:
    [gone] = said("ticket", row(6) | {"archived": True, "archivedAt": AT})
    [back] = said("ticket", row(6, "2026-05-04T10:00:01Z"))
    assert current(back, gone)[1] is False


def test_an_archived_winner_still_tells_who_was_merged_into_it() -> None:
    gone, loser = said("contact", row(6, hs_merged_object_ids="4") | {"archived": True, "archivedAt": AT})
    assert (gone.kind, loser.kind, loser.source_id, loser.into) == (EntryKind.deleted, EntryKind.merged, "4", "6")


def test_merged_ids_come_as_text_or_as_one_number_and_never_name_the_winner() -> None:
    assert [one.source_id for one in said("ticket", row(6, hs_merged_object_ids=4))] == ["6", "4"]
    assert [one.source_id for one in said("contact", row(6, hs_merged_object_ids=" 4;6; ;5;4"))] == ["6", "4", "5"]


@pytest.mark.parametrize("value", [True, [4], {"a": 1}, "4;x", 1.5])
def test_merged_ids_that_are_none_are_an_error_with_their_path(value: object) -> None:
    with pytest.raises(MappingError, match="hs_merged_object_ids"):
        said("contact", row(6, hs_merged_object_ids=value))


@pytest.mark.parametrize("value", ["soon", {"a": 1}])
def test_a_time_of_archiving_that_is_none_is_an_error_with_its_path(value: object) -> None:
    with pytest.raises(MappingError, match="archivedAt"):
        said("contact", row(6) | {"archived": True, "archivedAt": value})


def test_a_deal_is_a_purchase_as_long_as_it_is_won() -> None:
    [won] = said("deal", row(7, AT, hs_is_closed_won="true", amount="10"))
    [lost] = said("deal", row(7, "2026-05-04T11:00:00Z", hs_is_closed_won="false", amount="10"))
    assert (won.kind, lost.kind) == (EntryKind.full, EntryKind.deleted)
    assert current(lost, won)[1] is True


@pytest.mark.parametrize(
    ("amount", "currency", "minor", "named"),
    [
        ("1500.125", "EUR", 150012, "EUR"),
        ("1500", None, 150000, "EUR"),
        ("-29.9", "USD", -2990, "USD"),
        ("1500", "JPY", 1500, "JPY"),
        ("1.500", "KWD", 1500, "KWD"),
        ("about a million", "EUR", None, None),
    ],
)
def test_amounts_are_read_in_their_currency_with_a_point_for_decimals(
    amount: str, currency: str | None, minor: int | None, named: str | None
) -> None:
    raw = row(7, hs_is_closed_won="true", amount=amount, deal_currency_code=currency)
    if minor is None:
        with pytest.raises(MappingError, match="amount"):
            said("deal", raw)
        return
    assert said("deal", raw)[0].body["amount"] == {"minor": minor, "currency": named}


def test_of_several_categories_the_gravest_makes_the_type_and_all_are_tags() -> None:
    [one] = said("ticket", row(6, hs_ticket_category="GENERAL_INQUIRY; Kündigung;complaint;Other"))
    assert (one.body["type"], one.body["tags"][1]) == ("cancellation", "Kündigung")
    assert said("ticket", row(6, hs_ticket_category="A;B"))[0].body.get("type") == "unknown"


@pytest.mark.parametrize(
    ("stage", "closed", "status"),
    [("2", None, "waiting"), ("1930022", None, "open"), ("1930022", AT, "closed"), (None, None, "unknown")],
)
def test_a_stage_of_the_accounts_own_is_open_until_the_ticket_was_closed(stage: Any, closed: Any, status: str) -> None:
    [one] = said("ticket", row(6, hs_pipeline_stage=stage, closed_date=closed))
    assert one.body.get("status", "unknown") == status
    assert ("resolved" in one.body) == (status == "closed")


@pytest.mark.parametrize(
    ("kind", "value", "group", "scale"),
    [
        ("NPS", "0", "DETRACTOR", 10.0),
        ("NPS", "11", None, None),
        ("CES", "7", None, 7.0),
        ("CSAT", "1", "PASSIVE", 2.0),
        ("CSAT", "1", "DETRACTOR", 5.0),
        ("CSAT", "5", None, 5.0),
        ("CSAT", "2", None, 2.0),
        ("CSAT", "6", "PROMOTER", 7.0),
        ("CUSTOM", "3", None, None),
        ("CSAT", None, None, None),
    ],
)
def test_the_highest_possible_score_follows_from_the_survey_and_its_sentiment(
    kind: str, value: str | None, group: str | None, scale: float | None
) -> None:
    [one] = said("feedback_submission", row(5, hs_survey_type=kind, hs_value=value, hs_response_group=group))
    assert one.body.get("scale") == scale


def test_an_overlay_reads_and_asks_for_properties_of_the_accounts_own() -> None:
    overlay = {"objects": {"contract": {"fields": {"ends": "properties.vertragsende"}}}}
    adapter = account(overlay, deals="contracts")
    raw = row(7, hs_is_closed_won="true", vertragsende="2027-11-30", hs_mrr="29.9", deal_currency_code="EUR")
    one = entry(adapter, "contract", raw | {"associated": {"contact": "51"}})
    assert (one.object, one.body["ends"], one.body["monthly_amount"]["minor"]) == ("contract", "2027-11-30", 2990)


def test_a_phone_without_its_country_is_taken_as_hubspot_reads_it_and_left_alone_otherwise() -> None:
    given = {"phone": "(202) 555-0143", "hs_calculated_phone_number": "+12025550143", "mobilephone": "01523 5550123"}
    [one] = said("contact", row(6, **given, hs_calculated_mobile_number="4"))
    assert [phone["e164"] for phone in one.body["phones"]] == ["+12025550143", "+4915235550123"]
