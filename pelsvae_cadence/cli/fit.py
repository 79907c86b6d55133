"""``pelsvae_cadence fit``: light curves of a table to periods, classes and probabilities, and pictures."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from pelsvae_cadence.cli.options import (
    Candidates,
    Colours,
    FitMethod,
    Json,
    Model,
    NoPeriod,
    PeriodRange,
    PriorClasses,
    RunSeed,
    Scheduler,
    Unseen,
    Workers,
    unset,
)
from pelsvae_cadence.cli.output import list_files, progress_bar, save_picture
from pelsvae_cadence.cli.parsing import pair, parse_class_mix
from pelsvae_cadence.core.console import messages, print_json, table
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder

if TYPE_CHECKING:
    from pelsvae_cadence.inference.fitted import FittedStars
    from pelsvae_cadence.inference.priors import Priors
    from pelsvae_cadence.light_curves import LightCurves
    from pelsvae_cadence.readers.stored import ParquetLightCurves

__all__ = ["EXAMPLES", "fit", "remarks", "summary", "table_rows", "weighed_classes"]

# What the summary counts as an answer.
_SURE: Final = 0.9
_SIGNIFICANT: Final = 0.01
_DPI: Final = 150

#: Shown below the help of the command; blank lines keep the lines apart.
EXAMPLES: Final = """Examples:

pelsvae_cadence fit my_stars.csv --output fits.csv

pelsvae_cadence fit my_stars.csv --output fits.parquet --period-range 0.2,1.2 --classes RRLYR --plot pictures

pelsvae_cadence fit dr3.csv --reader gaia --output fits.ecsv --method harmonic --workers 4

pelsvae_cadence fit field_hats --output fits.hats --workers 8
"""


def fit(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            show_default=False,
            help="Light curves: a table (CSV, Parquet, FITS, ECSV, VOTable) with a row per point and columns "
            "such as star_id, mjd, band, mag, mag_err or flux, flux_err; a folder of Parquet files (HATS); or a "
            "file of an archive.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            show_default=False, help="Table to make: .csv, .ecsv, .parquet, or .hats (a folder for LSDB)."
        ),
    ],
    period_range: PeriodRange = "0.03,1000",
    classes: PriorClasses = None,
    unseen: Unseen = 0.1,
    no_period: NoPeriod = 0.1,
    method: FitMethod = "learned",
    colours: Colours = True,
    reader: Annotated[
        str | None,
        unset("Archive of FILE: rubin, ztf, gaia, ogle, atlas, asassn, table. Default: told by its columns."),
    ] = None,
    read: Annotated[
        list[str] | None,
        unset(
            "Argument of the reader as NAME=VALUE, repeatable: --read time=bjd --read time_system='BJD TDB'."
        ),
    ] = None,
    positions: Annotated[
        Path | None,
        unset(
            "Table with star_id, ra, dec (degrees) of the stars: ra and dec are then in the table. Default for "
            ".hats: FILE itself."
        ),
    ] = None,
    plot: Annotated[Path | None, unset("Folder for a picture of each star.")] = None,
    candidates: Candidates = 5,
    physics: Annotated[
        bool,
        typer.Option(
            "--physics",
            help="Add Teff, M_G, I amplitude, E(B-V) and distance modulus: medians and 68 % intervals.",
        ),
    ] = False,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    model: Model = "default",
    seed: RunSeed = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier table and earlier pictures.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find period and class of the stars in a table of light curves, with probabilities.

    The table has a row per star of FILE: star_id, status, period, period_error, probability, star_class,
    subtype, p_CLASS, no_period_probability, false_alarm_probability, n_points, and alternatives (period_2,
    probability_2, ...). With --physics also teff, abs_mag_g, amplitude_i, ebv and distance_modulus, each with
    _low and _high. Ctrl-C keeps the stars that are finished in OUTPUT.parts; the same command
    goes on with the others. The content does not depend on the number of workers.
    """
    from pelsvae_cadence.inference.fitted import table_kind
    from pelsvae_cadence.parallel.checkpoints import remove_finished

    # Everything that can be refused is refused before anything is read.
    table_kind(output)
    limits = pair(period_range, "--period-range")
    priors = weighed_classes(classes, unseen, no_period)
    parts = output.with_name(output.name + ".parts")
    if output.exists() and not overwrite:
        raise InputError(f"{output} exists already", remedy="Choose another --output, or add --overwrite.")
    output_folder(output.parent)
    with messages.status(f"reading {file.name}"), remarks():
        light_curves = _read(file, reader, read or [], whole=plot is not None)
    messages.print(str(light_curves.origin), markup=False, highlight=False)
    where = _positions(file, output, positions, light_curves, read or [])
    pictures = _picture_files(plot, light_curves, overwrite or parts.exists())

    from pelsvae_cadence.inference.fit import draw_shapes
    from pelsvae_cadence.inference.fit import fit as fit_stars

    doing = "fitting"
    if method == "learned" and workers == 1 and scheduler is None:
        with messages.status("drawing the shape bank once"):
            draw_shapes(model, seed=seed)
    elif method == "learned":
        doing = "fitting (each worker first draws the shape bank once)"
    try:
        with remarks(), progress_bar(doing, "stars") as step:
            fitted = fit_stars(
                light_curves,
                method=method,
                priors=priors,
                period_range=limits,
                colours=colours,
                n_candidates=candidates,
                physics=physics,
                model=model,
                seed=seed,
                curves=bool(pictures),
                workers=workers,
                scheduler=scheduler,
                checkpoint_dir=parts,
                progress=step,
            )
        if pictures:
            _draw(cast("LightCurves", light_curves), fitted, pictures)
    except KeyboardInterrupt:
        messages.print(
            f"what is finished is kept in {parts}; the same command goes on with the rest", soft_wrap=True
        )
        raise
    if where is not None:
        fitted = fitted.with_positions(where)
    # The table comes last: where it is, everything is there.
    fitted.write(output, overwrite=overwrite)
    remove_finished(parts)
    _say(fitted, output, plot, as_json)


