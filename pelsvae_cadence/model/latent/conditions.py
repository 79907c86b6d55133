"""Maps from physical parameters to latent coordinates: the densities p(A | physics), p(z | A, physics).

Physics do not fix a shape; stars of one period, temperature and luminosity differ. A map is therefore
a density. Drawing from it is a deterministic function of the physics and of standard normal numbers
that are addressed by the stars' numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.model.blocks import in_blocks
from pelsvae_cadence.model.layers import PhysicsScaling
from pelsvae_cadence.model.reference_stars import GROUPS, PARAMETERS

__all__ = ["CONDITIONS", "LatentMap", "LatentMapConfig"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_AMPLITUDE: Final = PARAMETERS.index("amplitude_i")
#: Physical parameters that a map is conditioned on; the amplitude is the fourth column of the physics.
CONDITIONS: Final = PARAMETERS[:_AMPLITUDE]


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
        which then are further columns of the physics.
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
        """Columns of the physics, in their order, that the amplitude is drawn from."""
        known = [i for i, name in enumerate(CONDITIONS) if name in self.parameters]
        return (*known, *(len(PARAMETERS) + i for i in range(len(self.extra))))


class LatentMap(nn.Module):
    """A density of the amplitude and of z given the physics; within a group of stars both are standardised.

    Parameters
    ----------
    config : LatentMapConfig
        Sizes.
    """

    z_centre: Tensor
    z_scale: Tensor
    # Numbers behind those of the density, with which a map chooses something.
    _n_choices: ClassVar[int] = 0

    def __init__(self, config: LatentMapConfig) -> None:
        super().__init__()
        self.config = config
        n_columns = len(PARAMETERS) + len(config.extra)
        # The shape is drawn from the amplitude too.
        full = tuple(sorted({*config.columns, _AMPLITUDE}))
        self.context = PhysicsScaling(len(GROUPS), config.columns, n_columns)
        self.full_context = PhysicsScaling(len(GROUPS), full, n_columns)
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

    def noise(
        self, purpose: Literal["amplitude", "latent"], random: KeyedRandom, star_id: npt.ArrayLike
    ) -> FloatArray:
        """Draw the numbers that `draw_log_amplitude` and `draw` make amplitudes and shapes of.

        Parameters
        ----------
        purpose : {"amplitude", "latent"}
            What they are for.
        random : KeyedRandom
            Source of the numbers.
        star_id : array_like of int, shape (N,)
            Addresses of the stars.

        Returns
        -------
        ndarray of float64, shape (N, 1) or (N, n_latent), or one column more
            Standard normal numbers.
        """
        n = (1 if purpose == "amplitude" else self.config.n_latent) + self._n_choices
        return random.normal(purpose, np.asarray(star_id)[:, None], np.arange(n))

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
        return drawn * self.context.scale[group, _AMPLITUDE] + self.context.centre[group, _AMPLITUDE]

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

    def sample_log_amplitude(
        self,
        physics: FloatArray,
        group: IntArray,
        star_id: IntArray,
        random: KeyedRandom,
        limits: Callable[[int], tuple[float, float]],
    ) -> FloatArray:
        """Draw log10 of the amplitude of stars by their numbers.

        Parameters
        ----------
        physics : ndarray of float64, shape (N, n_columns)
            Physics; an amplitude is ignored.
        group : ndarray of int64, shape (N,)
            Groups.
        star_id : ndarray of int64, shape (N,)
            Addresses of the stars.
        random : KeyedRandom
            Source of the draws.
        limits : callable
            Gives the range of amplitudes of a group in mag.

        Returns
        -------
        ndarray of float64, shape (N,)
            log10 of the peak-to-peak amplitude in mag, within the limits.
        """
        drawn = self._in_blocks(
            self.draw_log_amplitude, physics, group, self.noise("amplitude", random, star_id)
        )
        bounds = {g: limits(g) for g in set(group.tolist())}
        low, high = np.log10(np.array([bounds[g] for g in group.tolist()]).reshape(-1, 2)).T
        # The far tail of the density is no star that was ever seen.
        return np.clip(drawn, low, high)

    def sample(
        self, physics: FloatArray, group: IntArray, star_id: IntArray, random: KeyedRandom
    ) -> FloatArray:
        """Draw latent coordinates of stars by their numbers.

        Parameters
        ----------
        physics : ndarray of float64, shape (N, n_columns)
            Physics with amplitude.
        group : ndarray of int64, shape (N,)
            Groups.
        star_id : ndarray of int64, shape (N,)
            Addresses of the stars.
        random : KeyedRandom
            Source of the draws.

        Returns
        -------
        ndarray of float64, shape (N, n_latent)
            Latent coordinates.
        """
        return self._in_blocks(self.draw, physics, group, self.noise("latent", random, star_id))

    @staticmethod
    def _in_blocks(
        function: Callable[..., Tensor], physics: FloatArray, group: IntArray, noise: FloatArray
    ) -> FloatArray:
        single = [torch.as_tensor(values, dtype=torch.float32) for values in (physics, noise)]
        return in_blocks(function, single[0], torch.as_tensor(group), single[1])
