"""The vendor's export jobs: one is begun, asked for until it is ready, and read as a file.

https://api.qualtrics.com/u9e5lh4172v0v-survey-response-export-guide
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from bridge.adapter.client import Client
from bridge.adapter.paths import kind
from bridge.errors import VendorRefused, VendorRetryable

from .surveys import Survey

GONE = (404, 410)


class Job(Struct, frozen=True):
    """How far an export is: `file` once it is ready, with the `token` that continues it, or `failed` for good."""

    file: str = ""
    token: str = ""
    failed: bool = False


async def begin(client: Client, survey: Survey, span: dict[str, Any], last: str) -> str:
    """Have the responses of a span prepared; the id to ask with. `last` is the one before: an answer that comes from a
    cache, and not from the vendor, would name it again. In this format the vendor takes no choice of labels or zone."""
    form = {"format": "json", "compress": False, "sortByLastModifiedDate": True, **span}
    told = await ask(client, "POST", f"surveys/{survey.id}/export-responses", form)
    number = told.get("progressId")
    if not isinstance(number, str) or not number or number == last:
        raise VendorRetryable(client.source, f"the export of {survey.id} was begun without an id of its own")
    return number


async def progress(client: Client, survey: Survey, export: str) -> Job:
    """How far an export is. One that the vendor does not keep any more counts as failed."""
    try:
        told = await ask(client, "GET", f"surveys/{survey.id}/export-responses/{export}")
    except VendorRefused as problem:
        if problem.status not in GONE:
            raise
        return Job(failed=True)
    file, token = told.get("fileId"), told.get("continuationToken")
    if told.get("status") != "complete" or not isinstance(file, str):
        return Job(failed=told.get("status") == "failed")
    return Job(file=file, token=token if isinstance(token, str) else "")


async def rows(client: Client, survey: Survey, file: str) -> list[Any] | None:
    """The responses of an export; None where it holds more than is read of an answer."""
    try:
        data = (await client.call("GET", f"surveys/{survey.id}/export-responses/{file}/file")).data
    except VendorRefused as problem:
        if problem.status != 200:
            raise
        return None
    found = data.get("responses") if isinstance(data, dict) else None
    if not isinstance(found, list):
        raise VendorRetryable(client.source, f"the export of {survey.id} holds {kind(found)} instead of responses")
    return found


async def ask(client: Client, method: str, path: str, form: dict[str, Any] | None = None) -> dict[str, Any]:
    """The result inside the vendor's envelope."""
    data = (await client.call(method, path, json=form)).data
    result = data.get("result") if isinstance(data, dict) else None
    if not isinstance(result, dict):
        raise VendorRetryable(client.source, f"the answer holds {kind(result)} where its result belongs")
    return result
