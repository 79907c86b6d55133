"""Rows of the real OGLE-II eclipsing binaries: shapes fitted with the simulated ones as prior.

A Fourier series fitted to 300 points rings or blunts an eclipse. The simulated binaries say what
an eclipse can look like; their mean and principal components are the prior, and the light curve
decides. Names, distances and colours of these stars are lost, so their labels are borrowed from
the simulated systems most like them and flagged.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.training.binaries.real import LightCurve, measure_real_binaries
from pelsvae_cadence.training.binaries.simulated import make_rows
from pelsvae_cadence.training.labels.physical import LabelFlag
from pelsvae_cadence.training.open_set.table import N_HARMONICS, OpenSet
from pelsvae_cadence.training.shapes.harmonics import to_standard_shape

__all__ = ["EclipsePrior", "borrow_labels", "learn_prior", "observed_binary_rows"]

_GRID: Final = 512
_COMPONENTS: Final = 40  # leave out 1e-3 of the variance of the simulated shapes
#: Smallest error of a measurement that is believed [mag].
_MIN_NOISE: Final = 0.004
_ROUNDS: Final = 6
_CLIP: Final = 4.0
_MAX_RMS: Final = 0.15  # of the amplitude
#: The bottom of the primary eclipse must be seen: this many points within so many cycles of it.
_BOTTOM_POINTS: Final = 2
_BOTTOM_WIDTH: Final = 0.012
#: Scale of the differences that make two binaries alike: log P, log A and the shape's rms.
_LIKENESS: Final = (0.15, 0.08, 0.04)


@dataclass(frozen=True, kw_only=True)
class EclipsePrior:
    """What eclipsing binaries look like: a mean shape and its principal components.

    Parameters
    ----------
    mean : ndarray of float64, shape (G,)
        Mean of the standard shapes on G equal steps of phase, primary minimum at phase 0.
    components : ndarray of float64, shape (J, G)
        Components, each multiplied by its standard deviation.
    """

    mean: FloatArray
    components: FloatArray


def learn_prior(curve: PhaseCurve) -> EclipsePrior:
    """Learn the prior of the shapes.

    Parameters
    ----------
    curve : PhaseCurve
        Standard shapes of simulated binaries. Each counts twice, the second time with phase
        reversed: an orbit may be seen from either side.

    Returns
    -------
    EclipsePrior
        The prior.
    """
    value = curve.evaluate(np.arange(_GRID) / _GRID)
    value = np.concatenate([value, value[:, -np.arange(_GRID)]])
    if value.shape[0] <= _COMPONENTS:
        raise InputError(f"{len(curve)} simulated binaries", allowed=f"more than {_COMPONENTS}")
    mean = value.mean(axis=0)
    _, size, axes = np.linalg.svd(value - mean, full_matrices=False)
    deviation = size[:_COMPONENTS] / np.sqrt(value.shape[0])
    return EclipsePrior(mean=mean, components=axes[:_COMPONENTS] * deviation[:, None])


def _at(values: FloatArray, phase: FloatArray) -> FloatArray:
    """Interpolate functions on the grid of phases, periodically."""
    position = (phase % 1.0) * _GRID
    low = np.floor(position).astype(np.int64)
    share = position - low
    return np.asarray(values[..., low % _GRID] * (1.0 - share) + values[..., (low + 1) % _GRID] * share)


def _fit_with_prior(
    light_curve: LightCurve, period: float, plain: FloatArray, prior: EclipsePrior
) -> tuple[FloatArray, float, FloatArray, npt.NDArray[np.bool_]]:
    """Fit an eclipsing binary: the most probable curve under the prior."""
    time, mag, err = light_curve
    base = (time / period) % 1.0
    kept = np.ones(base.size, dtype=bool)
    noise = max(float(np.median(err)), _MIN_NOISE)
    trial = np.arange(256) / 256
    shifted = _at(plain, base[None, :] + trial[:, None])
    centred = shifted - shifted.mean(axis=1, keepdims=True)
    slope = (centred @ (mag - mag.mean())) / np.maximum((centred**2).sum(axis=1), 1e-12)
    misfit = ((mag - mag.mean() - slope[:, None] * centred) ** 2).sum(axis=1)
    shift = float(trial[np.argmin(np.where(slope > 0, misfit, np.inf))])
    amplitude = float(np.ptp(np.percentile(mag, [2, 98])))
    value = plain

    def solve(offset: float) -> tuple[FloatArray, float]:
        phase = base[kept] + offset
        design = np.concatenate(
            [np.ones((1, phase.size)), _at(prior.mean, phase)[None], _at(prior.components, phase)]
        ).T
        # Constant and amplitude are free; component weights are normal with the star's amplitude.
        precision = np.full(design.shape[1], 1.0 / amplitude**2)
        precision[:2] = 0.0
        weight = 1.0 / noise**2
        normal = design.T @ design * weight + np.diag(precision)
        solution = np.linalg.solve(normal, design.T @ mag[kept] * weight)
        rest = mag[kept] - design @ solution
        return solution, float((rest**2).sum() * weight + (precision * solution**2).sum())

    for round_ in range(_ROUNDS):
        offsets = shift + np.linspace(-0.02, 0.02, 21) / (1.0 + round_)
        trials = [solve(float(offset)) for offset in offsets]
        best = int(np.argmin([cost for _, cost in trials]))
        shift, solution = float(offsets[best]), trials[best][0]
        value = solution[1] * prior.mean + solution[2:] @ prior.components
        amplitude = float(np.ptp(value))
        residual = mag - solution[0] - _at(value, base + shift)
        noise = max(1.4826 * float(np.median(np.abs(residual[kept]))), _MIN_NOISE)
        kept = np.abs(residual) <= _CLIP * noise
    rms = float(np.std(residual[kept]))
    return value, rms, (base + shift) % 1.0, kept


def borrow_labels(
    curve: PhaseCurve, period: FloatArray, amplitude: FloatArray, simulated: OpenSet
) -> dict[str, FloatArray]:
    """Give binaries the labels of the simulated systems most like them.

    Parameters
    ----------
    curve : PhaseCurve
        N standard shapes.
    period, amplitude : ndarray of float64, shape (N,)
        Periods [d] and I amplitudes [mag].
    simulated : OpenSet
        Simulated systems of the same class.

    Returns
    -------
    dict of ndarray
        ``v_i0``, ``teff``, ``abs_mag_i`` and ``abs_mag_g`` of the nearest system: the squared
        differences in log P (scale 0.15), log A (0.08) and shape (rms 0.04) are added up. A label
        to train with, no measurement.
    """
    phase = np.arange(128) / 128
    own, other = curve.evaluate(phase), simulated.curve.evaluate(phase)
    shape = np.mean((own[:, None, :] - other[None]) ** 2, axis=2)
    steps = [
        (np.log10(mine)[:, None] - np.log10(theirs)[None]) / scale
        for mine, theirs, scale in zip(
            (period, amplitude), (simulated.period, simulated.amplitude_i), _LIKENESS[:2], strict=True
        )
    ]
    nearest = np.argmin(steps[0] ** 2 + steps[1] ** 2 + shape / _LIKENESS[2] ** 2, axis=1)
    return {name: getattr(simulated, name)[nearest] for name in ("v_i0", "teff", "abs_mag_i", "abs_mag_g")}


def observed_binary_rows(folder: Path, simulated: OpenSet) -> tuple[dict[str, Any], dict[str, int]]:
    """Make the rows of the OGLE-II eclipsing binaries.

    Parameters
    ----------
    folder : path
        The folder ``lightcurves``.
    simulated : OpenSet
        Simulated eclipsing binaries: prior of the shapes and source of the labels.

    Returns
    -------
    rows : dict of ndarray
        One array per column of the table.
    rejected : dict of str to int
        Stars not used, per reason.
    """
    _, plain, subtype, light, period, name = measure_real_binaries(folder)
    prior = learn_prior(simulated.curve)
    first = plain.evaluate(np.arange(_GRID) / _GRID)
    rejected: Counter[str] = Counter()
    kept_rows, shapes, amplitudes = [], [], []
    harmonic = np.arange(1, N_HARMONICS + 1)
    for i, curve in enumerate(light):
        value, rms, phase, kept = _fit_with_prior(curve, float(period[i]), first[i], prior)
        amplitude = float(np.ptp(value))
        if rms > _MAX_RMS * amplitude:
            rejected["scatter about the curve"] += 1
            continue
        bottom = float(np.argmax(value)) / _GRID
        distance = np.abs((phase[kept] - bottom + 0.5) % 1.0 - 0.5)
        if int((distance < _BOTTOM_WIDTH).sum()) < _BOTTOM_POINTS:
            rejected["bottom of the eclipse not seen"] += 1
            continue
        spectrum = np.fft.rfft(value)[harmonic] * (2.0 / _GRID)
        shape = PhaseCurve(cos=spectrum.real[None], sin=-spectrum.imag[None])
        kept_rows.append(i)
        shapes.append(to_standard_shape(shape, binary=True))
        amplitudes.append(float(np.ptp(shape.evaluate(np.arange(1024) / 1024))))
    if not kept_rows:
        raise InputError("no binary could be fitted")
    curves = PhaseCurve.concatenate(shapes)
    amplitude_i = np.array(amplitudes)
    rows = make_rows(
        curves,
        star=np.array([f"OGLE2-SET-{name[i]}" for i in kept_rows]),
        star_class="ECL",
        subtype=subtype[kept_rows],
        galaxy="UNK",
        provenance="observed",
        period=period[kept_rows],
        amplitude_i=amplitude_i,
        feh=np.nan,
        n_fourier=N_HARMONICS,
        flags=int(LabelFlag.PROXY_LABEL | LabelFlag.COMBINED_LIGHT | LabelFlag.NO_V),
        **borrow_labels(curves, period[kept_rows], amplitude_i, simulated),
    )
    return rows, dict(sorted(rejected.items()))
