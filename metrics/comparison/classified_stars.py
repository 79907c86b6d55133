"""Table of classified stars of a run: true and predicted class by star and survey year."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import freeze

__all__ = ["ClassifiedStars"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class ClassifiedStars:
    """Stars at the positions of a plan, what they are, and what they are taken for.

    Parameters
    ----------
    classes : tuple of str
        The K classes.
    years : tuple of float
        The survey years.
    star_id : ndarray of int64, shape (n_positions, n_stars)
        Numbers of the stars; -1 outside the run's footprint.
    label : ndarray of int64, shape (n_positions, n_stars)
        Their true classes, as places in `classes`; -1 outside the footprint.
    magnitude : ndarray of float64, shape (n_positions, n_stars)
        Mean magnitudes; NaN outside the footprint.
    period : ndarray of float64, shape (n_positions, n_stars)
        True periods in days; NaN outside the footprint and for stars without one.
    predicted : ndarray of int64, shape (n_positions, n_years, n_stars)
        The most probable class after each year; -1 where there were too few visits for any.
    log_loss : ndarray of float64, shape (n_positions, n_years, n_stars)
        Minus the natural logarithm of the probability of the true class; ln K, that of a guess,
        where there were too few visits; NaN outside the footprint.
    """

    classes: tuple[str, ...]
    years: tuple[float, ...]
    star_id: IntArray
    label: IntArray
    magnitude: FloatArray
    period: FloatArray
    predicted: IntArray
    log_loss: FloatArray

    def __post_init__(self) -> None:
        for field in fields(self)[2:]:
            freeze(getattr(self, field.name))

    def scores(self, place: int, year: float) -> FloatArray:
        """Score one position by itself.

        Parameters
        ----------
        place : int
            The position.
        year : float
            One of `years`.

        Returns
        -------
        ndarray of float64, shape (2,)
            Mean recall of the classes, where a star that is not classified counts as missed, and
            mean log-loss; NaN outside the footprint.
        """
        y = self.years.index(year)
        label, predicted = self.label[place], self.predicted[place, y]
        present = np.unique(label[label >= 0])
        if not present.size:
            return np.full(2, np.nan)
        recall = np.mean([np.mean(predicted[label == k] == k) for k in present])
        return np.array([recall, self.log_loss[place, y].mean()])

    def counts(self, year: int, keep: npt.NDArray[np.bool_] | None = None) -> FloatArray:
        """Count, star by star, what `f1_of_counts` needs.

        Parameters
        ----------
        year : int
            Place of the survey year.
        keep : ndarray of bool, shape (n_positions, n_stars), optional
            Stars to count; all by default.

        Returns
        -------
        ndarray of float64, shape (n_positions, n_stars, 3 K)
            One where a star is rightly taken for each of the classes, is of it, is taken for it;
            otherwise zero.
        """
        k = np.arange(len(self.classes))
        true = self.label[..., None] == k
        taken = self.predicted[:, year, :, None] == k
        counts = np.concatenate([true & taken, true, taken], axis=-1).astype(np.float64)
        return counts if keep is None else counts * keep[..., None]
