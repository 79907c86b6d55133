"""The fit of a mapping on a trained model: other regressors, or new parameters, same network."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import torch

from pelsvae_cadence.classes import STAR_CLASSES, parse_star_class
from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.latent.conditions import CONDITIONS, LatentMapConfig
from pelsvae_cadence.model.latent.kinds import LATENT_MAPS
from pelsvae_cadence.model.latent.mapping import LatentMapping, save_mapping
from pelsvae_cadence.model.reference_stars import GROUPS, group_index, physics_matrix, valid_ranges
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.model.vae import HarmonicVAE
from pelsvae_cadence.model.weights import config_fields
from pelsvae_cadence.training.fit.config import FitConfig
from pelsvae_cadence.training.fit.export import CITATION, LICENCE
from pelsvae_cadence.training.fit.mapping import LatentSample, encode_table
from pelsvae_cadence.training.fit.options import MappingOptions
from pelsvae_cadence.training.fit.regressions import RegressionOptions, fit_map
from pelsvae_cadence.training.fit.sequence_task import encode_rows
from pelsvae_cadence.training.open_set.sequences import sequence_rows
from pelsvae_cadence.training.open_set.shapes import ShapeTable
from pelsvae_cadence.training.open_set.table import OpenSet, load_open_set

__all__ = ["fit_mapping", "read_labels"]

_FEWEST_STARS: Final = 20


def read_labels(path: str | Path) -> pd.DataFrame:
    """Read parameters of stars that the training table does not have.

    Parameters
    ----------
    path : str or Path
        CSV or Parquet table with a column ``star``, the name of the star in the training table,
        and one column a parameter.

    Returns
    -------
    DataFrame
        The parameters, indexed by star.

    Raises
    ------
    InputError
        If the file is missing, lacks the column or names a star twice.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file} does not exist")
    table = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    if "star" not in table:
        raise InputError(f"{file.name} has no column 'star'", allowed=", ".join(table.columns))
    if table["star"].duplicated().any():
        twice = table["star"][table["star"].duplicated()].iloc[0]
        raise InputError(f"{file.name} names the star {twice!r} twice")
    return table.set_index("star")


def fit_mapping(
    model: LightCurveModel,
    folder: str | Path,
    options: MappingOptions | None = None,
    *,
    regression: RegressionOptions | None = None,
    table: OpenSet | None = None,
    labels: pd.DataFrame | None = None,
    name: str | None = None,
    command: str = "",
    resume: bool = True,
    quiet: bool = False,
) -> LatentMapping:
    """Fit a mapping to the training stars of a model; the model itself stays as it is.

    Parameters
    ----------
    model : LightCurveModel
        The trained model.
    folder : str or Path
        Where ``NAME.safetensors``, its card and the checkpoints of a flow are written.
    options : MappingOptions, optional
        What is mapped and how.
    regression : RegressionOptions, optional
        Numbers of forest and perceptron.
    table : OpenSet, optional
        The training table; by default the committed one.
    labels : DataFrame, optional
        Further parameters, see `read_labels`.
    name : str, optional
        Name of the mapping; by default made of regressor and parameters.
    command : str
        The command that makes it, for the card.
    resume : bool
        Continue an interrupted fit of a flow.
    quiet : bool
        Show no progress.

    Returns
    -------
    LatentMapping
        The mapping, loaded from what was written.

    Raises
    ------
    InputError
        If a parameter is unknown or hardly any star has all of them.
    """
    options = options or MappingOptions()
    regression = replace(regression or RegressionOptions(), seed=options.seed)
    stars = table if table is not None else load_open_set()
    config = LatentMapConfig(n_latent=model.n_latent, parameters=options.parameters)
    stars, extra = _labelled(stars, config.extra, labels, options.star_class)
    train_rows, other_rows = (np.flatnonzero(stars.split == s) for s in ("train", "validation"))
    if min(len(train_rows), len(other_rows)) < _FEWEST_STARS:
        raise InputError(
            f"{len(train_rows)} training and {len(other_rows)} validation stars have all of "
            f"{', '.join(options.parameters)}",
            allowed=f"{_FEWEST_STARS} or more of each",
        )
    train = _encode_stars(model, stars.take(train_rows), n_draws=options.draws, seed=options.seed)
    other = _encode_stars(model, stars.take(other_rows), n_draws=1, seed=options.seed + 1)
    train = _with_columns(train, extra[train_rows])
    other = _with_columns(other, extra[other_rows])
    if options.regressor == "kernel-flow":
        config = replace(config, anchors=len(train.group))
    if options.permute:
        train, other = (_permuted(v, config, options.seed) for v in (train, other))
    label = name or f"{options.regressor}-{'-'.join(options.parameters)}"
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed + 1)
    module = LATENT_MAPS[options.regressor](config)
    fit = FitConfig(
        steps=options.steps,
        batch=256,
        rate=1e-3,
        weight_decay=1e-2,
        seed=options.seed,
        evaluate_every=min(125, options.steps),
    )
    fit_map(module, train, other, fit, place / label, regression=regression, resume=resume, quiet=quiet)
    ranges = _ranges(train, config)
    # Amplitudes of the mapping are those that the model can decode.
    amplitudes = {pair: model.ranges(*pair.split("/"))["amplitude_i"] for pair in ranges}
    card = {
        "name": label,
        "model": {"name": model.name, "sha256": model.hash},
        "hyperparameters": {"regressor": options.regressor, "map": config_fields(config)},
        "classes": list(STAR_CLASSES),
        "groups": ["/".join(pair) for pair in GROUPS],
        "n_harmonics": model.n_harmonics,
        "n_latent": model.n_latent,
        "training_data": {
            "sha256": ShapeTable.from_open_set(stars).hash,
            "stars": {"train": len(train_rows), "validation": len(other_rows)},
            "permuted": options.permute,
        },
        "command": command,
        "seed": options.seed,
        "created": datetime.now(UTC).date().isoformat(),
        "scores": {},
        "ranges": ranges,
        "amplitudes": amplitudes,
        "licence": LICENCE,
        "citation": CITATION,
    }
    path = place / f"{label}.safetensors"
    save_mapping(path, module, card)
    return LatentMapping.load(path)


