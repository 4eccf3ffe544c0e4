"""What automations write: templates over the customer's own facts, those of the trigger, and links."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.adapter.yamlplaces import with_lines
from bridge.automation.forms import MessageForm
from bridge.automation.outreach import Outreach
from bridge.conditions import nearest
from bridge.errors import ConfigError
from bridge.playbook.situation import WORDS, Situation
from bridge.playbook.texts import Choice, Line, Several, Words, compile_choice, compile_several
from bridge.scoring.wording import LANGUAGES

UNSUBSCRIBE: Final = "unsubscribe_link"
LINKS: Final = frozenset(("renew_link", "accept_link", UNSUBSCRIBE, "survey_link"))
"""Links that a message may name: signed, for one customer, good once. A line whose link is not there is left out."""
OFFER_WORDS: Final = frozenset(("offer", "offer_amount"))
LONGEST_SUBJECT = 200
LONGEST_LINE = 2000
LONGEST_SMS = 480
MOST_TEXT = 19_000
_WAY_OUT: Final = {"de": "Keine solchen Nachrichten mehr:", "en": "No more messages like this:"}


class Message(Struct, frozen=True, kw_only=True):
    """One e-mail, compiled."""

    subject: dict[str, Choice]
    lines: dict[str, Several]


class Written(Words):
    """The words of one customer in one language; links are written as they are."""

    def __init__(self, facts: Mapping[str, Any], language: str, links: Mapping[str, str]) -> None:
        super().__init__({**facts, **links}, language)
        self._links = links

    def say(self, name: str) -> str:
        """The word `name`, one of `known`."""
        return self._links[name] if name in self._links else super().say(name)


def words_known(fields: Mapping[str, Any]) -> frozenset[str]:
    """What the texts of an automation may name, whose facts have these `fields`."""
    return WORDS | LINKS | OFFER_WORDS | {name.replace(".", "_") for name in fields}


def words_of(
    situation: Situation, fact: Mapping[str, Any], language: str, links: Mapping[str, str], more: Mapping[str, Any]
) -> Written:
    """What can be said to this customer now. `fact` are the values `fact.…`, `more` those of an offer."""
    said = situation.words(language)
    base = {name: said.say(name) for name in said.known}
    told = {name.replace(".", "_"): value for name, value in fact.items() if value is not None}
    return Written({**base, **told, **more}, language, links)


def load_messages(folder: Path) -> dict[str, MessageForm]:
    """Every message of `folder` by the name of its file; none where there is no such folder. Raises ConfigError."""
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        with with_lines(path):
            found[path.stem] = check(read_yaml(path), MessageForm, str(path))
    return found


def resolve(given: str | MessageForm, messages: Mapping[str, MessageForm], where: str) -> MessageForm:
    """The message itself. Raises ConfigError for a name that nothing has."""
    if isinstance(given, MessageForm):
        return given
    if given not in messages:
        raise ConfigError(where, f"there is no file {given}.yaml in config/messages; {nearest(given, messages)}")
    return messages[given]


def compile_message(form: MessageForm, known: frozenset[str], where: str) -> Message:
    """Raises ConfigError naming the place and the nearest word."""
    lines = compile_several(form.lines, known, f"{where}.lines", LONGEST_LINE)
    if not form.lines:
        raise ConfigError(f"{where}.lines", "says nothing")
    return Message(subject=compile_choice(form.subject, known, f"{where}.subject", LONGEST_SUBJECT), lines=lines)


def write_message(message: Message, words: Written, policy: Outreach, language: str) -> tuple[str, str]:
    """Subject and text; the text is greeting, lines, closing, with an empty line between."""
    greeting = _greeting(policy.greeting[language]).fill(words) or policy.greeting_unnamed[language]
    closing = policy.closing[language].strip()
    text = "\n\n".join((greeting, *message.lines[language].fill(words), closing))
    return message.subject[language].fill(words), text[:MOST_TEXT]


@lru_cache(maxsize=16)
def _greeting(text: str) -> Line:
    return Line(text, WORDS, "greeting")


def with_way_out(text: str, link: str, language: str) -> str:
    """`text` with the address at which one says that one wants no more, as its last line where it does not name it."""
    return text if link in text else f"{text}\n\n{_WAY_OUT[language]} {link}"


def language_of(wanted: str | None, policy: Outreach) -> str:
    """The customer's own where texts are there in it, else the company's."""
    return wanted if wanted in LANGUAGES else policy.language


def canonical(form: Struct) -> bytes:
    """The form as JSON that is always the same for the same content."""
    return msgspec.json.encode(form, order="deterministic")
