"""Structs of arrays: the base of dataclasses with one row per star, and checks of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import missing
from pelsvae_cadence.core.tables.containers import n_axes, read_array
from pelsvae_cadence.core.tables.exchange import Tabular

__all__ = [
    "BoolArray",
    "ComplexArray",
    "FloatArray",
    "IntArray",
    "RaggedArrays",
    "StrArray",
    "StructOfArrays",
    "check_range",
    "column",
    "common_length",
    "freeze",
    "ragged_rows",
    "to_value",
]

BoolArray = npt.NDArray[np.bool_]
ComplexArray = npt.NDArray[np.complex128]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
StrArray = npt.NDArray[np.str_]


@dataclass(frozen=True, kw_only=True)
class StructOfArrays(Tabular):
    """Base of the dataclasses that hold N rows (stars, visits, curves), one array per quantity.

    Every field that is an array, or itself such a struct, has N rows. Everything else (a name, a seed,
    None) belongs to all rows together.
    """

    def __len__(self) -> int:
        return len(next(value for _, value in self._arrays()))

    @override
    def _arrays(self) -> Iterator[tuple[str, Any]]:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray | StructOfArrays):
                yield field.name, value

    def take(self, index: npt.ArrayLike) -> Self:
        """Select rows.

        Parameters
        ----------
        index : array_like of int or bool
            Rows to keep.

        Returns
        -------
        StructOfArrays
            The selected rows, in the order of `index`.
        """
        rows = _row_index(index)
        chosen = {
            name: value.take(rows) if isinstance(value, StructOfArrays) else value[rows]
            for name, value in self._arrays()
        }
        return replace(self, **chosen)

    @classmethod
    def concatenate(cls, parts: Iterable[Self]) -> Self:
        """Join several sets of rows.

        Parameters
        ----------
        parts : iterable of StructOfArrays
            The sets, in order.

        Returns
        -------
        StructOfArrays
            All rows. An optional array is kept if every set has it.

        Raises
        ------
        InputError
            If there are none, or if they differ in what belongs to all rows.
        """
        chunks = list(parts)
        if not chunks:
            raise InputError(f"no {cls.__name__} to join")
        joined = {field.name: [getattr(chunk, field.name) for chunk in chunks] for field in fields(cls)}
        return cls(**{name: _join(name, values) for name, values in joined.items()})


def _join(name: str, values: list[Any]) -> Any:
    first = values[0]
    if any(value is None for value in values):
        return None
    if isinstance(first, StructOfArrays):
        return first.concatenate(values)
    if isinstance(first, np.ndarray):
        if len({value.shape[1:] for value in values}) == 1:
            return np.concatenate(values)
    elif all(value == first for value in values):
        return first
    raise InputError(f"the parts to join have different {name}")


class RaggedArrays(StructOfArrays):
    """Base of the structs that hold several points per star.

    The points of star ``i`` are ``offsets[i]:offsets[i + 1]`` in every per-point array. The fields before
    `offsets` have one value per star, those after it one per point.
    """

    offsets: npt.NDArray[np.int64]

    @classmethod
    def _columns(cls) -> tuple[list[str], list[str]]:
        """Name the columns per star and those per point."""
        names = [field.name for field in fields(cls)]
        at = names.index("offsets")
        return names[:at], names[at + 1 :]

    @override
    def _table(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        columns, meta = super()._table()
        lengths = np.diff(columns.pop("offsets"))
        per_star, _ = self._columns()
        if (lengths == 0).any():  # stars that have no row
            meta["stars"] = {name: columns[name].tolist() for name in per_star if name in columns}
        return {
            name: np.repeat(value, lengths, axis=0) if name in per_star else value
            for name, value in columns.items()
        }, meta

    @classmethod
    @override
    def _of_table(cls, columns: dict[str, Any], meta: Mapping[str, Any]) -> Self:
        per_star, _ = cls._columns()
        ids = column("star_id", columns["star_id"], None, np.int64)
        _, first, code = np.unique(ids, return_index=True, return_inverse=True)
        seen = np.argsort(np.argsort(first))[code]  # stars in the order in which they come
        order = np.argsort(seen, kind="stable")
        points = {
            name: value.iloc[order] if hasattr(value, "iloc") else value[order]
            for name, value in columns.items()
        }
        first = np.sort(first)
        stars = {name: np.asarray(columns[name])[first] for name in per_star if name in columns}
        lengths = np.bincount(seen, minlength=first.size)
        listed = {name: np.asarray(value) for name, value in dict(meta.get("stars", {})).items()}
        if listed and np.isin(ids, listed["star_id"]).all():
            place = {star: k for k, star in enumerate(listed["star_id"].tolist())}
            every = np.zeros(len(place), dtype=np.int64)
            at = [place[star] for star in stars["star_id"].tolist()]
            if (np.diff(at) > 0).all():
                every[at] = lengths
                stars, lengths = listed, every
        return super()._of_table({**points, **stars, "offsets": _offsets(lengths)}, meta)

    def rows(self, i: int) -> slice:
        """Locate the points of one star.

        Parameters
        ----------
        i : int
            Index of the star, 0 to N - 1.

        Returns
        -------
        slice
            Its points in the per-point arrays.
        """
        return slice(int(self.offsets[i]), int(self.offsets[i + 1]))

    @override
    def take(self, index: npt.ArrayLike) -> Self:
        rows = np.arange(len(self))[_row_index(index)]
        points = ragged_rows(self.offsets, rows)
        per_star, _ = self._columns()
        chosen: dict[str, Any] = {"offsets": _offsets(np.diff(self.offsets)[rows])}
        for name, value in self._arrays():
            if name != "offsets":
                chosen[name] = value[rows if name in per_star else points]
        return replace(self, **chosen)

    @classmethod
    @override
    def concatenate(cls, parts: Iterable[Self]) -> Self:
        chunks = list(parts)
        if not chunks:
            raise InputError(f"no {cls.__name__} to join")
        per_star, per_point = cls._columns()
        joined: dict[str, Any] = {
            name: _join(name, [getattr(chunk, name) for chunk in chunks]) for name in per_star + per_point
        }
        joined["offsets"] = _offsets(np.concatenate([np.diff(chunk.offsets) for chunk in chunks]))
        return cls(**joined)


def _offsets(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def to_value(value: Any, unit: str | None) -> Any:
    """Strip an astropy Quantity to a plain array in the given unit.

    Parameters
    ----------
    value : array_like or astropy.units.Quantity
        Plain numbers are taken to be in `unit` already.
    unit : str or None
        Unit string understood by astropy, or None for dimensionless values.

    Returns
    -------
    array_like
        The values without unit.

    Raises
    ------
    InputError
        If the quantity cannot be converted.
    """
    if unit is None or not hasattr(value, "unit") or not hasattr(value, "to_value"):
        return value
    try:
        return value.to_value(unit)
    except Exception as error:
        raise InputError(f"{value.unit!s} cannot be converted to {unit}") from error


def column(
    name: str,
    value: Any,
    n: int | None,
    dtype: npt.DTypeLike = np.float64,
    *,
    unit: str | None = None,
    finite: bool = True,
) -> npt.NDArray[Any]:
    """Make one validated column of a struct of arrays: the way in of everything that users bring.

    Parameters
    ----------
    name : str
        Name of the column, for the message.
    value : array_like
        Arrays, lists, pandas, astropy and arrow columns, Quantities, masked arrays; a scalar is
        repeated `n` times. Masked and missing entries become NaN, or "" in text; whole numbers that
        are missing, or not whole, are refused.
    n : int or None
        Required length; None accepts any length.
    dtype : dtype-like
        Data type of the column.
    unit : str, optional
        Unit to which values with a unit are converted; without it they must have none.
    finite : bool
        Refuse NaN, infinity and what is missing, in columns of floating-point numbers and of text.

    Returns
    -------
    ndarray, shape (n,)
        A read-only array.

    Raises
    ------
    InputError
        On a wrong shape or unit, or a value that is not finite or cannot be read.
    """
    wanted = np.dtype(dtype)
    plain = type(value) is np.ndarray and value.dtype.kind == wanted.kind
    array = value if plain else read_array(name, value, wanted, unit)
    if array.ndim == 0:
        array = np.repeat(array, 1 if n is None else n)
    if array.ndim != 1 or (n is not None and array.size != n):
        raise InputError(f"{name} has shape {array.shape}, expected ({'n' if n is None else n},)")
    array = array.astype(wanted)
    if finite and wanted.kind == "U" and not plain and n_axes(value) == 1 and (gone := missing(value)).any():
        raise InputError(
            f"{name} is missing in {int(gone.sum())} of {gone.size} rows, first in row {int(np.argmax(gone))}"
        )
    if finite and array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = np.flatnonzero(~np.isfinite(array))
        raise InputError(
            f"{name} is not finite in {bad.size} of {array.size} rows, "
            f"first in row {bad[0]}{_entry(value, int(bad[0]))}",
            remedy="Remove or mend those rows.",
        )
    return freeze(array)


def _entry(value: Any, row: int) -> str:
    """Show what stands in a row, if it can be told."""
    try:
        return f" ({str((value.iloc if hasattr(value, 'iloc') else value)[row])[:40]})"
    except (TypeError, IndexError, KeyError):
        return ""


def check_range(
    name: str, values: npt.NDArray[Any], low: float, high: float, unit: str, *, row: str = "row", of: str = ""
) -> None:
    """Refuse values out of range.

    Parameters
    ----------
    name : str
        Name of the column.
    values : ndarray
        The column; NaN passes.
    low, high : float
        Smallest and largest value.
    unit : str
        Their unit.
    row : str
        What a row is.
    of : str
        Of what, for the message.

    Raises
    ------
    InputError
        If one is out of range.
    """
    bad = np.flatnonzero((values < low) | (values > high))
    if bad.size:
        raise InputError(
            f"{name} = {values[bad[0]]:.10g} {unit} in {row} {bad[0]}{of}",
            allowed=f"{low:g} to {high:g} {unit}",
        )


def common_length(values: Mapping[str, Any]) -> int:
    """Find the length of those of some values that are one-dimensional.

    Parameters
    ----------
    values : mapping of str to array_like
        Values by name; scalars and None have no length.

    Returns
    -------
    int
        Their length; 1 if there are none.

    Raises
    ------
    InputError
        If the lengths differ.
    """
    sizes = {name: len(v) for name, v in values.items() if v is not None and n_axes(v) == 1}
    if len(set(sizes.values())) > 1:
        text = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(f"the parameters have different lengths ({text})")
    return next(iter(sizes.values()), 1)


def freeze(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Mark an array as read-only.

    Parameters
    ----------
    array : ndarray
        The array, changed in place.

    Returns
    -------
    ndarray
        The same array.
    """
    array.flags.writeable = False
    return array


def _row_index(index: npt.ArrayLike) -> npt.NDArray[Any]:
    """Make an index of rows: numbers or a mask, and an empty list is an empty selection."""
    rows = np.atleast_1d(np.asarray(index))
    return rows if rows.size else rows.astype(np.int64)


def ragged_rows(offsets: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """List the points of the given stars of a ragged set.

    Parameters
    ----------
    offsets : ndarray of int64, shape (N + 1,)
        First point of each star, and the total.
    rows : ndarray of int64, shape (n_rows,)
        The stars.

    Returns
    -------
    ndarray of int64
        Indices of their points, star after star.
    """
    lengths = np.diff(offsets)[rows]
    ends = np.cumsum(lengths)
    shift = np.repeat(offsets[:-1][rows] - (ends - lengths), lengths)
    points: npt.NDArray[np.int64] = np.arange(int(lengths.sum()), dtype=np.int64) + shift
    return points
