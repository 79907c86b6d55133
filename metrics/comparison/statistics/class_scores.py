"""Classification scores of runs: F1 of all stars together, differences and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.metrics.comparison.classified_stars import ClassifiedStars
from pelsvae_cadence.metrics.comparison.quantities import Quantity
from pelsvae_cadence.metrics.comparison.statistics.bootstrap import Intervals, Score, Unit, pooled_intervals
from pelsvae_cadence.metrics.comparison.statistics.paired import swap_test

__all__ = ["F1", "MACRO_F1", "difference_of_scores", "f1_of_counts", "scores_of_run"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

MACRO_F1: Final = Quantity(name="macro_f1", better="higher", caption="mean of the F1 scores of the classes")
F1: Final = Quantity(
    name="f1",
    better="higher",
    caption="harmonic mean of a class's recall and precision, all classes equally frequent",
)


def f1_of_counts(counts: FloatArray) -> FloatArray:
    """Compute F1 scores.

    Parameters
    ----------
    counts : ndarray of float64, shape (..., 3 K)
        Stars rightly taken for each of K classes, stars of it, and stars taken for it: sums of
        `ClassifiedStars.counts`.

    Returns
    -------
    ndarray of float64, shape (..., 1 + K)
        The mean over the classes that have stars, then the score of each class; NaN for a class
        without stars.

    References
    ----------
    van Rijsbergen 1979, Information Retrieval, chapter 7: F1 = 2 hits / (true + taken).
    """
    hits, true, taken = np.split(np.asarray(counts, dtype=np.float64), 3, axis=-1)
    present = true > 0.0
    f1 = np.where(present, 2.0 * hits / np.maximum(true + taken, 1.0), np.nan)
    n = np.count_nonzero(present, axis=-1)
    mean = np.where(n > 0, np.where(present, f1, 0.0).sum(axis=-1) / np.maximum(n, 1), np.nan)
    return np.concatenate([mean[..., None], f1], axis=-1)


def _counts(stars: ClassifiedStars, years: Sequence[int], keep: BoolArray | None = None) -> FloatArray:
    """Count the stars of several years, one after the other along the last axis."""
    return np.concatenate([stars.counts(year, keep) for year in years], axis=-1)


def _f1_by_year(n_years: int) -> Score:
    """Score sums of `_counts`, one year after the other."""

    def scores(sums: FloatArray) -> FloatArray:
        f1 = f1_of_counts(sums.reshape(*sums.shape[:-1], n_years, -1))
        return f1.reshape(*sums.shape[:-1], -1)

    return scores


def scores_of_run(
    stars: ClassifiedStars | None,
    where: BoolArray,
    years: Sequence[int],
    n_classes: int,
    *,
    unit: Unit,
    seed: int,
    keep: BoolArray | None = None,
) -> Intervals:
    """Score the stars of one run after some years.

    Parameters
    ----------
    stars : ClassifiedStars or None
        The stars; None where no classifier could be trained.
    where : ndarray of bool, shape (n_positions,)
        The positions that count.
    years : sequence of int
        Places of the survey years.
    n_classes : int
        Number of classes.
    unit : {"positions", "stars"}
        What is resampled.
    seed : int
        Seed of the resampling.
    keep : ndarray of bool, shape (n_positions, n_stars), optional
        Stars to count; all by default.

    Returns
    -------
    Intervals
        Macro-F1, then F1 of each class; year after year.
    """
    if stars is None:
        return Intervals.without(np.full(len(years) * (1 + n_classes), np.nan))
    counts = _counts(stars, years, keep)[where]
    return pooled_intervals(counts, _f1_by_year(len(years)), unit=unit, seed=seed)


def difference_of_scores(
    runs: Sequence[ClassifiedStars | None],
    where: BoolArray,
    years: Sequence[int],
    n_classes: int,
    *,
    unit: Unit,
    seed: int,
) -> tuple[Intervals, FloatArray]:
    """Compare the scores of two runs on the same stars after some years.

    Parameters
    ----------
    runs : sequence of ClassifiedStars or None
        The run and the reference; None where no classifier could be trained.
    where : ndarray of bool, shape (n_positions,)
        The common footprint.
    years : sequence of int
        Places of the survey years.
    n_classes : int
        Number of classes.
    unit : {"positions", "stars"}
        What is resampled.
    seed : int
        Seed of the resampling.

    Returns
    -------
    Intervals
        The run's scores less those of the reference, in the order of `scores_of_run`.
    ndarray of float64, shape (n_years (1 + n_classes),)
        Probabilities of `swap_test`.
    """
    one, other = runs
    if one is None or other is None:
        nothing = Intervals.without(np.full(len(years) * (1 + n_classes), np.nan))
        return nothing, nothing.mean
    mine, theirs = (_counts(stars, years)[where] for stars in (one, other))
    scores, middle = _f1_by_year(len(years)), mine.shape[-1]
    gap = pooled_intervals(
        np.concatenate([mine, theirs], axis=-1),
        lambda sums: scores(sums[..., :middle]) - scores(sums[..., middle:]),
        unit=unit,
        seed=seed,
    )
    return gap, swap_test(mine, theirs, scores, unit=unit, seed=seed)
