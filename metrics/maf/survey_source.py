"""Surveys in the form MAF wants: a database and its column names, or an array."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol, TypedDict, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.bands import SurveyName, parse_bands
from pelsvae_cadence.cadence.soundness import check_database, check_hash, file_sha256
from pelsvae_cadence.cadence.survey import FOV_RADIUS, Cadence, Survey
from pelsvae_cadence.cadence.tables import find_columns, guess_survey, read_survey
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.parallel.checkpoints import fingerprint

__all__ = ["PositionCadence", "SurveySource", "open_survey"]

_SQLITE_HEADER: Final = b"SQLite format 3\x00"
# The tables MAF looks for by itself; any other name has to be given.
_TABLES: Final = ("observations", "SummaryAllProps", "summary", "exposures", "visits")
# Positions of a synthetic survey: a map of nside 16 in all, some 3 million visits in memory.
_MOST_POSITIONS: Final = 5000
# It puts its visits exactly on the positions, and none may reach another one (degrees).
_ON_POSITION: Final = 1e-4


@runtime_checkable
class PositionCadence(Cadence, Protocol):
    """A cadence that makes its visits position by position (the synthetic survey)."""

    def opsim_table(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> pd.DataFrame:
        """Give the visits of some positions (degrees), with OpSim's column names: a row per position and visit."""


class _Keywords(TypedDict):
    visit_id_col: str | None
    seeing_col: str | None
    mjd_is_middle: bool


@dataclass(frozen=True, kw_only=True)
class SurveySource:
    """A survey as MAF takes it.

    Parameters
    ----------
    name : str
        Name of the run.
    survey : {"lsst", "ztf"}
        Whose filters and noise apply.
    columns : dict
        Column names, in the manner of ``rubin_sim.maf.batches.col_map_dict``; None for columns
        that the table does not have.
    visit_id, seeing : str or None
        Columns of visit number and effective seeing.
    mjd_is_middle : bool
        The times are those of mid-exposure.
    database : str or None
        The sqlite file.
    table : str or None
        Its table.
    array : numpy structured array or None
        The visits, where they are in memory.
    by_position : bool
        Each visit lies exactly on the position it was made for.
    """

    name: str
    survey: SurveyName
    columns: dict[str, Any]
    visit_id: str | None
    seeing: str | None
    mjd_is_middle: bool
    database: str | None = None
    table: str | None = None
    array: npt.NDArray[Any] | None = None
    by_position: bool = False

    @cached_property
    def file_hash(self) -> str:
        """SHA-256 of the database, ``""`` where the visits are in memory."""
        return "" if self.database is None else file_sha256(Path(self.database))

    @cached_property
    def content_hash(self) -> str:
        """Hash of the visits, wherever they are."""
        return self.file_hash or fingerprint(self.array)

    @property
    def keywords(self) -> _Keywords:
        """Columns that MAF's map of column names does not know, as keywords of the metrics."""
        return {"visit_id_col": self.visit_id, "seeing_col": self.seeing, "mjd_is_middle": self.mjd_is_middle}

    def reach(self, radius: float | None = None) -> float:
        """Give the radius in degrees within which a pointing sees a position.

        Visits that were made for a position reach that one alone, whatever the radius.
        """
        return _ON_POSITION if self.by_position else radius or FOV_RADIUS[self.survey]

    def first_and_last_visit(self, constraint: str = "") -> tuple[float, float]:
        """Find the first and the last visit anywhere on the sky: MJD (TAI), as in the time column."""
        column = self.columns["mjd"]
        if self.array is not None:
            return float(self.array[column].min()), float(self.array[column].max())
        where = f" where ({constraint})" if constraint else ""
        query = f'select min("{column}"), max("{column}") from "{self.table}"{where}'
        with closing(_connect(Path(str(self.database)))) as connection:
            first, last = connection.execute(query).fetchone()
        return float(first), float(last)


def _connect(path: Path) -> sqlite3.Connection:
    """Open a database to read it, which makes no file where there is none."""
    return sqlite3.connect(f"file:{path.resolve().as_posix()}?mode=ro", uri=True)


