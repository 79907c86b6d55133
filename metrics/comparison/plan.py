"""Plan of a comparison: positions, stars, magnitudes, survey years, seeds."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

import healpy
import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.survey import check_position
from pelsvae_cadence.classes import parse_star_class
from pelsvae_cadence.core.arrays import freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.sky_positions import position_pairs
from pelsvae_cadence.metrics.position.methods import Method, check_method
from pelsvae_cadence.periods.grid import PERIOD_RANGE

__all__ = ["DEFAULT_CLASSES", "DEFAULT_YEARS", "Group", "Plan"]

#: A pulsator everyone needs, a slower one, and binaries.
DEFAULT_CLASSES: Final = ("RRab", "CEP", "ECL")
#: Early, after two and five years, and the end.
DEFAULT_YEARS: Final = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Stars of one class at one mean magnitude.

    Parameters
    ----------
    star_class : str
        Class, subtype or alias.
    magnitude : float
        Mean r magnitude.
    """

    star_class: str
    magnitude: float

    @property
    def label(self) -> str:
        """Class and magnitude, as MAF's files name them."""
        return f"{self.star_class} r{self.magnitude:g}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What every run is asked.

    Parameters
    ----------
    positions : tuple of (float, float), optional
        Positions in degrees.
    nside : int, optional
        HEALPix resolution of a map of the sky, instead of positions.
    star_classes : tuple of str
        Classes, subtypes or aliases.
    magnitudes : tuple of float
        Mean r magnitudes (LSST's r, whichever survey observes).
    years : tuple of float
        Ends of the survey years, in years of 365.25 d from each run's own begin, rising.
    stars_per_position : int
        Stars per position, class and magnitude; all magnitudes show the same stars.
    seed : int
        Seed of stars, noise and resampling.
    model : str
        Name or path of the source model.
    method : {"harmonic", "learned"}
        How periods are found: by the harmonic search, or by reading the light curves with the source
        model, all classes alike (`pelsvae_cadence.metrics.position.methods`).
    period_range : tuple of float
        Trial periods in days.
    radius : float, optional
        Radius of the circular field of view in degrees; each survey's own by default.
    min_visits : int
        Positions with fewer visits at the end are outside a run's footprint; years with fewer
        count as nothing recovered.
    max_visits : int
        Positions with more visits are thinned, see `PeriodRecoveryMetric`.

    Raises
    ------
    InputError
        If positions and nside are both given or both missing, or a value is out of range.
    """

    positions: tuple[tuple[float, float], ...] | None = None
    nside: int | None = None
    star_classes: tuple[str, ...] = DEFAULT_CLASSES
    magnitudes: tuple[float, ...] = (22.0,)
    years: tuple[float, ...] = DEFAULT_YEARS
    stars_per_position: int = 10
    seed: int = 0
    model: str = "default"
    method: Method = "harmonic"
    period_range: tuple[float, float] = PERIOD_RANGE
    radius: float | None = None
    min_visits: int = 20
    max_visits: int = 5000

    def __post_init__(self) -> None:
        if (self.nside is None) == (self.positions is None):
            raise InputError(
                f"nside = {self.nside!r} and positions = {self.positions!r}", remedy="Give one of the two."
            )
        if self.nside is not None and not healpy.isnsideok(self.nside, nest=True):
            raise InputError(f"nside = {self.nside!r}", allowed="a power of two, e.g. 8, 16, 64")
        if self.positions is not None:
            points = tuple(check_position(ra, dec) for ra, dec in position_pairs(self.positions))
            if not points or len(set(points)) != len(points):
                raise InputError(f"{len(points)} positions", allowed="one or more, none twice")
            object.__setattr__(self, "positions", points)
        for name in ("star_classes", "magnitudes", "years"):
            values = tuple(getattr(self, name))
            object.__setattr__(self, name, values)
            if not values or len(set(values)) != len(values):
                raise InputError(f"{name} = {list(values)!r}", allowed="one or more, none twice")
        for star_class in self.star_classes:
            parse_star_class(star_class)
        check_method(self.method)
        years = np.array(self.years, dtype=np.float64)
        if not np.isfinite(years).all() or (np.diff(years, prepend=0.0) <= 0).any():
            raise InputError(f"years = {list(self.years)!r}", allowed="positive, rising")
        if self.stars_per_position < 1:
            raise InputError(f"stars_per_position = {self.stars_per_position!r}", allowed=">= 1")
        if self.radius is not None and not 0.0 < self.radius <= 90.0:
            raise InputError(f"radius = {self.radius!r} deg", allowed="above 0, up to 90 deg")

    @property
    def groups(self) -> tuple[Group, ...]:
        """Classes times magnitudes, magnitudes running fastest."""
        return tuple(
            Group(star_class=name, magnitude=float(magnitude))
            for name in self.star_classes
            for magnitude in self.magnitudes
        )

    @property
    def sky(self) -> npt.NDArray[np.float64]:
        """Positions in degrees, shape (n_positions, 2); HEALPix pixels in ring order."""
        if self.positions is not None:
            return freeze(np.array(self.positions, dtype=np.float64))
        pixels = np.arange(healpy.nside2npix(self.nside))
        return freeze(np.stack(healpy.pix2ang(self.nside, pixels, lonlat=True), axis=-1))

    def as_dict(self) -> dict[str, Any]:
        """Make a JSON-able dictionary.

        Returns
        -------
        dict
            All fields.
        """
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain
