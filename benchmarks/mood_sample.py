"""The mood of the silent at the sample contact center, where what everybody would have answered is known.

The sample is loaded through its adapters and looked back at as any company would be. First it stands as it is: some of
its people answer because they were hurt, some because they are content, and who drifts away hardly ever does. Then the
same people are asked again, and answer for one reason alone.
"""

from __future__ import annotations

import asyncio
import statistics
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from benchmarks.figures import Figure
from benchmarks.mood import Why, at_rate
from benchmarks.processes import scratch
from bridge.adapter.registry import load_registry
from bridge.flow import Desk, open_desk
from bridge.flow.gathering import makeups, views
from bridge.flow.hearing import hear
from bridge.intake import sync
from bridge.sample import Center, make_center
from bridge.sample.demo import choose_sources, load_example
from bridge.scoring import Fitted, score
from bridge.scoring.fit.frame import Numbers
from bridge.scoring.fit.invited import make_sheet
from bridge.scoring.fit.mood import Fitting, Sheet, fit_mood
from bridge.scoring.mood import MoodScorer
from bridge.scoring.result import PredictedMood
from bridge.settings import read_settings
from bridge.store import Unit, open_store
from bridge.telemetry import set_up_logging
from bridge.worker import Worker, utc_now

FULL, QUICK = (6_000, 10), (1_000, 1)
"""Customers, and how often they are asked again for each reason."""
RATE = 0.25


class Asked(Struct, frozen=True):
    """The invitations of the last year at the sample, and what each of them would have been answered."""

    sheet: Sheet
    felt: Numbers
    fitting: Fitting
    silent: int
    bias: float
    within: float
    """Of those silent today: predicted less what they would answer today, and the share within the interval."""
    abstained: float


def measure_sample(customers: int, draws: int) -> list[Figure]:
    """How near the averages and intervals come to the truth at the sample."""
    set_up_logging("warning")
    with scratch() as folder:
        asked = asyncio.run(_ask(folder, customers))
    felt = asked.felt[asked.sheet.counted]
    found, truth = asked.fitting.mean[0], float(felt.mean())
    bench = "mood"
    about = f"{found.asked:,} asked, {found.response_rate:.0%} answered; interval {found.predicted.low:.2f} to "
    about += f"{found.predicted.high:.2f}, truth {truth:.2f}"
    within = f"{asked.silent:,} silent today; abstained from {asked.abstained:.0%}"
    figures = [
        Figure(bench=bench, name="sample: answered, bias", measured=found.answered.value - truth, unit="points"),
        Figure(bench=bench, name="sample: weighted, bias", measured=found.weighted.value - truth, unit="points"),
        Figure(
            bench=bench,
            name="sample: predicted, bias",
            measured=found.predicted.value - truth,
            unit="points",
            note=about,
        ),
        Figure(bench=bench, name="sample: silent today, bias", measured=asked.bias, unit="points", note=within),
        Figure(bench=bench, name="sample: silent within their interval", measured=asked.within, unit="", least=0.86),
    ]
    for why in Why:
        figures += _again(asked, why, draws)
    return figures


async def _ask(folder: Path, customers: int) -> Asked:
    settings = read_settings(demo=True, database_url=f"sqlite:///{folder / 'bridge.db'}")
    registry = load_registry(settings.adapters_dir, settings.mappings_dir, choose_sources(settings), {})
    store = await open_store(settings.database_url)
    try:
        now = utc_now()
        desk = await open_desk(settings, store, registry, now)
        await sync.register(store, registry.sources, now)
        await load_example(desk, Worker(desk=desk).settle_all, now=now, customers=customers)
        # what was just imported is known from now on
        return await _look(desk, make_center(now=now, customers=customers), utc_now())
    finally:
        await store.close()


