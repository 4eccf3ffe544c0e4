"""Vendors are found by their folders, sources are set up from one file, and every fault names its place."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.adapter.base import Adapter
from bridge.adapter.delivery import Item
from bridge.adapter.registry import Registry, SourcesFile, load_registry
from bridge.errors import ConfigError, NotFound

MANIFEST = """
name: {name}
title: Desk
kind: helpdesk
docs: https://desk.example/docs
capabilities: [webhook, sync]
settings:
  - {{name: subdomain, description: The part before the dot., required: true}}
  - {{name: secret, description: The secret., secret: true, many: true}}
  - {{name: days, description: How long., default: "7"}}
signature: {{scheme: header, header: x-secret, setting: secret}}
"""
MAPPING = "vendor: {name}\nobjects:\n  thing: {{to: ticket, id: id, fields: {{topic: subject}}}}\n"
CODE = """
from bridge.adapter.base import Adapter, Item
from .words import HELLO

class Desk(Adapter):
    hello = HELLO

class Helper:
    pass
"""


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Two vendors, one with code, one without; and a folder that is none."""
    for name in ("desk", "plain"):
        folder = tmp_path / "vendors" / name
        folder.mkdir(parents=True)
        (folder / "manifest.yaml").write_text(MANIFEST.format(name=name))
        (tmp_path / "mappings").mkdir(exist_ok=True)
        (tmp_path / "mappings" / f"{name}.yaml").write_text(MAPPING.format(name=name))
    (tmp_path / "vendors" / "desk" / "adapter.py").write_text(CODE)
    (tmp_path / "vendors" / "desk" / "words.py").write_text("HELLO = 'hello'\n")
    (tmp_path / "vendors" / "desk" / "sample.py").write_text("NAME = __name__\n")
    (tmp_path / "vendors" / "notes").mkdir()
    return tmp_path


def load(world: Path, sources: Any = None, **env: str) -> Registry:
    return load_registry(world / "vendors", world / "mappings", sources, env)


def one(**form: Any) -> dict[str, Any]:
    return {"sources": {"help": {"adapter": "desk", "settings": {"subdomain": "acme"}} | form}}


def test_vendors_are_found_by_their_folders(world: Path) -> None:
    registry = load(world)
    assert list(registry.vendors) == ["desk", "plain"]
    assert registry.vendors["desk"].kind.__name__ == "Desk"
    assert registry.vendors["desk"].kind.hello == "hello"  # type: ignore[attr-defined]  # of the folder above
    assert registry.vendors["plain"].kind is Adapter
    assert registry.sources == {}


def test_a_source_has_its_adapter_settings_habits_and_mapping(world: Path) -> None:
    file = world / "sources.yaml"
    file.write_text(
        "sources:\n"
        "  help:\n"
        "    adapter: desk\n"
        "    settings: {subdomain: '${SUB}-x', secret: ['${NEW}', old, 5]}\n"
        "    region: CH\n    currency: CHF\n    time_zone: Europe/Zurich\n    language: en\n    demo: true\n"
        "    mapping: {objects: {thing: {fields: {text: body}}}}\n"
        "  other: {adapter: desk, settings: {subdomain: 12}}\n"
        "  third: {adapter: desk, settings: {subdomain: true}}\n"
    )
    registry = load(world, file, SUB="acme", NEW="new")
    adapter = registry.adapter("help")
    assert adapter.manifest.name == "desk"
    source = adapter.source
    assert (source.name, source.adapter, source.region, source.currency) == ("help", "desk", "CH", "CHF")
    assert (source.time_zone, source.language, source.demo) == ("Europe/Zurich", "en", True)
    assert source.settings == {"subdomain": "acme-x", "secret": ("new", "old", "5"), "days": "7"}
    item = Item(object="thing", raw={"id": 1, "subject": "a", "body": "b"})
    assert adapter.mapping.read(item, source).body == {"topic": "a", "text": "b"}
    other = registry.adapter("other")
    assert other.source.setting("subdomain") == "12"
    assert other.mapping.read(item, other.source).body == {"topic": "a"}
    assert registry.adapter("third").source.setting("subdomain") == "true"
    assert registry.adapter("third").mapping is other.mapping


def test_an_unknown_source_or_vendor_is_not_found(world: Path) -> None:
    registry = load(world)
    with pytest.raises(NotFound):
        registry.adapter("nobody")
    with pytest.raises(NotFound):
        registry.sample("nobody")


def test_the_sample_of_a_vendor_is_reached_through_the_registry(world: Path) -> None:
    registry = load(world)
    sample = registry.sample("desk")
    assert sample is not None
    assert sample.NAME.endswith(".desk.sample")
    assert registry.sample("plain") is None


def test_the_adapters_of_the_product_are_the_importable_ones() -> None:
    root = Path(__file__).resolve().parents[2]
    registry = load_registry(root / "adapters", root / "mappings", None, {})
    for name, vendor in registry.vendors.items():
        if (vendor.folder / "adapter.py").exists():
            module = importlib.import_module(f"adapters.{name}.adapter")
            assert vendor.kind in vars(module).values()
    assert registry.vendors


