"""Classification learned from drawn stars and tried on real ones.

A classifier trained on drawn stars and tested on real ones (TSTR), beside the same one trained on
real stars (TRTR): Esteban, Hyland & Raetsch 2017, arXiv:1706.02633.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.evaluate.errors import bootstrap_error
from pelsvae_cadence.training.evaluate.measures.samples import draw_like, exposure_error
from pelsvae_cadence.training.evaluate.measures.two_sample import observed_features
from pelsvae_cadence.training.open_set.table import OpenSet

__all__ = ["Separation", "macro_f1", "separation"]

_RESAMPLES: Final = 100


@dataclass(frozen=True, kw_only=True)
class Separation:
    """Macro-F1 scores on real test stars.

    Parameters
    ----------
    tstr, trtr : float
        Trained on drawn stars; on real stars. Means over the draws.
    ratio : float
        TSTR / TRTR.
    error : float
        Standard error of the ratio, from resampled test stars.
    scatter : float
        Standard deviation of the ratio from draw to draw.
    """

    tstr: float
    trtr: float
    ratio: float
    error: float
    scatter: float


def macro_f1(truth: npt.NDArray[np.str_], answer: npt.NDArray[np.str_]) -> float:
    """Average the F1 scores of the classes.

    Parameters
    ----------
    truth, answer : ndarray of str, shape (N,)
        Classes.

    Returns
    -------
    float
        Mean over the classes that occur in `truth` of 2 TP / (2 TP + FP + FN).
    """
    scores = []
    for name in np.unique(truth):
        hit = np.sum((truth == name) & (answer == name))
        scores.append(2.0 * hit / (np.sum(truth == name) + np.sum(answer == name)))
    return float(np.mean(scores))


def _columns(curve: PhaseCurve, rows: OpenSet, amplitude: FloatArray, period: bool, seed: int) -> FloatArray:
    # One kind of features for all classes: those that need no phase zero.
    found = observed_features(curve, "RRLYR", amplitude, exposure_error(rows), seed=seed)
    return np.column_stack([found, np.log10(rows.period)]) if period else found


def separation(
    model: LightCurveModel,
    learn: OpenSet,
    test: OpenSet,
    *,
    with_period: bool,
    seeds: Sequence[int] = (0, 1, 2),
) -> Separation:
    """Train a random forest on drawn and on real stars, and test both on real ones.

    Parameters
    ----------
    model : LightCurveModel
        The model.
    learn : OpenSet
        Real stars on which the model was not trained. TRTR learns from them, TSTR from stars
        drawn at their periods, temperatures and magnitudes.
    test : OpenSet
        Other real stars.
    with_period : bool
        Let the classifier see log P.
    seeds : sequence of int
        Seeds of draws, points, noise and forests.

    Returns
    -------
    Separation
        The scores.
    """
    answers = []
    for seed in seeds:
        drawn = draw_like(model, learn, ("period", "teff", "abs_mag_g"), seed=seed)
        x_test = _columns(test.curve, test, test.amplitude_i, with_period, 3 * seed)
        pair = []
        for i, (curve, amplitude) in enumerate(
            ((drawn.curve, drawn.amplitude_i), (learn.curve, learn.amplitude_i))
        ):
            forest = RandomForestClassifier(
                200, class_weight="balanced", min_samples_leaf=2, random_state=seed
            )
            forest.fit(_columns(curve, learn, amplitude, with_period, 3 * seed + 1 + i), learn.star_class)
            pair.append(forest.predict(x_test))
        answers.append(pair)

    def scores(rows: npt.NDArray[np.int64]) -> FloatArray:
        truth = test.star_class[rows]
        return np.array([[macro_f1(truth, a[rows]) for a in pair] for pair in answers])

    def ratio(rows: npt.NDArray[np.int64]) -> float:
        tstr, trtr = scores(rows).mean(axis=0)
        return float(tstr / trtr)

    everyone = scores(np.arange(len(test)))
    tstr, trtr = everyone.mean(axis=0)
    return Separation(
        tstr=float(tstr),
        trtr=float(trtr),
        ratio=float(tstr / trtr),
        error=bootstrap_error(ratio, len(test), seed=0, repeats=_RESAMPLES),
        scatter=float(np.std(everyone[:, 0] / everyone[:, 1])),
    )
