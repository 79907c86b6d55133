"""The decoder of the harmonic model in NumPy: latent coordinates to Fourier coefficients, without torch.

It does what `pelsvae_cadence.model.vae.Decoder` does, in double precision. Training needs gradients and
uses that one; everything that only draws and decodes stars uses this one.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import STAR_CLASSES, is_binary
from pelsvae_cadence.model.forward import (
    N_WAVES,
    in_chunks,
    network_inputs,
    of_kinds,
    product,
    silu,
    single_precision,
)
from pelsvae_cadence.model.reference_stars import PARAMETERS
from pelsvae_cadence.model.weights import Weights, tensor

__all__ = ["HarmonicDecoder", "ModelConfig"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_COLUMNS: Final = range(len(PARAMETERS))


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


class HarmonicDecoder:
    """Latent coordinates, class and physics to Fourier coefficients of roughly unit amplitude.

    Parameters
    ----------
    weights : Weights
        Tensors of a harmonic model.
    config : ModelConfig
        Sizes.

    Raises
    ------
    InputError
        If a tensor is missing or has another shape.
    """

    def __init__(self, weights: Weights, config: ModelConfig) -> None:
        def take(name: str, *shape: int) -> FloatArray:
            return tensor(weights, f"vae.{name}", shape)

        n_classes, size = len(STAR_CLASSES), 2 * config.n_harmonics
        n_in = config.n_latent + n_classes + len(PARAMETERS) + 2 * N_WAVES
        widths = [n_in, *[config.hidden] * config.layers, config.n_axes]
        self._layers = [
            (
                np.ascontiguousarray(take(f"decoder.network.{2 * i}.weight", b, a).T),
                take(f"decoder.network.{2 * i}.bias", b),
            )
            for i, (a, b) in enumerate(itertools.pairwise(widths))
        ]
        self._n_latent = config.n_latent
        self._centre = take("encoder.physics.centre", n_classes, len(PARAMETERS))
        self._scale = take("encoder.physics.scale", n_classes, len(PARAMETERS))
        self._mean = take("encoder.basis.mean", n_classes, size)
        self._axes = take("encoder.basis.axes", n_classes, config.n_axes, size)
        self._odd_shrink = config.odd_shrink
        self._odd = (self._axes[:, :, : config.n_harmonics] == 0).all(axis=2)
        if not config.odd_shrink:
            self._odd[:] = False
        self._odd[[not is_binary(name) for name in STAR_CLASSES]] = False

    def __call__(self, latent: FloatArray, physics: FloatArray, kind: IntArray) -> FloatArray:
        """Decode.

        Parameters
        ----------
        latent : ndarray of float64, shape (N, n_latent)
            Latent coordinates.
        physics : ndarray of float64, shape (N, 4)
            Physics: see `pelsvae_cadence.model.reference_stars.physics_matrix`.
        kind : ndarray of int64, shape (N,)
            Classes.

        Returns
        -------
        ndarray of float64, shape (N, 2 K)
            Coefficients, cosines before sines, rounded to single precision.
        """
        return single_precision(in_chunks(self._decode, latent, physics, kind))

    def _decode(self, latent: FloatArray, physics: FloatArray, kind: IntArray) -> FloatArray:
        known = network_inputs(physics, kind, self._centre, self._scale, _COLUMNS)
        x = np.concatenate([latent, known], axis=1)
        for matrix, bias in self._layers[:-1]:
            x = silu(product(x, matrix) + bias)
        matrix, bias = self._layers[-1]
        weights = product(x, matrix) + bias
        weights[:, : self._n_latent] += latent
        out = np.empty((len(latent), self._mean.shape[1]))
        for c, rows, filled in of_kinds(kind):
            used = weights[filled]
            odd = self._odd[c]
            if odd.any():
                # Most eclipses are symmetric: see `ModelConfig.odd_shrink`.
                square = used[:, odd] ** 2
                used[:, odd] *= square / (square + self._odd_shrink**2)
            out[rows] = product(used, self._axes[c])[: rows.size] + self._mean[c]
        return out
