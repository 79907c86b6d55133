"""Folding with the period, and random undersampling to one length (the paper's t_len = 300)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import ragged_rows
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.training.archives.raw_light_curves import RawLightCurves
from pelsvae_cadence.training.archives.splits import star_numbers
from pelsvae_cadence.training.preprocess.folded_light_curves import FoldedLightCurves

__all__ = ["fold_light_curves", "undersample"]

FloatArray = npt.NDArray[np.float64]


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
    random = KeyedRandom(seed=seed)
    n = len(curves)
    number = star_numbers(curves.star)
    out = np.empty((3, n, t_len), dtype=np.float32)
    for start in range(0, n, 1000):  # bounds the memory of the keys
        rows = np.arange(start, min(start + 1000, n))
        points = ragged_rows(curves.offsets, rows)
        lengths = curves.n_points[rows]
        owner = np.repeat(rows, lengths)
        phase = np.mod(curves.time[points], curves.period[owner]) / curves.period[owner]
        out[:, rows] = undersample(
            phase,
            curves.mag[points],
            curves.mag_err[points],
            lengths,
            number[rows],
            random,
            purpose="fold",
            t_len=t_len,
        )
    return FoldedLightCurves(
        star=curves.star,
        star_class=curves.star_class,
        subtype=curves.subtype,
        period=curves.period,
        copy=np.zeros(n, dtype=np.int64),
        phase=out[0],
        mag=out[1],
        mag_err=out[2],
    )


def undersample(
    phase: FloatArray,
    mag: FloatArray,
    mag_err: FloatArray,
    lengths: npt.NDArray[np.int64],
    number: npt.NDArray[np.int64],
    random: KeyedRandom,
    *,
    purpose: str,
    t_len: int,
    item: npt.NDArray[np.int64] | int = 0,
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
    item : ndarray of int64 or int
        Address of each curve among those of its star (the number of the copy).

    Returns
    -------
    ndarray of float32, shape (3, N, t_len)
        Phase, magnitude and error.
    """
    n = lengths.size
    owner = np.repeat(np.arange(n), lengths)
    first = np.cumsum(lengths) - lengths
    address = np.broadcast_to(np.asarray(item, dtype=np.int64), (n,)) << 32
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
