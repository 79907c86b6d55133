"""``pelsvae_cadence catalog``: make, extend, look into, check and export HDF5 catalogues."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pelsvae_cadence.cli.catalog_fit import fit
from pelsvae_cadence.cli.options import (
    DEFAULT_NSIDE,
    Constraint,
    Crowded,
    Database,
    Json,
    Model,
    Modulated,
    NoClobber,
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
from pelsvae_cadence.cli.output import progress_bar, warn_of_crowding
from pelsvae_cadence.cli.parsing import (
    exclude_each_other,
    load_cadence,
    numbers,
    parse_positions,
    refuse_existing,
    words,
)
from pelsvae_cadence.core.console import command_line, messages, print_json, table
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import replacing

if TYPE_CHECKING:
    from pelsvae_cadence.catalog.sites import StarSource

__all__ = ["app"]

app = typer.Typer(help="HDF5 catalogues of simulated stars.", no_args_is_help=True)

app.command("fit")(fit)

File = Annotated[Path, typer.Argument(help="Catalogue file (.h5).", show_default=False)]


@app.command()
def make(
    output: Annotated[Path, typer.Option(help="Catalogue to make.")] = Path("catalogue.h5"),
    db: Database = None,
    synthetic: Synthetic = None,
    survey: SurveyKind = None,
    constraint: Constraint = "",
    sha256: Sha256 = None,
    radius: Radius = None,
    stars: StarTable = None,
    visits_nside: Annotated[
        int,
        typer.Option(
            help="With --stars: stars in one HEALPix pixel of this resolution share the visits of "
            "its centre; 0 looks up every star's own (slower, larger)."
        ),
    ] = 128,
    nside: SkyNside = None,
    positions: Positions = None,
    cone: Annotated[
        str | None, unset("With --nside: only pixels within RADIUS of RA,DEC, e.g. '80.9,-69.8,10' (deg).")
    ] = None,
    star_class: Annotated[
        list[str] | None, unset("Class, subtype or alias; repeat it, or separate by commas. Default: RRab.")
    ] = None,
    stars_per_position: Annotated[
        int, typer.Option(help="Stars of each class at each position.", min=1)
    ] = 10,
    magnitude: Annotated[
        str, typer.Option("--mag", help="Mean magnitude of drawn stars, or its range (uniform): 17,24.")
    ] = "17,24",
    band: Annotated[str | None, unset("Band of --mag. Default: r (zr for ZTF).")] = None,
    ebv: Annotated[float, typer.Option(help="True E(B-V) of drawn stars in mag.", min=0.0)] = 0.0,
    modulated: Modulated = False,
    crowded: Crowded = False,
    model: Model = "default",
    workers: Workers = 1,
    scheduler: Scheduler = None,
    checkpoint_dir: Annotated[
        Path | None,
        unset(
            "Folder for finished partitions. Default: OUTPUT.parts. A repeated command begins where it was "
            "stopped."
        ),
    ] = None,
    stars_per_partition: Annotated[
        int,
        typer.Option(
            help="Size of a partition: sets memory (0.4 MB a star of 800 visits in each process), "
            "not results.",
            min=1,
        ),
    ] = 500,
    compression: Annotated[
        Literal["repeats", "gzip", "none"],
        typer.Option(
            help="Pack what repeats itself; everything (a fifth smaller, several times slower); or nothing."
        ),
    ] = "repeats",
    seed: RunSeed = 0,
    no_clobber: NoClobber = False,
    as_json: Json = False,
) -> None:
    """Simulate a catalogue of any size, by sky partition, on one or many workers.

    Without --stars, stars are drawn at the pixels of a map (where the survey looks) or at
    positions. The same command gives the same numbers on any number of workers; when it was
    stopped, repeat it. Memory does not grow with the catalogue. Rubin's ten years are about 800
    visits: 35 kB a star.
    """
    from pelsvae_cadence.catalog.generation import generate_catalog

    refuse_existing([output], no_clobber)
    cadence = load_cadence(db, synthetic, seed=seed, survey=survey, constraint=constraint, sha256=sha256)
    source: StarSource
    if stars is not None:
        exclude_each_other(stars=stars, nside=nside)
        exclude_each_other(stars=stars, positions=positions)
        exclude_each_other(stars=stars, cone=cone)
        exclude_each_other(stars=stars, star_class=star_class)
        source = _listed(stars, visits_nside, model, seed)
    else:
        source = _drawn(
            nside,
            positions,
            cone,
            star_classes=list(words(star_class)) or ["RRab"],
            stars_per_class=stars_per_position,
            magnitude=_magnitudes(magnitude),
            band=band or ("zr" if cadence.survey == "ztf" else "r"),
            ebv=ebv,
        )
    with progress_bar("simulating", "partitions") as step:
        made = generate_catalog(
            output,
            cadence,
            source,
            seed=seed,
            model=model,
            radius=radius,
            skip_unseen=stars is None and positions is None,
            modulated=modulated,
            crowded=crowded,
            workers=workers,
            scheduler=scheduler,
            checkpoint_dir=checkpoint_dir,
            stars_per_partition=stars_per_partition,
            compression=None if compression == "none" else compression,
            overwrite=not no_clobber,
            command=command_line(),
            progress=step,
        )
    if as_json:
        print_json(
            {name: getattr(made, name) for name in made.__dataclass_fields__}
            | {"seed": seed, "command": command_line()}
        )
        return
    stars_rate, point_rate, byte_rate = (
        n / max(made.seconds, 1e-9) for n in (made.n_stars, made.n_points, made.size / 1e6)
    )
    rate = f"{stars_rate:,.0f} stars/s, {point_rate:,.0f} points/s, {byte_rate:.1f} MB/s"
    table(
        f"{made.path}",
        ["", "value"],
        [
            ["stars", f"{made.n_stars:,}"],
            ["points", f"{made.n_points:,}"],
            ["sites", f"{made.n_sites:,}"],
            ["stars without a visit", f"{made.n_unseen:,}"],
            ["modulated", "yes" if modulated else "no"],
            ["crowding", "yes" if crowded else "no"],
            ["size", f"{made.size / 1e6:,.1f} MB"],
            ["time", f"{made.seconds:.1f} s"],
            ["throughput", rate],
            ["content", made.content],
        ],
        text=True,
    )
    warn_of_crowding("stars", made.n_crowded, crowded)


def _listed(path: Path, visits_nside: int, model: str, seed: int) -> StarSource:
    from pelsvae_cadence.catalog.sites import ListedStars
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.population.tables import read_star_table

    with messages.status(f"reading {path.name}"):
        found = read_star_table(path, model=LightCurveModel.load(model), seed=seed)
    return ListedStars(found, visits_nside=visits_nside or None)


def _drawn(nside: int | None, positions: str | None, cone: str | None, **options: Any) -> StarSource:
    import numpy as np

    from pelsvae_cadence.cadence.sky_pixels import is_nside, ring_centres
    from pelsvae_cadence.cadence.survey import unit_vectors
    from pelsvae_cadence.catalog.sites import DrawnStars

    if positions is not None:
        exclude_each_other(positions=positions, nside=nside)
        exclude_each_other(positions=positions, cone=cone)
        points = np.array(parse_positions(positions))
        return DrawnStars(ra=points[:, 0], dec=points[:, 1], **options)
    resolution = DEFAULT_NSIDE if nside is None else nside
    if not (resolution <= 4096 and is_nside(resolution)):
        raise InputError(f"--nside {resolution}", allowed="a power of two, 1 to 4096")
    ra, dec = ring_centres(resolution)
    if cone is not None:
        centre = numbers(cone, "--cone")
        if len(centre) != 3:
            raise InputError(f"--cone {cone!r}", allowed="RA,DEC,RADIUS in degrees")
        cosine = unit_vectors(ra, dec) @ unit_vectors([centre[0]], [centre[1]])[0]
        inside = cosine >= np.cos(np.radians(min(max(centre[2], 0.0), 180.0)))
        if not inside.any():
            raise InputError(
                f"no pixel of nside {resolution} has its centre in the cone {cone}",
                remedy="Take a finer map (--nside) or a larger cone.",
            )
        ra, dec = ra[inside], dec[inside]
    return DrawnStars(ra=ra, dec=dec, **options)


def _magnitudes(text: str) -> tuple[float, float]:
    values = numbers(text, "--mag")
    if len(values) > 2:
        raise InputError(f"--mag {text!r}", allowed="a magnitude, or brightest,faintest: 17,24")
    return values[0], values[-1]


@app.command()
def append(
    file: File,
    others: Annotated[list[Path], typer.Argument(help="Catalogues to add to it.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Add the stars of other catalogues to a catalogue.

    The file is copied, and replaced when the new one is complete and checked: stopping the command
    leaves it as it was. Stars must have numbers of their own; where each addition comes from is
    kept.
    """
    from pelsvae_cadence.catalog.merging import append_catalogs
    from pelsvae_cadence.catalog.reader import Catalog

    n = append_catalogs(file, others)
    with Catalog(file) as catalog:
        total, content = catalog.n_stars, catalog.content_hash
    if as_json:
        print_json({"file": file, "added": n, "n_stars": total, "content": content})
    else:
        messages.print(f"{file}: {n:,} stars added, {total:,} now")


