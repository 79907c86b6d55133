"""The command ``python -m pelsvae_cadence.training``: from real stars to shipped weights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from pelsvae_cadence.cli.options import messages
from pelsvae_cadence.cli.running import run_app
from pelsvae_cadence.errors import InputError

__all__ = ["app", "main"]

app = typer.Typer(
    name="python -m pelsvae_cadence.training",
    help="From real stars to shipped weights: training sets, training, figures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda token: token.replace("_", "-"),
    },
)

Seed = Annotated[int, typer.Option(help="Seed of every random draw.", min=0)]
Data = Annotated[
    Path | None,
    typer.Option(
        help="Folder that holds lightcurves/. Default: $PELSVAE_DATA.", show_default=False
    ),
]


def _data_folder(data: Path | None) -> Path:
    named = data or (Path(os.environ["PELSVAE_DATA"]) if "PELSVAE_DATA" in os.environ else None)
    if named is None:
        raise InputError("no data folder", remedy="Give --data, or set PELSVAE_DATA.")
    if not (named / "lightcurves").is_dir():
        raise InputError(f"{named} holds no folder lightcurves", remedy="Give another --data.")
    return named


@contextmanager
def _progress(what: str) -> Iterator[Any]:
    from rich.progress import Progress

    with Progress(console=messages) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@app.command()
def dataset(
    data: Data = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Table to write. Default: the committed one.", show_default=False),
    ] = None,
    checkpoint: Annotated[
        Path, typer.Option(help="Finished PHOEBE systems; a killed run goes on from it.")
    ] = Path("outputs/phoebe.jsonl"),
    seed: Seed = 20,
    only_spheres: Annotated[
        bool, typer.Option("--only-spheres", help="Every binary without PHOEBE: a quick look.")
    ] = False,
) -> None:
    """Build the open training set: catalogue shapes, real light curves, simulated binaries."""
    from pelsvae_cadence.training.open_set import OPEN_SET_FILE
    from pelsvae_cadence.training.open_set_assembly import build_open_set, write_open_set

    folder = _data_folder(data)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    with messages.status("building the open set (the binaries take about 20 minutes)"):
        table, card = build_open_set(
            folder, seed=seed, checkpoint=checkpoint, only_spheres=only_spheres
        )
    target = output or OPEN_SET_FILE
    write_open_set(table, card, target)
    messages.print(f"{len(table)} stars: {target}", soft_wrap=True)


@app.command("dataset-figures")
def dataset_figures(
    out_dir: Annotated[Path, typer.Argument(help="Folder for the pictures.")] = Path(
        "outputs/dataset"
    ),
    data: Data = None,
    seed: Seed = 0,
) -> None:
    """Draw the open set: shapes and labels of each class, provenance, binaries beside real ones."""
    from pelsvae_cadence.classes import STAR_CLASSES
    from pelsvae_cadence.files import output_folder, replacing
    from pelsvae_cadence.training import dataset_figures as figures
    from pelsvae_cadence.training.dataset_checks import compare_with_real_binaries
    from pelsvae_cadence.training.open_set import load_open_set

    folder = output_folder(out_dir)
    table = load_open_set()
    pictures = {f"shapes_{name}": figures.plot_examples(table, name) for name in STAR_CLASSES}
    pictures["labels"] = figures.plot_labels(table)
    pictures["provenance"] = figures.plot_provenance(table)
    if data is not None or "PELSVAE_DATA" in os.environ:
        pair = compare_with_real_binaries(table, _data_folder(data) / "lightcurves", seed=seed)
        pictures["binaries"] = figures.plot_binaries(*pair)
    for name, figure in pictures.items():
        with replacing(folder / f"{name}.png") as partial:
            figure.savefig(partial, dpi=110)
    messages.print(f"{len(pictures)} pictures: {folder}", soft_wrap=True)


@app.command()
def fit(
    config: Annotated[
        str, typer.Option(help="harmonic, paper-tcn, paper-gru or paper-lstm.")
    ] = "harmonic",
    out_dir: Annotated[
        Path | None,
        typer.Option(help="Checkpoints and logs. Default: outputs/fit/NAME.", show_default=False),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Weights file to write. Default: NAME.safetensors in --out-dir.",
            show_default=False,
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(help="Training table. Default: the committed one.", show_default=False),
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
        str | None,
        typer.Option(help="Name of the model. Default: --config.", show_default=False),
    ] = None,
    seed: Seed = 0,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Steps of the VAE. Default: 3000; the paper's networks, 150 epochs.", min=1,
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(help="Stars a step. Default: 256; paper 128.", min=1, show_default=False),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Peak learning rate. Default: 0.002; paper 0.001.", show_default=False),
    ] = None,
    optimiser: Annotated[
        str | None,
        typer.Option(help="adam or adamw. Default: adamw; paper adam.", show_default=False),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            help="none, exponential, cosine, plateau or warmup-cosine. Default: warmup-cosine; "
            "paper cosine.",
            show_default=False,
        ),
    ] = None,
    patience: Annotated[
        int, typer.Option(help="Stop after so many validations without progress; 0: never.", min=0)
    ] = 0,
    n_latent: Annotated[
        int | None,
        typer.Option(help="Latent dimensions. Default: 12; TCN 4, GRU 6.", min=1,
                     show_default=False),
    ] = None,
    hidden: Annotated[
        int | None,
        typer.Option(help="Width of the layers. Default: 128; paper 48.", min=1,
                     show_default=False),
    ] = None,
    beta: Annotated[
        float | None,
        typer.Option(help="Weight of the KL term. Default: 0.05; paper 0.75 (in 1e-4).", min=0.0,
                     show_default=False),
    ] = None,
    latent_map: Annotated[
        str | None,
        typer.Option(
            help="kernel-flow, flow or linear. Default: kernel-flow; paper flow.",
            show_default=False,
        ),
    ] = None,
    mapping_steps: Annotated[
        int | None,
        typer.Option(
            help="Steps of the latent map. Default: 1500; paper 1000.", min=1, show_default=False
        ),
    ] = None,
    n_layers: Annotated[
        int | None,
        typer.Option(help="Paper's: blocks (TCN, default 9) or layers (2).", min=1,
                     show_default=False),
    ] = None,
    kernel_size: Annotated[
        int | None,
        typer.Option(help="TCN: length of the convolutions. Default: 5.", min=2,
                     show_default=False),
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(help="Paper's: dropout. Default: 0.2.", min=0.0, max=0.99,
                     show_default=False),
    ] = None,
    t_len: Annotated[int, typer.Option(help="Paper's: points of a light curve.", min=8)] = 300,
    row_scale: Annotated[
        float,
        typer.Option(help="Paper's: rows per class in units of its 5,000 or 10,000."),
    ] = 1.0,
    weighted: Annotated[
        bool,
        typer.Option(
            "--weighted/--no-weighted",
            help="Paper's: weigh by the errors (eq. 2), or the published code's mean square.",
        ),
    ] = True,
    floor: Annotated[
        float,
        typer.Option(help="Paper's: error added in quadrature, in units of the range.", min=0.0),
    ] = 0.0,
    error_weight: Annotated[
        float,
        typer.Option(help="Paper's: weight of the errors' divergence; 0: magnitudes only.",
                     min=0.0),
    ] = 1.0,
    physics: Annotated[
        bool,
        typer.Option("--physics/--no-physics", help="Paper's: cVAE-P, or cVAE."),
    ] = True,
    random_phase: Annotated[
        bool,
        typer.Option("--random-phase/--no-random-phase", help="Paper's: arbitrary phase zero."),
    ] = False,
    min_points: Annotated[
        int | None,
        typer.Option(
            help="Paper's: mix light curves of this many to --t-len points. Default: all --t-len.",
            min=4, show_default=False,
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
        str | None,
        typer.Option(help="Log to this project of Weights & Biases too.", show_default=False),
    ] = None,
) -> None:  # fmt: skip
    """Train a PELS-VAE and its latent map; write weights and card.

    A run that was stopped goes on from its last validation.
    """
    from pelsvae_cadence.training.export import fit_model
    from pelsvae_cadence.training.fit_options import FitOptions

    options = FitOptions(
        config=config, seed=seed, steps=steps, batch=batch, rate=rate, optimiser=optimiser,
        schedule=schedule, patience=patience, device=device, n_latent=n_latent, hidden=hidden,
        beta=beta, latent_map=latent_map, mapping_steps=mapping_steps, n_layers=n_layers,
        kernel_size=kernel_size, dropout=dropout, t_len=t_len, row_scale=row_scale,
        weighted=weighted, floor=floor, error_weight=error_weight, physics=physics,
        random_phase=random_phase, min_points=min_points,
    )  # fmt: skip
    path = fit_model(
        out_dir or Path("outputs/fit") / (name or config), options, weights=weights, table=table,
        curves=curves, name=name, resume=not restart, score=score, wandb=wandb,
    )  # fmt: skip
    messages.print(f"weights: {path}", soft_wrap=True)


@app.command()
def score(
    weights: Annotated[Path, typer.Argument(help="Weights file; its card is written anew.")],
    stars: Annotated[int, typer.Option(help="Most test stars per class.", min=20)] = 400,
    draws: Annotated[int, typer.Option(help="Draws per test star.", min=1)] = 3,
    parts: Annotated[
        str | None,
        typer.Option(
            help="Parts to measure, with commas (reconstruction, two-sample, trends, ...). "
            "Default: all.",
            show_default=False,
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(help="Training table. Default: the committed one.", show_default=False),
    ] = None,
    seed: Seed = 0,
) -> None:
    """Measure weights on the test stars and keep the figures on their card."""
    from pelsvae_cadence.training.export import score_model
    from pelsvae_cadence.training.open_set import load_open_set

    with messages.status("measuring (some minutes)"):
        scores = score_model(
            weights, table=load_open_set(table), seed=seed, most=stars, draws=draws,
            parts=None if parts is None else tuple(p.strip() for p in parts.split(",")),
        )  # fmt: skip
    for name, value in scores.items():
        typer.echo(f"{value:10.4f}  {name}")


@app.command()
def seeds(
    weights: Annotated[list[str], typer.Argument(help="Weights that differ in their seed alone.")],
) -> None:
    """Print mean and scatter of the scores of a configuration trained with several seeds."""
    from pelsvae_cadence.training.seed_table import seed_table

    typer.echo(seed_table(weights).to_string(float_format=lambda value: f"{value:.4f}"))


@app.command("cross-validate")
def cross_validate_command(
    star_class: Annotated[str, typer.Argument(help="Class whose stars are all tested.")] = "ACEP",
    out_dir: Annotated[Path, typer.Option(help="Folder for the folds; resumed if there.")] = Path(
        "outputs/cross-validate"
    ),
    steps: Annotated[int, typer.Option(help="Steps of each network.", min=1)] = 3000,
    mapping_steps: Annotated[int, typer.Option(help="Steps of each latent map.", min=1)] = 1500,
    folds: Annotated[int, typer.Option(help="Parts of the class.", min=3)] = 5,
    draws: Annotated[int, typer.Option(help="Draws per star.", min=1)] = 4,
    seed: Seed = 0,
) -> None:
    """Judge a class of few stars, each by a model that has not seen it: a fit for each fold."""
    from pelsvae_cadence.training.cross_validation import cross_validate
    from pelsvae_cadence.training.fit_options import FitOptions

    options = FitOptions(steps=steps, mapping_steps=mapping_steps, seed=seed)
    report = cross_validate(
        star_class, out_dir, options, n_folds=folds, draws=draws,
        tell=lambda text: messages.print(text),
    )  # fmt: skip
    for figure in report.figures:
        typer.echo(f"{figure.name}: {figure.value:.4g} ({figure.note})")


@app.command()
def sweep(
    config: Annotated[
        str, typer.Option(help="paper-tcn, paper-gru, paper-lstm or harmonic.")
    ] = "paper-tcn",
    out_dir: Annotated[
        Path | None,
        typer.Option(
            help="Study, checkpoints, table and picture. Default: outputs/sweep/CONFIG.",
            show_default=False,
        ),
    ] = None,
    trials: Annotated[
        int, typer.Option(help="Finished trials of the study, of all processes.", min=1)
    ] = 30,
    worker: Annotated[
        int, typer.Option(help="Number of this process, if several share the study.", min=0)
    ] = 0,
    steps: Annotated[int, typer.Option(help="Steps of a trial.", min=1)] = 1000,
    batch: Annotated[
        int | None,
        typer.Option(help="Stars a step. Default: 256; paper 128.", min=1, show_default=False),
    ] = None,
    t_len: Annotated[int, typer.Option(help="Paper's: points of a light curve.", min=8)] = 300,
    row_scale: Annotated[
        float, typer.Option(help="Paper's: rows per class in units of its 5,000 or 10,000.")
    ] = 1.0,
    table: Annotated[
        Path | None,
        typer.Option(help="Training table. Default: the committed one.", show_default=False),
    ] = None,
    study: Annotated[str, typer.Option(help="Name of the study in its file.")] = "table-2",
    storage: Annotated[
        str | None,
        typer.Option(
            help="URL of another database. Default: study.db (SQLite) in --out-dir.",
            show_default=False,
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune/--no-prune", help="Stop trials below the median early.")
    ] = True,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:NUMBER.")] = "cpu",
    wandb: Annotated[
        str | None,
        typer.Option(help="Log to this project of Weights & Biases too.", show_default=False),
    ] = None,
    seed: Seed = 0,
) -> None:
    """Search the hyper-parameters of the paper's Table 2; several processes share a study.

    Start the command as often as there are processors, each with its own --worker; what is stopped
    goes on where it was.
    """
    from pelsvae_cadence.training.fit_options import FitOptions
    from pelsvae_cadence.training.open_set import load_open_set
    from pelsvae_cadence.training.sweep import SweepOptions, sweep_table, write_sweep
    from pelsvae_cadence.training.sweep import sweep as search

    changes: dict[str, Any] = (
        {"t_len": t_len, "row_scale": row_scale} if config != "harmonic" else {}
    )
    options = FitOptions(
        config=config, steps=steps, batch=batch, device=device, seed=seed, **changes
    )
    folder = out_dir or Path("outputs/sweep") / config
    result = search(
        folder, options,
        SweepOptions(trials=trials, worker=worker, seed=seed, prune=prune, name=study),
        table=load_open_set(table), storage=storage, wandb=wandb,
    )  # fmt: skip
    typer.echo(sweep_table(result).head(20).to_string(index=False, float_format="{:.4g}".format))
    for path in write_sweep(result, folder):
        messages.print(f"written: {path}", soft_wrap=True)


@app.command("map")
def fit_map(
    model: Annotated[str, typer.Option(help="Name or path of the model's weights.")] = "harmonic",
    regressor: Annotated[
        str, typer.Option(help="flow, kernel-flow, forest, mlp or linear.")
    ] = "flow",
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
        str | None,
        typer.Option(help="Name. Default: regressor and parameters.", show_default=False),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(help="Training table. Default: the committed one.", show_default=False),
    ] = None,
    steps: Annotated[int, typer.Option(help="Steps of a flow.", min=1)] = 1500,
    draws: Annotated[int, typer.Option(help="Draws from each star's posterior.", min=1)] = 10,
    repeats: Annotated[
        int, typer.Option(help="Rows per star of forest and mlp, with a dummy dimension.", min=1)
    ] = 100,
    permute: Annotated[
        bool, typer.Option("--permute", help="Shuffle the parameters: the baseline.")
    ] = False,
    seed: Seed = 0,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start anew rather than from the last checkpoint.")
    ] = False,
) -> None:
    """Fit a map from parameters to the latent space of a trained model, which stays as it is."""
    from pelsvae_cadence.source import LightCurveModel
    from pelsvae_cadence.training.fit_mapping import MappingOptions, fit_mapping, read_labels
    from pelsvae_cadence.training.open_set import load_open_set
    from pelsvae_cadence.training.regressions import RegressionOptions

    names = tuple(word.strip() for word in parameters.split(",") if word.strip())
    options = MappingOptions(
        regressor=regressor, parameters=names, star_class=star_class, draws=draws, steps=steps,
        seed=seed, permute=permute,
    )  # fmt: skip
    words = [f"--model {model} --regressor {regressor} --parameters {','.join(names)}"]
    words += [f"--star-class {star_class}"] if star_class else []
    words += [f"--labels {labels.name}"] if labels else []
    words += ["--permute"] if permute else []
    command = f"python -m pelsvae_cadence.training map {' '.join(words)} --seed {seed}"
    with messages.status(f"fitting the {regressor}"):
        mapping = fit_mapping(
            LightCurveModel.load(model), out_dir, options,
            regression=RegressionOptions(repeats=repeats), table=load_open_set(table),
            labels=None if labels is None else read_labels(labels), name=name, command=command,
            resume=not restart, quiet=True,
        )  # fmt: skip
    messages.print(f"mapping: {out_dir / mapping.name}.safetensors", soft_wrap=True)


@app.command()
def evaluate(
    out_dir: Annotated[Path, typer.Option(help="Folder for report.json and pictures.")] = Path(
        "outputs/evaluate"
    ),
    weights: Annotated[str, typer.Option(help="Name or path of the weights.")] = "default",
    logs: Annotated[
        Path | None,
        typer.Option(help="Folder that fit wrote, for its losses.", show_default=False),
    ] = None,
    only: Annotated[
        str,
        typer.Option(help="Parts of the report, with commas; 'none' draws pictures only."),
    ] = "all",
    most: Annotated[int, typer.Option(help="Most test stars per class.", min=20)] = 300,
    draws: Annotated[int, typer.Option(help="Draws per test star.", min=1)] = 2,
    seed: Seed = 0,
) -> None:
    """Measure a model on its test stars and draw the paper's figures from it (5 minutes)."""
    from pelsvae_cadence.training.evaluate.run import evaluate as run
    from pelsvae_cadence.training.model_checks import PARTS

    chosen = {"all": tuple(PARTS), "none": ()}.get(only)
    parts = chosen if chosen is not None else tuple(v.strip() for v in only.split(","))
    with messages.status("evaluating") as status:
        report = run(
            out_dir, weights=weights, logs=logs, parts=parts, most=most, draws=draws, seed=seed,
            tell=status.update,
        )  # fmt: skip
    for figure in report.figures:
        mark = {True: "ok", False: "MISSED", None: ""}[figure.passed]
        typer.echo(
            f"{figure.name}: {figure.value:.4g} {figure.unit} {figure.target} {mark}".strip()
        )
    messages.print(f"report and pictures: {out_dir}", soft_wrap=True)


