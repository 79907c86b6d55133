"""Almanac: positions of Sun and Moon, sidereal time, darkness, good to a few arcmin.

The synthetic surveys need nights, hour angles, airmasses and moonlight for thousands of nights in
milliseconds, without tables from the network. The low-precision series used here are good to
0.01 deg (Sun), 0.3 deg (Moon) and 0.1 s (sidereal time) until 2050: far below a minute of
twilight, far below what a depth notices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.times import local_noon

__all__ = ["Nights", "Site", "airmass", "moon_position", "sidereal_time", "wrap_angle"]

FloatArray = npt.NDArray[np.float64]

_MJD_J2000: Final = 51544.5
# TAI - UTC has been 37 s since 2017; UT1 follows UTC within a second (IERS Bulletin C).
_TAI_MINUS_UT: Final = 37.0 / 86400.0
_OBLIQUITY: Final = np.radians(23.439)
# Degrees the Earth turns against the stars in a day of UT1 (Meeus 1998, equation 12.4).
SIDEREAL_RATE: Final = 360.98564736629


@dataclass(frozen=True, kw_only=True)
class Site:
    """An observatory.

    Parameters
    ----------
    longitude, latitude : float
        Degrees, east and north positive.
    """

    longitude: float
    latitude: float

    @property
    def noon(self) -> float:
        """Fraction of the MJD at local mean noon, where night numbers change."""
        return local_noon(self.longitude)


def wrap_angle(angle: npt.ArrayLike) -> FloatArray:
    """Bring angles into -180 .. 180.

    Parameters
    ----------
    angle : array_like
        Angles in degrees.

    Returns
    -------
    ndarray of float64
        The same directions, in degrees.
    """
    return np.asarray((np.asarray(angle, dtype=np.float64) + 180.0) % 360.0 - 180.0)


def _sun_position(mjd: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compute the apparent place of the Sun.

    The Astronomical Almanac 2019, section C5 ("low precision formulas for the Sun").
    """
    n = np.asarray(mjd, dtype=np.float64) - _MJD_J2000
    mean_anomaly = np.radians(357.528 + 0.9856003 * n)
    mean_longitude = 280.460 + 0.9856474 * n
    longitude = mean_longitude + 1.915 * np.sin(mean_anomaly) + 0.020 * np.sin(2 * mean_anomaly)
    lam = np.radians(longitude)
    ra = np.degrees(np.arctan2(np.cos(_OBLIQUITY) * np.sin(lam), np.cos(lam))) % 360.0
    dec = np.degrees(np.arcsin(np.sin(_OBLIQUITY) * np.sin(lam)))
    return ra, dec, np.asarray(longitude % 360.0)


# Amplitude [deg], phase [deg], rate [deg per Julian century] of the leading terms.
_MOON_LONGITUDE: Final = (
    (6.29, 135.0, 477198.87),
    (-1.27, 259.3, -413335.36),
    (0.66, 235.7, 890534.22),
    (0.21, 269.9, 954397.74),
    (-0.19, 357.5, 35999.05),
    (-0.11, 186.5, 966404.03),
)
_MOON_LATITUDE: Final = (
    (5.13, 93.3, 483202.02),
    (0.28, 228.2, 960400.89),
    (-0.28, 318.3, 6003.15),
    (-0.17, 217.6, -407332.21),
)


