"""Trained networks as torch modules: for the encoder, for further training, and to decode sequences."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from pelsvae_cadence.model.blocks import in_blocks
from pelsvae_cadence.model.decoder import ModelConfig
from pelsvae_cadence.model.sequence.networks import SequenceConfig
from pelsvae_cadence.model.sequence.shapes import SequenceShapes
from pelsvae_cadence.model.vae import HarmonicVAE
from pelsvae_cadence.model.weights import Weights, fill_module

__all__ = ["SequenceDecoder", "read_network"]

FloatArray = npt.NDArray[np.float64]


def read_network(weights: Weights) -> HarmonicVAE | SequenceShapes:
    """Make the encoder and decoder of a model.

    Parameters
    ----------
    weights : Weights
        Tensors and card of a harmonic or sequence model.

    Returns
    -------
    HarmonicVAE or SequenceShapes
        The module, ready to use.

    Raises
    ------
    InputError
        If a tensor is missing or has another shape.
    """
    sizes = weights.card["hyperparameters"]["vae"]
    network: HarmonicVAE | SequenceShapes = (
        HarmonicVAE(ModelConfig(**sizes))
        if weights.card["architecture"] == "harmonic"
        else SequenceShapes(SequenceConfig(**sizes))
    ).eval()
    fill_module(network, weights, "vae.")
    return network


class SequenceDecoder:
    """The decoder of a sequence model, from arrays to arrays.

    Parameters
    ----------
    network : HarmonicVAE or SequenceShapes
        The model.
    """

    def __init__(self, network: HarmonicVAE | SequenceShapes) -> None:
        self._network = network

    def __call__(self, latent: FloatArray, physics: FloatArray, kind: npt.NDArray[np.int64]) -> FloatArray:
        """Decode.

        Parameters
        ----------
        latent : ndarray of float64, shape (N, n_latent)
            Latent coordinates.
        physics : ndarray of float64, shape (N, 4)
            Physics.
        kind : ndarray of int64, shape (N,)
            Classes.

        Returns
        -------
        ndarray of float64, shape (N, 2 K)
            Coefficients, cosines before sines.
        """
        single = [torch.as_tensor(values, dtype=torch.float32) for values in (latent, physics)]
        return in_blocks(self._network.decoder, *single, torch.as_tensor(kind))
