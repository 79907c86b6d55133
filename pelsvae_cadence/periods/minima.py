"""Do the two halves of a cycle differ? The question that makes half a period an orbital one.

A periodogram finds a binary at twice its orbital frequency, since the two eclipses look alike.
Charging a Fourier model of the orbit for all of its harmonics asks too much of the data: what the
halves have in common is known already. Only the odd harmonics are new - or only the depth of one
minimum, where that is all that differs. What the halves of a pulsating star's cycle differ by is
refused elsewhere (`pelsvae_cadence.periods.symmetry`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.periods.harmonics import harmonic_gain, noise_free_scale, waves
from pelsvae_cadence.periods.series import JointSeries

__all__ = ["UnequalHalves", "unequal_halves", "unequal_minima"]

FloatArray = npt.NDArray[np.float64]

# The odd harmonics that are asked for: 1, 1-3, 1-5 or 1-7.
_MOST_ODD: Final = 4
# Frequencies tried around the half, in cycles over the baseline.
_SHIFTS: Final = np.linspace(-0.0375, 0.0375, 13)
_PHASES: Final = 400  # at which the maximum of a curve is looked for
_RIDGE: Final = 1e-6


@dataclass(frozen=True, kw_only=True)
class UnequalHalves:
    """The outcome of the question.

    Parameters
    ----------
    frequency : float
        The best frequency near half the one that was asked about, in 1/d.
    gain : float
        Gain in the score by the odd harmonics; above zero the halves differ.
    order : int
        Highest harmonic of the frequency in the model.
    """

    frequency: float
    gain: float
    order: int


def unequal_halves(series: JointSeries, frequency: float, order: int, baseline: float) -> UnequalHalves:
    r"""Ask whether a frequency should be halved.

    At half the frequency the even harmonics are those of the frequency itself; the first k odd ones
    are added to them, k = 1 .. 4. With :math:`L` the likelihood gain of
    `pelsvae_cadence.periods.refinement.fourier_scores` the outcome is the largest

    .. math:: L({\rm even + odd}) - L({\rm even}) - 2 k \ln n .

    Parameters
    ----------
    series : JointSeries
        The star.
    frequency : float
        A frequency in 1/d.
    order : int
        Number of harmonics the light curve has at that frequency.
    baseline : float
        Time span T in days.

    Returns
    -------
    UnequalHalves
        The best halved frequency, what it gains, and its highest harmonic.
    """
    n = series.time.size
    trial = 0.5 * frequency + _SHIFTS / baseline
    odd = list(range(1, 2 * order, 2))[:_MOST_ODD]
    # No more parameters than a third of the points.
    while odd and 2 * (order + len(odd)) + series.n_bands > n / 3:
        odd.pop()
    if not odd:
        return UnequalHalves(frequency=0.5 * frequency, gain=-np.inf, order=2 * order)
    multiples = np.array([*range(2, 2 * order + 1, 2), *odd])
    constant, gain = harmonic_gain(series, np.array([0.5 * frequency]), _SHIFTS / baseline, multiples)
    target = (1.0 / series.error) * series.value
    chi2 = float(target @ target - constant)
    likelihood = -noise_free_scale(np.maximum(chi2 - gain, 0.0), series)
    even = likelihood[:, order - 1].max()
    n_odd = np.arange(1, len(odd) + 1)
    both = likelihood[:, order:] - 2.0 * n_odd * np.log(n)
    at, k = np.unravel_index(int(np.argmax(both)), both.shape)
    return UnequalHalves(frequency=float(trial[at]), gain=float(both[at, k] - even), order=2 * order)


def unequal_minima(series: JointSeries, frequency: float, order: int) -> UnequalHalves:
    r"""Ask whether every other cycle is deeper than the ones between.

    The one thing in which the eclipses of nearly all binaries differ is their depth, and one
    parameter costs less than the odd harmonics do. With E the Fourier fit at the frequency, and s
    alternating between 1 and -1 from maximum to maximum, the model is

    .. math:: E + r\, s\, (E - E_{\max}) ,

    which keeps the maxima as they are; the outcome is
    :math:`L(r) - L(0) - \ln n` for the best r.

    Parameters
    ----------
    series : JointSeries
        The star.
    frequency : float
        A frequency in 1/d.
    order : int
        Number of harmonics the light curve has at that frequency.

    Returns
    -------
    UnequalHalves
        Half the frequency, what r gains, and twice the order.
    """
    n, n_bands = series.time.size, series.n_bands
    time = series.time - 0.5 * (series.time.min() + series.time.max())
    root = 1.0 / series.error
    turns = frequency * time
    design = np.empty((n, n_bands + 2 * order))
    design[:, :n_bands] = series.band[:, None] == np.arange(n_bands)
    design[:, n_bands:] = waves(turns, order)
    weighted = root[:, None] * design
    normal = weighted.T @ weighted
    normal[np.diag_indices_from(normal)] += _RIDGE * np.trace(normal) / len(normal)
    fit = np.linalg.solve(normal, weighted.T @ (root * series.value))
    residual = root * series.value - weighted @ fit

    phase = np.arange(_PHASES) / _PHASES
    shape = waves(phase, order) @ fit[n_bands:]
    parity = np.where(np.floor(turns - phase[np.argmax(shape)]) % 2 == 0, 1.0, -1.0)
    column = root * parity * (design[:, n_bands:] @ fit[n_bands:] - shape.max())
    # What bands and harmonics can do already is not this column's merit.
    new = column - weighted @ np.linalg.solve(normal, weighted.T @ column)
    size = float(new @ new)
    drop = 0.0 if size < _RIDGE * float(column @ column) else float(new @ residual) ** 2 / size
    chi2 = float(residual @ residual)
    gain = noise_free_scale(chi2, series) - noise_free_scale(max(chi2 - drop, 0.0), series)
    return UnequalHalves(frequency=0.5 * frequency, gain=float(gain) - np.log(n), order=2 * order)
