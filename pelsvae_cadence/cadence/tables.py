"""Read survey tables: OpSim databases, ZTF logs, CSV and Parquet, whatever they call a column."""

from __future__ import annotations

import re
import sqlite3
import tarfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.bands import SURVEYS, SurveyName, parse_bands
from pelsvae_cadence.cadence.soundness import (
    check_database,
    check_hash,
    check_names,
    check_visits,
    file_sha256,
)
from pelsvae_cadence.cadence.survey import Survey, local_nights, unit_vectors
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.times import mid_exposure

__all__ = ["COLUMN_NAMES", "file_sha256", "find_columns", "guess_survey", "read_survey", "survey_from_frame"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: What tables in the wild call each column; earlier names win. Lower case: case does not matter.
COLUMN_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "start": ("observationstartmjd", "obs_start_mjd", "obsstartmjd", "expmjd", "obsmjd", "mjd_start"),
    "middle": ("exp_midpt_mjd", "expmidptmjd", "obs_midpt_mjd", "midpointmjdtai", "mjd"),
    "ra": ("fieldra", "s_ra", "ra", "ra_deg", "_ra"),
    "dec": ("fielddec", "s_dec", "dec", "decl", "dec_deg", "_dec"),
    "band": ("band", "filter", "filtercode", "physical_filter"),
    "m5": ("fivesigmadepth", "stats_mag_lim_median", "maglim", "limmag", "diffmaglim", "m5", "maglimit"),
    "exptime": ("visitexposuretime", "exptime", "exposure_time", "exp_time"),
    "night": ("night",),
    "visit_id": ("observationid", "visitid", "visit_id", "expid", "visit"),
    "airmass": ("airmass",),
    "seeing": ("seeingfwhmeff", "seeing", "fwhm_eff"),
    "rotation": ("rotskypos", "sky_rotation"),
    "detector": ("detector",),
}
# These are in radians (pointing tables of the package redback).
_RADIANS: Final = ("_ra", "_dec")

_DEFAULT_EXPTIME: Final = 30.0
# A ZTF table that names its bands like LSST's is known by its depth: LSST visits reach r = 22.5.
_ZTF_R_DEPTH: Final = 22.2
_GZIP: Final = b"\x1f\x8b"
_TABLES: Final = (
    "observations",
    "exposures",
    "summaryallprops",
    "summary",
    "visits",
    "visit",
    "visit1",
    "ccdvisit",
)
# Detectors of one visit are read out together; anything farther apart is another visit.
_SAME_VISIT: Final = 60.0 / 86400.0


def find_columns(names: Iterable[str]) -> dict[str, str]:
    """Match the columns of a table to what they mean.

    Examples
    --------
    >>> found = find_columns(["observationStartMJD", "fieldRA", "fieldDec", "filter",
    ...                       "fiveSigmaDepth"])
    >>> found["band"], found["start"]
    ('filter', 'observationStartMJD')
    """
    own = list(names)
    lower = {name.lower(): name for name in reversed(own)}
    found = {
        key: next(lower[alias] for alias in aliases if alias in lower)
        for key, aliases in COLUMN_NAMES.items()
        if any(alias in lower for alias in aliases)
    }
    if "start" in found:
        found.pop("middle", None)
    needed = {
        "ra": "fieldRA",
        "dec": "fieldDec",
        "band": "band or filter",
        "m5": "fiveSigmaDepth",
        "start": "observationStartMJD",
    }
    for key, usual in needed.items():
        if key not in found and not (key == "start" and "middle" in found):
            raise InputError(
                f"the survey table has no {usual} column (its columns: {', '.join(own)})",
                allowed=", ".join(COLUMN_NAMES[key]) + ", in any case",
                remedy="Rename the column.",
            )
    check_names(own, found, COLUMN_NAMES)
    return found


def guess_survey(band: npt.ArrayLike, m5: npt.ArrayLike) -> SurveyName:
    """Tell an LSST table from a ZTF table.

    Parameters
    ----------
    band : array_like of str
        Band names as in the table.
    m5 : array_like
        Five-sigma depths in mag.

    Returns
    -------
    {"lsst", "ztf"}
        ZTF if all bands are g, r, i (or zg, zr, zi) and the median depth is brighter than 22.2.
    """
    names = {re.sub(r"_\d+$", "", str(name)).lower() for name in np.unique(np.asarray(band, str))}
    depth = float(np.nanmedian(np.asarray(m5, dtype=np.float64)))
    ztf_names = {"g", "r", "i", "zg", "zr", "zi", "ztfg", "ztfr", "ztfi", "ztf_g", "ztf_r", "ztf_i"}
    return "ztf" if names <= ztf_names and depth < _ZTF_R_DEPTH else "lsst"


