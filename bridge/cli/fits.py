"""The commands that find models in a company's own history."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from bridge.cli.desks import out
from bridge.errors import BadRequest, ConfigError
from bridge.scoring.tables import Scorer, Tables, write_tables

if TYPE_CHECKING:
    from bridge.scoring.fit.frame import Frame
    from bridge.scoring.fit.measures import Measures

commands = typer.Typer(no_args_is_help=True, help="Find models in a company's own history, and say how good they are.")

aside = Console(stderr=True, soft_wrap=True)
"""Where bars and remarks go, so that what is printed can be piped."""

TELLING = 10
"""So many tables are shown."""
_SAMPLE = 2_000
_DIGITS = 6


def require_engine() -> None:
    """To be called before anything of the extra `fit` is imported. Raises ConfigError where it is not installed."""
    if missing := [name for name in ("numpy", "scipy") if find_spec(name) is None]:
        raise ConfigError(
            "bridge fit", f"needs {' and '.join(missing)}; install them: pip install 'retention-bridge[fit]'"
        )
    # Matrices here are small: more threads of OpenBLAS wait for each other, which takes twice the processor's time and
    # not a second less. It is read when numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@contextmanager
def working() -> Iterator[Progress]:
    """A bar on stderr that vanishes when the work is done."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=aside, transient=True) as bars:
        yield bars


def write_model(path: Path, body: bytes) -> None:
    """Write `body` to `path`. Raises ConfigError where that cannot be done."""
    try:
        path.write_bytes(body)
    except OSError as problem:
        raise ConfigError(str(path), f"cannot be written: {problem.strerror}") from None


def belong(command: str, together: str, *given: tuple[str, object]) -> None:
    """Raise BadRequest naming those of `given` (option and value) that were used though they say nothing here;
    `together` says what goes with what."""
    if strange := [name for name, value in given if value is not None and value is not False]:
        raise BadRequest(f"bridge {command}: {together}; leave {' and '.join(strange)} out")


@commands.command(epilog="Example: `bridge fit risk --dry-run`, `bridge fit risk --table customers.csv --label Churn`")
def risk(
    table: Annotated[
        Path | None, typer.Option("--table", help="Judge the engine on this CSV instead: a header, one customer a row")
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", help="Its column that says who left: two values, as Yes and No")
    ] = None,
    folds: Annotated[
        int, typer.Option(min=2, max=20, help="With --table: parts, each judged by a model of the others")
    ] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Another one deals the customers differently")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures alone, as JSON")] = False,
    model: Annotated[Path | None, typer.Option("--model", help="Write the model to this file")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report only: nothing is installed")] = False,
    given: Annotated[
        Path | None, typer.Option("--from", help="Judge and install the model in this file, as edited by hand")
    ] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="With --from: install it even if it is not better")] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Take back the model in use: the one before it counts again, or the card")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="Every model that was installed, and which is in use")] = False,
) -> None:
    """Learn from the company's own history who leaves, judge it by a later period, and use it if it is better.

    Signals are read as they stood at earlier instants; who left is told by contracts and purchases. The model is held
    against the one in use on the latest period, which neither has seen, and is installed only if it says better what
    happened. Nobody is written to because of a new model.

    With `--table` and `--label` the engine is judged on any table instead, and nothing is installed: every customer is
    scored by a model that never saw them (AUC, PR AUC, top-decile lift, Brier, calibration error over ten groups).
    """
    if table is not None or label is not None:
        if table is None or label is None:
            raise ConfigError("bridge fit risk", "--table and --label belong together: the file, and its column")
        if dry_run or given or anyway or rollback or listed:
            raise ConfigError("bridge fit risk", "a table is only judged: --table goes with --folds, --seed, --model")
        _judge_table(table, label, folds, seed, as_json, model)
        return
    from bridge.cli import fits_store

    chosen = [name for name, on in (("--from", given), ("--rollback", rollback), ("--list", listed)) if on]
    if len(chosen) > 1:
        raise ConfigError("bridge fit risk", f"{' and '.join(chosen)} are two different things: choose one")
    if anyway and given is None:
        raise ConfigError("bridge fit risk", "--anyway goes with --from: what was just fitted has to be better")
    if listed or rollback:
        what = "--list shows what there is" if listed else "--rollback takes back what is in use"
        belong("fit risk", what, ("--dry-run", dry_run), ("--model", model))
    if listed:
        fits_store.show_models(as_json)
    elif rollback:
        fits_store.roll_back(as_json)
    else:
        require_engine()
        fits_store.fit(seed=seed, given=given, anyway=anyway, dry_run=dry_run, as_json=as_json, model=model)


