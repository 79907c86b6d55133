"""Where the phase of a curve is zero: at maximum light, for binaries at primary minimum."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.phase_curve import PhaseCurve

__all__ = ["with_phase_zero"]

FloatArray = npt.NDArray[np.float64]

_GRID: Final = 1024  # phases on which the extremes of a curve are found
# An extreme within this fraction of the amplitude counts as reached: the bottom of a total
# eclipse is flat, and its centre is a better zero than its accidentally faintest point.
_FLATNESS: Final = 0.003


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
    # An inverse FFT of (a - i b) is the curve on the grid, some fifty times faster than the sum.
    spectrum = np.zeros((len(curves), _GRID // 2 + 1), dtype=np.complex128)
    spectrum[:, 1 : curves.n_harmonics + 1] = 0.5 * _GRID * (curves.cos - 1j * curves.sin)
    values = np.fft.irfft(spectrum, axis=1)
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
