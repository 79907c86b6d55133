"""Candidate frequencies: all of them for stars with few points, peaks of the periodogram otherwise.

With few points the true period need not be among the peaks of any periodogram, so a few shapes of
each subtype are tried at every frequency that it can have. With many points peaks suffice, with
their multiples: a binary's highest peak is at twice its frequency or at a higher harmonic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

from pelsvae_cadence.inference.bank import GroupShapes
from pelsvae_cadence.inference.matching import GroupDesign, PointSums, match, point_sums
from pelsvae_cadence.inference.points import StarPoints

__all__ = ["Candidates", "coarse_design", "every_frequency", "highest_maxima", "peaks_and_multiples"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_STEPS: Final = 5.0  # per 1/T
_BLOCK: Final = 4096  # frequencies at a time
_MOST: Final = 120  # candidates of each subtype
_MODEL_ERROR: Final = 0.2  # of coarse shapes, in units of the star's scatter
# Shapes in each stretch of periods, two kernel widths long, and how far they reach in widths.
_SHAPES: Final = {"DSCT": 3, "ELL": 2, "EW": 4, "Mira": 4}
_SHAPES_OTHERS: Final = 6
_STRETCH: Final = 0.1  # least length in ln P
_LEAST_STRETCHES: Final = 5  # those of wide kernels must not leave the ends of the periods bare
_REACH: Final = 1.7
_HARMONICS: Final = {"EA": 12, "EB": 8}
_HARMONICS_OTHERS: Final = 6
# A subtype is also looked at where others are best, if it is not this much worse in log evidence.
_DROP: Final = 10.0
_DROP_OF_OWN: Final = 30.0
_DROP_OF_PEAKS: Final = 10.0  # with many points: in units of the square root of their number
_MOST_PEAKS: Final = 12
_FINE_STEPS: Final = np.array([-1.0, 0.0, 1.0]) / 3.0
# Which multiples of the frequency of how many of the highest peaks are tried.
_MULTIPLES: Final = {
    60: (1.0,),
    12: (2.0, 1 / 2, 1 / 3, 2 / 3, 1 / 4, 1 / 5, 1 / 6),
    4: (1 / 7, 1 / 8, 1 / 9, 1 / 10, 1 / 12),
}
_STRETCH_OF_PEAKS: Final = 2.5  # a hundred frequencies between periods of an hour and of years
_PEAK_STEPS: Final = np.array([-0.1, 0.0, 0.1])  # 1/T around a peak


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Frequencies to be looked at closely.

    Parameters
    ----------
    frequency : ndarray of float64, shape (F,)
        Rising frequencies in 1/d.
    wanted : ndarray of bool, shape (n_subtypes, F)
        Which subtypes are to be looked at there.
    """

    frequency: FloatArray
    wanted: npt.NDArray[np.bool_]


