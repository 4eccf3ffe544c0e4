"""The points card: `config/scoring.yaml` as a struct, checked against the signals that code knows, ready for use."""

from __future__ import annotations

from datetime import tzinfo
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.conditions import nearest
from bridge.errors import ConfigError
from bridge.scoring.limits import Limits, Settings
from bridge.scoring.phrases import Negations, Topics, fault_of
from bridge.scoring.riskmodel import RiskModel, compile_risk
from bridge.scoring.signals import SIGNS
from bridge.scoring.signals_reading import find_zone
from bridge.scoring.signals_standing import TITLES
from bridge.scoring.signals_topics import NAMED_COMPETITOR, TOPICS
from bridge.scoring.tables import CategoryTable, Tables
from bridge.scoring.wording import LANGUAGES, Texts, Wording, compile_texts

LONGEST_REASON = 120
"""Longest text of a reason, in characters."""
LONGEST_LOWER = 160

_Lists: TypeAlias = dict[str, dict[str, tuple[str, ...]]]
_Share = Annotated[float, Meta(gt=0, lt=1)]
_Rate = Annotated[float, Meta(ge=0, le=1)]


class SignalCard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One signal on the card: points per band (below zero: protects), what the agent reads, what would lower it."""

    bands: dict[str, Annotated[float, Meta(ge=-60, le=60)]]
    text: Texts
    lower: Texts = msgspec.field(default_factory=dict)


class BandLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The probability at which each band begins; below `medium` it is low."""

    critical: _Share = 0.6
    high: _Share = 0.4
    medium: _Share = 0.2


class TierLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The expected margin, in whole units of the main currency, at which each tier begins; below `silver`: bronze."""

    platinum: Annotated[float, Meta(ge=0)]
    gold: Annotated[float, Meta(ge=0)]
    silver: Annotated[float, Meta(ge=0)]


class TierShares(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The share of customers in each tier, from the top; the rest is bronze."""

    platinum: _Share = 0.05
    gold: _Share = 0.15
    silver: _Share = 0.3


