"""Cost of the period search beside astropy's multi-band periodogram, in one process.

Only ratios mean anything: both sides run on the same series and the same frequencies, one after
the other, and are charged for processor time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from pelsvae_cadence.periods import FrequencyGrid
from pelsvae_cadence.periods.control import control_sample, control_visits
from pelsvae_cadence.periods.periodogram import highest_peaks, periodograms
from pelsvae_cadence.periods.refinement import refine
from pelsvae_cadence.periods.series import joint_series

pytestmark = pytest.mark.slow

N_STARS = 8


def _processor_time(function: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


@pytest.fixture(scope="module")
def ten_years():
    """Eight ten-year stars and a ninth of the usual grid: two whole transforms of 32,768."""
    visits = control_visits(3)
    sample = control_sample(visits, ["RRab", "CEP", "EA", "DSCT"] * 2, seed=1, r_range=(18, 23))
    series = [joint_series(sample.light_curves, i) for i in range(N_STARS)]
    df = 1.0 / (5 * 3652.5)
    return sample.light_curves, series, FrequencyGrid(fmin=18 * df, df=df, n=65_536)


@pytest.mark.parametrize(
    ("single_band", "least"), [("fast", 200.0), ("fastnifty", 5.0)], ids=["fast", "fastnifty"]
)
def test_periodogram_beside_astropy(benchmark, ten_years, single_band, least):
    """The full grid measures 900 (fast) and 60 (fastnifty); asserted far below that."""
    from astropy.timeseries import LombScargleMultiband

    light_curves, series, grid = ten_years
    one = light_curves.star(0)
    frequency = grid.frequencies()
    theirs = LombScargleMultiband(one.mjd, one.flux, one.band, one.flux_err)

    def astropy() -> None:
        theirs.power(frequency, method="fast", sb_method=single_band)

    def ours() -> None:
        for _ in periodograms(series, grid):
            pass

    per_star = _processor_time(ours, 3) / N_STARS
    ratio = _processor_time(astropy, 1 if single_band == "fast" else 3) / per_star
    benchmark.extra_info["astropy / this"] = round(ratio, 1)
    benchmark.pedantic(ours, rounds=3)
    assert ratio > least


def test_single_beside_double_precision(benchmark, ten_years):
    """Single precision is worth its caveats: at least a third faster than nifty-ls."""
    _, series, grid = ten_years

    def run(precision: str) -> None:
        for _ in periodograms(series, grid, precision):
            pass

    ratio = _processor_time(lambda: run("double"), 3) / _processor_time(lambda: run("single"), 3)
    benchmark.extra_info["double / single"] = round(ratio, 2)
    benchmark.pedantic(run, args=("single",), rounds=3)
    assert ratio > 1.3


def test_refinement_beside_the_periodogram(benchmark, ten_years):
    """Choosing among the peaks must not cost ten times the full periodogram."""
    _, series, grid = ten_years
    peaks = [highest_peaks(p, grid, 20)[0] for p in periodograms(series, grid)]

    def refinement() -> None:
        for one, frequencies in zip(series, peaks, strict=True):
            refine(one, frequencies, grid)

    def periodogram() -> None:
        for _ in periodograms(series, grid):
            pass

    share = 608_317 / grid.n  # the periodogram here covers a ninth of the usual grid
    ratio = _processor_time(refinement, 3) / (share * _processor_time(periodogram, 3))
    benchmark.extra_info["refinement / periodogram"] = round(ratio, 2)
    benchmark.pedantic(refinement, rounds=1)
    assert np.isfinite(ratio)
    assert ratio < 10.0