def weighed_classes(classes: str | None, unseen: float, no_period: float) -> Priors:
    """Read the prior probabilities of the command line."""
    from pelsvae_cadence.classes import STAR_CLASSES, parse_star_class
    from pelsvae_cadence.inference.priors import Priors

    if classes is None:
        return Priors(unseen=unseen, no_period=no_period)
    weights: dict[str, float] = {}
    for name, weight in parse_class_mix(classes).items():
        star_class, subtype = parse_star_class(name)
        if subtype is not None:
            raise InputError(
                f"--classes: {name} is a subtype of {star_class}",
                allowed=", ".join(STAR_CLASSES),
                remedy=f"Name the class; the column subtype tells {name} from others.",
            )
        weights[star_class] = weights.get(star_class, 0.0) + weight
    return Priors(classes=weights, unseen=unseen, no_period=no_period)


def _read(
    file: Path, reader: str | None, arguments: list[str], *, whole: bool
) -> LightCurves | ParquetLightCurves:
    from pelsvae_cadence.readers.front_door import read_light_curves
    from pelsvae_cadence.readers.stored import ParquetLightCurves

    if not file.exists():
        raise InputError(f"{file} does not exist")
    options = _reader_options(arguments)
    try:
        stored = None if whole else ParquetLightCurves.open(file, reader, **options)
        return read_light_curves(file, reader, **options) if stored is None else stored
    except InputError as error:
        raise InputError(error.problem, allowed=error.allowed, remedy=_as_options(error.remedy)) from error


