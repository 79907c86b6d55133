r"""How much the cycles of real Miras differ: ASAS light curves, measured beside simulated ones.

Each cycle of a star is fitted with the star's mean shape, stretched, lifted and shifted,
:math:`m = \mu_k + a_k f(\varphi) - a_k\delta_k f'(\varphi)`, by least squares. The scatter of
:math:`a_k`, :math:`\mu_k` and :math:`\delta_k` beyond their errors, and the growth of
:math:`\delta` with the number of cycles between, are what a `CycleModulation` has to reproduce. The
same estimator is run on simulated light curves with the times and errors of the real ones, so that
its own bias (a period and a mean shape fitted to the same few cycles) cancels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.simulation.modulation import CycleModulation, ModulationOptions
from pelsvae_cadence.stars import Stars
from pelsvae_cadence.training.shapes.miras import asas_miras

__all__ = ["CycleScatter", "MiraSet", "cycle_scatter", "read_miras", "simulate_miras"]

_HARMONICS = 3  # of the mean shape
_MIN_POINTS = 8  # in a cycle
_MIN_SPAN = 0.5  # of a cycle that its points cover
_MIN_CYCLES = 4


@dataclass(frozen=True, kw_only=True)
class MiraSet:
    """Light curves of Miras.

    Parameters
    ----------
    name : ndarray of str, shape (N,)
        Names.
    period : ndarray of float64, shape (N,)
        Periods in days.
    light_curves : list of (time, mag, err)
        N light curves: days and magnitudes.
    """

    name: npt.NDArray[np.str_]
    period: FloatArray
    light_curves: list[tuple[FloatArray, FloatArray, FloatArray]]


@dataclass(frozen=True, kw_only=True)
class CycleScatter:
    """What the estimator says about a set of Miras; medians over the stars.

    Parameters
    ----------
    n_stars, n_cycles : int
        Stars and cycles measured.
    amplitude : float
        Scatter of the cycles' amplitudes relative to the star's.
    mean : float
        Scatter of the cycles' means in units of the star's peak-to-peak amplitude.
    phase : tuple of float
        Rms difference of phase, in cycles, between cycles 1, 2, 3 and 4 apart.
    residual : float
        Rms about the mean curve over the peak-to-peak amplitude.
    """

    n_stars: int
    n_cycles: int
    amplitude: float
    mean: float
    phase: tuple[float, float, float, float]
    residual: float

    def as_dict(self) -> dict[str, float]:
        """Give the numbers by name.

        Returns
        -------
        dict of str to float
            All of them, the phases as ``phase_1`` to ``phase_4``.
        """
        phases = {f"phase_{k + 1}": value for k, value in enumerate(self.phase)}
        return {
            "n_stars": self.n_stars,
            "n_cycles": self.n_cycles,
            "amplitude": self.amplitude,
            "mean": self.mean,
            **phases,
            "residual": self.residual,
        }


def read_miras(folder: Path) -> MiraSet:
    """Read the ASAS Miras with a clear period.

    Parameters
    ----------
    folder : path
        The folder ``lightcurves``.

    Returns
    -------
    MiraSet
        V-band light curves of stars that ASAS sees from maximum to minimum.
    """
    name, period, light_curves, _ = asas_miras(folder)
    return MiraSet(name=name, period=period, light_curves=light_curves)


def _design(phase: FloatArray) -> FloatArray:
    angle = 2.0 * np.pi * phase[:, None] * np.arange(1, _HARMONICS + 1)
    return np.concatenate([np.ones((phase.size, 1)), np.cos(angle), np.sin(angle)], axis=1)


def _slope(phase: FloatArray) -> FloatArray:
    k = 2.0 * np.pi * np.arange(1, _HARMONICS + 1)
    angle = phase[:, None] * k
    zero = np.zeros((phase.size, 1))
    return np.concatenate([zero, -k * np.sin(angle), k * np.cos(angle)], axis=1)


def _mean_shape(time: FloatArray, mag: FloatArray, period: float) -> FloatArray:
    """Fit the mean shape, twice, the second time without outliers."""
    design = _design(time / period)
    keep = np.ones(time.size, dtype=bool)
    for _ in range(2):
        coefficients, *_ = np.linalg.lstsq(design[keep], mag[keep], rcond=None)
        residual = mag - design @ coefficients
        keep = np.abs(residual) < 4.0 * residual[keep].std()
    return np.asarray(coefficients)


def _fit_cycles(
    time: FloatArray, mag: FloatArray, err: FloatArray, period: float
) -> tuple[FloatArray, FloatArray, FloatArray, float] | None:
    """Fit each cycle: its number, three parameters and their variances; None if too few."""
    coefficients = _mean_shape(time, mag, period)
    grid = _design(np.arange(200) / 200.0)[:, 1:] @ coefficients[1:]
    size = float(np.ptp(grid))
    # Cycles begin at minimum light, so that each holds one maximum.
    start = float(np.argmax(grid)) / 200.0
    phase = time / period
    number = np.floor(phase - start).astype(np.int64)
    shape = _design(phase)[:, 1:] @ coefficients[1:] / size
    slope = _slope(phase)[:, 1:] @ coefficients[1:] / size
    residual = mag - coefficients[0] - size * shape
    rows, values, variances = [], [], []
    for k in np.unique(number).tolist():
        mine = number == k
        if mine.sum() < _MIN_POINTS or np.ptp(phase[mine]) < _MIN_SPAN:
            continue
        design = np.stack([np.ones(mine.sum()), shape[mine], slope[mine]], axis=1)
        normal = design.T @ design
        if np.linalg.cond(normal) > 1e5:
            continue
        fit = np.linalg.solve(normal, design.T @ (mag[mine] - coefficients[0]))
        left = mag[mine] - coefficients[0] - design @ fit
        sigma2 = max(float(left @ left) / (mine.sum() - 3), float(np.median(err[mine])) ** 2)
        spread = sigma2 * np.diag(np.linalg.inv(normal))
        if fit[1] <= 0.2 * size:
            continue
        rows.append(k)
        values.append([fit[1] / size, fit[0] / size, -fit[2] / fit[1]])
        variances.append([spread[1] / size**2, spread[0] / size**2, spread[2] / fit[1] ** 2])
    if len(rows) < _MIN_CYCLES:
        return None
    rms = float(residual.std()) / size
    return np.array(rows), np.array(values), np.array(variances), rms


def cycle_scatter(miras: MiraSet) -> CycleScatter:
    """Measure how much cycles differ."""
    per_star: list[list[float]] = []
    steps: list[list[float]] = [[] for _ in range(4)]
    n_cycles = 0
    for period, (time, mag, err) in zip(miras.period, miras.light_curves, strict=True):
        fitted = _fit_cycles(time, mag, err, float(period))
        if fitted is None:
            continue
        number, value, variance, rms = fitted
        n_cycles += len(number)
        excess = value[:, :2].var(axis=0, ddof=1) - variance[:, :2].mean(axis=0)
        per_star.append([*excess.tolist(), rms])
        for lag in range(1, 5):
            i, j = np.nonzero(number[None, :] - number[:, None] == lag)
            if i.size:
                step = (value[j, 2] - value[i, 2]) ** 2 - variance[j, 2] - variance[i, 2]
                steps[lag - 1].append(float(np.median(step)))
    table = np.array(per_star)

    def root(x: float) -> float:
        return float(np.sign(x) * np.sqrt(abs(x)))

    phases = tuple(root(float(np.median(s))) for s in steps)
    return CycleScatter(
        n_stars=len(table),
        n_cycles=n_cycles,
        amplitude=root(float(np.median(table[:, 0]))),
        mean=root(float(np.median(table[:, 1]))),
        phase=(phases[0], phases[1], phases[2], phases[3]),
        residual=float(np.median(table[:, 2])),
    )


def simulate_miras(real: MiraSet, options: ModulationOptions, *, seed: int) -> MiraSet:
    """Simulate Miras with the times, errors, periods and mean shapes of real ones.

    Parameters
    ----------
    real : MiraSet
        The real stars.
    options : ModulationOptions
        Cycle scatter of the simulated ones.
    seed : int
        Seed.

    Returns
    -------
    MiraSet
        As many stars; periods are those of the real ones, which the estimator takes as known.
    """
    n = len(real.period)
    random = KeyedRandom(seed=seed)
    modulation = replace(
        CycleModulation.none(n, seed),
        amplitude_scatter=np.full(n, options.mira_amplitude),
        mean_scatter=np.full(n, options.mira_mean),
        phase_scatter=np.full(n, options.mira_phase),
        phase_walk=np.full(n, options.mira_walk),
    )
    curves = []
    for i, (period, (time, mag, err)) in enumerate(zip(real.period, real.light_curves, strict=True)):
        star = Stars(
            star_id=np.array([i]),
            star_class=np.array(["LPV"]),
            subtype=np.array(["Mira"]),
            period=np.array([period]),
            teff=np.array([3000.0]),
            abs_mag_g=np.zeros(1),
            amplitude_i=np.ones(1),
            epoch=np.zeros(1),
            ra=np.zeros(1),
            dec=np.zeros(1),
            distance_modulus=np.zeros(1),
            ebv=np.zeros(1),
            feh=np.full(1, np.nan),
        )
        coefficients = _mean_shape(time, mag, float(period))
        grid = _design(np.arange(200) / 200.0)[:, 1:] @ coefficients[1:]
        size = float(np.ptp(grid))
        # The modulation counts cycles from maximum light.
        zero = float(np.argmin(grid)) / 200.0
        cycles = time / period - zero
        offsets = modulation.take([i]).at(star, cycles)
        shape = _design(cycles + zero + offsets.phase[0])[:, 1:] @ coefficients[1:]
        noise = err * random.normal("mira noise", i, np.arange(time.size))
        curves.append(
            (time, coefficients[0] + offsets.amplitude[0] * shape + size * offsets.brightness[0] + noise, err)
        )
    return MiraSet(name=real.name, period=real.period, light_curves=curves)
