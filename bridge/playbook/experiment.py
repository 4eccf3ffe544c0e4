"""Which of several scripts a customer gets: drawn once an epoch, with probabilities that are known and kept.

A *situation* is the playbook that applies with the highest priority, its *arms* are what may be said there: the
playbook itself, those that may be tried instead, and the neutral script. Nothing is remembered: whoever asks for the
same customer in the same epoch (phone system, transfer, desktop, recomputation) draws the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.errors import ConfigError

NEUTRAL = "default"
"""The script of the hold-out: good service and no offer."""

Why = Literal["hold_out", "explore", "best", "personal", "stays", "only"]
"""`stays`: the best one is an offer, and this customer would stay without; they get the neutral script."""

_Share = Annotated[float, Meta(ge=0, le=1)]


class ChoiceRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form of `config/choice.yaml`. Without `begins` nothing is tried: everybody gets the playbook that applies."""

    begins: date | None = None
    """The first day (UTC) of epoch 0."""
    epoch_days: Annotated[int, Meta(ge=1, le=366)] = 28
    """For how long a customer keeps the same script; at its end everybody draws anew, at midnight UTC."""
    horizon_days: Annotated[int, Meta(ge=1, le=1095)] = 90
    """Who is still a customer so many days after the script was shown, stayed."""
    hold_out: _Share = 0.0
    """Share that gets the neutral script, for comparison."""
    explore: _Share = 0.0
    """Share in which scripts are tried, those that look better more often."""
    floor: Annotated[float, Meta(gt=0, le=0.5)] = 0.1
    """Least probability of a script within the explored share; with more scripts than that allows, all alike."""
    sure: Annotated[float, Meta(ge=0.5, lt=1)] = 0.9
    """How probable it has to be that a script is better before it takes another one's place."""
    memory_epochs: Annotated[int, Meta(ge=1)] = 13
    """What was seen in earlier epochs no longer counts."""
    matters: Annotated[float, Meta(gt=0, lt=1)] = 0.03
    """Smallest difference in staying, as a share, that matters: a script within it does nothing."""
    error_rate: Annotated[float, Meta(gt=0, le=0.2)] = 0.05
    """Of the scripts that a report names as working, or as doing nothing, at most this share is named wrongly."""
    acquisition_cost: Annotated[float, Meta(ge=0)] | None = None
    """What winning a new customer costs, in whole units of the main currency; stands beside the cost of a save."""


class SituationPolicy(Struct, frozen=True, kw_only=True):
    """What one situation goes by for an epoch: probabilities are those within the explored share."""

    best: str
    q: dict[str, float]
    personal: dict[str, str] | None = None
    """Cell → arm, in place of `best`; None while telling customers apart has not been shown to pay."""


class Policy(Struct, frozen=True, kw_only=True):
    """What is gone by from `epoch` on, until a newer policy begins. A situation that is not in it is at its start."""

    epoch: int
    situations: dict[str, SituationPolicy]


UNLEARNT = Policy(epoch=0, situations={})


class Choice(Struct, frozen=True, kw_only=True):
    """One customer's script. `arms` has the probability that each had for this customer; they add up to 1."""

    situation: str
    epoch: int | None
    """None: nothing is being tried."""
    arm: str
    propensity: float
    arms: dict[str, float]
    why: Why
    until: datetime | None
    """When everybody draws anew; a decision must not outlive it."""
    spared: bool = False
    """Drawn by exploring although it is an offer to somebody who would stay: the offer stands all the same."""


def load_choice(path: Path) -> ChoiceRules:
    """Read and check `path`; nothing is tried where there is no such file.

    Raises ConfigError naming the file, the path in it, and the nearest valid name.
    """
    if not path.exists():
        return ChoiceRules()
    rules = check(read_yaml(path) or {}, ChoiceRules, str(path))
    if rules.hold_out + rules.explore > 1:
        raise ConfigError(f"{path}: explore", f"is more than `hold_out` leaves: at most {1 - rules.hold_out:g}")
    return rules


def epoch_at(rules: ChoiceRules, now: datetime) -> int | None:
    """The number of whole epochs since `begins`; None before, and where nothing is tried."""
    if rules.begins is None:
        return None
    days = (now.astimezone(timezone.utc).date() - rules.begins).days
    return days // rules.epoch_days if days >= 0 else None


def epoch_ends(rules: ChoiceRules, epoch: int) -> datetime | None:
    """The instant at which `epoch` ends for all; of -1: at which the first begins. None where nothing is tried."""
    if rules.begins is None:
        return None
    return datetime.combine(rules.begins, time(), timezone.utc) + timedelta(days=(epoch + 1) * rules.epoch_days)


def policy_at(policies: Sequence[Policy], epoch: int | None) -> Policy:
    """The newest of `policies` that has begun by `epoch`.

    A policy is learnt for an epoch to come, so that none changes in the middle of one; where the next is late, the
    present one goes on.
    """
    begun = [policy for policy in policies if epoch is not None and policy.epoch <= epoch]
    return max(begun, key=lambda policy: policy.epoch, default=UNLEARNT)


