"""Floating-mean Lomb-Scargle periodograms of joint series, and their highest peaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeVar

import finufft
import nifty_ls
import numpy as np
import numpy.typing as npt

from pelsvae_cadence.periods.grid import FrequencyGrid
from pelsvae_cadence.periods.series import JointSeries

__all__ = [
    "BLOCK",
    "MANY_POINTS",
    "SIDE_BY_SIDE",
    "highest_peaks",
    "periodograms",
    "power_at",
    "transform_plan",
]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
Terms = TypeVar("Terms", FloatArray, Float32Array)
Precision = Literal["single", "double"]

# Frequencies in one transform: two of them side by side stay in the processor's cache.
BLOCK: Final = 32_768
_TOLERANCE: Final = 1e-5
# Below this many cycles in the baseline, and where the window leaves this little of the
# determinant (1/4 for even sampling), rounding in single precision would make peaks of its own.
_SLOW_CYCLES: Final = 4.0
_SMALL_DETERMINANT: Final = 0.03
_MOST_SLOW: Final = 4096
SIDE_BY_SIDE: Final = 4  # transforms of one star in a plan
_DIRECT: Final = 256  # frequencies that are summed directly at a time
_COARSE: Final = 256  # steps of the grid whose highest point stands for all

#: Points from which stars with the same visits share the transforms of their weights.
MANY_POINTS: Final = 300


def periodograms(
    series: Sequence[JointSeries],
    grid: FrequencyGrid,
    precision: Precision = "single",
    share_windows: bool | None = None,
) -> Iterator[npt.NDArray[np.float32 | np.float64]]:
    r"""Compute the periodograms of stars with the same visit times, one after the other.

    The floating-mean periodogram of Zechmeister & Kuerster (2009, A&A 496, 577, eqs. 5-15) in the
    "psd" normalisation: half the drop of chi-squared, :math:`\Delta\chi^2/2`, for a sinusoid,

    .. math:: \frac{W}{2}\; \frac{SS\,YC^2 + CC\,YS^2 - 2\,CS\,YC\,YS}{CC\,SS - CS^2} ,

    W being the sum of the weights. The sums over visits are non-uniform fast Fourier transforms
    (Press & Rybicki 1989, ApJ 338, 277; Barnett et al. 2019, SIAM J. Sci. Comput. 41, C479).

    Parameters
    ----------
    series : sequence of JointSeries
        Stars with equal `time` arrays.
    grid : FrequencyGrid
        The trial frequencies.
    precision : {"single", "double"}
        "single" transforms in single precision, after reducing the phases in double precision:
        good to one per cent of the highest peak, which is enough to find peaks (`power_at` gives
        their heights exactly). "double" leaves it to nifty-ls (Garrison et al. 2024, RNAAS 8,
        250), at three to eight times the cost.
    share_windows : bool, optional
        In single precision, take the sums of the weights alone (C, S, CC, SS, CS) from points of
        equal weight, once for all stars; the sums over the data keep the star's own weights. Two
        thirds of the transforms are saved, and the power is wrong by about the noise of a
        window, n^-1/2. By default where there are `MANY_POINTS` or more: there the twenty
        highest peaks are the same but for those that hardly rise above the noise.

    Yields
    ------
    ndarray of float32 or float64, shape (grid.n,)
        The periodogram of each star. It does not depend on the other stars.
    """
    if precision == "double":
        for one in series:
            yield _double(one, grid)
        return
    if share_windows is None:
        share_windows = bool(series) and series[0].time.size >= MANY_POINTS
    yield from _shared(series, grid) if share_windows else _single(series, grid)


def _double(series: JointSeries, grid: FrequencyGrid) -> FloatArray:
    order = np.argsort(series.time, kind="stable")
    # Times relative to the middle keep the phases small; the power does not depend on the zero.
    time = np.ascontiguousarray((series.time - _middle(series))[order])
    value, error = series.value[order], series.error[order]
    power = np.empty(grid.n)
    for first, size in grid.blocks():
        power[first : first + size] = nifty_ls.lombscargle(
            time,
            value,
            error,
            fmin=grid.fmin + first * grid.df,
            fmax=grid.fmin + (first + size - 1) * grid.df,
            Nf=size,
            normalization="psd",
            backend="finufft",
            nthreads=1,
        ).power
    # Where the window leaves one of the two amplitudes undetermined the quotient has no meaning.
    np.nan_to_num(power, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    return np.maximum(power, 0.0, out=power)


def _middle(series: JointSeries) -> float:
    return 0.5 * float(series.time.min() + series.time.max())


def _weighted(series: JointSeries) -> tuple[float, FloatArray, FloatArray]:
    """Give the sum of the weights, the weights over it, and their products with the centred data."""
    weight = series.error**-2.0
    total = float(weight.sum())
    weight /= total
    return total, weight, weight * (series.value - weight @ series.value)


def _window_terms(c: Terms, s: Terms, square: Terms, product: Terms) -> tuple[Terms, Terms, Terms, Terms]:
    """Give CC, SS, CS and their determinant of the mean cosine, sine, cosine squared and product."""
    cc = square - c * c
    ss = 1.0 - square - s * s
    cs = product - c * s
    return cc, ss, cs, cc * ss - cs * cs


def _transformed_window(
    window: npt.NDArray[np.complex64], window2: npt.NDArray[np.complex64]
) -> tuple[Float32Array, Float32Array, Float32Array, Float32Array]:
    """Do the same with the transforms of the weights at f and 2 f."""
    c, s = np.ascontiguousarray(window.real), np.ascontiguousarray(window.imag)
    return _window_terms(c, s, 0.5 + 0.5 * window2.real, 0.5 * window2.imag)


def _turns(cycles: FloatArray) -> npt.NDArray[np.complex64]:
    """Reduce phases to half a cycle before they lose digits."""
    return np.asarray(np.exp(2j * np.pi * (cycles - np.rint(cycles))), dtype=np.complex64)


def _single(series: Sequence[JointSeries], grid: FrequencyGrid) -> Iterator[Float32Array]:
    cycles = grid.df * (series[0].time - _middle(series[0]))  # per step of the grid
    n_pairs = -(-grid.n // (2 * BLOCK))
    # Each transform covers BLOCK frequencies around the middle of its block.
    centre = round(grid.fmin / grid.df) + BLOCK // 2 + BLOCK * np.arange(2 * n_pairs)
    once = _turns(centre[:, None] * cycles)
    twice = _turns(2.0 * centre[:, None] * cycles)
    # Two pairs of strengths (data, weights) at f, and one pair of weights at 2 f. The number of
    # transforms in a plan is fixed, so that a star's numbers do not depend on its company.
    plans = transform_plan(cycles, 4), transform_plan(2.0 * cycles, 2)
    strengths = np.empty((4, cycles.size), dtype=np.complex64)
    for one in series:
        total, weight, data = _weighted(one)
        data, plain = data.astype(np.float32), weight.astype(np.float32)
        power = np.empty(2 * n_pairs * BLOCK, dtype=np.float32)
        small = np.empty(power.size, dtype=bool)
        for pair in range(n_pairs):
            both = slice(2 * pair, 2 * pair + 2)
            strengths[:2] = data * once[both]
            strengths[2:] = plain * once[both]
            first = plans[0].execute(strengths)
            second = plans[1].execute(plain * twice[both])
            for block in range(2):
                at = slice((2 * pair + block) * BLOCK, (2 * pair + block + 1) * BLOCK)
                determinant = _quotient(first[block], first[2 + block], second[block], power[at])
                np.less(determinant, _SMALL_DETERMINANT, out=small[at])
        power, small = power[: grid.n], small[: grid.n]
        power *= np.float32(0.5 * total)
        small[: int(np.ceil(_SLOW_CYCLES * grid.oversampling))] = True
        slow = np.flatnonzero(small)
        if slow.size > _MOST_SLOW:
            yield _double(one, grid).astype(np.float32)
            continue
        power[slow] = power_at(one, grid.fmin + slow * grid.df)
        yield power


def transform_plan(cycles: FloatArray, n_trans: int) -> finufft.Plan:
    """Plan transforms to `BLOCK` frequencies in single precision.

    Parameters
    ----------
    cycles : ndarray of float64, shape (n,)
        Cycles between the points and the zero of time, at one step of the frequency.
    n_trans : int
        Transforms side by side.

    Returns
    -------
    finufft.Plan
        Its ``execute`` takes strengths of shape (n_trans, n).
    """
    plan = finufft.Plan(
        1,
        (BLOCK,),
        n_trans=n_trans,
        eps=_TOLERANCE,
        isign=1,
        dtype="complex64",
        nthreads=1,
        upsampfac=1.25,
        fftw=64,
    )
    plan.setpts((2.0 * np.pi * (cycles - np.rint(cycles))).astype(np.float32))
    return plan


def _window_factors(
    cycles: FloatArray, centre: npt.NDArray[np.int64]
) -> tuple[Float32Array, npt.NDArray[np.bool_]]:
    """Divide SS, CC and 2 CS of equal weights by their determinant; tell where that is small."""
    factors = np.empty((3, centre.size * BLOCK), dtype=np.float32)
    small = np.empty(factors.shape[1], dtype=bool)
    plans = transform_plan(cycles, 1), transform_plan(2.0 * cycles, 1)
    weight = np.float32(1.0 / cycles.size)
    for block, middle in enumerate(centre.tolist()):
        window = plans[0].execute(weight * _turns(middle * cycles))
        window2 = plans[1].execute(weight * _turns(2.0 * middle * cycles))
        cc, ss, cs, determinant = _transformed_window(window, window2)
        at = slice(block * BLOCK, (block + 1) * BLOCK)
        np.less(determinant, _SMALL_DETERMINANT, out=small[at])
        np.maximum(determinant, _SMALL_DETERMINANT, out=determinant)
        for factor, value in zip(factors, (ss, cc, 2.0 * cs), strict=True):
            np.divide(value, determinant, out=factor[at])
    return factors, small


def _shared(series: Sequence[JointSeries], grid: FrequencyGrid) -> Iterator[Float32Array]:
    cycles = grid.df * (series[0].time - _middle(series[0]))  # per step of the grid
    n_blocks = -(-grid.n // BLOCK)
    centre = round(grid.fmin / grid.df) + BLOCK // 2 + BLOCK * np.arange(n_blocks)
    factors, small = _window_factors(cycles, centre)
    slow = np.flatnonzero(small[: grid.n])
    direct = np.arange(min(grid.n, int(np.ceil(_SLOW_CYCLES * grid.oversampling))))
    slow = np.union1d(slow, direct)
    # The number of transforms in a plan is fixed, so that a star does not depend on its company;
    # the last ones may be idle.
    turns = np.zeros((-(-n_blocks // SIDE_BY_SIDE) * SIDE_BY_SIDE, cycles.size), np.complex64)
    turns[:n_blocks] = _turns(centre[:, None] * cycles)
    plan = transform_plan(cycles, SIDE_BY_SIDE)
    if slow.size > _MOST_SLOW:
        for one in series:
            yield _double(one, grid).astype(np.float32)
        return
    # Few, as a rule: then all stars use the same cosines and sines.
    direct_sums = None
    if slow.size <= _DIRECT:
        direct_sums = _DirectSums(series[0].time - _middle(series[0]), grid.fmin + slow * grid.df)
    for one in series:
        total, _, data = _weighted(one)
        data = data.astype(np.float32)
        power = np.empty(n_blocks * BLOCK, dtype=np.float32)
        for first in range(0, n_blocks, SIDE_BY_SIDE):
            sums = plan.execute(data * turns[first : first + SIDE_BY_SIDE])
            for block in range(first, min(first + SIDE_BY_SIDE, n_blocks)):
                at = slice(block * BLOCK, (block + 1) * BLOCK)
                yc = np.ascontiguousarray(sums[block - first].real)
                ys = np.ascontiguousarray(sums[block - first].imag)
                both = yc * ys
                both *= factors[2, at]
                yc *= yc
                yc *= factors[0, at]
                ys *= ys
                ys *= factors[1, at]
                yc += ys
                np.subtract(yc, both, out=power[at])
        power = power[: grid.n]
        power *= np.float32(0.5 * total)
        power[slow] = (
            power_at(one, grid.fmin + slow * grid.df) if direct_sums is None else direct_sums.power(one)
        )
        yield power


def _quotient(
    data: npt.NDArray[np.complex64],
    window: npt.NDArray[np.complex64],
    window2: npt.NDArray[np.complex64],
    power: Float32Array,
) -> Float32Array:
    """Write the quotient of the docstring into `power`, and return its denominator."""
    yc, ys = np.ascontiguousarray(data.real), np.ascontiguousarray(data.imag)
    cc, ss, cs, determinant = _transformed_window(window, window2)
    cs *= yc
    cs *= ys
    yc *= yc
    yc *= ss
    ys *= ys
    ys *= cc
    yc += ys
    yc -= cs
    yc -= cs
    np.divide(yc, np.maximum(determinant, _SMALL_DETERMINANT), out=power)
    return determinant


def power_at(series: JointSeries, frequency: npt.ArrayLike) -> FloatArray:
    """Compute the periodogram at any frequencies, by direct sums in double precision.

    Parameters
    ----------
    series : JointSeries
        The star.
    frequency : array_like, shape (n_f,)
        Frequencies in 1/d, above 0.

    Returns
    -------
    ndarray of float64, shape (n_f,)
        Half the drop of chi-squared; 0 where the window does not determine both amplitudes.
    """
    time = series.time - _middle(series)
    trial = np.asarray(frequency, dtype=np.float64)
    return np.concatenate(
        [
            _DirectSums(time, trial[first : first + _DIRECT]).power(series)
            for first in range(0, max(trial.size, 1), _DIRECT)
        ]
    )


class _DirectSums:
    """Cosines and sines of some frequencies, for all stars that share the times."""

    def __init__(self, time: FloatArray, frequency: npt.ArrayLike) -> None:
        phase = 2.0 * np.pi * np.outer(np.asarray(frequency, dtype=np.float64), time)
        self._cos, self._sin = np.cos(phase), np.sin(phase)
        self._cos2, self._both = self._cos * self._cos, self._cos * self._sin

    def power(self, series: JointSeries) -> FloatArray:
        """Give half the drop of chi-squared of one star at these frequencies."""
        total, weight, value = _weighted(series)
        yc, ys = self._cos @ value, self._sin @ value
        cc, ss, cs, determinant = _window_terms(
            self._cos @ weight, self._sin @ weight, self._cos2 @ weight, self._both @ weight
        )
        known = determinant > 1e-12
        top = ss * yc**2 + cc * ys**2 - 2.0 * cs * yc * ys
        power = np.where(known, top / np.where(known, determinant, 1.0), 0.0)
        return np.asarray(0.5 * total * np.maximum(power, 0.0))


def highest_peaks(
    power: npt.NDArray[np.float32 | np.float64], grid: FrequencyGrid, n: int
) -> tuple[FloatArray, FloatArray]:
    """Find the highest local maxima of a periodogram.

    Parameters
    ----------
    power : ndarray of float, shape (grid.n,)
        A periodogram.
    grid : FrequencyGrid
        Its frequencies.
    n : int
        Number of peaks wanted.

    Returns
    -------
    frequency, height : ndarray of float64, shape (<= n,)
        Peaks from the highest down, by parabolic interpolation; the shift is limited to half a
        step. Ends of the grid count as peaks where the power rises towards them.
    """
    peaks = _local_maxima(power, _floor_of_peaks(power, n))
    if peaks.size < n:
        peaks = _local_maxima(power, -np.inf)
    if peaks.size > n:
        peaks = peaks[np.argpartition(power[peaks], -n)[-n:]]
    peaks = peaks[np.lexsort((peaks, -power[peaks]))]
    inner = (peaks > 0) & (peaks < power.size - 1)
    left = power[np.maximum(peaks - 1, 0)].astype(np.float64)
    right = power[np.minimum(peaks + 1, power.size - 1)].astype(np.float64)
    centre = power[peaks].astype(np.float64)
    curvature = left - 2.0 * centre + right
    safe = inner & (curvature < 0)
    shift = np.where(safe, 0.5 * (left - right) / np.where(safe, curvature, -1.0), 0.0)
    shift = np.clip(shift, -0.5, 0.5)
    height = centre - 0.25 * (left - right) * shift
    frequency = grid.fmin + (peaks + shift) * grid.df
    return np.asarray(frequency, dtype=np.float64), np.where(safe, height, centre)


def _floor_of_peaks(power: npt.NDArray[np.float32 | np.float64], n: int) -> float:
    """Find a height that n peaks exceed, most likely, so that few points need a closer look."""
    whole = power.size // _COARSE
    # Two blocks side by side may hold one peak between them.
    if whole < 2 * n + 2:
        return -np.inf
    highest = power[: whole * _COARSE].reshape(whole, _COARSE).max(axis=1)
    return float(np.partition(highest, -(2 * n + 2))[-(2 * n + 2)])


def _local_maxima(power: npt.NDArray[np.float32 | np.float64], floor: float) -> npt.NDArray[np.intp]:
    """Find the local maxima at or above a height; of a plateau the first point."""
    at = np.flatnonzero(power >= floor)
    before = np.where(at > 0, power[np.maximum(at - 1, 0)], -np.inf)
    after = np.where(at < power.size - 1, power[np.minimum(at + 1, power.size - 1)], -np.inf)
    return at[(power[at] > before) & ~(after > power[at])]
