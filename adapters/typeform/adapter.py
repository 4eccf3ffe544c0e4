"""Typeform: NPS, CSAT, CES and exit surveys. See README.md for what an operator does."""

from __future__ import annotations

import math
import re
from datetime import datetime

from bridge.adapter.base import Adapter, json_body
from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Opened, Page, Refetch, Reply, Request
from bridge.adapter.manifest import Manifest
from bridge.adapter.mapping import Mapping
from bridge.adapter.source import Source
from bridge.errors import BadRequest, VendorRefused
from bridge.model import Entry

from .answers import is_unfinished
from .forms import read_forms
from .records import Records
from .responses import Pace, Responses

_OK = Reply(status=200)
"""404 and 410 would switch the webhook off at Typeform, and some others are sent again for hours."""


class TypeformAdapter(Adapter):
    """Some forms of one Typeform account."""

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        super().__init__(source, manifest, mapping)
        self._forms = read_forms(source, mapping.objects)
        self._unfinished = source.setting("unfinished", "ignore").strip().lower()
        if self._unfinished not in ("ignore", "unanswered"):
            raise self.source.wrong("unfinished", "is neither ignore nor unanswered")
        system = source.setting("crm_system", "crm").strip().lower()
        if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", system):
            raise self.source.wrong("crm_system", "is no name of a system, such as crm")
        self._records = Records(
            source, mapping, forms=self._forms, system=system, unfinished=self._unfinished == "unanswered"
        )
        self._responses = Responses(source.name, first=self.source.since(), pace=Pace(1 / self._rate()))

    def open(self, request: Request) -> Opened:
        """The answers in a delivery, one item for each metric of its form. Other events, and forms that are not among
        the configured ones, are counted and left alone."""
        body = json_body(request)
        response = body.get("form_response")
        if not isinstance(response, dict) or not isinstance(body.get("event_type"), str):
            raise BadRequest("not a webhook of Typeform's: event_type and form_response are missing")
        number = response.get("form_id")
        form = self._forms.get(number) if isinstance(number, str) else None
        ours = body["event_type"] in ("form_response", "form_response_partial")
        if form is None or not ours or (self._unfinished == "ignore" and is_unfinished(body, response)):
            return Opened(ignored=1, reply=_OK)
        event = body.get("event_id")
        dedupe = event if isinstance(event, str) else ""
        items = tuple(Item(object=metric, raw=body, dedupe=dedupe) for metric in form.metrics)
        return Opened(items=items, reply=_OK)

    def read(self, item: Item) -> list[Entry | Refetch]:
        return self._records.read(item)

    def streams(self) -> tuple[str, ...]:
        """The ids of the forms."""
        return tuple(self._forms)

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        form = self._forms.get(stream)
        if form is None:
            raise VendorRefused(self.source.name, f"has no stream {stream}")
        return await self._responses.page(client, form, cursor, now)

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        return {"authorization": f"Bearer {self.source.setting('token')}"}

    def _rate(self) -> float:
        try:
            rate = float(self.source.setting("requests_per_second", "2"))
        except ValueError:
            rate = 0.0
        if not (math.isfinite(rate) and rate > 0):
            raise self.source.wrong("requests_per_second", "is no number of requests, such as 2")
        return rate
