"""``pelsvae_cadence population``: stars with places, distances and dust, as a table and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pelsvae_cadence.cli.options import Json, NoClobber, RunSeed, unset
from pelsvae_cadence.cli.output import list_files, progress_bar, save_picture
from pelsvae_cadence.cli.parsing import pair, parse_class_mix, refuse_existing
from pelsvae_cadence.core.console import messages, print_json, table
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder

if TYPE_CHECKING:
    from pelsvae_cadence.population.survey import DrawnPopulation

__all__ = ["population"]


def population(
    star_class: Annotated[
        str,
        typer.Option(
            "--star-class", "--class", help="Class or alias; several with shares: RRab=0.7,RRc=0.3."
        ),
    ] = "RRLYR",
    n: Annotated[int, typer.Option("--n", help="Number of stars.", min=1)] = 1000,
    where: Annotated[
        str,
        typer.Option(
            "--model",
            "--where",
            help="Spatial model: galaxy, sky (with the Clouds), young-disc, thin-disc, thick-disc, "
            "bulge, halo, LMC, SMC.",
        ),
    ] = "galaxy",
    mode: Annotated[
        str, typer.Option(help="Selection: magnitude-limited, volume or fixed-magnitude.")
    ] = "magnitude-limited",
    band: Annotated[str, typer.Option(help="Band of the magnitudes.")] = "r",
    mag_range: Annotated[
        str, typer.Option(help="Brightest and faintest mean AB magnitude (magnitude-limited).")
    ] = "16,24",
    magnitude: Annotated[float, typer.Option("--mag", help="Mean AB magnitude (fixed-magnitude).")] = 20.0,
    max_distance: Annotated[float, typer.Option(help="Largest distance in kpc (volume).")] = 10.0,
    dec_range: Annotated[
        str, typer.Option(help="Declinations in degrees, e.g. -90,12 for Rubin.")
    ] = "-90,90",
    ebv: Annotated[
        float | None,
        unset("True E(B-V) in mag of all stars instead of the dust map's; 0 for no dust.", least=0),
    ] = None,
    seed: RunSeed = 0,
    source_model: Annotated[
        str, typer.Option(help="Source model: a name, or the path of a weights file.")
    ] = "default",
    output: Annotated[Path, typer.Option(help="Table of the stars: .parquet, .csv, .ecsv or .fits.")] = Path(
        "stars.parquet"
    ),
    picture: Annotated[
        bool,
        typer.Option(
            "--picture/--no-picture",
            help="Draw sky map, colours and period-luminosity diagram beside the table.",
        ),
    ] = True,
    no_clobber: NoClobber = False,
    as_json: Json = False,
) -> None:
    """Draw a population of variable stars: physics, places, distances, dust.

    The table is input to the other commands (--stars), and to read_star_table.
    """
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.population.survey import MODES, draw_population
    from pelsvae_cadence.population.tables import table_kind, write_star_table

    chosen = next((m for m in MODES if m == mode), None)
    if chosen is None:
        raise InputError(f"unknown mode {mode!r}", allowed=", ".join(MODES))
    mix = parse_class_mix(star_class)
    ranges = pair(mag_range, "--mag-range"), pair(dec_range, "--dec-range")
    table_kind(output)  # refused before anything is drawn
    output_folder(output.parent)
    png = output.with_name(output.name.split(".")[0] + ".png")
    refuse_existing([output, png] if picture else [output], no_clobber)
    model = LightCurveModel.load(source_model)
    with progress_bar("drawing stars") as step:
        drawn = draw_population(
            model,
            mix,
            n=n,
            seed=seed,
            where=where,
            mode=chosen,
            band=band,
            magnitude_range=ranges[0],
            magnitude=magnitude,
            max_distance=max_distance,
            dec_range=ranges[1],
            ebv=ebv,
            on_progress=lambda done: step(done, n),
        )
    write_star_table(
        drawn.stars,
        output,
        extra={"component": drawn.component, "crowded_region": drawn.region, f"mag_{band}": drawn.magnitude},
    )
    if picture:
        from pelsvae_cadence.plotting.population import plot_population

        save_picture(png, plot_population(drawn), 150)
    summary = _summary(drawn)
    if as_json:
        print_json(
            {
                "options": drawn.options,
                **summary,
                "files": {"table": output, "picture": png if picture else None},
            }
        )
        return
    rows = [[name, *(f"{v:.4g}" for v in values)] for name, values in summary["percentiles"].items()]
    table(f"{len(drawn)} of {drawn.candidates} candidates", ["", "5 %", "50 %", "95 %"], rows)
    shares = ", ".join(f"{name} {count}" for name, count in summary["components"].items())
    messages.print(f"components: {shares}", soft_wrap=True)
    if summary["crowded"]:
        regions = ", ".join(f"{k} {v}" for k, v in summary["crowded"].items())
        messages.print(
            f"[yellow]{sum(summary['crowded'].values())} stars lie in crowded regions "
            f"({regions}): noise of isolated stars is too optimistic there[/]",
            soft_wrap=True,
        )
    list_files({"table": output} | ({"picture": png} if picture else {}))


def _summary(drawn: DrawnPopulation) -> dict[str, Any]:
    import numpy as np

    stars = drawn.stars
    quantities = {
        "period (d)": stars.period,
        "Teff (K)": stars.teff,
        "M_G (mag)": stars.abs_mag_g,
        "A_I (mag)": stars.amplitude_i,
        "metallicity (dex)": stars.feh,
        "distance (kpc)": 10.0 ** (0.2 * stars.distance_modulus - 2.0),
        "E(B-V) (mag)": stars.ebv,
        f"{drawn.band} (mag)": drawn.magnitude,
    }
    components, counts = np.unique(drawn.component, return_counts=True)
    regions, crowded = np.unique(drawn.region[drawn.crowded], return_counts=True)
    return {
        "n": len(drawn),
        "candidates": drawn.candidates,
        "percentiles": {k: np.percentile(v, [5, 50, 95]).tolist() for k, v in quantities.items()},
        "components": dict(zip(components.tolist(), counts.tolist(), strict=True)),
        "crowded": dict(zip(regions.tolist(), crowded.tolist(), strict=True)),
    }
