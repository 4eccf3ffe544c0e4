"""What was done and what it brought: effects of scripts, the worth of the policy, the ledger of costs. What reads
the store is `gather`; all else is pure."""

from bridge.reports.effects import Effect, Report, Worth, report_effects, value_policies
from bridge.reports.evidence import Evidence, gather
from bridge.reports.ledger import Entry, keep_ledger
from bridge.reports.sentences import say_effect, say_worth
from bridge.reports.table import write_csv
from bridge.reports.uplift import Uplift, make_uplift
from bridge.reports.verdicts import Verdict

__all__ = [
    "Effect",
    "Entry",
    "Evidence",
    "Report",
    "Uplift",
    "Verdict",
    "Worth",
    "gather",
    "keep_ledger",
    "make_uplift",
    "report_effects",
    "say_effect",
    "say_worth",
    "value_policies",
    "write_csv",
]
