"""The only way in: whatever changes a record, an identity or a decision goes through here, in one transaction."""

from bridge.flow.absorb import Absorbed, absorb
from bridge.flow.changes import block, keep_apart, merge, put_together, separate, split, unblock
from bridge.flow.desk import Desk, Rules, load_rules, open_desk
from bridge.flow.drifting import review
from bridge.flow.refresh import apply_rules, fit_tiers, mark_due, refresh, refresh_due
from bridge.flow.reviewing import look_for_doubles

__all__ = [
    "Absorbed",
    "Desk",
    "Rules",
    "absorb",
    "apply_rules",
    "block",
    "fit_tiers",
    "keep_apart",
    "load_rules",
    "look_for_doubles",
    "mark_due",
    "merge",
    "open_desk",
    "put_together",
    "refresh",
    "refresh_due",
    "review",
    "separate",
    "split",
    "unblock",
]
