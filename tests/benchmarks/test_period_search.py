"""Cost of the period search beside other packages and beside the bare transforms, in one process.

Only ratios mean anything: both sides run on the same points and the same frequencies, one after the
other, and are charged for processor time. Sixteen ten-year stars share their visits, as the stars of
a sky position do; the grid is a fifth of the usual one.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import nifty_ls
import numpy as np
import pytest
import scipy.fft

from pelsvae_cadence.periods import FrequencyGrid, search
from pelsvae_cadence.periods.control import control_sample, control_visits
from pelsvae_cadence.periods.periodogram import _middle, _plan, highest_peaks, periodograms
from pelsvae_cadence.periods.refinement import refine
from pelsvae_cadence.periods.series import joint_series

pytestmark = pytest.mark.slow

N_STARS = 16
N_FREQUENCIES = 131_072  # four transforms of 32,768
FULL = 608_317  # frequencies of ten years


def _processor_time(function: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


@pytest.fixture(scope="module")
def ten_years():
    visits = control_visits(3)
    kinds = ["RRab", "CEP", "EA", "DSCT"] * (N_STARS // 4)
    sample = control_sample(visits, kinds, seed=1, r_range=(18, 23))
    series = [joint_series(sample.light_curves, i) for i in range(N_STARS)]
    df = 1.0 / (5 * 3652.5)
    return sample.light_curves, series, FrequencyGrid(fmin=18 * df, df=df, n=N_FREQUENCIES)


@pytest.fixture(scope="module")
def per_star(ten_years):
    """Processor time of one periodogram, the shared windows included."""
    _, series, grid = ten_years
    return _processor_time(lambda: list(periodograms(series, grid)), 5) / N_STARS


@pytest.mark.parametrize(
    ("single_band", "least"), [("fast", 400.0), ("fastnifty", 15.0)], ids=["fast", "fastnifty"]
)
def test_periodogram_beside_astropy(benchmark, ten_years, per_star, single_band, least):
    """The full grid measures 1960 (fast); asserted far below that."""
    from astropy.timeseries import LombScargleMultiband

    light_curves, series, grid = ten_years
    one = light_curves.star(0)
    frequency = grid.frequencies()
    theirs = LombScargleMultiband(one.mjd, one.flux, one.band, one.flux_err)

    def astropy() -> None:
        theirs.power(frequency, method="fast", sb_method=single_band)

    ratio = _processor_time(astropy, 1 if single_band == "fast" else 3) / per_star
    benchmark.extra_info["astropy / this"] = round(ratio, 1)
    benchmark.pedantic(lambda: list(periodograms(series, grid)), rounds=3)
    assert ratio > least


@pytest.mark.filterwarnings("ignore")  # of a package that is no longer kept
def test_periodogram_beside_gatspy(benchmark, ten_years, per_star):
    """The full grid measures 780; gatspy 0.3 (2016) is not installed with the tests."""
    gatspy = pytest.importorskip("gatspy.periodic", reason="pip install gatspy to compare")
    light_curves, series, grid = ten_years
    one = light_curves.star(0)
    theirs = gatspy.LombScargleMultibandFast(fit_period=False)
    theirs.fit(one.mjd, one.flux, one.flux_err, one.band)
    ratio = (
        _processor_time(lambda: theirs.score_frequency_grid(grid.fmin, grid.df, grid.n), 1)
        / per_star
    )
    benchmark.extra_info["gatspy / this"] = round(ratio, 1)
    benchmark.pedantic(lambda: list(periodograms(series, grid)), rounds=3)
    assert ratio > 150.0


def test_periodogram_beside_nifty_ls_per_band(benchmark, ten_years, per_star):
    """The sum of six single-band periodograms finds as much as the joint one, at 46 times its cost."""
    light_curves, _, grid = ten_years
    one = light_curves.star(0)
    bands = [np.flatnonzero(one.band == name) for name in np.unique(one.band)]

    def per_band() -> None:
        for rows in bands:
            for first, size in grid.blocks():
                nifty_ls.lombscargle(
                    one.mjd[rows] - one.mjd[0], one.flux[rows], one.flux_err[rows],
                    fmin=grid.fmin + first * grid.df,
                    fmax=grid.fmin + (first + size - 1) * grid.df, Nf=size,
                    normalization="psd", backend="finufft", nthreads=1,
                )  # fmt: skip

    ratio = _processor_time(per_band, 2) / per_star
    benchmark.extra_info["nifty-ls per band / this"] = round(ratio, 1)
    benchmark.pedantic(per_band, rounds=1)
    assert ratio > 12.0


def test_periodogram_beside_the_bare_transforms(benchmark, ten_years, per_star):
    """2.3 times one non-uniform transform of the data; 1.1 times one FFT with 1.25 points each."""
    _, series, grid = ten_years
    cycles = grid.df * (series[0].time - _middle(series[0]))
    plan = _plan(cycles, 4)
    strengths = np.ones((4, cycles.size), dtype=np.complex64)
    points = np.ones(int(1.2625 * grid.n), dtype=np.complex64)

    transforms = _processor_time(lambda: plan.execute(strengths), 20)
    fft = _processor_time(lambda: scipy.fft.fft(points), 20)
    benchmark.extra_info["this / NUFFT"] = round(per_star / transforms, 2)
    benchmark.extra_info["this / FFT"] = round(per_star / fft, 2)
    benchmark.pedantic(lambda: plan.execute(strengths), rounds=3)
    assert per_star / transforms < 6.0


def test_single_beside_double_precision(benchmark, ten_years, per_star):
    """Single precision and shared windows are worth their caveats."""
    _, series, grid = ten_years
    double = _processor_time(lambda: list(periodograms(series[:4], grid, "double")), 2) / 4
    benchmark.extra_info["double / single"] = round(double / per_star, 2)
    benchmark.pedantic(lambda: list(periodograms(series, grid)), rounds=3)
    assert double / per_star > 2.0


def test_refinement_and_the_rest_beside_the_periodogram(benchmark, ten_years, per_star):
    """Choosing among the peaks costs 1.4 periodograms, the whole search 2.7 (of the full grid)."""
    light_curves, series, grid = ten_years
    full = per_star * FULL / grid.n
    peaks = [highest_peaks(p, grid, 20)[0] for p in periodograms(series, grid)]

    def refinement() -> None:
        for one, frequencies in zip(series, peaks, strict=True):
            refine(one, frequencies, grid)

    choosing = _processor_time(refinement, 2) / N_STARS / full
    whole = _processor_time(lambda: search(light_curves, baseline=3650.0), 1) / N_STARS / full
    benchmark.extra_info["refinement / periodogram"] = round(choosing, 2)
    benchmark.extra_info["search / periodogram"] = round(whole, 2)
    benchmark.pedantic(refinement, rounds=1)
    assert choosing < 8.0
    assert whole < 12.0
