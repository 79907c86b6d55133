"""Layers of the harmonic PELS-VAE: scaled physics, principal axes of each class, plain layers.

Coefficients are rows as described in `pelsvae_cadence.model.vae`, physics those of
`pelsvae_cadence.model.reference_stars.physics_matrix`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pelsvae_cadence.classes import STAR_CLASSES, is_binary
from pelsvae_cadence.model.decoder import ModelConfig
from pelsvae_cadence.model.forward import N_WAVES
from pelsvae_cadence.model.reference_stars import PARAMETERS

__all__ = ["ClassBasis", "Perceptron", "PhysicsScaling", "fourier_grid"]

_TABLE_SIZE: Final = 1024  # phases at which the encoder tabulates the basis curves


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
    """Physics standardised within a kind of star, with periodic features of the first column used.

    Parameters
    ----------
    n_kinds : int
        Number of kinds (classes, or class and subtype).
    columns : sequence of int
        Columns of the physics that are used; by default the four of `PARAMETERS`.
    n_columns : int
        Columns of the physics. Others than the four stand behind them.
    """

    centre: Tensor
    scale: Tensor

    def __init__(
        self, n_kinds: int, columns: Sequence[int] = range(len(PARAMETERS)), n_columns: int = len(PARAMETERS)
    ) -> None:
        super().__init__()
        self.n_kinds = n_kinds
        self.columns = list(columns)
        self.n_features = n_kinds + len(self.columns) + 2 * N_WAVES
        self.register_buffer("centre", torch.zeros(n_kinds, n_columns))
        self.register_buffer("scale", torch.ones(n_kinds, n_columns))

    def set_statistics(self, physics: npt.NDArray[Any], kind: npt.NDArray[Any]) -> None:
        """Take mean and standard deviation of each kind from training stars.

        Parameters
        ----------
        physics : ndarray, shape (N, n_columns)
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
        physics : Tensor, shape (N, n_columns)
            Physics; columns that are not used may be missing at the end.
        kind : Tensor of int, shape (N,)
            Kinds.

        Returns
        -------
        Tensor, shape (N, len(columns))
            Standardised physics.
        """
        used = self.columns
        return (physics[:, used] - self.centre[kind][:, used]) / self.scale[kind][:, used]

    def forward(self, physics: Tensor, kind: Tensor) -> Tensor:
        """Make the inputs of a network.

        Parameters
        ----------
        physics : Tensor, shape (N, n_columns)
            Physics.
        kind : Tensor of int, shape (N,)
            Kinds.

        Returns
        -------
        Tensor, shape (N, n_features)
            Kind (one-hot), standardised physics, sines and cosines of the first of them.
        """
        x = self.standardise(physics, kind)
        waves = x[:, :1] * (0.5 * torch.pi * torch.arange(1, N_WAVES + 1, dtype=x.dtype, device=x.device))
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


def _mirror_axes(rows: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
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
