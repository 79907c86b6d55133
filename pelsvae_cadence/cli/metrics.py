"""``pelsvae_cadence metrics``: MAF's period-recovery metrics on a survey, with pictures."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from pelsvae_cadence.classes import display_name
from pelsvae_cadence.cli.options import (
    DEFAULT_NSIDE,
    Constraint,
    Crowded,
    Database,
    Json,
    MaxVisits,
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
    SurveyKind,
    Synthetic,
    load_cadence,
    numbers,
    parse_positions,
    survey_name,
)
from pelsvae_cadence.core.console import command_line, messages, print_json, progress_bars, table
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder, replacing

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.run.run import RunResult

__all__ = ["metrics"]

_DEFAULT_STARS = 5


def metrics(
    db: Database = None,
    synthetic: Synthetic = None,
    survey: SurveyKind = None,
    nside: SkyNside = None,
    positions: Positions = None,
    stars: Annotated[
        Path | None,
        typer.Option(
            help="Instead of a map: a table of your own stars (CSV, ECSV, Parquet or FITS) with "
            "class, ra, dec; each is observed where and as bright as it is.",
            show_default=False,
        ),
    ] = None,
    sha256: Sha256 = None,
    radius: Radius = None,
    star_class: Annotated[
        list[str] | None,
        typer.Option(
            help="Class, subtype or alias; repeat it, or separate by commas. "
            "Default: RRab,RRc,CEP,DSCT,ECL,LPV.",
            show_default=False,
        ),
    ] = None,
    magnitudes: Annotated[
        str | None,
        typer.Option(
            "--magnitudes",
            "--mag",
            help="Mean r magnitudes, separated by commas. "
            "Default: 17,19,21,22,23,24 (LSST), 14,16,18,19,20 (ZTF).",
            show_default=False,
        ),
    ] = None,
    stars_per_position: Annotated[
        int | None,
        typer.Option(
            help=f"Stars per position, class and magnitude. Default: {_DEFAULT_STARS}.",
            min=1,
            show_default=False,
        ),
    ] = None,
    constraint: Constraint = "",
    run_name: Annotated[
        str | None, typer.Option(help="Name of the run. Default: the survey's.", show_default=False)
    ] = None,
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
        typer.Option(
            help="Add up visits of one night and band that lie within so many minutes: for deep "
            "fields, e.g. 15. Default: no stacks.",
            show_default=False,
        ),
    ] = None,
    fields: Annotated[
        str,
        typer.Option(
            help="all, wide or deep: leave out, or keep only, visits whose scheduler_note begins with DD."
        ),
    ] = "all",
    years: Annotated[
        str | None,
        typer.Option(
            help="Also search after each of these survey years, e.g. 1,2,5,10: table of recovery "
            "by class, magnitude and year. Ten years cost four times the last one.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes that share the positions (several need Dask).", min=1)
    ] = 1,
    scheduler: Scheduler = None,
    camera: Annotated[
        bool | None,
        typer.Option(
            "--camera/--circle",
            help="MAF's camera footprint or a circular field of view. Default: the camera where "
            "rubin_sim's data are installed and no radius is given.",
            show_default=False,
        ),
    ] = None,
    modulated: Modulated = False,
    crowded: Crowded = False,
    seed: RunSeed = 0,
    model: Model = "default",
    catalog: Annotated[
        bool, typer.Option("--catalog", help="Also write the stars and light curves to HDF5.")
    ] = False,
    maf_plots: Annotated[bool, typer.Option("--maf-plots", help="Also write MAF's plots.")] = False,
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
    quarters of one core; --workers N shares it.

    Ctrl-C keeps the positions that are finished; the same command continues with the others.
    """
    from pelsvae_cadence.model.source import LightCurveModel

    places = {"--nside": nside, "--positions": positions, "--stars": stars}
    given = [name for name, value in places.items() if value is not None]
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)} exclude each other", remedy="Give one of them.")
    if stars is not None:
        drawn = {
            "--star-class": star_class,
            "--magnitudes": magnitudes,
            "--stars-per-position": stars_per_position,
        }
        for name, value in drawn.items():
            if value is not None:
                raise InputError(f"{name} with --stars", remedy="The table says which stars there are.")
    points = None if positions is None else parse_positions(positions)
    resolution = None
    if points is None and stars is None:
        resolution = DEFAULT_NSIDE if nside is None else nside
    kind = None if survey is None else survey_name(survey)
    periods: Any = "class"
    if period_range.strip() != "class":
        periods = tuple(numbers(period_range, "--period-range"))
        if len(periods) != 2:
            raise InputError(
                f"--period-range {period_range!r}", allowed="two numbers, e.g. 0.03,1000, or class"
            )
    classes = [name.strip() for item in star_class or [] for name in item.split(",") if name.strip()]
    options: dict[str, Any] = {}
    if classes:
        options["star_classes"] = classes
    if magnitudes is not None:
        options["magnitudes"] = numbers(magnitudes, "--magnitudes")
    if years is not None:
        options["years"] = numbers(years, "--years")
    if fields != "all":
        from pelsvae_cadence.metrics.position.deep_fields import FIELDS, fields_constraint

        if fields not in FIELDS:
            raise InputError(f"--fields {fields!r}", allowed=", ".join(FIELDS))
        notes = fields_constraint(fields)
        constraint = f"({constraint}) and {notes}" if constraint else notes
    source = LightCurveModel.load(model)  # a wrong model is said before any work
    cadence: Any = db
    if db is None or synthetic is not None:
        cadence = load_cadence(db, synthetic, seed=seed, sha256=sha256)
    if db is None and constraint == "" and survey is not None:
        raise InputError("--survey needs a table (--db): a synthetic survey knows what it is")
    if stars is not None:
        from pelsvae_cadence.population.tables import read_star_table

        options["stars"] = read_star_table(stars, model=source, seed=seed)
    folder = output_folder(out_dir)
    with messages.status("loading MAF"):
        from pelsvae_cadence.metrics.run.run import run_period_recovery

    with progress_bars("positions") as bar, warnings.catch_warnings(record=True) as caught:
        task = bar.add_task("searching periods", total=None)
        warnings.simplefilter("always")
        result = run_period_recovery(
            cadence,
            nside=resolution,
            positions=points,
            radius=radius,
            survey=kind,
            stars_per_position=stars_per_position or _DEFAULT_STARS,
            constraint=constraint,
            sha256=sha256,
            run_name=run_name,
            out_dir=folder,
            seed=seed,
            period_range=periods,
            use_camera=camera,
            overwrite=not no_clobber,
            plots=maf_plots,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            max_visits=max_visits,
            stack_minutes=stack_minutes,
            modulated=modulated,
            crowded=crowded,
            workers=workers,
            scheduler=scheduler,
            model=model,
            catalog="catalogue.h5" if catalog else None,
            command=command_line(),
            **options,
        )
    _repeat_warnings(caught)
    files = {name: str(path) for name, path in result.files.items()}
    files |= _pictures(result, folder, resolution)
    regions = _crowded_positions(result)
    if as_json:
        print_json(
            {
                "modulated": modulated,
                "crowded": crowded,
                "crowded_positions": regions,
                "run": result.summary["run"].iloc[0] if len(result.summary) else run_name,
                "seed": seed,
                "model": {"name": source.name, "sha256": source.hash},
                "command": command_line(),
                "summary": result.summary.to_dict(orient="records"),
                "files": files,
                "by_year": [] if result.by_year is None else result.by_year.to_dict(orient="records"),
            }
        )
        return
    _print_summary(result)
    # Star counts are built in for the bulge and the Clouds only.
    alone = {name: n for name, n in regions.items() if name == "plane" or not crowded}
    if alone:
        listed = ", ".join(f"{name} {count}" for name, count in alone.items())
        remedy = "there are no star counts for them" if crowded else "see --crowded"
        messages.print(
            f"[yellow]positions in crowded fields ({listed}): noise of isolated stars is too "
            f"optimistic there; {remedy}[/]",
            soft_wrap=True,
        )
    for name, path in files.items():
        messages.print(f"{name + ':':22s}{path}", soft_wrap=True, highlight=False)


