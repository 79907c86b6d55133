"""``pelsvae_cadence catalog fit``: read the light curves of a catalogue, and keep in it what they tell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pelsvae_cadence.cli.fit import remarks, summary, table_rows, weighed_classes
from pelsvae_cadence.cli.options import (
    Candidates,
    Colours,
    FitMethod,
    Json,
    Model,
    NoPeriod,
    PeriodRange,
    PriorClasses,
    RunSeed,
    Scheduler,
    Unseen,
    Workers,
)
from pelsvae_cadence.cli.output import progress_bar
from pelsvae_cadence.cli.parsing import pair
from pelsvae_cadence.core.console import command_line, print_json, table

__all__ = ["fit"]


def fit(
    file: Annotated[Path, typer.Argument(help="Catalogue file (.h5).", show_default=False)],
    period_range: PeriodRange = "0.03,1000",
    classes: PriorClasses = None,
    unseen: Unseen = 0.1,
    no_period: NoPeriod = 0.1,
    method: FitMethod = "learned",
    colours: Colours = True,
    candidates: Candidates = 5,
    physics: Annotated[
        bool, typer.Option("--physics", help="Also Teff, M_G, I amplitude, E(B-V) and distance modulus.")
    ] = False,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    model: Model = "default",
    seed: RunSeed = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what the catalogue says already.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find period and class of a catalogue's stars from their light curves, and write them into it.

    The file gets the group `inference`; it is replaced when the new one is complete and checked. Ctrl-C keeps
    the stars that are finished in FILE.fit-parts; the same command goes on with the others.
    """
    from pelsvae_cadence.catalog.fitting import fit_catalog

    limits, priors = pair(period_range, "--period-range"), weighed_classes(classes, unseen, no_period)
    with remarks(), progress_bar("fitting", "stars") as step:
        fitted = fit_catalog(
            file,
            method=method,
            priors=priors,
            period_range=limits,
            colours=colours,
            n_candidates=candidates,
            physics=physics,
            model=model,
            seed=seed,
            overwrite=overwrite,
            workers=workers,
            scheduler=scheduler,
            command=command_line(),
            progress=step,
        )
    found = summary(fitted)
    if as_json:
        print_json({"file": file, "options": dict(fitted.options), **found})
    else:
        table(f"{file.name}", ["", "stars"], table_rows(found))
