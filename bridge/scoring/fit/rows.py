"""What customers showed at earlier instants and whether they then left: a byte a signal, so that a long history is
small. It needs no library, so that who only reads needs none."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from math import nan

from bridge.scoring.result import Signal
from bridge.scoring.signals import SIGNS

ABSENT = 0
"""The place of a signal that is not there; its bands are counted from 1, in their own order."""


class SeenRows:
    """One row per customer and instant."""

    def __init__(self, codes: Sequence[str]) -> None:
        """Of the signals `codes`."""
        self.codes = tuple(codes)
        self.places = tuple(array("b") for _ in self.codes)
        """Per signal, the place of its band in each row."""
        self.at = array("b")
        """The number of the instant, 0 for the latest."""
        self.left = array("b")
        self.value = array("d")
        """The expected margin at the instant, in whole units of the main currency; NaN where it is not known."""
        self._column = {code: column for column, code in enumerate(self.codes)}
        self._place = {
            (code, band): place for code in self.codes for place, band in enumerate(SIGNS[code].bands, ABSENT + 1)
        }

    def __len__(self) -> int:
        return len(self.left)

    def add(self, at: int, signals: Iterable[Signal], left: bool, value: float | None) -> None:
        """One customer at one instant."""
        for column in self.places:
            column.append(ABSENT)
        for signal in signals:
            self.places[self._column[signal.code]][-1] = self._place[signal.code, signal.band]
        self.at.append(at)
        self.left.append(left)
        self.value.append(nan if value is None else value)

    def join(self, others: SeenRows) -> None:
        """Add the rows of `others`, which are of the same signals."""
        for mine, theirs in zip(self.places, others.places, strict=True):
            mine.extend(theirs)
        self.at.extend(others.at)
        self.left.extend(others.left)
        self.value.extend(others.value)
