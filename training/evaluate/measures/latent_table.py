"""Table 3 of the paper anew: how well physical parameters predict the latent coordinates.

Martinez-Palomera, Bloom & Abrahams 2020 (arXiv:2005.07773, section 4) regress the latent means
on physical parameters and split rows, of which several belong to one star, at random. A forest
then remembers stars: physics that were shuffled among the stars predict as well. Here the split
is by star, and the figures that no knowledge reaches (the mean, the mean of the class, shuffled
physics) stand beside.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPRegressor

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.model.reference_stars import physics_matrix
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.evaluate.measures.samples import stars_of
from pelsvae_cadence.training.evaluate.measures.separation import macro_f1
from pelsvae_cadence.training.open_set.table import OpenSet

__all__ = ["LatentTable", "encode_rows", "latent_table"]

_REPLICAS: Final = 5
_POINTS: Final = 300
_NOISE: Final = 0.005  # mag


@dataclass(frozen=True, kw_only=True)
class LatentTable:
    """Errors of the regression of latent means, and of classes from them.

    Parameters
    ----------
    rmse : dict of str to float
        Root mean square error over the scatter of the latent coordinates within their classes, on
        stars that were not fitted: ``"mean"`` (of all stars), ``"class mean"``, and for ``"linear"``,
        ``"forest"`` and ``"mlp"`` themselves and with ``" permuted"`` physics.
    row_split : dict of str to float
        The forest when rows, five posterior draws of each star, are split at random instead:
        ``"forest"`` and ``"forest permuted"``.
    macro_f1 : dict of str to float
        Random forest on the latent means: ``"latent"``, ``"latent and period"``, and
        ``"permuted"`` for shuffled classes. The encoder is told the class, so the first two are
        a check that classes keep apart in latent space, not a classification of unknown stars.
    n_train, n_test : int
        Stars.
    """

    rmse: dict[str, float]
    row_split: dict[str, float]
    macro_f1: dict[str, float]
    n_train: int
    n_test: int


def encode_rows(model: LightCurveModel, rows: OpenSet, *, seed: int) -> tuple[FloatArray, FloatArray]:
    """Encode stars as well-observed light curves.

    Parameters
    ----------
    model : LightCurveModel
        The model.
    rows : OpenSet
        N stars.
    seed : int
        Seed of phases and noise.

    Returns
    -------
    mu, logvar : ndarray of float64, shape (N, n_latent)
        Posterior means and log-variances from 300 points of 5 mmag.
    """
    rng = np.random.default_rng(seed)
    phase = rng.random((len(rows), _POINTS))
    mag = rows.amplitude_i[:, None] * rows.curve.evaluate(phase)
    mag = mag + _NOISE * rng.normal(size=phase.shape)
    return model.encode(phase, mag, np.full(phase.shape, _NOISE), stars_of(rows))


def _inputs(rows: OpenSet, permuted: bool, seed: int) -> FloatArray:
    """One-hot class and standardised log P, log Teff, M_G, shuffled within the class on demand."""
    physics = physics_matrix(rows)[:, :3]
    if permuted:
        rng = np.random.default_rng(seed)
        for name in np.unique(rows.star_class).tolist():
            mine = np.flatnonzero(rows.star_class == name)
            physics[mine] = physics[rng.permutation(mine)]
    one_hot = rows.star_class[:, None] == np.array(STAR_CLASSES)
    return np.column_stack([physics, one_hot.astype(np.float64)])


def _regressors(seed: int) -> dict[str, Any]:
    return {
        "linear": LinearRegression(),
        "forest": RandomForestRegressor(100, min_samples_leaf=2, random_state=seed),
        "mlp": MLPRegressor(
            hidden_layer_sizes=(64, 64), max_iter=150, early_stopping=True, random_state=seed
        ),
    }


def latent_table(model: LightCurveModel, train: OpenSet, test: OpenSet, *, seed: int = 0) -> LatentTable:
    """Fit the paper's regressors to latent means and measure them on other stars."""
    (y, spread), (y_test, _) = (
        encode_rows(model, rows, seed=seed + i) for i, rows in enumerate((train, test))
    )
    scale = _within(y_test, test.star_class)
    means = np.stack([y[train.star_class == name].mean(axis=0) for name in test.star_class.tolist()])
    rmse = {"mean": _rmse(y.mean(axis=0), y_test, scale), "class mean": _rmse(means, y_test, scale)}
    for permuted in (False, True):
        x, x_test = (_inputs(rows, permuted, seed + i) for i, rows in enumerate((train, test)))
        centre, width = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-3)
        for name, regressor in _regressors(seed).items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                regressor.fit((x - centre) / width, y)
            answer = regressor.predict((x_test - centre) / width)
            rmse[name + " permuted" * permuted] = _rmse(answer, y_test, scale)
    return LatentTable(
        rmse=rmse,
        row_split=_split_rows(train, y, spread, seed),
        macro_f1=_classify(train, test, y, y_test, seed),
        n_train=len(train),
        n_test=len(test),
    )


def _within(y: FloatArray, star_class: npt.NDArray[np.str_]) -> FloatArray:
    """Scatter of each latent coordinate about the means of the classes."""
    left = y.copy()
    for name in np.unique(star_class):
        left[star_class == name] -= y[star_class == name].mean(axis=0)
    return np.asarray(np.maximum(left.std(axis=0), 1e-6))


def _rmse(answer: FloatArray, truth: FloatArray, scale: FloatArray) -> float:
    return float(np.sqrt(np.mean(((answer - truth) / scale) ** 2)))


def _split_rows(train: OpenSet, y: FloatArray, logvar: FloatArray, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    star = np.tile(np.arange(len(train)), _REPLICAS)
    drawn = y[star] + np.exp(0.5 * logvar[star]) * rng.normal(size=(len(star), y.shape[1]))
    held = rng.random(len(star)) < 0.2
    scale = _within(drawn, train.star_class[star])
    found = {}
    for permuted in (False, True):
        x = _inputs(train, permuted, seed)[star]
        forest = RandomForestRegressor(30, random_state=seed).fit(x[~held], drawn[~held])
        found["forest" + " permuted" * permuted] = _rmse(forest.predict(x[held]), drawn[held], scale)
    return found


def _classify(
    train: OpenSet, test: OpenSet, y: FloatArray, y_test: FloatArray, seed: int
) -> dict[str, float]:
    columns = {
        "latent": (y, y_test),
        "latent and period": (
            np.column_stack([y, np.log10(train.period)]),
            np.column_stack([y_test, np.log10(test.period)]),
        ),
    }
    label = train.star_class
    found = {}
    for name, (x, x_test) in columns.items():
        forest = RandomForestClassifier(100, class_weight="balanced", random_state=seed)
        found[name] = macro_f1(test.star_class, forest.fit(x, label).predict(x_test))
    shuffled = np.random.default_rng(seed).permutation(label)
    forest = RandomForestClassifier(100, class_weight="balanced", random_state=seed)
    found["permuted"] = macro_f1(test.star_class, forest.fit(y, shuffled).predict(y_test))
    return found
