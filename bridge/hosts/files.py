"""Files for the other side: rendered from templates, and written without ever taking somebody else's place.

The same plan gives the same bytes, on any machine and on any day. No file holds a secret: where one belongs there is a
word in capitals, and the README says what to put there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct

from bridge import flat
from bridge.errors import BadRequest, Conflict
from bridge.hosts.config import Embed

Files = Mapping[str, bytes]
"""By path below the folder, with `/`."""

SUMS: Final = "SHA256SUMS"
"""Lists what was written, so that it is known again; `sha256sum --check SHA256SUMS` reads it too."""

LANGUAGES: Final = ("de", "en")
_LOCALES: Final = {"de": "de-DE", "en": "en-US"}
_AT_HOME: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST: Final = re.compile(r"[a-z0-9.-]+|\[[0-9a-f:]+\]")
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The first day that a zip can name."""


class Plan(Struct, frozen=True, kw_only=True):
    """What files are made from: the bridge's own address, the language that callers hear, and where calls go."""

    url: str
    language: str
    routes: tuple[str, ...]
    """Every `route_hint` that config/routing.yaml can give, the one for unknown callers last."""
    embed: Embed | None = None
    """The page in this host, None while it is off."""

    @property
    def general(self) -> str:
        """Where a call goes while nobody can be asked."""
        return self.routes[-1]

    @property
    def origin(self) -> str:
        """The bridge's address without a path, as browsers write it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def locale(self) -> str:
        """The language as phone systems write it."""
        return _LOCALES[self.language]


def read_url(text: str, *, cloud: bool) -> str:
    """`text` as the address of the bridge, without a slash at its end; BadRequest says what is wrong with it.

    A host in the cloud cannot reach a machine's own address, and no key travels unencrypted between machines.
    """
    parts = urlsplit(text)
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    plain = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}" + (f":{port}" if port else "")
    named = text.rstrip("/")
    if parts.scheme not in ("https", "http") or not _HOST.fullmatch(parts.netloc.lower().partition(f":{port}")[0]):
        raise BadRequest("--url is where the bridge is reached, such as https://bridge.example.com")
    if named[: len(plain)].lower() != plain or not _PATH.fullmatch(named[len(plain) :]):
        raise BadRequest("--url is scheme, host and path alone, such as https://bridge.example.com")
    if cloud and host in _AT_HOME:
        raise BadRequest(
            f"{plain} is this machine, which this host cannot reach: give --url https://… or set BRIDGE_PUBLIC_URL"
        )
    if parts.scheme == "http" and host not in _AT_HOME:
        raise BadRequest(f"{plain} would send the access key unencrypted: give an address that begins with https://")
    return plain + named[len(plain) :]


def neutral(route: str) -> dict[str, str]:
    """The answer while nobody can be asked: every key, nobody found, the call on its way to `route`."""
    tail = flat.tail(age_seconds=None, degraded=True, missing="", answer_ms=0)
    answer: dict[str, str] = json.loads(flat.neutral(route=route) + flat.BLANK_DETAIL + tail)
    return answer


def as_json(what: Any) -> bytes:
    """Readable JSON with a line break at its end."""
    return (json.dumps(what, ensure_ascii=False, indent=2) + "\n").encode()


_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("bridge.hosts"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - none of these files is HTML that a stranger's words get into
    # what the hosts themselves fill in is written {{…}} and ${…}
    variable_start_string="[[",
    variable_end_string="]]",
    block_start_string="[%",
    block_end_string="%]",
    comment_start_string="[#",
    comment_end_string="#]",
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(template: str, plan: Plan, **more: Any) -> bytes:
    """A template of `bridge/hosts/templates`, filled in."""
    return _ENVIRONMENT.get_template(template).render(plan=plan, **more).encode()


def readmes(host: str, plan: Plan, **more: Any) -> dict[str, bytes]:
    """What to click, in German and in English."""
    return {
        f"README.{language}.md": render(f"{host}/README.{language}.md.jinja", plan, **more) for language in LANGUAGES
    }


def sign_in(plan: Plan) -> dict[str, bytes]:
    """A start for the page at which agents sign in, where the host itself signs nothing."""
    return {"sign-in.html": render("sign-in.html.jinja", plan, origin=plan.origin)}


def as_zip(files: Files) -> bytes:
    """`files` in one archive, by name, all of the same day, and uncompressed: compressors differ."""
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_STORED) as archive:
        for name in sorted(files):
            entry = ZipInfo(name, _EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return packed.getvalue()


def write_files(folder: Path, files: Files, *, force: bool = False) -> list[Path]:
    """Write `files` below `folder` and give back their paths.

    What we wrote before is replaced. Conflict, and nothing is written, where a file stands in the way that somebody
    else wrote or changed, unless `force`.
    """
    if folder.exists() and not folder.is_dir():
        raise Conflict(f"{folder} is a file: name a folder with --out")
    known = _read_sums(folder / SUMS)
    listed = "".join(f"{sha256(body).hexdigest()}  {name}\n" for name, body in sorted(files.items()))
    for name, body in files.items():
        path = folder / name
        if force or not (path.exists() or path.is_symlink()):
            continue
        if not path.is_file() or path.is_symlink():
            raise Conflict(f"{path} is no plain file: choose another folder with --out")
        there = path.read_bytes()
        if there != body and sha256(there).hexdigest() != known.get(name):
            raise Conflict(
                f"{path} was written or changed by somebody else: take it away, or overwrite it with --force"
            )
    written = []
    try:
        for name, body in {**files, SUMS: listed.encode()}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
            written.append(path)
    except OSError as problem:
        raise Conflict(f"{problem.filename or folder} cannot be written: {problem.strerror}") from None
    return written


def _read_sums(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("  ") for line in lines)
    return {name: digest for digest, _, name in pairs if name}
