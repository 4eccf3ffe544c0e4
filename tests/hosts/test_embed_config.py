"""`config/hosts.yaml`: what may be written there, and what is said of anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bridge.adapter.yamlfile import read_yaml
from bridge.errors import ConfigError
from bridge.hosts import HostsFile, load_hosts
from bridge.playbook.schemas import config_schemas

CONFIG = Path(__file__).resolve().parents[2] / "config"
AUDIENCE = "https://example.zendesk.com/api/v2/apps/installations/17.json"


def public(key: Any) -> str:
    """As PEM."""
    text: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


@pytest.fixture(scope="module")
def pem() -> str:
    """A public key as Zendesk gives it out."""
    return public(rsa.generate_private_key(65537, 2048))


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Writes the file and gives its path."""

    def keep(embeds: Any) -> Path:
        path = tmp_path / "hosts.yaml"
        path.write_text(yaml.safe_dump({"embeds": embeds}), "utf-8")
        return path

    return keep


def test_the_shipped_file_turns_nothing_on_and_keeps_its_schema() -> None:
    assert load_hosts(CONFIG / "hosts.yaml") == {}
    schema = config_schemas({"hosts": HostsFile})["hosts.json"]
    assert (CONFIG / "schemas" / "hosts.json").read_bytes() == schema, "config/schemas/hosts.json is out of date"
    first = (CONFIG / "hosts.yaml").read_text("utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=schemas/hosts.json"
    jsonschema_rs.validate(msgspec.json.decode(schema), read_yaml(CONFIG / "hosts.yaml"))


def test_the_example_in_its_comments_is_one_that_works(tmp_path: Path, pem: str) -> None:
    lines = (CONFIG / "hosts.yaml").read_text("utf-8").splitlines()
    example = [line[1:] for line in lines if line.startswith("#   ")]
    (tmp_path / "hosts.yaml").write_text("\n".join(["embeds:", *example]), "utf-8")
    (tmp_path / "zendesk.pem").write_text(pem, "ascii")
    found = load_hosts(tmp_path / "hosts.yaml")
    assert set(found) == {"zendesk", "genesys"}
    trust = found["zendesk"].trust
    assert trust is not None
    assert trust.issuers == ("example.zendesk.com", "https://example.zendesk.com")


def test_without_a_file_nothing_is_on(tmp_path: Path) -> None:
    assert load_hosts(tmp_path / "hosts.yaml") == {}
    (tmp_path / "hosts.yaml").write_text("", "utf-8")
    assert load_hosts(tmp_path / "hosts.yaml") == {}


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("iframe", "https://desk.example"),
        ("iframe", "https://desk.example:8443"),
        ("iframe", "http://localhost:3000"),
        ("iframe", "http://127.0.0.1"),
        ("zendesk", "https://*.zendesk.com"),
        ("zendesk", "https://example.zendesk.com"),
        ("amazon_connect", "https://*.my.connect.aws"),
    ],
)
def test_an_origin_is_scheme_and_host(write: Any, pem: str, name: str, origin: str) -> None:
    given = {"public_key": pem, "audience": AUDIENCE, "key": "desk"} if name == "zendesk" else {}
    more = {"sdk": "https://cdn.example/a.js", "sign_in": "https://x.example/s"} if name == "amazon_connect" else {}
    path = write({name: {"on": True, "origins": [origin], **given, **more}})
    assert load_hosts(path)[name].origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*",
        "https://*.com",
        "https://*.example.com",
        "https://desk.example/",
        "https://desk.example/path",
        "https://desk.example?x",
        "https://desk.example:99999",
        "https://user@desk.example",
        "http://desk.example",
        "desk.example",
        "https://desk.example; script-src *",
        "https://desk.example https://other.example",
        "https://desk..example",
        "null",
        "'self'",
        "https:",
        "data:",
        "https://a.*.example",
        "",
    ],
)
def test_what_is_no_exact_origin_is_refused_with_file_and_path_also_while_the_page_is_off(
    write: Any, origin: str
) -> None:
    for on in (True, False):
        path = write({"iframe": {"on": on, "origins": ["https://good.example", origin]}})
        with pytest.raises(ConfigError) as caught:
            load_hosts(path)
        assert str(caught.value).startswith(f"{path}: embeds.iframe.origins[1]: ")


@pytest.mark.parametrize("origin", ["https://*.zendesk.com.example", "https://*.com", "https://*.evilzendesk.com"])
def test_many_hosts_are_allowed_only_below_the_hosts_own_name(write: Any, origin: str) -> None:
    with pytest.raises(ConfigError, match=r"stands for many hosts; only below zendesk\.com"):
        load_hosts(write({"zendesk": {"origins": [origin]}}))


