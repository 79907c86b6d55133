"""Figures of merit with their errors: a target counts as met within two standard errors."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.validate.report import Figure

__all__ = ["bootstrap_error", "judged", "median_error"]

_SIGMAS = 2.0


def judged(
    name: str,
    value: float,
    error: float = 0.0,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    unit: str = "",
    note: str = "",
) -> Figure:
    """Make a figure that must lie in a range within two of its standard errors.

    Parameters
    ----------
    name : str
        What was measured.
    value : float
        The measured value.
    error : float
        Its standard error; 0 where there is none.
    low, high : float
        The range; infinities leave a side open, both leave the figure without a target.
    unit, note : str
        See `pelsvae_cadence.validate.report.Figure`.

    Returns
    -------
    Figure
        With target and verdict; the error leads the note.
    """
    text = "; ".join(v for v in (f"+- {error:.2g}" if error else "", note) if v)
    if math.isinf(low) and math.isinf(high):
        return Figure(name=name, value=value, unit=unit, note=text)
    plain = Figure.within(name, value, low, high, unit=unit, note=text)
    slack = _SIGMAS * error
    passed = bool(low - slack <= value <= high + slack)
    return Figure(
        name=name,
        value=value,
        unit=unit,
        target=plain.target,
        passed=passed,
        note=text if passed == plain.passed else f"{text}; met within two standard errors",
    )


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
