"""Standard errors of figures of merit, by resampling stars."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["bootstrap_error", "median_error"]


def bootstrap_error(
    statistic: Callable[[npt.NDArray[np.int64]], float], n: int, *, seed: int, repeats: int = 200
) -> float:
    """Estimate the standard error of a statistic by resampling stars.

    Parameters
    ----------
    statistic : callable
        Maps indices of stars, shape (n,), to the statistic.
    n : int
        Number of stars.
    seed : int
        Seed of the resampling.
    repeats : int
        Number of resamples (Efron 1979, Ann. Statist. 7, 1).

    Returns
    -------
    float
        Standard deviation of the statistic over the resamples.
    """
    rng = np.random.default_rng(seed)
    return float(np.std([statistic(rng.integers(0, n, n)) for _ in range(repeats)]))


def median_error(values: npt.NDArray[np.float64], *, seed: int = 0) -> float:
    """Estimate the standard error of a median.

    Parameters
    ----------
    values : ndarray of float64, shape (N,)
        One value per star.
    seed : int
        Seed of the resampling.

    Returns
    -------
    float
        See `bootstrap_error`.
    """
    return bootstrap_error(lambda i: float(np.median(values[i])), len(values), seed=seed)
