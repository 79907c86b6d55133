"""The real OGLE-II eclipsing binaries, measured side by side with the simulated ones.

Plain Fourier fits, the same for both: the yardstick of the simulated binaries. The rows of the
training set are fitted otherwise (`pelsvae_cadence.training.binaries.observed`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray, StructOfArrays
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.training.shapes.donors import read_light_curves
from pelsvae_cadence.training.shapes.harmonics import fit_harmonics, from_complex, to_standard_shape

__all__ = ["EclipseMeasures", "measure_real_binaries", "observe_like"]

LightCurve = tuple[FloatArray, FloatArray, FloatArray]
_HARMONICS: Final = 24
_RIDGE: Final = 1e-5
_GRID: Final = 512
#: Names of the sub-types in the file -> GCVS type.
_GCVS_TYPES: Final = {"Algol (Beta Persei)": "EA", "Beta Lyrae": "EB", "W Ursae Majoris": "EW"}
_MAX_RMS: Final = 0.15  # of the amplitude


@dataclass(frozen=True, kw_only=True)
class EclipseMeasures(StructOfArrays):
    """What can be measured of an eclipsing binary's light curve.

    Parameters
    ----------
    amplitude : ndarray of float64, shape (N,)
        Peak-to-peak amplitude [mag].
    depth_ratio : ndarray of float64, shape (N,)
        Depth of the secondary minimum over that of the primary, below maximum light.
    width : ndarray of float64, shape (N,)
        Full width of the primary minimum at half depth, in cycles.
    """

    amplitude: FloatArray
    depth_ratio: FloatArray
    width: FloatArray


def _measure_eclipses(curve: PhaseCurve, amplitude: npt.ArrayLike) -> EclipseMeasures:
    """Measure shapes with the primary minimum at phase zero."""
    value = curve.evaluate(np.arange(_GRID) / _GRID)
    depth = value - value.min(axis=1, keepdims=True)
    deepest = depth[:, 0]
    # An eccentric orbit moves the secondary minimum; it stays clear of the primary.
    secondary = depth[:, _GRID // 5 : _GRID - _GRID // 5].max(axis=1)
    below = depth < 0.5 * deepest[:, None]
    right = np.argmax(below, axis=1)
    left = np.argmax(below[:, ::-1], axis=1) + 1
    return EclipseMeasures(
        amplitude=np.asarray(amplitude, dtype=np.float64),
        depth_ratio=secondary / deepest,
        width=(right + left - 1) / _GRID,
    )


def _fit(
    curves: list[LightCurve], period: FloatArray
) -> tuple[EclipseMeasures, PhaseCurve, npt.NDArray[np.int64]]:
    shapes, amplitudes, used = [], [], []
    for i, (time, mag, err) in enumerate(curves):
        if time.size < 2 * _HARMONICS + 5:
            continue
        c, rms, _ = fit_harmonics(time, mag, err, float(period[i]), _HARMONICS, ridge=_RIDGE * time.size)
        shape = from_complex(c)
        amplitude = float(np.ptp(shape.evaluate(np.arange(_GRID) / _GRID)))
        if rms > _MAX_RMS * amplitude:
            continue
        shapes.append(to_standard_shape(shape, binary=True))
        amplitudes.append(amplitude)
        used.append(i)
    if not used:
        raise InputError("no binary could be measured")
    curve = PhaseCurve.concatenate(shapes)
    return _measure_eclipses(curve, amplitudes), curve, np.array(used)


def _has_second_minimum(curve: PhaseCurve) -> npt.NDArray[np.bool_]:
    """Whether a minimum between phases 0.3 and 0.7 stands out by a twentieth of the amplitude."""
    value = curve.evaluate(np.arange(_GRID) / _GRID)
    low, high = int(0.3 * _GRID), int(0.7 * _GRID)
    found = np.zeros(len(curve), dtype=bool)
    for i, v in enumerate(value):
        at = low + int(np.argmax(v[low:high]))
        before, after = v[_GRID // 8 : at + 1].min(), v[at : _GRID - _GRID // 8].min()
        found[i] = low < at < high - 1 and v[at] - max(before, after) > 0.05
    return found


def measure_real_binaries(
    folder: Path,
) -> tuple[
    EclipseMeasures, PhaseCurve, npt.NDArray[np.str_], list[LightCurve], FloatArray, npt.NDArray[np.str_]
]:
    """Fit and measure the OGLE-II eclipsing binaries.

    Parameters
    ----------
    folder : path
        The folder ``lightcurves``.

    Returns
    -------
    measures : EclipseMeasures
        Of the stars with enough points and little scatter.
    curve : PhaseCurve
        Their fitted shapes.
    subtype : ndarray of str, shape (N,)
        EA, EB or EW.
    light_curves : list of (time, mag, err)
        Their light curves.
    period : ndarray of float64, shape (N,)
        Their periods [d].
    name : ndarray of str, shape (N,)
        Their numbers in the table.
    """
    stars, curves = read_light_curves(folder, "hipparcos_ogle2")
    mine = np.flatnonzero((stars.cls == "ECL").to_numpy())
    period = stars.period.to_numpy()[mine]
    light = [(curves[i][0], curves[i][1], curves[i][2]) for i in mine]
    _, curve, used = _fit(light, period)
    # A binary folded with its orbital period shows two minima; with one, the machine found half
    # the period.
    half = used[~_has_second_minimum(curve)]
    period = period.copy()
    period[half] *= 2.0
    measures, curve, used = _fit(light, period)
    names = stars.subtype.to_numpy().astype(str)[mine]
    kinds = np.array([_GCVS_TYPES[name] for name in names])
    label = stars.id.to_numpy().astype(str)[mine]
    return measures, curve, kinds[used], [light[i] for i in used], period[used], label[used]


def observe_like(
    curve: PhaseCurve, amplitude: FloatArray, light_curves: list[LightCurve], period: FloatArray, *, seed: int
) -> EclipseMeasures:
    """Measure simulated binaries as OGLE-II would have: same phases, noise and fit.

    Parameters
    ----------
    curve : PhaseCurve
        N simulated shapes.
    amplitude : ndarray of float64, shape (N,)
        Their amplitudes [mag].
    light_curves : list of (time, mag, err)
        Real light curves; each simulated star takes the times and errors of one of them.
    period : ndarray of float64
        Periods of the real stars [d].
    seed : int
        Seed of the choice and of the noise.

    Returns
    -------
    EclipseMeasures
        Of the simulated stars that pass the criterion the real ones passed.
    """
    random = KeyedRandom(seed=seed)
    number = np.arange(len(curve))
    chosen = (random.uniform("observe-like", number) * len(light_curves)).astype(int)
    made: list[LightCurve] = []
    for i in number:
        time, _, err = light_curves[chosen[i]]
        phase = time / period[chosen[i]] % 1.0
        mag = curve.take([i]).evaluate(phase)[0] * amplitude[i]
        noise = random.normal("observe-like noise", i, np.arange(time.size))
        made.append((phase, mag + noise * err, err))
    measures, _, _ = _fit(made, np.ones(number.size))
    return measures
