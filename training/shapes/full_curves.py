"""Shapes of stars with full light curves, each fitted with the others as prior.

The prior of harmonics 4 and up is the completion learned from the same stars (empirical Bayes by
expectation maximisation), so that sixty points of a Stripe 82 star do not ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import ComplexArray, FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.shapes.completion import (
    N_PULSATOR,
    Completion,
    learn_completion,
    rotate_to_first,
)
from pelsvae_cadence.training.shapes.harmonics import fit_harmonics

__all__ = ["FittedCurve", "FullCurves", "LightCurve", "fit_full_curves", "fit_with_completion"]

LightCurve = tuple[FloatArray, FloatArray, FloatArray]

#: Before anything was learned, d_k has a prior standard deviation of |d_2| x 0.78^(k-2), generous
#: even for steep RRab stars (|d_k| about |d_2| x 0.65^(k-2)).
_FIRST_DECAY: Final = 0.78
#: Stars with fewer points, or a larger rms about the fit as a share of the amplitude, are rejected.
_MIN_POINTS: Final = 40
_MAX_RMS: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class FullCurves:
    """Shapes of stars with full light curves.

    Parameters
    ----------
    row : ndarray of int64, shape (N,)
        Rows of the input that were fitted.
    c : ndarray of complex128, shape (N, K)
        Coefficients in mag; phase = time / period.
    d, variance : ndarray, shape (N, K)
        Harmonics in the frame of the first, and variance of their real and imaginary parts.
    amplitude : ndarray of float64, shape (N,)
        Peak-to-peak I amplitude [mag].
    rms : ndarray of float64, shape (N,)
        Root mean square residual [mag].
    n_significant : ndarray of int64, shape (N,)
        Highest harmonic that the data fix and that is above three of its standard deviations.
    rejected : dict of str to int
        Stars not used, per reason.
    """

    row: npt.NDArray[np.int64]
    c: ComplexArray
    d: ComplexArray
    variance: FloatArray
    amplitude: FloatArray
    rms: FloatArray
    n_significant: npt.NDArray[np.int64]
    rejected: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class FittedCurve:
    """Shape of one star, fitted with a completion as prior.

    Parameters
    ----------
    d : ndarray of complex128, shape (K,)
        Harmonics in the frame of the first.
    amplitude : float
        Peak-to-peak I amplitude [mag].
    rms : float
        Root mean square residual of the kept points [mag].
    n_significant : int
        Highest harmonic above three of its standard deviations.
    """

    d: ComplexArray
    amplitude: float
    rms: float
    n_significant: int


def _posterior(
    curve: LightCurve,
    period: float,
    prior_d: ComplexArray,
    prior_sigma: FloatArray,
    first: ComplexArray,
    noise: float,
    kept: npt.NDArray[np.bool_],
) -> tuple[ComplexArray, FloatArray]:
    """Fit one star with a normal prior on the d_k of harmonics 4 and up."""
    time, mag, err = curve
    k = np.arange(1, N_PULSATOR + 1)
    angle = 2 * np.pi * ((time[kept] / period) % 1.0)[:, None] * k
    design = np.concatenate([np.ones((angle.shape[0], 1)), np.cos(angle), np.sin(angle)], axis=1)
    weight = 1.0 / np.maximum(err[kept], 0.003) ** 2
    weight *= 1.0 / (weight.mean() * noise**2)
    size = abs(first[0])
    # Back from the frame of the first harmonic: c_k = d_k |c_1| exp(i k phi_1).
    mean = prior_d * size * np.exp(1j * k * np.angle(first[0]))
    sigma = prior_sigma * size
    precision = np.concatenate([[0.0], np.tile(1.0 / sigma**2, 2)])
    centre = np.concatenate([[0.0], mean.real, -mean.imag])
    a = design.T * weight
    covariance = np.linalg.inv(a @ design + np.diag(precision))
    solution = covariance @ (a @ mag[kept] + precision * centre)
    c = solution[1 : N_PULSATOR + 1] - 1j * solution[N_PULSATOR + 1 :]
    spread = np.diag(covariance)[1:]
    return c, 0.5 * (spread[:N_PULSATOR] + spread[N_PULSATOR:])


def fit_full_curves(
    light_curves: Sequence[LightCurve],
    period: npt.ArrayLike,
    *,
    learn_from: npt.ArrayLike | None = None,
    rounds: int = 6,
    amplitude_scale: npt.ArrayLike = 1.0,
) -> tuple[FullCurves, Completion]:
    """Fit light curves of one kind of star, each with the others as prior.

    Parameters
    ----------
    light_curves : sequence of (time, mag, err)
        Light curves of N stars.
    period : array_like, shape (N,)
        Periods in days.
    learn_from : array_like of bool, shape (N,), optional
        Stars from which the prior may be learned (the training split); all by default.
    rounds : int
        Rounds of expectation maximisation. Noisy donors need more: the scatter falls slowly from
        the wide first prior.
    amplitude_scale : array_like, scalar or shape (N,)
        I amplitude over the amplitude of the light curve, where that is in another band.

    Returns
    -------
    curves : FullCurves
        Fitted shapes.
    completion : Completion
        What was learned: harmonics 4 and up from the first three.
    """
    periods = np.asarray(period, dtype=np.float64)
    allowed = np.ones(periods.size, bool) if learn_from is None else np.asarray(learn_from, bool)
    scale = np.broadcast_to(np.asarray(amplitude_scale, dtype=np.float64), periods.shape)
    rejected = {"too few points": 0, "gap in phase": 0, "scatter about the curve": 0}
    rows, first, noise, kept_points = [], [], [], []
    for i, (time, mag, err) in enumerate(light_curves):
        if time.size < _MIN_POINTS:
            rejected["too few points"] += 1
            continue
        n = 8 if time.size >= 100 else 5
        c, rms, kept = fit_harmonics(time, mag, err, float(periods[i]), n, ridge=3e-4)
        phase = np.sort((time[kept] / periods[i]) % 1.0)
        if np.diff(phase, append=phase[0] + 1.0).max() > 0.12:
            rejected["gap in phase"] += 1
            continue
        if rms > _MAX_RMS * 2.0 * np.abs(c).sum() or np.abs(c[0]) < 1e-6:
            rejected["scatter about the curve"] += 1
            continue
        rows.append(i)
        first.append(np.concatenate([c, np.zeros(N_PULSATOR - n)]))
        noise.append(rms)
        kept_points.append(kept)
    if len(rows) < 20:
        raise InputError(f"{len(rows)} usable light curves", allowed="20 or more")
    row = np.array(rows)
    c = np.array(first)
    variance = np.zeros(c.shape)
    prior_d = np.zeros(c.shape, dtype=np.complex128)
    second = float(np.median(np.abs(c[:, 1] / c[:, 0])))
    prior_sigma = np.tile(second * _FIRST_DECAY ** np.arange(-1.0, N_PULSATOR - 1), (row.size, 1))
    prior_sigma[:, :3] = 1e3  # the first three are free
    teach = allowed[row]
    completion: Completion | None = None
    grid = np.arange(512) / 512
    for _ in range(max(rounds, 1)):
        for j, i in enumerate(row):
            c[j], variance[j] = _posterior(
                light_curves[i], float(periods[i]), prior_d[j], prior_sigma[j], c[j], noise[j], kept_points[j]
            )
        d = rotate_to_first(c)
        relative = variance / np.abs(c[:, :1]) ** 2
        amplitude = _peak_to_peak(c, grid) * scale[row]
        completion = learn_completion(
            d[teach], relative[teach], periods[row][teach], amplitude[teach], n_known=3
        )
        prior_d[:, 3:] = completion.predict(d, periods[row], amplitude)
        spread = np.sqrt((completion.scatter_root**2).sum(axis=1))
        half = spread.size // 2
        prior_sigma[:, 3:] = np.sqrt(0.5 * (spread[:half] ** 2 + spread[half:] ** 2))
    assert completion is not None  # there is at least one round
    scatter = np.empty(row.size)
    for j, i in enumerate(row):
        time, mag, _ = light_curves[i]
        angle = 2 * np.pi * np.outer(time / periods[i], np.arange(1, N_PULSATOR + 1))
        model = (np.cos(angle) * c[j].real - np.sin(angle) * c[j].imag).sum(axis=1)
        residual = (mag - model)[kept_points[j]]
        scatter[j] = float(np.std(residual))
    # A harmonic was measured if the data, not the prior, fixed it.
    informed = relative < 0.25 * prior_sigma**2
    significant = (np.abs(c) > 3.0 * np.sqrt(variance)) & informed
    n_significant = N_PULSATOR - np.argmax(significant[:, ::-1], axis=1)
    return (
        FullCurves(
            row=row,
            c=c,
            d=d,
            variance=relative,
            amplitude=amplitude,
            rms=scatter,
            n_significant=n_significant,
            rejected=rejected,
        ),
        completion,
    )


def fit_with_completion(
    light_curve: LightCurve,
    period: float,
    completion: Completion,
    *,
    amplitude_scale: float = 1.0,
    max_gap: float = 0.15,
    max_rms: float = 0.1,
) -> tuple[FittedCurve | None, str]:
    """Fit one light curve, with a completion learned from other stars as prior.

    Parameters
    ----------
    light_curve : tuple of (time, mag, err)
        Time [d], magnitude and error.
    period : float
        Period [d].
    completion : Completion
        Relation of the high harmonics to the known low ones, which are free.
    amplitude_scale : float
        I amplitude over the amplitude of the light curve.
    max_gap : float
        Those with a longer gap in phase are rejected.
    max_rms : float
        Those whose rms about the fit is above this share of the amplitude are rejected.

    Returns
    -------
    fit : FittedCurve or None
        The fit; None if the light curve is rejected.
    reason : str
        Why it is rejected, else empty.
    """
    time, mag, err = light_curve
    if time.size < _MIN_POINTS:
        return None, "too few points"
    n = min(5, (time.size - 5) // 2)
    first, noise, kept = fit_harmonics(time, mag, err, period, n, ridge=3e-4)
    phase = np.sort((time[kept] / period) % 1.0)
    if np.diff(phase, append=phase[0] + 1.0).max() > max_gap:
        return None, "gap in phase"
    grid = np.arange(512) / 512
    c = np.concatenate([first, np.zeros(N_PULSATOR - n)])
    variance = np.zeros(N_PULSATOR)
    known = completion.n_known
    half = N_PULSATOR - known
    spread = np.sqrt((completion.scatter_root**2).sum(axis=1))
    sigma = np.full(N_PULSATOR, 1e3)  # the known harmonics are free
    sigma[known:] = np.sqrt(0.5 * (spread[:half] ** 2 + spread[half:] ** 2))
    periods = np.array([period])
    for _ in range(4):  # the prior depends on the low harmonics
        if abs(c[0]) < 1e-6:
            return None, "scatter about the curve"
        d = rotate_to_first(c[None])
        size = np.array([_peak_to_peak(c[None], grid)[0] * amplitude_scale])
        prior = np.zeros(N_PULSATOR, dtype=np.complex128)
        trust = completion.trust(d, periods, size)[0]
        prior[known:] = trust * completion.predict(d, periods, size)[0]
        c, variance = _posterior(light_curve, period, prior, sigma, c, noise, kept)
        angle = 2 * np.pi * np.outer(time / period, np.arange(1, N_PULSATOR + 1))
        model = np.cos(angle) @ c.real - np.sin(angle) @ c.imag
        residual = (mag - model)[kept]
        noise = max(float(np.std(residual)), 0.003)
    amplitude = float(_peak_to_peak(c[None], grid)[0])
    if noise > max_rms * amplitude:
        return None, "scatter about the curve"
    measured = np.abs(c) > 3.0 * np.sqrt(variance)
    measured &= variance < 0.25 * (sigma * abs(c[0])) ** 2
    return (
        FittedCurve(
            d=rotate_to_first(c[None])[0],
            amplitude=amplitude * amplitude_scale,
            rms=noise,
            n_significant=int(N_PULSATOR - np.argmax(measured[::-1])),
        ),
        "",
    )


def _peak_to_peak(c: ComplexArray, grid: FloatArray) -> FloatArray:
    wave = np.exp(2j * np.pi * np.outer(np.arange(1, c.shape[1] + 1), grid))
    return np.asarray(np.ptp((c @ wave).real, axis=1))
