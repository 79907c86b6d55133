"""One run of a comparison: every position asked, in pieces that can be resumed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from pelsvae_cadence import __version__
from pelsvae_cadence.arrays import freeze
from pelsvae_cadence.cadence.survey import Cadence, Survey
from pelsvae_cadence.cadence.transforms import start_of
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.metrics.comparison.plan import Plan
from pelsvae_cadence.metrics.comparison.position_search import PositionOutcome, search_position
from pelsvae_cadence.metrics.comparison.quantities import Quantity, cadence_values
from pelsvae_cadence.metrics.recovery import load_model
from pelsvae_cadence.partitions import Partition, run_partitions

__all__ = ["COLUMNS", "FurtherMetric", "RunOutcome", "evaluate", "visits_as_slice"]

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
_JULIAN_YEAR: Final = 365.25
# Searches of one piece of work: some ten seconds, little to lose and little to start.
_SEARCHES: Final = 60
_MOST_POSITIONS: Final = 16


@runtime_checkable
class FurtherMetric(Protocol):
    """A metric of positions that runs beside the period search.

    `prepare` is called once before any position is looked at, with everything a metric may have
    to learn from: a classifier is trained there. The objects that come back, one for each run, are
    sent to the workers.
    """

    @property
    def name(self) -> str:
        """Name in tables and files."""

    @property
    def quantities(self) -> Sequence[Quantity]:
        """What it gives at each position."""

    def prepare(
        self, cadences: Sequence[Cadence], plan: Plan, folder: Path
    ) -> Sequence[FurtherMetric | InputError]:
        """Learn what has to be learnt before the runs.

        Parameters
        ----------
        cadences : sequence of Cadence
            The runs.
        plan : Plan
            What will be asked.
        folder : Path
            A folder for what is worth keeping between attempts.

        Returns
        -------
        sequence of FurtherMetric or InputError
            The metric, ready to run, for each of the cadences, with the same name and quantities.
            An error in its place says why it cannot be used for this one; the others go on.
        """

    def run(
        self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any], year: float
    ) -> FloatArray:
        """Look at one position after one year.

        Parameters
        ----------
        data_slice : numpy structured array
            The visits so far, with the columns of `COLUMNS`; bands carry the package's names.
        slice_point : dict
            Its "ra" and "dec" in radians.
        year : float
            The survey year at whose end it is.

        Returns
        -------
        ndarray of float64, shape (n_quantities,)
            One number each; NaN where there is none.
        """


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
        rows = [self._position(ra, dec) for ra, dec in self.plan.sky[first : first + self.size]]
        return {key: np.stack([row[key] for row in rows]) for key in rows[0]}

    def _position(self, ra: float, dec: float) -> dict[str, npt.NDArray[Any]]:
        plan = self.plan
        visits = self.cadence.at(float(ra), float(dec), plan.radius)
        elapsed = (visits.mjd - self._start) / _JULIAN_YEAR
        visits = visits.take(elapsed < plan.years[-1])
        elapsed = (visits.mjd - self._start) / _JULIAN_YEAR
        in_footprint = len(visits) >= plan.min_visits
        found = (
            search_position(plan, visits, elapsed, float(ra), float(dec))
            if in_footprint
            else PositionOutcome.empty(plan)
        )
        values: dict[str, npt.NDArray[Any]] = {
            **vars(found),
            "n_visits": np.array(len(visits), dtype=np.int64),
            "cadence": np.array([cadence_values(visits.take(elapsed < y)) for y in plan.years]),
        }
        for metric in self.further:
            rows = np.full((len(plan.years), len(metric.quantities)), np.nan)
            if in_footprint:
                array = visits_as_slice(visits, float(ra), float(dec))
                point = {"ra": np.radians(ra), "dec": np.radians(dec), "sid": 0}
                for y, year in enumerate(plan.years):
                    rows[y] = metric.run(array[elapsed < year], point, year)
            values[f"further {metric.name}"] = rows
        return values


def _identity(cadence: Cadence) -> str:
    """Hash what a cadence is: a table by its content, all else by how it prints."""
    if isinstance(cadence, Survey):
        digest = hashlib.sha256(cadence.name.encode())
        for field in fields(cadence):
            value = getattr(cadence, field.name)
            if isinstance(value, np.ndarray):
                digest.update(field.name.encode())
                digest.update(np.ascontiguousarray(value).tobytes())
        return digest.hexdigest()
    parts = []
    for field in fields(cadence) if hasattr(cadence, "__dataclass_fields__") else ():  # type: ignore[arg-type]
        value = getattr(cadence, field.name)
        members = value if isinstance(value, tuple) else (value,)
        for member in members:
            inner = isinstance(member, Cadence)
            parts.append(f"{field.name}={_identity(member) if inner else member!r}")
    return hashlib.sha256("; ".join([cadence.name, *parts]).encode()).hexdigest()


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
        Partition(key=f"positions-{start:06d}", index=start // size)
        for start in range(0, len(sky), size)
    ]
    task = _Piece(cadence=cadence, plan=plan, size=size, further=tuple(further))
    arrays: dict[str, list[npt.NDArray[Any]]] = {}
    for _, values in run_partitions(
        task,
        pieces,
        checkpoint_dir=checkpoint_dir,
        fingerprint=plan.fingerprint(
            _identity(cadence), load_model(plan.model).hash, __version__,
            *(repr(metric) for metric in further),
        ),
        workers=workers,
        scheduler=scheduler,
        progress=progress,
    ):  # fmt: skip
        for key, value in values.items():
            arrays.setdefault(key, []).append(value)
    whole = {key: np.concatenate(parts) for key, parts in arrays.items()}
    in_footprint = whole["n_visits"] >= plan.min_visits
    if not in_footprint.any():
        raise InputError(
            f"{name} has nowhere {plan.min_visits} visits",
            remedy="Choose positions inside its footprint, a larger radius, or more years.",
        )
    return RunOutcome(
        name=name,
        n_visits=whole["n_visits"],
        in_footprint=in_footprint,
        outcome=whole["outcome"],
        found_period=whole["found_period"],
        true_period=whole["true_period"],
        star_id=whole["star_id"],
        cadence=whole["cadence"],
        further={metric.name: whole[f"further {metric.name}"] for metric in further},
    )
