"""Read light curves of the ATLAS forced-photometry server."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import numbers
from pelsvae_cadence.core.tables.points import FluxKind
from pelsvae_cadence.core.time_systems import parse_time_system
from pelsvae_cadence.core.times import mid_exposure
from pelsvae_cadence.light_curves import MeasuredLightCurves
from pelsvae_cadence.readers.archive_table import ArchiveTable

__all__ = ["read_atlas"]

_BANDS: Final = {"c": "c", "o": "o", "t": "t"}
_EXPOSURE: Final = 30.0
_SIGNIFICANT: Final = 3.0


def read_atlas(
    source: Any, *, flux_kind: FluxKind | None = None, star_id: int | str = 0
) -> MeasuredLightCurves:
    """Read the text table of the ATLAS forced-photometry server: one star.

    The server measures on difference images, or on the images themselves if it was asked to, and the
    table does not say which.

    Parameters
    ----------
    source : path, table or mapping
        The server's answer, with columns ``MJD m dm uJy duJy F err ...``.
    flux_kind : {"total", "difference"}, optional
        Which it was. By default told by the fluxes: those of a star are all significantly positive,
        those of differences are not.
    star_id : int or str
        Number or name of the star.

    Returns
    -------
    MeasuredLightCurves
        One light curve, in the bands c and o. Times are the middle of the exposures of 30 s.

    Raises
    ------
    InputError
        If a column is missing.
    """
    table = ArchiveTable(source, "ATLAS")
    time, band = table.need("time", "MJD"), table.need("filter", "F")
    flux, error = table.need("flux", "uJy"), table.need("error", "duJy")
    failed = table.find("err")
    table.read((failed,), time=time, band=band, flux=flux, flux_err=error)
    values, errors = 1e3 * numbers(flux, table[flux]), 1e3 * numbers(error, table[error])
    ours, strange = table.bands(table[band], _BANDS)
    left_out = {"with another band": strange}
    if failed is not None:
        left_out["with an error of the fit"] = numbers(failed, table[failed]) != 0.0
    bad = np.logical_or.reduce(list(left_out.values()))
    if flux_kind is None:
        flux_kind = _kind(values[~bad], errors[~bad])
        table.notes.append(f'taken as {flux_kind} fluxes by their signs (flux_kind="..." says otherwise)')
    if flux_kind not in ("total", "difference"):
        raise InputError(f"flux_kind = {flux_kind!r}", allowed='"total", "difference"')
    system = parse_time_system("MJD UTC")
    return table.light_curves(
        left_out=left_out,
        time=mid_exposure(system.to_mjd_tai(numbers(time, table[time], "d")), np.array(_EXPOSURE)),
        time_system=system,
        star=star_id,
        band=ours,
        flux=values,
        flux_err=errors,
        flux_kind=flux_kind,
    )


def _kind(flux: np.ndarray[Any, Any], error: np.ndarray[Any, Any]) -> FluxKind:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = flux / error
    ratio = ratio[np.isfinite(ratio)]
    # One in twenty may be damaged or clouded out.
    positive = ratio.size > 0 and np.mean(ratio > _SIGNIFICANT) >= 0.95 and not (ratio < -5.0).any()
    return "total" if positive else "difference"
