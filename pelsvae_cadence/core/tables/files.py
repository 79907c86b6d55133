"""Tables of any kind as named columns: files, pandas, astropy, arrow, dictionaries, nested frames."""

from __future__ import annotations

import re
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.text_files import Table, read_text

__all__ = ["TableSource", "arrow_source", "open_table", "parquet_files"]

_FORMATS: Final = "CSV and other text, Parquet, FITS, ECSV, VOTable, IPAC tables"
# A few rows that HATS puts beside the catalogue.
_SAMPLES: Final = "data_thumbnail.parquet"
_UNIT: Final = re.compile(r"[(\[]([^()\[\]]+)[)\]]\s*$")


@dataclass(frozen=True, kw_only=True)
class TableSource:
    """A table whose columns are read when asked for.

    Parameters
    ----------
    label : str
        The file's name, or the kind of table, for messages.
    names : tuple of str
        Its columns; empty for a text without a header line.
    load : callable
        Reads the columns of the given names.
    units : mapping of str to str
        Units that the table states.
    path : Path, optional
        The file.
    comments : tuple of str
        Comment lines above the table.
    nested : mapping of str to tuple of str
        Columns inside nested columns, by the name of the nested column; "" holds plain lists.
    notes : tuple of str
        What had to be decided to read it.
    """

    label: str
    names: tuple[str, ...]
    load: Callable[[list[str]], Table]
    units: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None
    comments: tuple[str, ...] = ()
    nested: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unnest: Callable[[str], TableSource] | None = None
    notes: tuple[str, ...] = ()

    def read(self, names: Iterable[str]) -> Table:
        """Read columns.

        Parameters
        ----------
        names : iterable of str
            Their names.

        Returns
        -------
        Table
            The columns, and the rows that could not be read.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        with _Refusing(self.label):
            return self.load(list(dict.fromkeys(names)))

    def flat(self, prefer: Iterable[str] = (), *, argument: str = "nested") -> TableSource:
        """Give one row per point where light curves are nested in the rows of stars.

        Parameters
        ----------
        prefer : iterable of str
            Nested columns to take first.
        argument : str
            How the user names one, for the message.

        Returns
        -------
        TableSource
            The table itself where nothing is nested.

        Raises
        ------
        InputError
            If several nested columns could be meant.
        """
        if not self.nested or self.unnest is None:
            return self
        chosen = next((name for name in prefer if name in self.nested), None)
        if chosen is None and len(self.nested) > 1:
            raise InputError(
                f"{self.label} has several nested columns: {', '.join(self.nested)}",
                remedy=f'Say which: {argument}="{next(iter(self.nested))}".',
            )
        with _Refusing(self.label):
            return self.unnest(next(iter(self.nested)) if chosen is None else chosen)


class _Refusing:
    """Turn whatever a library says of a damaged file into an error that names the file."""

    def __init__(self, label: str) -> None:
        self.label = label

    def __enter__(self) -> None:
        self._caught = warnings.catch_warnings()
        self._caught.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, *raised: object) -> None:
        self._caught.__exit__(None, None, None)
        error = raised[1]
        if isinstance(error, ImportError):
            raise InputError(f"reading {self.label} needs {error.name or 'another package'}") from error
        if isinstance(error, Exception) and not isinstance(error, InputError):
            said = re.sub(r"\s+", " ", str(error))[:200] or type(error).__name__
            raise InputError(f"{self.label} cannot be read: {said}") from error


def open_table(source: Any) -> TableSource:
    """Open a table of any kind.

    Parameters
    ----------
    source : str, Path, DataFrame, Table, mapping
        A path to text (with commas, tabs, semicolons, bars or blanks), Parquet (a file or a folder),
        FITS, ECSV, VOTable or IPAC files; a pandas, nested-pandas, astropy or arrow table; a mapping of
        arrays.

    Returns
    -------
    TableSource
        Its columns, not read yet.

    Raises
    ------
    InputError
        If it is no table, or damaged.
    """
    if isinstance(source, TableSource):
        return source
    if isinstance(source, str | Path):
        path = Path(source)
        with _Refusing(path.name):
            return replace(_open_file(path), path=path, label=path.name)
    if hasattr(source, "compute") and hasattr(source, "hc_structure"):
        raise InputError("an LSDB catalogue is not in memory yet", remedy="Give catalog.compute().")
    kind = f"the {type(source).__name__}"
    if type(source).__module__.startswith("pyarrow") and hasattr(source, "schema"):
        return arrow_source(kind, source.schema, lambda names: source.select(names))
    if isinstance(source, pd.DataFrame):
        return _from_frame(kind, source)
    if hasattr(source, "colnames"):  # astropy
        return _from_astropy(kind, source)
    if isinstance(source, Mapping):
        plain = [v for v in source.values() if np.iterable(v) and not hasattr(v, "unit")]
        if any(_is_nested(pd.Series(list(value)[:1])) for value in plain):
            with _Refusing(kind):
                return _from_frame(kind, pd.DataFrame({name: list(value) for name, value in source.items()}))
        names = tuple(str(name) for name in source)
        return TableSource(label=kind, names=names, load=lambda wanted: _of_mapping(source, wanted))
    raise InputError(
        f"{type(source).__name__} is no table",
        allowed="a path, a pandas, astropy or arrow table, or a mapping of arrays",
    )


def _of_mapping(source: Mapping[str, Any], names: list[str]) -> Table:
    columns = {name: source[name] for name in names}
    sizes = {name: np.shape(value)[0] if np.ndim(value) else 1 for name, value in columns.items()}
    if len(set(sizes.values())) > 1:
        raise InputError(f"columns of different lengths: {sizes}")
    return Table(columns=columns, n_rows=next(iter(sizes.values()), 0))


def _from_frame(label: str, frame: pd.DataFrame) -> TableSource:
    own = [str(name) for name in frame.columns]
    _refuse_repeated(label, own)
    odd = [c for c in frame.columns if not isinstance(frame[c].dtype, np.dtype) or frame[c].dtype == object]
    if any(_is_nested(frame[column]) for column in odd):
        import pyarrow as pa

        with _Refusing(label):
            table = pa.Table.from_pandas(frame, preserve_index=False)
        return arrow_source(label, table.schema, lambda names: table.select(names))

    def load(names: list[str]) -> Table:
        found = {str(name): frame[name] for name in frame.columns}
        return Table(columns={name: found[name] for name in names}, n_rows=len(frame))

    return TableSource(label=label, names=tuple(own), load=load)


def _is_nested(column: pd.Series[Any]) -> bool:
    if str(column.dtype).startswith(("nested", "list", "large_list", "struct")):
        return True
    first = next(iter(column.dropna()), None)
    return isinstance(first, list | tuple | np.ndarray | pd.DataFrame)


def _from_astropy(label: str, table: Any) -> TableSource:
    from astropy.table import Table as AstropyTable

    arrays = [name for name in table.colnames if hasattr(table[name], "dtype")]  # times have none
    lists = [name for name in arrays if table[name].dtype.kind == "O" or table[name].ndim > 1]
    if lists and len(table) and any(np.ndim(table[name][0]) for name in lists):
        columns = {name: list(table[name]) if name in lists else table[name] for name in table.colnames}
        frame = pd.DataFrame({name: _plain(column) for name, column in columns.items()})
        return _from_frame(label, frame)
    units = {name: str(table[name].unit) for name in table.colnames if getattr(table[name], "unit", None)}
    assert isinstance(table, AstropyTable)
    comments = tuple(str(line) for line in table.meta.get("comments", ()))
    return TableSource(
        label=label,
        names=tuple(table.colnames),
        units=units,
        comments=comments,
        load=lambda names: Table(columns={name: table[name] for name in names}, n_rows=len(table)),
    )


def _plain(column: Any) -> Any:
    if isinstance(column, list):
        return (
            [
                np.ma.filled(np.ma.asarray(entry).astype(float), np.nan) if np.ndim(entry) else entry
                for entry in column
            ]
            if column and np.asarray(column[0]).dtype.kind in "fiu"
            else column
        )
    return np.ma.filled(column) if np.ma.isMaskedArray(column) else np.asarray(column)


def arrow_source(label: str, schema: Any, select: Callable[[list[str]], Any]) -> TableSource:
    """Make a table of arrow columns.

    Parameters
    ----------
    label : str
        What it is, for messages.
    schema : pyarrow.Schema
        Its columns; units are taken from the metadata ``unit`` of the fields.
    select : callable
        Gives an arrow table of the columns of the given names.

    Returns
    -------
    TableSource
        The table.
    """
    import pyarrow as pa

    def is_list(kind: Any) -> bool:
        return bool(
            pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
        )

    _refuse_repeated(label, list(schema.names))
    nested: dict[str, tuple[str, ...]] = {}
    for entry in schema:
        if pa.types.is_struct(entry.type) and all(is_list(part.type) for part in entry.type):
            nested[entry.name] = tuple(part.name for part in entry.type)
        elif is_list(entry.type) and pa.types.is_struct(entry.type.value_type):
            nested[entry.name] = tuple(part.name for part in entry.type.value_type)
    lists = tuple(e.name for e in schema if is_list(e.type) and e.name not in nested)
    if lists and not nested:
        nested[""] = lists
    flat = tuple(name for name in schema.names if name not in nested and name not in lists)
    units = {name: unit for entry in schema for name, unit in _stated_units(entry)}

    def load(names: list[str]) -> Table:
        table = select(names)
        columns = {name: table.column(name).combine_chunks() for name in names}
        return Table(columns=columns, n_rows=table.num_rows)

    def unnest(name: str) -> TableSource:
        inner = nested[name]
        outer = tuple(column for column in flat if column not in inner)
        return TableSource(
            label=label,
            names=outer + inner,
            units={column: units[column] for column in outer + inner if column in units},
            load=lambda names: _explode(label, select, name, inner, names),
            notes=(f"points are nested in {name or 'lists'}",),
        )

    return TableSource(label=label, names=flat, load=load, units=units, nested=nested, unnest=unnest)


def _stated_units(entry: Any) -> list[tuple[str, str]]:
    """List the units that an arrow field and the fields of a nested one state."""
    inner = (
        [entry.type.field(k) for k in range(entry.type.num_fields)] if hasattr(entry.type, "names") else []
    )
    stated = [(part.name, (part.metadata or {}).get(b"unit", b"").decode()) for part in (*inner, entry)]
    return [(name, unit) for name, unit in stated if unit]


def _explode(
    label: str, select: Callable[[list[str]], Any], nested: str, inner: tuple[str, ...], names: list[str]
) -> Table:
    """Read one row per point of nested columns, with the columns of its star repeated."""
    import pyarrow as pa
    import pyarrow.compute as pc

    within = [name for name in names if name in inner] or list(inner[:1])
    outer = [name for name in names if name not in inner]
    table = select(outer + ([nested] if nested else within)).combine_chunks()
    whole = table.column(nested).combine_chunks() if nested else None
    columns: dict[str, Any] = {}
    parents = None
    if whole is not None and not pa.types.is_struct(whole.type):  # a list of structs
        points = pc.list_flatten(whole)
        parents = pc.list_parent_indices(whole).to_numpy()
        columns = {name: pc.struct_field(points, name) for name in within}
    else:
        for name in within:
            lists = pc.struct_field(whole, name) if whole is not None else table.column(name).combine_chunks()
            mine = pc.list_parent_indices(lists).to_numpy()
            if parents is not None and not np.array_equal(mine, parents):
                raise InputError(f"the lists of {label} differ in length: {within[0]} and {name}")
            parents = mine
            columns[name] = pc.list_flatten(lists)
    assert parents is not None
    for name in outer:
        columns[name] = table.column(name).combine_chunks().take(pa.array(parents))
    return Table(columns={name: columns[name] for name in names}, n_rows=int(parents.size))


def _refuse_repeated(label: str, names: list[str]) -> None:
    repeated = [name for name, n in Counter(names).items() if n > 1]
    if repeated:
        raise InputError(f"{label} has several columns named {repeated[0]!r}", remedy="Rename them.")


def parquet_files(path: Path) -> list[Path]:
    """List the Parquet files behind a name.

    Parameters
    ----------
    path : Path
        A file, or a folder such as a HATS catalogue.

    Returns
    -------
    list of Path
        Its files in order; none where it is something else.
    """
    if path.is_dir():
        found = sorted(path.rglob("*.parquet"))
        return [p for p in found if p.name[0] not in "._" and p.name != _SAMPLES]
    if not path.is_file():
        return []
    with path.open("rb") as file:
        return [path] if file.read(4) == b"PAR1" else []


def _open_file(path: Path) -> TableSource:
    if not path.exists():
        raise InputError(f"{path} does not exist")
    if path.is_dir():
        if not (files := parquet_files(path)):
            raise InputError(f"the folder {path} holds no Parquet files", allowed=_FORMATS)
        import pyarrow.dataset as ds

        found = ds.dataset([str(p) for p in files])
        return arrow_source(path.name, found.schema, lambda names: found.to_table(columns=names))
    start = path.open("rb").read(4096)
    if not start.strip():
        raise InputError(f"{path} is empty")
    if start.startswith(b"PAR1"):
        import pyarrow.parquet as pq

        file = pq.ParquetFile(path)
        return arrow_source(path.name, file.schema_arrow, lambda names: file.read(columns=names))
    if start.startswith(b"SQLite format 3"):
        raise InputError(f"{path} is an SQLite database", allowed=_FORMATS)
    if start.startswith(b"\x1f\x8b"):
        try:
            start = zlib.decompressobj(31).decompress(start, 4096)
        except zlib.error as error:
            raise InputError(f"{path} cannot be unpacked: {error}") from error
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"SIMPLE  ="):
        return _read_astropy(path, "fits")
    if head.startswith((b"<?xml", b"<VOTABLE", b"<!--")):
        return _read_astropy(path, "votable")
    if head.startswith(b"# %ECSV"):
        return _read_astropy(path, "ascii.ecsv")
    if head.startswith((b"\\", b"|")):
        return _read_astropy(path, "ascii.ipac")
    found = read_text(path)
    return TableSource(
        label=path.name,
        names=found.names,
        units={name: unit[1] for name in found.names if (unit := _UNIT.search(name))},
        comments=found.comments,
        load=found.columns,
    )


def _read_astropy(path: Path, form: str) -> TableSource:
    from astropy.table import Table as AstropyTable

    options = {"table_id": 0, "use_names_over_ids": True} if form == "votable" else {}
    return _from_astropy(path.name, AstropyTable.read(path, format=form, **options))
