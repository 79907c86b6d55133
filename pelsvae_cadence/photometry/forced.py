"""Forced photometry: light curves from fluxes and their errors at the visits of a survey."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.light_curves import LightCurves

__all__ = ["forced_photometry"]

FloatArray = npt.NDArray[np.float64]


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
        The light curves; detections, magnitudes and their errors follow from the fluxes.
    """
    n_stars, n_visits = star_id.size, len(visits)
    return LightCurves(
        star_id=star_id,
        offsets=np.arange(n_stars + 1) * n_visits,
        mjd=np.tile(visits.mjd, n_stars),
        band=np.tile(visits.band, n_stars),
        visit_id=np.tile(visits.visit_id, n_stars),
        mag_true=mag_true.ravel(),
        flux=flux.ravel(),
        flux_err=flux_err.ravel(),
        saturated=(np.zeros(flux.shape, dtype=np.bool_) if saturated is None else saturated).ravel(),
    )
