"""The MAF metric: how many years of the survey it takes until stars have their periods."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from astropy.stats import binom_conf_interval

from pelsvae_cadence.cadence.survey import Survey
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.metrics.maf.survey_source import SurveySource, open_survey
from pelsvae_cadence.metrics.period_recovery import PeriodRecoveryMetric
from pelsvae_cadence.metrics.position.metric import PositionMetric, value_reducer
from pelsvae_cadence.metrics.position.stars import carries_star

__all__ = [
    "DEFAULT_YEARS",
    "JULIAN_YEAR",
    "TimeToRecoveryMetric",
    "first_and_last_visit",
    "first_visit",
    "wilson_interval",
]

FloatArray = npt.NDArray[np.float64]

#: The ends of the survey years at which periods are searched.
DEFAULT_YEARS: Final[tuple[float, ...]] = tuple(float(year) for year in range(1, 11))

#: The Julian year, in days.
# Of the intervals in the values: one sigma of a normal distribution.
_CONFIDENCE: Final = 0.6827
_RECOVERED: Final = "fraction of stars with their period"
_GOOD: Final = "fraction of stars with a distance modulus good to 0.1 mag"


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
    return first_and_last_visit(open_survey(survey, positions=[]))[0]


def first_and_last_visit(source: SurveySource, constraint: str = "") -> tuple[float, float]:
    """Find the first and the last visit of a survey that is open, anywhere on the sky.

    Parameters
    ----------
    source : SurveySource
        The survey.
    constraint : str
        SQL condition on the visits of a database.

    Returns
    -------
    first, last : float
        MJD (TAI), in the survey's own time column.
    """
    column = source.columns["mjd"]
    if source.array is not None:
        return float(source.array[column].min()), float(source.array[column].max())
    path = Path(str(source.database)).resolve().as_posix()
    where = f" where ({constraint})" if constraint else ""
    query = f'select min("{column}"), max("{column}") from "{source.table}"{where}'
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        first, last = connection.execute(query).fetchone()
    finally:
        connection.close()
    return float(first), float(last)


def wilson_interval(hits: npt.ArrayLike, n: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Bound a fraction by its 68.27 per cent interval.

    Parameters
    ----------
    hits, n : array_like, shape (n_fractions,)
        How many out of how many.

    Returns
    -------
    low, high : ndarray of float64, shape (n_fractions,)
        The score interval of Wilson (1927, J. Am. Stat. Assoc. 22, 209).
    """
    low, high = binom_conf_interval(
        np.asarray(hits), np.asarray(n), confidence_level=_CONFIDENCE, interval="wilson"
    )
    return np.asarray(low), np.asarray(high)


