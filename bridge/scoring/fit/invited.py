"""Who was asked, as columns: from the store's invitations, or from any table with a column of scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bridge.conditions import nearest
from bridge.errors import BadRequest
from bridge.scoring.fit.frame import STAYED, Column, Numbers, is_missing, read_column, read_csv, read_number
from bridge.scoring.fit.mood import FEWEST_ANSWERS, Sheet
from bridge.scoring.invitation import Invitation
from bridge.scoring.mood import lowest
from bridge.scoring.tables import Cell


def make_sheet(invitations: Sequence[Invitation], metric: str, group_by: str, notes: Sequence[str] = ()) -> Sheet:
    """The sheet that `invitations` to surveys of `metric` make. Raises BadRequest for too few answers."""
    answers = [one for one in invitations if one.score is not None]
    if len(answers) < FEWEST_ANSWERS:
        raise BadRequest(f"there are {len(answers)} answers to {metric}; fewer than {FEWEST_ANSWERS} say nothing")
    said = list(notes)
    scale = Counter(one.scale for one in answers).most_common(1)[0][0]
    bottom = lowest(metric)
    if bottom and any(one.score is not None and one.score < bottom for one in answers):
        bottom = 0.0
    score = np.array([_score(one, bottom, scale) for one in invitations])
    outside = np.array([one.score is not None for one in invitations]) & np.isnan(score)
    if outside.any():
        said.append(f"{int(outside.sum()):,} answers lie outside of their scale and were left out")
    kept = [one for one, odd in zip(invitations, outside.tolist(), strict=True) if not odd]
    score = score[~outside]
    numbers = {one: number for number, one in enumerate(sorted({one.customer for one in kept}))}
    return Sheet(
        metric=metric,
        lowest=bottom,
        scale=scale,
        columns=_columns([one.row for one in kept], ~np.isnan(score)),
        score=score,
        answered=~np.isnan(score),
        counted=np.array([one.counted for one in kept], bool),
        person=np.array([numbers[one.customer] for one in kept], np.intp),
        group_by=group_by,
        group=tuple(one.group for one in kept),
        notes=tuple(said),
    )


def _score(one: Invitation, bottom: float, scale: float) -> float:
    """The score on the common scale; NaN for none, and for one that its own scale does not have."""
    if one.score is None or not bottom <= one.score <= one.scale:
        return float("nan")
    return bottom + (one.score - bottom) / (one.scale - bottom) * (scale - bottom)


def _columns(
    rows: Sequence[dict[str, Cell]], answered: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[Column, ...]:
    """A column per feature in which those who answered differ: what none or all of them share tells nothing."""
    names = sorted({name for row in rows for name in row})
    there = np.flatnonzero(answered).tolist()
    made = []
    for name in names:
        cells = [row.get(name) for row in rows]
        if len({cells[row] for row in there}) < 2:
            continue
        if all(cell is None or isinstance(cell, float) for cell in cells):
            made.append(Column(name, np.array([np.nan if cell is None else cell for cell in cells], np.float64)))
            continue
        levels = tuple(sorted({str(cell) for cell in cells if cell is not None}))
        place = {level: number for number, level in enumerate(levels)}
        places = np.array([-1 if cell is None else place[str(cell)] for cell in cells], np.intp)
        made.append(Column(name, None, levels, places))
    return tuple(made)


def read_sheet(
    path: Path,
    *,
    score: str,
    scale: float,
    bottom: float,
    metric: str,
    responded: str | None = None,
    group: str | None = None,
) -> Sheet:
    """The CSV in `path`, a customer a row, `score` empty where nobody answered; `responded` says so where scores of
    those who did not are there too (and are then not looked at).

    Raises BadRequest where there is nothing to fit.
    """
    names, lines, said = read_csv(path)
    for name in (score, responded, group):
        if name is not None and name not in names:
            raise BadRequest(f"{path}: there is no column {name!r}; {nearest(name, names)}")
    texts = {name: [line[place] for line in lines] for place, name in enumerate(names)}
    values = _scores(texts[score], score, bottom, scale, path, said)
    answered = ~np.isnan(values)
    if responded is not None:
        answered &= np.array([not is_missing(one) and one.strip().lower() not in STAYED for one in texts[responded]])
        values = np.where(answered, values, np.nan)
    if int(answered.sum()) < FEWEST_ANSWERS:
        raise BadRequest(f"{path}: {int(answered.sum())} rows have an answer; fewer than {FEWEST_ANSWERS} say nothing")
    found = [read_column(name, cells, said) for name, cells in texts.items() if name not in (score, responded)]
    columns = tuple(column for column in found if column is not None)
    if not columns:
        raise BadRequest(f"{path}: no column is left to learn from")
    return Sheet(
        metric=metric,
        lowest=bottom,
        scale=scale,
        columns=columns,
        score=values,
        answered=answered,
        counted=np.ones(len(lines), bool),
        person=np.arange(len(lines)),
        group_by=group,
        group=tuple(one.strip() for one in texts[group]) if group else (),
        notes=tuple(said),
    )


def _scores(texts: Sequence[str], name: str, bottom: float, scale: float, path: Path, notes: list[str]) -> Numbers:
    values = np.full(len(texts), np.nan)
    odd = 0
    for row, text in enumerate(texts):
        if is_missing(text):
            continue
        value = read_number(text.strip())
        if value is None or not bottom <= value <= scale:
            odd += 1
        else:
            values[row] = value
    if odd:
        there = int(np.sum(~np.isnan(values)))
        if odd > there:
            what = f"{odd:,} scores in {name} are no numbers from {bottom:g} to {scale:g}"
            raise BadRequest(f"{path}: {what}; say which they are with --lowest and --scale")
        notes.append(f"{odd:,} scores in {name} are no numbers from {bottom:g} to {scale:g} and count as no answer")
    return values
