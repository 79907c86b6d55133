"""Comparing observing strategies: many runs, one answer.

Names are imported when first used, so that importing this package does not load rubin_sim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelsvae_cadence.core.doors import names_on_first_use

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.comparison.compare_runs import compare
    from pelsvae_cadence.metrics.comparison.evaluate import RunOutcome
    from pelsvae_cadence.metrics.comparison.further_metric import FurtherMetric, StarJudge, Workplace
    from pelsvae_cadence.metrics.comparison.plan import Plan
    from pelsvae_cadence.metrics.comparison.quantities import Quantity
    from pelsvae_cadence.metrics.comparison.result import Comparison
    from pelsvae_cadence.metrics.comparison.runs import Run, open_run
    from pelsvae_cadence.metrics.comparison.statistics.summary import Summary, summarise_runs

__all__ = [
    "Comparison",
    "FurtherMetric",
    "Plan",
    "Quantity",
    "Run",
    "RunOutcome",
    "StarJudge",
    "Summary",
    "Workplace",
    "compare",
    "open_run",
    "summarise_runs",
]

__getattr__ = names_on_first_use(
    __name__,
    {
        "Comparison": "result",
        "compare": "compare_runs",
        "FurtherMetric": "further_metric",
        "Plan": "plan",
        "Quantity": "quantities",
        "Run": "runs",
        "RunOutcome": "evaluate",
        "StarJudge": "further_metric",
        "Summary": "statistics.summary",
        "Workplace": "further_metric",
        "open_run": "runs",
        "summarise_runs": "statistics.summary",
    },
)
