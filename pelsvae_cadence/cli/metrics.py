"""``pelsvae_cadence metrics``: MAF's period-recovery metrics on a survey, with pictures."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pelsvae_cadence.classes import display_name
from pelsvae_cadence.cli.options import (
    DEFAULT_NSIDE,
    Constraint,
    Crowded,
    Database,
    Json,
    MafPlots,
    Magnitudes,
    MaxVisits,
    Method,
    Model,
    Modulated,
    NoClobber,
    OutDir,
    Positions,
    Radius,
    RunSeed,
    Scheduler,
    Sha256,
    SkyNside,
    StarTable,
    SurveyKind,
    Synthetic,
    Workers,
    unset,
)
from pelsvae_cadence.cli.output import list_files, progress_bar, save_picture, warn_of_crowding
from pelsvae_cadence.cli.parsing import (
    exclude_each_other,
    load_cadence,
    numbers,
    pair,
    parse_positions,
    words,
)
from pelsvae_cadence.core.console import command_line, messages, print_json, table
from pelsvae_cadence.core.files import output_folder

if TYPE_CHECKING:
    import pandas as pd

    from pelsvae_cadence.metrics.position.options import PeriodRange
    from pelsvae_cadence.metrics.run.run import RunResult

__all__ = ["metrics"]

_DEFAULT_STARS = 5


def metrics(
    db: Database = None,
    synthetic: Synthetic = None,
    survey: SurveyKind = None,
    nside: SkyNside = None,
    positions: Positions = None,
    stars: StarTable = None,
    sha256: Sha256 = None,
    radius: Radius = None,
    star_class: Annotated[
        list[str] | None,
        unset(
            "Class, subtype or alias; repeat it, or separate by commas. Default: RRab,RRc,CEP,DSCT,ECL,LPV."
        ),
    ] = None,
    magnitudes: Magnitudes = None,
    stars_per_position: Annotated[
        int | None, unset(f"Stars per position, class and magnitude. Default: {_DEFAULT_STARS}.", least=1)
    ] = None,
    method: Method = "harmonic",
    constraint: Constraint = "",
    run_name: Annotated[str | None, unset("Name of the run. Default: the survey's.")] = None,
    period_range: Annotated[
        str,
        typer.Option(
            help="Shortest and longest trial period in days; 'class': the range of each class, as if "
            "it were known."
        ),
    ] = "0.03,1000",
    max_visits: MaxVisits = 5000,
    stack_minutes: Annotated[
        float | None,
        unset(
            "Add up visits of one night and band that lie within so many minutes: for deep fields, "
            "e.g. 15. Default: no stacks."
        ),
    ] = None,
    fields: Annotated[
        Literal["all", "wide", "deep"],
        typer.Option(help="Leave out, or keep only, visits whose scheduler_note begins with DD."),
    ] = "all",
    years: Annotated[
        str | None,
        unset(
            "Also search after each of these survey years, e.g. 1,2,5,10: table of recovery by class, "
            "magnitude and year. Ten years cost four times the last one."
        ),
    ] = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    camera: Annotated[
        bool | None,
        unset(
            "MAF's camera footprint or a circular field of view. Default: the camera where rubin_sim's "
            "data are installed and no radius is given.",
            "--camera/--circle",
        ),
    ] = None,
    modulated: Modulated = False,
    crowded: Crowded = False,
    seed: RunSeed = 0,
    model: Model = "default",
    catalog: Annotated[
        bool, typer.Option("--catalog", help="Also write the stars and light curves to HDF5.")
    ] = False,
    maf_plots: MafPlots = False,
    out_dir: OutDir = Path("outputs"),
    no_clobber: NoClobber = False,
    as_json: Json = False,
) -> None:
    """Map where on the sky a survey finds the periods of simulated stars.

    Runs PeriodRecoveryMetric through rubin_sim's MAF, one bundle per class and magnitude, and
    writes MAF's results database and npz files, tables (CSV), a sky map, recovery against
    magnitude, and an example light curve.

    Cost: about 0.04 s of processor time for a star with 800 visits over ten years; a deep-field
    position is thinned to --max-visits and costs two to three times that. A map of nside 16 of
    the wide survey, 20 stars of one class and magnitude a position, takes half an hour to three
    quarters of one core; --workers N shares it. With --method learned a star
    costs about 0.3 s, or 1 to 2 s where it has 120 points or fewer.

    Ctrl-C keeps the positions that are finished; the same command continues with the others.
    """
    from pelsvae_cadence.model.source import LightCurveModel

    exclude_each_other(nside=nside, positions=positions, stars=stars)
    exclude_each_other(stars=stars, star_class=star_class)
    exclude_each_other(stars=stars, magnitudes=magnitudes)
    exclude_each_other(stars=stars, stars_per_position=stars_per_position)
    points = None if positions is None else parse_positions(positions)
    if nside is None and points is None and stars is None:
        nside = DEFAULT_NSIDE
    periods: PeriodRange = "class"
    if period_range.strip() != "class":
        periods = pair(period_range, "--period-range")
    mags = None if magnitudes is None else numbers(magnitudes, "--magnitudes")
    ends = () if years is None else numbers(years, "--years")
    source = LightCurveModel.load(model)  # a wrong model is said before any work
    cadence: Any = db
    if db is None or synthetic is not None:
        # Its visits are made where the run looks: the constraint is the run's.
        cadence = load_cadence(db, synthetic, seed=seed, survey=survey, sha256=sha256)
    listed = None
    if stars is not None:
        from pelsvae_cadence.population.tables import read_star_table

        listed = read_star_table(stars, model=source, seed=seed)
    folder = output_folder(out_dir)
    with messages.status("loading MAF"):
        from pelsvae_cadence.metrics.batches import DEFAULT_CLASSES
        from pelsvae_cadence.metrics.position.deep_fields import fields_constraint
        from pelsvae_cadence.metrics.run.run import run_period_recovery

    notes = fields_constraint(fields)
    constraint = f"({constraint}) and {notes}" if constraint and notes else constraint or notes
    with progress_bar("finding periods", "positions") as step, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = run_period_recovery(
            cadence,
            nside=nside,
            positions=points,
            stars=listed,
            radius=radius,
            survey=survey,
            star_classes=words(star_class) or DEFAULT_CLASSES,
            magnitudes=mags,
            stars_per_position=stars_per_position or _DEFAULT_STARS,
            constraint=constraint,
            sha256=sha256,
            run_name=run_name,
            out_dir=folder,
            seed=seed,
            method=method,
            period_range=periods,
            use_camera=camera,
            overwrite=not no_clobber,
            plots=maf_plots,
            progress=step,
            max_visits=max_visits,
            stack_minutes=stack_minutes,
            modulated=modulated,
            crowded=crowded,
            years=ends,
            workers=workers,
            scheduler=scheduler,
            model=model,
            catalog="catalogue.h5" if catalog else None,
            command=command_line(),
        )
    _repeat_warnings(caught)
    files = {name: str(path) for name, path in result.files.items()}
    files |= _pictures(result, folder, nside)
    regions = _crowded_positions(result)
    if as_json:
        print_json(
            {
                "modulated": modulated,
                "crowded": crowded,
                "crowded_positions": regions,
                "run": result.summary["run"].iloc[0] if len(result.summary) else run_name,
                "seed": seed,
                "method": method,
                "model": {"name": source.name, "sha256": source.hash},
                "command": command_line(),
                "summary": result.summary.to_dict(orient="records"),
                "files": files,
                "by_year": [] if result.by_year is None else result.by_year.to_dict(orient="records"),
            }
        )
        return
    _print_summary(result)
    warn_of_crowding("positions", regions, crowded)
    list_files(files)


def _crowded_positions(result: RunResult) -> dict[str, int]:
    """Count the positions in each crowded region."""
    import numpy as np

    from pelsvae_cadence.population.crowding import crowded_region

    places = result.positions[["ra", "dec"]].drop_duplicates()
    regions = crowded_region(places["ra"].to_numpy(), places["dec"].to_numpy())
    names, counts = np.unique(regions[regions != ""], return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _repeat_warnings(caught: list[warnings.WarningMessage]) -> None:
    """Say each of our own warnings once; those of other packages are not the user's business."""
    said = set()
    for item in caught:
        text = str(item.message)
        ours = type(item.message).__module__.startswith("pelsvae_cadence")
        if ours and text not in said:
            said.add(text)
            messages.print(f"[yellow]warning:[/] {text}", soft_wrap=True)


