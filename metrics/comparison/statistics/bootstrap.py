"""Means and scores of a run, or of differences, with bootstrap intervals over positions or stars.

Stars of a position share its visits and are not independent; the unit that is resampled is
therefore the position with all its stars. Where there are too few positions for that, the stars
within each position are resampled, and the answer holds for these positions alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit

from pelsvae_cadence.core.arrays import freeze
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


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """Means over positions, and how sure they are.

    Parameters
    ----------
    mean : ndarray of float64, shape (m,)
        Mean over positions of the means over their stars; NaN where nothing is known.
    low, high : ndarray of float64, shape (m,)
        The interval; NaN where there is nothing to resample.
    """

    mean: FloatArray
    low: FloatArray
    high: FloatArray

    def __post_init__(self) -> None:
        for value in vars(self).values():
            freeze(value)


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
    values: npt.ArrayLike,
    *,
    unit: Unit,
    seed: int = 0,
    confidence: float = 0.95,
    n_bootstrap: int = _N_BOOTSTRAP,
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
    confidence : float
        Coverage of the intervals.
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
    with np.errstate(invalid="ignore"):
        centre = np.where(total > 0, mean.sum(axis=0) / total, np.nan)
    tail = _tail(n_positions, n_stars, unit, confidence)
    if tail is None:
        return _no_interval(centre)
    resampled = _Resampling(n_positions, n_stars, unit, seed, n_bootstrap)
    if unit == "positions":
        drawn = _ratio(resampled.sums(mean), resampled.sums(known))
    else:
        filled = np.where(np.isfinite(array), array, 0.0)
        sure = np.isfinite(array).astype(np.float64)
        drawn = np.zeros((n_bootstrap, m))
        for place, weights in enumerate(resampled.of_stars()):
            drawn += _ratio(weights @ filled[place], weights @ sure[place], empty=0.0)
        drawn = _ratio(drawn, np.broadcast_to(total, drawn.shape))
    low, high = _quantiles(drawn, tail)
    return Intervals(mean=centre, low=low, high=high)


def pooled_intervals(
    values: npt.ArrayLike,
    score: Score,
    *,
    unit: Unit,
    seed: int = 0,
    confidence: float = 0.95,
    n_bootstrap: int = _N_BOOTSTRAP,
) -> Intervals:
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
    confidence : float
        Coverage of the intervals.
    n_bootstrap : int
        Number of resamples.

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
    n_positions, n_stars, n_columns = array.shape
    sums = array.sum(axis=1)
    centre = score(sums.sum(axis=0))
    tail = _tail(n_positions, n_stars, unit, confidence)
    if tail is None:
        return _no_interval(centre)
    resampled = _Resampling(n_positions, n_stars, unit, seed, n_bootstrap)
    if unit == "positions":
        drawn = resampled.sums(sums)
    else:
        drawn = np.zeros((n_bootstrap, n_columns))
        for place, weights in enumerate(resampled.of_stars()):
            drawn += weights @ array[place]
    low, high = _quantiles(score(drawn), tail)
    return Intervals(mean=centre, low=low, high=high)


def _tail(n_positions: int, n_stars: int, unit: Unit, confidence: float) -> float | None:
    """Give the share of resamples beyond each end, or None with nothing to resample."""
    freedom, n = (
        (n_positions - 1, n_positions) if unit == "positions" else (n_positions * (n_stars - 1), n_stars)
    )
    if freedom < 1:
        return None
    return float(ndtr(np.sqrt(n / (n - 1)) * stdtrit(freedom, (1.0 - confidence) / 2.0)))


def _no_interval(centre: FloatArray) -> Intervals:
    return Intervals(mean=centre, low=np.full(centre.shape, np.nan), high=np.full(centre.shape, np.nan))


class _Resampling:
    """How often each unit comes in each resample: the same for all quantities of one shape."""

    def __init__(self, n_positions: int, n_stars: int, unit: Unit, seed: int, n_bootstrap: int) -> None:
        self._n = n_positions if unit == "positions" else n_stars
        self._n_positions, self._n_bootstrap = n_positions, n_bootstrap
        self._generator = KeyedRandom(seed=seed).generator(f"bootstrap {unit}", n_positions, n_stars)
        self._weights = self._drawn() if unit == "positions" else None

    def _drawn(self) -> FloatArray:
        even = np.full(self._n, 1.0 / self._n)
        return self._generator.multinomial(self._n, even, self._n_bootstrap).astype(np.float64)

    def sums(self, of_positions: FloatArray) -> FloatArray:
        """Sum the rows of positions, shape (n_bootstrap, m)."""
        assert self._weights is not None
        return np.asarray(self._weights @ of_positions)

    def of_stars(self) -> Iterator[FloatArray]:
        """Weights of the stars of each position, shape (n_bootstrap, n_stars)."""
        for _ in range(self._n_positions):
            yield self._drawn()


def _ratio(above: FloatArray, below: FloatArray, empty: float = np.nan) -> FloatArray:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), empty)


def _quantiles(drawn: FloatArray, tail: float) -> tuple[FloatArray, FloatArray]:
    """Quantiles of the columns that hold anything."""
    low, high = np.full(drawn.shape[1], np.nan), np.full(drawn.shape[1], np.nan)
    filled = np.flatnonzero(np.isfinite(drawn).any(axis=0))
    if filled.size:
        low[filled], high[filled] = np.nanquantile(drawn[:, filled], [tail, 1.0 - tail], axis=0)
    return low, high
