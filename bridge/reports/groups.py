"""What figures can be told apart by, and in which groups one customer is on a day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias, get_args

from bridge.flow.standing import Line, Standing, named_at

By = Literal["none", "tier", "segment", "product", "owner"]
BYS: Final[tuple[By, ...]] = get_args(By)
Groups: TypeAlias = tuple[str, str, str, str]
"""Tier, segment, product, owner. Segment and product as they were on the day. Tier and owner as they are today; of who
gave notice or left, the tier of the day before."""
_PLACES: Final[dict[By, int]] = {"tier": 0, "segment": 1, "product": 2, "owner": 3}


def pick(by: By) -> Callable[[Groups], str]:
    """What names the group; "" for everybody."""
    if by == "none":
        return lambda groups: ""
    place = _PLACES[by]
    return lambda groups: groups[place]


def grouped(one: Standing) -> Callable[[int], Groups]:
    """The groups of a customer on a day; they mostly stay the same."""
    if len(one.segments) < 2 and len({line.product for line in one.lines}) < 2:
        fixed = (one.tier, named_at(one.segments, 0), _product(one.lines, 0), one.owner)
        return lambda day: fixed
    return lambda day: (one.tier, named_at(one.segments, day), _product(one.lines, day), one.owner)


def _product(lines: Sequence[Line], day: int) -> str:
    """The product of the contract that had run longest on `day`; between two, of the one before."""
    if not lines:
        return ""
    running = [line for line in lines if line.begins <= day < line.ends]
    if running:
        return min(running, key=lambda line: (line.begins, line.product)).product
    begun = [line for line in lines if line.begins <= day]
    return (max(begun, key=lambda line: line.ends) if begun else min(lines, key=lambda line: line.begins)).product
