"""The parts of the judgement, step by step: what is read, what it took, and what Ctrl-C leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from pelsvae_cadence.validate.inference import aperiodic, surveys
from pelsvae_cadence.validate.inference.answers import Method, answers_of_search
from pelsvae_cadence.validate.inference.class_scores import class_figures
from pelsvae_cadence.validate.inference.costs import cost_figures
from pelsvae_cadence.validate.inference.pieces import PIECE_OF_SEARCH, Pieces
from pelsvae_cadence.validate.inference.readings import Outcome
from pelsvae_cadence.validate.inference.real_sets import REAL_SETS
from pelsvae_cadence.validate.inference.real_stars import PriorChoice, read_real_set, real_set_figures
from pelsvae_cadence.validate.report import Figure

__all__ = ["PARTS", "Measured", "Settings", "measure"]

#: What may be asked for by name: sets of real stars, and the other parts.
PARTS: Final = (*REAL_SETS, "lsst", "unseen", "aperiodic", "classes", "cost")
# Shares of a per cent need more stars than a search is dear.
_MORE_SEARCHED: Final = 20
_MORE_READ: Final = 2

# Figures, and what calibration is judged by.
_Found = tuple[list[Figure], list[Outcome]]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What all steps need to know.

    Parameters
    ----------
    seed : int
        Seed of stars, points, noise and bootstraps.
    priors : {"both", "targets", "all"}
        Priors that sets of real stars are read with.
    folder : Path or None
        Folder of the real data, where it is needed.
    method : callable
        What is judged.
    scheduler : str or None
        Address of the workers; this process without it.
    keep : Path or None
        Folder where readings are kept.
    progress : callable
        Called with what is being done, and whether that is the last word on a step.
    """

    seed: int
    priors: PriorChoice
    folder: Path | None
    method: Method
    scheduler: str | None
    keep: Path | None
    progress: Callable[[str, bool], None]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What has been measured.

    Parameters
    ----------
    figures : list of Figure
        Figures of merit, without those of the calibration.
    outcomes : list of Outcome
        Readings of stars with known periods.
    times : list of list of str
        Rows of a table: step, stars read, processor time of the reading [s], time by the clock [min].
    missing : list of str
        Steps that Ctrl-C has left out.
    """

    figures: list[Figure] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    times: list[list[str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def measure(parts: Mapping[str, int], settings: Settings) -> Measured:
    """Read and judge one part after the other until Ctrl-C.

    Parameters
    ----------
    parts : mapping of str to int
        Stars of each set, kind and source, by part out of `PARTS`.
    settings : Settings
        What all steps need to know.

    Returns
    -------
    Measured
        Of the steps that are finished.
    """
    measured = Measured()
    steps = list(_steps(parts, settings))
    for k, (name, judge) in enumerate(steps):
        settings.progress(name, False)
        start, ours = time.monotonic(), _pieces_of_model(name, settings)
        theirs = Pieces(
            answers_of_search,
            size=PIECE_OF_SEARCH,
            scheduler=settings.scheduler,
            keep=settings.keep,
            seed=settings.seed,
        )
        try:
            figures, outcomes = judge(ours, theirs)
        except KeyboardInterrupt:
            measured.missing.extend(left for left, _ in steps[k:])
            break
        minutes = (time.monotonic() - start) / 60.0
        measured.figures.extend(figures)
        measured.outcomes.extend(outcomes)
        spent = [str(ours.n_read), f"{ours.seconds:.1f}"] if ours.n_read else ["-", "-"]
        measured.times.append([name, *spent, f"{minutes:.1f}"])
        settings.progress(f"{name}: {spent[0]} stars read, {minutes:.1f} min", True)
    return measured


def _pieces_of_model(name: str, settings: Settings) -> Pieces:
    return Pieces(
        settings.method,
        scheduler=settings.scheduler,
        keep=settings.keep,
        seed=settings.seed,
        progress=lambda done, n: settings.progress(f"{name}: {done} of {n} stars read", False),
    )


def _steps(
    parts: Mapping[str, int], settings: Settings
) -> Iterator[tuple[str, Callable[[Method, Method], _Found]]]:
    for part, n in parts.items():
        if part in ("lsst", "unseen"):
            for years in surveys.YEARS:
                yield f"{part}, {years:g} yr", partial(_at_visits, settings, part, n, years)
        elif part == "aperiodic":
            for years in aperiodic.YEARS:
                yield f"aperiodic, {years:g} yr", partial(_aperiodic, settings, n, years)
        elif part == "classes":
            yield part, partial(_classes, settings, n)
        elif part == "cost":
            yield part, partial(_cost, settings)
        else:
            yield part, partial(_real, settings, part, n)


def _real(settings: Settings, name: str, n: int, ours: Method, theirs: Method) -> _Found:
    assert settings.folder is not None
    readings = read_real_set(
        settings.folder, name, n, ours, theirs, seed=settings.seed, priors=settings.priors
    )
    outcomes = [
        Outcome(name=f"{name} ({r.prior_words})", reading=r, criterion="within 1 %") for r in readings
    ]
    return real_set_figures(readings, seed=settings.seed), outcomes


def _at_visits(settings: Settings, part: str, n: int, years: float, ours: Method, theirs: Method) -> _Found:
    seed = settings.seed
    if part == "lsst":
        assert settings.folder is not None
        reading = surveys.read_real_stars_at_visits(settings.folder, years, n, ours, theirs, seed=seed)
        figures = surveys.real_star_figures_at_visits(reading, years, seed=seed)
    else:
        reading = surveys.read_unseen_shapes(years, n, ours, theirs, seed=seed)
        figures = surveys.unseen_shape_figures(reading, years, seed=seed)
    return figures, [Outcome(name=f"{part}, {years:g} yr", reading=reading, criterion="drift < 0.1")]


def _aperiodic(settings: Settings, n: int, years: float, ours: Method, theirs: Method) -> _Found:
    searched, read = _MORE_SEARCHED * n, _MORE_READ * n
    return aperiodic.aperiodic_figures(years, searched, read, ours, theirs, seed=settings.seed), []


def _classes(settings: Settings, n: int, ours: Method, theirs: Method) -> _Found:
    return class_figures(n, ours, seed=settings.seed), []


def _cost(settings: Settings, ours: Method, theirs: Method) -> _Found:
    return cost_figures(seed=settings.seed), []
