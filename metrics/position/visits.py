"""Visits of a slice point, read from MAF's data slice."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.bands import BANDS, parse_bands
from pelsvae_cadence.cadence.columns import COLUMN_NAMES, RADIANS
from pelsvae_cadence.cadence.exposures import exposures_by_place, same_exposure
from pelsvae_cadence.cadence.survey import local_nights, unit_vectors
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import OmissionWarning
from pelsvae_cadence.core.times import mid_exposure
from pelsvae_cadence.metrics.position.options import SliceOptions

__all__ = ["band_codes", "visits_from_slice"]

IntArray = npt.NDArray[np.int64]

_BAND_CODES: Final = {name: code for code, name in enumerate(BANDS)}
_DEFAULT_EXPTIME: Final = 30.0
# A pointing farther from its slice point than any camera reaches (degrees) is somewhere else.
_FAR: Final = 15.0
# What a depth [mag] and an exposure time [s] may be.
_RANGES: Final = {"mag": (5.0, 35.0), "s": (1e-3, 1e5)}
# Visit numbers made from times: milliseconds since this MJD, below 2^53.
_MJD_ZERO: Final = 40000.0


def band_codes(band: npt.NDArray[np.str_]) -> IntArray:
    """Give bands the numbers of their places in `pelsvae_cadence.bands.BANDS`."""
    return np.array([_BAND_CODES[name] for name in band.tolist()], dtype=np.int64)


def visits_from_slice(
    data_slice: npt.NDArray[Any], options: SliceOptions, slice_point: Mapping[str, Any] | None = None
) -> Visits:
    """Read the visits of one slice point, sorted by time; a missing column is refused by its name.

    MAF reads a database by itself, so that what it brings is checked here: pointings that are nowhere
    near, depths and exposure times that cannot be, and rows of one exposure, which become one visit
    with their median depth.
    """
    names = data_slice.dtype.names or ()
    for name in options.columns:
        if name not in names:
            raise InputError(
                f"the survey table has no column {name!r}",
                allowed=", ".join(names),
                remedy="Name the right column, e.g. band_col='filter' for older simulations.",
            )

    def numbers(column: str) -> npt.NDArray[np.float64]:
        return np.asarray(data_slice[column], dtype=np.float64)

    places = _places(data_slice, slice_point or {})
    survey, start, m5 = options.survey, numbers(options.mjd_col), numbers(options.m5_col)
    exptime = (
        np.full(start.size, _DEFAULT_EXPTIME) if options.exptime_col is None else numbers(options.exptime_col)
    )
    for column, values, unit in ((options.m5_col, m5, "mag"), (options.exptime_col, exptime, "s")):
        low, high = _RANGES[unit]
        bad = np.flatnonzero((values < low) | (values > high))
        if bad.size:
            raise InputError(
                f"{column} = {values[bad[0]]:g} {unit} in {bad.size} of {values.size} visits of a slice point",
                allowed=f"{low:g} to {high:g} {unit}",
                remedy="Leave them out with the bundle's constraint, or name the right column.",
            )
    band = parse_bands(data_slice[options.band_col], survey)
    exposure = _exposures(data_slice, start, band, places, options)
    rows = np.unique(exposure, return_index=True)[1]
    if rows.size < start.size:
        m5 = pd.Series(m5).groupby(exposure).median().to_numpy()
        warnings.warn(
            f"{start.size - rows.size} of {start.size} rows of a slice point left out: they have the time and "
            "band of another row (detectors, or repeated rows), and one exposure is one visit",
            OmissionWarning,
            stacklevel=6,
        )
        data_slice, start, exptime, band = data_slice[rows], start[rows], exptime[rows], band[rows]
    mjd = start if options.mjd_is_middle else mid_exposure(start, exptime)
    seeing = None if options.seeing_col is None else numbers(options.seeing_col)
    return Visits(
        mjd=mjd,
        band=band,
        m5=m5,
        night=(
            local_nights(mjd, survey)
            if options.night_col is None
            else np.asarray(data_slice[options.night_col]).astype(np.int64)
        ),
        visit_id=(
            _numbers_from_times(start, band)
            if options.visit_id_col is None
            else np.asarray(data_slice[options.visit_id_col]).astype(np.int64)
        ),
        exptime=exptime,
        # A column with gaps counts as missing.
        seeing=seeing if seeing is not None and np.isfinite(seeing).all() else None,
    )


def _places(data_slice: npt.NDArray[Any], slice_point: Mapping[str, Any]) -> npt.NDArray[np.float64] | None:
    """Give the pointings as unit vectors, where MAF brings them under a usual name.

    Pointings that are nowhere near are refused: MAF has taken radians for degrees, or degrees for radians.
    """
    own = {name.lower(): name for name in data_slice.dtype.names or ()}
    names = [next((name for name in COLUMN_NAMES[key] if name in own), "") for key in ("ra", "dec")]
    if "" in names or not len(data_slice):
        return None
    ra, dec = (np.asarray(data_slice[own[name]], dtype=np.float64) for name in names)
    # Degrees, unless the name says otherwise; a user may have told the slicer that they are radians.
    units = (180.0 / np.pi,) if names[0] in RADIANS else (1.0, 180.0 / np.pi)
    places = [unit_vectors(ra * unit, dec * unit) for unit in units]
    if not {"ra", "dec"} <= set(slice_point):
        return places[0]
    here = unit_vectors(np.degrees(slice_point["ra"]), np.degrees(slice_point["dec"]))
    for vectors in places:
        if (vectors @ here).max() >= np.cos(np.radians(_FAR)):
            return vectors
    raise InputError(
        f"no pointing ({own[names[0]]}, {own[names[1]]}) lies within {_FAR:g} deg of its slice point",
        remedy="Tell the slicer the unit of these columns (lat_lon_deg), or use run_period_recovery, which "
        "knows it.",
    )


def _exposures(
    data_slice: npt.NDArray[Any],
    start: npt.NDArray[np.float64],
    band: npt.NDArray[np.str_],
    places: npt.NDArray[np.float64] | None,
    options: SliceOptions,
) -> IntArray:
    """Give exposures numbers in the order of their first rows."""
    if options.visit_id_col is not None:
        number = data_slice[options.visit_id_col]
        if np.unique(number).size == number.size:
            return np.arange(number.size)
    exposure = same_exposure(start, band_codes(band))
    if places is not None:
        exposure = exposures_by_place(exposure, places, options.survey)
    return np.asarray(pd.factorize(exposure)[0], dtype=np.int64)


def _numbers_from_times(start: npt.NDArray[np.float64], band: npt.NDArray[np.str_]) -> IntArray:
    """Make visit numbers of time and band: a visit keeps its noise under any constraint."""
    number = np.rint((start - _MJD_ZERO) * 86_400_000.0).astype(np.int64) * 16 + band_codes(band)
    # A log may round its times to minutes: visits of one number, one after the other.
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
