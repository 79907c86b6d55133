"""Means and scores of a run, or of differences, with bootstrap intervals over positions or stars.

Stars of a position share its visits and are not independent; the unit that is resampled is
therefore the position with all its stars. Where there are too few positions for that, the stars
within each position are resampled, and the answer holds for these positions alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit

from pelsvae_cadence.core.arrays import freeze
from pelsvae_cadence.core.bootstrap import percentile_interval, resampling_weights
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom

__all__ = [
    "FEWEST_POSITIONS",
    "Intervals",
    "Score",
    "Unit",
    "checked",
    "choose_unit",
    "mean_intervals",
    "pooled_intervals",
]

FloatArray = npt.NDArray[np.float64]
Unit = Literal["positions", "stars"]
#: Turns sums over stars, shape (..., n_columns), into scores, shape (..., m).
Score = Callable[[FloatArray], FloatArray]

#: Fewer positions than this are not resampled: 2^-7 is the smallest probability that seven signs
#: can give, and a bootstrap over a handful of values is too narrow.
FEWEST_POSITIONS: Final = 8

_N_BOOTSTRAP: Final = 2000
_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """Means over positions, and how sure they are.

    Parameters
    ----------
    mean : ndarray of float64, shape (m,)
        Mean over positions of the means over their stars; NaN where nothing is known.
    low, high : ndarray of float64, shape (m,)
        The interval that holds it with 95 per cent; NaN where there is nothing to resample.
    """

    mean: FloatArray
    low: FloatArray
    high: FloatArray

    def __post_init__(self) -> None:
        for value in vars(self).values():
            freeze(value)

    @classmethod
    def without(cls, mean: FloatArray) -> Self:
        """Give means with nothing to resample.

        Parameters
        ----------
        mean : ndarray of float64, shape (m,)
            The means.

        Returns
        -------
        Intervals
            The ends are NaN.
        """
        return cls(mean=mean, low=np.full(mean.shape, np.nan), high=np.full(mean.shape, np.nan))


def choose_unit(n_positions: int) -> Unit:
    """Choose what is resampled.

    Parameters
    ----------
    n_positions : int
        Number of positions.

    Returns
    -------
    {"positions", "stars"}
        Positions where there are `FEWEST_POSITIONS` or more.
    """
    return "positions" if n_positions >= FEWEST_POSITIONS else "stars"


def checked(values: npt.ArrayLike, unit: Unit) -> FloatArray:
    """Check what is to be resampled.

    Parameters
    ----------
    values : array_like, shape (n_positions, n_stars, n_quantities)
        The values.
    unit : {"positions", "stars"}
        What is resampled.

    Returns
    -------
    ndarray of float64, shape (n_positions, n_stars, n_quantities)
        The values.

    Raises
    ------
    InputError
        If the array has another shape or there is no such unit.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 3:
        raise InputError(f"values of shape {array.shape}", allowed="(n_positions, n_stars, n_quantities)")
    if unit not in ("positions", "stars"):
        raise InputError(f"unit = {unit!r}", allowed="'positions' or 'stars'")
    return array


