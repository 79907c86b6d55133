"""MAF metric of time to recovery: survey years until stars have their periods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
from typing_extensions import Unpack, override

from pelsvae_cadence.cadence.columns import plain_columns
from pelsvae_cadence.cadence.survey import Survey
from pelsvae_cadence.cadence.table_files import read_table
from pelsvae_cadence.cadence.tables import read_survey
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.containers import number
from pelsvae_cadence.metrics.maf.survey_source import open_survey
from pelsvae_cadence.metrics.period_recovery import RECOVERY_VALUES, PeriodRecoveryMetric
from pelsvae_cadence.metrics.position.methods import METHOD_WORDS
from pelsvae_cadence.metrics.position.observe import Recovery
from pelsvae_cadence.metrics.position.options import PeriodRecoveryKeywords
from pelsvae_cadence.metrics.position.slice_point import carries_star
from pelsvae_cadence.metrics.position.years import YearsMetric, wilson_interval

__all__ = ["DEFAULT_YEARS", "TimeToRecoveryMetric", "first_visit"]

#: The ends of the survey years at which periods are searched.
DEFAULT_YEARS: Final[tuple[float, ...]] = tuple(float(year) for year in range(1, 11))

# Years whose values MAF reduces to maps of their own, where they are asked for.
_REDUCED_YEARS: Final = (1, 2, 5, 10)


def first_visit(survey: str | Path | Survey) -> float:
    """Find the first visit of a survey, anywhere on the sky.

    Parameters
    ----------
    survey : str, Path or Survey
        An sqlite database, a CSV or Parquet table, or a survey in memory.

    Returns
    -------
    float
        MJD (TAI) of the first visit, in the survey's own time column (start or middle of the
        exposure).

    Raises
    ------
    InputError
        If the survey cannot be read.
    """
    if isinstance(survey, Survey):
        return open_survey(survey, positions=[]).first_and_last_visit()[0]
    read_survey(survey)  # whatever is wrong with the file is said here
    table = read_table(Path(survey), "", None, check=False)
    times = plain_columns(table.columns, table.found)
    return float(times["start" if "start" in times else "middle"].min())


class TimeToRecoveryMetric(YearsMetric):
    """Years until half, and nine tenths, of the stars at a position have their period.

    At the end of each survey year the visits so far are searched. The stars and their points are
    those of `PeriodRecoveryMetric`: the value after y years is the one that metric gives on the
    visits of the first y years. A star counts where its verdict is "exact" over the baseline so
    far (its phase drifts by less than a tenth of a cycle between the first visit and the last
    one), so the fraction need not grow: a longer baseline asks for a more accurate period.

    Years are counted from `survey_start`, not from the position's own first visit, where it is
    given. Years before a position has `min_visits` visits count as nothing recovered. Positions
    that never reach a fraction are masked in the map of the time to it: compare the time maps of
    two strategies together with the fraction that reached it, or a strategy is rewarded for
    losing its worst positions.

    The dictionary holds "years", and per year "recovered" (fraction), "recovered_low",
    "recovered_high" (its 68 per cent interval, Wilson 1927, J. Am. Stat. Assoc. 22, 209),
    "good_distance" (with the option `distances` of `PeriodRecoveryMetric`) and "n_visits", NaN for
    years that the survey does not reach; "years_to_50", "years_to_90" (the first of the years at
    which the fraction is reached, NaN if none); per star "star_id", "true_period" [d] and
    "first_year" (first year with an exact period, NaN if none). A visit before `survey_start` is
    refused.

    Parameters
    ----------
    metric_name : str
        Name of the metric; made from class, magnitude and method by default.
    years : sequence of float
        Ends of the survey years, in years of 365.25 d, rising; 1 to 10 by default.
    survey_start : float, optional
        MJD of the survey's first visit, as in the time column (`first_visit` finds it). By default
        the earliest visit of the slice, which is later where a position joins the survey late: then
        years are counted from the position's first visit.
    survey_years : float, optional
        Length of the survey in years. Later years are not evaluated. By default the survey ends
        with the year of the slice's last visit.
    on_run : callable, optional
        Called after each slice point.
    on_observed : callable, optional
        Called with what was observed, once for each year that is searched.
    **options
        All options of `PeriodRecoveryMetric` (columns, star_class, magnitude, stars_per_position, seed,
        ...) but the baseline, which grows with the survey.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> metric = TimeToRecoveryMetric(star_class="RRab", magnitude=22.0, years=(1, 2, 5))
    >>> metric.name
    'TimeToRecovery RRab r22'
    """

    REDUCED: ClassVar = {
        "years_to_50": "years to 50 per cent",
        "years_to_90": "years to 90 per cent",
        **{f"recovered_year_{y}": "fraction of stars with their period" for y in _REDUCED_YEARS},
        **{f"good_distance_year_{y}": RECOVERY_VALUES["good_distance"] for y in _REDUCED_YEARS},
    }

    def __init__(
        self,
        metric_name: str | None = None,
        years: Sequence[float] = DEFAULT_YEARS,
        survey_start: float | None = None,
        survey_years: float | None = None,
        *,
        on_run: Callable[[], None] | None = None,
        on_observed: Callable[[Recovery], None] | None = None,
        **options: Unpack[PeriodRecoveryKeywords],
    ) -> None:
        if survey_years is not None and not number("survey_years", survey_years, "yr") > 0:
            raise InputError(f"survey_years = {survey_years!r}", allowed="> 0 years")
        if options.get("baseline") is not None:
            raise InputError(
                f"baseline = {options['baseline']!r} d",
                remedy="Leave it out: the baseline grows with the survey.",
            )
        self.survey_years = None if survey_years is None else number("survey_years", survey_years, "yr")
        # Composed, not derived: MAF would take the parent's reduce methods for ours.
        self.recovery = PeriodRecoveryMetric(on_observed=on_observed, **options)
        if metric_name is None:
            metric_name = self.recovery.name.replace("PeriodRecovery", "TimeToRecovery")
        chosen = self.recovery.options
        super().__init__(chosen, metric_name, years, survey_start, on_run=on_run)
        self.comment = (
            f"Survey years until {chosen.stars_per_position} simulated {chosen.star_class} stars per position "
            f"have their period, by {METHOD_WORDS[chosen.method]} of the visits so far."
        )

    @override
    def _run(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None) -> dict[str, Any] | None:
        options = self.recovery.options
        if self._look(data_slice, slice_point) is None:  # refuses what is missing, by its name
            return None
        n_years = self.years.size
        n_stars = 1 if carries_star(slice_point) else options.stars_per_position
        recovered = np.full(n_years, np.nan)
        n_visits = np.full(n_years, np.nan)
        good = np.full(n_years, np.nan)
        first_year = np.full(n_stars, np.nan)
        star: dict[str, Any] = {}
        for i, n, value in self._reached(self.recovery, data_slice, slice_point, self.survey_years):
            exact = np.zeros(n_stars, dtype=bool)
            n_visits[i] = n
            if value is not None:
                exact = np.asarray(value["verdict"] == "exact")
                star = {key: value[key] for key in ("star_id", "true_period")}
            recovered[i] = exact.mean()
            good[i] = value["good_distance"] if value is not None else 0.0 if options.distances else np.nan
            first_year[exact & np.isnan(first_year)] = self.years[i]
        if not star:
            return None
        low, high = np.full(n_years, np.nan), np.full(n_years, np.nan)
        begun = np.isfinite(recovered)
        hits = np.rint(recovered[begun] * n_stars).astype(np.int64)
        low[begun], high[begun] = wilson_interval(hits, np.full(hits.size, n_stars))
        return {
            "years": self.years,
            "recovered": recovered,
            "recovered_low": low,
            "recovered_high": high,
            "good_distance": good,
            "n_visits": n_visits,
            **{f"years_to_{p}": self._years_to(recovered, p) for p in (50, 90)},
            **star,
            "first_year": first_year,
        }
