"""From the training table to shipped weights: the one code path behind every model."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Unpack

import numpy as np
import numpy.typing as npt
import torch

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.model.decoder import ModelConfig
from pelsvae_cadence.model.latent.conditions import LatentMapConfig
from pelsvae_cadence.model.latent.kinds import LATENT_MAPS
from pelsvae_cadence.model.latent.networks import LatentMap
from pelsvae_cadence.model.reference_stars import GROUPS, valid_ranges
from pelsvae_cadence.model.sequence.shapes import SequenceShapes
from pelsvae_cadence.model.vae import HarmonicVAE
from pelsvae_cadence.model.weights import config_fields, module_tensors, save_weights
from pelsvae_cadence.training.fit.config import FitConfig
from pelsvae_cadence.training.fit.harmonic_task import VAETask, VAETaskConfig
from pelsvae_cadence.training.fit.mapping import encode_table
from pelsvae_cadence.training.fit.options import FitOptions
from pelsvae_cadence.training.fit.regressions import fit_map
from pelsvae_cadence.training.fit.sequence_task import SequenceTask, SequenceTaskConfig, encode_rows
from pelsvae_cadence.training.fit.trainer import FitResult, RunOptions, run
from pelsvae_cadence.training.open_set.sequences import SequenceRows, sequence_rows
from pelsvae_cadence.training.open_set.shapes import ShapeTable
from pelsvae_cadence.training.open_set.table import OpenSet, load_open_set

__all__ = ["CITATION", "LICENCE", "fit_model", "network_task", "options_rows"]

LICENCE: Final = "BSD-3-Clause"
CITATION: Final = (
    "Method: Martinez-Palomera, Bloom & Abrahams 2020, arXiv:2005.07773. "
    "Training stars: OGLE (Soszynski et al. 2008-2013, Acta Astronomica 58-63; "
    "Udalski et al. 2008, Acta Astronomica 58, 69)."
)

# Sizes of the harmonic network that differ from the plainest one.
_HARMONIC: Final[dict[str, Any]] = {"n_latent": 12, "odd_shrink": 0.5}
# Reference stars kept per class and subtype: enough for smooth relations, small on disk.
_REFERENCE_STARS: Final = 400


def fit_model(
    folder: str | Path,
    options: FitOptions | None = None,
    *,
    weights: str | Path | None = None,
    table: str | Path | None = None,
    curves: str | Path | None = None,
    name: str | None = None,
    **how: Unpack[RunOptions],
) -> Path:
    """Train a model on the open training set and write the weights.

    Parameters
    ----------
    folder : str or Path
        Holds checkpoints and logs.
    options : FitOptions, optional
        What to train and how; by default the harmonic model.
    weights : str or Path, optional
        File to write; by default ``NAME.safetensors`` in `folder`.
    table : str or Path, optional
        A table of `pelsvae_cadence.training.open_set.table`; by default the committed one.
    curves : str or Path, optional
        For a sequence network: folded light curves of its stars (of the commands ``augment`` or
        ``fold-open-set``). By default the table is observed.
    name : str, optional
        Name of the model; by default that of the configuration.
    **how
        See `pelsvae_cadence.training.fit.trainer.RunOptions`.

    Returns
    -------
    Path
        The weights file.
    """
    options = options or FitOptions()
    stars = load_open_set(table)
    shapes = ShapeTable.from_open_set(stars)
    rows = options_rows(options, stars, curves) if options.is_sequence else None
    network, latent, record = _train_network(folder, shapes, options, rows=rows, **how)
    label = name or options.config
    path = Path(weights) if weights else Path(folder) / f"{label}.safetensors"
    about: dict[str, Any] = {
        "name": label,
        "seed": options.seed,
        "command": options.command(table=table, curves=curves, name=name),
    }
    _export_model(path, network, latent, record, shapes, **about)
    return path


def options_rows(options: FitOptions, stars: OpenSet, curves: str | Path | None = None) -> SequenceRows:
    """Give the light curves that a sequence network is trained on.

    Parameters
    ----------
    options : FitOptions
        A configuration of the paper.
    stars : OpenSet
        The training table.
    curves : str or Path, optional
        Folded light curves of its stars; by default the table is observed.

    Returns
    -------
    SequenceRows
        The light curves.
    """
    from pelsvae_cadence.training.preprocess.folded_light_curves import read_folded

    folded, split = None, None
    if curves is not None:
        folded, columns = read_folded(curves)
        split = columns["split"].to_numpy() if "split" in columns else None
    return sequence_rows(
        stars,
        t_len=options.t_len,
        scale=options.row_scale,
        seed=options.seed,
        random_phase=options.random_phase,
        curves=folded,
        split=split,
    )


def _train_network(
    folder: str | Path,
    table: ShapeTable,
    options: FitOptions,
    *,
    rows: SequenceRows | None = None,
    fit: FitConfig | None = None,
    mapping_fit: FitConfig | None = None,
    **how: Unpack[RunOptions],
) -> tuple[HarmonicVAE | SequenceShapes, LatentMap, dict[str, Any]]:
    """Train a VAE, then the map from physical parameters to its latent space."""
    place = Path(folder)
    torch.manual_seed(options.seed)
    task, fit = network_task(table, options, rows=rows, fit=fit)
    result = run(task, fit, place / "vae", label="VAE", **how)
    network = task.module
    if isinstance(network, HarmonicVAE):
        train, held_out = (table.part(split) for split in ("train", "validation"))
        noise = options.map_defaults["noise"]
        encoded = encode_table(network, train, noise=noise, seed=options.seed)
        other = encode_table(network, held_out, noise=noise, n_draws=1, seed=options.seed + 1)
    elif rows is not None:
        mine, theirs = (rows.part(split) for split in ("train", "validation"))
        encoded = encode_rows(network, mine, seed=options.seed)
        other = encode_rows(network, theirs, n_draws=1, seed=options.seed + 1)
    kind = options.latent_map or options.map_defaults["kind"]
    mapping = LatentMapConfig(
        n_latent=network.config.n_latent,
        transforms=options.map_defaults["transforms"],
        hidden=options.map_defaults["hidden"],
        anchors=len(encoded.group) if kind == "kernel-flow" else 0,
    )
    mapping_fit = mapping_fit or _mapping_fit(options)
    torch.manual_seed(mapping_fit.seed + 1)
    latent = LATENT_MAPS[kind](mapping)
    smear = {name: options.map_defaults[name] for name in ("jitter", "blur")}
    map_result = fit_map(latent, encoded, other, mapping_fit, place / "map", **smear, **how)
    record: dict[str, Any] = {
        "architecture": "harmonic" if rows is None else "sequence",
        "hyperparameters": {
            "vae": config_fields(network.config),
            "map": config_fields(mapping),
            "latent_map": kind,
        },
        "fits": {"vae": _summary(result), "map": _summary(map_result)},
    }
    if rows is not None:
        parts = {split: int((rows.split == split).sum()) for split in ("train", "validation")}
        record["light_curves"] = {"sha256": rows.hash, "rows": parts, "t_len": rows.t_len}
    return network, latent, record


def network_task(
    table: ShapeTable, options: FitOptions, *, rows: SequenceRows | None = None, fit: FitConfig | None = None
) -> tuple[VAETask | SequenceTask, FitConfig]:
    """Make a network with its task.

    Parameters
    ----------
    table : ShapeTable
        The training table.
    options : FitOptions
        What to train and how.
    rows : SequenceRows, optional
        Light curves, which a sequence network needs.
    fit : FitConfig, optional
        Length and speed of the fit, in place of what `options` say.

    Returns
    -------
    task : VAETask or SequenceTask
        The task; its network takes its first weights from torch's generator.
    fit : FitConfig
        Length and speed of the fit.
    """
    if rows is not None:
        network = SequenceShapes(options.sequence_config())
        fit = fit or options.fit_config(int((rows.split == "train").sum()))
        network.to(fit.device)
        config = SequenceTaskConfig(
            beta=0.75 if options.beta is None else options.beta,
            weighted=options.weighted,
            floor=options.floor,
            error_weight=options.error_weight,
            min_points=options.min_points,
        )
        return SequenceTask(network, rows, config, device=fit.device), fit
    changes = {
        name: getattr(options, name) for name in ("n_latent", "hidden") if getattr(options, name) is not None
    }
    vae = HarmonicVAE(ModelConfig(n_harmonics=table.n_harmonics, **{**_HARMONIC, **changes}))
    train = table.part("train")
    vae.set_statistics(train.shapes, train.physics, train.star_class)
    fit = fit or options.fit_config(len(train))
    vae.to(fit.device)
    task = VAETaskConfig() if options.beta is None else VAETaskConfig(beta=options.beta)
    return VAETask(vae, table, task, device=fit.device), fit


def _mapping_fit(options: FitOptions) -> FitConfig:
    return FitConfig(
        steps=options.mapping_steps or options.map_defaults["steps"],
        batch=256,
        rate=1e-3,
        weight_decay=1e-2,
        seed=options.seed,
        device=options.device,
        evaluate_every=125,
        keep=options.map_defaults["keep"],
    )


def _summary(result: FitResult) -> dict[str, Any]:
    return {
        "best_step": result.best_step,
        "steps": result.steps,
        "validation_score": None if np.isnan(result.best_score) else result.best_score,
        "seconds": round(result.seconds, 1),
    }


def _export_model(
    path: str | Path,
    network: HarmonicVAE | SequenceShapes,
    latent: LatentMap,
    record: dict[str, Any],
    table: ShapeTable,
    *,
    name: str = "harmonic",
    seed: int = 0,
    command: str = "",
) -> str:
    """Write weights, reference population and card."""
    train = table.part("train")
    tensors = module_tensors(network, "vae.") | module_tensors(latent, "map.")
    chosen = _reference_stars(train, seed)
    tensors["population.rows"] = np.concatenate(
        [train.physics[chosen], train.feh[chosen, None]], axis=1
    ).astype(np.float32)
    tensors["population.group"] = train.group[chosen].astype(np.int32)
    counts = np.bincount(train.group, minlength=len(GROUPS))
    tensors["population.counts"] = counts.astype(np.int32)
    ranges = _ranges(train)
    n = {
        "/".join(GROUPS[g]): {
            part: int(((table.group == g) & (table.split == part)).sum())
            for part in ("train", "validation", "test")
        }
        for g in np.unique(table.group).tolist()
    }
    card = {
        "name": name,
        "architecture": record["architecture"],
        "hyperparameters": record["hyperparameters"],
        "classes": list(STAR_CLASSES),
        "groups": ["/".join(pair) for pair in GROUPS],
        "n_harmonics": network.config.n_harmonics,
        "n_latent": network.config.n_latent,
        "training_data": {
            "sha256": table.hash,
            "stars": n,
            "rows_left_out": table.dropped,
            **({"light_curves": record["light_curves"]} if "light_curves" in record else {}),
        },
        "fits": record["fits"],
        "command": command,
        "seed": seed,
        "created": datetime.now(UTC).date().isoformat(),
        "scores": {},
        "ranges": ranges,
        "units": {"period": "d", "teff": "K", "abs_mag_g": "mag", "amplitude_i": "mag"},
        "licence": LICENCE,
        "citation": CITATION,
    }
    return save_weights(path, tensors, card)


def _ranges(table: ShapeTable) -> dict[str, dict[str, tuple[float, float]]]:
    """Give the validity ranges of each subtype, and of each class as the hull of its subtypes."""
    ranges: dict[str, dict[str, tuple[float, float]]] = {}
    for g in np.unique(table.group).tolist():
        star_class = GROUPS[g][0]
        mine = valid_ranges(table.physics[table.group == g])
        ranges["/".join(GROUPS[g])] = mine
        hull = ranges.setdefault(star_class, dict(mine))
        for name, (low, high) in mine.items():
            hull[name] = min(low, hull[name][0]), max(high, hull[name][1])
    return ranges


def _reference_stars(table: ShapeTable, seed: int) -> npt.NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    chosen = []
    for g in np.unique(table.group).tolist():
        mine = np.flatnonzero(table.group == g)
        if len(mine) > _REFERENCE_STARS:
            mine = np.sort(rng.choice(mine, _REFERENCE_STARS, replace=False))
        chosen.append(mine)
    return np.concatenate(chosen)
