"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pelsvae_cadence.surveys import SurveyName

__all__ = [
    "DEFAULT_NSIDE",
    "Candidates",
    "Colours",
    "Constraint",
    "Crowded",
    "Database",
    "Extrapolate",
    "FitMethod",
    "Json",
    "MafPlots",
    "Magnitudes",
    "MaxVisits",
    "Method",
    "Model",
    "Modulated",
    "NoClobber",
    "NoPeriod",
    "OutDir",
    "PeriodRange",
    "Positions",
    "PriorClasses",
    "Radius",
    "RunSeed",
    "Scheduler",
    "Sha256",
    "SkyNside",
    "StarTable",
    "StarsPerPosition",
    "SurveyKind",
    "Synthetic",
    "Unseen",
    "Workers",
    "unset",
]

#: Resolution of a sky map where none is given.
DEFAULT_NSIDE = 8


def unset(text: str, *names: str, least: int | None = None) -> Any:
    """Make an option without a default, or with one that the help describes in words."""
    return typer.Option(*names, help=text, show_default=False, min=least)


Database = Annotated[
    Path | None, unset("Survey table: OpSim or ZTF sqlite database, CSV or Parquet.", "--db")
]
Synthetic = Annotated[
    str | None,
    unset("Made-up survey instead of a database: lsst (= lsst-v3), lsst-v5 or ztf.", "--synthetic"),
]
SurveyKind = Annotated[
    SurveyName | None,
    unset("Whose filters and noise apply to --db. Told from bands and depths by default.", "--survey"),
]
Sha256 = Annotated[
    str | None,
    unset(
        "SHA-256 that the file of --db must have. Default: what FILE.sha256 beside it says, if there is one.",
        "--sha256",
    ),
]
Constraint = Annotated[
    str, typer.Option("--constraint", help="SQL condition on the visits, e.g. 'night < 366'.")
]
Radius = Annotated[
    float | None,
    unset("Radius of the circular field of view in degrees. Default: 1.75 (LSST), 3.5 (ZTF).", "--radius"),
]
SkyNside = Annotated[
    int | None, unset(f"HEALPix resolution of a sky map. Default: {DEFAULT_NSIDE}.", "--nside")
]
Positions = Annotated[
    str | None,
    unset(
        "Instead of a map: RA,DEC in degrees (several: '10,-20 30,-45'), or a CSV file with columns ra, dec.",
        "--positions",
    ),
]
StarTable = Annotated[
    Path | None,
    unset(
        "Instead of drawn stars: a table of your own (CSV, ECSV, Parquet or FITS) with class, ra, dec; "
        "each is observed where and as bright as it is.",
        "--stars",
    ),
]
Magnitudes = Annotated[
    str | None,
    unset(
        "Mean r magnitudes, separated by commas. Default: 17,19,21,22,23,24 (LSST), 14,16,18,19,20 (ZTF).",
        "--magnitudes",
        "--mag",
    ),
]
StarsPerPosition = Annotated[
    int, typer.Option("--stars-per-position", help="Stars per position, class and magnitude.", min=1)
]
MaxVisits = Annotated[
    int,
    typer.Option("--max-visits", help="Positions with more visits (deep fields) are thinned to this many."),
]
Method = Annotated[
    Literal["harmonic", "learned"],
    typer.Option(
        "--method",
        help="How periods are found. harmonic: the blind search. learned: by comparing the light curves "
        "with the shapes and colours of all classes of the source model; a period stated with less than "
        "0.5 counts as none.",
    ),
]
#: Options of `fit` and `catalog fit`.
PeriodRange = Annotated[str, typer.Option(help="Shortest and longest period in days, e.g. 0.2,1.2.")]
PriorClasses = Annotated[
    str | None,
    unset(
        "Classes that a star can have, with prior weights if you like: RRLYR,CEP or RRLYR=3,CEP=1. "
        "Default: all of the model, alike.",
        "--classes",
    ),
]
Unseen = Annotated[
    float, typer.Option("--unseen", help="Prior probability of a shape unlike all classes.", min=0.0, max=1.0)
]
NoPeriod = Annotated[
    float, typer.Option("--no-period", help="Prior probability that a star has no period.", min=0.0, max=1.0)
]
FitMethod = Annotated[
    Literal["learned", "harmonic"],
    typer.Option(
        "--method",
        help="Compare with shapes learned from real stars, or run the blind search alone: fast, and "
        "without classes and probabilities.",
    ),
]
Colours = Annotated[
    bool,
    typer.Option(
        "--colours/--no-colours",
        help="Use mean colours. Not where zero points are unsure or the extinction is large.",
    ),
]
Candidates = Annotated[
    int, typer.Option("--candidates", help="Periods of a star, the best and its alternatives.", min=1, max=8)
]
Workers = Annotated[
    int, typer.Option("--workers", help="Processes that share the work (several need Dask).", min=1)
]
Scheduler = Annotated[
    str | None,
    unset(
        "Address of a Dask scheduler whose workers to use instead, e.g. tcp://10.0.0.1:8786.", "--scheduler"
    ),
]
RunSeed = Annotated[int, typer.Option("--seed", help="Seed of every random draw.", min=0)]
OutDir = Annotated[Path, typer.Option("--out-dir", help="Folder for the results.")]
NoClobber = Annotated[bool, typer.Option("--no-clobber", help="Stop rather than replace earlier results.")]
Json = Annotated[bool, typer.Option("--json", help="Print results as JSON on stdout.")]
MafPlots = Annotated[bool, typer.Option("--maf-plots", help="Also write MAF's plots.")]
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
