"""`bridge automation effect`: what a comparison by lot tells, and that it tells nothing where nobody is held out."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

import pytest

from bridge.cli.effects import show_effect
from bridge.reports.automation_effect import AutomationEffect, Watched, weigh

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)


def effect_of(count: int, hold_out: float) -> AutomationEffect:
    dice = random.Random(7)
    watched = []
    for number in range(count):
        treated = dice.random() >= hold_out
        watched.append(
            Watched(
                customer=f"c{number}",
                version="a",
                hold_out=hold_out,
                treated=treated,
                stayed=dice.random() < (0.9 if treated else 0.6),
                bought=dice.random() < 0.3,
                satisfied=dice.random() < 0.1,
                cost_minor=200 if treated else 0,
                value_minor=5_000,
            )
        )
    since = NOW - timedelta(days=365)
    return weigh(
        "bad_nps", watched, since=since, made_at=NOW, horizon_days=90, open=3, hold_out=hold_out, currency="EUR"
    )


def test_who_was_compared_what_it_changed_and_what_it_costs_stand_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    show_effect(effect_of(2_000, 0.2))
    said = capsys.readouterr().out
    assert "bad_nps, set off since 2025-11-22, each customer watched for 90 days" in said and "3 not over yet" in said
    stay = next(line for line in said.splitlines() if line.startswith("stay"))
    assert stay.rstrip().endswith("helps") and "+" in stay and " to " in stay
    assert "may be chance" in next(line for line in said.splitlines() if line.startswith("buy"))
    assert "kept because of it" in said and "It pays." in said


def test_of_too_few_no_share_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show_effect(effect_of(12, 0.2))
    stay = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("stay"))
    assert stay.rstrip().endswith("too few") and "+" not in stay


def test_where_nobody_is_held_out_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    show_effect(effect_of(50, 0.0))
    said = capsys.readouterr().out
    assert "hold_out: 0.1" in said and "stay" not in said
