"""Fourier shapes: the catalogue's convention, fits to light curves, phase zero and scale.

A shape is a pair (cos, sin) of arrays (N, K): the magnitudes are
sum_k cos_k cos(2 pi k phi) + sin_k sin(2 pi k phi), as in `pelsvae_cadence.core.phase_curve`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import ComplexArray, FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve

__all__ = [
    "catalogue_shape",
    "fit_harmonics",
    "from_complex",
    "peak_to_peak",
    "to_complex",
    "to_standard_shape",
]

_GRID = 2048


def to_complex(curve: PhaseCurve) -> ComplexArray:
    """Write a shape as complex coefficients c_k, m = Re sum_k c_k exp(2 pi i k phi).

    Parameters
    ----------
    curve : PhaseCurve
        N shapes.

    Returns
    -------
    ndarray of complex128, shape (N, K)
        c_k = cos_k - i sin_k, so that |c_k| and arg c_k are A_k and phi_k of the cosine series.
    """
    return np.asarray(curve.cos - 1j * curve.sin)


def from_complex(coefficients: npt.ArrayLike) -> PhaseCurve:
    """Turn complex coefficients into a shape; the inverse of `to_complex`.

    Parameters
    ----------
    coefficients : array_like of complex, shape (N, K)
        The coefficients c_k.

    Returns
    -------
    PhaseCurve
        N shapes.
    """
    c = np.atleast_2d(np.asarray(coefficients, dtype=np.complex128))
    return PhaseCurve(cos=c.real, sin=-c.imag)


def catalogue_shape(
    r21: npt.ArrayLike, phi21: npt.ArrayLike, r31: npt.ArrayLike, phi31: npt.ArrayLike
) -> PhaseCurve:
    """Build the three-term series of the OGLE catalogues with A_1 = 1 and phi_1 = 0.

    Parameters
    ----------
    r21, phi21, r31, phi31 : array_like, shape (N,)
        Amplitude ratios R_k1 = A_k / A_1 and phases phi_k1 = phi_k - k phi_1 in radians of the
        cosine series m = sum_k A_k cos(k w t + phi_k). A phase that is NaN needs a ratio of 0.

    Returns
    -------
    PhaseCurve
        N shapes with three harmonics; neither scale nor phase zero are standard yet.
    """
    ratios = [np.asarray(r, dtype=np.float64) for r in (r21, r31)]
    phases = [np.asarray(p, dtype=np.float64) for p in (phi21, phi31)]
    for ratio, phase in zip(ratios, phases, strict=True):
        if (np.isnan(phase) & (ratio != 0)).any() or not np.isfinite(ratio).all():
            raise InputError("an amplitude ratio without phase", remedy="Reject the row.")
    c = np.ones((ratios[0].size, 3), dtype=np.complex128)
    for k in (1, 2):
        c[:, k] = ratios[k - 1] * np.exp(1j * np.nan_to_num(phases[k - 1]))
    return from_complex(c)


def peak_to_peak(curve: PhaseCurve) -> FloatArray:
    """Measure the peak-to-peak amplitude.

    Parameters
    ----------
    curve : PhaseCurve
        N shapes.

    Returns
    -------
    ndarray of float64, shape (N,)
        Largest minus smallest value on a grid of 2,048 phases.
    """
    return np.asarray(np.ptp(curve.evaluate(np.arange(_GRID) / _GRID), axis=1))


def to_standard_shape(curve: PhaseCurve, *, binary: bool) -> PhaseCurve:
    """Move phase zero to its standard place and scale the shape to unit peak-to-peak amplitude.

    Parameters
    ----------
    curve : PhaseCurve
        N shapes.
    binary : bool
        Phase zero is the primary (deepest) minimum if true, maximum light otherwise.

    Returns
    -------
    PhaseCurve
        Standard shapes. The extremum is found on a grid and refined by a parabola.
    """
    phase = np.arange(_GRID) / _GRID
    value = curve.evaluate(phase)
    # Magnitudes: maximum light is the smallest number, the primary minimum the largest.
    best = np.argmax(value, axis=1) if binary else np.argmin(value, axis=1)
    rows = np.arange(len(curve))
    left, mid, right = (value[rows, (best + step) % _GRID] for step in (-1, 0, 1))
    curvature = left - 2.0 * mid + right
    safe = np.where(np.abs(curvature) > 1e-15, curvature, 1.0)
    shift = np.where(np.abs(curvature) > 1e-15, 0.5 * (left - right) / safe, 0.0)
    moved = curve.shifted((best + np.clip(shift, -0.5, 0.5)) / _GRID)
    return moved.normalised(_GRID)


def fit_harmonics(
    time: npt.ArrayLike,
    mag: npt.ArrayLike,
    err: npt.ArrayLike,
    period: float,
    n_harmonics: int,
    *,
    ridge: float = 0.0,
    clip: float = 4.0,
    rounds: int = 5,
) -> tuple[ComplexArray, float, npt.NDArray[np.bool_]]:
    """Fit a Fourier series to one light curve by weighted least squares with clipping.

    Parameters
    ----------
    time, mag, err : array_like, shape (n,)
        Times in days, magnitudes and their errors.
    period : float
        Period in days.
    n_harmonics : int
        Number of harmonics K.
    ridge : float
        Strength of the prior that keeps harmonic k near zero, growing as k squared squared;
        0 is plain least squares. In units of the mean weight of the points.
    clip : float
        Points further than this many robust standard deviations from the fit are left out.
    rounds : int
        Largest number of clipping rounds.

    Returns
    -------
    coefficients : ndarray of complex128, shape (K,)
        c_k of `to_complex`, phase = time / period.
    rms : float
        Root mean square residual of the kept points in mag.
    kept : ndarray of bool, shape (n,)
        The points kept.

    Raises
    ------
    InputError
        If there are fewer than 2 K + 5 points.
    """
    t, m, s = (np.asarray(v, dtype=np.float64) for v in (time, mag, err))
    if t.size < 2 * n_harmonics + 5:
        raise InputError(f"{t.size} points for {n_harmonics} harmonics", allowed=f">= {2 * n_harmonics + 5}")
    k = np.arange(1, n_harmonics + 1)
    angle = 2 * np.pi * ((t / period) % 1.0)[:, None] * k
    design = np.concatenate([np.ones((t.size, 1)), np.cos(angle), np.sin(angle)], axis=1)
    weight = 1.0 / np.maximum(s, 0.003) ** 2  # pipeline errors below 3 mmag are not believed
    weight /= weight.mean()
    penalty = np.concatenate([[0.0], np.tile(k.astype(np.float64) ** 4, 2)]) * ridge
    kept = np.ones(t.size, dtype=bool)
    for _ in range(rounds):
        a = design[kept] * weight[kept, None]
        normal = a.T @ design[kept] + np.diag(penalty)
        solution = np.linalg.solve(normal, a.T @ m[kept])
        residual = m - design @ solution
        scale = 1.4826 * np.median(np.abs(residual[kept]))
        fresh = np.abs(residual) <= clip * max(scale, 1e-6)
        if (fresh == kept).all() or fresh.sum() < 2 * n_harmonics + 5:
            break
        kept = fresh
    rms = float(np.sqrt(np.mean(residual[kept] ** 2)))
    return solution[1 : n_harmonics + 1] - 1j * solution[n_harmonics + 1 :], rms, kept
