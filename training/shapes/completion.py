"""Completion of shapes: harmonics the catalogue does not list, learned from fully observed stars.

Three harmonics make an RR Lyrae star wiggle where it should rise like a sawtooth. Stars with real
light curves tell how the higher harmonics follow from the first three. In the frame of the first
harmonic, d_k = c_k conj(c_1)^k / |c_1|^(k+1), a shape is free of amplitude and phase zero; the
model is d_k = f_k(features) + scatter, with f_k a kernel regression on d_2, d_3, log P and log A,
and the scatter a multivariate normal. Donor light curves are fitted again with the model as prior
(empirical Bayes), so that sixty points of a Stripe 82 star do not ring.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import ComplexArray, FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom

__all__ = ["N_PULSATOR", "Completion", "learn_completion", "rotate_to_first"]

#: Harmonics of a pulsating star's shape.
N_PULSATOR: Final = 24
_FLOOR: Final = 1e-4  # smallest standard deviation of a d_k
_LENGTHS: Final = (1.5, 2.5, 4.0)
_RIDGES: Final = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 1000.0)
#: Largest ratio of the scatters of successive harmonics.
_SCATTER_DECAY: Final = 0.75
#: Largest scatter of the first completed harmonic, by the number of known ones. With three it is
#: 0.009 in fundamental-mode Cepheids; the noisy Stripe 82 stars give no more than an upper limit.
_LARGEST_SCATTER: Final = {2: 0.025, 3: 0.012}


def rotate_to_first(coefficients: npt.ArrayLike) -> ComplexArray:
    """Express shapes in the frame of their first harmonic.

    Parameters
    ----------
    coefficients : array_like of complex, shape (N, K)
        Coefficients c_k (`pelsvae_cadence.training.shapes.harmonics.to_complex`).

    Returns
    -------
    ndarray of complex128, shape (N, K)
        d_k = c_k conj(c_1)^k / |c_1|^(k+1); d_1 = 1, |d_k| = R_k1, arg d_k = phi_k1.
    """
    c = np.asarray(coefficients, dtype=np.complex128)
    size = np.abs(c[:, :1])
    if (size <= 0).any():
        raise InputError("a shape without first harmonic cannot be rotated to it")
    k = np.arange(1, c.shape[1] + 1)
    return np.asarray(c / size * (np.conj(c[:, :1]) / size) ** k)


@dataclass(frozen=True, kw_only=True)
class Completion:
    """A learned relation from low to high harmonics.

    Parameters
    ----------
    n_known : int
        Harmonics that are given; features use d_2 to d_n_known.
    use_period : bool
        Whether log P and log A are features too.
    centre, spread : ndarray, shape (n_features,)
        Standardisation of the features.
    points : ndarray, shape (n_donors, n_features)
        Standardised features of the donors.
    weights : ndarray, shape (n_donors, 2 (K - n_known))
        Kernel weights.
    mean : ndarray, shape (2 (K - n_known),)
        Mean of the donors' targets.
    scatter_root : ndarray, shape (2 (K - n_known), 2 (K - n_known))
        Square root of the scatter's covariance.
    length : float
        Length scale of the kernel in standard deviations of the features.
    """

    n_known: int
    use_period: bool
    centre: FloatArray
    spread: FloatArray
    points: FloatArray
    weights: FloatArray
    mean: FloatArray
    scatter_root: FloatArray
    length: float

    def _features(self, d: ComplexArray, period: FloatArray, amplitude: FloatArray) -> FloatArray:
        return _raw_features(d, period, amplitude, self.n_known, self.use_period)

    def predict(self, d: ComplexArray, period: npt.ArrayLike, amplitude: npt.ArrayLike) -> ComplexArray:
        """Predict the mean of the missing harmonics.

        Parameters
        ----------
        d : ndarray of complex128, shape (N, >= n_known)
            Known harmonics in the frame of the first.
        period, amplitude : array_like, shape (N,)
            Periods [d] and peak-to-peak amplitudes [mag].

        Returns
        -------
        ndarray of complex128, shape (N, K - n_known)
            Mean of d_k for k above n_known.
        """
        raw = self._features(d, np.asarray(period, float), np.asarray(amplitude, float))
        # Beyond 2.5 standard deviations from the donors' mean the feature is held: the relation is
        # not extrapolated.
        x = np.clip((raw - self.centre) / self.spread, -2.5, 2.5)
        y = _kernel(x, self.points, self.length) @ self.weights + self.mean
        half = y.shape[1] // 2
        return np.asarray(y[:, :half] + 1j * y[:, half:])

    def trust(self, d: ComplexArray, period: npt.ArrayLike, amplitude: npt.ArrayLike) -> FloatArray:
        """Tell how far a star is inside the cloud of the donors.

        Parameters
        ----------
        d : ndarray of complex128, shape (N, >= n_known)
            Known harmonics in the frame of the first.
        period, amplitude : array_like, shape (N,)
            Periods [d] and peak-to-peak amplitudes [mag].

        Returns
        -------
        ndarray of float64, shape (N,)
            1 among the donors, falling to 0 where no donor is near: nothing is known there, and
            the star keeps the harmonics that were measured.
        """
        raw = self._features(d, np.asarray(period, float), np.asarray(amplitude, float))
        x = (raw - self.centre) / self.spread
        distance = np.empty(x.shape[0])
        for begin in range(0, x.shape[0], 512):
            part = x[begin : begin + 512]
            square = ((part[:, None, :] - self.points[None]) ** 2).mean(axis=2)
            distance[begin : begin + 512] = np.sqrt(square.min(axis=1))
        return np.asarray(np.exp(-0.5 * (np.maximum(distance - 0.5, 0.0) / 0.5) ** 2))

    def draw(
        self,
        d: ComplexArray,
        period: npt.ArrayLike,
        amplitude: npt.ArrayLike,
        star_id: npt.ArrayLike,
        *,
        seed: int,
    ) -> ComplexArray:
        """Complete shapes, with the scatter real stars have.

        Parameters
        ----------
        d : ndarray of complex128, shape (N, >= n_known)
            Known harmonics in the frame of the first.
        period, amplitude : array_like, shape (N,)
            Periods [d] and peak-to-peak amplitudes [mag].
        star_id : array_like of int, shape (N,)
            Addresses of the draws.
        seed : int
            Seed.

        Returns
        -------
        ndarray of complex128, shape (N, K)
            The n_known given harmonics followed by drawn ones.
        """
        mean = self.predict(d, period, amplitude)
        size = self.scatter_root.shape[0]
        noise = KeyedRandom(seed=seed).normal(
            "completion", np.asarray(star_id)[:, None], np.arange(size)[None, :]
        )
        # Two standard deviations: a linear-Gaussian tail is not a shape any star has.
        step = np.clip(noise, -2.0, 2.0) @ self.scatter_root.T
        half = size // 2
        extra = self.trust(d, period, amplitude)[:, None] * (mean + step[:, :half] + 1j * step[:, half:])
        return np.concatenate([np.asarray(d)[:, : self.n_known], extra], axis=1)


def _raw_features(
    d: ComplexArray, period: FloatArray, amplitude: FloatArray, n_known: int, use_period: bool
) -> FloatArray:
    columns = [part(d[:, k]) for k in range(1, n_known) for part in (np.real, np.imag)]
    if use_period:
        n = d.shape[0]
        columns += [np.broadcast_to(np.log10(v), (n,)) for v in (period, amplitude)]
    return np.stack(columns, axis=1)


def _kernel(x: FloatArray, points: FloatArray, length: float) -> FloatArray:
    """Linear plus Gaussian kernel: a plane, and smooth departures from it."""
    square = ((x[:, None, :] - points[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(x @ points.T / x.shape[1] + np.exp(-0.5 * square / length**2))


def learn_completion(
    d: ComplexArray,
    variance: FloatArray,
    period: npt.ArrayLike,
    amplitude: npt.ArrayLike,
    *,
    n_known: int,
    use_period: bool = True,
) -> Completion:
    """Learn the higher harmonics of donor stars.

    Parameters
    ----------
    d : ndarray of complex128, shape (N, K)
        Harmonics of the donors in the frame of the first.
    variance : ndarray, shape (N, K)
        Variance of the real and of the imaginary part of each.
    period, amplitude : array_like, shape (N,)
        Periods [d] and peak-to-peak amplitudes [mag].
    n_known : int
        Harmonics that will be given.
    use_period : bool
        Whether log P and log A are features.

    Returns
    -------
    Completion
        The relation; kernel length and ridge are those of the smallest leave-one-out error.
    """
    raw = _raw_features(d, np.asarray(period, float), np.asarray(amplitude, float), n_known, use_period)
    if raw.shape[0] < 20:
        raise InputError(f"{raw.shape[0]} donor stars", allowed="20 or more")
    centre, spread = np.median(raw, axis=0), np.std(raw, axis=0)
    x = np.clip((raw - centre) / spread, -2.5, 2.5)
    target = np.concatenate([d[:, n_known:].real, d[:, n_known:].imag], axis=1)
    mean = target.mean(axis=0)
    half = target.shape[1] // 2
    length, weights, left_out, smallest = 0.0, np.empty(0), np.empty(0), np.inf
    for trial in _LENGTHS:
        values, vectors = np.linalg.eigh(_kernel(x, x, trial))
        projected = vectors.T @ (target - mean)
        found = np.full(half, np.inf)
        trial_weights, trial_left_out = np.empty_like(target), np.empty_like(target)
        for ridge in _RIDGES:
            shrink = 1.0 / (np.maximum(values, 0.0) + ridge)
            w = vectors @ (shrink[:, None] * projected)
            residual = w / ((vectors**2) @ shrink)[:, None]  # of each donor left out
            error = (residual**2).sum(axis=0).reshape(2, half).sum(axis=0)
            # Each harmonic has its own ridge: the high ones are mostly noise and shrink more.
            better = np.tile(error < found, 2)
            trial_weights[:, better] = w[:, better]
            trial_left_out[:, better] = residual[:, better]
            found = np.minimum(found, error)
        if found.sum() < smallest:
            length, weights, left_out, smallest = trial, trial_weights, trial_left_out, found.sum()
    covariance = np.atleast_2d(np.cov(left_out, rowvar=False))
    # The donors' fits lean on this very relation as their prior, so what they do not know must be
    # added to the scatter seen between them (the M step of expectation maximisation). The scatter
    # falls with k at least as fast as it does in Cepheids, where it is measured best: what is
    # above that is noise of the donors.
    blur = np.tile(variance[:, n_known:].mean(axis=0), 2)
    own = np.diag(covariance) + blur
    pair = np.sqrt(own.reshape(2, half).mean(axis=0))
    ceiling = min(float(pair[0]), _LARGEST_SCATTER[n_known]) * _SCATTER_DECAY ** np.arange(half)
    own = own * np.tile(np.minimum(1.0, ceiling / pair), 2) ** 2 + _FLOOR**2
    scale = np.sqrt(own / np.diag(covariance))
    covariance = covariance * scale[:, None] * scale[None, :]
    eigenvalues, axes = np.linalg.eigh(covariance)
    root = axes * np.sqrt(np.maximum(eigenvalues, 0.0))
    return Completion(
        n_known=n_known,
        use_period=use_period,
        centre=centre,
        spread=spread,
        points=x,
        weights=weights,
        mean=mean,
        scatter_root=root,
        length=length,
    )
