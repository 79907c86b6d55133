"""Read light curves of the Rubin Observatory: ForcedSource and DiaSource tables, flat or nested."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.bands import LSST_BANDS
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import numbers
from pelsvae_cadence.core.tables.points import FluxKind
from pelsvae_cadence.core.time_systems import MJD_TAI
from pelsvae_cadence.light_curves import MeasuredLightCurves
from pelsvae_cadence.readers.archive_table import ArchiveTable

__all__ = ["read_rubin"]

FloatArray = npt.NDArray[np.float64]

_NESTED: Final = ("objectForcedSource", "diaObjectForcedSource", "forcedSource", "diaSource", "sources")
_PIXEL_FLAGS: Final = tuple(
    f"pixelFlags_{flag}" for flag in ("bad", "cr", "saturated", "suspect", "edge", "nodata")
)
_TIMES: Final = ("midpointMjdTai", "expMidptMJD")
_BANDS: Final = {band: band for band in LSST_BANDS} | {f"lsst_{band}": band for band in LSST_BANDS}
_SECONDS: Final = 1.0 / 86400.0


def read_rubin(
    source: Any, *, visits: Any = None, flux_kind: FluxKind | None = None, nested: str | None = None
) -> MeasuredLightCurves:
    """Read ForcedSource, ForcedSourceOnDiaObject, DiaSource or DiaForcedSource tables (DP1, DP2).

    Points with ``psfFlux_flag``, with ``pixelFlags_`` ``bad``, ``cr``, ``saturated``, ``suspect``,
    ``edge`` or ``nodata`` are left out, as far as the table has these flags.

    Parameters
    ----------
    source : path, table or mapping
        The table; HATS and LSDB frames have it nested in the rows of objects.
    visits : path, table or mapping, optional
        ``Visit``, ``CcdVisit`` or ``VisitDetector``: the times of a table that has none.
    flux_kind : {"total", "difference"}, optional
        Total fluxes are ``psfFlux`` of ForcedSource and ``scienceFlux`` of DiaSource; difference
        fluxes ``psfDiffFlux`` and ``psfFlux``. By default the total ones, or difference fluxes if
        the table has no others.
    nested : str, optional
        The nested column to take; by default the forced photometry.

    Returns
    -------
    MeasuredLightCurves
        One light curve per object.

    Raises
    ------
    InputError
        If a column is missing, the kind of flux cannot be told, or there are no times.
    """
    table = ArchiveTable(source, "Rubin", (nested,) if nested else _NESTED)
    star = table.need("object", "objectId", "diaObjectId")
    kind, flux, error = _flux(table, flux_kind)
    band = table.need("band", "band")
    visit = table.find("visit", "visitId", "ccdVisitId")
    time = table.find(*_TIMES)
    if time is None and visits is None:
        raise InputError(
            f"{table.label} has no times (no {' or '.join(_TIMES)})",
            remedy="Give the table of visits: visits='Visit.parquet'.",
        )
    own = "psfDiffFlux_flag" if flux == "psfDiffFlux" else "psfFlux_flag"
    also = ("forced_PsfFlux_flag",) if flux == "scienceFlux" else ()
    flags = [name for name in (own, *also, *_PIXEL_FLAGS) if name in table]
    detector = table.find("detector") if time is None else None
    table.read(
        [*flags, detector], star_id=star, time=time, band=band, flux=flux, flux_err=error, visit_id=visit
    )
    if not flags:
        table.notes.append("no flags to apply")
    left_out = table.flagged(flags)
    if time is not None:
        mjd = numbers(time, table[time], "d")
    else:
        mjd = _times_of_visits(table, visits, visit, detector)
        left_out["of visits without a time"] = ~np.isfinite(mjd)
    ours, strange = table.bands(table[band], _BANDS)
    ids, unassociated = table.numbered(star)
    if star == "diaObjectId":
        unassociated |= ids == 0
    return table.light_curves(
        left_out=left_out | {"with another band": strange, "of no object": unassociated},
        time=MJD_TAI.to_mjd_tai(mjd),
        time_system=MJD_TAI,
        star=ids,
        band=ours,
        flux=numbers(flux, table[flux], "nJy"),
        flux_err=numbers(error, table[error], "nJy"),
        flux_kind=kind,
        visit_id=_visit_numbers(table, visit),
    )


def _flux(table: ArchiveTable, wanted: FluxKind | None) -> tuple[FluxKind, str, str]:
    """Choose the column of the wanted kind of flux, if the table's columns leave no doubt what they are."""
    if wanted is not None and wanted not in ("total", "difference"):
        raise InputError(f"flux_kind = {wanted!r}", allowed='"total", "difference"')
    of_differences = table.find("scienceFlux", "diaSourceId", "diaForcedSourceId") is not None
    forced = table.find("psfDiffFlux", "forcedSourceId", "forcedSourceOnDiaObjectId") is not None
    forced |= not of_differences and "objectId" in table
    if of_differences:
        columns: dict[FluxKind, str] = {"total": "scienceFlux", "difference": "psfFlux"}
    elif forced:
        columns = {"total": "psfFlux", "difference": "psfDiffFlux"}
    elif wanted is not None:
        columns = {wanted: "psfFlux"}
    else:
        raise InputError(
            f"psfFlux of {table.label} may be the total flux (ForcedSourceOnDiaObject) or that of the "
            "difference image (DiaSource): the table has no column that tells",
            remedy='Say flux_kind="total" or "difference".',
        )
    there: list[FluxKind] = [kind for kind, name in columns.items() if name in table]
    kind: FluxKind = wanted if wanted is not None else [*there, *columns][0]
    name = table.need(f"{kind} flux", columns[kind])
    table.notes.append(f"{name} is the {kind} flux")
    return kind, name, table.need(f"error of {name}", f"{name}Err")


