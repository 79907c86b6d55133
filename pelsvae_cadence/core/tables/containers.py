"""Arrays and numbers of any container, as users bring them: masks, units and missing entries are kept."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import OmissionWarning, flags, identifiers, missing, numbers, text

__all__ = ["drop_missing", "n_axes", "number", "read_array", "whole_number"]

_UNMARKED: Final = (np.ndarray, type(None))


def read_array(name: str, value: Any, wanted: np.dtype[Any], unit: str | None) -> npt.NDArray[Any]:
    """Read an array of any container, with its mask and its unit.

    Parameters
    ----------
    name : str
        What it is, for the message.
    value : array_like
        Arrays, lists, pandas, astropy and arrow columns, Quantities, masked arrays.
    wanted : dtype
        Type of the values.
    unit : str or None
        Unit to which values with a unit are converted; without it they must have none.

    Returns
    -------
    ndarray
        The values; NaN or "" where they are missing.

    Raises
    ------
    InputError
        If they cannot be read or converted, or whole numbers are missing or not whole.
    """
    if isinstance(value, pd.Series):  # whose labels are no attributes of ours
        value = value.reset_index(drop=True)
    if isinstance(value, list | tuple) and any(hasattr(entry, "unit") for entry in value):
        from astropy.units import Quantity

        try:
            value = Quantity(value)
        except Exception as error:
            raise InputError(f"{name} mixes units that do not fit together") from error
    if hasattr(value, "tai") and hasattr(value, "mjd"):  # an astropy Time
        if "mjd" not in name:
            raise InputError(f"{name} is an astropy Time", remedy="Give plain numbers.")
        value = np.ma.MaskedArray(np.asarray(value.tai.mjd, dtype=np.float64), mask=np.asarray(value.mask))
    if hasattr(value, "units") and hasattr(value, "magnitude"):  # pint
        raise InputError(
            f"{name} has units of another package ({value.units})", remedy="Use astropy quantities."
        )
    if n_axes(value) == 0 and isinstance(value, np.ndarray) and value.dtype.kind in "OSU":
        value = value.item()
    try:
        if wanted.kind == "f":
            return numbers(name, value, unit or "")
        if wanted.kind == "b":
            return flags(name, value)
        if wanted.kind == "U":
            single = isinstance(value, str | bytes)
            return text(name, value, 1)[0:1].reshape(()) if single else text(name, value)
        return _whole_numbers(name, value, unit)
    except InputError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{name} cannot be read as {wanted}: {error}") from error


def n_axes(value: Any) -> int:
    """Count the axes of a container.

    Parameters
    ----------
    value : array_like
        Anything.

    Returns
    -------
    int
        Its number of axes; one for lists, which may hold anything.
    """
    if hasattr(value, "ndim"):
        return int(value.ndim)
    return int(hasattr(value, "__len__") and not isinstance(value, str | bytes))


def _whole_numbers(name: str, value: Any, unit: str | None) -> npt.NDArray[np.int64]:
    own = getattr(value, "unit", None)
    if own is not None:
        if str(own) not in ("", str(unit)):
            raise InputError(f"{name} is in {own}", allowed=unit or "whole numbers without a unit")
        # Long ids do not survive floating point: the values are taken as they are.
        value = value if isinstance(value, np.ma.MaskedArray) else np.asarray(getattr(value, "value", value))
    single = n_axes(value) == 0
    ids, known = identifiers(name, [value] if single else value)
    if not known.all():
        first = int(np.argmin(known))
        raise InputError(
            f"{name} is missing in {int((~known).sum())} of {known.size} rows, first in row {first}",
            remedy="Remove those rows, or number them.",
        )
    if ids.dtype.kind == "U":
        wrong = [row for row, entry in enumerate(ids.tolist()) if not entry.lstrip("+-").isdecimal()]
        if wrong:
            raise InputError(f"{name} = {ids[wrong[0]]!r} in row {wrong[0]} is no whole number")
    whole: npt.NDArray[np.int64] = ids.astype(np.int64)
    return whole.reshape(()) if single else whole


def drop_missing(given: Mapping[str, Any], needed: Iterable[str], what: str) -> dict[str, Any]:
    """Leave out rows in which a needed column is missing, with a warning that counts them.

    Parameters
    ----------
    given : mapping of str to array_like
        Columns as users bring them; scalars and None belong to all rows.
    needed : iterable of str
        Columns without which a row is of no use.
    what : str
        What the rows are, for the message.

    Returns
    -------
    dict
        The columns without those rows; untouched where nothing is missing.

    Warns
    -----
    OmissionWarning
        If rows are left out.
    """
    columns = {
        name: value
        for name, value in given.items()
        if value is not None and not isinstance(value, str) and n_axes(value) == 1
    }
    marks = {name: missing(columns[name]) for name in needed if type(columns.get(name)) not in _UNMARKED}
    gone = {name: rows for name, rows in marks.items() if rows.any()}
    if not gone or len({len(value) for value in columns.values()}) > 1:
        return dict(given)
    rows = np.logical_or.reduce(list(gone.values()))
    reasons = ", ".join(f"{int(mask.sum())} without {name}" for name, mask in gone.items())
    warnings.warn(
        f"{int(rows.sum())} of {rows.size} {what} left out: {reasons}", OmissionWarning, stacklevel=5
    )
    kept = {}
    for name, value in columns.items():
        if isinstance(value, list | tuple):
            kept[name] = [entry for entry, out in zip(value, rows, strict=True) if not out]
        elif type(value).__module__.startswith("pyarrow"):
            kept[name] = value.take(np.flatnonzero(~rows))
        else:
            kept[name] = value[~rows]
    return {**given, **kept}


def number(name: str, value: Any, unit: str | None = None) -> float:
    """Read one finite number.

    Parameters
    ----------
    name : str
        Name of the argument.
    value : float or Quantity
        The number.
    unit : str, optional
        Unit to which a Quantity is converted; without it the number must have none.

    Returns
    -------
    float
        The number.

    Raises
    ------
    InputError
        If it is none, several, missing or not finite, or has another unit.
    """
    if isinstance(value, str | bytes | bool | np.bool_) or value is None or n_axes(value) != 0:
        what = f"{value!r}" if np.size(value) < 9 else f"{np.size(value)} values"
        raise InputError(f"{name} = {what} is not one number")
    array = read_array(name, value, np.dtype(np.float64), unit)
    if not np.isfinite(array):
        raise InputError(f"{name} = {value} is not a finite number")
    return float(array)


def whole_number(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Read one whole number.

    Parameters
    ----------
    name : str
        Name of the argument.
    value : int
        The number; 3.0 is one, 2.9 is not.
    low, high : int
        Smallest and largest value.

    Returns
    -------
    int
        The number.

    Raises
    ------
    InputError
        If it is not whole, or out of range.
    """
    allowed = f"whole numbers, {low} or more" if high is None else f"whole numbers, {low} .. {high}"
    wrong = isinstance(value, str | bytes | bool | np.bool_) or value is None or n_axes(value) != 0
    try:
        found = None if wrong else int(value)
    except (TypeError, ValueError, OverflowError, np.ma.MaskError):
        found = None
    if found is None or hasattr(value, "unit") or found != value:
        raise InputError(f"{name} = {value!r}", allowed=allowed)
    if found < low or (high is not None and found > high):
        raise InputError(f"{name} = {value!r}", allowed=allowed)
    return found
