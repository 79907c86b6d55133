"""Is a difference between two runs real? Paired bootstrap intervals and sign-flip tests.

Both runs observe the same stars at the same positions, so what is judged are differences star by
star. Stars of a position share its visits and are not independent; the unit that is resampled is
therefore the position with all its stars. Where there are too few positions for that, the stars
within each position are resampled, and the answer holds for these positions alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit
from scipy.stats import false_discovery_control

from pelsvae_cadence.arrays import freeze
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.randomness import KeyedRandom

__all__ = [
    "FEWEST_POSITIONS",
    "Intervals",
    "Unit",
    "choose_unit",
    "corrected",
    "mean_intervals",
    "sign_flip_test",
]

FloatArray = npt.NDArray[np.float64]
Unit = Literal["positions", "stars"]

#: Fewer positions than this are not resampled: 2^-7 is the smallest probability that seven signs
#: can give, and a bootstrap over a handful of values is too narrow.
FEWEST_POSITIONS: Final = 8

_N_BOOTSTRAP: Final = 2000
_N_FLIPS: Final = 10_000
# Up to here all sign patterns are tried, and the test is exact.
_MOST_EXACT: Final = 13
# Means of fractions that are equal on paper differ in the last bits.
_ROUNDING: Final = 1e-9
# Columns worked on at once: 10^4 flips of 64 columns are 5 MB.
_BLOCK: Final = 64


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


def _check(values: npt.ArrayLike, unit: Unit) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 3:
        raise InputError(
            f"values of shape {array.shape}", allowed="(n_positions, n_stars, n_quantities)"
        )
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
    array = _check(values, unit)
    n_positions, n_stars, m = array.shape
    mean, known = _position_means(array)
    total = known.sum(axis=0)
    with np.errstate(invalid="ignore"):
        centre = np.where(total > 0, mean.sum(axis=0) / total, np.nan)
    freedom = n_positions - 1 if unit == "positions" else n_positions * (n_stars - 1)
    if freedom < 1:
        nothing = np.full(m, np.nan)
        return Intervals(mean=centre, low=nothing, high=nothing.copy())
    generator = KeyedRandom(seed=seed).generator(f"bootstrap {unit}", n_positions, n_stars)
    if unit == "positions":
        weights = generator.multinomial(
            n_positions, np.full(n_positions, 1.0 / n_positions), n_bootstrap
        ).astype(np.float64)
        drawn = _ratio(weights @ mean, weights @ known)
        n = n_positions
    else:
        drawn = np.zeros((n_bootstrap, m))
        filled = np.where(np.isfinite(array), array, 0.0)
        sure = np.isfinite(array).astype(np.float64)
        for place in range(n_positions):
            weights = generator.multinomial(
                n_stars, np.full(n_stars, 1.0 / n_stars), n_bootstrap
            ).astype(np.float64)
            drawn += _ratio(weights @ filled[place], weights @ sure[place], empty=0.0)
        drawn = _ratio(drawn, np.broadcast_to(total, drawn.shape))
        n = n_stars
    tail = ndtr(np.sqrt(n / (n - 1)) * stdtrit(freedom, (1.0 - confidence) / 2.0))
    low, high = _quantiles(drawn, float(tail))
    return Intervals(mean=centre, low=low, high=high)


def _ratio(above: FloatArray, below: FloatArray, empty: float = np.nan) -> FloatArray:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), empty)


def _quantiles(drawn: FloatArray, tail: float) -> tuple[FloatArray, FloatArray]:
    """Quantiles of the columns that hold anything."""
    low, high = np.full(drawn.shape[1], np.nan), np.full(drawn.shape[1], np.nan)
    filled = np.flatnonzero(np.isfinite(drawn).any(axis=0))
    if filled.size:
        low[filled], high[filled] = np.nanquantile(drawn[:, filled], [tail, 1.0 - tail], axis=0)
    return low, high


def sign_flip_test(
    differences: npt.ArrayLike, *, unit: Unit, seed: int = 0, n_flips: int = _N_FLIPS
) -> FloatArray:
    """Test whether paired differences have mean zero, by flipping their signs.

    If the two runs were one strategy, either could have been called the first: every unit's
    difference could as well have had the other sign. The probability is the share of sign
    patterns that give a mean at least as far from zero.

    Parameters
    ----------
    differences : array_like, shape (n_positions, n_stars, n_quantities)
        Differences per star, or with a single star for quantities of the position; NaN where
        unknown, which counts as no difference.
    unit : {"positions", "stars"}
        What is flipped together: a position with all its stars, or each star.
    seed : int
        Seed of the sign patterns, where there are too many to try all.
    n_flips : int
        Number of random patterns.

    Returns
    -------
    ndarray of float64, shape (n_quantities,)
        Two-sided probabilities; exact up to 13 units. 1 where nothing differs; NaN where stars
        are the unit and there is only one a position.

    Raises
    ------
    InputError
        If the array has another shape or there is no such unit.

    References
    ----------
    Fisher 1935, The Design of Experiments, section 21; counting the pattern observed: Phipson &
    Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39.
    """
    array = np.nan_to_num(_check(differences, unit))
    n_positions, n_stars, m = array.shape
    if unit == "stars":
        if n_stars < 2:
            return np.full(m, np.nan)
        units = array.reshape(n_positions * n_stars, m)
    else:
        units = array.mean(axis=1)
    n = units.shape[0]
    # Units without any difference change nothing, whatever their sign.
    p = np.ones(m)
    moving = np.flatnonzero((units != 0.0).any(axis=0))
    exact = n <= _MOST_EXACT
    if exact:
        signs = 1.0 - 2.0 * ((np.arange(1 << n)[:, None] >> np.arange(n)) & 1)
    else:
        generator = KeyedRandom(seed=seed).generator(f"sign flips {unit}", n_positions, n_stars)
        signs = 1.0 - 2.0 * generator.integers(0, 2, (n_flips, n))
    for start in range(0, moving.size, _BLOCK):
        block = moving[start : start + _BLOCK]
        here = units[:, block]
        found = np.abs(here.sum(axis=0))
        reached = np.abs(signs @ here) >= found - _ROUNDING
        hits = np.count_nonzero(reached, axis=0)
        p[block] = hits / len(signs) if exact else (hits + 1.0) / (len(signs) + 1.0)
    return p


def corrected(p: npt.ArrayLike) -> FloatArray:
    """Correct probabilities for their number.

    Calling those below 0.05 significant keeps the expected share of false ones among them below
    5 per cent; where there is no difference at all, the chance of calling anything significant is
    5 per cent.

    Parameters
    ----------
    p : array_like, shape (n,)
        Probabilities; NaN where no test was made.

    Returns
    -------
    ndarray of float64, shape (n,)
        Adjusted probabilities, NaN where `p` is.

    References
    ----------
    Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57, 289; for the positive dependence of
    quantities of the same stars Benjamini & Yekutieli 2001, Ann. Stat. 29, 1165, theorem 1.2.
    """
    array = np.asarray(p, dtype=np.float64)
    adjusted = np.full(array.shape, np.nan)
    tested = np.isfinite(array)
    if tested.any():
        adjusted[tested] = false_discovery_control(array[tested], method="bh")
    return adjusted