def _reader_options(arguments: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not (equals and name.strip().isidentifier()):
            raise InputError(f"--read {argument!r}", allowed="NAME=VALUE, e.g. band=r")
        options[name.strip()] = _value(value)
    return options


def _as_options(remedy: str) -> str:
    """Write what a reader asks for as Python's arguments as options of the command."""
    options = re.sub(r'\breader="([^"]*)"', r"--reader \1", remedy)
    return re.sub(r'(?<![-\w])(\w+)="([^"]*)"', r'--read "\1=\2"', options)


def _value(text: str) -> Any:
    """Read what was typed as the switch or number that it looks like."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@contextmanager
def remarks() -> Iterator[None]:
    """Say what was left out or not known once, as a remark rather than as Python's warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, UserWarning)):
        messages.print(f"[yellow]{text.replace('[', chr(92) + '[')}[/]", soft_wrap=True)


def _labels(light_curves: LightCurves | ParquetLightCurves) -> Any:
    """Give the input's own names of the stars, or their numbers."""
    name = getattr(light_curves, "name", None)
    return light_curves.star_id if name is None else name


def _positions(
    file: Path,
    output: Path,
    table: Path | None,
    light_curves: LightCurves | ParquetLightCurves,
    arguments: list[str],
) -> dict[str, Any] | None:
    """Look up where the stars are, if the output wants to know, before anything is computed."""
    if table is None and output.suffix.lower() != ".hats":
        return None
    from pelsvae_cadence.core.tables.hats import hats_modules
    from pelsvae_cadence.core.tables.star_positions import star_positions

    if output.suffix.lower() == ".hats":
        hats_modules()
    stars = _labels(light_curves)
    # The user may have named the column of the stars in FILE.
    named = _reader_options(arguments).get("star_id") if table is None else None
    ra, dec = star_positions(file if table is None else table, stars, star_id=named)
    return {"star_id": stars, "ra": ra, "dec": dec}


def _picture_files(
    folder: Path | None, light_curves: LightCurves | ParquetLightCurves, replace: bool
) -> list[Path]:
    """Name the picture of every star, and see that none would be replaced unasked."""
    if folder is None:
        return []
    from pelsvae_cadence.plotting.fitted_star import picture_names

    output_folder(folder)
    files = [folder / name for name in picture_names(_labels(light_curves))]
    existing = [path for path in files if path.exists()]
    if existing and not replace:
        raise InputError(f"{existing[0]} exists already", remedy="Choose another --plot, or add --overwrite.")
    return files


def _draw(light_curves: LightCurves, fitted: FittedStars, files: list[Path]) -> None:
    from pelsvae_cadence.plotting.fitted_star import plot_fitted_star

    with progress_bar("drawing", "pictures") as step:
        for i, path in enumerate(files):
            save_picture(path, plot_fitted_star(light_curves.star(i), fitted.take([i])), _DPI)
            step(i + 1, len(files))


def _say(fitted: FittedStars, output: Path, plot: Path | None, as_json: bool) -> None:
    found = summary(fitted)
    files = {"table": output} | ({} if plot is None else {"pictures": plot})
    if as_json:
        print_json({"options": dict(fitted.options), **found, "files": files})
        return
    table(f"{output.name}", ["", "stars"], table_rows(found))
    list_files(files)


def table_rows(found: dict[str, Any]) -> list[list[str]]:
    """Write a summary as rows of a table."""
    rows = [[name, str(count)] for name, count in found.items() if isinstance(count, int)]
    rows += [[f"class {name}", str(count)] for name, count in found["classes"].items()]
    return rows + [[f"no answer: {name}", str(count)] for name, count in found["no answer"].items()]


def summary(fitted: FittedStars) -> dict[str, Any]:
    """Count the stars with an answer."""
    import numpy as np

    answered = fitted.status == "ok"
    learned = bool(fitted.classes)
    sure = fitted.probability >= _SURE if learned else fitted.false_alarm_probability <= _SIGNIFICANT
    named = (
        f"probability of the period {_SURE:g} or more" if learned else f"false alarm {_SIGNIFICANT:g} or less"
    )
    return {
        "stars": len(fitted),
        "with a period": int(np.isfinite(fitted.period).sum()),
        named: int((answered & sure).sum()),
        "classes": _counts(fitted.star_class[answered & sure & (fitted.star_class != "")]),
        "no answer": _counts(fitted.status[~answered]),
    }


def _counts(words: Any) -> dict[str, int]:
    import numpy as np

    names, counts = np.unique(words, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))
