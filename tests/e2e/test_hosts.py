"""A real gateway and what calls it: each host's rules hold, no shape is late, and nothing personal is written."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks.deadlines import SHAPES, Plan, ask_all
from bridge.hosts.checking import rules_of
from bridge.hosts.registry import HOSTS
from tests.e2e.site import ROOT, Site
from tests.e2e.vendor import Manner, Vendor, install

pytestmark = pytest.mark.e2e

SECRET = "an-acme-secret-nobody-may-see"
ADA = {"id": "1", "version": 1, "name": "Adalbertine Eindeutig", "phones": ["+493023125001"]}
HOME = "+493023125077"
FAMILY = [
    {"id": "2", "version": 1, "name": "Bertram Unverkennbar", "phones": [HOME]},
    {"id": "3", "version": 1, "name": "Cosima Unverkennbar", "phones": [HOME]},
]
ORIGIN = "https://desk.example.com"


@pytest.fixture(scope="module")
def vendor() -> Iterator[Vendor]:
    running = Vendor()
    running.people = [ADA, *FAMILY]
    yield running
    running.close()


@pytest.fixture(scope="module")
def site(vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gateway with one source that can be asked live, and every page on."""
    folder = tmp_path_factory.mktemp("hosts")
    adapters, mappings = folder / "adapters", folder / "mappings"
    shutil.copytree(ROOT / "mappings", mappings)
    install(adapters, mappings)
    made = Site(
        folder,
        f"sqlite:///{folder / 'bridge.db'}",
        {"acme": {"adapter": "acme", "settings": {"address": vendor.address, "webhook_secret": SECRET}}},
        BRIDGE_ADAPTERS_DIR=str(adapters),
        BRIDGE_MAPPINGS_DIR=str(mappings),
        BRIDGE_TICKET_SECRET="0123456789abcdef0123456789abcdef",
    )
    public = generate_private_key(public_exponent=65537, key_size=2048).public_key()
    page: dict[str, Any] = {"on": True, "origins": [ORIGIN], "sign_in": f"{ORIGIN}/sign-in"}
    embeds = dict.fromkeys(("genesys", "chatwoot", "iframe"), page)
    embeds["amazon_connect"] = page | {"sdk": f"{ORIGIN}/sdk.js"}
    embeds["zendesk"] = {
        "on": True,
        "origins": ["https://acme.zendesk.com"],
        "audience": "https://acme.zendesk.com/api/v2/apps/installations/1.json",
        "public_key": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        "key": "test",
    }
    (made.config / "hosts.yaml").write_text(yaml.safe_dump({"embeds": embeds}), "utf-8")
    made.start("web")
    yield made
    made.stop()


@pytest.fixture
async def key(site: Site) -> str:
    """An access key as a phone system has it, at a gateway that knows Ada and a household."""
    await site.opened("web")
    (made,) = await site.make_keys(["ivr"])
    async with httpx.AsyncClient(base_url=site.url, headers={"authorization": f"Bearer {made}"}) as client:
        for phone, match in (("+493023125001", "exact"), (HOME, "ambiguous")):
            answer = (await client.get("/v1/lookup", params={"phone": phone})).json()
            assert answer["match"] == match, answer
    return made


