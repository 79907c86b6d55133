"""Figures of merit of reading stars with the model: periods, classes, calibration and cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.real_data import data_folder
from pelsvae_cadence.plotting.styles import new_figure
from pelsvae_cadence.validate.inference.answers import Method, answers_of_model, answers_of_search
from pelsvae_cadence.validate.inference.aperiodic import aperiodic_figures
from pelsvae_cadence.validate.inference.class_scores import class_figures
from pelsvae_cadence.validate.inference.costs import cost_figures
from pelsvae_cadence.validate.inference.pictures import plot_recovery, plot_reliability
from pelsvae_cadence.validate.inference.readings import Outcome, Reading
from pelsvae_cadence.validate.inference.real_sets import REAL_SETS
from pelsvae_cadence.validate.inference.real_stars import read_real_sets, real_set_figures
from pelsvae_cadence.validate.inference.shares import BINS, calibration_figures, paired
from pelsvae_cadence.validate.inference.surveys import (
    read_real_stars_at_visits,
    read_unseen_shapes,
    real_star_figures_at_visits,
    unseen_shape_figures,
)
from pelsvae_cadence.validate.report import Figure, Report

__all__ = ["PARTS", "inference_report"]

#: What may be asked for by name: sets of real stars, and the other parts.
PARTS: Final = (*REAL_SETS, "lsst", "unseen", "aperiodic", "classes", "cost")
_N: Final = 60
# Shares of a per cent need more stars than a search is dear.
_MORE_SEARCHED: Final = 20
_MORE_READ: Final = 2


def inference_report(
    seed: int = 0,
    n: int | None = None,
    data: Path | None = None,
    sets: Sequence[str] | None = None,
    plots: Path | None = None,
    method: Method | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Measure periods, classes, calibration and cost of reading stars with the model.

    Nothing is chosen here, and no star is read that may be used to choose a method.

    Parameters
    ----------
    seed : int
        Seed of the choice of stars, of points, noise and bootstraps.
    n : int, optional
        Stars of each set, kind and source; 60 by default.
    data : Path, optional
        Folder of real light curves and survey tables; that of
        `pelsvae_cadence.core.real_data.find_data_folder` by default.
    sets : sequence of str, optional
        Only these of `PARTS`.
    plots : Path, optional
        Folder for pictures: recovery by set, and reliability of stated probabilities.
    method : callable, optional
        What is judged; `pelsvae_cadence.infer` by default.
    progress : callable, optional
        Called with the number of stars that have been read.

    Returns
    -------
    Report
        Figures with targets; recovery by set and reliability as tables under ``extra``.

    Raises
    ------
    InputError
        If a part is unknown or files are missing.
    """
    wanted = tuple(PARTS if sets is None else sets)
    for name in wanted:
        if name not in PARTS:
            raise InputError(f"unknown set {name!r}", allowed=", ".join(PARTS))
    size = _N if n is None else n
    if size < 1:
        raise InputError(f"{size} stars a set", allowed="1 or more")
    ours = answers_of_model(seed, progress) if method is None else method
    figures, outcomes = _read_all(wanted, size, data, ours, seed)
    if outcomes:
        figures += calibration_figures(
            {o.name: (o.reading.ours.probability, o.exact, o.near) for o in outcomes}
        )
    if "aperiodic" in wanted:
        figures += aperiodic_figures(
            _MORE_SEARCHED * size, _MORE_READ * size, ours, answers_of_search, seed=seed
        )
    if "classes" in wanted:
        figures += class_figures(size, ours, seed=seed)
    if "cost" in wanted:
        figures += cost_figures(seed=seed)
    if plots is not None and outcomes:
        plots.mkdir(parents=True, exist_ok=True)
        for name, draw, height in (
            ("recovery", plot_recovery, 1.5 + 0.5 * len(outcomes)),
            ("reliability", plot_reliability, 5.5),
        ):
            figure = new_figure(8.5, height)
            draw(outcomes, ax=figure.add_subplot())
            figure.savefig(plots / f"inference_{name}.png", dpi=120)
    return Report(
        topic="inference",
        data=f"{', '.join(wanted)}; up to {size} stars of a set, kind or source",
        seed=seed,
        figures=tuple(figures),
        extra={"table": _table(outcomes, seed)} if outcomes else {},
    )


def _read_all(
    wanted: Sequence[str], size: int, data: Path | None, ours: Method, seed: int
) -> tuple[list[Figure], list[Outcome]]:
    """Read the stars of all sets; give their figures, and what calibration is judged by."""
    theirs = answers_of_search
    figures: list[Figure] = []
    outcomes: list[Outcome] = []
    real = [name for name in wanted if name in REAL_SETS]
    folder = data_folder(data) if real or "lsst" in wanted else None
    if folder is not None and real:
        readings = read_real_sets(folder, real, size, ours, theirs, seed=seed)
        figures += real_set_figures(readings, seed=seed)
        outcomes += [Outcome(name=name, reading=r, criterion="within 1 %") for name, r in readings.items()]
    at_visits: list[tuple[str, list[Figure], dict[float, Reading]]] = []
    if folder is not None and "lsst" in wanted:
        by_year = read_real_stars_at_visits(folder, size, ours, theirs, seed=seed)
        at_visits.append(("lsst", real_star_figures_at_visits(by_year, seed=seed), by_year))
    if "unseen" in wanted:
        by_year = read_unseen_shapes(size, ours, theirs, seed=seed)
        at_visits.append(("unseen", unseen_shape_figures(by_year, seed=seed), by_year))
    for words, judged, by_year in at_visits:
        figures += judged
        outcomes += [
            Outcome(name=f"{words}, {years:g} yr", reading=reading, criterion="drift < 0.1")
            for years, reading in by_year.items()
        ]
    return figures, outcomes


def _table(outcomes: Sequence[Outcome], seed: int) -> dict[str, Any]:
    """Tabulate both shares of right periods, what was stated, and how it held."""
    rows = []
    for o in outcomes:
        stated = o.reading.ours.probability
        bins = []
        for low, high in BINS:
            here = (stated >= low) & ((stated < high) | (high >= 1.0))
            n = int(here.sum())
            bins.append(f"{o.exact[here].mean():.2f} ({n})" if n else "-")
        rows.append(
            [
                o.name,
                str(stated.size),
                o.criterion,
                f"{o.right_of_search.mean():.2f}",
                f"{o.right.mean():.2f}",
                str(paired(o.right, o.right_of_search, seed=seed)),
                f"{o.exact.mean():.2f}",
                f"{stated.mean():.2f}",
                *bins,
                f"{o.reading.seconds:.2f}",
            ]
        )
    columns = ["set", "n", "right", "search", "posterior", "difference", "drift < 0.1", "stated"]
    return {
        "title": "shares of right periods; with a drift < 0.1 of those stated .8-.9, .9-.99, >= .99 (stars)",
        "columns": [*columns, ".8-.9", ".9-.99", ">= .99", "s a star"],
        "rows": rows,
    }
