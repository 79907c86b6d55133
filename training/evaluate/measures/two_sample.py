"""The classifier two-sample test on observed features of folded light curves.

Features come from noisy points of either kind of star, refitted the same way: a difference in how
shapes are stored (number of harmonics, rounding) must not tell real stars from drawn ones.

A drawn star that shares its period with a real one is its twin. Both go into the same fold:
otherwise the trees recognise the twin by the period and learn the opposite label, which pushes
the area under the curve below what an honest judge would reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier

from pelsvae_cadence.classes import is_binary
from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.training.evaluate.measures.samples import Drawn, exposure_error
from pelsvae_cadence.training.evaluate.measures.trends import rise_fraction, skewness
from pelsvae_cadence.training.open_set.table import OpenSet

__all__ = ["Verdict", "observed_features", "real_against_real", "two_sample_by_provenance", "two_sample_test"]

_N_HARMONICS = 6
_N_GRID = 512
_FOLDS = 5
_RESAMPLES = 200


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Area under the ROC curve with its error.

    Parameters
    ----------
    auc : float
        Mean over the draws; 0.5 means that nobody can tell.
    error : float
        Standard error from resampled stars.
    n : int
        Stars on either side.
    """

    auc: float
    error: float
    n: int


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
        Their class, which decides the kind of features.
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
        skewness, none of which depends on the phase zero; for binaries log amplitude, the
        coefficients themselves about the primary minimum, and skewness.
    """
    rng = np.random.default_rng(seed)
    phase = rng.random((len(curves), n_points))
    mag = amplitude[:, None] * curves.evaluate(phase)
    mag = mag + noise[:, None] * rng.normal(size=phase.shape)
    k = np.arange(1, _N_HARMONICS + 1)
    angle = 2.0 * np.pi * phase[:, :, None] * k
    design = np.concatenate([np.ones((*phase.shape, 1)), np.cos(angle), np.sin(angle)], axis=2)
    normal = np.einsum("npi,npj->nij", design, design, optimize=True)
    right = np.einsum("npi,np->ni", design, mag, optimize=True)
    answer = np.linalg.solve(normal, right[..., None])[..., 0]
    a, b = answer[:, 1 : _N_HARMONICS + 1], answer[:, _N_HARMONICS + 1 :]
    fit = PhaseCurve(cos=a, sin=b)
    size = np.ptp(fit.evaluate(np.arange(_N_GRID) / _N_GRID), axis=1)
    skew, rise = skewness(fit), rise_fraction(fit)
    if is_binary(star_class):
        parts = [np.log10(size)[:, None], a / size[:, None], b / size[:, None], skew[:, None]]
        return np.concatenate(parts, axis=1)
    term = a - 1j * b
    ratio = np.abs(term[:, 1:]) / np.abs(term[:, :1])
    turn = term[:, 1:] * np.conj(term[:, :1]) ** k[1:] / (np.abs(term[:, 1:]) * np.abs(term[:, :1]) ** k[1:])
    parts = [
        np.log10(size)[:, None],
        ratio[:, :3],
        turn.real[:, :3],
        turn.imag[:, :3],
        rise[:, None],
        skew[:, None],
    ]
    return np.concatenate(parts, axis=1)


def _given_columns(rows: OpenSet, given: tuple[str, ...]) -> FloatArray:
    """Arrange given parameters as columns."""
    columns = [
        np.asarray(rows.abs_mag_g) if name == "abs_mag_g" else np.log10(getattr(rows, name)) for name in given
    ]
    return np.stack(columns, axis=1) if columns else np.empty((len(rows), 0))


def _held_out_scores(
    first: FloatArray, second: FloatArray, *, twins: bool = False, seed: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Score the members of two samples by boosted trees that have not seen them."""
    if min(len(first), len(second)) < 20:
        raise InputError(f"samples of {len(first)} and {len(second)}", allowed="20 or more each")
    if twins and len(first) != len(second):
        raise InputError(f"twins in samples of {len(first)} and {len(second)}")
    rng = np.random.default_rng(seed)
    folds = [rng.permutation(len(first)) % _FOLDS]
    folds.append(folds[0] if twins else rng.permutation(len(second)) % _FOLDS)
    x, fold = np.concatenate([first, second]), np.concatenate(folds)
    y = np.repeat([0, 1], [len(first), len(second)])
    score = np.empty(len(x))
    for k in range(_FOLDS):
        trees = HistGradientBoostingClassifier(
            max_iter=100, learning_rate=0.06, max_leaf_nodes=15, random_state=seed
        )
        trees.fit(x[fold != k], y[fold != k])
        score[fold == k] = trees.predict_proba(x[fold == k])[:, 1]
    return score[: len(first)], score[len(first) :]


