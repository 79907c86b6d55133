"""Scores of a classification, with errors from a bootstrap over sky positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import StructOfArrays, freeze
from pelsvae_cadence.core.bootstrap import percentile_interval, resampling_weights
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.stars import POSITION_NSIDE

__all__ = [
    "Estimate",
    "Predictions",
    "Scores",
    "paired_difference",
    "recall_by_position",
    "score",
    "scores_of_counts",
]

FloatArray = npt.NDArray[np.float64]

_LEAST_PROBABILITY: Final = 1e-12
_RESAMPLINGS: Final = 1000
# Share of the resamples beyond each end of an interval: 68 per cent are inside.
_TAIL: Final = 0.16


@dataclass(frozen=True, kw_only=True)
class Predictions(StructOfArrays):
    """What a classifier has said of N stars that it had not seen.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        The stars.
    label : ndarray of str, shape (N,)
        What they are.
    probability : ndarray of float64, shape (N, K)
        Probabilities of the classes.
    classes : tuple of str
        The K classes; every label is one of them.
    position : ndarray of int64, shape (N,)
        Sky position of each star: what the bootstrap resamples.
    magnitude : ndarray of float64, shape (N,)
        Mean magnitudes.

    Raises
    ------
    InputError
        If the shapes do not fit together or a label is no class.
    """

    star_id: npt.NDArray[np.int64]
    label: npt.NDArray[np.str_]
    probability: FloatArray
    classes: tuple[str, ...]
    position: npt.NDArray[np.int64]
    magnitude: FloatArray

    def __post_init__(self) -> None:
        n = self.star_id.size
        if self.probability.shape != (n, len(self.classes)):
            raise InputError(
                f"probabilities have shape {self.probability.shape}, expected ({n}, {len(self.classes)})"
            )
        for name in ("star_id", "label", "position", "magnitude"):
            value = getattr(self, name)
            if value.shape != (n,):
                raise InputError(f"{name} has shape {value.shape}, expected ({n},)")
            freeze(value)
        unknown = sorted(set(self.label.tolist()) - set(self.classes))
        if unknown:
            raise InputError(f"label {unknown[0]!r} is no class", allowed=", ".join(self.classes))

    @property
    def predicted(self) -> npt.NDArray[np.str_]:
        """Most probable class of each star."""
        best = np.argmax(self.probability, axis=1)
        return np.asarray(np.array(self.classes, dtype=np.str_)[best])

    @property
    def surprise(self) -> FloatArray:
        """Minus the natural logarithm of the probability of the true class, shape (N,)."""
        column = self._code(self.label)
        p = self.probability[np.arange(len(self)), column]
        return np.asarray(-np.log(np.maximum(p, _LEAST_PROBABILITY)))

    def confusion(self) -> npt.NDArray[np.int64]:
        """Count stars by true and predicted class.

        Returns
        -------
        ndarray of int64, shape (K, K)
            Row: true class; column: predicted class.
        """
        return np.asarray(self._per_position()[0].sum(axis=0), dtype=np.int64)

    def _code(self, names: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
        order = np.argsort(self.classes)
        found = np.searchsorted(np.array(self.classes)[order], names)
        return np.asarray(order[found], dtype=np.int64)

    def _per_position(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Count confusions, sum surprises, and count stars, position by position."""
        places, where = np.unique(self.position, return_inverse=True)
        k = len(self.classes)
        cell = (where * k + self._code(self.label)) * k + np.argmax(self.probability, axis=1)
        confusion = np.bincount(cell, minlength=places.size * k * k).astype(np.float64)
        surprise = np.bincount(where, weights=self.surprise, minlength=places.size)
        n = np.bincount(where, minlength=places.size).astype(np.float64)
        return confusion.reshape(-1, k, k), np.asarray(surprise, dtype=np.float64), n


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number and the interval that holds it with 68 per cent.

    Parameters
    ----------
    value : float
        The number.
    low, high : float
        16th and 84th percentile over resampled positions.
    """

    value: float
    low: float
    high: float

    @property
    def error(self) -> float:
        """Half the width of the interval."""
        return 0.5 * (self.high - self.low)

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} .. {self.high:.3f})"


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of a classification.

    Parameters
    ----------
    macro_f1 : Estimate
        Mean of the F1 scores of the classes that are present.
    balanced_accuracy : Estimate
        Mean of their recalls.
    log_loss : Estimate
        Mean of minus the natural logarithm of the probability of the true class.
    recall, precision : dict of str to Estimate
        By class; NaN where a class is absent, or never predicted.
    confusion : ndarray of int64, shape (K, K)
        Stars by true (row) and predicted class.
    classes : tuple of str
        The K classes.
    n_stars, n_positions : int
        Numbers of stars and of sky positions.
    """

    macro_f1: Estimate
    balanced_accuracy: Estimate
    log_loss: Estimate
    recall: dict[str, Estimate]
    precision: dict[str, Estimate]
    confusion: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    n_stars: int
    n_positions: int


