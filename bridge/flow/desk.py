"""What everybody who writes stands at: the store, the configured adapters and the rules in force."""

from __future__ import annotations

import secrets
from datetime import datetime

from msgspec import Struct

from bridge.adapter.registry import Registry
from bridge.automation.loop_rules import LoopRules, load_loops
from bridge.automation.messages import load_messages
from bridge.automation.outreach import Outreach, load_outreach
from bridge.automation.register import Armed, read_armed
from bridge.automation.rules import Automation, load_automations
from bridge.automation.survey_forms import NOTHING_SAID, SurveyingFile
from bridge.automation.surveys import Plan, load_surveying, load_surveys
from bridge.decisions import Deciding, load_deciding
from bridge.facts import Origin
from bridge.flow.folding import Change
from bridge.flow.models import IN_FORCE, read_fitted, read_policies
from bridge.identity.rules import IdentityRules, load_identity
from bridge.playbook import Policy
from bridge.playbook.metering import Metering, load_metering
from bridge.scoring import NOTHING_FITTED, Fitted
from bridge.settings import Settings
from bridge.store import Row, Store, Unit, instant, micros


class Rules(Struct, frozen=True, kw_only=True):
    """Everything that `config/` says of who is who, what is decided, and what is done of its own accord.

    `automations` are those of the files; which are in use, and how, says the store (`Desk.armed`).
    """

    identity: IdentityRules
    deciding: Deciding
    automations: tuple[Automation, ...] = ()
    outreach: Outreach = Outreach()
    loops: LoopRules = LoopRules()
    metering: Metering = Metering()
    surveys: tuple[Plan, ...] = ()
    surveying: SurveyingFile = NOTHING_SAID


class Desk(Struct, kw_only=True):
    """Shared by all that runs in one process. What has a default follows the store (see `look_up`)."""

    store: Store
    registry: Registry
    rules: Rules
    settings: Settings
    salt: str
    fitted: Fitted = NOTHING_FITTED
    policies: tuple[Policy, ...] = ()
    live_since: dict[str, datetime | None] = {}
    armed: tuple[Armed, ...] = ()
    in_force: list[Row] = []
    """What `meta.get` said of IN_FORCE before `fitted` was read."""
    rules_in_force: str | None = None
    """The version that the worker applied last; another one than of `rules` while a new configuration is rolled out."""

    def origin_of(self, change: Change) -> Origin:
        """Why `change` came in. What took effect before its source went live is not live, whenever it arrives."""
        origin = change.delivery.origin
        since = self.live_since.get(change.delivery.source)
        if origin is Origin.live and (
            since is None or (change.after is not None and instant(change.after.effective_at) < since)
        ):
            return Origin.first_import
        return origin

    async def look_up(self) -> None:
        """Read again what other processes may have changed: which sources are live, which models and
        automations are in use."""
        in_force = await self.store.all("meta.get", name=IN_FORCE)
        self.live_since = {
            row[0]: None if row[3] is None else instant(row[3]) for row in await self.store.all("sources.all")
        }
        self.fitted = await read_fitted(self.store, self.rules.deciding.card)
        self.policies = await read_policies(self.store)
        self.armed = await read_armed(self.store)
        rules = await self.store.one("meta.model", kind="rules")
        self.rules_in_force = None if rules is None else rules[1]
        self.in_force = in_force

    async def keep_up(self, unit: Unit) -> None:
        """See that `unit` is written only if what decides is what is in force: a model may just have been installed, or
        taken back, by another process."""
        if await self.store.all("meta.get", name=IN_FORCE) != self.in_force:
            await self.look_up()
        unit.guard("meta.get", self.in_force, name=IN_FORCE)


def load_rules(settings: Settings) -> Rules:
    """Read and check all of `config/`. Raises ConfigError with file and path."""
    folder = settings.config_dir
    deciding = load_deciding(folder, settings.languages)
    messages = load_messages(folder / "messages")
    outreach = load_outreach(folder / "outreach.yaml")
    return Rules(
        identity=load_identity(folder / "identity.yaml"),
        deciding=deciding,
        automations=load_automations(folder / "automations", deciding.playbooks.catalogue, messages),
        outreach=outreach,
        loops=load_loops(folder / "loops.yaml", outreach.people),
        metering=load_metering(folder / "metrics.yaml"),
        surveys=load_surveys(folder / "surveys", deciding.playbooks.catalogue, messages),
        surveying=load_surveying(folder / "surveying.yaml"),
    )


async def open_desk(
    settings: Settings, store: Store, registry: Registry, now: datetime, rules: Rules | None = None
) -> Desk:
    """The desk of this process; makes the secret of the suppression list when the store is new.

    `rules` are those of the settings' files, for whoever has read them already.
    """
    rules = rules or load_rules(settings)
    unit = Unit()
    unit.add("meta.put_once", name="suppression_salt", value=secrets.token_hex(32))
    unit.many(
        "customers.keep_material",
        [row | {"at": micros(now)} for row in rules.deciding.materials()],
    )
    await store.write(unit)
    row = await store.one("meta.get", name="suppression_salt")
    desk = Desk(store=store, registry=registry, rules=rules, settings=settings, salt=str(row[0]) if row else "")
    await desk.look_up()
    return desk
