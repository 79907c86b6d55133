"""Maps to the latent space as torch modules: what all kinds have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from typing_extensions import override

from pelsvae_cadence.model.blocks import in_blocks
from pelsvae_cadence.model.latent.conditions import AMPLITUDE, LatentMapConfig
from pelsvae_cadence.model.latent.draws import LatentDraws
from pelsvae_cadence.model.layers import PhysicsScaling
from pelsvae_cadence.model.reference_stars import GROUPS

__all__ = ["LatentMap"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class LatentMap(nn.Module, LatentDraws):
    """A density of the amplitude and of z given the physics; within a group of stars both are standardised.

    Parameters
    ----------
    config : LatentMapConfig
        Sizes.
    """

    z_centre: Tensor
    z_scale: Tensor

    def __init__(self, config: LatentMapConfig) -> None:
        super().__init__()
        self.config = config
        self.context = PhysicsScaling(len(GROUPS), config.columns, config.n_columns)
        self.full_context = PhysicsScaling(len(GROUPS), config.full_columns, config.n_columns)
        # One set of scales serves both.
        self.full_context.centre = self.context.centre
        self.full_context.scale = self.context.scale
        self.register_buffer("z_centre", torch.zeros(len(GROUPS), config.n_latent))
        self.register_buffer("z_scale", torch.ones(len(GROUPS), config.n_latent))

    def set_statistics(self, z: npt.NDArray[Any], physics: npt.NDArray[Any], group: npt.NDArray[Any]) -> None:
        """Take scales from training stars.

        Parameters
        ----------
        z : ndarray, shape (N, n_latent)
            Latent coordinates.
        physics : ndarray, shape (N, 4)
            Physics.
        group : ndarray of int, shape (N,)
            Index of class and subtype in `pelsvae_cadence.model.reference_stars.GROUPS`.
        """
        self.context.set_statistics(physics, group)
        self.full_context.set_statistics(physics, group)
        for g in range(len(GROUPS)):
            rows = z[group == g]
            if len(rows):
                self.z_centre[g] = torch.as_tensor(rows.mean(axis=0))
                self.z_scale[g] = torch.as_tensor(np.maximum(rows.std(axis=0), 0.05))

    def draw_log_amplitude(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        """Draw log10 of the amplitude.

        Parameters
        ----------
        physics : Tensor, shape (N, 3) or (N, n_columns)
            Physics; an amplitude is ignored.
        group : Tensor of int, shape (N,)
            Groups.
        noise : Tensor, shape (N, 1) or (N, 2)
            See `noise`.

        Returns
        -------
        Tensor, shape (N,)
            log10 of the peak-to-peak amplitude in mag.
        """
        drawn = self._amplitude(physics, group, noise)
        return drawn * self.context.scale[group, AMPLITUDE] + self.context.centre[group, AMPLITUDE]

    def draw(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        """Draw latent coordinates.

        Parameters
        ----------
        physics : Tensor, shape (N, n_columns)
            Physics with amplitude.
        group : Tensor of int, shape (N,)
            Groups.
        noise : Tensor, shape (N, n_latent) or (N, n_latent + 1)
            See `noise`.

        Returns
        -------
        Tensor, shape (N, n_latent)
            Latent coordinates.
        """
        return self._shape(physics, group, noise) * self.z_scale[group] + self.z_centre[group]

    def _amplitude(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        """Draw the standardised log amplitude, shape (N,)."""
        raise NotImplementedError

    def _shape(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        """Draw the standardised latent coordinates, shape (N, n_latent)."""
        raise NotImplementedError

    @override
    def _log_amplitudes(self, physics: FloatArray, group: IntArray, noise: FloatArray) -> FloatArray:
        return _in_blocks(self.draw_log_amplitude, physics, group, noise)

    @override
    def _latents(self, physics: FloatArray, group: IntArray, noise: FloatArray) -> FloatArray:
        return _in_blocks(self.draw, physics, group, noise)


def _in_blocks(
    function: Callable[..., Tensor], physics: FloatArray, group: IntArray, noise: FloatArray
) -> FloatArray:
    single = [torch.as_tensor(values, dtype=torch.float32) for values in (physics, noise)]
    return in_blocks(function, single[0], torch.as_tensor(group), single[1])