@app.command("compare-networks")
def compare_networks(
    what: Annotated[str, typer.Option(help="layers, latent, conditions, or all.")] = "all",
    out_dir: Annotated[Path, typer.Option(help="Folder for checkpoints and tables.")] = Path(
        "outputs/compare-networks"
    ),
    seeds: Annotated[int, typer.Option(help="Fits of each kind.", min=1)] = 2,
    harmonic_steps: Annotated[int, typer.Option(help="Steps of a harmonic fit.", min=1)] = 400,
    sequence_steps: Annotated[int, typer.Option(help="Steps of a TCN fit.", min=1)] = 400,
) -> None:
    """Repeat the paper's comparisons at a small scale: cost, latent dimensions, conditions."""
    from pelsvae_cadence.files import output_folder
    from pelsvae_cadence.training import comparisons
    from pelsvae_cadence.training.open_set import load_open_set

    folder = output_folder(out_dir)
    options = comparisons.ComparisonOptions(
        seeds=seeds, harmonic_steps=harmonic_steps, sequence_steps=sequence_steps
    )
    table = load_open_set()
    if what not in ("all", "layers", "latent", "conditions"):
        raise InputError(f"--what {what!r}", allowed="all, layers, latent, conditions")
    for name in ("layers", "latent", "conditions"):
        if what not in ("all", name):
            continue
        if name == "layers":
            result = comparisons.compare_layers(table, options)
        elif name == "latent":
            result = comparisons.compare_latent_sizes(table, folder, options)
        else:
            result = comparisons.compare_conditions(table, folder, options)
        result.to_csv(folder / f"{name}.csv", index=False)
        typer.echo(result.to_string(index=False, float_format="{:.4g}".format) + "\n")


