"""What is written for desktops has the form they document, and says what our pages hear."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from bridge.hosts.files import Files, Plan
from bridge.hosts.generators import make_files

URL = "https://bridge.example.com"
PLAN = Plan(url=URL, language="de", routes=("retention", "vip-1", "general"))
WEB = Path(__file__).resolve().parents[2] / "bridge" / "web"


def files(name: str) -> Files:
    return make_files(name, PLAN)


def data(name: str, path: str) -> Any:
    return json.loads(files(name)[path])


# --- Zendesk ----------------------------------------------------------------------------------------------------------


def test_the_zip_holds_the_folder_and_the_app_is_signed() -> None:
    made = files("zendesk")
    with zipfile.ZipFile(io.BytesIO(made["retention-bridge-zendesk.zip"])) as archive:
        assert archive.testzip() is None
        packed = {one.filename: archive.read(one) for one in archive.infolist()}
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == sorted(packed)
    assert packed == {path.removeprefix("app/"): body for path, body in made.items() if path.startswith("app/")}
    manifest = json.loads(packed["manifest.json"])
    assert manifest["signedUrls"] is True and manifest["frameworkVersion"] == "2.0" and manifest["private"] is True
    assert manifest["location"]["support"]["ticket_sidebar"]["url"] == f"{URL}/embed/zendesk"
    assert {"name", "email"} <= set(manifest["author"])
    assert manifest["defaultLocale"] == "de"
    for language in ("de", "en"):
        texts = json.loads(packed[f"translations/{language}.json"])["app"]
        assert set(texts) == {"name", "short_description", "long_description", "installation_instructions"}
        assert len(texts["name"]) <= 40 and all(text.strip() for text in texts.values())


@pytest.mark.parametrize(("path", "size"), [("app/assets/logo.png", 320), ("app/assets/logo-small.png", 128)])
def test_logos_are_pictures_of_the_size_that_zendesk_asks_for(path: str, size: int) -> None:
    body = files("zendesk")[path]
    assert body.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(body):
        (length,) = struct.unpack(">I", body[at : at + 4])
        kind, content = body[at + 4 : at + 8], body[at + 8 : at + 8 + length]
        assert struct.unpack(">I", body[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + content)
        chunks[kind], at = content, at + 12 + length
    assert struct.unpack(">II", chunks[b"IHDR"][:8]) == (size, size)
    rows = zlib.decompress(chunks[b"IDAT"])
    assert len(rows) == size * (1 + size // 2)
    shades = [chunks[b"PLTE"][at : at + 3] for at in range(0, 15, 3)]
    assert (shades[0], shades[4]) == (bytes((21, 94, 117)), b"\xff\xff\xff")
    corner, beam = rows[1] >> 4, rows[(size * 68 // 100) * (1 + size // 2) + 1 + size // 4] >> 4
    assert (corner, beam) == (0, 4)


# --- Chatwoot, frames -------------------------------------------------------------------------------------------------


def test_chatwoots_entry_is_a_name_and_an_address() -> None:
    entry = data("chatwoot", "dashboard-app.json")
    assert entry == {"title": "Retention Bridge", "content": [{"type": "frame", "url": f"{URL}/embed/chatwoot"}]}


def test_the_frames_messages_are_those_that_the_page_hears_and_says() -> None:
    snippet = files("iframe")["frame.html"].decode()
    page = (WEB / "embed" / "iframe.js").read_text("utf-8")
    for name in re.findall(r"tell\('(\w+)'", snippet):
        assert re.search(rf"^  {name}: ", page, re.MULTILINE), name
    for name in re.findall(r"name === '(\w+)'", snippet):
        assert f"'{name}'" in page, name
    assert f"const BRIDGE = '{URL}'" in snippet and "'*'" not in snippet


def test_the_sign_in_page_says_what_the_card_waits_for() -> None:
    expected = re.search(r"MESSAGE = '([^']+)'", (WEB / "embed" / "session.js").read_text("utf-8"))
    assert expected is not None
    for name in ("genesys", "amazon_connect", "chatwoot", "iframe"):
        assert f"type: '{expected[1]}'" in files(name)["sign-in.html"].decode()
    assert "sign-in.html" not in files("zendesk"), "Zendesk signs by itself"


def test_a_path_in_front_of_the_bridge_is_kept_and_is_no_part_of_an_origin() -> None:
    plan = Plan(url="https://www.example.com/bridge", language="en", routes=("general",))
    app = json.loads(make_files("amazon_connect", plan)["agent-app.json"])
    external = app["ApplicationSourceConfig"]["ExternalUrlConfig"]
    assert external["AccessUrl"] == "https://www.example.com/bridge/embed/amazon_connect"
    assert external["ApprovedOrigins"] == ["https://www.example.com"]
    assert "const BRIDGE = 'https://www.example.com';" in make_files("iframe", plan)["frame.html"].decode()