class TimeToRecoveryMetric(PositionMetric):
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
        Name of the metric; made from class and magnitude by default.
    years : sequence of float
        Ends of the survey years, in years of 365.25 d, rising; 1 to 10 by default.
    survey_start : float, optional
        MJD of the survey's first visit, as in the time column (`first_visit` finds it). By default the earliest visit of the slice, which is later where a
        position joins the survey late: then years are counted from the position's first visit.
    survey_years : float, optional
        Length of the survey in years. Later years are not evaluated. By default the survey ends
        with the year of the slice's last visit.
    on_run : callable, optional
        Called after each slice point.
    **kwargs
        Everything else of `PeriodRecoveryMetric` (columns, star_class, magnitude,
        stars_per_position, seed, ...), and of MAF's BaseMetric.

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

    def __init__(
        self,
        metric_name: str | None = None,
        years: Sequence[float] = DEFAULT_YEARS,
        survey_start: float | None = None,
        survey_years: float | None = None,
        on_run: Callable[[], None] | None = None,
        **kwargs: Any,
    ) -> None:
        self.years = np.array(years, dtype=np.float64)
        if (
            self.years.ndim != 1
            or not self.years.size
            or not np.isfinite(self.years).all()
            or (np.diff(self.years, prepend=0.0) <= 0).any()
        ):
            raise InputError(f"years = {list(years)!r}", allowed="positive, rising")
        if survey_start is not None and not np.isfinite(survey_start):
            raise InputError(f"survey_start = {survey_start!r}", allowed="an MJD in days")
        if survey_years is not None and not survey_years > 0:
            raise InputError(f"survey_years = {survey_years!r}", allowed="> 0 years")
        if kwargs.get("baseline") is not None:
            raise InputError(
                f"baseline = {kwargs['baseline']!r} d",
                remedy="Leave it out: the baseline grows with the survey.",
            )
        self.survey_start = survey_start
        self.survey_years = survey_years
        own = {
            key: kwargs.pop(key)
            for key in ("units", "maps", "badval", "mask_val", "comment")
            if key in kwargs
        }
        # Composed, not derived: MAF would take the parent's reduce methods for ours.
        self.recovery = PeriodRecoveryMetric(**kwargs)
        if metric_name is None:
            metric_name = self.recovery.name.replace("PeriodRecovery", "TimeToRecovery")
        super().__init__(
            self.recovery.columns,
            metric_name,
            survey=self.recovery.survey,
            ebv=self.recovery.ebv,
            min_visits=self.recovery.min_visits,
            max_visits=self.recovery.max_visits,
            stack_minutes=self.recovery.stack_minutes,
            on_run=on_run,
            **own,
        )
        sample = self.recovery.sample
        self.comment = (
            f"Survey years until {sample.n} simulated {sample.star_class} stars per position have "
            "their period, by a blind multi-band search of the visits so far."
        )

    def _run(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None) -> dict[str, Any] | None:
        mjd_col = self.recovery.columns.mjd
        names = data_slice.dtype.names or ()
        if len(data_slice) < self.min_visits or mjd_col not in names:
            self.recovery.run(data_slice, slice_point)  # refuses what is missing, by its name
            return None
        mjd = np.asarray(data_slice[mjd_col], dtype=np.float64)
        start = float(mjd.min()) if self.survey_start is None else self.survey_start
        if mjd.min() < start:
            raise InputError(
                f"a visit at MJD {mjd.min():.4f} lies before survey_start = {start:.4f}",
                remedy="Give the time of the survey's first visit.",
            )
        elapsed = (mjd - start) / JULIAN_YEAR
        length = self.survey_years
        if length is None:
            length = float(np.nextafter(elapsed.max(), np.inf))
        # The last season of a position ends before the survey does: a year counts as reached
        # once the survey goes on into it.
        begun = np.maximum(np.concatenate([[0.0], self.years[:-1]]), self.years - 1.0) < length
        n_years = self.years.size
        n_stars = 1 if carries_star(slice_point) else self.recovery.sample.n
        recovered = np.full(n_years, np.nan)
        n_visits = np.full(n_years, np.nan)
        good = np.full(n_years, np.nan)
        good_distance = float("nan")
        first_year = np.full(n_stars, np.nan)
        star: dict[str, Any] = {}
        exact = np.zeros(n_stars, dtype=bool)
        for i in np.flatnonzero(begun).tolist():
            so_far = elapsed < self.years[i]
            n_visits[i] = np.count_nonzero(so_far)
            # Without new visits nothing changes, and the search need not be repeated.
            if i == 0 or n_visits[i] != n_visits[i - 1]:
                value = self.recovery.run(data_slice[so_far], slice_point)
                if isinstance(value, dict):
                    exact = np.asarray(value["verdict"] == "exact")
                    good_distance = value["good_distance"]
                    star = {key: value[key] for key in ("star_id", "true_period")}
            recovered[i] = exact.mean()
            good[i] = good_distance if star or not self.recovery.distances else 0.0
            first_year[exact & np.isnan(first_year)] = self.years[i]
        if not star:
            return None
        low, high = np.full(n_years, np.nan), np.full(n_years, np.nan)
        hits = np.rint(recovered[begun] * n_stars).astype(np.int64)
        low[begun], high[begun] = wilson_interval(hits, np.full(hits.size, n_stars))
        return {
            "years": self.years,
            "recovered": recovered,
            "recovered_low": low,
            "recovered_high": high,
            "good_distance": good,
            "n_visits": n_visits,
            **{f"years_to_{p}": self._years_to(recovered, p / 100.0) for p in (50, 90)},
            **star,
            "first_year": first_year,
        }

    def _years_to(self, recovered: FloatArray, fraction: float) -> float:
        least = fraction - 1e-9  # 0.9 of ten stars are nine, whatever the last bit says
        reached = np.flatnonzero(np.nan_to_num(recovered, nan=-1.0) >= least)
        return float(self.years[reached[0]]) if reached.size else float("nan")

    # MAF finds reduce methods by their names.
    reduce_years_to_50 = value_reducer("years_to_50", "years to 50 per cent")
    reduce_years_to_90 = value_reducer("years_to_90", "years to 90 per cent")
    reduce_recovered_year_1 = value_reducer("recovered", _RECOVERED, year=1)
    reduce_recovered_year_2 = value_reducer("recovered", _RECOVERED, year=2)
    reduce_recovered_year_5 = value_reducer("recovered", _RECOVERED, year=5)
    reduce_recovered_year_10 = value_reducer("recovered", _RECOVERED, year=10)
    reduce_good_distance_year_1 = value_reducer("good_distance", _GOOD, year=1)
    reduce_good_distance_year_2 = value_reducer("good_distance", _GOOD, year=2)
    reduce_good_distance_year_5 = value_reducer("good_distance", _GOOD, year=5)
    reduce_good_distance_year_10 = value_reducer("good_distance", _GOOD, year=10)
