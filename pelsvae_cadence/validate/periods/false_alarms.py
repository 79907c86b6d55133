"""False alarms of the period search: constant stars, and variable ones whose period is destroyed."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.times import time_span
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods.search import search
from pelsvae_cadence.validate.periods.control import CONTROL_CLASSES, control_sample, control_visits
from pelsvae_cadence.validate.report import Figure

__all__ = ["false_alarm_figures", "first_visits", "without_period"]

_VARIABLE: Final = tuple(kind for kind in CONTROL_CLASSES if kind != "constant")
_LEVELS: Final = (0.01, 0.1)
_VISITS: Final = (22, 71, 800)  # five weeks, a year and ten years of a survey
_STARS: Final = 50  # at a position


def without_period(light_curves: LightCurves, *, seed: int) -> LightCurves:
    """Permute the points of every star within each band, so that it varies without a period.

    Scatter, errors and visits stay as they were.

    Parameters
    ----------
    light_curves : LightCurves
        Any light curves.
    seed : int
        Seed of the permutations, 0 or more; that of a star depends on the seed and its number only.

    Returns
    -------
    LightCurves
        The same times and bands with fluxes, errors and flags in another order.
    """
    random = KeyedRandom(seed=seed)
    order = np.arange(light_curves.mjd.size)
    for i, star_id in enumerate(light_curves.star_id.tolist()):
        rows = light_curves.rows(i)
        rng = random.generator("permuted fluxes", star_id)
        for band in np.unique(light_curves.band[rows]).tolist():
            mine = rows.start + np.flatnonzero(light_curves.band[rows] == band)
            order[mine] = rng.permutation(mine)
    names = ("mag_true", "mag", "mag_err", "flux", "flux_err", "detected", "saturated")
    return replace(light_curves, **{name: getattr(light_curves, name)[order] for name in names})


def first_visits(seed: int, n_visits: int) -> tuple[Visits, float]:
    """Give the first visits of a control cadence, and the days they span."""
    visits = control_visits(seed)
    visits = visits.take(np.arange(min(n_visits, len(visits))))
    return visits, time_span(visits.mjd)


def _alarms(kinds: tuple[str, ...], n_visits: int, n_stars: int, seed: int) -> npt.NDArray[np.float64]:
    alarms = []
    for position in range(-(-n_stars // _STARS)):
        visits, span = first_visits(seed + position, n_visits)
        sample = control_sample(visits, [kinds[j % len(kinds)] for j in range(_STARS)], seed=seed + position)
        curves = without_period(sample.light_curves, seed=seed + position)
        result = search(curves, baseline=span, refine_peaks=False)
        alarms.append(result.false_alarm_probability)
    return np.concatenate(alarms)


def false_alarm_figures(seed: int, n_stars: int) -> tuple[Figure, ...]:
    """Count the stars without a period that get a small false-alarm probability.

    Parameters
    ----------
    seed : int
        Seed of cadences, sources, noise and permutations.
    n_stars : int
        Stars of each kind and span.

    Returns
    -------
    tuple of Figure
        Shares of constant stars and of permuted variable ones below 0.01 and 0.1, at 22, 71 and
        800 visits. The probability is an upper bound; the limits add three sigma.
    """
    figures = []
    for n_visits in _VISITS:
        for kinds, what in ((("constant",), "constant stars"), (_VARIABLE, "permuted variable stars")):
            alarm = _alarms(kinds, n_visits, n_stars, 1000 * seed)
            for level in _LEVELS:
                highest = round(level + 3.0 * float(np.sqrt(level / alarm.size)), 3)
                figures.append(
                    Figure.within(
                        f"{n_visits} visits: {what} below a false-alarm probability of {level:g}",
                        float(np.mean(alarm < level)),
                        0.0,
                        highest,
                        note=f"n = {alarm.size}; an upper bound, the limit adds three sigma",
                    )
                )
    return tuple(figures)