def coarse_design(shapes: GroupShapes) -> GroupDesign:
    """Choose a few members that stand for a subtype: medoids of shape in stretches of period.

    Parameters
    ----------
    shapes : GroupShapes
        All members.

    Returns
    -------
    GroupDesign
        The chosen ones, with their low harmonics.
    """
    n_shapes = _SHAPES.get(shapes.subtype, _SHAPES_OTHERS)
    length = max(2.0 * shapes.width, _STRETCH)
    n_stretches = round(float(shapes.ln_period[-1] - shapes.ln_period[0]) / length)
    n_stretches = int(np.clip(n_stretches, _LEAST_STRETCHES, max(len(shapes) // n_shapes, 1)))
    chosen = []
    for stretch in np.array_split(np.arange(len(shapes)), n_stretches):
        low = shapes.harmonics[stretch, :, 1 : _HARMONICS_OTHERS + 1].reshape(stretch.size, -1)
        features = np.concatenate([low.real, low.imag], axis=1).astype(np.float64)
        features /= np.sqrt((features**2).sum(axis=1, keepdims=True))
        clusters = KMeans(n_shapes, n_init=1, random_state=0).fit(features)
        distance = ((features[:, None] - clusters.cluster_centers_) ** 2).sum(axis=2)
        chosen.extend(stretch[np.unique(distance.argmin(axis=0))])
    few = shapes.take(np.sort(np.array(chosen)))
    return GroupDesign.of(
        few,
        most_harmonics=_HARMONICS.get(shapes.subtype, _HARMONICS_OTHERS),
        reach=0.5 * _REACH * length,
        density=2.5,
    )


def highest_maxima(values: FloatArray, n: int) -> IntArray:
    """Give the indices of the highest local maxima, highest first.

    Parameters
    ----------
    values : ndarray of float64, shape (F,)
        Values; -inf counts as nothing.
    n : int
        How many at most.

    Returns
    -------
    ndarray of int64, shape (m,)
        Indices, m <= n.
    """
    edge = np.array([-np.inf])
    left, right = np.concatenate([edge, values[:-1]]), np.concatenate([values[1:], edge])
    peaks = np.flatnonzero((values >= left) & (values > right) & np.isfinite(values))
    return np.asarray(peaks[np.argsort(-values[peaks], kind="stable")[:n]])


def every_frequency(
    star: StarPoints, designs: tuple[GroupDesign, ...], limits: tuple[float, float], *, colours: bool
) -> Candidates:
    """Try a few shapes of each subtype at every frequency.

    Parameters
    ----------
    star : StarPoints
        The points.
    designs : tuple of GroupDesign
        Coarse designs of the subtypes.
    limits : (float, float)
        Lowest and highest frequency in 1/d.
    colours : bool
        Whether mean colours count.

    Returns
    -------
    Candidates
        The best frequencies of each subtype, and two more around each.
    """
    step = 1.0 / (_STEPS * star.span)
    weight = star.with_model_error(_MODEL_ERROR) ** -2.0
    low = max(limits[0], 0.25 / star.span)
    first = [max(low, float(np.exp(-d.shapes.ln_period[-1] - d.shapes.width))) for d in designs]
    last = [min(limits[1], float(np.exp(-d.shapes.ln_period[0] + d.shapes.width))) for d in designs]
    if not designs or max(last) <= min(first):
        return Candidates(frequency=np.empty(0), wanted=np.empty((len(designs), 0), dtype=np.bool_))
    grid = np.arange(min(first), max(last) + step, step)
    height = np.full((len(designs), grid.size), -np.inf)
    for start in range(0, grid.size, _BLOCK):
        block = grid[start : start + _BLOCK]
        active = [j for j in range(len(designs)) if first[j] <= block[-1] and last[j] >= block[0]]
        if not active:
            continue
        sums = point_sums(star, weight, block, max(designs[j].n_harmonics for j in active))
        for j in active:
            best = _heights(star, weight, sums, designs[j], colours)
            inside = (block >= first[j]) & (block <= last[j])
            height[j, start : start + _BLOCK] = np.where(inside, best, -np.inf)
    own = [highest_maxima(row, _MOST) for row in height]
    chosen = np.unique(np.concatenate(own))
    near_best = height[:, chosen] > height.max() - _DROP
    for j, mine in enumerate(own):
        good = mine[height[j, mine] > height.max() - _DROP_OF_OWN]
        near_best[j] |= np.isin(chosen, good)
    around = (grid[chosen][:, None] + _FINE_STEPS * step).ravel()
    wanted = np.repeat(near_best, _FINE_STEPS.size, axis=1)
    inside = (around >= low) & (around <= limits[1])
    order = np.argsort(around[inside], kind="stable")
    return Candidates(frequency=around[inside][order], wanted=wanted[:, inside][:, order])


def peaks_and_multiples(
    star: StarPoints,
    designs: tuple[GroupDesign, ...],
    peaks: FloatArray,
    others: FloatArray,
    limits: tuple[float, float],
    *,
    colours: bool,
) -> Candidates:
    """Try a few shapes of each subtype at the peaks of a periodogram and at multiples of them.

    Parameters
    ----------
    star : StarPoints
        The points.
    designs : tuple of GroupDesign
        Coarse designs of the subtypes.
    peaks : ndarray of float64, shape (m,)
        Frequencies of the peaks in 1/d, highest peak first.
    others : ndarray of float64, shape (j,)
        Further frequencies, which are kept whatever the coarse shapes say.
    limits : (float, float)
        Lowest and highest frequency in 1/d.
    colours : bool
        Whether mean colours count.

    Returns
    -------
    Candidates
        The best frequencies of each subtype, and two more around each.
    """
    chosen = np.concatenate([peaks[:n] * m for n, multiples in _MULTIPLES.items() for m in multiples])
    chosen = np.unique(np.concatenate([chosen, others]))
    chosen = chosen[(chosen >= limits[0]) & (chosen <= limits[1])]
    weight = star.with_model_error(_MODEL_ERROR) ** -2.0
    sums = point_sums(star, weight, chosen, max(d.n_harmonics for d in designs))
    height = np.stack(
        [_heights(star, weight, sums, design, colours, _STRETCH_OF_PEAKS) for design in designs]
    )
    near_best = height > height.max(initial=-np.inf) - _DROP_OF_PEAKS * np.sqrt(star.time.size)
    keep = np.zeros_like(near_best)
    for j, row in enumerate(height):
        keep[j, np.argsort(-row, kind="stable")[:_MOST_PEAKS]] = True
    keep |= np.isin(chosen, others)
    near_best &= keep & np.isfinite(height)
    near_best |= np.isin(chosen, others) & np.isfinite(height)
    around = (chosen[:, None] + _PEAK_STEPS / star.span).ravel()
    wanted = np.repeat(near_best, _PEAK_STEPS.size, axis=1)
    inside = (around >= limits[0]) & (around <= limits[1]) & wanted.any(axis=0)
    order = np.argsort(around[inside], kind="stable")
    return Candidates(frequency=around[inside][order], wanted=wanted[:, inside][:, order])


def _heights(
    star: StarPoints,
    weight: FloatArray,
    sums: PointSums,
    design: GroupDesign,
    colours: bool,
    stretch: float = 1.1,
) -> FloatArray:
    """Give the log evidence of a subtype's best coarse shape at each frequency."""
    evidence, _ = match(star, weight, sums, design, colours=colours, best_phase_only=True, stretch=stretch)
    distance = np.abs(np.log(sums.frequency)[:, None] + design.shapes.ln_period)
    best = np.where(distance < design.reach, evidence, -np.inf).max(axis=1)
    return np.asarray(best, dtype=np.float64)
