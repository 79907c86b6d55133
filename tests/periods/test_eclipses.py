"""Narrow eclipses: found at the orbital period, and looked for only where there are some."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods import search
from pelsvae_cadence.periods.eclipses import NarrowEclipses, has_narrow_eclipses, narrow_eclipses
from pelsvae_cadence.periods.grid import FrequencyGrid
from pelsvae_cadence.periods.periodogram import highest_peaks, periodograms
from pelsvae_cadence.periods.refinement import prefer, refine
from pelsvae_cadence.periods.series import JointSeries, joint_series
from pelsvae_cadence.validate.periods.control import control_sample, control_visits

BASELINE = 1500.0
RANGE = (0.1, 100.0)
LIMITS = (0.01, 10.0)


def _nights(n, rng):
    """One or two visits in each of many nights, as surveys of the whole sky make them."""
    night = np.sort(rng.permutation(int(BASELINE))[: n // 2])
    time = 60000.0 + night[:, None] + 0.2 * rng.uniform(size=(n // 2, 1)) + [[0.0, 0.06]]
    return time.ravel()


def _binary(time, period, width, depths, secondary=0.5, noise=0.02, seed=0):
    """Trapezoids of a full width, in cycles, with steep sides."""
    rng = np.random.default_rng(seed)
    flux = np.zeros(time.size)
    for centre, depth in zip((0.0, secondary), depths, strict=True):
        away = np.abs((time / period - centre + 0.5) % 1.0 - 0.5) / width
        flux -= depth * np.clip(2.0 * (1.0 - 2.0 * away), 0.0, 1.0)
    flux += noise * rng.standard_normal(time.size)
    return JointSeries(
        time=time,
        value=flux - flux.mean(),
        error=np.full(time.size, noise),
        band=np.arange(time.size) % 2,
        scales=np.ones(2),
        n_excluded=0,
    )


def _power(series, grid):
    (power,) = periodograms([series], grid)
    return power


def _curve(series: JointSeries) -> LightCurves:
    n = series.time.size
    return LightCurves(
        star_id=np.array([1]),
        offsets=np.array([0, n]),
        mjd=series.time,
        band=np.array(["g", "r"])[series.band],
        visit_id=np.arange(n),
        mag_true=np.full(n, np.nan),
        mag=np.full(n, np.nan),
        mag_err=np.full(n, np.nan),
        flux=1e5 * (1.5 + series.value),
        flux_err=1e5 * series.error,
        detected=np.ones(n, dtype=bool),
        saturated=np.zeros(n, dtype=bool),
    )


@pytest.mark.parametrize("first_seed", [0, 50])
def test_orbital_periods_of_narrow_eclipses(first_seed):
    """The Fourier series alone finds fractions of the period; with dips the orbit is found."""
    grid = FrequencyGrid.from_baseline(BASELINE, RANGE)
    by_dips = by_series = 0
    for seed in range(first_seed, first_seed + 16):
        rng = np.random.default_rng(seed)
        period = float(np.exp(rng.uniform(np.log(1.0), np.log(30.0))))
        depth = rng.uniform(0.25, 0.6)
        eccentric = 0.5 + (0.08 if seed % 2 else 0.0)
        series = _binary(
            _nights(700, rng), period, rng.uniform(0.02, 0.05), (depth, 0.6 * depth), eccentric, seed=seed
        )
        power = _power(series, grid)
        fourier = refine(series, highest_peaks(power, grid, 20)[0], grid, LIMITS)
        dips = narrow_eclipses(series, power, grid, LIMITS)
        assert dips is not None
        found = prefer(series, dips, fourier, LIMITS)
        by_series += abs(fourier[0][0] * period - 1.0) < 0.01
        by_dips += abs(found[0][0] * period - 1.0) < 0.01
    assert by_dips >= 14
    assert by_dips > by_series + 4


@pytest.mark.parametrize("second", [0.0, 0.8])
def test_one_dip_is_an_orbit_and_every_other_deeper_one_is_half_of_it(second):
    grid = FrequencyGrid.from_baseline(BASELINE, RANGE)
    cycles = []
    for seed in range(6):
        times = _nights(900, np.random.default_rng(seed))
        series = _binary(times, 3.7, 0.05, (0.4, 0.4 * second), seed=seed)
        dips = narrow_eclipses(series, _power(series, grid), grid, LIMITS)
        assert dips is not None
        cycles.append(dips.frequency * 3.7)
    np.testing.assert_allclose(cycles, 1.0, atol=1e-3)


def test_the_search_finds_them_in_the_range_that_was_asked():
    series = _binary(_nights(700, np.random.default_rng(5)), 17.3, 0.03, (0.5, 0.2), seed=5)
    curve = _curve(series)
    found = search(curve, baseline=BASELINE, period_range=RANGE)
    assert found.period[0] == pytest.approx(17.3, rel=1e-3)
    assert found.n_harmonics[0] >= 1
    assert found.top_frequencies[0, 0] == found.frequency[0]
    short = search(curve, baseline=BASELINE, period_range=(0.1, 10.0))
    assert 0.1 <= short.period[0] <= 10.0
    # The peak and what it means are those of the periodogram.
    plain = search(curve, baseline=BASELINE, period_range=RANGE, refine_peaks=False)
    assert plain.power[0] == found.power[0]


@settings(max_examples=40, derandomize=True, deadline=None)
@given(
    n=st.integers(40, 400),
    amplitude=st.floats(0.0, 3.0),
    second=st.floats(-0.3, 0.3),
    noise=st.floats(0.005, 0.5),
    seed=st.integers(0, 999),
)
def test_stars_without_narrow_eclipses_are_left_alone(n, amplitude, second, noise, seed):
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0.0, 300.0, n))
    wave = np.cos(2 * np.pi * 1.7 * time) + second * np.cos(4 * np.pi * 1.7 * time + seed)
    value = amplitude * wave + noise * rng.standard_normal(n)
    series = JointSeries(
        time=time,
        value=value - value.mean(),
        error=np.full(n, noise),
        band=np.zeros(n, dtype=np.int64),
        scales=np.ones(1),
        n_excluded=0,
    )
    assert not has_narrow_eclipses(series)
    grid = FrequencyGrid.from_baseline(300.0, RANGE)
    assert narrow_eclipses(series, np.zeros(grid.n), grid, LIMITS) is None


def test_pulsators_and_constant_stars_are_left_alone():
    sample = control_sample(
        control_visits(41, years=1.0), ["RRc", "DSCT", "LPV", "EW", "constant"] * 8, seed=42
    )
    asked = [has_narrow_eclipses(joint_series(sample.light_curves, i)) for i in range(40)]
    assert np.mean(asked) < 0.1


def test_a_worse_score_stays_behind_a_better_one():
    series = _binary(_nights(300, np.random.default_rng(7)), 2.9, 0.05, (0.5, 0.3), seed=7)
    frequency, score, order = np.array([0.5, 0.9, 1.3]), np.array([80.0, 40.0, 20.0]), np.array([4, 2, 1])
    dips = NarrowEclipses(frequency=1.0 / 2.9, score=30.0)
    f, s, h = prefer(series, dips, (frequency, score, order), LIMITS)
    assert s.tolist() == [80.0, 40.0, 30.0, 20.0]
    assert f[2] == pytest.approx(1.0 / 2.9, abs=1e-3)
    assert h[:2].tolist() == [4, 2]
    assert prefer(series, replace(dips, score=90.0), (frequency, score, order), LIMITS)[1][0] == 90.0
    # The frequency that is found already keeps its better score.
    same = prefer(series, replace(dips, frequency=0.5), (frequency, score, order), LIMITS)
    assert same[0].tolist() == frequency.tolist()