def _area(first: FloatArray, second: FloatArray) -> float:
    """Area under the ROC curve from ranks (Mann-Whitney)."""
    n, m = len(first), len(second)
    ranks = rankdata(np.concatenate([first, second]))
    return float((ranks[n:].sum() - m * (m + 1) / 2) / (n * m))


def two_sample_test(
    rows: OpenSet, draws: Sequence[Drawn], *, given: tuple[str, ...] = ("period",)
) -> Verdict:
    """Try to tell drawn stars from real ones of the same class and the same given parameters.

    Parameters
    ----------
    rows : OpenSet
        N real stars of one class.
    draws : sequence of Drawn
        One star for each row, drawn (or copied) several times over.
    given : tuple of str
        Parameters that the drawn stars share with the real ones, and that the classifier sees.

    Returns
    -------
    Verdict
        Mean over the draws, with the error from resampled stars.
    """
    return _verdict(_scores(rows, draws, given), twins=True)


def two_sample_by_provenance(
    rows: OpenSet, draws: Sequence[Drawn], *, given: tuple[str, ...] = ("period",), fewest: int = 30
) -> tuple[Verdict, dict[str, Verdict]]:
    """Try to tell drawn stars from real ones, and judge each provenance apart as well.

    Parameters
    ----------
    rows : OpenSet
        N real stars of one class.
    draws : sequence of Drawn
        One star for each row, drawn several times over.
    given : tuple of str
        Parameters that the drawn stars share with the real ones, and that the classifier sees.
    fewest : int
        Fewest stars of a provenance that are judged.

    Returns
    -------
    Verdict
        As of `two_sample_test`.
    dict of str to Verdict
        By provenance: real stars of that provenance against those drawn like them, ranked by the
        trees of the whole class.
    """
    scores = _scores(rows, draws, given)
    parts = {
        name: _verdict([(a[mine], b[mine]) for a, b in scores], twins=True)
        for name in np.unique(rows.provenance).tolist()
        if (mine := rows.provenance == name).sum() >= fewest
    }
    return _verdict(scores, twins=True), parts


def _features(rows: OpenSet, shapes: OpenSet | Drawn, given: tuple[str, ...], seed: int) -> FloatArray:
    """Observe shapes as the rows would be, with the given parameters of the rows beside."""
    found = observed_features(
        shapes.curve, str(rows.star_class[0]), shapes.amplitude_i, exposure_error(rows), seed=seed
    )
    return np.concatenate([found, _given_columns(rows, given)], axis=1)


def _scores(
    rows: OpenSet, draws: Sequence[Drawn], given: tuple[str, ...]
) -> list[tuple[FloatArray, FloatArray]]:
    """Score real stars and their twins, draw by draw."""
    scores = []
    for seed, drawn in enumerate(draws):
        first = _features(rows, rows, given, 2 * seed)
        second = _features(rows, drawn, given, 2 * seed + 1)
        scores.append(_held_out_scores(first, second, twins=True, seed=seed))
    return scores


def real_against_real(rows: OpenSet, other: OpenSet, *, repeats: int = 2) -> Verdict:
    """Try to tell real stars from other real stars of their class: the control."""
    scores = []
    for seed in range(repeats):
        first, second = (_features(t, t, ("period",), 2 * seed + i) for i, t in enumerate((rows, other)))
        scores.append(_held_out_scores(first, second, seed=seed))
    return _verdict(scores, twins=False)


def _verdict(scores: list[tuple[FloatArray, FloatArray]], *, twins: bool) -> Verdict:
    n, m = len(scores[0][0]), len(scores[0][1])
    rng = np.random.default_rng(0)
    areas = []
    for _ in range(_RESAMPLES):
        i = rng.integers(0, n, n)
        j = i if twins else rng.integers(0, m, m)
        areas.append(np.mean([_area(a[i], b[j]) for a, b in scores]))
    value = float(np.mean([_area(a, b) for a, b in scores]))
    return Verdict(auc=value, error=float(np.std(areas)), n=min(n, m))
