"""Local fits: the evidence in linear problems, drifting frequencies, outliers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from pelsvae_cadence.inference.local_fit import Hypotheses, LocalFits, fit_hypotheses
from pelsvae_cadence.inference.matching import AMPLITUDE_SCATTER
from pelsvae_cadence.inference.points import StarPoints, expected_offsets, offset_precision
from pelsvae_cadence.inference.slack import curves_with_slack, harmonic_curves
from tests.inference.stars_of_bank import curve, group, member_points

OUTLIERS = 0.03  # prior share of outliers: every good point costs log(1 - 0.03)


def hypotheses(star: StarPoints, frequency: np.ndarray, phase: np.ndarray, member: int) -> Hypotheses:
    shapes = group("RRab")
    n = frequency.size
    precision = offset_precision(star.bands, np.isfinite(star.mean_mag), "RRLYR", True)
    rows = np.full(n, member)
    return Hypotheses(
        frequency=frequency,
        phase=phase,
        curves=curves_with_slack(shapes, rows),
        offset=expected_offsets(star, shapes.mean_mag[rows]),
        precision=np.broadcast_to(precision, (n, *precision.shape)),
        amplitude_scatter=np.full(n, AMPLITUDE_SCATTER),
    )


def near_truth(
    star: StarPoints, frequency_error: np.ndarray, phase_error: float = 0.0, member: int = 300
) -> tuple[float, LocalFits]:
    """Fit a member to its own star from frequencies that are off by `frequency_error`, in 1/T."""
    frequency = float(np.exp(-group("RRab").ln_period[member]))
    phase = (star.zero - 60000.0) * frequency
    start = frequency + frequency_error / star.span
    fits = fit_hypotheses(
        star,
        star.with_model_error(0.05),
        hypotheses(star, start, np.full(start.size, phase + phase_error), member),
    )
    return frequency, fits


def covariance_of(
    star: StarPoints, error: np.ndarray, precision: np.ndarray, basis: np.ndarray
) -> np.ndarray:
    onehot = (star.band[:, None] == np.arange(len(star.bands))).astype(float)
    return np.diag(error**2) + onehot @ np.linalg.inv(precision) @ onehot.T + basis @ basis.T


def test_the_evidence_of_no_period_is_that_of_the_whole_covariance():
    star = member_points(group("RRab"), 300, n=15, noise=0.05)
    star = replace(star, scatter=1e4)  # outliers would be so wide that none is one
    error = np.full(15, 0.4)  # more than the star varies: the noise is not scaled
    precision = offset_precision(star.bands, np.isfinite(star.mean_mag), "RRLYR", True)
    fits = fit_hypotheses(
        star,
        error,
        Hypotheses(
            frequency=np.array([0.7]),
            phase=np.zeros(1),
            curves=np.zeros((1, 3, 2, 1), dtype=np.complex128),
            offset=np.full((1, 3), 0.03),
            precision=precision[None],
            amplitude_scatter=np.full(1, 0.1),
        ),
        shape="none",
    )
    covariance = covariance_of(star, error, precision, np.zeros((15, 1)))
    expected = multivariate_normal.logpdf(star.value, mean=np.full(15, 0.03), cov=covariance)
    assert fits.log_evidence[0] == pytest.approx(expected + 15 * np.log(1.0 - OUTLIERS), abs=1e-3)


@pytest.mark.parametrize(("n", "noise"), [(40, 0.2), (40, 0.1), (80, 0.1)])
def test_the_evidence_of_free_harmonics_is_the_integral_over_frequency(n, noise):
    """All but the frequency is linear, and its integral is done by hand."""
    shapes = group("RRab")
    star = replace(member_points(shapes, 300, n=n), scatter=1e4)
    error = np.full(n, noise)
    true = float(np.exp(-shapes.ln_period[300]))
    precision = offset_precision(star.bands, np.isfinite(star.mean_mag), "RRLYR", True)
    curves = harmonic_curves(np.array([1.0, 0.8, 0.6]), np.array([0.3]), 2)
    fits = fit_hypotheses(
        star,
        error,
        Hypotheses(
            frequency=np.array([true + 0.02 / star.span]),
            phase=np.zeros(1),
            curves=curves,
            offset=np.zeros((1, 3)),
            precision=precision[None],
            amplitude_scatter=np.full(1, 0.1),
        ),
        shape="free",
    )

    def at(frequency: float) -> float:
        basis = np.empty((n, 4))
        for b in range(3):
            mine = star.band == b
            for j in range(4):
                basis[mine, j] = curve(curves[0, b, :, 1 + j], frequency * star.time[mine])
        return float(multivariate_normal.logpdf(star.value, cov=covariance_of(star, error, precision, basis)))

    own = fits.frequency[0] + np.linspace(-5.0, 5.0, 101) * fits.frequency_error[0]
    height = np.array([at(f) for f in own])
    integral = height.max() + np.log(np.exp(height - height.max()).sum() * (own[1] - own[0]))
    assert abs(own[height.argmax()] - fits.frequency[0]) < 0.3 * fits.frequency_error[0]
    assert fits.log_evidence[0] - n * np.log(1.0 - OUTLIERS) == pytest.approx(integral, abs=0.4)


@pytest.mark.parametrize("n", [25, 90])
def test_errors_of_frequency_and_phase_are_repaired(n):
    star = member_points(group("RRab"), 300, n=n)
    off = np.array([-0.1, 0.0, 0.1])
    frequency, fits = near_truth(star, off, phase_error=0.02)
    distance = np.abs(fits.frequency - frequency)
    assert (distance * star.span < 0.02).all()
    assert (distance < 5.0 * fits.frequency_error).all()
    assert fits.log_evidence == pytest.approx(np.full(3, fits.log_evidence[1]), abs=1.0)
    _, far = near_truth(star, np.array([3.3]))
    assert far.log_evidence[0] < fits.log_evidence.min() - 5.0


def test_the_curve_of_the_fit_is_that_of_the_star():
    star = member_points(group("RRab"), 300, n=60, noise=0.01)
    _, fits = near_truth(star, np.array([0.05]))
    basis = curves_with_slack(group("RRab"), np.array([300]))[0]
    phase = fits.frequency[0] * star.time + fits.phase[0]
    rest = np.empty(star.time.size)
    for b in range(3):
        mine = star.band == b
        rest[mine] = (
            star.value[mine] - fits.offset[0, b] - curve(basis[b] @ fits.coefficients[0], phase[mine])
        )
    assert rest.std() < 2.0 * star.error.mean() < 0.1 * star.value.std()
    assert fits.coefficients[0, 0] == pytest.approx(1.0, abs=0.2)


def test_outliers_do_not_move_the_answer():
    star = member_points(group("RRab"), 300, n=60)
    frequency, clean = near_truth(star, np.array([0.05]))
    value = star.value.copy()
    value[[5, 17, 40]] += np.array([3.0, -2.0, 2.5])
    _, bad = near_truth(replace(star, value=value), np.array([0.05]))
    assert abs(bad.frequency[0] - frequency) * star.span < 0.02
    assert abs(bad.frequency[0] - clean.frequency[0]) < 3.0 * clean.frequency_error[0]
    np.testing.assert_allclose(bad.offset, clean.offset, atol=0.05)
    # An outlier costs some ten in log evidence, not its chi^2 of thousands.
    assert clean.log_evidence[0] - 45.0 < bad.log_evidence[0] < clean.log_evidence[0]


def test_hypotheses_do_not_feel_each_other():
    star = member_points(group("RRab"), 300, n=30)
    _, together = near_truth(star, np.array([-0.08, 0.0, 4.0]))
    for h, off in enumerate((-0.08, 0.0, 4.0)):
        _, alone = near_truth(star, np.array([off]))
        assert alone.log_evidence[0] == pytest.approx(together.log_evidence[h], abs=1e-6)
        assert alone.frequency[0] == pytest.approx(together.frequency[h], rel=1e-9)
