r"""Evidence of frequency and shape, in closed form over amplitude, mean magnitudes and phase.

With relative fluxes y_i, weights w_i and a member's curve T_b, the model of a point is

.. math:: y_i = \delta_b + a\, T_b(f t_i + \phi) + \epsilon_i .

Offsets delta have a Gaussian prior (`pelsvae_cadence.inference.points.offset_precision`), the amplitude a is
N(1, 0.15): both are integrated out. All sums over points are products of the harmonics of T and of
T^2 with the sums of w y and w over the points at multiples of f, so that all members and phases of a
frequency are one matrix product. Noise is scaled up, never down, to what the best phase leaves, and
the priors with it. For one template and free amplitude and offset see Sesar et al. (2017, AJ 153, 204).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.inference.bank import GroupShapes
from pelsvae_cadence.inference.points import StarPoints, expected_offsets, offset_precision

__all__ = ["GroupDesign", "PointSums", "match", "point_sums"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
Complex64 = npt.NDArray[np.complex64]

AMPLITUDE_SCATTER: Final = 0.15
_CELLS: Final = 48_000  # (frequency, member, phase) worked on at once: stays in the cache
_PHASES_PER_HARMONIC: Final = 3
_LEAST_PHASES: Final = 16
_FEW_MEMBERS: Final = 96  # of which shapes are turned to all phases once
_NEAR: Final = 2.5  # kernel widths from a member's period


@dataclass(frozen=True, kw_only=True)
class GroupDesign:
    """Members of a subtype made ready for products with the sums over points.

    Parameters
    ----------
    shapes : GroupShapes
        The members, in the bands of the star.
    n_harmonics : int
        Harmonics used.
    n_phases : int
        Phases of each member.
    reach : float
        Distance in ln P up to which a member answers for a frequency.
    """

    shapes: GroupShapes
    n_harmonics: int
    n_phases: int
    reach: float

    @classmethod
    def of(
        cls,
        shapes: GroupShapes,
        *,
        most_harmonics: int = 99,
        reach: float | None = None,
        density: float = _PHASES_PER_HARMONIC,
    ) -> GroupDesign:
        """Prepare members with a number of phases that suits their harmonics."""
        k = min(shapes.n_harmonics, most_harmonics)
        n_phases = max(_LEAST_PHASES, 4 * round(density * k / 4))
        return cls(
            shapes=shapes,
            n_harmonics=k,
            n_phases=n_phases,
            reach=_NEAR * shapes.width if reach is None else reach,
        )

    @cached_property
    def linear(self) -> Float32Array:
        """Harmonics of T: (n_bands, 2 (K + 1), M), real and minus imaginary parts by turns."""
        return _by_turns(self.shapes.harmonics[:, :, : self.n_harmonics + 1])

    @cached_property
    def square(self) -> Float32Array:
        """Harmonics of T^2: (n_bands, 2 (2 K + 1), M)."""
        k = self.n_harmonics
        size = 8 * (k + 1)
        curve = np.fft.irfft(self.shapes.harmonics[:, :, : k + 1], size, axis=2) * size
        return _by_turns(np.fft.rfft(curve**2, axis=2)[:, :, : 2 * k + 1] / size)

    @cached_property
    def turned_linear(self) -> Float32Array | None:
        """Those of T at every phase, (n_bands, 2 (K + 1), n_phases, M), for a few members only."""
        return self._turned(self.linear)

    @cached_property
    def turned_square(self) -> Float32Array | None:
        """Those of T^2."""
        return self._turned(self.square)

    def _turned(self, pairs: Float32Array) -> Float32Array | None:
        if len(self.shapes) > _FEW_MEMBERS:
            return None
        real, imaginary = pairs[:, ::2], pairs[:, 1::2]
        angle = 2.0 * np.pi * np.arange(real.shape[1])[:, None] * (np.arange(self.n_phases) / self.n_phases)
        cos, sin = np.cos(angle)[:, :, None], np.sin(angle)[:, :, None]
        out = np.empty((pairs.shape[0], pairs.shape[1], self.n_phases, pairs.shape[2]), dtype=np.float32)
        out[:, ::2] = real[:, :, None] * cos + imaginary[:, :, None] * sin
        out[:, 1::2] = imaginary[:, :, None] * cos - real[:, :, None] * sin
        return out

    def near(self, low: float, high: float) -> slice:
        """Give the members that answer for frequencies between two bounds."""
        x = self.shapes.ln_period
        return slice(
            int(np.searchsorted(x, -np.log(high) - self.reach)),
            int(np.searchsorted(x, -np.log(low) + self.reach, side="right")),
        )


def _by_turns(harmonics: npt.NDArray[np.complexfloating]) -> Float32Array:
    n, n_bands, n_k = harmonics.shape
    double = np.where(np.arange(n_k) == 0, 1.0, 2.0)
    pairs = np.stack([harmonics.real * double, -harmonics.imag * double], axis=3)
    return np.ascontiguousarray(pairs.reshape(n, n_bands, 2 * n_k).transpose(1, 2, 0), dtype=np.float32)


class _Products:
    """Products of sums over points with shapes at every phase, in the cheaper of two ways.

    Turning the shapes is done once and pays for a few members at many frequencies; turning the sums
    pays for many members.
    """

    def __init__(
        self, sums: Complex64, shapes: Float32Array, turns: Complex64, turned: Float32Array | None
    ) -> None:
        self._sums = np.ascontiguousarray(sums.transpose(1, 0, 2))  # (F, b, K + 1)
        self._shapes, self._turns, self._turned = shapes, turns, turned
        self._n_phases = turns.shape[0]

    def _both(self, some: slice, near: slice) -> tuple[Float32Array, Float32Array]:
        """Give factors (rows, b, 2 (K + 1)) and (b, 2 (K + 1), columns)."""
        sums = self._sums[some]
        n_freq, n_bands, n_k = sums.shape
        if self._turned is not None:
            columns = self._turned[:, :, :, near].reshape(n_bands, 2 * n_k, -1)
            return sums.view(np.float32), columns
        rows = (sums[:, None] * self._turns[:, None]).view(np.float32)
        return rows.reshape(n_freq * self._n_phases, n_bands, 2 * n_k), self._shapes[:, :, near]

    def total(self, some: slice, near: slice) -> Float32Array:
        """Give the products summed over bands: (F, n_phases, m)."""
        rows, columns = self._both(some, near)
        out = rows.reshape(rows.shape[0], -1) @ columns.reshape(-1, columns.shape[2])
        return np.asarray(out.reshape(some.stop - some.start, self._n_phases, -1))

    def by_band(self, some: slice, near: slice) -> Float32Array:
        """Give the products of each band: (b, F, n_phases, m)."""
        rows, columns = self._both(some, near)
        out = np.matmul(rows.transpose(1, 0, 2), columns)
        return np.asarray(out.reshape(out.shape[0], some.stop - some.start, self._n_phases, -1))


@dataclass(frozen=True, kw_only=True)
class PointSums:
    """Sums over the points of a star at multiples of frequencies.

    Parameters
    ----------
    frequency : ndarray of float64, shape (F,)
        Frequencies in 1/d.
    data : ndarray of complex64, shape (n_bands, F, K + 1)
        The sums of w y exp(2 pi i k f t).
    weight : ndarray of complex64, shape (n_bands, F, 2 K + 1)
        The same of w.
    """

    frequency: FloatArray
    data: Complex64
    weight: Complex64

    def take(self, rows: IntArray) -> PointSums:
        """Select frequencies."""
        return PointSums(frequency=self.frequency[rows], data=self.data[:, rows], weight=self.weight[:, rows])


def point_sums(star: StarPoints, weight: FloatArray, frequency: FloatArray, n_harmonics: int) -> PointSums:
    """Sum weights and weighted values over the points, band by band.

    Parameters
    ----------
    star : StarPoints
        The points.
    weight : ndarray of float64, shape (n,)
        Their weights.
    frequency : ndarray of float64, shape (F,)
        Frequencies in 1/d.
    n_harmonics : int
        Harmonics K of the data; 2 K of the weights.

    Returns
    -------
    PointSums
        The sums.
    """
    n_bands, n_freq = len(star.bands), frequency.size
    data = np.empty((n_harmonics + 1, n_bands, n_freq), dtype=np.complex64)
    mass = np.empty((2 * n_harmonics + 1, n_bands, n_freq), dtype=np.complex64)
    order = np.argsort(star.band, kind="stable")
    edges = np.searchsorted(star.band[order], np.arange(n_bands + 1))
    time = star.time[order]
    w = weight[order]
    strengths = np.stack([w * star.value[order], w]).astype(np.complex64)
    step = max(1, 32_768 // max(time.size, 1))
    for start in range(0, n_freq, step):
        some = slice(start, start + step)
        cycles = time[:, None] * frequency[some]
        turn = np.exp((2j * np.pi) * (cycles - np.rint(cycles))).astype(np.complex64)
        power = np.ones_like(turn)
        for k in range(2 * n_harmonics + 1):
            for b in range(n_bands):
                mine = slice(edges[b], edges[b + 1])
                if k <= n_harmonics:
                    data[k, b, some], mass[k, b, some] = strengths[:, mine] @ power[mine]
                else:
                    mass[k, b, some] = strengths[1, mine] @ power[mine]
            power *= turn
    data, mass = (np.ascontiguousarray(x.transpose(1, 2, 0)) for x in (data, mass))
    return PointSums(frequency=frequency, data=data, weight=mass)


def match(
    star: StarPoints,
    weight: FloatArray,
    sums: PointSums,
    design: GroupDesign,
    *,
    colours: bool = True,
    best_phase_only: bool = False,
    stretch: float = 1.1,
) -> tuple[Float32Array, IntArray]:
    """Match all near members at all frequencies.

    Parameters
    ----------
    star : StarPoints
        The points.
    weight : ndarray of float64, shape (n,)
        Their weights.
    sums : PointSums
        Sums at rising frequencies.
    design : GroupDesign
        The members.
    colours : bool
        Whether mean colours count.
    best_phase_only : bool
        Give the evidence of the best phase in place of the mean over phases, at less than half the cost.
    stretch : float
        Ratio of frequencies that are matched at once: with the default members apart in period are not near to
        all; few frequencies far apart and few members go in longer stretches. It changes the cost alone.

    Returns
    -------
    evidence : ndarray of float32, shape (F, M)
        Log evidence of frequency and member, less what all members of a class share (the
        determinants of the weights and of the offsets' prior); -inf where the member is not near.
    phase : ndarray of int64, shape (F, M)
        Index of the best phase; zeros if only its evidence is wanted.
    """
    shapes, n_phases, k = design.shapes, design.n_phases, design.n_harmonics
    n_freq, n_bands, n = sums.frequency.size, len(star.bands), star.time.size
    evidence = np.full((n_freq, len(shapes)), -np.inf, dtype=np.float32)
    phase = np.zeros((n_freq, len(shapes)), dtype=np.int64)
    precision = offset_precision(star.bands, np.isfinite(star.mean_mag), shapes.star_class, colours)
    mass = np.bincount(star.band, weights=weight, minlength=n_bands)
    total = np.bincount(star.band, weights=weight * star.value, minlength=n_bands)
    squares = float((weight * star.value**2).sum())
    spread = np.linalg.inv(precision + np.diag(mass))
    expected = expected_offsets(star, shapes.mean_mag)
    pull = expected @ precision
    sided = total + pull
    shift = (sided @ spread).astype(np.float32)  # (M, b)
    stiff = np.float32(AMPLITUDE_SCATTER**-2.0)
    chi2 = (squares + (expected * pull).sum(axis=1) - (sided * (sided @ spread)).sum(axis=1)).astype(
        np.float32
    ) + stiff
    root = np.linalg.cholesky(spread).T.astype(np.float32)
    turns = np.exp(2j * np.pi * np.arange(2 * k + 1) * (np.arange(n_phases) / n_phases)[:, None])
    turns = turns.astype(np.complex64)
    shape_sums = (design.linear, turns[:, : k + 1], design.turned_linear)
    data = _Products(sums.data[:, :, : k + 1], *shape_sums)
    first = _Products(sums.weight[:, :, : k + 1], *shape_sums)
    second = _Products(sums.weight[:, :, : 2 * k + 1], design.square, turns, design.turned_square)
    start = 0
    while start < n_freq:
        lowest = sums.frequency[start]
        around = design.near(lowest, stretch * lowest)
        size = max(around.stop - around.start, 1) * n_phases
        stop = int(np.searchsorted(sums.frequency, stretch * lowest))
        stop = min(max(stop, start + 1), start + max(1, _CELLS // size))
        near = design.near(lowest, sums.frequency[stop - 1])
        m, some = near.stop - near.start, slice(start, stop)
        start = stop
        if m <= 0:
            continue
        lift = data.total(some, near)
        lift += stiff
        power = second.total(some, near)
        power += stiff
        mixed = first.by_band(some, near)
        for b in range(n_bands):
            lift -= mixed[b] * shift[near, b]
        for row in root @ mixed.reshape(n_bands, -1):
            np.multiply(row, row, out=row)
            power -= row.reshape(power.shape)
        np.maximum(power, stiff, out=power)
        lift *= lift
        lift /= power
        if not best_phase_only:
            phase[some, near] = lift.argmax(axis=1)
        top = lift.max(axis=1)
        best = chi2[near] - top
        scale = np.maximum(best / np.float32(n), np.float32(1.0))
        evidence[some, near] = np.float32(-0.5) * (np.float32(n) * np.log(scale) + best / scale)
        if not best_phase_only:
            # One scale of the noise a member: that of its best phase.
            lift -= top[:, None]
            lift *= (np.float32(0.5) / scale)[:, None]
            np.exp(lift, out=lift)
            lift *= np.sqrt(stiff / power)
            evidence[some, near] += np.log(lift.mean(axis=1))
    return evidence, phase