def open_survey(
    cadence: str | Path | Survey | PositionCadence,
    *,
    positions: Sequence[tuple[float, float]],
    survey: SurveyName | None = None,
    constraint: str = "",
    sha256: str | None = None,
) -> SurveySource:
    """Open a survey for MAF.

    Parameters
    ----------
    cadence : str, Path, Survey or SyntheticSurvey
        An sqlite database, a CSV or Parquet table, or an object in memory.
    positions : sequence of (ra, dec)
        Positions in degrees at which a synthetic survey makes its visits.
    survey : {"lsst", "ztf"}, optional
        Whose filters and noise apply; told from bands and depths by default.
    constraint : str
        SQL condition on the visits. It is checked here, so that MAF need not skip the run with a
        warning.
    sha256 : str, optional
        SHA-256 that the file must have; by default what ``FILE.sha256`` beside it says, if there
        is one.

    Returns
    -------
    SurveySource
        The survey.

    Raises
    ------
    InputError
        If the survey cannot be read, has another hash or is damaged, columns are missing, or no
        visit fits the constraint.
    """
    if not isinstance(cadence, (str, Path)):
        if not isinstance(cadence, (Survey, PositionCadence)):
            raise InputError(
                f"a {type(cadence).__name__} is no survey", allowed="a file, a Survey, or a SyntheticSurvey"
            )
        if sha256 is not None:
            raise InputError(f"sha256 is given for {cadence.name}, which is no file", remedy="Leave it out.")
        if survey not in (None, cadence.survey):
            raise InputError(
                f"survey = {survey!r} for {cadence.name}, whose filters and noise are those of "
                f"{cadence.survey!r}",
                remedy="Leave it out: only a file's survey can be named.",
            )
        if isinstance(cadence, Survey):
            return _from_survey(cadence, constraint)
        return _from_positions(cadence, positions, constraint)
    path = Path(cadence)
    if path.is_file():
        with path.open("rb") as stream:
            if stream.read(len(_SQLITE_HEADER)) == _SQLITE_HEADER:
                return _from_sqlite(path, survey, constraint, sha256)
    return _from_survey(read_survey(path, survey=survey, constraint=constraint, sha256=sha256))


def _from_sqlite(path: Path, survey: SurveyName | None, constraint: str, sha256: str | None) -> SurveySource:
    certain = check_hash(path, sha256)
    connection = _connect(path)
    try:
        if not certain:
            check_database(connection, path.name)
        tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        known = {name.lower(): name for name in tables}
        table = next((known[t.lower()] for t in _TABLES if t.lower() in known), None)
        if table is None:
            raise InputError(
                f"{path.name} has no survey table (its tables: {', '.join(tables) or 'none'})",
                allowed=", ".join(_TABLES),
            )
        own = [row[1] for row in connection.execute(f'pragma table_info("{table}")')]
        found = find_columns(own)
        where = f" where ({constraint})" if constraint else ""
        query = f'select "{found["band"]}", count(*), avg("{found["m5"]}") from "{table}"{where}'
        rows = connection.execute(f'{query} group by "{found["band"]}"').fetchall()
        _refuse_gaps(connection, table, found, where)
        unique = True
        if "visit_id" in found:
            n, n_ids = connection.execute(
                f'select count(*), count(distinct "{found["visit_id"]}") from "{table}"{where}'
            ).fetchone()
            unique = n == n_ids
    except sqlite3.Error as error:
        raise InputError(
            f"constraint {constraint!r} on {path.name} fails: {error}"
            if constraint
            else f"{path.name} cannot be read: {error}"
        ) from error
    finally:
        connection.close()
    if not rows:
        why = f"satisfies {constraint!r}" if constraint else "is in the table"
        raise InputError(f"no visit of {path.name} {why}")
    if survey is None:
        names, counts, depths = zip(*rows, strict=True)
        repeats = np.maximum(1, np.round(100 * np.array(counts) / np.sum(counts))).astype(int)
        survey = guess_survey(
            np.repeat(np.array(names, dtype=str), repeats),
            np.repeat(np.array(depths, dtype=np.float64), repeats),
        )
    parse_bands([row[0] for row in rows], survey)  # an unknown band is said before MAF starts
    return SurveySource(
        name=path.name.split(".db")[0],
        survey=survey,
        columns=_column_map(found),
        visit_id=found.get("visit_id") if unique else None,
        seeing=found.get("seeing"),
        mjd_is_middle="middle" in found,
        database=str(path),
        table=table,
    )


