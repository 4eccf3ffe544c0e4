"""The people whose cards are looked at: one for each main situation, made up, as the vendor tells of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

Item = tuple[str, dict[str, Any]]

PHONES = {
    "risk": "+493023125101",
    "calm": "+493023125102",
    "deceased": "+493023125103",
    "objects": "+493023125104",
    "household": "+493023125105",
    "shared": "+493023125106",
    "unknown": "+493023125199",
}
"""Numbers that are kept free for films and books."""


def everybody(now: datetime) -> list[Item]:
    """All of them."""
    today = now.date()

    def ago(days: float) -> str:
        return (now - timedelta(days=days)).isoformat()

    def day(days: int) -> str:
        return (today + timedelta(days=days)).isoformat()

    def person(number: str, given: str, family: str, phone: str, **more: Any) -> Item:
        raw = {"id": number, "name": f"{given} {family}", "given_name": given, "family_name": family, "phones": [phone]}
        return "person", raw | {"language": "de", "since": day(-2000)} | more

    return [
        ("company", {"id": "f1", "name": "Albers Optik GmbH"}),
        ("company", {"id": "f2", "name": "Familie Yılmaz"}),
        person(
            "1",
            "Katrin",
            "Albers",
            PHONES["risk"],
            salutation="Frau",
            accounts=["f1"],
            job_title="Inhaberin",
            owner="Jana Brandt",
            preferred_channel="email",
            since="2019-03-01",
        ),
        contract("1", "1", "Business 1000", day(41), monthly="129.00", discount_ends=day(41), after="189.00"),
        (
            "case",
            {
                "id": "c1",
                "person": "1",
                "type": "complaint",
                "status": "open",
                "topic": "Vier Tage ohne Anschluss",
                "opened": ago(6),
            },
        ),
        (
            "answer",
            {
                "id": "a1",
                "person": "1",
                "metric": "nps",
                "answered": ago(4),
                "score": 3,
                "scale": 10,
                "comment": "Vier Tage ohne Anschluss",
            },
        ),
        person(
            "2",
            "Aylin",
            "Demir",
            PHONES["calm"],
            salutation="Frau",
            language="en",
            since="2016-09-01",
            needs="Hört schwer: langsam und deutlich sprechen",
        ),
        contract("2", "2", "DSL 100", day(300), monthly="34.90"),
        person("3", "Norbert", "Pohl", PHONES["deceased"], salutation="Herr", deceased=True),
        person("4", "Svenja", "Busch", PHONES["objects"], salutation="Frau", objects=True),
        person("5", "Elif", "Yılmaz", PHONES["household"], accounts=["f2"]),
        person("6", "Emre", "Yılmaz", PHONES["household"], accounts=["f2"]),
        person("7", "Uwe", "Thiel", PHONES["shared"]),
        person("8", "Ute", "Lorenz", PHONES["shared"]),
    ]


def contract(number: str, person: str, product: str, ends: str, **more: Any) -> Item:
    """A contract that runs."""
    raw = {"id": f"v{number}", "person": person, "product": product, "status": "active", "starts": "2019-03-01"}
    return "contract", raw | {"ends": ends} | more
