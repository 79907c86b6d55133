"""Users' own stars: tables in CSV, Parquet or FITS, with units and the field's column names.

Read: every column is looked up under its own name and the usual others (`COLUMN_ALIASES`); units
come from FITS and from ECSV headers, plain numbers carry the package's units. What a table does not
hold is drawn given what it holds, if a source model is at hand. Written: the columns of `Stars`, with
units where the format has a place for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.classes import parse_star_class
from pelsvae_cadence.core.arrays import column as read_column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import RawSFD
from pelsvae_cadence.core.files import replacing
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.tables.columns import numbers as read_numbers
from pelsvae_cadence.core.times import MJD_ZERO
from pelsvae_cadence.model.reference_stars import PARAMETERS
from pelsvae_cadence.stars import REFERENCE_EPOCH, UNITS, Stars

if TYPE_CHECKING:
    from pelsvae_cadence.model.source import LightCurveModel

__all__ = ["COLUMN_ALIASES", "read_star_table", "table_kind", "write_star_table"]

FloatArray = npt.NDArray[np.float64]

#: Names under which columns are looked up; capitals, blanks and underscores do not matter.
COLUMN_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "star_id": ("star_id", "id", "object_id", "source_id", "number"),
    "star_class": ("star_class", "class", "type", "var_type", "variable_type"),
    "subtype": ("subtype", "sub_type", "subclass", "mode"),
    "period": ("period", "p", "per", "period_days", "pulsation_period", "orbital_period"),
    "teff": ("teff", "t_eff", "temperature", "effective_temperature"),
    "abs_mag_g": ("abs_mag_g", "abs_gmag", "m_g", "absolute_magnitude"),
    "amplitude_i": ("amplitude_i", "a_i", "amp_i", "amplitude"),
    "epoch": ("epoch", "t0", "bjd0", "hjd0", "time_of_maximum"),
    "ra": ("ra", "raj2000", "ra_deg", "right_ascension"),
    "dec": ("dec", "dej2000", "decj2000", "dec_deg", "decl", "declination"),
    "distance_modulus": ("distance_modulus", "mu", "dm", "distmod"),
    "distance": ("distance", "d", "dist", "distance_kpc"),
    "distance_pc": ("distance_pc", "dist_pc", "r_est"),
    "ebv": ("ebv", "e_bv", "e(b-v)", "ebv_true"),
    "ebv_sfd": ("ebv_sfd", "sfd", "sfd_ebv", "e(b-v)_sfd"),
    "feh": ("feh", "[fe/h]", "fe_h", "metallicity"),
}

#: Units of plain numbers, and into which others are converted.
_UNITS: Final = {**UNITS, "distance": "kpc", "distance_pc": "pc", "ebv_sfd": "mag"}
_FORMATS: Final = (".csv", ".ecsv", ".parquet", ".fits", ".fit", ".fits.gz")


def _plain(name: str) -> str:
    return "".join(ch for ch in name.lower() if ch not in " -_")


_LOOKUP: Final = {_plain(alias): key for key, names in COLUMN_ALIASES.items() for alias in names}


def table_kind(path: Path) -> str:
    """Tell the kind of a star table from its name.

    Parameters
    ----------
    path : Path
        The file; it need not exist.

    Returns
    -------
    str
        Its suffix: ``.csv``, ``.ecsv``, ``.parquet``, ``.fits``, ``.fit`` or ``.fits.gz``.

    Raises
    ------
    InputError
        For any other.
    """
    name = path.name.lower()
    found = next((s for s in sorted(_FORMATS, key=len, reverse=True) if name.endswith(s)), None)
    if found is None:
        raise InputError(f"unknown kind of star table {path.name!r}", allowed=", ".join(_FORMATS))
    return found


def _load(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """Read the file as it is, with the units it states."""
    kind = table_kind(path)
    if not path.is_file():
        raise InputError(f"no star table at {path}")
    try:
        if kind == ".csv":
            return pd.read_csv(path, comment="#"), {}
        if kind == ".parquet":
            return pd.read_parquet(path), {}
        from astropy.table import Table

        table = Table.read(path, format="ascii.ecsv" if kind == ".ecsv" else "fits")
        units = {name: str(table[name].unit) for name in table.colnames if table[name].unit}
        flat = [name for name in table.colnames if table[name].ndim == 1]
        # Masked whole numbers stay whole and missing; FITS' big-endian numbers become the machine's.
        return table[flat].to_pandas(), units
    except ImportError as error:
        raise InputError(
            f"reading {path.name} needs a package that is not installed ({error.name})",
            remedy="Install it with: pip install pyarrow",
        ) from error
    except InputError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        raise InputError(f"star table {path} cannot be read: {reason}") from error


def _numbers(path: Path, name: str, values: pd.Series[Any], unit: str | None) -> FloatArray:
    """Turn a column into numbers in the package's unit."""
    wanted = _UNITS.get(name)
    numbers = read_numbers(f"column {values.name!r} of {path.name}", values)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size and name != "feh":
        what = values.iloc[int(bad[0])]
        raise InputError(
            f"column {values.name!r} of {path.name} is no finite number in {bad.size} of "
            f"{numbers.size} rows, first in row {int(bad[0]) + 1} ({what!r})",
            remedy="Mend or remove those rows.",
        )
    if unit is not None and wanted is not None:
        from astropy import units as u

        try:
            numbers = u.Quantity(numbers, unit).to_value(wanted)
        except Exception as error:
            raise InputError(
                f"column {values.name!r} of {path.name} is in {unit!r}, which is no unit of {name}",
                allowed=f"anything that can be converted to {wanted}",
            ) from error
    return np.asarray(numbers, dtype=np.float64)


