"""All stars of a position searched together: the same answers as from the metric alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pelsvae_cadence.cadence import JointSurvey, SyntheticSurvey, strategy, thinned

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

POSITION = (35.0, -25.0)
PERIODS = (0.4, 0.9)


@pytest.fixture(scope="module")
def parts():
    from pelsvae_cadence.metrics import PeriodRecoveryMetric, comparison
    from pelsvae_cadence.metrics.comparison import further_metric, position_search

    return PeriodRecoveryMetric, comparison.Plan, further_metric, position_search.search_position


def by_the_metric(parts, plan, visits, elapsed):
    """Recovered or not, periods and numbers of the stars, from one metric run per group and year."""
    metric_class, _, further_metric, _ = parts
    array = further_metric.visits_as_slice(visits, *POSITION)
    point = {"ra": np.radians(POSITION[0]), "dec": np.radians(POSITION[1]), "sid": 0}
    recovered = np.zeros((len(plan.groups), len(plan.years), plan.stars_per_position), bool)
    period = np.full(recovered.shape, np.nan)
    numbers = np.zeros((len(plan.groups), plan.stars_per_position), np.int64)
    for g, group in enumerate(plan.groups):
        metric = metric_class(
            **further_metric.COLUMNS,
            survey="joint",
            star_class=group.star_class,
            magnitude=group.magnitude,
            reference_band="r",
            seed=plan.seed,
            stars_per_position=plan.stars_per_position,
            period_range=plan.period_range,
            max_visits=plan.max_visits,
            seeing_col=None if visits.seeing is None else "seeingFwhmEff",
        )
        for y, year in enumerate(plan.years):
            value = metric.run(array[elapsed < year], point)
            if isinstance(value, dict):
                recovered[g, y] = value["verdict"] == "exact"
                period[g, y] = value["found_period"]
                numbers[g] = value["star_id"]
    return recovered, period, numbers


CADENCES = {
    "a survey": lambda: strategy("baseline", seed=4),
    "one with few visits": lambda: thinned(strategy("baseline", seed=4), 0.4),
    "two surveys": lambda: JointSurvey(
        surveys=(strategy("baseline", seed=4), SyntheticSurvey(preset="ztf", seed=4, years=1.0))
    ),
}


@pytest.mark.parametrize(
    ("cadence", "max_visits"),
    [("a survey", 5000), ("one with few visits", 5000), ("two surveys", 5000), ("two surveys", 60)],
)
def test_stars_searched_together_are_judged_as_by_the_metric(parts, cadence, max_visits):
    *_, plan_class, _, search_position = parts
    plan = plan_class(
        positions=(POSITION,),
        star_classes=("RRab", "EW"),
        magnitudes=(14.8, 22.0),
        years=(0.2, 1, 1.001, 2),
        stars_per_position=2,
        seed=9,
        period_range=PERIODS,
        max_visits=max_visits,
    )
    survey = CADENCES[cadence]()
    visits = survey.at(*POSITION)
    elapsed = (visits.mjd - survey.mjd_start) / 365.25
    visits = visits.take(elapsed < 2)
    elapsed = (visits.mjd - survey.mjd_start) / 365.25
    found = search_position(plan, visits, elapsed, *POSITION)
    recovered, period, numbers = by_the_metric(parts, plan, visits, elapsed)
    np.testing.assert_array_equal(found.outcome[..., 0], recovered)
    np.testing.assert_array_equal(found.found_period, period)
    np.testing.assert_array_equal(found.star_id, numbers)
    assert recovered.any()
    assert not recovered.all()
    # Years without a search: nothing recovered, nothing detected.
    silent = np.isnan(period).all(axis=(0, 2))
    assert found.outcome[:, silent, :, -1].all()
    assert not found.outcome[:, silent, :, :-1].any()


def test_other_groups_and_years_change_nothing(parts):
    *_, plan_class, _, search_position = parts
    whole = plan_class(
        positions=(POSITION,),
        star_classes=("RRab", "CEP"),
        magnitudes=(21.0, 22.0),
        years=(1, 2),
        stars_per_position=2,
        seed=2,
        period_range=PERIODS,
    )
    part = replace(whole, star_classes=("CEP",), magnitudes=(22.0,), years=(2,))
    survey = strategy("baseline", seed=1)
    visits = survey.at(*POSITION)
    elapsed = (visits.mjd - survey.mjd_start) / 365.25
    visits, elapsed = visits.take(elapsed < 2), elapsed[elapsed < 2]
    all_of_it = search_position(whole, visits, elapsed, *POSITION)
    alone = search_position(part, visits, elapsed, *POSITION)
    np.testing.assert_array_equal(all_of_it.outcome[3, 1], alone.outcome[0, 0])
    np.testing.assert_array_equal(all_of_it.found_period[3, 1], alone.found_period[0, 0])