def _crowded_positions(result: RunResult) -> dict[str, int]:
    """Count the positions in each crowded region."""
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


def _pictures(result: RunResult, folder: Path, nside: int | None) -> dict[str, str]:
    from pelsvae_cadence.plotting.light_curve import plot_folded
    from pelsvae_cadence.plotting.recovery import plot_recovery_by_magnitude
    from pelsvae_cadence.plotting.sky_map import plot_sky_map

    run = str(result.summary["run"].iloc[0])
    files = {}

    def save(name: str, axes: Any) -> None:
        path = folder / f"{name}.png"
        with replacing(path) as partial:
            axes.figure.savefig(partial, dpi=130)
        files[name.replace("_", " ")] = str(path)

    stars = result.stars.assign(recovered=result.stars["verdict"] == "exact")
    save("recovery_by_magnitude", plot_recovery_by_magnitude(stars, title=f"Periods recovered: {run}"))
    label = ", ".join(dict.fromkeys(result.positions["star_class"]))
    fraction = result.positions.groupby(["ra", "dec"], sort=False)["recovered"].mean().reset_index()
    title = f"Recovered fraction: {run} ({label}; mean over magnitudes)"
    bar = "fraction of stars with recovered period"
    if nside is None:
        axes = plot_sky_map(
            fraction["recovered"],
            ra=fraction["ra"],
            dec=fraction["dec"],
            vmin=0.0,
            vmax=1.0,
            title=title,
            label=bar,
        )
    else:
        import healpy

        sky = np.full(healpy.nside2npix(nside), np.nan)
        pixels = healpy.ang2pix(nside, fraction["ra"], fraction["dec"], lonlat=True)
        sky[pixels] = fraction["recovered"]
        axes = plot_sky_map(sky, vmin=0.0, vmax=1.0, title=title, label=bar)
    save("sky_map", axes)
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
    rows = [
        [
            f"{row.star_class}",
            f"{row.magnitude:g}",
            f"{row.n_positions}",
            f"{row.n_stars}",
            f"{row.n_visits:.0f}",
            f"{row.recovered:.2f}±{row.recovered_err:.2f}",
            f"{row.strict:.2f}",
            f"{row.top5:.2f}",
            f"{row.harmonic:.2f}",
            f"{row.alias:.2f}",
            f"{row.wrong:.2f}",
            f"{row.no_detection:.2f}",
        ]
        for row in frame.itertuples()
    ]
    table(
        f"{run}: fraction of stars by verdict",
        [
            "class",
            "mag",
            "sites",
            "stars",
            "visits",
            "recovered",
            "strict",
            "top 5",
            "P/2,2P",
            "alias",
            "wrong",
            "none",
        ],
        rows,
    )
    if result.by_year is not None:
        years = result.by_year.pivot_table(
            index=["star_class", "magnitude"], columns="year", values="recovered", sort=False
        )
        table(
            f"{run}: fraction of stars with their period, by survey year",
            ["class", "mag", *(f"{year:g} yr" for year in years.columns)],
            [
                [str(name), f"{magnitude:g}", *(f"{value:.2f}" for value in row)]
                for (name, magnitude), row in zip(years.index, years.to_numpy(), strict=True)
            ],
        )
