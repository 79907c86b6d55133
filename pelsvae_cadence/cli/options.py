"""Options that several commands share: the survey, sky positions, and reading what was typed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pelsvae_cadence.core.console import messages
from pelsvae_cadence.core.errors import InputError

if TYPE_CHECKING:
    from pelsvae_cadence.bands import SurveyName
    from pelsvae_cadence.cadence.survey import Cadence

__all__ = [
    "DEFAULT_NSIDE",
    "SYNTHETIC",
    "Constraint",
    "Crowded",
    "Database",
    "Extrapolate",
    "Json",
    "MaxVisits",
    "Model",
    "Modulated",
    "NoClobber",
    "OutDir",
    "Positions",
    "Radius",
    "RunSeed",
    "Scheduler",
    "Sha256",
    "SkyNside",
    "SurveyKind",
    "Synthetic",
    "load_cadence",
    "numbers",
    "parse_positions",
    "refuse_existing",
    "survey_name",
]

SYNTHETIC = {"lsst": "lsst-v3", "lsst-v3": "lsst-v3", "lsst-v5": "lsst-v5", "ztf": "ztf"}

Database = Annotated[
    Path | None,
    typer.Option(
        "--db", help="Survey table: OpSim or ZTF sqlite database, CSV or Parquet.", show_default=False
    ),
]
Synthetic = Annotated[
    str | None,
    typer.Option(
        "--synthetic",
        show_default=False,
        help="Made-up survey instead of a database: lsst (= lsst-v3), lsst-v5 or ztf.",
    ),
]
SurveyKind = Annotated[
    str | None,
    typer.Option(
        "--survey",
        show_default=False,
        help="Whose filters and noise apply: lsst or ztf. Told from bands and depths by default.",
    ),
]
Sha256 = Annotated[
    str | None,
    typer.Option(
        "--sha256",
        show_default=False,
        help="SHA-256 that the file of --db must have. Default: what FILE.sha256 beside it says, if "
        "there is one.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        show_default=False,
        help="Address of a Dask scheduler whose workers to use instead, e.g. tcp://10.0.0.1:8786.",
    ),
]
Constraint = Annotated[
    str, typer.Option("--constraint", help="SQL condition on the visits, e.g. 'night < 366'.")
]
Radius = Annotated[
    float | None,
    typer.Option(
        "--radius",
        show_default=False,
        help="Radius of the circular field of view in degrees. Default: 1.75 (LSST), 3.5 (ZTF).",
    ),
]
RunSeed = Annotated[int, typer.Option("--seed", help="Seed of every random draw.", min=0)]
OutDir = Annotated[Path, typer.Option("--out-dir", help="Folder for the results.")]
NoClobber = Annotated[bool, typer.Option("--no-clobber", help="Stop rather than replace earlier results.")]
Json = Annotated[bool, typer.Option("--json", help="Print results as JSON on stdout.")]
Model = Annotated[str, typer.Option("--model", help="Source model: a name, or the path of a weights file.")]
Modulated = Annotated[
    bool,
    typer.Option(
        "--modulated/--strictly-periodic",
        help="Cycles that differ (Miras), Blazhko effect, second periods, period changes.",
    ),
]
Crowded = Annotated[
    bool,
    typer.Option(
        "--crowded/--isolated", help="Blends and crowding errors in the bulge and the Magellanic Clouds."
    ),
]
Extrapolate = Annotated[
    Literal["error", "clip", "flag"],
    typer.Option(
        "--extrapolate",
        help="Parameters outside the model's range: error, clip (to the range) or flag (use them).",
    ),
]


#: Resolution of a sky map where none is given.
DEFAULT_NSIDE = 8

SkyNside = Annotated[
    int | None,
    typer.Option(
        "--nside", show_default=False, help=f"HEALPix resolution of a sky map. Default: {DEFAULT_NSIDE}."
    ),
]
Positions = Annotated[
    str | None,
    typer.Option(
        "--positions",
        show_default=False,
        help="Instead of a map: RA,DEC in degrees (several: '10,-20 30,-45'), or a CSV file with "
        "columns ra, dec.",
    ),
]
MaxVisits = Annotated[
    int,
    typer.Option("--max-visits", help="Positions with more visits (deep fields) are thinned to this many."),
]


def numbers(text: str, option: str) -> tuple[float, ...]:
    """Read numbers from an option.

    Parameters
    ----------
    text : str
        As typed: separated by commas or blanks.
    option : str
        Name of the option, for the error.

    Returns
    -------
    tuple of float
        One or more finite numbers.

    Raises
    ------
    InputError
        If there is none, or one is no finite number.
    """
    try:
        values = tuple(float(part) for part in text.replace(",", " ").split())
    except ValueError:
        values = ()
    if not values or not all(math.isfinite(value) for value in values):
        raise InputError(f"{option} {text!r} is not a list of numbers", allowed="e.g. 18,20,22")
    return values


def load_cadence(
    db: Path | None,
    synthetic: str | None,
    *,
    seed: int,
    survey: str | None = None,
    constraint: str = "",
    sha256: str | None = None,
) -> Cadence:
    """Make the cadence that the options name.

    Parameters
    ----------
    db : Path or None
        Survey table.
    synthetic : str or None
        Name of a synthetic survey.
    seed : int
        Seed of the synthetic survey.
    survey : str or None
        Whose filters and noise apply.
    constraint : str
        SQL condition on the rows of a table.
    sha256 : str or None
        SHA-256 that the file of the table must have.

    Returns
    -------
    Cadence
        A survey read from the table, or a synthetic one; without either the synthetic LSST.

    Raises
    ------
    InputError
        If both are given, the name is unknown, or the table cannot be used.
    """
    from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
    from pelsvae_cadence.cadence.tables import read_survey

    if db is not None and synthetic is not None:
        raise InputError("--db and --synthetic exclude each other", remedy="Give one of them.")
    if db is not None:
        kind: SurveyName | None = None
        if survey is not None:
            kind = survey_name(survey)
        with messages.status(f"reading {db.name}"):
            return read_survey(db, survey=kind, constraint=constraint, sha256=sha256)
    for given, option in ((constraint, "--constraint"), (sha256, "--sha256")):
        if given:
            raise InputError(
                f"{option} needs a table (--db): a synthetic survey has none", remedy="Leave it out."
            )
    name = (synthetic or "lsst").lower()
    if name not in SYNTHETIC:
        raise InputError(f"unknown synthetic survey {synthetic!r}", allowed=", ".join(SYNTHETIC))
    return SyntheticSurvey(preset=SYNTHETIC[name], seed=seed)


def survey_name(name: str) -> SurveyName:
    """Check the name of a survey.

    Parameters
    ----------
    name : str
        As typed.

    Returns
    -------
    {"lsst", "ztf"}
        The survey.

    Raises
    ------
    InputError
        If there is no such survey.
    """
    from pelsvae_cadence.bands import SURVEYS

    for survey in SURVEYS:
        if survey == name.lower():
            return survey
    raise InputError(f"unknown survey {name!r}", allowed=", ".join(SURVEYS))


def parse_positions(text: str) -> list[tuple[float, float]]:
    """Read sky positions from the command line or a file.

    Parameters
    ----------
    text : str
        ``"RA,DEC"`` in degrees, several separated by blanks or semicolons; or the name of a
        CSV file with columns ``ra`` and ``dec`` (or two columns without a header).

    Returns
    -------
    list of (float, float)
        Right ascension and declination in degrees.

    Raises
    ------
    InputError
        If it is neither, or a position is not on the sky.
    """
    from pelsvae_cadence.cadence.survey import check_position

    path = Path(text)
    if path.is_file():
        return [check_position(*row) for row in _positions_from_file(path)]
    try:
        pairs = [part.split(",") for part in text.replace(";", " ").split()]
        numbers = [(float(ra), float(dec)) for ra, dec in pairs]
    except ValueError as error:
        raise InputError(
            f"positions {text!r} are neither an existing file nor RA,DEC in degrees",
            allowed="e.g. 150.1,2.2 or a CSV file with columns ra, dec",
        ) from error
    if not numbers:
        raise InputError("no position given")
    return [check_position(*row) for row in numbers]


def _positions_from_file(path: Path) -> list[tuple[Any, Any]]:
    import pandas as pd

    try:
        frame = pd.read_csv(path, sep=None, engine="python", comment="#")
    except Exception as error:
        raise InputError(f"positions file {path} cannot be read: {error}") from error
    names = {str(column).strip().lower(): column for column in frame.columns}
    ra = next((names[n] for n in ("ra", "fieldra", "ra_deg") if n in names), None)
    dec = next((names[n] for n in ("dec", "fielddec", "dec_deg", "decl") if n in names), None)
    if ra is None or dec is None:
        try:  # two columns of numbers and no header
            [float(str(column)) for column in frame.columns[:2]]
        except ValueError:
            raise InputError(
                f"positions file {path} has no columns ra and dec "
                f"(its columns: {', '.join(map(str, frame.columns))})"
            ) from None
        frame = pd.read_csv(path, sep=None, engine="python", comment="#", header=None)
        ra, dec = frame.columns[:2]
    if frame.empty:
        raise InputError(f"positions file {path} holds no position")
    return list(zip(frame[ra].tolist(), frame[dec].tolist(), strict=True))


def refuse_existing(paths: list[Path], no_clobber: bool) -> None:
    """Stop before earlier results would be replaced."""
    existing = [path for path in paths if path.exists()]
    if no_clobber and existing:
        raise InputError(
            f"{existing[0]} exists already and --no-clobber forbids to replace it",
            remedy="Choose another --out-dir.",
        )