@app.command("new-parameter")
def new_parameter(
    model: Annotated[str, typer.Option(help="Name or path of the model's weights.")] = "harmonic",
    regressor: Annotated[
        str, typer.Option(help="flow, kernel-flow, forest, mlp or linear.")
    ] = "flow",
    steps: Annotated[int, typer.Option(help="Steps of a flow.", min=1)] = 1200,
    out_dir: Annotated[Path, typer.Option(help="Folder for mappings and picture.")] = Path(
        "outputs/new-parameter"
    ),
    seed: Seed = 0,
) -> None:
    """Teach a trained model [Fe/H] of RRab stars, measure it on test stars, and draw it."""
    from pelsvae_cadence.files import output_folder, replacing
    from pelsvae_cadence.source import LightCurveModel
    from pelsvae_cadence.training.new_parameter import metallicity_test, plot_metallicity
    from pelsvae_cadence.training.open_set import load_open_set

    folder = output_folder(out_dir)
    result = metallicity_test(
        LightCurveModel.load(model), load_open_set(), folder, regressor=regressor, steps=steps,
        seed=seed,
    )  # fmt: skip
    typer.echo(f"{len(result.stars)} RRab test stars")
    typer.echo(result.table.to_string(float_format="{:.3f}".format))
    with replacing(folder / "metallicity.png") as partial:
        plot_metallicity(result).savefig(partial, dpi=120)
    messages.print(f"picture: {folder / 'metallicity.png'}", soft_wrap=True)


