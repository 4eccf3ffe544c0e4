"""The pages that links lead to: plain HTML that needs no script, no picture and no other request."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Final

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct

from bridge.acting.answering import Answer, Terms
from bridge.automation.outreach import Outreach
from bridge.gateway.endpoint import Raw
from bridge.gateway.link_texts import Text, Words, load_words
from bridge.gateway.pages import WEB
from bridge.scoring.wording import say

_FOLDER: Final = WEB / "link"
_WORDS: Final = load_words(_FOLDER)
_TEMPLATES: Final = ImmutableSandboxedEnvironment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined
)
_PAGE: Final = _TEMPLATES.get_template("link.html.jinja")
_STYLE: Final = _TEMPLATES.get_template("link.css").render()
_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode("ascii")
_HEADERS: Final = (
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'".encode("ascii"),
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex, nofollow, noarchive"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class Option(Struct, frozen=True):
    """One of several things to choose from."""

    value: str
    title: str
    hint: str


class Page(Struct, frozen=True, kw_only=True):
    """What the template shows. Without `choices` the button itself says `value`."""

    mark: str
    heading: str
    lines: tuple[str, ...]
    terms: tuple[tuple[str, str], ...] = ()
    legend: str = ""
    choices: tuple[Option, ...] = ()
    button: str = ""
    value: str = ""
    quiet: bool = False


def answer_page(found: Answer, policy: Outreach) -> Raw:
    """The page of a link that is ours. 410 for one that has ended, 409 for what can no longer be done."""
    words = _WORDS[found.language]
    if found.state == "expired":
        return _send(_plain(words.texts["expired"]), found.language, policy, 410)
    if found.state == "refused":
        return _send(_plain(words.texts[f"refused.{found.reason}"]), found.language, policy, 409)
    page = _open(found, words) if found.state == "open" else _done(found, words, policy)
    return _send(page, found.language, policy, 200)


def plain_page(text: str, accepted: bytes, policy: Outreach, status: int) -> Raw:
    """One of the pages that know nobody; in the language that the browser asks for, else the company's."""
    language = language_of_browser(accepted, policy)
    return _send(_plain(_WORDS[language].texts[text]), language, policy, status)


def language_of_browser(accepted: bytes, policy: Outreach) -> str:
    """The first language of an Accept-Language header that there are words in."""
    for one in accepted.decode("latin-1").split(",")[:10]:
        tag = one.partition(";")[0].strip().lower()[:2]
        if tag in _WORDS:
            return tag
    return policy.language


def _plain(text: Text) -> Page:
    return Page(mark="sorry", heading=text.heading, lines=text.lines)


def _open(found: Answer, words: Words) -> Page:
    text = words.texts[f"{found.purpose}.open"]
    page = Page(
        mark="open",
        heading=text.heading,
        lines=text.lines,
        terms=_terms(found.terms, words, found.language),
        button=text.button,
        value="yes",
    )
    if found.purpose != "unsubscribe":
        return page
    choices = (Option("channel", *words.only[found.channel]), Option("everything", *words.everything))
    return Page(
        mark="open",
        heading=text.heading,
        lines=text.lines,
        legend=words.legend,
        choices=choices,
        button=text.button,
    )


def _done(found: Answer, words: Words, policy: Outreach) -> Page:
    state = "undone" if found.state == "undone" else "done" if found.just_now else "before"
    text = words.texts[f"{found.purpose}.{state}"]
    when = ""
    if found.used_at is not None:
        at = found.used_at.astimezone(policy.zone)
        when = words.when.format(day=say(at.date(), found.language), time=f"{at:%H:%M}")
    still = words.still.get(found.how, "")
    undo = found.purpose == "unsubscribe" and found.state == "done"
    return Page(
        mark="done",
        heading=text.heading,
        lines=tuple(line.format(when=when, still=still) for line in text.lines),
        terms=_terms(found.terms, words, found.language),
        button=words.undo if undo else "",
        value="undo" if undo else "",
        quiet=True,
    )


def _terms(terms: Terms, words: Words, language: str) -> tuple[tuple[str, str], ...]:
    rows = [
        (words.labels[name], say(value, language))
        for name in ("product", "offer", "amount", "ends", "monthly")
        if (value := getattr(terms, name))
    ]
    if terms.monthly_later is not None and terms.discount_ends is not None:
        day = words.from_day.format(day=say(terms.discount_ends, language))
        rows.append((day, say(terms.monthly_later, language)))
    if terms.days is not None:
        days = words.a_day if terms.days == 1 else words.days.format(days=terms.days)
        rows.append((words.labels["days"], days))
    return tuple(rows)


def _send(page: Page, language: str, policy: Outreach, status: int) -> Raw:
    words = _WORDS[language]
    html = _PAGE.render(
        page=page,
        language=language,
        company=policy.company,
        help=words.help.format(reach=policy.reach_us.get(language) or words.reach),
    )
    return Raw(html.encode(), "text/html; charset=utf-8", status, _HEADERS)
