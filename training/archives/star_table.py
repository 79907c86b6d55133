"""Tables of stars under one set of column names, whatever the catalogue calls them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from pelsvae_cadence.classes import parse_star_class
from pelsvae_cadence.core.errors import InputError

__all__ = ["ALIASES", "OGLE_NAME", "class_in_ogle_name", "find_column", "read_frame", "read_star_table"]

#: Column names found in the catalogues and tables of the field, in order of preference.
ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "star": ("star", "OGLE-ID", "OGLE_id", "id", "ID", "star_id", "object_id", "name"),
    "star_class": ("star_class", "Type", "cls", "class", "type"),
    "subtype": ("subtype", "subType", "Subtype", "mode"),
    "period": ("period", "Period", "P_1", "P"),
    "band": ("band", "filter"),
    "time": ("time", "t", "mjd", "hjd", "jd", "bjd", "date"),
    "mag": ("mag", "magnitude", "mag_I"),
    "mag_err": ("mag_err", "err", "magerr", "error", "mag_err_I"),
}

#: OGLE-LMC-CEP-0002: field, class and number stand in the name; a letter tells companions apart.
OGLE_NAME: Final = re.compile(r"^OGLE-(?P<field>[A-Z]+)-(?P<cls>[A-Z0-9]+)-(?P<number>\d+)[A-Za-z]?$")


def read_star_table(source: Path | str | pd.DataFrame) -> pd.DataFrame:
    """Read a table of stars under the package's column names.

    Parameters
    ----------
    source : path or DataFrame
        A table in csv (also compressed) or parquet, one row per star. Known spellings of the
        columns are the package's own, those of the OGLE tables of the paper (``OGLE_id``,
        ``Type``, ``subType``, ``Period``) and those of the ragged sets (``id``, ``cls``, ``mode``).

    Returns
    -------
    DataFrame
        Columns ``star``, ``star_class``, ``subtype``, ``period`` [d; NaN if unknown], ``band``
        (``""`` if unknown), then all other columns as found. Classes are resolved by
        `pelsvae_cadence.classes.parse_star_class`; unknown ones stay as found.

    Raises
    ------
    InputError
        If no column names the star.
    """
    frame = source.copy() if isinstance(source, pd.DataFrame) else read_frame(Path(source))
    star = find_column(frame, "star")
    if star is None:
        raise InputError(
            f"no column names the star; found {', '.join(map(str, frame.columns))}",
            allowed=", ".join(ALIASES["star"]),
        )
    table = pd.DataFrame({"star": frame[star].astype(str).to_numpy()})
    used = [star]
    for name in ("star_class", "subtype", "band"):
        found = find_column(frame, name)
        table[name] = "" if found is None else frame[found].fillna("").astype(str).to_numpy()
        used += [] if found is None else [found]
    classes = {name: _resolve_class(name) for name in table["star_class"].unique()}
    from_name = table["star"].map(class_in_ogle_name)
    table["star_class"] = table["star_class"].map(classes).where(table["star_class"] != "", from_name)
    found = find_column(frame, "period")
    if found is not None:
        used.append(found)
    period = np.nan if found is None else pd.to_numeric(frame[found], errors="coerce")
    table["period"] = np.broadcast_to(np.asarray(period, dtype=np.float64), len(table))
    rest = frame.drop(columns=used).reset_index(drop=True)
    return pd.concat([table, rest[[c for c in rest if c not in table]]], axis=1)


def read_frame(path: Path) -> pd.DataFrame:
    """Read a table in csv or parquet.

    Parameters
    ----------
    path : Path
        The file: ``.csv``, compressed or not, or ``.parquet``.

    Returns
    -------
    DataFrame
        The table as it is, names of stars as text.

    Raises
    ------
    InputError
        If the file is missing or of another kind.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist")
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if ".csv" in path.suffixes:
        # Names of stars may look like numbers; the aliases of numeric columns are parsed later.
        return pd.read_csv(path, dtype=dict.fromkeys(ALIASES["star"], str), low_memory=False)
    raise InputError(f"{path.name} is neither csv nor parquet", allowed=".csv, .csv.gz, .parquet")


def find_column(
    frame: pd.DataFrame, name: str, aliases: Mapping[str, tuple[str, ...]] = ALIASES
) -> str | None:
    """Find the column of a table that holds a quantity.

    Parameters
    ----------
    frame : DataFrame
        The table.
    name : str
        The quantity.
    aliases : mapping of str to tuple of str
        Names that its column may have, in order of preference.

    Returns
    -------
    str or None
        The name of the column, None if there is none.
    """
    return next((alias for alias in aliases[name] if alias in frame.columns), None)


def class_in_ogle_name(star: str) -> str:
    """Tell the class of an OGLE star from its name.

    Parameters
    ----------
    star : str
        A name such as ``"OGLE-LMC-CEP-0002"``.

    Returns
    -------
    str
        The class; ``""`` for names of another kind.
    """
    match = OGLE_NAME.match(star)
    return _resolve_class(match["cls"]) if match else ""


def _resolve_class(name: str) -> str:
    try:
        return parse_star_class(name)[0]
    except InputError:
        return name
