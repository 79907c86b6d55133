"""Mean magnitudes and amplitude that the points alone tell of a star with a known shape and period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.flux import AB_ZERO_NJY
from pelsvae_cadence.inference.local_fit import Hypotheses, fit_hypotheses
from pelsvae_cadence.inference.modes import Mode
from pelsvae_cadence.inference.points import StarPoints

__all__ = ["Brightness", "observed_brightness", "peak_to_peak"]

FloatArray = npt.NDArray[np.float64]

_MAG: Final = 2.5 / np.log(10.0)
# Error of the shape in units of the star's scatter, as in the fits of the modes; a band's mean does not get
# better than that of so many points. Periods do: the same shape is missed in the same way all the time.
_SHAPE_ERROR: Final = 0.08
_POINTS_OF_SHAPE: Final = 20.0
# Offsets and the size of the curve are all but free here: the colours must not count twice.
_FREE_OFFSET: Final = 10.0
_FREE_SIZE: Final = 1.0
_LEAST_MEAN: Final = 5.0  # sigma, below which a band has no mean magnitude
_PHASES: Final = 128


@dataclass(frozen=True, kw_only=True)
class Brightness:
    """What the points tell of a mode's star.

    Parameters
    ----------
    mean_mag : ndarray of float64, shape (n_bands,)
        Mean AB magnitudes; NaN where the mean flux is not above five sigma.
    covariance : ndarray of float64, shape (n_bands, n_bands)
        Their covariance.
    size, size_error : float
        Size of the curve in units of the mode's, and its error.
    frequency_error : float
        Standard deviation of the frequency in 1/d.
    """

    mean_mag: FloatArray
    covariance: FloatArray
    size: float
    size_error: float
    frequency_error: float


def observed_brightness(star: StarPoints, modes: Sequence[Mode]) -> list[Brightness]:
    """Fit the curves of modes with free mean magnitudes and a free size.

    Parameters
    ----------
    star : StarPoints
        The points.
    modes : sequence of Mode
        Modes of the posterior.

    Returns
    -------
    list of Brightness
        One per mode.
    """
    n, n_bands = len(modes), len(star.bands)
    curves = np.zeros((n, n_bands, max(mode.curves.shape[1] for mode in modes), 1), dtype=np.complex128)
    for j, mode in enumerate(modes):
        curves[j, :, : mode.curves.shape[1], 0] = mode.curves
    precision = np.eye(n_bands) * _FREE_OFFSET**-2.0
    fits = fit_hypotheses(
        star,
        np.hypot(star.error, _SHAPE_ERROR * star.scatter),
        Hypotheses(
            frequency=np.array([mode.frequency for mode in modes]),
            phase=np.array([mode.phase for mode in modes]),
            curves=curves,
            offset=np.zeros((n, n_bands)),
            precision=np.broadcast_to(precision, (n, n_bands, n_bands)),
            amplitude_scatter=np.full(n, _FREE_SIZE),
        ),
    )
    spread = fits.covariance
    shared = np.eye(n_bands) * (_SHAPE_ERROR * star.scatter) ** 2 / _POINTS_OF_SHAPE
    out = []
    for j in range(n):
        flux = star.mean_flux + star.unit * fits.offset[j]
        covariance = (spread[j, 1:, 1:] + shared) * np.outer(star.unit, star.unit)
        seen = flux > _LEAST_MEAN * np.sqrt(np.diag(covariance))
        flux = np.where(seen, flux, np.nan)
        out.append(
            Brightness(
                mean_mag=AB_ZERO_NJY - 2.5 * np.log10(flux),
                covariance=_MAG**2 * covariance / np.outer(flux, flux),
                size=float(fits.coefficients[j, 0]),
                size_error=float(np.sqrt(spread[j, 0, 0])),
                frequency_error=float(fits.frequency_error[j]),
            )
        )
    return out


def peak_to_peak(harmonics: npt.NDArray[np.complexfloating]) -> FloatArray:
    """Give the peak-to-peak amplitudes of curves of relative flux.

    Parameters
    ----------
    harmonics : ndarray of complex, shape (..., K + 1)
        Fourier coefficients of flux over its mean, minus one.

    Returns
    -------
    ndarray of float64, shape (...)
        Amplitudes in mag; curves that reach zero flux count as a hundredth of their mean there.
    """
    size = max(_PHASES, 4 * harmonics.shape[-1])
    flux = np.maximum(1.0 + np.fft.irfft(harmonics, size, axis=-1) * size, 0.01)
    return np.asarray(2.5 * np.log10(flux.max(axis=-1) / flux.min(axis=-1)))
