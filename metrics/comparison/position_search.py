"""Period searches of all stars of one position after each survey year, windows shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.changes.thinning import thin_visits
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.arrays import freeze
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.core.times import time_span
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.metrics.comparison.quantities import star_outcomes
from pelsvae_cadence.metrics.position.methods import FALSE_ALARM_LEVEL, find_periods
from pelsvae_cadence.metrics.position.observe import StarSample, at_reference_magnitude, load_model, stars_at
from pelsvae_cadence.periods.verdicts import Verdicts, judge
from pelsvae_cadence.simulation.simulate import simulate
from pelsvae_cadence.stars import Stars

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.comparison.plan import Group, Plan

__all__ = ["PositionOutcome", "search_position"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PositionOutcome:
    """What became of the stars of one position.

    Parameters
    ----------
    outcome : ndarray of bool, shape (n_groups, n_years, n_stars, n_star_quantities)
        Yes and no per star.
    found_period : ndarray of float64, shape (n_groups, n_years, n_stars)
        Periods found in days; NaN if none.
    true_period : ndarray of float64, shape (n_groups, n_stars)
        True periods in days.
    star_id : ndarray of int64, shape (n_groups, n_stars)
        Numbers of the stars.
    """

    outcome: npt.NDArray[np.bool_]
    found_period: FloatArray
    true_period: FloatArray
    star_id: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        for field in fields(self):
            freeze(getattr(self, field.name))


def search_position(
    plan: Plan, visits: Visits, elapsed: FloatArray, ra: float, dec: float
) -> PositionOutcome:
    """Find the periods of the stars of one position at the end of every year.

    The stars, their noise and the verdicts are those of
    `pelsvae_cadence.metrics.PeriodRecoveryMetric` on the visits so far. But every star is observed
    once, with the visits of all years, and the stars of all classes and magnitudes go through the
    search together, where those with the same visits share the transforms of the window.

    Parameters
    ----------
    plan : Plan
        What is asked.
    visits : Visits
        The visits up to the last year.
    elapsed : ndarray of float64, shape (n_visits,)
        Their times in years since the begin of the survey.
    ra, dec : float
        Position in degrees.

    Returns
    -------
    PositionOutcome
        One row per class and magnitude, year and star.
    """
    years = _searched_years(plan, elapsed)
    used = {n: thin_visits(visits.take(np.arange(n)), plan.max_visits) for n in set(years) - {0}}
    observed = visits.take(np.isin(visits.visit_id, _numbers(list(used.values()))))
    drawn = [_stars(plan, group, ra, dec) for group in plan.groups]
    # Group by group, since shapes of different classes have different numbers of harmonics.
    light_curves = LightCurves.concatenate(
        simulate(stars, observed, seed=plan.seed, curve=curve) for stars, curve in drawn
    )
    true_period = np.concatenate([stars.period for stars, _ in drawn])
    found: dict[int, tuple[Verdicts | None, FloatArray]] = {0: (None, np.full(true_period.size, np.nan))}
    for n, mine in used.items():
        periods = find_periods(
            _at_visits(light_curves, np.isin(observed.visit_id, mine.visit_id)),
            method=plan.method,
            # The span of all visits so far, not only of those a thinned series keeps.
            baseline=time_span(visits.mjd[:n]),
            period_range=plan.period_range,
            model=load_model(plan.model),
        ).periods
        level = FALSE_ALARM_LEVEL[plan.method]
        found[n] = judge(periods, true_period, false_alarm_level=level), periods.period
    outcome = np.stack([star_outcomes(found[n][0], true_period.size) for n in years])
    period = np.stack([found[n][1] for n in years])
    n_groups, n_stars = len(plan.groups), plan.stars_per_position
    shape = (len(years), n_groups, n_stars)
    return PositionOutcome(
        outcome=outcome.reshape(*shape, -1).swapaxes(0, 1),
        found_period=period.reshape(shape).swapaxes(0, 1),
        true_period=true_period.reshape(n_groups, n_stars),
        star_id=light_curves.star_id.reshape(n_groups, n_stars),
    )


def _stars(plan: Plan, group: Group, ra: float, dec: float) -> tuple[Stars, PhaseCurve]:
    sample = StarSample(
        star_class=group.star_class, n=plan.stars_per_position, seed=plan.seed, model=plan.model
    )
    stars, curve = stars_at(sample, ra, dec)
    return at_reference_magnitude(stars, "r", group.magnitude), curve


def _searched_years(plan: Plan, elapsed: FloatArray) -> list[int]:
    """Count the visits that each year's search looks at; 0 where there are too few for one."""
    counts = [int(np.count_nonzero(elapsed < year)) for year in plan.years]
    return [n if n >= plan.min_visits else 0 for n in counts]


def _numbers(parts: Sequence[Visits]) -> npt.NDArray[np.int64]:
    return np.unique(np.concatenate([part.visit_id for part in parts]))


def _at_visits(light_curves: LightCurves, kept: npt.NDArray[np.bool_]) -> LightCurves:
    """Keep some visits of stars that were all observed at the same ones."""
    return light_curves.keep(np.tile(kept, len(light_curves)))
