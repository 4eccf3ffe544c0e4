"""What nobody knows: the true risk of each customer today, and what every script would make of it."""

from __future__ import annotations

from datetime import date
from random import Random

from msgspec import Struct

from bridge.sample import effects, leaving
from bridge.sample.asking import recommend
from bridge.sample.leaving import HORIZON, State
from bridge.sample.people import Temper, Unit
from bridge.sample.records import Cause, Fate
from bridge.sample.world import WEEKS, World


class Departure(Struct, kw_only=True):
    """How far one unit has come on its way out: why, and the days of decision, notice and end."""

    cause: Cause | None = None
    decided: date | None = None
    noticed: date | None = None
    left: date | None = None
    notice: int = 0
    """The week in which a decision that has fallen is told, often shortly before the bond ends."""


def reveal(random: Random, unit: Unit, world: World, state: State, departure: Departure) -> tuple[Fate, ...]:
    """The fate of each of the unit's people; one die falls for all scripts, so that their outcomes can be compared."""
    temper = unit.temper
    risk, under = 0.0, {}
    waits = departure.decided is not None and departure.notice >= WEEKS + HORIZON
    if departure.noticed is None and waits:
        under = dict.fromkeys(effects.SCRIPTS, 0.0)  # the mind is made up, but nothing will be heard of it for long
    elif departure.noticed is None:
        courted = tuple((unit.region, WEEKS + ahead) in world.courted for ahead in range(HORIZON))
        hazards = leaving.outlook(temper, state, courted)
        under = effects.under(hazards, temper, state, decided=departure.cause)
        risk = under["default"]
    die = random.random()
    left = departure.left
    return tuple(
        Fate(
            customer_id=person.id,
            cause=departure.cause,
            decided=departure.decided,
            noticed=departure.noticed,
            left=left if left and left <= world.today else None,
            fuse=round(temper.fuse, 3),
            thrift=round(temper.thrift, 3),
            voice=round(temper.voice, 3),
            roots=round(temper.roots, 3),
            strain=round(state.strain, 3),
            mood=_mood(person.id, temper, state) if left is None or left > world.today else None,
            risk=risk,
            would_leave=die < risk,
            under=under,
            leaves_under={script: die < chance for script, chance in under.items()},
        )
        for person in unit.persons
    )


def _mood(customer_id: str, temper: Temper, state: State) -> int:
    """Drawn from a chance of its own: whoever looks for it finds the lives as they were."""
    return recommend(Random(f"mood:{customer_id}"), 1 - state.strain / temper.fuse, temper)
