"""Quantities that a comparison compares: direction, unit, name in MAF's files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.statistics import (
    SEASON_GAP,
    intervals_within_night,
    night_gaps,
    season_lengths,
    visits_per_night,
)
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.periods.verdicts import Verdicts

__all__ = [
    "CADENCE_QUANTITIES",
    "HEADLINE",
    "STAR_QUANTITIES",
    "WITHOUT_PERIOD",
    "YEARS_WITHOUT",
    "Better",
    "Quantity",
    "cadence_values",
    "star_outcomes",
]

Better = Literal["higher", "lower", "neither"]

# A second visit within this many minutes makes a pair.
_PAIR_MINUTES: Final = 120.0
_SHORTEST_PAIR: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One number that runs are compared by.

    Parameters
    ----------
    name : str
        Its name in tables and files.
    caption : str
        What it is, in a few words.
    better : {"higher", "lower", "neither"}
        Which direction is better; a description of the cadence has none.
    unit : str
        Unit; "" for fractions and counts.
    """

    name: str
    caption: str
    better: Better
    unit: str = ""


#: The quantity that answers the question first.
HEADLINE: Final = "recovered"
#: Name of the quantity that sums up all years.
YEARS_WITHOUT: Final = "years_without_period"
WITHOUT_PERIOD: Final = Quantity(
    name=YEARS_WITHOUT,
    better="lower",
    unit="yr",
    caption="mean number of survey years during which a star has no period",
)

#: Yes or no for each star after each year; means over stars are fractions.
STAR_QUANTITIES: Final[tuple[Quantity, ...]] = (
    Quantity(
        name="recovered",
        better="higher",
        caption="fraction of stars whose period drifts by < 0.1 cycle over the survey so far",
    ),
    Quantity(
        name="strict", better="higher", caption="fraction with a drift < 0.037 cycle (Oluseyi et al. 2012)"
    ),
    Quantity(name="within_1pct", better="higher", caption="fraction with a period right to 1 per cent"),
    Quantity(name="top5", better="higher", caption="fraction with the true period among the five best"),
    Quantity(
        name="recovered_or_half",
        better="higher",
        caption="fraction recovered at the true, half or double period",
    ),
    Quantity(name="alias", better="lower", caption="fraction found at a daily or yearly alias"),
    Quantity(name="wrong", better="lower", caption="fraction with an unrelated period"),
    Quantity(name="no_detection", better="lower", caption="fraction without a significant period"),
)

#: What the visits to a position are like, after each year.
CADENCE_QUANTITIES: Final[tuple[Quantity, ...]] = (
    Quantity(name="visits", caption="visits so far", better="neither"),
    Quantity(name="nights", caption="nights with a visit so far", better="neither", unit="nights"),
    Quantity(
        name="median_gap",
        caption="median gap between visited nights of a season",
        better="neither",
        unit="nights",
    ),
    Quantity(
        name="pairs",
        caption="share of visited nights with a second visit 5 to 120 minutes later",
        better="neither",
    ),
    Quantity(name="seasons", caption="observing seasons so far", better="neither"),
    Quantity(name="season_length", caption="median length of a season", better="neither", unit="d"),
    Quantity(name="median_m5", caption="median five-sigma depth of a visit", better="neither", unit="mag"),
)


def star_outcomes(verdicts: Verdicts | None, n_stars: int) -> npt.NDArray[np.bool_]:
    """Turn verdicts into the yes and no of `STAR_QUANTITIES`.

    Parameters
    ----------
    verdicts : Verdicts or None
        Those of the stars; None where there were too few visits to search.
    n_stars : int
        Number of stars.

    Returns
    -------
    ndarray of bool, shape (n_stars, n_quantities)
        Without a search nothing is recovered and nothing detected.
    """
    outcome = np.zeros((n_stars, len(STAR_QUANTITIES)), dtype=np.bool_)
    for k, quantity in enumerate(STAR_QUANTITIES):
        if verdicts is None:
            outcome[:, k] = quantity.name == "no_detection"
        elif hasattr(verdicts, quantity.name):
            outcome[:, k] = getattr(verdicts, quantity.name)
        else:
            outcome[:, k] = verdicts.verdict == quantity.name.replace("_", " ")
    return outcome


def cadence_values(visits: Visits) -> npt.NDArray[np.float64]:
    """Describe the visits to a position in the numbers of `CADENCE_QUANTITIES`.

    Parameters
    ----------
    visits : Visits
        The visits so far.

    Returns
    -------
    ndarray of float64, shape (n_quantities,)
        NaN where a number has no meaning (a gap of a single night).
    """
    n = len(visits)
    if n == 0:
        nothing = np.full(len(CADENCE_QUANTITIES), np.nan)
        nothing[[0, 1, 4]] = 0.0
        return nothing
    nights = visits_per_night(visits).size
    gaps = night_gaps(visits, longest=SEASON_GAP)
    lengths = season_lengths(visits)
    return np.array(
        [
            n,
            nights,
            np.median(gaps) if gaps.size else np.nan,
            _paired_nights(visits) / nights,
            lengths.size,
            np.median(lengths),
            np.median(visits.m5),
        ]
    )


def _paired_nights(visits: Visits) -> int:
    same = np.flatnonzero(np.diff(visits.night) == 0)
    minutes = intervals_within_night(visits)
    pair = (minutes >= _SHORTEST_PAIR) & (minutes <= _PAIR_MINUTES)
    return int(np.unique(visits.night[same[pair]]).size)
