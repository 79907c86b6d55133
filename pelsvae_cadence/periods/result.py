"""What a period search returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from pelsvae_cadence.core.arrays import StructOfArrays, freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.periods.grid import FrequencyGrid

__all__ = ["STATUSES", "PeriodResult"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: How the search of a star can end; only "ok" comes with a frequency.
STATUSES: Final = (
    "ok",
    "no visits",
    "all saturated",
    "no usable flux",
    "too few visits",
    "span too short",
    "no variation",
)


# Of tables; no annotation in the class, which would list them among its fields.
_COLUMN_UNITS: Final = {"period": "d", "frequency": "1/d", "top_frequencies": "1/d"}


@dataclass(frozen=True, kw_only=True)
class PeriodResult(StructOfArrays):
    """The outcome of a blind period search of N stars.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        The stars.
    frequency : ndarray of float64, shape (N,)
        Best frequency in 1/d; NaN where the status is not "ok".
    score : ndarray of float64, shape (N,)
        Score of the best frequency (`pelsvae_cadence.periods.refinement.fourier_scores`, or the
        height of the peak without refinement); comparable between candidates of one star.
    n_harmonics : ndarray of int64, shape (N,)
        Number of harmonics of the best model; 0 where there is none.
    power : ndarray of float64, shape (N,)
        Height of the highest peak of the periodogram, half the drop of chi-squared.
    false_alarm_probability : ndarray of float64, shape (N,)
        Chance that noise reaches `power` somewhere on the grid; 1 where the status is not "ok".
    top_frequencies, top_scores : ndarray of float64, shape (N, k)
        The k best distinct frequencies in 1/d and their scores, best first, padded with NaN.
    n_points : ndarray of int64, shape (N,)
        Points that were used (unsaturated, finite).
    status : ndarray of str, shape (N,)
        One of `STATUSES`.
    grid : FrequencyGrid
        The trial frequencies.
    options : mapping
        The options of the search.

    Raises
    ------
    InputError
        If the shapes do not fit together.
    """

    star_id: IntArray
    frequency: FloatArray
    score: FloatArray
    n_harmonics: IntArray
    power: FloatArray
    false_alarm_probability: FloatArray
    top_frequencies: FloatArray
    top_scores: FloatArray
    n_points: IntArray
    status: npt.NDArray[np.str_]
    grid: FrequencyGrid
    options: Mapping[str, object]

    _units = _COLUMN_UNITS

    def __post_init__(self) -> None:
        n = self.star_id.size
        for name, value in self._arrays():
            if name not in ("top_frequencies", "top_scores") and value.shape != (n,):
                raise InputError(f"{name} has shape {value.shape}, expected ({n},)")
            freeze(value)
        shape = self.top_frequencies.shape
        if len(shape) != 2 or shape[0] != n or self.top_scores.shape != shape:
            raise InputError(
                f"top_frequencies {shape} and top_scores {self.top_scores.shape} must be ({n}, k)"
            )

    @property
    def period(self) -> FloatArray:
        """Best period in days, NaN where there is none."""
        return 1.0 / self.frequency

    @override
    def _table(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        columns, meta = super()._table()
        return {"star_id": columns.pop("star_id"), "period": self.period, **columns}, meta

    @classmethod
    @override
    def _of_table(cls, columns: dict[str, Any], meta: Mapping[str, Any]) -> Self:
        if not {"grid", "options"} <= set(meta):
            raise InputError(
                "a table of periods without the grid and the options of the search",
                remedy="Make it with PeriodResult.to_table() or to_pandas(), and keep its meta or attrs.",
            )
        plain = {
            name: value if name == "status" else getattr(value, "value", value)
            for name, value in columns.items()
        }
        types: dict[str, Any] = {
            "star_id": np.int64,
            "n_harmonics": np.int64,
            "n_points": np.int64,
            "status": np.str_,
        }
        arrays: dict[str, Any] = {
            name: np.array(value, dtype=types.get(name, np.float64)) for name, value in plain.items()
        }
        return super()._of_table(arrays, {**meta, "grid": FrequencyGrid(**meta["grid"])})
