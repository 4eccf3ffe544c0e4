"""The folder of exports: which tables are in it, what each holds by its name, and whether a file has changed."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct

from bridge.adapter.base import Source
from bridge.errors import ConfigError, VendorRetryable

from .headers import canonical
from .row import Unusable
from .workbook import Incomplete, sheet_names

TEXTS = frozenset({".csv", ".tsv", ".txt"})
LARGEST = {**dict.fromkeys(TEXTS, 8 << 30), ".xlsx": 200 << 20, ".xlsm": 200 << 20}
"""Bytes that a file may have, by its ending."""

ORDER = ("accounts", "customers", "contracts", "purchases", "tickets", "surveys", "usage")
"""The objects, in the order in which they are read: whom a record is about comes before the record."""

WORDS = {
    "accounts": "account accounts firma firmen konto konten unternehmen company companies organisation organisationen "
    "organization organizations haushalt haushalte household households mandant mandanten",
    "customers": "customer customers kunde kunden debitor debitoren kaeufer person personen people client clients",
    "contracts": "contract contracts vertrag vertraege abonnement abonnements abos subscription "
    "subscriptions police policen",
    "purchases": "purchase purchases kauf kaeufe einkauf einkaeufe bestellung bestellungen auftrag auftraege order "
    "orders umsatz umsaetze verkauf verkaeufe sales",
    "tickets": "ticket tickets anfrage anfragen reklamation reklamationen beschwerde beschwerden complaint complaints "
    "cases",
    "surveys": "survey surveys umfrage umfragen befragung befragungen nps csat feedback bewertung bewertungen",
    "usage": "usage nutzung nutzungen nutzungsdaten",
}
IGNORED = "ignore"
UNCLEAR = f"does not say by its name what it holds ({', '.join(ORDER)}); rename it, or say it in the setting objects"
_RANK = {name: rank for rank, name in enumerate(ORDER)}
_OBJECT_OF = {word: name for name, words in WORDS.items() for word in words.split()}

_HEAD = 1 << 16


class Table(Struct, frozen=True):
    """One table: a text file, or a sheet of a workbook. Where `problem` is not "" it cannot be read, for that reason.

    `cut` says that the problem may go away by itself: the file may still be on its way here. `series` is the pattern of
    whose files this is the newest; `full` says that a row that is missing is a record that is gone.
    """

    name: str
    path: Path
    sheet: str = ""
    object: str = ""
    problem: str = ""
    cut: bool = False
    series: str = ""
    full: bool = False

    @property
    def stream(self) -> str:
        """What the table is called from one state to the next: its name, in a series with the pattern in it."""
        return f"{self.series}{self.name[len(self.path.name) :]}" if self.series else self.name


def object_of(name: str) -> str:
    """What a file or sheet called `name` holds; "" where the name says nothing, or two things.

    Each word of the name counts by the word it ends in, as German compounds mean it (`Kundenumfrage` is a survey), else
    by the one it begins with (`Kundenliste`).
    """
    found = {match for token in canonical(name).split("_") if (match := _token(token))}
    return found.pop() if len(found) == 1 else ""


def _token(token: str) -> str:
    for fits in (token.endswith, token.startswith):
        words = [word for word in _OBJECT_OF if fits(word)]
        if words:
            return _OBJECT_OF[max(words, key=len)]
    return ""


class Folder:
    """The tables of one source. Nothing outside the folder is opened, by whatever name or link."""

    def __init__(self, source: Source, objects: tuple[str, ...]) -> None:
        self._source = source.name
        self.path = self._root = Path(source.setting("folder")).expanduser()
        self._patterns = [pattern.lower() for pattern in source.secrets("files")]
        self._series = [pattern.lower() for pattern in source.secrets("series")]
        self._full = [pattern.lower() for pattern in source.secrets("full")]
        self._objects = [_override(source.name, one, objects) for one in source.secrets("objects")]

    def tables(self) -> list[Table]:
        """All tables, in the order in which they are to be read; of one object, the file changed last comes last.

        Raises VendorRetryable when the folder is not there.
        """
        try:
            root = self._root.resolve(strict=True)
            changed = {path: path.stat().st_mtime_ns for path in root.iterdir() if self._is_export(path, root)}
        except OSError as problem:
            raise self._lost(problem) from None
        tables = [table for path in self._newest(changed) for table in self._tables_in(path)]
        return sorted(tables, key=lambda table: (_RANK.get(table.object, len(_RANK)), changed[table.path], table.name))

    def table(self, name: str) -> Table | None:
        """The table of that stream, if it is there now. Raises VendorRetryable when the folder is not there."""
        if any(name == pattern or name.startswith(f"{pattern}#") for pattern in self._series):
            return next((table for table in self.tables() if table.stream == name), None)
        try:
            root = self._root.resolve(strict=True)
        except OSError as problem:
            raise self._lost(problem) from None
        files = [
            name,
            *(name[:at] for at, mark in enumerate(name) if mark == "#"),
        ]  # both parts may have a # of their own
        paths = [path for file in files if (path := root / file).parent == root and self._is_export(path, root)]
        tables = (table for path in paths for table in self._tables_in(path))
        return next((table for table in tables if table.stream == name), None)

    def _newest(self, changed: dict[Path, int]) -> list[Path]:
        """The files to be read: of each series the one that was changed last, and all that are of none."""
        newest: dict[str, Path] = {}
        for path in sorted(changed, key=lambda path: (changed[path], path.name)):
            newest[self._series_of(path) or f"/{path.name}"] = path
        return list(newest.values())

    def _series_of(self, path: Path) -> str:
        return next((pattern for pattern in self._series if fnmatchcase(path.name.lower(), pattern)), "")

    def _lost(self, problem: OSError) -> VendorRetryable:
        return VendorRetryable(self._source, f"folder {self._root} cannot be listed: {problem.strerror}")

    def _is_export(self, path: Path, root: Path) -> bool:
        """Whether `path` is a file to be read: no hidden one, no owner's lock (`~$`), no link that leads out.

        Names that are no text, as of files unpacked from an old archive, could not be named in any report.
        """
        name = path.name.lower()
        if name.startswith((".", "~")) or not name.isprintable() or path.suffix.lower() not in LARGEST:
            return False
        if self._patterns and not any(fnmatchcase(name, pattern) for pattern in self._patterns):
            return False
        try:
            return path.resolve(strict=True).is_relative_to(root) and path.is_file()
        except (OSError, RuntimeError):  # gone meanwhile, or a link to itself
            return False

    def _tables_in(self, path: Path) -> list[Table]:
        series = self._series_of(path)
        return [
            msgspec.structs.replace(table, series=series, full=self._is_full(table)) for table in self._found_in(path)
        ]

    def _is_full(self, table: Table) -> bool:
        names = (table.name.lower(), table.path.name.lower(), table.sheet.lower())
        return any(fnmatchcase(name, pattern) for name in names if name for pattern in self._full)

    def _found_in(self, path: Path) -> list[Table]:
        by_file = self._object(path.name, path.stem)
        if by_file == IGNORED:
            return []
        if path.suffix.lower() in TEXTS:
            if not by_file and path.suffix.lower() == ".txt":  # any note may lie about under this ending
                return []
            return [Table(path.name, path, "", by_file, "" if by_file else UNCLEAR)]
        try:
            sheets = sheet_names(path)
        except Incomplete:
            return [Table(path.name, path, "", by_file, "is not a whole workbook", cut=True)]
        except OSError as problem:
            return [Table(path.name, path, "", by_file, f"cannot be opened: {problem.strerror}", cut=True)]
        except Unusable as problem:
            return [Table(path.name, path, "", by_file, str(problem))]
        named = [(sheet, self._object(f"{path.name}#{sheet}", sheet)) for sheet in sheets]
        tables = [
            Table(f"{path.name}#{sheet}", path, sheet, what) for sheet, what in named if what not in {"", IGNORED}
        ]
        if not tables and (unnamed := [sheet for sheet, what in named if not what]):
            tables = [Table(path.name, path, unnamed[0], by_file, "" if by_file else UNCLEAR)]
        return tables

    def _object(self, name: str, word: str) -> str:
        """What the settings say of a file or sheet by its full name or its own, else what its own name says."""
        for pattern, what in self._objects:
            if fnmatchcase(name.lower(), pattern) or fnmatchcase(word.lower(), pattern):
                return what
        return object_of(word)


def fingerprint(path: Path, reading: str) -> str:
    """What tells one state of a file from another: size, time of change and the first 64 KB, and how it is read."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        now = os.fstat(file.fileno())
    return blake2b(f"{now.st_size} {now.st_mtime_ns} {reading} ".encode() + head, digest_size=12).hexdigest()


def _override(source: str, text: str, objects: tuple[str, ...]) -> tuple[str, str]:
    pattern, _, what = text.rpartition("=")
    if not pattern.strip() or what.strip() not in {*objects, IGNORED}:
        where = f"sources.yaml: {source}.settings.objects"
        raise ConfigError(where, f"is no name=object; objects are {', '.join(objects)} and {IGNORED}")
    return pattern.strip().lower(), what.strip()
