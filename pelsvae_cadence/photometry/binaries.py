r"""How the light curve of a binary changes with the band: two temperatures, and tides.

Eclipses. A star of temperature T_1 behind one of T_2 loses light of the colour of T_1. With the
I-band flux F relative to the maximum, the band b shows

.. math:: F_b(\phi) = 1 - [1 - F(\phi)]\,[w(\phi)\,g_{1b} + (1 - w(\phi))\,g_{2b}],\qquad
          g_{nb} = \frac{c_{nb}}{c_{1b}\,l_1 + c_{2b}\,l_2}

where :math:`l_n` is the share of star n in the I light, :math:`c_{nb}` its flux in b relative to I,
and w is 1 around the primary minimum and 0 around the secondary one. What the I curve says fixes
the rest: in a circular orbit both eclipses hide the same area, so the ratio of their depths is the
ratio of surface brightnesses, and that of temperatures follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import filter_wavelength
from pelsvae_cadence.photometry.colours import COLOUR_TEFF_RANGE, colour_minus_i

__all__ = ["EclipseContrast", "eclipse_contrast", "ellipsoidal_ratio"]

FloatArray = npt.NDArray[np.float64]

# Second radiation constant h c / k in nm K (CODATA 2018).
_HC_K: Final = 14387768.8
# Wavelength of the I band in nm, as in the simulated binaries of the training set.
_I_WAVELENGTH: Final = 800.0
# Decoded curves need not be a possible pair of stars to the last per cent. Of the light that I keeps
# in an eclipse, another band keeps at least this fraction (2.5 mag deeper than I).
_LEAST_LEFT: Final = 0.1
# The primary eclipse ends before this phase and the secondary begins after it; in between both
# weights are shared. Eccentric orbits put their minima up to here from phases 0 and 0.5.
_PRIMARY_ENDS, _SECONDARY_BEGINS = 0.20, 0.30


def _surface_temperatures(
    teff: npt.ArrayLike, brightness_ratio: npt.ArrayLike, light_1: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Give the two temperatures of a binary."""
    total, ratio, share = np.broadcast_arrays(
        *(np.asarray(v, dtype=np.float64) for v in (teff, brightness_ratio, light_1))
    )
    first = total.copy()
    second = total.copy()
    # The ratio of temperatures hardly depends on the temperature: a few rounds settle it.
    for _ in range(8):
        excitation = np.expm1(_HC_K / _I_WAVELENGTH / first)
        second = _HC_K / _I_WAVELENGTH / np.log1p(excitation / ratio)
        first = total / (share + (1.0 - share) * second / first)
    low, high = COLOUR_TEFF_RANGE
    return np.clip(first, low, high), np.clip(second, low, high)


@dataclass(frozen=True, kw_only=True)
class EclipseContrast:
    """What turns the I curves of N eclipsing binaries into those of other bands.

    Parameters
    ----------
    loss : ndarray of float64, shape (N, n_grid)
        I flux missing from maximum light, as a fraction, on equidistant phases.
    primary, secondary : ndarray of float64, shape (N, n_bands)
        The factors g_1b and g_2b of the module.
    teff_1, teff_2 : ndarray of float64, shape (N,)
        The two temperatures in K.
    """

    loss: FloatArray
    primary: FloatArray
    secondary: FloatArray
    teff_1: FloatArray
    teff_2: FloatArray

    def magnitudes(self, band: int) -> FloatArray:
        """Give the curves in a band.

        Parameters
        ----------
        band : int
            Position of the band.

        Returns
        -------
        ndarray of float64, shape (N, n_grid)
            Magnitudes below maximum light in the band.
        """
        weight = _primary_weight(np.arange(self.loss.shape[1]) / self.loss.shape[1])
        first, second = self.primary[:, band, None], self.secondary[:, band, None]
        left = (first - second) * weight
        left += second
        left *= self.loss
        np.subtract(1.0, left, out=left)
        np.log(left, out=left)
        left *= -2.5 / np.log(10.0)
        return left


def _primary_weight(phase: npt.ArrayLike) -> FloatArray:
    """Give 1 around phase 0, 0 around phase 0.5 and a smooth step between."""
    value = np.asarray(phase, dtype=np.float64)
    distance = np.abs(value - np.round(value))
    x = np.clip((_SECONDARY_BEGINS - distance) / (_SECONDARY_BEGINS - _PRIMARY_ENDS), 0.0, 1.0)
    return np.asarray(x * x * (3.0 - 2.0 * x))


