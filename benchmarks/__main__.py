"""All benchmarks, one table: `python -m benchmarks [--quick]`. Exit status 1 when a limit is missed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from benchmarks import (
    backtest,
    beside,
    choice,
    crashes,
    deadlines,
    imports,
    lookup,
    mapping,
    metrics,
    mood,
    mood_sample,
    rescore,
    scoring,
    truth,
    worth,
)
from benchmarks.figures import Figure, conclude

ALL: dict[str, Callable[[bool], list[Figure]]] = {
    "mapping": lambda quick: mapping.measure(*(mapping.QUICK if quick else (mapping.BATCHES, mapping.SIZE))),
    "imports": lambda quick: imports.measure(imports.QUICK_ROWS if quick else imports.ROWS),
    "lookup": lambda quick: lookup.measure(lookup.QUICK if quick else lookup.FULL),
    "deadlines": lambda quick: deadlines.measure(deadlines.QUICK_LOOKUPS if quick else deadlines.LOOKUPS),
    "beside": lambda quick: beside.measure(beside.QUICK if quick else beside.FULL),
    "choice": lambda quick: choice.measure_choice(choice.QUICK if quick else choice.FULL),
    "crashes": lambda quick: crashes.measure_crashes(*(crashes.QUICK if quick else crashes.FULL)),
    "truth": lambda quick: truth.measure(truth.QUICK_CUSTOMERS if quick else truth.CUSTOMERS),
    "scoring": lambda quick: scoring.measure_engine(scoring.QUICK if quick else scoring.FULL),
    "mood": lambda quick: [
        *mood.measure_mood(mood.QUICK if quick else mood.FULL),
        *mood_sample.measure_sample(*(mood_sample.QUICK if quick else mood_sample.FULL)),
    ],
    "worth": lambda _: worth.measure_worth(),
    "backtest": lambda quick: backtest.measure(backtest.QUICK if quick else backtest.FULL),
    "metrics": lambda quick: metrics.measure(metrics.QUICK if quick else metrics.FULL),
    "rescore": lambda quick: rescore.measure(*(rescore.QUICK if quick else rescore.FULL)),
}


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"{__doc__} Each also runs by itself, with its own switches: python -m benchmarks.lookup --help",
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"some of {', '.join(ALL)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="little of everything: to see that it works")
    args = parser.parse_args()
    if unknown := [name for name in args.names if name not in ALL]:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(ALL)}")
    chosen = [name for name in ALL if name in (args.names or ALL)]
    return conclude(lambda: [one for name in chosen for one in _announced(name, args.quick)], quick=args.quick)


def _announced(name: str, quick: bool) -> list[Figure]:
    print(f"{name} …", file=sys.stderr)
    return ALL[name](quick)


if __name__ == "__main__":
    raise SystemExit(main())
