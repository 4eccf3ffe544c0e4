"""`bridge fit value` over the company's own purchases and contracts: found, judged, taken into use, taken back."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from bridge.cli import cli, main
from bridge.flow.models import in_use, read_fitted
from bridge.intake.records import Current
from bridge.model import Contract, ContractStatus, Money, Purchase, Record
from bridge.scoring import load_scoring
from bridge.scoring.worth import Worth, parse_worth
from bridge.settings import read_settings
from bridge.store import Store, Unit, micros, open_store

pytest.importorskip("numpy")

from tests.scoring.histories import LAST, contracts, purchases

run = CliRunner()
KNOWN = micros(datetime.combine(LAST, datetime.min.time(), timezone.utc))


def row(kind: str, number: int, subject: str, at: int, record: Record) -> dict[str, Any]:
    body = msgspec.json.encode(record, order="deterministic").decode()
    current = Current(
        source="crm",
        object=kind,
        source_id=f"{number:06}",
        ord="1",
        hash=f"0{number}",
        effective_at=at,
        known_at=KNOWN,
        subject=subject,
        body=body,
    )
    return msgspec.structs.asdict(current)


def rows() -> list[dict[str, Any]]:
    found = []
    for number, (name, day, amount) in enumerate(purchases(500)):
        at = datetime.combine(day, datetime.min.time(), timezone.utc).replace(hour=12)
        bought = Purchase(at=at, amount=Money(int(amount), "EUR"))
        found.append(row("purchase", number, f"email:{name}@example.org", micros(at), bought))
    for number, term in enumerate(contracts(2000)):
        signed = Contract(
            product=term.product,
            status=ContractStatus.ended if term.left else ContractStatus.active,
            starts=term.starts,
            ends=term.left,
            renewal=term.renewal,
        )
        found.append(row("contract", number, f"email:v{number}@example.org", KNOWN, signed))
    first = found[0]["subject"]
    found.append(row("contract", 999_999, first, KNOWN, Contract(starts=LAST, status=ContractStatus.active)))
    return found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('value') / 'bridge.db'}"

    async def fill() -> None:
        store = await open_store(url)
        unit = Unit()
        unit.many("records.put", rows())
        await store.write(unit)
        await store.close()

    asyncio.run(fill())
    return url


def worth_in_use(url: str) -> Worth | None:
    async def ask() -> Worth | None:
        store: Store = await open_store(url)
        try:
            model = await in_use(store, "value")
            card = load_scoring(read_settings().config_dir / "scoring.yaml")
            worth = (await read_fitted(store, card)).worth
            assert (model.version if model else None) == (worth.version if worth else None)
            return worth
        finally:
            await store.close()

    return asyncio.run(ask())


def test_a_model_is_tried_taken_into_use_kept_while_nothing_is_better_and_taken_back(
    filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", filled)
    words = ["fit", "value", "--discount-rate", "0.08"]
    wide = {"COLUMNS": "200"}
    kept = tmp_path / "worth.json"
    tried = run.invoke(cli, [*words, "--dry-run", "--json", "--model", str(kept)], catch_exceptions=False, env=wide)
    found = json.loads(tried.stdout)
    assert found["purchases"]["better"] and found["contracts"]["better"]
    assert found["purchases"]["said"]["history"]["error"] < found["purchases"]["said"]["card"]["error"]
    assert "nothing was changed" in tried.stderr
    assert worth_in_use(filled) is None

    taken = run.invoke(cli, words, catch_exceptions=False, env=wide)
    for said in (
        "the points card",
        "one rate of leaving for all",
        "Renewed every year",
        "Land",
        "Stadt",
        "still there",
    ):
        assert said in taken.stdout
    assert "purchases are of customers with a contract" in taken.stderr
    worth = worth_in_use(filled)
    assert worth is not None
    assert worth.version in taken.stderr
    assert worth.model == parse_worth(kept.read_bytes(), "kept")
    assert worth.model.discount_rate == 0.08

    again = run.invoke(cli, words, catch_exceptions=False, env=wide)
    assert "not taken into use" in again.stderr
    assert worth_in_use(filled) == worth

    back = run.invoke(cli, ["fit", "value", "--rollback"], catch_exceptions=False)
    assert "the points card's assumptions count again" in back.stderr
    assert worth_in_use(filled) is None
    assert parse_worth(kept.read_bytes(), "kept").contracts is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rollback"], "no value model is in use"),
        ([], "nobody without a contract has bought anything; contracts: there is no contract"),
        (["--transactions", "some.csv", "--model", "worth.json"], "is only judged; leave --model out"),
        (["--transactions", "some.csv", "--discount-rate", "0"], "is only judged; leave --discount-rate out"),
        (["--held-out-from", "2025-01-01"], "--held-out-from goes with --transactions"),
        (["--rollback", "--dry-run"], "leave --dry-run out"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", f"sqlite:///{tmp_path / 'bridge.db'}")
    monkeypatch.setattr("sys.argv", ["bridge", "fit", "value", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
