"""Phase curves: the shape of one cycle as Fourier coefficients. Exactly periodic, pointwise.

Sign and zero: magnitudes (brighter is smaller), mean zero, peak-to-peak one. Phase zero is maximum
light, or the primary minimum for eclipsing and ellipsoidal binaries.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from pelsvae_cadence.core.arrays import StructOfArrays, freeze
from pelsvae_cadence.core.compiled import compiled_clenshaw
from pelsvae_cadence.core.errors import InputError

__all__ = ["PhaseCurve", "with_phase_zero"]

FloatArray = npt.NDArray[np.float64]

# Phases worked on at once: the seven arrays of the recurrence then fit in a second-level cache.
_CACHED_DOUBLES = 8192
_GRID: Final = 1024  # phases on which the extremes of a curve are found
# An extreme within this fraction of the amplitude counts as reached: the bottom of a total
# eclipse is flat, and its centre is a better zero than its accidentally faintest point.
_FLATNESS: Final = 0.003


def _fourier_sum(cos: FloatArray, sin: FloatArray, phase: FloatArray) -> FloatArray:
    angle = phase - np.floor(phase)
    angle *= 2.0 * np.pi
    x, y = np.cos(angle), np.sin(angle)
    # Rows of zeros on top (a table's width is that of its narrowest eclipse) leave the sums at zero.
    used = np.flatnonzero(cos.any(axis=0) | sin.any(axis=0))
    top = int(used[-1]) if used.size else -1
    compiled = compiled_clenshaw(x.size * (top + 1))
    if compiled is not None:
        out = np.empty_like(x)
        compiled(x, y, cos, sin, top, out)
        return out
    twice = 2.0 * x
    u, u_next, spare = np.zeros_like(x), np.zeros_like(x), np.empty_like(x)
    v, v_next = np.zeros_like(x), np.zeros_like(x)
    for k in range(top, -1, -1):
        for current, following, coefficient in ((u, u_next, cos), (v, v_next, sin)):
            # following <- coefficient + 2 cos(angle) current - following; the roles then swap.
            np.multiply(twice, current, out=spare)
            np.subtract(spare, following, out=following)
            following += coefficient[:, k : k + 1]
        u, u_next = u_next, u
        v, v_next = v_next, v
    u *= x
    u -= u_next
    v *= y
    u += v
    return u


@dataclass(frozen=True, kw_only=True)
class PhaseCurve(StructOfArrays):
    r"""Shapes of N stars as K harmonics each.

    .. math:: s_i(\phi) = \sum_{k=1}^{K} a_{ik} \cos 2\pi k\phi + b_{ik} \sin 2\pi k\phi

    Parameters
    ----------
    cos, sin : ndarray of float64, shape (N, K)
        The coefficients :math:`a_{ik}` and :math:`b_{ik}`, in units of the peak-to-peak amplitude.

    Raises
    ------
    InputError
        If the shapes differ or a coefficient is not finite.
    """

    cos: FloatArray
    sin: FloatArray

    def __post_init__(self) -> None:
        cos = np.array(self.cos, dtype=np.float64)
        sin = np.array(self.sin, dtype=np.float64)
        if cos.ndim != 2 or cos.shape != sin.shape or cos.shape[1] < 1:
            raise InputError(
                f"cos {cos.shape} and sin {sin.shape} must have one shape (n_stars, n_harmonics)"
            )
        if not (np.isfinite(cos).all() and np.isfinite(sin).all()):
            raise InputError("phase-curve coefficients must be finite")
        object.__setattr__(self, "cos", freeze(cos))
        object.__setattr__(self, "sin", freeze(sin))

    @property
    def n_harmonics(self) -> int:
        """Number of harmonics K."""
        return int(self.cos.shape[1])

    @classmethod
    @override
    def concatenate(cls, parts: Iterable[Self]) -> Self:
        chunks = list(parts)
        most = max((chunk.n_harmonics for chunk in chunks), default=0)
        # Shorter series are filled up with zeros.
        widths = [((0, 0), (0, most - chunk.n_harmonics)) for chunk in chunks]
        return super().concatenate(
            cls(cos=np.pad(chunk.cos, width), sin=np.pad(chunk.sin, width))
            for chunk, width in zip(chunks, widths, strict=True)
        )

    def evaluate(self, phase: npt.ArrayLike) -> FloatArray:
        """Evaluate every curve at its own phases.

        Parameters
        ----------
        phase : array_like, shape (N, n_phases) or (n_phases,)
            Phases in cycles; any real numbers, in any order. One dimension serves all stars.

        Returns
        -------
        ndarray of float64, shape (N, n_phases)
            Magnitude offsets from the mean in units of the peak-to-peak amplitude.

        Notes
        -----
        Each value depends on its own phase only. Both series are summed by Clenshaw's recurrence
        (Clenshaw 1955, MTAC 9, 118) with plain products and sums, which round the same way in
        every SIMD lane: results are bit-identical under any chunking. Rows are worked on in
        groups that stay in the processor's cache.
        """
        phi = np.asarray(phase, dtype=np.float64)
        n_phases = phi.shape[-1]
        phi = np.broadcast_to(phi, (len(self), n_phases))
        out = np.empty((len(self), n_phases))
        step = max(1, _CACHED_DOUBLES // max(n_phases, 1))
        for start in range(0, len(self), step):
            rows = slice(start, start + step)
            out[rows] = _fourier_sum(self.cos[rows], self.sin[rows], phi[rows])
        return out

    def on_grid(self, n_grid: int) -> FloatArray:
        """Evaluate every curve at equidistant phases.

        Parameters
        ----------
        n_grid : int
            Number of phases, even; half of it less one is the highest harmonic that counts.

        Returns
        -------
        ndarray of float64, shape (N, n_grid)
            Magnitude offsets at the phases 0, 1 / n_grid and so on.
        """
        # An inverse FFT of (a - i b) is the curve on the grid, some fifty times faster than the sum.
        k = min(self.n_harmonics, n_grid // 2 - 1)
        spectrum = np.zeros((len(self), n_grid // 2 + 1), dtype=np.complex128)
        spectrum[:, 1 : k + 1] = 0.5 * n_grid * (self.cos[:, :k] - 1j * self.sin[:, :k])
        return np.asarray(np.fft.irfft(spectrum, axis=1))

    def normalised(self, n_grid: int = 1024) -> PhaseCurve:
        """Scale every curve to a peak-to-peak amplitude of one.

        Parameters
        ----------
        n_grid : int
            Number of equidistant phases on which the extremes are found.

        Returns
        -------
        PhaseCurve
            The scaled curves.
        """
        size = np.ptp(self.evaluate(np.arange(n_grid) / n_grid), axis=1)[:, None]
        if (size <= 0).any():
            raise InputError("a constant curve cannot be scaled to unit amplitude")
        return PhaseCurve(cos=self.cos / size, sin=self.sin / size)

    def shifted(self, phase: npt.ArrayLike) -> PhaseCurve:
        """Move the phase zero: the new curve at 0 is the old one at `phase`.

        Parameters
        ----------
        phase : array_like, shape (N,) or scalar
            Phase of the new zero in cycles.

        Returns
        -------
        PhaseCurve
            The shifted curves.
        """
        shift = np.broadcast_to(np.asarray(phase, dtype=np.float64), (len(self),))[:, None]
        angle = 2.0 * np.pi * shift * np.arange(1, self.n_harmonics + 1)
        c, s = np.cos(angle), np.sin(angle)
        return PhaseCurve(cos=self.cos * c + self.sin * s, sin=self.sin * c - self.cos * s)


def with_phase_zero(curves: PhaseCurve, binary: npt.NDArray[np.bool_]) -> tuple[PhaseCurve, FloatArray]:
    """Put the phase zero on the extreme that the convention names, and the amplitude to one.

    Parameters
    ----------
    curves : PhaseCurve
        N curves of any amplitude, whose zero is near the extreme or elsewhere.
    binary : ndarray of bool, shape (N,)
        Which of them are eclipsing or ellipsoidal binaries.

    Returns
    -------
    PhaseCurve
        The curves, with unit peak-to-peak amplitude.
    ndarray of float64, shape (N,)
        Phases of the new zero in the old curves; 0 where the old zero is the extreme to 0.3 per
        cent of the amplitude.
    """
    if not len(curves):
        return curves, np.zeros(0)
    values = curves.on_grid(_GRID)
    # Bright is negative: maximum light is the smallest value, a binary's minimum the largest.
    wanted = np.negative(values, out=values, where=binary[:, None])
    at = wanted.argmin(axis=1)
    best = wanted[np.arange(len(wanted)), at]
    size = wanted.max(axis=1) - best
    around = [np.take_along_axis(wanted, ((at + d) % _GRID)[:, None], axis=1)[:, 0] for d in (-1, 0, 1)]
    bend = around[0] - 2.0 * around[1] + around[2]
    offset = 0.5 * (around[0] - around[2]) / np.where(bend > 0, bend, 1.0)
    peak = (at + np.clip(offset, -0.5, 0.5)) / _GRID
    moved = wanted[:, 0] > best + _FLATNESS * size
    shift = np.where(moved, peak, 0.0)
    cos, sin = curves.cos / size[:, None], curves.sin / size[:, None]
    if moved.any():
        turned = PhaseCurve(cos=cos[moved], sin=sin[moved]).shifted(shift[moved])
        cos[moved], sin[moved] = turned.cos, turned.sin
    return PhaseCurve(cos=cos, sin=sin), shift