def scores_of_counts(confusion: FloatArray) -> dict[str, FloatArray]:
    """Compute scores from confusion counts.

    Parameters
    ----------
    confusion : ndarray, shape (..., K, K)
        Counts by true (row) and predicted class (column).

    Returns
    -------
    dict of str to ndarray
        "macro_f1" and "balanced_accuracy" (shape ``...``, over the classes with stars; NaN where
        there are none), "recall" and "precision" (shape ``(..., K)``; NaN where undefined).
    """
    counts = np.asarray(confusion, dtype=np.float64)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    true, predicted = counts.sum(axis=-1), counts.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(true > 0, hits / true, np.nan)
        precision = np.where(predicted > 0, hits / predicted, np.nan)
        f1 = np.where(true > 0, 2.0 * hits / (true + predicted), np.nan)
        present = np.count_nonzero(true > 0, axis=-1)
        macro = np.nansum(f1, axis=-1) / present
        balanced = np.nansum(recall, axis=-1) / present
    return {
        "macro_f1": np.where(present > 0, macro, np.nan),
        "balanced_accuracy": np.where(present > 0, balanced, np.nan),
        "recall": recall,
        "precision": precision,
    }


def recall_by_position(predictions: Predictions) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Average the recalls of the classes at each sky position.

    Parameters
    ----------
    predictions : Predictions
        Predictions; `position` holds HEALPix pixels at nside 8192, nested.

    Returns
    -------
    ra, dec : ndarray of float64, shape (P,)
        Positions in degrees, to half a minute of arc.
    recall : ndarray of float64, shape (P,)
        Mean recall of the classes that are present there.
    """
    import healpy

    places = np.unique(predictions.position)
    confusion, _, _ = predictions._per_position()
    ra, dec = healpy.pix2ang(POSITION_NSIDE, places, nest=True, lonlat=True)
    return ra, dec, scores_of_counts(confusion)["balanced_accuracy"]


def _estimate(values: FloatArray) -> Estimate:
    """Take the value of all positions from the first row, and the interval from the others."""
    (low,), (high,) = percentile_interval(values[1:, None], _TAIL)
    return Estimate(value=float(values[0]), low=float(low), high=float(high))


def score(predictions: Predictions, *, seed: int = 0, n_resamplings: int = _RESAMPLINGS) -> Scores:
    """Score predictions.

    Parameters
    ----------
    predictions : Predictions
        Predictions of stars that were held out.
    seed : int
        Seed of the bootstrap.
    n_resamplings : int
        Resampled sets of positions. Stars of a position share its visits, and are drawn together.

    Returns
    -------
    Scores
        Every number with its interval.

    Raises
    ------
    InputError
        If there is no star.
    """
    if not len(predictions):
        raise InputError("no prediction to score")
    values, counts = _resampled(predictions, seed, n_resamplings)
    classes = predictions.classes
    return Scores(
        macro_f1=_estimate(values["macro_f1"]),
        balanced_accuracy=_estimate(values["balanced_accuracy"]),
        log_loss=_estimate(values["log_loss"]),
        recall={c: _estimate(values["recall"][:, k]) for k, c in enumerate(classes)},
        precision={c: _estimate(values["precision"][:, k]) for k, c in enumerate(classes)},
        confusion=counts[0].astype(np.int64),
        classes=classes,
        n_stars=len(predictions),
        n_positions=int(np.unique(predictions.position).size),
    )


def _resampled(
    predictions: Predictions, seed: int, n_resamplings: int
) -> tuple[dict[str, FloatArray], FloatArray]:
    confusion, surprise, n = predictions._per_position()
    generator = KeyedRandom(seed=seed).generator("bootstrap over positions", 0)
    drawn = resampling_weights(generator, n.size, n_resamplings)
    weights = np.concatenate([np.ones((1, n.size)), drawn])  # all positions first, once each
    counts = np.tensordot(weights, confusion, axes=1)
    values = scores_of_counts(counts)
    values["log_loss"] = (weights @ surprise) / (weights @ n)
    return values, counts


def paired_difference(
    one: Predictions, other: Predictions, *, seed: int = 0, n_resamplings: int = _RESAMPLINGS
) -> dict[str, Estimate]:
    """Compare two classifications of the same stars.

    Parameters
    ----------
    one, other : Predictions
        Predictions, e.g. under two strategies. Stars that are not in both are left out, so that
        every difference is that of the same stars.
    seed : int
        Seed of the bootstrap; positions are drawn together for both.
    n_resamplings : int
        Resampled sets of positions.

    Returns
    -------
    dict of str to Estimate
        "macro_f1", "balanced_accuracy", "log_loss" and "recall_<class>": `one` less `other`.

    Raises
    ------
    InputError
        If the classes differ or no star is in both.
    """
    if one.classes != other.classes:
        raise InputError(f"the classes differ: {', '.join(one.classes)} and {', '.join(other.classes)}")
    common, first, second = np.intersect1d(one.star_id, other.star_id, return_indices=True)
    if not common.size:
        raise InputError(
            "no star is in both", remedy="Observe both strategies at the same positions with the same seed."
        )
    a, _ = _resampled(one.take(first), seed, n_resamplings)
    b, _ = _resampled(other.take(second), seed, n_resamplings)
    found = {name: _estimate(a[name] - b[name]) for name in ("macro_f1", "balanced_accuracy", "log_loss")}
    for k, name in enumerate(one.classes):
        found[f"recall_{name}"] = _estimate(a["recall"][:, k] - b["recall"][:, k])
    return found
