"""Conditional spline flows from physical parameters to amplitude and latent coordinates.

`FlowMap` is the neural spline flow (Durkan et al. 2019, arXiv:1906.04032) in coupling form.
`KernelFlowMap` is one whose numbers are drawn from where training stars of like physics are, not from
a Gaussian. Both are for training; `pelsvae_cadence.model.latent.kernels` draws from them without torch.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import torch
import zuko
from torch import Tensor
from typing_extensions import override

from pelsvae_cadence.model.latent.conditions import AMPLITUDE_HIDDEN, AMPLITUDE_TRANSFORMS, LatentMapConfig
from pelsvae_cadence.model.latent.networks import LatentMap
from pelsvae_cadence.model.reference_stars import PARAMETERS

__all__ = ["FlowMap", "KernelFlowMap"]


class FlowMap(LatentMap):
    """Conditional neural spline flows of log A and of z.

    Parameters
    ----------
    config : LatentMapConfig
        Sizes.
    """

    def __init__(self, config: LatentMapConfig) -> None:
        super().__init__(config)
        self.amplitude = zuko.flows.NSF(
            1,
            self.context.n_features,
            bins=config.bins,
            transforms=AMPLITUDE_TRANSFORMS,
            hidden_features=AMPLITUDE_HIDDEN,
        )
        self.shape = zuko.flows.NSF(
            config.n_latent,
            self.full_context.n_features,
            bins=config.bins,
            transforms=config.transforms,
            hidden_features=(config.hidden, config.hidden),
            passes=2,  # coupling: as fast to draw from as to evaluate
        )

    def log_prob(self, z: Tensor, physics: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
        """Evaluate the log-densities.

        Parameters
        ----------
        z : Tensor, shape (N, n_latent)
            Latent coordinates.
        physics : Tensor, shape (N, 4)
            Physics with amplitude.
        group : Tensor of int, shape (N,)
            Groups.

        Returns
        -------
        Tensor, shape (N,)
            Log-density of the standardised log amplitude.
        Tensor, shape (N,)
            Log-density of the standardised latent coordinates, given the amplitude.
        """
        x = self._standard_amplitude(physics, group)
        scaled = (z - self.z_centre[group]) / self.z_scale[group]
        return (
            self.amplitude(self.context(physics, group)).log_prob(x),
            self.shape(self.full_context(physics, group)).log_prob(scaled),
        )

    def _standard_amplitude(self, physics: Tensor, group: Tensor) -> Tensor:
        column = self.full_context.columns.index(len(PARAMETERS) - 1)
        return self.full_context.standardise(physics, group)[:, column : column + 1]

    @override
    def _amplitude(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        context = self.context(physics, group)
        drawn: Tensor = self.amplitude(context).transform.inv(noise)[:, 0]
        return drawn

    @override
    def _shape(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        context = self.full_context(physics, group)
        drawn: Tensor = self.shape(context).transform.inv(noise)
        return drawn


class KernelFlowMap(FlowMap):
    """Spline flows whose base density is where training stars are.

    It holds the training stars' own numbers, those that the flow turns into their shapes.
    `pelsvae_cadence.model.latent.kernels.KernelDraws` says what is drawn with them; without them, this
    module is the plain flow.

    Parameters
    ----------
    config : LatentMapConfig
        Sizes, and the number of anchors. A group without anchors is drawn from the Gaussian.
    """

    anchors: Tensor
    anchor_group: Tensor

    def __init__(self, config: LatentMapConfig) -> None:
        super().__init__(config)
        n_columns = len(config.columns) + 2 + config.n_latent
        # Half precision: 0.001 standard deviations matter to nobody, the size of the file does.
        self.register_buffer("anchors", torch.zeros(config.anchors, n_columns, dtype=torch.half))
        self.register_buffer("anchor_group", torch.zeros(config.anchors, dtype=torch.uint8))

    @torch.no_grad()
    def set_anchors(self, z: npt.NDArray[Any], physics: npt.NDArray[Any], group: npt.NDArray[Any]) -> None:
        """Take training stars as anchors; the flow must have been trained.

        Parameters
        ----------
        z : ndarray, shape (N, n_latent)
            Latent coordinates; N is the number of anchors in the configuration.
        physics : ndarray, shape (N, n_columns)
            Physics with amplitude.
        group : ndarray of int, shape (N,)
            Groups.
        """
        rows = torch.as_tensor(physics, dtype=torch.float32)
        kinds = torch.as_tensor(group)
        size = self._standard_amplitude(rows, kinds)
        scaled = (torch.as_tensor(z) - self.z_centre[kinds]) / self.z_scale[kinds]
        parts = [
            self.context.standardise(rows, kinds),
            size,
            self.amplitude(self.context(rows, kinds)).transform(size),
            self.shape(self.full_context(rows, kinds)).transform(scaled.float()),
        ]
        self.anchors = torch.cat(parts, dim=1).half()
        self.anchor_group = kinds.to(torch.uint8)
