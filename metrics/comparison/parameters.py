"""Parameters in comparisons: how well distances, temperatures and periods are known in each run and year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence.survey import Cadence
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.comparison.further_metric import COLUMNS, FurtherMetric, Workplace
from pelsvae_cadence.metrics.comparison.plan import Plan
from pelsvae_cadence.metrics.comparison.quantities import Quantity
from pelsvae_cadence.metrics.parameters.recovery import ParameterRecoveryMetric

__all__ = ["ParameterAccuracy"]

FloatArray = npt.NDArray[np.float64]

_SEEING: Final = "seeingFwhmEff"
_QUANTITIES: Final = (
    Quantity(name="distance_good", better="higher", caption="fraction of stars with a distance good to 5 %"),
    Quantity(
        name="distance_width",
        better="lower",
        unit="mag",
        caption="half-width of the 68 % intervals of distance moduli",
    ),
    Quantity(
        name="temperature_good", better="higher", caption="fraction of stars with a temperature good to 200 K"
    ),
    Quantity(
        name="temperature_width",
        better="lower",
        unit="K",
        caption="half-width of the 68 % intervals of temperatures",
    ),
    Quantity(name="period_good", better="higher", caption="fraction of stars with a period good to 1 %"),
)


@dataclass(frozen=True, kw_only=True)
class ParameterAccuracy(FurtherMetric):
    """How well distances, temperatures and periods of a plan's stars are known in each run and year.

    The stars of the plan, of all its classes and magnitudes, are read with the learned model
    (`pelsvae_cadence.metrics.ParameterRecoveryMetric`); values are means over classes and magnitudes. Without enough
    visits nothing is good, and widths are not known.

    Parameters
    ----------
    dust_map : bool
        Whether readings know the dust in front of the stars.
    plan : Plan, optional
        The plan; filled in by `prepare`.
    survey : {"lsst", "ztf", "joint"}
        Survey of the run; filled in by `prepare`.
    """

    dust_map: bool = True
    plan: Plan | None = None
    survey: SurveyName = "lsst"

    @property
    @override
    def name(self) -> str:
        return "Parameters"

    @property
    @override
    def quantities(self) -> Sequence[Quantity]:
        return _QUANTITIES

    @override
    def prepare(
        self, cadences: Sequence[Cadence], plan: Plan, workplace: Workplace
    ) -> Sequence[FurtherMetric | InputError]:
        return [replace(self, plan=plan, survey=cadence.survey) for cadence in cadences]

    @override
    def run(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any], year: float) -> FloatArray:
        plan = self.plan
        if plan is None:
            raise InputError("this metric has no plan", remedy="Call prepare, and use what it gives.")
        seeing = _SEEING if _SEEING in (data_slice.dtype.names or ()) else None
        rows = []
        for group in plan.groups:
            metric = ParameterRecoveryMetric(
                **COLUMNS,
                seeing_col=seeing,
                survey=self.survey,
                star_class=group.star_class,
                magnitude=group.magnitude,
                reference_band="r",
                stars_per_position=plan.stars_per_position,
                seed=plan.seed,
                model=plan.model,
                period_range=plan.period_range,
                min_visits=plan.min_visits,
                max_visits=plan.max_visits,
                dust_map=self.dust_map,
            )
            value = metric.run(data_slice, slice_point)
            rows.append([_value(value, quantity.name) for quantity in _QUANTITIES])
        mean = np.full(len(_QUANTITIES), np.nan)
        known = np.isfinite(rows)
        some = known.any(axis=0)
        mean[some] = np.where(known, rows, 0.0).sum(axis=0)[some] / known.sum(axis=0)[some]
        return mean


def _value(value: dict[str, Any] | float, name: str) -> float:
    if isinstance(value, dict):
        return float(value[name])
    return 0.0 if name.endswith("_good") else float("nan")