async def _look(desk: Desk, center: Center, now: datetime) -> Asked:
    heard = await hear(desk, metric="nps", group_by="segment", now=now)
    ids = sorted({row[0] for row in await desk.store.all("customers.due", now=1 << 62, most=10_000_000)})
    seen = await views(desk.store, Unit(), await makeups(desk.store, ids), {}, desk.rules.identity)
    numbers = {one.id: {held.source_id for held in one.profiles if held.source == "crm"} for one in seen.values()}
    # a day apart at least, and exported to the minute
    told = {(one.customer_id, one.sent.date()): one.felt for one in center.surveys if one.metric == "nps"}
    kept, felt = [], []
    for one in heard.invitations:
        known = [told.get((number, one.sent.date())) for number in numbers.get(one.customer, ())]
        truth = next((value for value in known if value is not None), None)
        if truth is not None:
            kept.append(one)
            felt.append(float(truth))
    sheet = make_sheet(kept, "nps", "segment")
    fitting = fit_mood(sheet, seed=0)
    fitted = Fitted(mood=MoodScorer(fitting.model))
    today = {fate.customer_id: fate.mood for fate in center.fates}
    errors: list[float] = []
    within = silent = 0
    for view in seen.values():
        feels = next((it for number in numbers[view.id] if (it := today.get(number)) is not None), None)
        mood = score(desk.rules.deciding.card, view, now, fitted).mood
        if feels is None or not isinstance(mood, PredictedMood):
            continue
        silent += 1
        if mood.predicted is not None and mood.low is not None and mood.high is not None:
            errors.append(mood.predicted - feels)
            within += mood.low <= feels <= mood.high
    said = max(1, len(errors))
    return Asked(
        sheet=sheet,
        felt=np.array(felt),
        fitting=fitting,
        silent=silent,
        bias=sum(errors) / said,
        within=within / said,
        abstained=1 - len(errors) / max(1, silent),
    )


def _again(asked: Asked, why: Why, draws: int) -> list[Figure]:
    """The same people, answering for one reason: at random, by product and trouble on record, because unhappy."""
    counted = asked.sheet.counted
    felt = asked.felt[counted]
    truth = float(felt.mean())
    plain, weighted, predicted, held, within = [], [], [], [], []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        answered = rng.random(len(felt)) < _willing(why, asked.sheet, felt)
        sheet = msgspec.structs.replace(
            asked.sheet,
            columns=tuple(
                msgspec.structs.replace(
                    one,
                    numbers=None if one.numbers is None else one.numbers[counted],
                    places=None if one.places is None else one.places[counted],
                )
                for one in asked.sheet.columns
            ),
            score=np.where(answered, felt, np.nan),
            answered=answered,
            counted=np.ones(len(felt), bool),
            person=asked.sheet.person[counted],
            group=(),
            group_by=None,
        )
        fitting = fit_mood(sheet, seed=seed)
        found = fitting.mean[0]
        plain.append(found.answered.value - truth)
        weighted.append(found.weighted.value - truth)
        predicted.append(found.predicted.value - truth)
        held.append(found.predicted.low <= truth <= found.predicted.high)
        within.append(fitting.judged.coverage)
    limited = why is not Why.unhappy
    note = (
        f"answered {statistics.mean(plain):+.2f}, weighted {statistics.mean(weighted):+.2f}; interval held the truth "
    )
    note += f"in {sum(held)} of {len(held)}; answers within theirs {statistics.mean(within):.1%}"
    bias = statistics.mean(predicted)
    return [
        Figure(
            bench="mood",
            name=f"sample, {why}: predicted, bias",
            measured=abs(bias) if limited else bias,
            unit="points",
            most=0.15 if limited else None,
            note=note,
        )
    ]


def _willing(why: Why, sheet: Sheet, felt: Numbers) -> Numbers:
    """How likely each answers, RATE on average."""
    odds = np.zeros(len(felt))
    if why is Why.unhappy:
        odds = -0.35 * (felt - felt.mean())
    elif why is Why.known:
        for column in sheet.columns:
            if column.places is not None and column.name in (
                "complaint",
                "product",
                "contract_terms",
                "cancellation_intent",
            ):
                there = column.places[sheet.counted]
                odds += np.where(there < 0, 0.4, -0.9) if column.name != "product" else 0.5 * (there % 3 - 1)
    return at_rate(odds, RATE)
