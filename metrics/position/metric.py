"""Base of the MAF metrics: the position and visits of a slice point, and values that MAF reduces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.changes.thinning import thin_visits
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.times import time_span
from pelsvae_cadence.metrics.maf.data_directory import prepare_data_directory
from pelsvae_cadence.metrics.position.deep_fields import stack_visits
from pelsvae_cadence.metrics.position.options import SliceOptions
from pelsvae_cadence.metrics.position.slice_point import SlicePoint
from pelsvae_cadence.metrics.position.visits import visits_from_slice

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.metrics import BaseMetric

__all__ = ["Look", "PositionMetric"]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a survey sees of a position.

    Parameters
    ----------
    point : SlicePoint
        The position.
    visits : Visits
        The visits that observe its stars: stacked and thinned, if asked for.
    n_visits : int
        All visits to the position.
    baseline : float
        Their time span in days, 1 or more.
    ebv : float
        True E(B-V) in mag.
    """

    point: SlicePoint
    visits: Visits
    n_visits: int
    baseline: float
    ebv: float


def _reducer(name: str, words: str) -> Callable[[Any, dict[str, Any]], float]:
    """Make the reduce method of a value; what is not finite becomes the bad value, which MAF masks."""
    key, _, year = name.partition("_year_")

    def reduce(self: Any, value: dict[str, Any]) -> float:
        number = value[key]
        if year:
            at = np.flatnonzero(value["years"] == float(year))
            number = number[at[0]] if at.size else np.nan
        return float(number) if np.isfinite(number) else float(self.badval)

    when = f" after {year} years" if year else ""
    reduce.__name__ = f"reduce_{name.lower()}"
    reduce.__doc__ = f"Give the {words}{when}; masked where there is none."
    return reduce


class PositionMetric(BaseMetric):  # type: ignore[misc]  # rubin_sim has no types
    """A metric that puts stars at a slice point and observes them at its visits.

    Subclasses write `_run`, take what they need of the slice point from `_look`, and list in
    `REDUCED` what MAF reduces their values to.

    Parameters
    ----------
    options : SliceOptions
        Columns of the survey, and which visits count.
    metric_name : str
        Name of the metric.
    on_run : callable, optional
        Called after each slice point.
    """

    #: Values that MAF reduces to numbers, with captions: keys of the dictionary that `run` gives,
    #: or "KEY_year_YEAR" for the value of one of its "years".
    REDUCED: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # MAF finds reduce methods by their names.
        for name, words in cls.REDUCED.items():
            reducer = _reducer(name, words)
            setattr(cls, reducer.__name__, reducer)

    def __init__(
        self, options: SliceOptions, metric_name: str, *, on_run: Callable[[], None] | None = None
    ) -> None:
        self.options = options
        self.on_run = on_run
        super().__init__(
            col=options.columns,
            metric_name=metric_name,
            metric_dtype="object",
            units=options.units,
            maps=options.maps,
            badval=options.badval,
            mask_val=options.mask_val,
        )

    def _leave_out(self, names: Iterable[str]) -> None:
        """Forget reduce methods of values that the options do not ask for: MAF would mask them all."""
        for name in names:
            del self.reduce_funcs[name.lower()], self.reduce_order[name.lower()]

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

    def _look(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None) -> Look | None:
        """Read position and visits of a slice point; None where there are fewer than `min_visits`."""
        point, options = SlicePoint(slice_point or {}), self.options
        if len(data_slice) < options.min_visits:
            return None
        every = visits_from_slice(data_slice, options, slice_point)
        if len(every) < options.min_visits:
            return None
        visits = every if options.stack_minutes is None else stack_visits(every, options.stack_minutes)
        return Look(
            point=point,
            visits=thin_visits(visits, options.max_visits),
            n_visits=len(every),
            baseline=time_span(every.mjd),
            ebv=options.ebv if point.ebv is None else point.ebv,
        )
