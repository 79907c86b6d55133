"""From the clock of the survey to the clock of the star."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.simulation.earth import earth_position

__all__ = ["MJD_ZERO", "barycentric_time", "light_travel_time"]

FloatArray = npt.NDArray[np.float64]

#: Julian Date of MJD 0.
MJD_ZERO: Final = 2400000.5

# TT - TAI in days; TDB follows TT to 1.7 ms, which no period here can feel.
_TT_MINUS_TAI: Final = 32.184 / 86400.0
# Light time for one astronomical unit in days: IAU 2012 au over c.
_AU_DAYS: Final = 149597870700.0 / 299792458.0 / 86400.0


def light_travel_time(mjd: npt.ArrayLike, ra: npt.ArrayLike, dec: npt.ArrayLike) -> FloatArray:
    """Give the Roemer delay between the geocentre and the barycentre of the solar system.

    Parameters
    ----------
    mjd : array_like, shape (n_visits,)
        Times, MJD (TAI), in days.
    ra, dec : array_like, shape (N,)
        Directions in degrees.

    Returns
    -------
    ndarray of float64, shape (N, n_visits)
        Days to add to a geocentric time; within 8.4 minutes of zero. The observatory's offset
        from the geocentre (21 ms at most) is left out.

    Notes
    -----
    Earth's position is that of ERFA's ``epv00`` (Bretagnon & Francou 1988, accurate to 4e-8 au);
    see `pelsvae_cadence.simulation.earth`.
    """
    times = np.asarray(mjd, dtype=np.float64)
    earth = earth_position(times + _TT_MINUS_TAI)
    ra_rad = np.radians(np.asarray(ra, dtype=np.float64))[:, None]
    dec_rad = np.radians(np.asarray(dec, dtype=np.float64))[:, None]
    # Products summed one by one: a matrix product rounds differently with the number of stars.
    along = (
        np.cos(dec_rad) * np.cos(ra_rad) * earth[:, 0]
        + np.cos(dec_rad) * np.sin(ra_rad) * earth[:, 1]
        + np.sin(dec_rad) * earth[:, 2]
    )
    return np.asarray(_AU_DAYS * along)


def barycentric_time(mjd: npt.ArrayLike, ra: npt.ArrayLike, dec: npt.ArrayLike) -> FloatArray:
    """Convert visit times to barycentric times.

    Parameters
    ----------
    mjd : array_like, shape (n_visits,)
        Times, MJD (TAI), in days.
    ra, dec : array_like, shape (N,)
        Directions in degrees.

    Returns
    -------
    ndarray of float64, shape (N, n_visits)
        BJD_TDB - 2400000.5 in days.
    """
    times = np.asarray(mjd, dtype=np.float64)
    return times + _TT_MINUS_TAI + light_travel_time(times, ra, dec)
