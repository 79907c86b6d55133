"""Sky positions of a catalogue and their stars: drawn, or listed in a table.

A *site* is a place in the sky whose visits its stars share. Sites are put in the order of their
HEALPix pixels and cut into partitions; the stars of a site depend on nothing but the site, so that
neither the cut nor the other sites change them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.cadence.sky_pixels import is_nside, nested_centre, nested_pixel
from pelsvae_cadence.cadence.survey import check_position
from pelsvae_cadence.classes import parse_star_class
from pelsvae_cadence.core.errors import InputError, did_you_mean
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.tables.sky_positions import unpack_sky_coord
from pelsvae_cadence.photometry.magnitudes import at_magnitude
from pelsvae_cadence.stars import MOST_STARS_AT_SITE, POSITION_NSIDE, Stars, numbers_at_sites

if TYPE_CHECKING:
    from pelsvae_cadence.model.source import LightCurveModel

__all__ = ["DrawnStars", "ListedStars", "StarSource"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class StarSource(ABC):
    """Something that knows the sites of a catalogue and their stars.

    Attributes
    ----------
    ra, dec : ndarray of float64
        Positions of the sites in degrees.
    """

    ra: FloatArray
    dec: FloatArray

    @property
    @abstractmethod
    def n_stars(self) -> IntArray:
        """Number of stars at each site."""

    @abstractmethod
    def stars(self, sites: IntArray, model: LightCurveModel, seed: int) -> tuple[Stars, IntArray]:
        """Give the stars of some sites.

        Parameters
        ----------
        sites : ndarray of int
            The sites.
        model : LightCurveModel
            The source model.
        seed : int
            Seed of the draws.

        Returns
        -------
        stars : Stars
            Site by site, in an order that depends on nothing but the sites.
        site : ndarray of int
            For each star the place of its site in `sites`.
        """


@dataclass(frozen=True, kw_only=True)
class DrawnStars(StarSource):
    """Stars drawn from the source model at every one of many positions.

    Parameters
    ----------
    ra, dec : ndarray of float64, shape (n_sites,)
        Positions in degrees; sorted by HEALPix pixel at construction. No two may lie in one pixel
        of 26 arcsec.
    star_classes : sequence of str
        Classes, subtypes or aliases; all of them are drawn at every position.
    stars_per_class : int
        Stars of each class at each position.
    magnitude : (float, float)
        Range of the mean apparent AB magnitudes; uniform draws between the two.
    band : str
        Band of the magnitudes.
    ebv : float
        True colour excess E(B-V) in mag.

    Raises
    ------
    InputError
        If a class is unknown or named twice, positions coincide or are not on the sky, or numbers
        are out of range.
    """

    ra: FloatArray
    dec: FloatArray = None  # type: ignore[assignment]
    star_classes: Sequence[str]
    stars_per_class: int = 1
    magnitude: tuple[float, float] = (17.0, 24.0)
    band: str = "r"
    ebv: float = 0.0

    def __post_init__(self) -> None:
        unpack_sky_coord(self)
        pairs = zip(np.atleast_1d(self.ra).tolist(), np.atleast_1d(self.dec).tolist(), strict=True)
        points = np.array([check_position(*pair) for pair in pairs]).reshape(-1, 2)
        pixel = nested_pixel(POSITION_NSIDE, points[:, 0], points[:, 1])
        order = np.argsort(pixel, kind="stable")
        close = np.flatnonzero(np.diff(pixel[order]) == 0)
        if close.size:
            ra, dec = points[order[close[0]]]
            raise InputError(
                f"two positions lie within half an arcminute of ra = {ra:.5f}, dec = {dec:.5f} deg",
                remedy="Leave one out; ask for more stars per position instead.",
            )
        object.__setattr__(self, "ra", points[order, 0])
        object.__setattr__(self, "dec", points[order, 1])
        kinds = [parse_star_class(name) for name in self.star_classes]
        if not kinds or len(set(kinds)) < len(kinds):
            raise InputError(
                f"star classes {', '.join(self.star_classes)!r}", allowed="one or more, none of them twice"
            )
        object.__setattr__(self, "star_classes", tuple(self.star_classes))
        if not 1 <= self.stars_per_class <= MOST_STARS_AT_SITE:
            raise InputError(
                f"{self.stars_per_class} stars per class and position", allowed=f"1 to {MOST_STARS_AT_SITE}"
            )
        bright, faint = (float(m) for m in self.magnitude)
        if not 0.0 < bright <= faint < 40.0:
            raise InputError(
                f"magnitudes from {bright:g} to {faint:g}", allowed="bright,faint between 0 and 40"
            )
        object.__setattr__(self, "magnitude", (bright, faint))
        if self.band not in BANDS:
            raise InputError(
                f"unknown band {self.band!r}", allowed=", ".join(BANDS), remedy=did_you_mean(self.band, BANDS)
            )

    @property
    @override
    def n_stars(self) -> IntArray:
        return np.full(self.ra.size, len(self.star_classes) * self.stars_per_class)

    @override
    def stars(self, sites: IntArray, model: LightCurveModel, seed: int) -> tuple[Stars, IntArray]:
        n = self.stars_per_class
        pixel = nested_pixel(POSITION_NSIDE, self.ra[sites], self.dec[sites])
        bright, faint = self.magnitude
        parts: list[Stars] = []
        for name in self.star_classes:
            star_class, subtype = parse_star_class(name)
            star_id = numbers_at_sites(pixel, name, n).ravel()
            drawn = model.sample(
                star_class,
                subtype=subtype,
                star_id=star_id,
                seed=seed,
                ebv=self.ebv,
                ra=np.repeat(self.ra[sites], n),
                dec=np.repeat(self.dec[sites], n),
            )
            u = KeyedRandom(seed=seed).uniform("catalogue magnitude", star_id)
            parts.append(at_magnitude(drawn, self.band, bright + (faint - bright) * u))
        site = np.tile(np.repeat(np.arange(sites.size), n), len(parts))
        order = np.argsort(site, kind="stable")
        return Stars.concatenate(parts).take(order), site[order]


class ListedStars(StarSource):
    """Stars that somebody else has chosen, each with its own position and parameters.

    Parameters
    ----------
    stars : Stars
        The stars. Where latent coordinates are missing, the source model draws them.
    visits_nside : int or None
        Stars in one HEALPix pixel of this resolution share the visits of its centre: 128 is 0.46
        degrees, a small part of a field of view. With None every star has the visits of its own
        position, which takes more room in the file and more time.

    Raises
    ------
    InputError
        If the resolution is no power of two up to 8192, or there is no star.
    """

    def __init__(self, stars: Stars, *, visits_nside: int | None = 128) -> None:
        if not len(stars):
            raise InputError("the table of stars is empty")
        if visits_nside is not None and not (visits_nside <= POSITION_NSIDE and is_nside(visits_nside)):
            raise InputError(
                f"visits_nside = {visits_nside!r}", allowed=f"a power of two, 1 to {POSITION_NSIDE}"
            )
        pixel = nested_pixel(visits_nside or POSITION_NSIDE, stars.ra, stars.dec)
        order = np.lexsort((stars.star_id, pixel))
        self.visits_nside = visits_nside
        self.table = stars.take(order)
        if visits_nside is None:
            self._first = np.arange(len(stars) + 1)
            self.ra, self.dec = self.table.ra, self.table.dec
        else:
            sites, first = np.unique(pixel[order], return_index=True)
            self._first = np.append(first, len(stars))
            self.ra, self.dec = nested_centre(visits_nside, sites)

    @property
    @override
    def n_stars(self) -> IntArray:
        return np.diff(self._first)

    @override
    def stars(self, sites: IntArray, model: LightCurveModel, seed: int) -> tuple[Stars, IntArray]:
        rows = [np.arange(self._first[s], self._first[s + 1]) for s in sites.tolist()]
        site = np.repeat(np.arange(sites.size), [r.size for r in rows])
        return self.table.take(np.concatenate(rows)), site
