"""The result of a comparison: its runs, outcomes, tables and files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pelsvae_cadence.metrics.comparison.evaluate import RunOutcome
from pelsvae_cadence.metrics.comparison.plan import Plan
from pelsvae_cadence.metrics.comparison.runs import Run
from pelsvae_cadence.metrics.comparison.statistics.summary import Summary

__all__ = ["REPORT_FILE", "Comparison"]

#: The report, in the output folder.
REPORT_FILE: Final = "report.html"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a comparison has found and written.

    Parameters
    ----------
    plan : Plan
        What was asked.
    runs : tuple of Run
        The runs that were compared, the reference first.
    outcomes : tuple of RunOutcome
        What became of the stars in each of them.
    summary : Summary
        The tables.
    failures : dict of str to str
        Runs that could not be used, and further metrics that could not of a run ("RUN: METRIC"),
        and why.
    out_dir : Path
        Where everything is.
    files : dict of str to Path
        "report", "summary csv", "summary parquet", "summary hdf5" (keys ``stats``,
        ``differences`` and, of three runs or more, ``pairs``), "differences csv", "pairs csv",
        "stars", "classified stars" if they were, "settings", MAF's tables, and "maf RUN", the
        results directory of each run.
    settings : dict
        What was run: command, seeds, versions, model, tables.
    further : dict of str to tuple of Quantity
        Further metrics and what they give.
    judges : tuple of str
        Those of them that classify stars.
    """

    plan: Plan
    runs: tuple[Run, ...]
    outcomes: tuple[RunOutcome, ...]
    summary: Summary
    failures: dict[str, str]
    out_dir: Path
    files: dict[str, Path]
    settings: dict[str, Any]
    further: dict[str, Any] = field(default_factory=dict)
    judges: tuple[str, ...] = ()
