"""Lines of Asterisk's files as items: call records (cdr_csv, cdr_custom) and the log of the queues.

https://docs.asterisk.org/Configuration/Reporting/Call-Detail-Records-CDR/, …/Configuration/Applications/Queue-Logs/
"""

from __future__ import annotations

import csv
import re
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Any

from bridge.adapter.delivery import Item

from .calls import OURS, Trunks, began, customer, known, menu_path, person
from .logs import Line

_RECORD = (
    "accountcode src dst dcontext clid channel dstchannel lastapp lastdata start answer end duration billsec "
    "disposition amaflags"
).split()
_NEW = ["peeraccount", "linkedid", "sequence"]
_COLUMNS = {
    len(names): names
    for names in (
        [*_RECORD, "uniqueid"],
        [*_RECORD, "uniqueid", "userfield"],
        [*_RECORD, "uniqueid", *_NEW],
        [*_RECORD, "uniqueid", "userfield", *_NEW],
    )
}
"""What cdr_csv writes, by how many values there are: a column more for each of its switches."""
_UNIQUE = re.compile(r".*[0-9]+\.[0-9]+.*")
_MENU = re.compile(r"(?:^|[;&\s])menu=([^;&\s]*)")

_QUEUE_LOG = ("at", "call", "queue", "agent", "event")
_EVENTS = frozenset(
    "ENTERQUEUE CONNECT ABANDON COMPLETEAGENT COMPLETECALLER EXITWITHTIMEOUT EXITWITHKEY EXITEMPTY".split()
)
"""Events of a caller. The others are about employees (who logged in, paused, let it ring) and are not read."""
_WAIT = {
    **dict.fromkeys(("CONNECT", "COMPLETEAGENT", "COMPLETECALLER"), "data1"),
    **dict.fromkeys(("ABANDON", "EXITWITHTIMEOUT", "EXITEMPTY"), "data3"),
    "EXITWITHKEY": "data4",
}
"""Where an event says how many seconds the caller had waited."""


class Records:
    """Reads call records.

    `columns` are their names where cdr_custom writes them, `numbers` our own numbers as patterns, `prefix` is dialled
    for an outside line. Who took a call out of a queue is read with `name_agents`.
    """

    def __init__(
        self, trunks: Trunks, columns: list[str], numbers: tuple[str, ...], prefix: str, *, name_agents: bool
    ) -> None:
        self._trunks = trunks
        self._columns = columns
        self._numbers = numbers
        self._prefix = prefix
        self._name_agents = name_agents

    def call(self, line: Line) -> str:
        """Which call a line is about; "" where it does not say."""
        row = self._row(line.text)
        return (row.get("linkedid") or row.get("uniqueid") or "") if row else ""

    def item(self, line: Line) -> Item | None:
        """The item of one line; None for a call among employees, of which nothing is kept."""
        row = self._row(line.text)
        if row is None:
            return _dead("cdr", line, "has another number of values than cdr_csv writes: see loguniqueid in README.md")
        call = row.get("linkedid") or row.get("uniqueid") or ""
        if not call.startswith(OURS) and not _UNIQUE.fullmatch(call):
            return _dead("cdr", line, "names no uniqueid: set loguniqueid=yes in cdr.conf")
        side = self._side(row, call)
        if not side:
            return None
        menu = _MENU.search(row.get("userfield", ""))
        bridge = known(
            call=call,
            started=began(call) or row["start"],
            queue=row.get("lastdata", "").partition(",")[0] if row.get("lastapp") == "Queue" else None,
            menu_path=menu_path(menu[1]) if menu else None,
            **side,
        )
        return _item("cdr", line, {**row, "bridge": bridge})

    def _row(self, text: str) -> dict[str, str] | None:
        try:
            values = next(csv.reader([text], strict=True), [])
        except csv.Error:
            return None
        columns = self._columns or _COLUMNS.get(len(values), [])
        return dict(zip(columns, values, strict=True)) if len(columns) == len(values) else None

    def _side(self, row: dict[str, str], call: str) -> dict[str, Any]:
        """Who was outside, and what became of it; nothing for calls among employees."""
        answered, other = row["disposition"] == "ANSWERED", row["dstchannel"]
        missed = "missed" if row["disposition"] == "NO ANSWER" else None
        ended = None if answered else row["disposition"].replace(" ", "-").lower()
        if call.startswith(OURS) and other and other not in self._trunks:
            return {"agent": person(other)} if answered else {}
        if row["channel"] in self._trunks and not call.startswith(OURS):
            waiting = row.get("lastapp") == "Queue" and not other
            spoke = answered and bool(other)
            message = "message" if row.get("lastapp") == "VoiceMail" else missed
            return {
                "direction": "inbound",
                "customer": customer(row.get("src")),
                "ours": row.get("dst") if self._is_ours(row.get("dst", "")) else None,
                "agent": person(other) if spoke and self._names_agent(row) else None,
                "outcome": "abandoned" if waiting else "spoke" if spoke else message,
                "disposition": ended,
            }
        if other in self._trunks:
            return {
                "direction": "outbound",
                "customer": customer(row.get("dst", "").removeprefix(self._prefix)),
                "agent": None if call.startswith(OURS) else person(row["channel"]),
                "outcome": "spoke" if answered else missed,
                "disposition": ended,
            }
        return {}

    def _names_agent(self, row: dict[str, str]) -> bool:
        """The log of the queues knows an employee's name; call records only know the phone."""
        return row["dstchannel"] not in self._trunks and (self._name_agents or row.get("lastapp") != "Queue")

    def _is_ours(self, number: str) -> bool:
        return any(fnmatchcase(number, pattern) for pattern in self._numbers)


def queue_item(line: Line) -> Item | None:
    """The item of one line of the queues' log; None for what is not about a caller."""
    parts = line.text.split("|")
    if len(parts) < len(_QUEUE_LOG):
        return _dead("queue_event", line, "has too few parts for a line of the queues' log")
    row = dict(zip(_QUEUE_LOG, parts, strict=False)) | {
        f"data{place}": value for place, value in enumerate(parts[len(_QUEUE_LOG) :], 1)
    }
    event = row["event"]
    if event not in _EVENTS or row["call"].startswith(OURS):
        return None
    bridge = known(
        customer=customer(row.get("data2")) if event == "ENTERQUEUE" else None,
        agent=person(row["agent"]) if row["agent"] != "NONE" else None,
        wait=row.get(_WAIT.get(event, "")),
        state="connected" if event == "CONNECT" else None,
        outcome="abandoned" if event == "ABANDON" else None,
    )
    return _item("queue_event", line, {**row, "bridge": bridge})


def _item(what: str, line: Line, raw: dict[str, Any]) -> Item:
    return Item(object=what, raw=raw, dedupe=_digest(line), patch=True, place=line.name)


def _dead(what: str, line: Line, problem: str) -> Item:
    """Nothing is kept of a line that cannot be read: anything may stand anywhere in it."""
    return Item(object=what, raw={}, dedupe=_digest(line), place=line.name, problem=problem)


def _digest(line: Line) -> str:
    return blake2b(line.text.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
