"""One person out of several sources' records: who is believed for what."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from bridge.identity.survivorship import survive
from bridge.model import Channel, Consent, ConsentStatus, Customer, Phone
from tests.desks import NOW


def said(source: str, days_ago: int, **fields: Any) -> tuple[str, Any, Customer]:
    return (source, NOW - timedelta(days=days_ago), Customer(**fields))


def test_one_source_is_taken_as_it_is() -> None:
    only = said("crm", 1, name="Katrin Albers")
    assert survive([only], {}) is only[2]


def test_the_newest_word_counts_and_what_it_leaves_out_comes_from_the_others() -> None:
    merged = survive([said("crm", 9, name="K. Albers", owner="Brandt"), said("desk", 1, name="Katrin Albers")], {})
    assert (merged.name, merged.owner) == ("Katrin Albers", "Brandt")


def test_an_order_of_sources_counts_more_than_age() -> None:
    records = [said("crm", 9, language="de"), said("desk", 1, language="en"), said("shop", 0, language="fr")]
    assert survive(records, {"language": ("crm", "*")}).language == "de"
    assert survive(records, {"language": ("*", "shop")}).language == "en"


def test_lists_are_united_and_ids_of_all_systems_kept() -> None:
    merged = survive(
        [
            said("crm", 2, emails=("a@x.de", "b@x.de"), external_ids={"erp": "1"}, tags=("vip",)),
            said("desk", 1, emails=("b@x.de", "c@x.de"), external_ids={"crm": "7"}, phones=(Phone(raw="1"),)),
        ],
        {},
    )
    assert merged.emails == ("b@x.de", "c@x.de", "a@x.de")
    assert merged.external_ids == {"erp": "1", "crm": "7"}
    assert (merged.tags, merged.phones) == (("vip",), (Phone(raw="1"),))


def test_an_objection_or_a_death_that_one_source_knows_is_enough() -> None:
    merged = survive([said("crm", 9, deceased=True, objects_to_profiling=True), said("desk", 1)], {})
    assert merged.deceased
    assert merged.objects_to_profiling


def test_of_several_consents_the_most_restrictive_holds() -> None:
    def consent(status: ConsentStatus, days_ago: int = 0) -> Consent:
        return Consent(channel=Channel.email, status=status, at=NOW - timedelta(days=days_ago))

    granted, denied = consent(ConsentStatus.granted), consent(ConsentStatus.denied, 900)
    merged = survive([said("crm", 900, consents=(denied,)), said("desk", 1, consents=(granted,))], {})
    assert merged.consents == (denied,)
    older = consent(ConsentStatus.granted, 90)
    merged = survive([said("crm", 9, consents=(older,)), said("desk", 1, consents=(granted,))], {})
    assert merged.consents == (granted,)


def test_the_earliest_beginning_counts_and_an_unknown_channel_is_no_word() -> None:
    merged = survive(
        [
            said("crm", 9, customer_since=date(2019, 3, 1), preferred_channel=Channel.email),
            said("desk", 1, customer_since=date(2024, 1, 1)),
        ],
        {},
    )
    assert (merged.customer_since, merged.preferred_channel) == (date(2019, 3, 1), Channel.email)
