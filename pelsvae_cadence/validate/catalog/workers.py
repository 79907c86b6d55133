"""Workers of a catalogue: speed-up, and the cost of one that dies."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pelsvae_cadence.parallel.partitions import Arrays, Partition, run_partitions
from pelsvae_cadence.validate.report import Figure

if TYPE_CHECKING:
    from pelsvae_cadence.model.source import LightCurveModel

__all__ = ["worker_figures"]

# Rounds of 40,000 cosines: a quarter of a second.
_ROUNDS: Final = 700


def _search_like(piece: Partition) -> Arrays:
    """Compute for a quarter of a second, on numbers that fit into a cache."""
    x = np.random.default_rng(piece.index).normal(size=(200, 200))
    for _ in range(_ROUNDS):
        x = np.cos(x) + 0.5
    return {"x": x}


def _observe_like(piece: Partition) -> Arrays:
    """Draw, decode and observe 300 stars, as a partition of a catalogue does."""
    from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
    from pelsvae_cadence.photometry.magnitudes import at_magnitude
    from pelsvae_cadence.simulation.simulate import simulate

    model = _source_model()
    visits = SyntheticSurvey(preset="lsst-v3", seed=1).at(20.0 + piece.index, -30.0)
    stars = at_magnitude(model.sample("RRab", n=300, seed=piece.index), "r", 21.0)
    return {"flux": simulate(stars, visits, model=model, seed=0).flux}


@lru_cache(maxsize=1)
def _source_model() -> LightCurveModel:
    from pelsvae_cadence.model.source import LightCurveModel

    return LightCurveModel.load()


def worker_figures(seed: int = 0, n_partitions: int = 24) -> list[Figure]:
    """Time two Dask workers beside one, and kill one of two.

    Parameters
    ----------
    seed : int
        Unused: the work is the same for every seed.
    n_partitions : int
        Partitions of a quarter of a second.

    Returns
    -------
    list of Figure
        The ratio of wall-clock times, for arithmetic alone and for light curves, and what was
        computed twice and what time was lost because of the kill.
    """
    cluster: Any = import_module("distributed").LocalCluster
    pieces = [Partition(f"p{k:03d}", k) for k in range(n_partitions)]
    wall: dict[Any, float] = {}
    tasks: tuple[Callable[[Partition], Arrays], ...] = (_search_like, _observe_like)
    with tempfile.TemporaryDirectory() as folder:
        for n in (1, 2):
            with cluster(
                n_workers=n,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",
                local_directory=folder,
                silence_logs=50,
            ) as running:
                address = running.scheduler_address
                for task in tasks:
                    list(run_partitions(task, pieces[: 2 * n], scheduler=address))  # warm
                    start = time.monotonic()
                    list(run_partitions(task, pieces, scheduler=address))
                    wall[task, n] = time.monotonic() - start
        (_, undisturbed), (computed, disturbed) = (
            _with_a_kill(Path(folder), pieces, kill=kill) for kill in (False, True)
        )
    load = f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    one, two = (wall[_search_like, n] for n in (1, 2))
    return [
        Figure.within(
            "speed of two Dask workers over one",
            one / two,
            1.7,
            math.inf,
            unit="x",
            note=f"{n_partitions} partitions of pure arithmetic: {one:.1f} s and {two:.1f} s; {load}",
        ),
        Figure(
            name="the same for light curves, sent to one process",
            value=wall[_observe_like, 1] / wall[_observe_like, 2],
            unit="x",
            note=f"{n_partitions} partitions of 300 stars",
        ),
        Figure.within(
            "partitions computed twice because a worker was killed",
            computed - n_partitions,
            1,
            1,
            note=f"all {n_partitions} finished",
        ),
        Figure(
            name="time lost because a worker was killed",
            value=disturbed - undisturbed,
            unit="s",
            note=f"{undisturbed:.1f} s undisturbed on two workers, {2 * undisturbed / n_partitions:.2f} "
            "s a partition; a new worker takes the place of the dead one",
        ),
    ]


def _with_a_kill(folder: Path, pieces: list[Partition], *, kill: bool) -> tuple[int, float]:
    """Count how often partitions are begun on two workers, and time them from the first one on."""
    log, killed = folder / f"log-{kill}", folder / "killed"

    def task(piece: Partition) -> Arrays:
        with log.open("a") as stream:
            stream.write(f"{time.time()}\n")
        result = _search_like(piece)
        if kill and piece.index == len(pieces) // 2 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), 9)
        return result

    done: list[float] = []
    list(
        run_partitions(
            task,
            pieces,
            checkpoint_dir=folder / f"parts-{kill}",
            workers=2,
            progress=lambda *_: done.append(time.time()),
        )
    )
    begun = [float(line) for line in log.read_text().splitlines()]
    return len(begun), done[-1] - min(begun)
