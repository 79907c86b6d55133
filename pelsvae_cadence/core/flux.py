"""AB magnitudes, Vega zero points, fluxes in nJy, and when a flux counts as a detection."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["AB_ZERO_NJY", "DETECTION_SNR", "VEGA_TO_AB", "flux_to_mag", "mag_to_flux"]

FloatArray = npt.NDArray[np.float64]

#: AB magnitude of 1 nJy: 3631 Jy (Oke & Gunn 1983, ApJ 266, 713) is magnitude zero.
AB_ZERO_NJY: Final = 2.5 * np.log10(3631e9)

#: A point counts as detected above this signal-to-noise ratio.
DETECTION_SNR: Final = 5.0

#: AB minus Vega magnitude of zero, in mag: what to add to a Vega magnitude. Bessell V and I: Blanton &
#: Roweis (2007, AJ 133, 734); Gaia: zero points of the third data release (Riello et al. 2021). Others:
#: CALSPEC's alpha_lyr_stis_011, taken as zero in all bands, through the filters named in
#: `pelsvae_cadence.bands` (ATLAS, EROS: boxes from the blue to the red edge).
VEGA_TO_AB: Final[dict[str, float]] = {
    "U": 0.79,
    "B": -0.09,
    "V": 0.02,
    "R": 0.21,
    "I": 0.45,
    "G": 0.1136,
    "BP": 0.0155,
    "RP": 0.3561,
    "c": -0.03,
    "o": 0.25,
    "ps_g": -0.10,
    "ps_r": 0.15,
    "ps_i": 0.37,
    "ps_z": 0.51,
    "ps_y": 0.55,
    "ps_w": 0.13,
    "sdss_u": 0.87,
    "sdss_g": -0.11,
    "sdss_r": 0.15,
    "sdss_i": 0.37,
    "sdss_z": 0.52,
    "decam_u": 0.32,
    "decam_g": -0.10,
    "decam_r": 0.19,
    "decam_i": 0.42,
    "decam_z": 0.53,
    "decam_Y": 0.58,
    "F475W": -0.11,
    "F606W": 0.09,
    "F814W": 0.43,
    "B_E": 0.02,
    "R_E": 0.37,
}


def mag_to_flux(mag: npt.ArrayLike) -> FloatArray:
    """Convert AB magnitudes to fluxes; the inverse of `flux_to_mag`.

    Parameters
    ----------
    mag : array_like
        AB magnitudes.

    Returns
    -------
    ndarray of float64
        Fluxes in nJy.
    """
    return np.asarray(10.0 ** (0.4 * (AB_ZERO_NJY - np.asarray(mag, dtype=np.float64))))


def flux_to_mag(flux: npt.ArrayLike) -> FloatArray:
    """Convert fluxes to AB magnitudes; the inverse of `mag_to_flux`.

    Parameters
    ----------
    flux : array_like
        Fluxes in nJy.

    Returns
    -------
    ndarray of float64
        AB magnitudes; NaN where the flux is not positive.
    """
    value = np.asarray(flux, dtype=np.float64)
    positive = value > 0.0
    return np.where(positive, AB_ZERO_NJY - 2.5 * np.log10(np.where(positive, value, 1.0)), np.nan)
