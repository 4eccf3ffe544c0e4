"""Qualtrics: NPS, CSAT, CES and exit surveys, and invitations to them. See README.md for what an operator does."""

from __future__ import annotations

import math
import re
from datetime import datetime

from bridge.adapter.actions import InviteSurvey
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Opened, Page, Receipt, Refetch, Reply, Request
from bridge.adapter.manifest import Manifest
from bridge.adapter.mapping import Mapping
from bridge.adapter.source import Source
from bridge.errors import MappingError, NotAuthentic, VendorRefused, VendorRetryable
from bridge.model import Entry

from .exports import Exports
from .invitations import check_invitation, invite
from .notices import RESPONSE, completed, verify_form
from .records import Records
from .surveys import read_surveys

_NOTICE = "completed_response"
_OK = Reply(status=200)


class QualtricsAdapter(Adapter):
    """Some surveys of one Qualtrics account."""

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        super().__init__(source, manifest, mapping)
        self._surveys = read_surveys(source, mapping.objects)
        unfinished = source.setting("unfinished", "ignore").strip().lower()
        if unfinished not in ("ignore", "unanswered"):
            raise self.source.wrong("unfinished", "is neither ignore nor unanswered")
        system = source.setting("crm_system", "crm").strip().lower()
        if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", system):
            raise self.source.wrong("crm_system", "is no name of a system, such as crm")
        check_invitation(source)
        self._records = Records(
            source, mapping, surveys=self._surveys, system=system, unanswered=unfinished == "unanswered"
        )
        self._exports = Exports(source.name, self._records, first=self.source.since(), wait=self._wait())

    def verify(self, request: Request, now: datetime) -> None:
        keys = self.source.secrets("webhook_key")
        if not keys:
            raise NotAuthentic(f"{self.source.name}: the setting webhook_key is empty, so nothing can be checked")
        try:
            verify_form(request.body, keys)
        except NotAuthentic as reason:
            raise NotAuthentic(f"{self.source.name}: {reason}") from None

    def open(self, request: Request) -> Opened:
        """The hint that a response of one of the configured surveys is there. Other events are counted and left."""
        message, survey, response = completed(request.body)
        if survey not in self._surveys or not response:
            return Opened(ignored=1, reply=_OK)
        return Opened(items=(Item(object=_NOTICE, raw=message),), reply=_OK)

    def read(self, item: Item) -> list[Entry | Refetch]:
        if item.object != _NOTICE:
            return [*self._records.read(item)]
        survey, response = item.raw.get("SurveyID"), item.raw.get("ResponseID")
        known = isinstance(survey, str) and survey in self._surveys
        if not known or not isinstance(response, str) or not RESPONSE.fullmatch(response):
            raise MappingError("qualtrics", "ResponseID", "names no response of a configured survey")
        return [Refetch(object="response", id=f"{survey}/{response}")]

    async def fetch(self, client: Client, wanted: Refetch) -> list[Item]:
        """The response. The event can be ahead of it: one that is not there yet is worth asking for again."""
        number, _, response = wanted.id.partition("/")
        survey = self._surveys.get(number)
        if survey is None:
            raise VendorRefused(self.source.name, f"cannot fetch {wanted.object}: its survey is not configured")
        try:
            data = (await client.call("GET", f"surveys/{survey.id}/responses/{response}")).data
        except VendorRefused as problem:
            if problem.status != 404:
                raise
            raise VendorRetryable(self.source.name, "the response is not there yet", status=404) from None
        result = data.get("result") if isinstance(data, dict) else None
        if not isinstance(result, dict):
            raise VendorRetryable(self.source.name, "the answer holds no response")
        return self._records.items(survey, result)

    def streams(self) -> tuple[str, ...]:
        """The ids of the surveys."""
        return tuple(self._surveys)

    async def page(self, client: Client, stream: str, cursor: str, now: datetime) -> Page:
        survey = self._surveys.get(stream)
        if survey is None:
            raise VendorRefused(self.source.name, f"has no stream {stream}")
        return await self._exports.page(client, survey, cursor, now)

    async def headers(self, client: Client, *, renew: bool) -> dict[str, str]:
        return {"x-api-token": self.source.setting("token")}

    async def invite_survey(self, client: Client, args: InviteSurvey, key: str) -> Receipt:
        """Invite to one of the configured surveys: the answers to another would never be read."""
        if args.survey not in self._surveys:
            raise VendorRefused(self.source.name, "invite_survey: the survey is none of the setting surveys")
        return await invite(client, self.source, args, key)

    def _wait(self) -> float:
        try:
            wait = float(self.source.setting("poll_seconds", "1"))
        except ValueError:
            wait = -1.0
        if not (math.isfinite(wait) and wait >= 0):
            raise self.source.wrong("poll_seconds", "is no number of seconds, such as 1")
        return wait
