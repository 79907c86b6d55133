"""Shares of stars, their paired differences, and the reliability of stated probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.stats import binom

from pelsvae_cadence.core.arrays import BoolArray, FloatArray
from pelsvae_cadence.core.bootstrap import percentile_interval, resampling_weights
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.validate.report import Figure, share_error

__all__ = ["BINS", "Paired", "calibration_error", "calibration_figures", "paired", "reliability_figure"]

#: Stated probabilities whose right shares are judged.
BINS: Final = ((0.8, 0.9), (0.9, 0.99), (0.99, 1.0))
_RESAMPLES: Final = 2000
# Two-sided intervals of 95.4 per cent: two standard errors of a Gaussian.
_TAIL: Final = 0.0228
_N_EVEN: Final = 10


@dataclass(frozen=True, kw_only=True)
class Paired:
    """The difference of two shares on the same stars.

    Parameters
    ----------
    difference : float
        Share of the first less that of the second.
    low, high : float
        Its interval of 95.4 per cent over resampled stars.
    error : float
        Its standard error.
    """

    difference: float
    low: float
    high: float
    error: float

    def __str__(self) -> str:
        return f"{self.difference:+.3f} ({self.low:+.3f} .. {self.high:+.3f})"


def paired(first: BoolArray, second: BoolArray, *, seed: int = 0) -> Paired:
    """Compare two methods on the same stars, with a bootstrap over stars."""
    gain = first.astype(np.float64) - second.astype(np.float64)
    weights = resampling_weights(KeyedRandom(seed=seed).generator("paired shares", 0), gain.size, _RESAMPLES)
    drawn = (weights @ gain) / gain.size
    low, high = percentile_interval(drawn[:, None], _TAIL)
    return Paired(
        difference=float(gain.mean()), low=float(low[0]), high=float(high[0]), error=float(drawn.std())
    )


def reliability_figure(
    name: str, stated: FloatArray, right: BoolArray, low: float, high: float, nearly: BoolArray | None = None
) -> Figure | None:
    """Compare the right share of stars with what was stated of them; None where there are none.

    The number of right stars must lie in the central 95.4 per cent of a binomial distribution with the mean
    of what was stated. The share of those that are `nearly` right stands in the note.
    """
    here = (stated >= low) & ((stated < high) | (high >= 1.0))
    n = int(here.sum())
    if not n:
        return None
    mean, share = min(1.0, float(stated[here].mean())), float(right[here].mean())
    least, most = (float(binom.ppf(q, n, mean)) / n for q in (_TAIL, 1.0 - _TAIL))
    # Rounded outwards: a share that is its bound is inside.
    least, most = np.floor(1e4 * least) / 1e4, np.ceil(1e4 * most) / 1e4
    note = f"n = {n}, +-{share_error(share, n):.3f}; stated {mean:.3f}"
    note += "" if nearly is None else f"; within 1 % {nearly[here].mean():.3f}"
    words = f">= {low:g}" if high >= 1.0 else f"{low:g}-{high:g}"
    return Figure.within(
        f"{name}: right share of those stated {words}", share, float(least), float(most), note=note
    )


def calibration_error(stated: FloatArray, right: BoolArray) -> float:
    """Give the expected calibration error: mean gap of ten even bins, weighted by their stars.

    References
    ----------
    Naeini, Cooper & Hauskrecht 2015, AAAI 29, 2901.
    """
    which = np.minimum((stated * _N_EVEN).astype(np.int64), _N_EVEN - 1)
    gap = np.bincount(which, weights=right - stated, minlength=_N_EVEN)
    return float(np.abs(gap).sum() / stated.size)


def calibration_figures(
    by_set: Mapping[str, tuple[FloatArray, BoolArray, BoolArray]],
    largest_error: float = 0.03,
    *,
    judged: bool = True,
) -> list[Figure]:
    """Judge what was stated in each set and in all of them together.

    Parameters
    ----------
    by_set : mapping of str to (ndarray, ndarray, ndarray)
        What was stated of the stars of each set, which were right, and which were nearly, to one per cent:
        that stands in the notes.
    largest_error : float
        The largest expected calibration error of all sets together.
    judged : bool
        Whether the figures have targets; otherwise they inform, and speak of "sets beside".

    Returns
    -------
    list of Figure
        Right shares in `BINS`, set by set and overall, and the expected calibration error.
    """
    stated, right, nearly = (np.concatenate([of[k] for of in by_set.values()]) for k in range(3))
    right, nearly = right.astype(np.bool_), nearly.astype(np.bool_)
    together = "all sets" if judged else "sets beside"
    figures = []
    for name, (p, exact, close) in (*by_set.items(), (together, (stated, right, nearly))):
        made = [
            reliability_figure(f"calibration, {name}", p, exact, low, high, nearly=close)
            for low, high in BINS
        ]
        figures += [figure for figure in made if figure is not None]
    figures.append(
        Figure.within(
            f"calibration, {together}: expected calibration error",
            calibration_error(stated, right),
            high=largest_error,
            note=f"n = {stated.size}; ten even bins; within 1 % {calibration_error(stated, nearly):.3f}",
        )
    )
    if judged:
        return figures
    return [
        replace(figure, target="", passed=None, note=f"{figure.note}; as stated: {figure.target}")
        for figure in figures
    ]
