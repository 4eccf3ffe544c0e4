"""The words of the pages that links lead to, in each language: `bridge/web/link/words.*.yaml`."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.scoring.wording import LANGUAGES


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """A heading, and what is said below it. `{when}` is day and time, `{still}` what goes on all the same."""

    heading: str
    lines: tuple[str, ...] = ()
    button: str = ""


class Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One language. `texts` by `<purpose>.<state>` and `refused.<reason>`; pairs are a title and what it means."""

    texts: dict[str, Text]
    only: dict[str, tuple[str, str]]
    everything: tuple[str, str]
    legend: str
    undo: str
    still: dict[str, str]
    labels: dict[str, str]
    a_day: str
    days: str
    from_day: str
    help: str
    reach: str
    when: str


def load_words(folder: Path) -> dict[str, Words]:
    """Every language's words. Raises ConfigError."""
    paths = {language: folder / f"words.{language}.yaml" for language in LANGUAGES}
    return {language: check(read_yaml(path), Words, str(path)) for language, path in paths.items()}
