"""Refinement: which candidate frequency, and how many harmonics, explain the light curve best.

A shared-shape Fourier model, one constant per band and one amplitude scale per band, is fitted
to each candidate. The periodogram alone never gives the orbital period of a binary; this does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.periods.grid import FrequencyGrid
from pelsvae_cadence.periods.series import JointSeries

__all__ = ["candidates", "fourier_scores", "refine"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Half the peak frequency is tried for shorter periods only: a long-period variable whose cycles
#: differ would take the doubled period (recovery of Miras falls from 1.00 to 0.45).
HALF_FREQUENCY_BELOW_DAYS: Final = 25.0
_STAGE_1: Final = (1, 2, 3, 4)
_STAGE_2: Final = (1, 2, 3, 4, 6, 8)
_STAGE_1_SHIFTS: Final = np.array([-0.2, -0.1, 0.0, 0.1, 0.2])
_STAGE_2_SHIFTS: Final = np.linspace(-0.075, 0.075, 13)
_FINALISTS: Final = 8
_RIDGE: Final = 1e-6
_SAME_PEAK: Final = 0.2  # cycles over the baseline


def candidates(peaks: FloatArray, grid: FrequencyGrid) -> FloatArray:
    """List the frequencies worth a fit: the peaks, and their halves for short periods.

    Parameters
    ----------
    peaks : ndarray of float64, shape (n,)
        Frequencies of periodogram peaks in 1/d, the highest first.
    grid : FrequencyGrid
        The grid of the search.

    Returns
    -------
    ndarray of float64
        Frequencies in 1/d, rounded to 1/(20 T), without repetitions, in order of first mention.
    """
    halves = 0.5 * peaks[peaks > 1.0 / HALF_FREQUENCY_BELOW_DAYS]
    step = 1.0 / (20.0 * grid.baseline)
    rounded = np.rint(np.concatenate([peaks, halves]) / step)
    _, first = np.unique(rounded, return_index=True)
    unique: FloatArray = rounded[np.sort(first)] * step
    return unique[unique > 0]


def _allowed_harmonics(series: JointSeries, wanted: Sequence[int]) -> tuple[int, ...]:
    """Keep the orders with fewer parameters than a third of the points; the first order always."""
    limit = series.time.size / 3.0
    return tuple(h for h in wanted if 2 * h + series.n_bands < limit) or (1,)


def fourier_scores(
    series: JointSeries, frequency: FloatArray, harmonics: Sequence[int]
) -> tuple[FloatArray, IntArray]:
    r"""Score trial frequencies with a Fourier series shared by all bands.

    Band offsets are projected out; one Cholesky factor of the normal equations gives the drop of
    chi-squared for every order H at once, as cumulative squares. The score is

    .. math:: L(H) - 2 H \ln n , \quad L = q(\chi_0^2) - q(\chi_0^2 - \Delta\chi^2) , \quad
              q(r) = n \ln s + r / s , \; s = \max(r/n, 1) ,

    a likelihood gain with a free noise scale that is never below the quoted errors, less the
    Bayesian information criterion of 2 H parameters (Schwarz 1978, Ann. Stat. 6, 461). The free
    scale keeps bright stars, whose shape differs between bands, from preferring many harmonics.

    Parameters
    ----------
    series : JointSeries
        The star.
    frequency : ndarray of float64, shape (n_f,)
        Trial frequencies in 1/d.
    harmonics : sequence of int
        Orders H to consider.

    Returns
    -------
    score : ndarray of float64, shape (n_f,)
        The best score over H.
    order : ndarray of int64, shape (n_f,)
        The H that gives it.
    """
    n = series.time.size
    highest = max(harmonics)
    time = series.time - 0.5 * (series.time.min() + series.time.max())
    weight = series.error**-2.0
    member = np.zeros((n, series.n_bands))
    member[np.arange(n), series.band] = weight
    band_weight = member.sum(axis=0)

    phase = frequency[:, None] * time
    fundamental = np.exp(2j * np.pi * (phase - np.rint(phase)))
    basis = np.empty((frequency.size, 2 * highest, n))
    wave = np.ones_like(fundamental)
    for h in range(highest):
        wave = wave * fundamental
        basis[:, 2 * h] = wave.real
        basis[:, 2 * h + 1] = wave.imag
    weighted = basis * weight
    means = basis @ member  # (n_f, 2H, n_bands)
    normal = weighted @ basis.transpose(0, 2, 1) - (means / band_weight) @ means.transpose(0, 2, 1)
    offset = member.T @ series.value / band_weight
    target = weighted @ series.value - means @ offset
    diagonal = np.arange(2 * highest)
    normal[:, diagonal, diagonal] += _RIDGE * weight.sum()
    factor = np.linalg.cholesky(normal)
    solved = np.empty_like(target)
    for k in range(2 * highest):  # forward substitution for all frequencies together
        known = (factor[:, k, :k] * solved[:, :k]).sum(axis=1)
        solved[:, k] = (target[:, k] - known) / factor[:, k, k]
    gain = np.cumsum(solved**2, axis=1)[:, 1::2]  # (n_f, H): drop of chi-squared per order

    chi2 = series.chi2 - float(band_weight @ offset**2)
    orders = np.array(sorted(harmonics))
    rest = np.maximum(chi2 - gain[:, orders - 1], 0.0)
    likelihood = _noise_free_scale(chi2, n) - _noise_free_scale(rest, n)
    score = likelihood - 2.0 * orders * np.log(n)
    best = np.argmax(score, axis=1)
    return score[np.arange(frequency.size), best], orders[best]


def _noise_free_scale(chi2: npt.ArrayLike, n: int) -> FloatArray:
    """Minus two log likelihood with the noise scale at its best value of one or more."""
    r = np.asarray(chi2, dtype=np.float64)
    scale = np.maximum(r / n, 1.0)
    value: FloatArray = n * np.log(scale) + r / scale
    return value


def refine(
    series: JointSeries, peaks: FloatArray, grid: FrequencyGrid
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Choose among the peaks of a periodogram.

    Parameters
    ----------
    series : JointSeries
        The star.
    peaks : ndarray of float64, shape (n,)
        Frequencies of the highest peaks in 1/d.
    grid : FrequencyGrid
        The grid of the search.

    Returns
    -------
    frequency : ndarray of float64, shape (n_found,)
        Distinct frequencies in 1/d, from the best down.
    score : ndarray of float64, shape (n_found,)
        Their scores, comparable between candidates of one star.
    order : ndarray of int64, shape (n_found,)
        Their numbers of harmonics.
    """
    trial = candidates(peaks, grid)
    baseline = grid.baseline
    # A shift must not reach zero frequency, where the model degenerates into the band offsets.
    floor = 0.5 * grid.df

    def search(
        centre: FloatArray, shifts: FloatArray, wanted: Sequence[int]
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        around = np.maximum(centre[:, None] + shifts / baseline, floor).ravel()
        score, order = fourier_scores(series, around, _allowed_harmonics(series, wanted))
        best = np.argmax(score.reshape(centre.size, shifts.size), axis=1)
        pick = np.arange(centre.size) * shifts.size + best
        return around[pick], score[pick], order[pick]

    frequency, score, _ = search(trial, _STAGE_1_SHIFTS, _STAGE_1)
    finalists = np.argsort(-score, kind="stable")[:_FINALISTS]
    frequency, score, order = search(frequency[finalists], _STAGE_2_SHIFTS, _STAGE_2)
    ranking = np.argsort(-score, kind="stable")
    distinct: list[int] = []
    for i in ranking.tolist():  # candidates may have moved onto the same peak
        if all(abs(frequency[i] - frequency[j]) * baseline > _SAME_PEAK for j in distinct):
            distinct.append(i)
    return frequency[distinct], score[distinct], order[distinct]
