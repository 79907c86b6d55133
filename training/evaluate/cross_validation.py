"""Cross-validation of source models for classes of too few test stars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.evaluate.errors import median_error
from pelsvae_cadence.training.evaluate.measures.memory import nearest_distance
from pelsvae_cadence.training.evaluate.measures.reconstruction import reconstruction_error
from pelsvae_cadence.training.evaluate.measures.samples import Drawn, draw_like, nearest_in_training
from pelsvae_cadence.training.evaluate.measures.two_sample import two_sample_test
from pelsvae_cadence.training.fit.export import fit_model
from pelsvae_cadence.training.fit.options import FitOptions
from pelsvae_cadence.training.open_set.table import OpenSet, load_open_set, save_open_set
from pelsvae_cadence.validate.report import Figure, Report

__all__ = ["cross_validate"]

_PARAMETERS: Final = ("period", "teff", "abs_mag_g", "amplitude_i")


def _rotated_splits(table: OpenSet, star_class: str, n_folds: int = 5) -> Iterator[OpenSet]:
    """Give the table with other test stars of a class in each fold."""
    mine = np.flatnonzero(table.star_class == star_class)
    if n_folds < 3:
        raise InputError(f"{n_folds} folds", allowed="3 or more")
    if len(mine) < 3 * n_folds:
        raise InputError(
            f"{len(mine)} stars of class {star_class!r} in {n_folds} folds", allowed="three or more a fold"
        )
    # Subtype by subtype, in the order of the names, so that each fold has some of each.
    order = mine[np.lexsort((table.star[mine], table.subtype[mine]))]
    fold = np.empty(len(table), dtype=np.int64)
    fold[order] = np.arange(len(order)) % n_folds
    for k in range(n_folds):
        split = table.split.copy().astype("U10")
        split[mine] = "train"
        split[mine[fold[mine] == k]] = "test"
        split[mine[fold[mine] == (k + 1) % n_folds]] = "validation"
        yield replace(table, split=split)


def cross_validate(
    star_class: str,
    folder: str | Path,
    options: FitOptions | None = None,
    *,
    table: OpenSet | None = None,
    n_folds: int = 5,
    draws: int = 4,
    quiet: bool = False,
    tell: Callable[[str], object] = lambda text: None,
) -> Report:
    """Train a model for each fold and judge all stars of a class by models new to them.

    Parameters
    ----------
    star_class : str
        The class.
    folder : str or Path
        Holds the checkpoints and weights of the folds; an interrupted call goes on there.
    options : FitOptions, optional
        What to train and how.
    table : OpenSet, optional
        The training table; by default the committed one.
    n_folds : int
        Number of folds.
    draws : int
        Draws per star.
    quiet : bool
        Show no progress of the fits.
    tell : callable
        Told what is being done.

    Returns
    -------
    Report
        Reconstruction, two-sample tests with the copy of the nearest star beside them, and
        distance from training stars.
    """
    options = options or FitOptions()
    stars = table if table is not None else load_open_set()
    mine = stars.take(stars.star_class == star_class)
    rms = {n: np.empty(len(mine)) for n in (20, 300)}
    given = {"period": ("period",), "Teff and M_G too": _PARAMETERS[:3]}
    drawn: dict[str, list[list[Drawn]]] = {k: [[] for _ in range(draws)] for k in given}
    copied: dict[str, list[Drawn]] = {k: [] for k in given}
    order, near, held_out = [], [], []
    for k, fold in enumerate(_rotated_splits(stars, star_class, n_folds)):
        tell(f"fold {k + 1} of {n_folds}")
        place = Path(folder) / f"fold-{k}"
        place.mkdir(parents=True, exist_ok=True)
        save_open_set(fold, place / "table.npz")
        path = fit_model(place, options, table=place / "table.npz", name=f"fold-{k}", quiet=quiet)
        model = LightCurveModel.load(path)
        own = fold.star_class == star_class
        test, train = (fold.take(own & (fold.split == part)) for part in ("test", "train"))
        where = np.flatnonzero(np.isin(mine.star, test.star))
        order.append(where)
        for n, values in rms.items():
            values[where] = reconstruction_error(model, test, n, seed=options.seed)[0]
        for name, parameters in given.items():
            copied[name].append(nearest_in_training(train, test, parameters))
            for i in range(draws):
                drawn[name][i].append(draw_like(model, test, parameters, seed=i))
        near += [nearest_distance(d[-1].curve, train.curve) for d in drawn["period"]]
        held_out.append(nearest_distance(test.curve, train.curve))
    rows = mine.take(np.concatenate(order))
    note = f"{len(rows)} stars, {n_folds} folds, {draws} draws"
    figures = [
        Figure.within(
            f"{star_class}: reconstruction RMS / amplitude at {n} points",
            float(np.median(values)),
            error=median_error(values),
            note=note,
        )
        for n, values in rms.items()
    ]
    for name, parameters in given.items():
        verdict = two_sample_test(rows, [Drawn.concatenate(d) for d in drawn[name]], given=parameters)
        copy = two_sample_test(rows, [Drawn.concatenate(copied[name])], given=parameters)
        figures.append(
            Figure.within(
                f"{star_class}: two-sample AUC given {name}",
                verdict.auc,
                error=verdict.error,
                note=f"{note}; copying the nearest star {copy.auc:.2f}",
            )
        )
    ratio = float(np.median(np.concatenate(near)) / np.median(np.concatenate(held_out)))
    name = f"{star_class}: nearest-training distance, drawn / held-out"
    figures.append(Figure.within(name, ratio, note=note))
    return Report(
        topic=f"cross-validation of {star_class}",
        data=options.command(),
        seed=options.seed,
        figures=tuple(figures),
        extra={},
    )
