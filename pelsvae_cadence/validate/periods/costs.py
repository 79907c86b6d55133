"""What the period search costs beside other packages, on the same points and frequencies.

Everything is measured in one process, one after the other, in processor time: ratios mean something
on any machine, seconds only on this one.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

import nifty_ls
import numpy as np
import numpy.typing as npt
import scipy.fft

from pelsvae_cadence.periods.grid import FrequencyGrid
from pelsvae_cadence.periods.periodogram import (
    BLOCK,
    SIDE_BY_SIDE,
    highest_peaks,
    periodograms,
    transform_plan,
)
from pelsvae_cadence.periods.refinement import refine
from pelsvae_cadence.periods.search import search
from pelsvae_cadence.periods.series import JointSeries, joint_series
from pelsvae_cadence.validate.periods.control import control_sample, control_visits
from pelsvae_cadence.validate.report import Figure

if TYPE_CHECKING:
    from pelsvae_cadence.light_curves import LightCurves

__all__ = ["TenYearStars", "alternatives", "search_cost_figures"]

_BASELINE: Final = 3650.0


@dataclass(frozen=True, kw_only=True)
class TenYearStars:
    """Stars of ten years that share their visits, as the stars of a sky position do.

    Parameters
    ----------
    light_curves : LightCurves
        Their points.
    series : list of JointSeries
        The same, prepared for the search.
    grid : FrequencyGrid
        Frequencies to try.
    """

    light_curves: LightCurves
    series: list[JointSeries]
    grid: FrequencyGrid


def _ten_year_stars(n_stars: int = 16, n_frequencies: int | None = None, *, seed: int = 0) -> TenYearStars:
    """Observe control sources for ten years: 824 visits."""
    kinds = [("RRab", "CEP", "EA", "DSCT")[i % 4] for i in range(n_stars)]
    sample = control_sample(control_visits(seed + 3), kinds, seed=seed + 1, r_range=(18, 23))
    grid = FrequencyGrid.from_baseline(_BASELINE)
    if n_frequencies is not None:
        grid = FrequencyGrid(fmin=grid.fmin, df=grid.df, n=n_frequencies)
    series = [joint_series(sample.light_curves, i) for i in range(n_stars)]
    return TenYearStars(light_curves=sample.light_curves, series=series, grid=grid)


def _processor_time(function: Callable[[], object], repeats: int = 1) -> float:
    """Measure the processor time of a call."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def alternatives(stars: TenYearStars) -> dict[str, Callable[[], object]]:
    """List what else gives a multi-band periodogram of the first star.

    Parameters
    ----------
    stars : TenYearStars
        Stars and frequencies.

    Returns
    -------
    dict of str to callable
        By name: "astropy fast" and "astropy fastnifty" (``LombScargleMultiband`` with
        ``method="fast"`` and that single-band method), "gatspy fast"
        (``LombScargleMultibandFast``, where the package is installed), "nifty-ls per band" (the sum
        of single-band periodograms), "nifty-ls joint" (one periodogram of the joint series), "NUFFT"
        (bare transforms of one star's data to these frequencies, FINUFFT in single precision) and
        "FFT" (SciPy, single precision, 1.25 points per frequency).
    """
    from astropy.timeseries import LombScargleMultiband

    one, joint, grid = stars.light_curves.star(0), stars.series[0], stars.grid
    frequency = grid.frequencies()
    multiband = LombScargleMultiband(one.mjd, one.flux, one.band, one.flux_err)
    bands = [np.flatnonzero(one.band == name) for name in np.unique(one.band)]

    def astropy(method: str) -> object:
        return multiband.power(frequency, method="fast", sb_method=method)

    def nifty(*single_bands: npt.NDArray[np.intp]) -> None:
        series = [(joint.time - joint.time[0], joint.value, joint.error)]
        if single_bands:
            time_of_star = one.mjd - one.mjd[0]
            series = [(time_of_star[r], one.flux[r], one.flux_err[r]) for r in single_bands]
        for points in series:
            for first, size in grid.blocks():
                nifty_ls.lombscargle(
                    *points,
                    fmin=grid.fmin + first * grid.df,
                    fmax=grid.fmin + (first + size - 1) * grid.df,
                    Nf=size,
                    normalization="psd",
                    backend="finufft",
                    nthreads=1,
                )

    n_plans = -(-grid.n // (BLOCK * SIDE_BY_SIDE))
    turns = grid.df * (joint.time - joint.time.mean())
    plan = transform_plan(turns, SIDE_BY_SIDE)
    strengths = np.ones((SIDE_BY_SIDE, turns.size), dtype=np.complex64)
    points = np.ones(int(1.2625 * grid.n), dtype=np.complex64)

    found: dict[str, Callable[[], object]] = {
        "astropy fast": lambda: astropy("fast"),
        "astropy fastnifty": lambda: astropy("fastnifty"),
        "nifty-ls per band": lambda: nifty(*bands),
        "nifty-ls joint": nifty,
        "NUFFT": lambda: [plan.execute(strengths) for _ in range(n_plans)],
        "FFT": lambda: scipy.fft.fft(points),
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a package that is no longer kept
            gatspy = import_module("gatspy.periodic")
    except ImportError:
        return found

    def score() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = gatspy.LombScargleMultibandFast(fit_period=False)
            theirs.fit(one.mjd, one.flux, one.flux_err, one.band)
            return theirs.score_frequency_grid(grid.fmin, grid.df, grid.n)

    found["gatspy fast"] = score
    return found


_TARGETS: Final = {
    "astropy fast": (1000.0, float("inf")),
    "gatspy fast": (400.0, float("inf")),
    "nifty-ls per band": (1.0, float("inf")),
    "NUFFT": (0.0, 2.5),
}
_REPEATS: Final = {"astropy fast": 1, "gatspy fast": 1}
_TURNS: Final = 10
_LONGEST_REFINEMENT: Final = 40.0


def search_cost_figures(seed: int = 0, n_frequencies: int | None = None) -> tuple[Figure, ...]:
    """Measure the search and its alternatives on the full grid, one star of each alternative.

    Parameters
    ----------
    seed : int
        Seed of visits and stars.
    n_frequencies : int, optional
        Only so many frequencies.

    Returns
    -------
    tuple of Figure
        Milliseconds of processor time a star, of sixteen that share their visits, and how many
        times as much the alternatives take.
    """
    stars = _ten_year_stars(n_frequencies=n_frequencies, seed=seed)
    n, grid = len(stars.series), stars.grid
    found: list[npt.NDArray[np.float64]] = []

    def ours() -> None:
        found[:] = [highest_peaks(power, grid, 20)[0] for power in periodograms(stars.series, grid)]

    def refinement() -> None:
        for one, peaks in zip(stars.series, found, strict=True):
            refine(one, peaks, grid)

    others = alternatives(stars)
    # A machine's pace changes from second to second: what is compared closely takes turns.
    shortest = dict.fromkeys(("ours", "NUFFT", "FFT"), float("inf"))
    turns = {"ours": lambda: list(periodograms(stars.series, grid))} | {
        name: others[name] for name in ("NUFFT", "FFT")
    }
    for _ in range(_TURNS):
        for name, call in turns.items():
            shortest[name] = min(shortest[name], _processor_time(call))
    bare = shortest["ours"] / n
    _processor_time(ours)
    choosing = _processor_time(refinement, 3) / n
    whole = _processor_time(lambda: search(stars.light_curves, baseline=_BASELINE), 3) / n
    size = f"{stars.series[0].time.size} visits, {grid.n:,} frequencies"
    figures = [
        Figure(name="periodogram, a star", value=1e3 * bare, unit="ms", note=size),
        Figure.within(
            "choosing among its peaks (refinement), a star",
            1e3 * choosing,
            0.0,
            _LONGEST_REFINEMENT,
            unit="ms",
        ),
        Figure(name="whole search, a star", value=1e3 * whole, unit="ms"),
    ]
    for name, call in others.items():
        seconds = shortest[name] if name in shortest else _processor_time(call, _REPEATS.get(name, 3))
        low, high = _TARGETS.get(name, (None, None))
        bare_transform = name in ("NUFFT", "FFT")
        words = f"our periodogram / bare {name}" if bare_transform else f"{name} / our periodogram"
        ratio = bare / seconds if bare_transform else seconds / bare
        note = "" if bare_transform else f"{1e3 * seconds:,.0f} ms of one star"
        figures.append(
            Figure(name=words, value=ratio, note=note)
            if low is None or high is None
            else Figure.within(words, ratio, low, high, note=note)
        )
    if "gatspy fast" not in others:
        figures.append(
            Figure(
                name="gatspy fast / our periodogram",
                value=float("nan"),
                note="not measured: gatspy is not installed (pip install gatspy==0.3)",
            )
        )
    return tuple(figures)
