"""Cost of what a comparison asks at one position, beside the metrics that answer it one by one.

On their own, `PeriodRecoveryMetric` runs once for every class and year, as MAF runs it with a
constraint for each year, and `TimeToRecoveryMetric` once for every class, for the years that a star
is without a period. The comparison observes each star once, searches every year once, all classes
together, and takes all its quantities from there. Both are charged for processor time in one
process, in turn.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
import pytest

from pelsvae_cadence.cadence import strategy

pytestmark = [pytest.mark.slow, pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

POSITION = (35.0, -25.0)
#: Least cost of the metrics on their own in units of the shared search.
LEAST = 1.5
#: Least speed of two workers over one where other things may run beside them.
LEAST_SHARED = 1.3


def _processor_time(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def test_all_quantities_from_one_search(benchmark) -> None:
    from pelsvae_cadence.metrics import PeriodRecoveryMetric, TimeToRecoveryMetric
    from pelsvae_cadence.metrics.comparison import Plan
    from pelsvae_cadence.metrics.comparison.further_metric import COLUMNS, visits_as_slice
    from pelsvae_cadence.metrics.comparison.position_search import search_position

    plan = Plan(positions=(POSITION,), stars_per_position=5, seed=1)
    survey = strategy("baseline", seed=1)
    visits = survey.at(*POSITION)
    elapsed = (visits.mjd - survey.mjd_start) / 365.25
    visits, elapsed = visits.take(elapsed < 10), elapsed[elapsed < 10]
    array = visits_as_slice(visits, *POSITION)
    point = {"ra": np.radians(POSITION[0]), "dec": np.radians(POSITION[1]), "sid": 0}
    options = [
        {
            **COLUMNS,
            "survey": "joint",
            "star_class": group.star_class,
            "seed": plan.seed,
            "magnitude": group.magnitude,
            "stars_per_position": plan.stars_per_position,
        }
        for group in plan.groups
    ]

    def together() -> object:
        return search_position(plan, visits, elapsed, *POSITION)

    def recovery() -> list[list[dict]]:
        metrics = [PeriodRecoveryMetric(**mine) for mine in options]
        return [[one.run(array[elapsed < year], point) for year in plan.years] for one in metrics]

    def waiting() -> list[dict]:
        start = survey.mjd_start
        metrics = [TimeToRecoveryMetric(years=plan.years, survey_start=start, **mine) for mine in options]
        return [one.run(array, point) for one in metrics]

    # The answers are the same, star by star.
    shared, alone, times = together(), recovery(), waiting()
    for g, years in enumerate(alone):
        for y, value in enumerate(years):
            np.testing.assert_array_equal(shared.found_period[g, y], value["found_period"])
        expected = shared.outcome[g, :, :, 0].mean(axis=-1)
        np.testing.assert_allclose(times[g]["recovered"], expected)

    rounds = []
    for _ in range(3):
        ours = _processor_time(together)
        rounds.append((_processor_time(recovery) / ours, _processor_time(waiting) / ours))
    each = np.median(rounds, axis=0)
    benchmark.extra_info["both metrics on their own / together"] = round(float(each.sum()), 2)
    benchmark.extra_info["PeriodRecoveryMetric alone / together"] = round(float(each[0]), 2)
    benchmark.pedantic(together, rounds=1)
    assert each.sum() > LEAST


def test_two_workers_share_the_positions(benchmark) -> None:
    """The same work at 12 positions, in turn with one process and with two."""
    from pelsvae_cadence.metrics.comparison import Plan
    from pelsvae_cadence.metrics.validate.comparison import worker_figures

    positions = tuple((30.0 * k, -30.0) for k in range(12))
    plan = Plan(positions=positions, magnitudes=(22.5,), years=(1, 2), stars_per_position=8)
    ratio, cost = benchmark.pedantic(worker_figures, kwargs={"plan": plan}, rounds=1)
    benchmark.extra_info["two workers / one"] = round(ratio.value, 2)
    benchmark.extra_info["ms a star, one worker"] = round(cost.value, 1)
    if os.cpu_count() > 1:
        assert ratio.value > LEAST_SHARED
