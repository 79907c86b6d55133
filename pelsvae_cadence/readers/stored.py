"""Light curves that stay in their Parquet files, such as a HATS catalogue, and are read piece by piece."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import replace
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.tables.columns import ColumnReport, OmissionWarning, identifiers, match_columns
from pelsvae_cadence.core.tables.long_tables import COLUMN_ALIASES
from pelsvae_cadence.core.tables.parquet_rows import ParquetRows
from pelsvae_cadence.core.tables.points import NoPointError
from pelsvae_cadence.light_curves import LightCurves, MeasuredLightCurves
from pelsvae_cadence.readers.front_door import read_light_curves

__all__ = ["ParquetLightCurves"]

# Rows that say what the columns are before all of them are read.
_FIRST: Final = 100


class ParquetLightCurves:
    """Light curves nested in the rows of Parquet files, one star a row, of which few are in memory.

    Use `open`, which tells whether a source is one.

    Parameters
    ----------
    rows : ParquetRows
        The rows.
    star_id : ndarray of int64 or str, shape (N,)
        The star of each row.
    reader : str or None
        Name of the archive; told by the columns if None.
    options : dict
        Further arguments of the reader.
    """

    def __init__(
        self, rows: ParquetRows, star_id: npt.NDArray[Any], reader: str | None, options: dict[str, Any]
    ) -> None:
        self._rows, self._reader, self._options = rows, reader, dict(options)
        #: Numbers or names of the stars, in the order of the rows.
        self.star_id = star_id
        self._omitted: Counter[str] = Counter()
        self._n_read = 0
        self._report: ColumnReport | None = None
        self.read_light_curves(np.arange(min(_FIRST, len(rows))))
        self._omitted.clear()
        self._n_read = 0
        # What was decided about the first rows holds for all, whatever the others look like.
        if any("no unit" in note for note in self.origin.notes):
            self._options.setdefault("flux_unit", "nJy")

    @classmethod
    def open(cls, source: Any, reader: str | None = None, **options: Any) -> Self | None:
        """Open what holds the light curve of a star in one row of Parquet files.

        Parameters
        ----------
        source : Any
            What may be a path to a Parquet file or a folder of them.
        reader : str, optional
            Name of the archive; told by the columns by default.
        **options : dict
            Further arguments of the reader.

        Returns
        -------
        ParquetLightCurves or None
            The light curves; None for anything else, to be read as a whole by `read_light_curves`.

        Raises
        ------
        InputError
            If the reader refuses the first rows.
        """
        rows = ParquetRows.find(source)
        if rows is None:
            return None
        aliases = {"star_id": COLUMN_ALIASES["star_id"]}
        column = match_columns(rows.names, aliases, {"star_id": options.get("star_id")}, table=rows.label)
        if not column:
            return None
        star_id, known = identifiers(
            "star_id", rows.source(0, len(rows)).read(column.values())[column["star_id"]]
        )
        # A star in several rows has to be put together first.
        if not known.all() or np.unique(star_id).size != star_id.size:
            return None
        return cls(rows, star_id, reader, options)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def origin(self) -> ColumnReport:
        """What was taken for what, and what was left out of the pieces read since."""
        first = ColumnReport(source=self._rows.label) if self._report is None else self._report
        return replace(first, n_rows=self._n_read, omitted=dict(self._omitted))

    @cached_property
    def content_hash(self) -> str:
        """Hash of the files."""
        return self._rows.digest()

    def read_light_curves(self, rows: npt.ArrayLike) -> LightCurves:
        """Read some rows.

        Parameters
        ----------
        rows : array_like of int
            Consecutive rows.

        Returns
        -------
        LightCurves
            Their light curves; rows without a usable point are left out.

        Raises
        ------
        InputError
            If the files are damaged, or the reader refuses them.
        """
        wanted = np.asarray(rows, dtype=np.int64)
        start = int(wanted[0]) if wanted.size else 0
        table = self._rows.source(start, start + wanted.size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OmissionWarning)
            try:
                found = read_light_curves(table, self._reader, **self._options)
            except NoPointError as error:
                self._note(error.report)
                return _without_stars()
        if found.origin is not None:
            self._note(found.origin)
        # Every piece numbers stars with a name from 0.
        return found if found.name is None else replace(found, star_id=found.star_id + start)

    def _note(self, report: ColumnReport) -> None:
        self._report = self._report or report
        self._n_read += report.n_rows
        self._omitted.update(report.omitted)


def _without_stars() -> MeasuredLightCurves:
    none = np.empty(0)
    return MeasuredLightCurves(
        star_id=np.empty(0, dtype=np.int64),
        offsets=np.zeros(1, dtype=np.int64),
        mjd=none,
        band=np.empty(0, dtype="U1"),
        flux=none,
        flux_err=none,
    )
