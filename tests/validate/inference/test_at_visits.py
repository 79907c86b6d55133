"""Real stars at the visits of the baseline."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.periods import search
from pelsvae_cadence.validate.inference.at_visits import (
    R_RANGE,
    first_years,
    shows_two_minima,
    stars_at_visits,
    wide_visits,
)


@pytest.fixture(scope="module")
def visits(shared_data):
    return wide_visits(shared_data)


@pytest.fixture(scope="module")
def stars(shared_data, visits):
    return stars_at_visits(shared_data, visits, 4, seed=2)


def test_four_sources_in_six_bands(stars, visits):
    assert len(stars) == len(stars.light_curves) == 16
    assert set(stars.star_class[:4].tolist()) == {"RRLYR"}
    assert set(stars.star_class[4:8].tolist()) == {"CEP"}
    assert set(stars.star_class[8:12].tolist()) == {"ECL"}
    assert "ECL" not in stars.star_class[12:].tolist()
    assert set(stars.light_curves.band.tolist()) == set("ugrizy")
    assert stars.light_curves.n_points == 16 * len(visits)
    for i in range(16):
        one = stars.light_curves.star(i)
        r = np.median(one.mag_true[one.band == "r"])
        assert R_RANGE[0] - 1.0 < r < R_RANGE[1] + 1.0
    assert np.isfinite(stars.light_curves.flux).all()


def test_a_young_survey_has_seen_part_of_the_same(stars):
    one, ten = first_years(stars, 1.0), first_years(stars, 10.0)
    assert 16 * 60 < one.light_curves.n_points < 16 * 200
    assert set(one.light_curves.flux.tolist()) < set(ten.light_curves.flux.tolist())
    assert np.ptp(one.light_curves.mjd) < 365.25


def test_a_star_keeps_its_period(shared_data, visits):
    bright = stars_at_visits(shared_data, visits, 3, seed=4, r_range=(19.0, 19.0))
    pulsators = np.isin(bright.star_class, ["CEP", "RRLYR"])
    some = bright.take(np.flatnonzero(pulsators)[:5])
    found = search(some.light_curves, period_range=(0.2, 100.0))
    assert (np.abs(found.period / some.period - 1.0) < 0.001).mean() >= 0.8


@pytest.mark.parametrize(("second", "both"), [(0.5, True), (0.1, True), (0.0, False)])
def test_a_second_minimum_is_told_from_noise(second, both):
    rng = np.random.default_rng(5)
    phase = rng.random(300)

    def eclipse(centre: float) -> np.ndarray:
        return np.exp(-0.5 * (((phase - centre + 0.5) % 1.0 - 0.5) / 0.05) ** 2)

    mag = eclipse(0.3) + second * eclipse(0.8) + 0.03 * rng.standard_normal(300)
    assert shows_two_minima(phase, mag) is both
    assert shows_two_minima(2.0 * phase, mag) is False  # and half the orbit has one


def test_binaries_of_one_minimum_may_have_twice_the_listed_period(stars):
    others = stars.other_period
    assert others is not None
    known = np.isfinite(others)
    assert known[8:12].any()
    assert not known[:8].any()
    np.testing.assert_allclose(others[known], 2.0 * stars.period[known])
