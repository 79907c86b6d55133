"""MAF's bundle groups in pieces: a run that is stopped begins where it ended, on any number of cores.

MAF computes the slice points of a bundle one after the other and keeps them in memory until the
last one. Here the same points are computed in partitions (`pelsvae_cadence.parallel.partitions`), each kept in a file
of its own, and merged into the bundles of an undivided run.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.version import __version__
from pelsvae_cadence.metrics.maf.data_directory import prepare_data_directory
from pelsvae_cadence.parallel.checkpoints import fingerprint
from pelsvae_cadence.parallel.partitions import Arrays, Partition, run_partitions

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.metric_bundles import MetricBundle, MetricBundleGroup

__all__ = ["ResumableBundleGroup", "fingerprint_of"]

_FEW_POINTS: Final = 64
_POINTS_TOGETHER: Final = 8
# How a slice point ended.
_EMPTY, _BAD, _VALUE = 0, 1, 2
# Attributes of metrics that are not part of what they compute.
_CALLBACKS: Final = ("on_run", "on_observed")
_SEPARATOR: Final = "|"


def fingerprint_of(bundles: Mapping[str, MetricBundle], *survey: str) -> str:
    """Identify a run by everything that its values depend on.

    Parameters
    ----------
    bundles : dict of str to MetricBundle
        The bundles.
    *survey : str
        What else identifies the run, e.g. the hash of the database and a constraint.

    Returns
    -------
    str
        A hash of survey, slicers, metrics, constraints and package version.
    """
    parts: list[Any] = []
    for name, bundle in bundles.items():
        slicer = bundle.slicer
        settings = {
            key: value
            for key, value in vars(bundle.metric).items()
            if key not in _CALLBACKS and key != "reduce_funcs"
        }
        parts += [
            name,
            bundle.constraint,
            type(bundle.metric).__qualname__,
            settings,
            type(slicer).__name__,
            len(slicer),
            slicer.slice_points,
            getattr(slicer, "radius", None),
            getattr(slicer, "use_camera", None),
            [type(one).__qualname__ for one in (*bundle.stacker_list, *bundle.maps_list)],
        ]
    return fingerprint(__version__, parts, survey)


class ResumableBundleGroup(MetricBundleGroup):  # type: ignore[misc]  # rubin_sim has no types
    """A MetricBundleGroup whose slice points are computed in partitions.

    The values are those of MetricBundleGroup, for slicers without a cache and for metrics whose
    values are numbers, arrays, or dictionaries of them.

    Parameters
    ----------
    bundle_dict : dict of str to MetricBundle
        The bundles.
    db_con : str, connection or None
        The database.
    checkpoint_dir : Path, optional
        Folder of the partitions that are finished; nothing is kept without one.
    fingerprint : str
        What identifies the run (`fingerprint_of`); partitions of another one are refused.
    workers : int
        Processes; with one everything happens in this process.
    scheduler : str, optional
        Address of a Dask scheduler instead.
    on_partition : callable, optional
        Called with (slice points done, slice points in all) when a partition is finished; the
        points of several slicers are counted one slicer after the other.
    **kwargs
        Passed to MetricBundleGroup.
    """

    sim_data: npt.NDArray[Any]

    def __init__(
        self,
        bundle_dict: dict[str, MetricBundle],
        db_con: Any,
        *,
        checkpoint_dir: Path | None = None,
        fingerprint: str = "",
        workers: int = 1,
        scheduler: str | None = None,
        on_partition: Callable[[int, int], None] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(bundle_dict, db_con, **kwargs)
        self._checkpoint_dir = checkpoint_dir
        self._fingerprint = fingerprint
        self._workers = workers
        self._scheduler = scheduler
        self._on_partition = on_partition

    def _run_compatible(self, compatible_list: Sequence[str]) -> None:
        """Compute a set of bundles with one slicer; MAF calls this for each such set."""
        visits = self.sim_data
        if len(visits) == 0:
            return
        bundles = [self.current_bundle_dict[key] for key in compatible_list]
        for stacker in _unique(stacker for b in bundles for stacker in b.stacker_list):
            visits = stacker.run(visits, override=True)
        self.sim_data = visits
        slicer = bundles[0].slicer
        slicer.setup_slicer(visits, maps=_unique(m for b in bundles for m in b.maps_list))
        for bundle in bundles:
            bundle.slicer = slicer
            bundle._setup_metric_values()

        n_points = len(slicer)
        size = 1 if n_points <= _FEW_POINTS else _POINTS_TOGETHER
        starts = range(0, n_points, size)
        name = fingerprint(sorted(compatible_list))[:8]
        partitions = [Partition(f"{name}.{i:06d}", i) for i in range(len(starts))]
        metrics = [b.metric for b in bundles]
        if self._workers > 1 or self._scheduler is not None:
            metrics = [_without_callbacks(metric) for metric in metrics]
        task = _SlicePoints(data=visits, slicer=slicer, metrics=metrics, size=size, n_points=n_points)

        def told(done: int, total: int) -> None:
            if self._on_partition is not None:
                self._on_partition(min(done * size, n_points), n_points)

        for partition, arrays in run_partitions(
            task,
            partitions,
            checkpoint_dir=self._checkpoint_dir,
            fingerprint=self._fingerprint,
            workers=self._workers,
            scheduler=self._scheduler,
            progress=told,
        ):
            for b, bundle in enumerate(bundles):
                _unpack(arrays, f"{b}{_SEPARATOR}", bundle, partition.index * size)
        for bundle in bundles:
            if self.save_early:
                bundle.write(out_dir=self.out_dir, results_db=self.results_db)
            else:
                bundle.write_db(results_db=self.results_db)


def _unique(things: Any) -> list[Any]:
    found: list[Any] = []
    for thing in things:
        if thing not in found:
            found.append(thing)
    return found


def _without_callbacks(metric: Any) -> Any:
    """Copy a metric without its callbacks, which belong to this process."""
    plain = copy.copy(metric)
    # MAF keeps the reduce methods bound to the metric that was copied, callbacks and all.
    plain.reduce_funcs = {}
    for name in _CALLBACKS:
        if getattr(plain, name, None) is not None:
            setattr(plain, name, None)
    return plain


@dataclass(frozen=True, kw_only=True)
class _SlicePoints:
    """The task: run all metrics on the slice points of a partition."""

    data: npt.NDArray[Any]
    slicer: Any
    metrics: list[Any]
    size: int
    n_points: int

    def __call__(self, partition: Partition) -> Arrays:
        first = partition.index * self.size
        points = range(first, min(first + self.size, self.n_points))
        values: list[list[Any]] = [[] for _ in self.metrics]
        for i in points:
            here = self.slicer[i]
            rows = self.data[here["idxs"]]
            for metric, found in zip(self.metrics, values, strict=True):
                found.append(None if len(rows) == 0 else metric.run(rows, here["slice_point"]))
        arrays: Arrays = {}
        for b, (metric, found) in enumerate(zip(self.metrics, values, strict=True)):
            arrays |= _pack(metric, found, f"{b}{_SEPARATOR}")
        return arrays


def _pack(metric: Any, values: list[Any], prefix: str) -> Arrays:
    """Write the values of some slice points as arrays without Python objects."""
    state = np.array(
        [_EMPTY if v is None else _BAD if v is metric.badval else _VALUE for v in values], dtype=np.int8
    )
    arrays: Arrays = {f"{prefix}state": state}
    good = [v for v, s in zip(values, state.tolist(), strict=True) if s == _VALUE]
    if not good:
        return arrays
    dictionaries = all(isinstance(v, Mapping) for v in good)
    names = list(good[0]) if dictionaries else [""]
    if dictionaries and any(list(v) != names for v in good):
        raise InputError(f"the values of {metric.name} differ in their keys from point to point")
    for name in names:
        items = [np.asarray(v[name] if dictionaries else v) for v in good]
        if any(item.dtype.hasobject for item in items):
            raise InputError(
                f"the value {name!r} of {metric.name} is a {type(good[0]).__name__}, not numbers",
                remedy="Use MAF's MetricBundleGroup for this metric.",
            )
        key = f"{prefix}{'dict' if dictionaries else 'plain'}{_SEPARATOR}{name}"
        if items[0].ndim == 0:
            arrays[key] = np.array([item[()] for item in items])
            continue
        # Points may have different numbers of stars or visits: one after the other.
        arrays[key] = np.concatenate(items)
        arrays[f"{key}{_SEPARATOR}ends"] = np.cumsum([len(item) for item in items])
    return arrays


def _unpack(arrays: Arrays, prefix: str, bundle: MetricBundle, first: int) -> None:
    """Put the values of some slice points into their bundle."""
    state = arrays[f"{prefix}state"]
    parts: dict[str, list[Any]] = {}
    dictionaries = False
    for key, array in arrays.items():
        words = key.removeprefix(prefix).split(_SEPARATOR)
        if not key.startswith(prefix) or len(words) != 2:
            continue
        dictionaries = words[0] == "dict"
        ends = arrays.get(f"{key}{_SEPARATOR}ends")
        parts[words[1]] = array.tolist() if ends is None else np.split(array, ends[:-1])
    rank = 0
    for i, how in enumerate(state.tolist(), start=first):
        if how == _VALUE:
            value = {name: part[rank] for name, part in parts.items()}
            bundle.metric_values.data[i] = value if dictionaries else value[""]
            rank += 1
            # MAF compares numbers with the bad value; an object is the bad value or is not.
            masked = bundle.metric_values.dtype != object and (
                bundle.metric_values.data[i] == bundle.metric.badval
            )
            if masked:
                bundle.metric_values.mask[i] = True
            continue
        if how == _BAD:
            bundle.metric_values.data[i] = bundle.metric.badval
        bundle.metric_values.mask[i] = True
