"""The linear map from physical parameters to amplitude and latent coordinates.

The regressions of the published method (Martinez-Palomera, Bloom & Abrahams 2020, section 4) answer with
conditional means; this one has its scatter added back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import override

from pelsvae_cadence.model.latent.conditions import LatentMapConfig
from pelsvae_cadence.model.latent.networks import LatentMap
from pelsvae_cadence.model.reference_stars import GROUPS, PARAMETERS

__all__ = ["LinearMap"]


class LinearMap(LatentMap):
    """Linear regression of log A and of z on the context, with Gaussian scatter per group.

    Parameters
    ----------
    config : LatentMapConfig
        Sizes; only `n_latent` is used.
    """

    slope: Tensor
    factor: Tensor
    amplitude_slope: Tensor
    amplitude_scatter: Tensor

    def __init__(self, config: LatentMapConfig) -> None:
        super().__init__(config)
        n, groups = config.n_latent, len(GROUPS)
        n_context = len(config.columns)
        self.register_buffer("slope", torch.zeros(groups, n_context + 1, n))
        self.register_buffer("factor", torch.eye(n).repeat(groups, 1, 1))
        self.register_buffer("amplitude_slope", torch.zeros(groups, n_context))
        self.register_buffer("amplitude_scatter", torch.ones(groups))

    def fit(self, z: npt.NDArray[Any], physics: npt.NDArray[Any], group: npt.NDArray[Any]) -> None:
        """Fit by ridge regression, group by group.

        Parameters
        ----------
        z : ndarray, shape (N, n_latent)
            Latent coordinates.
        physics : ndarray, shape (N, 4)
            Physics with amplitude.
        group : ndarray of int, shape (N,)
            Groups.
        """
        self.set_statistics(z, physics, group)
        centre, scale = self.context.centre.double().numpy(), self.context.scale.double().numpy()
        used, before = self.full_context.columns, self.context.columns
        for g in range(len(GROUPS)):
            mine = group == g
            if mine.sum() < 2:
                continue
            every = (physics[mine] - centre[g]) / scale[g]
            x, head, size = every[:, used], every[:, before], every[:, len(PARAMETERS) - 1]
            y = (z[mine] - self.z_centre[g].numpy()) / self.z_scale[g].numpy()
            slope = np.linalg.solve(x.T @ x + np.eye(len(used)), x.T @ y)
            left = y - x @ slope
            covariance = left.T @ left / len(x) + 1e-4 * np.eye(y.shape[1])
            self.slope[g] = torch.as_tensor(slope)
            self.factor[g] = torch.as_tensor(np.linalg.cholesky(covariance))
            amplitude_slope = np.linalg.solve(head.T @ head + np.eye(len(before)), head.T @ size)
            self.amplitude_slope[g] = torch.as_tensor(amplitude_slope)
            self.amplitude_scatter[g] = float(np.std(size - head @ amplitude_slope))

    @override
    def _amplitude(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        x = self.context.standardise(physics, group)
        mean = (x * self.amplitude_slope[group]).sum(dim=1)
        return mean + self.amplitude_scatter[group] * noise[:, 0]

    @override
    def _shape(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        x = self.full_context.standardise(physics, group)
        mean = torch.einsum("np,npz->nz", x, self.slope[group])
        scatter = torch.einsum("nij,nj->ni", self.factor[group], noise)
        return mean + scatter