def moon_position(mjd: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compute the geocentric place of the Moon.

    Parameters
    ----------
    mjd : array_like
        MJD (TAI).

    Returns
    -------
    ra, dec, longitude : ndarray of float64
        Equatorial place and ecliptic longitude, degrees.

    References
    ----------
    The Astronomical Almanac 2019, section D22 ("low-precision formulae for the Moon").
    """
    t = (np.asarray(mjd, dtype=np.float64) - _MJD_J2000) / 36525.0
    longitude = 218.32 + 481267.881 * t
    for amplitude, phase, rate in _MOON_LONGITUDE:
        longitude = longitude + amplitude * np.sin(np.radians(phase + rate * t))
    latitude = np.zeros_like(longitude)
    for amplitude, phase, rate in _MOON_LATITUDE:
        latitude = latitude + amplitude * np.sin(np.radians(phase + rate * t))
    lam, beta = np.radians(longitude), np.radians(latitude)
    x = np.cos(beta) * np.cos(lam)
    y = np.cos(_OBLIQUITY) * np.cos(beta) * np.sin(lam) - np.sin(_OBLIQUITY) * np.sin(beta)
    z = np.sin(_OBLIQUITY) * np.cos(beta) * np.sin(lam) + np.cos(_OBLIQUITY) * np.sin(beta)
    ra = np.degrees(np.arctan2(y, x)) % 360.0
    return ra, np.degrees(np.arcsin(z)), np.asarray(longitude % 360.0)


def sidereal_time(mjd: npt.ArrayLike, site: Site) -> FloatArray:
    """Compute the local mean sidereal time.

    Parameters
    ----------
    mjd : array_like
        MJD (TAI).
    site : Site
        The observatory.

    Returns
    -------
    ndarray of float64
        Degrees, 0 to 360.

    References
    ----------
    Meeus 1998, Astronomical Algorithms, equation 12.4.
    """
    days = np.asarray(mjd, dtype=np.float64) - _TAI_MINUS_UT - _MJD_J2000
    return np.asarray((280.46061837 + SIDEREAL_RATE * days + site.longitude) % 360.0)


def sine_of_altitude(hour_angle: npt.ArrayLike, dec: npt.ArrayLike, site: Site) -> FloatArray:
    """Compute the sine of the altitude above the horizon."""
    phi = np.radians(site.latitude)
    delta = np.radians(np.asarray(dec, dtype=np.float64))
    cosine = np.cos(np.radians(np.asarray(hour_angle, dtype=np.float64)))
    return np.asarray(np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * cosine)


def airmass(sine: npt.ArrayLike) -> FloatArray:
    """Compute the relative airmass.

    Parameters
    ----------
    sine : array_like
        Sine of the altitude; values at or below the horizon are taken as the horizon.

    Returns
    -------
    ndarray of float64
        Airmass, 1 at the zenith and about 38 at the horizon.

    References
    ----------
    Kasten & Young 1989, Applied Optics 28, 4735, equation 3.
    """
    s = np.clip(np.asarray(sine, dtype=np.float64), 0.0, 1.0)
    altitude = np.degrees(np.arcsin(s))
    return np.asarray(1.0 / (s + 0.50572 * (altitude + 6.07995) ** -1.6364))


@dataclass(frozen=True, kw_only=True)
class Nights:
    """The nights of a survey: darkness, Sun and Moon.

    Parameters
    ----------
    midnight : ndarray, shape (n_nights,)
        Lower culmination of the Sun, MJD (TAI).
    half_dark : ndarray, shape (n_nights,)
        Half the time between evening and morning twilight, in days.
    sun_ra, sun_dec : ndarray, shape (n_nights,)
        Place of the Sun at midnight, degrees.
    sidereal_time : ndarray, shape (n_nights,)
        Local sidereal time at midnight, degrees.
    moon_phase : ndarray, shape (n_nights,)
        Elongation in longitude of Moon from Sun at midnight, degrees: 0 new, 180 full.
    lunation : ndarray of int64, shape (n_nights,)
        Number of the lunation, from full Moon to full Moon; the survey begins in number 0.
    """

    midnight: FloatArray
    half_dark: FloatArray
    sun_ra: FloatArray
    sun_dec: FloatArray
    sidereal_time: FloatArray
    moon_phase: FloatArray
    lunation: npt.NDArray[np.int64]

    @classmethod
    def of(cls, site: Site, first: int, n: int, twilight: float) -> Nights:
        """Compute the nights from a first one on.

        Parameters
        ----------
        site : Site
            The observatory.
        first : int
            Number of the first night on the scale ``floor(mjd - site.noon)``.
        n : int
            Number of nights.
        twilight : float
            Altitude of the Sun, in degrees, below which is observed.

        Returns
        -------
        Nights
            One row a night.
        """
        midnight = first + site.noon + 0.5 + np.arange(n, dtype=np.float64)
        ra, dec, longitude = _sun_position(midnight)
        # Mean to true midnight: the equation of time, up to a quarter of an hour.
        midnight = midnight + wrap_angle(ra + 180.0 - sidereal_time(midnight, site)) / SIDEREAL_RATE
        phi, delta = np.radians(site.latitude), np.radians(dec)
        cosine = (np.sin(np.radians(twilight)) - np.sin(phi) * np.sin(delta)) / (np.cos(phi) * np.cos(delta))
        half_day = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
        phase = np.asarray((moon_position(midnight)[2] - longitude) % 360.0)
        past_full = phase > 180.0
        began = np.concatenate([[False], past_full[1:] & ~past_full[:-1]])
        return cls(
            midnight=midnight,
            half_dark=(180.0 - half_day) / SIDEREAL_RATE,
            sun_ra=ra,
            sun_dec=dec,
            sidereal_time=sidereal_time(midnight, site),
            moon_phase=phase,
            lunation=np.cumsum(began, dtype=np.int64),
        )
