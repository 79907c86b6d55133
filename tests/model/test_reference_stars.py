"""Draws from the reference population."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.model.reference_stars import (
    GROUPS,
    PARAMETERS,
    Population,
    class_index,
    group_index,
    physics_matrix,
    valid_ranges,
)

CEP_F, CEP_1O = GROUPS.index(("CEP", "F")), GROUPS.index(("CEP", "1O"))


@pytest.fixture(scope="module")
def population() -> Population:
    """Two sequences of a period-luminosity relation, with scatter 0.1 mag."""
    rng = np.random.default_rng(1)
    log_p = np.concatenate([rng.normal(0.6, 0.2, 300), rng.normal(0.2, 0.15, 200)])
    group = np.repeat([CEP_F, CEP_1O], [300, 200])
    rows = np.stack(
        [
            log_p,
            3.75 - 0.05 * log_p + 0.01 * rng.normal(size=500),
            -1.0 - 3.0 * log_p - 0.6 * (group == CEP_1O) + 0.1 * rng.normal(size=500),
            rng.normal(-0.4, 0.1, 500),
            rng.normal(-0.4, 0.1, 500),
        ],
        axis=1,
    )
    counts = np.zeros(len(GROUPS), dtype=int)
    counts[[CEP_F, CEP_1O]] = 3000, 1000
    ranges = {"CEP": valid_ranges(rows[:, :4])}
    for g in (CEP_F, CEP_1O):
        ranges["/".join(GROUPS[g])] = valid_ranges(rows[group == g, :4])
    return Population(rows, group, counts, ranges)


def free(n: int) -> np.ndarray:
    return np.full((n, 4), np.nan)


def test_free_draws_follow_the_table(population: Population) -> None:
    n = 4000
    ids = np.arange(n)
    group, rows, feh = population.draw((CEP_F, CEP_1O), free(n), ids, KeyedRandom(seed=2))
    assert np.mean(group == CEP_F) == pytest.approx(0.75, abs=0.03)
    f = rows[group == CEP_F]
    assert f[:, 0].mean() == pytest.approx(0.6, abs=0.03)
    residual = f[:, 2] + 1.0 + 3.0 * f[:, 0]
    assert abs(residual.mean()) < 0.03
    # The kernel widens every scatter by sqrt(1 + 0.25^2) only, relations included.
    assert residual.std() == pytest.approx(0.1, abs=0.015)
    assert np.isfinite(feh).all()


def test_fixed_parameters_stay_and_condition_the_others(population: Population) -> None:
    n = 2000
    for log_p in (0.4, 0.8):
        fixed = free(n)
        fixed[:, 0] = log_p
        group, rows, _ = population.draw((CEP_F, CEP_1O), fixed, np.arange(n), KeyedRandom(seed=2))
        assert (rows[:, 0] == log_p).all()
        f = rows[group == CEP_F]
        assert f[:, 2].mean() == pytest.approx(-1.0 - 3.0 * log_p, abs=0.06)
    # First-overtone Cepheids of 6.3 d do not exist in the table.
    assert np.mean(group == CEP_F) > 0.99


def test_magnitude_decides_the_subtype(population: Population) -> None:
    fixed = free(500)
    fixed[:, 0], fixed[:, 2] = 0.35, -1.0 - 3.0 * 0.35 - 0.6
    group, _, _ = population.draw((CEP_F, CEP_1O), fixed, np.arange(500), KeyedRandom(seed=0))
    assert np.mean(group == CEP_1O) > 0.9


def test_draws_are_addressed_by_star(population: Population) -> None:
    ids = np.arange(3000)
    whole = population.draw((CEP_F, CEP_1O), free(3000), ids, KeyedRandom(seed=5))
    some = np.array([2999, 17, 1024])
    part = population.draw((CEP_F, CEP_1O), free(3), some, KeyedRandom(seed=5))
    for a, b in zip(whole, part, strict=True):
        np.testing.assert_array_equal(a[some], b)
    other = population.draw((CEP_F, CEP_1O), free(3), some, KeyedRandom(seed=6))
    assert not np.array_equal(other[1], part[1])


def test_draws_stay_in_range(population: Population) -> None:
    fixed = free(800)
    fixed[:, 3] = np.log10(population.ranges("CEP", "F")["amplitude_i"][1])
    _, rows, _ = population.draw((CEP_F,), fixed, np.arange(800), KeyedRandom(seed=5))
    for j, name in enumerate(PARAMETERS[:3]):
        value = rows[:, j] if name == "abs_mag_g" else 10.0 ** rows[:, j]
        low, high = population.ranges("CEP", "F")[name]
        assert low * (1 - 1e-9 * np.sign(low)) <= value.min()
        assert value.max() <= high * (1 + 1e-9 * np.sign(high))


def test_ranges_hold_the_stars_and_a_margin() -> None:
    columns = {"period": [1.0, 10.0], "teff": [5000, 6000], "abs_mag_g": [-3, -5], "amplitude_i": [0.3, 0.6]}
    ranges = valid_ranges(physics_matrix(SimpleNamespace(**columns)))
    assert ranges["period"] == pytest.approx((10**-0.048998, 10**1.048998), rel=1e-3)
    assert ranges["abs_mag_g"] == pytest.approx((-5.0979, -2.902), abs=1e-3)


def test_class_index() -> None:
    assert class_index(["RRLYR", "ACEP"]).tolist() == [6, 0]
    with pytest.raises(InputError, match="unknown star class 'RRL'"):
        class_index(["RRL"])


def test_group_index() -> None:
    found = group_index(["CEP", "CEP", "RRLYR"], ["1O", "", "RRab"])
    assert found.tolist() == [CEP_1O, -1, GROUPS.index(("RRLYR", "RRab"))]


def test_untrained_class_is_refused(population: Population) -> None:
    with pytest.raises(InputError, match="not trained on LPV stars; allowed: CEP"):
        population.groups("LPV")
