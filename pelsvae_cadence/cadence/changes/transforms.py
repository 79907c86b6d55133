"""Changes to the visits of a cadence: thinned, shifted, without pairs or bands.

Each function takes a cadence - a table, a synthetic survey, or one that was changed before - and
gives another, position by position. Visits that stay keep their numbers, and with them their
noise: differences between a survey and its changed self are paired visit by visit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from pelsvae_cadence.bands import BANDS, SurveyName
from pelsvae_cadence.cadence.position_table import PositionTables
from pelsvae_cadence.cadence.statistics import SEASON_GAP
from pelsvae_cadence.cadence.survey import Cadence, check_position
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.times import JULIAN_YEAR

__all__ = [
    "ChangedCadence",
    "dithered_seasons",
    "first_years",
    "shifted",
    "start_of",
    "thinned",
    "without_bands",
    "without_pairs",
]

IntArray = npt.NDArray[np.int64]

# Positions this close (0.9 arcmin) get the same shifts of their seasons.
_POSITION_STEP: Final = 0.015


def start_of(cadence: Cadence) -> float:
    """Find the begin of a survey's first year.

    Parameters
    ----------
    cadence : Cadence
        A survey.

    Returns
    -------
    float
        MJD (TAI), in days: the first visit anywhere on the sky of a table, the planned begin of
        a synthetic survey.

    Raises
    ------
    InputError
        If the cadence does not know it.
    """
    start = getattr(cadence, "mjd_start", None)
    if start is None:
        raise InputError(
            f"{cadence.name} does not say when it begins",
            remedy="Give the class an attribute mjd_start (MJD, TAI).",
        )
    return float(start)


@dataclass(frozen=True, kw_only=True)
class ChangedCadence(PositionTables):
    """A cadence whose visits are changed, position by position.

    Parameters
    ----------
    cadence : Cadence
        What is changed.
    change : callable
        (visits, ra, dec) to visits; positions in degrees.
    name : str
        Name of the run.
    mjd_start : float
        Begin of the first survey year, MJD (TAI).
    """

    cadence: Cadence
    change: Callable[[Visits, float, float], Visits]
    name: str
    mjd_start: float

    @property
    def survey(self) -> SurveyName:
        """Whose filters and noise apply."""
        return self.cadence.survey

    @property
    def fov_radius(self) -> float:
        """Radius of the circular field of view in degrees."""
        return self.cadence.fov_radius

    @override
    def at(self, ra: Any, dec: Any = None, radius: float | None = None) -> Visits:
        ra, dec = check_position(ra, dec)
        return self.change(self.cadence.at(ra, dec, radius), ra, dec)


def _changed(
    cadence: Cadence, change: Callable[[Visits, float, float], Visits], what: str, *, later: float = 0.0
) -> ChangedCadence:
    return ChangedCadence(
        cadence=cadence, change=change, name=f"{cadence.name} {what}", mjd_start=start_of(cadence) + later
    )


def _keep(rule: Callable[[Visits], npt.NDArray[np.bool_]], visits: Visits, ra: float, dec: float) -> Visits:
    """Keep the visits that a rule selects."""
    return visits.take(rule(visits))


def _keeping(cadence: Cadence, rule: Callable[[Visits], npt.NDArray[np.bool_]], what: str) -> ChangedCadence:
    return _changed(cadence, partial(_keep, rule), what)


def without_bands(cadence: Cadence, bands: str | tuple[str, ...]) -> ChangedCadence:
    """Drop all visits in some bands.

    Parameters
    ----------
    cadence : Cadence
        The survey.
    bands : str or tuple of str
        Bands out of `pelsvae_cadence.bands.BANDS`; a string of LSST letters, such as ``"uy"``,
        is taken letter by letter.

    Returns
    -------
    ChangedCadence
        The survey without them.

    Raises
    ------
    InputError
        If there is no such band.
    """
    names = tuple(bands) if isinstance(bands, str) and bands not in BANDS else bands
    chosen = (names,) if isinstance(names, str) else tuple(names)
    for band in chosen:
        if band not in BANDS:
            raise InputError(f"unknown band {band!r}", allowed=", ".join(BANDS))
    if not chosen:
        raise InputError("no band to drop", allowed=", ".join(BANDS))
    return _keeping(cadence, partial(_not_in, chosen), f"without {' '.join(chosen)}")


def _not_in(bands: tuple[str, ...], visits: Visits) -> npt.NDArray[np.bool_]:
    return ~np.isin(visits.band, bands)


def first_years(cadence: Cadence, years: float) -> ChangedCadence:
    """Drop the visits after some years.

    Parameters
    ----------
    cadence : Cadence
        The survey.
    years : float
        Survey years of 365.25 d to keep, above 0.

    Returns
    -------
    ChangedCadence
        The begin of the survey.

    Raises
    ------
    InputError
        If the number is not above 0.
    """
    if not (np.isfinite(years) and years > 0.0):
        raise InputError(f"years = {years!r}", allowed="above 0")
    end = start_of(cadence) + JULIAN_YEAR * years
    return _keeping(cadence, partial(_before, end), f"first {years:g} yr")


def _before(mjd: float, visits: Visits) -> npt.NDArray[np.bool_]:
    return np.asarray(visits.mjd < mjd)


def without_pairs(cadence: Cadence) -> ChangedCadence:
    """Keep one visit a night at each position: the first.

    Pairs are what tells moving objects from stars; what they cost or bring variable stars is the
    question. Fewer than half of the visits stay: compare with `thinned` to the same number, which
    takes as many visits without regard to the night.

    Parameters
    ----------
    cadence : Cadence
        The survey.

    Returns
    -------
    ChangedCadence
        The survey with single visits.
    """
    return _keeping(cadence, _first_of_night, "without pairs")


def _first_of_night(visits: Visits) -> npt.NDArray[np.bool_]:
    is_first = np.ones(len(visits), dtype=np.bool_)
    is_first[1:] = np.diff(visits.night) != 0
    return is_first


def thinned(cadence: Cadence, keep: float, *, seed: int = 0) -> ChangedCadence:
    """Keep a random share of the visits.

    Parameters
    ----------
    cadence : Cadence
        The survey.
    keep : float
        Share of the visits that stays, above 0, up to 1. Keyed by the visits' numbers: positions
        that share a visit lose it together, and a smaller share is part of a larger one.
    seed : int
        Seed of the choice.

    Returns
    -------
    ChangedCadence
        The survey with fewer visits.

    Raises
    ------
    InputError
        If the share or the seed is out of range.
    """
    if not 0.0 < keep <= 1.0:
        raise InputError(f"keep = {keep!r}", allowed="above 0, up to 1")
    KeyedRandom(seed=seed)  # refuses what is no seed
    return _keeping(cadence, partial(_random_share, keep, seed), f"thinned to {keep:g}")


def _random_share(keep: float, seed: int, visits: Visits) -> npt.NDArray[np.bool_]:
    return np.asarray(KeyedRandom(seed=seed).uniform("thinned visits", 0, visits.visit_id) < keep)


def shifted(cadence: Cadence, nights: int) -> ChangedCadence:
    """Move a whole survey in time, e.g. a simulation to the survey's real begin.

    Seasons and the Moon move along; whole years keep the seasons in place.

    Parameters
    ----------
    cadence : Cadence
        The survey.
    nights : int
        Days of 24 h; positive is later.

    Returns
    -------
    ChangedCadence
        The survey at another time.
    """
    if int(nights) != nights:
        raise InputError(f"nights = {nights!r}", allowed="a whole number of nights")
    return _changed(cadence, partial(_shift, int(nights)), f"shifted {nights:+d} d", later=float(nights))


def _shift(nights: int, visits: Visits, ra: float, dec: float) -> Visits:
    return replace(visits, mjd=visits.mjd + nights, night=visits.night + nights)


def dithered_seasons(cadence: Cadence, nights: int, *, seed: int = 0) -> ChangedCadence:
    """Shift each observing season of a position by a random number of whole nights.

    An experiment on the yearly gaps, and the aliases they make: hours of the night and all that
    happens within a season stay, the regular beat of the seasons goes. The Sun is not asked: a
    season may end up a little nearer to it than a telescope could look.

    Parameters
    ----------
    cadence : Cadence
        The survey.
    nights : int
        Largest shift to either side, 1 to 60 nights. Where two seasons would touch, the shift
        ends one night before.
    seed : int
        Seed of the shifts; each season and position has its own.

    Returns
    -------
    ChangedCadence
        The survey with shifted seasons.

    Raises
    ------
    InputError
        If the shift or the seed is out of range.
    """
    if int(nights) != nights or not 1 <= nights <= SEASON_GAP:
        raise InputError(f"nights = {nights!r}", allowed=f"1 to {SEASON_GAP}")
    KeyedRandom(seed=seed)
    return _changed(cadence, partial(_dither, int(nights), seed), f"seasons dithered {nights} d")


def _dither(nights: int, seed: int, visits: Visits, ra: float, dec: float) -> Visits:
    if len(visits) == 0:
        return visits
    gap = np.diff(visits.night, prepend=visits.night[0])
    season = np.cumsum(gap > SEASON_GAP)
    place = round(ra / _POSITION_STEP) * 20_000 + round((dec + 90.0) / _POSITION_STEP)
    draw = KeyedRandom(seed=seed).uniform("season shift", place, np.arange(int(season[-1]) + 1))
    shift = np.floor((2 * nights + 1) * draw).astype(np.int64) - nights
    # Seasons keep their order: none begins before the one before has ended.
    between = gap[gap > SEASON_GAP]
    for number, free in enumerate(between.tolist(), start=1):
        shift[number] = max(shift[number], shift[number - 1] + 1 - free)
    moved = shift[season]
    return replace(visits, mjd=visits.mjd + moved, night=visits.night + moved)
