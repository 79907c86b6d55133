"""Mira shapes: smooth low-order series fitted to Hipparcos and ASAS light curves.

OGLE lists period and amplitude of 8,543 Miras but no shape. Shapes are borrowed from Hipparcos (Hp)
and ASAS (V) Miras of similar period; rows made this way are `proxy-band`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.training.open_set.table import split_of
from pelsvae_cadence.training.shapes.donors import read_light_curves
from pelsvae_cadence.training.shapes.full_curves import LightCurve
from pelsvae_cadence.training.shapes.harmonics import fit_harmonics, from_complex, to_standard_shape

__all__ = ["MiraShapes", "asas_miras", "borrow_mira_shapes", "real_mira_shapes"]

#: Harmonics of a Mira shape; the fits are penalised, so that few points give a smooth curve.
N_MIRA = 6
_RIDGE = 0.4
_MIN_POINTS = 40
#: Largest share of the cycle within a tenth of the amplitude of minimum light: a longer one is the
#: limit of the survey or the light of a neighbour.
_MAX_FLAT: Final = 0.35
#: Periods [d] in which ASAS Miras are searched.
_PERIODS: Final = (80.0, 800.0)
#: Least share of the variance that the wave must take away.
_MIN_POWER: Final = 0.75
#: ASAS: V magnitudes between which a star is neither saturated nor lost at minimum, and points.
_ASAS_RANGE: Final = (8.0, 14.0)
_ASAS_POINTS: Final = 100


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


def _fit_mira_shapes(
    name: npt.NDArray[np.str_],
    period: npt.ArrayLike,
    light_curves: list[tuple[FloatArray, FloatArray, FloatArray]],
) -> MiraShapes:
    """Fit penalised Fourier series to Mira light curves."""
    rejected = {"too few points": 0, "gap in phase": 0, "not one clear wave": 0, "flat minimum": 0}
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
        c, rms, _ = fit_harmonics(time, mag, np.full(time.size, 0.1), float(periods[i]), N_MIRA, ridge=_RIDGE)
        standard = from_complex(c)
        size = float(np.ptp(standard.evaluate(np.arange(256) / 256)))
        if not (0 < rms < 0.25 * size):
            rejected["not one clear wave"] += 1
            continue
        standard = to_standard_shape(standard, binary=False)
        value = standard.evaluate(np.arange(256) / 256)
        if float((value.max() - value < 0.1).mean()) > _MAX_FLAT:
            rejected["flat minimum"] += 1
            continue
        kept.append(i)
        shapes.append(standard)
    if not kept:
        raise InputError("no Mira light curve could be fitted", remedy="Check the periods.")
    return MiraShapes(
        star=np.asarray(name)[kept],
        period=periods[kept],
        curve=PhaseCurve.concatenate(shapes),
        rejected=rejected,
    )


def _find_mira_period(time: npt.ArrayLike, mag: npt.ArrayLike) -> tuple[float, float]:
    """Find the period of a Mira."""
    from astropy.timeseries import LombScargle

    t, m = np.asarray(time, dtype=np.float64), np.asarray(mag, dtype=np.float64)
    span = float(np.ptp(t))
    frequency = np.arange(1.0 / _PERIODS[1], 1.0 / _PERIODS[0], 0.05 / span)
    # One harmonic to choose: two would fold a plain wave with twice its period as well.
    power = LombScargle(t, m, normalization="standard").power(frequency, method="fast")
    near = frequency[int(np.argmax(power))] + np.linspace(-0.5, 0.5, 41) / span
    near = near[near > 0]
    fine = LombScargle(t, m, nterms=2, normalization="standard").power(near, method="chi2")
    best = int(np.argmax(fine))
    return float(1.0 / near[best]), float(fine[best])


def asas_miras(folder: Path) -> tuple[npt.NDArray[np.str_], FloatArray, list[LightCurve], dict[str, int]]:
    """Read the ASAS Miras with a clear period.

    Parameters
    ----------
    folder : path
        The folder ``lightcurves``.

    Returns
    -------
    name : ndarray of str, shape (N,)
        Names.
    period : ndarray of float64, shape (N,)
        Periods [d] of `_find_mira_period`: the set lists none.
    light_curves : list of (time, mag, err)
        Their light curves in V.
    rejected : dict of str to int
        Stars not used, per reason: ASAS ends at V = 14 to 15, where a Mira's minimum is cut off.
    """
    stars, curves = read_light_curves(folder, "asas_mira_V")
    rejected = {"too few points": 0, "saturated or cut off": 0, "no clear period": 0}
    names, periods, light = [], [], []
    for name, (time, mag, err, *_) in zip(stars.id.astype(str), curves, strict=True):
        good = (err < 1.0) & (mag > 3.0) & (mag < 20.0)
        if int(good.sum()) < _ASAS_POINTS:
            rejected["too few points"] += 1
            continue
        bright, faint = np.percentile(mag[good], [3, 97])
        if bright < _ASAS_RANGE[0] or faint > _ASAS_RANGE[1]:
            rejected["saturated or cut off"] += 1
            continue
        period, power = _find_mira_period(time[good], mag[good])
        if power < _MIN_POWER:
            rejected["no clear period"] += 1
            continue
        names.append(f"ASAS-SET-{name}")
        periods.append(period)
        light.append((time[good], mag[good], err[good]))
    return np.array(names), np.array(periods), light, rejected


def real_mira_shapes(folder: Path) -> MiraShapes:
    """Fit the Hipparcos and ASAS Miras.

    Parameters
    ----------
    folder : path
        The folder ``lightcurves``.

    Returns
    -------
    MiraShapes
        The shapes of both sets; rejections are prefixed with the name of the set.
    """
    stars, curves = read_light_curves(folder, "hipparcos_ogle2")
    mine = np.flatnonzero((stars.subtype == "Mira").to_numpy())
    hipparcos = _fit_mira_shapes(
        np.array([f"HIP-SET-{s}" for s in stars.id.astype(str).to_numpy()[mine]]),
        stars.period.to_numpy()[mine],
        [(curves[i][0], curves[i][1], curves[i][2]) for i in mine],
    )
    name, period, light, unread = asas_miras(folder)
    asas = _fit_mira_shapes(name, period, light)
    return MiraShapes(
        star=np.concatenate([hipparcos.star, asas.star]),
        period=np.concatenate([hipparcos.period, asas.period]),
        curve=PhaseCurve.concatenate([hipparcos.curve, asas.curve]),
        rejected={
            **{f"Hipparcos: {reason}": n for reason, n in hipparcos.rejected.items()},
            **{f"ASAS: {reason}": n for reason, n in unread.items()},
            **{f"ASAS, fitted: {reason}": n for reason, n in asas.rejected.items()},
        },
    )


def borrow_mira_shapes(
    shapes: MiraShapes,
    log_period: npt.ArrayLike,
    star_id: npt.ArrayLike,
    *,
    split: npt.NDArray[np.str_],
    seed: int,
) -> tuple[PhaseCurve, npt.NDArray[np.int64]]:
    """Give each star a real shape of similar period, of a star in the same split.

    Parameters
    ----------
    shapes : MiraShapes
        The real shapes.
    log_period : array_like, shape (N,)
        log10 of the periods in days.
    star_id : array_like of int, shape (N,)
        Addresses of the draws.
    split : ndarray of str, shape (N,)
        Split of each star. A shape belongs to the split of its own star's name
        (`pelsvae_cadence.training.open_set.table.split_of`), so that no real light curve stands on both
        sides of a split.
    seed : int
        Seed.

    Returns
    -------
    curve : PhaseCurve
        N standard shapes.
    source : ndarray of int64, shape (N,)
        Rows of `shapes` that were used.

    Raises
    ------
    InputError
        If a split has no real shape.
    """
    x = np.asarray(log_period, dtype=np.float64)
    own = split_of(shapes.star)
    draw = KeyedRandom(seed=seed).uniform("mira:shape", star_id)
    source = np.zeros(x.size, dtype=np.int64)
    for name in np.unique(split):
        rows, pool = np.flatnonzero(split == name), np.flatnonzero(own == name)
        if pool.size == 0:
            raise InputError(f"no real Mira is in the {name} split")
        # Similar: weights fall as a Gaussian of 0.05 dex in period.
        distance = (x[rows, None] - np.log10(shapes.period[pool])[None, :]) / 0.05
        weight = np.exp(-0.5 * (distance**2 - (distance**2).min(axis=1, keepdims=True)))
        cumulative = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
        chosen = (cumulative < draw[rows, None]).sum(axis=1)
        source[rows] = pool[np.minimum(chosen, pool.size - 1)]
    return shapes.curve.take(source), source
