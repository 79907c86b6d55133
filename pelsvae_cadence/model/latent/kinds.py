"""Kinds of maps to the latent space as torch modules, made anew or of their tensors."""

from __future__ import annotations

from typing import Final

import torch

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.latent.conditions import LatentMapConfig
from pelsvae_cadence.model.latent.flow import FlowMap, KernelFlowMap
from pelsvae_cadence.model.latent.linear import LinearMap
from pelsvae_cadence.model.latent.networks import LatentMap
from pelsvae_cadence.model.latent.regressions import Forest, ForestMap, PerceptronMap
from pelsvae_cadence.model.weights import Weights, fill_module

__all__ = ["LATENT_MAPS", "read_module"]

#: Modules by the names of `pelsvae_cadence.model.latent.conditions.MAP_KINDS`.
LATENT_MAPS: Final[dict[str, type[LatentMap]]] = {
    "linear": LinearMap,
    "forest": ForestMap,
    "mlp": PerceptronMap,
    "flow": FlowMap,
    "kernel-flow": KernelFlowMap,
}


def read_module(weights: Weights, kind: str, prefix: str = "") -> LatentMap:
    """Make a map of its tensors.

    Parameters
    ----------
    weights : Weights
        Tensors and card.
    kind : str
        One of `LATENT_MAPS`.
    prefix : str
        What the names of the tensors begin with.

    Returns
    -------
    LatentMap
        The map.

    Raises
    ------
    InputError
        If a tensor is missing or has another shape, or a forest is none.
    """
    module = LATENT_MAPS[kind](LatentMapConfig(**weights.card["hyperparameters"]["map"])).eval()
    for name, part in module.named_children():
        if isinstance(part, Forest):
            _fill_forest(part, f"{prefix}{name}.", weights)
    fill_module(module, weights, prefix)
    return module


def _fill_forest(forest: Forest, prefix: str, weights: Weights) -> None:
    """Copy the nodes in: a forest is as large as the file says.

    Nodes that point elsewhere are refused, for a walk through them might never end.
    """
    mine = [key for key in weights.tensors if key.startswith(prefix)]
    try:
        forest.fill({key.removeprefix(prefix): weights.tensors[key] for key in mine})
    except AttributeError as error:
        raise InputError(f"mapping {weights.name!r} holds a foreign tensor") from error
    n = len(forest.left)
    here = torch.arange(n)
    lengths = {len(v) for v in (forest.right, forest.feature, forest.threshold, forest.value)}
    good = lengths == {n} and bool(((forest.root >= 0) & (forest.root < n)).all())
    for side in (forest.left, forest.right):
        # Trees are stored parents first, so every walk goes forward or stays on its leaf.
        good = good and len(side) == n and bool(((side >= here) & (side < n)).all())
    if not good:
        raise InputError(f"mapping {weights.name!r} holds a forest that is no forest")
