"""Fits of maps from parameters to the latent space: flows, lines, and the paper's regressions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Unpack

import numpy as np
import numpy.typing as npt
import torch
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.options import at_least
from pelsvae_cadence.model.latent.flow import FlowMap, KernelFlowMap
from pelsvae_cadence.model.latent.linear import LinearMap
from pelsvae_cadence.model.latent.networks import LatentMap
from pelsvae_cadence.model.latent.regressions import Forest, ForestMap, Layers, PerceptronMap
from pelsvae_cadence.model.reference_stars import PARAMETERS
from pelsvae_cadence.training.fit.config import FitConfig
from pelsvae_cadence.training.fit.mapping import LatentSample, MappingTask
from pelsvae_cadence.training.fit.trainer import FitResult, RunOptions, run
from pelsvae_cadence.training.open_set.shapes import balanced

__all__ = ["RegressionOptions", "fit_map", "forest_arrays"]

_AMPLITUDE: Final = PARAMETERS.index("amplitude_i")


@dataclass(frozen=True, kw_only=True)
class RegressionOptions:
    """Numbers of the regressions.

    Parameters
    ----------
    repeats : int
        Rows per star, each with its own random number in the dummy dimension; 100 in the paper.
        The targets go round the draws of the sample, of which the paper takes 10.
    trees : int
        Trees of a forest.
    rows_per_tree : int
        Rows drawn for each tree.
    leaf : int
        Fewest rows in a leaf.
    epochs : int
        Passes of the perceptron over its rows, at most.
    seed : int
        Seed of everything random.

    Raises
    ------
    InputError
        If a number is not positive.
    """

    repeats: int = 100
    trees: int = 60
    rows_per_tree: int = 20_000
    leaf: int = 3
    epochs: int = 12
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(self, 1, "repeats", "trees", "rows_per_tree", "leaf", "epochs")


def fit_map(
    module: LatentMap,
    train: LatentSample,
    held_out: LatentSample,
    fit: FitConfig,
    folder: Path,
    *,
    regression: RegressionOptions | None = None,
    jitter: float = 0.15,
    blur: float = 0.03,
    **how: Unpack[RunOptions],
) -> FitResult:
    """Fit a map of any kind.

    Parameters
    ----------
    module : LatentMap
        The map, changed in place.
    train, held_out : LatentSample
        Training and validation stars.
    fit : FitConfig
        Length and speed of the fit of a flow.
    folder : Path
        Holds the checkpoints of a flow.
    regression : RegressionOptions, optional
        Numbers of forest and perceptron.
    jitter, blur : float
        See `MappingTask`.
    **how
        See `pelsvae_cadence.training.fit.trainer.RunOptions`.

    Returns
    -------
    FitResult
        Where the fit of a flow ended; no steps for the others.
    """
    if isinstance(module, FlowMap):
        weight = balanced(train.group, 0.5)
        task = MappingTask(module, train, held_out, weight, jitter=jitter, blur=blur, device=fit.device)
        result = run(task, fit, folder, label="map", **how)
        if isinstance(module, KernelFlowMap):
            module.set_anchors(train.z.mean(axis=0), train.physics, train.group)
        return result
    numbers = regression or RegressionOptions()
    if isinstance(module, LinearMap):
        module.fit(train.z[0].astype(np.float64), train.physics, train.group)
    elif isinstance(module, ForestMap):
        _fit_forest(module, train, numbers)
    elif isinstance(module, PerceptronMap):
        _fit_perceptron(module, train, numbers)
    else:
        raise TypeError(f"there is no fit of {type(module).__name__}")
    return FitResult(best_step=0, best_score=float("nan"), steps=0, seconds=0.0)


def _fit_forest(module: ForestMap, train: LatentSample, options: RegressionOptions) -> None:
    for part, (x, y) in _tables(module, train, options).items():
        forest = RandomForestRegressor(
            options.trees,
            min_samples_leaf=options.leaf,
            random_state=options.seed,
            max_samples=min(options.rows_per_tree, len(x)),
            n_jobs=1,
        )
        forest.fit(x, y[:, 0] if y.shape[1] == 1 else y)
        target = getattr(module, part)
        if not isinstance(target, Forest):
            raise TypeError(f"{part} is no forest")
        target.fill(forest_arrays(forest))


def _fit_perceptron(module: PerceptronMap, train: LatentSample, options: RegressionOptions) -> None:
    hidden = (module.config.hidden, module.config.hidden)
    for part, (x, y) in _tables(module, train, options).items():
        network = MLPRegressor(
            hidden_layer_sizes=hidden,
            batch_size=min(256, len(x)),
            max_iter=options.epochs,
            random_state=options.seed,
            learning_rate_init=2e-3,
        )
        with warnings.catch_warnings():
            # The number of passes is set, not a failure.
            warnings.simplefilter("ignore", ConvergenceWarning)
            network.fit(x, y[:, 0] if y.shape[1] == 1 else y)
        target = getattr(module, part)
        if not isinstance(target, Layers):
            raise TypeError(f"{part} is no perceptron")
        with torch.no_grad():
            pairs = zip(network.coefs_, network.intercepts_, strict=True)
            for i, (weight, bias) in enumerate(pairs):
                target.layers.get_submodule(str(i)).load_state_dict(
                    {"weight": torch.as_tensor(weight.T.copy()), "bias": torch.as_tensor(bias)}
                )


def forest_arrays(forest: RandomForestRegressor) -> dict[str, npt.NDArray[Any]]:
    """Take the nodes out of a fitted forest."""
    parts: dict[str, list[npt.NDArray[Any]]] = {
        name: [] for name in ("left", "right", "feature", "threshold", "value")
    }
    root, first = [], 0
    for estimator in forest.estimators_:
        tree = estimator.tree_
        here = np.arange(tree.node_count)
        leaf = tree.children_left < 0
        for name, side in (("left", tree.children_left), ("right", tree.children_right)):
            parts[name].append(np.where(leaf, here, side) + first)
        parts["feature"].append(np.where(leaf, 0, tree.feature))
        parts["threshold"].append(np.where(leaf, 0.0, tree.threshold))
        # Only the leaves answer.
        parts["value"].append(np.where(leaf[:, None], tree.value[:, :, 0], 0.0).astype(np.float32))
        root.append(first)
        first += tree.node_count
    return {**{name: np.concatenate(v) for name, v in parts.items()}, "root": np.array(root)}


def _tables(
    module: ForestMap | PerceptronMap, train: LatentSample, options: RegressionOptions
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Repeat the stars with random numbers in the dummy dimension."""
    n_draws, n_stars, n_latent = train.z.shape
    module.set_statistics(
        train.z.reshape(-1, n_latent), np.tile(train.physics, (n_draws, 1)), np.tile(train.group, n_draws)
    )
    rng = np.random.default_rng(options.seed)
    star = np.tile(np.arange(n_stars), options.repeats)
    draw = np.repeat(np.arange(options.repeats) % n_draws, n_stars)
    physics = torch.as_tensor(train.physics, dtype=torch.float32)[star]
    group = torch.as_tensor(train.group)[star]
    dummy = torch.as_tensor(rng.random(len(star)), dtype=torch.float32)
    with torch.no_grad():
        z = torch.as_tensor(train.z[draw, star])
        scaled = (z - module.z_centre[group]) / module.z_scale[group]
        context = module.context
        size = (physics[:, _AMPLITUDE] - context.centre[group, _AMPLITUDE]) / context.scale[group, _AMPLITUDE]
        inputs = [module.inputs(physics, group, dummy, amplitude=amplitude) for amplitude in (True, False)]
    return {
        "amplitude": (inputs[0].numpy(), size[:, None].numpy()),
        "shape": (inputs[1].numpy(), scaled.numpy()),
    }
