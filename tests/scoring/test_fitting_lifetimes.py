"""Fitting what customers will still do: the published parameters, the hold-out, and histories that cannot be fitted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")

from bridge.errors import BadRequest  # noqa: E402 the fit is an extra
from bridge.scoring.fit.lifetimes import Histories, fit_buying, fit_renewing, fit_spending  # noqa: E402 the fit is an extra
from bridge.scoring.fit.transactions import collect, read_amount, read_day, read_transactions  # noqa: E402 the fit is an extra
from bridge.scoring.fit.worth import expected_purchases, fit_worth  # noqa: E402 the fit is an extra
from bridge.scoring.lifetime import Buying  # noqa: E402 the fit is an extra

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SURVIVAL = {
    "Regular": (100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1),
    "High End": (100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1),
}
"""Fader & Hardie (2007), table 1: per cent still there after each of seven renewals."""


@pytest.mark.parametrize(
    ("cohort", "alpha", "beta", "likelihood"),
    [("Regular", 0.704077, 1.182043, -1680.2652), ("High End", 0.668088, 3.806095, -1611.1581)],
)
def test_both_cohorts_of_the_paper_are_fitted(cohort: str, alpha: float, beta: float, likelihood: float) -> None:
    there = [10 * share for share in SURVIVAL[cohort]]
    found = fit_renewing([before - after for before, after in pairwise(there)], there[-1])
    assert found.model.alpha == pytest.approx(alpha, abs=1e-3)
    assert found.model.beta == pytest.approx(beta, abs=1e-3)
    assert found.log_likelihood == pytest.approx(likelihood, abs=1e-3)


def cdnow() -> Iterator[tuple[str, date, float]]:
    """The public CDNOW sample, from beside the checkout."""
    file = SHARED / "cdnow" / "CDNOW_sample.txt"
    if not file.is_file():
        pytest.skip("no public data beside the checkout (shared/data/cdnow)")
    for line in file.read_text("utf-8").splitlines():
        _, name, day, _, amount = line.split()
        yield name, date(int(day[:4]), int(day[4:6]), int(day[6:])), float(amount)


def test_cdnow_is_fitted_to_the_published_parameters_and_forecast_as_well_as_published() -> None:
    ledger = collect(cdnow())
    split = date(1997, 9, 30)
    names, past = ledger.histories(split)
    assert len(names) == 2357
    buying = fit_buying(past)
    model = buying.model
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx((0.242593, 4.413532, 0.792886, 2.425755), abs=1e-3)
    assert buying.log_likelihood == pytest.approx(-9582.43, abs=0.01)
    rows = np.genfromtxt(
        SHARED / "cdnow" / "cdnow_customers_summary_with_transactions.csv", delimiter=",", names=True
    )  # the same in weeks of two decimals, as published
    published = fit_buying(Histories(rows["x"], rows["t_x"], rows["T"], rows["zbar"]))
    assert published.log_likelihood >= -9582.426
    spending = fit_spending(past)
    assert (spending.model.p, spending.model.q, spending.model.v) == pytest.approx((6.2488, 3.7446, 15.4477), abs=5e-3)
    worth = fit_worth(ledger, split)
    assert worth.record.actual == 1882
    assert worth.record.forecast == pytest.approx(1653.4, abs=0.5)
    assert worth.record.correlation >= 0.62
    assert worth.record.mae < 0.79
    assert worth.factor == pytest.approx(1882 / 1653.4, abs=1e-3)


def test_reference_customers_of_cdnow_come_out_to_a_millionth() -> None:
    file = SHARED / "cdnow" / "bgnbd_reference20.csv"
    if not file.is_file():
        pytest.skip("no public data beside the checkout (shared/data/cdnow)")
    model = Buying(r=0.243, alpha=4.414, a=0.793, b=2.426)
    rows = np.genfromtxt(file, delimiter=",", names=True)
    past = Histories(rows["x"], rows["t_x"], rows["T"], rows["zbar"])
    assert expected_purchases(model, past, 39) == pytest.approx(rows["E_39w"], abs=1e-6)
    alive = [model.alive(int(row["x"]), row["t_x"], row["T"]) for row in rows]
    assert alive == pytest.approx(rows["p_alive"].tolist(), abs=1e-6)


def simulated(model: Buying, customers: int, days: int, seed: int) -> Iterator[tuple[str, date, float]]:
    """Purchases by the model's own story, so that what was put in must come out."""
    chance = np.random.default_rng(seed)
    first = date(2024, 1, 1)
    for number in range(customers):
        begun = chance.uniform(0, 90)
        rate = chance.gamma(model.r, 1 / model.alpha) / 7
        leaves = chance.beta(model.a, model.b)
        at = begun
        while at < days:
            yield f"c{number}", first + timedelta(days=int(at)), float(np.round(chance.gamma(6, 5), 2)) + 0.01
            if at > begun and chance.random() < leaves:
                break
            at += chance.exponential(1 / rate)


def test_what_was_put_into_simulated_purchases_comes_out() -> None:
    true = Buying(r=0.8, alpha=8.0, a=0.9, b=3.0)
    _, past = collect(simulated(true, 4000, 500, 1)).histories(date(2025, 5, 1))
    found = fit_buying(past).model
    assert found.r / found.alpha == pytest.approx(true.r / true.alpha, rel=0.1)
    assert found.a / (found.a + found.b) == pytest.approx(true.a / (true.a + true.b), rel=0.15)


def test_too_little_is_not_fitted_but_said() -> None:
    few = collect([("a", date(2025, 1, 1), 5.0), ("b", date(2025, 6, 1), 7.0)])
    _, past = few.histories(date(2025, 7, 1))
    with pytest.raises(BadRequest, match="at least 50 customers"):
        fit_buying(past)
    with pytest.raises(BadRequest, match="repeat purchases; there are 0"):
        fit_spending(past)
    with pytest.raises(BadRequest, match="too short"):
        fit_worth(few, date(2025, 5, 30))
    with pytest.raises(BadRequest, match="customers who left"):
        fit_renewing([0, 0], 10)


def test_a_file_of_purchases_is_read_as_people_write_it(tmp_path: Path) -> None:
    file = tmp_path / "käufe.csv"
    file.write_text(
        "Kundennummer;Datum;Betrag\n1;31.01.2025;1.234,50 €\n1;31.01.2025;10\n2;gestern;5\n;;\n", "utf-8-sig"
    )
    ledger = read_transactions(file)
    assert ledger.customers == {"1": [(date(2025, 1, 31), 1244.5)]}
    assert ledger.left_out == 1
    assert (ledger.first, ledger.last) == (date(2025, 1, 31), date(2025, 1, 31))
    assert json.dumps([str(read_day("2025-01-31T10:00:00Z")), read_amount("-1,5"), read_amount("1,234.5")])
    file.write_text("Name;Datum;Betrag\n1;2;3\n", "utf-8")
    with pytest.raises(BadRequest, match="no column for the customer"):
        read_transactions(file)
    file.write_text("id,date,amount\nx,y,z\n", "utf-8")
    with pytest.raises(BadRequest, match="no row could be read"):
        read_transactions(file)
    with pytest.raises(BadRequest, match="No such file"):
        read_transactions(tmp_path / "none.csv")
