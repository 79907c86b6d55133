"""Stars and orbits behind the simulated binaries: main sequence, giants, Kepler, Roche, light."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.labels.physical import (
    bolometric_correction_v,
    g_minus_i,
    teff_from_v_i,
    v_i_from_teff,
)

__all__ = [
    "TEFF_SUN",
    "combined_light",
    "kepler_period",
    "kepler_separation",
    "main_sequence",
    "red_giant",
    "roche_radius",
]

#: Effective temperature of the Sun [K], IAU 2015 Resolution B3.
TEFF_SUN: Final = 5772.0
#: Separation [solar radii] of two stars of one solar mass together at a period of a day: Kepler's
#: third law with the constants of IAU 2015 Resolution B3.
_SEPARATION: Final = 4.2082
_M_BOL_SUN: Final = 4.73  # on the scale of the bolometric corrections (Torres 2010)


def kepler_separation(period: npt.ArrayLike, mass: npt.ArrayLike) -> FloatArray:
    """Give the semi-major axis of a binary.

    Parameters
    ----------
    period : array_like
        Orbital period in days.
    mass : array_like
        Total mass in solar masses.

    Returns
    -------
    ndarray of float64
        Semi-major axis in solar radii.
    """
    p, m = np.asarray(period, dtype=np.float64), np.asarray(mass, dtype=np.float64)
    return np.asarray(_SEPARATION * np.cbrt(m * p**2))


def kepler_period(separation: npt.ArrayLike, mass: npt.ArrayLike) -> FloatArray:
    """Give the orbital period of a binary, the inverse of `kepler_separation`.

    Parameters
    ----------
    separation : array_like
        Semi-major axis in solar radii.
    mass : array_like
        Total mass in solar masses.

    Returns
    -------
    ndarray of float64
        Period in days.
    """
    return np.asarray(np.sqrt((np.asarray(separation) / _SEPARATION) ** 3 / np.asarray(mass)))


def roche_radius(mass_ratio: npt.ArrayLike) -> FloatArray:
    """Give the radius of the Roche lobe in units of the separation."""
    q = np.asarray(mass_ratio, dtype=np.float64)
    return np.asarray(0.49 * q ** (2 / 3) / (0.6 * q ** (2 / 3) + np.log1p(np.cbrt(q))))


def main_sequence(mass: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give luminosity, radius and temperature of an average main-sequence star.

    Parameters
    ----------
    mass : array_like
        Mass in solar masses, 0.18 to 31.

    Returns
    -------
    luminosity, radius, teff : ndarray of float64
        In solar luminosities, solar radii and K. Eker et al. 2018 (MNRAS 479, 5491): the six-piece
        mass-luminosity relation (table 4), radius 0.438 M^2 + 0.479 M + 0.075 up to 1.5 M_sun and
        log Teff = -0.170 (log M)^2 + 0.888 log M + 3.671 above (table 5); the third quantity
        follows from L = 4 pi R^2 sigma T^4. The radius is blended between 1.2 and 1.8 M_sun.

    Raises
    ------
    InputError
        Outside the range of the relations.
    """
    m = np.asarray(mass, dtype=np.float64)
    if not ((m >= 0.18) & (m <= 31.0)).all():
        raise InputError("a mass outside the main-sequence relations", allowed="0.18 .. 31 M_sun")
    x = np.log10(m)
    edges = [0.45, 0.72, 1.05, 2.40, 7.0]
    slope = np.array([2.028, 4.572, 5.743, 4.329, 3.967, 2.865])
    zero = np.array([-0.976, -0.102, -0.007, 0.010, 0.093, 1.105])
    piece = np.searchsorted(edges, m)
    luminosity = 10.0 ** (slope[piece] * x + zero[piece])
    radius_low = 0.438 * m**2 + 0.479 * m + 0.075
    teff_high = 10.0 ** (-0.170 * x**2 + 0.888 * x + 3.671)
    radius_high = np.sqrt(luminosity) * (TEFF_SUN / teff_high) ** 2
    share = np.clip((m - 1.2) / 0.6, 0.0, 1.0)
    radius = (1.0 - share) * radius_low + share * radius_high
    teff = TEFF_SUN * (luminosity / radius**2) ** 0.25
    return luminosity, radius, teff


def red_giant(log_luminosity: npt.ArrayLike, offset: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Give radius and temperature of a red giant.

    Parameters
    ----------
    log_luminosity : array_like
        log10 of the luminosity in solar luminosities.
    offset : array_like
        Distance from the giant branch in log Teff.

    Returns
    -------
    radius, teff : ndarray of float64
        In solar radii and K. log Teff = 3.686 - 0.05 (log L - 1) + offset: an engineering line
        through the giant branch at [Fe/H] about -0.5, 4,850 K at 10 L_sun and 3,850 K at 1,000.
    """
    log_l = np.asarray(log_luminosity, dtype=np.float64)
    teff = 10.0 ** (3.686 - 0.05 * (log_l - 1.0) + np.asarray(offset, dtype=np.float64))
    return np.sqrt(10.0**log_l) * (TEFF_SUN / teff) ** 2, teff


def combined_light(
    radius_1: npt.ArrayLike, teff_1: npt.ArrayLike, radius_2: npt.ArrayLike, teff_2: npt.ArrayLike
) -> dict[str, FloatArray]:
    """Give what a photometer sees of two stars together.

    Parameters
    ----------
    radius_1, radius_2 : array_like, shape (N,)
        Radii in solar radii.
    teff_1, teff_2 : array_like, shape (N,)
        Effective temperatures in K.

    Returns
    -------
    dict of ndarray
        ``abs_mag_i``, ``abs_mag_g`` and ``v_i0`` [mag] of the summed light, and ``teff`` [K], the
        temperature of a single star of that V - I.
    """
    light_v = np.zeros(1)
    light_i = np.zeros(1)
    for radius, teff in ((radius_1, teff_1), (radius_2, teff_2)):
        t = np.asarray(teff, dtype=np.float64)
        luminosity = np.asarray(radius, dtype=np.float64) ** 2 * (t / TEFF_SUN) ** 4
        m_v = _M_BOL_SUN - 2.5 * np.log10(luminosity) - bolometric_correction_v(t)
        light_v = light_v + 10.0 ** (-0.4 * m_v)
        light_i = light_i + 10.0 ** (-0.4 * (m_v - v_i_from_teff(t)))
    m_v, m_i = -2.5 * np.log10(light_v), -2.5 * np.log10(light_i)
    colour = m_v - m_i
    return {
        "abs_mag_i": m_i,
        "abs_mag_g": m_i + g_minus_i(colour),
        "v_i0": colour,
        "teff": teff_from_v_i(colour),
    }
