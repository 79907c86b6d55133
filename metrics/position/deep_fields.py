"""Deep fields: tens of thousands of visits to a position, searched at a bounded cost.

A deep field is observed in long runs of one band, a visit every half minute. Added up over some
minutes they are what the survey's own nightly stacks are: one point of greater depth. Nothing that
varies in more than an hour is lost, and the search is a hundred times cheaper.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.position.visits import band_codes

__all__ = ["FIELDS", "Fields", "fields_constraint", "stack_visits"]

FloatArray = npt.NDArray[np.float64]
Fields = Literal["all", "wide", "deep"]

#: What a survey's visits can be split into by their scheduler notes.
FIELDS: Final[tuple[Fields, ...]] = ("all", "wide", "deep")
# "DD" or "DD:COSMOS" in recent simulations, "dd" in some older ones: LIKE ignores the case.
_DEEP_NOTE: Final = "DD%"
_MINUTES_A_DAY: Final = 1440.0


def fields_constraint(fields: Fields, column: str = "scheduler_note") -> str:
    """Write the SQL condition that splits wide survey and deep drilling fields."""
    if fields not in FIELDS:
        raise InputError(f"fields = {fields!r}", allowed=", ".join(FIELDS))
    if fields == "all":
        return ""
    negation = "not " if fields == "wide" else ""
    return f"{column} {negation}like '{_DEEP_NOTE}'"


def stack_visits(visits: Visits, minutes: float) -> Visits:
    r"""Add up visits of one night and band that follow each other.

    A stack begins with a visit and takes all later ones of the same night and band whose middle is
    at most `minutes` later. Its depth is

    .. math:: m_5 = 1.25 \log_{10} \sum_i 10^{0.8\, m_{5,i}} ,

    the depth of the sum with weights of inverse variance where the sky limits the photometry. Its
    time is the weighted mean, which smears what varies faster than the stack lasts.

    Parameters
    ----------
    visits : Visits
        The visits.
    minutes : float
        Longest stack, from the middle of its first visit to that of its last.

    Returns
    -------
    Visits
        One row a stack, with the number of its first visit, the mean exposure time of a visit
        (which decides about saturation), and the mean of everything else.

    Raises
    ------
    InputError
        If `minutes` is not above zero.
    """
    if not (np.isfinite(minutes) and minutes > 0):
        raise InputError(f"minutes = {minutes!r}", allowed="> 0 min")
    n = len(visits)
    if n == 0:
        return visits
    codes = band_codes(visits.band)
    order = np.lexsort((visits.mjd, codes, visits.night))
    night, code, mjd = visits.night[order], codes[order], visits.mjd[order]
    new = np.concatenate([[True], (np.diff(night) != 0) | (np.diff(code) != 0)])
    longest = minutes / _MINUTES_A_DAY
    begun = mjd[0]
    for i in range(1, n):
        if new[i] or mjd[i] - begun > longest:
            new[i], begun = True, mjd[i]
    group = np.cumsum(new) - 1
    weight = 10.0 ** (0.8 * visits.m5[order])
    total = np.bincount(group, weights=weight)
    count = np.bincount(group)

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(group, weights=values[order]) / count)

    # Relative to the first visit, so that no digits of the time are lost.
    first = order[new]
    zero = visits.mjd[first]
    shift = np.bincount(group, weights=weight * (mjd - zero[group])) / total
    return Visits(
        mjd=zero + shift,
        band=visits.band[first],
        m5=1.25 * np.log10(total),
        night=visits.night[first],
        visit_id=visits.visit_id[first],
        exptime=mean(visits.exptime),
        seeing=None if visits.seeing is None else mean(visits.seeing),
        airmass=None if visits.airmass is None else mean(visits.airmass),
    )
