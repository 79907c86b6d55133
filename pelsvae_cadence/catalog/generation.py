"""Catalogues of any size: simulated by sky partition, on any number of workers, resumable.

Partitions are computed by `pelsvae_cadence.parallel.partitions` and kept beside the catalogue; then they are
written in order. Each star's numbers depend on the star alone, so the catalogue holds the same bits
whatever the number of workers and the size of the partitions.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from pelsvae_cadence.cadence.footprint_edge import visits_if_any
from pelsvae_cadence.cadence.survey import Cadence
from pelsvae_cadence.cadence.tables import file_sha256
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.catalog.layout import columns_of, visits_of
from pelsvae_cadence.catalog.provenance import Provenance
from pelsvae_cadence.catalog.reader import Catalog
from pelsvae_cadence.catalog.sites import StarSource
from pelsvae_cadence.catalog.writer import CatalogWriter
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.containers import number
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.model.weights import load_weights
from pelsvae_cadence.parallel.checkpoints import fingerprint, remove_finished
from pelsvae_cadence.parallel.partitions import Arrays, Partition, run_partitions
from pelsvae_cadence.population.crowding import crowded_field, crowded_region
from pelsvae_cadence.simulation.modulation import draw_modulation
from pelsvae_cadence.simulation.simulate import simulate
from pelsvae_cadence.stars import Stars

if TYPE_CHECKING:
    from pelsvae_cadence.model.source import LightCurveModel

__all__ = ["Generated", "generate_catalog"]

IntArray = npt.NDArray[np.int64]

#: Stars of a partition: with 800 visits its checkpoint takes 17 MB.
STARS_PER_PARTITION: Final = 500
_VISIT_COLUMNS: Final = tuple(field.name for field in fields(Visits))
_STAR_COLUMNS: Final = tuple(field.name for field in fields(Stars))
# Times, bands and visit numbers are those of the visits: they are put in when partitions are merged.
_POINT_COLUMNS: Final = ("mag_true", "mag", "mag_err", "flux", "flux_err", "detected", "saturated")


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What a run has made.

    Parameters
    ----------
    path : Path
        The catalogue.
    n_stars, n_points, n_sites : int
        Stars, points of light curves, and places in the sky with stars.
    n_unseen : int
        Stars at places that the survey does not look at: they are in the catalogue, without points.
    n_crowded : mapping of str to int
        Stars in the regions of `pelsvae_cadence.population.crowding.CROWDED_REGIONS`, where noise of isolated
        stars is too optimistic.
    n_partitions : int
        Partitions; those of an interrupted run are not computed again.
    seconds : float
        Wall-clock time.
    writing : float
        Processor time in s of writing, reading back and checking the catalogue: what workers cannot
        share.
    size : int
        Bytes of the catalogue.
    content : str
        Hash of all stars, visits and points: equal for catalogues that hold the same numbers.
    """

    path: Path
    n_stars: int
    n_points: int
    n_sites: int
    n_unseen: int
    n_crowded: Mapping[str, int]
    n_partitions: int
    seconds: float
    writing: float
    size: int
    content: str


