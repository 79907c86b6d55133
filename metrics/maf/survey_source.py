"""Surveys in the form MAF wants: an array of visits, and what its columns are called."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol, TypedDict, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence.soundness import file_sha256
from pelsvae_cadence.cadence.survey import FOV_RADIUS, Cadence, Survey
from pelsvae_cadence.cadence.tables import find_columns, read_survey
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.parallel.checkpoints import fingerprint

__all__ = ["PositionCadence", "SurveySource", "named_columns", "open_survey"]

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
    array : numpy structured array
        The visits.
    file : str
        The file they were read from, ``""`` if there is none.
    field_radius : float or None
        Radius of the field of view in degrees, where it is not the survey's own.
    by_position : bool
        Each visit lies exactly on the position it was made for.
    """

    name: str
    survey: SurveyName
    columns: dict[str, Any]
    visit_id: str | None
    seeing: str | None
    mjd_is_middle: bool
    array: npt.NDArray[Any]
    file: str = ""
    field_radius: float | None = None
    by_position: bool = False

    @cached_property
    def file_hash(self) -> str:
        """SHA-256 of the file, ``""`` where there is none."""
        return file_sha256(Path(self.file)) if self.file else ""

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
        return _ON_POSITION if self.by_position else radius or self.field_radius or FOV_RADIUS[self.survey]

    def first_and_last_visit(self) -> tuple[float, float]:
        """Find the first and the last visit anywhere on the sky: MJD (TAI), as in the time column."""
        times = self.array[self.columns["mjd"]]
        return float(times.min()), float(times.max())


#: Columns that a user names to MAF, by what they mean in a survey table.
_MAF_COLUMNS: Final = {
    "mjd_col": "start",
    "m5_col": "m5",
    "band_col": "band",
    "night_col": "night",
    "exptime_col": "exptime",
    "visit_id_col": "visit_id",
    "seeing_col": "seeing",
}


def named_columns(cadence: Any, options: Any) -> dict[str, str | None]:
    """Take the columns that a user names out of the options of a metric.

    Parameters
    ----------
    cadence : str, Path or object
        The survey. A file is read under these names; one in memory keeps its own.
    options : dict
        Options of a metric, changed in place.

    Returns
    -------
    dict of str to str or None
        The columns by their meaning, as `read_survey` takes them.
    """
    if not isinstance(cadence, (str, Path)):
        return {}
    middle = bool(options.pop("mjd_is_middle", False))
    named = {meaning: options.pop(key) for key, meaning in _MAF_COLUMNS.items() if key in options}
    if middle and "start" in named:
        named["middle"] = named.pop("start")
    return named


def open_survey(
    cadence: str | Path | Survey | PositionCadence,
    *,
    positions: Sequence[tuple[float, float]],
    survey: SurveyName | None = None,
    constraint: str = "",
    sha256: str | None = None,
    columns: Mapping[str, str | None] | None = None,
) -> SurveySource:
    """Open a survey for MAF.

    A file is read as everywhere else (`pelsvae_cadence.cadence.tables.read_survey`), so that MAF and the
    rest of the package see the same visits.

    Parameters
    ----------
    cadence : str, Path, Survey or SyntheticSurvey
        An sqlite database, a CSV or Parquet table, or an object in memory.
    positions : sequence of (ra, dec)
        Positions in degrees at which a synthetic survey makes its visits.
    survey : {"lsst", "ztf"}, optional
        Whose filters and noise apply; told from bands and depths by default.
    constraint : str
        SQL condition on the visits.
    sha256 : str, optional
        SHA-256 that the file must have; by default what ``FILE.sha256`` beside it says, if there
        is one.
    columns : mapping of str to str or None, optional
        Columns of a file, where their names do not say what they are.

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
    return _from_survey(
        read_survey(cadence, survey=survey, constraint=constraint, sha256=sha256, columns=columns),
        file=str(cadence),
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


def _from_survey(survey: Survey, constraint: str = "", file: str = "") -> SurveySource:
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
    source = _from_arrays(survey.name, survey.survey, present)
    return replace(source, file=file, field_radius=survey.field_radius)


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
        with closing(sqlite3.connect(":memory:")) as connection:
            frame.to_sql("observations", connection, index_label="_row")
            try:
                rows = pd.read_sql(f"select _row from observations where {constraint}", connection)
                frame = frame.loc[rows["_row"]]
            except pd.errors.DatabaseError as error:
                raise InputError(
                    f"constraint {constraint!r} on {cadence.name} fails: {error.__cause__}"
                ) from error
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
