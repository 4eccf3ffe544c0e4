"""What the bridge does at Salesforce: notes and tasks on the customer's activity timeline, and deletion.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_task.htm
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from bridge.adapter.actions import AddNote, CreateTask, Erase, ScheduleCallback
from bridge.adapter.client import Answer, Client
from bridge.adapter.delivery import Receipt
from bridge.adapter.source import Source
from bridge.errors import VendorRefused, VendorRetryable

from .ids import ACCOUNT, CASE, CONTACT, USERS_AND_QUEUES, full_id
from .queries import instant

_COMMENT_BYTES = 4000
_SUBJECT = 255
_WORDS = {
    "de": {"call": "Rückruf", "at": "Rückruf am {at}, {phone}", "note": "Notiz", "key": "Vorgang"},
    "en": {"call": "Call back", "at": "Call back on {at}, {phone}", "note": "Note", "key": "Reference"},
}


class Writes:
    """Writes of one source. With a `key_field` Salesforce itself sees to it that no task is created twice."""

    def __init__(self, source: Source, root: str, *, key_field: str, done: str) -> None:
        self._source = source
        self._root = root
        self._key_field = key_field
        self._done = done
        self._words = _WORDS["de" if source.language == "de" else "en"]

    async def add_note(self, client: Client, args: AddNote, key: str) -> Receipt:
        """An internal comment on the case, else a finished task on the contact's timeline."""
        text = self._signed(args.text, key)
        if not args.ticket:
            if not args.customer:
                raise VendorRefused(self._source.name, "add_note: name a customer or a ticket")
            return await self._task(client, self._note(args.text, text, WhoId=self._contact(args.customer)), key)
        case = self._id(args.ticket, CASE, "ticket")
        if len(text.encode()) > _COMMENT_BYTES:  # longer than a comment may be
            return await self._task(client, self._note(args.text, text, WhatId=case), key)
        comment = {"ParentId": case, "CommentBody": text, "IsPublished": False}
        return self._receipt(await self._send(client, "POST", "sobjects/CaseComment", comment, key))

    async def create_task(self, client: Client, args: CreateTask, key: str) -> Receipt:
        """An open task, on the contact's timeline where one is named."""
        text = "\n".join(line for line in (args.text, args.name, args.phone) if line)
        task: dict[str, Any] = {"Subject": args.subject, "Description": self._signed(text, key)}
        if args.customer:
            task["WhoId"] = self._contact(args.customer)
        if args.due:
            task["ActivityDate"] = args.due.isoformat()
        return await self._task(client, task | self._owner(args.owner, "owner"), key)

    async def schedule_callback(self, client: Client, args: ScheduleCallback, key: str) -> Receipt:
        """A task to call, due that day, of which its owner is reminded at the time."""
        local = args.at.astimezone(self._source.zone)
        line = self._words["at"].format(at=_written(local, self._source.language), phone=args.phone)
        task: dict[str, Any] = {
            "Subject": f"{self._words['call']}: {args.name or args.phone}"[:_SUBJECT],
            "Description": self._signed("\n".join(one for one in (line, args.reason) if one), key),
            "TaskSubtype": "Call",
            "Priority": "High",
            "ActivityDate": local.date().isoformat(),
            "IsReminderSet": True,
            "ReminderDateTime": instant(args.at),
        }
        if args.customer:
            task["WhoId"] = self._contact(args.customer)
        return await self._task(client, task | self._owner(args.queue, "queue"), key)

    async def erase(self, client: Client, args: Erase, key: str) -> Receipt:
        """Delete the contact; of a person account, whose contact cannot be deleted by itself, the account.

        What is gone already counts as done.
        """
        number = self._contact(args.customer)
        try:
            await self._delete(client, "Contact", number, key)
        except VendorRefused as problem:
            account = await self._person_account(client, number) if problem.status in (400, 403) else ""
            if not account:
                raise
            await self._delete(client, "Account", account, key)
        return Receipt(reference=number)

    async def _delete(self, client: Client, object: str, number: str, key: str) -> None:
        try:
            await client.call("DELETE", f"{self._root}sobjects/{object}/{number}", headers={"idempotency-key": key})
        except VendorRefused as problem:
            if problem.status not in (404, 410):
                raise

    async def _person_account(self, client: Client, contact: str) -> str:
        """The id of the account that is this person; "" where there is none, or no such thing in the org."""
        try:
            params = {"fields": "IsPersonAccount,AccountId"}
            answer = await client.call("GET", f"{self._root}sobjects/Contact/{contact}", params=params)
        except VendorRefused:
            return ""
        row = answer.data if isinstance(answer.data, dict) else {}
        account = row.get("AccountId")
        if row.get("IsPersonAccount") is not True or not isinstance(account, str):
            return ""
        return self._id(account, ACCOUNT, "account")

    async def _task(self, client: Client, task: dict[str, Any], key: str) -> Receipt:
        if self._key_field:
            path = f"sobjects/Task/{self._key_field}/{quote(key, safe='')}"
            return self._receipt(await self._send(client, "PATCH", path, task, key))
        return self._receipt(await self._send(client, "POST", "sobjects/Task", task, key))

    async def _send(self, client: Client, method: str, path: str, body: dict[str, Any], key: str) -> Answer:
        return await client.call(method, self._root + path, json=body, headers={"idempotency-key": key})

    def _receipt(self, answer: Answer) -> Receipt:
        """An upsert that met what is there already may be answered without a body."""
        if answer.status == 204:
            return Receipt()
        number = answer.data.get("id") if isinstance(answer.data, dict) else None
        if not isinstance(number, str) or not number:
            raise VendorRetryable(self._source.name, "a record was written, but the answer does not say which")
        return Receipt(reference=number)

    def _note(self, text: str, signed: str, **about: str) -> dict[str, Any]:
        subject = f"{self._words['note']}: {text.strip().partition(chr(10))[0].strip()}"
        return {"Subject": subject[:_SUBJECT], "Description": signed, "Status": self._done} | about

    def _signed(self, text: str, key: str) -> str:
        """The text with the key below, by which a person can tell that it was done."""
        return f"{text}\n\nRetention Bridge · {self._words['key']} {key}".strip()

    def _owner(self, owner: str, argument: str) -> dict[str, str]:
        if not owner:
            return {}
        number = full_id(owner)
        if number is None or not number.startswith(USERS_AND_QUEUES):
            raise VendorRefused(self._source.name, f"{argument} is no id of a user or queue")
        return {"OwnerId": number}

    def _contact(self, customer: str) -> str:
        return self._id(customer, CONTACT, "customer")

    def _id(self, text: str, prefix: str, argument: str) -> str:
        number = full_id(text)
        if number is None or not number.startswith(prefix):
            raise VendorRefused(self._source.name, f"{argument} is no id of such a record (they begin with {prefix})")
        return number


def _written(local: datetime, language: str) -> str:
    """A local time as a person reads it, with its distance from UTC for whoever works elsewhere."""
    form = "%d.%m.%Y, %H:%M Uhr" if language == "de" else "%Y-%m-%d, %H:%M"
    return f"{local.strftime(form)} ({local.tzname()})"