def _visit_numbers(table: ArchiveTable, visit: str | None) -> npt.NDArray[np.int64] | None:
    if visit is None:
        return None
    ids, missing = table.numbered(visit)
    return np.where(missing, -1, ids)


def _times_of_visits(table: ArchiveTable, visits: Any, visit: str | None, detector: str | None) -> FloatArray:
    """Look the times of points up in a table of visits or of their detectors."""
    if visit is None:
        raise InputError(f"{table.label} has neither times nor visits", allowed="visit, ccdVisitId")
    listed = ArchiveTable(visits, "Rubin visits")
    keys = ("ccdVisitId",) if visit == "ccdVisitId" else ("visit", "visitId")
    key = listed.need("visit", *keys)
    middle = listed.find("expMidptMJD", "midpointMjdTai")
    start = listed.find("obsStartMJD") if middle is None else None
    length = listed.find("expTime") if start else None
    if middle is None and length is None:
        middle = listed.need("time", "expMidptMJD", "obsStartMJD and expTime")
    listed.read((), key=key, middle=middle, start=start, length=length)
    if middle is not None:
        mjd = numbers(middle, listed[middle], "d")
    else:
        assert start is not None
        assert length is not None
        mjd = numbers(start, listed[start], "d") + 0.5 * numbers(length, listed[length], "s") * _SECONDS
    ids, missing = listed.numbered(key)
    at = pd.DataFrame({"visit": ids[~missing], "mjd": mjd[~missing]}).dropna()
    spread = at.groupby("visit")["mjd"].agg(np.ptp) if at["visit"].duplicated().any() else None
    if spread is not None and float(spread.max()) > 60.0 * _SECONDS:
        raise InputError(
            f"rows of visit {spread.idxmax()} in {listed.label} differ in time by more than a minute"
        )
    once = at.drop_duplicates("visit").set_index("visit")["mjd"]
    wanted, missing = table.numbered(visit)
    table.columns["time"] = f"{middle or f'{start} + {length} / 2'} of {listed.label}"
    found = once.reindex(wanted).to_numpy(dtype=np.float64, na_value=np.nan)
    if not np.isfinite(found).any() and wanted.size:
        raise InputError(f"no visit of {table.label} is in {listed.label}")
    return np.where(missing, np.nan, found)
