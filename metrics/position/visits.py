"""From MAF's data slices to visits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS, SurveyName, parse_bands
from pelsvae_cadence.cadence.survey import local_nights
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.times import mid_exposure

__all__ = ["SliceColumns", "visits_from_slice"]

IntArray = npt.NDArray[np.int64]

_BAND_CODES: Final = {name: code for code, name in enumerate(BANDS)}
_DEFAULT_EXPTIME: Final = 30.0
# Visit numbers made from times: milliseconds since this MJD, below 2^53.
_MJD_ZERO: Final = 40000.0


@dataclass(frozen=True, kw_only=True)
class SliceColumns:
    """What the columns of a survey table are called.

    Parameters
    ----------
    mjd, m5, band : str
        Time (MJD TAI), five-sigma depth and band.
    night, exptime, visit_id, seeing : str or None
        Night, exposure time in s, number of the visit and effective seeing in arcsec; None where
        the table has none. Nights are then counted at local noon, exposures last 30 s, numbers
        are made from the time, and the seeing is the survey's fiducial one.
    mjd_is_middle : bool
        The times are those of mid-exposure; otherwise half the exposure is added.
    """

    mjd: str = "observationStartMJD"
    m5: str = "fiveSigmaDepth"
    band: str = "band"
    night: str | None = "night"
    exptime: str | None = "visitExposureTime"
    visit_id: str | None = None
    seeing: str | None = None
    mjd_is_middle: bool = False

    def needed(self) -> list[str]:
        """List the columns to ask MAF for.

        Returns
        -------
        list of str
            Their names.
        """
        optional = (self.night, self.exptime, self.visit_id, self.seeing)
        return [self.mjd, self.m5, self.band, *(name for name in optional if name is not None)]


def visits_from_slice(data_slice: npt.NDArray[Any], columns: SliceColumns, survey: SurveyName) -> Visits:
    """Read the visits of one slice point.

    Parameters
    ----------
    data_slice : numpy structured array, shape (n_visits,)
        What MAF hands to a metric.
    columns : SliceColumns
        Names of its columns.
    survey : {"lsst", "ztf"}
        Whose filters they are.

    Returns
    -------
    Visits
        All visits of the slice, sorted by time.

    Raises
    ------
    InputError
        If a column is missing, a band is unknown or a value is not finite.
    """
    names = data_slice.dtype.names or ()
    for name in columns.needed():
        if name not in names:
            raise InputError(
                f"the survey table has no column {name!r}",
                allowed=", ".join(names),
                remedy="Name the right column, e.g. band_col='filter' for older simulations.",
            )
    start = np.asarray(data_slice[columns.mjd], dtype=np.float64)
    exptime = (
        np.full(start.size, _DEFAULT_EXPTIME)
        if columns.exptime is None
        else np.asarray(data_slice[columns.exptime], dtype=np.float64)
    )
    mjd = start if columns.mjd_is_middle else mid_exposure(start, exptime)
    band = parse_bands(data_slice[columns.band], survey)
    night = local_nights(mjd, survey) if columns.night is None else np.asarray(data_slice[columns.night])
    visit_id = (
        _numbers_from_times(start, band)
        if columns.visit_id is None
        else np.asarray(data_slice[columns.visit_id]).astype(np.int64)
    )
    return Visits(
        mjd=mjd,
        band=band,
        m5=np.asarray(data_slice[columns.m5], dtype=np.float64),
        night=night.astype(np.int64),
        visit_id=visit_id,
        exptime=exptime,
        seeing=_complete(data_slice, columns.seeing),
    )


def _complete(data_slice: npt.NDArray[Any], column: str | None) -> npt.NDArray[np.float64] | None:
    """Read a column that may be missing; one with gaps counts as missing."""
    if column is None:
        return None
    values = np.asarray(data_slice[column], dtype=np.float64)
    return values if np.isfinite(values).all() else None


def _numbers_from_times(start: npt.NDArray[np.float64], band: npt.NDArray[np.str_]) -> IntArray:
    """Make visit numbers of time and band: a visit keeps its noise under any constraint."""
    codes = np.array([_BAND_CODES[name] for name in band.tolist()], dtype=np.int64)
    number = np.rint((start - _MJD_ZERO) * 86_400_000.0).astype(np.int64) * 16 + codes
    # Repeated entries of one visit differ in the last bits.
    order = np.argsort(number, kind="stable")
    first = np.concatenate([[True], np.diff(number[order]) > 0]) if order.size else order > 0
    position = np.arange(order.size)
    repeat = np.empty(order.size, dtype=np.int64)
    repeat[order] = position - np.maximum.accumulate(np.where(first, position, 0))
    if order.size and repeat.max() > 63:
        raise InputError(
            f"{int(repeat.max()) + 1} visits have the same time and band",
            remedy="Remove the repeated rows, or name a column of visit numbers (visit_id_col).",
        )
    return number * 64 + repeat