def test_two_folders_with_the_same_vendor_do_not_mix(world: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    first = load(world).vendors["desk"].kind
    other = tmp_path_factory.mktemp("other")
    (other / "vendors" / "desk").mkdir(parents=True)
    (other / "vendors" / "desk" / "manifest.yaml").write_text(MANIFEST.format(name="desk"))
    (other / "vendors" / "desk" / "adapter.py").write_text(
        "from bridge.adapter.base import Adapter\n\n\nclass Other(Adapter):\n    pass\n"
    )
    assert load_registry(other / "vendors", other, None, {}).vendors["desk"].kind.__name__ == "Other"
    assert load(world).vendors["desk"].kind is first


def test_without_another_package_of_that_name_the_folder_is_the_package_adapters(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "adapters"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if not (Path(place or ".") / "adapters").is_dir()])
    kind = load(world).vendors["desk"].kind
    assert kind.__module__ == "adapters.desk.adapter"
    assert load(world).vendors["desk"].kind is kind
    for name in [name for name in sys.modules if name.partition(".")[0] == "adapters"]:
        monkeypatch.delitem(sys.modules, name)


def test_a_vendor_that_brings_no_records_needs_no_mapping(world: Path) -> None:
    (world / "mappings" / "desk.yaml").unlink()
    with pytest.raises(ConfigError, match=r"desk\.yaml: there is no such file"):
        load(world, one())
    manifest = MANIFEST.format(name="desk").replace("[webhook, sync]", "[send_email]")
    (world / "vendors" / "desk" / "manifest.yaml").write_text(manifest)
    assert load(world, one()).adapter("help").mapping.objects == ()


@pytest.mark.parametrize(
    ("sources", "where", "what"),
    [
        (one(adapter="dsk"), "sources.yaml: sources.help.adapter", "did you mean 'desk'"),
        (one(settings={}), "sources.yaml: sources.help.settings.subdomain", "is missing: The part before the dot."),
        (one(settings={"subdomain": ""}), "sources.yaml: sources.help.settings.subdomain", "is missing"),
        (
            one(settings={"subdomain": "a", "secrt": "b"}),
            "sources.yaml: sources.help.settings.secrt",
            "did you mean 'secret'",
        ),
        (one(settings={"subdomain": ["a"]}), "sources.yaml: sources.help.settings.subdomain", "one value, not a list"),
        (
            one(settings={"subdomain": "${NOT_SET}"}),
            "sources.yaml: sources.help.settings.subdomain",
            "the environment variable NOT_SET is not set",
        ),
        (one(time_zone="Europe/Bärlin"), "sources.yaml: sources.help.time_zone", "no IANA time zone"),
        (one(time_zone="../etc"), "sources.yaml: sources.help.time_zone", "no IANA time zone"),
        (one(region="XX"), "sources.yaml: sources.help.region", "no ISO 3166 country"),
        (one(region="de"), "sources.yaml: sources.help.region", "[A-Z]{2}"),
        (one(colour="red"), "sources.yaml: sources.help.colour", "is not known here"),
        (
            one(mapping={"objects": {"thing": {"fields": {"topik": "x"}}}}),
            "sources.yaml: sources.help.mapping: objects.thing.fields.topik",
            "did you mean 'topic'",
        ),
        ({"sources": {"Help Desk": {"adapter": "desk"}}}, "sources.yaml: sources.Help Desk", "a source's name"),
        ({"source": {}}, "sources.yaml: source", "did you mean 'sources'"),
    ],
)
def test_a_fault_in_the_sources_file_names_the_place_and_what_was_meant(
    world: Path, sources: Any, where: str, what: str
) -> None:
    with pytest.raises(ConfigError) as problem:
        load(world, sources)
    assert problem.value.where == where
    assert what in problem.value.what


def test_a_missing_sources_file_or_folder_is_named(world: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: there is no such file"):
        load(world, world / "none.yaml")
    with pytest.raises(ConfigError, match="no such folder of adapters"):
        load_registry(world / "nowhere", world, None, {})


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import nothing_of_that_name\n", "cannot be imported: ModuleNotFoundError"),
        ("class\n", "cannot be imported: SyntaxError"),
        ("x = 1\n", "has none"),
        (
            "from bridge.adapter.base import Adapter\nclass A(Adapter): pass\nclass B(Adapter): pass\n",
            "has A, B",
        ),
    ],
)
def test_a_fault_in_an_adapter_names_its_file(tmp_path: Path, code: str, what: str) -> None:
    folder = tmp_path / "vendors" / "desk"
    folder.mkdir(parents=True)
    (folder / "manifest.yaml").write_text(MANIFEST.format(name="desk"))
    (folder / "adapter.py").write_text(code)
    with pytest.raises(ConfigError, match=what) as problem:
        load_registry(tmp_path / "vendors", tmp_path, None, {})
    assert problem.value.where == str(folder / "adapter.py")


@pytest.mark.parametrize(
    ("folder", "change", "what"),
    [
        ("desk", ("kind: helpdesk", "kind: helpdsk"), "did you mean 'helpdesk'"),
        ("desk", ("title:", "titel:"), "did you mean 'title'"),
        ("desk", ("name: desk", "name: disk"), "the folder is 'desk'"),
        ("desk", ("signature:", "# signature:"), "says how it is authenticated"),
        ("desk", (", header: x-secret", ""), "needs the header's name"),
        ("my-desk", ("name: desk", "name: my-desk"), "an adapter's folder is named"),
    ],
)
def test_a_fault_in_a_manifest_names_its_file(tmp_path: Path, folder: str, change: tuple[str, str], what: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "manifest.yaml").write_text(MANIFEST.format(name="desk").replace(*change))
    with pytest.raises(ConfigError, match=what) as problem:
        load_registry(tmp_path, tmp_path, None, {})
    assert str(tmp_path / folder) in problem.value.where


def test_a_json_schema_can_be_made_of_the_sources_file() -> None:
    schema = msgspec.json.schema(SourcesFile)
    assert "mapping" in schema["$defs"]["SourceForm"]["properties"]
