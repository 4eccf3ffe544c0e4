"""What a client recorded of surveys goes through the adapter: the start of the past, and every column it could name."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.adapters.qualtrics_account import NOW, client, make, response, said

SETS = ["qualtRics-fixtures"]


def _recorded(folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Of each recorded call what it asked for, of which survey, and the result."""
    for path in sorted(folder.rglob("*.yml")):
        for call in yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)["http_interactions"]:  # noqa: S506 texts only
            found = re.search(r"/API/v3/([a-z-]+)/(SV_[A-Za-z0-9]+)", call["request"]["uri"])
            assert found is not None
            yield found[1], found[2], json.loads(call["response"]["body"]["string"])["result"]


@pytest.mark.parametrize("name", SETS)
async def test_recorded_surveys_are_read_from_when_they_were_made_and_whatever_they_ask(
    name: str, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared / "recorded" / "qualtrics" / name
    if not folder.is_dir():
        pytest.skip(f"no recordings in recorded/qualtrics/{name} beside the checkout")
    calls = list(_recorded(folder))
    outcomes: Counter[str] = Counter()
    for kind, survey, result in calls:
        if kind == "survey-definitions":  # not asked for: what a scale goes to stands in each response
            outcomes["not asked for"] += 1
            continue
        await _begins_where_it_was_made(survey, result)
        outcomes["survey"] += 1
        for column in _columns(result):
            outcomes[_read_column(survey, column)] += 1
    assert outcomes["survey"] + outcomes["not asked for"] == len(calls)
    assert outcomes["survey"] > 0
    assert outcomes["column"] > 0
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: {dict(outcomes)}\n")


async def _begins_where_it_was_made(survey: str, result: dict[str, Any]) -> None:
    adapter = make(surveys=[f"{survey}=nps:QID1"])
    asked: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            asked.append(json.loads(request.content))
            return httpx.Response(200, json={"result": {"progressId": f"ES_{len(asked)}", "status": "inProgress"}})
        if request.url.path.endswith("/file"):
            return httpx.Response(200, json={"responses": []})
        done = {"status": "complete", "fileId": "a-file", "continuationToken": "a-token"}
        return httpx.Response(200, json={"result": result if request.url.path.endswith(survey) else done})

    opened, cursor = client(adapter, answer), ""
    while len(asked) < 2:
        cursor = (await adapter.page(opened, survey, cursor, NOW)).cursor
    assert datetime.fromisoformat(asked[1]["startDate"]) == datetime.fromisoformat(result["creationDate"])


def _columns(result: dict[str, Any]) -> list[str]:
    """The names of all values that a response to the survey can have."""
    embedded = [str(one["name"]) for one in result.get("embeddedData", []) if " " not in str(one.get("name", " "))]
    return [*result["questions"], *(f"{question}_TEXT" for question in result["questions"]), *embedded]


def _read_column(survey: str, column: str) -> str:
    adapter = make(surveys=[f"{survey}=csat:{column} comment:{column}"])
    told = response(labels={column: "Drei"}, offered={column: [1, 2, 3]})
    told["values"][column] = 3
    [entry] = said(told, adapter, "csat", survey)
    assert (entry.body["score"], entry.body["scale"], entry.body["comment"]) == (3.0, 3.0, "Drei")
    return "column"
