"""What the product costs, against the limits that it promises: `make bench`, or `python -m benchmarks --help`.

Costs are processor time: this machine is never quiet, and wall time says as much of its neighbours as of the software. Where
a limit is a ratio, both sides are measured in turns in the same run.
"""
