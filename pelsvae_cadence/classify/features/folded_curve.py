r"""The folded curve: a Fourier series that all bands share, fitted at a star's best frequency.

The model of point i in band b is

.. math:: y_i = c_b + s_b \sum_{h} a_h \cos h (2\pi f t_i - \psi_b) + b_h \sin h (2\pi f t_i - \psi_b) ,

with one offset and one scale a band (VanderPlas & Ivezic 2015, ApJ 812, 18), and one lag psi. The basis is that of
half the frequency: its even orders are the harmonics of f, its odd orders tell whether successive
cycles differ, as the two minima of a binary do. Sums over points are taken once, band by band;
everything after that is linear algebra on 24 numbers a star, done for all stars together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classify.features.relative_flux import RelativeFlux
from pelsvae_cadence.core.arrays import StructOfArrays
from pelsvae_cadence.periods.harmonics import solve_lower

__all__ = ["FoldedCurves", "fold"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Harmonics of the frequency, and odd harmonics of half of it.
_MOST_HARMONICS: Final = 8
_ODD_ORDERS: Final = (1, 3, 5, 7)
_EVEN: Final = 2 * _MOST_HARMONICS
_COLUMNS: Final = _EVEN + 2 * len(_ODD_ORDERS)
# Harmonics that decide the scales of the bands, and rounds of the alternating fit.
_SCALE_HARMONICS: Final = 4
_ROUNDS: Final = 5
# Scatter of the scales of real stars about the typical ones: what the data do not tell comes from
# there.
_SCALE_PRIOR: Final = 0.4
# Lags of bands in radians: half of them within 0.03 cycles, as those of Cepheids and Miras are.
_TURN_PRIOR: Final = 2.0 * np.pi * 0.05
_LARGEST_TURN: Final = 0.3
# Orders of the columns, in cycles of the frequency.
_ORDERS: Final = np.array([*range(1, _MOST_HARMONICS + 1), *(0.5 * k for k in _ODD_ORDERS)])
_RIDGE: Final = 1e-9
_BLOCK: Final = 512
# Scale and shift of a band's curve.
_PAIR: Final = 2


@dataclass(frozen=True, kw_only=True)
class FoldedCurves(StructOfArrays):
    """Folded curves of N stars in B bands.

    Parameters
    ----------
    coefficients : ndarray of float64, shape (N, 16)
        a_1, b_1, a_2, ... of the relative flux for an amplitude scale of 1 (that of g); 0 beyond
        `order`.
    order : ndarray of int64, shape (N,)
        Number of harmonics that the Bayesian information criterion keeps, 0 where nothing was
        fitted.
    scales : ndarray of float64, shape (N, B)
        Amplitude scales of the bands; NaN where a band has no point.
    chi2_constant : ndarray of float64, shape (N,)
        Chi-squared of constants; NaN where nothing was fitted.
    chi2_by_band, freedom_by_band, odd_gain : ndarray of float64, shape (N,)
        Chi-squared where each band that has the points for it keeps a curve of its own, of the
        same order, the degrees of freedom left, and the further drop of this chi-squared with the
        odd harmonics of half the frequency, shared by the bands.
    """

    coefficients: FloatArray
    order: IntArray
    scales: FloatArray
    chi2_constant: FloatArray
    odd_gain: FloatArray
    chi2_by_band: FloatArray
    freedom_by_band: FloatArray

    def evaluate(self, phase: FloatArray) -> FloatArray:
        """Evaluate the curves on common phases.

        Parameters
        ----------
        phase : ndarray of float64, shape (K,)
            Phases in cycles.

        Returns
        -------
        ndarray of float64, shape (N, K)
            Relative flux less its mean, for an amplitude scale of 1.
        """
        angle = 2.0 * np.pi * np.outer(np.arange(1, _MOST_HARMONICS + 1), phase)
        basis = np.empty((_EVEN, phase.size))
        basis[0::2], basis[1::2] = np.cos(angle), np.sin(angle)
        return np.asarray(self.coefficients @ basis)


def fold(points: RelativeFlux, frequency: FloatArray) -> FoldedCurves:
    """Fit the folded curves of stars.

    Parameters
    ----------
    points : RelativeFlux
        Points of N stars.
    frequency : ndarray of float64, shape (N,)
        Best frequencies in 1/d; a star without one (NaN) is not fitted.

    Returns
    -------
    FoldedCurves
        The curves.
    """
    n_stars = points.mean.shape[0]
    parts = [
        _fit(points, frequency, start, min(start + _BLOCK, n_stars))
        for start in range(0, max(n_stars, 1), _BLOCK)
    ]
    return FoldedCurves.concatenate(parts)


def _sums(points: RelativeFlux, frequency: FloatArray, first: int, last: int) -> FloatArray:
    """Sum products of basis, one and value over the points of each star and band."""
    n_bands = points.mean.shape[1]
    sums = np.zeros((last - first, n_bands, _COLUMNS + 2, _COLUMNS + 2))
    for i in range(first, last):
        edges = points.edges[i * n_bands : (i + 1) * n_bands + 1]
        some = slice(edges[0], edges[-1])
        n = edges[-1] - edges[0]
        if n == 0 or not np.isfinite(frequency[i]):
            continue
        time = points.time[some]
        half_turns = 0.5 * frequency[i] * (time - time.min())
        wave = np.exp(2j * np.pi * (half_turns - np.rint(half_turns)))
        root = 1.0 / points.error[some]
        rows = np.empty((_COLUMNS + 2, n))
        even = wave * wave
        power = root * even
        for h in range(_MOST_HARMONICS):
            rows[2 * h], rows[2 * h + 1] = power.real, power.imag
            if h + 1 < _MOST_HARMONICS:
                power *= even
        power = root * wave
        for k in range(len(_ODD_ORDERS)):
            rows[_EVEN + 2 * k], rows[_EVEN + 2 * k + 1] = power.real, power.imag
            power *= even
        rows[-2] = root
        rows[-1] = root * points.value[some]
        bounds = (edges - edges[0]).tolist()
        for b in range(n_bands):
            if bounds[b + 1] > bounds[b]:
                part = rows[:, bounds[b] : bounds[b + 1]]
                np.matmul(part, part.T, out=sums[i - first, b])
    return sums


def _fit(points: RelativeFlux, frequency: FloatArray, first: int, last: int) -> FoldedCurves:
    sums = _sums(points, frequency, first, last)
    n_stars, n_bands = sums.shape[:2]
    counts = points.counts[first:last]
    n_points = counts.sum(axis=1)
    weight = sums[:, :, -2, -2]
    with np.errstate(divide="ignore"):
        inverse = np.where(weight > 0, 1.0 / np.where(weight > 0, weight, 1.0), 0.0)
    # The offset of each band, projected out.
    ones, value = sums[:, :, :_COLUMNS, -2], sums[:, :, -2, -1]
    normal = sums[:, :, :_COLUMNS, :_COLUMNS] - np.einsum("sbi,sbj,sb->sbij", ones, ones, inverse)
    target = sums[:, :, :_COLUMNS, -1] - ones * (value * inverse)[:, :, None]
    constant = sums[:, :, -1, -1] - value**2 * inverse
    chi2_constant = constant.sum(axis=1)

    typical = points.scales()
    scales = np.broadcast_to(typical, (n_stars, n_bands)).copy()
    lead = 2 * _SCALE_HARMONICS
    some = slice(0, lead)
    present = weight > 0
    turn = np.zeros((n_stars, n_bands))
    prior = _SCALE_PRIOR**-2.0
    for _ in range(_ROUNDS):
        part, aim = _turned(normal[:, :, some, some], target[:, :, some], turn)
        shape = _solve(np.einsum("sb,sbij->sij", scales**2, part), np.einsum("sb,sbi->si", scales, aim))
        # Each band by the shape and its derivative: a new scale, and a small turn.
        pair = np.stack([shape, _slope(shape)], axis=1)
        found = np.einsum("ski,sbij,slj->sbkl", pair, part, pair)
        match = np.einsum("ski,sbi->sbk", pair, aim)
        known = (scales * _TURN_PRIOR) ** -2.0
        found[:, :, 0, 0] += prior
        found[:, :, 1, 1] += known
        match[:, :, 0] += prior * typical
        match[:, :, 1] -= known * scales * turn
        new = _solve_blocks(found, match[..., None])[..., 0]
        scales = np.clip(new[:, :, 0], 0.02, 10.0)
        turn += np.clip(new[:, :, 1] / scales, -_LARGEST_TURN, _LARGEST_TURN)
        # Shape and scales may trade a factor, shape and turns a phase: the bands keep the
        # typical size, and no turn on average.
        size = np.sum(present * scales * typical, axis=1) / np.maximum(
            np.sum(present * typical**2, axis=1), 1e-12
        )
        scales /= np.where(size > 0, size, 1.0)[:, None]
        n_present = np.maximum(np.count_nonzero(present, axis=1), 1)
        turn -= (np.sum(present * turn, axis=1) / n_present)[:, None]
        turn[~present] = 0.0
    normal, target = _turned(normal, target, turn)

    left = np.einsum("sb,sbij->sij", scales**2, normal)
    right = np.einsum("sb,sbi->si", scales, target)
    left[:, np.arange(_COLUMNS), np.arange(_COLUMNS)] += (
        _RIDGE * np.maximum((weight * scales**2).sum(axis=1), 1.0)
    )[:, None]
    factor = np.linalg.cholesky(left)
    solved = solve_lower(factor, right)
    gains = np.cumsum(solved**2, axis=1)
    per_order = gains[:, 1:_EVEN:2]  # H = 1 .. 8

    n_used_bands = np.count_nonzero(weight > 0, axis=1)
    orders = np.arange(1, _MOST_HARMONICS + 1)
    n = np.maximum(n_points, 1).astype(np.float64)[:, None]
    rest = np.maximum(chi2_constant[:, None] - per_order, 0.0)
    # A noise scale that is never below the quoted errors, as in the period search.
    scale = np.maximum(rest / n, 1.0)
    score = -(n * np.log(scale) + np.minimum(rest, n)) - 2.0 * orders * np.log(n)
    affordable = (2 * orders + n_used_bands[:, None]) < n / 3.0
    affordable[:, 0] = True
    best = np.argmax(np.where(affordable, score, -np.inf), axis=1)
    fitted = (n_points > n_used_bands + 2) & np.isfinite(frequency[first:last])
    order = np.where(fitted, orders[best], 0)

    coefficients = np.zeros((n_stars, _EVEN))
    odd_gain = np.full(n_stars, np.nan)
    by_band, freedom = np.full(n_stars, np.nan), np.full(n_stars, np.nan)
    for h in np.unique(order[order > 0]).tolist():
        mine = np.flatnonzero(order == h)
        coefficients[mine, : 2 * h] = _solve(left[mine, : 2 * h, : 2 * h], right[mine, : 2 * h])
        by_band[mine], freedom[mine], odd_gain[mine] = _by_band(
            normal[mine],
            target[mine],
            constant[mine],
            coefficients[mine, : 2 * h],
            scales[mine],
            counts[mine],
        )
    unknown = order == 0
    return FoldedCurves(
        coefficients=coefficients,
        order=order,
        scales=np.where(weight > 0, scales, np.nan),
        chi2_constant=np.where(unknown, np.nan, chi2_constant),
        odd_gain=odd_gain,
        chi2_by_band=by_band,
        freedom_by_band=freedom,
    )


def _turned(normal: FloatArray, target: FloatArray, turn: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Express the normal equations of each band in harmonics that come late by a phase."""
    n = normal.shape[2]
    angle = turn[:, :, None] * _ORDERS[: n // 2]
    cos, sin = np.cos(angle), np.sin(angle)
    even, odd = np.arange(0, n, 2), np.arange(1, n, 2)
    rotation = np.zeros(normal.shape)
    rotation[:, :, even, even] = rotation[:, :, odd, odd] = cos
    rotation[:, :, even, odd], rotation[:, :, odd, even] = -sin, sin
    back = np.swapaxes(rotation, 2, 3)
    return back @ normal @ rotation, (back @ target[..., None])[..., 0]


def _slope(coefficients: FloatArray) -> FloatArray:
    """Differentiate curves by the phase by which they come late."""
    order = _ORDERS[: coefficients.shape[1] // 2]
    slope = np.empty_like(coefficients)
    slope[:, 0::2] = -order * coefficients[:, 1::2]
    slope[:, 1::2] = order * coefficients[:, 0::2]
    return slope


def _by_band(
    normal: FloatArray,
    target: FloatArray,
    constant: FloatArray,
    coefficients: FloatArray,
    scales: FloatArray,
    counts: IntArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fit each band by a curve of its own, then all of them by odd harmonics on top.

    A band with the points for it keeps all harmonics; one with fewer scales and shifts the shared
    curve, to first order in the shift; one with hardly any takes it as it is. So what a shared
    curve leaves in bands that lag behind each other is neither scatter nor alternating cycles.
    """
    n = coefficients.shape[1]
    odd = slice(_EVEN, _COLUMNS)
    even, cross = normal[:, :, :n, :n], normal[:, :, :n, odd]
    right = np.concatenate([target[:, :, :n, None], cross], axis=3)
    own = _solve_blocks(even, right)
    pair = np.stack([coefficients, _slope(coefficients)], axis=1)
    pair_right = np.einsum("ski,sbij->sbkj", pair, right)
    moved = _solve_blocks(np.einsum("ski,sbij,slj->sbkl", pair, even, pair), pair_right)

    all_terms = (counts >= 3 * (n + 1))[:, :, None, None]
    two_terms = (counts >= 3 * (_PAIR + 1))[:, :, None, None]
    # What each kind of curve explains of the even part, and of the odd columns beside it.
    explained = np.where(
        all_terms,
        np.einsum("sbni,sbnj->sbij", right, own),
        np.where(two_terms, np.einsum("sbki,sbkj->sbij", pair_right, moved), 0.0),
    )
    fixed = ~(all_terms | two_terms)[:, :, 0, 0]
    level = scales * fixed
    match = np.einsum("si,sbi->sb", coefficients, target[:, :, :n])
    signal = np.einsum("si,sbij,sj->sb", coefficients, even, coefficients)
    gain = explained[:, :, 0, 0] + 2.0 * level * match - level**2 * signal
    chi2 = np.maximum(constant - gain, 0.0).sum(axis=1)
    terms = np.where(all_terms, n, np.where(two_terms, _PAIR, 0))[:, :, 0, 0]
    parameters = (terms + (counts > 0)).sum(axis=1)
    # The shared curve is fitted too, unless every band has one of its own.
    parameters += n * (~all_terms[:, :, 0, 0] & (counts > 0)).any(axis=1)
    freedom = np.maximum(counts.sum(axis=1) - parameters, 1)

    odd_right = target[:, :, odd] - explained[:, :, 1:, 0]
    odd_right -= level[:, :, None] * np.einsum("si,sbij->sbj", coefficients, cross)
    odd_left = normal[:, :, odd, odd] - explained[:, :, 1:, 1:]
    left = np.einsum("sb,sbij->sij", scales**2, odd_left)
    together = np.einsum("sb,sbi->si", scales, odd_right)
    odd_gain = np.maximum((_solve(left, together) * together).sum(axis=1), 0.0)
    return chi2, freedom.astype(np.float64), odd_gain


def _solve_blocks(left: FloatArray, right: FloatArray) -> FloatArray:
    """Solve the normal equations of each star and band."""
    n, k = right.shape[2:]
    return _solve(left.reshape(-1, n, n), right.reshape(-1, n, k)).reshape(right.shape)


def _solve(left: FloatArray, right: FloatArray) -> FloatArray:
    """Solve normal equations with a ridge that keeps them regular, for one right side or many."""
    n = left.shape[1]
    regular = left.copy()
    size = np.trace(left, axis1=1, axis2=2) / n
    regular[:, np.arange(n), np.arange(n)] += (_RIDGE * np.maximum(size, 1.0))[:, None]
    if right.ndim == 2:
        return np.asarray(np.linalg.solve(regular, right[:, :, None])[:, :, 0])
    return np.asarray(np.linalg.solve(regular, right))