def read_survey(
    path: str | Path,
    *,
    survey: SurveyName | None = None,
    constraint: str = "",
    name: str | None = None,
    sha256: str | None = None,
) -> Survey:
    """Read a survey table.

    Such tables carry no checksums. Damage is looked for (`pelsvae_cadence.cadence.soundness`), and
    what leaves no trace is found by the file's hash alone.

    Parameters
    ----------
    path : str or Path
        An OpSim, ConsDB or ZTF sqlite database (``.db``, ``.sqlite``), a CSV (also gzip'd,
        whatever its name) or a Parquet file, such as a visit or CCD-visit table of a data
        release. See `COLUMN_NAMES` for the columns it may have.
    survey : {"lsst", "ztf", "joint"}, optional
        Whose filters and noise apply; by default told from bands and depths.
    constraint : str, optional
        SQL condition on the rows, as in MAF: ``"night < 366 and band = 'r'"``. SQLite evaluates
        it, whatever the file; it may name any column.
    name : str, optional
        Name of the run; by default the file's name without suffix.
    sha256 : str, optional
        SHA-256 that the file must have; by default what ``FILE.sha256`` beside it says, if there is
        one. A file that has its hash is taken at its word, odd visits included.

    Returns
    -------
    Survey
        All pointings.

    Raises
    ------
    InputError
        If the file is missing or no survey table, has another hash or looks damaged, a column is
        missing, the constraint is wrong or fits no row, or times, depths or positions are not
        usable.
    """
    file = Path(path)
    if file.is_dir() or not file.exists():
        what = "is a directory" if file.is_dir() else "does not exist"
        raise InputError(f"survey table {file} {what}", remedy="Give the path of a database file.")
    if survey is not None and survey not in SURVEYS:
        raise InputError(f"unknown survey {survey!r}", allowed=", ".join(SURVEYS))
    certain = check_hash(file, sha256)
    with file.open("rb") as stream:
        start = stream.read(16)
    try:
        if start.startswith(_GZIP) or file.suffix.lower() == ".csv":
            frame, number = _read_csv(file, "gzip" if start.startswith(_GZIP) else None, constraint)
        elif start.startswith(b"PAR1"):
            names = import_module("pyarrow.parquet").read_schema(file).names
            frame, number = _read(names, lambda columns: pd.read_parquet(file, columns=columns), constraint)
        else:
            frame, number = _read_sqlite(file, start, constraint, check=not certain)
    except ImportError as error:
        raise InputError(
            f"reading {file.name} needs pyarrow", remedy="pip install 'pelsvae-cadence[scale]'"
        ) from error
    except InputError:
        raise
    except (sqlite3.Error, pd.errors.DatabaseError) as error:
        hint = f"constraint {constraint!r} on " if constraint else ""
        raise InputError(f"{hint}{file.name} fails: {str(error.__cause__ or error).strip()}") from error
    except (ValueError, EOFError, OSError, zlib.error) as error:  # pandas' own are ValueErrors
        raise InputError(f"survey table {file} cannot be read: {error}") from error
    if frame.empty:
        why = f"satisfies {constraint!r}" if constraint else "is in the table"
        raise InputError(f"no visit of {file.name} {why}")
    found = _survey(frame, number, survey=survey, name=name or file.name.split(".db")[0], path=str(file))
    if not certain:
        own = find_columns([str(column) for column in frame.columns]).get("visit_id")
        one_row_a_visit = own is not None and len(frame) == len(found)
        check_visits(found, visit_id=_numeric(frame[own]) if one_row_a_visit else None)
    return found


def _read_csv(file: Path, compression: str | None, constraint: str) -> tuple[pd.DataFrame, IntArray]:
    if compression and tarfile.is_tarfile(file):
        raise InputError(f"{file} is an archive", remedy="Unpack it and give the table inside.")
    names = pd.read_csv(file, compression=compression, nrows=0).columns
    return _read(
        names, lambda columns: pd.read_csv(file, compression=compression, usecols=columns), constraint
    )


