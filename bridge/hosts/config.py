"""Which desktops may hold our pages, and whom we believe there: `config/hosts.yaml`. Nothing is on by default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from msgspec import Meta, Struct

from bridge.adapter.yamlfile import check, read_yaml
from bridge.errors import ConfigError

_Source = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,39}$")]
_Hours = Annotated[float, Meta(gt=0, le=24)]

ZAF: Final = "https://static.zdassets.com/zendesk_app_framework_sdk/2.0/zaf_sdk.min.js"
"""Where Zendesk keeps the script that its apps load. developer.zendesk.com/documentation/apps/"""

WILDCARDS: Final[Mapping[str, tuple[str, ...]]] = {
    "zendesk": (".zendesk.com",),  # agents also work at the addresses of their brands
    "amazon_connect": (".my.connect.aws", ".awsapps.com"),  # one workspace has an address per instance
}
"""Below which names a host may stand for all, as `https://*.zendesk.com`; the others have one address each."""

_HOST: Final = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9._~:/?&=%+@-]+")
_AT_HOME: Final = frozenset({"localhost", "127.0.0.1"})
_SMALLEST_KEY: Final = 2048


class _Page(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    on: bool = False
    """Left out, the page is not there: it answers 404."""
    origins: tuple[str, ...] = ()
    """Whose pages may hold ours: scheme and host, exactly."""
    session_hours: _Hours = 10.0
    """For how long an agent stays signed in at most, from the sign-in on. In between, tickets are renewed unseen."""


class _SignedIn(_Page, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sign_in: str = ""
    """A page of yours that knows who is signed in; it is opened in a window and posts a ticket back."""


class ZendeskForm(_Page, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Zendesk signs the first request for the page: no sign-in of our own is needed."""

    audience: str = ""
    """`https://SUBDOMAIN.zendesk.com/api/v2/apps/installations/NUMBER.json`"""
    public_key: str = ""
    """The app's public key (PEM), from `/api/v2/apps/NUMBER/public_key.pem`."""
    public_key_file: str = ""
    """Instead of `public_key`: a file, beside this one unless the path is absolute."""
    key: str = ""
    """Name of an access key with the agent scope. While it is revoked nobody gets in from Zendesk."""
    source: _Source | None = None
    """The source that reads this Zendesk; its people are then found by their id there too."""
    sdk: str = ZAF
    """The script of Zendesk's app framework."""
    qsh: Literal["check", "ignore"] = "check"
    """The token's hash over the query. Nothing in that query is believed either way."""


