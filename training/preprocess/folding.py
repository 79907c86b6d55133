"""Folding with the period, and random undersampling to one length (the paper's t_len = 300)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray, IntArray, ragged_rows
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.training.archives.raw_light_curves import RawLightCurves
from pelsvae_cadence.training.archives.splits import star_numbers
from pelsvae_cadence.training.preprocess.folded_light_curves import FoldedLightCurves

__all__ = ["fold_light_curves", "fold_rows", "undersample"]

Points = tuple[FloatArray, FloatArray, FloatArray]


def fold_light_curves(curves: RawLightCurves, *, t_len: int = 300, seed: int) -> FoldedLightCurves:
    """Fold light curves and bring them to one length.

    Parameters
    ----------
    curves : RawLightCurves
        Cleaned light curves with their periods.
    t_len : int
        Points of each folded curve (300 in the paper).
    seed : int
        The random seed; what a star gets depends on the seed and its name only.

    Returns
    -------
    FoldedLightCurves
        Phases are time modulo period, as in the published code: phase zero means nothing. A curve
        of `t_len` points or more is undersampled at random; a shorter one keeps all of its points
        and gets further ones drawn from N(mag, mag_err) (published ``subsample``).

    Raises
    ------
    InputError
        If a light curve has no points or no period.
    """
    bad = np.flatnonzero((curves.n_points == 0) | ~(curves.period > 0))
    if bad.size:
        raise InputError(
            f"{curves.star[bad[0]]} has {curves.n_points[bad[0]]} points and period {curves.period[bad[0]]}",
            remedy="Clean the light curves first (clean_light_curves).",
        )
    stars = np.arange(len(curves))

    def points(rows: IntArray, copy: IntArray) -> Points:
        here = ragged_rows(curves.offsets, rows)
        period = np.repeat(curves.period[rows], curves.n_points[rows])
        phase = np.mod(curves.time[here], period) / period
        return phase, curves.mag[here], curves.mag_err[here]

    return fold_rows(curves, stars, np.zeros_like(stars), points, purpose="fold", t_len=t_len, seed=seed)


def fold_rows(
    curves: RawLightCurves,
    rows: IntArray,
    copy: IntArray,
    points: Callable[[IntArray, IntArray], Points],
    *,
    purpose: str,
    t_len: int,
    seed: int,
) -> FoldedLightCurves:
    """Bring folded points of light curves, or of copies of them, to one length.

    Parameters
    ----------
    curves : RawLightCurves
        The light curves.
    rows, copy : ndarray of int64, shape (N,)
        The light curve behind each row, and the number of the copy, 0 for the star's own.
    points : callable
        Gives phases, magnitudes and errors of some rows and copies, one after another.
    purpose : str
        What the random numbers are for.
    t_len : int
        Points of each row.
    seed : int
        The random seed.

    Returns
    -------
    FoldedLightCurves
        The rows.
    """
    random = KeyedRandom(seed=seed)
    number = star_numbers(curves.star[rows])
    out = np.empty((3, rows.size, t_len), dtype=np.float32)
    for start in range(0, rows.size, 1000):  # bounds the memory of the keys
        part = slice(start, start + 1000)
        out[:, part] = undersample(
            *points(rows[part], copy[part]),
            curves.n_points[rows[part]],
            number[part],
            random,
            purpose=purpose,
            t_len=t_len,
            item=copy[part],
        )
    stars = {name: getattr(curves, name)[rows] for name in ("star", "star_class", "subtype", "period")}
    return FoldedLightCurves(**stars, copy=copy, phase=out[0], mag=out[1], mag_err=out[2])


def undersample(
    phase: FloatArray,
    mag: FloatArray,
    mag_err: FloatArray,
    lengths: IntArray,
    number: IntArray,
    random: KeyedRandom,
    *,
    purpose: str,
    t_len: int,
    item: IntArray,
) -> npt.NDArray[np.float32]:
    """Bring ragged folded curves to `t_len` points each, in ascending phase.

    Parameters
    ----------
    phase, mag, mag_err : ndarray of float64, shape (n_points,)
        The curves, one after another.
    lengths : ndarray of int64, shape (N,)
        Points of each curve, one or more.
    number : ndarray of int64, shape (N,)
        Number of the star behind each curve (`star_numbers`).
    random : KeyedRandom
        The random numbers.
    purpose : str
        What they are for.
    t_len : int
        Points wanted.
    item : ndarray of int64, shape (N,)
        Address of each curve among those of its star (the number of the copy).

    Returns
    -------
    ndarray of float32, shape (3, N, t_len)
        Phase, magnitude and error.
    """
    n = lengths.size
    owner = np.repeat(np.arange(n), lengths)
    first = np.cumsum(lengths) - lengths
    address = item << 32
    within = np.arange(owner.size) - first[owner]
    key = random.uniform(f"{purpose}: choose", number[owner], address[owner] + within)
    shuffled = np.lexsort((key, owner))
    # Column j of row i: its j-th point in random order; where there is none, a point drawn again.
    column = np.broadcast_to(np.arange(t_len), (n, t_len))
    extra = column >= lengths[:, None]
    again = random.uniform(f"{purpose}: repeat", number[:, None], address[:, None] + column)
    pick = np.where(extra, (again * lengths[:, None]).astype(np.int64), column)
    points = shuffled[first[:, None] + pick]
    noise = random.normal(f"{purpose}: resample", number[:, None], address[:, None] + column)
    chosen = np.stack([phase[points], mag[points], mag_err[points]])
    chosen[1] += np.where(extra, noise * chosen[2], 0.0)
    ascending = np.argsort(chosen[0], axis=1, kind="stable")
    result: npt.NDArray[np.float32] = np.take_along_axis(chosen, ascending[None], axis=2).astype(np.float32)
    return result
