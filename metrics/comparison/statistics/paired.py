"""Paired significance tests of two runs: sign-flip permutations, Benjamini-Hochberg.

Both runs observe the same stars at the same positions, so what is judged are differences star by
star. If the two were one strategy, either could have been called the first, at each position (or
for each star) anew.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.metrics.comparison.statistics.bootstrap import Score, Unit, checked

__all__ = ["corrected", "sign_flip_test", "swap_test"]

FloatArray = npt.NDArray[np.float64]

_N_FLIPS: Final = 10_000
# Up to here all sign patterns are tried, and the test is exact.
_MOST_EXACT: Final = 13
# Means of fractions that are equal on paper differ in the last bits.
_ROUNDING: Final = 1e-9
# Columns worked on at once: 10^4 flips of 64 columns are 5 MB.
_BLOCK: Final = 64


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
    array = np.nan_to_num(checked(differences, unit))
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
    signs, exact = _sign_patterns(n, unit, n_positions, n_stars, seed, n_flips)
    for start in range(0, moving.size, _BLOCK):
        block = moving[start : start + _BLOCK]
        here = units[:, block]
        found = np.abs(here.sum(axis=0))
        reached = np.abs(signs @ here) >= found - _ROUNDING
        p[block] = _share(reached, exact)
    return p


def _sign_patterns(
    n: int, unit: Unit, n_positions: int, n_stars: int, seed: int, n_flips: int
) -> tuple[FloatArray, bool]:
    """Give sign patterns of n units, and whether these are all there are."""
    exact = n <= _MOST_EXACT
    if exact:
        ones = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
    else:
        generator = KeyedRandom(seed=seed).generator(f"sign flips {unit}", n_positions, n_stars)
        ones = generator.integers(0, 2, (n_flips, n))
    return 1.0 - 2.0 * ones.astype(np.float64), exact


def _share(reached: npt.NDArray[np.bool_], exact: bool) -> FloatArray:
    """Give the share of patterns that reach the difference; of random ones, with that observed."""
    hits, n = np.count_nonzero(reached, axis=0), len(reached)
    return np.asarray(hits / n if exact else (hits + 1.0) / (n + 1.0))


def swap_test(
    one: npt.ArrayLike,
    other: npt.ArrayLike,
    score: Score,
    *,
    unit: Unit,
    seed: int = 0,
    n_flips: int = _N_FLIPS,
) -> FloatArray:
    """Test whether two runs have the same score, by swapping them unit by unit.

    What `sign_flip_test` is for means: if the two runs were one strategy, either could have been
    called the first at each unit. The probability is the share of all such swaps after which the
    scores differ at least as much.

    Parameters
    ----------
    one, other : array_like, shape (n_positions, n_stars, n_columns)
        What the score is a function of, of the two runs; see `pooled_intervals`.
    score : callable
        Turns sums of shape (..., n_columns) into scores of shape (..., m).
    unit : {"positions", "stars"}
        What is swapped together: a position with all its stars, or each star.
    seed : int
        Seed of the swaps, where there are too many to try all.
    n_flips : int
        Number of random swaps.

    Returns
    -------
    ndarray of float64, shape (m,)
        Two-sided probabilities; NaN where a score is unknown, or stars are the unit and there is
        only one a position.

    Raises
    ------
    InputError
        If the arrays have other shapes or there is no such unit.
    """
    first, second = checked(one, unit), checked(other, unit)
    if first.shape != second.shape:
        raise InputError(f"values of shapes {first.shape} and {second.shape}", allowed="the same")
    n_positions, n_stars, n_columns = first.shape
    found = np.abs(score(first.sum(axis=(0, 1))) - score(second.sum(axis=(0, 1))))
    if unit == "stars" and n_stars < 2:
        return np.full(found.shape, np.nan)
    axes = (n_positions, n_columns) if unit == "positions" else (-1, n_columns)
    a, b = ((x.sum(axis=1) if unit == "positions" else x).reshape(axes) for x in (first, second))
    signs, exact = _sign_patterns(len(a), unit, n_positions, n_stars, seed, n_flips)
    both, swapped = (a + b).sum(axis=0), signs @ (a - b)
    gap = np.abs(score(0.5 * (both + swapped)) - score(0.5 * (both - swapped)))
    return np.where(np.isfinite(found), _share(gap >= found - _ROUNDING, exact), np.nan)


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