SIGN_IN = {"sign_in": "https://intranet.example/sign-in", "origins": ["https://desk.example"], "on": True}


@pytest.mark.parametrize(
    ("embeds", "place", "what"),
    [
        ({"salesforce": {}}, "embeds.salesforce", "is not known here"),
        ({"chatwot": {}}, "embeds.chatwot", "did you mean 'chatwoot'?"),
        ({"iframe": {"orgins": []}}, "embeds.iframe.orgins", "did you mean 'origins'?"),
        ({"iframe": {"on": "yes"}}, "embeds.iframe.on", "bool"),
        ({"iframe": {"on": True}}, "embeds.iframe.origins", "say who may hold the page"),
        ({"genesys": SIGN_IN | {"sign_in": ""}}, "embeds.genesys.sign_in", "is missing"),
        ({"chatwoot": SIGN_IN | {"sign_in": ""}}, "embeds.chatwoot.sign_in", "is missing"),
        ({"chatwoot": SIGN_IN | {"sign_in": "http://x.example/"}}, "embeds.chatwoot.sign_in", "https://"),
        ({"chatwoot": SIGN_IN | {"sign_in": "javascript:alert(1)"}}, "embeds.chatwoot.sign_in", "https://"),
        ({"chatwoot": SIGN_IN | {"sign_in": "https://a@x.example/"}}, "embeds.chatwoot.sign_in", "https://"),
        ({"chatwoot": SIGN_IN | {"source": "a b"}}, "embeds.chatwoot.source", "match"),
        ({"amazon_connect": SIGN_IN}, "embeds.amazon_connect.sdk", "is missing"),
        ({"amazon_connect": SIGN_IN | {"sdk": "https://x.example/a.js; *"}}, "embeds.amazon_connect.sdk", "https://"),
        ({"iframe": SIGN_IN | {"session_hours": 25}}, "embeds.iframe.session_hours", "<= 24"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_file_and_path(write: Any, embeds: Any, place: str, what: str) -> None:
    path = write(embeds)
    with pytest.raises(ConfigError) as caught:
        load_hosts(path)
    assert str(caught.value).startswith(f"{path}: {place}: ")
    assert what in str(caught.value)


def zendesk(pem: str, **other: Any) -> dict[str, Any]:
    """A page for Zendesk that is on, but for `other`."""
    given = {"on": True, "origins": ["https://example.zendesk.com"], "audience": AUDIENCE, "key": "desk"}
    return {"zendesk": given | {"public_key": pem} | other}


@pytest.mark.parametrize("field", ["audience", "public_key", "key"])
def test_zendesk_is_believed_only_with_audience_key_and_an_access_key_behind_it(
    write: Any, pem: str, field: str
) -> None:
    path = write(zendesk(pem, **{field: ""}))
    with pytest.raises(ConfigError) as caught:
        load_hosts(path)
    assert str(caught.value).startswith(f"{path}: embeds.zendesk.{field}: is missing")


def test_a_public_key_is_a_long_rsa_key_and_comes_from_one_place(write: Any, pem: str, tmp_path: Path) -> None:
    short = public(rsa.generate_private_key(65537, 1024))  # noqa: S505 - it is there to be refused
    for wrong in (short, public(ec.generate_private_key(ec.SECP256R1())), "-----BEGIN", "ä", pem[:200]):
        with pytest.raises(ConfigError, match=r"embeds\.zendesk\.public_key: is no "):
            load_hosts(write(zendesk(wrong)))
    with pytest.raises(ConfigError, match="leave one of them out"):
        load_hosts(write(zendesk(pem, public_key_file="zendesk.pem")))
    with pytest.raises(ConfigError, match=r"public_key_file: 'zendesk\.pem' cannot be read"):
        load_hosts(write(zendesk("", public_key_file="zendesk.pem")))
    (tmp_path / "zendesk.pem").write_text(short, "ascii")
    with pytest.raises(ConfigError, match=r"public_key_file: is no RSA key"):
        load_hosts(write(zendesk("", public_key_file="zendesk.pem")))
    (tmp_path / "zendesk.pem").write_text(pem, "ascii")
    assert load_hosts(write(zendesk("", public_key_file="zendesk.pem")))["zendesk"].trust is not None
    with pytest.raises(ConfigError, match=r"embeds\.zendesk\.audience: is https://SUBDOMAIN"):
        load_hosts(write(zendesk(pem, audience="example.zendesk.com")))
