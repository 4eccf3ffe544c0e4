"""Figures as somebody may see them who may not know of single customers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from msgspec.structs import replace

from bridge.reports.metrics import Metrics

K = TypeVar("K", bound=Hashable)


def without_few(metrics: Metrics, few: int) -> Metrics:
    """Without cells, answers and reasons that tell of fewer than `few` customers: whoever knows one of them would know
    what they did, pay or said.

    Where groups are left out, the next larger ones are too, until there are two and `few` customers in them: else the
    difference to everybody would tell. What nobody is in stays: it tells of nobody.
    """
    small = small_groups(
        (((one.month,), one.group, one.start + one.new + one.came_and_went) for one in metrics.retention), few
    )
    retention = tuple(one for one in metrics.retention if ((one.month,), one.group) not in small)

    def hidden(kind: tuple[str, ...], group: str) -> bool:
        return (kind[:1], group) in small

    unheard = small_groups(
        (((one.month, one.metric), one.group, one.answered) for one in metrics.opinions), few, hidden
    )
    opinions = tuple(
        one
        for one in metrics.opinions
        if ((one.month, one.metric), one.group) not in unheard
        and not hidden((one.month,), one.group)
        and (one.answered or one.asked >= few)
    )
    given: defaultdict[tuple[tuple[str, ...], str], int] = defaultdict(int)
    for reason in metrics.reasons:
        given[(reason.month, reason.origin), reason.group] += reason.customers
    unnamed = small_groups(((kind, group, count) for (kind, group), count in given.items()), few, hidden)
    reasons = tuple(one for one in metrics.reasons if ((one.month, one.origin), one.group) not in unnamed)
    spoken = tuple(one for one in metrics.spoken if one.speakers >= few)
    silent = metrics.silent
    if silent is not None:
        told = tuple(one for one in silent.averages if one.responses >= few)
        silent = replace(silent, averages=told)
    return replace(
        metrics,
        retention=retention,
        opinions=opinions,
        reasons=reasons,
        spoken=spoken,
        silent=silent,
        worth=metrics.worth if metrics.basis.customers >= few else None,
        hidden=sum(map(len, (metrics.retention, metrics.opinions, metrics.reasons, metrics.spoken)))
        - sum(map(len, (retention, opinions, reasons, spoken))),
        few=few,
    )


def _nowhere(kind: object, group: str) -> bool:
    return False


def small_groups(
    sizes: Iterable[tuple[K, str, int]], few: int, hidden: Callable[[K, str], bool] = _nowhere
) -> set[tuple[K, str]]:
    """Which groups, of those of each kind, are left out; those that are `hidden` for another reason are the first."""
    by_kind: defaultdict[K, list[tuple[bool, int, str]]] = defaultdict(list)
    for kind, group, size in sizes:
        if size:
            by_kind[kind].append((not hidden(kind, group), size, group))
    found: set[tuple[K, str]] = set()
    for kind, some in by_kind.items():
        groups = people = 0
        for free, size, group in sorted(some):
            if free and size >= few and (not groups or (groups > 1 and people >= few)):
                break
            found.add((kind, group))
            groups, people = groups + 1, people + size
    return found
