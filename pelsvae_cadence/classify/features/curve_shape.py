"""Numbers that describe the shape of a folded curve."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["SHAPE_PHASES", "shape_of_curve"]

FloatArray = npt.NDArray[np.float64]

#: Phases on which a curve is measured; a power of two for the Fourier transform.
SHAPE_PHASES: Final = 256
# A second minimum counts when it is deeper than this share of the amplitude.
_DEEP_ENOUGH: Final = 0.05


def shape_of_curve(mag: FloatArray) -> dict[str, FloatArray]:
    """Measure curves.

    Parameters
    ----------
    mag : ndarray of float64, shape (N, K)
        Magnitudes at K equal steps of phase.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        The features of the group "shape" that need nothing but the curve: see
        `pelsvae_cadence.classify.feature_definitions`.

    Notes
    -----
    Fourier terms follow OGLE: cosine series in magnitudes, R_k1 = A_k / A_1, phi_k1 = phi_k - k
    phi_1 (Simon & Lee 1981, ApJ 248, 291).
    """
    n_phases = mag.shape[1]
    brightest, faintest = mag.min(axis=1), mag.max(axis=1)
    centred = mag - mag.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1)
    safe = np.where(spread > 0, spread, 1.0)
    at_bright, at_faint = np.argmin(mag, axis=1), np.argmax(mag, axis=1)
    values: dict[str, FloatArray] = {
        "amplitude": faintest - brightest,
        "rise_fraction": ((at_bright - at_faint) % n_phases) / n_phases,
        "bright_fraction": (mag < (0.5 * (brightest + faintest))[:, None]).mean(axis=1),
        "curve_skewness": (centred**3).mean(axis=1) / safe**3,
        "curve_kurtosis": (centred**4).mean(axis=1) / safe**4 - 3.0,
    }
    values["second_minimum"], values["second_phase"] = _second_minimum(mag, at_faint)
    terms = np.fft.rfft(mag, axis=1)[:, 1:5] / (0.5 * n_phases)
    size, angle = np.abs(terms), np.angle(terms)
    first = np.where(size[:, 0] > 0, size[:, 0], 1.0)
    for k in (2, 3, 4):
        values[f"r{k}1"] = size[:, k - 1] / first
        values[f"phi{k}1"] = (angle[:, k - 1] - k * angle[:, 0]) % (2.0 * np.pi)
    return values


def _second_minimum(mag: FloatArray, at_faint: npt.NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Find the deepest minimum of light besides the first, and how far it stands from it."""
    n_phases = mag.shape[1]
    local = (mag > np.roll(mag, 1, axis=1)) & (mag >= np.roll(mag, -1, axis=1))
    distance = np.abs(np.arange(n_phases)[None, :] - at_faint[:, None])
    distance = np.minimum(distance, n_phases - distance)
    depth = mag - mag.min(axis=1, keepdims=True)
    amplitude = depth.max(axis=1)
    depth = np.where(local & (distance > 0), depth, 0.0)
    where = np.argmax(depth, axis=1)
    rows = np.arange(mag.shape[0])
    ratio = depth[rows, where] / np.where(amplitude > 0, amplitude, 1.0)
    found = ratio > _DEEP_ENOUGH
    return (np.where(found, ratio, 0.0), np.where(found, distance[rows, where] / n_phases, np.nan))
