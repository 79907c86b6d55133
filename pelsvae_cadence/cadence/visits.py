"""Visits: when, in which band and how deep a survey looked at one sky position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.core.arrays import StructOfArrays, check_range, column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.containers import drop_missing
from pelsvae_cadence.core.times import check_mjd

__all__ = ["M5_RANGE", "POSITIVE", "Visits"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Depths that a survey can have, AB mag.
M5_RANGE: Final = (5.0, 35.0)

#: Ranges of what must be positive: name, smallest, largest value, unit.
POSITIVE: Final = (
    ("exptime", 1e-3, 1e5, "s"),
    ("airmass", 0.5, 100.0, ""),
    ("seeing", 1e-3, 100.0, "arcsec"),
)


# Of tables; no annotation in the class, which would list them among its fields.
_COLUMN_UNITS: Final = {"mjd": "d", "m5": "mag(AB)", "exptime": "s", "seeing": "arcsec"}


@dataclass(frozen=True, kw_only=True)
class Visits(StructOfArrays):
    """The visits of a survey to one position, sorted by time.

    Unsorted input is sorted (stably) at construction. Visits whose time, band, depth, night, number or
    exposure time is masked or missing are left out, with a warning that counts them.

    Parameters
    ----------
    mjd : ndarray of float64, shape (n_visits,)
        Mid-exposure times, MJD (TAI), in days.
    band : ndarray of str, shape (n_visits,)
        Bands out of `pelsvae_cadence.bands.BANDS`.
    m5 : ndarray of float64, shape (n_visits,)
        Five-sigma point-source depths, AB mag.
    night : ndarray of int64, shape (n_visits,)
        Night numbers; they grow with time.
    visit_id : ndarray of int64, shape (n_visits,)
        Unique numbers of the visits in their survey; the address of their noise.
    exptime : ndarray of float64, shape (n_visits,)
        Exposure times in seconds.
    airmass : ndarray of float64, shape (n_visits,), optional
        Airmass.
    seeing : ndarray of float64, shape (n_visits,), optional
        Effective seeing (FWHM) in arcsec.

    Raises
    ------
    InputError
        On wrong shapes, unknown bands, times or depths that are not finite or not plausible.
    """

    mjd: FloatArray
    band: npt.NDArray[np.str_]
    m5: FloatArray
    night: IntArray
    visit_id: IntArray
    exptime: FloatArray
    airmass: FloatArray | None = None
    seeing: FloatArray | None = None

    _units = _COLUMN_UNITS

    def __post_init__(self) -> None:
        needed = ("mjd", "band", "m5", "night", "visit_id", "exptime")
        given = drop_missing(
            {name: getattr(self, name) for name in (*needed, "airmass", "seeing")}, needed, "visits"
        )
        mjd = column("visit times (mjd)", given["mjd"], None, unit="day")
        n = mjd.size
        values: dict[str, npt.NDArray[Any]] = {
            "mjd": mjd,
            "band": column("band", given["band"], n, np.str_),
            "m5": column("five-sigma depths (m5)", given["m5"], n, unit="mag"),
            "night": column("night", given["night"], n, np.int64, unit="d"),
            "visit_id": column("visit_id", given["visit_id"], n, np.int64),
            "exptime": column("exptime", given["exptime"], n, unit="s"),
        }
        for name, unit in (("airmass", None), ("seeing", "arcsec")):
            if given[name] is not None:
                values[name] = column(name, given[name], n, unit=unit)
        order = np.argsort(mjd, kind="stable")
        in_order = bool((order == np.arange(n)).all())
        for name, value in values.items():
            object.__setattr__(self, name, value if in_order else column(name, value[order], n, value.dtype))
        check_mjd("visit", self.mjd)
        unknown = sorted(set(self.band.tolist()) - set(BANDS))
        if unknown:
            raise InputError(
                f"unknown band {unknown[0]!r}",
                allowed=", ".join(BANDS),
                remedy="Translate a survey's own names with pelsvae_cadence.bands.parse_bands.",
            )
        check_range("five-sigma depth (m5)", self.m5, *M5_RANGE, "mag", row="visit")
        for name, low, high, unit in POSITIVE:
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name), low, high, unit, row="visit")
        if np.unique(self.visit_id).size != n:
            raise InputError("visit_id must be unique")

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands present, from blue to red."""
        present = set(self.band.tolist())
        return tuple(name for name in BANDS if name in present)
