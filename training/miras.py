"""Mira shapes: smooth low-order series fitted to Hipparcos light curves.

OGLE lists period and amplitude of 8,543 Miras but no shape. Shapes are borrowed from Hipparcos (Hp)
Miras of similar period; rows made this way are `proxy-band`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.errors import InputError
from pelsvae_cadence.phase_curve import PhaseCurve
from pelsvae_cadence.randomness import KeyedRandom
from pelsvae_cadence.training.harmonics import fit_harmonics, from_complex, to_standard_shape

__all__ = ["MiraShapes", "borrow_mira_shapes", "fit_mira_shapes"]

FloatArray = npt.NDArray[np.float64]

#: Harmonics of a Mira shape; the fits are penalised, so that few points give a smooth curve.
N_MIRA = 6
_RIDGE = 0.4
_MIN_POINTS = 40


@dataclass(frozen=True, kw_only=True)
class MiraShapes:
    """Shapes of real Miras.

    Parameters
    ----------
    star : ndarray of str, shape (N,)
        Names.
    period : ndarray of float64, shape (N,)
        Periods [d].
    curve : PhaseCurve
        N standard shapes of `N_MIRA` harmonics.
    rejected : dict of str to int
        Stars not used, per reason.
    """

    star: npt.NDArray[np.str_]
    period: FloatArray
    curve: PhaseCurve
    rejected: dict[str, int]


def fit_mira_shapes(
    name: npt.NDArray[np.str_],
    period: npt.ArrayLike,
    light_curves: list[tuple[FloatArray, FloatArray, FloatArray]],
) -> MiraShapes:
    """Fit penalised Fourier series to Mira light curves.

    Parameters
    ----------
    name : ndarray of str, shape (N,)
        Names.
    period : array_like, shape (N,)
        Periods in days.
    light_curves : list of (time, mag, err)
        The light curves.

    Returns
    -------
    MiraShapes
        The stars whose curve has enough points, full phase coverage (largest gap below 0.2) and
        one clear wave (rms below 0.25 of the amplitude).
    """
    rejected = {"too few points": 0, "gap in phase": 0, "not one clear wave": 0}
    kept, shapes = [], []
    periods = np.asarray(period, dtype=np.float64)
    for i, (time, mag, _) in enumerate(light_curves):
        if time.size < _MIN_POINTS:
            rejected["too few points"] += 1
            continue
        phase = np.sort((time / periods[i]) % 1.0)
        if np.diff(phase, append=phase[0] + 1.0).max() > 0.2:
            rejected["gap in phase"] += 1
            continue
        # A Mira differs from cycle to cycle by tenths of a magnitude: equal weights.
        c, rms, _ = fit_harmonics(
            time, mag, np.full(time.size, 0.1), float(periods[i]), N_MIRA, ridge=_RIDGE
        )
        standard = from_complex(c)
        size = float(np.ptp(standard.evaluate(np.arange(256) / 256)))
        if not (0 < rms < 0.25 * size):
            rejected["not one clear wave"] += 1
            continue
        kept.append(i)
        shapes.append(to_standard_shape(standard, binary=False))
    if not kept:
        raise InputError("no Mira light curve could be fitted", remedy="Check the periods.")
    return MiraShapes(
        star=np.asarray(name)[kept],
        period=periods[kept],
        curve=PhaseCurve(
            cos=np.concatenate([s.cos for s in shapes]), sin=np.concatenate([s.sin for s in shapes])
        ),
        rejected=rejected,
    )


def borrow_mira_shapes(
    shapes: MiraShapes, log_period: npt.ArrayLike, star_id: npt.ArrayLike, *, seed: int
) -> tuple[PhaseCurve, npt.NDArray[np.int64]]:
    """Give each star the mix of two real shapes of similar period.

    Parameters
    ----------
    shapes : MiraShapes
        The real shapes.
    log_period : array_like, shape (N,)
        log10 of the periods in days.
    star_id : array_like of int, shape (N,)
        Addresses of the draws.
    seed : int
        Seed.

    Returns
    -------
    curve : PhaseCurve
        N standard shapes.
    source : ndarray of int64, shape (N, 2)
        Rows of `shapes` that were mixed.
    """
    random = KeyedRandom(seed=seed)
    x = np.asarray(log_period, dtype=np.float64)
    source = np.zeros((x.size, 2), dtype=np.int64)
    # Similar: weights fall as a Gaussian of 0.1 dex in period.
    distance = (x[:, None] - np.log10(shapes.period)[None, :]) / 0.1
    weight = np.exp(-0.5 * (distance**2 - (distance**2).min(axis=1, keepdims=True)))
    cumulative = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
    for j in (0, 1):
        draw = random.uniform(f"mira:shape-{j}", star_id)
        chosen = (cumulative < draw[:, None]).sum(axis=1)
        source[:, j] = np.minimum(chosen, shapes.period.size - 1)
    share = random.uniform("mira:share", star_id)[:, None]
    first, second = shapes.curve.take(source[:, 0]), shapes.curve.take(source[:, 1])
    mixed = PhaseCurve(
        cos=share * first.cos + (1 - share) * second.cos,
        sin=share * first.sin + (1 - share) * second.sin,
    )
    return to_standard_shape(mixed, binary=False), source
