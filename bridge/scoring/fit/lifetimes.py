"""Maximum likelihood for the three models of `bridge.scoring.lifetime`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, gammaln

from bridge.errors import BadRequest
from bridge.scoring.lifetime import Buying, Renewing, Spending

Floats: TypeAlias = NDArray[np.float64]
M = TypeVar("M", Buying, Spending, Renewing)

FEWEST = 50
"""Customers below which no model of buying is fitted: four parameters of fewer are guesses."""
_NEARLY = 1e-7
_LARGEST = 1e4
"""A parameter beyond this says that the data cannot tell it from infinity."""


class Histories(Struct, frozen=True):
    """Customers without contract, one row each: repeat purchases, time of the last one and of observation, both since
    the first purchase, and the mean amount of the repeat purchases (0 without any). `weight` counts equal customers."""

    x: Floats
    t_x: Floats
    t: Floats
    mean: Floats

    def __len__(self) -> int:
        return len(self.x)


class Fitted(Struct, Generic[M], frozen=True):
    """A model with its log-likelihood and the number of customers it was found in."""

    model: M
    log_likelihood: float
    n: int


def fit_buying(histories: Histories) -> Fitted[Buying]:
    """BG/NBD by maximum likelihood. Raises BadRequest where there is too little to fit."""
    if len(histories) < FEWEST or not np.any(histories.x > 0):
        raise BadRequest(
            f"a model of buying needs at least {FEWEST} customers and repeat purchases; there are {len(histories)}"
        )
    rows = np.column_stack([histories.x, histories.t_x, histories.t])
    unique, weight = np.unique(rows, axis=0, return_counts=True)
    scale = float(np.mean(unique[:, 2])) or 1.0  # the optimiser likes times near one
    x, t_x, t = unique[:, 0], unique[:, 1] / scale, unique[:, 2] / scale

    def loss(point: Floats) -> float:
        r, alpha, a, b = np.exp(point)
        common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        common += betaln(a, b + x) - betaln(a, b)
        active = -(r + x) * np.log(alpha + t)
        gone = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x)
        # Of Beta(a + 1, b + x - 1) over Beta(a, b + x) only a / (b + x - 1) is left.
        either = np.where(x > 0, np.logaddexp(active, gone), active)
        return -float(np.sum(weight * (common + either)))

    best, value = _search(loss, 4)
    r, alpha, a, b = (float(one) for one in best)
    shift = float(np.sum(weight * x) * np.log(scale))
    return Fitted(Buying(r=r, alpha=alpha * scale, a=a, b=b), -value - shift, len(histories))


def fit_spending(histories: Histories) -> Fitted[Spending]:
    """Gamma-Gamma over customers with repeat purchases that brought something. Raises BadRequest with too few."""
    there = (histories.x > 0) & (histories.mean > 0)
    x, mean = histories.x[there], histories.mean[there]
    if len(x) < FEWEST:
        raise BadRequest(f"a model of spending needs {FEWEST} customers with repeat purchases; there are {len(x)}")

    scale = float(np.mean(mean))  # the optimiser likes amounts near one
    mean = mean / scale

    def loss(point: Floats) -> float:
        p, q, v = np.exp(point)
        px = p * x
        likelihood = gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(v)
        likelihood += (px - 1) * np.log(mean) + px * np.log(x) - (px + q) * np.log(x * mean + v)
        return -float(np.sum(likelihood))

    best, value = _search(loss, 3)
    p, q, v = (float(one) for one in best)
    if q <= 1:
        raise BadRequest("the amounts vary so much that their mean cannot be told (q is not above 1)")
    return Fitted(Spending(p=p, q=q, v=v * scale), -value - len(x) * float(np.log(scale)), len(x))


def fit_renewing(left: Sequence[float], stayed: float) -> Fitted[Renewing]:
    """sBG: `left[k]` customers left at their renewal k + 1, `stayed` are still there after the last of them."""
    if any(one < 0 for one in left) or stayed < 0:
        raise BadRequest("a number of customers is below zero")
    return fit_spans({(0, k): lost for k, lost in enumerate(left, 1)}, {(0, len(left)): stayed})


def fit_spans(left: Mapping[tuple[int, int], float], stayed: Mapping[tuple[int, int], float]) -> Fitted[Renewing]:
    """sBG of customers who came into sight late and of whom most are still there (left-truncated, right-censored).

    Keys are (renewals made when they came into sight, number of the renewal that they did not make, or of the last one
    that they made); values count customers. Raises BadRequest where nobody left.
    """
    ended = sum(left.values())
    if not ended:
        raise BadRequest("a model of renewing needs customers who left, by the renewal at which they did")
    lost = np.array([(*key, count) for key, count in left.items()], dtype=np.float64).T
    kept = np.array([(*key, count) for key, count in stayed.items()], dtype=np.float64).reshape(-1, 3).T

    def loss(point: Floats) -> float:
        a, b = np.exp(point)
        likelihood = np.sum(lost[2] * (betaln(a + 1, b + lost[1] - 1) - betaln(a, b + lost[0])))
        return -float(likelihood + np.sum(kept[2] * (betaln(a, b + kept[1]) - betaln(a, b + kept[0]))))

    best, value = _search(loss, 2)
    return Fitted(Renewing(alpha=float(best[0]), beta=float(best[1])), -value, round(ended + sum(stayed.values())))


def _search(loss: Callable[[Floats], float], parameters: int) -> tuple[Floats, float]:
    """The point with the least loss, from several starts, in natural units; the loss there."""
    bounds = [(-np.log(_LARGEST), np.log(_LARGEST))] * parameters
    best: tuple[float, Floats] | None = None
    for start in (0.0, 1.0, -1.0):
        found = minimize(loss, np.full(parameters, start), method="L-BFGS-B", bounds=bounds)
        if best is not None and found.fun > best[0] - _NEARLY and found.success:
            continue  # the same place, or a worse one: to polish it would change nothing
        found = minimize(
            loss, found.x, method="Nelder-Mead", bounds=bounds, options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 4000}
        )
        if np.isfinite(found.fun) and (best is None or found.fun < best[0] - _NEARLY):
            best = (float(found.fun), np.asarray(found.x))
    if best is None:
        raise BadRequest("no parameters make this history likely")
    return np.exp(best[1]), best[0]
