"""The words of a script: sandboxed templates, filled with the customer's own facts.

A template is text with `{{ fact }}` in it, no more: no calls, attributes, loops or conditions. What varies is said by
alternatives (a list): the first whose facts are all known is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bridge.conditions import nearest
from bridge.errors import ConfigError
from bridge.scoring.wording import LANGUAGES, Texts, plain

_ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,
)
_ALLOWED = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name)


class Line:
    """One compiled template."""

    def __init__(self, text: str, known: Collection[str], where: str) -> None:
        """Raises ConfigError at `where` for anything but text and known facts."""
        text = plain(text, len(text) + 1)
        try:
            tree = _ENVIRONMENT.parse(text)
        except TemplateSyntaxError as problem:
            raise ConfigError(where, f"is not a template: {problem.message}: {text[:80]!r}") from None
        except RecursionError:
            raise ConfigError(where, f"is nested too deeply: {text[:80]!r}") from None
        for node in tree.find_all(nodes.Node):
            if not isinstance(node, _ALLOWED):
                raise ConfigError(where, f"only text and {{{{ fact }}}} belong into a script: {text[:80]!r}")
        self.needs = frozenset(node.name for node in tree.find_all(nodes.Name))
        for name in sorted(self.needs - set(known)):
            raise ConfigError(where, f"there is no fact {name!r}; {nearest(name, known)}")
        self._text = text
        self._render: Callable[..., str] = _ENVIRONMENT.from_string(text).render

    def fill(self, words: Mapping[str, str]) -> str | None:
        """The text with `words` in it; None when one of its facts is not among them."""
        if not self.needs:
            return self._text
        if not self.needs <= words.keys():
            return None
        return self._render(words)


class Choice:
    """Alternatives of one text in one language, the last of which needs no fact."""

    def __init__(self, lines: Sequence[Line], longest: int) -> None:
        self._lines = lines
        self._longest = longest

    def fill(self, words: Mapping[str, str]) -> str:
        """The first alternative whose facts are known and that is not too long for the card."""
        for line in self._lines:
            text = line.fill(words)
            if text is not None and len(text) <= self._longest:
                return text
        return ""


class Several:
    """Lines of which each is said or dropped by itself."""

    def __init__(self, lines: Sequence[Line], longest: int) -> None:
        self._lines = lines
        self._longest = longest

    def fill(self, words: Mapping[str, str]) -> tuple[str, ...]:
        """The lines whose facts are all known, in order."""
        filled = (line.fill(words) for line in self._lines)
        return tuple(text for text in filled if text is not None and len(text) <= self._longest)


def compile_choice(texts: Texts, known: Collection[str], where: str, longest: int) -> dict[str, Choice]:
    """Per language the alternatives of one text. Raises ConfigError unless the last one always fits."""
    made = {}
    for language, given in _by_language(texts, where).items():
        here = f"{where}.{language}"
        lines = _lines(given, known, here)
        if not lines:
            raise ConfigError(here, "the text is missing; every text is there in every language")
        if lines[-1].needs:
            raise ConfigError(here, f"add a last alternative without facts: {min(lines[-1].needs)!r} may be missing")
        if not 0 < len(lines[-1].fill({}) or "") <= longest:
            raise ConfigError(here, f"the last alternative has to have 1 to {longest} characters")
        made[language] = Choice(lines, longest)
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
