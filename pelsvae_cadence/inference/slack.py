"""Shapes between the members: local linear bases with Gaussian priors, and shapes that nobody has seen."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.inference.bank import GroupShapes

__all__ = ["N_SLACK", "curves_with_slack", "harmonic_curves"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ComplexArray = npt.NDArray[np.complex128]

_COMPONENTS: Final = 4
_LOW_HARMONICS: Final = 3
N_SLACK: Final = _COMPONENTS + 2 * _LOW_HARMONICS
_NEIGHBOURS: Final = 60
_WINDOW_STEP: Final = 10
# Share of the neighbours' scatter: the member itself is one draw of it.
_SHARE: Final = 0.7
# Amplitude of the low harmonics in units of the curve's, by class: Miras change from cycle to cycle.
_FREE: Final = {"LPV": 0.15, "ECL": 0.02, "ELL": 0.05}
_FREE_OTHERS: Final = 0.05


def curves_with_slack(shapes: GroupShapes, member: IntArray) -> ComplexArray:
    """Give members and the directions in which stars of their kind differ from them.

    Parameters
    ----------
    shapes : GroupShapes
        The members of a subtype.
    member : ndarray of int64, shape (H,)
        Members.

    Returns
    -------
    ndarray of complex128, shape (H, n_bands, K + 1, 1 + N_SLACK)
        Fourier coefficients of the member's curve, of the four principal components of its neighbours
        in period about their mean, and of a cosine and a sine at each of the three lowest harmonics,
        each of the size of one standard deviation.
    """
    harmonics = shapes.harmonics.astype(np.complex128)
    n_bands, n_k = harmonics.shape[1:]
    out = np.zeros((member.size, n_bands, n_k, 1 + N_SLACK), dtype=np.complex128)
    out[..., 0] = harmonics[member]
    found: dict[int, ComplexArray] = {}
    for h, m in enumerate(member.tolist()):
        # Windows begin at every tenth member, and the last one ends with the last member.
        start = max(m - _NEIGHBOURS // 2, 0)
        start = min(start - start % _WINDOW_STEP, max(len(shapes) - _NEIGHBOURS, 0))
        if start not in found:
            found[start] = _components(harmonics[start : start + _NEIGHBOURS])
        out[h, :, :, 1 : 1 + _COMPONENTS] = found[start]
    size = np.sqrt(2.0 * (np.abs(out[:, :, 1:, 0]) ** 2).sum(axis=2)) * np.sqrt(2.0)  # (H, bands)
    free = _FREE.get(shapes.star_class, _FREE_OTHERS)
    for k in range(1, min(_LOW_HARMONICS, n_k - 1) + 1):
        at = 1 + _COMPONENTS + 2 * (k - 1)
        out[:, :, k, at] = 0.5 * free * size
        out[:, :, k, at + 1] = -0.5j * free * size
    return out


def _components(curves: ComplexArray) -> ComplexArray:
    n, n_bands, n_k = curves.shape
    flat = curves.reshape(n, -1)
    flat = flat - flat.mean(axis=0)
    both = np.concatenate([flat.real, flat.imag], axis=1)
    _, size, vector = np.linalg.svd(both, full_matrices=False)
    vector = vector[:_COMPONENTS] * (size[:_COMPONENTS, None] * _SHARE / np.sqrt(n))
    half = n_bands * n_k
    out = (vector[:, :half] + 1j * vector[:, half:]).reshape(-1, n_bands, n_k)
    full = np.zeros((n_bands, n_k, _COMPONENTS), dtype=np.complex128)
    full[:, :, : out.shape[0]] = out.transpose(1, 2, 0)
    return full


def harmonic_curves(
    ratio: FloatArray, amplitude: FloatArray, n_harmonics: int, *, narrow: bool = False
) -> ComplexArray:
    """Give free harmonics, which any shape is made of.

    Parameters
    ----------
    ratio : ndarray of float64, shape (n_bands,)
        Amplitudes of the bands.
    amplitude : ndarray of float64, shape (H,)
        Standard deviation of the coefficients of the fundamental; that of harmonic k is 1/k of it.
    n_harmonics : int
        Harmonics K.
    narrow : bool
        Whether all harmonics are alike, as those of narrow eclipses; together they then have the
        variance of one coefficient of the size `amplitude`.

    Returns
    -------
    ndarray of complex128, shape (H, n_bands, K + 1, 1 + 2 K)
        Fourier coefficients; the first curve is zero.
    """
    out = np.zeros((amplitude.size, ratio.size, n_harmonics + 1, 1 + 2 * n_harmonics), dtype=np.complex128)
    for k in range(1, n_harmonics + 1):
        size = 0.5 * amplitude[:, None] * ratio / (np.sqrt(n_harmonics) if narrow else k)
        out[:, :, k, 2 * k - 1] = size
        out[:, :, k, 2 * k] = -1j * size
    return out
