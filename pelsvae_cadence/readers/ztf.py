"""Read light curves of the Zwicky Transient Facility: data releases and the forced-photometry service."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import AB_ZERO_NJY, mag_to_flux
from pelsvae_cadence.core.tables.columns import numbers, text
from pelsvae_cadence.core.tables.points import FluxKind
from pelsvae_cadence.core.time_systems import parse_time_system
from pelsvae_cadence.core.times import mid_exposure
from pelsvae_cadence.light_curves import MeasuredLightCurves
from pelsvae_cadence.readers.archive_table import ArchiveTable

__all__ = ["read_ztf"]

_BANDS: Final = {
    **{f"z{b}": f"z{b}" for b in "gri"},
    **{f"ztf_{b}": f"z{b}" for b in "gri"},
    **{b: f"z{b}" for b in "gri"},
    **{f"ztf{b}": f"z{b}" for b in "gri"},
    **{str(k + 1): f"z{b}" for k, b in enumerate("gri")},
}
#: The bit that the data releases set for photometry not to be used.
_BAD_CATFLAGS: Final = 32768
#: Images of the forced-photometry service above this are bad (Masci et al. 2023, arXiv:2305.16279).
_BAD_INFOBITS: Final = 33554432
_LARGEST_SCISIGPIX: Final = 25.0
_NO_FLUX: Final = -99998.0


def read_ztf(
    source: Any,
    *,
    flux_kind: FluxKind | None = None,
    one_star: bool = False,
    bad_catflags: int = _BAD_CATFLAGS,
) -> MeasuredLightCurves:
    """Read a ZTF light curve of a data release or of the forced-photometry service.

    Parameters
    ----------
    source : path, table or mapping
        CSV, IPAC, VOTable or Parquet (also with a list per object) of a data release, or the text
        table of the forced-photometry service.
    flux_kind : {"total", "difference"}, optional
        For forced photometry: the difference flux as measured (by default), or the total one, with
        the flux of the nearest source of the reference image added.
    one_star : bool
        All rows are one star. The data releases number every filter and field of a star anew.
    bad_catflags : int
        Points that share a bit with it in ``catflags`` are left out.

    Returns
    -------
    MeasuredLightCurves
        One light curve per ``oid``, or one.

    Raises
    ------
    InputError
        If a column is missing.
    """
    table = ArchiveTable(source, "ZTF", ("lightcurve",))
    if "forcediffimflux" in table:
        return _forced(table, flux_kind or "difference")
    if flux_kind == "difference":
        raise InputError(f"{table.label} is of a data release, which has no difference fluxes")
    return _data_release(table, one_star=one_star, bad_catflags=bad_catflags)


def _data_release(table: ArchiveTable, *, one_star: bool, bad_catflags: int) -> MeasuredLightCurves:
    time = table.need("time", "mjd", "hmjd", "hjd")
    band = table.need("filter", "filtercode", "filterid", "fid", "band", "filter")
    mag, error = table.need("magnitude", "mag"), table.need("error", "magerr")
    star = (
        None
        if one_star
        else table.need("object", "oid", "objectid", remedy="Say one_star=True if there is one.")
    )
    quality = table.find("catflags")
    table.read((quality,), time=time, band=band, mag=mag, mag_err=error, star_id=star)
    system = parse_time_system({"mjd": "MJD UTC", "hmjd": "HMJD UTC", "hjd": "HJD UTC"}[time])
    ours, strange = table.bands(table[band], _BANDS)
    left_out = {"with another band": strange}
    if quality is not None:
        bits = numbers(quality, table[quality])
        whole = np.where(np.isfinite(bits) & (np.abs(bits) < 2**31), bits, -1.0).astype(np.int64)
        left_out["flagged catflags"] = (whole < 0) | ((whole & bad_catflags) != 0)
    else:
        table.notes.append("no catflags to apply")
    stars = None
    if star is None:
        table.notes.append("all rows are one star")
    else:
        stars, left_out["of no object"] = table.numbered(star)
    return table.light_curves(
        left_out=left_out,
        time=system.to_mjd_tai(numbers(time, table[time], "d")),
        time_system=system,
        star=stars,
        band=ours,
        mag=numbers(mag, table[mag], "mag"),
        mag_err=numbers(error, table[error], "mag"),
    )


def _forced(table: ArchiveTable, flux_kind: FluxKind) -> MeasuredLightCurves:
    if flux_kind not in ("total", "difference"):
        raise InputError(f"flux_kind = {flux_kind!r}", allowed='"total", "difference"')
    flux, error = table.need("flux", "forcediffimflux"), table.need("error", "forcediffimfluxunc")
    zero, time = table.need("zero point", "zpdiff"), table.need("time", "jd")
    band = table.need("filter", "filter")
    total = flux_kind == "total"
    reference = table.need("reference magnitude", "nearestrefmag") if total else None
    status, bits, noise = table.find("procstatus"), table.find("infobitssci"), table.find("scisigpix")
    length = table.find("exptime")
    table.read(
        (status, bits, noise, length),
        time=time,
        band=band,
        flux=flux,
        flux_err=error,
        zero_point=zero,
        reference=reference,
    )
    left_out = {}
    if status is not None:
        left_out["with a procstatus"] = ~np.isin(text(status, table[status]), ("0", "0.0"))
    if bits is not None:
        left_out["flagged infobitssci"] = ~(numbers(bits, table[bits]) < _BAD_INFOBITS)
    if noise is not None:
        left_out["of noisy images (scisigpix)"] = ~(numbers(noise, table[noise]) <= _LARGEST_SCISIGPIX)
    counts = numbers(flux, table[flux])
    counts = np.where(counts < _NO_FLUX, np.nan, counts)
    zeros = numbers(zero, table[zero], "mag")
    left_out["without a zero point"] = ~((zeros > 15.0) & (zeros < 35.0))
    scale = 10.0 ** (0.4 * (AB_ZERO_NJY - np.where(left_out["without a zero point"], np.nan, zeros)))
    values = counts * scale
    if reference is not None:
        mags = numbers(reference, table[reference], "mag")
        left_out["without a reference magnitude"] = ~((mags > 5.0) & (mags < 30.0))
        values = values + mag_to_flux(np.where(left_out["without a reference magnitude"], np.nan, mags))
    table.notes.append(f"the flux is the {flux_kind} one" + (", with the reference's" if total else ""))
    system = parse_time_system("JD UTC")
    mjd = system.to_mjd_tai(numbers(time, table[time], "d"))
    if length is not None:
        mjd = mid_exposure(mjd, numbers(length, table[length], "s"))
        table.notes.append("times are those of the middle of the exposure: jd + exptime / 2")
    ours, strange = table.bands(table[band], _BANDS)
    return table.light_curves(
        left_out=left_out | {"with another band": strange},
        time=mjd,
        time_system=system,
        band=ours,
        flux=values,
        flux_err=numbers(error, table[error]) * scale,
        flux_kind=flux_kind,
    )
