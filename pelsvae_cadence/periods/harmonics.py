"""The arithmetic of Fourier fits at many frequencies: bases, normal equations, likelihoods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.periods.series import JointSeries

__all__ = ["harmonic_gain", "noise_free_scale", "solve_lower", "waves"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

# Added to the diagonal of the normal equations: above the rounding of their sums.
_RIDGE: Final = 1e-5
_TOGETHER: Final = 32  # frequencies fitted together: their basis stays in the processor's cache


def harmonic_gain(
    series: JointSeries, centre: FloatArray, shifts: FloatArray, multiples: IntArray
) -> tuple[float, FloatArray]:
    """Give the drop of chi-squared as harmonics enter a fit with one constant a band.

    Parameters
    ----------
    series : JointSeries
        The star.
    centre : ndarray of float64, shape (n_c,)
        Frequencies in 1/d around which to try.
    shifts : ndarray of float64, shape (n_s,)
        Distances in 1/d from each of them.
    multiples : ndarray of int64, shape (n_h,)
        Harmonics, in the order in which they enter.

    Returns
    -------
    constant : float
        The drop by the constants alone.
    gain : ndarray of float64, shape (n_c n_s, n_h)
        The further drop by the first harmonics, up to and including this one; shifts run fastest.
    """
    n = series.time.size
    time = series.time - 0.5 * (series.time.min() + series.time.max())
    # Everything is divided by the errors once, so that sums over points need no weights.
    root = 1.0 / series.error
    target = root * series.value
    member = np.zeros((n, series.n_bands))
    member[np.arange(n), series.band] = root
    band_weight = (member * member).sum(axis=0)
    offset = member.T @ target / band_weight
    fixed = np.column_stack([member, target]).astype(np.float32)
    columns = np.stack([2 * multiples - 2, 2 * multiples - 1], axis=1).ravel()
    n_columns = 2 * int(multiples.max())
    every = np.array_equal(columns, np.arange(n_columns))
    n_f = centre.size * shifts.size
    sums = np.empty((n_f, columns.size, series.n_bands + 1))
    normal = np.empty((n_f, columns.size, columns.size))
    for rows, harmonics in _harmonic_blocks(centre, shifts, time, root, n_columns):
        basis = harmonics if every else harmonics[:, columns]
        sums[rows] = basis @ fixed
        normal[rows] = basis @ basis.transpose(0, 2, 1)
    gain = _ordered_gain(sums, normal, offset, band_weight)
    return float(band_weight @ offset**2), gain[:, 1::2]


def _harmonic_blocks(
    centre: FloatArray, shifts: FloatArray, time: FloatArray, root: FloatArray, n_columns: int
) -> Iterator[tuple[slice, Float32Array]]:
    """Yield cosines and sines of the harmonics of some frequencies, divided by the errors.

    Single precision serves: phases are reduced in double precision before, and the model's error
    (`JointSeries.with_model_error`) keeps chi-squared below some ten thousand, so that likelihoods
    are good to a few hundredths.

    The first array of a block tells which of the frequencies, shifts running fastest, come in it. The
    second, of shape (n_rows, n_columns, n), holds cosine and sine of the first harmonic, of the
    second, and so on; its memory is used again for the next block.
    """
    n = time.size
    cos_centre, sin_centre = _cos_sin(centre, time)
    cos_shift, sin_shift = _cos_sin(shifts, time)
    step = max(1, _TOGETHER // shifts.size)
    weight = root.astype(np.float32)
    memory = np.empty((step * shifts.size, n_columns, n), dtype=np.float32)
    for first in range(0, centre.size, step):
        some = slice(first, first + step)
        a, b = cos_centre[some, None, :], sin_centre[some, None, :]
        twice_cos = 2.0 * (a * cos_shift - b * sin_shift).reshape(-1, n)
        sin = (b * cos_shift + a * sin_shift).reshape(-1, n)
        basis = memory[: sin.shape[0]]
        np.multiply(twice_cos, 0.5 * weight, out=basis[:, 0])
        np.multiply(sin, weight, out=basis[:, 1])
        # The next harmonic is 2 cos(phase) times the last one less the one before.
        for column in range(2, n_columns):
            np.multiply(twice_cos, basis[:, column - 2], out=basis[:, column])
            if column >= 4:
                basis[:, column] -= basis[:, column - 4]
            elif column == 2:
                basis[:, column] -= weight
        at = first * shifts.size
        yield slice(at, at + sin.shape[0]), basis


def _cos_sin(frequency: FloatArray, time: FloatArray) -> tuple[Float32Array, Float32Array]:
    turns = np.outer(frequency, time)
    turns -= np.rint(turns)
    angle = (2.0 * np.pi * turns).astype(np.float32)
    return np.cos(angle), np.sin(angle)


def _ordered_gain(
    sums: FloatArray, normal: FloatArray, offset: FloatArray, band_weight: FloatArray
) -> FloatArray:
    """Give the drop of chi-squared as columns of a basis enter a fit one after the other.

    Offsets of the bands are projected out of basis and data; one Cholesky factor gives the drop for
    every number of columns at once, as cumulative squares. `normal` is changed in place.
    """
    means = sums[:, :, :-1]
    target = sums[:, :, -1] - means @ offset
    normal -= (means / band_weight) @ means.transpose(0, 2, 1)
    diagonal = np.arange(target.shape[1])
    normal[:, diagonal, diagonal] += _RIDGE * band_weight.sum()
    solved = solve_lower(np.asarray(np.linalg.cholesky(normal), dtype=np.float64), target)
    return np.asarray(np.cumsum(solved * solved, axis=1))


def solve_lower(factor: FloatArray, right: FloatArray) -> FloatArray:
    """Solve many lower triangular systems together, by forward substitution.

    Parameters
    ----------
    factor : ndarray of float64, shape (N, k, k)
        The lower triangles.
    right : ndarray of float64, shape (N, k)
        The right sides.

    Returns
    -------
    ndarray of float64, shape (N, k)
        The solutions.
    """
    solved = np.empty_like(right)
    for k in range(right.shape[1]):
        known = (factor[:, k, :k] * solved[:, :k]).sum(axis=1)
        solved[:, k] = (right[:, k] - known) / factor[:, k, k]
    return solved


def noise_free_scale(chi2: npt.ArrayLike, series: JointSeries) -> FloatArray:
    """Give minus two log likelihood with the noise scale at its best value of one or more."""
    r = np.asarray(chi2, dtype=np.float64)
    n = series.time.size
    scale = np.maximum(r / n, 1.0)
    value: FloatArray = series.n_moments * np.log(scale) + np.minimum(r / n, 1.0) * series.n_independent
    return value


def waves(turns: FloatArray, order: int) -> FloatArray:
    """Give cosines, then sines, of the harmonics 1 to `order`."""
    angle = 2.0 * np.pi * np.outer(turns - np.rint(turns), np.arange(1, order + 1))
    return np.hstack([np.cos(angle), np.sin(angle)])
