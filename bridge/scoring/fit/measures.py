"""How good probabilities are, by what happened."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from scipy.special import betainc

from bridge.scoring.fit.frame import Numbers, Rows


class Measures(Struct, frozen=True):
    """Figures of one set of predictions; `empc` is money per customer, see `expected_profit`."""

    auc: float
    pr_auc: float
    top_decile_lift: float
    brier: float
    ece: float
    empc: float
    n: int


def measure(left: Numbers, p: Numbers) -> Measures:
    """All figures of probabilities `p` for customers who left (1) or stayed (0); both have to occur."""
    return Measures(
        auc=auc(left, p),
        pr_auc=average_precision(left, p),
        top_decile_lift=top_decile_lift(left, p),
        brier=float(np.mean((p - left) ** 2)),
        ece=calibration_error(left, p),
        empc=expected_profit(left, p),
        n=len(left),
    )


def auc(left: Numbers, p: Numbers) -> float:
    """The probability that one who left is ranked above one who stayed; ties count half."""
    ones, zeros = _steps(left, p)
    return float(np.sum(zeros * (np.cumsum(ones) - ones / 2)) / (ones.sum() * zeros.sum()))


def log_loss(left: Numbers, p: Numbers) -> float:
    """What the probabilities leave unexplained: mean of minus the logarithm of what was said of what happened."""
    return float(np.mean(losses(left, p)))


def losses(left: Numbers, p: Numbers) -> Numbers:
    """The log loss of each customer; nobody's is endless."""
    of_what_happened: Numbers = np.where(left > 0, p, 1 - p)
    return -np.log(np.clip(of_what_happened, 1e-12, 1.0))


def auc_gain(left: Numbers, p: Numbers, over: Numbers) -> tuple[float, float]:
    """By how much the AUC of `p` is above that of `over` for the same customers, and the standard error of that.

    DeLong, DeLong & Clarke-Pearson (1988), Comparing the Areas under Two or More Correlated Receiver Operating
    Characteristic Curves, Biometrics 44(3).
    """
    ones, zeros = np.flatnonzero(left > 0), np.flatnonzero(left == 0)
    above = [_placements(p, ones, zeros), _placements(over, ones, zeros)]
    of_ones, of_zeros = (above[0][side] - above[1][side] for side in (0, 1))
    variance = np.var(of_ones, ddof=1) / len(ones) + np.var(of_zeros, ddof=1) / len(zeros)
    return float(of_ones.mean()), float(np.sqrt(variance))


def _placements(p: Numbers, ones: Rows, zeros: Rows) -> tuple[Numbers, Numbers]:
    """Of each who left the share of the others ranked below, of each who stayed that of the leavers ranked above."""
    stayed, left = np.sort(p[zeros]), np.sort(p[ones])
    below = np.searchsorted(stayed, p[ones]) + np.searchsorted(stayed, p[ones], side="right")
    reached = np.searchsorted(left, p[zeros]) + np.searchsorted(left, p[zeros], side="right")
    return below / (2 * len(zeros)), 1 - reached / (2 * len(ones))


def average_precision(left: Numbers, p: Numbers) -> float:
    """Area under precision over recall, by steps."""
    ones, zeros = _steps(left, p)
    found = np.cumsum(ones)
    return float(np.sum(ones / ones.sum() * found / (found + np.cumsum(zeros))))


def top_decile_lift(left: Numbers, p: Numbers) -> float:
    """How many times more of the tenth with the highest `p` left than of all; ties at the edge count in part."""
    size = len(left) / 10
    ones, zeros = _steps(left, p)
    rows = ones + zeros
    taken = np.clip(size - (np.cumsum(rows) - rows), 0, rows)
    return float(np.sum(ones * taken / rows) / size / np.mean(left))


def calibration_error(left: Numbers, p: Numbers, bins: int = 10) -> float:
    """Mean distance between what was said and what happened, over `bins` groups of equal size by `p`."""
    order = np.argsort(p, kind="stable")
    groups = [group for group in np.array_split(order, bins) if len(group)]
    return float(sum(len(group) * abs(left[group].mean() - p[group].mean()) for group in groups) / len(left))


def expected_profit(
    left: Numbers,
    p: Numbers,
    *,
    alpha: float = 6.0,
    beta: float = 14.0,
    value: float = 200.0,
    offer: float = 10.0,
    reach: float = 1.0,
) -> float:
    """EMPC: profit per customer of a retention campaign at its best size, where a would-be leaver accepts with a
    probability that is Beta(`alpha`, `beta`), brings `value`, and costs `offer` if kept and `reach` in any case.

    Verbraken, Verbeke & Baesens (2013), A Novel Profit Maximizing Metric, IEEE TKDE 25(5).
    """
    ones, zeros = _steps(left, p)
    share = float(np.mean(left))
    f1 = np.concatenate([[0.0], np.cumsum(ones) / ones.sum()])
    f0 = np.concatenate([[0.0], np.cumsum(zeros) / zeros.sum()])
    hull = _hull(f0, f1)
    f0, f1 = f0[hull], f1[hull]
    delta, phi = offer / value, reach / value
    d1, d0 = np.diff(f1) * share, np.diff(f0) * (1 - share)
    with np.errstate(divide="ignore"):
        edges = (d0 * (delta + phi) + d1 * phi) / (d1 * (1 - delta))
    edges = np.concatenate([[0.0], np.clip(edges, 0, 1), [1.0]])
    low, high = edges[:-1], edges[1:]
    mass = betainc(alpha, beta, high) - betainc(alpha, beta, low)
    mean = alpha / (alpha + beta) * (betainc(alpha + 1, beta, high) - betainc(alpha + 1, beta, low))
    gained = value * (1 - delta) * share * f1 * mean
    spent = value * (phi * share * f1 + (delta + phi) * (1 - share) * f0) * mass
    return float(np.sum(gained - spent))


def _steps(left: Numbers, p: Numbers) -> tuple[Numbers, Numbers]:
    """How many left and stayed at each distinct `p`, from the highest down."""
    _, place = np.unique(-p, return_inverse=True)
    ones = np.bincount(place, left).astype(np.float64)
    return ones, np.bincount(place).astype(np.float64) - ones


def _hull(x: Numbers, y: Numbers) -> list[int]:
    """The points of the upper convex hull of a curve from (0, 0) to (1, 1)."""
    kept: list[int] = []
    for point in range(len(x)):
        while len(kept) > 1:
            a, b = kept[-2], kept[-1]
            if (x[b] - x[a]) * (y[point] - y[a]) < (y[b] - y[a]) * (x[point] - x[a]):
                break
            kept.pop()
        kept.append(point)
    return kept
