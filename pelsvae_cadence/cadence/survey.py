"""A survey as a table of pointings, and the visits it makes to a sky position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence.visits import M5_RANGE, POSITIVE, Visits
from pelsvae_cadence.core.arrays import StructOfArrays, check_range, column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.containers import number
from pelsvae_cadence.core.tables.sky_positions import ra_dec, unpack_sky_coord
from pelsvae_cadence.core.times import local_noon

__all__ = ["FOV_RADIUS", "Cadence", "Footprint", "Survey", "check_position", "local_nights", "unit_vectors"]

FloatArray = npt.NDArray[np.float64]

#: Radius in degrees of the circle that stands for the field of view: 9.6 deg2 (LSST); for ZTF a
#: circle inside the 47 deg2 square. A joint table is reduced to positions by its surveys' own.
FOV_RADIUS: Final[dict[SurveyName, float]] = {"lsst": 1.75, "ztf": 3.5, "joint": 1.75}

# Longitudes of Cerro Pachon (LSE-30) and Palomar in degrees east: nights are split at local noon.
_LONGITUDE: Final[dict[SurveyName, float]] = {"lsst": -70.7494, "ztf": -116.8634, "joint": -70.7494}

#: A camera footprint: (ra, dec of the position; ra, dec, rotation of the pointings, all in
#: degrees) to a mask of the pointings that see the position.
Footprint = Callable[[float, float, FloatArray, FloatArray, FloatArray], npt.NDArray[np.bool_]]

# Half the diagonal of the camera: pointings farther away cannot see a position.
_FOOTPRINT_REACH = 2.1


@runtime_checkable
class Cadence(Protocol):
    """Anything that can say which visits a sky position gets."""

    @property
    def name(self) -> str:
        """Name of the run."""

    @property
    def survey(self) -> SurveyName:
        """Whose filters and noise apply."""

    @property
    def fov_radius(self) -> float:
        """Radius of the circular field of view in degrees."""

    def at(self, ra: Any, dec: Any = None, radius: float | None = None) -> Visits:
        """Give the visits to a position.

        Parameters
        ----------
        ra, dec : float, Quantity or SkyCoord
            Position in degrees; or a SkyCoord alone, as `ra`.
        radius : float, optional
            Radius of the circular field of view in degrees; the survey's own by default.

        Returns
        -------
        Visits
            The visits, sorted by time.
        """


def local_nights(mjd: npt.ArrayLike, survey: SurveyName) -> npt.NDArray[np.int64]:
    """Count nights, which run from local noon to local noon.

    Parameters
    ----------
    mjd : array_like
        Times, MJD, in days.
    survey : {"lsst", "ztf", "joint"}
        Whose site: Cerro Pachon (also for joint surveys) or Palomar.

    Returns
    -------
    ndarray of int64
        Whole days since MJD 0 at the noon before.
    """
    return np.floor(np.asarray(mjd, dtype=np.float64) - local_noon(_LONGITUDE[survey])).astype(np.int64)


def unit_vectors(ra: npt.ArrayLike, dec: npt.ArrayLike) -> FloatArray:
    """Convert directions to unit vectors.

    Parameters
    ----------
    ra, dec : array_like, shape (n,)
        Directions in degrees.

    Returns
    -------
    ndarray of float64, shape (n, 3)
        Unit vectors.
    """
    ra_rad = np.radians(np.asarray(ra, dtype=np.float64))
    dec_rad = np.radians(np.asarray(dec, dtype=np.float64))
    return np.stack([np.cos(dec_rad) * np.cos(ra_rad), np.cos(dec_rad) * np.sin(ra_rad), np.sin(dec_rad)], -1)


def check_position(ra: Any, dec: Any = None) -> tuple[float, float]:
    """Check a sky position.

    Parameters
    ----------
    ra, dec : float, Quantity or SkyCoord
        ICRS coordinates, in degrees if plain numbers; or a SkyCoord of one position, as `ra`.

    Returns
    -------
    ra, dec : float
        In degrees, right ascension in 0 to 360.

    Raises
    ------
    InputError
        If they are not finite or the declination is not within 90 degrees of the equator.
    """
    ra, dec = ra_dec(ra, dec, one=True)
    if np.size(ra) > 1 or np.size(dec) > 1:
        raise InputError(
            f"{max(np.size(ra), np.size(dec))} positions where one position is wanted",
            remedy="Ask for one position at a time.",
        )
    allowed = "ra -360 to 360, dec -90 to 90 deg"
    try:
        ra_deg, dec_deg = number("ra", ra, "deg"), number("dec", dec, "deg")
    except InputError as error:
        raise InputError(
            f"the position is not a pair of numbers: {error.problem}", allowed=allowed
        ) from error
    if not (-360.0 <= ra_deg <= 360.0 and abs(dec_deg) <= 90.0):
        raise InputError(
            f"position ra = {ra_deg:g}, dec = {dec_deg:g} deg is not on the sky", allowed=allowed
        )
    return ra_deg % 360.0, dec_deg


@dataclass(frozen=True, kw_only=True)
class Survey(StructOfArrays):
    """All pointings of a survey (struct of arrays).

    Parameters
    ----------
    name : str
        Name of the run.
    survey : {"lsst", "ztf", "joint"}
        Whose filters and noise apply.
    ra, dec : ndarray of float64, shape (n,)
        Pointings in degrees; or a SkyCoord alone, as `ra`.
    mjd : ndarray of float64, shape (n,)
        Mid-exposure times, MJD (TAI), in days.
    band : ndarray of str, shape (n,)
        Bands out of `pelsvae_cadence.bands.BANDS`.
    m5 : ndarray of float64, shape (n,)
        Five-sigma depths, AB mag.
    night, visit_id : ndarray of int64, shape (n,)
        Night and visit numbers.
    exptime : ndarray of float64, shape (n,)
        Exposure times in seconds.
    airmass, seeing, rotation : ndarray of float64, shape (n,), optional
        Airmass; effective seeing in arcsec; camera rotation on the sky (rotSkyPos) in degrees.
    path : str
        The file behind it, for provenance.
    field_radius : float, optional
        Radius of the circle that stands for the field of view, in degrees, where it is not the
        survey's own: a table of the detectors of a small camera has a small field.

    Raises
    ------
    InputError
        On wrong shapes or values out of range.
    """

    name: str
    survey: SurveyName
    ra: FloatArray
    dec: FloatArray = None  # type: ignore[assignment]
    mjd: FloatArray
    band: npt.NDArray[np.str_]
    m5: FloatArray
    night: npt.NDArray[np.int64]
    visit_id: npt.NDArray[np.int64]
    exptime: FloatArray
    airmass: FloatArray | None = None
    seeing: FloatArray | None = None
    rotation: FloatArray | None = None
    path: str = field(default="", compare=False)  # where a table lies does not change what is in it
    field_radius: float | None = None

    def __post_init__(self) -> None:
        unpack_sky_coord(self)
        n = column("mjd", self.mjd, None, unit="d").size
        types: dict[str, Any] = {"band": np.str_, "night": np.int64, "visit_id": np.int64}
        units = {"m5": "mag", "exptime": "s", "seeing": "arcsec", "mjd": "d", "night": "d"}
        units |= dict.fromkeys(("ra", "dec", "rotation"), "deg")
        for name in (item.name for item in fields(self)):
            value = getattr(self, name)
            if name not in ("name", "survey", "path", "field_radius") and value is not None:
                checked = column(name, value, n, types.get(name, np.float64), unit=units.get(name))
                object.__setattr__(self, name, checked)
        if self.field_radius is not None and not 0.0 < self.field_radius <= 90.0:
            raise InputError(f"field_radius = {self.field_radius!r} deg", allowed="above 0, up to 90 deg")
        for name, low, high, unit in (
            ("dec", -90.0, 90.0, "deg"),
            ("ra", -360.0, 360.0, "deg"),
            ("m5", *M5_RANGE, "mag"),
            *POSITIVE,
        ):
            value = getattr(self, name)
            if value is not None:
                check_range(name, value, low, high, unit, row="visit", of=f" of {self.name}")

    @property
    def fov_radius(self) -> float:
        """Radius of the circular field of view in degrees."""
        return FOV_RADIUS[self.survey] if self.field_radius is None else self.field_radius

    @property
    def mjd_start(self) -> float:
        """Time of the first visit anywhere on the sky, MJD (TAI), in days."""
        return float(self.mjd.min()) if len(self) else float("nan")

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(unit_vectors(self.ra, self.dec))

    def nearest(self, ra: float, dec: float) -> float:
        """Give the distance to the nearest pointing.

        Parameters
        ----------
        ra, dec : float
            Position in degrees.

        Returns
        -------
        float
            Degrees.
        """
        chord, _ = self._tree.query(unit_vectors([ra], [dec])[0])
        return float(np.degrees(2.0 * np.arcsin(min(1.0, chord / 2.0))))

    def at(
        self, ra: Any, dec: Any = None, radius: float | None = None, *, footprint: Footprint | None = None
    ) -> Visits:
        """Give the visits that see a position.

        Parameters
        ----------
        ra, dec : float, Quantity or SkyCoord
            Position in degrees; or a SkyCoord alone, as `ra`.
        radius : float, optional
            Radius of the circular field of view in degrees; the survey's own by default.
        footprint : callable, optional
            Camera footprint to use instead of the circle, and of a radius.

        Returns
        -------
        Visits
            The visits, sorted by time; empty if the survey never looks there.

        Raises
        ------
        InputError
            For a position that is not on the sky, a radius out of range, a radius and a footprint,
            or a footprint without rotations.
        """
        ra, dec = check_position(ra, dec)
        if footprint is not None and radius is not None:
            raise InputError(
                f"radius = {radius!r} and a camera footprint",
                remedy="Give one of the two: a footprint has its own reach.",
            )
        reach = self.fov_radius if radius is None else number("radius", radius, "deg")
        if not 0.0 < reach <= 90.0:
            raise InputError(f"radius = {reach:g} deg", allowed="above 0, up to 90 deg")
        if footprint is not None:
            reach = _FOOTPRINT_REACH
        chord = 2.0 * np.sin(np.radians(reach) / 2.0)
        found = self._tree.query_ball_point(unit_vectors([ra], [dec])[0], chord)
        rows = np.sort(np.asarray(found, dtype=np.int64))
        if footprint is not None:
            if self.rotation is None:
                raise InputError(
                    f"{self.name} has no camera rotation (rotSkyPos)",
                    remedy="Use the circular field of view.",
                )
            seen = footprint(ra, dec, self.ra[rows], self.dec[rows], self.rotation[rows])
            rows = rows[seen]

        def optional(values: FloatArray | None) -> FloatArray | None:
            return None if values is None else values[rows]

        return Visits(
            mjd=self.mjd[rows],
            band=self.band[rows],
            m5=self.m5[rows],
            night=self.night[rows],
            visit_id=self.visit_id[rows],
            exptime=self.exptime[rows],
            airmass=optional(self.airmass),
            seeing=optional(self.seeing),
        )