def _read(
    names: Iterable[str], read: Callable[[list[str]], pd.DataFrame], constraint: str
) -> tuple[pd.DataFrame, IntArray]:
    """Read the columns that are needed, and let SQLite choose rows where there is a constraint."""
    names = [str(name) for name in names]
    found = find_columns(names)
    asked = [name for name in names if name.lower() in constraint.lower()]
    frame = read(list(dict.fromkeys([*found.values(), *asked])))
    if not constraint:
        return frame, _visit_numbers(frame, found)
    with closing(sqlite3.connect(":memory:")) as connection:
        frame.to_sql("visits", connection, index=False)
        return _select(connection, "visits", found, constraint)


def _read_sqlite(file: Path, start: bytes, constraint: str, *, check: bool) -> tuple[pd.DataFrame, IntArray]:
    if start != b"SQLite format 3\x00":
        raise InputError(
            f"{file} is not an sqlite database", allowed="sqlite (.db), .csv (also gzip'd), .parquet"
        )
    address = f"file:{file.resolve().as_posix()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        if check:
            check_database(connection, file.name)
        tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        known = {table.lower(): table for table in tables}
        table = next((known[t] for t in _TABLES if t in known), tables[0] if len(tables) == 1 else None)
        if table is None:
            raise InputError(
                f"{file.name} has no survey table (its tables: {', '.join(tables) or 'none'})",
                allowed=", ".join(_TABLES),
            )
        columns = [row[1] for row in connection.execute(f'pragma table_info("{table}")')]
        return _select(connection, table, find_columns(columns), constraint)


def _select(
    connection: sqlite3.Connection, table: str, found: Mapping[str, str], constraint: str
) -> tuple[pd.DataFrame, IntArray]:
    """Read the rows that satisfy a constraint, and the numbers of their visits in the whole table."""
    own = ", ".join(f'"{column}"' for column in dict.fromkeys(found.values()))
    if not constraint:
        frame = pd.read_sql(f'select {own} from "{table}"', connection)
        return frame, _visit_numbers(frame, found)
    frame = pd.read_sql(f'select {own}, _rowid_ as _row from "{table}" where {constraint}', connection)
    ids = "".join(f', "{found[key]}"' for key in ("visit_id", "detector") if key in found)
    whole = pd.read_sql(f'select _rowid_ as _row{ids} from "{table}" order by _rowid_', connection)
    return frame, _visit_numbers(whole, found)[np.searchsorted(whole["_row"], frame.pop("_row"))]


def _numeric(column: pd.Series[Any]) -> FloatArray:
    """Read numbers; NaN where there is none."""
    parsed = pd.to_numeric(column, errors="coerce")
    return np.asarray(parsed.to_numpy(np.float64, na_value=np.nan))


def _visit_numbers(table: pd.DataFrame, found: Mapping[str, str]) -> IntArray:
    """Give visits their own numbers if each has one, and their places in the table otherwise.

    They are those of the whole table, so that a visit's noise is the same under any constraint.
    """
    if "visit_id" not in found:
        return np.arange(len(table), dtype=np.int64)
    own = table[found["visit_id"]]
    joined = "detector" in found and own.duplicated().any()
    numbers = pd.to_numeric(own, errors="coerce")
    once = numbers[own.notna()].drop_duplicates() if joined else numbers
    if np.isfinite(once.to_numpy(np.float64, na_value=np.nan)).all() and once.is_unique:
        return np.asarray(numbers.fillna(-1).to_numpy(np.int64))
    return np.asarray(pd.factorize(own)[0] if joined else np.arange(len(table)), dtype=np.int64)


def survey_from_frame(
    frame: pd.DataFrame | Mapping[str, Any],
    *,
    survey: SurveyName | None = None,
    name: str = "survey",
    path: str = "",
) -> Survey:
    """Make a survey from a table in memory.

    Parameters
    ----------
    frame : pandas.DataFrame or mapping of arrays
        One row per visit, with columns as in `COLUMN_NAMES`.
    survey : {"lsst", "ztf", "joint"}, optional
        Whose filters and noise apply; by default told from bands and depths.
    name : str
        Name of the run.
    path : str
        File it came from, for provenance.

    Returns
    -------
    Survey
        All pointings. Times are mid-exposure: start plus half the exposure where the table holds
        starts. Nights are the table's own, or counted from its first night at local noon. Rows
        of one visit that differ in ``detector`` become one pointing, at their mean position with
        their median depth and seeing. Columns ``_ra`` and ``_dec`` are in radians, all others in
        degrees.

    Raises
    ------
    InputError
        If a column is missing or holds values that cannot be used.
    """
    table = pd.DataFrame(frame)
    number = _visit_numbers(table, find_columns([str(column) for column in table.columns]))
    return _survey(table, number, survey=survey, name=name, path=path)


