"""Base class of a user's own metric in a comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.survey import Cadence
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.comparison.quantities import Quantity

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.comparison.classified_stars import ClassifiedStars
    from pelsvae_cadence.metrics.comparison.plan import Plan

__all__ = ["COLUMNS", "FurtherMetric", "StarJudge", "Workplace", "visits_as_slice"]

FloatArray = npt.NDArray[np.float64]

#: Columns of the arrays that metrics are given, by the keywords of `PeriodRecoveryMetric`.
COLUMNS: Final[dict[str, Any]] = {
    "mjd_col": "mid_exposure_mjd",
    "m5_col": "fiveSigmaDepth",
    "band_col": "band",
    "night_col": "night",
    "exptime_col": "visitExposureTime",
    "visit_id_col": "observationId",
    "mjd_is_middle": True,
}
_SEEING: Final = "seeingFwhmEff"


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """Where, and with what, a metric works before the runs.

    Parameters
    ----------
    folder : Path
        For what is worth keeping between attempts; removed when the comparison is complete.
    names : tuple of str
        Names of the runs.
    workers : int
        Number of processes.
    scheduler : str, optional
        Address of a Dask scheduler to use instead.
    progress : callable, optional
        To be called with (words, steps done, steps in all).
    """

    folder: Path
    names: tuple[str, ...]
    workers: int = 1
    scheduler: str | None = None
    progress: Callable[[str, int, int], None] | None = None

    def told(self, words: str) -> Callable[[int, int], None] | None:
        """Make what tells the progress of one piece of work.

        Parameters
        ----------
        words : str
            What is done.

        Returns
        -------
        callable or None
            To be called with (steps done, steps in all).
        """
        tell = self.progress
        return None if tell is None else lambda done, total: tell(words, done, total)


@runtime_checkable
class FurtherMetric(Protocol):
    """A metric of positions that runs beside the period search.

    `prepare` is called once before any position is looked at, with everything a metric may have
    to learn from: classifiers are trained there. The objects that come back, one for each run, are
    sent to the workers.
    """

    @property
    def name(self) -> str:
        """Name in tables and files."""

    @property
    def quantities(self) -> Sequence[Quantity]:
        """What it gives at each position."""

    def prepare(
        self, cadences: Sequence[Cadence], plan: Plan, workplace: Workplace
    ) -> Sequence[FurtherMetric | InputError]:
        """Learn what has to be learnt before the runs.

        Parameters
        ----------
        cadences : sequence of Cadence
            The runs.
        plan : Plan
            What will be asked.
        workplace : Workplace
            A folder for what is worth keeping between attempts, processes to work with, and whom
            to tell how far it is.

        Returns
        -------
        sequence of FurtherMetric or InputError
            The metric, ready to run, for each of the cadences, with the same name and quantities.
            An error in its place says why it cannot be used for this one; the others go on.
        """

    def run(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any], year: float) -> FloatArray:
        """Look at one position after one year.

        Parameters
        ----------
        data_slice : numpy structured array
            The visits so far, with the columns of `COLUMNS`; bands carry the package's names.
        slice_point : dict
            Its "ra" and "dec" in radians; "sid" is its place among the plan's positions.
        year : float
            The survey year at whose end it is.

        Returns
        -------
        ndarray of float64, shape (n_quantities,)
            One number each; NaN where there is none.
        """


def visits_as_slice(visits: Visits, ra: float, dec: float) -> npt.NDArray[Any]:
    """Make the array that a MAF metric is given at a position.

    Parameters
    ----------
    visits : Visits
        The visits.
    ra, dec : float
        Position in degrees.

    Returns
    -------
    numpy structured array, shape (n_visits,)
        The columns of `COLUMNS`, "fieldRA", "fieldDec", and "seeingFwhmEff" where it is known.
        Bands carry the package's names, so that one array may hold several surveys.
    """
    columns: dict[str, npt.NDArray[Any]] = {
        "mid_exposure_mjd": visits.mjd,
        "fiveSigmaDepth": visits.m5,
        "band": visits.band.astype("U2"),
        "night": visits.night,
        "visitExposureTime": visits.exptime,
        "observationId": visits.visit_id,
        "fieldRA": np.full(len(visits), ra),
        "fieldDec": np.full(len(visits), dec),
    }
    if visits.seeing is not None:
        columns[_SEEING] = visits.seeing
    array = np.empty(len(visits), dtype=[(name, v.dtype) for name, v in columns.items()])
    for name, value in columns.items():
        array[name] = value
    return array


@runtime_checkable
class StarJudge(FurtherMetric, Protocol):
    """A further metric that also says, star by star, what it takes each of them for.

    Its stars are scored all together: F1 scores by year, magnitude, period and class.
    """

    @property
    def classified(self) -> ClassifiedStars | None:
        """The stars, once it is prepared."""
