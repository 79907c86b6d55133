"""The blind multi-band period search."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import warn_of_unknown_bands
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import OmissionWarning
from pelsvae_cadence.core.tables.containers import number, whole_number
from pelsvae_cadence.core.times import time_span
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods.eclipses import narrow_eclipses
from pelsvae_cadence.periods.grid import PERIOD_RANGE, FrequencyGrid, period_limits
from pelsvae_cadence.periods.periodogram import Precision, highest_peaks, periodograms, power_at
from pelsvae_cadence.periods.refinement import prefer, refine
from pelsvae_cadence.periods.result import PeriodResult
from pelsvae_cadence.periods.series import JointSeries, joint_series
from pelsvae_cadence.periods.significance import false_alarm_probability

__all__ = ["search"]

FloatArray = npt.NDArray[np.float64]

_N_PEAKS = 20
# Peaks of the single-precision periodogram whose heights are computed exactly; the best stay.
_N_CANDIDATES = 30


def search(
    light_curves: LightCurves,
    *,
    baseline: float | None = None,
    period_range: tuple[float, float] = PERIOD_RANGE,
    oversampling: float = 5.0,
    refine_peaks: bool = True,
    n_top: int = 5,
    precision: Precision = "single",
    progress: Callable[[int, int], None] | None = None,
) -> PeriodResult:
    """Search light curves for periods, knowing nothing about the stars.

    One floating-mean periodogram of the joint multi-band series gives the twenty highest peaks;
    a Fourier model shared by the bands chooses among them and, for periods below 25 d, their
    doubles. Stars with narrow eclipses are folded with the periods of box-shaped dips, too. Forced fluxes of all visits are used, also where the star is not detected; saturated
    points are not.

    Parameters
    ----------
    light_curves : LightCurves
        The light curves of N stars. Stars with the same visits are searched together.
    baseline : float, optional
        Nominal time span T in days, which sets the frequency step. The span of all points of the
        call where it is None. Give it where results of several calls are compared.
    period_range : tuple of float
        Shortest and longest trial period in days; no answer lies outside. Stars whose points span less
        than the shortest have the status "span too short".
    oversampling : float
        Frequency steps in 1/T.
    refine_peaks : bool
        Choose among the peaks with the Fourier model; otherwise the highest peak wins.
    n_top : int
        Number of frequencies kept per star, 1 to 8.
    precision : {"single", "double"}
        Precision of the periodogram; see `pelsvae_cadence.periods.periodogram.periodograms`.
        Heights of peaks and everything after them are in double precision.
    progress : callable, optional
        Called with (stars done, stars in all).

    Returns
    -------
    PeriodResult
        One row per star, in the order of the input; the result of a star does not depend on
        which other stars are searched with it, given `baseline`.

    Raises
    ------
    InputError
        If an option is out of range.

    Warns
    -----
    UnknownBandWarning
        If nothing is known of a band.
    OmissionWarning
        If points have a flux, but no time or no positive error: they are left out.

    References
    ----------
    Zechmeister & Kuerster 2009, A&A 496, 577 (floating mean); VanderPlas & Ivezic 2015, ApJ 812,
    18 (multi-band periodograms, shared shape with band offsets); VanderPlas 2018, ApJS 236, 16.
    """
    n_top = whole_number("n_top", n_top, 1, 8)
    if precision not in ("single", "double"):
        raise InputError(f"precision = {precision!r}", allowed="'single', 'double'")
    n_stars = len(light_curves)
    warn_of_unknown_bands(np.unique(light_curves.band).tolist())
    series = [joint_series(light_curves, i) for i in range(n_stars)]
    _warn_of_omissions(light_curves)
    baseline = time_span(light_curves.mjd) if baseline is None else number("baseline", baseline, "d")
    oversampling = number("oversampling", oversampling)
    grid = FrequencyGrid.from_baseline(baseline, period_range, oversampling)
    shortest, longest = period_limits(period_range)
    limits = _limits(shortest, longest)

    status = np.array(
        [
            _status(one, light_curves.saturated[light_curves.rows(i)], min(baseline, _span(one)) > shortest)
            for i, one in enumerate(series)
        ],
        dtype="U14",
    )
    frequency = np.full(n_stars, np.nan)
    score = np.full(n_stars, np.nan)
    n_harmonics = np.zeros(n_stars, dtype=np.int64)
    power = np.full(n_stars, np.nan)
    alarm = np.ones(n_stars)
    top_frequencies = np.full((n_stars, n_top), np.nan)
    top_scores = np.full((n_stars, n_top), np.nan)

    done = int(np.count_nonzero(status != "ok"))
    for batch in _same_times(series, np.flatnonzero(status == "ok")):
        spectra = periodograms([series[i] for i in batch], grid, precision)
        for i, spectrum in zip(batch, spectra, strict=True):
            peaks, _ = highest_peaks(spectrum, grid, _N_CANDIDATES)
            peaks = np.clip(peaks, *limits)  # the ends of the grid are rounded outwards
            heights = power_at(series[i], peaks)
            order = np.argsort(-heights, kind="stable")[:_N_PEAKS]
            peaks, heights = peaks[order], heights[order]
            power[i] = heights[0]
            alarm[i] = false_alarm_probability(series[i], peaks, grid)
            if refine_peaks:
                found, scores, harmonics = refine(series[i], peaks, grid, limits)
                eclipses = narrow_eclipses(series[i], spectrum, grid, limits)
                if eclipses is not None:
                    found, scores, harmonics = prefer(series[i], eclipses, (found, scores, harmonics), limits)
                n_harmonics[i] = harmonics[0]
            else:
                found, scores = peaks, heights
                n_harmonics[i] = 1
            frequency[i], score[i] = found[0], scores[0]
            kept = min(n_top, found.size)
            top_frequencies[i, :kept] = found[:kept]
            top_scores[i, :kept] = scores[:kept]
            done += 1
            if progress is not None:
                progress(done, n_stars)
    return PeriodResult(
        star_id=light_curves.star_id.copy(),
        frequency=frequency,
        score=score,
        n_harmonics=n_harmonics,
        power=power,
        false_alarm_probability=alarm,
        top_frequencies=top_frequencies,
        top_scores=top_scores,
        n_points=np.array([s.time.size for s in series], dtype=np.int64),
        status=status,
        grid=grid,
        options={
            "baseline": baseline,
            "period_range": (shortest, longest),
            "oversampling": oversampling,
            "refine_peaks": bool(refine_peaks),
            "n_top": n_top,
            "precision": precision,
        },
    )


def _limits(shortest: float, longest: float) -> tuple[float, float]:
    """Give the lowest and highest frequency whose periods are in a range, to the last bit."""
    low, high = 1.0 / longest, 1.0 / shortest
    while 1.0 / low > longest:
        low = np.nextafter(low, np.inf)
    while 1.0 / high < shortest:
        high = np.nextafter(high, 0.0)
    return float(low), float(high)


def _span(series: JointSeries) -> float:
    return float(np.ptp(series.time)) if series.time.size else 0.0


def _warn_of_omissions(light_curves: LightCurves) -> None:
    """Count points with a flux that lack a time or a good error. NaN says itself that there is no flux."""
    measured = np.isfinite(light_curves.flux)
    timeless = measured & ~np.isfinite(light_curves.mjd)
    error = light_curves.flux_err
    wrong = measured & ~timeless & ~((error > 0.0) & np.isfinite(error))
    counts = {
        "without a time": np.count_nonzero(timeless),
        "without a positive error of the flux": np.count_nonzero(wrong),
    }
    if any(counts.values()):
        reasons = ", ".join(f"{n} {reason}" for reason, n in counts.items() if n)
        warnings.warn(
            f"{sum(counts.values())} of {measured.size} points left out: {reasons}",
            OmissionWarning,
            stacklevel=3,
        )


def _status(series: JointSeries, saturated: npt.NDArray[np.bool_], long_enough: bool) -> str:
    n = series.time.size
    if n == 0 and saturated.size:
        return "all saturated" if saturated.all() else "no usable flux"
    if n == 0:
        return "no visits"
    # Band offsets, two amplitudes and a frequency leave a degree of freedom to judge them by;
    # repeated times add nothing to the frequency.
    if n < series.n_bands + 4 or np.unique(series.time).size < 5:
        return "too few visits"
    if not long_enough:
        return "span too short"
    if series.chi2 <= 1e-18 * n:
        return "no variation"
    return "ok"


def _same_times(series: list[JointSeries], rows: npt.NDArray[np.intp]) -> list[list[int]]:
    """Group stars whose usable points have the same times, in the order of the input."""
    groups: dict[bytes, list[int]] = {}
    for i in rows.tolist():
        groups.setdefault(series[i].time.tobytes(), []).append(i)
    return list(groups.values())
