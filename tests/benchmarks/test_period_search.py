"""Cost of the period search beside other packages and beside the bare transforms, in one process.

Only ratios mean anything: both sides run on the same points and the same frequencies, one after the
other, and are charged for processor time. Sixteen ten-year stars share their visits, as the stars of
a sky position do; the grid is a fifth of the usual one. ``pelsvae_cadence validate period-speed`` does
the same on the whole grid.
"""

from __future__ import annotations

import pytest

from pelsvae_cadence.periods import search
from pelsvae_cadence.periods.periodogram import highest_peaks, periodograms
from pelsvae_cadence.periods.refinement import refine
from pelsvae_cadence.validate.periods.costs import _processor_time, _ten_year_stars, alternatives

pytestmark = pytest.mark.slow

N_STARS = 16
N_FREQUENCIES = 131_072  # four transforms of 32,768
FULL = 608_317  # frequencies of ten years


@pytest.fixture(scope="module")
def ten_years():
    return _ten_year_stars(N_STARS, N_FREQUENCIES)


@pytest.fixture(scope="module")
def others(ten_years):
    return alternatives(ten_years)


@pytest.fixture(scope="module")
def per_star(ten_years):
    """Processor time of one periodogram, the shared windows included."""
    return _processor_time(lambda: list(periodograms(ten_years.series, ten_years.grid)), 5) / N_STARS


# The least ratios are far below what is measured: machines are busy.
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("astropy fast", 400.0),
        ("astropy fastnifty", 15.0),
        ("gatspy fast", 150.0),
        ("nifty-ls per band", 12.0),
        ("nifty-ls joint", 2.0),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_periodogram_beside(benchmark, ten_years, others, per_star, name, least):
    if name not in others:
        pytest.skip("gatspy is not installed: pip install gatspy==0.3")
    repeats = 1 if name in ("astropy fast", "gatspy fast") else 3
    ratio = _processor_time(others[name], repeats) / per_star
    benchmark.extra_info[f"{name} / this"] = round(ratio, 1)
    benchmark.pedantic(lambda: list(periodograms(ten_years.series, ten_years.grid)), rounds=3)
    assert ratio > least


def test_periodogram_beside_the_bare_transforms(benchmark, others, per_star):
    """About twice one non-uniform transform of the data, and one FFT with 1.25 points each."""
    transforms, fft = (_processor_time(others[name], 20) for name in ("NUFFT", "FFT"))
    benchmark.extra_info["this / NUFFT"] = round(per_star / transforms, 2)
    benchmark.extra_info["this / FFT"] = round(per_star / fft, 2)
    benchmark.pedantic(others["NUFFT"], rounds=3)
    assert per_star / transforms < 6.0


def test_single_beside_double_precision(benchmark, ten_years, per_star):
    """Single precision and shared windows are worth their caveats."""
    series, grid = ten_years.series, ten_years.grid
    double = _processor_time(lambda: list(periodograms(series[:4], grid, "double")), 2) / 4
    benchmark.extra_info["double / single"] = round(double / per_star, 2)
    benchmark.pedantic(lambda: list(periodograms(series, grid)), rounds=3)
    assert double / per_star > 2.0


def test_refinement_and_the_rest_beside_the_periodogram(benchmark, ten_years, per_star):
    """Choosing among the peaks costs about one periodogram of the full grid, the search two."""
    series, grid = ten_years.series, ten_years.grid
    full = per_star * FULL / grid.n
    peaks = [highest_peaks(p, grid, 20)[0] for p in periodograms(series, grid)]

    def refinement() -> None:
        for one, frequencies in zip(series, peaks, strict=True):
            refine(one, frequencies, grid)

    choosing = _processor_time(refinement, 2) / N_STARS / full
    whole = _processor_time(lambda: search(ten_years.light_curves, baseline=3650.0)) / N_STARS / full
    benchmark.extra_info["refinement / periodogram"] = round(choosing, 2)
    benchmark.extra_info["search / periodogram"] = round(whole, 2)
    benchmark.pedantic(refinement, rounds=1)
    assert choosing < 8.0
    assert whole < 12.0