def _survey(
    table: pd.DataFrame, number: IntArray, *, survey: SurveyName | None, name: str, path: str
) -> Survey:
    found = find_columns([str(column) for column in table.columns])
    table = table.assign(_visit_number=number)
    if "detector" in found and "visit_id" in found:
        table = _join_detectors(table, found)

    def numbers(key: str, meaning: str) -> FloatArray:
        column = found[key]
        values = _numeric(table[column])
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise InputError(
                f"{column} ({meaning}) is not a number in {bad.size} of {values.size} visits, "
                f"first in row {bad[0]}",
                remedy=f'Leave them out with a constraint, e.g. "{column} is not null".',
            )
        return values

    m5 = numbers("m5", "five-sigma depth")
    raw_band = table[found["band"]].astype(str).to_numpy()
    which = survey or guess_survey(raw_band, m5)
    band = parse_bands(raw_band, which)
    exptime = (
        numbers("exptime", "exposure time") if "exptime" in found else np.full(len(table), _DEFAULT_EXPTIME)
    )
    if "start" in found:
        mjd = mid_exposure(numbers("start", "start of exposure"), exptime)
    else:
        mjd = numbers("middle", "mid-exposure time")
    if "night" in found:
        night = numbers("night", "night").astype(np.int64)
    else:
        night = local_nights(mjd, which)
        night -= night.min()
    optional = {key: _complete(table, found.get(key)) for key in ("airmass", "seeing", "rotation")}
    ra, dec = numbers("ra", "right ascension"), numbers("dec", "declination")
    ra = np.degrees(ra) if found["ra"].lower() in _RADIANS else ra
    dec = np.degrees(dec) if found["dec"].lower() in _RADIANS else dec
    return Survey(
        name=name,
        survey=which,
        ra=ra,
        dec=dec,
        mjd=mjd,
        band=band,
        m5=m5,
        night=night,
        visit_id=table["_visit_number"].to_numpy(np.int64),
        exptime=exptime,
        path=path,
        **optional,
    )


def _join_detectors(table: pd.DataFrame, found: Mapping[str, str]) -> pd.DataFrame:
    """Make one row of the detectors of each visit."""
    visit, time = found["visit_id"], found.get("start") or found["middle"]
    if not table[visit].duplicated().any():
        return table
    repeats = table.duplicated([visit, found["detector"]])
    if repeats.any():
        raise InputError(
            f"{int(repeats.sum())} rows repeat a {visit} and {found['detector']}",
            remedy="Remove the repeated rows.",
        )
    if found["ra"].lower() in _RADIANS:
        raise InputError(f"detector rows with {found['ra']} in radians", remedy="Give degrees.")
    vectors = unit_vectors(table[found["ra"]], table[found["dec"]])
    rows = table.assign(**{f"_{axis}": vectors[:, k] for k, axis in enumerate("xyz")})
    groups = rows.groupby(visit, sort=False)
    if (groups[time].max() - groups[time].min() > _SAME_VISIT).any():
        raise InputError(f"rows of one {visit} differ in {time} by more than a minute")
    medians = [
        found[key] for key in ("start", "middle", "m5", "exptime", "airmass", "seeing") if key in found
    ]
    joined = groups[[column for column in rows.columns if column != visit]].first()
    joined[medians] = groups[medians].median()
    x, y, z = (groups[f"_{axis}"].mean() for axis in "xyz")
    joined[found["ra"]] = np.degrees(np.arctan2(y, x)) % 360.0
    joined[found["dec"]] = np.degrees(np.arctan2(z, np.hypot(x, y)))
    return joined.reset_index()


def _complete(table: pd.DataFrame, column: str | None) -> FloatArray | None:
    """Read a column that may be missing; one with gaps counts as missing."""
    if column is None:
        return None
    values = _numeric(table[column])
    return values if np.isfinite(values).all() else None
