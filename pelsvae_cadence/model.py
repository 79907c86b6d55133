r"""PELS-VAE with a harmonic decoder: the network modules, forward only.

The published network (Martinez-Palomera, Bloom & Abrahams 2020, arXiv:2005.07773) decodes a
sequence of 600 steps and counts them. This decoder returns the Fourier coefficients of the curve
instead: once per star, before any visit is known. Its encoder sees the folded points only through
a weighted fit, so their order and number do not matter either.

Coefficients are rows ``[a_1 ... a_K, b_1 ... b_K]`` of

.. math:: s(\phi) = \sum_{k=1}^{K} a_k \cos 2\pi k\phi + b_k \sin 2\pi k\phi .

Physics are rows ``[log10 P/d, log10 Teff/K, M_G/mag, log10 A_I/mag]``; the amplitude and the
period stay outside the latent space.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pelsvae_cadence.classes import STAR_CLASSES, is_binary

__all__ = [
    "PHYSICS",
    "ClassBasis",
    "Decoder",
    "Encoder",
    "HarmonicVAE",
    "ModelConfig",
    "PhysicsScaling",
    "fourier_grid",
    "single_thread",
]

#: The physical parameters and their order.
PHYSICS: Final = ("period", "teff", "abs_mag_g", "amplitude_i")

# Periodic features of the standardised log P: shapes change fast near resonances (the
# Hertzsprung progression), which a network of plain log P learns slowly.
_N_TRIG: Final = 3
_TABLE_SIZE: Final = 1024  # phases at which the encoder tabulates the basis curves
_GRID_SIZE: Final = 512  # phases at which the decoder looks for the extremes


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Sizes of the network.

    Parameters
    ----------
    n_harmonics : int
        Harmonics K of the decoded curve.
    n_latent : int
        Latent dimensions.
    n_axes : int
        Principal axes of the shapes per class, in which encoder and decoder work.
    hidden : int
        Width of the hidden layers.
    layers : int
        Number of hidden layers.
    odd_shrink : float
        Binaries: a weight of an axis that breaks the mirror symmetry decodes to almost nothing
        below about this many standard deviations, since most eclipses are symmetric and a network
        never answers exactly zero; 0 leaves all weights alone.
    """

    n_harmonics: int
    n_latent: int = 8
    n_axes: int = 32
    hidden: int = 128
    layers: int = 3
    odd_shrink: float = 0.0

    def as_dict(self) -> dict[str, int | float]:
        """Make a JSON-able dictionary.

        Returns
        -------
        dict
            All sizes.
        """
        return asdict(self)


@contextlib.contextmanager
def single_thread() -> Iterator[None]:
    """Run a block on one torch thread without gradients, and leave the user's setting as it was.

    Networks of this size gain nothing from threads, and the split of a matrix product among
    threads could change its rounding.

    Yields
    ------
    None
        Nothing.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(threads)


def fourier_grid(n_harmonics: int, n_grid: int) -> Tensor:
    """Tabulate the Fourier basis at equidistant phases.

    Parameters
    ----------
    n_harmonics : int
        Number of harmonics K.
    n_grid : int
        Number of phases from 0 (included) to 1 (excluded).

    Returns
    -------
    Tensor of float32, shape (2 K, n_grid)
        Cosines, then sines.
    """
    angle = (
        2.0
        * torch.pi
        * torch.arange(1, n_harmonics + 1, dtype=torch.float64)[:, None]
        * (torch.arange(n_grid, dtype=torch.float64) / n_grid)
    )
    return torch.cat([angle.cos(), angle.sin()]).float()


class PhysicsScaling(nn.Module):
    """Physics standardised within a kind of star, with periodic features of log P.

    Parameters
    ----------
    n_kinds : int
        Number of kinds (classes, or class and subtype).
    n_inputs : int
        How many of the parameters of `PHYSICS` are used, from the first.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, n_kinds: int, n_inputs: int = len(PHYSICS)) -> None:
        super().__init__()
        self.n_inputs = n_inputs
        self.n_features = n_kinds + n_inputs + 2 * _N_TRIG
        self.n_kinds = n_kinds
        self.register_buffer("centre", torch.zeros(n_kinds, len(PHYSICS)))
        self.register_buffer("scale", torch.ones(n_kinds, len(PHYSICS)))

    def set_statistics(self, physics: npt.NDArray[Any], kind: npt.NDArray[Any]) -> None:
        """Take mean and standard deviation of each kind from training stars.

        Parameters
        ----------
        physics : ndarray, shape (N, 4)
            Physics of the stars.
        kind : ndarray of int, shape (N,)
            Kind of each star. A kind without stars keeps mean 0 and scale 1.
        """
        for k in range(self.n_kinds):
            rows = physics[kind == k]
            if len(rows):
                self.centre[k] = torch.as_tensor(rows.mean(axis=0))
                # A parameter that hardly varies in a kind must not become a lever on rounding.
                self.scale[k] = torch.as_tensor(np.maximum(rows.std(axis=0), 0.01))

    def standardise(self, physics: Tensor, kind: Tensor) -> Tensor:
        """Standardise the physics within their kinds.

        Parameters
        ----------
        physics : Tensor, shape (N, 4)
            Physics; a column that is not used may be missing at the end.
        kind : Tensor of int, shape (N,)
            Kinds.

        Returns
        -------
        Tensor, shape (N, n_inputs)
            Standardised physics.
        """
        used = slice(0, self.n_inputs)
        return (physics[:, used] - self.centre[kind, used]) / self.scale[kind, used]

    def forward(self, physics: Tensor, kind: Tensor) -> Tensor:
        """Make the network's inputs.

        Parameters
        ----------
        physics : Tensor, shape (N, 4)
            Physics.
        kind : Tensor of int, shape (N,)
            Kinds.

        Returns
        -------
        Tensor, shape (N, n_features)
            Kind (one-hot), standardised physics, sines and cosines of log P.
        """
        x = self.standardise(physics, kind)
        waves = x[:, :1] * (
            0.5 * torch.pi * torch.arange(1, _N_TRIG + 1, dtype=x.dtype, device=x.device)
        )
        one_hot = nn.functional.one_hot(kind, self.n_kinds).to(x.dtype)
        return torch.cat([one_hot, x, waves.cos(), waves.sin()], dim=1)


