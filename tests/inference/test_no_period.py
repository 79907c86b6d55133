"""Evidence of variation without a period: Gaussian, or as the star's own fluxes are distributed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pelsvae_cadence.inference.modes import Mode
from pelsvae_cadence.inference.no_period import _kernel_density, no_period_evidence, smoothness_gain
from pelsvae_cadence.inference.points import StarPoints
from tests.inference.stars_of_bank import START, group, member_points

MEAN_MAG = np.zeros(3)


def evidence(star: StarPoints, prior: float = 0.1) -> float:
    return no_period_evidence(star, MEAN_MAG, prior, colours=False)


def with_values(star: StarPoints, value: np.ndarray) -> StarPoints:
    """Other values of zero mean in every band, with the scatter they have."""
    value = value.copy()
    for b in range(len(star.bands)):
        value[star.band == b] -= value[star.band == b].mean()
    excess = float(np.mean(value**2) - np.mean(star.error**2))
    return replace(star, value=value, scatter=np.sqrt(max(excess, 0.01 * float(np.mean(star.error**2)))))


def test_times_do_not_count():
    star = member_points(group("RRab"), 300, n=30)
    rng = np.random.default_rng(1)
    again = replace(star, time=rng.permutation(star.time) * 3.0)
    assert evidence(again) == pytest.approx(evidence(star), abs=1e-6)


def test_the_prior_is_a_factor():
    star = member_points(group("RRab"), 300, n=30)
    assert evidence(star, 0.0) == -np.inf
    assert evidence(star, 0.3) - evidence(star, 0.03) == pytest.approx(np.log(10.0))


def test_constant_stars_are_likelier_than_those_that_vary():
    star = member_points(group("RRab"), 300, n=45)
    noise = np.random.default_rng(2).standard_normal(45)
    constant, varying = with_values(star, star.error * noise), with_values(star, 0.3 * noise)
    # As many densities as points: a star that varies by k errors has densities k times as low.
    assert evidence(constant) > evidence(varying) + 0.5 * 45 * np.log(0.3 / 0.02)


@pytest.mark.parametrize("n", [60, 120])
def test_a_skewed_star_is_likelier_by_its_own_distribution(n):
    """Seen at random phases an eclipsing star is two-valued: far from Gaussian, and no sign of a period."""
    star = member_points(group("RRab"), 300, n=n, span=400.0)
    rng = np.random.default_rng(3)
    two = np.where(rng.random(n) < 0.2, -0.5, 0.1) + 0.02 * rng.standard_normal(n)
    gaussian = two.std() * rng.standard_normal(n)
    assert evidence(with_values(star, two)) > evidence(with_values(star, gaussian)) + 0.3 * n


def test_the_kernel_density_is_that_of_the_other_points():
    star = member_points(group("RRab"), 300, n=12)
    scatter = np.array([0.3, 0.2, 0.1])
    found = _kernel_density(star, star.value, scatter)
    unit = scatter[star.band]
    x, error = star.value / unit, star.error / unit
    low, high = np.quantile(x, [0.25, 0.75])
    spread = min(x.std(), (high - low) / 1.34)
    h = 0.9 * spread * 12**-0.2  # Silverman 1986, eq. 3.31

    def normal(at: float, sigma: float) -> float:
        return float(np.exp(-0.5 * (at / sigma) ** 2) / (sigma * np.sqrt(2.0 * np.pi)))

    for i in range(12):
        total = normal(x[i], 3.0 * max(spread, 1.0))
        total += sum(normal(x[i] - x[j], np.hypot(h, error[i])) for j in range(12) if j != i)
        assert found[i] == pytest.approx(np.log(total / 12.0 / unit[i]))


def test_a_fit_that_leaves_the_noise_alone_is_credited_and_one_that_leaves_scatter_is_not():
    """Many points of a well fitted curve: their inflated errors must not make no period the better answer."""
    shapes = group("EA")
    star = member_points(shapes, 300, n=900, span=2000.0, noise=0.004)
    true = float(np.exp(-shapes.ln_period[300]))
    mode = Mode(
        log_evidence=0.0,
        frequency=true,
        frequency_error=1e-6,
        group=0,
        member=300,
        phase=star.zero * true - START * true,
        curves=shapes.harmonics[300].astype(np.complex128),
        offset=np.zeros(3),
    )
    credit = smoothness_gain(star, mode)
    assert credit > 0.2 * 900
    assert smoothness_gain(star, replace(mode, frequency=1.37 * true)) < 0.1 * credit
    few = member_points(shapes, 300, n=24, span=200.0)
    assert smoothness_gain(few, replace(mode, phase=few.zero * true - START * true)) < 12.0
