"""What the modes of a star's posterior predict of visits that have not been made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp, ndtri

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.flux import mag_to_flux
from pelsvae_cadence.inference.local_fit import Hypotheses, LocalFits, fit_hypotheses
from pelsvae_cadence.inference.modes import Mode
from pelsvae_cadence.inference.points import StarPoints
from pelsvae_cadence.inference.read_star import StarReading
from pelsvae_cadence.photometry.noise import flux_error, saturation_magnitude

__all__ = ["Predictions", "predictions"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

# Hypotheses that are less probable than this cannot gain or lose much.
_LEAST_SHARE: Final = 1e-3
# Equal parts of a mode by its frequency: over a long time a little frequency is much phase.
_PARTS: Final = 6
_MODEL_ERROR: Final = 0.08  # in units of the star's scatter, as in the fits of the modes
# Scatter of size and mean fluxes about the mode's before the points are fitted once more.
_SIZE: Final = 0.15
_OFFSET: Final = 0.3


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Gaussians of the relative flux of V candidate visits under H hypotheses about one star.

    Parameters
    ----------
    mode : ndarray of int64, shape (H,)
        Index of the mode; -1, at the end, for "no period".
    part : ndarray of int64, shape (H,)
        Which part of the mode by frequency, from low to high.
    share : ndarray of float64, shape (H,)
        Probabilities of the hypotheses.
    mean, variance : ndarray of float64, shape (H, V)
        Mean and variance of what would be measured, noise included.
    possible : ndarray of bool, shape (V,)
        False where the star would saturate, or has no point in the band yet.
    """

    mode: IntArray
    part: IntArray
    share: FloatArray
    mean: FloatArray
    variance: FloatArray
    possible: BoolArray


def predictions(reading: StarReading, candidates: Visits) -> Predictions:
    """Predict candidate visits.

    Parameters
    ----------
    reading : StarReading
        The reading of a star, with one mode or more.
    candidates : Visits
        V visits.

    Returns
    -------
    Predictions
        The predictions; what is improbable to less than a thousandth is left out.
    """
    star = reading.star
    log_share = np.array([mode.log_evidence for mode in reading.modes] + [reading.none])
    share = np.exp(log_share - logsumexp(log_share))
    kept = np.flatnonzero(share >= _LEAST_SHARE)
    share = share[kept] / share[kept].sum()
    modes = [reading.modes[j] for j in kept.tolist() if j < len(reading.modes)]
    n = len(modes)
    known = np.isin(candidates.band, star.bands)
    band = np.array(
        [star.bands.index(name) if name in star.bands else 0 for name in candidates.band.tolist()]
    )
    flux = star.mean_flux[band]
    limit = saturation_magnitude(candidates.band, candidates.exptime, candidates.seeing)
    noise = flux_error(np.maximum(flux, 0.0), candidates.m5, candidates.band) / star.unit[band]
    mean = np.zeros((_PARTS * n + share.size - n, len(candidates)))
    variance = np.full(mean.shape, star.scatter**2)
    if n:
        time = candidates.mjd - star.zero
        mean[: _PARTS * n], variance[: _PARTS * n] = _curves(star, modes, time, band)
    return Predictions(
        mode=np.append(np.repeat(kept[:n], _PARTS), np.full(share.size - n, -1)),
        part=np.append(np.tile(np.arange(_PARTS), n), np.zeros(share.size - n, dtype=np.int64)),
        share=np.append(np.repeat(share[:n] / _PARTS, _PARTS), share[n:]),
        mean=mean,
        variance=variance + noise**2,
        possible=known & (flux <= mag_to_flux(limit)),
    )


def _curves(
    star: StarPoints, modes: list[Mode], time: FloatArray, band: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Give mean and variance of the curves of all parts of modes, errors of the model included: (H, V)."""
    fits, curves = _refitted(star, modes)
    n, n_bands = len(modes), len(star.bands)
    covariance = np.linalg.inv(fits.information)
    # What the other parameters are, on average, at other frequencies, and what is left of their covariance.
    along = covariance[:, :, -1] / covariance[:, -1:, -1]
    left = covariance - along[:, :, None] * covariance[:, None, -1, :]
    step = ndtri((np.arange(_PARTS) + 0.5) / _PARTS) * np.sqrt(covariance[:, -1, -1])[:, None]  # (n, parts)
    moved = (along[:, None] * step[:, :, None]).reshape(n * _PARTS, -1)
    frequency = np.repeat(fits.frequency, _PARTS) + moved[:, -1] / max(star.span, 1e-9)
    phase = np.repeat(fits.phase, _PARTS) + moved[:, -2]
    size = np.repeat(fits.coefficients[:, 0], _PARTS) + moved[:, 0]
    offset = np.repeat(fits.offset, _PARTS, axis=0) + moved[:, 1 : 1 + n_bands]
    k = np.arange(curves.shape[2])
    cycles = frequency[:, None] * time + phase[:, None]
    turns = np.exp(2j * np.pi * (cycles % 1.0)[:, :, None] * k) * np.where(k == 0, 1.0, 2.0)
    turns *= np.repeat(curves, _PARTS, axis=0)[:, band]
    shape = turns.sum(axis=2).real
    row = np.zeros((n * _PARTS, time.size, covariance.shape[1]))
    row[:, :, 0] = shape
    row[:, np.arange(time.size), 1 + band] = 1.0
    row[:, :, -2] = (turns * (2j * np.pi * k)).sum(axis=2).real * size[:, None]
    variance = ((row @ np.repeat(left, _PARTS, axis=0)) * row).sum(axis=2)
    model = _MODEL_ERROR * star.scatter
    return size[:, None] * shape + offset[:, band], np.maximum(variance, 0.0) + model**2


def _refitted(star: StarPoints, modes: list[Mode]) -> tuple[LocalFits, npt.NDArray[np.complex128]]:
    """Fit the modes' curves once more, with their size, mean fluxes, phase and frequency free."""
    n, n_bands = len(modes), len(star.bands)
    curves = np.zeros((n, n_bands, max(mode.curves.shape[1] for mode in modes), 1), dtype=np.complex128)
    for j, mode in enumerate(modes):
        curves[j, :, : mode.curves.shape[1], 0] = mode.curves
    precision = np.broadcast_to(np.eye(n_bands) * _OFFSET**-2.0, (n, n_bands, n_bands))
    fits = fit_hypotheses(
        star,
        star.with_model_error(_MODEL_ERROR),
        Hypotheses(
            frequency=np.array([mode.frequency for mode in modes]),
            phase=np.array([mode.phase for mode in modes]),
            curves=curves,
            offset=np.array([mode.offset for mode in modes]),
            precision=precision,
            amplitude_scatter=np.full(n, _SIZE),
        ),
    )
    return fits, curves[..., 0]
