"""Columns as users bring them: numbers, text, flags and ids of any container, and what they mean by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.core.errors import InputError

__all__ = [
    "ColumnReport",
    "OmissionWarning",
    "flags",
    "identifiers",
    "match_columns",
    "missing",
    "numbers",
    "plain_name",
    "text",
]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_TRUE = {"true", "t", "yes", "y", "1", "1.0"}
_FALSE = {"false", "f", "no", "n", "0", "0.0"}
#: Whole numbers beyond this are no longer exact in floating point.
_EXACT = 2.0**53


class OmissionWarning(UserWarning):
    """Rows of a table were left out; the message counts them and says why."""


@dataclass(frozen=True, kw_only=True)
class ColumnReport:
    """What a reader took for what, and what it left out. Print it.

    Parameters
    ----------
    source : str
        The file or table.
    reader : str
        Who read it.
    columns : mapping of str to str
        Column of the table, with its unit, for every quantity.
    time_system : str
        The times of the table.
    n_rows : int
        Rows of the table.
    omitted : mapping of str to int
        Rows left out, by reason.
    notes : tuple of str
        Whatever else was decided.
    """

    source: str = "arrays"
    reader: str = "columns"
    columns: Mapping[str, str] = field(default_factory=dict)
    time_system: str = ""
    n_rows: int = 0
    omitted: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def n_omitted(self) -> int:
        """Rows left out in all."""
        return sum(self.omitted.values())

    def omissions(self) -> str:
        """Say what was left out, in one line."""
        reasons = ", ".join(f"{n} {reason}" for reason, n in self.omitted.items())
        return f"{self.n_omitted} of {self.n_rows} rows of {self.source} left out: {reasons}"

    def __str__(self) -> str:
        lines = [f"{self.source}, read as {self.reader}"]
        lines += [f"  {meaning}: {column}" for meaning, column in self.columns.items()]
        lines += [f"  times: {self.time_system}"] if self.time_system else []
        lines += [f"  {note}" for note in self.notes]
        lines += [f"  {self.omissions()}"] if self.omitted else []
        return "\n".join(lines)


def _parts(value: Any) -> tuple[Any, BoolArray | None]:
    """Separate what a container holds from what it masks."""
    if hasattr(value, "unmasked") and hasattr(value, "mask"):  # astropy.utils.masked
        return value.unmasked, np.asarray(value.mask)
    if isinstance(value, np.ma.MaskedArray):  # also astropy's MaskedColumn
        return np.ma.getdata(value, subok=False), np.ma.getmaskarray(value)
    return value, None


def _arrow(value: Any) -> Any:
    """Make an arrow column one that pandas knows; leave everything else."""
    if not type(value).__module__.startswith("pyarrow"):
        return value
    # Whole numbers with gaps stay whole: as floating point long ids would be rounded.
    return value.to_pandas(integer_object_nulls=True)


def _in_unit(name: str, value: Any, own: Any, unit: str | None) -> Any:
    """Convert values, whose own unit may have been separated from them."""
    if own is None or unit is None or str(own) == "":
        return getattr(value, "value", value)
    if unit == "mag" and hasattr(own, "physical_unit"):  # astropy's magnitudes with a zero point
        if str(own.physical_unit) not in ("AB", ""):
            raise InputError(f"{name} is in {own}", allowed="mag, mag(AB)")
        own, value = own.function_unit, getattr(value, "value", value)
    from astropy.units import Quantity

    try:
        quantity = value if hasattr(value, "to_value") else Quantity(np.asarray(value, dtype=np.float64), own)
        return quantity.to_value(unit)
    except Exception as error:
        raise InputError(
            f"{name} is in {own}, which cannot be converted to {unit or 'a number without a unit'}"
        ) from error


def missing(value: Any) -> BoolArray:
    """Tell which entries a container marks as missing: masked, null, None. NaN in plain arrays is not.

    Parameters
    ----------
    value : array_like
        Arrays, lists, pandas, astropy and arrow columns, Quantities, masked arrays.

    Returns
    -------
    ndarray of bool
        In the shape of `value`.
    """
    value, mask = _parts(_arrow(value))
    if mask is not None:
        return np.asarray(mask)
    if isinstance(value, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        return np.asarray(pd.isna(value))
    if isinstance(value, list | tuple) or getattr(value, "dtype", None) == object:
        return np.array([entry is None or entry is pd.NA or entry is np.ma.masked for entry in value], bool)
    return np.zeros(np.shape(value), dtype=np.bool_)


def numbers(name: str, value: Any, unit: str | None = None) -> FloatArray:
    """Read numbers of any container; what is masked, missing or no number is NaN.

    Parameters
    ----------
    name : str
        What they are, for the message.
    value : array_like
        Arrays, lists, pandas, astropy and arrow columns, Quantities, masked arrays.
    unit : str, optional
        Unit to which values with a unit are converted.

    Returns
    -------
    ndarray of float64
        The numbers, in the shape of `value`.

    Raises
    ------
    InputError
        If the unit cannot be converted, or nothing is a number.
    """
    own = getattr(value, "unit", None)
    value, mask = _parts(_arrow(value))
    value, inner = _parts(_in_unit(name, value, own, unit))
    if isinstance(value, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        array = pd.Series(value).to_numpy(dtype=object) if _is_odd(value) else pd.Series(value).to_numpy()
    else:
        array = np.asarray(value)
    if array.dtype.kind in "OSU":
        plain = pd.Series(array.ravel(), dtype=object).map(_decoded)
        parsed = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        wrong = ~np.isfinite(parsed) & plain.notna().to_numpy()
        if parsed.size and not np.isfinite(parsed).any() and wrong.any():
            first = plain[wrong].iloc[0]
            raise InputError(f"{name} cannot be read, it holds no numbers: {str(first)[:40]!r}")
        array = parsed.reshape(array.shape)
    elif array.dtype.kind not in "fiub":
        raise InputError(f"{name} has type {array.dtype}, expected numbers")
    result: FloatArray = array.astype(np.float64)
    for masked in (mask, inner):
        if masked is not None and masked.any():
            result[masked] = np.nan
    return result


def _is_odd(value: Any) -> bool:
    return getattr(value, "dtype", None) is None or not isinstance(value.dtype, np.dtype)


def _decoded(entry: Any) -> Any:
    """Make bytes text, and what stands for a missing entry None."""
    if isinstance(entry, bytes):
        entry = entry.decode("utf-8", "replace")
    if isinstance(entry, str):
        entry = entry.strip()
        return None if entry.lower() in ("", "null", "none", "nan", "na", "n/a", "--", "-") else entry
    if entry is None or entry is pd.NA or entry is pd.NaT or entry is np.ma.masked:
        return None
    return None if isinstance(entry, float) and np.isnan(entry) else entry


def text(name: str, value: Any, n: int | None = None) -> npt.NDArray[np.str_]:
    """Read text of any container, without blanks around it; what is missing is empty.

    Parameters
    ----------
    name : str
        What it is, for the message.
    value : array_like of str
        A single string is repeated `n` times.
    n : int, optional
        Required length.

    Returns
    -------
    ndarray of str
        The text.

    Raises
    ------
    InputError
        If the length is wrong or it is no text.
    """
    if isinstance(value, str | bytes):
        value = np.full(1 if n is None else n, str(_decoded(value) or ""))
    value, mask = _parts(_arrow(value))
    try:
        codes, known = pd.factorize(np.asarray(value, dtype=object) if mask is not None else pd.Series(value))
    except TypeError as error:
        raise InputError(f"{name} holds lists, expected one entry per row") from error
    entries = [_decoded(entry) for entry in known]
    for entry in entries:
        if entry is not None and not isinstance(entry, str | int | np.integer):
            raise InputError(f"{name} holds {entry!r}, expected text")
    names = np.array([*("" if e is None else str(e) for e in entries), ""], dtype=np.str_)
    result: npt.NDArray[np.str_] = names[codes]
    if mask is not None:
        result[mask] = ""
    if n is not None and result.shape != (n,):
        raise InputError(f"{name} has shape {result.shape}, expected ({n},)")
    return result


def flags(name: str, value: Any) -> BoolArray:
    """Read flags: true, false, 0 and 1, as numbers or as text. What is missing counts as set.

    Parameters
    ----------
    name : str
        What they are, for the message.
    value : array_like
        The flags.

    Returns
    -------
    ndarray of bool
        True where the flag is set, or is not known to be unset.
    """
    value, mask = _parts(_arrow(value))
    array = pd.Series(value).to_numpy()
    if array.dtype.kind == "b":
        result = array.astype(np.bool_)
    elif array.dtype.kind in "iuf":
        result = np.asarray(array != 0)  # NaN is not zero
    else:
        plain = pd.Series(array, dtype=object).map(lambda e: str(_decoded(e)).lower())
        unknown = set(plain.unique()) - _TRUE - _FALSE - {"none"}
        if len(unknown) == plain.nunique() and len(plain):
            raise InputError(f"{name} holds no flags: {min(unknown)[:40]!r}", allowed="true, false, 0, 1")
        result = np.asarray(~plain.isin(_FALSE).to_numpy())
    return result if mask is None else np.asarray(result | mask)


def identifiers(name: str, value: Any) -> tuple[npt.NDArray[Any], BoolArray]:
    """Read the names or numbers of stars.

    Parameters
    ----------
    name : str
        What they are, for the message.
    value : array_like of int or str
        One per row.

    Returns
    -------
    ids : ndarray of int64 or str
        Whole numbers stay numbers; anything else is text.
    known : ndarray of bool
        False where there is none.

    Raises
    ------
    InputError
        If numbers are not whole, or too large to be exact as they are stored.
    """
    value, mask = _parts(_arrow(value))
    column = pd.Series(value)
    if mask is not None:
        entries = column.to_numpy(dtype=object, copy=True)
        entries[mask] = None
        column = pd.Series(entries, dtype=object)
    known = column.notna().to_numpy()
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "integer":
        values = column.to_numpy()
        if all(abs(int(value)) <= np.iinfo(np.int64).max for value in values[known]):
            return np.where(known, values, 0).astype(np.int64), known
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_complex_dtype(column):
        raise InputError(f"{name} has type {column.dtype}, expected whole numbers or text")
    if pd.api.types.is_integer_dtype(column):
        values = column.to_numpy(dtype=object) if not known.all() else column.to_numpy()
        if values.dtype.kind == "u" and values.size and values.max() > np.iinfo(np.int64).max:
            return values.astype(str), known
        return np.where(known, values, 0).astype(np.int64), known
    if pd.api.types.is_float_dtype(column):
        plain = column.to_numpy(np.float64, na_value=np.nan)
        wrong = known & ~((np.abs(plain) < _EXACT) & (plain == np.round(plain)))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InputError(
                f"{name} = {float(plain[row])!r} in row {row} is no exact whole number",
                remedy="Read the column as integers or as text: floating point has rounded it.",
            )
        return np.where(known, plain, 0).astype(np.int64), known
    names = text(name, column)
    known = known & (names != "")
    return names, known


def match_columns(
    names: Iterable[str],
    aliases: Mapping[str, tuple[str, ...]],
    given: Mapping[str, str | None],
    *,
    table: str,
) -> dict[str, str]:
    """Match the columns of a table to what they mean.

    Parameters
    ----------
    names : iterable of str
        Columns of the table.
    aliases : mapping of str to tuple of str
        What each quantity may be called, in the spelling of `plain_name`.
    given : mapping of str to str or None
        Columns that the user has named; they need no alias.
    table : str
        The table, for the message.

    Returns
    -------
    dict
        The table's own name for each quantity found.

    Raises
    ------
    InputError
        If a named column does not exist, or several columns could be meant.
    """
    own = list(names)
    plain = {name: plain_name(name) for name in own}
    found: dict[str, str] = {}
    for key, wanted in given.items():
        if wanted is None:
            continue
        if wanted not in own:
            near = get_close_matches(wanted, own, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InputError(f"{table} has no column {wanted!r}{hint}", allowed=", ".join(own))
        found[key] = wanted
    for key, spellings in aliases.items():
        if key in found:
            continue
        candidates = [name for name in own if plain[name] in spellings and name not in found.values()]
        if len(candidates) > 1:
            raise InputError(
                f"{table} has several columns for the {key.replace('_', ' ')}: {', '.join(candidates)}",
                remedy=f'Say which: {key}="{candidates[0]}".',
            )
        if candidates:
            found[key] = candidates[0]
    return found


def plain_name(name: str) -> str:
    """Spell a column's name plainly: lower case, words joined by "_", no unit behind it.

    Parameters
    ----------
    name : str
        ``"Flux Error (mJy)"``.

    Returns
    -------
    str
        ``"flux_error"``.
    """
    bare = re.sub(r"[\s_]*[(\[][^()\[\]]*[)\]]\s*$", "", name.strip().lstrip("\ufeff#").strip())
    return re.sub(r"[\s\-.]+", "_", bare.lower())