def _by_method(table: pd.DataFrame) -> str:
    """Name the method in a title; the harmonic search is the default and goes without."""
    method = str(table["method"].iloc[0])
    return "" if method == "harmonic" else f", method {method}"


def _pictures(result: RunResult, folder: Path, nside: int | None) -> dict[str, str]:
    import numpy as np

    from pelsvae_cadence.plotting.light_curve import plot_folded
    from pelsvae_cadence.plotting.recovery import plot_recovery_by_magnitude
    from pelsvae_cadence.plotting.sky_map import plot_sky_map

    run = str(result.summary["run"].iloc[0]) + _by_method(result.summary)
    files = {}

    def save(name: str, axes: Any) -> None:
        files[name.replace("_", " ")] = str(save_picture(folder / f"{name}.png", axes.figure, 130))

    stars = result.stars.assign(recovered=result.stars["verdict"] == "exact")
    save("recovery_by_magnitude", plot_recovery_by_magnitude(stars, title=f"Periods recovered: {run}"))
    label = ", ".join(dict.fromkeys(result.positions["star_class"]))
    fraction = result.positions.groupby(["ra", "dec"], sort=False)["recovered"].mean().reset_index()
    title = f"Recovered fraction: {run} ({label}; mean over magnitudes)"
    bar = "fraction of stars with recovered period"
    sky: dict[str, Any] = {"values": fraction["recovered"], "ra": fraction["ra"], "dec": fraction["dec"]}
    if nside is not None:
        import healpy

        pixels = healpy.ang2pix(nside, fraction["ra"], fraction["dec"], lonlat=True)
        sky = {"values": np.full(healpy.nside2npix(nside), np.nan)}
        sky["values"][pixels] = fraction["recovered"]
    save("sky_map", plot_sky_map(**sky, vmin=0.0, vmax=1.0, title=title, label=bar))
    example = result.example
    if example is not None:
        star = example.stars
        name = display_name(str(star.star_class[0]), str(star.subtype[0]))
        found = f"found {example.found_period:.6g} d" if example.found_period > 0 else "not found"
        save(
            "example_light_curve",
            plot_folded(
                example.light_curves,
                star=star,
                curve=example.curve,
                title=f"{name}, P = {star.period[0]:.6g} d ({found})\n"
                f"ra {star.ra[0]:.1f}, dec {star.dec[0]:.1f} deg, {run}",
            ),
        )
    return files


