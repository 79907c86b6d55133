"""The frequency grid of a blind search: equidistant, and its harmonics fall on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.containers import number

__all__ = ["PERIOD_RANGE", "FrequencyGrid", "period_limits"]

FloatArray = npt.NDArray[np.float64]

#: Default range of trial periods in days: from delta Scuti stars to Miras.
PERIOD_RANGE = (0.03, 1000.0)

# Ten years at the default range are 6e5 frequencies; a hundred times that is a mistyped baseline.
_MAX_FREQUENCIES = 60_000_000


def period_limits(period_range: Any) -> tuple[float, float]:
    """Read a range of periods.

    Parameters
    ----------
    period_range : tuple of float or Quantity
        Shortest and longest period; plain numbers are in days.

    Returns
    -------
    shortest, longest : float
        In days.

    Raises
    ------
    InputError
        If they are not two rising periods above zero.
    """
    try:
        shortest, longest = period_range
    except (TypeError, ValueError):
        raise InputError(f"period_range = {period_range!r}", allowed="two periods in days") from None
    shortest, longest = (number("period_range", period, "d") for period in (shortest, longest))
    if not 0 < shortest < longest:
        raise InputError(f"period_range = {period_range!r} d", allowed="0 < shortest < longest, in days")
    return shortest, longest


@dataclass(frozen=True, kw_only=True)
class FrequencyGrid:
    r"""Equidistant trial frequencies :math:`f_j = f_{\min} + j\,\delta f`.

    Parameters
    ----------
    fmin : float
        Lowest frequency in 1/d, a whole multiple of `df`, so that the harmonics and
        sub-harmonics of a trial frequency are trial frequencies.
    df : float
        Step in 1/d.
    n : int
        Number of frequencies.
    oversampling : float
        Steps in one Rayleigh width 1/T, T being the baseline (VanderPlas 2018, ApJS 236, 16,
        section 7.1).

    Raises
    ------
    InputError
        If a value is out of range or `fmin` is not a multiple of `df`.
    """

    fmin: float
    df: float
    n: int
    oversampling: float = 5.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.df) and self.df > 0):
            raise InputError(f"df = {self.df!r} 1/d", allowed="> 0")
        if not 1 <= self.n <= _MAX_FREQUENCIES:
            raise InputError(
                f"a grid of {self.n} frequencies",
                allowed=f"1 .. {_MAX_FREQUENCIES}",
                remedy="Narrow the period range, or check the baseline (in days).",
            )
        if not self.oversampling >= 1:
            raise InputError(f"oversampling = {self.oversampling!r}", allowed=">= 1")
        k = self.fmin / self.df
        if not (k >= 0.5 and abs(k - round(k)) < 1e-6 * max(1.0, k)):
            raise InputError(
                f"fmin = {self.fmin!r} 1/d is not a whole multiple of df = {self.df!r} 1/d",
                remedy="Make the grid with FrequencyGrid.from_baseline.",
            )

    @classmethod
    def from_baseline(
        cls, baseline: float, period_range: tuple[float, float] = PERIOD_RANGE, oversampling: float = 5.0
    ) -> Self:
        """Make the grid for observations that span a given time.

        Parameters
        ----------
        baseline : float
            Nominal time span T in days, the same for all sources that share a grid.
        period_range : tuple of float
            Shortest and longest period in days. The ends are rounded outwards to the grid.
        oversampling : float
            Steps in one width 1/T.

        Returns
        -------
        FrequencyGrid
            Step 1/(oversampling T), the first frequency a multiple of it.

        Raises
        ------
        InputError
            If a value is out of range.
        """
        baseline, oversampling = number("baseline", baseline, "d"), number("oversampling", oversampling)
        if not baseline > 0:
            raise InputError(f"baseline = {baseline!r} d", allowed="> 0 d")
        if not oversampling >= 1:
            raise InputError(f"oversampling = {oversampling!r}", allowed=">= 1")
        shortest, longest = period_limits(period_range)
        df = 1.0 / (oversampling * baseline)
        first = max(1, int(np.floor(1.0 / longest / df)))
        last = max(first, int(np.ceil(1.0 / shortest / df)))
        return cls(fmin=first * df, df=df, n=last - first + 1, oversampling=oversampling)

    @property
    def baseline(self) -> float:
        """Nominal time span T in days."""
        return 1.0 / (self.oversampling * self.df)

    @property
    def fmax(self) -> float:
        """Highest frequency in 1/d."""
        return self.fmin + (self.n - 1) * self.df

    def frequencies(self) -> FloatArray:
        """Write out the grid.

        Returns
        -------
        ndarray of float64, shape (n,)
            The frequencies in 1/d.
        """
        return np.asarray(self.fmin + self.df * np.arange(self.n), dtype=np.float64)

    def blocks(self, size: int = 65_536) -> list[tuple[int, int]]:
        """Cut the grid into runs that keep the transforms in the processor's cache.

        Parameters
        ----------
        size : int
            Largest number of frequencies in a run.

        Returns
        -------
        list of tuple of int
            First index and number of frequencies of each run.
        """
        return [(first, min(size, self.n - first)) for first in range(0, self.n, size)]
