"""One star's usable points as relative fluxes, with what its mean colours are worth.

Shapes are compared with relative fluxes, so that forced points below detection count and errors stay
symmetric. The mean of a band is a free offset in principle; where the bands are calibrated, the
colours of a shape's star say what the offsets are but for one common distance, the dust and the
scatter of the calibration, and with few points that is worth as much as the shape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import KNOWN_BANDS, band_filter, in_order
from pelsvae_cadence.core.flux import AB_ZERO_NJY
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods.series import credible_errors, error_at_mean_flux, usable_points
from pelsvae_cadence.photometry.colours import colour_uncertainty
from pelsvae_cadence.photometry.noise import error_model

__all__ = [
    "CELLS_OF_SHAPE",
    "StarPoints",
    "colour_scatter",
    "expected_offsets",
    "offset_precision",
    "star_points",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_LN_FLUX: Final = 0.4 * np.log(10.0)
# A band's mean below this many sigma says nothing about colours.
_LEAST_MEAN: Final = 5.0
# Scatter of mean colours in mag: members against real stars in bands that the model knows; what is
# added between bands; filters whose zero points are loose.
_COLOUR_SCATTER: Final = 0.05
_BETWEEN_BANDS: Final = 0.04
_MODELLED: Final = ("u", "g", "r", "i", "z", "y", "zg", "zr", "zi", "V", "I", "G")
_LOOSE: Final = {"B_E": 0.5, "R_E": 0.5, "c": 0.1, "o": 0.1, "ps_w": 0.1, "BP": 0.1, "RP": 0.1}
_UNKNOWN_BAND: Final = 3.0
_FEW_POINTS: Final = 120
#: Stretches of phase whose errors of the model are independent of each other, in a band.
CELLS_OF_SHAPE: Final = 20
#: Standard deviation of E(B-V) and of the common magnitude in mag (the distance is free).
EBV_SCATTER: Final = 0.1
_DISTANCE_SCATTER: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class StarPoints:
    """The points of one star.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
        Days since `zero`.
    zero : float
        Mean time of the points, MJD (TAI).
    value, error : ndarray of float64, shape (n,)
        Flux less the band's mean in units of `unit`, and its error.
    band : ndarray of int64, shape (n,)
        Index of the band in `bands`.
    bands : tuple of str
        The bands present, from blue to red.
    mean_mag : ndarray of float64, shape (n_bands,)
        Mean AB magnitude; NaN where the mean flux is not above five sigma.
    mean_flux : ndarray of float64, shape (n_bands,)
        Mean fluxes [nJy].
    unit : ndarray of float64, shape (n_bands,)
        The fluxes [nJy] that values are relative to: the mean, or three times its error if that is more.
    scatter : float
        Standard deviation of the relative fluxes beyond their errors, the bands taken together; a
        tenth of the errors at least.
    n_excluded : int
        Points left out: saturated, or without time, flux or positive error.
    """

    time: FloatArray
    zero: float
    value: FloatArray
    error: FloatArray
    band: IntArray
    bands: tuple[str, ...]
    mean_mag: FloatArray
    mean_flux: FloatArray
    unit: FloatArray
    scatter: float
    n_excluded: int

    def with_model_error(self, fraction: float) -> FloatArray:
        """Give errors that allow for shapes that are not exact.

        Points at the same phase miss the shape by the same amount, so that many points of a band
        average their own errors, but no more than some twenty errors of the model.

        Parameters
        ----------
        fraction : float
            Error of the model in units of the star's scatter.

        Returns
        -------
        ndarray of float64, shape (n,)
            Errors of the relative fluxes.
        """
        count = np.bincount(self.band, minlength=len(self.bands))
        shared = np.sqrt(np.maximum(count / CELLS_OF_SHAPE, 1.0))
        return np.hypot(self.error, fraction * self.scatter * shared[self.band])

    def dereddened(self, ebv: float) -> StarPoints:
        """Take known dust off the mean magnitudes.

        Parameters
        ----------
        ebv : float
            True E(B-V) in mag.

        Returns
        -------
        StarPoints
            The same points; bands of unknown extinction keep their mean.
        """
        dust = np.array([band_filter(band).extinction or 0.0 for band in self.bands])
        return replace(self, mean_mag=self.mean_mag - dust * ebv)

    @property
    def has_few_points(self) -> bool:
        """Whether all frequencies are tried, and not only peaks of the periodogram: 120 points or fewer."""
        return self.time.size <= _FEW_POINTS

    @property
    def span(self) -> float:
        """Days between the first and the last point."""
        return float(np.ptp(self.time)) if self.time.size else 0.0


def star_points(light_curves: LightCurves, i: int) -> StarPoints:
    """Prepare one star.

    Parameters
    ----------
    light_curves : LightCurves
        Light curves of N stars.
    i : int
        Which of them.

    Returns
    -------
    StarPoints
        Its usable points.
    """
    time, flux, error, names, n_excluded = usable_points(light_curves, i)
    bands = in_order(names.tolist())
    band = np.array([bands.index(name) for name in names.tolist()], dtype=np.int64)
    n_bands = len(bands)
    zero = float(time.mean()) if time.size else 0.0
    plain = np.bincount(band, weights=flux, minlength=n_bands) / np.maximum(
        np.bincount(band, minlength=n_bands), 1
    )
    if flux.size:
        error = credible_errors(flux, error, band)
        gamma, floor = error_model(list(bands))
        error = error_at_mean_flux(flux, error, plain[band], gamma[band], floor[band])
    # Weights that allow for the star's own variation: a few precise points must not set the mean.
    own = np.array([np.std(flux[band == j]) for j in range(n_bands)])
    weight = 1.0 / (error**2 + own[band] ** 2) if flux.size else error
    total = np.bincount(band, weights=weight, minlength=n_bands)
    mean = np.bincount(band, weights=weight * flux, minlength=n_bands) / np.where(total > 0, total, 1.0)
    mean_error = np.where(total > 0, total, 1.0) ** -0.5
    unit = np.maximum(mean, 3.0 * mean_error)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_mag = np.where(mean > _LEAST_MEAN * mean_error, AB_ZERO_NJY - 2.5 * np.log10(mean), np.nan)
    value, error = (flux - mean[band]) / unit[band], error / unit[band]
    w = error**-2.0
    n_free = max(value.size - n_bands, 1)
    excess = float((w * value**2).sum() - n_free) / max(float(w.sum()), 1e-300) if value.size else 0.0
    typical = float(value.size / w.sum()) if value.size else 0.0
    return StarPoints(
        time=time - zero,
        zero=zero,
        value=value,
        error=error,
        band=band,
        bands=bands,
        mean_mag=mean_mag,
        mean_flux=mean,
        unit=unit,
        scatter=float(np.sqrt(max(excess, 0.01 * typical))),
        n_excluded=n_excluded,
    )


def expected_offsets(star: StarPoints, mean_mag: FloatArray) -> FloatArray:
    """Give the mean relative fluxes that the colours of stars make one expect.

    Parameters
    ----------
    star : StarPoints
        The points.
    mean_mag : ndarray of float64, shape (..., n_bands)
        Absolute AB magnitudes of the stars compared with, at any distance.

    Returns
    -------
    ndarray of float64, shape (..., n_bands)
        What remains of the differences at the mean distance; 0 in bands without a mean.
    """
    known = np.isfinite(star.mean_mag)
    out = np.where(known, _LN_FLUX * (np.where(known, star.mean_mag, 0.0) - mean_mag), 0.0)
    out = out - out.sum(axis=-1, keepdims=True) / max(int(known.sum()), 1)
    return np.asarray(np.where(known, out, 0.0))


def offset_precision(
    bands: tuple[str, ...], known: npt.NDArray[np.bool_], star_class: str, colours: bool
) -> FloatArray:
    """Give the prior precision of a star's mean relative fluxes about those that a shape's colours tell.

    Parameters
    ----------
    bands : tuple of str
        The bands.
    known : ndarray of bool, shape (n_bands,)
        Bands with a mean magnitude.
    star_class : str
        The class of the shape; colours of Miras scatter more.
    colours : bool
        Whether zero points are those of AB magnitudes; otherwise every offset is free.

    Returns
    -------
    ndarray of float64, shape (n_bands, n_bands)
        Inverse of the covariance: a common magnitude that is free, E(B-V) of the same star in all
        bands, and an error of the colour in each.
    """
    scatter = np.where(known, colour_scatter(bands, star_class, colours=colours), _UNKNOWN_BAND)
    dust = np.array([band_filter(b).extinction or 0.0 for b in bands])
    covariance = (
        np.diag(scatter**2)
        + EBV_SCATTER**2 * np.outer(dust, dust)
        + _DISTANCE_SCATTER**2 * np.ones((len(bands), len(bands)))
    )
    inverse = np.linalg.inv(_LN_FLUX**2 * covariance)
    return np.asarray(0.5 * (inverse + inverse.T))


def colour_scatter(bands: tuple[str, ...], star_class: str, *, colours: bool = True) -> FloatArray:
    """Give the scatter of the mean magnitudes of real stars about those of a shape's star.

    Parameters
    ----------
    bands : tuple of str
        The bands.
    star_class : str
        The class of the shape.
    colours : bool
        Whether zero points are those of AB magnitudes; otherwise every mean is free.

    Returns
    -------
    ndarray of float64, shape (n_bands,)
        Standard deviations in mag, independent from band to band.
    """
    own = [_colour_scatter(band, star_class) if colours else _UNKNOWN_BAND for band in bands]
    return np.array(own)


def _colour_scatter(band: str, star_class: str) -> float:
    if band not in KNOWN_BANDS:
        return _UNKNOWN_BAND
    if band in _LOOSE:
        return _LOOSE[band]
    if band in _MODELLED:
        return float(np.hypot(_COLOUR_SCATTER, colour_uncertainty(band, star_class)))
    wavelength = KNOWN_BANDS[band].wavelength
    nearest = min(("u", "g", "r", "i", "z", "y"), key=lambda b: abs(KNOWN_BANDS[b].wavelength - wavelength))
    own = np.hypot(_COLOUR_SCATTER, colour_uncertainty(nearest, star_class))
    return float(np.hypot(own, _BETWEEN_BANDS))
