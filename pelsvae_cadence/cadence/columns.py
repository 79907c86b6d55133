"""Columns of survey tables: what they are called, their units, and the plain arrays that they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.cadence.soundness import check_names
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import numbers, text

__all__ = ["COLUMN_NAMES", "CORNERS", "RADIANS", "find_columns", "plain_columns"]

FloatArray = npt.NDArray[np.float64]

#: What tables in the wild call each column; earlier names win. Lower case: case does not matter.
COLUMN_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "start": (
        "observationstartmjd",
        "obs_start_mjd",
        "obsstartmjd",
        "expmjd",
        "obsmjd",
        "mjd_start",
        "obsjd",
    ),
    "middle": ("exp_midpt_mjd", "expmidptmjd", "obs_midpt_mjd", "midpointmjdtai", "mjd"),
    "ra": ("fieldra", "s_ra", "ra", "ra_deg", "_ra", "ra_rad"),
    "dec": ("fielddec", "s_dec", "dec", "decl", "dec_deg", "_dec", "dec_rad"),
    "band": ("band", "filter", "filtercode", "physical_filter"),
    "m5": ("fivesigmadepth", "stats_mag_lim_median", "maglim", "limmag", "diffmaglim", "m5", "maglimit"),
    "exptime": ("visitexposuretime", "exptime", "exposure_time", "exp_time"),
    "night": ("night",),
    "visit_id": ("observationid", "visitid", "visit_id", "expid", "visit", "exposure_id"),
    "airmass": ("airmass",),
    "seeing": ("seeingfwhmeff", "seeing", "fwhm_eff"),
    "rotation": ("rotskypos", "sky_rotation", "skyrotation"),
    "detector": ("detector", "detector_id", "ccdid"),
    "ccd_visit": ("ccdvisitid", "ccd_visit_id", "ccdvisit1_id"),
}
#: Two corners of a detector, opposite to each other: ra and dec of the one, of the other.
CORNERS: Final = ("llcra", "llcdec", "urcra", "urcdec")

_UNITS: Final = {
    "start": "day",
    "middle": "day",
    "ra": "deg",
    "dec": "deg",
    "m5": "mag",
    "exptime": "s",
    "night": None,
    "airmass": None,
    "seeing": "arcsec",
    "rotation": "deg",
    **dict.fromkeys(CORNERS, "deg"),
}
#: Names that say that a column is in radians.
RADIANS: Final = ("_ra", "_dec", "ra_rad", "dec_rad")
_DEGREES: Final = ("ra_deg", "dec_deg")
_JULIAN_DATES: Final = ("obsjd",)
# Pointings over so much of a circle, all of them within 2 pi and pi / 2: radians, or two fields of view
# at most.
_WIDE: Final = 4.0
_MANY: Final = 20


def find_columns(names: Iterable[str], given: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """Match the columns of a table to what they mean.

    Parameters
    ----------
    names : iterable of str
        Column names of the table.
    given : mapping of str to str or None, optional
        Columns that the user names, by the keys of `COLUMN_NAMES`; None is one to do without.

    Returns
    -------
    dict
        Keys out of `COLUMN_NAMES`, values the table's own names.

    Raises
    ------
    InputError
        If a position, time, band or depth column is missing, or the name of another one is
        misspelt by a letter.

    Examples
    --------
    >>> found = find_columns(["observationStartMJD", "fieldRA", "fieldDec", "filter",
    ...                       "fiveSigmaDepth"])
    >>> found["band"], found["start"]
    ('filter', 'observationStartMJD')
    """
    own = list(names)
    lower = {name.lower(): name for name in reversed(own)}
    found = {
        key: next(lower[alias] for alias in aliases if alias in lower)
        for key, aliases in COLUMN_NAMES.items()
        if any(alias in lower for alias in aliases)
    }
    for key, name in (given or {}).items():
        if key not in COLUMN_NAMES:
            raise InputError(f"no column of a survey means {key!r}", allowed=", ".join(COLUMN_NAMES))
        if name is None:
            found.pop(key, None)
        elif name not in own:
            raise InputError(f"the survey table has no column {name!r}", allowed=", ".join(own))
        else:
            found[key] = name
            if key == "middle":
                found.pop("start", None)
    if "start" in found:
        found.pop("middle", None)
    needed = {
        "ra": "fieldRA",
        "dec": "fieldDec",
        "band": "band or filter",
        "m5": "fiveSigmaDepth",
        "start": "observationStartMJD",
    }
    for key, usual in needed.items():
        if key not in found and not (key == "start" and "middle" in found):
            raise InputError(
                f"the survey table has no {usual} column (its columns: {', '.join(own)})",
                allowed=", ".join(COLUMN_NAMES[key]) + ", in any case",
                remedy="Rename the column."
                + (
                    " Visit tables of data releases have no depths: use CcdVisit or VisitDetector, or join "
                    "them."
                    if key == "m5"
                    else ""
                ),
            )
    left_out = {key for key, name in (given or {}).items() if name is None}
    check_names(own, found, {key: names for key, names in COLUMN_NAMES.items() if key not in left_out})
    return found


def plain_columns(values: Mapping[str, Any], found: Mapping[str, str]) -> pd.DataFrame:
    """Read the columns of a table: numbers in the package's units, NaN where there is none.

    Parameters
    ----------
    values : mapping of str to array_like
        Columns by name: arrays, lists, pandas and arrow columns, Quantities, masked columns.
    found : mapping of str to str
        What `find_columns` gives.

    Returns
    -------
    pandas.DataFrame
        Columns by the keys of `found`, angles in degrees, and `CORNERS` where the table has them.

    Raises
    ------
    InputError
        If a unit cannot be converted, or positions in radians seem to be called degrees.
    """
    lower = {str(name).lower(): name for name in values}
    wanted = {**found, **({name: lower[name] for name in CORNERS} if set(CORNERS) <= set(lower) else {})}
    plain = {key: _plain(key, name, values[name]) for key, name in wanted.items()}
    n = max((len(column) for column in plain.values() if np.ndim(column)), default=1)
    table = pd.DataFrame(
        {key: column if np.ndim(column) else np.full(n, column) for key, column in plain.items()}
    )
    unsaid = [
        not hasattr(values[found[key]], "unit") and found[key].lower() not in (*RADIANS, *_DEGREES)
        for key in ("ra", "dec")
    ]
    if all(unsaid) and _like_radians(table["ra"].to_numpy(), table["dec"].to_numpy()):
        raise InputError(
            f"{found['ra']} and {found['dec']} look like radians: all pointings lie within 2 pi and pi / 2",
            remedy="Call the columns _ra and _dec if they are in radians, ra_deg and dec_deg if in degrees.",
        )
    return table


def _plain(key: str, name: str, value: Any) -> Any:
    if key == "band":
        return text(name, value) if not isinstance(value, str) else value
    if key not in _UNITS:
        if isinstance(value, np.ma.MaskedArray):
            return pd.Series(np.ma.getdata(value).astype(object)).where(~np.ma.getmaskarray(value))
        return pd.Series(value.to_pandas() if hasattr(value, "to_pandas") else value).reset_index(drop=True)
    if hasattr(value, "tai"):  # astropy.time
        return np.asarray(value.tai.mjd, dtype=np.float64)
    own: FloatArray = numbers(name, value, _UNITS[key])
    if getattr(value, "unit", None) is None:
        if name.lower() in RADIANS:
            return np.degrees(own)
        if name.lower() in _JULIAN_DATES:
            return own - 2400000.5
    return own


def _like_radians(ra: FloatArray, dec: FloatArray) -> bool:
    """Tell whether pointings that should be in degrees cover the sky in radians."""
    known = np.isfinite(ra) & np.isfinite(dec)
    if known.sum() < _MANY:
        return False
    ra, dec = ra[known], dec[known]
    within = ra.min() >= -np.pi and ra.max() <= 2 * np.pi and np.abs(dec).max() <= np.pi / 2
    return bool(within and np.ptp(ra) > _WIDE and np.unique(ra).size > _MANY)
