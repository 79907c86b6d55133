"""``pelsvae_cadence lightcurve``: one star at one position, as a table and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pelsvae_cadence.classes import display_name
from pelsvae_cadence.cli.options import (
    Constraint,
    Crowded,
    Database,
    Extrapolate,
    Json,
    Model,
    Modulated,
    NoClobber,
    OutDir,
    Radius,
    RunSeed,
    Sha256,
    SurveyKind,
    Synthetic,
    unset,
)
from pelsvae_cadence.cli.output import list_files, save_picture
from pelsvae_cadence.cli.parsing import load_cadence, refuse_existing
from pelsvae_cadence.core.console import messages, print_json, table
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder, replacing

__all__ = ["lightcurve"]

# Inside the wide survey of both hemispheres' surveys (LSST and ZTF).
_DEFAULT_POSITION = (35.6, -4.8)
# What is told of the star, and of its points.
_PARAMETERS = (
    *("star_class", "subtype", "period", "teff", "abs_mag_g", "amplitude_i", "epoch"),
    *("distance_modulus", "ebv", "ra", "dec"),
)
_COLUMNS = (
    *("visit_id", "mjd", "band", "mag", "mag_err", "flux", "flux_err"),
    *("detected", "saturated", "mag_true"),
)


def lightcurve(
    star_class: Annotated[
        str, typer.Option("--star-class", help="Class or alias: RRab, RRc, CEP, EW, Mira, ...")
    ] = "RRab",
    period: Annotated[float | None, unset("Period in days; drawn if not given.")] = None,
    teff: Annotated[float | None, unset("Effective temperature in K; drawn if not given.")] = None,
    abs_mag: Annotated[float | None, unset("Absolute magnitude in Gaia G; drawn if not given.")] = None,
    amplitude: Annotated[
        float | None, unset("Peak-to-peak amplitude in Cousins I (mag); drawn if not given.")
    ] = None,
    magnitude: Annotated[
        float | None, unset("Mean apparent AB magnitude. Default: 20, or what --stars says.", "--mag")
    ] = None,
    band: Annotated[str | None, unset("Band of --mag. Default: r (zr for ZTF).")] = None,
    ra: Annotated[float, typer.Option(help="Right ascension in degrees.")] = _DEFAULT_POSITION[0],
    dec: Annotated[float, typer.Option(help="Declination in degrees.")] = _DEFAULT_POSITION[1],
    ebv: Annotated[float, typer.Option(help="True colour excess E(B-V) in mag.", min=0.0)] = 0.0,
    stars: Annotated[
        Path | None,
        unset(
            "Table of stars (CSV, Parquet, FITS) to take the star from, position, distance and dust included."
        ),
    ] = None,
    star_id: Annotated[int | None, unset("Which star of --stars. Default: the first.")] = None,
    modulated: Modulated = False,
    crowded: Crowded = False,
    db: Database = None,
    synthetic: Synthetic = None,
    survey: SurveyKind = None,
    constraint: Constraint = "",
    sha256: Sha256 = None,
    radius: Radius = None,
    seed: RunSeed = 0,
    model: Model = "default",
    extrapolate: Extrapolate = "error",
    out_dir: OutDir = Path("."),
    no_clobber: NoClobber = False,
    as_json: Json = False,
) -> None:
    """Observe one star at one sky position: a table and a phase-folded picture."""
    import numpy as np

    from pelsvae_cadence.cadence.footprint_edge import visits_if_any
    from pelsvae_cadence.cadence.tables import file_sha256
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.photometry.magnitudes import at_magnitude
    from pelsvae_cadence.plotting.light_curve import plot_folded
    from pelsvae_cadence.population.crowding import crowded_field, crowded_region
    from pelsvae_cadence.simulation.modulation import draw_modulation
    from pelsvae_cadence.simulation.simulate import simulate

    source = LightCurveModel.load(model)
    listed = None if stars is None else _listed_star(stars, star_id, source, seed)
    if listed is not None:
        ra, dec = float(listed.ra[0]), float(listed.dec[0])
    cadence = load_cadence(db, synthetic, seed=seed, survey=survey, constraint=constraint, sha256=sha256)
    visits = visits_if_any(cadence, ra, dec, radius)
    if not len(visits):
        raise InputError(
            f"{cadence.name} has no visit within {radius or cadence.fov_radius:g} deg of "
            f"ra = {ra:g}, dec = {dec:g} deg",
            remedy="Choose another position with --ra and --dec.",
        )
    star = listed or source.sample(
        star_class,
        n=1,
        period=period,
        teff=teff,
        abs_mag_g=abs_mag,
        amplitude_i=amplitude,
        seed=seed,
        ra=ra,
        dec=dec,
        ebv=ebv,
        extrapolate=extrapolate,
    )
    if listed is None or magnitude is not None:
        wanted = 20.0 if magnitude is None else magnitude
        star = at_magnitude(star, band or ("zr" if cadence.survey == "ztf" else "r"), wanted)
    curve = source.phase_curve(star, seed=seed, extrapolate=extrapolate)
    region = str(crowded_region([ra], [dec])[0])
    field = crowded_field(ra, dec) if crowded else None
    points = simulate(
        star,
        visits,
        curve=curve,
        seed=seed,
        modulation=draw_modulation(star, seed=seed) if modulated else None,
        crowding=field,
    )

    folder = output_folder(out_dir)
    csv, png = folder / "lightcurve.csv", folder / "lightcurve.png"
    refuse_existing([csv, png], no_clobber)
    title = (
        f"{display_name(str(star.star_class[0]), str(star.subtype[0]))}, P = {star.period[0]:.5g} d, "
        f"Teff = {star.teff[0]:.0f} K, {cadence.name}"
    )
    _write_csv(csv, points)
    figure: Any = plot_folded(points, star=star, curve=curve, title=title).figure
    save_picture(png, figure, 150)
    rows: list[dict[str, Any]] = []
    for name in visits.bands:
        here = points.band == name
        good = here & points.detected
        rows.append(
            {
                "band": name,
                "visits": int(here.sum()),
                "detected": int(good.sum()),
                "saturated": int((points.saturated & here).sum()),
                "mean_mag": _mean_magnitude(points.flux[here]),
                "range_mag": float(np.ptp(points.mag_true[here])),
                "median_mag_err": float(np.median(points.mag_err[good])) if good.any() else None,
            }
        )
    parameters = {name: getattr(star, name)[0].item() for name in _PARAMETERS}
    if as_json:
        print_json(
            {
                "star": parameters,
                "survey": cadence.name,
                "seed": seed,
                "survey_sha256": None if db is None else file_sha256(db),
                "modulated": modulated,
                "crowded": crowded,
                "crowded_region": region,
                "model": {"name": source.name, "sha256": source.hash},
                "bands": rows,
                "files": {"table": csv, "picture": png},
            }
        )
        return
    table(
        title,
        ["band", "visits", "detected", "saturated", "mean mag", "range [mag]", "error [mag]"],
        [
            [
                *(str(r[key]) for key in ("band", "visits", "detected", "saturated")),
                *(_text(r[key]) for key in ("mean_mag", "range_mag", "median_mag_err")),
            ]
            for r in rows
        ],
    )
    if region and field is None:
        remedy = "there are no star counts for it" if crowded else "see --crowded"
        messages.print(
            f"[yellow]crowded field ({region}): noise of isolated stars is too optimistic here; {remedy}[/]",
            soft_wrap=True,
        )
    list_files({"table": csv, "picture": png})


def _listed_star(path: Path, star_id: int | None, source: Any, seed: int) -> Any:
    """Take one star from a table."""
    import numpy as np

    from pelsvae_cadence.population.tables import read_star_table

    table_of_stars = read_star_table(path, model=source, seed=seed)
    if star_id is None:
        return table_of_stars.take([0])
    rows = np.flatnonzero(table_of_stars.star_id == star_id)
    if not rows.size:
        low, high = int(table_of_stars.star_id.min()), int(table_of_stars.star_id.max())
        raise InputError(f"no star {star_id} in {path.name}", allowed=f"its numbers run from {low} to {high}")
    return table_of_stars.take(rows)


def _mean_magnitude(flux: Any) -> float | None:
    import numpy as np

    from pelsvae_cadence.core.flux import flux_to_mag

    mean = float(flux_to_mag(flux.mean()))
    return None if np.isnan(mean) else mean


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _write_csv(path: Any, points: Any) -> None:
    import pandas as pd

    frame = pd.DataFrame({name: getattr(points, name) for name in _COLUMNS})
    with replacing(path) as partial:
        frame.to_csv(partial, index=False)
