"""What is known of a host: how long it waits, and the rules that it has published."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """What a host asks for."""

    ivr = "ivr"
    """Where to route a call: the flat answer of `/v1/lookup`."""
    desktop = "desktop"
    """The card in front of an agent."""
    both = "both"


class Rule(Struct, frozen=True, kw_only=True):
    """One published rule. `code` names the check of `bridge host-check`; `limit` is in the unit that `text` says."""

    code: str
    text: str
    limit: float | None = None
    source: str = ""
    """Address of the page that says so."""
    sure: bool = True
    """False where it was not found in writing: check it before relying on it."""


class Host(Struct, frozen=True, kw_only=True):
    """One host. Look-ups for it take at most `budget_ms`, as measured there, where a request does not say otherwise."""

    name: str
    title: str
    kind: Kind
    budget_ms: int
    rules: tuple[Rule, ...]

    def rule(self, code: str) -> Rule | None:
        """The rule of that code, None where this host has none."""
        return next((one for one in self.rules if one.code == code), None)
