"""Amazon Connect: contact records and events as AWS delivers them; tasks. See README.md for what an operator does."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from bridge.adapter.actions import CreateTask
from bridge.adapter.base import Adapter
from bridge.adapter.client import Client
from bridge.adapter.delivery import Item, Opened, Receipt, Refetch, Request
from bridge.adapter.manifest import Manifest
from bridge.adapter.mapping import Mapping
from bridge.adapter.source import Source
from bridge.errors import ConfigError, VendorRefused
from bridge.model import Entry

from .contacts import Contacts
from .deliveries import open_delivery
from .signature import Signer

_NAME, _DESCRIPTION = 512, 4096
"""Longest name and description of a task."""


class AmazonConnectAdapter(Adapter):
    """One instance of Amazon Connect."""

    def __init__(self, source: Source, manifest: Manifest, mapping: Mapping) -> None:
        super().__init__(source, manifest, mapping)
        self._contacts = Contacts(source, mapping)
        named = (name.strip() for name in source.setting("attributes", "menu_path, intent").split(","))
        self._kept = tuple(name for name in named if name)
        if not all(re.fullmatch(r"[A-Za-z0-9_ -]{1,100}", name) for name in self._kept):
            raise ConfigError(f"sources.yaml: sources.{source.name}.settings.attributes", "are not names of attributes")

    def open(self, request: Request) -> Opened:
        return open_delivery(request, self._kept)

    def read(self, item: Item) -> list[Entry | Refetch]:
        return [*self._contacts.read(item)]

    async def create_task(self, client: Client, args: CreateTask, key: str) -> Receipt:
        """A task for the quick connect `args.owner`, else for the configured flow. AWS gives back the first task for a
        `key` that it knows from the last seven days.

        https://docs.aws.amazon.com/connect/latest/APIReference/API_StartTaskContact.html
        """
        route = {"QuickConnectId": args.owner} if args.owner else {"ContactFlowId": self._needed("task_flow_id")}
        told = {
            "customer": args.customer,
            "customer_name": args.name,
            "phone": args.phone,
            "due": args.due.isoformat() if args.due else None,
        }
        attributes = {name: value for name, value in told.items() if value}
        body: dict[str, Any] = {
            "InstanceId": self._needed("instance_id"),
            **route,
            "Name": args.subject[:_NAME],
            "ClientToken": key,
            "Attributes": attributes,
            "References": {name: {"Type": "STRING", "Value": value} for name, value in attributes.items()},
            "Description": args.text[:_DESCRIPTION],
        }
        given = {name: value for name, value in body.items() if value}
        answer = await client.call(
            "PUT", "contact/task", json=given, headers=self._signed(client, "/contact/task", given), authorise=False
        )
        number = answer.data.get("ContactId") if isinstance(answer.data, dict) else None
        return Receipt(reference=number if isinstance(number, str) else "")

    def _signed(self, client: Client, path: str, body: dict[str, Any]) -> dict[str, str]:
        """The headers that prove who asks, made for the very bytes that the client sends."""
        region = self.source.setting("region").strip()
        signer = Signer(self._needed("access_key_id"), self._needed("secret_access_key"), region, "connect")
        return signer.sign(
            "PUT",
            f"connect.{region}.amazonaws.com",
            path,
            at=client.now(),
            headers={"content-type": "application/json"},
            body=msgspec.json.encode(body),
        )

    def _needed(self, name: str) -> str:
        value = self.source.optional(name)
        if not value:
            raise VendorRefused(self.source.name, f"create_task: the setting {name} is missing", about_us=True)
        return value
