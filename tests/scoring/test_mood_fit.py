"""Averages over the silent too, on surveys whose truth is known; intervals that hold what they promise."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")

from bridge.errors import BadRequest  # noqa: E402 the fit is an extra
from bridge.scoring.fit.answering import Asked, average, say  # noqa: E402 the fit is an extra
from bridge.scoring.fit.frame import Column, Frame, Numbers  # noqa: E402 the fit is an extra
from bridge.scoring.fit.invited import make_sheet, read_sheet  # noqa: E402 the fit is an extra
from bridge.scoring.fit.mood import Fitting, Sheet, find_spreads, fit_mood, silence  # noqa: E402 the fit is an extra
from bridge.scoring.invitation import Invitation  # noqa: E402 the fit is an extra
from bridge.scoring.mood import MoodScorer  # noqa: E402 the fit is an extra

DRAWS = 6
ASKED = 1800


def survey(why: str, seed: int, n: int = ASKED) -> tuple[Sheet, Numbers]:
    """An NPS survey, and what each would answer: by tenure, tickets and plan, and much that nobody knows."""
    rng = np.random.default_rng(seed)
    tenure, tickets, plan = rng.gamma(2, 3, n), rng.poisson(1.2, n), rng.choice(3, n, p=[0.5, 0.3, 0.2])
    drawn = 7.2 + np.tanh(tenure / 6 - 1) - 0.5 * np.minimum(tickets, 4) - np.array([0.0, 0.3, 1.6])[plan]
    truth = np.clip(np.round(drawn + rng.normal(0, 1.9, n)), 0, 10)
    odds = {
        "chance": np.full(n, -1.5),
        "known": -1.5 + 1.2 * np.tanh(tenure / 6 - 1) + np.array([0.4, 0.2, -1.0])[plan],
        "unhappy": -1.7 - 0.35 * (truth - 7),
    }[why]
    answered = rng.random(n) < 1 / (1 + np.exp(-odds))
    columns = (
        Column("tenure", tenure),
        Column("tickets", tickets.astype(np.float64)),
        Column("plan", None, ("fibre", "dsl", "mobile"), plan.astype(np.intp)),
    )
    made = Sheet(
        metric="nps",
        lowest=0.0,
        scale=10.0,
        columns=columns,
        score=np.where(answered, truth, np.nan),
        answered=answered,
        counted=np.ones(n, bool),
        person=np.arange(n),
        group_by="plan",
        group=tuple(columns[2].levels[place] for place in plan.tolist()),
    )
    return made, truth


def draws(why: str, count: int = DRAWS) -> list[tuple[Fitting, Sheet, Numbers]]:
    found = []
    for seed in range(count):
        sheet, truth = survey(why, seed)
        found.append((fit_mood(sheet, seed=seed), sheet, truth))
    return found


@pytest.fixture(scope="module")
def by_chance() -> list[tuple[Fitting, Sheet, Numbers]]:
    return draws("chance")


@pytest.fixture(scope="module")
def by_known() -> list[tuple[Fitting, Sheet, Numbers]]:
    return draws("known")


def test_who_answers_at_random_speaks_for_all(by_chance: list[tuple[Fitting, Sheet, Numbers]]) -> None:
    for name in ("answered", "weighted", "predicted"):
        errors = [getattr(fitting.mean[0], name).value - truth.mean() for fitting, _, truth in by_chance]
        assert abs(float(np.mean(errors))) < 0.1
    assert sum(_holds(fitting.mean[0].predicted, truth.mean()) for fitting, _, truth in by_chance) >= DRAWS - 2


def test_what_is_known_of_the_silent_puts_the_average_right(by_known: list[tuple[Fitting, Sheet, Numbers]]) -> None:
    plain = [fitting.mean[0].answered.value - truth.mean() for fitting, _, truth in by_known]
    weighted = [fitting.mean[0].weighted.value - truth.mean() for fitting, _, truth in by_known]
    robust = [fitting.mean[0].predicted.value - truth.mean() for fitting, _, truth in by_known]
    assert float(np.mean(plain)) > 0.3
    assert abs(float(np.mean(weighted))) < 0.2
    assert abs(float(np.mean(robust))) < 0.1
    assert sum(_holds(fitting.mean[0].predicted, truth.mean()) for fitting, _, truth in by_known) >= DRAWS - 2
    nps = [
        fitting.nps[0].predicted.value - 100 * (np.mean(truth >= 9) - np.mean(truth <= 6))
        for fitting, _, truth in by_known
    ]
    assert abs(float(np.mean(nps))) < 5
    assert all("less happy than those who speak" in " ".join(fitting.notes) for fitting, _, _ in by_known)


def test_the_silent_are_within_their_interval(by_known: list[tuple[Fitting, Sheet, Numbers]]) -> None:
    within = []
    for fitting, sheet, truth in by_known:
        scorer, frame = MoodScorer(fitting.model), Frame(sheet.columns, truth)
        for row in np.flatnonzero(~sheet.answered).tolist():
            mood = scorer.predict(frame.row(row))
            if mood.low is not None and mood.high is not None:
                within.append(mood.low <= truth[row] <= mood.high)
        assert fitting.judged.coverage > 0.84
        assert fitting.judged.mae < fitting.judged.usual_mae
    assert 0.86 < float(np.mean(within)) < 0.97


def test_who_answers_because_they_are_unhappy_cannot_be_seen_through_and_that_is_said() -> None:
    ((fitting, _, truth),) = draws("unhappy", 1)
    found = fitting.mean[0]
    assert found.answered.value < truth.mean() - 0.5
    assert found.predicted.value < truth.mean() - 0.3
    said = " ".join(fitting.notes)
    assert "If people answer because they are unhappy" in said and "no method here can see it" in said
    assert f"{found.silent_one_lower:.2f} instead of {found.predicted.value:.2f}" in said
    silent = 1 - found.response_rate
    assert found.predicted.value - found.silent_one_lower == pytest.approx(silent, abs=0.05)


def _holds(found: object, truth: float) -> bool:
    low, high = getattr(found, "low", np.nan), getattr(found, "high", np.nan)
    return bool(low <= truth <= high)


def test_groups_have_averages_of_their_own(by_known: list[tuple[Fitting, Sheet, Numbers]]) -> None:
    fitting, sheet, truth = by_known[0]
    whole, *groups = fitting.mean
    assert [one.group for one in groups] == ["dsl", "fibre", "mobile"]
    assert sum(one.asked for one in groups) == whole.asked == ASKED
    assert sum(one.responses for one in groups) == whole.responses
    for one in groups:
        rows = np.array([name == one.group for name in sheet.group])
        assert abs(one.predicted.value - truth[rows].mean()) < 4 * one.predicted.se
    assert whole.effective < whole.responses


def test_the_same_arguments_give_the_same_model() -> None:
    sheet, _ = survey("known", 4, 700)
    one, other = fit_mood(sheet, seed=2), fit_mood(sheet, seed=2)
    assert one.model == other.model and one.mean == other.mean
    assert fit_mood(sheet, seed=3).model != one.model


def asked(answered: list[int], outcome: list[float], probability: list[float], expected: list[float]) -> Asked:
    values = np.array([one if there else np.nan for one, there in zip(outcome, answered, strict=True)])
    return Asked(
        person=np.arange(len(answered)),
        answered=np.array(answered, bool),
        outcome=values,
        probability=np.array(probability),
        expected=np.array(expected),
        fallen=np.maximum(0, values - 1),
    )


def test_the_three_averages_are_what_their_formulas_say() -> None:
    there = [1] * 10 + [1] * 10 + [0] * 20
    score = [9.0] * 10 + [4.0] * 10 + [0.0] * 20
    found = average(asked(there, score, [0.8] * 10 + [0.25] * 10 + [0.5] * 20, [8.0] * 10 + [5.0] * 10 + [6.0] * 20))
    assert found is not None
    assert found.answered.value == pytest.approx(6.5)
    assert found.weighted.value == pytest.approx((9 * 1.25 + 4 * 4) / 5.25)
    assert found.predicted.value == pytest.approx((80 + 50 + 120) / 40 + (1.25 * 1 - 4 * 1) / 5.25)
    assert found.effective == pytest.approx(52.5**2 / (10 * 1.25**2 + 10 * 16))
    assert (found.asked, found.responses, found.clipped) == (40, 20, 0)
    assert found.answered.se == pytest.approx(np.std([9.0] * 10 + [4.0] * 10) / np.sqrt(20), rel=0.03)
    moved = -1.0
    assert found.silent_one_lower == pytest.approx(found.predicted.value + 0.5 * moved)


def test_no_answer_counts_for_more_than_ten_times_the_usual_one_and_that_is_said() -> None:
    there = [1] * 20 + [0] * 20
    found = average(asked(there, [7.0] * 40, [0.001] * 2 + [0.5] * 38, [7.0] * 40))
    assert found is not None and found.clipped == 2
    assert found.effective == pytest.approx((2 * 20 + 18 * 2) ** 2 / (2 * 400 + 18 * 4))
    assert any("2 answers" in one and "cut to that" in one for one in say(found))
    assert "it is about that" in say(found)[1]


def test_asking_somebody_twice_makes_nothing_more_certain() -> None:
    sheet, _ = survey("chance", 1, 400)
    once = Asked(
        person=sheet.person,
        answered=sheet.answered,
        outcome=sheet.score,
        probability=np.full(400, 0.2),
        expected=np.full(400, 6.0),
        fallen=sheet.score - 1,
    )
    twice = once.part(np.ones(400, bool))
    doubled = Asked(
        **{name: np.concatenate([getattr(once, name), getattr(twice, name)]) for name in once.__struct_fields__}
    )
    one, two = average(once), average(doubled)
    assert one is not None and two is not None
    assert two.predicted.se == pytest.approx(one.predicted.se, rel=1e-9)
    assert two.answered.value == pytest.approx(one.answered.value)


def test_of_a_handful_of_answers_no_average_is_made() -> None:
    assert average(asked([1] * 14 + [0] * 50, [5.0] * 64, [0.2] * 64, [5.0] * 64)) is None


def test_where_everybody_answered_all_three_averages_are_the_same() -> None:
    sheet, truth = survey("chance", 2, 300)
    whole = Sheet(
        metric="nps", lowest=0.0, scale=10.0, columns=sheet.columns, score=truth, answered=np.ones(300, bool),
        counted=np.ones(300, bool), person=sheet.person,
    )  # fmt: skip
    fitting = fit_mood(whole, seed=0)
    found = fitting.mean[0]
    assert found.weighted.value == pytest.approx(truth.mean()) == found.answered.value
    assert found.predicted.value == pytest.approx(truth.mean())
    assert found.silent_one_lower == pytest.approx(found.predicted.value)
    assert fitting.judged.answering_auc is None and fitting.judged.abstained == 0


@pytest.mark.parametrize("answers", [39, 60, 119])
def test_a_further_answer_is_within_the_interval_as_often_as_promised(answers: int) -> None:
    rng = np.random.default_rng(answers)
    held = []
    for _ in range(1500):
        error = rng.gamma(2, 0.08, answers + 1) - 0.16
        (spread,) = find_spreads(np.full(answers, 0.6), error[:-1], np.ones(answers))
        held.append(spread.below - 1e-6 <= error[-1] <= spread.above + 1e-6)
    assert 0.89 < float(np.mean(held)) < 0.965


def test_too_few_answers_make_an_interval_of_the_whole_scale() -> None:
    (spread,) = find_spreads(np.full(15, 0.5), np.zeros(15), np.ones(15))
    assert (spread.below, spread.above) == (-1.0, 1.0)


def test_answers_stand_for_the_silent_who_are_like_them() -> None:
    rng = np.random.default_rng(7)
    wild = rng.random(400) < 0.2
    error = np.where(wild, rng.normal(0, 0.3, 400), rng.normal(0, 0.05, 400))
    odds = silence(np.where(wild, 0.1, 0.6), 0.5)
    assert odds[wild].min() > odds[~wild].max()
    heard, silent = find_spreads(np.full(400, 0.5), error, np.ones(400)), find_spreads(np.full(400, 0.5), error, odds)
    assert silent[0].above - silent[0].below > 1.3 * (heard[0].above - heard[0].below)
    assert silence(np.ones(3), 1.0).tolist() == [1, 1, 1]


def test_too_few_answers_are_refused() -> None:
    sheet, _ = survey("chance", 1, 100)
    with pytest.raises(BadRequest, match="answers to nps; fewer than 60 say nothing"):
        fit_mood(sheet, seed=0)
    old, _ = survey("chance", 1, 600)
    gone = Sheet(**{name: getattr(old, name) for name in old.__struct_fields__} | {"counted": ~old.answered})
    with pytest.raises(BadRequest, match="silence is on record"):
        fit_mood(gone, seed=0)


AT = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)


def invitation(number: int, score: float | None, scale: float = 5.0, **row: str | float) -> Invitation:
    return Invitation(
        customer=f"c{number % 70}",
        sent=AT + timedelta(days=number),
        row=dict(row),
        score=score,
        scale=scale,
        counted=True,
    )


def test_a_sheet_has_one_scale_and_only_columns_in_which_answers_differ() -> None:
    some = [invitation(n, float(n % 5 + 1), plan="dsl" if n % 2 else "fibre", language="de") for n in range(70)]
    some += [invitation(70, 8.0, 10.0, monthly=20.0), invitation(71, 11.0, 10.0), invitation(72, None, monthly=30.0)]
    sheet = make_sheet(some, "csat", "segment", ["first"])
    assert (sheet.lowest, sheet.scale, len(sheet.score)) == (1.0, 5.0, 72)
    assert sheet.score[70] == pytest.approx(1 + 7 / 9 * 4) and np.isnan(sheet.score[71])
    assert [column.name for column in sheet.columns] == ["language", "monthly", "plan"]
    assert sheet.notes == ("first", "1 answers lie outside of their scale and were left out")
    assert sheet.person[0] == sheet.person[70] != sheet.person[1]
    stars = make_sheet([invitation(n, float(n % 6)) for n in range(70)], "csat", "segment")
    assert stars.lowest == 0.0
    with pytest.raises(BadRequest, match="there are 2 answers to csat"):
        make_sheet(some[:2], "csat", "segment")


def write(folder: Path, lines: list[str]) -> Path:
    path = folder / "asked.csv"
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_a_table_says_who_answered_by_a_score_or_by_a_column(tmp_path: Path) -> None:
    lines = ["plan;months;answer;spoke"]
    lines += [f"{'ab'[n % 2]};{n};{n % 11 if n % 3 else ''};{'ja' if n % 4 else 'nein'}" for n in range(200)]
    path = write(tmp_path, [*lines, "a;5;99;ja"])
    sheet = read_sheet(path, score="answer", scale=10, bottom=0, metric="nps", group="plan")
    assert int(sheet.answered.sum()) == sum(n % 3 > 0 for n in range(200))
    assert {column.name for column in sheet.columns} >= {"plan", "months"} and sheet.group[:2] == ("a", "b")
    assert "1 scores in answer are no numbers from 0 to 10 and count as no answer" in sheet.notes
    said = read_sheet(path, score="answer", scale=10, bottom=0, metric="nps", responded="spoke")
    assert int(said.answered.sum()) == sum(n % 3 > 0 and n % 4 > 0 for n in range(200))
    assert "spoke" not in {column.name for column in said.columns}


def test_a_table_that_cannot_be_fitted_is_refused_in_plain_words(tmp_path: Path) -> None:
    path = write(tmp_path, ["plan;answer", *(f"{'ab'[n % 2]};{n % 90 + 10}" for n in range(200))])
    with pytest.raises(BadRequest, match="no column 'anser'; did you mean"):
        read_sheet(path, score="anser", scale=10, bottom=0, metric="nps")
    with pytest.raises(BadRequest, match="say which they are with --lowest and --scale"):
        read_sheet(path, score="answer", scale=10, bottom=0, metric="nps")
    few = write(tmp_path, ["plan;answer", *(f"{'ab'[n % 2]};{n % 10}" for n in range(20))])
    with pytest.raises(BadRequest, match="20 rows have an answer"):
        read_sheet(few, score="answer", scale=10, bottom=0, metric="nps")
    bare = write(tmp_path, ["plan;answer", *(f"a;{n % 10}" for n in range(100))])
    with pytest.raises(BadRequest, match="no column is left"):
        read_sheet(bare, score="answer", scale=10, bottom=0, metric="nps")
