"""Narrow eclipses: the periods of detached binaries, which a sinusoid hardly sees.

Where eclipses last a fiftieth of the orbit, a sinusoid explains as much at a third or a ninetieth of the
period, and a few harmonics do not help. Box-shaped dips do (Kovacs, Zucker & Mazeh 2002, A&A 391, 369).
They are looked for only in stars whose points say that there are such eclipses - most of them
quiet, a minority deep, and nothing to match above - and at candidate frequencies that the
periodogram gives for nothing: narrow dips have many harmonics of equal height, so sums over them
peak at the orbital frequency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.periods.grid import FrequencyGrid
from pelsvae_cadence.periods.harmonics import noise_free_scale
from pelsvae_cadence.periods.series import JointSeries

__all__ = ["NarrowEclipses", "has_narrow_eclipses", "narrow_eclipses"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Deep points are 3 sigma below the median, sigma being the error or the scatter of the quiet ones. They carry
# most of the variance of detached binaries (median 0.9), next to nothing in other variable stars.
_DEEP: Final = 3.0
_LEAST_SHARE: Final = 0.5
_LEAST_DEEP: Final = 5
_MOST_DEEP: Final = 0.35  # of the points
_GAUSSIAN: Final = 1.4826
_MODEL_ERROR: Final = 0.2  # as in the refinement, whose scores these are compared with
_ERROR_OF_DEPTHS: Final = 0.1

_HARMONICS: Final = 10
_FASTEST: Final = 5.0  # 1/d; two stars apart from each other do not orbit in less than five hours
_N_PEAKS: Final = 20
_NEIGHBOURS: Final = 4  # maxima of one peak, at most
_FAMILY: Final = np.array([1.0, 1.0 / 2.0, 1.0 / 3.0, 2.0, 3.0])
_FINALISTS: Final = 12
# Bins of the phase, and widths of boxes in bins: a coarse search and a fine one.
_COARSE: Final = (100, np.array([1, 2, 3, 4, 6, 8, 10]))
_FINE: Final = (300, np.array([1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 22, 27, 32]))
_COARSE_SHIFTS: Final = np.array([-0.4, -0.2, 0.0, 0.2, 0.4])  # in steps of the sums over harmonics
_FINE_SHIFTS: Final = np.linspace(-0.5, 0.5, 13)
_TOGETHER: Final = 250_000  # phases computed together
_PROFILE: Final = 5  # bins across an eclipse
_CORE: Final = 0.35  # half of what is compared, in widths of the dip: its sides depend on too few points
_LEAST_PER_DEPTH: Final = 3
_SAME_DIP: Final = 0.85  # of the score of two dips, what one has that is the same


@dataclass(frozen=True, kw_only=True)
class NarrowEclipses:
    """The best dips of a star.

    Parameters
    ----------
    frequency : float
        Orbital frequency in 1/d.
    score : float
        Gain in likelihood less the information criterion, comparable to
        `pelsvae_cadence.periods.refinement.fourier_scores`.
    """

    frequency: float
    score: float


@dataclass(frozen=True, kw_only=True)
class _Boxes:
    """Drop of chi-squared by the best box, its first bin and width, and the drop by a second box."""

    first: FloatArray
    second: FloatArray
    start: IntArray
    width: IntArray

    def score(self, series: JointSeries, chi2: float) -> tuple[FloatArray, FloatArray]:
        """Score one box (depth, phase, width) and two."""
        price = 3.0 * np.log(series.time.size)
        constant = noise_free_scale(chi2, series)
        one = constant - noise_free_scale(np.maximum(chi2 - self.first, 0.0), series) - price
        both = np.maximum(chi2 - self.first - self.second, 0.0)
        return one, constant - noise_free_scale(both, series) - 2.0 * price


def has_narrow_eclipses(series: JointSeries) -> bool:
    """Tell whether a minority of deep points makes most of the variance.

    Parameters
    ----------
    series : JointSeries
        The star.

    Returns
    -------
    bool
        Whether points 3 sigma below the median, five of them or more and no more than 35 %, have more
        than half of the weighted sum of squares.
    """
    below = series.value - np.median(series.value)
    quiet = _GAUSSIAN * np.median(np.abs(below))
    deep = below < -_DEEP * np.maximum(series.error, quiet)
    n_deep = int(np.count_nonzero(deep))
    if n_deep < _LEAST_DEEP or n_deep > _MOST_DEEP * below.size:
        return False
    squares = below**2 / (series.error**2 + _MODEL_ERROR**2 * below.var())
    return bool(squares[deep].sum() > _LEAST_SHARE * squares.sum())


def narrow_eclipses(
    series: JointSeries,
    power: npt.NDArray[np.float32 | np.float64],
    grid: FrequencyGrid,
    limits: tuple[float, float],
) -> NarrowEclipses | None:
    r"""Look for box-shaped dips, one or two a period.

    The twenty highest peaks of :math:`\sum_{h \le 10} P(h f)` over the periodogram P, their halves,
    thirds, doubles and triples are folded; chi-squared drops by
    :math:`S^2 / [w (1 - w/W)]` for a box whose points have the weight w and the sum S of weights times values
    (Kovacs et al. 2002), likewise for a second box elsewhere. The scores are those of the
    refinement with three parameters a box. Where one box suffices, every other dip may be deeper: asked
    with the mean profile of the dip's core, as one parameter that costs :math:`2 \ln n`, and the frequency is halved.

    Parameters
    ----------
    series : JointSeries
        The star.
    power : ndarray of float, shape (grid.n,)
        Its periodogram.
    grid : FrequencyGrid
        The grid of the periodogram.
    limits : tuple of float
        Lowest and highest frequency in 1/d that may be found.

    Returns
    -------
    NarrowEclipses or None
        None where no such dips are to be expected (`has_narrow_eclipses`).
    """
    if not has_narrow_eclipses(series):
        return None
    # The highest harmonic must not drift by more than half a cycle from one trial frequency to the next.
    parts = int(np.ceil(2.0 * _HARMONICS / grid.oversampling))
    step = grid.df / parts
    low, high = limits[0], min(limits[1], _FASTEST)
    peaks = _peaks_of_sums(power, grid, parts, max(low, 1.0 / float(np.ptp(series.time))), high)
    trial = (peaks[:, None] * _FAMILY).ravel()
    trial = trial[(trial >= low) & (trial <= high)]
    if trial.size == 0:
        return None
    noisy = series.with_model_error(_MODEL_ERROR)
    trial, score, _ = _best_shift(noisy, trial, _COARSE_SHIFTS * step, _COARSE, (low, high))
    finalists = np.argsort(-score, kind="stable")[:_FINALISTS]
    trial, score, single = _best_shift(noisy, trial[finalists], _FINE_SHIFTS * step, _FINE, (low, high))
    best = int(np.argmax(score))
    frequency, one_box, gain = float(trial[best]), bool(single[best]), 0.0
    if not one_box and 2.0 * frequency <= high:
        # Two boxes fit the sides of one dip better than one box does: is it the same dip?
        double, whole, alone = _best_shift(
            noisy, 2.0 * trial[[best]], _FINE_SHIFTS * step, _FINE, (low, high)
        )
        if alone[0] and whole[0] > _SAME_DIP * score[best]:
            frequency, one_box = float(double[0]), True
    if one_box and 0.5 * frequency >= low:
        gain = _alternate_depths(series.with_model_error(_ERROR_OF_DEPTHS), frequency)
        frequency *= 0.5 if gain > 0.0 else 1.0
    return NarrowEclipses(frequency=frequency, score=float(score[best]) + max(gain, 0.0))


def _peaks_of_sums(
    power: npt.NDArray[np.float32 | np.float64], grid: FrequencyGrid, parts: int, low: float, high: float
) -> FloatArray:
    """Sum the periodogram over harmonics, and find the frequencies of the highest distinct peaks.

    The sums stand at the grid's frequencies and parts of its steps between them.
    """
    origin = round(grid.fmin / grid.df)
    first, last = int(np.ceil(low / grid.df)), int(np.floor(high / grid.df))
    if last - first < 2:
        return np.empty(0)
    sums = np.zeros((last - first, parts))
    centred = power - power.mean(dtype=np.float64)
    for harmonic in range(1, _HARMONICS + 1):
        for part in range(parts):
            start = harmonic * first + round(harmonic * part / parts) - origin
            there = centred[start : start + harmonic * len(sums) : harmonic]
            sums[: there.size, part] += there
    flat = sums.ravel()
    maxima = 1 + np.flatnonzero((flat[1:-1] >= flat[:-2]) & (flat[1:-1] > flat[2:]))
    some = min(_N_PEAKS * _NEIGHBOURS, maxima.size)
    maxima = maxima[np.argpartition(flat[maxima], -some)[-some:]] if some else maxima
    kept: list[int] = []
    for i in maxima[np.lexsort((maxima, -flat[maxima]))].tolist():
        if all(abs(i - j) > parts for j in kept):
            kept.append(i)
    return np.asarray((first + np.array(kept[:_N_PEAKS], np.int64) / parts) * grid.df, dtype=np.float64)


def _centred(series: JointSeries) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give times about their middle, values about their weighted mean, and weights."""
    weight = series.error**-2.0
    value = series.value - (weight @ series.value) / weight.sum()
    return series.time - 0.5 * (series.time.min() + series.time.max()), value, weight