def assign(
    rules: ChoiceRules,
    policy: Policy,
    customer: str,
    situation: str,
    arms: Sequence[str],
    now: datetime,
    *,
    cell: str = "",
    withheld: Collection[str] = (),
) -> Choice:
    """The script of `customer` in `situation` at `now`, of `arms`; the first of them is what is said by default.

    `arms` are those that apply to this customer; without the neutral one there is no hold-out, and a single one is
    taken. `cell` is what a personal policy tells customers apart by. `withheld` are arms that offer something to this
    customer, who would stay anyway: outside of the explored share the neutral script takes their place.

    `customer` is the id that stands now, of merged customers the survivor's: from the merge on they get one script
    where they had two. What was shown before keeps the probabilities it was shown with.
    """
    epoch = epoch_at(rules, now)
    if epoch is None or len(arms) == 1:
        until = None if epoch is None else epoch_ends(rules, epoch)
        if rules.begins is not None and epoch is None:
            until = datetime.combine(rules.begins, time(), timezone.utc)
        propensities = {arm: float(arm == arms[0]) for arm in arms}
        return Choice(
            situation=situation, epoch=epoch, arm=arms[0], propensity=1.0, arms=propensities, why="only", until=until
        )
    parts = _parts(rules, policy.situations.get(situation), arms, cell, withheld)
    probabilities = _added(parts, arms)
    arm, reason = _pick(parts, position(customer, epoch, situation))
    return Choice(
        situation=situation,
        epoch=epoch,
        arm=arm,
        propensity=probabilities[arm],
        arms=probabilities,
        why=reason,
        until=epoch_ends(rules, epoch),
        spared=arm in withheld and reason == "explore",
    )


def chances(
    rules: ChoiceRules, policy: Policy, situation: str, arms: Sequence[str], *, cell: str = ""
) -> dict[str, float]:
    """The probability that `assign` gives each of `arms`; the first is what is said by default."""
    return _added(_parts(rules, policy.situations.get(situation), arms, cell, ()), arms)


def position(customer: str, epoch: int, situation: str) -> float:
    """Where the customer stands for this epoch and situation: evenly spread over 0 ≤ x < 1, the same for ever."""
    digest = blake2b(f"{customer}\x1f{epoch}\x1f{situation}".encode(), digest_size=8, person=b"choice").digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def spread(chances: Mapping[str, float], arms: Collection[str], floor: float) -> dict[str, float]:
    """`chances` over `arms`, in the order of their names, adding up to 1 and none below `floor` (or an equal share).

    An arm without a chance has an even one: nothing is known of it.
    """
    names = sorted(arms)
    least = min(floor, 1 / len(names))
    given = {name: chances.get(name, 1 / len(names)) for name in names}
    total = sum(given.values())
    even = {name: 1 / len(names) for name in names}
    shares = {name: chance / total for name, chance in given.items()} if total else even
    if min(shares.values()) >= least:
        return shares
    return {name: least + (1 - least * len(names)) * share for name, share in shares.items()}


def _usual(
    learnt: SituationPolicy | None, arms: Sequence[str], cell: str, withheld: Collection[str]
) -> tuple[str, Why]:
    """What is said outside of hold-out and exploration, and why."""
    best = learnt.best if learnt is not None and learnt.best in arms else arms[0]
    own = (learnt.personal or {}).get(cell, best) if learnt is not None else best
    arm = own if own in arms else best
    if arm in withheld and NEUTRAL in arms:
        return NEUTRAL, "stays"
    return (arm, "best") if arm == best else (arm, "personal")


def _parts(
    rules: ChoiceRules, learnt: SituationPolicy | None, arms: Sequence[str], cell: str, withheld: Collection[str]
) -> list[tuple[str, float, Why]]:
    """How the places from 0 to 1 are dealt out: arm, share, why."""
    parts: list[tuple[str, float, Why]] = []
    if rules.hold_out and NEUTRAL in arms:
        parts.append((NEUTRAL, rules.hold_out, "hold_out"))
    if rules.explore:
        tried = spread(learnt.q if learnt is not None else {}, arms, rules.floor)
        parts += [(arm, rules.explore * share, "explore") for arm, share in tried.items()]
    usual, why = _usual(learnt, arms, cell, withheld)
    parts.append((usual, max(0.0, 1 - sum(share for _, share, _ in parts)), why))
    return parts


def _added(parts: Sequence[tuple[str, float, Why]], arms: Sequence[str]) -> dict[str, float]:
    probabilities = dict.fromkeys(arms, 0.0)
    for arm, share, _ in parts:
        probabilities[arm] += share
    return probabilities


def _pick(parts: Sequence[tuple[str, float, Why]], place: float) -> tuple[str, Why]:
    for arm, share, why in parts[:-1]:
        place -= share
        if place < 0:
            return arm, why
    return parts[-1][0], parts[-1][2]
