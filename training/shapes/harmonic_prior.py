"""Light curves from a few noisy points: harmonics with a prior learned from other stars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.phase_curve import PhaseCurve

__all__ = ["HarmonicPrior", "harmonic_basis", "learn_prior"]

Points = tuple[FloatArray, FloatArray, FloatArray]

# Points further from the curve than this many errors are left out.
_OUTLIER: Final = 4.0
_REJECT_AT: Final = (5, 12, 20)  # rounds of the learning in which they are looked for
# Smallest prior scatter of the first harmonic in mag: keeps the covariance regular.
_LEAST_SCATTER: Final = 1e-3


def harmonic_basis(phase: FloatArray, n_harmonics: int) -> FloatArray:
    """Evaluate cosines and sines.

    Parameters
    ----------
    phase : ndarray, shape (n,)
        Phases in cycles.
    n_harmonics : int
        Number of harmonics K.

    Returns
    -------
    ndarray of float64, shape (n, 2 K)
        cos 2 pi k phi for k = 1 ... K, then the sines.
    """
    angle = 2.0 * np.pi * np.outer(phase, np.arange(1, n_harmonics + 1))
    return np.hstack([np.cos(angle), np.sin(angle)])


@dataclass(frozen=True, kw_only=True)
class HarmonicPrior:
    """Normal distribution of the harmonic coefficients (in mag) of a kind of star in a band.

    Parameters
    ----------
    mean : ndarray of float64, shape (2 K,)
        Mean coefficients: cosines, then sines.
    covariance : ndarray of float64, shape (2 K, 2 K)
        Their covariance.
    """

    mean: FloatArray
    covariance: FloatArray

    @property
    def n_harmonics(self) -> int:
        """Number of harmonics K."""
        return self.mean.size // 2

    def fit(self, points: Points) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
        """Fit one star, whose mean magnitude is free.

        Parameters
        ----------
        points : tuple of ndarray, each of shape (n,)
            Phases, magnitudes and errors.

        Returns
        -------
        coefficients : ndarray of float64, shape (2 K,)
            Posterior mean.
        response : ndarray of float64, shape (2 K, n)
            Derivative of the coefficients with respect to the magnitudes, 0 for points left out.
        used : ndarray of bool, shape (n,)
            Points within four errors of the curve.
        """
        phase, mag, err = points
        basis = harmonic_basis(phase, self.n_harmonics)
        inverse = np.linalg.inv(self.covariance)
        used = np.ones(mag.size, dtype=bool)
        coefficients: FloatArray = self.mean
        response: FloatArray = np.zeros((self.mean.size, mag.size))
        for _ in range(3):
            weight = np.where(used, err**-2.0, 0.0)
            centred = basis - np.average(basis, axis=0, weights=weight)
            precision = centred.T @ (weight[:, None] * centred) + inverse
            solved = np.linalg.solve(precision, (weight[:, None] * centred).T)
            response = np.asarray(solved, dtype=np.float64)
            rest = mag - basis @ self.mean
            rest = rest - np.average(rest, weights=weight)
            coefficients = np.asarray(self.mean + response @ rest, dtype=np.float64)
            rest = mag - basis @ coefficients
            rest = rest - np.average(rest, weights=weight)
            used = np.abs(rest) < _OUTLIER * err
        return coefficients, response, used

    def curve(self, points: Points) -> PhaseCurve:
        """Fit one star and give the curve.

        Parameters
        ----------
        points : tuple of ndarray, each of shape (n,)
            Phases, magnitudes and errors.

        Returns
        -------
        PhaseCurve
            One curve in mag (not normalised).
        """
        coefficients, _, _ = self.fit(points)
        k = self.n_harmonics
        return PhaseCurve(cos=coefficients[None, :k], sin=coefficients[None, k:])


def learn_prior(stars: Sequence[Points], n_harmonics: int = 10, n_rounds: int = 30) -> HarmonicPrior:
    """Learn the distribution of coefficients from stars with few points each.

    Parameters
    ----------
    stars : sequence of tuples of ndarray
        Phases, magnitudes and errors of each star.
    n_harmonics : int
        Number of harmonics K.
    n_rounds : int
        Rounds of expectation and maximisation.

    Returns
    -------
    HarmonicPrior
        Maximum-likelihood mean and covariance, by the EM algorithm for linear-Gaussian models
        (Dempster, Laird & Rubin 1977, J. R. Stat. Soc. B 39, 1).
    """
    k = np.tile(np.arange(1.0, n_harmonics + 1), 2)
    mean, covariance = np.zeros(k.size), np.diag((0.25 * k**-1.2) ** 2)
    bases = [harmonic_basis(phase, n_harmonics) for phase, _, _ in stars]
    used = [np.ones(mag.size, dtype=bool) for _, mag, _ in stars]
    for round_ in range(n_rounds):
        inverse = np.linalg.inv(covariance)
        means, second = np.empty((len(stars), k.size)), np.zeros_like(covariance)
        for i, ((_, mag, err), basis) in enumerate(zip(stars, bases, strict=True)):
            weight = np.where(used[i], err**-2.0, 0.0)
            centred = basis - np.average(basis, axis=0, weights=weight)
            posterior = np.linalg.inv(centred.T @ (weight[:, None] * centred) + inverse)
            rest = mag - basis @ mean
            rest = rest - np.average(rest, weights=weight)
            means[i] = mean + posterior @ (centred.T @ (weight * rest))
            second += posterior
            if round_ in _REJECT_AT:
                rest = mag - basis @ means[i]
                rest = rest - np.average(rest, weights=weight)
                used[i] = np.abs(rest) < _OUTLIER * err
        mean = means.mean(axis=0)
        scatter = means - mean
        covariance = (scatter.T @ scatter + second) / len(stars)
        covariance += np.diag((_LEAST_SCATTER / k) ** 2)
    return HarmonicPrior(mean=mean, covariance=covariance)
