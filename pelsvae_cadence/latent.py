"""Physical parameters to latent coordinates: the densities p(A | physics) and p(z | A, physics).

Physics do not fix a shape; stars of one period, temperature and luminosity differ. The map is
therefore a density. Drawing from it is a deterministic function of the physics and of standard
normal numbers that the caller provides, so the caller decides which star gets which numbers.

The default is a neural spline flow (Durkan et al. 2019, arXiv:1906.04032) in coupling form. The
regressions of the published method (Martinez-Palomera, Bloom & Abrahams 2020, section 4) answer
with conditional means; `LinearMap` is the linear one, with its scatter added back.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
import zuko
from torch import Tensor, nn

from pelsvae_cadence.errors import InputError
from pelsvae_cadence.model import PHYSICS
from pelsvae_cadence.population import GROUPS
from pelsvae_cadence.spline_flow import CouplingSampler

__all__ = [
    "CONDITIONS",
    "LATENT_MAPS",
    "ConditionScaling",
    "FlowMap",
    "LatentMap",
    "LatentMapConfig",
    "LinearMap",
]

#: Physical parameters that a map is conditioned on; the amplitude is the fourth column of a row.
CONDITIONS: Final = ("period", "teff", "abs_mag_g")
# Periodic features of the standardised log P, as in `pelsvae_cadence.model`.
_N_TRIG: Final = 3


@dataclass(frozen=True, kw_only=True)
class LatentMapConfig:
    """Sizes of the map.

    Parameters
    ----------
    n_latent : int
        Latent dimensions.
    transforms : int
        Coupling transforms of the flow of z.
    hidden : int
        Width of the two hidden layers of each transform.
    bins : int
        Spline bins.
    parameters : tuple of str
        What the map is conditioned on, beside class and subtype: of `CONDITIONS`, and any others,
        which then stand behind the four physical parameters in each row.

    Raises
    ------
    InputError
        If there is no parameter, or the amplitude, which the map answers with.
    """

    n_latent: int = 8
    transforms: int = 5
    hidden: int = 96
    bins: int = 8
    parameters: tuple[str, ...] = CONDITIONS

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", tuple(self.parameters))
        if not self.parameters or len(set(self.parameters)) < len(self.parameters):
            raise InputError(
                f"parameters of the map are {self.parameters!r}", allowed="one or more, once each"
            )
        if "amplitude_i" in self.parameters:
            raise InputError(
                "the amplitude is drawn by the map before the shape",
                remedy="Leave amplitude_i out of its parameters.",
            )

    @property
    def extra(self) -> tuple[str, ...]:
        """Parameters beyond the physical ones."""
        return tuple(name for name in self.parameters if name not in CONDITIONS)

    @property
    def columns(self) -> tuple[int, ...]:
        """Columns of a row, in its order, that the amplitude is drawn from."""
        known = [i for i, name in enumerate(CONDITIONS) if name in self.parameters]
        return (*known, *(len(PHYSICS) + i for i in range(len(self.extra))))

    def as_dict(self) -> dict[str, Any]:
        """Make a JSON-able dictionary.

        Returns
        -------
        dict
            All sizes.
        """
        return {**asdict(self), "parameters": list(self.parameters)}


class ConditionScaling(nn.Module):
    """Conditions standardised within class and subtype, with periodic features of the first.

    Parameters
    ----------
    columns : tuple of int
        Columns of a row that are used.
    n_columns : int
        Columns of a row.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, columns: tuple[int, ...], n_columns: int) -> None:
        super().__init__()
        self.columns = list(columns)
        self.n_features = len(GROUPS) + len(columns) + 2 * _N_TRIG
        self.register_buffer("centre", torch.zeros(len(GROUPS), n_columns))
        self.register_buffer("scale", torch.ones(len(GROUPS), n_columns))

    def set_statistics(self, physics: npt.NDArray[Any], group: npt.NDArray[Any]) -> None:
        """Take mean and standard deviation of each group from training stars.

        Parameters
        ----------
        physics : ndarray, shape (N, n_columns)
            Rows of the stars.
        group : ndarray of int, shape (N,)
            Groups. A group without stars keeps mean 0 and scale 1.
        """
        for g in range(len(GROUPS)):
            rows = physics[group == g]
            if len(rows):
                self.centre[g] = torch.as_tensor(rows.mean(axis=0))
                # A parameter that hardly varies must not become a lever on rounding.
                self.scale[g] = torch.as_tensor(np.maximum(rows.std(axis=0), 0.01))

    def standardise(self, physics: Tensor, group: Tensor) -> Tensor:
        """Standardise within the groups.

        Parameters
        ----------
        physics : Tensor, shape (N, n_columns)
            Rows; columns that are not used may be missing at the end.
        group : Tensor of int, shape (N,)
            Groups.

        Returns
        -------
        Tensor, shape (N, len(columns))
            Standardised conditions.
        """
        used = self.columns
        centre, scale = self.centre[group][:, used], self.scale[group][:, used]
        return (physics[:, used] - centre) / scale

    def forward(self, physics: Tensor, group: Tensor) -> Tensor:
        """Make the inputs of a map.

        Parameters
        ----------
        physics : Tensor, shape (N, n_columns)
            Rows.
        group : Tensor of int, shape (N,)
            Groups.

        Returns
        -------
        Tensor, shape (N, n_features)
            Group (one-hot), standardised conditions, sines and cosines of the first.
        """
        x = self.standardise(physics, group)
        waves = x[:, :1] * (
            0.5 * torch.pi * torch.arange(1, _N_TRIG + 1, dtype=x.dtype, device=x.device)
        )
        one_hot = nn.functional.one_hot(group, len(GROUPS)).to(x.dtype)
        return torch.cat([one_hot, x, waves.cos(), waves.sin()], dim=1)


