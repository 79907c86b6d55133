"""Visits of a slice point, read from MAF's data slice."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS, parse_bands
from pelsvae_cadence.cadence.survey import local_nights
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.times import mid_exposure
from pelsvae_cadence.metrics.position.options import SliceOptions

__all__ = ["band_codes", "visits_from_slice"]

IntArray = npt.NDArray[np.int64]

_BAND_CODES: Final = {name: code for code, name in enumerate(BANDS)}
_DEFAULT_EXPTIME: Final = 30.0
# Visit numbers made from times: milliseconds since this MJD, below 2^53.
_MJD_ZERO: Final = 40000.0


def band_codes(band: npt.NDArray[np.str_]) -> IntArray:
    """Give bands the numbers of their places in `pelsvae_cadence.bands.BANDS`."""
    return np.array([_BAND_CODES[name] for name in band.tolist()], dtype=np.int64)


def visits_from_slice(data_slice: npt.NDArray[Any], options: SliceOptions) -> Visits:
    """Read the visits of one slice point, sorted by time; a missing column is refused by its name."""
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

    start, survey = numbers(options.mjd_col), options.survey
    exptime = (
        np.full(start.size, _DEFAULT_EXPTIME) if options.exptime_col is None else numbers(options.exptime_col)
    )
    mjd = start if options.mjd_is_middle else mid_exposure(start, exptime)
    band = parse_bands(data_slice[options.band_col], survey)
    seeing = None if options.seeing_col is None else numbers(options.seeing_col)
    return Visits(
        mjd=mjd,
        band=band,
        m5=numbers(options.m5_col),
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


def _numbers_from_times(start: npt.NDArray[np.float64], band: npt.NDArray[np.str_]) -> IntArray:
    """Make visit numbers of time and band: a visit keeps its noise under any constraint."""
    number = np.rint((start - _MJD_ZERO) * 86_400_000.0).astype(np.int64) * 16 + band_codes(band)
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
