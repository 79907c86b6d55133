"""Evaluate one run of a comparison at every sky position, resumable in pieces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.changes.transforms import start_of
from pelsvae_cadence.cadence.footprint_edge import visits_if_any
from pelsvae_cadence.cadence.survey import Cadence
from pelsvae_cadence.core.arrays import freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.core.version import __version__
from pelsvae_cadence.metrics.comparison.classified_stars import ClassifiedStars
from pelsvae_cadence.metrics.comparison.further_metric import FurtherMetric, StarJudge, visits_as_slice
from pelsvae_cadence.metrics.comparison.plan import Plan
from pelsvae_cadence.metrics.comparison.position_search import PositionOutcome, search_position
from pelsvae_cadence.metrics.comparison.quantities import STAR_QUANTITIES, Quantity, cadence_values
from pelsvae_cadence.metrics.position.observe import load_model
from pelsvae_cadence.parallel.checkpoints import fingerprint
from pelsvae_cadence.parallel.partitions import Partition, run_partitions

__all__ = ["RunOutcome", "evaluate"]

FloatArray = npt.NDArray[np.float64]

# Searches of one piece of work: some ten seconds, little to lose and little to start.
_SEARCHES: Final = 60
_MOST_POSITIONS: Final = 16


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """What became of all stars at all positions in one run.

    Parameters
    ----------
    name : str
        Name of the run.
    n_visits : ndarray of int64, shape (n_positions,)
        Visits by the end of the last year asked for.
    in_footprint : ndarray of bool, shape (n_positions,)
        Whether these are enough.
    outcome : ndarray of bool, shape (n_positions, n_groups, n_years, n_stars, n_star_quantities)
        Yes and no per star.
    found_period : ndarray of float64, shape (n_positions, n_groups, n_years, n_stars)
        Periods found in days; NaN if none.
    true_period : ndarray of float64, shape (n_positions, n_groups, n_stars)
        True periods in days; NaN where no position of any run has enough visits.
    star_id : ndarray of int64, shape (n_positions, n_groups, n_stars)
        Numbers of the stars; -1 where they were not drawn.
    cadence : ndarray of float64, shape (n_positions, n_years, n_cadence_quantities)
        What the visits are like.
    further : dict of str to ndarray of float64, shape (n_positions, n_years, n_quantities)
        Further metrics by name.
    classified : ClassifiedStars, optional
        What classifiers have said of the stars, where that was asked.
    """

    name: str
    n_visits: npt.NDArray[np.int64]
    in_footprint: npt.NDArray[np.bool_]
    outcome: npt.NDArray[np.bool_]
    found_period: FloatArray
    true_period: FloatArray
    star_id: npt.NDArray[np.int64]
    cadence: FloatArray
    further: dict[str, FloatArray]
    classified: ClassifiedStars | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                freeze(value)

    def with_unknown(self, quantities: Mapping[str, Sequence[Quantity]]) -> RunOutcome:
        """Add the further metrics that could not be used, with no known value anywhere.

        Parameters
        ----------
        quantities : mapping of str to sequence of Quantity
            All further metrics, and what they give.

        Returns
        -------
        RunOutcome
            The same, with NaN for what is missing.
        """
        shape = self.cadence.shape[:2]
        every = {
            name: self.further.get(name, np.full((*shape, len(given)), np.nan))
            for name, given in quantities.items()
        }
        return replace(self, further=every)


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """The task of a partition: some positions of one run."""

    cadence: Cadence
    plan: Plan
    size: int
    further: tuple[FurtherMetric, ...] = ()

    @cached_property
    def _start(self) -> float:
        return start_of(self.cadence)

    def __call__(self, partition: Partition) -> dict[str, npt.NDArray[Any]]:
        first = partition.index * self.size
        last = min(first + self.size, len(self.plan.sky))
        rows = [self._position(place) for place in range(first, last)]
        return {key: np.stack([row[key] for row in rows]) for key in rows[0]}

    def _position(self, place: int) -> dict[str, npt.NDArray[Any]]:
        plan = self.plan
        ra, dec = plan.sky[place].tolist()
        visits = visits_if_any(self.cadence, ra, dec, plan.radius)
        elapsed = (visits.mjd - self._start) / JULIAN_YEAR
        visits = visits.take(elapsed < plan.years[-1])
        elapsed = (visits.mjd - self._start) / JULIAN_YEAR
        in_footprint = len(visits) >= plan.min_visits
        found = search_position(plan, visits, elapsed, ra, dec) if in_footprint else _not_searched(plan)
        values: dict[str, npt.NDArray[Any]] = {
            **vars(found),
            "n_visits": np.array(len(visits), dtype=np.int64),
            "cadence": np.array([cadence_values(visits.take(elapsed < y)) for y in plan.years]),
        }
        for metric in self.further:
            rows = np.full((len(plan.years), len(metric.quantities)), np.nan)
            if in_footprint:
                array = visits_as_slice(visits, ra, dec)
                point = {"ra": np.radians(ra), "dec": np.radians(dec), "sid": place}
                for y, year in enumerate(plan.years):
                    rows[y] = metric.run(array[elapsed < year], point, year)
            values[f"further {metric.name}"] = rows
        return values


def _not_searched(plan: Plan) -> PositionOutcome:
    """Say of a position outside the footprint: no stars, no periods, nothing true."""
    n_groups, n_years, n_stars = len(plan.groups), len(plan.years), plan.stars_per_position
    return PositionOutcome(
        outcome=np.zeros((n_groups, n_years, n_stars, len(STAR_QUANTITIES)), dtype=np.bool_),
        found_period=np.full((n_groups, n_years, n_stars), np.nan),
        true_period=np.full((n_groups, n_stars), np.nan),
        star_id=np.full((n_groups, n_stars), -1, dtype=np.int64),
    )


def evaluate(
    name: str,
    cadence: Cadence,
    plan: Plan,
    *,
    further: Sequence[FurtherMetric] = (),
    checkpoint_dir: str | Path | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RunOutcome:
    """Ask one run everything in the plan.

    Parameters
    ----------
    name : str
        Name of the run.
    cadence : Cadence
        The survey.
    plan : Plan
        Where, for which stars, after which years.
    further : sequence of FurtherMetric
        Prepared metrics that run beside the period search.
    checkpoint_dir : str or Path, optional
        Where finished pieces are kept, for a run that is stopped and started again.
    workers : int
        Number of processes.
    scheduler : str, optional
        Address of a Dask scheduler to use instead.
    progress : callable, optional
        Called with (pieces done, pieces in all).

    Returns
    -------
    RunOutcome
        What became of all stars.

    Raises
    ------
    InputError
        If the survey never looks at any position, or checkpoints belong to another comparison.
    """
    sky = plan.sky
    per_position = len(plan.groups) * len(plan.years) * plan.stars_per_position
    size = int(np.clip(_SEARCHES // per_position, 1, _MOST_POSITIONS))
    pieces = [
        Partition(key=f"positions-{start:06d}", index=start // size) for start in range(0, len(sky), size)
    ]
    task = _Piece(cadence=cadence, plan=plan, size=size, further=tuple(further))
    arrays: dict[str, list[npt.NDArray[Any]]] = {}
    for _, values in run_partitions(
        task,
        pieces,
        checkpoint_dir=checkpoint_dir,
        fingerprint=fingerprint(
            __version__, plan, cadence, load_model(plan.model).hash, [repr(metric) for metric in further]
        ),
        workers=workers,
        scheduler=scheduler,
        progress=progress,
    ):
        for key, value in values.items():
            arrays.setdefault(key, []).append(value)
    whole = {key: np.concatenate(parts) for key, parts in arrays.items()}
    in_footprint = whole["n_visits"] >= plan.min_visits
    if not in_footprint.any():
        raise InputError(
            f"{name} has nowhere {plan.min_visits} visits",
            remedy="Choose positions inside its footprint, a larger radius, or more years.",
        )
    further_values = {metric.name: whole.pop(f"further {metric.name}") for metric in further}
    return RunOutcome(
        name=name,
        in_footprint=in_footprint,
        further=further_values,
        classified=next((m.classified for m in further if isinstance(m, StarJudge)), None),
        **whole,
    )