def eclipse_contrast(
    grid: FloatArray, amplitude_i: FloatArray, teff: FloatArray, bands: tuple[str, ...]
) -> EclipseContrast:
    """Derive the two temperatures of eclipsing binaries from their I curves.

    Parameters
    ----------
    grid : ndarray, shape (N, n_grid)
        Unit-amplitude I curves on equidistant phases from the primary minimum.
    amplitude_i : ndarray, shape (N,)
        Peak-to-peak amplitudes in I in mag.
    teff : ndarray, shape (N,)
        Temperatures of the combined light in K.
    bands : tuple of str
        The bands.

    Returns
    -------
    EclipseContrast
        Factors and temperatures.

    Notes
    -----
    The depth ratio gives the ratio of surface brightnesses. The shares of the light are those of
    equal radii, moved only where the eclipses need more: no star can lose more than it gives.
    """
    n_grid = grid.shape[1]
    phase = np.arange(n_grid) / n_grid
    brightest = grid.min(axis=1)
    loss = -np.expm1(-0.4 * np.log(10.0) * amplitude_i[:, None] * (grid - brightest[:, None]))
    near = np.abs(phase - np.round(phase)) < 0.25
    depth_1, depth_2 = loss[:, near].max(axis=1), loss[:, ~near].max(axis=1)
    ratio = np.clip(depth_2 / np.maximum(depth_1, 1e-9), 1e-4, 1.0)
    share = np.clip(1.0 / (1.0 + ratio), depth_1, 1.0 - depth_2)
    teff_1, teff_2 = _surface_temperatures(teff, ratio, share)
    primary = np.empty((len(grid), len(bands)))
    secondary = np.empty_like(primary)
    deepest = [(1.0 - _LEAST_LEFT * (1.0 - depth)) / np.maximum(depth, 1e-9) for depth in (depth_1, depth_2)]
    for j, band in enumerate(bands):
        first, second = (10.0 ** (-0.4 * colour_minus_i(band, t, "ECL")) for t in (teff_1, teff_2))
        total = share * first + (1.0 - share) * second
        primary[:, j] = np.minimum(first / total, deepest[0])
        secondary[:, j] = np.minimum(second / total, deepest[1])
    return EclipseContrast(loss=loss, primary=primary, secondary=secondary, teff_1=teff_1, teff_2=teff_2)


def ellipsoidal_ratio(band: str, teff: npt.ArrayLike) -> FloatArray:
    r"""Give the amplitude of an ellipsoidal variable in a band over that in Cousins I.

    .. math:: A_b \propto \frac{(15 + u_b)(1 + \tau_b)}{3 - u_b}

    Parameters
    ----------
    band : str
        A band out of `pelsvae_cadence.bands.BANDS`, or ``"V"``, ``"I"``, ``"G"``.
    teff : array_like, shape (N,)
        Effective temperatures in K.

    Returns
    -------
    ndarray of float64, shape (N,)
        Amplitude ratios.

    Notes
    -----
    Morris & Naftilan 1993 (ApJ 419, 344, eq. 1). Gravity darkening of a black surface,
    :math:`\tau_b = (\beta/4)\, x e^x/(e^x-1)` with :math:`x = hc/\lambda kT`, beta 0.32 (Lucy
    1967) below 7,200 K and 1 (von Zeipel 1924) from 8,000 K. Linear limb darkening u in I from
    Claret (2000), and a wavelength to the power -0.85, which is how it runs in the Sun (Cox 2000,
    "Allen's Astrophysical Quantities", section 14.7), at most 0.95.
    """
    temperature = np.asarray(teff, dtype=np.float64)

    def strength(wavelength: float) -> FloatArray:
        limb = np.interp(
            np.log10(temperature),
            np.log10([3300.0, 4000.0, 5000.0, 6000.0, 7000.0, 10000.0, 20000.0, 40000.0]),
            [0.70, 0.65, 0.55, 0.45, 0.40, 0.30, 0.22, 0.18],
        )
        u = np.minimum(limb * (wavelength / filter_wavelength("I")) ** -0.85, 0.95)
        beta = np.interp(temperature, [7200.0, 8000.0], [0.32, 1.0])
        x = _HC_K / wavelength / temperature
        tau = 0.25 * beta * x / -np.expm1(-x)
        return np.asarray((15.0 + u) * (1.0 + tau) / (3.0 - u))

    return np.asarray(strength(filter_wavelength(band)) / strength(filter_wavelength("I")))
