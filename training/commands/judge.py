"""Commands that judge what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pelsvae_cadence.core.console import messages
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.options import Seed
from pelsvae_cadence.training.commands.app import Table, app, split_words

__all__ = ["compare_networks", "cross_validate_command", "evaluate", "gallery", "score", "seeds"]


@app.command()
def score(
    weights: Annotated[Path, typer.Argument(help="Weights file; its card is written anew.")],
    stars: Annotated[int, typer.Option(help="Most test stars per class.", min=20)] = 400,
    draws: Annotated[int, typer.Option(help="Draws per test star.", min=1)] = 3,
    parts: Annotated[
        str | None,
        typer.Option(
            help="Parts to measure, with commas (reconstruction, two-sample, trends, ...). Default: all."
        ),
    ] = None,
    table: Table = None,
    seed: Seed = 0,
) -> None:
    """Measure weights on the test stars and keep the figures on their card."""
    from pelsvae_cadence.training.evaluate.score import score_model
    from pelsvae_cadence.training.open_set.table import load_open_set

    with messages.status("measuring (some minutes)"):
        scores = score_model(
            weights,
            table=load_open_set(table),
            seed=seed,
            most=stars,
            draws=draws,
            parts=None if parts is None else split_words(parts),
        )
    for name, value in scores.items():
        typer.echo(f"{value:10.4f}  {name}")


@app.command()
def seeds(
    weights: Annotated[list[str], typer.Argument(help="Weights that differ in their seed alone.")],
) -> None:
    """Print mean and scatter of the scores of a configuration trained with several seeds."""
    from pelsvae_cadence.training.evaluate.score import seed_table

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
    from pelsvae_cadence.training.evaluate.cross_validation import cross_validate
    from pelsvae_cadence.training.fit.options import FitOptions

    options = FitOptions(steps=steps, mapping_steps=mapping_steps, seed=seed)
    report = cross_validate(
        star_class, out_dir, options, n_folds=folds, draws=draws, tell=lambda text: messages.print(text)
    )
    for figure in report.figures:
        typer.echo(f"{figure.name}: {figure.value:.4g} ({figure.note})")


@app.command()
def evaluate(
    out_dir: Annotated[Path, typer.Option(help="Folder for report.json and pictures.")] = Path(
        "outputs/evaluate"
    ),
    weights: Annotated[str, typer.Option(help="Name or path of the weights.")] = "default",
    logs: Annotated[Path | None, typer.Option(help="Folder that fit wrote, for its losses.")] = None,
    only: Annotated[
        str, typer.Option(help="Parts of the report, with commas; 'none' draws pictures only.")
    ] = "all",
    most: Annotated[int, typer.Option(help="Most test stars per class.", min=20)] = 300,
    draws: Annotated[int, typer.Option(help="Draws per test star.", min=1)] = 2,
    seed: Seed = 0,
) -> None:
    """Measure a model on its test stars and draw the paper's figures from it (5 minutes)."""
    from pelsvae_cadence.training.evaluate.report import PARTS
    from pelsvae_cadence.training.evaluate.run import evaluate as run

    chosen = {"all": tuple(PARTS), "none": ()}.get(only)
    parts = chosen if chosen is not None else split_words(only)
    with messages.status("evaluating") as status:
        report = run(
            out_dir,
            weights=weights,
            logs=logs,
            parts=parts,
            most=most,
            draws=draws,
            seed=seed,
            tell=status.update,
        )
    for figure in report.figures:
        mark = {True: "ok", False: "MISSED", None: ""}[figure.passed]
        typer.echo(f"{figure.name}: {figure.value:.4g} {figure.unit} {figure.target} {mark}".strip())
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
    from pelsvae_cadence.core.files import output_folder
    from pelsvae_cadence.training.evaluate import comparisons
    from pelsvae_cadence.training.open_set.table import load_open_set

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


@app.command()
def gallery(
    output: Annotated[Path, typer.Argument(help="PNG file.")] = Path("gallery.png"),
    weights: Annotated[str, typer.Option(help="Name or path of the weights.")] = "default",
    n: Annotated[int, typer.Option(help="Curves on either side.", min=1)] = 5,
    seed: Seed = 0,
) -> None:
    """Draw real and generated curves side by side, class by class."""
    from pelsvae_cadence.training.evaluate.figures import gallery as draw

    messages.print(f"picture: {draw(output, weights=weights, n=n, seed=seed)}", soft_wrap=True)
