"""Reconstruction error: noisy points of known stars encoded and decoded."""

from __future__ import annotations

from typing import Final

import numpy as np

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.model.reference_stars import physics_matrix
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.evaluate.measures.samples import exposure_error, stars_of
from pelsvae_cadence.training.open_set.table import OpenSet

__all__ = ["reconstruct", "reconstruction_error"]

_GRID: Final = np.arange(512) / 512
_MOST_HARMONICS: Final = 12  # of the classical fit


def reconstruct(
    model: LightCurveModel, rows: OpenSet, n_points: int, *, seed: int = 0
) -> tuple[FloatArray, FloatArray, PhaseCurve]:
    """Observe known stars at random phases and decode what the encoder makes of them.

    Parameters
    ----------
    model : LightCurveModel
        The model.
    rows : OpenSet
        N stars.
    n_points : int
        Points per star, with the error of an OGLE-III-like exposure.
    seed : int
        Seed of phases and noise.

    Returns
    -------
    phase, mag : ndarray, shape (N, n_points)
        The points; the mean magnitude is 16.
    curve : PhaseCurve
        The decoded shapes, on the phase zero of the stars.
    """
    rng = np.random.default_rng(seed)
    noise = exposure_error(rows)
    phase = rng.random((len(rows), n_points))
    mag = 16.0 + rows.amplitude_i[:, None] * rows.curve.evaluate(phase)
    mag = mag + noise[:, None] * rng.normal(size=phase.shape)
    stars = stars_of(rows)
    mu, _ = model.encode(phase, mag, np.repeat(noise[:, None], n_points, axis=1), stars)
    physics = physics_matrix(rows)
    curves, shift = model.decode(mu, rows.star_class, physics)
    return phase, mag, curves.shifted(-shift)


def reconstruction_error(
    model: LightCurveModel, rows: OpenSet, n_points: int, *, seed: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Measure the reconstruction of known stars beside a classical fit.

    Parameters
    ----------
    model : LightCurveModel
        The model.
    rows : OpenSet
        N stars.
    n_points : int
        Points per star.
    seed : int
        Seed of phases and noise.

    Returns
    -------
    model_rms : ndarray, shape (N,)
        RMS difference over a cycle in units of the amplitude. Both curves have unit amplitude;
        the phase zero is known to both.
    fit_rms : ndarray, shape (N,)
        The same for a Fourier fit of the order chosen by the BIC.
    """
    phase, mag, curves = reconstruct(model, rows, n_points, seed=seed)
    noise = exposure_error(rows)
    exact = rows.curve.evaluate(_GRID)
    model_rms = np.sqrt(np.mean((curves.evaluate(_GRID) - exact) ** 2, axis=1))
    fit_rms = np.empty(len(rows))
    for i in range(len(rows)):
        fit = _bic_harmonics(phase[i], mag[i], float(noise[i]))
        scaled = fit.evaluate(_GRID)[0] / rows.amplitude_i[i]
        fit_rms[i] = np.sqrt(np.mean((scaled - exact[i]) ** 2))
    return model_rms, fit_rms


def _bic_harmonics(phase: FloatArray, mag: FloatArray, error: float) -> PhaseCurve:
    """Fit one star by a Fourier series whose order minimises the BIC: the classical way."""
    k = np.arange(1, max(1, min(_MOST_HARMONICS, (len(phase) - 2) // 2)) + 1)
    angle = 2.0 * np.pi * phase[:, None] * k
    cos, sin = np.cos(angle), np.sin(angle)
    best: tuple[float, FloatArray, int] | None = None
    for n in k.tolist():
        design = np.concatenate([np.ones((len(phase), 1)), cos[:, :n], sin[:, :n]], axis=1)
        answer, *_ = np.linalg.lstsq(design, mag, rcond=None)
        chi_square = np.sum((mag - design @ answer) ** 2) / error**2
        score = chi_square + (2 * n + 1) * np.log(len(phase))
        if best is None or score < best[0]:
            best = (float(score), answer, n)
    if best is None:
        raise InputError("no points to fit")
    _, answer, n = best
    return PhaseCurve(cos=answer[None, 1 : n + 1], sin=answer[None, n + 1 :])
