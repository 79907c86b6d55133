"""Rows of the tidy tables: which quantity, of which stars, when, how much, how sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.metrics.comparison.plan import Plan
from pelsvae_cadence.metrics.comparison.quantities import Quantity
from pelsvae_cadence.metrics.comparison.statistics.bootstrap import Intervals, Unit

__all__ = ["ALL_CLASSES", "ALL_STARS", "Key", "SummaryRows"]

FloatArray = npt.NDArray[np.float64]

#: Quantity, class, magnitude and year of a row.
Key = tuple[Quantity, str, float, float]
#: Quantities of a position rather than of stars carry this in the column of classes.
ALL_STARS: Final = "-"
#: Means over all classes and magnitudes of the plan, each with the same weight, carry this one.
ALL_CLASSES: Final = "all"


@dataclass(frozen=True)
class SummaryRows:
    """Rows of a summary for what is known of quantities, classes, magnitudes and years.

    Parameters
    ----------
    keys : sequence of Key
        Quantity, class, magnitude and year of each row.
    plan : Plan
        What was asked.
    """

    keys: Sequence[Key]
    plan: Plan

    def frame(
        self,
        about: Mapping[str, str],
        what: str,
        found: Intervals,
        p: FloatArray | None,
        shape: tuple[int, ...],
        unit: Unit,
        n_stars: Sequence[int] | None = None,
    ) -> pd.DataFrame:
        """Write numbers with their intervals, and probabilities where differences are tested.

        Parameters
        ----------
        about : mapping of str to str
            Columns that are the same in all rows.
        what : {"value", "difference"}
            Name of the column of the numbers.
        found : Intervals
            One number a row.
        p : ndarray of float64, shape (n_rows,), optional
            Probabilities of a test, for differences.
        shape : tuple of int
            Positions, and stars at each of them (in each class and magnitude of the plan).
        unit : {"positions", "stars"}
            What was resampled.
        n_stars : sequence of int, optional
            Stars behind each row; told from `shape` and the class by default.

        Returns
        -------
        pandas.DataFrame
            The rows.
        """
        n_positions, each = shape
        if n_stars is None:
            groups = {ALL_STARS: 0, ALL_CLASSES: len(self.plan.groups)}
            n_stars = [n_positions * each * groups.get(key[1], 1) for key in self.keys]
        columns: dict[str, Any] = {
            **about,
            "metric": [quantity.name for quantity, *_ in self.keys],
            "star_class": [star_class for _, star_class, _, _ in self.keys],
            "magnitude": [magnitude for _, _, magnitude, _ in self.keys],
            "year": [year for *_, year in self.keys],
            what: found.mean,
            "low": found.low,
            "high": found.high,
        }
        if p is not None:
            # What has no better side describes the cadences; it is not tested, nor is what is
            # unknown.
            described = np.array([quantity.better == "neither" for quantity, *_ in self.keys])
            columns["p"] = np.where(described | ~np.isfinite(found.mean), np.nan, p)
        return pd.DataFrame(
            {
                **columns,
                "n_positions": n_positions,
                "n_stars": n_stars,
                "better": [quantity.better for quantity, *_ in self.keys],
                "unit": [quantity.unit for quantity, *_ in self.keys],
                "resampled": unit,
            }
        )
