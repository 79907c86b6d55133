"""What the metrics of this package share: a position, its visits, and values that MAF reduces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import SURVEYS, SurveyName
from pelsvae_cadence.cadence.changes.thinning import thin_visits
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.times import time_span
from pelsvae_cadence.metrics.maf.data_directory import prepare_data_directory
from pelsvae_cadence.metrics.position.deep_fields import stack_visits
from pelsvae_cadence.metrics.position.stars import reddening_at
from pelsvae_cadence.metrics.position.visits import SliceColumns, visits_from_slice

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.metrics import BaseMetric

__all__ = ["Look", "PositionMetric", "value_reducer"]

# An hour: beyond it, stacks would smear short periods beyond recognition.
_LONGEST_STACK: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a survey sees of a position.

    Parameters
    ----------
    ra, dec : float
        The position in degrees.
    visits : Visits
        The visits that observe its stars: stacked and thinned, if asked for.
    n_visits : int
        All visits to the position.
    baseline : float
        Their time span in days, 1 or more.
    ebv : float
        True E(B-V) in mag.
    """

    ra: float
    dec: float
    visits: Visits
    n_visits: int
    baseline: float
    ebv: float


def value_reducer(
    key: str, words: str, *, name: str | None = None, year: float | None = None
) -> Callable[[Any, dict[str, Any]], float]:
    """Make a reduce method, which gives MAF one number out of a metric's dictionary.

    Parameters
    ----------
    key : str
        The number's key.
    words : str
        What it is, for the docstring: "fraction of ...".
    name : str, optional
        Name of the method after ``reduce_``; the key by default, with the year if there is one.
    year : float, optional
        The value of this one of the survey years that the dictionary holds under "years".

    Returns
    -------
    callable
        A method; what is not finite, or beyond the years, becomes the metric's bad value, which
        MAF masks.
    """

    def reduce(self: Any, value: dict[str, Any]) -> float:
        number = value[key]
        if year is not None:
            at = np.flatnonzero(value["years"] == year)
            number = number[at[0]] if at.size else np.nan
        return float(number) if np.isfinite(number) else float(self.badval)

    tail = name if name is not None else key if year is None else f"{key}_year_{year:g}"
    when = "" if year is None else f" after {year:g} years"
    reduce.__name__ = f"reduce_{tail}"
    reduce.__doc__ = f"Give the {words}{when}; masked where there is none."
    return reduce


class PositionMetric(BaseMetric):  # type: ignore[misc]  # rubin_sim has no types
    """A metric that puts stars at a slice point and observes them at its visits.

    Subclasses write `_run`, and take what they need of the slice point from `look`.

    Parameters
    ----------
    columns : SliceColumns
        Names of the survey's columns.
    metric_name : str
        Name of the metric.
    survey : {"lsst", "ztf"}
        Whose filters, noise and saturation apply.
    ebv : float
        True E(B-V) in mag where the slice point has none.
    min_visits : int
        Slice points with fewer visits are masked.
    max_visits : int
        Slice points with more visits are thinned.
    stack_minutes : float, optional
        Add up visits of one night and band that lie within so many minutes.
    on_run : callable, optional
        Called after each slice point.
    **kwargs
        Passed to MAF's BaseMetric.

    Raises
    ------
    InputError
        If an argument is out of range.
    """

    def __init__(
        self,
        columns: SliceColumns,
        metric_name: str,
        *,
        survey: SurveyName = "lsst",
        ebv: float = 0.0,
        min_visits: int = 20,
        max_visits: int = 5000,
        stack_minutes: float | None = None,
        on_run: Callable[[], None] | None = None,
        **kwargs: Any,
    ) -> None:
        if survey not in SURVEYS:
            raise InputError(f"unknown survey {survey!r}", allowed=", ".join(SURVEYS))
        if min_visits < 1 or max_visits < min_visits:
            raise InputError(
                f"min_visits = {min_visits!r}, max_visits = {max_visits!r}",
                allowed="1 <= min_visits <= max_visits",
            )
        if stack_minutes is not None and not 0 < stack_minutes <= _LONGEST_STACK:
            raise InputError(
                f"stack_minutes = {stack_minutes!r}", allowed=f"above 0, up to {_LONGEST_STACK:g}"
            )
        self.columns = columns
        self.survey: SurveyName = survey
        self.ebv = ebv
        self.min_visits = int(min_visits)
        self.max_visits = int(max_visits)
        self.stack_minutes = stack_minutes
        self.on_run = on_run
        kwargs.setdefault("units", "")  # one string serves all reduce methods, counts included
        super().__init__(col=columns.needed(), metric_name=metric_name, metric_dtype="object", **kwargs)

    def run(
        self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None = None
    ) -> dict[str, Any] | float:
        """Evaluate one slice point.

        Parameters
        ----------
        data_slice : numpy structured array, shape (n_visits,)
            The visits of the slice point.
        slice_point : dict
            Its "ra" and "dec" in radians; "ebv" is MAF's raw SFD value. The slice point of a
            population slicer carries the one star to observe, with its own distance and dust.

        Returns
        -------
        dict or float
            The values that the class describes; `badval` where there are too few visits.

        Raises
        ------
        InputError
            If the slice point has no position, or a column is missing.
        """
        try:
            value = self._run(data_slice, slice_point)
        finally:
            if self.on_run is not None:
                self.on_run()
        if value is None:
            masked: float = self.badval  # MAF masks this very object
            return masked
        return value

    def _run(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None) -> dict[str, Any] | None:
        """Give the values of one slice point; None masks it."""
        raise NotImplementedError

    def look(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None) -> Look | None:
        """Read the position and the visits of a slice point.

        Parameters
        ----------
        data_slice : numpy structured array, shape (n_visits,)
            The visits of the slice point.
        slice_point : dict or None
            Its "ra" and "dec" in radians.

        Returns
        -------
        Look or None
            None where there are fewer than `min_visits` visits.

        Raises
        ------
        InputError
            If the slice point has no position, or a column is missing.
        """
        if not slice_point or slice_point.get("ra") is None or slice_point.get("dec") is None:
            raise InputError(
                "the slice point has no ra and dec",
                remedy="Use a spatial slicer (HealpixSlicer, UserPointsSlicer).",
            )
        if len(data_slice) < self.min_visits:
            return None
        every = visits_from_slice(data_slice, self.columns, self.survey)
        visits = every if self.stack_minutes is None else stack_visits(every, self.stack_minutes)
        return Look(
            ra=float(np.degrees(slice_point["ra"])) % 360.0,
            dec=float(np.degrees(slice_point["dec"])),
            visits=thin_visits(visits, self.max_visits),
            n_visits=len(every),
            baseline=time_span(every.mjd),
            ebv=reddening_at(slice_point, self.ebv),
        )
