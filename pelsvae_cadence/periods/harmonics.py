"""The arithmetic of Fourier fits at many frequencies: bases, normal equations, likelihoods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["harmonic_blocks", "noise_free_scale", "ordered_gain"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

# Added to the diagonal of the normal equations: above the rounding of their sums.
_RIDGE: Final = 1e-5
_TOGETHER: Final = 32  # frequencies fitted together: their basis stays in the processor's cache


def harmonic_blocks(
    centre: FloatArray, shifts: FloatArray, time: FloatArray, root: FloatArray, n_columns: int
) -> Iterator[tuple[slice, Float32Array]]:
    """Yield cosines and sines of the harmonics of some frequencies, divided by the errors.

    Single precision serves: phases are reduced in double precision before, and the model's error
    (`JointSeries.with_model_error`) keeps chi-squared below some ten thousand, so that likelihoods
    are good to a few hundredths.

    Parameters
    ----------
    centre : ndarray of float64, shape (n_c,)
        Frequencies in 1/d.
    shifts : ndarray of float64, shape (n_s,)
        Distances in 1/d from each of them.
    time : ndarray of float64, shape (n,)
        Times in days.
    root : ndarray of float64, shape (n,)
        Inverse errors.
    n_columns : int
        Twice the number of harmonics.

    Yields
    ------
    rows : slice
        Which of the n_c n_s frequencies, shifts running fastest, come in this block.
    basis : ndarray of float32, shape (n_rows, n_columns, n)
        Cosine and sine of the first harmonic, of the second, and so on. The memory is used again
        for the next block.
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


def ordered_gain(
    sums: FloatArray, normal: FloatArray, offset: FloatArray, band_weight: FloatArray
) -> FloatArray:
    """Give the drop of chi-squared as columns of a basis enter a fit one after the other.

    Offsets of the bands are projected out of basis and data; one Cholesky factor gives the drop for
    every number of columns at once, as cumulative squares.

    Parameters
    ----------
    sums : ndarray of float64, shape (n_f, n_columns, n_bands + 1)
        Products of the columns with the members of each band, and with the data, all divided by
        the errors.
    normal : ndarray of float64, shape (n_f, n_columns, n_columns)
        Products of the columns with each other; changed in place.
    offset : ndarray of float64, shape (n_bands,)
        Weighted band means of the data.
    band_weight : ndarray of float64, shape (n_bands,)
        Sums of the weights.

    Returns
    -------
    ndarray of float64, shape (n_f, n_columns)
        The drop of chi-squared by the first columns, up to and including this one.
    """
    means = sums[:, :, :-1]
    target = sums[:, :, -1] - means @ offset
    normal -= (means / band_weight) @ means.transpose(0, 2, 1)
    n_columns = target.shape[1]
    diagonal = np.arange(n_columns)
    normal[:, diagonal, diagonal] += _RIDGE * band_weight.sum()
    factor = np.linalg.cholesky(normal)
    solved = np.empty_like(target)
    for k in range(n_columns):  # forward substitution for all frequencies together
        known = (factor[:, k, :k] * solved[:, :k]).sum(axis=1)
        solved[:, k] = (target[:, k] - known) / factor[:, k, k]
    return np.asarray(np.cumsum(solved * solved, axis=1))


def noise_free_scale(chi2: npt.ArrayLike, n: int, moments: int) -> FloatArray:
    """Give minus two log likelihood with the noise scale at its best value of one or more.

    Parameters
    ----------
    chi2 : array_like
        Chi-squared of fits.
    n : int
        Number of points.
    moments : int
        Number of moments of observation, for which a scale above one counts.

    Returns
    -------
    ndarray of float64
        See `pelsvae_cadence.periods.refinement.fourier_scores`.
    """
    r = np.asarray(chi2, dtype=np.float64)
    scale = np.maximum(r / n, 1.0)
    value: FloatArray = moments * np.log(scale) + np.minimum(r, n)
    return value