class ClassBasis(nn.Module):
    r"""Mean shape and principal axes of the shapes of each class.

    A shape is :math:`c = \bar c + \sum_r w_r \sqrt{\lambda_r} v_r`; the weights have unit
    variance within the class. Sharp features that a class has in common (eclipses, the rise of an
    RRab) are in the axes, so the networks need not assemble them from single harmonics.

    Parameters
    ----------
    config : ModelConfig
        Sizes.
    """

    mean: Tensor
    axes: Tensor
    table: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        n_classes, n_axes, size = len(STAR_CLASSES), config.n_axes, 2 * config.n_harmonics
        self.n_axes = n_axes
        self.n_harmonics = config.n_harmonics
        self._odd_shrink = config.odd_shrink
        self.register_buffer("mean", torch.zeros(n_classes, size))
        self.register_buffer("axes", torch.zeros(n_classes, n_axes, size))
        self.register_buffer("table", torch.empty(0), persistent=False)

    def set_statistics(self, shapes: npt.NDArray[Any], star_class: npt.NDArray[Any]) -> None:
        """Take mean and axes of each class from training shapes.

        Parameters
        ----------
        shapes : ndarray, shape (N, 2 K)
            Coefficients.
        star_class : ndarray of int, shape (N,)
            Class of each star. A class without stars keeps zeros.
        """
        for c in range(len(STAR_CLASSES)):
            rows = np.asarray(shapes[star_class == c], dtype=np.float64)
            if len(rows) < 2:
                continue
            centre = rows.mean(axis=0)
            if self._odd_shrink > 0 and is_binary(STAR_CLASSES[c]):
                centre[self.n_harmonics :] = 0.0
                values, axes = _mirror_axes(rows - centre)
            else:
                _, values, axes = np.linalg.svd(rows - centre, full_matrices=False)
            n = min(self.n_axes, len(values))
            # The floor keeps faint axes in reach of stars that differ from the training ones.
            spread = np.maximum(values[:n] / np.sqrt(len(rows)), 1e-3)
            # The sign of an axis is arbitrary; fix it, or two machines train two models.
            sign = np.sign(axes[np.arange(n), np.abs(axes[:n]).argmax(axis=1)])
            self.mean[c] = torch.as_tensor(centre)
            self.axes[c, :n] = torch.as_tensor(axes[:n] * (spread * sign)[:, None])
        self.table = torch.empty(0)

    def coefficients(self, weights: Tensor, star_class: Tensor) -> Tensor:
        """Turn weights into Fourier coefficients.

        Parameters
        ----------
        weights : Tensor, shape (N, n_axes)
            Weights of the axes.
        star_class : Tensor of int, shape (N,)
            Classes.

        Returns
        -------
        Tensor, shape (N, 2 K)
            Coefficients, not yet of unit amplitude.
        """
        parts = self.mean[star_class]
        # One product of all rows for each class that occurs: cheaper than a matrix for each star,
        # and of one shape, so that a star's row does not feel its company.
        for c in torch.unique(star_class).tolist():
            axes, used = self.axes[c], weights
            if self._odd_shrink > 0 and is_binary(STAR_CLASSES[c]):
                odd = axes[:, : self.n_harmonics].abs().amax(dim=1) == 0
                # Smooth, so that a gradient is left to grow from.
                small = weights**3 / (weights**2 + self._odd_shrink**2)
                used = torch.where(odd, small, weights)
            parts = torch.where((star_class == c)[:, None], parts + used @ axes, parts)
        return parts

    def curves(self, phase: Tensor, star_class: Tensor) -> Tensor:
        """Evaluate mean shape and axes at folded points.

        Parameters
        ----------
        phase : Tensor, shape (N, n_points)
            Phases in cycles.
        star_class : Tensor of int, shape (N,)
            Classes.

        Returns
        -------
        Tensor, shape (N, n_points, 1 + n_axes)
            Mean shape, then the axes, interpolated in a table of 1024 phases.
        """
        if self.table.numel() == 0 or self.table.device != self.mean.device:
            grid = fourier_grid(self.n_harmonics, _TABLE_SIZE).to(self.mean.device)
            rows = torch.cat([self.mean[:, None], self.axes], dim=1)
            self.table = (rows @ grid).transpose(1, 2).contiguous()
        place = (phase - phase.floor()) * _TABLE_SIZE
        low = place.long().clamp(max=_TABLE_SIZE - 1)
        part = (place - low)[..., None]
        kind = star_class[:, None]
        here, there = self.table[kind, low], self.table[kind, (low + 1) % _TABLE_SIZE]
        return here + part * (there - here)