def _encode_stars(
    model: LightCurveModel, stars: OpenSet, *, n_draws: int = 10, seed: int = 0
) -> LatentSample:
    """Draw latent coordinates of stars from the posteriors of well-observed light curves, star by star."""
    network = model.network
    if isinstance(network, HarmonicVAE):
        shapes = ShapeTable.from_open_set(stars)
        if shapes.dropped:
            raise InputError(f"{shapes.dropped} stars lack a physical parameter")
        return encode_table(network, shapes, n_draws=n_draws, seed=seed)
    t_len = network.config.n_steps // 2
    # One light curve a star is enough to draw from its posterior; copies come without labels.
    some = replace(stars, split=np.full(len(stars), "train"))
    rows = sequence_rows(some, t_len=t_len, scale=1e-6, seed=seed)
    return encode_rows(network, rows, n_draws=n_draws, seed=seed)


def _labelled(
    stars: OpenSet, names: tuple[str, ...], labels: pd.DataFrame | None, star_class: str | None
) -> tuple[OpenSet, FloatArray]:
    """Keep the stars that have all parameters, and look those up that are no columns of rows."""
    values = np.empty((len(stars), len(names)))
    for j, name in enumerate(names):
        if labels is not None and name in labels:
            values[:, j] = labels[name].reindex(stars.star).to_numpy(dtype=np.float64)
        elif name == "feh":
            values[:, j] = stars.feh
        else:
            known = [*CONDITIONS, "feh", *([] if labels is None else labels.columns)]
            raise InputError(f"unknown parameter {name!r}", allowed=", ".join(known))
    good = np.isfinite(values).all(axis=1)
    good &= group_index(stars.star_class, stars.subtype) >= 0
    if star_class is not None:
        kind, subtype = parse_star_class(star_class)
        good &= stars.star_class == kind
        if subtype is not None:
            good &= stars.subtype == subtype
    rows = physics_matrix(stars)
    good &= np.isfinite(rows).all(axis=1)
    return stars.take(np.flatnonzero(good)), values[good]


def _with_columns(sample: LatentSample, extra: FloatArray) -> LatentSample:
    return replace(sample, physics=np.column_stack([sample.physics, extra]))


def _permuted(sample: LatentSample, config: LatentMapConfig, seed: int) -> LatentSample:
    """Shuffle the conditions, all together, among the stars of each group."""
    rng = np.random.default_rng(seed)
    physics = sample.physics.copy()
    for g in np.unique(sample.group).tolist():
        mine = np.flatnonzero(sample.group == g)
        shuffled = rng.permutation(mine)
        for j in config.columns:
            physics[mine, j] = sample.physics[shuffled, j]
    return replace(sample, physics=physics)


def _ranges(train: LatentSample, config: LatentMapConfig) -> dict[str, dict[str, tuple[float, float]]]:
    """Give the validity ranges of the conditions, subtype by subtype."""
    ranges: dict[str, dict[str, tuple[float, float]]] = {}
    for g in np.unique(train.group).tolist():
        mine = train.physics[train.group == g]
        known = valid_ranges(mine[:, :4])
        label = "/".join(GROUPS[g])
        ranges[label] = {name: known[name] for name in config.parameters if name in known}
        for j, name in enumerate(config.extra):
            low, high = np.percentile(mine[:, 4 + j], [0.1, 99.9]).tolist()
            margin = 0.05 * (high - low)
            ranges[label][name] = (low - margin, high + margin)
    return ranges
