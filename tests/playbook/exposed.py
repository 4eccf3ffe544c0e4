"""Made-up exposures of a known experiment."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from bridge.playbook.exposures import Exposure

STAYS: Mapping[str, Mapping[str, float]] = {
    "low": {"complaint": 0.95, "apology": 0.94, "default": 0.92},
    "high": {"complaint": 0.60, "apology": 0.70, "default": 0.50},
}
"""Cell → arm → chance to stay; of ten customers three are in the cell `high`."""
TRUTH = {"complaint": 0.7 * 0.03 + 0.3 * 0.10, "apology": 0.7 * 0.02 + 0.3 * 0.20}
CHANCES: tuple[Mapping[str, float], ...] = (
    {"complaint": 0.4, "apology": 0.3, "default": 0.3},
    {"complaint": 0.1, "apology": 0.7, "default": 0.2},
    {"complaint": 0.75, "apology": 0.05, "default": 0.2},
)
"""By epoch. In the second the month was bad for all: ten of a hundred fewer stay."""


def exposures(
    random: Random,
    count: int,
    *,
    stays: Mapping[str, Mapping[str, float]] = STAYS,
    value: float = 100.0,
    cost: Mapping[str, float] | None = None,
    situation: str = "complaint",
) -> list[Exposure]:
    """`count` customers, each shown one script, a third in each epoch."""
    made = []
    for number in range(count):
        epoch = number % 3
        chances = CHANCES[epoch]
        cell = "high" if random.random() < 0.3 else "low"
        arm = random.choices(list(chances), list(chances.values()))[0]
        chance = stays[cell][arm] - (0.1 if epoch == 1 else 0.0)
        made.append(
            Exposure(
                customer=f"c_{number}",
                situation=situation,
                epoch=epoch,
                arm=arm,
                arms=dict(chances),
                cell=cell,
                stayed=random.random() < chance,
                value=value,
                cost=(cost or {}).get(arm, 0.0),
            )
        )
    return made
