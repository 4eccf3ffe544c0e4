"""The policy of the epoch to come: learnt shortly before it begins, and frozen for all of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from bridge.flow.desk import Desk
from bridge.flow.exposing import exposures
from bridge.playbook.experiment import Policy, epoch_at, epoch_ends, policy_at
from bridge.playbook.learning import learn
from bridge.store import Unit, micros
from bridge.telemetry import log

AHEAD: Final = timedelta(days=1)
"""How long before an epoch its policy is learnt: time enough for a worker to be away for a night."""


async def learn_next(desk: Desk, now: datetime) -> Policy | None:
    """Learn the policy of the next epoch when its time has come; None while it has not, or when it is there already.

    Where no worker ran at that time, the present policy goes on for an epoch.
    """
    rules = desk.rules.deciding.choice
    epoch = epoch_at(rules, now)
    ends = None if epoch is None else epoch_ends(rules, epoch)
    if epoch is None or ends is None or now < ends - AHEAD:
        return None
    if any(policy.epoch == epoch + 1 for policy in desk.policies):
        return None
    settled = [one async for one in exposures(desk)]
    policy = learn(rules, settled, policy_at(desk.policies, epoch), epoch=epoch + 1)
    unit = Unit()
    body = msgspec.json.encode(policy, order="deterministic").decode()
    unit.add("meta.install_model", kind="choice", version=f"{policy.epoch:06d}", body=body, at=micros(now))
    await desk.store.write(unit)
    await desk.look_up()
    best = {situation: one.best for situation, one in policy.situations.items()}
    log("flow").info("choice.learnt", epoch=policy.epoch, exposures=len(settled), best=best)
    return policy
