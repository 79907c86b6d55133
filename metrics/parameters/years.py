"""MAF metric of time to a parameter: survey years until distances of half of the stars are good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
from typing_extensions import Unpack, override

from pelsvae_cadence.core.errors import InputError, did_you_mean
from pelsvae_cadence.core.tables.containers import number
from pelsvae_cadence.metrics.parameters.errors import PARAMETERS, Parameter
from pelsvae_cadence.metrics.parameters.recovery import (
    AllParameterKeywords,
    ParameterOptions,
    ParameterRecoveryMetric,
)
from pelsvae_cadence.metrics.position.observe import Recovery
from pelsvae_cadence.metrics.position.slice_point import carries_star
from pelsvae_cadence.metrics.position.years import YearsMetric, wilson_interval

__all__ = ["DEFAULT_YEARS", "TimeToParameterMetric"]

#: The ends of the survey years at which stars are read.
DEFAULT_YEARS: Final[tuple[float, ...]] = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0)

# Years whose values MAF reduces to maps of their own, where they are asked for.
_REDUCED_YEARS: Final = (1, 2, 5, 10)
_PERCENT: Final = (50, 90)


class TimeToParameterMetric(YearsMetric):
    """Survey years until a distance, temperature or period is good for half, and nine tenths, of the stars.

    At the end of each survey year the visits so far are read. The stars and their points are those of
    `ParameterRecoveryMetric`: the value after y years is the one that metric gives on the visits of the first y
    years. Years are counted, and positions that never reach a fraction are masked, as in
    `pelsvae_cadence.metrics.TimeToRecoveryMetric`.

    The dictionary holds "years", and per year "good" (fraction of stars with a good value), "good_low", "good_high"
    (its 68 per cent interval, Wilson 1927, J. Am. Stat. Assoc. 22, 209), "width" (median half-width of the 68 per cent
    intervals: mag, K, or a fraction of the period) and "n_visits", NaN for years that the survey does not reach;
    "years_to_50", "years_to_90" (the first of the years at which the fraction is reached, NaN if none); per star
    "star_id" and "first_year" (first year with a good value, NaN if none).

    Parameters
    ----------
    parameter : {"distance", "temperature", "period"}
        What should be good. How good that is `ParameterOptions` says: 5 per cent of the distance by default.
    metric_name : str
        Name of the metric; made from parameter, class and magnitude by default.
    years : sequence of float
        Ends of the survey years, in years of 365.25 d, rising; 1, 2, 3, 5, 7 and 10 by default.
    survey_start : float, optional
        MJD of the survey's first visit (`pelsvae_cadence.metrics.first_visit`); by default the earliest visit
        of the slice.
    survey_years : float, optional
        Length of the survey in years; by default it ends with the year of the slice's last visit.
    on_run : callable, optional
        Called after each slice point.
    on_observed : callable, optional
        Called with what was observed, once for each year that is read.
    **options
        All options of `ParameterRecoveryMetric` but the baseline, which grows with the survey.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> metric = TimeToParameterMetric(star_class="RRab", magnitude=22.0, years=(1, 2, 5))
    >>> metric.name
    'TimeToDistance RRab r22'
    """

    REDUCED: ClassVar = {
        **{f"years_to_{p}": f"years until {p} per cent of the values are good" for p in _PERCENT},
        **{f"good_year_{y}": "fraction of stars with a good value" for y in _REDUCED_YEARS},
        **{f"width_year_{y}": "median half-width of the 68 per cent intervals" for y in _REDUCED_YEARS},
    }
    options: ParameterOptions

    def __init__(
        self,
        parameter: Parameter = "distance",
        metric_name: str | None = None,
        years: Sequence[float] = DEFAULT_YEARS,
        survey_start: float | None = None,
        survey_years: float | None = None,
        *,
        on_run: Callable[[], None] | None = None,
        on_observed: Callable[[Recovery], None] | None = None,
        **options: Unpack[AllParameterKeywords],
    ) -> None:
        if parameter not in PARAMETERS:
            raise InputError(
                f"unknown parameter {parameter!r}",
                allowed=", ".join(PARAMETERS),
                remedy=did_you_mean(str(parameter), PARAMETERS),
            )
        if survey_years is not None and not number("survey_years", survey_years, "yr") > 0:
            raise InputError(f"survey_years = {survey_years!r}", allowed="> 0 years")
        if options.get("baseline") is not None:
            raise InputError(
                f"baseline = {options['baseline']!r} d",
                remedy="Leave it out: the baseline grows with the survey.",
            )
        self.parameter: Parameter = parameter
        self.survey_years = None if survey_years is None else number("survey_years", survey_years, "yr")
        # Composed, not derived: MAF would take the parent's reduce methods for ours.
        self.single = ParameterRecoveryMetric(on_observed=on_observed, **options)
        chosen = self.single.options
        if metric_name is None:
            metric_name = f"TimeTo{parameter.capitalize()} {chosen.stars_label}"
        super().__init__(chosen, metric_name, years, survey_start, on_run=on_run)
        unit = {"distance": " mag", "temperature": " K", "period": " of it"}[parameter]
        self.comment = (
            f"Survey years until the {parameter} of {chosen.stars_per_position} simulated {chosen.star_class} "
            f"stars per position is good to {chosen.accuracy[parameter]:g}{unit}."
        )

    @override
    def _run(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None) -> dict[str, Any] | None:
        options, name = self.single.options, self.parameter
        if self._look(data_slice, slice_point) is None:  # refuses what is missing, by its name
            return None
        n_years = self.years.size
        n_stars = 1 if carries_star(slice_point) else options.stars_per_position
        good, width, n_visits = (np.full(n_years, np.nan) for _ in range(3))
        first_year = np.full(n_stars, np.nan)
        star_id: npt.NDArray[np.int64] | None = None
        for i, n, value in self._reached(self.single, data_slice, slice_point, self.survey_years):
            right = np.zeros(n_stars, dtype=bool)
            n_visits[i] = n
            if value is not None:
                right, star_id = value[f"{name}_is_good"], value["star_id"]
                width[i] = value[f"{name}_width"]
            good[i] = right.mean()
            first_year[right & np.isnan(first_year)] = self.years[i]
        if star_id is None:
            return None
        low, high = np.full(n_years, np.nan), np.full(n_years, np.nan)
        reached = np.isfinite(good)
        hits = np.rint(good[reached] * n_stars).astype(np.int64)
        low[reached], high[reached] = wilson_interval(hits, np.full(hits.size, n_stars))
        return {
            "years": self.years,
            "good": good,
            "good_low": low,
            "good_high": high,
            "width": width,
            "n_visits": n_visits,
            **{f"years_to_{p}": self._years_to(good, p) for p in _PERCENT},
            "star_id": star_id,
            "first_year": first_year,
        }
