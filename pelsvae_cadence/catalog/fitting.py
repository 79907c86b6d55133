"""Fit the light curves of a catalogue, in partitions, and keep what they tell in the same file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pelsvae_cadence.catalog.inference_group import write_inference
from pelsvae_cadence.catalog.reader import Catalog
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.inference.fit import Method, fit
from pelsvae_cadence.inference.fitted import FittedStars
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.parallel.checkpoints import remove_finished
from pelsvae_cadence.periods.grid import PERIOD_RANGE

__all__ = ["fit_catalog"]


def fit_catalog(
    path: str | os.PathLike[str],
    *,
    method: Method = "learned",
    priors: Priors | None = None,
    period_range: tuple[float, float] = PERIOD_RANGE,
    colours: bool = True,
    n_candidates: int = 5,
    physics: bool = False,
    model: str = "default",
    seed: int = 0,
    overwrite: bool = False,
    workers: int = 1,
    scheduler: str | None = None,
    checkpoint_dir: str | os.PathLike[str] | None = None,
    command: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> FittedStars:
    """Find period and class of the stars of a catalogue, and write them into it.

    Light curves are read piece by piece. The catalogue is copied, extended by the group ``inference``, checked,
    and replaced in one step; what fails leaves it as it was. `Catalog.inference` reads the group.

    Parameters
    ----------
    path : str or Path
        The catalogue.
    method, priors, period_range, colours, n_candidates, physics, model, seed : optional
        See `pelsvae_cadence.inference.fit.fit`.
    overwrite : bool
        Replace what the catalogue says already.
    workers : int
        Number of processes on this machine.
    scheduler : str, optional
        Address of a Dask scheduler whose workers to use instead. They need not see the catalogue.
    checkpoint_dir : str or Path, optional
        Folder for finished partitions, by default ``<path>.fit-parts``: a run that was stopped goes on where
        it ended. It is removed in the end.
    command : str
        The command line, to be kept in the group.
    progress : callable, optional
        Called with (stars done, stars in all).

    Returns
    -------
    FittedStars
        One row per star of the catalogue, without curves.

    Raises
    ------
    InputError
        If the catalogue is damaged, has been fitted before or changes meanwhile, an option is out of range,
        checkpoints belong to another run, or the disk is full.
    """
    target = Path(path)
    parts = target.with_name(target.name + ".fit-parts") if checkpoint_dir is None else Path(checkpoint_dir)
    with Catalog(target) as catalog:
        if catalog.inference is not None and not overwrite:
            raise InputError(
                f"{target} says already what its light curves tell (group inference)",
                remedy="Ask to overwrite it (--overwrite).",
            )
        content = catalog.content_hash
        found = fit(
            catalog,
            method=method,
            priors=priors,
            period_range=period_range,
            colours=colours,
            n_candidates=n_candidates,
            physics=physics,
            model=model,
            seed=seed,
            curves=False,
            workers=workers,
            scheduler=scheduler,
            checkpoint_dir=parts,
            progress=progress,
        )
    with Catalog(target) as catalog:
        if catalog.content_hash != content:
            raise InputError(
                f"{target} is another catalogue than the one that was fitted", remedy="Repeat it."
            )
    write_inference(target, found, overwrite=overwrite, command=command)
    remove_finished(parts)
    return found
