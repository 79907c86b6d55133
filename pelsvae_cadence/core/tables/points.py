"""Points of light curves from arrays and tables: columns, units, times, what is left out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import VEGA_TO_AB, mag_to_flux
from pelsvae_cadence.core.tables.band_spellings import band_names
from pelsvae_cadence.core.tables.columns import ColumnReport, OmissionWarning, identifiers, numbers, text
from pelsvae_cadence.core.time_systems import MJD_TAI, TimeSystem, detect_time_system, parse_time_system

__all__ = [
    "FluxKind",
    "MagSystem",
    "NoPointError",
    "Points",
    "collect_points",
    "flux_in_njy",
    "points_from_arrays",
    "to_ab",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
FluxKind = Literal["total", "difference"]
MagSystem = Literal["AB", "Vega"]

# What is outside is a placeholder (99.99, -999) or damage.
_MAGNITUDES: Final = (-10.0, 45.0)
_LARGEST_MAG_ERROR: Final = 9.0
_LARGEST_FLUX: Final = 1e17


class NoPointError(InputError):
    """A table without a usable point.

    Parameters
    ----------
    problem : str
        What is wrong.
    report : ColumnReport
        What was taken for what, and what was left out.
    """

    def __init__(self, problem: str, report: ColumnReport) -> None:
        super().__init__(problem)
        self.report = report


@dataclass(frozen=True, kw_only=True)
class Points:
    """The usable points of N stars, sorted by star and time.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        The stars.
    name : ndarray of str, shape (N,) or None
        Their names, where the table has no whole numbers for them.
    offsets : ndarray of int64, shape (N + 1,)
        First point of each star, and the total.
    mjd : ndarray of float64, shape (n_points,)
        MJD (TAI).
    band : ndarray of str, shape (n_points,)
        Bands.
    flux, flux_err : ndarray of float64, shape (n_points,)
        Fluxes and errors in nJy.
    mag, mag_err : ndarray of float64, shape (n_points,) or None
        AB magnitudes where these were measured rather than fluxes.
    visit_id : ndarray of int64, shape (n_points,) or None
        Visits.
    saturated : ndarray of bool, shape (n_points,) or None
        Saturated points.
    flux_kind : {"total", "difference"}
        What the fluxes are.
    time_system : str
        Where the times hold.
    origin : ColumnReport
        What was taken for what.
    """

    star_id: IntArray
    name: npt.NDArray[np.str_] | None
    offsets: IntArray
    mjd: FloatArray
    band: npt.NDArray[np.str_]
    flux: FloatArray
    flux_err: FloatArray
    mag: FloatArray | None
    mag_err: FloatArray | None
    visit_id: IntArray | None
    saturated: BoolArray | None
    flux_kind: FluxKind
    time_system: str
    origin: ColumnReport


def times_in_mjd(
    name: str, value: Any, time_system: str | TimeSystem | None = None, *, by_name: bool = True
) -> tuple[FloatArray, TimeSystem]:
    """Read times and convert them to MJD (TAI).

    Parameters
    ----------
    name : str
        The column.
    value : array_like, Quantity, astropy Time or datetime64
        The times.
    time_system : str or TimeSystem, optional
        The system, where the user states it.
    by_name : bool
        Tell the system by the name and the values of the column; otherwise it is the package's, unless
        the numbers are Julian Dates.

    Returns
    -------
    mjd : ndarray of float64
        The times, NaN where there is none.
    system : TimeSystem
        What they were in.

    Raises
    ------
    InputError
        If the system is not known, or contradicts the values.
    """
    dates = np.asarray(value).dtype.kind == "M" if not hasattr(value, "tai") else False
    if hasattr(value, "tai") or dates:
        if time_system is not None:
            raise InputError(f"{name} are dates with a system of their own", remedy="Leave out time_system.")
        if dates:
            from astropy.time import Time

            values = np.asarray(value).astype("datetime64[ns]")
            days = np.full(values.shape, np.nan)
            good = ~np.isnat(values)
            days[good] = Time(values[good], format="datetime64", scale="utc").tai.mjd
            return days, TimeSystem(scale="utc", scale_assumed=True)
        mask = np.asarray(getattr(value, "mask", False))
        return np.where(mask, np.nan, np.asarray(value.tai.mjd, dtype=np.float64)), TimeSystem()
    values = numbers(name, value, "d")
    if time_system is not None:
        system = parse_time_system(time_system)
    elif by_name:
        system = detect_time_system(name, values)
    else:
        finite = values[np.isfinite(values)]
        julian = finite.size > 0 and 2.3e6 < float(np.median(finite)) < 2.6e6
        system = TimeSystem(format="JD", scale="utc", scale_assumed=True) if julian else MJD_TAI
    days = system.to_mjd_tai(values)
    if np.isfinite(values).any() and not np.isfinite(days).any():
        raise InputError(
            f"{name} = {values[np.isfinite(values)][0]:.10g} is no date in {system}",
            remedy='State the time system, e.g. time_system="HJD - 2450000".',
        )
    return days, system


def flux_in_njy(name: str, value: Any, unit: str) -> FloatArray:
    """Read fluxes in a stated unit.

    Parameters
    ----------
    name : str
        The column.
    value : array_like
        The fluxes; a unit of their own comes first.
    unit : str
        Unit of plain numbers.

    Returns
    -------
    ndarray of float64
        Fluxes in nJy.

    Raises
    ------
    InputError
        If the unit is no unit of flux density.
    """
    if getattr(value, "unit", None) is not None or unit == "nJy":
        return numbers(name, value, "nJy")
    from astropy.units import Unit

    try:
        factor = float(Unit(unit).to("nJy"))
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{name} is in {unit!r}, which cannot be converted to nJy",
            allowed="nJy, uJy, mJy, Jy",
            remedy="Convert it with its zero point first.",
        ) from error
    return numbers(name, value) * factor


def to_ab(mag: FloatArray, band: npt.NDArray[np.str_], system: str) -> FloatArray:
    """Bring magnitudes to the AB system.

    Parameters
    ----------
    mag : ndarray of float64
        Magnitudes.
    band : ndarray of str
        Their bands.
    system : {"AB", "Vega"}
        What they are.

    Returns
    -------
    ndarray of float64
        AB magnitudes.

    Raises
    ------
    InputError
        If the zero point of a band is not known.
    """
    if system == "AB":
        return mag
    if system != "Vega":
        raise InputError(f"magnitude system {system!r}", allowed="AB, Vega")
    names, which = np.unique(band_names(band), return_inverse=True)
    unknown = [name for name in names.tolist() if name and name not in VEGA_TO_AB]
    if unknown:
        raise InputError(
            f"the Vega zero point of band {unknown[0]!r} is not known",
            allowed=", ".join(VEGA_TO_AB),
            remedy="Convert the magnitudes to AB.",
        )
    return np.asarray(mag + np.array([VEGA_TO_AB.get(name, 0.0) for name in names.tolist()])[which])


def collect_points(
    *,
    report: ColumnReport,
    time: FloatArray,
    time_system: TimeSystem,
    band: npt.NDArray[np.str_],
    star: Any = None,
    flux: FloatArray | None = None,
    flux_err: FloatArray | None = None,
    mag: FloatArray | None = None,
    mag_err: FloatArray | None = None,
    flux_kind: FluxKind = "total",
    visit_id: IntArray | None = None,
    saturated: BoolArray | None = None,
    left_out: Mapping[str, BoolArray] | None = None,
    stacklevel: int = 4,
) -> Points:
    """Keep the usable points, count the others, and sort by star and time.

    Parameters
    ----------
    report : ColumnReport
        What was taken for what; rows that could not even be read are in it.
    time : ndarray of float64, shape (n,)
        MJD (TAI).
    time_system : TimeSystem
        What the times were in.
    band : ndarray of str, shape (n,)
        Bands, empty where unknown.
    star : array_like or int or str, optional
        The star of each row; one for all; 0 by default.
    flux, flux_err : ndarray of float64, shape (n,), optional
        Fluxes in nJy.
    mag, mag_err : ndarray of float64, shape (n,), optional
        AB magnitudes, instead.
    flux_kind : {"total", "difference"}
        What the fluxes are.
    visit_id, saturated : ndarray, shape (n,), optional
        Visits, and saturated points.
    left_out : mapping of str to ndarray of bool, optional
        Rows to leave out, by reason.
    stacklevel : int
        Whose line the warning names.

    Returns
    -------
    Points
        The usable points.

    Raises
    ------
    InputError
        If there is none.

    Warns
    -----
    OmissionWarning
        If rows are left out.
    """
    if flux_kind not in ("total", "difference"):
        raise InputError(f"flux_kind = {flux_kind!r}", allowed='"total", "difference"')
    n = time.size
    band = band_names(band)
    if star is None or np.ndim(star) == 0:
        star = np.full(n, 0 if star is None else star)
    ids, known = identifiers("star_id", star)
    value, error, what = (flux, flux_err, "flux") if flux is not None else (mag, mag_err, "magnitude")
    assert value is not None
    assert error is not None
    with np.errstate(invalid="ignore"):
        if what == "flux":
            placeholder, wrong = np.abs(value) > _LARGEST_FLUX, ~(error < _LARGEST_FLUX)
        else:
            placeholder = (value < _MAGNITUDES[0]) | (value > _MAGNITUDES[1])
            wrong = ~(error < _LARGEST_MAG_ERROR)
        reasons: dict[str, BoolArray] = {
            **(left_out or {}),
            "without a star": ~known,
            "without a time": ~np.isfinite(time),
            "without a band": band == "",
            f"without a {what}": ~np.isfinite(value) | placeholder,
            f"without a positive error of the {what}": ~(error > 0.0) | wrong,
        }
    keep = np.ones(n, dtype=np.bool_)
    omitted = dict(report.omitted)
    for reason, wrong in reasons.items():
        if count := int(np.count_nonzero(keep & wrong)):
            omitted[reason] = omitted.get(reason, 0) + count
        keep &= ~wrong
    rows = np.flatnonzero(keep)
    _, first, codes = np.unique(ids[rows], return_index=True, return_inverse=True)
    order = np.lexsort((time[rows], codes))
    rows, codes = rows[order], codes[order]
    repeated = _repeats(codes, time[rows], band[rows], value[rows], error[rows])
    if repeated.any():
        omitted["repeated exactly"] = int(np.count_nonzero(repeated))
        rows, codes = rows[~repeated], codes[~repeated]
    report = replace(report, omitted=omitted, time_system=str(time_system))
    if not rows.size:
        why = report.omissions() if omitted else f"{report.source} holds no rows"
        raise NoPointError(f"no usable point: {why}", report)
    if omitted:
        warnings.warn(report.omissions(), OmissionWarning, stacklevel=stacklevel)
    stars = ids[np.flatnonzero(keep)[first]]
    named = stars.dtype.kind == "U"
    flux, flux_err = value[rows], error[rows]
    if what == "magnitude":
        mag, mag_err = flux, flux_err
        flux = mag_to_flux(mag)
        flux_err = flux * np.expm1(0.4 * np.log(10.0) * mag_err)
    return Points(
        star_id=np.arange(stars.size, dtype=np.int64) if named else stars,
        name=stars if named else None,
        offsets=np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=stars.size))]).astype(np.int64),
        mjd=time[rows],
        band=band[rows],
        flux=flux,
        flux_err=flux_err,
        mag=mag if what == "magnitude" else None,
        mag_err=mag_err if what == "magnitude" else None,
        visit_id=None if visit_id is None else visit_id[rows],
        saturated=None if saturated is None else saturated[rows],
        flux_kind=flux_kind,
        time_system=time_system.converted,
        origin=report,
    )


def points_from_arrays(
    time: Any,
    band: Any,
    *,
    mag: Any,
    mag_err: Any,
    flux: Any,
    flux_err: Any,
    star_id: int | str,
    time_system: str | None,
    mag_system: MagSystem,
    flux_kind: FluxKind,
) -> Points:
    """Read the points of one star from arrays.

    Parameters
    ----------
    time, band, mag, mag_err, flux, flux_err, star_id, time_system, mag_system, flux_kind : array_like or str
        See `pelsvae_cadence.light_curves.LightCurves.from_arrays`.

    Returns
    -------
    Points
        The usable points.

    Raises
    ------
    InputError
        If arrays are missing or differ in length, or a unit or system cannot be converted.
    """
    kind, value, error = ("mag", mag, mag_err) if flux is None else ("flux", flux, flux_err)
    if value is None or (flux is not None and (mag is not None or mag_err is not None)):
        raise InputError("a light curve needs either mag and mag_err, or flux and flux_err")
    if error is None:
        raise InputError(f"{kind} is given without {kind}_err", remedy=f"Give {kind}_err; a number will do.")
    times, system = times_in_mjd("time", time, time_system, by_name=False)
    times = np.atleast_1d(times)
    if times.ndim != 1:
        raise InputError(f"time has shape {times.shape}, expected (n,)")
    bands = text("band", band, times.size)
    unit = "nJy" if kind == "flux" else "mag"
    read: dict[str, Any] = {
        kind: numbers(kind, value, unit),
        f"{kind}_err": numbers(f"{kind}_err", error, unit),
    }
    for name, array in read.items():
        if array.ndim == 0 and (name.endswith("_err") or times.size == 1):
            read[name] = np.full(times.size, float(array))
        elif array.shape != times.shape:
            raise InputError(f"{name} has shape {array.shape}, time has {times.shape}")
    if kind == "mag":
        read["mag"] = to_ab(read["mag"], bands, mag_system)
    return collect_points(
        report=ColumnReport(
            n_rows=times.size, columns={name: f"argument {name}" for name in ("time", *read)}
        ),
        time=times,
        time_system=system,
        band=bands,
        star=star_id,
        flux_kind=flux_kind,
        **read,
    )


def _repeats(codes: IntArray, *columns: npt.NDArray[Any]) -> BoolArray:
    """Find rows that say the same as one before them; rows are sorted by star and time."""
    same_time = (np.diff(codes) == 0) & (np.diff(columns[0]) == 0)
    if not same_time.any():
        return np.zeros(codes.size, dtype=np.bool_)
    near = np.zeros(codes.size, dtype=np.bool_)
    near[1:] |= same_time
    near[:-1] |= same_time
    at = np.flatnonzero(near)
    table = pd.DataFrame({"star": codes[at], **{str(k): column[at] for k, column in enumerate(columns)}})
    repeated = np.zeros(codes.size, dtype=np.bool_)
    repeated[at] = table.duplicated().to_numpy()
    return repeated
