"""``pelsvae_cadence classify map``: where on the sky a survey can tell which classes apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pelsvae_cadence.cli.classify import Folder, Positions, Workers, app, progress_bar
from pelsvae_cadence.cli.options import (
    Constraint,
    Database,
    Json,
    Model,
    OutDir,
    Radius,
    RunSeed,
    Sha256,
    Synthetic,
    load_cadence,
    parse_positions,
)
from pelsvae_cadence.core.console import messages, print_json, table
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder, replacing

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.run.classifiability_map import ClassifiabilityMap

__all__ = ["app", "sky_map"]

_DEFAULT_NSIDE = 4


@app.command("map")
def sky_map(
    classifier: Folder,
    db: Database = None,
    synthetic: Synthetic = None,
    constraint: Constraint = "",
    sha256: Sha256 = None,
    nside: Annotated[
        int | None,
        typer.Option(help=f"HEALPix resolution of the map. Default: {_DEFAULT_NSIDE}.", show_default=False),
    ] = None,
    positions: Positions = None,
    radius: Radius = None,
    stars_per_class: Annotated[
        int | None,
        typer.Option(
            help="Stars of each class at each position; as in training by default.", show_default=False
        ),
    ] = None,
    out_dir: OutDir = Path("classifiability"),
    workers: Workers = 1,
    model: Model = "default",
    seed: RunSeed = 0,
    as_json: Json = False,
) -> None:
    """Map the recall of each class over the sky, through rubin_sim's MAF.

    The classifier looks at as many years of the survey as it was trained on; at every position
    the one answers that was trained without this part of the sky. Writes the table of positions
    (CSV), MAF's results database and npz files, and a picture with a map for each class.

    Cost: about 0.05 s of processor time for a star with 800 visits over ten years, a fifth of that
    after one year. Ctrl-C keeps the positions that are finished; the same command continues.
    """
    from pelsvae_cadence.classify.survey_classifier import SurveyClassifier

    if nside is not None and positions is not None:
        raise InputError("--nside and --positions exclude each other", remedy="Give one of them.")
    points = None if positions is None else parse_positions(positions)
    resolution = None
    if points is None:
        resolution = _DEFAULT_NSIDE if nside is None else nside
    trained = SurveyClassifier.load(classifier)
    cadence: Any = db
    if db is None or synthetic is not None:
        cadence = load_cadence(db, synthetic, seed=seed, sha256=sha256)
    folder = output_folder(out_dir)
    with messages.status("loading MAF"):
        from pelsvae_cadence.metrics.run.classifiability_map import map_classifiability
    with progress_bar("classifying positions") as step:
        found = map_classifiability(
            cadence,
            trained,
            nside=resolution,
            positions=points,
            radius=radius,
            constraint=constraint,
            sha256=sha256,
            out_dir=folder,
            workers=workers,
            progress=step,
            stars_per_class=stars_per_class,
            model=model,
        )
    years = "" if trained.years is None else f", {trained.years:g} year(s)"
    title = f"{found.name}{years}"
    files = {name: str(path) for name, path in found.files.items()}
    files["recall maps"] = str(_picture(found, trained.classes, folder, title))
    means = found.positions.drop(columns=["ra", "dec"]).mean().to_dict()
    if as_json:
        print_json({"positions": len(found.positions), "mean": means, "files": files})
        return
    rows = [[name, f"{value:.3f}"] for name, value in means.items()]
    table(f"{title}: means of {len(found.positions)} positions", ["score", "mean"], rows)
    for name, path in files.items():
        messages.print(f"{name + ':':22s}{path}", soft_wrap=True, highlight=False)


def _picture(found: ClassifiabilityMap, classes: tuple[str, ...], folder: Path, title: str) -> Path:
    from pelsvae_cadence.plotting.recall_maps import plot_recall_maps

    names = {f"recall_{name}": name for name in classes}
    columns = {"balanced_accuracy": "all classes", **names}
    if found.nside is not None:
        maps = {words: found.sky(column) for column, words in columns.items()}
        figure = plot_recall_maps(maps, title=title)
    else:
        maps = {words: found.positions[column].to_numpy() for column, words in columns.items()}
        places = found.positions["ra"].to_numpy(), found.positions["dec"].to_numpy()
        figure = plot_recall_maps(maps, ra=places[0], dec=places[1], title=title)
    path = folder / "recall_maps.png"
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110, format="png")
    return path
