"""A table of customers as columns of numbers and categories, and its label as left or stayed; whatever is left out of
it or decided on the way is said in notes."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from bridge.conditions import nearest
from bridge.errors import BadRequest
from bridge.scoring.tables import Cell

Numbers: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.intp]

FEWEST = 20
"""Customers who left, and who stayed, below which nothing is fitted."""

_MISSING = {"", "na", "n/a", "nan", "null", "none", "-", "--", "?", "#n/a", "nil"}
_LEFT = {
    "1", "1.0", "yes", "y", "true", "t", "churn", "churned", "churner", "left", "leaver", "lost", "exited", "attrited",
    "cancelled", "canceled", "gone", "attrited customer", "ja", "j", "wahr", "gekündigt", "abgewandert", "verloren",
}  # fmt: skip
STAYED = {
    "0", "0.0", "-1", "no", "n", "false", "f", "stayed", "retained", "existing", "existing customer", "active", "loyal",
    "current", "kept", "nein", "falsch", "geblieben", "bestand", "treu", "aktiv",
}  # fmt: skip
_COMMA = re.compile(r"[-+]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_IDENTIFIER = re.compile(r"(?:^|[^a-z])(?:id|nr|no|num|number|key|ref|row|index|phone|uuid|nummer)(?:$|[^a-z])")
_TELLING = 0.99
"""A column that ranks so well by itself is likelier a trace of having left than a sign of it."""
_STRANGE = 3
"""So many words at most may stand in a column of numbers; they count as missing."""


class Column(Struct, frozen=True):
    """A feature: `numbers` with NaN where missing, or `levels` and each row's place in them, -1 where missing."""

    name: str
    numbers: Numbers | None
    levels: tuple[str, ...] = ()
    places: Rows | None = None

    def cell(self, row: int) -> Cell:
        """What scoring would be given for that row."""
        if self.numbers is not None:
            value = float(self.numbers[row])
            return None if isnan(value) else value
        place = -1 if self.places is None else int(self.places[row])
        return None if place < 0 else self.levels[place]


class Frame(Struct, frozen=True):
    """Features of customers and whether each of them left (1) or stayed (0)."""

    columns: tuple[Column, ...]
    left: Numbers
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.left)

    def row(self, number: int) -> dict[str, Cell]:
        """One customer's features by name, as scoring reads them."""
        return {column.name: column.cell(number) for column in self.columns}


def read_frame(path: Path, label: str) -> Frame:
    """The CSV in `path`, with `label` as the column of two values that says who left.

    Raises BadRequest where there is nothing to fit: no such file or column, a label that has not two values, too few
    of either, no feature.
    """
    names, lines, notes = read_csv(path)
    if label not in names:
        raise BadRequest(f"{path}: there is no column {label!r}; {nearest(label, names)}")
    return make_frame(
        {name: [line[place] for line in lines] for place, name in enumerate(names)}, label, notes, str(path)
    )


def make_frame(
    table: Mapping[str, Sequence[str]], label: str, notes: Sequence[str] = (), where: str = "table"
) -> Frame:
    """The columns of `table`, as text, made features; see `read_frame`."""
    said = list(notes)
    left, labelled = _read_label(table[label], label, where, said)
    columns = []
    for name, texts in table.items():
        if name == label:
            continue
        there = texts if len(labelled) == len(texts) else [texts[row] for row in labelled]
        if column := read_column(name, there, said):
            columns.append(column)
    if not columns:
        raise BadRequest(f"{where}: no column is left to learn from: {'; '.join(said) or 'there is only the label'}")
    telling = ((column.name, _telling(column, left)) for column in columns)
    said += [
        f"{name} alone nearly gives {label} away (AUC {area:.3f}): leave it out if it is only known afterwards"
        for name, area in telling
        if area > _TELLING
    ]
    return Frame(tuple(columns), left, tuple(said))