def _position_means(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean over the stars of each position, zero where unknown, and whether it is known."""
    known = np.isfinite(values)
    n = known.sum(axis=1)
    mean = np.where(known, values, 0.0).sum(axis=1) / np.maximum(n, 1)
    return mean, (n > 0).astype(np.float64)


def mean_intervals(
    values: npt.ArrayLike, *, unit: Unit, seed: int = 0, n_bootstrap: int = _N_BOOTSTRAP
) -> Intervals:
    """Average over positions, with bootstrap intervals.

    All quantities are resampled together: differences between intervals are not by chance.

    Parameters
    ----------
    values : array_like, shape (n_positions, n_stars, n_quantities)
        One value per star, or a single star per position for quantities of the position; NaN
        where unknown.
    unit : {"positions", "stars"}
        Resample positions with their stars, or stars within each position.
    seed : int
        Seed of the resampling.
    n_bootstrap : int
        Number of resamples.

    Returns
    -------
    Intervals
        Means and expanded percentile intervals.

    Raises
    ------
    InputError
        If the array has another shape or there is no such unit.

    Notes
    -----
    Positions are drawn with replacement and keep their stars as they are: their scatter between
    positions already holds that of the stars (Davison & Hinkley 1997, Bootstrap Methods and their
    Application, section 3.8, strategy 1). Percentile intervals of n values are too narrow by
    sqrt((n-1)/n) and ignore that the variance is estimated; the percentiles are moved out so that
    a normal sample gets the t interval (Hesterberg 2015, The American Statistician 69, 371,
    section 5.3).
    """
    array = checked(values, unit)
    n_positions, n_stars, m = array.shape
    mean, known = _position_means(array)
    total = known.sum(axis=0)
    centre = _ratio(mean.sum(axis=0), total)
    tail = _tail(n_positions, n_stars, unit)
    if tail is None:
        return Intervals.without(centre)
    resamples = _resamples(n_positions, n_stars, unit, seed, n_bootstrap)
    if unit == "positions":
        (weights,) = resamples
        drawn = _ratio(weights @ mean, weights @ known)
    else:
        filled = np.where(np.isfinite(array), array, 0.0)
        sure = np.isfinite(array).astype(np.float64)
        drawn = np.zeros((n_bootstrap, m))
        for place, weights in enumerate(resamples):
            drawn += _ratio(weights @ filled[place], weights @ sure[place], empty=0.0)
        drawn = _ratio(drawn, np.broadcast_to(total, drawn.shape))
    low, high = percentile_interval(drawn, tail)
    return Intervals(mean=centre, low=low, high=high)


def pooled_intervals(values: npt.ArrayLike, score: Score, *, unit: Unit, seed: int = 0) -> Intervals:
    """Score all stars together, with bootstrap intervals.

    For scores that are no means over stars, such as an F1 score: they are functions of sums.

    Parameters
    ----------
    values : array_like, shape (n_positions, n_stars, n_columns)
        What is summed over stars and positions; zero for stars that do not count.
    score : callable
        Turns sums of shape (..., n_columns) into scores of shape (..., m).
    unit : {"positions", "stars"}
        Resample positions with their stars, or stars within each position.
    seed : int
        Seed of the resampling.

    Returns
    -------
    Intervals
        The scores, and the same expanded percentile intervals as those of `mean_intervals`.

    Raises
    ------
    InputError
        If the array has another shape or there is no such unit.
    """
    array = checked(values, unit)
    n_positions, n_stars, _ = array.shape
    sums = array.sum(axis=1)
    centre = score(sums.sum(axis=0))
    tail = _tail(n_positions, n_stars, unit)
    if tail is None:
        return Intervals.without(centre)
    resamples = _resamples(n_positions, n_stars, unit, seed, _N_BOOTSTRAP)
    blocks = [sums] if unit == "positions" else array
    drawn = sum(weights @ block for weights, block in zip(resamples, blocks, strict=True))
    low, high = percentile_interval(score(np.asarray(drawn)), tail)
    return Intervals(mean=centre, low=low, high=high)


def _tail(n_positions: int, n_stars: int, unit: Unit) -> float | None:
    """Give the share of resamples beyond each end, or None with nothing to resample."""
    freedom, n = (
        (n_positions - 1, n_positions) if unit == "positions" else (n_positions * (n_stars - 1), n_stars)
    )
    if freedom < 1:
        return None
    return float(ndtr(np.sqrt(n / (n - 1)) * stdtrit(freedom, (1.0 - _CONFIDENCE) / 2.0)))


def _resamples(
    n_positions: int, n_stars: int, unit: Unit, seed: int, n_bootstrap: int
) -> Iterator[FloatArray]:
    """Weights of the positions, or of the stars of each; the same for all quantities of one shape."""
    generator = KeyedRandom(seed=seed).generator(f"bootstrap {unit}", n_positions, n_stars)
    n, times = (n_positions, 1) if unit == "positions" else (n_stars, n_positions)
    for _ in range(times):
        yield resampling_weights(generator, n, n_bootstrap)


def _ratio(above: FloatArray, below: FloatArray, empty: float = np.nan) -> FloatArray:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), empty)
