"""Read Gaia epoch photometry (DR3): one row per transit, per transit and band, or per source."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import AB_ZERO_NJY
from pelsvae_cadence.core.tables.columns import flags, numbers
from pelsvae_cadence.core.tables.files import TableSource, open_table
from pelsvae_cadence.core.time_systems import parse_time_system
from pelsvae_cadence.light_curves import MeasuredLightCurves
from pelsvae_cadence.readers.archive_table import ArchiveTable

__all__ = ["read_gaia"]

#: AB zero points of the third data release: magnitude of 1 electron per second (Riello et al. 2021).
AB_ZERO_POINTS: Final = {"G": 25.8010, "BP": 25.3540, "RP": 25.1040}
_TIME: Final = "BJD TCB - 2455197.5"
# Time, flux, error, and flags, of each band in tables with one row per transit.
_TRANSIT: Final = {
    "G": ("g_transit_time", "g_transit_flux", "variability_flag_g_reject"),
    "BP": ("bp_obs_time", "bp_flux", "variability_flag_bp_reject"),
    "RP": ("rp_obs_time", "rp_flux", "variability_flag_rp_reject"),
}


def read_gaia(source: Any) -> MeasuredLightCurves:
    """Read Gaia epoch photometry.

    Fluxes are taken to nJy with the AB zero points of the release. Rejected transits are left out.

    Parameters
    ----------
    source : path, table or mapping
        What the archive gives for one source or many (CSV, ECSV, VOTable, FITS): with columns of their
        own for G, BP and RP (``g_transit_time``, ...), also as arrays in one row per source, or with
        ``time``, ``band``, ``flux`` in one row per band and transit.

    Returns
    -------
    MeasuredLightCurves
        One light curve per source, in the bands G, BP and RP. Times are barycentric.

    Raises
    ------
    InputError
        If a column is missing.
    """
    table = ArchiveTable(_unfolded(open_table(source)), "Gaia", ("epoch_photometry",))
    if "g_transit_time" in table or "bp_obs_time" in table:
        columns = _of_transits(table)
    else:
        columns = _of_bands(table)
    system = parse_time_system(_TIME)
    zero = np.array([AB_ZERO_POINTS.get(name, np.nan) for name in columns["band"].tolist()])
    scale = 10.0 ** (0.4 * (AB_ZERO_NJY - zero))
    table.notes.append("fluxes in e-/s taken to nJy with the AB zero points of DR3")
    return table.light_curves(
        left_out=columns["left_out"],
        time=system.to_mjd_tai(columns["time"]),
        time_system=system,
        star=columns["star"],
        band=columns["band"],
        flux=columns["flux"] * scale,
        flux_err=columns["error"] * scale,
    )


def _of_bands(table: ArchiveTable) -> dict[str, Any]:
    """Read one row per transit and band."""
    time, band = table.need("time", "time"), table.need("band", "band")
    flux, error = table.need("flux", "flux"), table.need("error", "flux_error", "flux_over_error")
    star = table.need("source", "source_id")
    rejected = [n for n in ("rejected_by_photometry", "rejected_by_variability") if n in table]
    table.read(rejected, time=time, band=band, flux=flux, flux_err=error, star_id=star)
    bands, strange = table.bands(table[band], {"g": "G", "bp": "BP", "rp": "RP"})
    values = numbers(flux, table[flux])
    ids, missing = table.numbered(star)
    return {
        "time": numbers(time, table[time]),
        "band": bands,
        "star": ids,
        "flux": values,
        "error": _error(error, values, table),
        "left_out": table.flagged(rejected) | {"with another band": strange, "of no source": missing},
    }


def _of_transits(table: ArchiveTable) -> dict[str, Any]:
    """Read one row per transit, and make a row per band of it."""
    star = table.need("source", "source_id")
    used: dict[str, tuple[str, str, str, list[str]]] = {}
    for name, (time, flux, flag) in _TRANSIT.items():
        if time in table and flux in table:
            error = table.need(f"error of {flux}", f"{flux}_error", f"{flux}_over_error")
            used[name] = (time, flux, error, [n for n in (flag, "rejected_by_photometry") if n in table])
    if not used:
        table.need("flux", "g_transit_flux", "bp_flux", "rp_flux")
    wanted = [column for time, flux, error, bad in used.values() for column in (time, flux, error, *bad)]
    table.read(wanted, star_id=star)
    table.columns |= {f"{name}": ", ".join(parts[:3]) for name, parts in used.items()}
    ids, missing = table.numbered(star)
    n = ids.size
    parts: dict[str, list[npt.NDArray[Any]]] = {"time": [], "flux": [], "error": [], "bad": [], "none": []}
    for time, flux, error, bad in used.values():
        values = numbers(flux, table[flux]) if _has_numbers(table[flux]) else np.full(n, np.nan)
        times = numbers(time, table[time]) if _has_numbers(table[time]) else np.full(n, np.nan)
        parts["time"].append(times)
        parts["flux"].append(values)
        parts["error"].append(_error(error, values, table))
        nothing = ~np.isfinite(values) & ~np.isfinite(times)
        parts["none"].append(nothing)
        rejected = np.zeros(n, dtype=np.bool_)
        for name in bad:
            rejected |= flags(name, table[name])
        parts["bad"].append(rejected & ~nothing)
    rows = {name: np.concatenate(columns) for name, columns in parts.items()}
    table.notes.append("a row of a transit counts once for every band")
    there = ~rows["none"]  # a transit without BP or RP is no point left out
    return {
        "time": rows["time"][there],
        "band": np.repeat(np.array(list(used), dtype=np.str_), n)[there],
        "star": np.tile(ids, len(used))[there],
        "flux": rows["flux"][there],
        "error": rows["error"][there],
        "left_out": {
            "rejected by Gaia": rows["bad"][there],
            "of no source": np.tile(missing, len(used))[there],
        },
    }


def _has_numbers(value: Any) -> bool:
    """Tell a column from one that is empty for all rows."""
    return not (
        isinstance(value, pa.Array) and (pa.types.is_null(value.type) or value.null_count == len(value))
    )


def _error(name: str, flux: npt.NDArray[np.float64], table: ArchiveTable) -> npt.NDArray[np.float64]:
    if not _has_numbers(table[name]):
        return np.full(flux.size, np.nan)
    value = numbers(name, table[name])
    if not name.endswith("_over_error"):
        return value
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(flux / value)


def _unfolded(table: TableSource) -> TableSource:
    """Read arrays that a CSV holds as text, "[1.5, 2.5]" in one row per source, as lists."""
    time = next((name for name in table.names if name.lower() == "g_transit_time"), None)
    if time is None or table.nested or table.path is None:
        return table
    read = table.read([*table.names])
    first = next((str(entry) for entry in np.asarray(read[time]).tolist() if entry is not None), "")
    if not first.lstrip().startswith(("[", "{", "(")):
        return table
    columns: dict[str, Any] = {}
    for name in table.names:
        entries = [None if e is None else str(e).strip() for e in np.asarray(read[name]).tolist()]
        if any(entry and entry[0] in "[{(" for entry in entries):
            columns[name] = pa.array([_listed(entry) for entry in entries])
        else:
            columns[name] = read[name]
    if not any(isinstance(column, pa.ListArray) for column in columns.values()):
        raise InputError(f"the arrays of {table.label} cannot be read")
    return open_table(pa.table(columns))


def _listed(entry: str | None) -> list[str | None]:
    plain = (entry or "").strip("[](){} ")
    return (
        [
            None if part.strip(" '\"").lower() in ("", "null", "nan", "--", "none") else part.strip(" '\"")
            for part in plain.replace("\n", " ").split(",")
        ]
        if plain
        else []
    )