def check(site: Site, name: str, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `bridge host-check` prints, and how it ends."""
    command = [sys.executable, "-m", "bridge", "host-check", name, "--url", site.url, *more]
    return subprocess.run(
        command, env=site.environment | environment, cwd=site.folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", HOSTS)
async def test_every_rule_of_every_host_holds_also_while_a_source_hangs(
    site: Site, vendor: Vendor, key: str, name: str
) -> None:
    vendor.manner = "hangs"
    try:
        done = await asyncio.to_thread(
            check, site, name, "--json", "--known-phone", "+493023125001", BRIDGE_CHECK_KEY=key
        )
    finally:
        vendor.manner = "filters"
    report = json.loads(done.stdout)
    wrong = [one for one in report["findings"] if one["verdict"] == "fail"]
    assert (done.returncode, wrong) == (0, []), done.stderr
    skipped = {one["code"] for one in report["findings"] if one["verdict"] == "skipped"}
    assert skipped <= {"https"}  # the test's gateway is on this machine
    assert [one["code"] for one in report["findings"]] == [rule.code for rule in rules_of(HOSTS[name])]


async def test_a_check_says_which_rule_of_whom_was_broken_and_fails(site: Site, key: str) -> None:
    done = await asyncio.to_thread(check, site, "twilio", BRIDGE_CHECK_KEY=key[:-3] + "xyz")
    assert done.returncode == 1
    assert "fail" in done.stdout and "answered 401" in done.stdout and "twilio.com/docs" in done.stdout
    nobody = await asyncio.to_thread(check, site, "avaya")
    assert nobody.returncode == 2 and "genesys" in nobody.stderr


async def test_no_shape_is_late_refused_or_untrue_while_the_source_hangs(site: Site, vendor: Vendor, key: str) -> None:
    vendor.manner = "hangs"
    try:
        plan = Plan(
            port=site.port, key=key, known=("+493023125001",), first=30_000_000, count=160, connections=8, seed=1
        )
        answered = await ask_all(plan)
    finally:
        vendor.manner = "filters"
    assert {one.shape for one in answered} == {shape.name for shape in SHAPES}
    assert [one for one in answered if one.status != 200 or one.late] == []
    assert [one for one in answered if not one.truthful(frozenset({"acme"}))] == []


async def test_neither_key_nor_phone_nor_address_is_in_any_log_line_or_refusal(
    site: Site, vendor: Vendor, key: str
) -> None:
    phones = ["+493023125001", "030/23125001", HOME, "+493023125444", "sip:+493023125001:s3cr3t-pin@example.org"]
    addresses = ["ada.eindeutig@example.org", "ada%40eindeutig@example.org", "not an address"]
    basic = base64.b64encode(f"studio:{key}".encode()).decode()
    refusals: list[str] = []
    async with httpx.AsyncClient(base_url=site.url, timeout=10) as client:
        ways = [{"authorization": f"Bearer {key}"}, {"authorization": f"Basic {basic}"}, {"x-api-key": key}]
        wrong = {"authorization": f"Bearer {key}x"}
        manners: tuple[Manner, ...] = ("filters", "gives everybody", "is late")
        for manner in manners:
            vendor.manner = manner
            for number, phone in enumerate(phones):
                headers = ways[number % 3]
                email = addresses[number % 3]
                fields = {"phone": phone, "email": email, "interaction": f"log-{number}", "answer": "7777"}
                endpoint = {"CustomerEndpoint": {"Address": phone}, "ContactId": f"log-{number}"}
                event = {"Details": {"ContactData": endpoint, "Parameters": {"email": email}}}
                await client.get("/v1/lookup", params=fields, headers=headers)
                text = headers | {"accept": "text/plain"}
                await client.post("/v1/lookup", headers=text, data=fields)
                await client.post("/v1/lookup", headers=text, json=fields)
                await client.post("/v1/lookup", headers=headers, json=event)
                refused = (
                    await client.get("/v1/lookup", params=fields, headers=wrong),
                    await client.post("/v1/lookup", json=fields, headers=wrong),
                    await client.get("/v1/assist", params=fields, headers=headers),
                    await client.put("/v1/lookup", params=fields, headers=headers),
                    await client.get(f"/v1/lookup/{phone}", params=fields, headers=headers),
                    await client.post(
                        "/v1/lookup",
                        content=json.dumps(fields)[:-3],
                        headers=headers | {"content-type": "application/json"},
                    ),
                    await client.post("/v1/lookup", data={"phone": phone * 9000}, headers=headers),
                    await client.post("/embed/zendesk", data={"token": f"{phone}.{email}.{key}"}),
                    await client.get("/embed/genesys", params={"conversationid": phone, "key": key}),
                )
                refusals += [one.text for one in refused]
    await asyncio.sleep(0.5)  # lines are written together, every 250 ms
    logs = site.logs
    assert logs.count('"event":"lookup"') >= 3 * 4 * len(phones)
    private = [key, key[:-4], key.rpartition("_")[2], basic, SECRET, "s3cr3t-pin", "23125", "eindeutig", "Eindeutig"]
    for told in (logs, *refusals):
        found = [text for text in private if text in told]
        assert found == [], told[max(0, told.find(found[0]) - 200) :][:400]
