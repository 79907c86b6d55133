"""Commands that train: fits, sweeps, latent maps, converted weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from pelsvae_cadence.core.console import messages
from pelsvae_cadence.core.options import Seed, option_words, with_options
from pelsvae_cadence.training.commands.app import Restart, Table, Wandb, Weights, app, split_words
from pelsvae_cadence.training.fit.options import (
    Batch,
    Device,
    FitOptions,
    MappingOptions,
    Points,
    Regressor,
    RowScale,
    SweepOptions,
)

__all__ = ["convert_published", "fit", "fit_map", "new_parameter", "sweep"]


@app.command()
@with_options
def fit(
    options: FitOptions,
    out_dir: Annotated[
        Path | None, typer.Option(help="Checkpoints and logs. Default: outputs/fit/NAME.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Weights file to write. Default: NAME.safetensors in --out-dir.")
    ] = None,
    table: Table = None,
    curves: Annotated[
        Path | None,
        typer.Option(
            help="Folded light curves for the paper's networks (of augment or fold-open-set). "
            "Default: the table, observed."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model. Default: --config.")] = None,
    restart: Restart = False,
    score: Annotated[bool, typer.Option(help="Measure on the test stars at the end.")] = True,
    wandb: Wandb = None,
) -> None:
    """Train a PELS-VAE and its latent map; write weights and card.

    A run that was stopped goes on from its last validation.
    """
    from pelsvae_cadence.training.evaluate.score import score_model
    from pelsvae_cadence.training.fit.export import fit_model
    from pelsvae_cadence.training.open_set.table import load_open_set

    path = fit_model(
        out_dir or Path("outputs/fit") / (name or options.config),
        options,
        weights=weights,
        table=table,
        curves=curves,
        name=name,
        resume=not restart,
        wandb=wandb,
    )
    if score:
        with messages.status("measuring (some minutes)"):
            score_model(path, table=load_open_set(table), seed=options.seed)
    messages.print(f"weights: {path}", soft_wrap=True)


@app.command()
@with_options
def sweep(
    search: SweepOptions,
    config: Annotated[str, typer.Option(help="paper-tcn, paper-gru, paper-lstm or harmonic.")] = "paper-tcn",
    out_dir: Annotated[
        Path | None,
        typer.Option(help="Study, checkpoints, table and picture. Default: outputs/sweep/CONFIG."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps of a trial.", min=1)] = 1000,
    batch: Batch = None,
    t_len: Points = 300,
    row_scale: RowScale = 1.0,
    table: Table = None,
    storage: Annotated[
        str | None, typer.Option(help="URL of another database. Default: study.db (SQLite) in --out-dir.")
    ] = None,
    device: Device = "cpu",
    wandb: Wandb = None,
) -> None:
    """Search the hyper-parameters of the paper's Table 2; several processes share a study.

    Start the command as often as there are processors, each with its own --worker; what is stopped
    goes on where it was.
    """
    from pelsvae_cadence.training.fit import sweep as sweeping
    from pelsvae_cadence.training.open_set.table import load_open_set

    changes: dict[str, Any] = {"t_len": t_len, "row_scale": row_scale} if config != "harmonic" else {}
    options = FitOptions(config=config, steps=steps, batch=batch, device=device, seed=search.seed, **changes)
    folder = out_dir or Path("outputs/sweep") / config
    study = sweeping.sweep(folder, options, search, table=load_open_set(table), storage=storage, wandb=wandb)
    typer.echo(sweeping.sweep_table(study).head(20).to_string(index=False, float_format="{:.4g}".format))
    for path in sweeping.write_sweep(study, folder):
        messages.print(f"written: {path}", soft_wrap=True)


@app.command("map")
@with_options
def fit_map(
    options: MappingOptions,
    model: Weights = "harmonic",
    parameters: Annotated[
        str,
        typer.Option(
            help="Parameters to map from, with commas: period [d], teff [K], abs_mag_g [mag], feh "
            "[dex], and columns of --labels. Class, subtype and amplitude always count."
        ),
    ] = "period,teff,abs_mag_g",
    labels: Annotated[
        Path | None,
        typer.Option(
            help="CSV or Parquet table of further parameters, one row a star of the training "
            "table (column star)."
        ),
    ] = None,
    out_dir: Annotated[Path, typer.Option(help="Folder for the mapping.")] = Path("outputs/map"),
    name: Annotated[str | None, typer.Option(help="Name. Default: regressor and parameters.")] = None,
    table: Table = None,
    repeats: Annotated[
        int, typer.Option(help="Rows per star of forest and mlp, with a dummy dimension.", min=1)
    ] = 100,
    restart: Restart = False,
) -> None:
    """Fit a map from parameters to the latent space of a trained model, which stays as it is."""
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.training.fit.fit_mapping import fit_mapping, read_labels
    from pelsvae_cadence.training.fit.regressions import RegressionOptions
    from pelsvae_cadence.training.open_set.table import load_open_set

    words = option_words(
        options,
        always=("regressor", "seed"),
        model=model,
        parameters=parameters,
        labels=labels,
        name=name,
        table=table,
        repeats=repeats if repeats != RegressionOptions().repeats else None,
    )
    with messages.status(f"fitting the {options.regressor}"):
        mapping = fit_mapping(
            LightCurveModel.load(model),
            out_dir,
            replace(options, parameters=split_words(parameters)),
            regression=RegressionOptions(repeats=repeats),
            table=load_open_set(table),
            labels=None if labels is None else read_labels(labels),
            name=name,
            command=f"python -m pelsvae_cadence.training map {words}",
            resume=not restart,
            quiet=True,
        )
    messages.print(f"mapping: {out_dir / mapping.name}.safetensors", soft_wrap=True)


@app.command("new-parameter")
def new_parameter(
    model: Weights = "harmonic",
    regressor: Regressor = "flow",
    steps: Annotated[int, typer.Option(help="Steps of a flow.", min=1)] = 1200,
    out_dir: Annotated[Path, typer.Option(help="Folder for mappings and picture.")] = Path(
        "outputs/new-parameter"
    ),
    seed: Seed = 0,
) -> None:
    """Teach a trained model [Fe/H] of RRab stars, measure it on test stars, and draw it."""
    from pelsvae_cadence.core.files import output_folder, replacing
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.training.evaluate.new_parameter import metallicity_test, plot_metallicity
    from pelsvae_cadence.training.open_set.table import load_open_set

    folder = output_folder(out_dir)
    result = metallicity_test(
        LightCurveModel.load(model), load_open_set(), folder, regressor=regressor, steps=steps, seed=seed
    )
    typer.echo(f"{len(result.stars)} RRab test stars")
    typer.echo(result.table.to_string(float_format="{:.3f}".format))
    with replacing(folder / "metallicity.png") as partial:
        plot_metallicity(result).savefig(partial, dpi=120)
    messages.print(f"picture: {folder / 'metallicity.png'}", soft_wrap=True)


@app.command("convert-published")
def convert_published(
    path: Annotated[Path, typer.Argument(help="The published training file (gzip'd npy).")],
    output: Annotated[Path, typer.Argument(help="Folder or file to write.")],
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="The file is a pickle: say that you trust its source.")
    ] = False,
) -> None:
    """Convert the published training file, a pickle, into plain arrays."""
    from pelsvae_cadence.training.preprocess.published_file import convert_published_file

    curves = convert_published_file(path, output, trust_pickle=trust_pickle)
    messages.print(f"{len(curves)} light curves: {output}", soft_wrap=True)
