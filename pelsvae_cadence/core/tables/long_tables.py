"""Find the columns of a light curve in a table in long format (one row per point), and read them."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import flux_to_mag
from pelsvae_cadence.core.tables.columns import ColumnReport, flags, match_columns, numbers, plain_name, text
from pelsvae_cadence.core.tables.files import TableSource, open_table
from pelsvae_cadence.core.tables.points import (
    FluxKind,
    MagSystem,
    Points,
    collect_points,
    flux_in_njy,
    times_in_mjd,
    to_ab,
)
from pelsvae_cadence.core.tables.text_files import Table

__all__ = ["COLUMN_ALIASES", "points_from_table"]

FloatArray = npt.NDArray[np.float64]

#: What tables call each column of a light curve. Case, blanks and units behind the name do not matter.
COLUMN_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    key: tuple(spellings.split())
    for key, spellings in {
        "time": "time times t obs_time obstime mjd_obs obsmjd obs_mjd expmidptmjd midpointmjdtai exp_midpt_mjd "
        "obs_midpt_mjd jd_obs obsjd obs_jd mjd jd hjd bjd hmjd bmjd btjd bkjd bjd_tdb bjd_tcb bjd_utc hjd_utc "
        "mjd_tai mjd_utc mjd_tdb mjd_tcb jd_utc jd_tai jd_tdb jd_tcb",
        "band": "band filter filt flt filtercode filter_code filter_name filtername passband bandpass "
        "phot_filter",
        "mag": "mag mags magnitude magnitudes psfmag mag_psf magpsf ab_mag mag_ab",
        "mag_err": "mag_err magerr e_mag emag err_mag mag_error magerror magnitude_error magnitude_err "
        "e_magnitude sigma_mag mag_sigma dmag mag_unc mag_uncertainty magunc sigmapsf psfmagerr",
        "flux": "flux fluxes psfflux fnu f_nu flux_njy flux_ujy flux_mjy flux_jy",
        "flux_err": "flux_err fluxerr e_flux eflux flux_error fluxerror psffluxerr sigma_flux flux_sigma dflux "
        "flux_unc fluxunc flux_uncertainty flux_err_njy flux_err_ujy flux_err_mjy flux_err_jy",
        "star_id": "star_id starid object_id objectid obj_id objid source_id diaobjectid oid id name object star "
        "target star_name asas_sn_id",
        "visit_id": "visit_id visitid visit observationid expid",
        "saturated": "saturated",
    }.items()
}
_ANY_ERROR: Final = ("err", "error", "sigma", "unc", "uncertainty", "e")
_JANSKY: Final = {"njy": "nJy", "ujy": "uJy", "mjy": "mJy", "jy": "Jy"}
# Columns that only difference photometry has.
_DIFFERENCES: Final = ("diasourceid", "diaobjectid", "scienceflux", "psfdiffflux", "forcediffimflux")
# Fluxes without a unit beside magnitudes are in nJy if both agree to this, in mag.
_AGREE: Final = 0.1
# 29 mag: fluxes without a unit that never exceed it are in another unit than nJy.
_FAINTEST: Final = 10.0


def points_from_table(
    source: Any,
    *,
    given: dict[str, Any],
    time_system: Any = None,
    flux_unit: str | None = None,
    mag_system: MagSystem = "AB",
    flux_kind: FluxKind | None = None,
    nested: str | None = None,
) -> Points:
    """Read the points of a table in long format.

    Parameters
    ----------
    source : path, DataFrame, Table or mapping
        The table.
    given : dict
        What the user has said: columns by name for the keys of `COLUMN_ALIASES`; a number for
        "mag_err"; a band that is no column for "band".
    time_system, flux_unit, mag_system, flux_kind, nested : optional
        See `pelsvae_cadence.light_curves.LightCurves.from_table`.

    Returns
    -------
    Points
        The usable points.

    Raises
    ------
    InputError
        If a column is missing or could be several, or a unit or time system is not known.
    """
    table = open_table(source).flat(() if nested is None else (nested,))
    if not table.names:
        raise InputError(f"{table.label} has no line with the names of its columns", remedy="Write one.")
    constants = {
        key: value
        for key in ("band", "mag_err", "flux_err")
        if (value := given.get(key)) is not None and _is_constant(table, key, value)
    }
    columns = match_columns(
        table.names,
        {key: spellings for key, spellings in COLUMN_ALIASES.items() if key not in constants},
        {key: value for key, value in given.items() if key not in constants},
        table=table.label,
    )
    if given.get("mag") is not None and given.get("flux") is None:
        columns.pop("flux", None)
    if given.get("flux") is not None and given.get("mag") is None:
        columns.pop("mag", None)
    _find_error(table, columns, constants)
    _check_found(table, columns, constants, flux_kind)
    read = table.read(columns.values())
    return _points(table, read, columns, constants, time_system, flux_unit, mag_system, flux_kind or "total")


def _is_constant(table: TableSource, key: str, value: Any) -> bool:
    if not isinstance(value, str):
        return True
    if key != "band" or value in table.names:
        return False
    has_column = any(plain_name(name) in COLUMN_ALIASES["band"] for name in table.names)
    return not has_column and not get_close_matches(value, table.names, 1)


def _find_error(table: TableSource, columns: dict[str, str], constants: dict[str, Any]) -> None:
    """Take a column that is only called an error for that of the one measured quantity."""
    values = [key for key in ("mag", "flux") if key in columns]
    if len(values) != 1 or f"{values[0]}_err" in {**columns, **constants}:
        return
    loose = [name for name in table.names if plain_name(name) in _ANY_ERROR]
    if len(loose) == 1:
        columns[f"{values[0]}_err"] = loose[0]


def _check_found(
    table: TableSource, columns: dict[str, str], constants: dict[str, Any], flux_kind: str | None
) -> None:
    have = {**columns, **constants}
    own = f"(its columns: {', '.join(table.names)})"
    for key, example in (("time", "mjd"), ("band", "filter")):
        if key not in have:
            raise InputError(
                f"{table.label} has no column for the {key} {own}", remedy=f'Name it: {key}="{example}".'
            )
    if "mag" not in have and "flux" not in have:
        raise InputError(
            f"{table.label} has neither magnitudes nor fluxes {own}", remedy='Name them: mag="...".'
        )
    for key in ("mag", "flux"):
        if key in have and f"{key}_err" not in have:
            other = "flux" if key == "mag" else "mag"
            if other in have and f"{other}_err" in have:
                columns.pop(key)
                return
            raise InputError(
                f"{table.label} has no errors of the {key} {own}",
                remedy=f'Name the column, {key}_err="...", or give a number, {key}_err=0.02.',
            )
    strange = [name for name in table.names if plain_name(name) in _DIFFERENCES]
    if strange and flux_kind is None and "flux" in columns:
        raise InputError(
            f"{table.label} may hold fluxes of difference images (it has {strange[0]!r})",
            remedy='Use pelsvae_cadence.read_light_curves, or say flux_kind="total" or "difference".',
        )


def _points(
    table: TableSource,
    read: Table,
    columns: dict[str, str],
    constants: dict[str, Any],
    time_system: Any,
    flux_unit: str | None,
    mag_system: MagSystem,
    flux_kind: FluxKind,
) -> Points:
    said = {
        key: f"{name} [{table.units[name]}]" if name in table.units else name for key, name in columns.items()
    }
    said |= {key: f"{value} for all rows" for key, value in constants.items()}
    notes = list(table.notes)
    time, system = times_in_mjd(columns["time"], read[columns["time"]], time_system)
    n = time.size
    band = text("band", constants.get("band", read[columns["band"]] if "band" in columns else ""), n)
    values: dict[str, Any] = {}

    def errors(key: str, unit: str) -> FloatArray:
        if key in constants:
            given = constants[key]
            one = float(given.to_value(unit)) if hasattr(given, "to_value") else float(given)
            return np.full(n, one)
        if unit == "mag":
            return numbers(columns[key], read[columns[key]], "mag")
        return flux_in_njy(columns[key], read[columns[key]], unit)

    if "mag" in columns:
        values["mag"] = to_ab(numbers(columns["mag"], read[columns["mag"]], "mag"), band, mag_system)
    if "flux" in columns:
        unit = flux_unit or _unit_of(table, columns["flux"])
        if unit is None and "mag" in columns:
            unit = _agreeing(
                table.label, columns, values["mag"], flux_in_njy("flux", read[columns["flux"]], "nJy")
            )
            notes.append(f"{columns['flux']} has no unit: nJy, as {columns['mag']} says the same")
        elif unit is None:
            unit = "nJy"
            _refuse_too_faint(table.label, columns["flux"], numbers(columns["flux"], read[columns["flux"]]))
            notes.append(f"{columns['flux']} has no unit: taken as nJy")
        values = {"flux": flux_in_njy(columns["flux"], read[columns["flux"]], unit)}
        values["flux_err"] = errors("flux_err", _unit_of(table, columns.get("flux_err", "")) or unit)
        if "mag" in columns:
            notes.append(f"{columns['mag']} is not used: there are fluxes")
    else:
        values["mag_err"] = errors("mag_err", "mag")
        notes.append(f"magnitudes taken as {mag_system}")
    if "star_id" in columns:
        star = read[columns["star_id"]]
        if (
            n > 3
            and plain_name(columns["star_id"]) in ("id", "name")
            and len(set(np.asarray(star).tolist())) == n
        ):
            raise InputError(
                f"column {columns['star_id']!r} of {table.label} has another value in every row: it numbers "
                "the points, not the stars",
                remedy='Name the column of the stars, star_id="...", or leave it out of the table.',
            )
    else:
        star, said["star_id"] = None, "none: all rows are one star"
    unused = [name for name in table.names if "flag" in name.lower() and name not in columns.values()]
    if unused:
        notes.append(f"flags not applied: {', '.join(unused)}")
    visits = numbers("visit_id", read[columns["visit_id"]]) if "visit_id" in columns else None
    report = ColumnReport(
        source=table.label,
        columns=said,
        n_rows=read.n_rows,
        omitted=dict(read.unreadable),
        notes=tuple(notes),
    )
    return collect_points(
        report=report,
        time=time,
        time_system=system,
        band=band,
        star=star,
        flux_kind=flux_kind,
        visit_id=None if visits is None else np.nan_to_num(visits, nan=-1.0).astype(np.int64),
        saturated=flags("saturated", read[columns["saturated"]]) if "saturated" in columns else None,
        **values,
    )


def _unit_of(table: TableSource, name: str) -> str | None:
    """Find the unit of a flux: stated by the table, or by the name of the column."""
    if name in table.units:
        stated = table.units[name].strip()
        return _JANSKY.get(stated, stated)
    if plain_name(name) in ("psfflux", "psffluxerr"):
        return "nJy"
    found = re.search(r"_(njy|ujy|mjy|jy)$", plain_name(name))
    return _JANSKY[found[1]] if found else None


def _refuse_too_faint(label: str, name: str, flux: FloatArray) -> None:
    """Refuse fluxes without a unit that no survey could measure if they were in nJy."""
    finite = np.abs(flux[np.isfinite(flux)])
    if finite.size and float(np.percentile(finite, 95.0)) < _FAINTEST:
        raise InputError(
            f"{name} of {label} has no unit, and its values around {float(np.median(finite)):.4g} are too faint "
            "for nJy",
            remedy='Say flux_unit="mJy" or the like; relative fluxes need a zero point first.',
        )


def _agreeing(label: str, columns: dict[str, str], mag: FloatArray, flux: FloatArray) -> str:
    difference = np.abs(flux_to_mag(flux) - mag)
    both = np.isfinite(difference)
    if both.any() and float(np.median(difference[both])) < _AGREE:
        return "nJy"
    raise InputError(
        f"{label} has {columns['mag']} and {columns['flux']}, whose unit is not stated and not nJy by the magnitudes",
        remedy=f'Say flux_unit="mJy" or the like, or mag="{columns["mag"]}" to use the magnitudes.',
    )
