"""Draws of amplitude and latent coordinates from physical parameters: p(A | physics), p(z | A, physics).

Physics do not fix a shape; stars of one period, temperature and luminosity differ. A map is therefore
a density. Drawing from it is a deterministic function of the physics and of standard normal numbers
that are addressed by the stars' numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.model.latent.conditions import LatentMapConfig

__all__ = ["LatentDraws"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class LatentDraws:
    """What every map to the latent space can do, whatever it is made of."""

    config: LatentMapConfig
    # Numbers behind those of the density, with which a map chooses something.
    _n_choices: ClassVar[int] = 0

    def noise(
        self, purpose: Literal["amplitude", "latent"], random: KeyedRandom, star_id: npt.ArrayLike
    ) -> FloatArray:
        """Draw the numbers that amplitudes and shapes are made of.

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
        drawn = self._log_amplitudes(physics, group, self.noise("amplitude", random, star_id))
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
        return self._latents(physics, group, self.noise("latent", random, star_id))

    def _log_amplitudes(self, physics: FloatArray, group: IntArray, noise: FloatArray) -> FloatArray:
        """Turn normal numbers into log10 of amplitudes in mag, shape (N,)."""
        raise NotImplementedError

    def _latents(self, physics: FloatArray, group: IntArray, noise: FloatArray) -> FloatArray:
        """Turn normal numbers into latent coordinates, shape (N, n_latent)."""
        raise NotImplementedError
