"""All that an adapter may know of the bridge, and all that the bridge knows of adapters."""

from bridge.adapter.addresses import is_withheld, normalise_email, normalise_key, normalise_phone
from bridge.adapter.base import Adapter, json_body
from bridge.adapter.client import Answer, Client, open_client, patiently
from bridge.adapter.delivery import Action, Item, Opened, Page, Receipt, Refetch, Reply, Request
from bridge.adapter.manifest import Manifest, load_manifest
from bridge.adapter.mapping import Mapping, load_mapping
from bridge.adapter.order import by_rank, by_sequence, by_time
from bridge.adapter.registry import Registry, Vendor, load_registry
from bridge.adapter.signatures import sign, verify
from bridge.adapter.source import Source

__all__ = [
    "Action",
    "Adapter",
    "Answer",
    "Client",
    "Item",
    "Manifest",
    "Mapping",
    "Opened",
    "Page",
    "Receipt",
    "Refetch",
    "Registry",
    "Reply",
    "Request",
    "Source",
    "Vendor",
    "by_rank",
    "by_sequence",
    "by_time",
    "is_withheld",
    "json_body",
    "load_manifest",
    "load_mapping",
    "load_registry",
    "normalise_email",
    "normalise_key",
    "normalise_phone",
    "open_client",
    "patiently",
    "sign",
    "verify",
]