@app.command()
def export(
    file: File,
    output: Annotated[
        Path,
        typer.Argument(
            help="Folder for HATS (opened by LSDB), or a table of the stars: .ecsv, .fits, .vot.",
            show_default=False,
        ),
    ],
    stars_per_file: Annotated[int, typer.Option(help="HATS: most stars in one Parquet file.", min=1)] = 5000,
    no_clobber: NoClobber = False,
) -> None:
    """Write a catalogue as HATS (Parquet by sky pixel), or its stars as an astropy table."""
    from pelsvae_cadence.catalog.exports.astropy_tables import star_table
    from pelsvae_cadence.catalog.exports.hats import export_hats
    from pelsvae_cadence.catalog.reader import Catalog

    refuse_existing([output], no_clobber)
    if output.suffix in (".ecsv", ".fits", ".vot"):
        with Catalog(file) as catalog, replacing(output) as partial:
            star_table(catalog.stars, catalog.inference).write(partial, overwrite=True)
    elif output.suffix in (".h5", ".hdf5", ".csv", ".parquet"):
        raise InputError(
            f"cannot export to {output.suffix}", allowed="a folder for HATS, or .ecsv, .fits, .vot"
        )
    else:
        with progress_bar("writing", "files") as step:
            export_hats(file, output, stars_per_file=stars_per_file, overwrite=not no_clobber, progress=step)
    messages.print(f"{output}", soft_wrap=True)


