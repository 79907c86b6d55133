"""Stars of one class at one sky position: drawn, observed, searched, judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import healpy
import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.classes import parse_star_class
from pelsvae_cadence.core.arrays import freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.core.times import time_span
from pelsvae_cadence.metrics.position.methods import FALSE_ALARM_LEVEL, Method, find_periods
from pelsvae_cadence.periods.grid import PERIOD_RANGE
from pelsvae_cadence.periods.result import PeriodResult
from pelsvae_cadence.periods.verdicts import Verdicts, judge
from pelsvae_cadence.photometry.magnitudes import at_magnitude
from pelsvae_cadence.simulation.modulation import draw_modulation
from pelsvae_cadence.simulation.simulate import simulate
from pelsvae_cadence.stars import (
    MOST_STARS_AT_POSITION,
    POSITION_NSIDE,
    Stars,
    numbers_at_magnitude,
    numbers_at_position,
)

if TYPE_CHECKING:
    from pelsvae_cadence.inference.posterior import Posterior
    from pelsvae_cadence.light_curves import LightCurves
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.population.crowding import CrowdedField

__all__ = [
    "Recovery",
    "StarSample",
    "at_reference_magnitude",
    "load_model",
    "observe_and_search",
    "stars_at",
    "stars_of_position",
]


@dataclass(frozen=True, kw_only=True)
class StarSample:
    """What to draw at each position.

    Parameters
    ----------
    star_class : str
        Class, subtype or alias, e.g. ``"RRab"``, or a mix of several, ``"RRab+CEP+EW"``, in equal
        shares (the first ones take what is left over).
    n : int
        Number of stars.
    seed : int
        Seed of the draws.
    model : str
        Name or path of the source model.
    """

    star_class: str
    n: int
    seed: int = 0
    model: str = "default"

    def __post_init__(self) -> None:
        kinds = [parse_star_class(name) for name in self.names]
        if len(set(kinds)) < len(kinds):
            raise InputError(
                f"star_class = {self.star_class!r} names a class twice",
                remedy="Classes of a mix come in equal shares; name each once.",
            )
        if not len(kinds) <= self.n <= MOST_STARS_AT_POSITION:
            raise InputError(
                f"stars_per_position = {self.n!r}", allowed=f"{len(kinds)} .. {MOST_STARS_AT_POSITION}"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The classes of the mix."""
        return tuple(name.strip() for name in self.star_class.split("+"))

    @property
    def shares(self) -> tuple[tuple[str, int], ...]:
        """The classes of the mix, each with its number of stars."""
        whole, rest = divmod(self.n, len(self.names))
        return tuple((name, whole + (i < rest)) for i, name in enumerate(self.names))


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """What became of the stars of one position.

    Parameters
    ----------
    stars : Stars
        The stars that were observed.
    curve : PhaseCurve
        Their shapes.
    visits : Visits
        The visits that observed them.
    light_curves : LightCurves
        What was measured.
    periods : PeriodResult
        What was found blindly.
    verdicts : Verdicts
        How right it is.
    n_visits_used : float
        Median number of points that went into the search (thinned, unsaturated).
    posterior : Posterior or None
        All that the learned model says, where it was asked.
    """

    stars: Stars
    curve: PhaseCurve
    visits: Visits
    light_curves: LightCurves
    periods: PeriodResult
    verdicts: Verdicts
    n_visits_used: float
    posterior: Posterior | None = None


def stars_of_position(ra: float, dec: float, n: int, star_class: str) -> npt.NDArray[np.int64]:
    """Give the stars of a sky position their numbers.

    The numbers depend on position and class alone: two surveys, two slicers or two constraints
    observe the same stars there, and differences between them are paired.

    Parameters
    ----------
    ra, dec : float
        Position in degrees.
    n : int
        Number of stars, up to 32768.
    star_class : str
        Class, subtype or alias; a class and each of its subtypes have numbers of their own.

    Returns
    -------
    ndarray of int64, shape (n,)
        See `pelsvae_cadence.stars.numbers_at_position`.
    """
    pixel = int(healpy.ang2pix(POSITION_NSIDE, ra % 360.0, dec, nest=True, lonlat=True))
    return freeze(numbers_at_position(pixel, parse_star_class(star_class), n))


