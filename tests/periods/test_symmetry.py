"""Which folded curves a binary cannot have, and pulsators that keep their period for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.periods.grid import FrequencyGrid
from pelsvae_cadence.periods.periodogram import highest_peaks, periodograms
from pelsvae_cadence.periods.refinement import refine
from pelsvae_cadence.periods.series import JointSeries
from pelsvae_cadence.periods.symmetry import folded_shape

FREQUENCY = 1.7


def _series(time, value, error, seed, n_bands=2) -> JointSeries:
    rng = np.random.default_rng(seed)
    n = time.size
    return JointSeries(
        time=time,
        value=value + error * rng.standard_normal(n),
        error=np.full(n, error),
        band=np.arange(n) % n_bands,
        scales=np.ones(n_bands),
        n_excluded=0,
    )


def _times(n, seed):
    return 60000.0 + np.sort(np.random.default_rng(seed).uniform(0.0, 300.0, n))


def _saw(turns, steepness=0.6):
    """Rise fast, fade slowly."""
    return sum(steepness ** (k - 1) * np.sin(2 * np.pi * k * turns) / k for k in range(1, 6))


def _contact(turns):
    """Minima narrower than maxima, the same backwards."""
    return -np.cos(2 * np.pi * turns) - 0.2 * np.cos(4 * np.pi * turns)


def _dip(turns, width):
    phase = turns - np.rint(turns)
    return -np.exp(-0.5 * (phase / width) ** 2)


@settings(max_examples=30, derandomize=True, deadline=None)
@given(shift=st.floats(0.0, 1.0), width=st.floats(0.03, 0.12), seed=st.integers(0, 99))
def test_binaries_may_be_doubled_and_pulsators_not(shift, width, seed):
    time = _times(400, seed)
    turns = FREQUENCY * time + shift

    def shape(value, order=4):
        return folded_shape(_series(time, value, 0.05, seed), FREQUENCY, order)

    assert shape(_dip(turns, width)).may_be_half_an_orbit
    assert shape(_contact(turns), 2).may_be_half_an_orbit
    assert shape(_contact(turns), 2).eclipses
    assert not shape(np.sin(2 * np.pi * turns), 2).eclipses
    assert shape(_saw(turns)).pulsates
    # Maxima that are sharper than minima, as many RR Lyrae of type c have.
    assert shape(-_contact(turns), 2).pulsates
    # Two minima a cycle are an orbit, not half of one.
    orbit = shape(_contact(2.0 * turns) + 0.1 * np.cos(2 * np.pi * turns))
    assert not orbit.pulsates
    assert not orbit.may_be_half_an_orbit


@settings(max_examples=20, derandomize=True, deadline=None)
@given(reverse=st.booleans(), factor=st.floats(0.01, 100.0), seed=st.integers(0, 99))
def test_measures_depend_on_the_shape_alone(reverse, factor, seed):
    time = _times(500, seed)
    one = _series(time, _saw(FREQUENCY * time), 0.05, seed)
    other = JointSeries(
        time=-one.time if reverse else one.time + 12.3,
        value=factor * one.value,
        error=factor * one.error,
        band=one.band,
        scales=one.scales,
        n_excluded=0,
    )
    a, b = folded_shape(one, FREQUENCY, 5), folded_shape(other, FREQUENCY, 5)
    for name in ("asymmetry", "sharpness", "sharpness_error", "noise", "even"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-3, abs=1e-4)


def test_noise_decides_nothing():
    """Where the harmonics drown in noise, no curve is clearly that of a pulsator."""
    time = _times(100, 1)
    shapes = [
        folded_shape(_series(time, _contact(FREQUENCY * time), 1.5, seed), FREQUENCY, 3) for seed in range(40)
    ]
    assert np.mean([shape.pulsates for shape in shapes]) < 0.25


@pytest.mark.parametrize("first_seed", [0, 100])
def test_pulsators_keep_their_period_in_nights_of_many_points(first_seed):
    """Eight nights of a hundred points, each off by a few per cent: the cycles differ, not the star's halves."""
    grid = FrequencyGrid.from_baseline(200.0, (0.2, 1.2))
    right = doubled = 0
    for seed in range(first_seed, first_seed + 20):
        rng = np.random.default_rng(seed)
        night = np.sort(rng.permutation(120)[:8])
        time = 60000.0 + (night[:, None] + 0.003 * np.arange(100)).ravel()
        turns = time / rng.uniform(0.4, 0.7) if seed % 2 else time / rng.uniform(0.25, 0.4)
        frequency = (turns[-1] - turns[0]) / (time[-1] - time[0])
        value = _saw(turns, 0.7 if seed % 2 else 0.25) + np.repeat(0.04 * rng.standard_normal(8), 100)
        series = _series(time, value, 0.02, seed)
        (power,) = periodograms([series], grid, "double")
        found, _, _ = refine(series, highest_peaks(power, grid, 20)[0], grid)
        right += abs(found[0] / frequency - 1.0) < 0.01
        doubled += abs(found[0] / frequency - 0.5) < 0.005
    assert right >= 14
    assert doubled <= 1