def generate_catalog(
    path: str | os.PathLike[str],
    cadence: Cadence,
    stars: StarSource,
    *,
    seed: int = 0,
    model: str = "default",
    radius: float | None = None,
    skip_unseen: bool = False,
    modulated: bool = False,
    crowded: bool = False,
    workers: int = 1,
    scheduler: str | None = None,
    checkpoint_dir: str | os.PathLike[str] | None = None,
    stars_per_partition: int = STARS_PER_PARTITION,
    compression: str | None = "repeats",
    overwrite: bool = False,
    command: str = "",
    extra: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Generated:
    """Observe stars all over the sky with a survey, and write them to a catalogue.

    Parameters
    ----------
    path : str or Path
        The catalogue to make.
    cadence : Survey, SyntheticSurvey or other Cadence
        The survey.
    stars : DrawnStars or ListedStars
        Which stars stand where.
    seed : int
        Seed of stars and noise.
    model : str
        Name or path of the source model.
    radius : float, optional
        Radius of the circular field of view in degrees; the survey's own by default.
    skip_unseen : bool
        Leave out places that the survey does not look at; otherwise their stars are in the
        catalogue without points.
    modulated : bool
        Let stars deviate from strict periodicity as `pelsvae_cadence.simulation.modulation` draws it.
    crowded : bool
        Blend stars with neighbours and add the crowding error, from the built-in star counts of
        `pelsvae_cadence.population.crowding.crowded_field` at the place whose visits the stars share.
    workers : int
        Number of processes on this machine.
    scheduler : str, optional
        Address of a Dask cluster to use instead.
    checkpoint_dir : str or Path, optional
        Folder for finished partitions, by default ``<path>.parts``. A run that was stopped begins
        where it ended when it is repeated. The folder is removed when the catalogue is complete.
    stars_per_partition : int
        Size of the partitions; a site is never cut. Sets memory (about 0.4 MB a star of 800 visits
        in each worker) and what a kill can cost, not the result.
    compression : {"gzip", "repeats", None}
        What to compress; see `pelsvae_cadence.catalog.CatalogWriter`.
    overwrite : bool
        Replace an existing file of that name.
    command : str
        The command line, for the provenance.
    extra : mapping, optional
        Anything else to keep in the provenance.
    progress : callable, optional
        Called with (finished partitions, all partitions).

    Returns
    -------
    Generated
        What was made.

    Raises
    ------
    InputError
        If the catalogue exists, checkpoints belong to another run, an input cannot be used, or the
        disk is full; finished partitions are kept.
    PartitionError
        If the simulation of a partition fails.
    """
    if stars_per_partition < 1:
        raise InputError(f"{stars_per_partition} stars per partition", allowed="1 or more")
    if radius is not None:
        radius = number("radius", radius, "deg")
        if not 0.0 < radius <= 90.0:
            raise InputError(f"radius = {radius:g} deg", allowed="above 0, up to 90 deg")
    start = time.monotonic()
    target = Path(path)
    weights = load_weights(model)
    task = _Observation(
        cadence=cadence,
        source=stars,
        bounds=_cut(stars, stars_per_partition),
        model=model,
        model_hash=weights.hash,
        seed=seed,
        radius=radius,
        skip_unseen=skip_unseen,
        modulated=modulated,
        crowded=crowded,
    )
    pieces = [Partition(f"stars-{k:06d}", k) for k in range(task.bounds.size - 1)]
    provenance = Provenance(
        seed=seed,
        model_name=weights.name,
        model_hash=weights.hash,
        survey_name=cadence.name,
        survey_hash=_survey_hash(cadence),
        command=command,
        extra={**(extra or {}), "modulated": modulated, "crowded": crowded},
    )
    folder = Path(checkpoint_dir) if checkpoint_dir is not None else _parts_of(target)
    n_unseen = n_sites = 0
    n_crowded: Counter[str] = Counter()
    writing = 0.0
    with CatalogWriter(target, provenance=provenance, overwrite=overwrite, compression=compression) as writer:
        results = run_partitions(
            task,
            pieces,
            checkpoint_dir=folder,
            fingerprint=fingerprint(task),
            workers=workers,
            scheduler=scheduler,
            progress=progress,
        )
        with closing(results):  # type: ignore[type-var]
            for _, arrays in results:
                for batch in _batches(arrays):
                    before = time.process_time()
                    writer.append(*batch)
                    writing += time.process_time() - before
                    n_sites += 1
                    n_unseen += len(batch[0]) if len(batch[1]) == 0 else 0
                    region = crowded_region(batch[0].ra, batch[0].dec)
                    n_crowded.update(region[region != ""].tolist())
        before = time.process_time()
    writing += time.process_time() - before
    remove_finished(folder)
    with Catalog(target) as catalog:
        return Generated(
            path=target,
            n_stars=catalog.n_stars,
            n_points=catalog.n_points,
            n_sites=n_sites,
            n_unseen=n_unseen,
            n_crowded=dict(n_crowded),
            n_partitions=len(pieces),
            seconds=time.monotonic() - start,
            writing=writing,
            size=target.stat().st_size,
            content=catalog.content_hash,
        )


def _parts_of(target: Path) -> Path:
    return target.with_name(target.name + ".parts")


def _survey_hash(cadence: Cadence) -> str:
    path = getattr(cadence, "path", "")
    return file_sha256(Path(path)) if path and Path(path).is_file() else ""


def _cut(source: StarSource, size: int) -> IntArray:
    """Cut the sites into partitions: at most `size` stars each unless one site has more.

    Sites come in the nested order of HEALPix pixels, so each partition is one patch of the sky.
    """
    bounds, held = [0], 0
    for i, n in enumerate(source.n_stars.tolist()):
        if held and held + n > size:
            bounds.append(i)
            held = 0
        held += n
    return np.array([*bounds, source.ra.size], dtype=np.int64)


@lru_cache(maxsize=2)
def _model(name: str, digest: str) -> LightCurveModel:
    """Load the source model once a process, and make sure that it is the same everywhere."""
    from pelsvae_cadence.model.source import LightCurveModel

    model = LightCurveModel.load(name)
    if model.hash != digest:
        raise InputError(
            f"model {name!r} is another one on this worker ({model.hash[:12]}, not {digest[:12]})",
            remedy="Install the same weights everywhere.",
        )
    return model


@dataclass(frozen=True, kw_only=True)
class _Observation:
    """The task: observe the stars of one partition."""

    cadence: Cadence
    source: StarSource
    bounds: IntArray
    model: str
    model_hash: str
    seed: int
    radius: float | None
    skip_unseen: bool
    modulated: bool
    crowded: bool

    def __call__(self, piece: Partition) -> Arrays:
        sites = np.arange(self.bounds[piece.index], self.bounds[piece.index + 1])
        visits = [
            visits_if_any(self.cadence, float(self.source.ra[s]), float(self.source.dec[s]), self.radius)
            for s in sites.tolist()
        ]
        if self.skip_unseen:
            seen = [k for k, v in enumerate(visits) if len(v)]
            sites, visits = sites[seen], [visits[k] for k in seen]
        if not sites.size:
            return {"n_sites": np.array(0)}
        with threadpool_limits(1):  # more threads may sum in another order
            model = _model(self.model, self.model_hash)
            stars, site = self.source.stars(sites, model, self.seed)
            curve = model.phase_curve(stars, seed=self.seed)
        ends = np.searchsorted(site, np.arange(sites.size + 1))
        points: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in _POINT_COLUMNS}
        modulation = draw_modulation(stars, seed=self.seed) if self.modulated else None
        for k, here in enumerate(visits):
            rows = np.arange(ends[k], ends[k + 1])
            place = float(self.source.ra[sites[k]]), float(self.source.dec[sites[k]])
            observed = simulate(
                stars.take(rows),
                here,
                curve=curve.take(rows),
                seed=self.seed,
                modulation=None if modulation is None else modulation.take(rows),
                crowding=crowded_field(*place) if self.crowded else None,
            )
            for name in _POINT_COLUMNS:
                points[name].append(getattr(observed, name))
        arrays: Arrays = {"n_sites": np.array(sites.size), "star_ends": ends}
        arrays["visit_ends"] = np.cumsum([0, *(len(v) for v in visits)])
        seen_by_site = [columns_of("visits", v) for v in visits]
        for name in _VISIT_COLUMNS:
            arrays[f"visits.{name}"] = np.concatenate([columns[name] for columns in seen_by_site])
        arrays |= {f"stars.{name}": value for name, value in columns_of("stars", stars).items()}
        for name, values in points.items():
            arrays[f"points.{name}"] = np.concatenate(values)
        return arrays


def _batches(arrays: Arrays) -> Iterator[tuple[Stars, Visits, LightCurves]]:
    """Take a partition apart into the batches of its sites."""
    n_sites = int(arrays["n_sites"])
    if not n_sites:
        return
    columns: dict[str, Any] = {name: arrays.get(f"stars.{name}") for name in _STAR_COLUMNS}
    stars = Stars(**columns)
    first_point = 0
    for k in range(n_sites):
        rows = np.arange(arrays["star_ends"][k], arrays["star_ends"][k + 1])
        span = slice(int(arrays["visit_ends"][k]), int(arrays["visit_ends"][k + 1]))
        visits = visits_of({name: arrays[f"visits.{name}"][span] for name in _VISIT_COLUMNS})
        n, m = rows.size, len(visits)
        points = slice(first_point, first_point + n * m)
        first_point += n * m
        light_curves = LightCurves(
            star_id=stars.star_id[rows],
            offsets=np.arange(n + 1) * m,
            mjd=np.tile(visits.mjd, n),
            band=np.tile(visits.band, n),
            visit_id=np.tile(visits.visit_id, n),
            **{name: arrays[f"points.{name}"][points] for name in _POINT_COLUMNS},
        )
        yield stars.take(rows), visits, light_curves