def at_reference_magnitude(stars: Stars, band: str, magnitude: float) -> Stars:
    """Move stars to a magnitude, under numbers of their own: each magnitude has its own noise."""
    moved = at_magnitude(stars, band, magnitude)
    return replace(moved, star_id=numbers_at_magnitude(stars.star_id, magnitude))


# Bundles of one run share their models and stars; a metric object must stay light, since MAF copies
# it for each reduce method. Hence the two caches, which only ever hold reproducible values.


@cache
def load_model(name: str) -> LightCurveModel:
    """Load a source model once for all metrics of the process."""
    from pelsvae_cadence.model.source import LightCurveModel

    return LightCurveModel.load(name)


@lru_cache(maxsize=64)
def stars_at(sample: StarSample, ra: float, dec: float, *, ebv: float = 0.0) -> tuple[Stars, PhaseCurve]:
    """Draw the stars of a position, and decode their shapes.

    Parameters
    ----------
    sample : StarSample
        What to draw.
    ra, dec : float
        Position in degrees.
    ebv : float
        True colour excess E(B-V) in mag.

    Returns
    -------
    stars : Stars
        The stars, at a distance modulus of zero.
    curve : PhaseCurve
        Their shapes.
    """
    model = load_model(sample.model)
    drawn = []
    for name, n in sample.shares:
        star_class, subtype = parse_star_class(name)
        drawn.append(
            model.sample(
                star_class,
                subtype=subtype,
                n=n,
                seed=sample.seed,
                star_id=stars_of_position(ra, dec, n, name),
                ra=ra,
                dec=dec,
                ebv=ebv,
            )
        )
    # Each class has the stars that it has alone: a mix is paired with its parts.
    curves = [model.phase_curve(stars, seed=sample.seed) for stars in drawn]
    return Stars.concatenate(drawn), PhaseCurve.concatenate(curves)


def observe_and_search(
    stars: Stars,
    curve: PhaseCurve,
    visits: Visits,
    *,
    seed: int,
    period_range: tuple[float, float] = PERIOD_RANGE,
    baseline: float | None = None,
    method: Method = "harmonic",
    model: str = "default",
    physics: bool = False,
    ebv: npt.NDArray[np.float64] | None = None,
    false_alarm_level: float | None = None,
    modulated: bool = False,
    crowding: CrowdedField | None = None,
) -> Recovery:
    """Observe stars at one position, find their periods and judge what was found.

    Parameters
    ----------
    stars : Stars
        N stars, each at its distance.
    curve : PhaseCurve
        Their shapes.
    visits : Visits
        The visits.
    seed : int
        Seed of the photometric noise.
    period_range : tuple of float
        Range of trial periods in days.
    baseline : float, optional
        Time span T that sets the frequency step and the tolerance, in days; by default that of
        the visits.
    method : {"harmonic", "learned"}
        How periods are found (`pelsvae_cadence.metrics.position.methods`).
    model : str
        Name or path of the model that reads the light curves; a search needs none.
    physics : bool
        Whether a reading draws samples of temperature, luminosity, dust and distance, too.
    ebv : ndarray of float64, shape (N,), optional
        True E(B-V) that it knows in front of the stars, as from a map.
    false_alarm_level : float, optional
        Largest false-alarm probability of a detection; `FALSE_ALARM_LEVEL` of the method by default.
    modulated : bool
        Let stars deviate from strict periodicity as `pelsvae_cadence.simulation.modulation` draws it.
    crowding : CrowdedField, optional
        Star counts of the position; without it stars are isolated.

    Returns
    -------
    Recovery
        Stars, periods, verdicts.
    """
    light_curves = simulate(
        stars,
        visits,
        seed=seed,
        curve=curve,
        crowding=crowding,
        modulation=draw_modulation(stars, seed=seed) if modulated else None,
    )
    if baseline is None:
        baseline = time_span(visits.mjd)
    if false_alarm_level is None:
        false_alarm_level = FALSE_ALARM_LEVEL[method]
    found = find_periods(
        light_curves,
        method=method,
        baseline=baseline,
        period_range=period_range,
        model=load_model(model),
        physics=physics,
        ebv=ebv,
    )
    return Recovery(
        stars=stars,
        curve=curve,
        visits=visits,
        light_curves=light_curves,
        periods=found.periods,
        verdicts=judge(found.periods, stars.period, false_alarm_level=false_alarm_level),
        n_visits_used=float(np.median(found.periods.n_points)),
        posterior=found.posterior,
    )
