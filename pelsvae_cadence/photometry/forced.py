"""Forced photometry: light curves from fluxes and their errors at the visits of a survey."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.photometry.noise import DETECTION_SNR, flux_to_mag

__all__ = ["forced_photometry", "forced_points"]

FloatArray = npt.NDArray[np.float64]


def forced_points(flux: FloatArray, flux_err: FloatArray) -> dict[str, npt.NDArray[Any]]:
    """Derive what else light curves hold of their forced fluxes.

    Parameters
    ----------
    flux, flux_err : ndarray of float64
        Measured fluxes and their errors in nJy.

    Returns
    -------
    dict of str to ndarray
        "flux", "flux_err", "detected", "mag" and "mag_err" as in `LightCurves`, in the shape of the
        fluxes: above five sigma a point is detected and has a magnitude.
    """
    detected = flux > DETECTION_SNR * flux_err
    mag_err = np.full(flux.shape, np.nan)
    mag_err[detected] = 2.5 * np.log10(1.0 + flux_err[detected] / flux[detected])
    return {
        "flux": flux,
        "flux_err": flux_err,
        "detected": detected,
        "mag": np.where(detected, flux_to_mag(flux), np.nan),
        "mag_err": mag_err,
    }


def forced_photometry(
    star_id: npt.NDArray[np.int64],
    visits: Visits,
    mag_true: FloatArray,
    flux: FloatArray,
    flux_err: FloatArray,
    saturated: npt.NDArray[np.bool_] | None = None,
) -> LightCurves:
    """Make the light curves of stars that were all observed at the same visits.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        The stars.
    visits : Visits
        The visits.
    mag_true : ndarray of float64, shape (N, n_visits)
        Noise-free AB magnitudes.
    flux, flux_err : ndarray of float64, shape (N, n_visits)
        Measured fluxes and their errors in nJy.
    saturated : ndarray of bool, shape (N, n_visits), optional
        Which points are saturated; none by default.

    Returns
    -------
    LightCurves
        The light curves.
    """
    n_stars, n_visits = star_id.size, len(visits)
    if saturated is None:
        saturated = np.zeros(flux.shape, dtype=np.bool_)
    points = {"mag_true": mag_true, "saturated": saturated, **forced_points(flux, flux_err)}
    return LightCurves(
        star_id=star_id,
        offsets=np.arange(n_stars + 1) * n_visits,
        mjd=np.tile(visits.mjd, n_stars),
        band=np.tile(visits.band, n_stars),
        visit_id=np.tile(visits.visit_id, n_stars),
        **{name: values.ravel() for name, values in points.items()},
    )