def _refuse_gaps(connection: sqlite3.Connection, table: str, found: dict[str, str], where: str) -> None:
    """Name the first column that MAF needs as a number and that is something else somewhere."""
    for key in ("start", "middle", "m5", "ra", "dec"):
        if key not in found:
            continue
        column = found[key]
        bad = f"typeof(\"{column}\") not in ('real', 'integer')"
        condition = f"{where} and {bad}" if where else f" where {bad}"
        (n,) = connection.execute(f'select count(*) from "{table}"{condition}').fetchone()
        if n:
            raise InputError(
                f"{column} is not a number in {n} visits of the table",
                remedy=f'Leave them out with a constraint, e.g. "{column} is not null".',
            )


def _column_map(found: dict[str, str]) -> dict[str, Any]:
    return {
        "ra": found["ra"],
        "dec": found["dec"],
        "raDecDeg": True,
        "mjd": found.get("start") or found["middle"],
        "exptime": found.get("exptime"),
        "band": found["band"],
        "filter": found["band"],
        "fiveSigmaDepth": found["m5"],
        "night": found.get("night"),
        "rotSkyPos": found.get("rotation"),
    }


def _from_survey(survey: Survey, constraint: str = "") -> SurveySource:
    """Make an array of a survey in memory, with mid-exposure times as they are."""
    if constraint:
        raise InputError(
            f"constraint {constraint!r} on {survey.name}, which is already in memory",
            remedy="Give the constraint when reading the survey.",
        )
    frame = {
        "fieldRA": survey.ra,
        "fieldDec": survey.dec,
        "exp_midpt_mjd": survey.mjd,
        "band": survey.band,
        "fiveSigmaDepth": survey.m5,
        "night": survey.night,
        "visitExposureTime": survey.exptime,
        "observationId": survey.visit_id,
        "seeingFwhmEff": survey.seeing,
        "rotSkyPos": survey.rotation,
    }
    present = {name: values for name, values in frame.items() if values is not None}
    return _from_arrays(survey.name, survey.survey, present)


def _from_positions(
    cadence: PositionCadence, positions: Sequence[tuple[float, float]], constraint: str
) -> SurveySource:
    """Let a synthetic survey make its visits to each position."""
    if len(positions) > _MOST_POSITIONS:
        raise InputError(
            f"a synthetic survey of {len(positions)} positions",
            allowed=f"1 .. {_MOST_POSITIONS}",
            remedy="Choose a coarser map (a smaller nside) or fewer positions.",
        )
    ra, dec = (np.array(values) for values in zip(*positions, strict=True))
    frame = pd.DataFrame(cadence.opsim_table(ra, dec))
    if constraint:
        # One SQL dialect everywhere: let sqlite select the rows.
        with sqlite3.connect(":memory:") as connection:
            frame.to_sql("observations", connection, index_label="_row")
            try:
                rows = pd.read_sql(f"select _row from observations where {constraint}", connection)
                frame = frame.loc[rows["_row"]]
            except pd.errors.DatabaseError as error:
                raise InputError(
                    f"constraint {constraint!r} on {cadence.name} fails: {error.__cause__}"
                ) from error
        connection.close()
    if frame.empty:
        raise InputError(f"no visit of {cadence.name} satisfies {constraint!r}")
    columns = {str(name): frame[name].to_numpy() for name in frame.columns}
    return _from_arrays(cadence.name, cadence.survey, columns, by_position=True)


def _from_arrays(
    name: str, survey: SurveyName, columns: dict[str, npt.NDArray[Any]], *, by_position: bool = False
) -> SurveySource:
    found = find_columns(columns)
    return SurveySource(
        name=name,
        survey=survey,
        columns=_column_map(found),
        visit_id=found.get("visit_id"),
        seeing=found.get("seeing"),
        mjd_is_middle="middle" in found,
        array=_records(columns),
        by_position=by_position,
    )


def _records(columns: dict[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Make a structured array; text becomes fixed-width, since MAF copies the rows about."""
    plain = {
        name: value.astype(str) if value.dtype.kind not in "biuf" else value
        for name, value in columns.items()
    }
    n = next(iter(plain.values())).size
    array = np.empty(n, dtype=[(name, value.dtype) for name, value in plain.items()])
    for name, value in plain.items():
        array[name] = value
    return array
