"""Real stars as templates of their own: points, Fourier series, nearest residuals, visits."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import mag_to_flux
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.photometry.forced import forced_photometry
from pelsvae_cadence.photometry.noise import flux_error

__all__ = [
    "MOST_HARMONICS",
    "choose_rows",
    "harmonic_basis",
    "nearest_in_phase",
    "observe_known",
    "points_of",
]

FloatArray = npt.NDArray[np.float64]

#: Harmonics of a star's own Fourier series.
MOST_HARMONICS: Final = 8


def points_of(
    points: dict[str, npt.NDArray[Any]], row: int
) -> tuple[FloatArray, FloatArray, FloatArray, Any]:
    """Give times, magnitudes and errors of a star, and where they are.

    Parameters
    ----------
    points : dict of str to ndarray
        A set of light curves as `pelsvae_cadence.core.real_data.read_light_curve_set` reads it.
    row : int
        Row of the star.

    Returns
    -------
    time, mag, err : ndarray of float64, shape (n,)
        Times in days, magnitudes and their errors in mag.
    some : slice
        Where they are in the set.
    """
    some = slice(*points["offsets"][row : row + 2].tolist())
    time, mag, err = (points[key][some].astype(np.float64) for key in ("t", "mag", "err"))
    return time, mag, err, some


def choose_rows(n_all: int, n: int | None, seed: int, purpose: str) -> npt.NDArray[np.int64]:
    """Draw `n` rows without replacement; a smaller sample is part of a larger one.

    Parameters
    ----------
    n_all : int
        Number of rows.
    n : int or None
        Rows wanted; None for all.
    seed : int
        Seed of the draw.
    purpose : str
        What the draw is for: others of the same seed are independent.

    Returns
    -------
    ndarray of int64, shape (min(n, n_all),)
        The rows, rising.

    Raises
    ------
    InputError
        If `n` is not positive.
    """
    if n is not None and n < 1:
        raise InputError(f"{n} stars", allowed="1 or more, or None for all")
    order = KeyedRandom(seed=seed).generator(purpose, 0).permutation(n_all)
    return np.sort(order[:n]).astype(np.int64)


def harmonic_basis(phase: FloatArray, n_harmonics: int = MOST_HARMONICS) -> FloatArray:
    """Give the columns of a Fourier series with a mean.

    Parameters
    ----------
    phase : ndarray of float64, shape (n,)
        Phases in cycles.
    n_harmonics : int
        Number of harmonics.

    Returns
    -------
    ndarray of float64, shape (n, 1 + 2 n_harmonics)
        Ones, cosines and sines.
    """
    angle = 2.0 * np.pi * np.outer(phase, np.arange(1, n_harmonics + 1))
    return np.column_stack([np.ones(phase.size), np.cos(angle), np.sin(angle)])


def observe_known(star_id: int, visits: Visits, mag_true: FloatArray, random: KeyedRandom) -> LightCurves:
    """Observe a star of known magnitudes at visits.

    Parameters
    ----------
    star_id : int
        Number of the star.
    visits : Visits
        The visits.
    mag_true : ndarray of float64, shape (n_visits,)
        Its magnitudes at them.
    random : KeyedRandom
        Source of the noise.

    Returns
    -------
    LightCurves
        Its light curve, with noise and saturation of the visits.
    """
    flux_true = mag_to_flux(mag_true)
    flux_err = flux_error(flux_true, visits.m5, visits.band)
    noise = random.normal("real stars at visits", star_id, visits.visit_id)
    return forced_photometry(np.array([star_id]), visits, mag_true, flux_true + flux_err * noise, flux_err)


def nearest_in_phase(phase: FloatArray, wanted: FloatArray) -> npt.NDArray[np.intp]:
    """Find the point nearest in phase, across the wrap.

    Parameters
    ----------
    phase : ndarray of float64, shape (n,)
        Phases of the points, 0 to 1.
    wanted : ndarray of float64, shape (m,)
        Phases asked for, 0 to 1.

    Returns
    -------
    ndarray of int, shape (m,)
        Indices of the points.
    """
    order = np.argsort(phase, kind="stable")
    around = np.concatenate([phase[order[-1:]] - 1.0, phase[order], phase[order[:1]] + 1.0])
    index = np.concatenate([order[-1:], order, order[:1]])
    right = np.clip(np.searchsorted(around, wanted), 1, around.size - 1)
    left_is_nearer = wanted - around[right - 1] < around[right] - wanted
    return np.asarray(index[np.where(left_is_nearer, right - 1, right)])
