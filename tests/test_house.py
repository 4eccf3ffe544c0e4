"""The house rules that no other tool holds."""

from __future__ import annotations

import ast
import re
import subprocess
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = ("bridge", "adapters", "contract_tests", "tests", "benchmarks")
LONGEST_FILE = 400
DEEPEST_MODULE = 3
"""A top folder, a room in it, a file in that."""
VAGUE = {"base_utils", "common", "helper", "helpers", "manager", "misc", "util", "utils"}
SILENCED = re.compile(r"#\s*(?:type: ignore(?:\[[\w, -]+\])?|noqa(?:: ?[A-Z0-9, ]+)?|pragma: no (?:cover|branch))(.*)")
INDEXES = re.compile(
    "|".join(["pypi" + r"\.org", "python" + "hosted", "--(?:extra-)?index" + "-url", "--find" + "-links"])
)
MACHINES = re.compile(r"(?<![\w./:}-])/(?:" + "|".join(["wo" + "rk", "ho" + "me", "ro" + "ot", "Us" + "ers"]) + r")/\w")


def _files() -> list[Path]:
    """All files of the repository, as git sees them; without git, all that are not made by tools."""
    if (ROOT / ".git").exists():
        command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split("\0")
        return [path for name in listed if name and (path := ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and not any(map(_made_by_a_tool, path.parts))]


def _made_by_a_tool(part: str) -> bool:
    return part in {".venv", ".var", ".git", "__pycache__", "dist", "htmlcov"} or part.endswith(("_cache", ".egg-info"))


FILES = _files()
MODULES = [path for path in FILES if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in CODE]


def _lines() -> Iterator[tuple[str, str]]:
    """Every line of text in the repository, with where it stands."""
    for path in FILES:
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def test_there_are_files_to_look_at() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} >= {"bridge", "contract_tests", "tests"}


def test_no_middleware_that_costs_every_request_a_task() -> None:
    word = "BaseHTTP" + "Middleware"
    assert [str(path) for path in MODULES if word in path.read_text("utf-8")] == []


def test_no_module_is_longer_than_can_be_read_at_once() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_module_lies_deeper_than_two_folders() -> None:
    deep = [path.relative_to(ROOT) for path in MODULES]
    extra = Path("bridge/scoring/fit")  # fitting needs libraries that scoring does not: a room within the room
    assert [str(path) for path in deep if len(path.parts) > DEEPEST_MODULE and path.parent != extra] == []


def test_modules_are_named_for_what_they_hold() -> None:
    assert [str(path) for path in MODULES if {path.stem, path.parent.name} & VAGUE] == []


def test_nobody_is_called_a_contact() -> None:
    """One vendor's word for a person is another's for a call, so that the shared model uses it for nothing."""
    found = []
    for path in MODULES:
        if path.relative_to(ROOT).parts[0] == "bridge":
            with tokenize.open(path) as file:
                names = {one.string for one in tokenize.generate_tokens(file.readline) if one.type == tokenize.NAME}
            found += [f"{path.relative_to(ROOT)}: {name}" for name in names if "contact" in name.lower()]
    assert found == []


def test_nothing_is_silenced_without_a_reason_beside_it() -> None:
    silenced = ((where, SILENCED.search(line)) for where, line in _lines() if where.partition(":")[0].endswith(".py"))
    assert [where for where, found in silenced if found and not found[1].strip(" #-:")] == []


def test_the_repository_names_no_package_index_and_no_machine() -> None:
    assert [where for where, line in _lines() if MACHINES.search(line)] == []
    allowed = re.compile(r"scripts/lock:")  # it says that the index is left out
    assert [where for where, line in _lines() if INDEXES.search(line) and not allowed.match(where)] == []


@pytest.mark.parametrize("name", ["run", "dev"])
def test_every_requirement_is_pinned_and_hashed(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8").replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(requirements) > 20
    assert [line for line in requirements if not re.match(r"[\w.\[\]-]+==\S+.* --hash=sha256:", line)] == []


def test_adapters_may_import_what_the_design_says_and_nothing_else() -> None:
    """The forbidden list is written by omission: a new room is forbidden to adapters until somebody decides."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    forbidden = next(one["forbidden_modules"] for one in contracts if one["name"].startswith("Adapters see"))
    rooms = {
        path.relative_to(ROOT).parts[1].removesuffix(".py")
        for path in MODULES
        if path.relative_to(ROOT).parts[0] == "bridge" and not path.name.startswith("__")
    }
    named = {name.removeprefix("bridge.") for name in forbidden if name.startswith("bridge.")}
    assert rooms - named == {"adapter", "model", "errors"}


def test_adapters_know_nothing_of_each_other() -> None:
    """Their folders need no `__init__.py`, so that import-linter cannot tell them apart."""
    found = []
    for path in MODULES:
        top, vendor, *_ = path.relative_to(ROOT).parts
        if top == "adapters":
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = ["adapters." if node.level > 1 else "" if node.level else f"{node.module}."]
                others = [name for name in names if name.startswith("adapters") and name.split(".")[1:2] != [vendor]]
                found += [f"{path.relative_to(ROOT)}: {name}" for name in others]
    assert found == []