class GenesysForm(_SignedIn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An interaction widget: only the conversation's id arrives, which a look-up of the flow has told us of."""


class AmazonConnectForm(_SignedIn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An app of the agent workspace."""

    sdk: str = ""
    """Your bundle of Amazon's own script, which puts `AmazonConnectSDK` into the page."""


class ChatwootForm(_SignedIn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dashboard app. What Chatwoot says is not signed: it chooses whom to look up, and opens nothing."""

    source: _Source | None = None
    """The source that reads this Chatwoot; its people are then found by their id there too."""


class IframeForm(_SignedIn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Any page of yours, by messages. It hands over a ticket itself, or leaves that to `sign_in`."""


class EmbedsForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry for each desktop."""

    zendesk: ZendeskForm = ZendeskForm()
    genesys: GenesysForm = GenesysForm()
    amazon_connect: AmazonConnectForm = AmazonConnectForm()
    chatwoot: ChatwootForm = ChatwootForm()
    iframe: IframeForm = IframeForm()


class HostsFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form of `config/hosts.yaml`."""

    embeds: EmbedsForm = EmbedsForm()


class Trust(Struct, frozen=True, kw_only=True):
    """Whose signature opens the page, and the access key that stands behind it."""

    public_key: RSAPublicKey
    audience: str
    issuers: tuple[str, ...]
    key: str
    check_query: bool


class Embed(Struct, frozen=True, kw_only=True):
    """A page that is on. `trust` is there where the host signs; elsewhere agents come in by `sign_in`."""

    name: str
    origins: tuple[str, ...]
    session: timedelta
    sign_in: str = ""
    sdk: str = ""
    source: str = ""
    trust: Trust | None = None


def load_hosts(path: Path) -> dict[str, Embed]:
    """The pages that are on, by name; none where there is no such file. Raises ConfigError naming file and path."""
    if not path.exists():
        return {}
    file = check(read_yaml(path) or {}, HostsFile, str(path))
    found = {}
    for name in EmbedsForm.__struct_fields__:
        form: Any = getattr(file.embeds, name)
        made = _read(name, form, f"{path}: embeds.{name}", path.parent)
        if form.on:
            found[name] = made
    return found


def _read(name: str, form: Any, where: str, folder: Path) -> Embed:
    """A page as it is used. What was written is looked at also while the page is off; what is missing is not."""
    origins = tuple(_origin(name, text, f"{where}.origins[{place}]") for place, text in enumerate(form.origins))
    if form.on and not origins:
        raise ConfigError(f"{where}.origins", "say who may hold the page, such as https://desk.example.com")
    sign_in, sdk = getattr(form, "sign_in", ""), getattr(form, "sdk", "")
    for field, text in (("sign_in", sign_in), ("sdk", sdk)):
        if text:
            _address(text, f"{where}.{field}")
    if form.on and not sign_in and name in ("genesys", "amazon_connect", "chatwoot"):
        raise ConfigError(f"{where}.sign_in", "is missing: this desktop signs nothing, so that agents have to sign in")
    if form.on and not sdk and name == "amazon_connect":
        raise ConfigError(f"{where}.sdk", "is missing: the address of your bundle of Amazon's script")
    return Embed(
        name=name,
        origins=origins,
        session=timedelta(hours=form.session_hours),
        sign_in=sign_in,
        sdk=sdk,
        source=getattr(form, "source", None) or "",
        trust=_trust(form, where, folder) if isinstance(form, ZendeskForm) else None,
    )


def _origin(name: str, text: str, where: str) -> str:
    parts = urlsplit(text)
    home = parts.hostname in _AT_HOME
    if parts.scheme != "https" and not (parts.scheme == "http" and home):
        raise ConfigError(where, f"{text!r} is no origin: write https:// and the host, and nothing else")
    try:
        port = parts.port
    except ValueError:
        port = 0
    host = parts.hostname or ""
    plain = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    if not _HOST.fullmatch(host) or plain != text.lower() or ".." in host:
        raise ConfigError(where, f"{text!r} is no origin: write https:// and the host, and nothing else")
    if host.startswith("*."):
        below = WILDCARDS.get(name, ())
        if not any(host[1:].endswith(end) for end in below):
            allowed = f"; only below {' or '.join(end[1:] for end in below)}" if below else ""
            raise ConfigError(where, f"{text!r} stands for many hosts{allowed}: write the exact one")
    return plain


def _address(text: str, where: str) -> None:
    parts = urlsplit(text)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _AT_HOME)
    if not secure or not parts.hostname or "@" in parts.netloc or not _ADDRESS.fullmatch(text):
        raise ConfigError(where, "is an address that begins with https://, without user name and fragment")


def _trust(form: ZendeskForm, where: str, folder: Path) -> Trust | None:
    if form.public_key and form.public_key_file:
        raise ConfigError(f"{where}.public_key_file", "is given beside public_key: leave one of them out")
    pem = form.public_key
    if form.public_key_file and form.on:
        try:
            pem = (folder / form.public_key_file).read_text("ascii")
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"{where}.public_key_file", f"{form.public_key_file!r} cannot be read") from None
    key = _public_key(pem, f"{where}.public_key_file" if form.public_key_file else f"{where}.public_key")
    host = urlsplit(form.audience).hostname
    if form.audience and (not form.audience.startswith("https://") or not host):
        raise ConfigError(f"{where}.audience", "is https://SUBDOMAIN.zendesk.com/api/v2/apps/installations/NUMBER.json")
    for field, given in (("public_key", key), ("audience", host), ("key", form.key)):
        if form.on and not given:
            raise ConfigError(f"{where}.{field}", "is missing: without it no token can be believed")
    if key is None or not host:
        return None
    return Trust(
        public_key=key,
        audience=form.audience,
        issuers=(host, f"https://{host}"),
        key=form.key,
        check_query=form.qsh == "check",
    )


def _public_key(pem: str, where: str) -> RSAPublicKey | None:
    if not pem:
        return None
    try:
        key = load_pem_public_key(pem.encode("ascii"))
    except ValueError:
        raise ConfigError(where, "is no public key: it begins with -----BEGIN PUBLIC KEY-----") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < _SMALLEST_KEY:
        raise ConfigError(where, f"is no RSA key of at least {_SMALLEST_KEY} bits")
    return key