def _best_shift(
    series: JointSeries,
    centre: FloatArray,
    shifts: FloatArray,
    bins: tuple[int, IntArray],
    limits: tuple[float, float],
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
    """Find the best frequency near each of some, its score, and whether one box suffices."""
    trial = np.clip(centre[:, None] + shifts, *limits)
    time, value, weight = _centred(series)
    one, two = _boxes(time, value, weight, trial.ravel(), *bins).score(series, float(weight @ value**2))
    best = np.argmax(np.maximum(one, two).reshape(trial.shape), axis=1)
    rows = np.arange(centre.size)
    one, two = one.reshape(trial.shape)[rows, best], two.reshape(trial.shape)[rows, best]
    return trial[rows, best], np.maximum(one, two), one >= two


def _boxes(
    time: FloatArray,
    value: FloatArray,
    weight: FloatArray,
    frequency: FloatArray,
    n_bins: int,
    widths: IntArray,
) -> _Boxes:
    """Fold with each frequency and fit the best dip, then the best one outside of it."""
    parts = []
    step = max(1, _TOGETHER // time.size)
    for at in range(0, frequency.size, step):
        turns = np.outer(frequency[at : at + step], time)
        rows = np.arange(len(turns))[:, None]
        bins = np.minimum(((turns - np.floor(turns)) * n_bins).astype(np.int64), n_bins - 1) + n_bins * rows
        size, shape = bins.shape[0] * n_bins, (bins.shape[0], n_bins)
        weights, sums = (
            np.asarray(np.bincount(bins.ravel(), np.tile(column, len(turns)), size), np.float64).reshape(
                shape
            )
            for column in (weight, weight * value)
        )
        first, start, width = _deepest(weights, sums, widths)
        after = (np.arange(n_bins) - start[:, None]) % n_bins
        inside = after < width[:, None]
        # The wings of a dip that is no box are not a second one.
        wings = (after < 2 * width[:, None]) | (after >= n_bins - width[:, None])
        weights = np.where(inside, 0.0, weights)
        sums = np.where(inside, 0.0, sums)
        # What is left has a mean of its own.
        mean = sums.sum(axis=1) / np.maximum(weights.sum(axis=1), np.finfo(float).tiny)
        second, _, _ = _deepest(weights, sums - mean[:, None] * weights, widths, wings)
        parts.append((first, second, start, width))
    first, second, start, width = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _Boxes(first=first, second=second, start=start, width=width)


def _deepest(
    weights: FloatArray, sums: FloatArray, widths: IntArray, closed: npt.NDArray[np.bool_] | None = None
) -> tuple[FloatArray, IntArray, IntArray]:
    """Find the box with the largest drop of chi-squared in each row of binned data of mean zero.

    It holds none of the closed bins.
    """
    n_rows, n_bins = weights.shape
    longest = int(widths.max())

    def cumulative(binned: FloatArray) -> FloatArray:
        around = np.concatenate([np.zeros((n_rows, 1)), binned, binned[:, :longest]], axis=1)
        return np.cumsum(around, axis=1)

    weight_to, sum_to = cumulative(weights), cumulative(sums)
    closed_to = None if closed is None else cumulative(closed.astype(np.float64))
    total = weight_to[:, n_bins : n_bins + 1]
    rows, least = np.arange(n_rows), 1e-9 * total
    drop, start, width = np.zeros(n_rows), np.zeros(n_rows, np.int64), np.ones(n_rows, np.int64)
    for k in widths.tolist():
        weight = weight_to[:, k : k + n_bins] - weight_to[:, :n_bins]
        dip = sum_to[:, k : k + n_bins] - sum_to[:, :n_bins]
        # Boxes of all points or none: what rounding leaves of their weight is no denominator.
        scale = np.multiply(weight, 1.0 - weight / total)
        useless = (scale <= least) | (dip > 0.0)
        if closed_to is not None:
            useless |= closed_to[:, k : k + n_bins] != closed_to[:, :n_bins]
        dip *= dip
        scale[useless] = np.inf
        dip /= scale
        best = np.argmax(dip, axis=1)
        gain = dip[rows, best]
        better = gain > drop
        drop[better] = gain[better]
        start[better], width[better] = best[better], k
    return drop, start, width


def _alternate_depths(series: JointSeries, frequency: float) -> float:
    """Score a difference in depth of every other dip; minus infinity where too few points tell."""
    time, value, weight = _centred(series)
    box = _boxes(time, value, weight, np.array([frequency]), *_FINE)
    middle = (box.start[0] + 0.5 * box.width[0]) / _FINE[0]
    turns = frequency * time - middle
    across = (turns - np.rint(turns)) * _FINE[0] / box.width[0]  # -0.5 to 0.5 in the dip
    dip = np.abs(across) <= _CORE
    quiet_points = np.abs(across) > 1.0
    parity = np.where(np.rint(turns) % 2 == 0, 1.0, -1.0)[dip]
    if min(np.count_nonzero(parity > 0), np.count_nonzero(parity < 0)) < _LEAST_PER_DEPTH:
        return -np.inf
    outside = weight[quiet_points]
    quiet = float(outside @ value[quiet_points] / max(outside.sum(), np.finfo(float).tiny))
    bins = np.minimum(((across[dip] / _CORE + 1.0) * 0.5 * _PROFILE).astype(np.int64), _PROFILE - 1)
    inner, depth = weight[dip], value[dip] - quiet

    def profile(column: FloatArray) -> FloatArray:
        total = np.bincount(bins, inner, _PROFILE)
        mean = np.bincount(bins, inner * column, _PROFILE) / np.where(total > 0, total, 1.0)
        return np.asarray(mean[bins])

    mean = profile(depth)
    residual = depth - mean
    # What the mean profile can do already is not the difference's merit.
    new = parity * mean - profile(parity * mean)
    size = float(inner @ new**2)
    drop = float(inner @ (new * residual)) ** 2 / size if size > 0.0 else 0.0
    chi2 = float(inner @ residual**2 + outside @ (value[quiet_points] - quiet) ** 2)
    gain = noise_free_scale(chi2, series) - noise_free_scale(max(chi2 - drop, 0.0), series)
    return float(gain) - 2.0 * float(np.log(series.time.size))
