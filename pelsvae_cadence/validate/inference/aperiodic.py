"""Stars without a period: how often a period is claimed, at few and at many visits."""

from __future__ import annotations

from typing import Final

import numpy as np

from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.validate.inference.answers import Method, Question
from pelsvae_cadence.validate.periods.control import CONTROL_CLASSES, control_sample
from pelsvae_cadence.validate.periods.false_alarms import without_period
from pelsvae_cadence.validate.report import Figure, share_error

__all__ = ["YEARS", "aperiodic_figures", "aperiodic_stars"]

_POSITION: Final = (35.6, -4.8)
#: Years of the synthetic survey there: 22, 71 and 870 visits.
YEARS: Final = (0.1, 1.0, 10.0)
_BLIND: Final = (0.03, 1000.0)
_R_RANGE: Final = (17.0, 22.0)
_VARIABLE: Final = tuple(kind for kind in CONTROL_CLASSES if kind != "constant")
_LEVEL: Final = 0.01
_MOST_ALARMS: Final = 0.015
_SURE: Final = 0.9
_MOST_SURE: Final = 0.02


def aperiodic_stars(visits: Visits, kind: str, n: int, *, seed: int = 0) -> LightCurves:
    """Observe n stars without a period: "permuted" variable stars of all kinds, or "constant" ones."""
    if kind == "constant":
        return control_sample(visits, ["constant"] * n, seed=seed, r_range=_R_RANGE).light_curves
    return without_period(_variable_stars(visits, n, seed), seed=seed)


def _variable_stars(visits: Visits, n: int, seed: int) -> LightCurves:
    kinds = [_VARIABLE[k % len(_VARIABLE)] for k in range(n)]
    return control_sample(visits, kinds, seed=seed, r_range=_R_RANGE).light_curves


def aperiodic_figures(
    years: float, n: int, n_read: int, ours: Method, theirs: Method, *, seed: int = 0
) -> list[Figure]:
    """Measure how often stars without a period are given one.

    Parameters
    ----------
    years : float
        First years of the survey, out of `YEARS`.
    n : int
        Stars that are searched, permuted and constant.
    n_read : int
        Stars of these that the method that is judged reads.
    ours, theirs : callable
        The method that is judged, and the search, whose false-alarm probabilities are judged.
    seed : int
        Seed of stars, noise and permutations.

    Returns
    -------
    list of Figure
        Shares with a false-alarm probability of at most .01, and with a period stated to be right with
        .9 or more, beside what is allowed; and the share of the same variable stars, with their periods,
        that the same level detects.
    """
    survey = SyntheticSurvey(preset="lsst-v3", seed=1).at(*_POSITION)
    visits = survey.take(np.flatnonzero(survey.mjd - survey.mjd[0] < years * JULIAN_YEAR))
    blind = Question(period_range=_BLIND)
    figures = []
    for kind in ("permuted", "constant"):
        stars = aperiodic_stars(visits, kind, n, seed=seed + 40)
        alarm = theirs(stars, blind).false_alarm
        sure = ours(stars.take(np.arange(min(n_read, n))), blind).probability >= _SURE
        name = f"{kind} stars, {len(visits)} visits"
        for words, hits, most in (
            (f"false-alarm probability <= {_LEVEL:g}", alarm <= _LEVEL, _MOST_ALARMS),
            (f"period with probability >= {_SURE:g}", sure, _MOST_SURE),
        ):
            share = float(hits.mean())
            note = f"n = {hits.size}, +-{share_error(share, hits.size):.3f}"
            figures.append(Figure.within(f"{name}: {words}", share, high=most, note=note))
    seen = theirs(_variable_stars(visits, n_read, seed + 40), blind).false_alarm <= _LEVEL
    name = f"the same variable stars, not permuted, {len(visits)} visits"
    figures.append(Figure.share(f"{name}: false-alarm probability <= {_LEVEL:g}", seen))
    return figures
