"""Expected information keeps the bounds that mutual information has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.inference.visit_value.information import Outcomes


def test_what_tells_two_cases_apart_is_a_bit_and_what_does_not_is_nothing():
    half = np.array([0.5, 0.5])
    apart, alike = np.array([[0.0], [50.0]]), np.array([[3.0], [3.0]])
    one = np.ones((2, 1))
    assert Outcomes(half, apart, one).information([0, 1]) == pytest.approx(1.0, abs=1e-9)
    assert Outcomes(half, alike, one).information([0, 1]) == pytest.approx(0.0, abs=1e-9)
    assert Outcomes(half, apart, one).information([7, 7]) == pytest.approx(0.0, abs=1e-9)


def test_two_close_gaussians_are_as_informative_as_by_direct_integration():
    share = np.array([0.3, 0.7])
    mean, sigma = np.array([0.0, 1.5]), np.array([1.0, 0.6])
    y = np.linspace(-12.0, 14.0, 200_001)
    density = (
        np.exp(-0.5 * ((y - mean[:, None]) / sigma[:, None]) ** 2) / sigma[:, None] / np.sqrt(2.0 * np.pi)
    )
    total = share @ density
    terms = np.where(density > 0.0, density * np.log2(np.maximum(density, 1e-300) / total), 0.0)
    direct = float(share @ terms.sum(axis=1) * (y[1] - y[0]))
    found = Outcomes(share, mean[:, None], sigma[:, None] ** 2).information([0, 1])
    assert found[0] == pytest.approx(direct, abs=2e-3)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_information_is_bounded_and_grows_with_finer_labels(n, seed):
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.ones(n))
    outcomes = Outcomes(share, rng.normal(0.0, 3.0, (n, 4)), rng.uniform(0.05, 4.0, (n, 4)))
    coarse, fine = outcomes.information(np.arange(n) // 2), outcomes.information(np.arange(n))
    entropy = -(share * np.log2(share)).sum()
    assert (coarse >= 0.0).all()
    assert (coarse <= fine + 1e-9).all()
    assert (fine <= entropy + 1e-6).all()
    mean, variance = rng.normal(size=n), rng.uniform(0.0, 1.0, n)
    before = share @ (variance + mean**2) - (share @ mean) ** 2
    # Quadrature is exact for neither; a tenth is what it may be off.
    assert (outcomes.variance_after(mean, variance) <= 1.1 * before + 1e-9).all()
