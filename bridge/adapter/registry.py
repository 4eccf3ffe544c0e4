"""Which vendors there are (a folder scan) and which sources are configured: adapters are found here, nowhere else."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Mapping as Table
from hashlib import blake2b
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from msgspec import Meta, Struct

from bridge.adapter.base import Adapter
from bridge.adapter.manifest import Manifest, Setting, load_manifest
from bridge.adapter.mapping import Mapping, load_mapping
from bridge.adapter.rules import OverlayForm
from bridge.adapter.signatures import check_signature
from bridge.adapter.source import Source
from bridge.adapter.yamlfile import check, meant, read_yaml
from bridge.errors import ConfigError, NotFound

SettingForm = str | int | float | bool | list[str | int | float]


class SourceForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source: which adapter, its settings, the habits of the place and what it adds to the mapping."""

    adapter: str
    settings: dict[str, SettingForm] = {}
    region: Annotated[str, Meta(pattern="^[A-Z]{2}$")] = "DE"
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "EUR"
    time_zone: str = "Europe/Berlin"
    language: Annotated[str, Meta(pattern="^[a-z]{2}$")] = "de"
    demo: bool = False
    mapping: OverlayForm | None = None


class SourcesFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`config/sources.yaml`: the configured sources by name."""

    sources: dict[str, SourceForm] = {}


class Vendor(Struct, frozen=True, kw_only=True):
    """One folder under `adapters/`: its manifest, its class, where it and its mapping lie."""

    manifest: Manifest
    kind: type[Adapter]
    folder: Path
    mapping: Path
    package: str

    def load_mapping(self, overlay: dict[str, Any] | None = None, overlay_at: str = "overlay") -> Mapping:
        """The vendor's mapping with an overlay; an empty one for a vendor that brings no records."""
        if not self.mapping.exists() and not {"webhook", "sync", "lookup"} & set(self.manifest.capabilities):
            return Mapping(self.manifest.name, {})
        return load_mapping(self.mapping, overlay, overlay_at)


class Registry:
    """Vendors by name and one adapter for each configured source."""

    def __init__(self, vendors: dict[str, Vendor], sources: dict[str, Adapter]) -> None:
        self.vendors = vendors
        self.sources = sources

    def adapter(self, name: str) -> Adapter:
        """The adapter of the source `name`. Raises NotFound."""
        try:
            return self.sources[name]
        except KeyError:
            raise NotFound("there is no source of that name") from None

    def sample(self, vendor: str) -> ModuleType | None:
        """The module `sample.py` of a vendor, or None where it has none. Raises NotFound for an unknown vendor."""
        found = self.vendors.get(vendor)
        if found is None:
            raise NotFound(f"there is no adapter {vendor}")
        return _module(found.package, found.folder, "sample")


def load_registry(
    adapters_dir: Path, mappings_dir: Path, sources: Path | dict[str, Any] | None, env: Table[str, str]
) -> Registry:
    """Scan the vendors' folders and set up every configured source.

    `sources` is the file or its content; `env` fills `${NAME}`. Raises ConfigError naming file and path.
    """
    return set_up(load_vendors(adapters_dir, mappings_dir), sources, env)


def set_up(vendors: dict[str, Vendor], sources: Path | dict[str, Any] | None, env: Table[str, str]) -> Registry:
    """An adapter for every configured source, of vendors that were loaded before; else as `load_registry`."""
    where = str(sources) if isinstance(sources, Path) else "sources.yaml"
    data = read_yaml(sources) if isinstance(sources, Path) else sources
    data = _filled({} if data is None else data, env, where, "")
    form = check(data, SourcesFile, where)
    adapters: dict[str, Adapter] = {}
    plain: dict[str, Mapping] = {}
    for name, one in form.sources.items():
        at = f"{where}: sources.{name}"
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
            raise ConfigError(at, "a source's name is made of a-z, 0-9, - and _, and begins with a letter")
        vendor = vendors.get(one.adapter)
        if vendor is None:
            raise ConfigError(f"{at}.adapter", f"there is no adapter {one.adapter!r}{meant(one.adapter, vendors)}")
        if one.mapping is not None:
            mapping = vendor.load_mapping(data["sources"][name]["mapping"], f"{at}.mapping")
        else:
            mapping = plain.get(one.adapter) or plain.setdefault(one.adapter, vendor.load_mapping())
        adapters[name] = vendor.kind(_source(name, one, vendor.manifest, at), vendor.manifest, mapping)
    return Registry(vendors, adapters)


