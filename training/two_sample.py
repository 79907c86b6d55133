"""Observed features of folded light curves, and the classifier two-sample test on them.

Features come from noisy points of either kind of star, refitted the same way: a difference in how
shapes are stored (number of harmonics, rounding) must not tell real stars from drawn ones.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from pelsvae_cadence.classes import is_binary
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.phase_curve import PhaseCurve

__all__ = ["bic_harmonics", "fold_noise", "observed_features", "two_sample_auc"]

FloatArray = npt.NDArray[np.float64]

_N_HARMONICS = 6
_N_GRID = 512


def fold_noise(mag_i: npt.ArrayLike) -> FloatArray:
    """Photometric error of a single OGLE-III-like I exposure.

    Parameters
    ----------
    mag_i : array_like, shape (N,)
        Apparent I magnitudes.

    Returns
    -------
    ndarray of float64, shape (N,)
        Errors in mag: 0.007 for bright stars, 0.05 at I = 18.7, 0.1 at 19.6. An engineering
        estimate, so that faint classes are tested on faint-star photometry.
    """
    faint = 0.05 * 10.0 ** (0.32 * (np.asarray(mag_i, dtype=np.float64) - 18.7))
    return np.asarray(np.hypot(0.007, faint))


def observed_features(
    curves: PhaseCurve,
    star_class: str,
    amplitude: FloatArray,
    noise: FloatArray,
    *,
    n_points: int = 200,
    seed: int = 0,
) -> FloatArray:
    """Observe curves at random phases, refit them, and measure the fits.

    Parameters
    ----------
    curves : PhaseCurve
        N shapes of unit amplitude.
    star_class : str
        Their class.
    amplitude : ndarray, shape (N,)
        Amplitudes in mag.
    noise : ndarray, shape (N,)
        Error of a point in mag.
    n_points : int
        Points per star.
    seed : int
        Seed of phases and noise.

    Returns
    -------
    ndarray of float64, shape (N, n_features)
        log amplitude, amplitude ratios and phase differences of the harmonics, rise fraction and
        skewness; for binaries the coefficients themselves about the primary minimum.
    """
    rng = np.random.default_rng(seed)
    phase = rng.random((len(curves), n_points))
    mag = amplitude[:, None] * curves.evaluate(phase)
    mag = mag + noise[:, None] * rng.normal(size=phase.shape)
    k = np.arange(1, _N_HARMONICS + 1)
    angle = 2.0 * np.pi * phase[:, :, None] * k
    design = np.concatenate([np.ones((*phase.shape, 1)), np.cos(angle), np.sin(angle)], axis=2)
    normal = np.einsum("npi,npj->nij", design, design)
    right = np.einsum("npi,np->ni", design, mag)
    answer = np.linalg.solve(normal, right[..., None])[..., 0]
    a, b = answer[:, 1 : _N_HARMONICS + 1], answer[:, _N_HARMONICS + 1 :]
    grid = PhaseCurve(cos=a, sin=b).evaluate(np.arange(_N_GRID) / _N_GRID)
    size = np.ptp(grid, axis=1)
    centred = grid - grid.mean(axis=1, keepdims=True)
    skewness = np.mean(centred**3, axis=1) / np.mean(centred**2, axis=1) ** 1.5
    rise = ((grid.argmin(axis=1) - grid.argmax(axis=1)) / _N_GRID) % 1.0
    if is_binary(star_class):
        parts = [np.log10(size)[:, None], a / size[:, None], b / size[:, None], skewness[:, None]]
        return np.concatenate(parts, axis=1)
    term = a - 1j * b
    ratio = np.abs(term[:, 1:]) / np.abs(term[:, :1])
    turn = (
        term[:, 1:]
        * np.conj(term[:, :1]) ** k[1:]
        / (np.abs(term[:, 1:]) * np.abs(term[:, :1]) ** k[1:])
    )
    parts = [np.log10(size)[:, None], ratio[:, :3], turn.real[:, :3], turn.imag[:, :3],
             rise[:, None], skewness[:, None]]  # fmt: skip
    return np.concatenate(parts, axis=1)


def two_sample_auc(first: FloatArray, second: FloatArray, *, seed: int = 0) -> float:
    """Tell two samples apart with gradient-boosted trees.

    Parameters
    ----------
    first, second : ndarray, shape (N, n_features) and (M, n_features)
        The samples.
    seed : int
        Seed of folds and trees.

    Returns
    -------
    float
        Area under the ROC curve of five-fold held-out predictions; 0.5 means alike (Lopez-Paz &
        Oquab 2017, arXiv:1610.06545).

    Raises
    ------
    InputError
        If a sample has fewer than 20 members.
    """
    if min(len(first), len(second)) < 20:
        raise InputError(f"samples of {len(first)} and {len(second)}", allowed="20 or more each")
    x = np.concatenate([first, second])
    y = np.repeat([0, 1], [len(first), len(second)])
    trees = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.06, max_leaf_nodes=15, random_state=seed
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    score = cross_val_predict(trees, x, y, cv=folds, method="predict_proba")[:, 1]
    return float(roc_auc_score(y, score))


def bic_harmonics(
    phase: FloatArray, mag: FloatArray, error: float, max_harmonics: int = 12
) -> PhaseCurve:
    """Fit one star by a Fourier series whose order minimises the BIC: the classical way.

    Parameters
    ----------
    phase, mag : ndarray, shape (n_points,)
        Folded points.
    error : float
        Their error in mag.
    max_harmonics : int
        Highest order tried; at most (n_points - 2) / 2.

    Returns
    -------
    PhaseCurve
        The fit in mag, not scaled.
    """
    k = np.arange(1, max(1, min(max_harmonics, (len(phase) - 2) // 2)) + 1)
    angle = 2.0 * np.pi * phase[:, None] * k
    cos, sin = np.cos(angle), np.sin(angle)
    best: tuple[float, FloatArray, int] | None = None
    for n in k.tolist():
        design = np.concatenate([np.ones((len(phase), 1)), cos[:, :n], sin[:, :n]], axis=1)
        answer, *_ = np.linalg.lstsq(design, mag, rcond=None)
        chi_square = np.sum((mag - design @ answer) ** 2) / error**2
        score = chi_square + (2 * n + 1) * np.log(len(phase))
        if best is None or score < best[0]:
            best = (float(score), answer, n)
    if best is None:
        raise InputError("no points to fit")
    _, answer, n = best
    return PhaseCurve(cos=answer[None, 1 : n + 1], sin=answer[None, n + 1 :])
