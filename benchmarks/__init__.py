"""What the product costs, against the limits that it promises: `make bench`, or `python -m benchmarks --help`.

Costs are processor time wherever they can be: on a machine that is never quiet, wall time says as much of the
neighbours as of the software. Where a limit is a ratio, both sides are measured in turns in the same run.
"""
