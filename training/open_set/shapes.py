"""The training table as arrays in the networks' layout, and noisy folded points of its stars."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.arrays import FloatArray, IntArray, StructOfArrays
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.layers import fourier_grid
from pelsvae_cadence.model.reference_stars import group_index, physics_matrix

__all__ = ["FoldedPoints", "PointSimulator", "ShapeTable", "balanced"]

# Steps of the physics that count in the hash, per unit.
_PHYSICS_STEPS: Final = 1e6


@dataclass(frozen=True, kw_only=True)
class ShapeTable(StructOfArrays):
    """Stars with shapes and physics.

    Parameters
    ----------
    shapes : ndarray of float64, shape (N, 2 K)
        Fourier coefficients (cosines, then sines), mean zero and unit peak-to-peak.
    physics : ndarray of float64, shape (N, 4)
        log10 P, log10 Teff, M_G, log10 A.
    feh : ndarray of float64, shape (N,)
        [Fe/H], NaN where unknown.
    star_class, group : ndarray of int64, shape (N,)
        Index of the class and of class and subtype.
    split : ndarray of str, shape (N,)
        ``"train"``, ``"validation"`` or ``"test"``.
    dropped : int
        Rows of the source that lack a parameter and were left out.
    """

    shapes: FloatArray
    physics: FloatArray
    feh: FloatArray
    star_class: IntArray
    group: IntArray
    split: npt.NDArray[np.str_]
    dropped: int = 0

    @classmethod
    def from_open_set(cls, open_set: Any) -> ShapeTable:
        """Arrange the open training set."""
        with np.errstate(invalid="ignore", divide="ignore"):
            physics = physics_matrix(open_set)
        shapes = np.concatenate([open_set.cos, open_set.sin], axis=1).astype(np.float64)
        group = group_index(open_set.star_class, open_set.subtype)
        lookup = {name: i for i, name in enumerate(STAR_CLASSES)}
        star_class = np.array([lookup[name] for name in np.asarray(open_set.star_class).tolist()])
        good = np.isfinite(physics).all(axis=1) & np.isfinite(shapes).all(axis=1) & (group >= 0)
        return cls(
            shapes=shapes[good],
            physics=physics[good],
            feh=np.asarray(open_set.feh, dtype=np.float64)[good],
            star_class=star_class[good],
            group=group[good],
            split=np.asarray(open_set.split).astype(np.str_)[good],
            dropped=int((~good).sum()),
        )

    @property
    def n_harmonics(self) -> int:
        """Number of harmonics K."""
        return int(self.shapes.shape[1] // 2)

    @property
    def hash(self) -> str:
        """SHA-256 of shapes, physics (to the sixth decimal), groups and split."""
        # Logarithms differ in their last bit between processors (with AVX-512 and without).
        physics = np.rint(self.physics * _PHYSICS_STEPS).astype(np.int64)
        digest = hashlib.sha256()
        for values in (self.shapes, physics, self.group):
            digest.update(np.ascontiguousarray(values).tobytes())
        digest.update("|".join(self.split.tolist()).encode())
        return digest.hexdigest()

    def part(self, split: str) -> ShapeTable:
        """Select one part of the split.

        Parameters
        ----------
        split : {"train", "validation", "test"}
            The part.

        Returns
        -------
        ShapeTable
            Its stars.

        Raises
        ------
        InputError
            If the part is empty.
        """
        mine = self.split == split
        if not mine.any():
            raise InputError(f"the training table has no {split!r} stars")
        return self.take(mine)

    def balance(self, power: float) -> FloatArray:
        """Weigh stars so that large groups do not drown small ones.

        Parameters
        ----------
        power : float
            0 draws stars alike, 1 draws groups alike.

        Returns
        -------
        ndarray of float64, shape (N,)
            Probability of each star.
        """
        return balanced(self.group, power)


def balanced(group: IntArray, power: float) -> FloatArray:
    """Weigh rows so that large groups do not drown small ones.

    Parameters
    ----------
    group : ndarray of int64, shape (N,)
        Group of each row.
    power : float
        0 draws rows alike, 1 draws groups alike.

    Returns
    -------
    ndarray of float64, shape (N,)
        Probability of each row.
    """
    counts = np.bincount(group, minlength=int(group.max()) + 1)
    weight = counts[group].astype(np.float64) ** -power
    return np.asarray(weight / weight.sum())


class FoldedPoints(NamedTuple):
    """Noisy folded points of N stars: phases, magnitudes about the mean, inverse variances [mag^-2]."""

    phase: Tensor
    mag: Tensor
    weight: Tensor


class PointSimulator:
    """Draws noisy points from curves by interpolation on a grid of 1024 phases.

    Parameters
    ----------
    n_harmonics : int
        Harmonics of the curves.
    device : str
        Torch device.
    """

    def __init__(self, n_harmonics: int, device: str = "cpu") -> None:
        self._grid = fourier_grid(n_harmonics, 1024).to(device)

    def draw(
        self, shapes: Tensor, amplitude: Tensor, n_points: int, noise: Tensor, generator: torch.Generator
    ) -> FoldedPoints:
        """Observe each star at random phases.

        Parameters
        ----------
        shapes : Tensor, shape (N, 2 K)
            Coefficients of unit amplitude.
        amplitude : Tensor, shape (N,)
            Peak-to-peak amplitudes in mag.
        n_points : int
            Points per star.
        noise : Tensor, shape (N,)
            Standard deviation of the points in mag.
        generator : torch.Generator
            Source of phases and noise.

        Returns
        -------
        FoldedPoints
            The points.
        """
        size = (len(shapes), n_points)
        # Drawn on the CPU, so that a seed means the same on every device.
        phase = torch.rand(size, generator=generator).to(shapes.device)
        error = torch.randn(size, generator=generator).to(shapes.device)
        curves = shapes @ self._grid
        n_grid = curves.shape[1]
        place = phase * n_grid
        low = place.long().clamp(max=n_grid - 1)
        here = curves.gather(1, low)
        there = curves.gather(1, (low + 1) % n_grid)
        clean = here + (place - low) * (there - here)
        mag = amplitude[:, None] * clean + noise[:, None] * error
        weight = (noise**-2)[:, None].expand(size)
        return FoldedPoints(phase, mag, weight)
