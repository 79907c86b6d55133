"""Read survey tables: OpSim databases, ZTF logs, CSV and Parquet, whatever they call a column.

Everything that reads a survey file - the library, the command line, the metrics - reads it here.
"""

from __future__ import annotations

import re
import sqlite3
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.bands import SURVEYS, SurveyName, parse_bands
from pelsvae_cadence.cadence.columns import COLUMN_NAMES, CORNERS, find_columns, plain_columns
from pelsvae_cadence.cadence.exposures import find_exposures, join_exposures
from pelsvae_cadence.cadence.soundness import check_hash, check_visits, file_sha256
from pelsvae_cadence.cadence.survey import Survey, local_nights
from pelsvae_cadence.cadence.table_cache import FEWEST_POINTINGS, KeptPointings
from pelsvae_cadence.cadence.table_files import read_table
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import OmissionWarning
from pelsvae_cadence.core.tables.files import open_table
from pelsvae_cadence.core.times import mid_exposure

__all__ = ["COLUMN_NAMES", "file_sha256", "find_columns", "guess_survey", "read_survey", "survey_from_frame"]

FloatArray = npt.NDArray[np.float64]

_DEFAULT_EXPTIME: Final = 30.0
# A ZTF table that names its bands like LSST's is known by its depth: LSST visits reach r = 22.5.
_ZTF_R_DEPTH: Final = 22.2


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
    names.discard("")
    depths = np.asarray(m5, dtype=np.float64)
    depths = depths[np.isfinite(depths)]
    depth = float(np.median(depths)) if depths.size else np.inf
    ztf_names = {"g", "r", "i", "zg", "zr", "zi", "ztfg", "ztfr", "ztfi", "ztf_g", "ztf_r", "ztf_i"}
    return "ztf" if names <= ztf_names and depth < _ZTF_R_DEPTH else "lsst"


