"""Fit light curves of any table: period, class and probabilities of each star, in partitions."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from pelsvae_cadence.core.arrays import FloatArray, column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import TrueEBV, true_ebv
from pelsvae_cadence.core.tables.columns import OmissionWarning
from pelsvae_cadence.core.tables.containers import whole_number
from pelsvae_cadence.core.version import __version__
from pelsvae_cadence.inference.bank import shape_bank
from pelsvae_cadence.inference.fitted import FittedStars
from pelsvae_cadence.inference.infer import infer
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.model.weights import load_weights
from pelsvae_cadence.parallel.checkpoints import fingerprint
from pelsvae_cadence.parallel.partitions import Arrays, Partition, run_partitions
from pelsvae_cadence.periods.grid import PERIOD_RANGE, period_limits
from pelsvae_cadence.periods.result import PeriodResult
from pelsvae_cadence.periods.search import search
from pelsvae_cadence.readers.front_door import read_light_curves
from pelsvae_cadence.readers.stored import ParquetLightCurves

__all__ = ["Method", "StoredLightCurves", "draw_shapes", "fit"]

Method = Literal["learned", "harmonic"]

_METHODS: Final = ("learned", "harmonic")
# Partitions of a run, and stars of one: what a kill can cost, and how often a bar moves. Large tables
# have larger partitions rather than thousands of files.
_PARTITIONS: Final = 50
_MOST_STARS: Final = {"learned": 25, "harmonic": 250}
_MOST_PARTITIONS: Final = 500
# What the search keeps (`n_top` of `search`).
_MOST_CANDIDATES: Final = 8


class StoredLightCurves(Protocol):
    """Light curves that are read when they are fitted: a `Catalog`, or Parquet files with a star per row."""

    @property
    def content_hash(self) -> str:
        """What identifies the numbers."""

    def __len__(self) -> int: ...

    def read_light_curves(self, rows: npt.ArrayLike) -> LightCurves:
        """Read some rows.

        Parameters
        ----------
        rows : array_like of int
            Consecutive rows.

        Returns
        -------
        LightCurves
            Their light curves.
        """


def fit(
    source: Any,
    *,
    method: Method = "learned",
    reader: str | None = None,
    priors: Priors | None = None,
    period_range: tuple[float, float] = PERIOD_RANGE,
    colours: bool = True,
    n_candidates: int = 5,
    physics: bool = False,
    ebv: Any = None,
    model: str = "default",
    seed: int = 0,
    curves: bool = True,
    workers: int = 1,
    scheduler: str | None = None,
    checkpoint_dir: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FittedStars:
    """Find period and class of stars, with probabilities, from their light curves.

    The first call of a process draws the shapes that light curves are compared with, which takes
    some seconds.

    Parameters
    ----------
    source : LightCurves, Catalog, path, DataFrame, Table or mapping of arrays
        Light curves, or anything that `pelsvae_cadence.read_light_curves` takes. Those of a catalogue,
        and those nested in the rows of Parquet files (HATS) are read piece by piece, in the order of
        the files.
    method : {"learned", "harmonic"}
        Compare with shapes of the source model (`infer`), or run the blind search alone (`search`),
        which is faster and knows neither classes nor probabilities: those columns are NaN or empty.
    reader : str, optional
        Name of the archive, where `source` does not tell.
    priors : Priors, optional
        Prior probabilities of the learned method; all classes alike by default.
    period_range : (float, float)
        Shortest and longest period in days.
    colours : bool
        Whether mean colours count; False where zero points are not those of AB magnitudes, or where
        the extinction is large.
    n_candidates : int
        Periods kept per star, alternatives included, 1 to 8.
    physics : bool
        Whether the learned method gives temperature, M_G, amplitude, E(B-V) and distance modulus too.
    ebv : float, array_like or TrueEBV, shape (N,), optional
        True E(B-V) in front of the stars in mag, for the learned method: see `infer`.
    model : str
        Name or path of the source model.
    seed : int
        Seed of the shapes drawn from the model, and of samples.
    curves : bool
        Keep the curves that fit best, for pictures: some kilobytes a star.
    workers : int
        Number of processes on this machine.
    scheduler : str, optional
        Address of a Dask scheduler whose workers to use instead.
    checkpoint_dir : str or Path, optional
        Folder for finished partitions: a run that was stopped goes on where it ended.
    progress : callable, optional
        Called with (stars done, stars in all).

    Returns
    -------
    FittedStars
        One row per star of the input, in its order. A row depends neither on the other stars nor on
        the number of workers, each of which holds a few partitions of the light curves at a time.

    Raises
    ------
    InputError
        If the input cannot be read, an option is out of range, checkpoints belong to another run, or
        difference fluxes are given to the learned method.

    Warns
    -----
    OmissionWarning
        If rows of the input are left out.
    UnknownBandWarning
        If nothing is known of a band.
    """
    if method not in _METHODS:
        raise InputError(f"method = {method!r}", allowed=", ".join(_METHODS))
    n_candidates = whole_number("n_candidates", n_candidates, 1, _MOST_CANDIDATES)
    limits = period_limits(period_range)
    if method == "harmonic" and (physics or ebv is not None):
        raise InputError(
            "physics and ebv with the harmonic search, which knows neither colours nor classes",
            allowed='method="learned"',
        )
    stored = _stored(source, reader)
    n = len(stored)
    dust = None if ebv is None else _dust(ebv, stored)
    weights = load_weights(model)
    task = _Fit(
        method=method,
        priors=Priors() if priors is None else priors,
        period_range=(float(limits[0]), float(limits[1])),
        colours=bool(colours),
        n_candidates=n_candidates,
        physics=bool(physics),
        dusty=dust is not None,
        model=str(model),
        model_hash=weights.hash,
        seed=int(seed),
        curves=bool(curves) and method == "learned",
    )
    size = max(int(np.clip(n // _PARTITIONS, 1, _MOST_STARS[method])), -(-n // _MOST_PARTITIONS))
    # Without a star there is one empty partition, so that the table has its columns.
    starts = range(0, max(n, 1), size)
    pieces = [Partition(key=f"stars-{start:07d}", index=k) for k, start in enumerate(starts)]
    identity = (
        "" if checkpoint_dir is None else fingerprint(__version__, task, size, dust, stored.content_hash)
    )
    parts = [
        FittedStars.of_arrays(arrays, task.options())
        for _, arrays in run_partitions(
            task,
            pieces,
            inputs=lambda piece: _given(stored, dust, piece.index * size, min((piece.index + 1) * size, n)),
            checkpoint_dir=checkpoint_dir,
            fingerprint=identity,
            workers=workers,
            scheduler=scheduler,
            progress=None if progress is None else lambda done, _: progress(min(done * size, n), n),
        )
    ]
    report = getattr(stored, "origin", None)
    if report is not None and report.omitted:
        warnings.warn(report.omissions(), OmissionWarning, stacklevel=2)
    # Rows of a file may be without a usable point: a partition of such has no star, nor names.
    return FittedStars.concatenate([part for part in parts if len(part)] or parts[:1])


def _stored(source: Any, reader: str | None) -> StoredLightCurves:
    """Find the light curves, and how their pieces are read."""
    if isinstance(source, LightCurves):
        return _Held(source)
    if hasattr(source, "read_light_curves"):
        found: StoredLightCurves = source
        return found
    return ParquetLightCurves.open(source, reader) or _Held(read_light_curves(source, reader))


def _dust(ebv: Any, stored: StoredLightCurves) -> FloatArray:
    """Read the given E(B-V) of every star."""
    dust = TrueEBV(column("ebv", true_ebv(ebv), len(stored), unit="mag")).value
    # A reader sorts the stars of a piece, and leaves out those without a usable point.
    if isinstance(stored, ParquetLightCurves) and np.unique(dust).size > 1:
        raise InputError(
            "an E(B-V) for every star with light curves that stay in their files",
            allowed="one number for all",
            remedy="Read them first: fit(read_light_curves(path), ebv=...).",
        )
    return np.asarray(dust)


def _given(
    stored: StoredLightCurves, dust: FloatArray | None, start: int, stop: int
) -> tuple[LightCurves, FloatArray | None]:
    """Read the stars of a partition, and their dust."""
    mine = stored.read_light_curves(np.arange(start, stop))
    return mine, None if dust is None else dust[start : start + len(mine)]


class _Held:
    """Light curves in memory."""

    def __init__(self, light_curves: LightCurves) -> None:
        self._light_curves = light_curves

    @property
    def content_hash(self) -> str:
        return fingerprint(self._light_curves)

    def __len__(self) -> int:
        return len(self._light_curves)

    def read_light_curves(self, rows: npt.ArrayLike) -> LightCurves:
        return self._light_curves.take(rows)


def draw_shapes(model: str = "default", *, seed: int = 0) -> None:
    """Draw the shapes that `fit` compares light curves with; later calls in this process find them.

    Parameters
    ----------
    model : str
        Name or path of the source model.
    seed : int
        Seed of the shapes.
    """
    with threadpool_limits(1):
        shape_bank(_model(model, load_weights(model).hash), ("r",), seed=seed)


@lru_cache(maxsize=2)
def _model(name: str, digest: str) -> LightCurveModel:
    """Load the source model once a process, and make sure that it is the same everywhere."""
    model = LightCurveModel.load(name)
    if model.hash != digest:
        raise InputError(
            f"model {name!r} is another one on this worker ({model.hash[:12]}, not {digest[:12]})",
            remedy="Install the same weights everywhere.",
        )
    return model


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """The task: fit the stars of one partition."""

    method: Method
    priors: Priors
    period_range: tuple[float, float]
    colours: bool
    n_candidates: int
    physics: bool
    dusty: bool
    model: str
    model_hash: str
    seed: int
    curves: bool

    def options(self) -> dict[str, object]:
        """Give the options, for the table's header."""
        common: dict[str, object] = {"method": self.method, "period_range": list(self.period_range)}
        if self.method == "harmonic":
            return common
        return common | {
            "classes": self.priors.class_weights(),
            "unseen": self.priors.unseen,
            "no_period": self.priors.no_period,
            "colours": self.colours,
            "model": self.model_hash,
            "seed": self.seed,
            **({"physics": True, "dust": "given" if self.dusty else "free"} if self.physics else {}),
        }

    def __call__(self, piece: Partition, given: tuple[LightCurves, FloatArray | None]) -> Arrays:
        mine, ebv = given
        # More threads may sum in another order: a number must not depend on who computes it.
        with threadpool_limits(1):
            found = self._search(mine)
            if self.method == "harmonic":
                return FittedStars.of_search(mine, found, {}).to_arrays()
            posterior = infer(
                mine,
                model=_model(self.model, self.model_hash),
                priors=self.priors,
                period_range=self.period_range,
                colours=self.colours,
                n_candidates=self.n_candidates,
                physics=self.physics,
                ebv=ebv,
                seed=self.seed,
            )
        fitted = FittedStars.of_posterior(mine, posterior, found.false_alarm_probability.copy(), {})
        return (fitted if self.curves else fitted.without_curves()).to_arrays()

    def _search(self, stars: LightCurves) -> PeriodResult:
        """Search every star with its own time span; stars with the same visits share the work."""
        together: Mapping[bytes, list[int]] = defaultdict(list)
        for i in range(len(stars)):
            together[stars.mjd[stars.rows(i)].tobytes()].append(i)
        rows = list(together.values()) or [[]]
        results = [
            search(
                stars.take(some),
                period_range=self.period_range,
                # The height of the highest peak decides about its significance.
                refine_peaks=self.method == "harmonic",
                n_top=self.n_candidates,
            )
            for some in rows
        ]
        order = np.argsort(np.concatenate([np.array(some, dtype=np.int64) for some in rows]))
        return _joined(results, order)


def _joined(results: list[PeriodResult], order: npt.NDArray[np.intp]) -> PeriodResult:
    """Join results of searches that differ in their grids; what is read of them are the rows."""
    first = results[0]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(result, name) for result in results])[order]
        for name, _ in first._arrays()
    }
    return PeriodResult(**arrays, grid=first.grid, options=first.options)
