"""A model over signals, made ready: what each signal adds in each of its bands, and what two of them add together.

The points card and what was found in the company's own history have the same form (`bridge.scoring.tables`): a table
per signal, whose categories are its bands and whose `missing` is the signal not being there. Here every table is
shifted so that a signal which is not there adds nothing. What remains are the reasons, and they still add up to the
same score.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from itertools import product
from typing import NamedTuple

from bridge.conditions import nearest
from bridge.errors import ConfigError
from bridge.scoring.signals import SIGNS
from bridge.scoring.tables import CategorySide, CategoryTable, NumberSide, NumberTable, PairTable, Tables, write_tables

_ABSENT, _UNSEEN = 0, 1
"""Lines of a pair's side: the signal is not there; it is, in a band that the model does not list."""


class Together(NamedTuple):
    """What two signals add beyond what each adds alone, by their bands."""

    first: str
    second: str
    shares: dict[tuple[str, str], float]


class RiskModel(NamedTuple):
    """Log-odds = `base` + the shares of all signals that are there + those of the pairs that are."""

    version: str
    base: float
    shares: dict[tuple[str, str], float]
    """By code and band, of every band of every signal that the model has a table for."""
    pairs: tuple[Together, ...]

    def log_odds(self, shown: Mapping[str, str], card: RiskModel) -> float:
        """The same as `bridge.scoring.risk.score_risk` makes of a customer with the bands `shown` (by code), without
        reasons. What this model has no table for adds what `card` says."""
        shares = ((key, self.shares.get(key)) for key in shown.items())
        total = self.base + sum(card.shares.get(key, 0.0) if share is None else share for key, share in shares)
        for pair in self.pairs:
            if pair.first in shown and pair.second in shown:
                total += pair.shares[shown[pair.first], shown[pair.second]]
        return total


def compile_risk(model: Tables, where: str) -> RiskModel:
    """`model` made ready. Raises ConfigError at `where` for a table that is not one of a signal and its bands."""
    slope = model.calibration.slope
    base = model.calibration.offset + slope * model.intercept
    shares: dict[tuple[str, str], float] = {}
    for place, table in enumerate(model.tables):
        here = f"{where}: tables[{place}]"
        if isinstance(table, NumberTable):
            raise ConfigError(here, f"{table.name!r} is a table of numbers; signals come in bands: use `categories`")
        _check_signal(table.name, table.entries, here)
        base += slope * table.missing
        for band in SIGNS[table.name].bands:
            shares[table.name, band] = slope * (_entry(table, band) - table.missing)
    pairs = []
    for place, pair in enumerate(model.pairs):
        base += slope * pair.entries[_ABSENT][_ABSENT]
        pairs.append(_apart(pair, slope, shares, f"{where}: pairs[{place}]"))
    version = blake2b(write_tables(model), digest_size=8).hexdigest()
    return RiskModel(version, base, shares, tuple(pairs))


def _entry(table: CategoryTable, band: str) -> float:
    return table.entries.get(band, table.unseen)


def _check_signal(code: str, bands: object, where: str) -> None:
    if code not in SIGNS:
        raise ConfigError(f"{where}.name", f"there is no signal {code!r}; {nearest(code, SIGNS)}")
    known = SIGNS[code].bands
    for band in bands if isinstance(bands, (dict, tuple)) else ():
        if band not in known:
            raise ConfigError(f"{where}.{band}", f"there is no such band of {code}; {nearest(band, known)}")


def _apart(pair: PairTable, slope: float, shares: dict[tuple[str, str], float], where: str) -> Together:
    """What the pair adds where only one of its signals is there goes to that one's own share."""
    first, second = pair.first, pair.second
    if isinstance(first, NumberSide) or isinstance(second, NumberSide):
        raise ConfigError(where, "has a side of numbers; signals come in bands: use `categories`")
    _check_signal(first.name, first.categories, f"{where}.first")
    _check_signal(second.name, second.categories, f"{where}.second")
    entries, none = pair.entries, pair.entries[_ABSENT][_ABSENT]
    for band in SIGNS[first.name].bands:
        key = (first.name, band)
        shares[key] = shares.get(key, 0.0) + slope * (entries[_line(first, band)][_ABSENT] - none)
    for band in SIGNS[second.name].bands:
        key = (second.name, band)
        shares[key] = shares.get(key, 0.0) + slope * (entries[_ABSENT][_line(second, band)] - none)
    both = {}
    for one, other in product(SIGNS[first.name].bands, SIGNS[second.name].bands):
        i, j = _line(first, one), _line(second, other)
        both[one, other] = slope * (entries[i][j] - entries[i][_ABSENT] - entries[_ABSENT][j] + none)
    return Together(first.name, second.name, both)


def _line(side: CategorySide, band: str) -> int:
    return side.categories.index(band) + 2 if band in side.categories else _UNSEEN
