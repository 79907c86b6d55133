"""What was typed on the command line: numbers, names, positions, and the survey it names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pelsvae_cadence.core.console import messages
from pelsvae_cadence.core.errors import InputError

if TYPE_CHECKING:
    from pelsvae_cadence.bands import SurveyName
    from pelsvae_cadence.cadence.survey import Cadence

__all__ = [
    "exclude_each_other",
    "load_cadence",
    "numbers",
    "pair",
    "parse_class_mix",
    "parse_positions",
    "refuse_existing",
    "words",
]


def numbers(text: str, option: str) -> tuple[float, ...]:
    """Read finite numbers, separated by commas or blanks, from an option."""
    try:
        values = tuple(float(part) for part in text.replace(",", " ").split())
    except ValueError:
        values = ()
    if not values or not all(math.isfinite(value) for value in values):
        raise InputError(f"{option} {text!r} is not a list of numbers", allowed="e.g. 18,20,22")
    return values


def pair(text: str, option: str) -> tuple[float, float]:
    """Read two finite numbers, the ends of a range, from an option."""
    values = numbers(text, option)
    if len(values) != 2:
        raise InputError(f"{option} {text!r}", allowed="two numbers, e.g. 16,24")
    return values[0], values[1]


def words(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """Read names, separated by commas or in a repeated option."""
    parts = [text] if isinstance(text, str) else text or ()
    return tuple(name.strip() for part in parts for name in part.split(",") if name.strip())


def parse_class_mix(text: str) -> dict[str, float]:
    """Read classes and their shares: ``"RRab"``, ``"RRab,RRc"`` (equal shares) or ``"RRab=0.7,RRc=0.3"``."""
    mix: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        name = name.strip()
        try:
            weight = float(share) if share else 1.0
        except ValueError:
            raise InputError(f"share {share!r} of {name}", allowed="e.g. RRab=0.7,RRc=0.3") from None
        if name in mix:
            raise InputError(f"class {name!r} is named twice")
        mix[name] = weight
    return mix


def exclude_each_other(**options: object) -> None:
    """Refuse more than one of some options, given by the names of their parameters."""
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value is not None]
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)} exclude each other", remedy="Give one of them.")


def load_cadence(
    db: Path | None,
    synthetic: str | None,
    *,
    seed: int,
    survey: SurveyName | None = None,
    constraint: str = "",
    sha256: str | None = None,
) -> Cadence:
    """Read the survey table, or make the synthetic survey; without either the synthetic LSST."""
    from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
    from pelsvae_cadence.cadence.tables import read_survey

    exclude_each_other(db=db, synthetic=synthetic)
    if db is not None:
        with messages.status(f"reading {db.name}"):
            return read_survey(db, survey=survey, constraint=constraint, sha256=sha256)
    for given, option in ((constraint, "--constraint"), (sha256, "--sha256"), (survey, "--survey")):
        if given:
            raise InputError(
                f"{option} needs a table (--db): a synthetic survey has none", remedy="Leave it out."
            )
    return SyntheticSurvey(preset=(synthetic or "lsst").lower(), seed=seed)


def parse_positions(text: str) -> list[tuple[float, float]]:
    """Read sky positions from the command line or a file, in degrees.

    ``"RA,DEC"``, several separated by blanks or semicolons; or the name of a CSV file with columns
    ``ra`` and ``dec`` (or two columns without a header).
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
    """Stop before files would be replaced, where that is forbidden."""
    existing = [path for path in paths if path.exists()]
    if no_clobber and existing:
        raise InputError(
            f"{existing[0]} exists already and --no-clobber forbids to replace it",
            remedy="Choose another --out-dir.",
        )