def _julian(path: Path, epoch: FloatArray) -> FloatArray:
    """Tell full Julian Dates from modified ones and from those with 2450000 cut off, by their size."""
    if not epoch.size:
        return epoch
    low, high = float(epoch.min()), float(epoch.max())
    if low > 2.3e6 and high < 2.6e6:
        return epoch
    if low > 2.0e4 and high < 1.0e5:
        return epoch + MJD_ZERO
    if low > -1.0e4 and high < 2.0e4:
        return epoch + 2450000.0
    raise InputError(
        f"epochs of {path.name} run from {low:g} to {high:g}",
        allowed="Julian Dates (2400000 and more), MJD, or JD - 2450000, one kind in all rows",
    )


def read_star_table(
    path: str | Path,
    *,
    model: LightCurveModel | None = None,
    seed: int = 0,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Stars:
    """Read a table of stars.

    Parameters
    ----------
    path : str or Path
        A ``.csv``, ``.ecsv``, ``.parquet`` or ``.fits`` file with a row per star. Needed: class
        (or a subtype that implies it), ra, dec. Optional: the other columns of `COLUMN_ALIASES`.
    model : LightCurveModel, optional
        Draws period, teff, abs_mag_g and amplitude_i where the table lacks them, jointly given
        those it has; without it the table must have all four.
    seed : int
        Seed of those draws and of missing epochs.
    columns : mapping of str to str, optional
        Names of columns that the aliases do not find: our name to the table's.
    units : mapping of str to str, optional
        Units of the table's columns by our names, as astropy spells them; they go before units
        stated in the file.

    Returns
    -------
    Stars
        The stars, in the order of the table. A column ``ebv_sfd`` is turned into true E(B-V); a
        distance into a distance modulus; epochs into BJD. Without ``star_id`` rows are numbered
        from 0; without a distance stars are at 10 pc; without E(B-V) there is no dust.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing or twice there, or a value is not valid.
    """
    file = Path(path)
    frame, stated = _load(file)
    if frame.empty:
        raise InputError(f"star table {file} holds no star")
    found = _find_columns(file, frame, columns or {})
    n = len(frame)
    unknown_units = sorted(set(units or {}) - set(_UNITS))
    if unknown_units:
        raise InputError(f"unit given for {unknown_units[0]!r}", allowed=", ".join(_UNITS))
    values = {
        key: _numbers(file, key, frame[name], (units or {}).get(key, stated.get(name)))
        for key, name in found.items()
        if key in _UNITS or key == "feh"
    }
    for key in ("star_class", "ra", "dec"):
        if key not in found and not (key == "star_class" and "subtype" in found):
            raise InputError(
                f"star table {file.name} has no column {key} "
                f"(its columns: {', '.join(map(str, frame.columns))})",
                allowed=" or ".join(COLUMN_ALIASES[key]),
                remedy="Rename the column, or name it with columns={'" + key + "': ...}.",
            )
    star_class, subtype = _classes(file, frame, found)
    ids = _numbering(file, frame, found, n)
    if "epoch" in values:
        values["epoch"] = _julian(file, values["epoch"])
    lacking = [key for key in PARAMETERS if key not in values]
    if lacking:
        if model is None:
            raise InputError(
                f"star table {file.name} has no column {lacking[0]}",
                allowed=" or ".join(COLUMN_ALIASES[lacking[0]]),
                remedy="Add it, or give a source model that draws it.",
            )
        subtype = _draw_missing(model, star_class, subtype, ids, values, seed)
    if "epoch" not in values:
        phase = KeyedRandom(seed=seed).uniform("epoch", ids)
        values["epoch"] = REFERENCE_EPOCH + phase * values["period"]
    return Stars(
        star_id=ids,
        star_class=star_class,
        subtype=subtype,
        distance_modulus=_modulus(file, values, n),
        ebv=_true_ebv(file, values, n),
        feh=values.get("feh", np.full(n, np.nan)),
        **{key: values[key] for key in (*PARAMETERS, "epoch", "ra", "dec")},
    )


def _find_columns(path: Path, frame: pd.DataFrame, named: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(named) - set(COLUMN_ALIASES))
    if unknown:
        raise InputError(f"unknown quantity {unknown[0]!r}", allowed=", ".join(COLUMN_ALIASES))
    found: dict[str, str] = {}
    for key, name in named.items():
        if name not in frame.columns:
            raise InputError(
                f"star table {path.name} has no column {name!r}", allowed=", ".join(map(str, frame.columns))
            )
        found[key] = name
    for name in map(str, frame.columns):
        key = _LOOKUP.get(_plain(name), "")
        if not key or key in named or name in named.values():
            continue
        if key in found:
            # The table's own spelling of our name wins over an alias.
            exact = [c for c in (found[key], name) if _plain(c) == _plain(key)]
            if len(exact) != 1:
                raise InputError(
                    f"columns {found[key]!r} and {name!r} of {path.name} both mean {key}",
                    remedy="Name the right one with columns={'" + key + "': ...}.",
                )
            name = exact[0]
        found[key] = name
    return found


def _classes(
    path: Path, frame: pd.DataFrame, found: Mapping[str, str]
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
    names = frame[found.get("star_class", found.get("subtype", ""))]
    kinds = frame[found["subtype"]] if "subtype" in found else pd.Series([""] * len(frame))
    parsed: dict[tuple[str, str], tuple[str, str]] = {}
    star_class, subtype = [], []
    pairs = zip(names.astype(str).str.strip(), kinds.fillna("").astype(str).str.strip(), strict=True)
    for row, (name, kind) in enumerate(pairs):
        if (name, kind) not in parsed:
            try:
                parent, implied = parse_star_class(name)
            except InputError as error:
                raise InputError(
                    f"row {row + 1} of {path.name}: {error.problem}", allowed=error.allowed
                ) from error
            parsed[name, kind] = parent, (kind if kind and kind != name else implied or "")
        star_class.append(parsed[name, kind][0])
        subtype.append(parsed[name, kind][1])
    return np.array(star_class), np.array(subtype)


def _numbering(path: Path, frame: pd.DataFrame, found: Mapping[str, str], n: int) -> npt.NDArray[np.int64]:
    if "star_id" not in found:
        return np.arange(n, dtype=np.int64)
    column = frame[found["star_id"]]
    remedy = "Leave star numbers out (rows are then numbered), or use integers."
    gone = np.flatnonzero(column.isna())
    if gone.size:
        raise InputError(
            f"column {found['star_id']!r} of {path.name} is missing in {gone.size} of {n} rows, "
            f"first in row {gone[0] + 1}",
            remedy=remedy,
        )
    try:
        return read_column("star_id", column, n, np.int64)
    except InputError as error:
        raise InputError(
            f"column {found['star_id']!r} of {path.name} does not hold whole numbers: {error.problem}",
            remedy=remedy,
        ) from error


def _modulus(path: Path, values: Mapping[str, FloatArray], n: int) -> FloatArray:
    given = [key for key in ("distance_modulus", "distance", "distance_pc") if key in values]
    if len(given) > 1:
        raise InputError(f"star table {path.name} gives {' and '.join(given)}", allowed="one of them")
    if not given:
        return np.zeros(n)
    if given[0] == "distance_modulus":
        return values["distance_modulus"]
    kpc = values[given[0]] * (1e-3 if given[0] == "distance_pc" else 1.0)
    if (kpc <= 0).any():
        row = int(np.flatnonzero(kpc <= 0)[0]) + 1
        raise InputError(f"the distance in row {row} of {path.name} is not positive")
    return np.asarray(5.0 * np.log10(kpc) + 10.0)


def _true_ebv(path: Path, values: Mapping[str, FloatArray], n: int) -> FloatArray:
    if "ebv" in values and "ebv_sfd" in values:
        raise InputError(f"star table {path.name} gives ebv and ebv_sfd", allowed="one of them")
    if "ebv_sfd" in values:
        return RawSFD(values["ebv_sfd"]).to_true().value
    return values.get("ebv", np.zeros(n))


def _draw_missing(
    model: LightCurveModel,
    star_class: npt.NDArray[np.str_],
    subtype: npt.NDArray[np.str_],
    ids: npt.NDArray[np.int64],
    values: dict[str, FloatArray],
    seed: int,
) -> npt.NDArray[np.str_]:
    """Draw what is lacking, given what is there; subtypes that are unknown come with it."""
    given = {key: values[key] for key in PARAMETERS if key in values}
    for key in PARAMETERS:
        values[key] = np.array(values[key]) if key in given else np.empty(len(ids))
    kinds = subtype.astype("U16")
    pairs = list(zip(star_class.tolist(), subtype.tolist(), strict=True))
    for name, kind in sorted(set(pairs)):
        mine = np.flatnonzero([pair == (name, kind) for pair in pairs])
        known: dict[str, Any] = {key: value[mine] for key, value in given.items()}
        drawn = model.sample(name, subtype=kind or None, star_id=ids[mine], seed=seed, **known)
        kinds[mine] = drawn.subtype
        for key in PARAMETERS:
            values[key][mine] = getattr(drawn, key)
    return kinds


def write_star_table(
    stars: Stars, path: str | Path, *, extra: Mapping[str, npt.ArrayLike] | None = None
) -> None:
    """Write a table of stars that `read_star_table` reads back.

    Parameters
    ----------
    stars : Stars
        The stars; latent coordinates are not written, they are drawn again from seed and number.
    path : str or Path
        A ``.csv``, ``.ecsv``, ``.parquet`` or ``.fits`` file; it is replaced in one step.
    extra : mapping of str to array_like, optional
        Further columns, one value per star.

    Raises
    ------
    InputError
        For an unknown kind of file.
    """
    file = Path(path)
    kind = table_kind(file)
    names = [field.name for field in fields(Stars) if field.name != "latent"]
    frame = pd.DataFrame({name: getattr(stars, name) for name in names})
    for name, value in (extra or {}).items():
        frame[name] = np.asarray(value)
    with replacing(file) as partial:
        if kind == ".csv":
            frame.to_csv(partial, index=False)
        elif kind == ".parquet":
            frame.to_parquet(partial, index=False)
        else:
            from astropy.table import Table

            plain = {name: _fixed_width(frame[name]) for name in frame}
            units = {name: _UNITS[name] for name in names if name in _UNITS}
            table = Table(plain, units=units)
            table.write(partial, format="ascii.ecsv" if kind == ".ecsv" else "fits", overwrite=True)


def _fixed_width(values: pd.Series[Any]) -> npt.NDArray[Any]:
    array = np.asarray(values)
    return array if array.dtype.kind in "biuf" else array.astype(np.str_)
