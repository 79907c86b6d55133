"""Footprint and rolling stripes of a synthetic survey."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.survey import unit_vectors

__all__ = [
    "DUSTY",
    "NORTH_SPUR",
    "OUTSIDE",
    "WIDE",
    "ecliptic_latitude",
    "galactic",
    "lsst_region",
    "lsst_stripe",
    "ztf_region",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

OUTSIDE: Final = 0
# The wide survey proper: low dust, the bulge, the Magellanic Clouds.
WIDE: Final = 1
# The dusty Galactic plane and the surroundings of the south celestial pole: a quarter as often.
DUSTY: Final = 2
# The ecliptic north of the wide survey: a fifth as often, without u and y.
NORTH_SPUR: Final = 3

# ICRS to Galactic (ESA 1997, The Hipparcos and Tycho Catalogues, vol. 1, equation 1.5.11).
_TO_GALACTIC: Final = np.array(
    [
        [-0.0548755604, -0.8734370902, -0.4838350155],
        [0.4941094279, -0.4448296300, 0.7469822445],
        [-0.8676661490, -0.1980763734, 0.4559837762],
    ]
)
_OBLIQUITY: Final = np.radians(23.4393)

# Read off the visit counts of Rubin OpSim baseline v3.0 (HEALPix nside 16): Galactic longitude
# [deg, -180..180], and the Galactic latitudes between which fields get fewer than 600 visits.
_DUST: Final = np.array(
    [
        (-180, -20, 5),
        (-160, -18.5, 4),
        (-145, -18.5, 3),
        (-135, -15.5, 5),
        (-125, -10, 5),
        (-115, -11, 5),
        (-105, -11, 7),
        (-95, -11.5, 9.5),
        (-85, -11.5, 9),
        (-79, 4, 8.5),
        (-65, 4.5, 8.5),
        (-55, 4.5, 9.5),
        (-45, 3.5, 11.5),
        (-35, 1.5, 11),
        (-25, 0, 16),
        (-15, 6.5, 20),
        (-5, 13, 26),
        (5, 13, 30),
        (15, 7, 26),
        (25, 4, 19),
        (32, -14, 14),
        (45, -12, 22),
        (60, -12, 22),
        (180, -20, 5),
    ]
)
_SECOND_DUST: Final = (-80.0, -48.0, -12.0, -5.0)  # longitudes, then latitudes
_SOUTH_LIMIT: Final = -73.5
# Northern limits of the wide survey, south and north of the Galactic plane.
_NORTH_LIMIT: Final = (3.6, 18.0)
_NORTH_LIMIT_RA: Final = (97.0, 290.0)
_SPUR_LATITUDE: Final = 10.0

# Declinations at which the rolling stripes change, read off the yearly visit counts of the same
# table; south and north of the Galactic plane have their own.
_STRIPES: Final = ((-48.5, -32.5, -14.5), (-25.0, -9.6, 4.8))
_STRIPE_RA: Final = (112.0, 262.0)
# The bulge and the inner plane are not rolled: Galactic longitude, and latitude from, to.
_UNROLLED: Final = (90.0, -25.0, 5.0)
# Degrees of declination over which a stripe gives way to the next: the field of view.
_BLUR: Final = 1.75


def galactic(ra: npt.ArrayLike, dec: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Turn ICRS positions into Galactic ones.

    References
    ----------
    ESA 1997, The Hipparcos and Tycho Catalogues, vol. 1, equation 1.5.11.
    """
    xyz = unit_vectors(ra, dec) @ _TO_GALACTIC.T
    return (
        np.degrees(np.arctan2(xyz[..., 1], xyz[..., 0])),
        np.degrees(np.arcsin(np.clip(xyz[..., 2], -1.0, 1.0))),
    )


def ecliptic_latitude(ra: npt.ArrayLike, dec: npt.ArrayLike) -> FloatArray:
    """Compute the latitude above the ecliptic of J2000."""
    xyz = unit_vectors(ra, dec)
    sine = np.cos(_OBLIQUITY) * xyz[..., 2] - np.sin(_OBLIQUITY) * xyz[..., 1]
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))))


def lsst_region(ra: npt.ArrayLike, dec: npt.ArrayLike) -> IntArray:
    """Tell the region of an LSST-like footprint."""
    ra = np.asarray(ra, dtype=np.float64) % 360.0
    dec = np.asarray(dec, dtype=np.float64)
    lon, lat = galactic(ra, dec)
    low = np.interp(lon, _DUST[:, 0], _DUST[:, 1])
    high = np.interp(lon, _DUST[:, 0], _DUST[:, 2])
    dusty = (lat > low) & (lat < high)
    west, east, bottom, top = _SECOND_DUST
    dusty |= (lon > west) & (lon < east) & (lat > bottom) & (lat < top)
    north_side = (ra > _NORTH_LIMIT_RA[0]) & (ra < _NORTH_LIMIT_RA[1])
    limit = np.where(north_side, _NORTH_LIMIT[1], _NORTH_LIMIT[0])
    region = np.where(dusty | (dec < _SOUTH_LIMIT), DUSTY, WIDE)
    spur = (dec > limit) & (ecliptic_latitude(ra, dec) < _SPUR_LATITUDE)
    region = np.where(dec > limit, np.where(spur, NORTH_SPUR, OUTSIDE), region)
    return region.astype(np.int64)


def lsst_stripe(ra: npt.ArrayLike, dec: npt.ArrayLike) -> FloatArray:
    """Tell how a position takes part in the rolling.

    Parameters
    ----------
    ra, dec : array_like
        Degrees.

    Returns
    -------
    ndarray of float64
        +1 in stripes that get the most visits in the first rolling season, -1 in those that get
        the fewest, in between where the field of view reaches over a boundary, and 0 where the
        survey does not roll (the bulge and the inner Galactic plane).
    """
    ra = np.asarray(ra, dtype=np.float64) % 360.0
    dec = np.asarray(dec, dtype=np.float64)
    north_side = (ra > _STRIPE_RA[0]) & (ra < _STRIPE_RA[1])
    stripe = np.ones(np.broadcast(ra, dec).shape)
    for south, north in zip(*_STRIPES, strict=True):
        edge = np.where(north_side, north, south)
        stripe = stripe * np.clip((edge - dec) / _BLUR, -1.0, 1.0)
    lon, lat = galactic(ra, dec)
    unrolled = (np.abs(lon) < _UNROLLED[0]) & (lat > _UNROLLED[1]) & (lat < _UNROLLED[2])
    return np.asarray(np.where(unrolled, 0.0, stripe))


def ztf_region(ra: npt.ArrayLike, dec: npt.ArrayLike) -> IntArray:
    """Tell the region of a ZTF-like footprint: all of the sky north of -29 deg."""
    ra, dec = np.broadcast_arrays(np.asarray(ra), np.asarray(dec, dtype=np.float64))
    return np.where(dec > -29.0, WIDE, OUTSIDE).astype(np.int64)
