"""Time conventions: Julian year, mid-exposure, local noon, and the time span of observations."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError

__all__ = [
    "JULIAN_YEAR",
    "MJD_RANGE",
    "MJD_ZERO",
    "check_mjd",
    "local_noon",
    "mid_exposure",
    "start_of_exposure",
    "time_span",
]

FloatArray = npt.NDArray[np.float64]

#: Survey years are Julian years, in days.
JULIAN_YEAR: Final = 365.25
#: Julian Date of MJD 0.
MJD_ZERO: Final = 2400000.5
#: MJD of 1950 and 2100: a Julian Date or a survey day in the time column shows up here.
MJD_RANGE: Final = (33282.0, 88069.0)
_SECONDS_PER_DAY: Final = 86400.0


def check_mjd(what: str, mjd: FloatArray) -> None:
    """Refuse times that are no Modified Julian Dates of 1950 to 2100.

    Parameters
    ----------
    what : str
        What they are times of, for the message.
    mjd : ndarray of float64
        Times in days; NaN passes.

    Raises
    ------
    InputError
        If one is out of range.
    """
    outside = (mjd <= MJD_RANGE[0]) | (mjd >= MJD_RANGE[1])
    if outside.any():
        raise InputError(
            f"{what} times run from {np.nanmin(mjd):.1f} to {np.nanmax(mjd):.1f}",
            allowed=f"MJD {MJD_RANGE[0]:.0f} to {MJD_RANGE[1]:.0f}",
            remedy="Times are Modified Julian Dates (TAI): subtract 2400000.5 from Julian Dates.",
        )


def mid_exposure(start: FloatArray, exptime: FloatArray) -> FloatArray:
    """Find the middles of exposures.

    Parameters
    ----------
    start : ndarray of float64, shape (n,)
        Starts of the exposures, MJD.
    exptime : ndarray of float64, shape (n,)
        Exposure times in seconds.

    Returns
    -------
    ndarray of float64, shape (n,)
        MJD; what the readout between two exposures of a visit adds is left out.
    """
    return start + 0.5 * exptime / _SECONDS_PER_DAY


def start_of_exposure(middle: FloatArray, exptime: FloatArray) -> FloatArray:
    """Find the starts of exposures: the inverse of `mid_exposure`.

    Parameters
    ----------
    middle : ndarray of float64, shape (n,)
        Middles of the exposures, MJD.
    exptime : ndarray of float64, shape (n,)
        Exposure times in seconds.

    Returns
    -------
    ndarray of float64, shape (n,)
        MJD.
    """
    return middle - 0.5 * exptime / _SECONDS_PER_DAY


def local_noon(longitude: float) -> float:
    """Find the local mean noon, where night numbers change.

    Parameters
    ----------
    longitude : float
        Degrees east.

    Returns
    -------
    float
        Fraction of the MJD (UTC), 0 to 1.
    """
    return (0.5 - longitude / 360.0) % 1.0


def time_span(mjd: npt.ArrayLike) -> float:
    """Measure the time that observations span: the baseline of a period search.

    Parameters
    ----------
    mjd : array_like
        Times in days; those that are not finite do not count.

    Returns
    -------
    float
        Days from the first to the last, one day at least: a search then has a frequency grid, and
        ends with a status where there is nothing to search.
    """
    times = np.asarray(mjd, dtype=np.float64)
    times = times[np.isfinite(times)]
    return max(float(np.ptp(times)), 1.0) if times.size else 1.0