@app.command()
def gallery(
    output: Annotated[Path, typer.Argument(help="PNG file.")] = Path("gallery.png"),
    weights: Annotated[str, typer.Option(help="Name or path of the weights.")] = "default",
    n: Annotated[int, typer.Option(help="Curves on either side.", min=1)] = 5,
    seed: Seed = 0,
) -> None:
    """Draw real and generated curves side by side, class by class."""
    from pelsvae_cadence.training.model_figures import gallery as draw

    messages.print(f"picture: {draw(output, weights=weights, n=n, seed=seed)}", soft_wrap=True)


@app.command()
def preprocess(
    source: Annotated[
        Path, typer.Argument(help="OGLE archive folder, .npz set, CSV or Parquet file.")
    ],
    output: Annotated[Path, typer.Argument(help="Folder for the cleaned light curves.")],
    stars: Annotated[
        Path | None, typer.Option(help="Star table (CSV or Parquet).", show_default=False)
    ] = None,
    band: Annotated[
        str | None, typer.Option(help="Band, where the files do not say.", show_default=False)
    ] = None,
    t_len: Annotated[int, typer.Option(help="Points of a folded light curve.")] = 300,
    min_points: Annotated[int, typer.Option(help="Fewest points of a raw light curve.")] = 300,
    min_snr: Annotated[float, typer.Option(help="Least std(mag) / median error.")] = 5.0,
    clip_iterations: Annotated[int, typer.Option(help="Passes of clipping; 0: none.")] = 3,
    estimate_periods: Annotated[
        bool, typer.Option("--estimate-periods", help="Search for missing periods.")
    ] = False,
    merge_repeated: Annotated[
        bool, typer.Option("--merge-repeated", help="Merge points repeated in full.")
    ] = False,
    seed: Seed = 0,
) -> None:
    """Prepare raw light curves as the paper does; a killed run goes on where it was."""
    from pelsvae_cadence.training.light_curve_files import open_light_curves
    from pelsvae_cadence.training.preprocessing import PreprocessingOptions
    from pelsvae_cadence.training.preprocessing_counts import format_counts
    from pelsvae_cadence.training.preprocessing_run import preprocess as run

    options = PreprocessingOptions(
        t_len=t_len, min_points=min_points, min_snr=min_snr, clip_iterations=clip_iterations,
        estimate_periods=estimate_periods, merge_repeated=merge_repeated,
    )  # fmt: skip
    with _progress("preprocessing") as progress:
        curves = open_light_curves(source, stars, band=band)
        log = run(curves, output, options, seed=seed, progress=progress)
    typer.echo(format_counts(log))


