"""What the description shows of the functions that serve the console; see `gateway.examples`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bridge.console import (
    automations,
    doubles,
    lessons,
    letters,
    loops,
    metrics,
    models,
    outbox,
    previews,
    runs,
    surveys,
    vocabulary,
)
from bridge.gateway.examples import Shown
from bridge.reports.metrics import Metrics

_LOOP: Final = {"id": "l_5f0c2a9be14d7a315f0c2a9b"}
_PROPOSAL: Final = {"id": "p_8d1519ec372b68cf"}
_RULE: Final = {"id": "bad_nps"}
_FORM: Final[dict[str, Any]] = {
    "id": "sorry",
    "title": {"de": "Entschuldigen", "en": "Apologise"},
    "when": {"fact": "survey.answered", "where": {"fact.metric": "nps", "fact.score": {"at_most": 6}}},
    "purpose": "service",
    "do": [{"send_email": {"message": "apology", "apology": True}}],
}

SHOWN: Final[dict[Callable[..., Any], Shown]] = {
    loops.show: Shown(path=_LOOP),
    loops.assign: Shown(path=_LOOP, body={"owner": "team"}),
    loops.note: Shown(path=_LOOP, body={"text": "The second bill was a mistake of ours", "cause": "billing"}),
    loops.reply: Shown(path=_LOOP, body={"text": "Apologised on the phone, asked for the bill", "waits": True}),
    loops.snooze: Shown(path=_LOOP, body={"until": "2026-12-01T09:00:00+01:00", "text": "waits for photographs"}),
    loops.close: Shown(path=_LOOP, body={"done": "Credited the second bill", "cause": "billing"}),
    loops.reopen: Shown(path=_LOOP, body={"text": "billed twice again"}),
    lessons.listing: Shown(query={"words": "bill moving"}),
    lessons.add: Shown(body={"cause": "billing", "text": "Whoever moves is billed twice", "changed": "Checked"}),
    metrics.show: Shown(
        shape=Metrics,
        answer_types=("application/json", "text/csv; charset=utf-8"),
        query={"since": "2026-01", "by": "segment"},
    ),
    automations.show: Shown(path=_RULE),
    automations.save: Shown(path=_RULE, body={"automation": _FORM, "version": "5d1c07e2b94fa836"}),
    automations.remove: Shown(path=_RULE),
    automations.switch: Shown(path=_RULE, body={"mode": "on", "roll_out": 0.1}),
    automations.roll_back: Shown(path=_RULE, body={"version": "5d1c07e2b94fa836"}),
    runs.runs: Shown(path=_RULE, query={"limit": "20"}),
    vocabulary.message_preview: Shown(body={"message": "apology", "fact": "survey.answered"}),
    previews.show: Shown(body={"automation": _FORM, "days": 90}),
    previews.effect: Shown(path=_RULE),
    surveys.show: Shown(path={"id": "nps"}),
    surveys.switch: Shown(path={"id": "nps", "mode": "dry"}),
    doubles.listing: Shown(query={"state": "open", "limit": "20"}),
    doubles.merge: Shown(path=_PROPOSAL, body={"reason": "same person, said so on the phone"}),
    doubles.refuse: Shown(path=_PROPOSAL, body={"reason": "father and son"}),
    doubles.reopen: Shown(path=_PROPOSAL),
    doubles.merges: Shown(query={"limit": "20"}),
    outbox.listing: Shown(query={"state": "uncertain"}),
    outbox.settle: Shown(path={"id": "42"}, body={"was_done": True}, answer={"id": 42, "state": "sent"}),
    outbox.retry_all: Shown(body={"source": "mail"}, answer={"retried": 41}),
    outbox.retry: Shown(path={"id": "42"}, answer={"id": 42, "state": "due"}),
    letters.listing: Shown(query={"source": "crm"}),
    letters.kinds: Shown(query={"state": "dead"}),
    letters.show: Shown(path={"id": "42"}),
    letters.replay_many: Shown(body={"source": "crm"}, answer={"replayed": 3}),
    letters.replay_one: Shown(path={"id": "42"}, answer={"replayed": 1}),
    letters.discard_kind: Shown(
        body={"source": "crm", "object": "row", "reason": "the row has 7 values", "because": "test rows of the vendor"},
        answer={"discarded": 3},
    ),
    letters.discard_one: Shown(
        path={"id": "42"}, body={"because": "a test row of the vendor"}, answer={"discarded": 1}
    ),
    models.show: Shown(path={"kind": "risk", "version": "5d1c07e2b94fa836"}),
    models.roll_back: Shown(
        path={"kind": "risk"}, body={"version": "5d1c07e2b94fa836", "reason": "says too little since the price rise"}
    ),
}
