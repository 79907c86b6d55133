"""Parquet files with a star per row: rows are read when they are asked for, a row group at a time."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final, Self

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.files import TableSource, arrow_source, parquet_files

__all__ = ["ParquetRows"]

# Row groups kept: neighbouring pieces of work mostly share one.
_KEPT: Final = 2
_BLOCK_BYTES: Final = 8 * 2**20


class ParquetRows:
    """A Parquet file, or a folder of them such as a HATS catalogue, whose rows hold nested light curves.

    Parameters
    ----------
    path : Path
        The file or folder.
    files : list of Path
        Its Parquet files, in order.

    Raises
    ------
    InputError
        If a file is damaged, or has other columns than the first.
    """

    def __init__(self, path: Path, files: list[Path]) -> None:
        import pyarrow.parquet as pq

        self.label = path.name
        self.files = files
        #: First row of every row group, and where the group is.
        self._starts: list[int] = []
        self._groups: list[tuple[int, int]] = []
        self._cache: OrderedDict[tuple[int, tuple[str, ...]], Any] = OrderedDict()
        n = 0
        for k, file in enumerate(files):
            try:
                opened = pq.ParquetFile(file)
            except (OSError, ValueError) as error:
                raise InputError(f"{file} cannot be read: {error}") from error
            if k == 0:
                self._schema = opened.schema_arrow
            elif not opened.schema_arrow.equals(self._schema):
                raise InputError(f"{file} has other columns than {files[0]}")
            for group in range(opened.num_row_groups):
                self._starts.append(n)
                self._groups.append((k, group))
                n += opened.metadata.row_group(group).num_rows
            opened.close()
        self._n = n

    @classmethod
    def find(cls, source: Any) -> Self | None:
        """Open what holds nested light curves in Parquet files.

        Parameters
        ----------
        source : Any
            What may be a path to such files.

        Returns
        -------
        ParquetRows or None
            The rows; None for anything else.
        """
        if not isinstance(source, str | Path) or not (files := parquet_files(Path(source))):
            return None
        try:
            found = cls(Path(source), files)
        except InputError:
            return None  # and whoever reads all of it says what is wrong
        return found if len(found) and found.source(0, 0).nested else None

    def __len__(self) -> int:
        return self._n

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that belong to the star rather than to its points."""
        return self.source(0, 0).names

    def source(self, start: int, stop: int) -> TableSource:
        """Give some rows as a table.

        Parameters
        ----------
        start, stop : int
            First row, and the one behind the last.

        Returns
        -------
        TableSource
            The table; columns are read when they are asked for.
        """
        return arrow_source(self.label, self._schema, lambda names: self._select(start, stop, names))

    def digest(self) -> str:
        """Hash the content of all files.

        Returns
        -------
        str
            SHA-256, hexadecimal.
        """
        whole = hashlib.sha256()
        for path in self.files:
            whole.update(f"|{path.stat().st_size}|".encode())
            with path.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    whole.update(block)
        return whole.hexdigest()

    def _select(self, start: int, stop: int, names: list[str]) -> Any:
        import pyarrow as pa

        parts = []
        at = start
        while at < stop:
            k = bisect_right(self._starts, at) - 1
            table = self._group(k, tuple(names))
            first = at - self._starts[k]
            part = table.slice(first, stop - at)
            parts.append(part)
            at += max(1, part.num_rows)
        if not parts:
            return pa.schema([self._schema.field(name) for name in names]).empty_table()
        return pa.concat_tables(parts)

    def _group(self, k: int, names: tuple[str, ...]) -> Any:
        import pyarrow.parquet as pq

        if (k, names) not in self._cache:
            file, group = self._groups[k]
            table = pq.ParquetFile(self.files[file]).read_row_group(group, columns=list(names))
            # Files of one folder may say other things about themselves.
            self._cache[k, names] = table.replace_schema_metadata(None)
            while len(self._cache) > _KEPT:
                self._cache.popitem(last=False)
        self._cache.move_to_end((k, names))
        return self._cache[k, names]
