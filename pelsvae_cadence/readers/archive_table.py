"""What the readers of all archives do alike: find columns by the archive's names, apply flags, report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import ColumnReport, flags, identifiers, text
from pelsvae_cadence.core.tables.files import TableSource, open_table
from pelsvae_cadence.core.tables.points import collect_points
from pelsvae_cadence.core.tables.text_files import Table
from pelsvae_cadence.core.time_systems import TimeSystem
from pelsvae_cadence.light_curves import MeasuredLightCurves

__all__ = ["ArchiveTable"]

BoolArray = npt.NDArray[np.bool_]


class ArchiveTable:
    """A table of an archive, whose columns are asked for by the archive's names.

    Case does not matter, nor whether a name is written with blanks or with "_".

    Parameters
    ----------
    source : path, table or mapping
        The table.
    reader : str
        Who reads it, for the report.
    nested : iterable of str
        Nested columns that may hold the light curves, the likeliest first.
    """

    def __init__(self, source: Any, reader: str, nested: Iterable[str] = ()) -> None:
        self.table: TableSource = open_table(source).flat(nested)
        self.reader = reader
        self.label = self.table.label
        self.notes = list(self.table.notes)
        self.columns: dict[str, str] = {}
        self._own: dict[str, str] = {}
        for name in self.table.names:
            self._own.setdefault(_spelling(name), name)
        self._read = Table(columns={}, n_rows=0)

    def __contains__(self, name: str) -> bool:
        return _spelling(name) in self._own

    def find(self, *names: str) -> str | None:
        """Give the first of some names that the table has.

        Parameters
        ----------
        *names : str
            Names, the best first.

        Returns
        -------
        str or None
            The name as asked for.
        """
        return next((name for name in names if name in self), None)

    def need(self, meaning: str, *names: str, remedy: str = "") -> str:
        """Give the first of some names that the table has, or refuse the table.

        Parameters
        ----------
        meaning : str
            What the column is.
        *names : str
            Names, the best first.
        remedy : str
            What else the user can do.

        Returns
        -------
        str
            The name as asked for.

        Raises
        ------
        InputError
            If it has none of them.
        """
        found = self.find(*names)
        if found is None:
            raise InputError(
                f"{self.label} is no table of {self.reader}: it has no {meaning} "
                f"(its columns: {', '.join(self.table.names) or 'without names'})",
                allowed=", ".join(names),
                remedy=remedy,
            )
        return found

    def read(self, names: Iterable[str | None], **meanings: str | None) -> None:
        """Read columns.

        Parameters
        ----------
        names : iterable of str or None
            Names as asked for; None is left out.
        **meanings : str or None
            Further ones, by what they are; the report lists these.
        """
        self.columns |= {key: self._own[_spelling(name)] for key, name in meanings.items() if name}
        wanted = [name for name in (*names, *meanings.values()) if name]
        self._read = self.table.read(self._own[_spelling(name)] for name in wanted)

    @property
    def n_rows(self) -> int:
        """Rows that could be read."""
        return self._read.n_rows - sum(self._read.unreadable.values())

    def __getitem__(self, name: str) -> Any:
        return self._read[self._own[_spelling(name)]]

    def flagged(self, names: Iterable[str]) -> dict[str, BoolArray]:
        """Find rows to leave out because a flag is set.

        Parameters
        ----------
        names : iterable of str
            The flags, which have been read.

        Returns
        -------
        dict
            Rows by reason.
        """
        return {f"flagged {name}": flags(name, self[name]) for name in names}

    def numbered(self, name: str) -> tuple[npt.NDArray[np.int64], BoolArray]:
        """Read the numbers of an archive's objects.

        Parameters
        ----------
        name : str
            The column.

        Returns
        -------
        ids : ndarray of int64
            The numbers, 0 where there is none.
        missing : ndarray of bool
            Rows without a whole number.
        """
        ids, known = identifiers(name, self[name])
        if ids.dtype.kind == "U":  # one damaged entry makes text of all
            whole = [re.fullmatch(r"-?\d{1,18}|-?[1-8]\d{18}", entry) is not None for entry in ids.tolist()]
            known = known & np.array(whole, dtype=np.bool_)
            ids = np.where(known, ids, "0").astype(np.int64)
        return ids, ~known

    def bands(self, value: Any, names: Mapping[str, str]) -> tuple[npt.NDArray[np.str_], BoolArray]:
        """Turn an archive's names of bands into ours.

        Parameters
        ----------
        value : array_like of str
            The archive's.
        names : mapping of str to str
            Ours by theirs, in lower case unless case matters.

        Returns
        -------
        band : ndarray of str
            Our names; empty where it is none of the archive's bands.
        strange : ndarray of bool
            Rows that have another band.
        """
        raw = text("band", value)
        known, which = np.unique(raw, return_inverse=True)
        ours = np.array(
            [names.get(name, names.get(name.lower(), "")) for name in known.tolist()], dtype=np.str_
        )
        band = ours[which] if known.size else np.empty(0, dtype=np.str_)
        return band, (band == "") & (raw != "")

    def light_curves(
        self, *, left_out: Mapping[str, BoolArray], time_system: TimeSystem, **points: Any
    ) -> MeasuredLightCurves:
        """Make light curves of what was read.

        Parameters
        ----------
        left_out : mapping of str to ndarray of bool
            Rows to leave out, by reason.
        time_system : TimeSystem
            What the times were in.
        **points : dict
            Columns, as `pelsvae_cadence.core.tables.points.collect_points` takes them.

        Returns
        -------
        MeasuredLightCurves
            The light curves.
        """
        report = ColumnReport(
            source=self.label,
            reader=self.reader,
            columns=dict(self.columns),
            n_rows=self._read.n_rows,
            omitted=dict(self._read.unreadable),
            notes=tuple(self.notes),
        )
        found = collect_points(
            report=report, left_out=left_out, time_system=time_system, stacklevel=5, **points
        )
        return MeasuredLightCurves.from_points(found)


def _spelling(name: str) -> str:
    return name.strip().lstrip("#").lower().replace(" ", "_")
