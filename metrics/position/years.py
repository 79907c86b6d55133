"""Base of the metrics that ask again at the end of each survey year, and intervals of fractions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from astropy.stats import binom_conf_interval

from pelsvae_cadence.core.arrays import column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.containers import number
from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.metrics.position.metric import PositionMetric
from pelsvae_cadence.metrics.position.options import SliceOptions

__all__ = ["YearsMetric", "wilson_interval"]

FloatArray = npt.NDArray[np.float64]

# Of the intervals in the values: one sigma of a normal distribution.
_CONFIDENCE: Final = 0.6827


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


class YearsMetric(PositionMetric):
    """A metric whose values are those at the ends of some survey years.

    Parameters
    ----------
    options : SliceOptions
        Columns of the survey, and which visits count.
    metric_name : str
        Name of the metric.
    years : sequence of float
        Ends of the survey years, in years of 365.25 d, rising.
    survey_start : float, optional
        MJD of the survey's first visit, as in the time column; by default the earliest visit of
        each slice.
    on_run : callable, optional
        Called after each slice point.

    Raises
    ------
    InputError
        If the years do not rise, or an argument is out of range.
    """

    def __init__(
        self,
        options: SliceOptions,
        metric_name: str,
        years: Sequence[float],
        survey_start: float | None,
        *,
        on_run: Callable[[], None] | None = None,
    ) -> None:
        self.years = column("years", years, None, unit="yr", finite=False)
        rising = bool((np.diff(self.years, prepend=0.0) > 0).all())
        if not (self.years.size and rising and np.isfinite(self.years).all()):
            raise InputError(f"years = {years!r}", allowed="positive, rising")
        try:
            self.survey_start = None if survey_start is None else number("survey_start", survey_start, "d")
        except InputError as error:
            raise InputError(f"survey_start = {survey_start!r}", allowed="an MJD in days") from error
        super().__init__(options, metric_name, on_run=on_run)

    def _elapsed(self, data_slice: npt.NDArray[Any]) -> FloatArray:
        """Count the survey years up to each visit; one before `survey_start` is refused."""
        mjd = np.asarray(data_slice[self.options.mjd_col], dtype=np.float64)
        start = mjd.min() if self.survey_start is None else self.survey_start
        if mjd.min() < start:
            raise InputError(
                f"a visit at MJD {mjd.min():.4f} lies before survey_start = {start:.4f}",
                remedy="Give the time of the survey's first visit.",
            )
        return np.asarray((mjd - start) / JULIAN_YEAR)

    def _reached(
        self,
        metric: PositionMetric,
        data_slice: npt.NDArray[Any],
        slice_point: dict[str, Any] | None,
        survey_years: float | None,
    ) -> Iterator[tuple[int, int, dict[str, Any] | None]]:
        """Run a metric on the visits so far at the end of each year that the survey reaches.

        Gives the year's place, the visits so far, and the value: None while there are too few visits. Without
        `survey_years` the survey ends with the slice's last visit.
        """
        elapsed = self._elapsed(data_slice)
        length = float(np.nextafter(elapsed.max(), np.inf)) if survey_years is None else survey_years
        # The last season of a position ends before the survey does: a year counts as reached
        # once the survey goes on into it.
        begun = np.maximum(np.concatenate([[0.0], self.years[:-1]]), self.years - 1.0) < length
        before, value = -1, None
        for i in np.flatnonzero(begun).tolist():
            so_far = elapsed < self.years[i]
            n_visits = int(np.count_nonzero(so_far))
            # Without new visits nothing changes, and the search need not be repeated.
            if n_visits != before:
                found = metric.run(data_slice[so_far], slice_point)
                before, value = n_visits, found if isinstance(found, dict) else None
            yield i, n_visits, value

    def _years_to(self, values: FloatArray, percent: int) -> float:
        """Find the first of the years at which a fraction is reached; NaN if none."""
        least = percent / 100.0 - 1e-9  # 0.9 of ten stars are nine, whatever the last bit says
        reached = np.flatnonzero(np.nan_to_num(values, nan=-1.0) >= least)
        return float(self.years[reached[0]]) if reached.size else float("nan")