def _print_summary(result: RunResult) -> None:
    frame = result.summary
    run = frame["run"].iloc[0]
    shares = {
        "strict": "strict",
        "top5": "top 5",
        "harmonic": "P/2,2P",
        "alias": "alias",
        "wrong": "wrong",
        "no_detection": "none",
    }
    rows = [
        [
            f"{row.star_class}",
            f"{row.magnitude:g}",
            f"{row.n_positions}",
            f"{row.n_stars}",
            f"{row.n_visits:.0f}",
            f"{row.recovered:.2f}±{row.recovered_err:.2f}",
            *(f"{getattr(row, key):.2f}" for key in shares),
        ]
        for row in frame.itertuples()
    ]
    columns = ["class", "mag", "sites", "stars", "visits", "recovered", *shares.values()]
    if "stated" in frame:
        columns += ["stated", ">= .9", "of them right"]
        for row, shown in zip(frame.itertuples(), rows, strict=True):
            shown += [f"{row.stated:.2f}", f"{row.confident:.2f}", f"{row.confident_right:.2f}"]
    how = _by_method(frame)
    table(f"{run}: fraction of stars by verdict{how}", columns, rows)
    if result.by_year is not None:
        years = result.by_year.pivot_table(
            index=["star_class", "magnitude"], columns="year", values="recovered", sort=False
        )
        table(
            f"{run}: fraction of stars with their period, by survey year{how}",
            ["class", "mag", *(f"{year:g} yr" for year in years.columns)],
            [
                [str(name), f"{magnitude:g}", *(f"{value:.2f}" for value in row)]
                for (name, magnitude), row in zip(years.index, years.to_numpy(), strict=True)
            ],
        )
