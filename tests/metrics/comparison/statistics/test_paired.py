"""The statistics behind "significantly better": coverage, error rates, exactness."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import permutation_test

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.comparison.statistics.bootstrap import choose_unit, mean_intervals
from pelsvae_cadence.metrics.comparison.statistics.paired import corrected, sign_flip_test

rng = np.random.default_rng(20)


def outcomes(generator, n_positions, n_stars, m, *, effect=0.0):
    """Two runs of recovered/not recovered, correlated within positions."""
    level = generator.beta(2.0, 2.0, (n_positions, 1, m))
    shared = generator.random((n_positions, n_stars, m))
    own = [generator.normal(0.0, 0.15, (n_positions, 1, m)) for _ in range(2)]
    return tuple(
        (shared < np.clip(level + own[k] + (effect if k else 0.0), 0, 1)).astype(float) for k in range(2)
    )


def test_a_run_against_itself_is_exactly_nothing():
    a, _ = outcomes(rng, 30, 5, 7)
    for unit in ("positions", "stars"):
        zero = a - a
        assert (sign_flip_test(zero, unit=unit) == 1.0).all()
        found = mean_intervals(zero, unit=unit)
        assert (found.mean == 0.0).all()
        assert (found.low == 0.0).all()
        assert (found.high == 0.0).all()


@pytest.mark.parametrize("unit", ["positions", "stars"])
def test_the_exact_test_is_scipys(unit):
    d = rng.normal(0.3, 1.0, (9, 1, 3)) if unit == "positions" else rng.normal(0.3, 1.0, (3, 3, 3))
    expected = [
        permutation_test((d[..., k].ravel(),), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
        for k in range(3)
    ]
    np.testing.assert_allclose(sign_flip_test(d, unit=unit), expected)


def test_random_flips_agree_with_all_of_them():
    d = rng.normal(0.25, 1.0, (16, 1, 1))
    signs = np.array(list(itertools.product([1.0, -1.0], repeat=16)))
    exact = np.mean(np.abs(signs @ d[:, 0]) >= abs(d.sum()) - 1e-9)
    assert sign_flip_test(d, unit="positions")[0] == pytest.approx(exact, abs=0.01)


def test_no_difference_is_called_significant_at_the_stated_rate():
    """2,000 pairs of runs of one strategy; also when the best of ten comparisons is picked."""
    generator = np.random.default_rng(3)
    n_runs, m = 2000, 10
    a, b = outcomes(generator, 24, 4, n_runs * m)
    p = sign_flip_test(b - a, unit="positions", n_flips=1000).reshape(n_runs, m)
    # Few stars differ, so that many patterns tie: the test is on the safe side of 0.05.
    assert 0.015 < np.mean(p < 0.05) <= 0.052
    any_called = [(corrected(row) < 0.05).any() for row in p]
    assert np.mean(any_called) <= 0.06  # 0.05, and two standard errors


def test_a_difference_is_found_and_has_its_sign():
    a, b = outcomes(np.random.default_rng(4), 40, 5, 20, effect=-0.25)
    p = corrected(sign_flip_test(b - a, unit="positions"))
    found = mean_intervals(b - a, unit="positions")
    assert (p < 0.05).all()
    assert (found.high < 0).all()


@pytest.mark.parametrize(("n_positions", "n_stars"), [(8, 5), (40, 3)])
def test_intervals_cover(n_positions, n_stars):
    """Positions drawn from a population: 95 % intervals hold its mean in 95 % of the draws."""
    generator = np.random.default_rng(5)
    a, b = outcomes(generator, n_positions, n_stars, 3000, effect=0.1)
    found = mean_intervals(b - a, unit="positions", n_bootstrap=1000)
    large_a, large_b = outcomes(np.random.default_rng(6), 40_000, 4, 1, effect=0.1)
    truth = (large_b - large_a).mean()
    cover = np.mean((found.low <= truth) & (truth <= found.high))
    assert 0.92 <= cover <= 0.985


def test_intervals_over_stars_are_those_of_fixed_positions():
    generator = np.random.default_rng(7)
    level = np.array([0.2, 0.5, 0.9])
    values = (generator.random((3, 20, 2000)) < level[:, None, None]).astype(float)
    found = mean_intervals(values, unit="stars", n_bootstrap=1000)
    cover = np.mean((found.low <= level.mean()) & (level.mean() <= found.high))
    assert 0.92 <= cover <= 0.985
    one = mean_intervals(values[:, :1], unit="stars")
    assert np.isfinite(one.mean).all()
    assert np.isnan(one.low).all()
    assert np.isnan(sign_flip_test(values[:, :1], unit="stars")).all()


def test_unknown_values_are_left_out():
    values = np.array([[[1.0, np.nan]], [[3.0, np.nan]], [[np.nan, np.nan]]] * 3)
    found = mean_intervals(values, unit="positions")
    assert found.mean[0] == 2.0
    assert np.isnan(found.mean[1])
    assert np.isnan(found.low[1])
    assert 1.0 <= found.low[0] < 2.0 < found.high[0] <= 3.0


def test_the_same_seed_gives_the_same_numbers():
    a, b = outcomes(rng, 20, 4, 3)
    one, two = (mean_intervals(b - a, unit="positions", seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.low, two.low)
    assert (mean_intervals(b - a, unit="positions", seed=6).low != one.low).any()


def test_units_and_shapes():
    assert choose_unit(7) == "stars"
    assert choose_unit(8) == "positions"
    with pytest.raises(InputError, match="n_positions, n_stars"):
        mean_intervals(np.zeros((3, 3)), unit="positions")
    with pytest.raises(InputError, match="'positions' or 'stars'"):
        sign_flip_test(np.zeros((3, 3, 1)), unit="sky")
    p = corrected([0.01, np.nan, 0.04, 0.5])
    assert np.isnan(p[1])
    np.testing.assert_allclose(p[[0, 2, 3]], [0.03, 0.06, 0.5])