def _mirror_axes(
    rows: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Find principal axes that are each even or odd about phase zero, strongest first.

    An eccentric orbit is as likely as its mirror image, so even and odd parts do not correlate.
    """
    half = rows.shape[1] // 2
    values, axes = [], []
    for part in (slice(0, half), slice(half, None)):
        _, size, found = np.linalg.svd(rows[:, part], full_matrices=False)
        full = np.zeros((len(size), rows.shape[1]))
        full[:, part] = found
        values.append(size)
        axes.append(full)
    order = np.argsort(-np.concatenate(values), kind="stable")
    return np.concatenate(values)[order], np.concatenate(axes)[order]


class Perceptron(nn.Sequential):
    """Plain layers with SiLU between them.

    Parameters
    ----------
    n_in, n_out : int
        Inputs and outputs.
    hidden, layers : int
        Width and number of hidden layers.
    """

    def __init__(self, n_in: int, n_out: int, hidden: int, layers: int) -> None:
        sizes = [n_in] + [hidden] * layers
        parts: list[nn.Module] = []
        for a, b in itertools.pairwise(sizes):
            parts += [nn.Linear(a, b), nn.SiLU()]
        last = nn.Linear(sizes[-1], n_out)
        # Start close to the linear model that encoder and decoder add to this one.
        nn.init.normal_(last.weight, std=0.02)
        nn.init.zeros_(last.bias)
        super().__init__(*parts, last)


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
        fitted_shape = self.basis.coefficients(weights, star_class) + self.basis.mean[
            star_class
        ] * (correction[:, None].to(mag.dtype) - 1.0)
        curve = fitted_shape @ self.grid
        size = curve.amax(dim=1) - curve.amin(dim=1)
        return summary.to(mag.dtype), scale * size.clamp(min=0.05)

    def forward(
        self,
        summary: Tensor,
        physics: Tensor,
        star_class: Tensor,
    ) -> tuple[Tensor, Tensor]:
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
            [summary[:, :n_axes].clamp(-8, 8), summary[:, n_axes:],
             self.physics(physics, star_class)], dim=1,
        )  # fmt: skip
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

    def unscaled(self, z: Tensor, physics: Tensor, star_class: Tensor) -> Tensor:
        """Decode, for a caller who scales the curves anyway.

        Parameters
        ----------
        z : Tensor, shape (N, n_latent)
            Latent coordinates.
        physics : Tensor, shape (N, 4)
            Physics.
        star_class : Tensor of int, shape (N,)
            Classes.

        Returns
        -------
        Tensor, shape (N, 2 K)
            Coefficients of roughly unit peak-to-peak amplitude.
        """
        weights = self.network(torch.cat([z, self.physics(physics, star_class)], dim=1))
        weights = torch.cat([weights[:, : self.n_latent] + z, weights[:, self.n_latent :]], dim=1)
        return self.basis.coefficients(weights, star_class)

    def forward(self, z: Tensor, physics: Tensor, star_class: Tensor) -> Tensor:
        """Decode.

        Parameters
        ----------
        z : Tensor, shape (N, n_latent)
            Latent coordinates.
        physics : Tensor, shape (N, 4)
            Physics.
        star_class : Tensor of int, shape (N,)
            Classes.

        Returns
        -------
        Tensor, shape (N, 2 K)
            Coefficients; the peak-to-peak amplitude on a grid of 512 phases is one.
        """
        coefficients = self.unscaled(z, physics, star_class)
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
