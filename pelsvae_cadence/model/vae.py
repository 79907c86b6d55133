r"""PELS-VAE with a harmonic decoder: the network modules, forward only.

The published network (Martinez-Palomera, Bloom & Abrahams 2020, arXiv:2005.07773) decodes a
sequence of 600 steps and counts them. This decoder returns the Fourier coefficients of the curve
instead: once per star, before any visit is known. Its encoder sees the folded points only through
a weighted fit, so their order and number do not matter either.

Coefficients are rows ``[a_1 ... a_K, b_1 ... b_K]`` of

.. math:: s(\phi) = \sum_{k=1}^{K} a_k \cos 2\pi k\phi + b_k \sin 2\pi k\phi .

Physics are those of `pelsvae_cadence.model.reference_stars.physics_matrix`; the amplitude and the
period stay outside the latent space.
"""

from __future__ import annotations

from typing import Any, Final

import numpy.typing as npt
import torch
from torch import Tensor, nn

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.model.decoder import ModelConfig
from pelsvae_cadence.model.layers import ClassBasis, Perceptron, PhysicsScaling, fourier_grid

__all__ = ["Decoder", "Encoder", "HarmonicVAE"]

_GRID_SIZE: Final = 512  # phases at which the decoder looks for the extremes


class Encoder(nn.Module):
    """Folded points in any number and order to a Gaussian in the latent space.

    The points enter through the posterior of a linear model - offset, amplitude and the axes of
    the class, with their spread in the class as prior - a sufficient statistic up to the unknown
    amplitude. Neither mean nor amplitude of the star need be known.

    Parameters
    ----------
    config : ModelConfig
        Sizes.
    """

    grid: Tensor

    # Prior standard deviations of the offset and of the amplitude's correction, in amplitudes.
    _OFFSET_SPREAD: Final = 1.0
    _AMPLITUDE_SPREAD: Final = 0.3

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_latent = config.n_latent
        self.basis = ClassBasis(config)
        self.physics = PhysicsScaling(len(STAR_CLASSES))
        n_in = 2 * config.n_axes + 3 + self.physics.n_features
        self.network = Perceptron(n_in, 2 * config.n_latent, config.hidden, config.layers)
        self.register_buffer("grid", fourier_grid(config.n_harmonics, _GRID_SIZE), persistent=False)

    @torch.no_grad()
    def summarise(
        self, phase: Tensor, mag: Tensor, weight: Tensor, star_class: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Fit offset, amplitude and axes to the points of each star.

        Parameters
        ----------
        phase, mag : Tensor, shape (N, n_points)
            Phases in cycles and magnitudes.
        weight : Tensor, shape (N, n_points)
            Inverse variances in mag^-2; 0 marks a place that holds no point.
        star_class : Tensor of int, shape (N,)
            Classes.

        Returns
        -------
        summary : Tensor, shape (N, 2 n_axes + 3)
            Weights, their standard deviations, log number, noise and goodness of fit.
        amplitude : Tensor, shape (N,)
            Peak-to-peak amplitude in mag.
        """
        curves = self.basis.curves(phase, star_class)
        total = weight.sum(dim=1, keepdim=True)
        used = weight / total
        level = (used * mag).sum(dim=1, keepdim=True)
        shape = curves[..., 0]
        shape = shape - (used * shape).sum(dim=1, keepdim=True)
        rest = mag - level
        power = (used * shape**2).sum(dim=1)
        fitted = (used * shape * rest).sum(dim=1) / power.clamp(min=1e-12)
        # Few noisy points can turn the sign of the fitted amplitude; their scatter cannot.
        scatter = 2.0 * (used * rest**2).sum(dim=1).sqrt()
        scale = torch.maximum(fitted, 0.5 * scatter).clamp(min=1e-6)

        target = rest / scale[:, None] - shape
        ones = torch.ones_like(shape)[..., None]
        columns = torch.cat([ones, shape[..., None], curves[..., 1:]], dim=2)
        spread = torch.ones(columns.shape[2], dtype=columns.dtype, device=columns.device)
        spread[0], spread[1] = self._OFFSET_SPREAD, self._AMPLITUDE_SPREAD
        columns = columns * spread
        precision = weight * scale[:, None] ** 2
        # Points better than 2e-4 amplitudes would leave single precision without a prior.
        precision = precision / (1.0 + 4e-8 * precision)
        if not self.training:
            # Thousands of precise points overwhelm the prior; single precision would lose it.
            columns, precision, target = columns.double(), precision.double(), target.double()
        weighted = columns * precision[..., None]
        normal = (weighted.transpose(1, 2) @ columns).double()
        right = (weighted.transpose(1, 2) @ target[..., None]).double()
        normal.diagonal(dim1=1, dim2=2).add_(1.0)
        factor = torch.linalg.cholesky(normal)
        answer = torch.cholesky_solve(right, factor)[..., 0]
        variance = torch.cholesky_inverse(factor).diagonal(dim1=1, dim2=2)
        left = (precision * target**2).sum(dim=1).double() - (answer * right[..., 0]).sum(dim=1)

        correction = (1.0 + self._AMPLITUDE_SPREAD * answer[:, 1]).clamp(0.3, 3.0)
        number = (weight > 0).sum(dim=1).clamp(min=1)
        noise = number / precision.sum(dim=1)
        summary = torch.cat(
            [
                answer[:, 2:] / correction[:, None],
                variance[:, 2:].sqrt(),
                number.double().log10()[:, None] - 2.0,
                0.5 * noise.double().log10()[:, None] + 1.0,
                (left.clamp(min=1e-3) / number).log10()[:, None],
            ],
            dim=1,
        )
        weights = (spread[2:] * answer[:, 2:]).to(mag.dtype)
        fitted_shape = self.basis.coefficients(weights, star_class) + self.basis.mean[star_class] * (
            correction[:, None].to(mag.dtype) - 1.0
        )
        curve = fitted_shape @ self.grid
        size = curve.amax(dim=1) - curve.amin(dim=1)
        return summary.to(mag.dtype), scale * size.clamp(min=0.05)

    def forward(self, summary: Tensor, physics: Tensor, star_class: Tensor) -> tuple[Tensor, Tensor]:
        """Encode.

        Parameters
        ----------
        summary : Tensor, shape (N, 2 n_axes + 3)
            What `summarise` returns.
        physics : Tensor, shape (N, 4)
            Physics; the amplitude is the one that `summarise` measured.
        star_class : Tensor of int, shape (N,)
            Classes.

        Returns
        -------
        mu, logvar : Tensor, shape (N, n_latent)
            Mean and log-variance of the latent coordinates.
        """
        n_axes = self.basis.n_axes
        inputs = torch.cat(
            # Outliers far from the class must not drive the network out of its range.
            [summary[:, :n_axes].clamp(-8, 8), summary[:, n_axes:], self.physics(physics, star_class)],
            dim=1,
        )
        mean, change = self.network(inputs).chunk(2, dim=1)
        n = self.n_latent
        leading = summary[:, :n].clamp(-8, 8)
        width = summary[:, n_axes : n_axes + n].clamp(min=1e-3)
        return leading + mean, 2.0 * width.log() + change


class Decoder(nn.Module):
    """Latent coordinates, class and physics to Fourier coefficients of unit amplitude.

    Parameters
    ----------
    config : ModelConfig
        Sizes.
    """

    grid: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_latent = config.n_latent
        self.basis = ClassBasis(config)
        self.physics = PhysicsScaling(len(STAR_CLASSES))
        n_in = config.n_latent + self.physics.n_features
        self.network = Perceptron(n_in, config.n_axes, config.hidden, config.layers)
        self.register_buffer("grid", fourier_grid(config.n_harmonics, _GRID_SIZE), persistent=False)

    def forward(self, z: Tensor, physics: Tensor, star_class: Tensor, *, scaled: bool = True) -> Tensor:
        """Decode.

        Parameters
        ----------
        z : Tensor, shape (N, n_latent)
            Latent coordinates.
        physics : Tensor, shape (N, 4)
            Physics.
        star_class : Tensor of int, shape (N,)
            Classes.
        scaled : bool
            Give the curves a peak-to-peak amplitude of one on a grid of 512 phases; otherwise it is
            roughly one, for a caller who scales them anyway.

        Returns
        -------
        Tensor, shape (N, 2 K)
            Coefficients.
        """
        weights = self.network(torch.cat([z, self.physics(physics, star_class)], dim=1))
        weights = torch.cat([weights[:, : self.n_latent] + z, weights[:, self.n_latent :]], dim=1)
        coefficients = self.basis.coefficients(weights, star_class)
        if not scaled:
            return coefficients
        curve = coefficients @ self.grid
        size = curve.amax(dim=1, keepdim=True) - curve.amin(dim=1, keepdim=True)
        return coefficients / size.clamp(min=1e-3)


class HarmonicVAE(nn.Module):
    """Encoder and decoder.

    Parameters
    ----------
    config : ModelConfig
        Sizes.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        # One set of axes and scales serves both halves.
        self.decoder.basis = self.encoder.basis
        self.decoder.physics = self.encoder.physics

    def set_statistics(
        self, shapes: npt.NDArray[Any], physics: npt.NDArray[Any], star_class: npt.NDArray[Any]
    ) -> None:
        """Take axes and scales from training stars.

        Parameters
        ----------
        shapes : ndarray, shape (N, 2 K)
            Coefficients.
        physics : ndarray, shape (N, 4)
            Physics.
        star_class : ndarray of int, shape (N,)
            Classes.
        """
        self.encoder.basis.set_statistics(shapes, star_class)
        self.encoder.physics.set_statistics(physics, star_class)

    def encode(
        self, phase: Tensor, mag: Tensor, weight: Tensor, physics: Tensor, star_class: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Encode folded points.

        Parameters
        ----------
        phase, mag, weight : Tensor, shape (N, n_points)
            See `Encoder.summarise`.
        physics : Tensor, shape (N, 4)
            Physics; the last column is replaced by the amplitude measured on the points.
        star_class : Tensor of int, shape (N,)
            Classes.

        Returns
        -------
        mu, logvar : Tensor, shape (N, n_latent)
            Mean and log-variance of the latent coordinates.
        amplitude : Tensor, shape (N,)
            The measured peak-to-peak amplitude in mag.
        """
        summary, amplitude = self.encoder.summarise(phase, mag, weight, star_class)
        seen = torch.cat([physics[:, :3], amplitude.log10()[:, None]], dim=1)
        mu, logvar = self.encoder(summary, seen, star_class)
        return mu, logvar, amplitude
