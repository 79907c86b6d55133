r"""The regressions of the PELS-VAE paper as maps to the latent space: random forest and perceptron.

A regression answers with a mean, but physics do not fix a shape. The paper (Martinez-Palomera,
Bloom & Abrahams 2020, arXiv:2005.07773) therefore adds a dummy dimension: every star is repeated
with random numbers in it and with draws from its posterior as targets; a new star gets a random
number too, so that equal stars get unlike shapes. Here the number is :math:`\Phi(\epsilon)` of the
first of the normal numbers that the caller provides.

The regressions are fitted with scikit-learn (`pelsvae_cadence.training.fit.regressions`) and kept as
plain arrays: nothing is unpickled, and scikit-learn is not needed to draw.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from typing_extensions import override

from pelsvae_cadence.model.latent.conditions import LatentMapConfig
from pelsvae_cadence.model.latent.networks import LatentMap

__all__ = ["Forest", "ForestMap", "Layers", "PerceptronMap", "RegressionMap"]


class Forest(nn.Module):
    """Regression trees as flat arrays.

    Parameters
    ----------
    n_out : int
        Outputs.
    """

    left: Tensor
    right: Tensor
    feature: Tensor
    threshold: Tensor
    value: Tensor
    root: Tensor

    def __init__(self, n_out: int) -> None:
        super().__init__()
        # One leaf that answers 0; `fill` puts trees in its place.
        for name in ("left", "right", "feature", "root"):
            self.register_buffer(name, torch.zeros(1, dtype=torch.int32))
        self.register_buffer("threshold", torch.zeros(1, dtype=torch.float64))
        self.register_buffer("value", torch.zeros(1, n_out))

    def fill(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take the nodes of all trees, one tree after another.

        Parameters
        ----------
        arrays : dict of str to ndarray
            Per node ``left`` and ``right``, the nodes that follow (a leaf follows itself),
            ``feature`` and ``threshold``, left being feature <= threshold, and ``value``, shape
            (n_nodes, n_out); and ``root``, the first node of each tree.
        """
        for name, value in arrays.items():
            kind = getattr(self, name).dtype
            setattr(self, name, torch.as_tensor(np.ascontiguousarray(value)).to(kind))

    def forward(self, x: Tensor) -> Tensor:
        """Average the leaves that rows fall into.

        Parameters
        ----------
        x : Tensor, shape (N, n_in)
            Inputs.

        Returns
        -------
        Tensor, shape (N, n_out)
            Mean over the trees.
        """
        node = self.root.long().expand(len(x), -1)
        while True:
            here = x.gather(1, self.feature[node].long()).double()
            onwards = torch.where(here <= self.threshold[node], self.left[node], self.right[node])
            if bool((onwards == node).all()):
                return self.value[node].mean(dim=1)
            node = onwards.long()


class Layers(nn.Module):
    """A perceptron with rectified hidden layers.

    Parameters
    ----------
    sizes : tuple of int
        Inputs, widths of the hidden layers, outputs.
    """

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layers.

        Parameters
        ----------
        x : Tensor, shape (N, n_in)
            Inputs.

        Returns
        -------
        Tensor, shape (N, n_out)
            Outputs.
        """
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        out: Tensor = self.layers[-1](x)
        return out


class RegressionMap(LatentMap):
    """What both regressions share: inputs with a dummy dimension, outputs in units of the scatter.

    Parameters
    ----------
    config : LatentMapConfig
        Sizes; `n_latent` and `parameters` are used, and `hidden` by the perceptron.
    """

    amplitude: nn.Module
    shape: nn.Module

    def inputs(self, physics: Tensor, group: Tensor, dummy: Tensor, *, amplitude: bool) -> Tensor:
        """Arrange the inputs of a regression.

        Parameters
        ----------
        physics : Tensor, shape (N, n_columns)
            Physics.
        group : Tensor of int, shape (N,)
            Groups.
        dummy : Tensor, shape (N,)
            Numbers between 0 and 1.
        amplitude : bool
            Of the regression of the amplitude, rather than of the shape.

        Returns
        -------
        Tensor, shape (N, n_in)
            Group (one-hot), standardised conditions, sines and cosines of the first, dummy.
        """
        context = self.context if amplitude else self.full_context
        features: Tensor = context(physics, group)
        return torch.cat([features, dummy[:, None].to(features.dtype)], dim=1)

    @override
    def _amplitude(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        x = self.inputs(physics, group, torch.special.ndtr(noise[:, 0]), amplitude=True)
        drawn: Tensor = self.amplitude(x)[:, 0]
        return drawn

    @override
    def _shape(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        x = self.inputs(physics, group, torch.special.ndtr(noise[:, 0]), amplitude=False)
        drawn: Tensor = self.shape(x)
        return drawn


class ForestMap(RegressionMap):
    """Random forests (Breiman 2001) of log A and of z.

    Parameters
    ----------
    config : LatentMapConfig
        Sizes; only `n_latent` and `parameters` are used.
    """

    def __init__(self, config: LatentMapConfig) -> None:
        super().__init__(config)
        self.amplitude = Forest(1)
        self.shape = Forest(config.n_latent)


class PerceptronMap(RegressionMap):
    """Perceptrons (MLP) of log A and of z with two hidden layers.

    Parameters
    ----------
    config : LatentMapConfig
        Sizes; `n_latent`, `hidden` and `parameters` are used.
    """

    def __init__(self, config: LatentMapConfig) -> None:
        super().__init__(config)
        hidden = (config.hidden, config.hidden)
        self.amplitude = Layers((self.context.n_features + 1, *hidden, 1))
        self.shape = Layers((self.full_context.n_features + 1, *hidden, config.n_latent))
