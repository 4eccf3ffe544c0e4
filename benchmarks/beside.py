"""Look-ups and webhooks beside a busy worker, all on one SQLite file: `python -m benchmarks.beside`.

A worker process absorbs a backlog of helpdesk users and tickets about known customers without a pause. Meanwhile the
gateway's application answers look-ups in this program's own process, where the processor time of each single one can be
taken; then a gateway process acknowledges signed webhooks that come in at random moments.
"""

from __future__ import annotations
