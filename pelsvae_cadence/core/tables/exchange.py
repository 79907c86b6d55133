"""Tables of astropy and pandas from structs of arrays and back, and how these structs show themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from astropy.table import QTable

__all__ = ["Tabular", "columns_of_table", "has_columns", "with_unit"]

_MOST_ROWS: Final = 5
_MOST_COLUMNS: Final = 12


class Tabular:
    """What structs of arrays have in common as tables; `pelsvae_cadence.core.arrays.StructOfArrays` is one."""

    #: Units of the columns, as astropy spells them.
    _units: ClassVar[Mapping[str, str]] = {}
    #: Columns that are times: their format and scale in the words of astropy.
    _times: ClassVar[Mapping[str, tuple[str, str]]] = {}

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        # A dataclass writes these itself, with whole arrays and for numbers alone, unless the class has them.
        for name in ("__repr__", "__eq__"):
            if name not in cls.__dict__:
                setattr(cls, name, getattr(Tabular, name))

    def _arrays(self) -> Iterator[tuple[str, Any]]:
        raise NotImplementedError

    def _table(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        """Give the columns of the table, and what belongs to all rows."""
        columns: dict[str, npt.NDArray[Any]] = {}
        for name, value in self._arrays():
            inner = value._table()[0] if isinstance(value, Tabular) else {"": value}
            columns |= {f"{name}.{key}" if key else name: array for key, array in inner.items()}
        whole = [f for f in fields(self) if f.compare and f.name not in columns]  # type: ignore[arg-type]
        values = {f.name: getattr(self, f.name) for f in whole}
        return columns, {
            name: asdict(value)
            if is_dataclass(value) and not isinstance(value, type)
            else dict(value)
            if isinstance(value, Mapping)
            else value
            for name, value in values.items()
            if value is not None and not isinstance(value, Tabular)
        }

    @classmethod
    def _of_table(cls, columns: dict[str, Any], meta: Mapping[str, Any]) -> Self:
        """Make the struct again of the columns and what `_table` says of all rows."""
        known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        return cls(**{name: value for name, value in {**meta, **columns}.items() if name in known})

    def to_table(self) -> QTable:
        """Make an astropy table, with units.

        Returns
        -------
        astropy.table.QTable
            One row a row, or a point of a light curve; what belongs to all rows is in its ``meta``.
            Write it with ``table.write("stars.ecsv")``, ``.fits`` or ``.vot``.
        """
        from astropy.table import QTable
        from astropy.time import Time

        columns, meta = self._table()
        table: Any = QTable(meta=meta)
        for name, value in columns.items():
            if name in self._times:
                form, scale = self._times[name]
                table[name] = Time(value, format=form, scale=scale)
            else:
                table[name] = with_unit(value, self._units.get(name, ""))
        return table

    def to_pandas(self) -> pd.DataFrame:
        """Make a pandas table.

        Returns
        -------
        pandas.DataFrame
            The same in the units of this class; columns of several numbers are split, as ``latent_0``,
            ``latent_1``; what belongs to all rows is in ``attrs``.
        """
        import pandas as pd

        columns, meta = self._table()
        flat: dict[str, npt.NDArray[Any]] = {}
        for name, value in columns.items():
            if value.ndim == 1:
                flat[name] = value
            else:
                rest = value.reshape(len(value), int(np.prod(value.shape[1:])))
                flat |= {f"{name}_{k}": rest[:, k] for k in range(rest.shape[1])}
        frame = pd.DataFrame(flat)
        frame.attrs.update(meta)
        return frame

    @classmethod
    def from_table(cls, table: Any) -> Self:
        """Read what `to_table` or `to_pandas` wrote; further columns are left aside.

        Parameters
        ----------
        table : Table, DataFrame or mapping of arrays
            The table.

        Returns
        -------
        Tabular
            An equal struct.

        Raises
        ------
        InputError
            If a column is missing, or holds what the class refuses.
        """
        names = [f.name for f in fields(cls)]  # type: ignore[arg-type]
        columns, meta = columns_of_table(table, names, cls._times)
        try:
            return cls._of_table(columns, meta)
        except TypeError as error:
            missing = [name for name in names if f"'{name}'" in str(error)]
            if not missing:
                raise
            raise InputError(
                f"a table of {cls.__name__} without {', '.join(missing)}", allowed=", ".join(names)
            ) from error

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        names = [f.name for f in fields(self) if f.compare]  # type: ignore[arg-type]
        return all(_same(getattr(self, name), getattr(other, name)) for name in names)

    def _summary(self) -> str:
        """Say in a few words what is in it."""
        columns, meta = self._table()
        n = len(next(iter(columns.values()))) if columns else 0
        plain = [f"{key} = {value!r}" for key, value in meta.items() if isinstance(value, str | int | float)]
        return ", ".join([f"{n} row{'s' if n != 1 else ''} of {', '.join(columns)}", *plain])

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._summary()}>"

    def _repr_html_(self) -> str:
        columns, _ = self._table()
        shown = dict(list(columns.items())[:_MOST_COLUMNS])
        n = len(next(iter(columns.values()))) if columns else 0
        head = "".join(
            f"<th>{escape(name)}{f' [{escape(unit)}]' if (unit := self._units.get(name)) else ''}</th>"
            for name in shown
        )
        body = "".join(
            "<tr>" + "".join(f"<td>{_cell(column[k])}</td>" for column in shown.values()) + "</tr>"
            for k in range(min(n, _MOST_ROWS))
        )
        more = [f"{n - _MOST_ROWS} more rows"] if n > _MOST_ROWS else []
        more += [f"{len(columns) - len(shown)} more columns"] if len(columns) > len(shown) else []
        end = f"<p>... {', '.join(more)}</p>" if more else ""
        return (
            f"<div><p>{escape(type(self).__name__)}: {escape(self._summary())}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{end}</div>"
        )


def with_unit(value: npt.NDArray[Any], unit: str) -> Any:
    """Give an array its unit.

    Parameters
    ----------
    value : ndarray
        The numbers.
    unit : str
        Unit as astropy spells it, "" for none; ``mag(AB)`` makes a Magnitude.

    Returns
    -------
    ndarray, Quantity or Magnitude
        A copy with the unit.
    """
    from astropy import units

    if not unit:
        return np.array(value)
    # AB magnitudes of fluxes that were not detected are NaN, which a Magnitude can hold.
    return units.Quantity(value, unit) if "(" not in unit else units.Magnitude(value, unit)


def columns_of_table(
    table: Any, names: list[str], times: Mapping[str, tuple[str, str]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take columns of a table of ours, in whatever container it is.

    Parameters
    ----------
    table : Table, DataFrame or mapping of arrays
        The table.
    names : list of str
        Columns that are wanted, where they are there.
    times : mapping of str to (str, str)
        Columns that are times, with format and scale.

    Returns
    -------
    columns : dict
        The columns.
    meta : dict
        What the table says of all its rows.

    Raises
    ------
    InputError
        If it is no table.
    """
    there = _names_of(table)
    if isinstance(table, str | list | tuple) or not hasattr(table, "__getitem__"):
        raise InputError(
            f"a {type(table).__name__} is no table",
            allowed="astropy Table, pandas DataFrame, mapping of arrays",
        )
    columns: dict[str, Any] = {}
    for name in names:
        if name in there:
            value = table[name]
            if name in times and hasattr(value, "tai") and hasattr(value, "jd"):
                form, scale = times[name]
                value = np.asarray(getattr(getattr(value, scale), form), dtype=np.float64)
            if str(getattr(getattr(value, "unit", None), "physical_unit", "")) == "AB":
                value = value.value  # all magnitudes of fluxes are AB
            if isinstance(value, np.ma.MaskedArray) and value.dtype.kind == "U":
                value = value.filled("")  # files tell an empty text from a missing one by a mask
            columns[name] = value
        elif f"{name}_0" in there:
            parts = [f"{name}_{k}" for k in range(len(there)) if f"{name}_{k}" in there]
            columns[name] = np.column_stack([np.asarray(table[part]) for part in parts])
    meta = getattr(table, "meta", None) or getattr(table, "attrs", None) or {}
    return columns, dict(meta)


def has_columns(table: Any, names: Iterable[str]) -> bool:
    """Tell whether something is a table with certain columns.

    Parameters
    ----------
    table : Any
        What may be a table.
    names : iterable of str
        The columns.

    Returns
    -------
    bool
        Whether it has them all.
    """
    return set(names) <= set(_names_of(table))


def _names_of(table: Any) -> list[str]:
    if isinstance(table, Mapping):
        return list(table)
    names = getattr(table, "colnames", None) or getattr(table, "columns", [])
    return [name for name in names if isinstance(name, str)]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.shape != other.shape:
            return False
        floating = one.dtype.kind in "fc" and other.dtype.kind in "fc"
        return bool(np.array_equal(one, other, equal_nan=floating))
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return False
    return bool(one == other)


def _cell(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return escape(f"{value.size} numbers")
    return escape(f"{value:.6g}" if isinstance(value, float | np.floating) else str(value))
