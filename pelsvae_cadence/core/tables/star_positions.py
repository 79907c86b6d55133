"""Positions of stars from a table: right ascension and declination by the star's number or name."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import identifiers, match_columns, numbers
from pelsvae_cadence.core.tables.files import TableSource, open_table
from pelsvae_cadence.core.tables.long_tables import COLUMN_ALIASES

__all__ = ["star_positions"]

FloatArray = npt.NDArray[np.float64]

_ALIASES: Final = {
    "star_id": COLUMN_ALIASES["star_id"],
    "ra": ("ra", "raj2000", "ra_deg", "ra_icrs", "right_ascension", "coord_ra", "meanra", "objra"),
    "dec": (
        "dec",
        "decl",
        "dej2000",
        "decj2000",
        "dec_deg",
        "de_icrs",
        "declination",
        "coord_dec",
        "meandec",
        "objdec",
    ),
}


def star_positions(
    source: Any, stars: npt.NDArray[Any], *, star_id: str | None = None
) -> tuple[FloatArray, FloatArray]:
    """Look up where stars are.

    Parameters
    ----------
    source : path, DataFrame, Table or mapping
        A table with columns such as ``star_id, ra, dec``: a row per star, or a table of light curves
        that repeats the position in every row of a star, of which the first counts.
    stars : ndarray of int64 or str, shape (N,)
        Numbers or names of the stars.
    star_id : str, optional
        The column of the stars, where several could be meant.

    Returns
    -------
    ra, dec : ndarray of float64, shape (N,)
        Positions in degrees, right ascension from 0 to 360.

    Raises
    ------
    InputError
        If the table has no positions, lacks a star, or a position is none.
    """
    table = open_table(source)
    columns = match_columns(table.names, _ALIASES, {"star_id": star_id}, table=table.label)
    absent = [key for key in _ALIASES if key not in columns]
    if absent:
        raise InputError(
            f"{table.label} has no column {absent[0]} (its columns: {', '.join(table.names)}): "
            "HATS needs the positions of the stars",
            remedy="Give a table with star_id, ra and dec (degrees) as positions (--positions).",
        )
    read = table.read(columns.values())
    ids, known = identifiers("star_id", read[columns["star_id"]])
    ra, dec = (_degrees(table, columns[key], read[columns[key]]) for key in ("ra", "dec"))
    usable = known & np.isfinite(ra) & np.isfinite(dec)
    if ids.dtype.kind != stars.dtype.kind:
        ids, stars = ids.astype(str), stars.astype(str)
    ids, ra, dec = ids[usable], ra[usable], dec[usable]
    first = ~pd.Series(ids).duplicated().to_numpy()
    place = pd.Index(ids[first]).get_indexer(pd.Index(stars))
    if (place < 0).any():
        raise InputError(
            f"{table.label} has no position for {int((place < 0).sum())} of {stars.size} stars, "
            f"the first of them {stars[int(np.argmax(place < 0))]}"
        )
    ra, dec = ra[first][place], dec[first][place]
    wrong = (ra < -360.0) | (ra > 360.0) | (np.abs(dec) > 90.0)
    if wrong.any():
        k = int(np.argmax(wrong))
        raise InputError(
            f"star {stars[k]} of {table.label} is at ra = {ra[k]:g}, dec = {dec[k]:g}",
            allowed="degrees: ra 0 to 360, dec -90 to 90",
        )
    return np.mod(ra, 360.0), dec


def _degrees(table: TableSource, name: str, value: Any) -> FloatArray:
    unit = table.units.get(name, "deg")
    if getattr(value, "unit", None) is not None or unit in ("deg", "degree", "degrees"):
        return numbers(name, value, "deg")
    from astropy.units import Unit

    try:
        factor = float(Unit(unit).to("deg"))
    except (ValueError, TypeError) as error:
        raise InputError(f"{name} of {table.label} is in {unit!r}", allowed="deg, rad") from error
    return numbers(name, value) * factor
