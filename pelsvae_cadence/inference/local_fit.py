r"""Robust fits around the best hypotheses: shapes between members, exact frequency, outliers.

A hypothesis (frequency, phase, curve T_b) is refined by

.. math:: y_i = \delta_b + a T_b(\theta_i) + \sum_j s_j B_{jb}(\theta_i)
          + (\Delta\phi + \Delta f\, t_i) \dot S_b(\theta_i), \qquad \theta_i = f t_i + \phi ,

with Gaussian priors on all but phase and frequency. The basis B spans what the neighbours of the
member in period do, and a little of every low harmonic. Points are Gaussian or, with a probability of
a few per cent, outliers; the evidence is that of Laplace's approximation at the maximum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.inference.points import StarPoints

__all__ = ["Hypotheses", "LocalFits", "fit_hypotheses"]

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]

_OUTLIERS: Final = 0.03  # share of points that no shape explains
_OUTLIER_SCALE: Final = 3.0  # their spread in units of the star's scatter
_PHASE_STEP: Final = 0.05  # cycles: prior of one linear step, not of the phase
_FREQUENCY_STEP: Final = 0.15  # 1/T
_ROUNDS: Final = 4


@dataclass(frozen=True, kw_only=True)
class Hypotheses:
    """Curves at frequencies, H of them.

    Parameters
    ----------
    frequency, phase : ndarray of float64, shape (H,)
        Frequencies in 1/d, and phases in cycles at the star's zero of time.
    curves : ndarray of complex128, shape (H, n_bands, K + 1, 1 + J)
        Fourier coefficients of the curve and of its J basis curves, whose coefficients are N(0, 1).
    offset : ndarray of float64, shape (H, n_bands)
        Expected mean relative fluxes.
    precision : ndarray of float64, shape (H, n_bands, n_bands)
        Their prior precision.
    amplitude_scatter : ndarray of float64, shape (H,)
        Standard deviation of the amplitude factor about one.
    """

    frequency: FloatArray
    phase: FloatArray
    curves: ComplexArray
    offset: FloatArray
    precision: FloatArray
    amplitude_scatter: FloatArray


@dataclass(frozen=True, kw_only=True)
class LocalFits:
    """Outcome of the fits of H hypotheses.

    Parameters
    ----------
    frequency, frequency_error, phase : ndarray of float64, shape (H,)
        Refined frequencies [1/d] with their standard deviations, and phases [cycles].
    log_evidence : ndarray of float64, shape (H,)
        Log evidence for a prior density of one per 1/d at the frequency, and any phase.
    coefficients : ndarray of float64, shape (H, 1 + J)
        Amplitude factor and coefficients of the basis.
    offset : ndarray of float64, shape (H, n_bands)
        Mean relative fluxes.
    information : ndarray of float64, shape (H, 1 + J + n_bands + 2, 1 + J + n_bands + 2)
        Inverse of the covariance of coefficients, mean relative fluxes, phase, and frequency times span.
    """

    frequency: FloatArray
    frequency_error: FloatArray
    phase: FloatArray
    log_evidence: FloatArray
    coefficients: FloatArray
    offset: FloatArray
    information: FloatArray

    @property
    def covariance(self) -> FloatArray:
        """Covariance of coefficients and mean relative fluxes, (H, 1 + J + n_bands, 1 + J + n_bands)."""
        return np.asarray(np.linalg.inv(self.information)[:, :-2, :-2])


def _evaluate(
    star: StarPoints, frequency: FloatArray, phase: FloatArray, curves: ComplexArray, coefficients: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Give all curves at the points, (H, n, 1 + J), and the slope of their sum by phase, (H, n)."""
    n_hyp, _, n_k, n_j = curves.shape
    value = np.empty((n_hyp, star.time.size, n_j))
    slope = np.empty((n_hyp, star.time.size))
    theta = frequency[:, None] * star.time + phase[:, None]
    turn = np.exp(2j * np.pi * (theta - np.rint(theta)))
    power = np.empty((n_hyp, star.time.size, n_k), dtype=np.complex128)
    power[:, :, 0] = 1.0
    for k in range(1, n_k):
        np.multiply(power[:, :, k - 1], turn, out=power[:, :, k])
    double = np.where(np.arange(n_k) == 0, 1.0, 2.0)[:, None]
    rate = 2j * np.pi * np.arange(n_k)[:, None]
    for b in range(len(star.bands)):
        mine = np.flatnonzero(star.band == b)
        own = curves[:, b] * double
        both = power[:, mine] @ np.concatenate([own, (own @ coefficients[:, :, None]) * rate], axis=2)
        value[:, mine], slope[:, mine] = both[:, :, :n_j].real, both[:, :, n_j].real
    return value, slope


