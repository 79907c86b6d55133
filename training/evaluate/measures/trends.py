"""Trends of shapes with physical parameters, drawn beside real stars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.evaluate.errors import bootstrap_error
from pelsvae_cadence.training.evaluate.measures.samples import draw_like
from pelsvae_cadence.training.open_set.table import OpenSet

__all__ = ["Trend", "hertzsprung_progression", "rise_fraction", "rr_lyrae_trends", "skewness"]

_GRID: Final = np.arange(512) / 512
_DRAWS: Final = 20  # at the parameters of each real star


def rise_fraction(curve: PhaseCurve) -> FloatArray:
    """Measure the fraction of the cycle from minimum to maximum light.

    Parameters
    ----------
    curve : PhaseCurve
        N shapes.

    Returns
    -------
    ndarray of float64, shape (N,)
        Fractions from 0 to 1.
    """
    value = curve.evaluate(_GRID)
    return np.asarray((value.argmin(axis=1) - value.argmax(axis=1)) / _GRID.size % 1.0)


def skewness(curve: PhaseCurve) -> FloatArray:
    """Measure the skewness of the magnitudes over a cycle.

    Parameters
    ----------
    curve : PhaseCurve
        N shapes.

    Returns
    -------
    ndarray of float64, shape (N,)
        Third central moment over the 3/2 power of the second; negative for a star that is faint
        most of the time.
    """
    value = curve.evaluate(_GRID)
    centred = value - value.mean(axis=1, keepdims=True)
    return np.asarray(np.mean(centred**3, axis=1) / np.mean(centred**2, axis=1) ** 1.5)


def _phase_difference(curve: PhaseCurve) -> FloatArray:
    """Measure the Fourier phase difference phi_21 = phi_2 - 2 phi_1 of the cosine series."""
    term = curve.cos - 1j * curve.sin
    return np.asarray(np.angle(term[:, 1] * np.conj(term[:, 0]) ** 2))


def _circular_difference(first: FloatArray, second: FloatArray) -> FloatArray:
    """Subtract angles."""
    return np.asarray(np.angle(np.exp(1j * (first - second))))


@dataclass(frozen=True, kw_only=True)
class Trend:
    """A quantity in bins of a parameter, real and drawn.

    Parameters
    ----------
    centre : ndarray of float64, shape (n_bins,)
        Median parameter of each bin.
    real, drawn : ndarray of float64, shape (n_bins,)
        Mean of the quantity.
    rms : float
        RMS difference of the two over the bins.
    error : float
        Its standard error, from resampled real stars.
    noise : float
        RMS that a perfect model would show with so few real stars, from the scatter in the bins.
    n : int
        Real stars.
    """

    centre: FloatArray
    real: FloatArray
    drawn: FloatArray
    rms: float
    error: float
    noise: float
    n: int


def _compare_trends(
    parameter: FloatArray,
    real: FloatArray,
    draws: Sequence[FloatArray],
    *,
    n_bins: int = 8,
    angle: bool = False,
    seed: int = 0,
) -> Trend:
    """Compare a quantity of real stars with that of stars drawn at their parameters."""
    order = np.argsort(parameter, kind="stable")
    bins = np.empty(len(order), dtype=np.int64)
    bins[order] = np.arange(len(order)) * n_bins // len(order)
    mean: Callable[[FloatArray], float] = _mean_angle if angle else _mean
    subtract = _circular_difference if angle else np.subtract
    drawn = np.stack(draws)  # (n_draws, N)

    def both(rows: npt.NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        groups = [rows[bins[rows] == b] for b in range(n_bins)]
        return (
            np.array([mean(real[g]) for g in groups]),
            np.array([mean(drawn[:, g].ravel()) for g in groups]),
        )

    def rms(rows: npt.NDArray[np.int64]) -> float:
        a, b = both(rows)
        return float(np.sqrt(np.mean(subtract(a, b) ** 2)))

    everyone = np.arange(len(real))
    values = both(everyone)
    centre = np.array([np.median(parameter[bins == b]) for b in range(n_bins)])
    # What is left of a star once the mean of its own draws is taken off: its scatter.
    left = subtract(real, np.array([mean(drawn[:, i]) for i in everyone]))
    variance = [np.var(left[bins == b]) / (bins == b).sum() for b in range(n_bins)]
    return Trend(
        centre=centre,
        real=values[0],
        drawn=values[1],
        rms=rms(everyone),
        error=bootstrap_error(rms, len(real), seed=seed, repeats=100),
        noise=float(np.sqrt(np.mean(variance))),
        n=len(real),
    )


def _mean(values: FloatArray) -> float:
    return float(np.mean(values))


def _mean_angle(values: FloatArray) -> float:
    return float(np.angle(np.mean(np.exp(1j * values))))


def rr_lyrae_trends(model: LightCurveModel, rows: OpenSet, *, seed: int = 0) -> dict[str, Trend]:
    """Compare the run of RR Lyrae shapes with temperature (Figure 8 of the paper).

    Parameters
    ----------
    model : LightCurveModel
        The model.
    rows : OpenSet
        Real RR Lyrae stars on which the model was not trained.
    seed : int
        Seed of the first draw.

    Returns
    -------
    dict of str to Trend
        ``"rise time"`` in cycles and ``"skewness"``.
    """
    drawn = [
        draw_like(model, rows, ("period", "teff", "abs_mag_g"), seed=seed + i).curve for i in range(_DRAWS)
    ]
    measures: dict[str, Callable[..., FloatArray]] = {"rise time": rise_fraction, "skewness": skewness}
    return {
        name: _compare_trends(rows.teff, f(rows.curve), [f(c) for c in drawn], seed=seed)
        for name, f in measures.items()
    }


def hertzsprung_progression(model: LightCurveModel, rows: OpenSet, *, seed: int = 0) -> Trend:
    """Compare phi_21 of fundamental-mode Cepheids against log P.

    Parameters
    ----------
    model : LightCurveModel
        The model.
    rows : OpenSet
        Real Cepheids on which the model was not trained; overtones are left out.
    seed : int
        Seed of the first draw.

    Returns
    -------
    Trend
        In radians, in bins of log P.
    """
    stars = rows.take(rows.subtype == "F")
    drawn = [draw_like(model, stars, ("period",), seed=seed + i).curve for i in range(_DRAWS)]
    return _compare_trends(
        np.log10(stars.period),
        _phase_difference(stars.curve),
        [_phase_difference(c) for c in drawn],
        n_bins=10,
        angle=True,
        seed=seed,
    )
