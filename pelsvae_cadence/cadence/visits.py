"""Visits: when, in which band and how deep a survey looked at one sky position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.core.arrays import StructOfArrays, column
from pelsvae_cadence.core.errors import InputError

__all__ = ["Visits"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# MJD of 1950 and 2100: a Julian Date or a survey day in the time column shows up here.
_MJD_RANGE = (33282.0, 88069.0)


@dataclass(frozen=True, kw_only=True)
class Visits(StructOfArrays):
    """The visits of a survey to one position, sorted by time.

    Unsorted input is sorted (stably) at construction.

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

    _units: ClassVar = {"mjd": "d", "m5": "mag(AB)", "exptime": "s", "seeing": "arcsec"}

    def __post_init__(self) -> None:
        mjd = column("visit times (mjd)", np.atleast_1d(self.mjd), None, unit="day")
        n = mjd.size
        values: dict[str, npt.NDArray[Any]] = {
            "mjd": mjd,
            "band": column("band", self.band, n, np.str_),
            "m5": column("five-sigma depths (m5)", self.m5, n, unit="mag"),
            "night": column("night", self.night, n, np.int64),
            "visit_id": column("visit_id", self.visit_id, n, np.int64),
            "exptime": column("exptime", self.exptime, n, unit="s"),
        }
        for name, unit in (("airmass", None), ("seeing", "arcsec")):
            if getattr(self, name) is not None:
                values[name] = column(name, getattr(self, name), n, unit=unit)
        order = np.argsort(mjd, kind="stable")
        in_order = bool((order == np.arange(n)).all())
        for name, value in values.items():
            object.__setattr__(self, name, value if in_order else column(name, value[order], n, value.dtype))
        if n and not (_MJD_RANGE[0] < self.mjd[0] and self.mjd[-1] < _MJD_RANGE[1]):
            raise InputError(
                f"visit times run from {self.mjd[0]:.1f} to {self.mjd[-1]:.1f}",
                allowed=f"MJD {_MJD_RANGE[0]:.0f} to {_MJD_RANGE[1]:.0f}",
                remedy="Times are Modified Julian Dates (TAI): subtract 2400000.5 from Julian Dates.",
            )
        unknown = sorted(set(self.band.tolist()) - set(BANDS))
        if unknown:
            raise InputError(
                f"unknown band {unknown[0]!r}",
                allowed=", ".join(BANDS),
                remedy="Translate a survey's own names with pelsvae_cadence.bands.parse_bands.",
            )
        if np.unique(self.visit_id).size != n:
            raise InputError("visit_id must be unique")

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands present, from blue to red."""
        present = set(self.band.tolist())
        return tuple(name for name in BANDS if name in present)
