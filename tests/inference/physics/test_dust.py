"""Dust and distance in closed form against sums over grids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.inference.physics.dust import EBV_ERROR, EBV_SCALE, DustPrior, dust_and_distance

REDDENING = np.array([[3.7, 2.6, 1.9], [3.5, 2.5, 1.9]])
COVARIANCE = np.diag([0.05, 0.04, 0.06]) ** 2 + 0.0004


def by_grid(mean_mag, absolute, reddening, prior):
    """Evidence (up to a constant), mean of E and of mu, by sums over a fine grid."""
    ebv = np.linspace(0.0, 3.0, 3001)
    mu = np.linspace(8.0, 22.0, 1401)
    e, m = np.meshgrid(ebv, mu, indexing="ij")
    rest = mean_mag - absolute - m[..., None] - e[..., None] * reddening
    log = -0.5 * np.einsum("...i,ij,...j", rest, np.linalg.inv(COVARIANCE), rest)
    if prior.ebv is None:
        log -= e / EBV_SCALE
    else:
        log -= 0.5 * ((e - prior.ebv) / max(EBV_ERROR * prior.ebv, 0.01)) ** 2
    weight = np.exp(log - log.max())
    total = weight.sum()
    return np.log(total) + log.max(), (weight * e).sum() / total, (weight * m).sum() / total


@settings(derandomize=True, deadline=None, max_examples=8)
@given(
    absolute=st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3),
    dust=st.sampled_from([None, 0.0, 0.3, 1.0]),
)
def test_closed_form_is_that_of_a_grid(absolute, dust):
    # Two kinds of stars that differ in colour.
    both = 0.3 * np.array(absolute) + np.array([[0.7, 0.55, 0.5], [0.8, 0.58, 0.45]])
    mean_mag = np.array([15.9, 15.6, 15.4]) + 2.6 * (dust or 0.0)
    prior = DustPrior(ebv=dust)
    found = dust_and_distance(mean_mag, COVARIANCE, both, REDDENING, prior)
    u = (np.arange(4000) + 0.5) / 4000
    expected = [by_grid(mean_mag, both[k], REDDENING[k], prior) for k in range(2)]
    difference = found.log_evidence[1] - found.log_evidence[0]
    assert difference == pytest.approx(expected[1][0] - expected[0][0], abs=0.05)
    for k in range(2):
        ebv, modulus = found.draw(np.full(u.size, k), u, np.zeros(u.size))
        assert (ebv >= 0.0).all()
        assert ebv.mean() == pytest.approx(expected[k][1], abs=0.003)
        assert modulus.mean() == pytest.approx(expected[k][2], abs=0.02)


def test_one_band_knows_the_prior_of_dust_alone():
    found = dust_and_distance(
        np.array([16.0]), np.array([[0.01]]), np.array([[0.5]]), np.array([[2.6]]), DustPrior()
    )
    u = (np.arange(2000) + 0.5) / 2000
    ebv, modulus = found.draw(np.zeros(u.size, dtype=int), u, np.zeros(u.size))
    assert ebv.mean() == pytest.approx(EBV_SCALE, rel=0.01)
    assert np.median(ebv) == pytest.approx(EBV_SCALE * np.log(2.0), rel=0.01)
    np.testing.assert_allclose(modulus, 15.5 - 2.6 * ebv)
