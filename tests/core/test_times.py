"""Time conventions: middles of exposures, noon, spans."""

import numpy as np
import pytest

from pelsvae_cadence.core.times import local_noon, mid_exposure, start_of_exposure, time_span


def test_half_an_exposure_lies_between_start_and_middle():
    start, exptime = np.array([60000.0, 60000.25]), np.array([30.0, 1000.0])
    middle = mid_exposure(start, exptime)
    np.testing.assert_allclose((middle - start) * 86400.0, [15.0, 500.0], atol=1e-5)
    np.testing.assert_allclose(start_of_exposure(middle, exptime), start, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("longitude", "noon"), [(0.0, 0.5), (-90.0, 0.75), (90.0, 0.25), (-180.0, 0.0)])
def test_noon_comes_later_in_the_west(longitude, noon):
    assert local_noon(longitude) == noon


def test_time_span_is_a_day_at_least():
    assert time_span([60010.0, np.nan, 60000.0, np.inf]) == 10.0
    assert time_span([60000.0, 60000.1]) == time_span([60000.0]) == time_span([]) == 1.0
