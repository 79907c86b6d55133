"""Read light curves of the ASAS-SN Sky Patrol, versions 1 and 2, and of its catalogue of variables."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import numbers, text
from pelsvae_cadence.core.time_systems import parse_time_system
from pelsvae_cadence.light_curves import MeasuredLightCurves
from pelsvae_cadence.readers.archive_table import ArchiveTable

__all__ = ["read_asassn"]

_BANDS: Final = {"V": "V", "v": "V", "g": "g"}
# The archive writes 99.99 where there is no flux.
_NO_VALUE: Final = 99.9
_ID: Final = re.compile(r"SkyPatrol ID\s*:\s*(\d+)", re.IGNORECASE)


def read_asassn(
    source: Any, *, band: str | None = None, star_id: int | str | None = None
) -> MeasuredLightCurves:
    """Read an ASAS-SN light curve.

    Fluxes are used, also of points whose magnitude is an upper limit (">16.5").

    Parameters
    ----------
    source : path, table or mapping
        CSV of Sky Patrol 1 (``HJD``, ``flux(mJy)``, ``flux_err``, ``Filter``), of Sky Patrol 2 (``JD``,
        ``Flux``, ``Flux Error``, ``Filter``, ``Quality``), of its Python client (``asas_sn_id``,
        ``jd``, ``flux``, ``phot_filter``), or of the catalogue of variables.
    band : str, optional
        "V" or "g", for a table without filters.
    star_id : int or str, optional
        Number or name of the star, for a table that has none; 0 by default.

    Returns
    -------
    MeasuredLightCurves
        One light curve per star, in the bands V and g.

    Raises
    ------
    InputError
        If a column is missing.
    """
    table = ArchiveTable(source, "ASAS-SN")
    time = table.need("time", "hjd", "jd")
    flux = table.need("flux", "flux(mjy)", "flux")
    error = table.need("error", "flux_err", "flux_error", "flux_err(mjy)")
    column = table.find("filter", "phot_filter")
    if column is None and band is None:
        table.need("filter", "Filter", "phot_filter", remedy='Say band="V" or band="g".')
    star = table.find("asas_sn_id") if star_id is None else None
    quality, limit = table.find("quality"), table.find("mag")
    table.read((quality, limit), time=time, flux=flux, flux_err=error, band=column, star_id=star)
    n = table.n_rows
    if column is None:
        ours, strange = np.full(n, str(band)), np.zeros(n, dtype=np.bool_)
    else:
        ours, strange = table.bands(table[column], _BANDS)
        if band is not None:
            raise InputError(f"{table.label} has filters of its own", remedy="Leave out band.")
    left_out = {"with another band": strange}
    if quality is not None:
        left_out["of bad quality"] = text(quality, table[quality]) == "B"
    values, errors = numbers(flux, table[flux], "mJy"), numbers(error, table[error], "mJy")
    left_out["without a flux"] = ~((errors > 0.0) & (errors < _NO_VALUE)) & (values >= _NO_VALUE)
    if limit is not None:
        limits = int(np.count_nonzero(np.char.startswith(text(limit, _plain(table[limit])), ">")))
        if limits:
            table.notes.append(f"{limits} upper limits: their forced fluxes are used")
    if star is None and star_id is None:
        numbered = next((found for line in table.table.comments if (found := _ID.search(line))), None)
        star_id = int(numbered[1]) if numbered else 0
    table.notes.append("fluxes are in mJy")
    system = parse_time_system("HJD UTC" if time == "hjd" else "JD UTC")
    return table.light_curves(
        left_out=left_out,
        time=system.to_mjd_tai(numbers(time, table[time], "d")),
        time_system=system,
        star=table[star] if star is not None else star_id,
        band=ours,
        flux=1e6 * values,
        flux_err=1e6 * errors,
    )


def _plain(value: Any) -> Any:
    """Magnitudes are numbers in most files, text in those with upper limits."""
    array = np.asarray(value)
    return array.astype(str) if array.dtype.kind in "fiu" else value
