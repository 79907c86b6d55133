"""Statistics of a cadence: nights, gaps, seasons, pairs of visits, depths, years.

Functions of one `Visits` come first; `summarise` pools many positions into the tables with which
two surveys, or a synthetic survey and the real one, are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.times import JULIAN_YEAR

__all__ = [
    "GAP_PERCENTILES",
    "INTERVAL_EDGES",
    "PERCENTILES",
    "SEASON_GAP",
    "CadenceSummary",
    "intervals_within_night",
    "night_gaps",
    "observed_nights",
    "season_lengths",
    "summarise",
    "visits_per_band",
    "visits_per_night",
    "visits_per_year",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

PERCENTILES: Final = (10.0, 25.0, 50.0, 75.0, 90.0)
GAP_PERCENTILES: Final = (5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0)
SAME_BAND_PERCENTILES: Final = (25.0, 50.0, 75.0, 90.0)
# A position that is not seen for two months is behind the Sun (or left out by a rolling survey).
SEASON_GAP: Final = 60
# Minutes. Below 5: overlapping neighbour fields taken one after the other; 15-60: visit pairs.
INTERVAL_EDGES: Final = (0.0, 5.0, 15.0, 60.0, 120.0, np.inf)
_PAIR_INTERVAL: Final = 5.0
_MINUTES_PER_DAY: Final = 1440.0


def observed_nights(visits: Visits) -> IntArray:
    """List the nights with at least one visit.

    Parameters
    ----------
    visits : Visits
        The visits of one position.

    Returns
    -------
    ndarray of int64, shape (n_nights,)
        Night numbers, ascending.
    """
    return np.unique(visits.night)


def night_gaps(visits: Visits, *, band: str | None = None, longest: int | None = None) -> IntArray:
    """Measure the gaps between successive observed nights.

    Parameters
    ----------
    visits : Visits
        The visits of one position.
    band : str, optional
        Look at the nights of one band only.
    longest : int, optional
        Leave out gaps longer than this many nights (`SEASON_GAP` keeps gaps within a season).

    Returns
    -------
    ndarray of int64, shape (n_gaps,)
        Gaps in nights, in order of time; 1 means two nights running.
    """
    nights = visits.night if band is None else visits.night[visits.band == band]
    gaps = np.diff(np.unique(nights))
    return gaps if longest is None else gaps[gaps <= longest]


def _season_rows(visits: Visits, gap: int) -> tuple[IntArray, IntArray]:
    """First and last row of each season."""
    if len(visits) == 0:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty
    breaks = np.flatnonzero(np.diff(visits.night) > gap)
    return (
        np.concatenate([[0], breaks + 1]).astype(np.int64),
        np.concatenate([breaks, [len(visits) - 1]]).astype(np.int64),
    )


def season_lengths(visits: Visits, *, gap: int = SEASON_GAP) -> FloatArray:
    """Measure the time from the first to the last visit of each season.

    Parameters
    ----------
    visits : Visits
        The visits of one position.
    gap : int
        Seasons are split where no visit falls for more than this many nights.

    Returns
    -------
    ndarray of float64, shape (n_seasons,)
        Lengths in days.
    """
    first, last = _season_rows(visits, gap)
    return np.asarray(visits.mjd[last] - visits.mjd[first], dtype=np.float64)


def _season_gaps(visits: Visits, *, gap: int = SEASON_GAP) -> FloatArray:
    """Measure the time from the last visit of each season to the first of the next."""
    first, last = _season_rows(visits, gap)
    return np.asarray(visits.mjd[first[1:]] - visits.mjd[last[:-1]], dtype=np.float64)


def visits_per_night(visits: Visits) -> IntArray:
    """Count the visits of each observed night.

    Parameters
    ----------
    visits : Visits
        The visits of one position.

    Returns
    -------
    ndarray of int64, shape (n_nights,)
        Counts, in order of time.
    """
    return np.asarray(np.unique(visits.night, return_counts=True)[1], dtype=np.int64)


def intervals_within_night(visits: Visits) -> FloatArray:
    """Measure the time from each visit to the next one of the same night.

    Parameters
    ----------
    visits : Visits
        The visits of one position.

    Returns
    -------
    ndarray of float64, shape (n_intervals,)
        Intervals in minutes.
    """
    same = np.diff(visits.night) == 0
    return np.asarray(np.diff(visits.mjd)[same] * _MINUTES_PER_DAY, dtype=np.float64)


def _band_pairs(visits: Visits, *, shortest: float = _PAIR_INTERVAL) -> dict[str, int]:
    """Count the band combinations of successive visits of one night."""
    rank = {name: index for index, name in enumerate(BANDS)}
    minutes = np.diff(visits.mjd) * _MINUTES_PER_DAY
    rows = np.flatnonzero((np.diff(visits.night) == 0) & (minutes > shortest))
    counts: dict[str, int] = {}
    for one, two in zip(visits.band[rows].tolist(), visits.band[rows + 1].tolist(), strict=True):
        name = f"{one}-{two}" if rank[one] <= rank[two] else f"{two}-{one}"
        counts[name] = counts.get(name, 0) + 1
    return counts


def visits_per_band(visits: Visits) -> dict[str, int]:
    """Count the visits in each band.

    Parameters
    ----------
    visits : Visits
        The visits of one position.

    Returns
    -------
    dict of str to int
        Number of visits by band, blue to red; bands without visits are left out.
    """
    names, counts = np.unique(visits.band, return_counts=True)
    found = dict(zip(names.tolist(), counts.tolist(), strict=True))
    return {name: found[name] for name in BANDS if name in found}


def visits_per_year(visits: Visits, mjd_start: float, n_years: int) -> IntArray:
    """Count the visits of each survey year.

    Parameters
    ----------
    visits : Visits
        The visits of one position.
    mjd_start : float
        Start of the survey's first year, MJD (TAI); the time of the survey's first visit anywhere.
    n_years : int
        Number of survey years (of 365.25 d).

    Returns
    -------
    ndarray of int64, shape (n_years,)
        Counts; visits outside these years do not count.
    """
    year = np.floor((visits.mjd - mjd_start) / JULIAN_YEAR).astype(np.int64)
    inside = year[(year >= 0) & (year < n_years)]
    return np.bincount(inside, minlength=n_years).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class CadenceSummary:
    """The statistics of many positions of one survey.

    Percentiles named "over positions" are taken over one number a position; "pooled" ones over
    all gaps, seasons or visits of all positions together.

    Parameters
    ----------
    n_positions : int
        Number of positions.
    visits, nights, span, n_seasons : ndarray, shape (5,)
        Number of visits, of observed nights, days from first to last visit, and number of
        seasons: `PERCENTILES` over positions.
    gaps, gaps_in_season : ndarray, shape (8,)
        Gaps between observed nights, and those of at most `SEASON_GAP` nights: pooled
        `GAP_PERCENTILES`, in nights.
    season_length, season_gap : ndarray, shape (5,)
        Pooled `PERCENTILES`, in days.
    visits_per_band : mapping of str to ndarray, shape (5,)
        Visits of a band: `PERCENTILES` over positions.
    same_band_gaps : mapping of str to ndarray, shape (4,)
        Gaps of at most `SEASON_GAP` nights between nights with visits in a band: pooled 25, 50,
        75 and 90 % percentiles, in nights.
    nightly_shares : ndarray, shape (4,)
        Shares of the observed nights with 1, 2, 3, and 4 or more visits.
    interval_shares : ndarray, shape (5,)
        Shares of the intervals within a night between the `INTERVAL_EDGES`.
    interval_percentiles : ndarray, shape (5,)
        Pooled `PERCENTILES` of the intervals of 5 to 120 minutes, in minutes.
    pair_shares : mapping of str to float
        Shares of the band combinations of `_band_pairs`.
    visits_per_year : ndarray, shape (3, n_years)
        Visits of a survey year: 10, 50 and 90 % over positions.
    m5 : mapping of str to ndarray, shape (5,)
        Five-sigma depths: pooled `PERCENTILES`, AB mag.
    m5_scatter : mapping of str to float
        Median over positions of the standard deviation of the depths at one position, mag.
    """

    n_positions: int
    visits: FloatArray
    nights: FloatArray
    span: FloatArray
    n_seasons: FloatArray
    gaps: FloatArray
    gaps_in_season: FloatArray
    season_length: FloatArray
    season_gap: FloatArray
    visits_per_band: Mapping[str, FloatArray]
    same_band_gaps: Mapping[str, FloatArray]
    nightly_shares: FloatArray
    interval_shares: FloatArray
    interval_percentiles: FloatArray
    pair_shares: Mapping[str, float]
    visits_per_year: FloatArray
    m5: Mapping[str, FloatArray]
    m5_scatter: Mapping[str, float]


def _percentiles(values: npt.ArrayLike, at: Iterable[float]) -> FloatArray:
    """Percentiles, NaN where there is nothing to rank (a survey of one night has no gaps)."""
    array = np.asarray(values, dtype=np.float64)
    points = list(at)
    if array.size == 0:
        return np.full(len(points), np.nan)
    return np.asarray(np.percentile(array, points), dtype=np.float64)


def summarise(positions: Iterable[Visits], *, mjd_start: float, n_years: int) -> CadenceSummary:
    """Pool the statistics of many positions.

    Parameters
    ----------
    positions : iterable of Visits
        The visits of each position; positions without a visit are refused, because they have no
        span, depth or season.
    mjd_start : float
        Start of the survey's first year, MJD (TAI).
    n_years : int
        Number of survey years to count visits in.

    Returns
    -------
    CadenceSummary
        The tables.

    Raises
    ------
    InputError
        If there are no positions, or one has no visits.
    """
    sample = list(positions)
    if not sample:
        raise InputError("no positions to summarise", remedy="Pass at least one Visits.")
    empty = [index for index, visits in enumerate(sample) if len(visits) == 0]
    if empty:
        raise InputError(
            f"{len(empty)} of {len(sample)} positions have no visits, first number {empty[0]}",
            remedy="Leave positions outside the survey's footprint out.",
        )

    def pooled(of: Callable[[Visits], npt.NDArray[Any]], at: Iterable[float] = PERCENTILES) -> FloatArray:
        return _percentiles(np.concatenate([of(visits) for visits in sample]), at)

    def over_positions(of: Callable[[Visits], float]) -> FloatArray:
        return _percentiles([of(visits) for visits in sample], PERCENTILES)

    bands = [name for name in BANDS if any((visits.band == name).any() for visits in sample)]
    counts = [visits_per_band(visits) for visits in sample]
    nightly = np.concatenate([visits_per_night(visits) for visits in sample])
    intervals = np.concatenate([intervals_within_night(visits) for visits in sample])
    pairs: dict[str, int] = {}
    for visits in sample:
        for name, count in _band_pairs(visits).items():
            pairs[name] = pairs.get(name, 0) + count
    n_pairs = max(sum(pairs.values()), 1)
    years = np.array([visits_per_year(visits, mjd_start, n_years) for visits in sample])
    interval_counts = np.histogram(intervals, bins=np.asarray(INTERVAL_EDGES))[0]
    return CadenceSummary(
        n_positions=len(sample),
        visits=over_positions(len),
        nights=over_positions(lambda visits: observed_nights(visits).size),
        span=over_positions(lambda visits: visits.mjd[-1] - visits.mjd[0]),
        n_seasons=over_positions(lambda visits: season_lengths(visits).size),
        gaps=pooled(night_gaps, GAP_PERCENTILES),
        gaps_in_season=pooled(partial(night_gaps, longest=SEASON_GAP), GAP_PERCENTILES),
        season_length=pooled(season_lengths),
        season_gap=pooled(_season_gaps),
        visits_per_band={
            name: _percentiles([count.get(name, 0) for count in counts], PERCENTILES) for name in bands
        },
        same_band_gaps={
            name: pooled(partial(night_gaps, band=name, longest=SEASON_GAP), SAME_BAND_PERCENTILES)
            for name in bands
        },
        nightly_shares=np.bincount(np.minimum(nightly, 4), minlength=5)[1:] / nightly.size,
        interval_shares=interval_counts / max(intervals.size, 1),
        interval_percentiles=_percentiles(
            intervals[(intervals >= _PAIR_INTERVAL) & (intervals < 120.0)], PERCENTILES
        ),
        pair_shares={
            name: count / n_pairs for name, count in sorted(pairs.items(), key=lambda item: -item[1])
        },
        visits_per_year=np.percentile(years, [10.0, 50.0, 90.0], axis=0),
        m5={name: pooled(partial(_depths, name)) for name in bands},
        m5_scatter={
            name: float(np.median([np.std(m5) for m5 in map(partial(_depths, name), sample) if m5.size]))
            for name in bands
        },
    )


def _depths(band: str, visits: Visits) -> FloatArray:
    return np.asarray(visits.m5[visits.band == band])
