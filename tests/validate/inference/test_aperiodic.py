"""Stars without a period."""

from __future__ import annotations

import numpy as np

from pelsvae_cadence.validate.inference.answers import Question, answers_of_search
from pelsvae_cadence.validate.inference.aperiodic import aperiodic_stars
from pelsvae_cadence.validate.periods.control import control_sample, control_visits
from pelsvae_cadence.validate.periods.false_alarms import without_period


def test_a_permutation_keeps_the_points_of_a_band_and_loses_the_period():
    sample = control_sample(control_visits(1), ["RRab"] * 4, seed=2, r_range=(18.0, 18.0))
    mixed = without_period(sample.light_curves, seed=3)
    for i in range(4):
        before, after = sample.light_curves.star(i), mixed.star(i)
        np.testing.assert_array_equal(before.mjd, after.mjd)
        for name in "ugrizy":
            mine = before.band == name
            old, new = (
                np.column_stack([c.flux[mine], c.flux_err[mine]])[np.argsort(c.flux[mine])]
                for c in (before, after)
            )
            np.testing.assert_array_equal(old, new)
    asked = Question(period_range=(0.2, 1.2))
    kept = answers_of_search(sample.light_curves, asked).near(sample.period)
    lost = answers_of_search(mixed, asked).near(sample.period)
    assert kept.mean() >= 0.75
    assert lost.mean() <= 0.25
    np.testing.assert_array_equal(
        without_period(sample.light_curves.take([2]), seed=3).flux, mixed.star(2).flux
    )


def test_constant_stars_do_not_vary_and_permuted_ones_do():
    visits = control_visits(4, 1.0)
    constant, variable = (aperiodic_stars(visits, kind, 7, seed=1) for kind in ("constant", "permuted"))

    def scatter(curves) -> np.ndarray:
        scaled = []
        for i in range(len(curves)):
            one = curves.star(i)
            r = one.band == "i"
            deviation = one.flux[r] - np.average(one.flux[r], weights=one.flux_err[r] ** -2.0)
            scaled.append(np.mean((deviation / one.flux_err[r]) ** 2))
        return np.array(scaled)

    assert np.median(scatter(constant)) < 2.0
    assert np.median(scatter(variable)) > 5.0