@app.command()
def augment(
    folder: Annotated[Path, typer.Argument(help="Folder written by preprocess.")],
    output: Annotated[Path, typer.Argument(help="File to write (.npz).")],
    parameters: Annotated[
        Path | None,
        typer.Option(help="Table of physical parameters (CSV or Parquet).", show_default=False),
    ] = None,
    seed: Seed = 0,
) -> None:
    """Multiply the training stars as the paper does; no copy crosses the split."""
    from pelsvae_cadence.training.augmentation_run import augment as run

    with messages.status("augmenting"):
        counts = run(folder, output, parameters=parameters, seed=seed)
    typer.echo(counts.to_string())


@app.command("fold-open-set")
def fold_open_set(
    output: Annotated[Path, typer.Argument(help="File to write (.npz).")],
    t_len: Annotated[int, typer.Option(help="Points of a light curve.", min=2)] = 300,
    seed: Seed = 0,
) -> None:
    """Write the open set as noisy folded light curves, copied to the paper's numbers."""
    from pelsvae_cadence.training.augmentation import AugmentationOptions
    from pelsvae_cadence.training.folded_light_curves import write_folded
    from pelsvae_cadence.training.open_set import load_open_set
    from pelsvae_cadence.training.open_set_curves import augmentation_counts
    from pelsvae_cadence.training.open_set_curves import fold_open_set as fold

    options = AugmentationOptions(t_len=t_len)
    table = load_open_set()
    with messages.status("folding"):
        curves, split = fold(table, options, seed=seed)
        write_folded(curves, output, columns={"split": split})
    typer.echo(augmentation_counts(table, options).to_string())
    messages.print(f"{len(curves)} light curves: {output}", soft_wrap=True)


