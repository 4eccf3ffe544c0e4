"""What an adapter says of itself: `adapters/<vendor>/manifest.yaml`, checked when it is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.errors import ConfigError

Capability = Literal[
    "webhook",
    "sync",
    "lookup",
    "add_note",
    "create_task",
    "create_ticket",
    "schedule_callback",
    "send_sms",
    "send_email",
    "invite_survey",
    "erase",
    "export_list",
]
ACTIONS: frozenset[str] = frozenset(
    "add_note create_task create_ticket schedule_callback send_sms send_email invite_survey erase export_list".split()
)


class Setting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value an operator fills in. Secrets are masked everywhere; `many` may hold several valid at once."""

    name: str
    description: str
    required: bool = False
    secret: bool = False
    many: bool = False
    default: str | None = None


class Signature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How deliveries are signed.

    `hmac`: `header` carries the HMAC of `signed`, a template over `{method}`, `{url}`, `{timestamp}`, `{id}` and
    `{body}`. `standard_webhooks`: the headers, secret form and rotation of standardwebhooks.com. `packed`: one header
    `t=…,v1=…` (hex) over `{timestamp}.{body}`. `header`: a shared secret sent as it is in `header`, behind `prefix`.
    `basic`: HTTP Basic; the setting holds `user:password`. `query`: a shared secret as the `parameter` of the URL, for
    vendors that can send nothing else. `own`: the adapter's `verify` does it.
    """

    scheme: Literal["hmac", "standard_webhooks", "packed", "header", "basic", "query", "own"]
    setting: str = "webhook_secret"
    header: str = ""
    parameter: str = ""
    prefix: str = ""
    digest: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["base64", "hex"] = "base64"
    signed: str = "{body}"
    timestamp_header: str = ""
    timestamp_unit: Literal["s", "ms", "iso"] = "s"
    id_header: str = ""
    tolerance_seconds: Annotated[int, Meta(ge=1)] = 300


class RateLimit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names of the headers in which the vendor says how long to wait and how much is left.

    `later` holds words in the body of a 4xx by which the vendor means "not now" (a quota is used up, a row is locked),
    each with the seconds to wait then; the first word that is found counts.
    """

    retry_after: str = "retry-after"
    remaining: str = ""
    reset: str = ""
    later: dict[str, Annotated[int, Meta(ge=1, le=86_400)]] = {}


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an operator, a documentation page and the contract kit need to know of an adapter.

    `other_hosts` are further addresses that may be called (where tokens are given, say), filled in like `base_url`;
    what authorises a call is never sent there. `webhook_methods` are the methods with which the vendor delivers; one
    that uses GET puts what it says into the query, and an empty query is still a probe. `redact` lists the paths that
    are blanked before a delivery is written to disk (session tokens, keyed-in digits). `exempt` names contract clauses
    that do not apply and says why; the reason is printed when they are skipped.
    """

    name: str
    title: str
    kind: Literal["crm", "helpdesk", "ivr", "survey", "files", "messages"]
    docs: str
    capabilities: tuple[Capability, ...]
    settings: tuple[Setting, ...] = ()
    streams: tuple[str, ...] = ()
    lookup_kinds: tuple[Literal["phone", "email", "id"], ...] = ()
    base_url: str = ""
    other_hosts: tuple[str, ...] = ()
    signature: Signature | None = None
    webhook_methods: tuple[Literal["POST", "GET"], ...] = ("POST",)
    rate_limit: RateLimit = RateLimit()
    ordering: Literal["time", "sequence", "rank", "none"] = "time"
    redact: tuple[str, ...] = ()
    exempt: dict[str, str] = {}

    @property
    def actions(self) -> frozenset[str]:
        """What the adapter can do at its vendor."""
        return ACTIONS.intersection(self.capabilities)


def load_manifest(path: Path) -> Manifest:
    """Read and check one manifest. Raises ConfigError with file and path."""
    manifest = check(read_yaml(path), Manifest, str(path))
    if manifest.name != path.parent.name:
        raise ConfigError(str(path), f"name: is {manifest.name!r}, but the folder is {path.parent.name!r}")
    if "webhook" in manifest.capabilities and manifest.signature is None:
        raise ConfigError(str(path), "signature: an adapter with the webhook capability says how it is authenticated")
    return manifest
