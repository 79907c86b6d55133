"""From the training table to shipped weights: the one command behind every model."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.latent import LATENT_MAPS, FlowMap, LatentMapConfig, LinearMap
from pelsvae_cadence.model import HarmonicVAE, ModelConfig
from pelsvae_cadence.population import GROUPS, valid_ranges
from pelsvae_cadence.training.fit import FitConfig, FitResult, VAETask, VAETaskConfig, run
from pelsvae_cadence.training.mapping import MappingTask, encode_table, fit_linear_map
from pelsvae_cadence.training.shape_table import ShapeTable
from pelsvae_cadence.weights import save_weights

__all__ = ["CITATION", "LICENCE", "export_model", "fit_model", "train_model"]

LICENCE: Final = "BSD-3-Clause"
CITATION: Final = (
    "Method: Martinez-Palomera, Bloom & Abrahams 2020, arXiv:2005.07773. "
    "Training stars: OGLE (Soszynski et al. 2008-2013, Acta Astronomica 58-63; "
    "Udalski et al. 2008, Acta Astronomica 58, 69)."
)

# Reference stars kept per class and subtype: enough for smooth relations, small on disk.
_REFERENCE_STARS: Final = 400


def fit_model(
    folder: str | Path,
    *,
    weights: str | Path | None = None,
    table: str | Path | None = None,
    name: str = "harmonic",
    latent_map: str = "flow",
    seed: int = 0,
    steps: int = 3000,
    mapping_steps: int = 1500,
    n_latent: int = 8,
    device: str = "cpu",
    resume: bool = True,
    quiet: bool = False,
    score: bool = True,
) -> Path:
    """Train a model on the open training set, score it on its test stars, and write the weights.

    Parameters
    ----------
    folder : str or Path
        Holds checkpoints and logs.
    weights : str or Path, optional
        File to write; by default ``NAME.safetensors`` in `folder`.
    table : str or Path, optional
        A table of `pelsvae_cadence.training.open_set`; by default the committed one.
    name : str
        Name of the model.
    latent_map : {"flow", "linear"}
        Kind of map from physical parameters to latent coordinates.
    seed : int
        Seed of everything random.
    steps, mapping_steps : int
        Steps of the VAE and of the map.
    n_latent : int
        Latent dimensions.
    device : str
        Torch device.
    resume : bool
        Continue an interrupted run.
    quiet : bool
        Show no progress.
    score : bool
        Measure the model on the test stars and keep the figures on the card.

    Returns
    -------
    Path
        The weights file.
    """
    from pelsvae_cadence.training.model_checks import model_report
    from pelsvae_cadence.training.open_set import load_open_set

    _check_map(latent_map)
    stars = load_open_set(table)
    shapes = ShapeTable.from_open_set(stars)
    vae, latent, record = train_model(
        folder,
        shapes,
        fit=FitConfig(steps=steps, seed=seed, device=device),
        mapping_fit=_mapping_fit(mapping_steps, seed, device),
        mapping=LatentMapConfig(n_latent=n_latent),
        latent_map=latent_map,
        resume=resume,
        quiet=quiet,
    )
    path = Path(weights) if weights else Path(folder) / f"{name}.safetensors"
    command = (
        f"python -m pelsvae_cadence.training fit --seed {seed} --steps {steps} "
        f"--mapping-steps {mapping_steps} --n-latent {n_latent} --latent-map {latent_map}"
    )
    about: dict[str, Any] = {"name": name, "seed": seed, "command": command}
    export_model(path, vae, latent, record, shapes, **about)
    if score:
        report = model_report(seed, weights=path, table=stars)
        # Times are those of one moment on one machine: no property of the weights.
        scores = {f.name: round(f.value, 4) for f in report.figures if f.unit != "ms"}
        export_model(path, vae, latent, record, shapes, scores=scores, **about)
    return path


def _check_map(name: str) -> None:
    if name not in LATENT_MAPS:
        raise InputError(f"latent_map = {name!r}", allowed=", ".join(LATENT_MAPS))


def _mapping_fit(steps: int, seed: int, device: str) -> FitConfig:
    return FitConfig(
        steps=steps, batch=256, rate=1e-3, weight_decay=1e-2, seed=seed, device=device,
        evaluate_every=125, patience=0,
    )  # fmt: skip


def train_model(
    folder: str | Path,
    table: ShapeTable,
    *,
    fit: FitConfig | None = None,
    task: VAETaskConfig | None = None,
    mapping_fit: FitConfig | None = None,
    mapping: LatentMapConfig | None = None,
    latent_map: str = "flow",
    n_axes: int = 32,
    hidden: int = 128,
    resume: bool = True,
    quiet: bool = False,
) -> tuple[HarmonicVAE, FlowMap | LinearMap, dict[str, Any]]:
    """Train the VAE, then the map from physical parameters to its latent space.

    Parameters
    ----------
    folder : str or Path
        Holds checkpoints and logs, in ``vae/`` and ``map/``.
    table : ShapeTable
        The training table.
    fit, mapping_fit : FitConfig, optional
        Length and speed of the two fits.
    task : VAETaskConfig, optional
        What the VAE is trained to do.
    mapping : LatentMapConfig, optional
        Sizes of the map; its `n_latent` is that of the VAE.
    latent_map : {"flow", "linear"}
        Kind of map.
    n_axes, hidden : int
        Sizes of the VAE: see `ModelConfig`.
    resume : bool
        Continue interrupted fits.
    quiet : bool
        Show no progress.

    Returns
    -------
    vae : HarmonicVAE
        The network.
    latent : FlowMap or LinearMap
        The map.
    record : dict
        Sizes, configurations and validation scores, for the card.
    """
    _check_map(latent_map)
    place = Path(folder)
    fit = fit or FitConfig()
    mapping = mapping or LatentMapConfig()
    mapping_fit = mapping_fit or _mapping_fit(1500, fit.seed, fit.device)
    sizes = ModelConfig(
        n_harmonics=table.n_harmonics, n_latent=mapping.n_latent, n_axes=n_axes, hidden=hidden
    )
    train, held_out = table.part("train"), table.part("validation")

    torch.manual_seed(fit.seed)
    vae = HarmonicVAE(sizes)
    vae.set_statistics(train.shapes, train.physics, train.star_class)
    vae.to(fit.device)
    vae_task = VAETask(vae, table, task or VAETaskConfig(), device=fit.device)
    vae_result = run(vae_task, fit, place / "vae", resume=resume, quiet=quiet)

    encoded = encode_table(vae, train, seed=fit.seed)
    latent: FlowMap | LinearMap
    if latent_map == "flow":
        torch.manual_seed(mapping_fit.seed + 1)
        latent = FlowMap(mapping)
        other = encode_table(vae, held_out, n_draws=1, seed=fit.seed + 1)
        flow_task = MappingTask(
            latent, encoded, other, train.balance(0.5), device=mapping_fit.device
        )
        map_result = run(flow_task, mapping_fit, place / "map", resume=resume, quiet=quiet)
    else:
        latent = fit_linear_map(LinearMap(mapping), encoded)
        map_result = FitResult(best_step=0, best_score=float("nan"), steps=0, seconds=0.0)
    record = {
        "hyperparameters": {
            "vae": sizes.as_dict(), "map": mapping.as_dict(), "latent_map": latent_map,
        },
        "fits": {"vae": _summary(vae_result), "map": _summary(map_result)},
    }  # fmt: skip
    return vae.cpu(), latent.cpu(), record


def _summary(result: FitResult) -> dict[str, Any]:
    return {"best_step": result.best_step, "steps": result.steps,
            "validation_score": None if np.isnan(result.best_score) else result.best_score,
            "seconds": round(result.seconds, 1)}  # fmt: skip


def export_model(
    path: str | Path,
    vae: HarmonicVAE,
    latent: FlowMap | LinearMap,
    record: dict[str, Any],
    table: ShapeTable,
    *,
    name: str = "harmonic",
    seed: int = 0,
    command: str = "",
    scores: dict[str, Any] | None = None,
) -> str:
    """Write weights, reference population and card.

    Parameters
    ----------
    path : str or Path
        File name of the weights.
    vae : HarmonicVAE
        The network.
    latent : FlowMap or LinearMap
        The map.
    record : dict
        What `train_model` returned.
    table : ShapeTable
        The training table; its training stars give the population and the validity ranges.
    name : str
        Name of the model.
    seed : int
        Seed of the training.
    command : str
        The command that makes these weights.
    scores : dict, optional
        JSON-able scores on the test stars.

    Returns
    -------
    str
        SHA-256 of the tensors file.
    """
    train = table.part("train")
    tensors = _tensors("vae.", vae) | _tensors("map.", latent)
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
        "architecture": "harmonic",
        "hyperparameters": record["hyperparameters"],
        "classes": list(STAR_CLASSES),
        "groups": ["/".join(pair) for pair in GROUPS],
        "n_harmonics": vae.config.n_harmonics,
        "n_latent": vae.config.n_latent,
        "training_data": {"sha256": table.hash, "stars": n, "rows_left_out": table.dropped},
        "fits": record["fits"],
        "command": command,
        "seed": seed,
        "created": datetime.now(UTC).date().isoformat(),
        "scores": scores or {},
        "ranges": ranges,
        "units": {"period": "d", "teff": "K", "abs_mag_g": "mag", "amplitude_i": "mag"},
        "licence": LICENCE,
        "citation": CITATION,
    }
    return save_weights(path, tensors, card)


def _tensors(prefix: str, module: nn.Module) -> dict[str, npt.NDArray[Any]]:
    """Take a module's tensors; what the decoder shares with the encoder is written once."""
    return {
        prefix + key: value.detach().cpu().numpy()
        for key, value in module.state_dict().items()
        if not key.startswith(("decoder.basis.", "decoder.physics.", "full_context."))
    }


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
