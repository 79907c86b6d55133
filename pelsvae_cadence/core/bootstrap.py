"""Bootstrap: weights of resampled units, such as sky positions, and percentile intervals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["percentile_interval", "resampling_weights"]

FloatArray = npt.NDArray[np.float64]


def resampling_weights(generator: np.random.Generator, n_units: int, n_resamples: int) -> FloatArray:
    """Draw how often each unit comes in each resample.

    Parameters
    ----------
    generator : numpy.random.Generator
        The source of random numbers.
    n_units : int
        Number of units; every resample draws as many, with replacement.
    n_resamples : int
        Number of resamples.

    Returns
    -------
    ndarray of float64, shape (n_resamples, n_units)
        The product with values of the units sums each resample.
    """
    even = np.full(n_units, 1.0 / n_units)
    return generator.multinomial(n_units, even, n_resamples).astype(np.float64)


def percentile_interval(drawn: FloatArray, tail: float) -> tuple[FloatArray, FloatArray]:
    """Give the ends of an interval from resampled values.

    Parameters
    ----------
    drawn : ndarray of float64, shape (n_resamples, m)
        The values; NaN where a resample gives none.
    tail : float
        Share of the resamples beyond each end.

    Returns
    -------
    low, high : ndarray of float64, shape (m,)
        The interval; NaN where no resample gives a value.
    """
    low, high = np.full((2, drawn.shape[1]), np.nan)
    known = np.flatnonzero(np.isfinite(drawn).any(axis=0))
    if known.size:
        low[known], high[known] = np.nanquantile(drawn[:, known], [tail, 1.0 - tail], axis=0)
    return low, high
