"""Memorisation: distance of drawn stars from the training stars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.training.evaluate.errors import bootstrap_error
from pelsvae_cadence.training.evaluate.measures.samples import Drawn
from pelsvae_cadence.training.open_set.table import OpenSet

__all__ = ["Memory", "nearest_distance", "training_distance"]

_GRID: Final = np.arange(256) / 256


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Distance from the nearest training star.

    Parameters
    ----------
    drawn, held_out : float
        Median over drawn stars and over real ones that were not trained on, in amplitudes.
    ratio : float
        drawn / held_out: near 0 for a machine that copies, above 1 for one that strays.
    error : float
        Standard error of the ratio, from resampled stars.
    nearest_tenth : float
        The same ratio for the nearest tenth (its limit) in place of the median: near 0 where some
        of the drawn stars are copies.
    """

    drawn: float
    held_out: float
    ratio: float
    error: float
    nearest_tenth: float


def nearest_distance(curve: PhaseCurve, train: PhaseCurve) -> FloatArray:
    """Measure how far each shape is from the nearest one of a set.

    Parameters
    ----------
    curve : PhaseCurve
        N shapes.
    train : PhaseCurve
        The set.

    Returns
    -------
    ndarray of float64, shape (N,)
        Smallest RMS difference over a cycle.
    """
    own, other = curve.evaluate(_GRID), train.evaluate(_GRID)
    square = np.sum(own**2, axis=1)[:, None] + np.sum(other**2, axis=1) - 2.0 * own @ other.T
    return np.asarray(np.sqrt(np.maximum(square.min(axis=1), 0.0) / _GRID.size))


def training_distance(train: OpenSet, rows: OpenSet, draws: Sequence[Drawn]) -> Memory:
    """Compare drawn and held-out stars of one class in their distance from training stars."""
    real = nearest_distance(rows.curve, train.curve)
    drawn = np.stack([nearest_distance(d.curve, train.curve) for d in draws])
    error = bootstrap_error(lambda i: float(np.median(drawn[:, i]) / np.median(real[i])), len(real), seed=0)
    a, b = float(np.median(drawn)), float(np.median(real))
    tenth = float(np.quantile(drawn, 0.1) / np.quantile(real, 0.1))
    return Memory(drawn=a, held_out=b, ratio=a / b, error=error, nearest_tenth=tenth)
