"""Phones and e-mails become the one key under which a customer is found, or none."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.adapter.addresses import is_withheld, normalise_email, normalise_key, normalise_phone
from bridge.model import KeyKind


@pytest.mark.parametrize(
    "written",
    [
        "+4930123456",
        "030 123456",
        "030/123456",
        "(030) 12 34 56",
        "0049 30 123456",
        "+49 (0)30 123456",
        "+49 30 123456",
        " 4930123456",
        " 49 30 123456",
        "%2B4930123456",
        "tel:+49-30-123456",
        "tel:123456;phone-context=+4930",
        "sip:+4930123456@pbx.example.org",
        "sip:030123456@pbx.example.org;user=phone",
        "sips:+4930123456@pbx.example.org",
        "<sip:+4930123456@pbx.example.org>",
        "+4930123456@pbx.example.org",
        "4930123456",
    ],
)
def test_every_way_to_write_a_number_is_one_number(written: str) -> None:
    assert normalise_phone(written, "DE") == "+4930123456"


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "anonymous",
        "Anonymous",
        "anonymous@anonymous.invalid",
        "sip:anonymous@anonymous.invalid",
        "tel:anonymous",
        "restricted",
        "unbekannt",
        "+266696687",
        "+7378742833",
        "+2562533",
        "+8656696",
        "+86282452253",
        "keine",
        "12",
        "1" * 40,
        "0" * 5000,
        "\x00",
    ],
)
def test_a_withheld_or_impossible_number_is_no_key(written: str) -> None:
    assert normalise_phone(written, "DE") is None


@pytest.mark.parametrize(
    ("written", "withheld"),
    [
        ("anonymous", True),
        (" Unterdrückt ", True),
        ("", True),
        ("+266696687", True),
        ("00266696687", True),
        ("sip:anonymous@anonymous.invalid", True),
        ("+4930123456", False),
        ("030 266696687", False),
        ("02666 96687", False),
        ("client:website", False),
        ("sip:jana@pbx.example.org", False),
    ],
)
def test_a_hidden_number_is_told_from_one_that_is_only_none_of_ours(written: str, withheld: bool) -> None:
    assert is_withheld(written) is withheld


def test_a_local_number_is_read_as_it_is_dialled_in_the_sources_country() -> None:
    assert normalise_phone("415 867 5309", "US") == "+14158675309"
    assert normalise_phone("044 668 18 00", "CH") == "+41446681800"
    assert normalise_phone("0664 1234567", "AT") == "+436641234567"


NUMBERS = [
    phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    for region in ("DE", "AT", "CH", "US", "GB", "FR", "PL", "TR")
    for number in [phonenumbers.example_number(region)]
    if number is not None
]


@given(st.sampled_from(NUMBERS), st.sampled_from(list(range(4))), st.sampled_from(["DE", "US", "TR"]))
def test_an_international_number_is_the_same_wherever_it_is_read(number: str, form: int, region: str) -> None:
    written = phonenumbers.format_number(phonenumbers.parse(number), form)
    if form != phonenumbers.PhoneNumberFormat.NATIONAL:
        assert normalise_phone(written, region) == number


@given(st.text(max_size=40))
def test_whatever_is_given_is_a_number_or_none_and_stays_what_it_became(text: str) -> None:
    found = normalise_phone(text, "DE")
    assert found is None or normalise_phone(found, "US") == found


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("Erika@Example.ORG", "erika@example.org"),
        (" erika@example.org\n", "erika@example.org"),
        ("mailto:erika@example.org", "erika@example.org"),
        ("Erika Muster <erika@example.org>", "erika@example.org"),
        ("erika+abo@mail.example.co.uk", "erika+abo@mail.example.co.uk"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("jörg@müller.de", "jörg@müller.de"),
        ("info@xn--mller-kva.de", "info@xn--mller-kva.de"),
        ("info@example.org", "info@example.org"),
    ],
)
def test_an_email_is_kept_in_one_form(written: str, address: str) -> None:
    assert normalise_email(written) == address


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "keine",
            "a@b",
            "a b@c.de",
            "@c.de",
            "a@.de",
            "a@c..de",
            "a..b@c.de",
            "a@c.de, b@c.de",
            "a@c.d",
            "a@-c.de",
        ),
        *(f"{'x' * 65}@c.de", f"a@{'x' * 64}.de", f"a@{'x.' * 130}de", "a@@c.de", "a@1.2.3.4"),
    ],
)
def test_what_cannot_be_an_address_is_no_key(written: str) -> None:
    assert normalise_email(written) is None


@given(st.text(max_size=40) | st.emails())
def test_an_email_stays_what_it_became(text: str) -> None:
    found = normalise_email(text)
    assert found is None or normalise_email(found) == found


def test_a_key_is_normalised_by_its_kind() -> None:
    assert normalise_key("phone", " 4930123456", "DE") == "+4930123456"
    assert normalise_key(KeyKind.email, "A@B.de", "DE") == "a@b.de"
    assert normalise_key("id", " CRM : 12 ", "DE") == "crm:12"
    assert normalise_key("id", "12", "DE") is None
    assert normalise_key("id", ":12", "DE") is None
    assert normalise_key("id", "crm:", "DE") is None
    with pytest.raises(ValueError, match="fax"):
        normalise_key("fax", "1", "DE")


def by_the_library(text: str, region: str) -> str | None:
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return e164 if phonenumbers.is_possible_number(parsed) and 8 <= len(e164) <= 16 else None


@given(
    region=st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)),
    digits=st.from_regex(r"0[1-9][0-9]{2,14}", fullmatch=True),
    places=st.lists(st.integers(1, 14), max_size=3),
    mark=st.sampled_from([" ", "/", "-", ".", " / ", ") "]),
)
def test_a_number_with_a_zero_in_front_is_what_the_library_says_everywhere(
    region: str, digits: str, places: list[int], mark: str
) -> None:
    for place in sorted(set(places), reverse=True):
        digits = digits[:place] + mark + digits[place:]
    assert normalise_phone(digits, region) == by_the_library(digits, region)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("030 23125001 privat", "+493023125001"),
        ("Tel.: 030/23125001", "+493023125001"),
        ("+49 30 23125001 (Büro)", "+493023125001"),
        ("030 23125001 ext 5", "+493023125001"),
        ("0172 zuhause", None),
        ("1-800-FLOWERS", None),
    ],
)
def test_words_beside_a_number_are_not_dialled(written: str, meant: str | None) -> None:
    assert normalise_phone(written, "DE") == meant