def read_survey(
    path: str | Path,
    *,
    survey: SurveyName | None = None,
    constraint: str = "",
    name: str | None = None,
    sha256: str | None = None,
    columns: Mapping[str, str | None] | None = None,
    cache: bool | None = None,
) -> Survey:
    """Read a survey table.

    Such tables carry no checksums. Damage is looked for (`pelsvae_cadence.cadence.soundness`), and
    what leaves no trace is found by the file's hash alone.

    Parameters
    ----------
    path : str or Path
        An OpSim, ConsDB or ZTF sqlite database (``.db``, ``.sqlite``), a CSV (also gzip'd,
        whatever its name), Parquet, FITS, ECSV or VOTable file, such as a CCD-visit table of a
        data release. See `COLUMN_NAMES` for the columns it may have. Rows of one exposure (same
        moment, band and pointing; detectors) become one visit.
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
    columns : mapping of str to str or None, optional
        Columns of the file, by the keys of `COLUMN_NAMES`, where their names do not say what they
        are: ``{"m5": "depth_at_zenith"}``. None is a column to do without.
    cache : bool, optional
        Keep the pointings in the folder ``FILE.pointings`` beside the table, and take them from there
        while the table's content is the same; by default for large tables only. The environment
        variable ``PELSVAE_TABLE_CACHE`` names another folder, or is ``off``.

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
    title = name or file.name.split(".db")[0]
    how = {"survey": survey, "constraint": constraint, "name": title, "columns": columns, "certain": certain}
    kept = None if cache is False else KeptPointings.of(file, how)
    known = None if kept is None else kept.load()
    if known is not None:
        found, remark = known
        _say(remark)
        return found
    before = None if kept is None else kept.state()
    try:
        table = read_table(file, constraint, columns, check=not certain)
    except ImportError as error:
        raise InputError(
            f"reading {file.name} needs pyarrow", remedy="pip install 'pelsvae-cadence[scale]'"
        ) from error
    except InputError:
        raise
    except (sqlite3.Error, sqlite3.Warning, pd.errors.DatabaseError) as error:
        hint = f"constraint {constraint!r} on " if constraint else ""
        raise InputError(f"{hint}{file.name} fails: {str(error.__cause__ or error).strip()}") from error
    except (ValueError, EOFError, OSError, zlib.error) as error:  # pandas' own are ValueErrors
        raise InputError(f"survey table {file} cannot be read: {error}") from error
    if not table.kept.any():
        why = f"satisfies {constraint!r}" if constraint else "is in the table"
        raise InputError(f"no visit of {file.name} {why}")
    found, numbers, remark = _survey(
        plain_columns(table.columns, table.found),
        table.found,
        table.kept,
        survey=survey,
        name=title,
        path=str(file),
    )
    if not certain:
        check_visits(found, visit_id=numbers)
    if kept is not None and before is not None and (cache or len(found) >= FEWEST_POINTINGS):
        kept.store(found, remark, before)
    _say(remark)
    return found


def _say(remark: str) -> None:
    if remark:
        warnings.warn(remark, OmissionWarning, stacklevel=3)


def survey_from_frame(
    frame: Any, *, survey: SurveyName | None = None, name: str = "survey", path: str = ""
) -> Survey:
    """Make a survey from a table in memory.

    Parameters
    ----------
    frame : pandas.DataFrame, astropy or arrow table, or mapping of arrays
        One row per visit (or detector), with columns as in `COLUMN_NAMES`. Quantities and columns with
        units are converted.
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
        of one exposure become one pointing, at their mean position with their median depth and
        seeing, and rows that repeat another are dropped with a warning. Columns ``_ra`` and
        ``_dec`` are in radians, all others in degrees.

    Raises
    ------
    InputError
        If a column is missing or holds values that cannot be used.
    """
    source = open_table(pd.DataFrame(frame) if isinstance(frame, list | np.ndarray) else frame)
    found = find_columns(source.names)
    corners = [column for column in source.names if column.lower() in CORNERS]
    # The scalars of a mapping belong to every row.
    columns = frame if isinstance(frame, Mapping) else source.read([*found.values(), *corners]).columns
    table = plain_columns(columns, found)
    made, _, remark = _survey(
        table, found, np.ones(len(table), np.bool_), survey=survey, name=name, path=path
    )
    _say(remark)
    return made


def _survey(
    table: pd.DataFrame,
    found: dict[str, str],
    kept: npt.NDArray[np.bool_],
    *,
    survey: SurveyName | None,
    name: str,
    path: str,
) -> tuple[Survey, FloatArray | None, str]:
    """Make a survey of the rows kept of a table; also its visit numbers, if each row is a visit, and a remark.

    What the table is - whose survey, which rows are one exposure, the number and night of a visit, the
    field of view - is decided from all rows.
    """
    which = survey or guess_survey(table["band"], table["m5"])
    exposures = find_exposures(table, which, found)
    times = _middles(table)
    table = table.assign(_exposure=exposures.of_row, _number=exposures.visit_id)
    n_kept = np.bincount(exposures.of_row, weights=kept)
    # A constraint that chooses among the detectors of a visit changes the field of view, others do not.
    if ((n_kept > 0) & (n_kept < np.bincount(exposures.of_row))).any():
        rows, field, repeats = join_exposures(table[kept], exposures, which)
    else:
        rows, field, repeats = join_exposures(table, exposures, which)
        rows = rows[n_kept[rows["_exposure"]] > 0]
        repeats = repeats[n_kept[repeats] > 0]
    n_rows = int(kept.sum())
    remark = (
        f"{repeats.size} of {n_rows} rows of {name} left out: they repeat the time, band and pointing of "
        "another row, and one exposure is one visit"
        if repeats.size
        else ""
    )

    def numbers(key: str, meaning: str) -> FloatArray:
        column = found[key]
        values: FloatArray = rows[key].to_numpy(np.float64)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise InputError(
                f"{column} ({meaning}) is not a number in {bad.size} of {values.size} visits, "
                f"first in row {bad[0]}",
                remedy=f'Leave them out with a constraint, e.g. "{column} is not null".',
            )
        return values

    m5 = numbers("m5", "five-sigma depth")
    band = parse_bands(rows["band"].to_numpy(np.str_), which)
    if "exptime" in found:
        numbers("exptime", "exposure time")
    if "start" in found:
        numbers("start", "start of exposure")
    else:
        numbers("middle", "mid-exposure time")
    mjd, exptime = _middles(rows)
    if "night" in found:
        night = numbers("night", "night").astype(np.int64)
    else:
        known = times[0][np.isfinite(times[0])]
        night = local_nights(mjd, which) - local_nights(known, which).min()
    made = Survey(
        name=name,
        survey=which,
        ra=numbers("ra", "right ascension"),
        dec=numbers("dec", "declination"),
        mjd=mjd,
        band=band,
        m5=m5,
        night=night,
        visit_id=rows["_number"].to_numpy(np.int64),
        exptime=exptime,
        path=path,
        field_radius=field,
        **{key: _complete(rows, key) for key in ("airmass", "seeing", "rotation")},
    )
    if "visit_id" not in found or len(made) != n_rows:
        return made, None, remark
    own = pd.to_numeric(rows["visit_id"], errors="coerce")
    return made, own.to_numpy(np.float64, na_value=np.nan), remark


def _middles(table: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Give the middles and lengths of exposures, MJD and seconds."""
    n = len(table)
    exptime = table["exptime"].to_numpy(np.float64) if "exptime" in table else np.full(n, _DEFAULT_EXPTIME)
    if "start" in table:
        return mid_exposure(table["start"].to_numpy(np.float64), exptime), exptime
    return table["middle"].to_numpy(np.float64), exptime


def _complete(table: pd.DataFrame, key: str) -> FloatArray | None:
    """Read a column that may be missing; one with gaps counts as missing."""
    if key not in table:
        return None
    values = table[key].to_numpy(np.float64)
    return values if np.isfinite(values).all() else None
