"""Measures of eclipses: depth, width and flatness of drawn and real binaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import ks_2samp

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.phase_curve import PhaseCurve

__all__ = ["QUANTITIES", "EclipseComparison", "compare_eclipses"]

_GRID: Final = 1024
#: What is measured: depth of the primary minimum [mag], its full width at half depth [cycles],
#: depth of the secondary over that of the primary, and width at 95 % over width at 50 % of the
#: depth (a V has 0.1, a flat bottom approaches 1).
QUANTITIES: Final = ("depth", "width", "depth ratio", "flatness")


@dataclass(frozen=True, kw_only=True)
class EclipseComparison:
    """One quantity of real and drawn binaries.

    Parameters
    ----------
    real, drawn : ndarray of float64, shape (3,)
        16th, 50th and 84th percentile.
    distance : float
        Kolmogorov-Smirnov distance, mean over the draws.
    control : float
        The same between two samples of real stars.
    chance : float
        Distance that samples of one distribution exceed in one case out of twenty.
    """

    real: FloatArray
    drawn: FloatArray
    distance: float
    control: float
    chance: float


def _width(depth: FloatArray, level: float) -> FloatArray:
    """Width of the minimum at phase zero at a fraction of its depth, in cycles."""
    below = depth < level * depth[:, :1]
    right = np.argmax(below, axis=1)
    left = np.argmax(below[:, ::-1], axis=1) + 1
    return np.asarray((right + left - 1) / _GRID)


def _measure_shapes(curve: PhaseCurve, amplitude: npt.ArrayLike) -> dict[str, FloatArray]:
    """Measure binaries with the primary minimum at phase zero."""
    value = curve.evaluate(np.arange(_GRID) / _GRID)
    depth = value - value.min(axis=1, keepdims=True)
    # An eccentric orbit moves the secondary minimum; it stays clear of the primary.
    secondary = depth[:, _GRID // 5 : _GRID - _GRID // 5].max(axis=1)
    half = _width(depth, 0.5)
    return {
        "depth": np.asarray(amplitude, dtype=np.float64) * depth[:, 0],
        "width": half,
        "depth ratio": secondary / depth[:, 0],
        "flatness": _width(depth, 0.95) / half,
    }


def compare_eclipses(
    real: tuple[PhaseCurve, FloatArray],
    other: tuple[PhaseCurve, FloatArray],
    draws: Sequence[tuple[PhaseCurve, FloatArray]],
) -> dict[str, EclipseComparison]:
    """Compare the distributions of real and drawn binaries."""
    own, control = _measure_shapes(*real), _measure_shapes(*other)
    drawn = [_measure_shapes(*d) for d in draws]
    found = {}
    for name in QUANTITIES:
        n, m = len(own[name]), len(drawn[0][name])
        found[name] = EclipseComparison(
            real=np.percentile(own[name], [16, 50, 84]),
            drawn=np.percentile(np.concatenate([d[name] for d in drawn]), [16, 50, 84]),
            distance=float(np.mean([ks_2samp(own[name], d[name]).statistic for d in drawn])),
            control=float(ks_2samp(own[name], control[name]).statistic),
            chance=1.36 * float(np.sqrt((n + m) / (n * m))),
        )
    return found
