"""Apparent mean magnitudes and amplitudes of stars in survey bands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import EXTINCTION, TrueEBV, extinction
from pelsvae_cadence.core.tables.columns import text
from pelsvae_cadence.photometry.amplitudes import amplitude_ratio
from pelsvae_cadence.photometry.colours import colour_minus_i, g_minus_i
from pelsvae_cadence.stars import Stars

__all__ = ["EXTINCTION", "at_magnitude", "band_amplitudes", "mean_magnitudes"]

FloatArray = npt.NDArray[np.float64]


def mean_magnitudes(stars: Stars, bands: tuple[str, ...]) -> FloatArray:
    r"""Give the intensity-mean apparent magnitudes.

    .. math:: m_b = M_G - (G-I)_0 + (b-I)_0 + \mu + R_b(T_\mathrm{eff}, E)\, E(B-V)

    Parameters
    ----------
    stars : Stars
        N stars.
    bands : tuple of str
        Bands out of `pelsvae_cadence.bands.BANDS`, or ``"V"``, ``"I"``, ``"G"``.

    Returns
    -------
    ndarray of float64, shape (N, n_bands)
        AB magnitudes; Vega in V, I and G.

    Raises
    ------
    InputError
        For an unknown band or a temperature without colours.
    """
    bands = tuple(text("bands", bands).tolist())
    m_i = stars.abs_mag_g - g_minus_i(stars.teff, stars.star_class)
    dust = TrueEBV(stars.ebv)
    out = np.empty((len(stars), len(bands)))
    for j, band in enumerate(bands):
        out[:, j] = (
            m_i
            + colour_minus_i(band, stars.teff, stars.star_class, stars.feh)
            + stars.distance_modulus
            + extinction(band, dust, stars.teff)
        )
    return out


def band_amplitudes(stars: Stars, bands: tuple[str, ...]) -> FloatArray:
    """Give the peak-to-peak amplitudes, without the different depths of eclipses.

    Parameters
    ----------
    stars : Stars
        N stars.
    bands : tuple of str
        Bands out of `pelsvae_cadence.bands.BANDS`, or ``"V"``, ``"I"``, ``"G"``.

    Returns
    -------
    ndarray of float64, shape (N, n_bands)
        Amplitudes in mag.

    Raises
    ------
    InputError
        For an unknown band.
    """
    bands = tuple(text("bands", bands).tolist())
    out = np.empty((len(stars), len(bands)))
    for j, band in enumerate(bands):
        out[:, j] = stars.amplitude_i * amplitude_ratio(
            band,
            stars.star_class,
            stars.subtype,
            stars.period,
            amplitude_i=stars.amplitude_i,
            teff=stars.teff,
        )
    return out


def at_magnitude(stars: Stars, band: str, magnitude: npt.ArrayLike) -> Stars:
    """Move stars along the line of sight until they have a given mean magnitude.

    Parameters
    ----------
    stars : Stars
        N stars.
    band : str
        The band in which the magnitude is meant.
    magnitude : array_like, shape (N,) or scalar
        Wanted intensity-mean apparent AB magnitude, extinction included.

    Returns
    -------
    Stars
        The same stars with another distance modulus.

    Raises
    ------
    InputError
        For an unknown band or a magnitude outside 0 to 40.
    """
    wanted = column("magnitude", magnitude, len(stars), unit="mag")
    if not ((wanted > 0.0) & (wanted < 40.0)).all():
        bad = wanted[~((wanted > 0.0) & (wanted < 40.0))][0]
        raise InputError(f"magnitude = {bad:g} is not an apparent magnitude", allowed="0 to 40")
    shift = wanted - mean_magnitudes(stars, (band,))[:, 0]
    return replace(stars, distance_modulus=stars.distance_modulus + shift)
