"""Floating-mean Lomb-Scargle periodograms of joint series, and their highest peaks."""

from __future__ import annotations

from collections.abc import Sequence

import nifty_ls
import numpy as np
import numpy.typing as npt

from pelsvae_cadence.periods.grid import FrequencyGrid
from pelsvae_cadence.periods.series import JointSeries

__all__ = ["false_alarm_probability", "highest_peaks", "periodograms"]

FloatArray = npt.NDArray[np.float64]


def periodograms(series: Sequence[JointSeries], grid: FrequencyGrid) -> FloatArray:
    r"""Compute the periodograms of stars with the same visit times.

    The floating-mean periodogram of Zechmeister & Kuerster (2009, A&A 496, 577, eqs. 5-14) in the
    "psd" normalisation: half the drop of chi-squared, :math:`\Delta\chi^2/2`, for a sinusoid.
    Computed by nifty-ls (Garrison et al. 2024, RNAAS 8, 250) with non-uniform fast Fourier
    transforms in double precision: in single precision the phases of ten years are lost.

    Parameters
    ----------
    series : sequence of JointSeries
        Stars with equal `time` arrays.
    grid : FrequencyGrid
        The trial frequencies.

    Returns
    -------
    ndarray of float64, shape (n_series, grid.n)
        The periodograms.
    """
    # Times relative to the middle keep the phases small; the power does not depend on the zero.
    time = series[0].time - 0.5 * (series[0].time.min() + series[0].time.max())
    order = np.argsort(time, kind="stable")
    time = np.ascontiguousarray(time[order])
    value = np.stack([s.value[order] for s in series])
    error = np.stack([s.error[order] for s in series])
    power = np.empty((len(series), grid.n))
    for first, size in grid.blocks():
        power[:, first : first + size] = nifty_ls.lombscargle(
            time,
            value,
            error,
            fmin=grid.fmin + first * grid.df,
            fmax=grid.fmin + (first + size - 1) * grid.df,
            Nf=size,
            normalization="psd",
            backend="finufft",
            nthreads=1,
        ).power
    # Where the window leaves one of the two amplitudes undetermined the quotient has no meaning.
    np.nan_to_num(power, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    return np.maximum(power, 0.0, out=power)


def highest_peaks(power: FloatArray, grid: FrequencyGrid, n: int) -> tuple[FloatArray, FloatArray]:
    """Find the highest local maxima of a periodogram.

    Parameters
    ----------
    power : ndarray of float64, shape (grid.n,)
        A periodogram.
    grid : FrequencyGrid
        Its frequencies.
    n : int
        Number of peaks wanted.

    Returns
    -------
    frequency, height : ndarray of float64, shape (<= n,)
        Peaks from the highest down, by parabolic interpolation; the shift is limited to half a
        step. Ends of the grid count as peaks where the power rises towards them.
    """
    padded = np.concatenate([[-np.inf], power, [-np.inf]])
    middle = padded[1:-1]
    peaks = np.flatnonzero((middle > padded[:-2]) & (middle >= padded[2:]))
    if peaks.size > n:
        peaks = peaks[np.argpartition(power[peaks], -n)[-n:]]
    peaks = peaks[np.lexsort((peaks, -power[peaks]))]
    inner = (peaks > 0) & (peaks < power.size - 1)
    left = power[np.maximum(peaks - 1, 0)]
    right = power[np.minimum(peaks + 1, power.size - 1)]
    centre = power[peaks]
    curvature = left - 2.0 * centre + right
    safe = inner & (curvature < 0)
    shift = np.where(safe, 0.5 * (left - right) / np.where(safe, curvature, -1.0), 0.0)
    shift = np.clip(shift, -0.5, 0.5)
    height = centre - 0.25 * (left - right) * shift
    frequency = grid.fmin + (peaks + shift) * grid.df
    return np.asarray(frequency, dtype=np.float64), np.where(safe, height, centre)


def false_alarm_probability(power: float, series: JointSeries, grid: FrequencyGrid) -> float:
    r"""Bound the chance that noise alone reaches the highest peak.

    Baluev (2008, MNRAS 385, 1279, eqs. 5, 6 and 8) for known errors:

    .. math:: {\rm FAP} \approx 1 - (1 - e^{-z})\, e^{-W \sqrt{z}\, e^{-z}} , \quad
              W = f_{\max} \sqrt{4\pi\, {\rm var}(t)} ,

    with :math:`z = \Delta\chi^2 / 2` the height of the peak, times n / (n - n_bands) for the
    degrees of freedom that the band means took from the data. Where the quoted errors are too small
    (reduced chi-squared of the constant model minus the peak above one) z is divided by that
    number, so that underestimated noise makes no detections. It is an upper bound: of 1200
    simulated constant stars 0.6 % fall below 0.01 and 5 % below 0.1.

    Parameters
    ----------
    power : float
        Height of the highest peak, z.
    series : JointSeries
        The star.
    grid : FrequencyGrid
        The frequencies that were searched.

    Returns
    -------
    float
        Probability, 0 to 1.
    """
    weight = series.error**-2.0
    mean = np.average(series.time, weights=weight)
    variance = np.average((series.time - mean) ** 2, weights=weight)
    free = max(series.time.size - series.n_bands - 2, 1)
    noise = max(1.0, (series.chi2 - 2.0 * power) / free)
    n = series.time.size
    z = max(power, 0.0) / noise * n / (n - series.n_bands)
    width = grid.fmax * np.sqrt(4.0 * np.pi * variance)
    tail = np.exp(-z)
    # expm1 and log1p: probabilities far below the rounding of 1 - p must survive.
    log_quiet = np.log1p(-tail) - width * np.sqrt(z) * tail if z > 0 else -np.inf
    return float(-np.expm1(log_quiet))
