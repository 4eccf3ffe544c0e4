"""Everything the bridge knows of one customer at one moment, gathered from all sources: what scoring reads."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

from msgspec import Struct

from bridge.model import Account, Contract, Customer, Interaction, Purchase, Record, SurveyResponse, Ticket, Usage

R = TypeVar("R", bound=Record)


class Held(Struct, Generic[R], frozen=True, kw_only=True):
    """One current record with where it came from. `at` is when it took effect, else when the bridge learned of it."""

    source: str
    object: str
    source_id: str
    at: datetime
    known_at: datetime
    record: R

    @property
    def ref(self) -> str:
        """`source/object/id`: how evidence names a record."""
        return f"{self.source}/{self.object}/{self.source_id}"


class View(Struct, frozen=True, kw_only=True):
    """One customer as of one moment. Sequences are newest first; `customer` is merged from all `profiles`."""

    id: str
    customer: Customer
    profiles: tuple[Held[Customer], ...] = ()
    accounts: tuple[Held[Account], ...] = ()
    contracts: tuple[Held[Contract], ...] = ()
    purchases: tuple[Held[Purchase], ...] = ()
    tickets: tuple[Held[Ticket], ...] = ()
    interactions: tuple[Held[Interaction], ...] = ()
    surveys: tuple[Held[SurveyResponse], ...] = ()
    usage: tuple[Held[Usage], ...] = ()