class LatentMap(nn.Module):
    """What all maps share: context features and the scale of z within a group of stars.

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
        n_columns = len(PHYSICS) + len(config.extra)
        # The amplitude stands behind the conditions it is drawn from, as it does in a row.
        full = tuple(sorted({*config.columns, len(PHYSICS) - 1}))
        self.context = ConditionScaling(config.columns, n_columns)
        self.full_context = ConditionScaling(full, n_columns)
        # One set of scales serves both.
        self.full_context.centre = self.context.centre
        self.full_context.scale = self.context.scale
        self.register_buffer("z_centre", torch.zeros(len(GROUPS), config.n_latent))
        self.register_buffer("z_scale", torch.ones(len(GROUPS), config.n_latent))

    def set_statistics(
        self, z: npt.NDArray[Any], physics: npt.NDArray[Any], group: npt.NDArray[Any]
    ) -> None:
        """Take scales from training stars.

        Parameters
        ----------
        z : ndarray, shape (N, n_latent)
            Latent coordinates.
        physics : ndarray, shape (N, 4)
            Physics.
        group : ndarray of int, shape (N,)
            Index of class and subtype in `pelsvae_cadence.population.GROUPS`.
        """
        self.context.set_statistics(physics, group)
        self.full_context.set_statistics(physics, group)
        for g in range(len(GROUPS)):
            rows = z[group == g]
            if len(rows):
                self.z_centre[g] = torch.as_tensor(rows.mean(axis=0))
                self.z_scale[g] = torch.as_tensor(np.maximum(rows.std(axis=0), 0.05))

    def freeze(self) -> None:
        """Prepare fast draws where there is something to prepare."""

    def draw_log_amplitude(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        """Draw log10 of the amplitude.

        Parameters
        ----------
        physics : Tensor, shape (N, 3) or (N, n_columns)
            Physics; an amplitude is ignored.
        group : Tensor of int, shape (N,)
            Groups.
        noise : Tensor, shape (N,)
            Standard normal numbers.

        Returns
        -------
        Tensor, shape (N,)
            log10 of the peak-to-peak amplitude in mag.
        """
        raise NotImplementedError

    def draw(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        """Draw latent coordinates.

        Parameters
        ----------
        physics : Tensor, shape (N, 4)
            Physics with amplitude.
        group : Tensor of int, shape (N,)
            Groups.
        noise : Tensor, shape (N, n_latent)
            Standard normal numbers.

        Returns
        -------
        Tensor, shape (N, n_latent)
            Latent coordinates.
        """
        raise NotImplementedError

    def _log_amplitude(self, standardised: Tensor, group: Tensor) -> Tensor:
        return standardised * self.context.scale[group, 3] + self.context.centre[group, 3]


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
            1, self.context.n_features, bins=config.bins, transforms=2, hidden_features=(64, 64)
        )
        self.shape = zuko.flows.NSF(
            config.n_latent,
            self.full_context.n_features,
            bins=config.bins,
            transforms=config.transforms,
            hidden_features=(config.hidden, config.hidden),
            passes=2,  # coupling: as fast to draw from as to evaluate
        )
        self._samplers: tuple[CouplingSampler, CouplingSampler] | None = None

    def freeze(self) -> None:
        """Prepare fast draws; the weights must not change any more."""
        self._samplers = CouplingSampler(self.amplitude), CouplingSampler(self.shape)

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
        column = self.full_context.columns.index(len(PHYSICS) - 1)
        x = self.full_context.standardise(physics, group)[:, column : column + 1]
        scaled = (z - self.z_centre[group]) / self.z_scale[group]
        return (
            self.amplitude(self.context(physics, group)).log_prob(x),
            self.shape(self.full_context(physics, group)).log_prob(scaled),
        )

    def draw_log_amplitude(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        """Draw log10 of the amplitude.

        Parameters
        ----------
        physics : Tensor, shape (N, 3) or (N, n_columns)
            Physics; an amplitude is ignored.
        group : Tensor of int, shape (N,)
            Groups.
        noise : Tensor, shape (N,)
            Standard normal numbers.

        Returns
        -------
        Tensor, shape (N,)
            log10 of the peak-to-peak amplitude in mag.
        """
        context = self.context(physics, group)
        if self._samplers is not None:
            drawn = self._samplers[0](context, noise[:, None])
        else:
            drawn = self.amplitude(context).transform.inv(noise[:, None])
        return self._log_amplitude(drawn[:, 0], group)

    def draw(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        """Draw latent coordinates.

        Parameters
        ----------
        physics : Tensor, shape (N, 4)
            Physics with amplitude.
        group : Tensor of int, shape (N,)
            Groups.
        noise : Tensor, shape (N, n_latent)
            Standard normal numbers.

        Returns
        -------
        Tensor, shape (N, n_latent)
            Latent coordinates.
        """
        context = self.full_context(physics, group)
        if self._samplers is not None:
            scaled = self._samplers[1](context, noise)
        else:
            scaled = self.shape(context).transform.inv(noise)
        return scaled * self.z_scale[group] + self.z_centre[group]


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
            x, head, size = every[:, used], every[:, before], every[:, len(PHYSICS) - 1]
            y = (z[mine] - self.z_centre[g].numpy()) / self.z_scale[g].numpy()
            slope = np.linalg.solve(x.T @ x + np.eye(len(used)), x.T @ y)
            left = y - x @ slope
            covariance = left.T @ left / len(x) + 1e-4 * np.eye(y.shape[1])
            self.slope[g] = torch.as_tensor(slope)
            self.factor[g] = torch.as_tensor(np.linalg.cholesky(covariance))
            amplitude_slope = np.linalg.solve(head.T @ head + np.eye(len(before)), head.T @ size)
            self.amplitude_slope[g] = torch.as_tensor(amplitude_slope)
            self.amplitude_scatter[g] = float(np.std(size - head @ amplitude_slope))

    def draw_log_amplitude(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        """Draw log10 of the amplitude; see `FlowMap.draw_log_amplitude`.

        Parameters
        ----------
        physics : Tensor, shape (N, 3) or (N, 4)
            Physics; an amplitude is ignored.
        group : Tensor of int, shape (N,)
            Groups.
        noise : Tensor, shape (N,)
            Standard normal numbers.

        Returns
        -------
        Tensor, shape (N,)
            log10 of the peak-to-peak amplitude in mag.
        """
        x = self.context.standardise(physics, group)
        mean = (x * self.amplitude_slope[group]).sum(dim=1)
        return self._log_amplitude(mean + self.amplitude_scatter[group] * noise, group)

    def draw(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        """Draw latent coordinates; see `FlowMap.draw`.

        Parameters
        ----------
        physics : Tensor, shape (N, 4)
            Physics with amplitude.
        group : Tensor of int, shape (N,)
            Groups.
        noise : Tensor, shape (N, n_latent)
            Standard normal numbers.

        Returns
        -------
        Tensor, shape (N, n_latent)
            Latent coordinates.
        """
        x = self.full_context.standardise(physics, group)
        mean = torch.einsum("np,npz->nz", x, self.slope[group])
        scatter = torch.einsum("nij,nj->ni", self.factor[group], noise)
        return (mean + scatter) * self.z_scale[group] + self.z_centre[group]


#: Maps by the name on the card.
LATENT_MAPS: Final[dict[str, type[FlowMap | LinearMap]]] = {
    "flow": FlowMap,
    "linear": LinearMap,
}
