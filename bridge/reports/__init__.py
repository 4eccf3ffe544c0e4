"""What was done and what it brought: effects of scripts, the worth of the policy, the ledger of costs. All pure."""

from bridge.reports.effects import Effect, Report, Worth, report_effects, value_policies
from bridge.reports.ledger import Entry, keep_ledger
from bridge.reports.sentences import say_effect, say_worth
from bridge.reports.verdicts import Verdict

__all__ = [
    "Effect",
    "Entry",
    "Report",
    "Verdict",
    "Worth",
    "keep_ledger",
    "report_effects",
    "say_effect",
    "say_worth",
    "value_policies",
]
