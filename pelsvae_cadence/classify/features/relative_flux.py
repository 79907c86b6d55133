"""All points of all stars as relative fluxes, band by band, without a loop over stars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import band_filter
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods.series import error_at_mean_flux
from pelsvae_cadence.photometry.noise import error_model

__all__ = ["RelativeFlux", "relative_flux"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class RelativeFlux:
    """The usable points of N stars in B bands, sorted by star and band, then as given.

    Parameters
    ----------
    star, band : ndarray of int64, shape (n_points,)
        Index of star and band of each point.
    time : ndarray of float64, shape (n_points,)
        MJD (TAI) in days.
    value, error : ndarray of float64, shape (n_points,)
        Flux over the mean flux of star and band, less one; its error at the mean flux.
    edges : ndarray of int64, shape (N * B + 1,)
        First point of each star and band, and the total.
    mean, mean_error : ndarray of float64, shape (N, B)
        Weighted mean fluxes and their errors in nJy; NaN where there is no point.
    bands : tuple of str
        Names of the bands.
    """

    star: IntArray
    band: IntArray
    time: FloatArray
    value: FloatArray
    error: FloatArray
    edges: IntArray
    mean: FloatArray
    mean_error: FloatArray
    bands: tuple[str, ...]

    @property
    def counts(self) -> IntArray:
        """Number of points per star and band, shape (N, B)."""
        return np.diff(self.edges).reshape(self.mean.shape)

    @property
    def unit(self) -> FloatArray:
        """Mean fluxes, or three sigma of the mean where that is more, shape (N, B)."""
        return np.fmax(self.mean, 3.0 * self.mean_error)

    def scales(self) -> FloatArray:
        """Typical amplitudes of the bands relative to g, shape (B,)."""
        return np.array([band_filter(name).amplitude for name in self.bands])


def relative_flux(light_curves: LightCurves, bands: Sequence[str]) -> RelativeFlux:
    """Prepare light curves for the features.

    Points that are saturated, not finite or without a positive error are left out, as in the
    period search; so are points in other bands than those asked for.
    """
    names = tuple(bands)
    n_bands, n_stars = len(names), len(light_curves)
    known, which = np.unique(light_curves.band, return_inverse=True)
    codes = np.array([names.index(b) if b in names else -1 for b in known.tolist()], dtype=np.int64)
    band = codes[which] if known.size else np.empty(0, np.int64)
    star = np.repeat(np.arange(n_stars), np.diff(light_curves.offsets))
    flux_all, error_all = light_curves.flux, light_curves.flux_err
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(flux_all) & np.isfinite(error_all) & (error_all > 0)
    usable &= np.isfinite(light_curves.mjd) & ~light_curves.saturated & (band >= 0)
    cell = star * n_bands + band
    rows = np.flatnonzero(usable)
    rows = rows[np.argsort(cell[rows], kind="stable")]
    cell, star, band = cell[rows], star[rows], band[rows]
    flux, error, time = flux_all[rows], error_all[rows], light_curves.mjd[rows]
    n_cells = n_stars * n_bands
    count = np.bincount(cell, minlength=n_cells)
    edges = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    full = count > 0
    # The mean for the error model is unweighted: it must not depend on the errors it mends.
    plain = np.bincount(cell, weights=flux, minlength=n_cells) / np.maximum(count, 1)
    gamma, floor = error_model(names)
    error = error_at_mean_flux(flux, error, plain[cell], gamma[band], floor[band])
    weight = error**-2.0
    total = np.bincount(cell, weights=weight, minlength=n_cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(cell, weights=weight * flux, minlength=n_cells) / total
        mean_error = np.asarray(total**-0.5, dtype=np.float64)
    mean[~full], mean_error[~full] = np.nan, np.nan
    unit = np.fmax(mean, 3.0 * mean_error)[cell]
    shape = (n_stars, n_bands)
    return RelativeFlux(
        star=star,
        band=band,
        time=time,
        value=(flux - mean[cell]) / unit,
        error=error / unit,
        edges=edges,
        mean=mean.reshape(shape),
        mean_error=mean_error.reshape(shape),
        bands=names,
    )
