"""What browsers load: the card as one module, and the pages that use it. Read, joined and packed once, at the start."""

from __future__ import annotations

import gzip
import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import Struct

from bridge.errors import NotFound
from bridge.gateway.endpoint import Call, Endpoint, Raw
from bridge.hosts import EmbedsForm

WEB: Final = Path(__file__).resolve().parents[1] / "web"
CARD: Final = "/widget/retention-card.js"
EMBED_STYLE: Final = "/widget/embed.css"
CONSOLE_FILES: Final = "/console/files"
CONSOLE_PAGES: Final = (
    "today",
    "loops",
    "automations",
    "surveys",
    "metrics",
    "identity",
    "sources",
    "letters",
    "models",
)

_IMPORT: Final = re.compile(r"^import (?:[^;]*? from )?[\"'](\.{1,2}/(?:\w+/)?[\w-]+\.js)[\"'];\n", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async |const|let|class|function))", re.MULTILINE)
_COMPILE_NOW: Final = "//# allFunctionsCalledOnLoad\n"  # V8 compiles beside the main thread what a card calls anyhow
_YEAR: Final = b"public, max-age=31536000, immutable"
_ASK_EACH_TIME: Final = b"public, max-age=0, must-revalidate"

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Asset(Struct, frozen=True):
    """One file as it is sent. `version` changes with its content."""

    body: bytes
    packed: bytes
    content_type: str
    version: str
    headers: tuple[tuple[bytes, bytes], ...]


def embed_script(name: str) -> str:
    """Address of the module that a page inside the host `name` runs."""
    return f"/widget/embed-{name.replace('_', '-')}.js"


def join_modules(entry: Path, *exports: str) -> str:
    """The module `entry` with all that it imports, of its folder and those beside it, as one that imports nothing.

    Each file comes after those it imports; names are shared, so that no two files may use one for different things.
    `exports` are what the whole gives to others.
    """
    done: dict[Path, str] = {}

    def take(path: Path) -> None:
        if path in done:
            return
        text = path.read_text("utf-8")
        done[path] = ""  # whoever imports in a circle meets it here
        for name in _IMPORT.findall(text):
            take((path.parent / name).resolve())
        del done[path]
        done[path] = _EXPORT.sub("", _IMPORT.sub("", text)).strip()

    take(entry.resolve())
    given = f"\nexport {{ {', '.join(exports)} }};\n" if exports else ""
    return _COMPILE_NOW + "\n\n".join(done.values()) + "\n" + given


def make_asset(text: str, content_type: str, *headers: tuple[bytes, bytes]) -> Asset:
    """`text`, packed once and for all."""
    body = text.encode()
    version = urlsafe_b64encode(sha256(body).digest()[:12]).decode()
    return Asset(body, gzip.compress(body, 9, mtime=0), f"{content_type}; charset=utf-8", version, headers)


class Pages:
    """All of them. Their addresses carry a version where a page of ours names them; a host may leave it out."""

    def __init__(self, web: Path = WEB) -> None:
        anywhere = ((b"cross-origin-resource-policy", b"cross-origin"), (b"access-control-allow-origin", b"*"))
        here = ((b"cross-origin-resource-policy", b"same-origin"),)
        page = (
            *here,
            (b"content-security-policy", _POLICY.encode("ascii")),
            (b"referrer-policy", b"no-referrer"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
        )
        script = "text/javascript"
        self._assets = {
            CARD: make_asset(join_modules(web / "card" / "card.js"), script, *anywhere),
            "/desktop/desktop.js": make_asset(join_modules(web / "desktop" / "desktop.js"), script, *here),
            "/desktop/desktop.css": make_asset((web / "desktop" / "desktop.css").read_text("utf-8"), "text/css", *here),
            EMBED_STYLE: make_asset((web / "embed" / "embed.css").read_text("utf-8"), "text/css", *here),
        }
        for name in EmbedsForm.__struct_fields__:
            text = join_modules(web / "embed" / f"{name}.js")
            self._assets[embed_script(name)] = make_asset(text, script, *here)
        reports = web / "reports"
        self._assets["/reports/uplift.js"] = make_asset(join_modules(reports / "uplift.js"), script, *here)
        self._assets["/reports/uplift.css"] = make_asset((reports / "uplift.css").read_text("utf-8"), "text/css", *here)
        self._console(web / "console", script, here)
        pages = {"/desktop": web / "desktop" / "desktop.html", "/reports/uplift": reports / "uplift.html"}
        pages["/console"] = web / "console" / "console.html"
        for place, file in pages.items():
            self._assets[place] = make_asset(self.versioned(file.read_text("utf-8")), "text/html", *page)

    def _console(self, folder: Path, script: str, here: tuple[tuple[bytes, bytes], ...]) -> None:
        """The console: its frame, and a module a page, loaded when it is opened first."""
        styles = [folder / "console.css", *sorted((folder / "pages").glob("*.css"))]
        style = "\n".join(path.read_text("utf-8") for path in styles)
        self._assets[f"{CONSOLE_FILES}/console.css"] = make_asset(style, "text/css", *here)
        for name in CONSOLE_PAGES:
            module = make_asset(join_modules(folder / "pages" / f"{name}.js", "open"), script, *here)
            self._assets[f"{CONSOLE_FILES}/{name}.js"] = module
        self._assets[f"{CONSOLE_FILES}/console.js"] = make_asset(join_modules(folder / "console.js"), script, *here)

    def versioned(self, text: str) -> str:
        """`text` with the version of each of our files behind its address, so that a browser may keep it for good."""
        for path, asset in self._assets.items():
            text = text.replace(f'"{path}"', f'"{path}?v={asset.version}"')
        return text

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Their routes. Every page of the console is the same file: which one it is says its address."""
        files = tuple(Endpoint("GET", path, self.send, None) for path in self._assets)
        inside = ("/console/{page}", "/console/{page}/{one}")
        return (*files, *(Endpoint("GET", path, self.send_console, None) for path in inside))

    async def send_console(self, call: Call) -> Raw:
        """A page of the console. Raises NotFound for one that there is not."""
        if call.path["page"] not in CONSOLE_PAGES:
            raise NotFound("there is no such page; the console begins at /console")
        return self._answer(call, "/console")

    async def send(self, call: Call) -> Raw:
        """A file of the card or of a page; 304 when the browser has it already."""
        return self._answer(call, call.scope["path"])

    def _answer(self, call: Call, path: str) -> Raw:
        asset = self._assets[path]
        tag = f'"{asset.version}"'.encode("ascii")
        versioned = b"v=" + asset.version.encode("ascii") == call.scope["query_string"]
        cache = _YEAR if versioned else _ASK_EACH_TIME
        headers = (*asset.headers, (b"etag", tag), (b"vary", b"accept-encoding"))
        if tag in [one.strip().removeprefix(b"W/") for one in call.headers.get(b"if-none-match", b"").split(b",")]:
            return Raw(b"", asset.content_type, 304, headers, cache)
        if b"gzip" in call.headers.get(b"accept-encoding", b""):
            return Raw(asset.packed, asset.content_type, 200, (*headers, (b"content-encoding", b"gzip")), cache)
        return Raw(asset.body, asset.content_type, 200, headers, cache)
