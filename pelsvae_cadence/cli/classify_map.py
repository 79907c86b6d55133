"""``pelsvae_cadence classify map``: where on the sky a survey can tell which classes apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pelsvae_cadence.cli.classify import Folder, StarsPerClass, app
from pelsvae_cadence.cli.options import (
    Constraint,
    Database,
    Json,
    Model,
    OutDir,
    Positions,
    Radius,
    RunSeed,
    Sha256,
    Synthetic,
    Workers,
    unset,
)
from pelsvae_cadence.cli.output import list_files, progress_bar, save_picture
from pelsvae_cadence.cli.parsing import exclude_each_other, load_cadence, parse_positions
from pelsvae_cadence.core.console import messages, print_json, table
from pelsvae_cadence.core.files import output_folder

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
    nside: Annotated[int | None, unset(f"HEALPix resolution of the map. Default: {_DEFAULT_NSIDE}.")] = None,
    positions: Positions = None,
    radius: Radius = None,
    stars_per_class: StarsPerClass = None,
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

    exclude_each_other(nside=nside, positions=positions)
    if positions is None and nside is None:
        nside = _DEFAULT_NSIDE
    points = None if positions is None else parse_positions(positions)
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
            nside=nside,
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
    list_files(files)


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
    return save_picture(folder / "recall_maps.png", figure, 110)