class Renewals(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The share of contracts that go on after their end, by how they renew."""

    automatic: _Rate = 0.85
    manual: _Rate = 0.6
    none: _Rate = 0.0
    unknown: _Rate = 0.7


class ValueCard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the estimate of a customer's value assumes."""

    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "EUR"
    """The main currency, in which values and offers are."""
    horizon_days: Annotated[int, Meta(ge=30, le=1825)] = 365
    margin_rate: _Rate = 0.35
    """Margin per unit of what a customer pays, where a purchase does not bring its own."""
    renewal: Renewals = Renewals()
    rates: dict[str, Annotated[float, Meta(gt=0)]] = msgspec.field(default_factory=dict)
    """What one unit of another currency is worth in the main one; amounts without a rate are left out, and said."""
    purchases_at_most: Annotated[float, Meta(gt=0)] = 5000.0
    """Cap on what purchases alone are expected to bring over the horizon, in whole units of the main currency."""
    limits: TierLimits = TierLimits(platinum=1200, gold=600, silver=200)
    """Used until there are enough customers for shares."""
    shares: TierShares = TierShares()


class ScoringFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form of `config/scoring.yaml`."""

    horizon_days: Annotated[int, Meta(ge=7, le=730)] = 90
    base_probability: _Share
    """The probability that a customer without any signal leaves within the horizon."""
    points_to_double_odds: Annotated[float, Meta(gt=0)] = 10
    bands: BandLimits = BandLimits()
    time_zone: str = "Europe/Berlin"
    """Whose calendar counts for customers without a time zone of their own."""
    limits: Limits = Limits()
    signals: Annotated[dict[str, SignalCard], Meta(extra_json_schema={"propertyNames": {"enum": list(SIGNS)}})]
    phrases: Annotated[_Lists, Meta(extra_json_schema={"propertyNames": {"enum": list(TOPICS)}})]
    """Topic → language → phrases."""
    subjects: Annotated[_Lists, Meta(extra_json_schema={"propertyNames": {"enum": list(TOPICS)}})] = msgspec.field(
        default_factory=dict
    )
    """Topic → language → words that name it where they are all that a subject line, an intent or a menu says."""
    competitors: tuple[str, ...] = ()
    titles: Annotated[_Lists, Meta(extra_json_schema={"propertyNames": {"enum": list(TITLES)}})] = msgspec.field(
        default_factory=dict
    )
    """Rank → language → words of a job title."""
    negations: Negations = Negations()
    value: ValueCard = ValueCard()


class Words(Struct, frozen=True):
    """What is said of one signal."""

    text: dict[str, Wording]
    lower: dict[str, Wording]


class ScoringCard(Struct, frozen=True, kw_only=True):
    """The card as it is used. `version` changes with anything in it, and with nothing else."""

    version: str
    file: ScoringFile
    zone: tzinfo
    settings: Settings
    codes: tuple[str, ...]
    """The signals on the card; others are not read."""
    words: dict[str, Words]
    """By code."""
    model: RiskModel
    """The points as a model of the form that a fit has."""


def load_scoring(path: Path) -> ScoringCard:
    """Read and check `path`. Raises ConfigError naming the file, the path in it, and the nearest valid name."""
    return make_card(check(read_yaml(path), ScoringFile, str(path)), str(path))


def make_card(file: ScoringFile, where: str) -> ScoringCard:
    """The card that `file` describes. Raises ConfigError at `where`."""
    zone = find_zone(file.time_zone)
    if zone is None:
        raise ConfigError(
            f"{where}: time_zone", f"there is no time zone {file.time_zone!r}; write one as Europe/Berlin"
        )
    _check_descending(f"{where}: bands", file.bands)
    _check_descending(f"{where}: value.limits", file.value.limits)
    tiers = file.value.shares
    if tiers.platinum + tiers.gold + tiers.silver > 1:
        raise ConfigError(f"{where}: value.shares", "add up to more than 1")
    words = _compile_words(file, where)
    return ScoringCard(
        version=blake2b(msgspec.json.encode(file, order="deterministic"), digest_size=8).hexdigest(),
        file=file,
        zone=zone,
        settings=_compile_settings(file, where),
        codes=tuple(code for code in SIGNS if code in file.signals),
        words=words,
        model=compile_risk(points_to_tables(file), where),
    )


def points_to_tables(file: ScoringFile) -> Tables:
    """The points of the card in the form that a fitted model has, in log-odds."""
    one = log(2) / file.points_to_double_odds
    return Tables(
        intercept=log(file.base_probability / (1 - file.base_probability)),
        tables=tuple(
            CategoryTable(name=code, entries={band: points * one for band, points in card.bands.items()})
            for code, card in file.signals.items()
        ),
    )


def _check_descending(where: str, limits: Struct) -> None:
    values: dict[str, Any] = msgspec.structs.asdict(limits)
    names = list(values)
    for upper, lower in pairwise(names):
        if values[upper] <= values[lower]:
            raise ConfigError(f"{where}.{upper}", f"is {values[upper]}, but has to be above {lower} ({values[lower]})")


def _compile_settings(file: ScoringFile, where: str) -> Settings:
    phrases = _merge(file.phrases, TOPICS, f"{where}: phrases")
    phrases[NAMED_COMPETITOR] = _checked(file.competitors, f"{where}: competitors")
    subjects = _merge(file.subjects, TOPICS, f"{where}: subjects")
    titles = _merge(file.titles, TITLES, f"{where}: titles")
    return Settings(
        limits=file.limits,
        spoken=Topics(phrases, file.negations),
        named=Topics(subjects, Negations()),
        ranks=lru_cache(maxsize=4096)(Topics(titles, Negations()).find),
    )


def _merge(lists: _Lists, names: tuple[str, ...], where: str) -> dict[str, tuple[str, ...]]:
    """The phrases of each name in all languages. Raises ConfigError."""
    for name, languages in lists.items():
        if name not in names:
            raise ConfigError(f"{where}.{name}", f"there is no such name here; {nearest(name, names)}")
        for language in languages:
            if language not in LANGUAGES:
                what = f"there is no such language here; {nearest(language, LANGUAGES)}"
                raise ConfigError(f"{where}.{name}.{language}", what)
    made = {}
    for name in names:
        texts = tuple(text for language in LANGUAGES for text in lists.get(name, {}).get(language, ()))
        made[name] = _checked(texts, f"{where}.{name}")
    return made


def _checked(texts: tuple[str, ...], where: str) -> tuple[str, ...]:
    for text in texts:
        if problem := fault_of(text):
            raise ConfigError(where, f"{text!r} {problem}")
    return texts


def _compile_words(file: ScoringFile, where: str) -> dict[str, Words]:
    made = {}
    for code, card in file.signals.items():
        here = f"{where}: signals.{code}"
        if code not in SIGNS:
            raise ConfigError(here, f"there is no such signal; {nearest(code, SIGNS)}")
        sign = SIGNS[code]
        for band in card.bands:
            if band not in sign.bands:
                raise ConfigError(f"{here}.bands.{band}", f"there is no such band; {nearest(band, sign.bands)}")
        if missing := [band for band in sign.bands if band not in card.bands]:
            raise ConfigError(f"{here}.bands", f"lacks {', '.join(missing)} (0 points switch a band off)")
        text = compile_texts(
            card.text, f"{here}.text", always=sign.always, sometimes=sign.sometimes, longest=LONGEST_REASON
        )
        lower = {}
        if card.lower or any(points > 0 for points in card.bands.values()):
            lower = compile_texts(
                card.lower, f"{here}.lower", always=sign.always, sometimes=sign.sometimes, longest=LONGEST_LOWER
            )
        made[code] = Words(text, lower)
    return made
