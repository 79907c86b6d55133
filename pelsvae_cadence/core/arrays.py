"""Checks that the array dataclasses share: one shape, one dtype, no NaN where none may be."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError

__all__ = ["column", "freeze", "row_index", "to_value"]


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
    """Make one validated column of a struct of arrays.

    Parameters
    ----------
    name : str
        Name of the column, for the message.
    value : array_like
        A scalar is repeated `n` times.
    n : int or None
        Required length; None accepts any length.
    dtype : dtype-like
        Data type of the column.
    unit : str, optional
        Unit to which a Quantity is converted.
    finite : bool
        Refuse NaN and infinity in floating-point columns.

    Returns
    -------
    ndarray, shape (n,)
        A read-only array; a new one where `value` was writeable.

    Raises
    ------
    InputError
        On a wrong shape or a value that is not finite.
    """
    array = np.asarray(to_value(value, unit))
    if array.ndim == 0 and n is not None:
        array = np.repeat(array, n)
    if array.ndim != 1 or (n is not None and array.size != n):
        raise InputError(f"{name} has shape {array.shape}, expected ({'n' if n is None else n},)")
    try:
        array = array.astype(dtype)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} cannot be read as {np.dtype(dtype)}: {error}") from error
    if finite and array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = np.flatnonzero(~np.isfinite(array))
        raise InputError(
            f"{name} is not finite in {bad.size} of {array.size} rows, first in row {bad[0]}",
            remedy="Remove or mend those rows.",
        )
    return freeze(array)


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


def row_index(index: npt.ArrayLike) -> npt.NDArray[Any]:
    """Make an index of rows: numbers or a mask, and an empty list is an empty selection.

    Parameters
    ----------
    index : array_like of int or bool
        Rows to keep; a single number is one row.

    Returns
    -------
    ndarray of int or bool
        The index, one-dimensional.
    """
    rows = np.atleast_1d(np.asarray(index))
    return rows if rows.size else rows.astype(np.int64)