@app.command()
def inspect(file: File, as_json: Json = False) -> None:
    """Show what a catalogue holds and where it comes from."""
    from pelsvae_cadence.catalog.reader import Catalog

    with Catalog(file) as catalog:
        summary = catalog.summary()
    if as_json:
        print_json(summary)
        return
    table(f"{file}", ["", "value"], _rows(summary), text=True)


@app.command()
def validate(file: File, as_json: Json = False) -> None:
    """Check a catalogue against the format: every checksum, offset and reference."""
    from pelsvae_cadence.catalog.validation import validate_catalog

    with messages.status(f"checking {file.name}"):
        problems = validate_catalog(file)
    if as_json:
        print_json({"file": file, "problems": problems})
    else:
        for problem in problems:
            messages.print(f"- {problem}", soft_wrap=True, markup=False)
        messages.print(f"{file}: {len(problems)} problems" if problems else f"{file}: sound")
    if problems:
        raise typer.Exit(1)


def _rows(values: dict[str, Any], prefix: str = "") -> list[list[str]]:
    rows = []
    for key, value in values.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        if isinstance(value, dict) and value and prefix == "" and key == "provenance":
            rows += _rows(value)
        elif isinstance(value, dict):
            text = ", ".join(f"{k} {v}" for k, v in value.items())
            rows.append([name, text or "-"])
        elif isinstance(value, list):
            rows.append([name, " .. ".join(f"{v:.3f}" for v in value)])
        else:
            rows.append([name, f"{value:,}" if isinstance(value, int) and key != "seed" else str(value)])
    return rows
