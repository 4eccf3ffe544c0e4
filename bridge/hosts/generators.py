"""What `bridge host NAME` writes: for each host, the files that its side needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bridge.adapter.yamlfile import check, read_yaml
from bridge.errors import BadRequest
from bridge.hosts import (
    files_amazon_connect,
    files_asterisk,
    files_chatwoot,
    files_genesys,
    files_iframe,
    files_twilio,
    files_zendesk,
)
from bridge.hosts.config import load_hosts
from bridge.hosts.files import LANGUAGES, Files, Plan, read_url
from bridge.playbook.routing import RoutingFile
from bridge.settings import Settings

MAKERS: Final[Mapping[str, Callable[[Plan], Files]]] = {
    "genesys": files_genesys.make,
    "amazon_connect": files_amazon_connect.make,
    "twilio": files_twilio.make,
    "asterisk": files_asterisk.make,
    "zendesk": files_zendesk.make,
    "chatwoot": files_chatwoot.make,
    "iframe": files_iframe.make,
}
EMBEDS: Final = frozenset({"genesys", "amazon_connect", "zendesk", "chatwoot", "iframe"})
"""Those in which our page stands."""
_OWN: Final = frozenset({"asterisk", "iframe"})
"""They may run on the same machine as the bridge."""


def make_plan(name: str, settings: Settings, *, url: str = "", language: str = "") -> Plan:
    """What the files of `name` are made from: the settings, config/routing.yaml and config/hosts.yaml.

    `url` and `language` count before the settings. Raises BadRequest for what was asked wrongly and ConfigError, which
    names file and path, for what is configured wrongly.
    """
    if name not in MAKERS:
        raise BadRequest(f"there is no host {name!r}: {', '.join(sorted(MAKERS))}")
    language = language or next((one for one in settings.languages if one in LANGUAGES), "en")
    if language not in LANGUAGES:
        raise BadRequest(f"--language is one of {', '.join(LANGUAGES)}")
    return Plan(
        url=read_url(url or settings.public_url, cloud=name not in _OWN),
        language=language,
        routes=_routes(settings.config_dir / "routing.yaml"),
        embed=load_hosts(settings.config_dir / "hosts.yaml").get(name),
    )


def make_files(name: str, plan: Plan) -> Files:
    """The files of the host `name`."""
    return MAKERS[name](plan)


def _routes(path: Path) -> tuple[str, ...]:
    """Every route of the file in its order, and last the one of callers whom nobody knows."""
    file = check(read_yaml(path), RoutingFile, str(path))
    unknown = file.unknown.route_hint
    known = dict.fromkeys(rule.route_hint for rule in file.rules)
    return (*(route for route in known if route != unknown), unknown)
