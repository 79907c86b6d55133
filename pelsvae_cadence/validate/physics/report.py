"""Figures of merit of physics in the posterior: coverage, and distances of real stars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.real_data import data_folder, find_data_folder
from pelsvae_cadence.validate.physics.coverage import QUANTITIES, Covered, cover, coverage_figures, inside
from pelsvae_cadence.validate.physics.distances import DISTANCE_SETS, distance_figures, read_distances
from pelsvae_cadence.validate.physics.simulated import CADENCES
from pelsvae_cadence.validate.physics.visit_values import visit_value_figures
from pelsvae_cadence.validate.report import Figure, Report

__all__ = ["PARTS", "physics_report"]

#: The ranking of candidate visits.
VISITS: Final = "visits"
#: What may be asked for by name: cadences of simulated stars, sets of real ones, and the value of a visit.
PARTS: Final = (*CADENCES, *DISTANCE_SETS, VISITS)
_N: Final = 20
_FEWEST_DRAWS: Final = 4


def physics_report(
    seed: int = 0,
    n: int | None = None,
    data: Path | None = None,
    sets: Sequence[str] | None = None,
    progress: Callable[[str, bool], None] | None = None,
) -> Report:
    """Measure the coverage of the posterior's intervals, distances of real stars, and the ranking of visits.

    Parameters
    ----------
    seed : int
        Seed of simulated stars, and of the choice of real ones.
    n : int, optional
        Simulated stars of each class and cadence, a third of the real ones of each set, and measurements drawn
        for each candidate visit; 20 by default.
    data : Path, optional
        Folder of real data; without one, sets of real stars are left out with a remark.
    sets : sequence of str, optional
        Only these of `PARTS`.
    progress : callable, optional
        Called with what is being done, and whether that is the last word on a step.

    Returns
    -------
    Report
        Figures with targets; coverage class by class as a table under ``extra``.

    Raises
    ------
    InputError
        If a part is unknown, or files are missing in a folder that was named.
    """
    wanted = tuple(PARTS if sets is None else sets)
    for name in wanted:
        if name not in PARTS:
            raise InputError(f"unknown set {name!r}", allowed=", ".join(PARTS))
    size = _N if n is None else n
    if size < 1:
        raise InputError(f"{size} stars a set", allowed="1 or more")
    done = 0

    def step(more: int) -> None:
        nonlocal done
        done += more
        if progress is not None:
            progress(f"{done} stars read", False)

    covered = {
        cadence: cover(STAR_CLASSES, size * len(STAR_CLASSES), cadence, seed=seed, progress=step)
        for cadence in CADENCES
        if cadence in wanted
    }
    figures = coverage_figures(covered)
    real = [name for name in DISTANCE_SETS if name in wanted]
    folder = None
    if real:
        folder = find_data_folder() if data is None else data_folder(data)
    for name in real:
        if folder is None:
            note = "no real data here: name their folder with PELSVAE_DATA or --data"
            figures.append(Figure(name=f"{name}: left out", value=float("nan"), note=note))
        else:
            found = read_distances(name, folder, 3 * size, seed=seed, progress=step)
            figures += distance_figures(name, found)
    if VISITS in wanted:
        figures += visit_value_figures(draws=max(2 * size, _FEWEST_DRAWS), seed=seed, progress=step)
    return Report(
        topic="physics",
        data=f"{', '.join(wanted)}; {size} simulated stars of a class, up to {3 * size} real ones of a set",
        seed=seed,
        figures=tuple(figures),
        extra={"table": _table(covered)} if covered else {},
    )


def _table(covered: Mapping[str, Covered]) -> dict[str, Any]:
    """Tabulate coverage and widths by class."""
    rows = []
    for cadence, stars in covered.items():
        for name in dict.fromkeys(stars.star_class.tolist()):
            mine = stars.star_class == name
            cells = []
            for quantity in QUANTITIES:
                rank = stars.rank[quantity][mine]
                if not np.isfinite(rank).any():
                    cells.append("-")
                    continue
                width = float(np.nanmedian(stars.width[quantity][mine]))
                cells.append(f"{inside(rank, 0.68).mean():.2f} {inside(rank, 0.95).mean():.2f} ({width:.2g})")
            rows.append([cadence, name, str(int(mine.sum())), *cells])
    return {
        "title": "truths in 68 and 95 % intervals (median half width of 68 %: d, mag, K, mag)",
        "columns": ["cadence", "class", "n", *QUANTITIES.values()],
        "rows": rows,
    }
