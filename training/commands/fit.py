"""Commands that train: fits, sweeps, latent maps, converted weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pelsvae_cadence.core.console import messages
from pelsvae_cadence.training.commands.app import Seed, app

__all__ = ["convert_published", "fit", "fit_map", "new_parameter", "sweep"]


@app.command()
def fit(
    config: Annotated[str, typer.Option(help="harmonic, paper-tcn, paper-gru or paper-lstm.")] = "harmonic",
    out_dir: Annotated[
        Path | None, typer.Option(help="Checkpoints and logs. Default: outputs/fit/NAME.", show_default=False)
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Weights file to write. Default: NAME.safetensors in --out-dir.", show_default=False
        ),
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Training table. Default: the committed one.", show_default=False)
    ] = None,
    curves: Annotated[
        Path | None,
        typer.Option(
            help="Folded light curves for the paper's networks (of augment or fold-open-set). "
            "Default: the table, observed.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the model. Default: --config.", show_default=False)
    ] = None,
    seed: Seed = 0,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Steps of the VAE. Default: 3000; the paper's networks, 150 epochs.",
            min=1,
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Stars a step. Default: 256; paper 128.", min=1, show_default=False)
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Peak learning rate. Default: 0.002; paper 0.001.", show_default=False),
    ] = None,
    optimiser: Annotated[
        str | None, typer.Option(help="adam or adamw. Default: adamw; paper adam.", show_default=False)
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            help="none, exponential, cosine, plateau or warmup-cosine. Default: warmup-cosine; paper cosine.",
            show_default=False,
        ),
    ] = None,
    patience: Annotated[
        int, typer.Option(help="Stop after so many validations without progress; 0: never.", min=0)
    ] = 0,
    n_latent: Annotated[
        int | None,
        typer.Option(help="Latent dimensions. Default: 12; TCN 4, GRU 6.", min=1, show_default=False),
    ] = None,
    hidden: Annotated[
        int | None,
        typer.Option(help="Width of the layers. Default: 128; paper 48.", min=1, show_default=False),
    ] = None,
    beta: Annotated[
        float | None,
        typer.Option(
            help="Weight of the KL term. Default: 0.05; paper 0.75 (in 1e-4).", min=0.0, show_default=False
        ),
    ] = None,
    latent_map: Annotated[
        str | None,
        typer.Option(
            help="kernel-flow, flow or linear. Default: kernel-flow; paper flow.", show_default=False
        ),
    ] = None,
    mapping_steps: Annotated[
        int | None,
        typer.Option(help="Steps of the latent map. Default: 1500; paper 1000.", min=1, show_default=False),
    ] = None,
    n_layers: Annotated[
        int | None,
        typer.Option(help="Paper's: blocks (TCN, default 9) or layers (2).", min=1, show_default=False),
    ] = None,
    kernel_size: Annotated[
        int | None,
        typer.Option(help="TCN: length of the convolutions. Default: 5.", min=2, show_default=False),
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(help="Paper's: dropout. Default: 0.2.", min=0.0, max=0.99, show_default=False),
    ] = None,
    t_len: Annotated[int, typer.Option(help="Paper's: points of a light curve.", min=8)] = 300,
    row_scale: Annotated[
        float, typer.Option(help="Paper's: rows per class in units of its 5,000 or 10,000.")
    ] = 1.0,
    weighted: Annotated[
        bool,
        typer.Option(
            "--weighted/--no-weighted",
            help="Paper's: weigh by the errors (eq. 2), or the published code's mean square.",
        ),
    ] = True,
    floor: Annotated[
        float, typer.Option(help="Paper's: error added in quadrature, in units of the range.", min=0.0)
    ] = 0.0,
    error_weight: Annotated[
        float, typer.Option(help="Paper's: weight of the errors' divergence; 0: magnitudes only.", min=0.0)
    ] = 1.0,
    physics: Annotated[bool, typer.Option("--physics/--no-physics", help="Paper's: cVAE-P, or cVAE.")] = True,
    random_phase: Annotated[
        bool, typer.Option("--random-phase/--no-random-phase", help="Paper's: arbitrary phase zero.")
    ] = False,
    min_points: Annotated[
        int | None,
        typer.Option(
            help="Paper's: mix light curves of this many to --t-len points. Default: all --t-len.",
            min=4,
            show_default=False,
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:NUMBER.")] = "cpu",
    restart: Annotated[
        bool, typer.Option("--restart", help="Start anew rather than from the last checkpoint.")
    ] = False,
    score: Annotated[
        bool, typer.Option("--score/--no-score", help="Measure on the test stars at the end.")
    ] = True,
    wandb: Annotated[
        str | None, typer.Option(help="Log to this project of Weights & Biases too.", show_default=False)
    ] = None,
) -> None:
    """Train a PELS-VAE and its latent map; write weights and card.

    A run that was stopped goes on from its last validation.
    """
    from pelsvae_cadence.training.evaluate.score import score_model
    from pelsvae_cadence.training.fit.export import fit_model
    from pelsvae_cadence.training.fit.options import FitOptions
    from pelsvae_cadence.training.open_set.table import load_open_set

    options = FitOptions(
        config=config,
        seed=seed,
        steps=steps,
        batch=batch,
        rate=rate,
        optimiser=optimiser,
        schedule=schedule,
        patience=patience,
        device=device,
        n_latent=n_latent,
        hidden=hidden,
        beta=beta,
        latent_map=latent_map,
        mapping_steps=mapping_steps,
        n_layers=n_layers,
        kernel_size=kernel_size,
        dropout=dropout,
        t_len=t_len,
        row_scale=row_scale,
        weighted=weighted,
        floor=floor,
        error_weight=error_weight,
        physics=physics,
        random_phase=random_phase,
        min_points=min_points,
    )
    path = fit_model(
        out_dir or Path("outputs/fit") / (name or config),
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
            score_model(path, table=load_open_set(table), seed=seed)
    messages.print(f"weights: {path}", soft_wrap=True)


@app.command()
def sweep(
    config: Annotated[str, typer.Option(help="paper-tcn, paper-gru, paper-lstm or harmonic.")] = "paper-tcn",
    out_dir: Annotated[
        Path | None,
        typer.Option(
            help="Study, checkpoints, table and picture. Default: outputs/sweep/CONFIG.", show_default=False
        ),
    ] = None,
    trials: Annotated[int, typer.Option(help="Finished trials of the study, of all processes.", min=1)] = 30,
    worker: Annotated[
        int, typer.Option(help="Number of this process, if several share the study.", min=0)
    ] = 0,
    steps: Annotated[int, typer.Option(help="Steps of a trial.", min=1)] = 1000,
    batch: Annotated[
        int | None, typer.Option(help="Stars a step. Default: 256; paper 128.", min=1, show_default=False)
    ] = None,
    t_len: Annotated[int, typer.Option(help="Paper's: points of a light curve.", min=8)] = 300,
    row_scale: Annotated[
        float, typer.Option(help="Paper's: rows per class in units of its 5,000 or 10,000.")
    ] = 1.0,
    table: Annotated[
        Path | None, typer.Option(help="Training table. Default: the committed one.", show_default=False)
    ] = None,
    study: Annotated[str, typer.Option(help="Name of the study in its file.")] = "table-2",
    storage: Annotated[
        str | None,
        typer.Option(
            help="URL of another database. Default: study.db (SQLite) in --out-dir.", show_default=False
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune/--no-prune", help="Stop trials below the median early.")
    ] = True,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:NUMBER.")] = "cpu",
    wandb: Annotated[
        str | None, typer.Option(help="Log to this project of Weights & Biases too.", show_default=False)
    ] = None,
    seed: Seed = 0,
) -> None:
    """Search the hyper-parameters of the paper's Table 2; several processes share a study.

    Start the command as often as there are processors, each with its own --worker; what is stopped
    goes on where it was.
    """
    from pelsvae_cadence.training.fit.options import FitOptions
    from pelsvae_cadence.training.fit.sweep import SweepOptions, sweep_table, write_sweep
    from pelsvae_cadence.training.fit.sweep import sweep as search
    from pelsvae_cadence.training.open_set.table import load_open_set

    changes: dict[str, Any] = {"t_len": t_len, "row_scale": row_scale} if config != "harmonic" else {}
    options = FitOptions(config=config, steps=steps, batch=batch, device=device, seed=seed, **changes)
    folder = out_dir or Path("outputs/sweep") / config
    result = search(
        folder,
        options,
        SweepOptions(trials=trials, worker=worker, seed=seed, prune=prune, name=study),
        table=load_open_set(table),
        storage=storage,
        wandb=wandb,
    )
    typer.echo(sweep_table(result).head(20).to_string(index=False, float_format="{:.4g}".format))
    for path in write_sweep(result, folder):
        messages.print(f"written: {path}", soft_wrap=True)


@app.command("map")
def fit_map(
    model: Annotated[str, typer.Option(help="Name or path of the model's weights.")] = "harmonic",
    regressor: Annotated[str, typer.Option(help="flow, kernel-flow, forest, mlp or linear.")] = "flow",
    parameters: Annotated[
        str,
        typer.Option(
            help="Parameters to map from, with commas: period [d], teff [K], abs_mag_g [mag], feh "
            "[dex], and columns of --labels. Class, subtype and amplitude always count."
        ),
    ] = "period,teff,abs_mag_g",
    star_class: Annotated[
        str | None, typer.Option(help="Only this class or subtype.", show_default=False)
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="CSV or Parquet table of further parameters, one row a star of the training "
            "table (column star).",
            show_default=False,
        ),
    ] = None,
    out_dir: Annotated[Path, typer.Option(help="Folder for the mapping.")] = Path("outputs/map"),
    name: Annotated[
        str | None, typer.Option(help="Name. Default: regressor and parameters.", show_default=False)
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Training table. Default: the committed one.", show_default=False)
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps of a flow.", min=1)] = 1500,
    draws: Annotated[int, typer.Option(help="Draws from each star's posterior.", min=1)] = 10,
    repeats: Annotated[
        int, typer.Option(help="Rows per star of forest and mlp, with a dummy dimension.", min=1)
    ] = 100,
    permute: Annotated[bool, typer.Option("--permute", help="Shuffle the parameters: the baseline.")] = False,
    seed: Seed = 0,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start anew rather than from the last checkpoint.")
    ] = False,
) -> None:
    """Fit a map from parameters to the latent space of a trained model, which stays as it is."""
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.training.fit.fit_mapping import MappingOptions, fit_mapping, read_labels
    from pelsvae_cadence.training.fit.regressions import RegressionOptions
    from pelsvae_cadence.training.open_set.table import load_open_set

    names = tuple(word.strip() for word in parameters.split(",") if word.strip())
    options = MappingOptions(
        regressor=regressor,
        parameters=names,
        star_class=star_class,
        draws=draws,
        steps=steps,
        seed=seed,
        permute=permute,
    )
    words = [f"--model {model} --regressor {regressor} --parameters {','.join(names)}"]
    words += [f"--star-class {star_class}"] if star_class else []
    words += [f"--labels {labels.name}"] if labels else []
    words += ["--permute"] if permute else []
    command = f"python -m pelsvae_cadence.training map {' '.join(words)} --seed {seed}"
    with messages.status(f"fitting the {regressor}"):
        mapping = fit_mapping(
            LightCurveModel.load(model),
            out_dir,
            options,
            regression=RegressionOptions(repeats=repeats),
            table=load_open_set(table),
            labels=None if labels is None else read_labels(labels),
            name=name,
            command=command,
            resume=not restart,
            quiet=True,
        )
    messages.print(f"mapping: {out_dir / mapping.name}.safetensors", soft_wrap=True)


@app.command("new-parameter")
def new_parameter(
    model: Annotated[str, typer.Option(help="Name or path of the model's weights.")] = "harmonic",
    regressor: Annotated[str, typer.Option(help="flow, kernel-flow, forest, mlp or linear.")] = "flow",
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
