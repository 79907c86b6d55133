"""Figures of merit of reading stars with the model: periods, classes, calibration and cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder
from pelsvae_cadence.core.real_data import data_folder
from pelsvae_cadence.parallel.partitions import local_workers
from pelsvae_cadence.plotting.styles import new_figure
from pelsvae_cadence.validate.inference.answers import Method, answers_of_model
from pelsvae_cadence.validate.inference.pictures import plot_recovery, plot_reliability
from pelsvae_cadence.validate.inference.readings import Outcome
from pelsvae_cadence.validate.inference.real_sets import REAL_SETS
from pelsvae_cadence.validate.inference.real_stars import PriorChoice
from pelsvae_cadence.validate.inference.shares import BINS, calibration_figures, paired
from pelsvae_cadence.validate.inference.steps import PARTS, Settings, measure
from pelsvae_cadence.validate.report import Figure, Report

__all__ = ["PARTS", "inference_report"]

_N: Final = 60
_PRIORS: Final = {
    "both": "RR Lyrae sets and m31 are read with RRLYR alone, as the templates behind their targets are, and once "
    "more with all classes alike, for information; everything else with all classes alike",
    "targets": "RR Lyrae sets and m31 are read with RRLYR alone, as the templates behind their targets are; "
    "everything else with all classes alike",
    "all": "all classes alike everywhere; RR Lyrae sets and m31, whose targets are of templates of RRLYR alone, are "
    "not held against these",
}


def inference_report(
    seed: int = 0,
    n: int | None = None,
    data: Path | None = None,
    sets: Sequence[str] | None = None,
    plots: Path | None = None,
    priors: PriorChoice = "both",
    workers: int = 1,
    keep: Path | None = None,
    method: Method | None = None,
    progress: Callable[[str, bool], None] | None = None,
) -> Report:
    """Measure periods, classes, calibration and cost of reading stars with the model.

    Nothing is chosen here, and no star is read that may be used to choose a method. After Ctrl-C the
    figures of the steps that are finished are given.

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
        Only these of `PARTS`; ``"ps1=120"`` is one with a number of stars of its own.
    plots : Path, optional
        Folder for pictures: recovery by set, and reliability of stated probabilities.
    priors : {"both", "targets", "all"}
        Sets of RR Lyrae are read with RRLYR alone, which their targets speak of, with all classes
        alike, or with one after the other.
    workers : int
        Processes that read stars. Nothing but times depends on their number.
    keep : Path, optional
        Folder for readings: stars that the same code has read are not read again.
    method : callable, optional
        What is judged; `pelsvae_cadence.infer` by default.
    progress : callable, optional
        Called with what is being done, and whether that is the last word on a step.

    Returns
    -------
    Report
        Figures with targets; under ``extra`` recovery by set, reliability and times as tables, and under
        ``interrupted`` the steps that Ctrl-C has left out.

    Raises
    ------
    InputError
        If a part is unknown, an option is out of range, or files are missing.
    KeyboardInterrupt
        After Ctrl-C before a step is finished.
    """
    wanted = dict(_asked(text, _N if n is None else n) for text in (PARTS if sets is None else sets))
    if priors not in get_args(PriorChoice):
        raise InputError(f"priors = {priors!r}", allowed=", ".join(get_args(PriorChoice)))
    if keep is not None:
        output_folder(keep)
    folder = data_folder(data) if {*REAL_SETS, "lsst"} & wanted.keys() else None
    with local_workers(workers) as scheduler:
        found = measure(
            wanted,
            Settings(
                seed=seed,
                priors=priors,
                folder=folder,
                method=answers_of_model(seed) if method is None else method,
                scheduler=scheduler,
                keep=keep,
                progress=progress or (lambda text, last: None),
            ),
        )
    if found.missing and not found.figures:
        raise KeyboardInterrupt
    figures = found.figures + _calibration(found.outcomes, priors)
    extra: dict[str, Any] = {"prior": _PRIORS[priors], "interrupted": found.missing}
    if found.outcomes:
        extra["table"] = _table(found.outcomes, seed)
        if plots is not None:
            _draw(found.outcomes, plots)
    extra["times"] = {
        "title": f"what it took, {workers} process{'es' if workers > 1 else ''}",
        "columns": ["part", "stars read", "processor time [s]", "by the clock [min]"],
        "rows": found.times,
    }
    read = [row[0] for row in found.times] if found.missing else list(wanted)
    sizes = "/".join(map(str, dict.fromkeys(wanted.values())))
    return Report(
        topic="inference",
        data=f"{', '.join(read)}; up to {sizes} stars of a set, kind or source; {_PRIORS[priors]}",
        seed=seed,
        figures=tuple(figures),
        extra=extra,
    )


def _asked(text: str, n: int) -> tuple[str, int]:
    """Tell a part and its number of stars from its name, or name=number."""
    name, equals, number = text.strip().partition("=")
    if name not in PARTS:
        raise InputError(f"unknown set {name!r}", allowed=", ".join(PARTS))
    try:
        size = int(number) if equals else n
    except ValueError:
        size = 0
    if size < 1:
        raise InputError(f"{number or size} stars of set {name}", allowed="1 or more")
    return name, size


def _calibration(outcomes: Sequence[Outcome], priors: PriorChoice) -> list[Figure]:
    """Judge what was stated with the priors that targets speak of; give what was stated with others beside."""
    parts = {
        held: {
            o.name: (o.reading.ours.probability, o.exact, o.near)
            for o in outcomes
            if (o.reading.held or priors == "all") == held
        }
        for held in (True, False)
    }
    figures = calibration_figures(parts[True]) if parts[True] else []
    if parts[False]:
        figures += calibration_figures(parts[False], judged=False)
    return figures


def _draw(outcomes: Sequence[Outcome], plots: Path) -> None:
    output_folder(plots)
    for name, draw, height in (
        ("recovery", plot_recovery, 1.5 + 0.5 * len(outcomes)),
        ("reliability", plot_reliability, 5.5),
    ):
        figure = new_figure(8.5, height)
        draw(outcomes, ax=figure.add_subplot())
        figure.savefig(plots / f"inference_{name}.png", dpi=120)


def _table(outcomes: Sequence[Outcome], seed: int) -> dict[str, Any]:
    """Tabulate both shares of right periods, what was stated, and how it held."""
    rows = []
    for o in outcomes:
        stated = o.reading.ours.probability
        gain = paired(o.right, o.right_of_search, seed=seed)
        bins = []
        for low, high in BINS:
            here = (stated >= low) & ((stated < high) | (high >= 1.0))
            n = int(here.sum())
            bins.append(f"{o.exact[here].mean():.2f} ({n})" if n else "-")
        rows.append(
            [
                o.name,
                str(stated.size),
                o.criterion.removeprefix("within "),
                f"{o.right_of_search.mean():.2f}",
                f"{o.right.mean():.2f}",
                f"{gain.difference:+.2f} ({gain.low:+.2f} .. {gain.high:+.2f})",
                f"{o.exact.mean():.2f}",
                f"{stated.mean():.2f}",
                *bins,
                f"{o.reading.ours.seconds / stated.size:.2f}",
            ]
        )
    columns = ["set (prior)", "n", "right", "search", "posterior", "difference", "drift < 0.1", "stated"]
    return {
        "title": "shares of right periods; with a drift < 0.1 of those stated .8-.9, .9-.99, >= .99 (stars)",
        "columns": [*columns, ".8-.9", ".9-.99", ">= .99", "s a star"],
        "rows": rows,
    }
