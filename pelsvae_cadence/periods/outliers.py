"""Comparing frequencies where outliers would decide: a Fourier fit with heavy-tailed noise.

The residuals of bright real stars are not noise: nights with a bad calibration, modulation, blends.
With Gaussian noise a handful of them can prefer an alias that happens to bend around them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.periods.series import JointSeries

__all__ = ["MISFIT", "heavy_tailed_scores"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Reduced chi-squared of the best Fourier model above which the residuals are not all noise.
MISFIT: Final = 1.5
_FREEDOM: Final = 4.0
_ITERATIONS: Final = 6
_RIDGE: Final = 1e-9


def heavy_tailed_scores(series: JointSeries, frequency: FloatArray, order: IntArray) -> FloatArray | None:
    r"""Score frequencies with residuals that follow Student's t distribution.

    The Fourier series shared by all bands is fitted by iterative reweighting (Lange, Little &
    Taylor 1989, J. Am. Stat. Assoc. 84, 881, section 3), with four degrees of freedom and a free
    scale s that is never below the quoted errors. With r the residuals in units of the errors, m
    the moments of observation and n the points, the score is

    .. math:: -\frac{m}{n}\sum_i 5 \ln\left(1 + \frac{r_i^2}{4 s^2}\right) - m \ln s^2
              - 2 H \ln n .

    Parameters
    ----------
    series : JointSeries
        The star.
    frequency : ndarray of float64, shape (n_f,)
        Frequencies in 1/d, the one with the best Gaussian score first.
    order : ndarray of int64, shape (n_f,)
        Their numbers of harmonics H.

    Returns
    -------
    ndarray of float64, shape (n_f,), or None
        The scores; None where the reduced chi-squared of the first frequency is below `MISFIT`.
        Noise then explains the residuals, and the Gaussian score uses it better.
    """
    n, moments = series.time.size, series.n_moments
    time = series.time - 0.5 * (series.time.min() + series.time.max())
    root = 1.0 / series.error
    member = np.zeros((n, series.n_bands))
    member[np.arange(n), series.band] = root
    target = root * series.value
    scores = np.empty(frequency.size)
    for i, (trial, harmonics) in enumerate(zip(frequency.tolist(), order.tolist(), strict=True)):
        angle = 2.0 * np.pi * np.outer(np.arange(1, harmonics + 1) * trial, time)
        design = np.vstack([member.T, root * np.cos(angle), root * np.sin(angle)])
        weight = np.ones(n)
        for step in range(_ITERATIONS):
            weighted = design * weight
            normal = weighted @ design.T
            normal[np.diag_indices_from(normal)] += _RIDGE * np.trace(normal)
            squares = (target - np.linalg.solve(normal, weighted @ target) @ design) ** 2
            if i == 0 and step == 0 and squares.mean() < MISFIT:
                return None
            scale = max(1.0, float((weight * squares).mean()))
            weight = (_FREEDOM + 1.0) / (_FREEDOM + squares / scale)
        tails = np.log1p(squares / (_FREEDOM * scale)).sum()
        scores[i] = (
            -(_FREEDOM + 1.0) * tails * moments / n - moments * np.log(scale) - 2.0 * harmonics * np.log(n)
        )
    return scores
