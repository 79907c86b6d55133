"""Stars: the physical parameters of a set of periodic variables, one array per parameter; their numbers.

A star number is position, kind and running number in one integer, the address of every random draw of
its star. It depends on that star alone: more stars, other classes or another survey leave it as it is,
and two surveys observe the same stars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import STAR_CLASSES, SUBTYPES, parse_star_class
from pelsvae_cadence.core.arrays import StructOfArrays, column, freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import true_ebv
from pelsvae_cadence.core.tables.sky_positions import unpack_sky_coord

__all__ = [
    "MOST_STARS_AT_POSITION",
    "MOST_STARS_AT_SITE",
    "POSITION_NSIDE",
    "REFERENCE_EPOCH",
    "UNITS",
    "Stars",
    "numbers_at_magnitude",
    "numbers_at_position",
    "numbers_at_sites",
    "position_of",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Units of the columns of `Stars` that have one.
UNITS: Final = {
    "period": "day",
    "teff": "K",
    "abs_mag_g": "mag",
    "amplitude_i": "mag",
    "epoch": "day",
    "ra": "deg",
    "dec": "deg",
    "distance_modulus": "mag",
    "ebv": "mag",
}
#: Epochs are drawn in the period after this BJD (2025 November 25), early in the Rubin survey.
REFERENCE_EPOCH: Final = 2461005.0
#: Positions are told apart by the pixel of this HEALPix resolution (26 arcsec, nested).
POSITION_NSIDE: Final = 8192
# At a position: magnitude in hundredths (bits 50-61), pixel (20-49), kind (15-19), star (0-14).
_MAGNITUDE_SHIFT: Final = 50
_PIXEL_SHIFT: Final = 20
_KIND_SHIFT: Final = 15
MOST_STARS_AT_POSITION: Final = 1 << _KIND_SHIFT
_KINDS: Final = (
    *((name, None) for name in STAR_CLASSES),
    *((name, subtype) for name in STAR_CLASSES for subtype in SUBTYPES[name]),
    ("constant", None),
    ("contaminant", None),
)
# In a catalogue: site, class and subtype, running number: 31, 6 and 20 bits.
_RUNNING_BITS: Final = 20
_KIND_BITS: Final = 6
#: Most stars of one class at one site of a catalogue.
MOST_STARS_AT_SITE: Final = 2**_RUNNING_BITS


# Of tables; no annotation in the class, which would list them among its fields.
_COLUMN_UNITS: Final = UNITS | {"feh": "dex"}
_COLUMN_TIMES: Final = {"epoch": ("jd", "tdb")}


@dataclass(frozen=True, kw_only=True)
class Stars(StructOfArrays):
    """Physical parameters of N stars (struct of arrays).

    Scalars are repeated; astropy quantities are converted at construction.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        Unique numbers of 0 or more; the address of the star's random draws.
    star_class : ndarray of str, shape (N,)
        Classes out of `pelsvae_cadence.classes.STAR_CLASSES`.
    subtype : ndarray of str, shape (N,)
        Subtypes of the class, or ``""`` where unknown.
    period : ndarray of float64, shape (N,)
        Period in days (for binaries the orbital period).
    teff : ndarray of float64, shape (N,)
        Effective temperature in K (for binaries that of the combined light).
    abs_mag_g : ndarray of float64, shape (N,)
        Intensity-mean absolute magnitude in Gaia G, extinction-free (Vega mag).
    amplitude_i : ndarray of float64, shape (N,)
        Peak-to-peak amplitude in Cousins I in mag.
    epoch : ndarray of float64, shape (N,)
        BJD_TDB of a maximum, or of a primary minimum for ECL and ELL, in days.
    ra, dec : ndarray of float64, shape (N,)
        ICRS position in degrees, or a SkyCoord alone, as `ra`; negative right ascensions are taken as
        westward, -10 as 350.
    distance_modulus : ndarray of float64, shape (N,)
        True distance modulus in mag.
    ebv : ndarray of float64, shape (N,)
        True colour excess E(B-V) in mag; a `pelsvae_cadence.core.extinction.RawSFD` is refused.
    feh : ndarray of float64, shape (N,)
        Metallicity [Fe/H] in dex; NaN where unknown.
    latent : ndarray of float64, shape (N, n_latent), optional
        Latent coordinates of the shape; None lets the source model draw them.

    Raises
    ------
    InputError
        On wrong shapes, unknown classes, values that are not finite or out of their domain.
    """

    star_id: npt.NDArray[np.int64]
    star_class: npt.NDArray[np.str_]
    subtype: npt.NDArray[np.str_]
    period: FloatArray
    teff: FloatArray
    abs_mag_g: FloatArray
    amplitude_i: FloatArray
    epoch: FloatArray
    ra: FloatArray
    dec: FloatArray = None  # type: ignore[assignment]
    distance_modulus: FloatArray
    ebv: FloatArray
    feh: FloatArray
    latent: FloatArray | None = None

    _units = _COLUMN_UNITS
    _times = _COLUMN_TIMES

    def __post_init__(self) -> None:
        unpack_sky_coord(self)
        star_id = column("star_id", self.star_id, None, np.int64)
        n = star_id.size
        checked: dict[str, Any] = {"star_id": star_id}
        for name in ("star_class", "subtype"):
            checked[name] = column(name, getattr(self, name), n, np.str_, finite=name == "star_class")
        for name, unit in UNITS.items():
            value = getattr(self, name)
            checked[name] = column(name, true_ebv(value) if name == "ebv" else value, n, unit=unit)
        checked["feh"] = column("feh", self.feh, n, unit="dex", finite=False)
        ra = checked["ra"]
        if (ra < 0.0).any():  # longitudes that run from -180 to 180
            checked["ra"] = freeze(np.where((ra >= -360.0) & (ra < 0.0), ra + 360.0, ra))
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        self._check_domains()
        if self.latent is not None:
            latent = np.array(self.latent, dtype=np.float64)
            if latent.ndim != 2 or latent.shape[0] != n or not np.isfinite(latent).all():
                raise InputError(f"latent has shape {latent.shape}, expected ({n}, n_latent)")
            object.__setattr__(self, "latent", freeze(latent))

    def _check_domains(self) -> None:
        if np.unique(self.star_id).size != self.star_id.size or (self.star_id < 0).any():
            raise InputError("star_id must be unique numbers of 0 or more")
        unknown = sorted(set(self.star_class.tolist()) - set(STAR_CLASSES))
        if unknown:
            raise InputError(f"unknown star class {unknown[0]!r}", allowed=", ".join(STAR_CLASSES))
        pairs = set(zip(self.star_class.tolist(), self.subtype.tolist(), strict=True))
        for star_class, subtype in sorted(pairs):
            if subtype and subtype not in SUBTYPES[star_class]:
                raise InputError(
                    f"unknown subtype {subtype!r} of {star_class}",
                    allowed=", ".join(SUBTYPES[star_class]) + " or ''",
                )
        for name, low, high, unit in (
            ("period", 0.0, np.inf, "d"),
            ("teff", 0.0, np.inf, "K"),
            ("amplitude_i", 0.0, np.inf, "mag"),
            ("ra", 0.0, 360.0, "deg"),
            ("dec", -90.0, 90.0, "deg"),
            ("ebv", 0.0, np.inf, "mag"),
        ):
            value = getattr(self, name)
            strict = name in ("period", "teff")
            bad = (value <= low) if strict else (value < low)
            bad |= value > high
            if bad.any():
                first = int(np.flatnonzero(bad)[0])
                bound = ">" if strict else ">="
                upper = f" and <= {high:g}" if np.isfinite(high) else ""
                raise InputError(
                    f"{name} = {value[first]:g} {unit} of star {self.star_id[first]} is out of range",
                    allowed=f"{bound} {low:g}{upper} {unit}",
                )


def numbers_at_position(pixel: int, kind: tuple[str, str | None], n: int) -> IntArray:
    """Give the stars of a kind at a position their numbers.

    Parameters
    ----------
    pixel : int
        HEALPix pixel of the position (nested, `POSITION_NSIDE`).
    kind : tuple of str
        Class and subtype, or ``"constant"`` or ``"contaminant"`` and None; a class and each of its
        subtypes have numbers of their own.
    n : int
        Stars, up to `MOST_STARS_AT_POSITION`.

    Returns
    -------
    ndarray of int64, shape (n,)
        ``pixel << 20 | kind << 15 | j``.
    """
    return (pixel << _PIXEL_SHIFT) + (_KINDS.index(kind) << _KIND_SHIFT) + np.arange(n, dtype=np.int64)


def position_of(star_id: IntArray) -> IntArray:
    """Tell the positions of numbers that `numbers_at_position` gave.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        The numbers.

    Returns
    -------
    ndarray of int64, shape (N,)
        HEALPix pixels (nested, `POSITION_NSIDE`).
    """
    return np.asarray(star_id >> _PIXEL_SHIFT)


def numbers_at_magnitude(star_id: IntArray, magnitude: float) -> IntArray:
    """Give stars of a position numbers of their own at a magnitude.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        What `numbers_at_position` gave.
    magnitude : float
        The magnitude; it counts in steps of 0.01 mag.

    Returns
    -------
    ndarray of int64, shape (N,)
        The numbers.
    """
    return star_id + (round(magnitude / 0.01) << _MAGNITUDE_SHIFT)


def numbers_at_sites(pixel: npt.ArrayLike, star_class: str, n: int) -> IntArray:
    """Give the drawn stars of a catalogue their numbers.

    Parameters
    ----------
    pixel : array_like of int, shape (n_sites,)
        HEALPix pixels of the sites (nested, `POSITION_NSIDE`).
    star_class : str
        Class, subtype or alias; a class and each of its subtypes have numbers of their own.
    n : int
        Stars per site, up to `MOST_STARS_AT_SITE`.

    Returns
    -------
    ndarray of int64, shape (n_sites, n)
        The numbers.
    """
    name, subtype = parse_star_class(star_class)
    kind = 8 * STAR_CLASSES.index(name) + [None, *SUBTYPES[name]].index(subtype)
    site = np.asarray(pixel, dtype=np.int64)[:, None]
    return (((site << _KIND_BITS) | kind) << _RUNNING_BITS) | np.arange(n, dtype=np.int64)