def load_vendors(adapters_dir: Path, mappings_dir: Path) -> dict[str, Vendor]:
    """Every folder with a `manifest.yaml`, by name. Raises ConfigError for one that is wrong."""
    if not adapters_dir.is_dir():
        raise ConfigError(str(adapters_dir), "there is no such folder of adapters")
    root = _package(adapters_dir.resolve())
    vendors = {}
    for path in sorted(adapters_dir.glob("*/manifest.yaml")):
        folder = path.parent
        if not re.fullmatch(r"[a-z][a-z0-9_]*", folder.name):
            raise ConfigError(str(folder), "an adapter's folder is named in a-z, 0-9 and _, and begins with a letter")
        manifest = load_manifest(path)
        if manifest.signature is not None:
            check_signature(manifest.signature, str(path))
        package = f"{root}.{folder.name}"
        vendors[folder.name] = Vendor(
            manifest=manifest,
            kind=_kind(package, folder),
            folder=folder,
            mapping=mappings_dir / f"{folder.name}.yaml",
            package=package,
        )
    return vendors


def _kind(package: str, folder: Path) -> type[Adapter]:
    """The one subclass of Adapter that `adapter.py` defines, or Adapter itself where there is no such file."""
    module = _module(package, folder, "adapter")
    if module is None:
        return Adapter
    kinds = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Adapter) and one.__module__ == module.__name__
    ]
    if len(kinds) != 1:
        names = ", ".join(one.__name__ for one in kinds) or "none"
        raise ConfigError(str(folder / "adapter.py"), f"defines one subclass of Adapter, but has {names}")
    return kinds[0]


def _package(adapters_dir: Path) -> str:
    """The package under which the folders are imported: `adapters` where that is this folder, else one of its own."""
    loaded = sys.modules.get("adapters")
    spec = importlib.util.find_spec("adapters") if loaded is None else loaded.__spec__
    name = "adapters"
    if spec is not None:
        if adapters_dir in [Path(place).resolve() for place in spec.submodule_search_locations or ()]:
            return name
        name = "adapters_" + blake2b(str(adapters_dir).encode(), digest_size=6).hexdigest()
    if name not in sys.modules:
        own = ModuleSpec(name, None, is_package=True)
        own.submodule_search_locations = [str(adapters_dir)]
        sys.modules[name] = importlib.util.module_from_spec(own)
    return name


def _module(package: str, folder: Path, name: str) -> ModuleType | None:
    if not (folder / f"{name}.py").exists():
        return None
    importlib.invalidate_caches()
    try:
        return importlib.import_module(f"{package}.{name}")
    except Exception as problem:
        raise ConfigError(
            str(folder / f"{name}.py"), f"cannot be imported: {type(problem).__name__}: {problem}"
        ) from problem


def _source(name: str, form: SourceForm, manifest: Manifest, at: str) -> Source:
    declared = {one.name: one for one in manifest.settings}
    settings: dict[str, str | tuple[str, ...]] = {}
    for key, value in form.settings.items():
        if key not in declared:
            raise ConfigError(f"{at}.settings.{key}", f"the adapter has no such setting{meant(key, declared)}")
        settings[key] = _setting(value, declared[key], f"{at}.settings.{key}")
    for one in declared.values():
        if one.name not in settings and one.default is not None:
            settings[one.name] = one.default
        if one.required and not any(settings.get(one.name, ())):
            raise ConfigError(f"{at}.settings.{one.name}", f"is missing: {one.description}")
    try:
        ZoneInfo(form.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(f"{at}.time_zone", "is no IANA time zone, such as Europe/Berlin") from None
    if form.region not in phonenumbers.SUPPORTED_REGIONS:
        raise ConfigError(f"{at}.region", "is no ISO 3166 country, such as DE")
    return Source(
        name=name,
        adapter=form.adapter,
        settings=settings,
        region=form.region,
        currency=form.currency,
        time_zone=form.time_zone,
        language=form.language,
        demo=form.demo,
    )


def _setting(value: SettingForm, declared: Setting, where: str) -> str | tuple[str, ...]:
    if not isinstance(value, list):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if not declared.many:
        raise ConfigError(where, "takes one value, not a list")
    return tuple(str(one) for one in value)


def _filled(data: Any, env: Table[str, str], where: str, path: str) -> Any:
    """`data` with every `${NAME}` replaced by that environment variable."""
    if isinstance(data, dict):
        return {key: _filled(value, env, where, f"{path}.{key}" if path else str(key)) for key, value in data.items()}
    if isinstance(data, list):
        return [_filled(value, env, where, f"{path}[{index}]") for index, value in enumerate(data)]
    if not isinstance(data, str):
        return data

    def value(found: re.Match[str]) -> str:
        if found[1] not in env:
            raise ConfigError(f"{where}: {path}", f"the environment variable {found[1]} is not set")
        return env[found[1]]

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", value, data)
