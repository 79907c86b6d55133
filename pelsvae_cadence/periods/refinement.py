"""Refinement: which candidate frequency, and how many harmonics, explain the light curve best.

A shared-shape Fourier model, one constant per band and one amplitude scale per band, is fitted
to each candidate. The periodogram alone never gives the orbital period of a binary; this does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.periods.eclipses import NarrowEclipses
from pelsvae_cadence.periods.grid import FrequencyGrid
from pelsvae_cadence.periods.harmonics import harmonic_gain, noise_free_scale
from pelsvae_cadence.periods.minima import unequal_halves, unequal_minima
from pelsvae_cadence.periods.outliers import heavy_tailed_scores
from pelsvae_cadence.periods.series import JointSeries
from pelsvae_cadence.periods.symmetry import folded_shape

__all__ = ["candidates", "fourier_scores", "prefer", "refine"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Half the peak frequency is tried for shorter periods only: a long-period variable whose cycles
#: differ would take the doubled period (recovery of Miras falls from 1.00 to 0.45).
HALF_FREQUENCY_BELOW_DAYS: Final = 25.0
_STAGE_1: Final = (1, 2, 3, 4)
_STAGE_2: Final = (1, 2, 3, 4, 6, 8)
_STAGE_1_SHIFTS: Final = np.array([-0.2, -0.1, 0.0, 0.1, 0.2])
_STAGE_2_SHIFTS: Final = np.linspace(-0.075, 0.075, 13)
_STAGE_3_SHIFTS: Final = _STAGE_2_SHIFTS[5:8]  # about the double of a frequency that is known well
_FINALISTS: Final = 8
_SAME_PEAK: Final = 0.2  # cycles over the baseline
_SAME_FAMILY: Final = 0.3
# Error of the model in units of the variation's standard deviation, and a smaller one for the
# question whether two halves of a cycle differ: what shapes share does not matter there.
_MODEL_ERROR: Final = 0.2
_ERROR_OF_HALVES: Final = 0.1
# Of the score of two cycles, what one has that was taken for two.
_SAME_CURVE: Final = 0.82


def candidates(
    peaks: FloatArray, grid: FrequencyGrid, limits: tuple[float, float] | None = None
) -> FloatArray:
    """List the frequencies worth a fit: the peaks, and their halves for short periods.

    Parameters
    ----------
    peaks : ndarray of float64, shape (n,)
        Frequencies of periodogram peaks in 1/d, the highest first.
    grid : FrequencyGrid
        The grid of the search.
    limits : tuple of float, optional
        Lowest and highest frequency in 1/d; by default those of the grid.

    Returns
    -------
    ndarray of float64
        Frequencies in 1/d within the limits, rounded to 1/(20 T), without repetitions, in
        order of first mention.
    """
    halves = 0.5 * peaks[peaks > 1.0 / HALF_FREQUENCY_BELOW_DAYS]
    step = 1.0 / (20.0 * grid.baseline)
    rounded = np.rint(np.concatenate([peaks, halves]) / step)
    _, first = np.unique(rounded, return_index=True)
    unique: FloatArray = rounded[np.sort(first)] * step
    low, high = limits or (grid.fmin, grid.fmax)
    # A step of slack: rounding must not lose a peak at the end of the range.
    inside = (unique > 0) & (unique >= low - step) & (unique <= high + step)
    return np.clip(unique[inside], low, high)


def _allowed_harmonics(series: JointSeries, wanted: Sequence[int]) -> tuple[int, ...]:
    """Keep the orders with fewer parameters than a third of the points; the first order always."""
    limit = series.time.size / 3.0
    return tuple(h for h in wanted if 2 * h + series.n_bands < limit) or (1,)


def fourier_scores(
    series: JointSeries, centre: FloatArray, shifts: FloatArray, harmonics: Sequence[int]
) -> tuple[FloatArray, IntArray]:
    r"""Score trial frequencies with a Fourier series shared by all bands.

    Band offsets are projected out; one Cholesky factor of the normal equations gives the drop of
    chi-squared for every order H at once, as cumulative squares. The score is

    .. math:: L(H) - 2 H \ln n , \quad L = q(\chi_0^2) - q(\chi_0^2 - \Delta\chi^2) , \quad
              q(r) = m \ln s + n' \min(r/n, 1) , \; s = \max(r/n, 1) ,

    a likelihood gain with a free noise scale that is never below the quoted errors, less the
    Bayesian information criterion of 2 H parameters (Schwarz 1978, Ann. Stat. 6, 461). The free
    scale keeps bright stars, whose shape differs between bands, from preferring many harmonics.
    What exceeds the quoted errors (modulation, blends) is common to points taken together, so it
    counts once for each of the m moments of observation, not for each of the n points. Below the
    errors, which hold the model's own (`JointSeries.with_model_error`), the n points count as n'
    independent ones (`JointSeries.n_independent`). On the five simultaneous bands of real RR Lyrae
    stars, and in nights of a hundred points, counting points finds the double period too often.

    Parameters
    ----------
    series : JointSeries
        The star.
    centre : ndarray of float64, shape (n_c,)
        Frequencies in 1/d around which to try.
    shifts : ndarray of float64, shape (n_s,)
        Distances in 1/d from each of them.
    harmonics : sequence of int
        Orders H to consider.

    Returns
    -------
    score : ndarray of float64, shape (n_c, n_s)
        The best score over H.
    order : ndarray of int64, shape (n_c, n_s)
        The H that gives it.
    """
    n = series.time.size
    constant, gain = harmonic_gain(series, centre, shifts, np.arange(1, max(harmonics) + 1))
    chi2 = series.chi2 - constant
    orders = np.array(sorted(harmonics))
    rest = np.maximum(chi2 - gain[:, orders - 1], 0.0)
    likelihood = noise_free_scale(chi2, series) - noise_free_scale(rest, series)
    score = likelihood - 2.0 * orders * np.log(n)
    best = np.argmax(score, axis=1)
    shape = (centre.size, shifts.size)
    return score[np.arange(best.size), best].reshape(shape), orders[best].reshape(shape)


def refine(
    series: JointSeries, peaks: FloatArray, grid: FrequencyGrid, limits: tuple[float, float] | None = None
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
    limits : tuple of float, optional
        Lowest and highest frequency in 1/d that may be found; by default those of the grid.

    Returns
    -------
    frequency : ndarray of float64, shape (n_found,)
        Distinct frequencies in 1/d: the one that is chosen, then the others from the best score
        down.
    score : ndarray of float64, shape (n_found,)
        Their scores (`fourier_scores`), comparable between candidates of one star. The first need
        not be the largest: see the notes.
    order : ndarray of int64, shape (n_found,)
        Their numbers of harmonics.

    Notes
    -----
    The score ranks the candidates, with the errors of `JointSeries.with_model_error`. Three things
    may overrule it. Where the best model leaves more than noise, the finalists are compared with
    heavy-tailed residuals (`pelsvae_cadence.periods.outliers`), which decides between unrelated
    frequencies but not between one and its half. Where the double of the chosen frequency
    scores nearly as well, with a curve that no binary has (`pelsvae_cadence.periods.symmetry`), it is taken.
    And where the halves of the chosen cycle differ, in their shapes or in the depths of their minima
    (`pelsvae_cadence.periods.minima`), and the curve may be that of a binary, the frequency is halved.
    """
    exact = series
    series = exact.with_model_error(_MODEL_ERROR)
    low, high = limits or (grid.fmin, grid.fmax)
    trial = candidates(peaks, grid, (low, high))
    # Frequencies are as uncertain as the star's own points make them. A season of a year counts as the
    # year: long periods, of which it holds less than one, would move too far.
    span = float(np.ptp(series.time))
    baseline = grid.baseline if span > 0.5 * grid.baseline else span

    def search(
        centre: FloatArray, shifts: FloatArray, wanted: Sequence[int]
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        away = shifts / baseline
        # A shift must not reach zero frequency, where the model becomes the band offsets.
        centre = np.minimum(np.maximum(centre, 0.5 * grid.df - away.min()), high)
        score, order = fourier_scores(series, centre, away, _allowed_harmonics(series, wanted))
        tried = centre[:, None] + away
        score = np.where((tried >= low) & (tried <= high), score, -np.inf)
        best = np.argmax(score, axis=1)
        rows = np.arange(centre.size)
        return centre + away[best], score[rows, best], order[rows, best]

    frequency, score, _ = search(trial, _STAGE_1_SHIFTS, _STAGE_1)
    finalists = np.argsort(-score, kind="stable")[:_FINALISTS]
    frequency, score, order = search(frequency[finalists], _STAGE_2_SHIFTS, _STAGE_2)
    ranking = np.argsort(-score, kind="stable")
    distinct: list[int] = []
    for i in ranking.tolist():  # candidates may have moved onto the same peak
        if all(abs(frequency[i] - frequency[j]) * baseline > _SAME_PEAK for j in distinct):
            distinct.append(i)
    frequency, score, order = frequency[distinct], score[distinct], order[distinct]
    first = _choose(series, frequency, order, baseline)
    chosen = frequency[first], score[first], order[first]
    double = 2.0 * frequency[first]
    if 1.0 / HALF_FREQUENCY_BELOW_DAYS < double <= high:
        centre, found, orders = search(np.array([double]), _STAGE_3_SHIFTS, _STAGE_2)
        # Two cycles of a pulsating star, taken for one of a binary.
        if found[0] > _SAME_CURVE * score[first] and folded_shape(series, centre[0], int(orders[0])).pulsates:
            chosen = centre[0], found[0], orders[0]
    half = 0.5 * chosen[0]
    if half > 0.5 / HALF_FREQUENCY_BELOW_DAYS and half >= low:
        differ = exact.with_model_error(_ERROR_OF_HALVES)
        halves = unequal_halves(differ, chosen[0], int(chosen[2]), baseline)
        if halves.gain <= 0.0:
            halves = unequal_minima(series, chosen[0], int(chosen[2]))
        if halves.gain > 0.0 and _may_be_doubled(differ, chosen[0], int(chosen[2]), halves.gain):
            chosen = float(np.clip(halves.frequency, low, high)), chosen[1] + halves.gain, halves.order
    others = np.abs(frequency - chosen[0]) * baseline > _SAME_PEAK
    return (
        np.concatenate([[chosen[0]], frequency[others]]),
        np.concatenate([[chosen[1]], score[others]]),
        np.concatenate([[chosen[2]], order[others]]).astype(np.int64),
    )


def _may_be_doubled(series: JointSeries, frequency: float, order: int, gain: float) -> bool:
    shape = folded_shape(series, frequency, order)
    # A sinusoid may be anything: there the difference has to be worth one parameter more.
    least = 0.0 if shape.eclipses else float(np.log(series.time.size))
    return shape.may_be_half_an_orbit and gain > least


def prefer(
    series: JointSeries,
    eclipses: NarrowEclipses,
    found: tuple[FloatArray, FloatArray, IntArray],
    limits: tuple[float, float],
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Put the period of narrow eclipses among the candidates: first, if its score is the best.

    Parameters
    ----------
    series : JointSeries
        The star.
    eclipses : NarrowEclipses
        What was found of them.
    found : tuple of ndarray
        What `refine` returned.
    limits : tuple of float
        Lowest and highest frequency in 1/d that may be found.

    Returns
    -------
    frequency, score, order : ndarray, shape (n_found,)
        As of `refine`; the order of the eclipses is the one that a Fourier series would have.
    """
    frequency, score, order = found
    span = float(np.ptp(series.time))
    away = np.abs(frequency - eclipses.frequency) * span > _SAME_PEAK
    first = eclipses.score > score[0]
    if not away[0] and not first:
        return found
    # A few points in eclipse fix the frequency of a box loosely, a smooth curve better.
    shifts = _STAGE_2_SHIFTS / span
    noisy, wanted = series.with_model_error(_MODEL_ERROR), _allowed_harmonics(series, _STAGE_2)
    own, orders = fourier_scores(noisy, np.array([eclipses.frequency]), shifts, wanted)
    best = int(np.argmax(own))
    new = np.clip(eclipses.frequency + shifts[best], *limits)
    place = 0 if first else int(1 + np.count_nonzero(score[1:][away[1:]] > eclipses.score))
    return (
        np.insert(frequency[away], place, new),
        np.insert(score[away], place, eclipses.score),
        np.insert(order[away], place, orders[0, best]),
    )


def _choose(series: JointSeries, frequency: FloatArray, order: IntArray, baseline: float) -> int:
    """Pick one of the finalists, which come with the best Gaussian score first."""
    votes = heavy_tailed_scores(series, frequency, order)
    if votes is None:
        return 0
    best = frequency[int(np.argmax(votes))]
    # Narrow eclipses are outliers of the halved cycle: heavy tails must not choose between a
    # frequency and its half or double. The first of the family has the best Gaussian score.
    away = np.abs(frequency[:, None] - best * np.array([0.5, 1.0, 2.0])).min(axis=1)
    return int(np.flatnonzero(away * baseline < _SAME_FAMILY)[0])
