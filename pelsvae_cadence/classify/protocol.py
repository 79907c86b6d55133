"""Cross-validation by sky position: stars are judged by classifiers trained elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.synthetic.cells import sky_cell
from pelsvae_cadence.classify.classifier import VariableClassifier
from pelsvae_cadence.classify.features.table import FeatureTable
from pelsvae_cadence.classify.labelled import LabelledStars
from pelsvae_cadence.classify.scores import Predictions
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom

__all__ = ["CrossValidation", "SkySplit", "cross_validate", "predict_by_part"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Cells of 7.3 deg: wider than a field of view, so that two parts share few visits.
_REGION_NSIDE: Final = 8


@dataclass(frozen=True, kw_only=True)
class SkySplit:
    """A division of the sky into parts that take turns in being held out.

    Parameters
    ----------
    regions : ndarray of int64, shape (R,)
        Cells of the sky (HEALPix, nside 8, nested) that hold training positions, rising.
    part : ndarray of int64, shape (R,)
        The part of each.
    n_parts : int
        Number of parts.
    """

    regions: IntArray
    part: IntArray
    n_parts: int

    @classmethod
    def of_positions(cls, ra: npt.ArrayLike, dec: npt.ArrayLike, n_parts: int, *, seed: int = 0) -> SkySplit:
        """Divide positions.

        Parameters
        ----------
        ra, dec : array_like, shape (n,)
            Positions in degrees.
        n_parts : int
            Number of parts, 2 or more.
        seed : int
            Seed of the division.

        Returns
        -------
        SkySplit
            Cells dealt to the parts in turn, in random order.

        Raises
        ------
        InputError
            If the positions lie in fewer cells than there are parts.
        """
        if n_parts < 2:
            raise InputError(f"{n_parts} part(s) of the sky", allowed="2 or more")
        regions = np.unique(sky_cell(_REGION_NSIDE, ra, dec))
        if regions.size < n_parts:
            raise InputError(
                f"positions in {regions.size} region(s) of the sky cannot make {n_parts} parts",
                remedy="Give positions that are further apart (regions are 7 deg wide), or fewer parts.",
            )
        order = np.argsort(KeyedRandom(seed=seed).uniform("part of the sky", regions))
        part = np.empty(regions.size, dtype=np.int64)
        part[order] = np.arange(regions.size) % n_parts
        return cls(regions=regions, part=part, n_parts=n_parts)

    def part_of(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> IntArray:
        """Give the part of positions.

        Parameters
        ----------
        ra, dec : array_like
            Positions in degrees.

        Returns
        -------
        ndarray of int64
            Parts. A position in a cell without training positions was seen by nobody, and may
            belong to any part.
        """
        cell = np.asarray(sky_cell(_REGION_NSIDE, ra, dec))
        place = np.minimum(np.searchsorted(self.regions, cell), self.regions.size - 1)
        known = self.regions[place] == cell
        return np.where(known, self.part[place], cell % self.n_parts)


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """Classifiers and what they say of the stars they have not seen.

    Parameters
    ----------
    predictions : Predictions
        Predictions of all stars, each by the classifier that was trained without its part of the
        sky.
    classifiers : tuple of VariableClassifier
        One for each part, trained on the others.
    split : SkySplit
        The parts.
    """

    predictions: Predictions
    classifiers: tuple[VariableClassifier, ...]
    split: SkySplit


def cross_validate(
    stars: LabelledStars,
    feature_names: Sequence[str],
    *,
    estimator: Any = None,
    calibrate: bool = True,
    permuted: bool = False,
    on_truth: bool = False,
    n_parts: int = 3,
    seed: int = 0,
    split: SkySplit | None = None,
) -> CrossValidation:
    """Train on parts of the sky and classify the others.

    Parameters
    ----------
    stars : LabelledStars
        Stars at several positions.
    feature_names : sequence of str
        Features to use.
    estimator : scikit-learn classifier, optional
        See `pelsvae_cadence.classify.VariableClassifier`.
    calibrate : bool
        Calibrate the probabilities.
    permuted : bool
        Shuffle the labels that the classifiers are trained on: the score then is that of chance.
    on_truth : bool
        Use the true parameters instead of the measured features.
    n_parts : int
        Parts of the sky.
    seed : int
        Seed of the division, of the classifiers and of the shuffling.
    split : SkySplit, optional
        A division made before.

    Returns
    -------
    CrossValidation
        Predictions of all stars, and the classifiers.

    Raises
    ------
    InputError
        If the positions cannot be divided, or a feature is missing.
    """
    if split is None:
        split = SkySplit.of_positions(stars.ra, stars.dec, n_parts, seed=seed)
    table: FeatureTable = stars.truth if on_truth else stars.features
    table = table.columns(feature_names)
    part = split.part_of(stars.ra, stars.dec)
    label = stars.label
    if permuted:
        label = KeyedRandom(seed=seed).generator("permuted labels", 0).permutation(label)
    classifiers = []
    for k in range(split.n_parts):
        train = np.flatnonzero(part != k)
        classifier = VariableClassifier(estimator, calibrate=calibrate, seed=seed)
        classifiers.append(classifier.fit(table.take(train), label[train], group=stars.position[train]))
    classes = tuple(np.unique(stars.label).tolist())
    return CrossValidation(
        predictions=predict_by_part(stars, table, classifiers, split, classes),
        classifiers=tuple(classifiers),
        split=split,
    )


def predict_by_part(
    stars: LabelledStars,
    features: FeatureTable,
    classifiers: Sequence[VariableClassifier],
    split: SkySplit,
    classes: tuple[str, ...],
) -> Predictions:
    """Classify stars, each by the classifier for its part of the sky."""
    part = split.part_of(stars.ra, stars.dec)
    probability = np.zeros((len(stars), len(classes)))
    for k in np.unique(part).tolist():
        rows = np.flatnonzero(part == k)
        columns = np.array([classes.index(name) for name in classifiers[k].classes])
        probability[np.ix_(rows, columns)] = classifiers[k].predict_proba(features.take(rows))
    return Predictions(
        star_id=stars.features.star_id,
        label=stars.label,
        probability=probability,
        classes=classes,
        position=stars.position,
        magnitude=stars.magnitude,
    )