def fit_hypotheses(
    star: StarPoints,
    error: FloatArray,
    hypotheses: Hypotheses,
    *,
    shape: Literal["known", "free", "none"] = "known",
) -> LocalFits:
    """Refine hypotheses and give their evidence.

    Parameters
    ----------
    star : StarPoints
        The points.
    error : ndarray of float64, shape (n,)
        Errors of the points, that of the model included.
    hypotheses : Hypotheses
        What to fit.
    shape : {"known", "free", "none"}
        Whether the curves have a phase to be found, are harmonics that take care of their phases, or
        are zero: then the evidence is that of no period.

    Returns
    -------
    LocalFits
        The fits.
    """
    n_hyp, n_bands, _, n_j = hypotheses.curves.shape
    n, span = star.time.size, max(star.span, 1e-9)
    frequency, phase = hypotheses.frequency.copy(), hypotheses.phase.copy()
    coefficients = np.zeros((n_hyp, n_j))
    coefficients[:, 0] = 1.0
    onehot = (star.band[:, None] == np.arange(n_bands)).astype(np.float64)
    # Parameters: amplitude and basis, offsets, phase, frequency times span.
    n_par = n_j + n_bands + 2
    prior = np.zeros((n_hyp, n_par, n_par))
    mean = np.zeros((n_hyp, n_par))
    diagonal = np.arange(n_par)
    prior[:, diagonal[:n_j], diagonal[:n_j]] = 1.0
    prior[:, 0, 0] = hypotheses.amplitude_scatter**-2.0
    mean[:, 0] = 1.0
    offsets = slice(n_j, n_j + n_bands)
    prior[:, offsets, offsets] = hypotheses.precision
    mean[:, offsets] = hypotheses.offset
    # What is not to be fitted is held by a prior that cancels in the evidence.
    held = np.array([shape != "known", shape == "none"])
    step = np.where(held, 1e-6, [_PHASE_STEP, _FREQUENCY_STEP]) ** -2.0
    volume = 0.5 * np.where(held, np.log(step), np.log(2.0 * np.pi)).sum() - (
        0.0 if shape == "none" else np.log(span)
    )
    prior[:, diagonal[-2:], diagonal[-2:]] = step
    variance = error**2
    wide = (_OUTLIER_SCALE * star.scatter) ** 2
    scale = np.ones(n_hyp)
    weight = np.broadcast_to(1.0 / (variance + star.scatter**2), (n_hyp, n)).copy()
    last = np.zeros((n_par, 1))  # solving for it gives one column of the covariance
    last[-1] = 1.0
    best: dict[str, FloatArray] = {}
    top = np.full(n_hyp, -np.inf)
    for turn in range(_ROUNDS):
        value, shape_slope = _evaluate(star, frequency, phase, hypotheses.curves, coefficients)
        design = np.concatenate(
            [
                value,
                np.broadcast_to(onehot, (n_hyp, n, n_bands)),
                shape_slope[:, :, None],
                (shape_slope * (star.time / span))[:, :, None],
            ],
            axis=2,
        )
        for _ in range(2 if turn else 3):
            weighted = design * weight[:, :, None]
            normal = design.transpose(0, 2, 1) @ weighted + prior
            right = (weighted * star.value[:, None]).sum(axis=1) + (prior @ mean[:, :, None])[:, :, 0]
            solution = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
            rest = star.value - (design @ solution[:, :, None])[:, :, 0]
            inner = rest**2 / variance
            # At first every point counts: what a poor start misses are no outliers yet.
            good = np.ones_like(inner) if turn == 0 else _mixture(inner, variance, scale[:, None], wide)[0]
            # Errors are never taken to be smaller than stated.
            scale = np.maximum((good * inner).sum(axis=1) / np.maximum(good.sum(axis=1), 1.0), 1.0)
            own = variance * scale[:, None]
            weight = good / own + (1.0 - good) / (own + wide)
        good, total = _mixture(inner, variance, scale[:, None], wide)
        off = solution - mean
        _, size = np.linalg.slogdet(normal)
        _, size_prior = np.linalg.slogdet(prior[:, :-2, :-2])
        value_now = (
            total.sum(axis=1)
            - 0.5 * (off[:, None, :-2] @ prior[:, :-2, :-2] @ off[:, :-2, None])[:, 0, 0]
            + 0.5 * (size_prior - size)
            + volume  # phase and frequency have densities, per cycle and per 1/d, in place of priors
        )
        if shape == "free" and turn == 0:
            # Harmonics that are still zero have no slope: the frequency would seem to be anything.
            value_now = np.full(n_hyp, -np.inf)
        moved = off[:, -2:]
        # Steps are part of the linear model; the evidence of a fit that still moves is provisional.
        # A fit of a long period may step to no frequency at all.
        refined = frequency + moved[:, 1] / span
        better = (value_now > top) & (refined > 0.0)
        inverse_last = np.linalg.solve(normal, last)[:, -1, 0]
        if not best:
            best = {
                "frequency": frequency.copy(),
                "phase": phase.copy(),
                "error": np.sqrt(inverse_last) / span,
                "coefficients": solution[:, :n_j].copy(),
                "offset": solution[:, offsets].copy(),
                "information": normal.copy(),
            }
        best["frequency"][better] = refined[better]
        best["phase"][better] = (phase + moved[:, 0])[better]
        best["error"][better] = np.sqrt(inverse_last[better]) / span
        best["coefficients"][better] = solution[better, :n_j]
        best["offset"][better] = solution[better, offsets]
        best["information"][better] = normal[better]
        top = np.where(better, value_now, top)
        coefficients = solution[:, :n_j].copy()
        phase = phase + np.clip(moved[:, 0], -_PHASE_STEP, _PHASE_STEP)
        step_taken = np.clip(moved[:, 1], -_FREQUENCY_STEP, _FREQUENCY_STEP) / span
        frequency = np.maximum(frequency + step_taken, 1e-3 * hypotheses.frequency)
    return LocalFits(
        frequency=best["frequency"],
        frequency_error=best["error"],
        phase=best["phase"],
        log_evidence=top,
        coefficients=best["coefficients"],
        offset=best["offset"],
        information=best["information"],
    )


def _mixture(
    inner: FloatArray, variance: FloatArray, scale: FloatArray, wide: float
) -> tuple[FloatArray, FloatArray]:
    """Give the probability that a point is none of the outliers, and its log likelihood."""
    own = variance * scale
    plain = np.log1p(-_OUTLIERS) - 0.5 * (inner / scale + np.log(own))
    odd = np.log(_OUTLIERS) - 0.5 * (inner * variance / (own + wide) + np.log(own + wide))
    total = np.logaddexp(plain, odd)
    return np.exp(plain - total), total - 0.5 * np.log(2.0 * np.pi)
