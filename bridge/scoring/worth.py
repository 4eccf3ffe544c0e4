"""What the company's own history says of what customers will still bring: the model behind the value, kept as JSON.

A person can read, diff and edit it. `bridge fit value` makes it; without one the points card's assumptions count.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Struct

from bridge.scoring.forms import decode_form
from bridge.scoring.lifetime import Buying, Renewing, Spending

FORM = 1
"""The version of the form; a file of another one is refused."""
STEP = 30
"""Days in which the terms of contracts are counted."""


class Every(StrEnum):
    """How often a contract can be left once its first term is over."""

    month = "month"
    year = "year"

    @property
    def days(self) -> float:
        """Its length: a month has 30 days here, a year its mean on the calendar."""
        return STEP if self is Every.month else 365.25

    @property
    def steps(self) -> int:
        """The same in whole steps of STEP days."""
        return 1 if self is Every.month else 12


class By(StrEnum):
    """What tells the segments of contracts apart."""

    product = "product"
    account = "account"
    """The segment of the account that the contract belongs to."""


class Purchases(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Customers without a contract: how often they buy (in weeks), and what a day of purchases brings, in minor units
    of the model's currency. `factor` is what the last period's forecast would have had to be multiplied with."""

    buying: Buying
    spending: Spending
    factor: Annotated[float, Meta(gt=0, le=10)] = 1.0
    customers: Annotated[int, Meta(ge=0)] = 0
    """On how many it rests."""


class Segment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contracts that are left alike. `first`: periods until they can be left for the first time; `usual`: renewals that
    one which goes on has typically behind it, used where a contract's beginning is not known."""

    renewing: Renewing
    first: Annotated[int, Meta(ge=1, le=240)] = 1
    usual: Annotated[int, Meta(ge=0)] = 0
    contracts: Annotated[int, Meta(ge=0)] = 0
    """On how many it rests, and how many of them have ended."""
    ended: Annotated[int, Meta(ge=0)] = 0


class Contracts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long contracts go on. `common` holds for all that are in none of `segments`."""

    every: Every
    common: Segment
    by: By = By.product
    segments: dict[str, Segment] = {}


class WorthModel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either part may be missing: then the points card's assumption counts for it.

    Margins are a purchase's own where the source brings them, else the points card's `margin_rate` counts.
    """

    form: int = FORM
    about: dict[str, str | int | float] = {}
    """When and from what it was found, and how good it was on a period it had not seen; scoring does not read it."""
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    """The main currency of the points card it was found with; with another one the model is not used."""
    discount_rate: Annotated[float, Meta(ge=0, lt=1)] = 0.1
    """By how much less money is worth that comes a year later: 0.1 stands for ten per cent."""
    purchases: Purchases | None = None
    contracts: Contracts | None = None


class Worth(NamedTuple):
    """A model as it is in use: `version` is the one that it was installed under."""

    version: str
    model: WorthModel


def parse_worth(text: bytes, where: str) -> WorthModel:
    """The model in `text`. Raises ConfigError naming `where` and the path in it."""
    return decode_form(text, where, WorthModel, FORM)


def write_worth(model: WorthModel) -> bytes:
    """`model` as JSON that is laid out for reading, the same bytes for the same model."""
    return msgspec.json.format(msgspec.json.encode(model), indent=2) + b"\n"
