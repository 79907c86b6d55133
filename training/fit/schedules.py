"""Learning-rate schedules by name, as functions of what happened: they have no state to save."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

__all__ = ["SCHEDULES", "rate_factor"]

#: Names of the schedules. The paper tries the first four (Martinez-Palomera, Bloom & Abrahams
#: 2020, arXiv:2005.07773, Table 2); its published networks use the cosine.
SCHEDULES: Final = ("none", "exponential", "cosine", "plateau", "warmup-cosine")

_END: Final = 0.01  # of the peak rate, where a schedule ends
_RISE: Final = 0.1  # share of the steps in which the rate rises
_PLATEAU_FACTOR: Final = 0.5
_PLATEAU_PATIENCE: Final = 3  # validations


def rate_factor(schedule: str, step: int, steps: int, scores: Sequence[float] = ()) -> float:
    """Give the learning rate of a step in units of the peak rate.

    Parameters
    ----------
    schedule : str
        One of `SCHEDULES`: ``"none"``; ``"exponential"``, falling to a hundredth; ``"cosine"``,
        half a cosine to a hundredth; ``"warmup-cosine"``, the same after a linear rise over a
        tenth of the steps; ``"plateau"``, halved whenever three validations in a row bring no
        progress.
    step : int
        Step from 0.
    steps : int
        Number of steps.
    scores : sequence of float
        Scores of the validations so far, for the plateau; lower is better.

    Returns
    -------
    float
        Factor, 1 at the peak.
    """
    if schedule == "none":
        return 1.0
    if schedule == "plateau":
        return _plateau_factor(scores)
    if schedule == "exponential":
        return float(_END ** (step / max(1, steps)))
    rise = max(1, int(_RISE * steps)) if schedule == "warmup-cosine" else 0
    if step < rise:
        return (step + 1) / rise
    fall = (step - rise) / max(1, steps - rise)
    return _END + (1.0 - _END) * 0.5 * (1.0 + math.cos(math.pi * fall))


def _plateau_factor(scores: Sequence[float]) -> float:
    factor, best, stale = 1.0, math.inf, 0
    for score in scores:
        if score < best:
            best, stale = score, 0
            continue
        stale += 1
        if stale == _PLATEAU_PATIENCE:
            factor, stale = factor * _PLATEAU_FACTOR, 0
    return factor
