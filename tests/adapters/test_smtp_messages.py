"""What is sent: any language, nothing slipped in, and the same message known again."""

from __future__ import annotations

import email
import string
from collections.abc import AsyncIterator
from email.header import decode_header, make_header
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.smtp.message import Letter, compose, message_id, party
from bridge.errors import VendorRefused
from tests.adapters.smtp_server import NOW, Mailbox, make, send, serving


@pytest.fixture
async def mailbox() -> AsyncIterator[tuple[Mailbox, int]]:
    box = Mailbox()
    async with serving(box) as port:
        yield box, port


async def test_a_letter_arrives_as_it_was_meant(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    adapter = make(port, sender_name="Muster Telekom", reply_to="antwort@telekom.example")
    done = await send(adapter, name="Frieda Muster", subject="Ihr Vertrag endet bald", text="Guten Tag,\n\nGruß\n")
    [letter] = box.letters
    assert letter["from"] == "Muster Telekom <service@telekom.example>"
    assert letter["to"] == "Frieda Muster <frieda.muster@example.org>"
    assert letter["reply-to"] == "antwort@telekom.example"
    assert letter["subject"] == "Ihr Vertrag endet bald"
    assert letter["date"].datetime == NOW
    assert letter["message-id"] == done.reference
    assert letter["auto-submitted"] == "auto-generated"
    assert letter.get_content().splitlines() == ["Guten Tag,", "", "Gruß"]
    assert box.envelopes == [("service@telekom.example", ["frieda.muster@example.org"])]
    assert "list-unsubscribe" not in letter


async def test_the_same_key_gives_the_same_message_id_and_another_key_another(mailbox: tuple[Mailbox, int]) -> None:
    _, port = mailbox
    first, again, other = [await send(make(port), key=key) for key in ("k1", "k1", "k2")]
    assert first.reference == again.reference != other.reference
    assert first.reference.endswith("@telekom.example>")
    assert "k1" not in first.reference


@pytest.mark.parametrize(
    "text",
    [
        "Grüße aus Köln",
        "Привет, как дела?",
        "你好,您的合同即将到期。",
        "שלום",
        "مرحبا",
        "x" * 3000,
        ".\n..\n.\r\n.",
        "a\rb\x00c",
    ],
)
async def test_text_of_any_language_arrives_unchanged(mailbox: tuple[Mailbox, int], text: str) -> None:
    box, port = mailbox
    await send(
        make(port, sender_name="Мустер " * 20), name=f"{text[:60]}".replace("\r", "").replace("\n", ""), text=text
    )
    [letter] = box.letters
    assert letter.get_content().splitlines() == text.splitlines()
    words = decode_header(email.message_from_bytes(box.raw[0])["from"])
    assert str(make_header(words)) == "Мустер " * 20 + "<service@telekom.example>"
    assert max(map(len, box.raw[0].split(b"\r\n"))) <= 998
    assert box.raw[0].isascii()


async def test_a_long_subject_keeps_its_words_apart(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    subject = "Überlänge und Köln " * 10
    await send(make(port), subject=subject)
    assert box.letters[0]["subject"] == subject.strip()


async def test_who_wants_no_more_can_say_so_with_one_click(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    link = "https://bridge.example/u?t=" + "a,b;c" * 60
    await send(make(port), unsubscribe=link, one_click=True)
    await send(make(port), unsubscribe=link)
    await send(make(port), unsubscribe="mailto:stop@telekom.example", one_click=True)
    by_link, by_page, by_mail = box.raw
    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in by_link
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in by_link
    assert b"\r\nList-Unsubscribe: <mailto:stop@telekom.example>\r\n" in by_mail
    assert b"List-Unsubscribe-Post" not in by_mail + by_page and f"<{link}>".encode() in by_page


@pytest.mark.parametrize("link", ["https://bridge.example/ü", "https://bridge.example/" + "a" * 1000])
async def test_a_link_that_cannot_stand_in_a_header_is_refused(mailbox: tuple[Mailbox, int], link: str) -> None:
    box, port = mailbox
    with pytest.raises(VendorRefused):
        await send(make(port), unsubscribe=link)
    assert box.raw == []


async def test_an_answer_goes_where_the_letter_says(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    await send(make(port, reply_to="antwort@telekom.example"), reply_to="frau.beispiel@telekom.example")
    assert box.letters[0]["reply-to"] == "frau.beispiel@telekom.example"


async def test_a_domain_with_umlauts_is_written_as_the_mail_system_needs_it(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    await send(make(port), to="frieda@müller.example")
    assert box.envelopes[0][1] == ["frieda@xn--mller-kva.example"]


@pytest.mark.parametrize(
    "address", ["frïeda@example.org", "a b@example.org", "a@b@c.example", "a(x)@example.org", "@x.y"]
)
async def test_what_is_no_address_here_is_refused_and_not_repeated(mailbox: tuple[Mailbox, int], address: str) -> None:
    box, port = mailbox
    with pytest.raises(VendorRefused) as caught:
        await send(make(port), to=address)
    assert address not in str(caught.value)
    assert box.raw == []


_signs = st.characters(codec="utf-8")
_names = st.text(_signs, max_size=120)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    name=_names, sender=_names, subject=st.text(_signs, min_size=1, max_size=200), text=st.text(_signs, max_size=300)
)
def test_nothing_that_is_said_adds_a_header(name: str, sender: str, subject: str, text: str) -> None:
    letter = Letter(
        sender=party("service@telekom.example", sender),
        recipient=party("frieda@example.org", name),
        subject=subject,
        text=text,
        unsubscribe="https://bridge.example/u",
        one_click=True,
    )
    raw = compose(letter, message_id("k", "telekom.example"), NOW)
    head = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    names = [line.partition(b":")[0].decode() for line in head if not line.startswith((b" ", b"\t"))]
    assert names == [
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "List-Unsubscribe", "List-Unsubscribe-Post"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    ]
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")


@given(st.text(string.printable + "äöü\u2028\x85"))
def test_an_address_is_one_or_is_refused(text: str) -> None:
    try:
        found: Any = party(text)
    except ValueError:
        return
    assert found.address.isascii()
    assert not set(found.address) & set(' \r\n<>,;"()')
