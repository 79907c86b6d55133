"""How well the stars of each run are told apart: F1 scores of all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.metrics.comparison.classified_stars import ClassifiedStars
from pelsvae_cadence.metrics.comparison.plan import Plan
from pelsvae_cadence.metrics.comparison.quantities import Quantity
from pelsvae_cadence.metrics.comparison.statistics.bootstrap import Intervals, Unit, pooled_intervals
from pelsvae_cadence.metrics.comparison.statistics.paired import swap_test
from pelsvae_cadence.metrics.comparison.statistics.summary_rows import ALL_STARS, SummaryRows

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.comparison.evaluate import RunOutcome

__all__ = ["F1", "MACRO_F1", "ScoreRows", "difference_of_scores", "f1_of_counts", "scores_of_run"]

FloatArray = npt.NDArray[np.float64]

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


def scores_of_run(
    stars: ClassifiedStars | None,
    where: npt.NDArray[np.bool_],
    year: int,
    n_classes: int,
    *,
    unit: Unit,
    seed: int,
    keep: npt.NDArray[np.bool_] | None = None,
) -> Intervals:
    """Score the stars of one run after one year.

    Parameters
    ----------
    stars : ClassifiedStars or None
        The stars; None where no classifier could be trained.
    where : ndarray of bool, shape (n_positions,)
        The positions that count.
    year : int
        Place of the survey year.
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
        Macro-F1, then F1 of each class.
    """
    if stars is None:
        nothing = np.full(1 + n_classes, np.nan)
        return Intervals(mean=nothing, low=nothing.copy(), high=nothing.copy())
    return pooled_intervals(stars.counts(year, keep)[where], f1_of_counts, unit=unit, seed=seed)


def difference_of_scores(
    runs: Sequence[ClassifiedStars | None],
    where: npt.NDArray[np.bool_],
    year: int,
    n_classes: int,
    *,
    unit: Unit,
    seed: int,
) -> tuple[Intervals, FloatArray]:
    """Compare the scores of two runs on the same stars after one year.

    Parameters
    ----------
    runs : sequence of ClassifiedStars or None
        The run and the reference; None where no classifier could be trained.
    where : ndarray of bool, shape (n_positions,)
        The common footprint.
    year : int
        Place of the survey year.
    n_classes : int
        Number of classes.
    unit : {"positions", "stars"}
        What is resampled.
    seed : int
        Seed of the resampling.

    Returns
    -------
    Intervals
        The run's scores less those of the reference: macro-F1, then F1 of each class.
    ndarray of float64, shape (1 + n_classes,)
        Probabilities of `swap_test`.
    """
    one, other = runs
    if one is None or other is None:
        nothing = np.full(1 + n_classes, np.nan)
        gap = Intervals(mean=nothing, low=nothing.copy(), high=nothing.copy())
        return gap, nothing.copy()
    mine, theirs = one.counts(year)[where], other.counts(year)[where]
    middle = mine.shape[-1]

    def gap_of(sums: FloatArray) -> FloatArray:
        return f1_of_counts(sums[..., :middle]) - f1_of_counts(sums[..., middle:])

    together = np.concatenate([mine, theirs], axis=-1)
    found = pooled_intervals(together, gap_of, unit=unit, seed=seed)
    return found, swap_test(mine, theirs, f1_of_counts, unit=unit, seed=seed)


@dataclass(frozen=True)
class ScoreRows:
    """Rows of a summary for the stars that are told apart, all positions together.

    Parameters
    ----------
    classes : tuple of str
        The classes.
    n_stars : int
        Stars of all classes at each position.
    plan : Plan
        What was asked.
    """

    classes: tuple[str, ...]
    n_stars: int
    plan: Plan

    @classmethod
    def of(cls, runs: Sequence[RunOutcome], plan: Plan) -> ScoreRows | None:
        """Take classes and numbers from the first run that has them.

        Parameters
        ----------
        runs : sequence of RunOutcome
            The runs.
        plan : Plan
            What was asked.

        Returns
        -------
        ScoreRows or None
            None where no run has classified stars.
        """
        known = [run.classified for run in runs if run.classified is not None]
        if not known:
            return None
        return cls(known[0].classes, known[0].label.shape[1], plan)

    def _rows(self, year: float) -> SummaryRows:
        any_magnitude = float("nan")
        keys = [(MACRO_F1, ALL_STARS, any_magnitude, year)]
        keys += [(F1, name, any_magnitude, year) for name in self.classes]
        return SummaryRows(keys, self.plan)

    def _counted(self, n_positions: int) -> tuple[tuple[int, int], list[int]]:
        each = self.n_stars // len(self.classes)
        return (n_positions, self.n_stars), [
            n_positions * self.n_stars,
            *[n_positions * each] * len(self.classes),
        ]

    def values(
        self, run: RunOutcome, where: npt.NDArray[np.bool_], about: Mapping[str, str], unit: Unit
    ) -> list[pd.DataFrame]:
        """Score one run, year by year.

        Parameters
        ----------
        run : RunOutcome
            The run.
        where : ndarray of bool, shape (n_positions,)
            The footprint.
        about : mapping of str to str
            Columns that are the same in all rows.
        unit : {"positions", "stars"}
            What is resampled.

        Returns
        -------
        list of pandas.DataFrame
            The rows of each year.
        """
        shape, n_stars = self._counted(int(where.sum()))
        parts = []
        for y, year in enumerate(self.plan.years):
            found = scores_of_run(run.classified, where, y, len(self.classes), unit=unit, seed=self.plan.seed)
            rows = self._rows(float(year))
            parts.append(rows.frame(about, "value", found, None, shape, unit, n_stars))
        return parts

    def differences(
        self,
        run: RunOutcome,
        reference: RunOutcome,
        common: npt.NDArray[np.bool_],
        about: Mapping[str, str],
        unit: Unit,
    ) -> list[pd.DataFrame]:
        """Compare two runs, year by year.

        Parameters
        ----------
        run, reference : RunOutcome
            The runs.
        common : ndarray of bool, shape (n_positions,)
            The common footprint.
        about : mapping of str to str
            Columns that are the same in all rows.
        unit : {"positions", "stars"}
            What is resampled.

        Returns
        -------
        list of pandas.DataFrame
            The rows of each year.
        """
        shape, n_stars = self._counted(int(common.sum()))
        parts = []
        for y, year in enumerate(self.plan.years):
            found, p = difference_of_scores(
                (run.classified, reference.classified),
                common,
                y,
                len(self.classes),
                unit=unit,
                seed=self.plan.seed,
            )
            rows = self._rows(float(year))
            parts.append(rows.frame(about, "difference", found, p, shape, unit, n_stars))
        return parts
