"""The matrix form against brute force: a Gaussian marginal likelihood with an n x n covariance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from pelsvae_cadence.inference.matching import AMPLITUDE_SCATTER, GroupDesign, match, point_sums
from pelsvae_cadence.inference.points import StarPoints, expected_offsets, offset_precision
from tests.inference.stars_of_bank import curve, group, member_points

EVERYWHERE = 99.0  # a reach that no pair of periods exceeds


def brute_force(
    star: StarPoints, weight: np.ndarray, frequency: float, design: GroupDesign, member: int, colours: bool
) -> tuple[float, int]:
    """Log evidence and best phase from the covariance of all points, less what all members share."""
    shapes, n = design.shapes, star.time.size
    precision = offset_precision(star.bands, np.isfinite(star.mean_mag), shapes.star_class, colours)
    onehot = (star.band[:, None] == np.arange(len(star.bands))).astype(float)
    expected = expected_offsets(star, shapes.mean_mag[member])
    fixed = np.diag(1.0 / weight) + onehot @ np.linalg.inv(precision) @ onehot.T
    chi2, size = np.empty(design.n_phases), np.empty(design.n_phases)
    for j in range(design.n_phases):
        phase = frequency * star.time + j / design.n_phases
        shape = np.empty(n)
        for b in range(len(star.bands)):
            mine = star.band == b
            shape[mine] = curve(shapes.harmonics[member, b, : design.n_harmonics + 1], phase[mine])
        covariance = fixed + AMPLITUDE_SCATTER**2 * np.outer(shape, shape)
        rest = star.value - onehot @ expected - shape
        chi2[j] = rest @ np.linalg.solve(covariance, rest)
        size[j] = np.linalg.slogdet(covariance)[1]
    # The noise is scaled up to what the best phase leaves, and the priors with it.
    scale = max(chi2.min() / n, 1.0)
    evidence = logsumexp(-0.5 * (n * np.log(scale) + size + chi2 / scale)) - np.log(design.n_phases)
    mass = onehot.T @ (weight[:, None] * onehot)
    shared = 0.5 * (
        np.log(weight).sum() + np.linalg.slogdet(precision)[1] - np.linalg.slogdet(precision + mass)[1]
    )
    return float(evidence - shared), int(chi2.argmin())


@pytest.mark.parametrize(("subtype", "colours"), [("RRab", True), ("RRc", False), ("EW", True)])
@pytest.mark.parametrize("model_error", [0.05, 0.5])
def test_evidence_is_that_of_the_whole_covariance(subtype, colours, model_error):
    shapes = group(subtype)
    star = member_points(shapes, 100, n=24, seed=3)
    weight = star.with_model_error(model_error) ** -2.0
    design = GroupDesign.of(shapes.take(np.array([20, 99, 100, 180])), reach=EVERYWHERE)
    true = float(np.exp(-shapes.ln_period[100]))
    frequency = np.array([true - 0.01, true, true + 0.3])
    sums = point_sums(star, weight, frequency, design.n_harmonics)
    evidence, phase = match(star, weight, sums, design, colours=colours)
    expected = [
        [brute_force(star, weight, f, design, m, colours) for m in range(4)] for f in frequency.tolist()
    ]
    np.testing.assert_allclose(evidence, np.array(expected)[..., 0], rtol=1e-3, atol=5e-3)
    np.testing.assert_array_equal(phase, np.array(expected)[..., 1])
    # The true member at its frequency, where the noise need not be scaled up.
    assert evidence[1].argmax() == 2
    assert evidence[1, 2] > evidence[0].max() + 5.0


def test_the_best_phase_alone_bounds_the_mean_over_phases():
    shapes = group("RRab")
    star = member_points(shapes, 300, n=30)
    weight = star.with_model_error(0.1) ** -2.0
    design = GroupDesign.of(shapes.take(np.arange(290, 310)))
    frequency = np.exp(-shapes.ln_period[300]) + np.linspace(-0.02, 0.02, 9)
    sums = point_sums(star, weight, frequency, design.n_harmonics)
    mean, _ = match(star, weight, sums, design)
    best, _ = match(star, weight, sums, design, best_phase_only=True)
    near = np.isfinite(mean)
    np.testing.assert_array_equal(near, np.isfinite(best))
    assert near.any()
    assert (mean[near] <= best[near] + 0.5 * np.log(20.0)).all()
    # One phase in n counts at least as 1/n; T^2 of a star that varies by less than its mean is below n.
    assert (mean[near] > best[near] - np.log(design.n_phases) - 8.0).all()


def test_few_and_many_members_agree():
    shapes = group("RRab")
    star = member_points(shapes, 300, n=40)
    weight = star.with_model_error(0.1) ** -2.0
    some = np.arange(260, 340)
    many, few = GroupDesign.of(shapes), GroupDesign.of(shapes.take(some))
    assert many.turned_linear is None
    assert few.turned_linear is not None
    frequency = np.sort(np.exp(-shapes.ln_period[::25]))
    sums = point_sums(star, weight, frequency, many.n_harmonics)
    of_many, phase_many = match(star, weight, sums, many)
    of_few, phase_few = match(star, weight, sums, few)
    assert np.isfinite(of_few).any()
    np.testing.assert_allclose(of_few, of_many[:, some], rtol=1e-4, atol=1e-2)
    same = phase_few == phase_many[:, some]
    assert same.mean() > 0.99  # two phases may be as good as each other


def test_members_far_in_period_do_not_answer():
    shapes = group("RRc")
    star = member_points(shapes, 100, n=20)
    weight = star.with_model_error(0.1) ** -2.0
    design = GroupDesign.of(shapes)
    frequency = np.sort(np.exp(-shapes.ln_period[[10, 100, 290]]))
    evidence, _ = match(star, weight, point_sums(star, weight, frequency, 6), design)
    distance = np.abs(np.log(frequency)[:, None] + shapes.ln_period)
    assert np.isfinite(evidence[distance < 0.99 * design.reach]).all()
    assert np.isneginf(evidence[distance > 1.2 * design.reach]).all()


@settings(derandomize=True, deadline=None, max_examples=20)
@given(shift=st.floats(-1000.0, 1000.0), member=st.integers(0, 299))
def test_the_zero_of_time_does_not_matter(shift, member):
    shapes = group("RRc")
    star = member_points(shapes, member, n=18, noise=0.1)
    weight = star.with_model_error(0.3) ** -2.0
    design = GroupDesign.of(shapes.take(np.array([member])), density=10.0)
    frequency = np.exp(-shapes.ln_period[[member]])
    moved = replace(star, time=star.time + shift)
    both = [
        match(one, weight, point_sums(one, weight, frequency, design.n_harmonics), design)[0][0, 0]
        for one in (star, moved)
    ]
    assert both[0] == pytest.approx(both[1], abs=0.02)


@pytest.mark.parametrize("n_bands", [1, 2, 3])
def test_sums_are_sums(n_bands):
    shapes = group("RRc")
    star = member_points(shapes, 50, n=12)
    star = replace(star, band=np.minimum(star.band, n_bands - 1), bands=star.bands[:n_bands])
    weight = np.linspace(1.0, 2.0, 12)
    frequency = np.array([0.3, 2.7])
    sums = point_sums(star, weight, frequency, 3)
    for b in range(n_bands):
        mine = star.band == b
        for k in range(7):
            turn = np.exp(2j * np.pi * k * frequency[:, None] * star.time[mine])
            np.testing.assert_allclose(sums.weight[b, :, k], turn @ weight[mine], rtol=1e-4, atol=1e-4)
            if k <= 3:
                value = turn @ (weight * star.value)[mine]
                np.testing.assert_allclose(sums.data[b, :, k], value, rtol=1e-4, atol=1e-4)
    some = sums.take(np.array([1]))
    np.testing.assert_array_equal(some.data, sums.data[:, 1:])
