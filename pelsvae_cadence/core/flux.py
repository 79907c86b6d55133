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
#: Roweis (2007, AJ 133, 734); Gaia: zero points of the third data release (Riello et al. 2021).
VEGA_TO_AB: Final[dict[str, float]] = {
    "U": 0.79,
    "B": -0.09,
    "V": 0.02,
    "R": 0.21,
    "I": 0.45,
    "G": 0.1136,
    "BP": 0.0155,
    "RP": 0.3561,
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
