"""Distances from the periods that are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pelsvae_cadence import LightCurveModel
from pelsvae_cadence.metrics.position.distances import PeriodLuminosity, _distance_errors, period_luminosity
from pelsvae_cadence.photometry.magnitudes import mean_magnitudes
from pelsvae_cadence.validate.periods.control import control_visits

pytestmark = pytest.mark.maf


@pytest.fixture(scope="module")
def model():
    return LightCurveModel.load()


@pytest.fixture(scope="module")
def recovery(model):
    from pelsvae_cadence.metrics.position.observe import (
        StarSample,
        at_reference_magnitude,
        observe_and_search,
        stars_at,
    )

    stars, curve = stars_at(StarSample(star_class="RRab", n=8, seed=2), 10.0, -20.0, ebv=0.1)
    stars = at_reference_magnitude(stars, "r", 19.0)
    return observe_and_search(stars, curve, control_visits(3, years=3.0), seed=2, period_range=(0.2, 2.0))


def test_the_relation_is_that_of_the_stars(model):
    relation = period_luminosity(model, "RRLYR", "RRab", "i")
    stars = model.sample("RRLYR", subtype="RRab", n=1000, seed=0)
    rest = mean_magnitudes(stars, ("i",))[:, 0] - relation.magnitude(stars.period)
    assert abs(rest.mean()) < 1e-9
    assert rest.std(ddof=2) == pytest.approx(relation.scatter)
    assert relation.slope < -1.0  # longer periods are brighter
    assert period_luminosity(model, "RRLYR", "RRab", "i") is relation


def test_a_relation_without_width_leaves_the_photometry(recovery):
    """With the star's own luminosity for the relation, what is left is the mean of the points."""
    stars = recovery.stars
    found = recovery.verdicts.within_1pct
    assert found.sum() >= 6
    clear = mean_magnitudes(stars, ("i",))[:, 0]
    for i in np.flatnonzero(found).tolist():
        # The apparent magnitude less dust and distance modulus is the star's luminosity.
        relation = PeriodLuminosity(band="i", zero=0.0, slope=0.0, scatter=0.0)
        luminosity = _distance_errors(recovery, relation)[i]
        dustless = replace(stars, ebv=np.zeros(len(stars)))
        own = mean_magnitudes(dustless, ("i",))[i, 0] - stars.distance_modulus[i]
        assert luminosity == pytest.approx(own, abs=0.05)
        assert clear[i] > own


def test_without_a_period_there_is_no_distance(recovery):
    relation = PeriodLuminosity(band="i", zero=0.4, slope=-1.3, scatter=0.1)
    errors = _distance_errors(recovery, relation)
    np.testing.assert_array_equal(np.isnan(errors), ~recovery.verdicts.within_1pct)
    # A band that the survey does not have gives none either.
    nothing = PeriodLuminosity(band="zr", zero=0.4, slope=-1.3, scatter=0.1)
    assert np.isnan(_distance_errors(recovery, nothing)).all()


@pytest.mark.usefixtures("maf_ready")
def test_the_metric_counts_good_distances(shared_data):
    from pelsvae_cadence.cadence import read_survey
    from pelsvae_cadence.metrics import PeriodRecoveryMetric, TimeToRecoveryMetric
    from pelsvae_cadence.metrics.maf.survey_source import open_survey

    survey = read_survey(
        shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db", constraint="night < 700"
    )
    source = open_survey(survey, positions=[])
    near = np.hypot(source.array["fieldRA"] % 360.0, source.array["fieldDec"] + 30.0) < 1.5
    visits = source.array[near]
    options = {
        "mjd_col": source.columns["mjd"],
        "mjd_is_middle": True,
        "visit_id_col": source.visit_id,
        "star_class": "RRab",
        "magnitude": 19.0,
        "stars_per_position": 6,
        "period_range": (0.2, 2.0),
    }
    point = {"ra": 0.0, "dec": np.radians(-30.0), "sid": 0}
    plain = PeriodRecoveryMetric(**options).run(visits, point)
    metric = PeriodRecoveryMetric(distances=True, **options)
    value = metric.run(visits, point)
    assert np.isnan(plain["good_distance"])
    assert 0.0 <= value["good_distance"] <= value["within_1pct"]
    assert metric.reduce_good_distance(plain) == metric.badval
    time = TimeToRecoveryMetric(years=(1.0, 2.0), distances=True, **options)
    by_year = time.run(visits, point)
    assert by_year["good_distance"][-1] == value["good_distance"]
    assert time.reduce_good_distance_year_2(by_year) == value["good_distance"]
