"""Commands that make training sets, tables and their figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pelsvae_cadence.core.console import messages
from pelsvae_cadence.core.options import Seed
from pelsvae_cadence.core.real_data import data_folder, find_data_folder
from pelsvae_cadence.training.commands.app import Data, app, progress_of

__all__ = [
    "augment",
    "crossmatch",
    "dataset",
    "dataset_figures",
    "fold_open_set",
    "photometry_figures",
    "population_figures",
    "preprocess",
    "rr_lyrae_bands",
]


@app.command()
def dataset(
    data: Data = None,
    output: Annotated[Path | None, typer.Option(help="Table to write. Default: the committed one.")] = None,
    checkpoint: Annotated[
        Path, typer.Option(help="Finished PHOEBE systems; a killed run goes on from it.")
    ] = Path("outputs/phoebe.jsonl"),
    seed: Seed = 20,
    only_spheres: Annotated[
        bool, typer.Option("--only-spheres", help="Every binary without PHOEBE: a quick look.")
    ] = False,
) -> None:
    """Build the open training set: catalogue shapes, real light curves, simulated binaries."""
    from pelsvae_cadence.training.assembly.open_set import build_open_set, write_open_set
    from pelsvae_cadence.training.open_set.table import OPEN_SET_FILE

    folder = data_folder(data)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    with messages.status("building the open set (the binaries take about 20 minutes)"):
        table, card = build_open_set(folder, seed=seed, checkpoint=checkpoint, only_spheres=only_spheres)
    target = output or OPEN_SET_FILE
    write_open_set(table, card, target)
    messages.print(f"{len(table)} stars: {target}", soft_wrap=True)


@app.command("dataset-figures")
def dataset_figures(
    out_dir: Annotated[Path, typer.Argument(help="Folder for the pictures.")] = Path("outputs/dataset"),
    data: Data = None,
    seed: Seed = 0,
) -> None:
    """Draw the open set: shapes and labels of each class, provenance, binaries beside real ones."""
    from pelsvae_cadence.classes import STAR_CLASSES
    from pelsvae_cadence.core.files import output_folder, replacing
    from pelsvae_cadence.training.open_set.table import load_open_set
    from pelsvae_cadence.training.validate import dataset_figures as figures
    from pelsvae_cadence.training.validate.dataset import compare_with_real_binaries

    folder = output_folder(out_dir)
    table = load_open_set()
    pictures = {f"shapes_{name}": figures.plot_examples(table, name) for name in STAR_CLASSES}
    pictures["labels"] = figures.plot_labels(table)
    pictures["provenance"] = figures.plot_provenance(table)
    data = data or find_data_folder()
    if data is not None:
        pair = compare_with_real_binaries(table, data / "lightcurves", seed=seed)
        pictures["binaries"] = figures.plot_binaries(*pair)
    for name, figure in pictures.items():
        with replacing(folder / f"{name}.png") as partial:
            figure.savefig(partial, dpi=110)
    messages.print(f"{len(pictures)} pictures: {folder}", soft_wrap=True)


@app.command()
def preprocess(
    source: Annotated[Path, typer.Argument(help="OGLE archive folder, .npz set, CSV or Parquet file.")],
    output: Annotated[Path, typer.Argument(help="Folder for the cleaned light curves.")],
    stars: Annotated[Path | None, typer.Option(help="Star table (CSV or Parquet).")] = None,
    band: Annotated[str | None, typer.Option(help="Band, where the files do not say.")] = None,
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
    from pelsvae_cadence.training.archives.light_curve_files import open_light_curves
    from pelsvae_cadence.training.preprocess.cleaning import PreprocessingOptions
    from pelsvae_cadence.training.preprocess.counts import format_counts
    from pelsvae_cadence.training.preprocess.run import preprocess as run

    options = PreprocessingOptions(
        t_len=t_len,
        min_points=min_points,
        min_snr=min_snr,
        clip_iterations=clip_iterations,
        estimate_periods=estimate_periods,
        merge_repeated=merge_repeated,
    )
    with progress_of("preprocessing") as progress:
        curves = open_light_curves(source, stars, band=band)
        log = run(curves, output, options, seed=seed, progress=progress)
    typer.echo(format_counts(log))


@app.command()
def augment(
    folder: Annotated[Path, typer.Argument(help="Folder written by preprocess.")],
    output: Annotated[Path, typer.Argument(help="File to write (.npz).")],
    parameters: Annotated[
        Path | None, typer.Option(help="Table of physical parameters (CSV or Parquet).")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Multiply the training stars as the paper does; no copy crosses the split."""
    from pelsvae_cadence.training.preprocess.augmentation_run import augment as run

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
    from pelsvae_cadence.training.open_set.curves import augmentation_counts
    from pelsvae_cadence.training.open_set.curves import fold_open_set as fold
    from pelsvae_cadence.training.open_set.table import load_open_set
    from pelsvae_cadence.training.preprocess.augmentation import AugmentationOptions
    from pelsvae_cadence.training.preprocess.folded_light_curves import write_folded

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
        typer.Option(help="Table of Gaia sources. Default: asked from the Gaia archive (needs astroquery)."),
    ] = None,
) -> None:
    """Match stars with Gaia and judge every candidate, with its reason."""
    from pelsvae_cadence.training.crossmatch.match import format_summary
    from pelsvae_cadence.training.crossmatch.run import crossmatch as run

    with messages.status("matching"):
        verdicts = run(stars, output, gaia=gaia)
    typer.echo(format_summary(verdicts))


@app.command("rr-lyrae-bands")
def rr_lyrae_bands(
    data: Data = None,
    output: Annotated[Path | None, typer.Option(help="Table to write. Default: the committed one.")] = None,
) -> None:
    """Learn from half of the Stripe 82 stars how RR Lyrae light curves change with the band."""
    import json

    from pelsvae_cadence.core.files import replacing
    from pelsvae_cadence.training.archives.stripe82 import load_stripe82
    from pelsvae_cadence.training.shapes.rr_lyrae_bands import TABLE_FILE, learn_bands

    target = output or TABLE_FILE
    content = json.dumps(learn_bands(load_stripe82(data_folder(data))), indent=1)
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
    from pelsvae_cadence.core.files import output_folder
    from pelsvae_cadence.training.validate.population_figures import draw_population_figures

    for file in draw_population_figures(data_folder(data), output_folder(out_dir), seed):
        messages.print(f"picture: {file}", soft_wrap=True)


@app.command("photometry-figures")
def photometry_figures(
    out_dir: Annotated[Path, typer.Argument(help="Folder for the pictures.")] = Path("outputs/photometry"),
    data: Data = None,
) -> None:
    """Draw real Stripe 82 stars beside their predicted bands, and eclipses by band."""
    from pelsvae_cadence.core.files import output_folder, replacing
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.training.archives.stripe82 import load_stripe82
    from pelsvae_cadence.training.validate.photometry_figures import plot_eclipses, plot_stripe82

    stars = load_stripe82(data_folder(data))
    folder = output_folder(out_dir)
    for name, figure in (
        ("stripe82_bands", plot_stripe82(stars)),
        ("eclipse_bands", plot_eclipses(LightCurveModel.load())),
    ):
        with replacing(folder / f"{name}.png") as partial:
            figure.savefig(partial, dpi=85)
    messages.print(f"2 pictures: {folder}", soft_wrap=True)
