"""Labelled stars at many sky positions of a survey: resumable, and the same in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.changes.thinning import thin_visits
from pelsvae_cadence.cadence.changes.transforms import start_of
from pelsvae_cadence.cadence.footprint_edge import visits_if_any
from pelsvae_cadence.cadence.survey import Cadence, Survey, check_position
from pelsvae_cadence.cadence.synthetic.cells import sky_cell
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.classify.features.table import FeatureTable
from pelsvae_cadence.classify.labelled import ClassMix, LabelledStars, observe_mix
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.tables.sky_positions import position_pairs
from pelsvae_cadence.core.times import JULIAN_YEAR, time_span
from pelsvae_cadence.core.version import __version__
from pelsvae_cadence.parallel.checkpoints import fingerprint
from pelsvae_cadence.parallel.partitions import Partition, run_partitions

if TYPE_CHECKING:
    from pelsvae_cadence.core.phase_curve import PhaseCurve
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.stars import Stars

__all__ = ["observe_survey", "positions_of"]

FloatArray = npt.NDArray[np.float64]
Positions = Sequence[tuple[float, float]]

#: Version of the features: checkpoints of other versions are not taken for these.
_FEATURES: Final = 3
# Cells in which training positions are looked for, at most one a cell.
_CELL_NSIDE: Final = 8
_TRIALS: Final = 4000


def positions_of(
    cadence: Cadence, n: int, *, seed: int = 0, min_visits: int = 100
) -> list[tuple[float, float]]:
    """Choose positions in the footprint of a survey.

    Parameters
    ----------
    cadence : Survey, SyntheticSurvey or another cadence
        The survey.
    n : int
        Number of positions.
    seed : int
        Seed of the choice.
    min_visits : int
        Visits that a position must have.

    Returns
    -------
    list of (ra, dec)
        Positions in degrees, evenly random over the sky that is observed, no two in one cell of
        7 deg.

    Raises
    ------
    InputError
        If the survey has fewer such cells.
    """
    if n < 1:
        raise InputError(f"{n} positions", allowed="1 or more")
    random = KeyedRandom(seed=seed)
    trial = np.arange(_TRIALS)
    if isinstance(cadence, Survey):
        # Around pointings: a table may hold patches that a random position would never hit.
        which = (random.uniform("training pointing", trial) * cadence.ra.size).astype(np.int64)
        ra, dec = cadence.ra[which], cadence.dec[which]
    else:
        ra = 360.0 * random.uniform("training right ascension", trial)
        dec = np.degrees(np.arcsin(2.0 * random.uniform("training declination", trial) - 1.0))
    found: list[tuple[float, float]] = []
    taken: set[int] = set()
    for cell, a, d in zip(sky_cell(_CELL_NSIDE, ra, dec).tolist(), ra.tolist(), dec.tolist(), strict=True):
        if cell in taken or len(visits_if_any(cadence, a, d)) < min_visits:
            continue
        taken.add(cell)
        found.append((a, d))
        if len(found) == n:
            return found
    raise InputError(
        f"{cadence.name} has {len(found)} well separated positions with {min_visits} visits, not {n}",
        remedy="Ask for fewer, or give the positions.",
    )


@dataclass(frozen=True)
class _Observe:
    """What a worker does with a position."""

    cadence: Cadence
    positions: tuple[tuple[float, float], ...]
    mix: ClassMix
    model: str
    years: tuple[float | None, ...]
    start: float
    ebv: tuple[float, ...]
    radius: float | None
    max_visits: int | None

    def __call__(self, piece: Partition) -> Mapping[str, npt.NDArray[Any]]:
        ra, dec = self.positions[piece.index]
        visits = visits_if_any(self.cadence, ra, dec, self.radius)
        model = _model(self.model)
        drawn: dict[str, tuple[Stars, PhaseCurve]] = {}
        arrays: dict[str, npt.NDArray[Any]] = {}
        for k, years in enumerate(self.years):
            so_far = _first_years(visits, self.start, years)
            used = so_far if self.max_visits is None else thin_visits(so_far, self.max_visits)
            stars = observe_mix(
                self.mix,
                used,
                ra,
                dec,
                model=model,
                ebv=self.ebv[piece.index],
                # The span of all visits so far, not only of those a thinned series keeps.
                baseline=None if used is so_far else time_span(so_far.mjd),
                drawn=drawn,
            )
            arrays |= {f"{name}_{k}": value for name, value in _to_arrays(stars).items()}
        return arrays


_models: dict[str, LightCurveModel] = {}


def _model(name: str) -> LightCurveModel:
    from pelsvae_cadence.model.source import LightCurveModel

    if name not in _models:
        _models[name] = LightCurveModel.load(name)
    return _models[name]


def _first_years(visits: Visits, start: float, years: float | None) -> Visits:
    return visits if years is None else visits.take(visits.mjd < start + years * JULIAN_YEAR)


def _to_arrays(stars: LabelledStars) -> dict[str, npt.NDArray[Any]]:
    return {
        "star_id": stars.features.star_id,
        "features": stars.features.values,
        "feature_names": np.array(stars.features.names),
        "truth": stars.truth.values,
        "truth_names": np.array(stars.truth.names),
        "label": stars.label,
        "ra": stars.ra,
        "dec": stars.dec,
        "magnitude": stars.magnitude,
        "distance_modulus": stars.distance_modulus,
        "recovered": stars.recovered,
    }


def _from_arrays(arrays: Mapping[str, npt.NDArray[Any]], k: int) -> LabelledStars:
    star_id = arrays[f"star_id_{k}"]

    def table(name: str) -> FeatureTable:
        names = tuple(arrays[f"{name.removesuffix('s')}_names_{k}"].tolist())
        return FeatureTable(star_id=star_id, names=names, values=arrays[f"{name}_{k}"])

    return LabelledStars(
        features=table("features"),
        truth=table("truth"),
        **{
            name: arrays[f"{name}_{k}"]
            for name in ("label", "ra", "dec", "magnitude", "distance_modulus", "recovered")
        },
    )


def observe_survey(
    cadence: Cadence,
    positions: Positions,
    mix: ClassMix,
    *,
    years: Sequence[float | None] = (None,),
    start: float | None = None,
    ebv: float | Sequence[float] = 0.0,
    radius: float | None = None,
    max_visits: int | None = None,
    model: str = "default",
    checkpoint_dir: str | Path | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[LabelledStars, ...]:
    """Observe the stars of a mix at positions of a survey.

    Parameters
    ----------
    cadence : Survey, SyntheticSurvey or another cadence
        The survey.
    positions : sequence of (ra, dec)
        Positions in degrees.
    mix : ClassMix
        Which stars.
    years : sequence of float or None
        Lengths of the survey in years of 365.25 d to look at; None is all of it. The same stars
        are observed for each.
    start : float, optional
        MJD from which the years count; the begin of the survey (`start_of`) by default.
    ebv : float or sequence of float
        True E(B-V) in mag, of all positions or of each.
    radius : float, optional
        Radius of the circular field of view in degrees; the survey's own by default.
    max_visits : int, optional
        Positions with more visits are thinned to this many (`thin_visits`).
    model : str
        Name or path of the source model.
    checkpoint_dir : str or Path, optional
        Folder that keeps the stars of each position: a run that is repeated, or was interrupted,
        computes only what is missing.
    workers : int
        Processes.
    scheduler : str, optional
        Address of a Dask scheduler to use instead.
    progress : callable, optional
        Called with (positions done, positions in all).

    Returns
    -------
    tuple of LabelledStars
        The stars of all positions, for each of `years`.

    Raises
    ------
    InputError
        If a position is not on the sky, none is given, or the folder belongs to another run.
    """
    points = tuple(check_position(ra, dec) for ra, dec in position_pairs(positions))
    if not points:
        raise InputError("no position to observe")
    reddening = (
        (float(ebv),) * len(points) if isinstance(ebv, (int, float)) else tuple(float(value) for value in ebv)
    )
    if len(reddening) != len(points):
        raise InputError(f"{len(reddening)} colour excesses for {len(points)} positions")
    begin = start
    if begin is None:
        begin = 0.0 if all(y is None for y in years) else start_of(cadence)
    task = _Observe(
        cadence=cadence,
        positions=points,
        mix=mix,
        model=model,
        years=tuple(years),
        start=begin,
        ebv=reddening,
        radius=radius,
        max_visits=max_visits,
    )
    pieces = [Partition(key=f"position-{k:05d}", index=k) for k in range(len(points))]
    parts: list[list[LabelledStars]] = [[] for _ in years]
    for _, arrays in run_partitions(
        task,
        pieces,
        checkpoint_dir=checkpoint_dir,
        fingerprint="" if checkpoint_dir is None else _fingerprint(task),
        workers=workers,
        scheduler=scheduler,
        progress=progress,
    ):
        for k in range(len(parts)):
            parts[k].append(_from_arrays(arrays, k))
    return tuple(LabelledStars.concatenate(part) for part in parts)


def _fingerprint(task: _Observe) -> str:
    """Identify stars, visits and options, so that nothing else is taken for them."""
    visits = [visits_if_any(task.cadence, ra, dec, task.radius) for ra, dec in task.positions]
    seen = [(v.mjd, v.m5, v.band) for v in visits]
    return fingerprint(__version__, _FEATURES, _model(task.model).hash, {**vars(task), "cadence": None}, seen)
