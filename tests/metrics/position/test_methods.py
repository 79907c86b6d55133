"""Methods to find periods: what a reading says, in the words of a search, and which of it counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pelsvae_cadence import search
from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.times import time_span
from pelsvae_cadence.inference.infer import infer
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.metrics.position.methods import (
    FALSE_ALARM_LEVEL,
    check_method,
    class_probabilities,
    find_periods,
    named_by_method,
    periods_of_posterior,
)
from pelsvae_cadence.metrics.position.observe import (
    StarSample,
    at_reference_magnitude,
    load_model,
    observe_and_search,
    stars_at,
)
from pelsvae_cadence.periods.result import STATUSES
from pelsvae_cadence.periods.verdicts import judge
from pelsvae_cadence.simulation.simulate import simulate

PLACE = (35.0, -30.0)
RANGE = (0.3, 1.2)


@pytest.fixture(scope="module")
def visits():
    every = SyntheticSurvey(preset="lsst-v3", seed=1).at(*PLACE)
    return every.take(every.mjd < every.mjd.min() + 800.0)


@pytest.fixture(scope="module")
def stars():
    drawn, curve = stars_at(StarSample(star_class="RRab", n=3, seed=2), *PLACE)
    return at_reference_magnitude(drawn, "r", 21.0), curve


@pytest.fixture(scope="module")
def light_curves(stars, visits):
    """Three stars, and the first of them with four points only."""
    drawn, curve = stars
    seen = simulate(drawn, visits, seed=2, curve=curve)
    few = replace(seen.star(0), star_id=np.array([77]))
    few = few.keep(few.mjd < np.sort(few.mjd)[4])
    return LightCurves.concatenate([seen, few])


@pytest.fixture(scope="module")
def found(light_curves, visits):
    return find_periods(
        light_curves,
        method="learned",
        baseline=time_span(visits.mjd),
        period_range=RANGE,
        model=load_model("default"),
    )


def test_a_reading_is_that_of_infer_with_all_classes_alike(found, light_curves):
    posterior = infer(light_curves, period_range=RANGE)
    np.testing.assert_array_equal(found.periods.period, posterior.period)
    np.testing.assert_array_equal(found.posterior.class_probability, posterior.class_probability)
    np.testing.assert_array_equal(found.periods.top_frequencies, posterior.candidate_frequencies)
    assert set(posterior.options["classes"]) == set(STAR_CLASSES)
    assert len(set(posterior.options["classes"].values())) == 1
    assert found.periods.options["method"] == "learned"


def test_the_words_are_those_of_a_search(found, visits):
    periods = found.periods
    assert set(periods.status.tolist()) <= set(STATUSES)
    assert periods.status.tolist() == ["ok", "ok", "ok", "too few visits"]
    assert np.isnan(periods.frequency[3])
    assert periods.false_alarm_probability[3] == 1.0
    np.testing.assert_allclose(
        periods.false_alarm_probability[:3], 1.0 - found.posterior.period_probability[:3]
    )
    assert (np.diff(periods.top_scores[:3], axis=1)[np.isfinite(periods.top_scores[:3, 1:])] <= 0).all()
    assert periods.grid.baseline == pytest.approx(time_span(visits.mjd))


def test_what_is_more_likely_wrong_than_right_is_no_detection(found, stars):
    """The same right period, stated with different probabilities."""
    drawn, _ = stars
    three = found.posterior.take([0, 1, 2])
    stated = np.array([0.3, 0.5, 0.9])
    three = replace(three, period=drawn.period.copy(), period_probability=stated)
    periods = periods_of_posterior(three, 800.0, RANGE)
    verdicts = judge(periods, drawn.period, false_alarm_level=FALSE_ALARM_LEVEL["learned"])
    assert verdicts.verdict.tolist() == ["no detection", "exact", "exact"]


def test_no_shape_at_any_frequency_is_no_variation(found):
    nothing = replace(
        found.posterior.take([0]),
        period=np.array([np.nan]),
        candidate_frequencies=np.full((1, 5), np.nan),
        candidate_probabilities=np.zeros((1, 5)),
    )
    periods = periods_of_posterior(nothing, 800.0)
    assert periods.status.tolist() == ["no variation"]
    assert periods.false_alarm_probability.tolist() == [1.0]


def test_the_harmonic_method_is_the_search(light_curves):
    one = find_periods(light_curves, method="harmonic", baseline=800.0, period_range=RANGE)
    other = search(light_curves, baseline=800.0, period_range=RANGE)
    assert one.posterior is None
    np.testing.assert_array_equal(one.periods.frequency, other.frequency)
    np.testing.assert_array_equal(one.periods.false_alarm_probability, other.false_alarm_probability)


def test_the_stars_of_a_position_do_not_depend_on_the_method(stars, visits):
    drawn, curve = stars
    seen = {
        method: observe_and_search(
            drawn.take([0]), curve.take([0]), visits, seed=2, period_range=RANGE, method=method
        )
        for method in ("harmonic", "learned")
    }
    one, other = seen["harmonic"], seen["learned"]
    np.testing.assert_array_equal(one.light_curves.flux, other.light_curves.flux)
    assert one.posterior is None
    assert other.posterior.status.tolist() == ["ok"]
    assert other.n_visits_used == one.n_visits_used
    # Both find the star, each with its own last digits.
    assert other.verdicts.verdict.tolist() == one.verdicts.verdict.tolist() == ["exact"]
    assert other.periods.period[0] != one.periods.period[0]


def test_class_probabilities_are_those_of_the_classes_asked_for(found):
    told = class_probabilities(found.posterior, ("CEP", "RRLYR"))
    np.testing.assert_allclose(told.sum(axis=1), 1.0)
    columns = [found.posterior.classes.index(name) for name in ("CEP", "RRLYR")]
    raw = found.posterior.class_probability[:3, columns]
    np.testing.assert_allclose(told[:3, 0] * raw[:, 1], told[:3, 1] * raw[:, 0])
    assert told[3].tolist() == [0.5, 0.5]  # without an answer
    with pytest.raises(InputError, match="does not tell 'constant'"):
        class_probabilities(found.posterior, ("CEP", "constant"))


def test_methods_have_names():
    assert named_by_method("PeriodRecovery RRab r20", "harmonic") == "PeriodRecovery RRab r20"
    assert named_by_method("PeriodRecovery RRab r20", "learned") == "PeriodRecovery RRab r20 learned"
    with pytest.raises(InputError, match="learned"):
        check_method("learnt")
