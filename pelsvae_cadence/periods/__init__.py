"""Blind multi-band period search, and verdicts on the periods it finds."""

from pelsvae_cadence.periods.grid import PERIOD_RANGE, FrequencyGrid
from pelsvae_cadence.periods.result import STATUSES, PeriodResult
from pelsvae_cadence.periods.search import search
from pelsvae_cadence.periods.verdicts import VERDICTS, Verdicts, judge

__all__ = [
    "PERIOD_RANGE",
    "STATUSES",
    "VERDICTS",
    "FrequencyGrid",
    "PeriodResult",
    "Verdicts",
    "judge",
    "search",
]