def _judge_table(table: Path, label: str, folds: int, seed: int, as_json: bool, model: Path | None) -> None:
    require_engine()
    from bridge.scoring.fit.additive import fit_tables
    from bridge.scoring.fit.crossfit import every_row, predict_out_of_fold
    from bridge.scoring.fit.frame import read_frame
    from bridge.scoring.fit.measures import measure

    frame = read_frame(table, label)
    for note in frame.notes:
        aside.print(f"· {note}", style="dim", markup=False, highlight=False)
    whole = not as_json or model is not None
    with working() as bars:
        bar = bars.add_task(f"{folds} folds", total=1.0)
        p = predict_out_of_fold(frame, folds=folds, seed=seed, report=lambda share: bars.update(bar, completed=share))
        figures = measure(frame.left, p)
        fitted = None
        if whole:
            last = bars.add_task("all rows", total=1.0)
            fitted = fit_tables(
                frame, every_row(frame), seed=seed, report=lambda share: bars.update(last, completed=share)
            )
            about = {"table": table.name, "label": label, "rows": len(frame), "folds": folds, "seed": seed}
            fitted = msgspec.structs.replace(fitted, about=about | _rounded(figures))
    if fitted and model:
        write_model(model, write_tables(fitted))
    if as_json:
        named = {name: value for name, value in _rounded(figures).items() if name != "empc"}
        typer.echo(msgspec.json.encode(named).decode())
    elif fitted:
        _show(figures, fitted, frame)


def _rounded(figures: Measures) -> dict[str, float]:
    return {name: round(value, _DIGITS) for name, value in msgspec.structs.asdict(figures).items()}


def _show(figures: Measures, fitted: Tables, frame: Frame) -> None:
    found = Table("Figure", "Value", "What it says", box=None, padding=(0, 2, 0, 0))
    usual = float(frame.left.mean())
    for name, value, text in (
        ("AUC", figures.auc, "a leaver is ranked above one who stayed so often; 0.5 is chance"),
        ("PR AUC", figures.pr_auc, f"precision over recall; {usual:.3f} is chance"),
        (
            "top-decile lift",
            figures.top_decile_lift,
            "times more leavers than usual among the tenth with the highest risk",
        ),
        ("Brier", figures.brier, f"mean squared error; {usual * (1 - usual):.4f} for saying {usual:.1%} of everybody"),
        ("calibration error", figures.ece, "mean distance between said and happened, ten groups of equal size"),
        ("profit (EMPC)", figures.empc, "per customer, for an offer of 10 to customers worth 200"),
    ):
        found.add_row(name, f"{value:.4f}", text)
    out.print(f"{figures.n:,} customers, out-of-fold", highlight=False)
    out.print(found)
    shown = Table("Table", "Moves", "Lowers most", "Raises most", box=None, padding=(0, 2, 0, 0))
    for name, weight, lowers, raises in telling(fitted, frame):
        shown.add_row(name, f"{weight:.2f}", lowers, raises)
    out.print("\nWhat matters most: mean distance from zero, in log-odds", highlight=False)
    out.print(shown)


def telling(fitted: Tables, frame: Frame) -> list[tuple[str, float, str, str]]:
    """The tables that move scores most: name, mean distance from zero over customers, the cells at either end."""
    scorer = Scorer(fitted)
    total: dict[str, float] = {}
    ends: dict[str, list[tuple[float, str]]] = {}
    rows = range(0, len(frame), -(-len(frame) // _SAMPLE))
    for number in rows:
        row = frame.row(number)
        for name, share in scorer.score(row).parts:
            total[name] = total.get(name, 0.0) + abs(share)
            cells = ", ".join("missing" if row[part] is None else _short(row[part]) for part in name.split(" × "))
            ends.setdefault(name, []).append((share, cells))
    first = sorted(total, key=lambda name: -total[name])[:TELLING]
    return [(name, total[name] / len(rows), _end(min(ends[name])), _end(max(ends[name]))) for name in first]


def _end(end: tuple[float, str]) -> str:
    return f"{end[0]:+.2f}  {end[1]}"


def _short(cell: object) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)
