"""The words of a script: templates filled with the customer's own facts.

A template is text with `{{ fact }}` in it, in the syntax of Jinja, and no more: calls, attributes, filters, loops and
conditions are refused when it is read, so that filling it is putting texts together. What varies is said by
alternatives (a list): the first whose facts are all known is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes

from bridge.conditions import nearest
from bridge.errors import ConfigError
from bridge.scoring.wording import LANGUAGES, Texts, plain, say

_ENVIRONMENT = Environment(autoescape=True)
"""Parses only: nothing of a template is ever run, so that nothing has to be escaped or kept in a sandbox."""
_ALLOWED = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name)


class Words:
    """Facts in one language, written out when a text asks for them."""

    def __init__(self, facts: Mapping[str, Any], language: str) -> None:
        self.known = facts.keys()
        self._facts = facts
        self._language = language

    def say(self, name: str) -> str:
        """The fact `name`, one of `known`, as it is written."""
        return say(self._facts[name], self._language)


class Line:
    """One compiled template."""

    def __init__(self, text: str, known: Collection[str], where: str) -> None:
        """Raises ConfigError at `where` for anything but text and known facts."""
        text = plain(text, len(text) + 1).strip()
        try:
            tree = _ENVIRONMENT.parse(text)
        except TemplateSyntaxError as problem:
            raise ConfigError(where, f"is not a template: {problem.message}: {text[:80]!r}") from None
        except RecursionError:
            raise ConfigError(where, f"is nested too deeply: {text[:80]!r}") from None
        for node in tree.find_all(nodes.Node):
            if not isinstance(node, _ALLOWED):
                raise ConfigError(where, f"only text and {{{{ fact }}}} belong into a script: {text[:80]!r}")
        parts = [part for output in tree.find_all(nodes.Output) for part in output.nodes]
        self._parts = [(part.name, True) if isinstance(part, nodes.Name) else (_literal(part), False) for part in parts]
        self.needs = frozenset(text for text, is_name in self._parts if is_name)
        self._constant = None if self.needs else "".join(text for text, _ in self._parts)
        self.shortest = sum(len(text) for text, is_name in self._parts if not is_name)
        """Its length without its facts, in characters."""
        for name in sorted(self.needs - set(known)):
            raise ConfigError(where, f"there is no fact {name!r}; {nearest(name, known)}")

    def fill(self, words: Words) -> str | None:
        """The text with `words` in it; None when one of its facts is not among them."""
        if self._constant is not None:
            return self._constant
        if not words.known >= self.needs:
            return None
        return "".join([words.say(text) if is_name else text for text, is_name in self._parts])


def _literal(node: nodes.Node) -> str:
    return node.data if isinstance(node, nodes.TemplateData) else ""


class Choice:
    """Alternatives of one text in one language; `last` needs no fact and fits."""

    def __init__(self, lines: Sequence[Line], last: str, longest: int) -> None:
        self._lines = lines
        self._last = last
        self._longest = longest

    def fill(self, words: Words) -> str:
        """The first alternative whose facts are known and that is not too long for the card."""
        for line in self._lines:
            text = line.fill(words)
            if text is not None and len(text) <= self._longest:
                return text
        return self._last


class Several:
    """Lines of which each is said or dropped by itself."""

    def __init__(self, lines: Sequence[Line], longest: int) -> None:
        self._lines = lines
        self._longest = longest
        self._constant = None if any(line.needs for line in lines) else self._fill(Words({}, ""))

    def fill(self, words: Words) -> tuple[str, ...]:
        """The lines whose facts are all known, in order."""
        return self._fill(words) if self._constant is None else self._constant

    def _fill(self, words: Words) -> tuple[str, ...]:
        filled = (line.fill(words) for line in self._lines)
        return tuple(text for text in filled if text is not None and len(text) <= self._longest)


def compile_choice(texts: Texts, known: Collection[str], where: str, longest: int) -> dict[str, Choice]:
    """Per language the alternatives of one text. Raises ConfigError unless the last one always fits."""
    made = {}
    for language, given in _by_language(texts, where).items():
        here = f"{where}.{language}"
        *first, last = _lines(given, known, here)
        if last.needs:
            raise ConfigError(here, f"add a last alternative without facts: {min(last.needs)!r} may be missing")
        text = last.fill(Words({}, language))
        if not text or len(text) > longest:
            raise ConfigError(here, f"the last alternative has to have 1 to {longest} characters")
        made[language] = Choice(first, text, longest)
    return made


def compile_several(texts: Texts, known: Collection[str], where: str, longest: int) -> dict[str, Several]:
    """Per language lines that are said or dropped one by one; as many in each language. Raises ConfigError."""
    given = _by_language(texts, where) if texts else dict.fromkeys(LANGUAGES, ())
    lines = {language: _lines(some, known, f"{where}.{language}") for language, some in given.items()}
    counts = {len(some) for some in lines.values()}
    if len(counts) > 1:
        raise ConfigError(where, "has more lines in one language than in another")
    return {language: Several(some, longest) for language, some in lines.items()}


def _by_language(texts: Texts, where: str) -> dict[str, Any]:
    for language in texts:
        if language not in LANGUAGES:
            raise ConfigError(f"{where}.{language}", f"there is no such language here; {nearest(language, LANGUAGES)}")
    for language in LANGUAGES:
        if not texts.get(language):
            raise ConfigError(f"{where}.{language}", "the text is missing; every text is there in every language")
    return {language: texts[language] for language in LANGUAGES}


def _lines(given: str | Sequence[str], known: Collection[str], where: str) -> list[Line]:
    if isinstance(given, str):
        return [Line(given, known, where)]
    return [Line(text, known, f"{where}[{index}]") for index, text in enumerate(given)]
