"""Files of survey tables: find the table or view, read its columns, let SQLite evaluate a constraint."""

from __future__ import annotations

import sqlite3
import tarfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.cadence.columns import CORNERS, find_columns
from pelsvae_cadence.cadence.soundness import check_database
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import open_database
from pelsvae_cadence.core.tables.files import TableSource, open_table

__all__ = ["RawTable", "read_table"]

_GZIP: Final = b"\x1f\x8b"
_SQLITE: Final = b"SQLite format 3\x00"
# Tables (and views) of visits by name; earlier ones win.
_TABLES: Final = (
    "observations",
    "exposures",
    "summaryallprops",
    "summary",
    "visits",
    "visit",
    "visit1",
    "exposure",
    "ccdvisit",
    "visitdetector",
    "visit_detector",
    "ccdvisit1",
)
_ROWS_AT_ONCE: Final = 100_000
_KEPT: Final = "_kept_by_the_constraint"


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """The columns of a table that matter, as the file has them.

    Parameters
    ----------
    columns : mapping of str to array_like
        All rows, by the table's own names.
    found : dict
        What they mean (`find_columns`).
    kept : ndarray of bool
        The rows that satisfy the constraint.
    """

    columns: Mapping[str, Any]
    found: dict[str, str]
    kept: npt.NDArray[np.bool_]


def read_table(
    file: Path, constraint: str, given: Mapping[str, str | None] | None, *, check: bool
) -> RawTable:
    """Read a survey table of any format.

    Parameters
    ----------
    file : Path
        SQLite, CSV (also gzip'd), Parquet, FITS, ECSV or VOTable.
    constraint : str
        SQL condition on the rows.
    given : mapping of str to str or None
        Columns that the user names (`find_columns`).
    check : bool
        Let SQLite check the structure of a database.

    Returns
    -------
    RawTable
        All rows, and which of them satisfy the constraint.

    Raises
    ------
    InputError
        If there is no survey table in the file.
    """
    with file.open("rb") as stream:
        start = stream.read(16)
    if start == _SQLITE:
        with closing(open_database(file)) as connection:
            if check:
                check_database(connection, file.name)
            connection.text_factory = _Texts()
            return _from_database(connection, file.name, constraint, given)
    source: TableSource | None = None
    if start.startswith(_GZIP) or file.suffix.lower() == ".csv":
        compression = "gzip" if start.startswith(_GZIP) else None
        if compression and tarfile.is_tarfile(file):
            raise InputError(f"{file} is an archive", remedy="Unpack it and give the table inside.")
        names = [str(name) for name in pd.read_csv(file, compression=compression, nrows=0).columns]
        if len(names) == 1 or names[0].startswith("#"):  # separated by something else, or ECSV
            source = open_table(file)
    elif start.startswith(b"PAR1"):
        from pyarrow.parquet import read_schema

        schema = read_schema(file)
        names = list(schema.names)
        if b"table_meta_yaml" in (schema.metadata or {}):  # astropy's, with units
            from astropy.table import Table

            source = open_table(Table.read(file, format="parquet"))
    elif start.startswith((b"SIMPLE  =", b"# %ECSV", b"<?xml", b"<VOTABLE")):
        source = open_table(file)
    else:
        raise InputError(
            f"{file} is not an sqlite database",
            allowed="sqlite (.db), .csv (also gzip'd), .parquet, FITS, ECSV, VOTable",
        )
    if source is not None:
        names = list(source.names)
    found = find_columns(names, given)
    asked = [name for name in names if name.lower() in constraint.lower()]
    wanted = list(dict.fromkeys([*found.values(), *_corners(names), *asked]))
    columns: Mapping[str, Any]
    if source is not None:
        columns = source.read(wanted).columns
    elif start.startswith(b"PAR1"):
        columns = pd.read_parquet(file, columns=wanted)
    else:
        columns = pd.read_csv(file, compression=compression, usecols=wanted)
    return RawTable(columns=columns, found=found, kept=_kept(columns, constraint))


class _Texts:
    """Text of a database, each word once in memory: a million rows name six bands."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def __call__(self, text: bytes) -> str:
        if text not in self._known:
            if len(self._known) > _ROWS_AT_ONCE:
                self._known.clear()
            self._known[text] = text.decode("utf-8", "replace")
        return self._known[text]


def _corners(names: list[str]) -> list[str]:
    return [name for name in names if name.lower() in CORNERS]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _from_database(
    connection: sqlite3.Connection, file: str, constraint: str, given: Mapping[str, str | None] | None
) -> RawTable:
    query = "select name from sqlite_master where type in ('view', 'table') and name not like 'sqlite\\_%' escape '\\'"
    tables = [row[0] for row in connection.execute(query + " order by type = 'table'")]
    known = {name.lower(): name for name in tables}
    candidates = [known[name] for name in _TABLES if name in known] or tables
    fitting: list[tuple[str, list[str], dict[str, str]]] = []
    refusal: InputError | None = None
    for table in candidates:
        names = [row[1] for row in connection.execute(f"pragma table_info({_quoted(table)})")]
        try:
            fitting.append((table, names, find_columns(names, given)))
        except InputError as error:
            refusal = refusal or error
    if refusal is not None and not fitting and (len(candidates) == 1 or candidates is not tables):
        raise refusal
    if not fitting or (candidates is tables and len(fitting) > 1):
        raise InputError(
            f"{file} has no survey table (its tables: {', '.join(sorted(tables)) or 'none'})",
            allowed=", ".join(_TABLES),
        )
    table, names, found = fitting[0]
    wanted = list(dict.fromkeys([*found.values(), *_corners(names)]))
    own = ", ".join(_quoted(name) for name in wanted)
    if constraint:
        condition = f"({constraint}\n)"  # a comment at its end does not reach further
        # What is wrong as a condition (an aggregate) may be right as a column.
        connection.execute(f"select 1 from {_quoted(table)} where {condition} limit 0")
        own += f", case when {condition} then 1 else 0 end as {_KEPT}"
        wanted.append(_KEPT)
    cursor = connection.execute(f"select {own} from {_quoted(table)}")
    chunks = []
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        chunks.append(pd.DataFrame(rows, columns=wanted))
    frame = pd.concat(chunks, ignore_index=True) if chunks else pd.DataFrame(columns=wanted)
    kept = frame.pop(_KEPT).to_numpy(dtype=np.bool_) if constraint else np.ones(len(frame), dtype=np.bool_)
    return RawTable(columns=frame, found=found, kept=kept)


def _kept(columns: Mapping[str, Any], constraint: str) -> npt.NDArray[np.bool_]:
    """Let SQLite say which rows of a table in memory satisfy a constraint."""
    frame = columns if isinstance(columns, pd.DataFrame) else None
    if not constraint:
        n = len(next(iter(columns.values()))) if frame is None else len(frame)
        return np.ones(n, dtype=np.bool_)
    if frame is None:
        frame = pd.DataFrame(
            {
                name: value.to_pandas()
                if hasattr(value, "to_pandas")
                else np.ma.filled(value.astype(object), None)
                if hasattr(value, "mask")
                else np.asarray(getattr(value, "value", value))
                for name, value in columns.items()
            }
        )
    with closing(sqlite3.connect(":memory:")) as connection:
        frame.to_sql("visits", connection, index=False)
        condition = f"({constraint}\n)"
        connection.execute(f"select 1 from visits where {condition} limit 0")
        rows = connection.execute(f"select case when {condition} then 1 else 0 end from visits").fetchall()
    return np.array(rows, dtype=np.bool_).reshape(-1)
