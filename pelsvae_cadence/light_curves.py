"""Light curves: what a survey measures of many stars, as ragged arrays; also one's own, from arrays or tables."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from pelsvae_cadence.core.arrays import RaggedArrays, column, freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import DETECTION_SNR, flux_to_mag
from pelsvae_cadence.core.tables.band_spellings import band_names
from pelsvae_cadence.core.tables.columns import ColumnReport, OmissionWarning, text
from pelsvae_cadence.core.tables.light_curve_tables import LightCurveTables, own_columns
from pelsvae_cadence.core.tables.long_tables import points_from_table
from pelsvae_cadence.core.tables.points import FluxKind, MagSystem, Points, points_from_arrays
from pelsvae_cadence.core.times import check_mjd

__all__ = ["LightCurves", "MeasuredLightCurves"]

FloatArray = npt.NDArray[np.float64]

_UNITS: Final = {
    "mjd": "d",
    "mag_true": "mag",
    "mag": "mag",
    "mag_err": "mag",
    "flux": "nJy",
    "flux_err": "nJy",
}
_KINDS: Final[dict[str, Any]] = {
    "band": np.str_,
    "visit_id": np.int64,
    "detected": np.bool_,
    "saturated": np.bool_,
}
# A point without one of these is no measurement.
_NEEDED: Final = ("mjd", "flux", "flux_err")


@dataclass(frozen=True, kw_only=True)
class LightCurves(RaggedArrays, LightCurveTables):
    """Multi-band light curves of N stars (ragged struct of arrays).

    The points of star ``i`` are ``offsets[i]:offsets[i + 1]`` in every per-point array. Units and masks
    are kept: values are converted, masked ones become NaN. One's own light curves come in through
    `from_arrays` and `from_table`, those of archives through `pelsvae_cadence.read_light_curves`.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        The stars.
    offsets : ndarray of int64, shape (N + 1,)
        First point of each star, and the total.
    mjd : ndarray of float64, shape (n_points,)
        Mid-exposure times, MJD (TAI), in days.
    band : ndarray of str, shape (n_points,)
        Bands, named as in `pelsvae_cadence.bands.KNOWN_BANDS` if possible (`band_names`).
    visit_id : ndarray of int64, shape (n_points,), optional
        The survey's visit behind each point; -1 where there is none.
    mag_true : ndarray of float64, shape (n_points,), optional
        Noise-free AB magnitudes; NaN where nothing is simulated.
    mag, mag_err : ndarray of float64, shape (n_points,), optional
        Measured AB magnitudes and their errors; NaN where the point is not detected. By default those
        of the fluxes.
    flux, flux_err : ndarray of float64, shape (n_points,)
        Measured (forced) fluxes and their errors in nJy, for every point.
    detected : ndarray of bool, shape (n_points,), optional
        Measured flux above the detection threshold (five sigma).
    saturated : ndarray of bool, shape (n_points,), optional
        Brighter than the saturation limit of the visit; by default none is.

    Raises
    ------
    InputError
        If the shapes do not fit together, or a unit cannot be converted.
    """

    star_id: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    mjd: FloatArray
    band: npt.NDArray[np.str_]
    visit_id: npt.NDArray[np.int64] = None  # type: ignore[assignment]
    mag_true: FloatArray = None  # type: ignore[assignment]
    mag: FloatArray = None  # type: ignore[assignment]
    mag_err: FloatArray = None  # type: ignore[assignment]
    flux: FloatArray
    flux_err: FloatArray
    detected: npt.NDArray[np.bool_] = None  # type: ignore[assignment]
    saturated: npt.NDArray[np.bool_] = None  # type: ignore[assignment]

    # What only `MeasuredLightCurves` may have otherwise.
    name = None
    flux_kind = "total"
    time_system = "MJD (TAI)"
    origin = None

    def __post_init__(self) -> None:
        star_id = column("star_id", self.star_id, None, np.int64)
        offsets = column("offsets", self.offsets, star_id.size + 1, np.int64)
        if offsets[0] != 0 or (np.diff(offsets) < 0).any():
            raise InputError("offsets must start at 0 and never fall")
        n = int(offsets[-1])
        object.__setattr__(self, "star_id", star_id)
        object.__setattr__(self, "offsets", offsets)
        per_point = [name for name in self._columns()[1] if name in _UNITS or name in _KINDS]
        absent = [name for name in per_point if getattr(self, name) is None]
        lacking = np.zeros(n, dtype=np.bool_)
        for name in per_point:
            if name not in absent:
                given = getattr(self, name)
                value = _per_point(name, given, n)
                if name in _NEEDED and not (type(given) is np.ndarray and given.dtype.kind in "iuf"):
                    lacking |= ~np.isfinite(value)
                object.__setattr__(self, name, freeze(value.view()))
        check_mjd("light curve", self.mjd)
        if lacking.any():
            warnings.warn(
                f"{int(lacking.sum())} of {n} points do not count: masked, or without time, flux or error",
                OmissionWarning,
                stacklevel=4,
            )
        if (self.band == "").any():
            row = int(np.argmax(self.band == ""))
            raise InputError(f"band is missing in row {row}", remedy="Leave out points without a band.")
        for name in ("visit_id", "mag_true", "saturated", "detected", "mag", "mag_err"):
            if name in absent:
                object.__setattr__(self, name, freeze(self._default(name)))

    def _default(self, name: str) -> npt.NDArray[Any]:
        """Give what an absent column is without a simulation."""
        if name == "visit_id":
            return np.full(self.n_points, -1, dtype=np.int64)
        if name == "saturated":
            return np.zeros(self.n_points, dtype=np.bool_)
        total = self.flux_kind == "total"
        with np.errstate(invalid="ignore", divide="ignore"):
            if name == "detected":
                return (self.flux if total else np.abs(self.flux)) > DETECTION_SNR * self.flux_err
            if name == "mag" and total:
                return np.where(self.detected, flux_to_mag(self.flux), np.nan)
            if name == "mag_err" and total:
                return np.where(self.detected, 2.5 * np.log10(1.0 + self.flux_err / self.flux), np.nan)
        return np.full(self.n_points, np.nan)

    @staticmethod
    def from_arrays(
        time: Any,
        band: Any,
        mag: Any = None,
        mag_err: Any = None,
        *,
        flux: Any = None,
        flux_err: Any = None,
        star_id: int | str = 0,
        time_system: str | None = None,
        mag_system: MagSystem = "AB",
        flux_kind: FluxKind = "total",
    ) -> MeasuredLightCurves:
        """Make the light curve of one star from arrays.

        Parameters
        ----------
        time : array_like, Quantity or astropy Time, shape (n,)
            Times of the points; plain numbers are MJD (TAI), or Julian Dates (UTC) if they look so,
            unless `time_system` says otherwise.
        band : str or array_like of str, shape (n,)
            Band of every point; one name holds for all.
        mag, mag_err : array_like, shape (n,), optional
            Magnitudes and their errors; one error holds for all.
        flux, flux_err : array_like, shape (n,), optional
            Fluxes and their errors instead; plain numbers are in nJy.
        star_id : int or str
            Number or name of the star.
        time_system : str, optional
            What the times are: "MJD UTC", "HJD - 2450000", "BJD TDB" and so on.
        mag_system : {"AB", "Vega"}
            What the magnitudes are; Vega ones are converted.
        flux_kind : {"total", "difference"}
            Whether the fluxes come from difference images.

        Returns
        -------
        MeasuredLightCurves
            One light curve, sorted by time, of the points that have all that is needed.

        Raises
        ------
        InputError
            If arrays are missing or differ in length, or a unit or system cannot be converted.

        Warns
        -----
        OmissionWarning
            If points are left out: masked, without a time, without a positive error, repeated.

        Examples
        --------
        >>> curve = LightCurves.from_arrays([60000.1, 60001.1], "r", [17.2, 17.4], 0.01)
        >>> curve.flux.round()
        array([477530., 397190.])
        """
        points = points_from_arrays(
            time,
            band,
            mag=mag,
            mag_err=mag_err,
            flux=flux,
            flux_err=flux_err,
            star_id=star_id,
            time_system=time_system,
            mag_system=mag_system,
            flux_kind=flux_kind,
        )
        return MeasuredLightCurves.from_points(points)

    @staticmethod
    def from_table(
        table: Any,
        *,
        time: str | None = None,
        band: str | None = None,
        mag: str | None = None,
        mag_err: str | float | None = None,
        flux: str | None = None,
        flux_err: str | float | None = None,
        star_id: str | None = None,
        visit_id: str | None = None,
        time_system: str | None = None,
        flux_unit: str | None = None,
        mag_system: MagSystem = "AB",
        flux_kind: FluxKind | None = None,
        nested: str | None = None,
    ) -> MeasuredLightCurves:
        """Read the light curves of many stars from a table with one row per point.

        Columns, units and the time system are told by their names; `origin` says what was taken for
        what. Where several could be meant the table is refused until an argument says which. A table
        that `to_table` or `to_pandas` made becomes what it was.

        Parameters
        ----------
        table : path, DataFrame, Table or mapping of arrays
            A CSV or other text, Parquet, FITS, ECSV, VOTable or IPAC file; a pandas, nested-pandas,
            astropy or arrow table; a dictionary. Light curves nested in rows of stars are unfolded.
        time, band, mag, flux, star_id, visit_id : str, optional
            Names of columns; `band` may also be the one band of a table without such a column.
        mag_err, flux_err : str or float, optional
            Name of the column, or one error for all points.
        time_system : str, optional
            What the times are: "MJD UTC", "HJD - 2450000", "BJD TDB" and so on.
        flux_unit : str, optional
            Unit of the fluxes, where the table does not say.
        mag_system : {"AB", "Vega"}
            What the magnitudes are; Vega ones are converted.
        flux_kind : {"total", "difference"}, optional
            Whether the fluxes come from difference images.
        nested : str, optional
            The nested column that holds the light curves, if there are several.

        Returns
        -------
        MeasuredLightCurves
            The stars in the order of their numbers or names; stars with a name are numbered from 0.

        Raises
        ------
        InputError
            If the table is damaged, or a column is missing or could be several.

        Warns
        -----
        OmissionWarning
            If rows are left out.
        """
        given = {
            "time": time,
            "band": band,
            "mag": mag,
            "mag_err": mag_err,
            "flux": flux,
            "flux_err": flux_err,
            "star_id": star_id,
            "visit_id": visit_id,
        }
        if not any(given.values()) and (own := own_columns(table)) is not None:
            home: Any = MeasuredLightCurves if "flux_kind" in own[1] else LightCurves
            return home._of_table(*own)  # type: ignore[no-any-return]
        points = points_from_table(
            table,
            given=given,
            time_system=time_system,
            flux_unit=flux_unit,
            mag_system=mag_system,
            flux_kind=flux_kind,
            nested=nested,
        )
        return MeasuredLightCurves.from_points(points)

    @classmethod
    @override
    def concatenate(cls, parts: Iterable[Self]) -> Self:
        chunks = list(parts)
        measured = any(isinstance(chunk, MeasuredLightCurves) for chunk in chunks)
        home: Any = MeasuredLightCurves if measured else cls
        joined: Any = super(LightCurves, home).concatenate(chunks)
        return joined  # type: ignore[no-any-return]

    @property
    def n_points(self) -> int:
        """Number of points of all stars together."""
        return int(self.offsets[-1])

    def star(self, i: int) -> LightCurves:
        """Take the light curve of one star.

        Parameters
        ----------
        i : int
            Index of the star, 0 to N - 1.

        Returns
        -------
        LightCurves
            A light curve of one star.
        """
        return self.take(i)

    def keep(self, points: npt.NDArray[np.bool_]) -> Self:
        """Select points.

        Parameters
        ----------
        points : ndarray of bool, shape (n_points,)
            Which points of all stars to keep.

        Returns
        -------
        LightCurves
            The same stars, some of them perhaps without points.
        """
        before = np.concatenate([[0], np.cumsum(points)])
        chosen: dict[str, Any] = {
            name: value[points] for name, value in self._arrays() if name in self._columns()[1]
        }
        return replace(self, offsets=before[self.offsets], **chosen)


@dataclass(frozen=True, kw_only=True)
class MeasuredLightCurves(LightCurves):
    """Light curves of real stars, as `LightCurves.from_arrays`, `from_table` and the readers make them.

    They are light curves like those of a simulation, and know in addition what an archive says of them.
    Those with other `flux_kind` or `time_system` cannot be joined.

    Parameters
    ----------
    name : ndarray of str, shape (N,), optional
        Names of the stars in an archive that does not number them.
    flux_kind : {"total", "difference"}
        The star's whole flux, or what remains of it in difference images. Difference fluxes have no
        magnitudes.
    time_system : str
        "MJD (TAI)"; "MJD (TAI), heliocentric" or "MJD (TAI), barycentric" for times that only a
        position on the sky could turn into those of an observatory.
    origin : ColumnReport, optional
        What a reader took for what, and what it left out; print it.

    Raises
    ------
    InputError
        If the shapes do not fit together, or a unit cannot be converted.
    """

    name: npt.NDArray[np.str_] | None = None  # type: ignore[assignment]
    flux_kind: FluxKind = "total"
    time_system: str = "MJD (TAI)"
    origin: ColumnReport | None = field(default=None, repr=False, compare=False)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.flux_kind not in ("total", "difference"):
            raise InputError(f"flux_kind = {self.flux_kind!r}", allowed='"total", "difference"')
        super().__post_init__()
        if self.name is not None:
            object.__setattr__(self, "name", freeze(text("name", self.name, len(self))))

    @classmethod
    @override
    def _columns(cls) -> tuple[list[str], list[str]]:
        per_star, per_point = super()._columns()
        return [*per_star, "name"], [name for name in per_point if name not in ("name", "origin")]

    @classmethod
    def from_points(cls, points: Points) -> Self:
        """Make light curves of points that a reader has sorted.

        Parameters
        ----------
        points : Points
            The points.

        Returns
        -------
        LightCurves
            The same, with what follows from them.
        """
        columns = {f.name: getattr(points, f.name) for f in fields(points)}
        if points.mag is not None:  # a published magnitude is a detection
            columns["detected"] = np.ones(points.mjd.size, dtype=np.bool_)
        return cls(**columns)


def _per_point(name: str, value: Any, n: int) -> npt.NDArray[Any]:
    """Read a column; plain arrays of the right type are taken as they are."""
    wanted = np.dtype(_KINDS.get(name, np.float64))
    plain = type(value) is np.ndarray and value.dtype.kind == wanted.kind
    if not (plain and (wanted.kind == "U" or value.dtype == wanted)):
        value = column(name, value, n, wanted, unit=_UNITS.get(name), finite=False)
    if value.shape != (n,):
        raise InputError(f"{name} has shape {value.shape}, expected ({n},)")
    return band_names(value) if name == "band" else np.asarray(value)
