"""Comparing observing strategies: many runs, one answer.

Names are imported when first used, so that importing this package does not load rubin_sim.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.comparison.compare_runs import Comparison, compare
    from pelsvae_cadence.metrics.comparison.evaluate import RunOutcome
    from pelsvae_cadence.metrics.comparison.further_metric import (
        FurtherMetric,
        StarJudge,
        Workplace,
    )
    from pelsvae_cadence.metrics.comparison.plan import Plan
    from pelsvae_cadence.metrics.comparison.quantities import Quantity
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

_HOMES: Final[dict[str, str]] = {
    "Comparison": "compare_runs",
    "compare": "compare_runs",
    "FurtherMetric": "further_metric",
    "Plan": "plan",
    "Quantity": "quantities",
    "Run": "runs",
    "RunOutcome": "evaluate",
    "StarJudge": "further_metric",
    "Summary": "summary",
    "Workplace": "further_metric",
    "open_run": "runs",
    "summarise_runs": "summary",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
