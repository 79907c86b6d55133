"""What maps from physical parameters to latent coordinates share: sizes, conditions, scales."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.model.layers import PHYSICS
from pelsvae_cadence.model.reference_stars import GROUPS

__all__ = ["CONDITIONS", "ConditionScaling", "LatentMap", "LatentMapConfig"]

FloatArray = npt.NDArray[np.float64]

#: Physical parameters that a map is conditioned on; the amplitude is the fourth column of a row.
CONDITIONS: Final = ("period", "teff", "abs_mag_g")
# Periodic features of the standardised log P, as in `pelsvae_cadence.model.vae`.
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
    anchors : int
        Training stars that a `pelsvae_cadence.model.latent.flow.KernelFlowMap` holds.
    neighbours : int
        Number of neighbours that sets the reach of an anchor.
    width : float
        Width of the kernels about the anchors, in standard deviations: 0 repeats the training
        stars' scatter, 1 is the Gaussian of a plain flow.

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
    anchors: int = 0
    neighbours: int = 10
    width: float = 0.3

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
        if not 0.0 < self.width <= 1.0:
            raise InputError(f"width = {self.width}", allowed="above 0, at most 1")

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
        waves = x[:, :1] * (0.5 * torch.pi * torch.arange(1, _N_TRIG + 1, dtype=x.dtype, device=x.device))
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

    def freeze(self) -> None:
        """Prepare fast draws where there is something to prepare."""

    def amplitude_noise(self, random: KeyedRandom, star_id: npt.ArrayLike) -> FloatArray:
        """Draw the numbers that `draw_log_amplitude` makes amplitudes of.

        Parameters
        ----------
        random : KeyedRandom
            Source of the numbers.
        star_id : array_like of int, shape (N,)
            Addresses of the stars.

        Returns
        -------
        ndarray of float64, shape (N,) or (N, 2)
            Standard normal numbers.
        """
        return random.normal("amplitude", star_id)

    def shape_noise(self, random: KeyedRandom, star_id: npt.ArrayLike) -> FloatArray:
        """Draw the numbers that `draw` makes latent coordinates of.

        Parameters
        ----------
        random : KeyedRandom
            Source of the numbers.
        star_id : array_like of int, shape (N,)
            Addresses of the stars.

        Returns
        -------
        ndarray of float64, shape (N, n_latent) or (N, n_latent + 1)
            Standard normal numbers.
        """
        return random.normal("latent", np.asarray(star_id)[:, None], np.arange(self.config.n_latent))

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