def read_csv(path: Path) -> tuple[list[str], list[list[str]], list[str]]:
    """Names, rows and notes of the CSV in `path`. Raises BadRequest for what is none."""
    notes: list[str] = []
    try:
        raw = path.read_bytes()
    except OSError as problem:
        raise BadRequest(f"{path}: cannot be read: {problem.strerror}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
        notes.append("the file is not UTF-8 and was read as Windows-1252")
    if "\0" in text:
        raise BadRequest(f"{path}: is no text; save the table as CSV")
    head = text.partition("\n")[0]
    delimiter = max(",;\t|", key=head.count)
    lines = [
        line for line in csv.reader(text.splitlines(keepends=True), delimiter=delimiter) if any(map(str.strip, line))
    ]
    if len(lines) < 2:
        raise BadRequest(f"{path}: has no rows below its header")
    names = [name.strip() for name in lines[0]]
    for place, name in enumerate(names):  # a table saved with its row numbers has a column without a name
        names[place] = name or f"column {place + 1}"
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise BadRequest(f"{path}: there are two columns {twice[0]!r}; rename one of them")
    whole = [line for line in lines[1:] if len(line) == len(names)]
    if odd := len(lines) - 1 - len(whole):
        if odd > len(lines) * 0.05:
            raise BadRequest(f"{path}: {odd:,} rows have not the {len(names)} columns of the header")
        notes.append(f"{odd:,} rows have not the {len(names)} columns of the header and were left out")
    return names, whole, notes


def _read_label(texts: Sequence[str], label: str, where: str, notes: list[str]) -> tuple[Numbers, list[int]]:
    words = [text.strip() for text in texts]
    rows = [row for row, word in enumerate(words) if word.lower() not in _MISSING]
    if len(rows) < len(words):
        notes.append(f"{len(words) - len(rows):,} rows without {label} were left out")
    counts = Counter(words[row] for row in rows)
    if len(counts) != 2:
        found = ", ".join(repr(word) for word, _ in counts.most_common(4)) or "nothing"
        many = (
            f"{len(counts):,} values ({found}{' …' if len(counts) > 4 else ''})" if len(counts) > 1 else f"only {found}"
        )
        raise BadRequest(f"{where}: the label {label} has {many}; it needs two, one for left and one for stayed")
    left, how = _word_of_leaving(counts)
    notes.append(
        f"{label} = {left!r} counts as left{how}: {counts[left]:,} of {len(rows):,} ({counts[left] / len(rows):.1%})"
    )
    if min(counts.values()) < FEWEST:
        fewest, count = counts.most_common()[-1]
        raise BadRequest(f"{where}: {count} rows have {label} = {fewest!r}; fewer than {FEWEST} say nothing")
    return np.array([words[row] == left for row in rows], np.float64), rows


def _word_of_leaving(counts: Counter[str]) -> tuple[str, str]:
    plain = {word: word.lower().rstrip(".!") for word in counts}
    leaving = [word for word in counts if plain[word] in _LEFT]
    staying = [word for word in counts if plain[word] in STAYED or re.match(r"(?:not?|non|nicht)\b", plain[word])]
    if len(leaving) == 1:
        return leaving[0], ""
    if len(staying) == 1:
        return next(word for word in counts if word != staying[0]), ""
    return counts.most_common()[-1][0], " (the rarer of two words that are not known)"


def read_column(name: str, texts: Sequence[str], notes: list[str]) -> Column | None:
    """A feature, or None for one that says nothing: why is added to `notes`."""
    words = [text.strip() for text in texts]
    counts = Counter(words)
    known = [word for word in counts if word.lower() not in _MISSING]
    there = sum(counts[word] for word in known)
    if len(known) < 2 and (there == len(words) or not there):
        notes.append(f"{name} was left out: " + ("it is empty" if not known else "it is the same in every row"))
        return None
    values = {word: read_number(word) for word in known}
    strange = [word for word, value in values.items() if value is None]
    odd = sum(counts[word] for word in strange)
    if len(strange) <= _STRANGE < len(known) and odd <= there * 0.1:
        if strange:
            which = ", ".join(repr(word) for word in strange)
            notes.append(f"{name} is a column of numbers; {which} ({odd:,} rows) counts as missing")
        if len(known) == there and _identifies(name, values):
            notes.append(f"{name} was left out: it numbers the rows")
            return None
        return Column(name, np.array([_or_nan(values.get(word)) for word in words], np.float64))
    if not strange:
        return Column(name, np.array([_or_nan(values.get(word)) for word in words], np.float64))
    if len(known) > max(50, there * 0.5):
        notes.append(f"{name} was left out: nearly every row has a value of its own")
        return None
    levels = tuple(sorted(known))
    place = {word: number for number, word in enumerate(levels)}
    return Column(name, None, levels, np.array([place.get(word, -1) for word in words], np.intp))


def is_missing(text: str) -> bool:
    """Whether a cell says that there is nothing."""
    return text.strip().lower() in _MISSING


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def read_number(word: str) -> float | None:
    """The number that `word` writes, in German or English; None where it is none."""
    plain = word.replace(",", "") if _THOUSANDS.fullmatch(word) else word
    if plain is word and "," in word and _COMMA.fullmatch(word):
        plain = word.replace(".", "").replace(",", ".")
    try:
        value = float(plain.rstrip("%€$ ").lstrip("€$ "))
    except ValueError:
        return None
    return value if np.isfinite(value) and "_" not in word else None


def _identifies(name: str, values: Mapping[str, float | None]) -> bool:
    """Whether whole numbers, each in one row only, are named as an identifier or count the rows."""
    numbers = [value for value in values.values() if value is not None]
    if any(value != int(value) for value in numbers):
        return False
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower().replace("_", " ")
    counts_on = max(numbers) - min(numbers) == len(numbers) - 1 and len(numbers) > 1000
    named = bool(_IDENTIFIER.search(spaced)) or spaced.endswith(("id", "num"))
    return named or counts_on


def _telling(column: Column, left: Numbers) -> float:
    """AUC of the best order of the column's values, each judged by its own share of those who left."""
    values = column.places if column.numbers is None else np.nan_to_num(column.numbers, nan=-1e300)
    if values is None:
        return 0.5
    unique, place = np.unique(values, return_inverse=True)
    ones = np.bincount(place, left, len(unique))
    rows = np.bincount(place, minlength=len(unique))
    if column.numbers is None and len(unique) <= 50:
        order = np.argsort(ones / rows)
        ones, rows = ones[order], rows[order]
    zeros = rows - ones
    area = float(np.sum(ones * (np.cumsum(zeros) - zeros / 2)) / (ones.sum() * zeros.sum()))
    return max(area, 1 - area)
