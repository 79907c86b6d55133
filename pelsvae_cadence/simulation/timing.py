"""Barycentric times: from the clock of the survey to the clock of the star.

The Earth's position is computed once a day of the survey and interpolated: ERFA's series takes 50
microseconds a time, a thousand times longer than all else that a point of a light curve needs for its
phase.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import erfa
import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.times import MJD_ZERO

__all__ = ["barycentric_time", "light_travel_time"]

FloatArray = npt.NDArray[np.float64]

# TT - TAI in days; TDB follows TT to 1.7 ms, which no period here can feel.
_TT_MINUS_TAI: Final = 32.184 / 86400.0
# Light time for one astronomical unit in days: IAU 2012 au over c.
_AU_DAYS: Final = 149597870700.0 / 299792458.0 / 86400.0
# Nodes lie at whole days, whatever times are asked for: a position depends on its own time alone.
_BLOCK: Final = 64  # days computed at once; ten years are 57 blocks of 3 kB


@lru_cache(maxsize=512)
def _nodes(block: int) -> tuple[FloatArray, FloatArray]:
    days = np.arange(block * _BLOCK, (block + 1) * _BLOCK + 1, dtype=np.float64)
    _, barycentric = erfa.epv00(MJD_ZERO, days)
    return np.array(barycentric["p"]), np.array(barycentric["v"])


def _earth_position(mjd_tt: npt.ArrayLike) -> FloatArray:
    """Give the barycentric position of the Earth.

    ERFA's ``epv00`` (after Bretagnon & Francou 1988, A&A 202, 309; good to 4e-8 au) at whole days,
    between them cubic Hermite interpolation in position and velocity: within 1e-9 au (half a
    microsecond of light time) of the series itself.
    """
    times = np.atleast_1d(np.asarray(mjd_tt, dtype=np.float64))
    day = np.floor(times)
    blocks, which = np.unique((day // _BLOCK).astype(np.int64), return_inverse=True)
    nodes = [_nodes(block) for block in blocks.tolist()]
    if not nodes:
        return np.empty((0, 3))
    p, v = (np.stack([node[k] for node in nodes]) for k in range(2))
    i = (day - blocks[which] * _BLOCK).astype(np.int64)
    t = (times - day)[:, None]
    return np.asarray(
        (1.0 + 2.0 * t) * (1.0 - t) ** 2 * p[which, i]
        + t * (1.0 - t) ** 2 * v[which, i]
        + t**2 * (3.0 - 2.0 * t) * p[which, i + 1]
        + t**2 * (t - 1.0) * v[which, i + 1]
    )


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
    Earth's position is that of `_earth_position`.
    """
    times = np.asarray(mjd, dtype=np.float64)
    earth = _earth_position(times + _TT_MINUS_TAI)
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
