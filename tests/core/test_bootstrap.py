"""The bootstrap: how often units are drawn, and intervals where some resamples give no value."""

from __future__ import annotations

import numpy as np

from pelsvae_cadence.core.bootstrap import percentile_interval, resampling_weights


def test_every_resample_draws_as_many_units_as_there_are():
    weights = resampling_weights(np.random.default_rng(1), 7, 2000)
    assert weights.shape == (2000, 7)
    assert (weights.sum(axis=1) == 7.0).all()
    # Each unit comes once on average, with a variance of 1 - 1/n.
    np.testing.assert_allclose(weights.mean(axis=0), 1.0, atol=0.1)
    np.testing.assert_allclose(weights.var(axis=0), 6.0 / 7.0, atol=0.1)


def test_resamples_without_a_value_do_not_count():
    drawn = np.array([[1.0, np.nan, np.nan], [2.0, 5.0, np.nan], [3.0, 7.0, np.nan]])
    low, high = percentile_interval(drawn, 0.25)
    np.testing.assert_allclose(low, [1.5, 5.5, np.nan])
    np.testing.assert_allclose(high, [2.5, 6.5, np.nan])