@app.command()
def crossmatch(
    stars: Annotated[Path, typer.Argument(help="Star table, or a folder of published tables.")],
    output: Annotated[Path, typer.Argument(help="Folder for verdicts and pictures.")],
    gaia: Annotated[
        Path | None,
        typer.Option(
            help="Table of Gaia sources. Default: asked from the Gaia archive (needs astroquery).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Match stars with Gaia and judge every candidate, with its reason."""
    from pelsvae_cadence.training.crossmatch import format_summary
    from pelsvae_cadence.training.crossmatch_run import crossmatch as run

    with messages.status("matching"):
        verdicts = run(stars, output, gaia=gaia)
    typer.echo(format_summary(verdicts))


@app.command("convert-published")
def convert_published(
    path: Annotated[Path, typer.Argument(help="The published training file (gzip'd npy).")],
    output: Annotated[Path, typer.Argument(help="Folder or file to write.")],
    trust_pickle: Annotated[
        bool,
        typer.Option("--trust-pickle", help="The file is a pickle: say that you trust its source."),
    ] = False,
) -> None:
    """Convert the published training file, a pickle, into plain arrays."""
    from pelsvae_cadence.training.published_file import convert_published_file

    curves = convert_published_file(path, output, trust_pickle=trust_pickle)
    messages.print(f"{len(curves)} light curves: {output}", soft_wrap=True)


@app.command("rr-lyrae-bands")
def rr_lyrae_bands(
    data: Data = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Table to write. Default: the committed one.", show_default=False),
    ] = None,
) -> None:
    """Learn from half of the Stripe 82 stars how RR Lyrae light curves change with the band."""
    import json

    from pelsvae_cadence.files import replacing
    from pelsvae_cadence.training.rr_lyrae_bands import TABLE_FILE, learn_bands
    from pelsvae_cadence.training.stripe82 import load_stripe82

    target = output or TABLE_FILE
    content = json.dumps(learn_bands(load_stripe82(_data_folder(data))), indent=1)
    with replacing(target) as partial:
        partial.write_text(content + "\n", encoding="utf-8")
    messages.print(f"relations of RRab and RRc: {target}", soft_wrap=True)


@app.command("population-figures")
def population_figures(
    data: Data = None,
    out_dir: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("outputs"),
    seed: Seed = 0,
) -> None:
    """Draw populations and Miras beside real ones: population.png, mira_cycles.png."""
    from pelsvae_cadence.files import output_folder
    from pelsvae_cadence.training.population_figures import draw_population_figures

    for file in draw_population_figures(_data_folder(data), output_folder(out_dir), seed):
        messages.print(f"picture: {file}", soft_wrap=True)


@app.command("photometry-figures")
def photometry_figures(
    out_dir: Annotated[Path, typer.Argument(help="Folder for the pictures.")] = Path(
        "outputs/photometry"
    ),
    data: Data = None,
) -> None:
    """Draw real Stripe 82 stars beside their predicted bands, and eclipses by band."""
    from pelsvae_cadence.files import output_folder, replacing
    from pelsvae_cadence.source import LightCurveModel
    from pelsvae_cadence.training.photometry_figures import plot_eclipses, plot_stripe82
    from pelsvae_cadence.training.stripe82 import load_stripe82

    stars = load_stripe82(_data_folder(data))
    folder = output_folder(out_dir)
    for name, figure in (
        ("stripe82_bands", plot_stripe82(stars)),
        ("eclipse_bands", plot_eclipses(LightCurveModel.load())),
    ):
        with replacing(folder / f"{name}.png") as partial:
            figure.savefig(partial, dpi=85)
    messages.print(f"2 pictures: {folder}", soft_wrap=True)


def main() -> None:
    """Run the command and leave the process."""
    run_app(app)


if __name__ == "__main__":
    main()
