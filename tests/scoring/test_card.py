"""`config/scoring.yaml`: what it says is used, what it cannot mean is refused with file, path and the nearest name."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.adapter.yamlfile import read_yaml
from bridge.errors import ConfigError
from bridge.scoring import load_scoring
from bridge.scoring.result import Band, Signal
from bridge.scoring.risk import score_risk
from bridge.scoring.signals import SIGNS
from tests.scoring.views import CONFIG, TODAY

Change = Callable[[dict[str, Any]], Any]


def written(folder: Path, change: Change = lambda data: None) -> Path:
    data = read_yaml(CONFIG / "scoring.yaml")
    change(data)
    path = folder / "scoring.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    return path


def test_the_shipped_card_knows_every_signal() -> None:
    card = load_scoring(CONFIG / "scoring.yaml")
    assert set(card.codes) == set(SIGNS)
    assert set(card.words) == set(SIGNS)
    assert set(card.model.shares) == {(code, band) for code, sign in SIGNS.items() for band in sign.bands}


def test_stronger_bands_have_more_points() -> None:
    card = load_scoring(CONFIG / "scoring.yaml")
    for code, sign in SIGNS.items():
        shares = [card.model.shares[code, band] for band in sign.bands]
        assert [abs(share) for share in shares] == sorted((abs(share) for share in shares), reverse=True)
        assert len({share > 0 for share in shares}) == 1


def test_points_that_double_the_odds_double_the_odds() -> None:
    card = load_scoring(CONFIG / "scoring.yaml")
    (reason,) = score_risk(card, [Signal(code="complaint", band="open", facts={"date": TODAY})]).reasons
    assert reason.points == pytest.approx(card.file.signals["complaint"].bands["open"])
    assert reason.log_odds == pytest.approx(reason.points / card.file.points_to_double_odds * log(2))
    assert reason.log_odds == card.model.shares["complaint", "open"]


def test_the_version_changes_with_the_card_and_with_nothing_else(tmp_path: Path) -> None:
    shipped = load_scoring(CONFIG / "scoring.yaml").version
    assert load_scoring(written(tmp_path)).version == shipped
    assert load_scoring(written(tmp_path, lambda data: data.update(base_probability=0.07))).version != shipped


def test_a_signal_that_is_not_on_the_card_is_neither_read_nor_a_reason(tmp_path: Path) -> None:
    card = load_scoring(written(tmp_path, lambda data: data["signals"].pop("complaint")))
    assert "complaint" not in card.codes
    risk = score_risk(card, [Signal(code="complaint", band="open", facts={"date": TODAY})])
    assert risk.reasons == ()
    assert risk.probability == pytest.approx(card.file.base_probability)


def test_a_band_of_zero_points_is_no_reason(tmp_path: Path) -> None:
    card = load_scoring(written(tmp_path, lambda data: data["signals"]["complaint"]["bands"].update(d90=0)))
    assert score_risk(card, [Signal(code="complaint", band="d90", facts={"date": TODAY})]).reasons == ()


def test_every_band_of_risk_is_reached_by_the_limits_of_the_card(tmp_path: Path) -> None:
    for base, band in ((0.1, Band.low), (0.15, Band.medium), (0.35, Band.high), (0.6, Band.critical)):
        path = written(tmp_path, lambda data, base=base: data.update(base_probability=base + 1e-12))  # type: ignore[misc]  # a default binds the loop's value
        assert score_risk(load_scoring(path), []).band is band


@pytest.mark.parametrize(
    ("change", "place", "what"),
    [
        (
            lambda d: d["signals"].update(complant=d["signals"]["complaint"]),
            "signals.complant",
            "did you mean complaint?",
        ),
        (
            lambda d: d["signals"]["complaint"]["bands"].update(d31=4),
            "signals.complaint.bands.d31",
            "did you mean d30?",
        ),
        (lambda d: d["signals"]["complaint"]["bands"].pop("d90"), "signals.complaint.bands", "lacks d90"),
        (
            lambda d: d["signals"]["complaint"]["bands"].update(d30="x"),
            "signals.complaint.bands.d30",
            "Expected `float`",
        ),
        (lambda d: d["signals"]["complaint"]["text"].pop("en"), "signals.complaint.text.en", "the text is missing"),
        (lambda d: d["signals"]["complaint"]["text"].update(fr="x"), "signals.complaint.text.fr", "no such language"),
        (lambda d: d["signals"]["complaint"].pop("lower"), "signals.complaint.lower.de", "the text is missing"),
        (
            lambda d: d["signals"]["complaint"]["text"].update(de="{dat}"),
            "signals.complaint.text.de",
            "did you mean date?",
        ),
        (
            lambda d: d["signals"]["complaint"]["text"].update(de="{date:>9}"),
            "signals.complaint.text.de",
            "no placeholder",
        ),
        (lambda d: d["signals"]["complaint"]["text"].update(de="{"), "signals.complaint.text.de", "Single '{'"),
        (
            lambda d: d["signals"]["complaint"]["text"].update(de="x" * 121),
            "signals.complaint.text.de",
            "longer than 120",
        ),
        (lambda d: d["signals"]["complaint"]["text"].update(de=[]), "signals.complaint.text.de", "the text is missing"),
        (
            lambda d: d["signals"]["contract_ending"]["text"].update(de="{product} endet"),
            "signals.contract_ending.text.de",
            "add a last alternative without {product}",
        ),
        (lambda d: d.update(base_probabilty=0.1), "base_probabilty", "did you mean 'base_probability'?"),
        (lambda d: d.update(base_probability=1.0), "base_probability", "Expected `float` < 1.0"),
        (lambda d: d["bands"].update(high=0.7), "bands.critical", "has to be above high"),
        (lambda d: d["value"]["limits"].update(silver=600), "value.limits.gold", "has to be above silver"),
        (lambda d: d["value"]["shares"].update(silver=0.9), "value.shares", "add up to more than 1"),
        (lambda d: d["value"].update(currency="Euro"), "value.currency", "Expected `str` matching"),
        (lambda d: d.update(time_zone="Berlin"), "time_zone", "write one as Europe/Berlin"),
        (lambda d: d["phrases"].update(mooving={}), "phrases.mooving", "did you mean moving?"),
        (lambda d: d["subjects"].update(bill={}), "subjects.bill", "did you mean billing?"),
        (lambda d: d["titles"].update(boss={}), "titles.boss", "no such name"),
        (lambda d: d.update(competitors=["*"]), "competitors", "would match everything"),
        (lambda d: d["phrases"]["moving"].update(de=[".. um"]), "phrases.moving", "stands between two words"),
        (lambda d: d["phrases"]["cancellation"].update(fr=["x"]), "phrases.cancellation.fr", "no such language"),
        (lambda d: d["phrases"]["cancellation"].update(de=["*"]), "phrases.cancellation", "would match everything"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_file_path_and_the_nearest_name(
    tmp_path: Path, change: Change, place: str, what: str
) -> None:
    path = written(tmp_path, change)
    with pytest.raises(ConfigError) as caught:
        load_scoring(path)
    assert str(caught.value).startswith(f"{path}: {place}: ")
    assert what in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_scoring(tmp_path / "scoring.yaml")
