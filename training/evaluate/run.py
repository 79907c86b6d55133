"""One command from weights to report and figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder, replacing
from pelsvae_cadence.model.latent.mapping import LatentMapping
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.evaluate import figures
from pelsvae_cadence.training.evaluate.gallery import gallery
from pelsvae_cadence.training.evaluate.measures.samples import choose
from pelsvae_cadence.training.evaluate.report import (
    PARTS,
    hertzsprung_progression,
    model_report,
    rr_lyrae_trends,
)
from pelsvae_cadence.training.fit.fit_mapping import fit_mapping
from pelsvae_cadence.training.fit.options import MappingOptions
from pelsvae_cadence.training.open_set.table import OpenSet, load_open_set
from pelsvae_cadence.validate.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "draw_figures", "evaluate", "fit_regressors"]

#: The regressors of the paper, next to the model's own map.
_REGRESSORS: Final = ("forest", "linear", "mlp")
_DPI: Final = 110

#: What is drawn, in order.
FIGURES: Final = ("reconstructions", "latent", "trends", "rr_lyrae_sequence", "losses", "gallery")


def fit_regressors(
    model: LightCurveModel, folder: Path, table: OpenSet, *, seed: int = 0
) -> dict[str, LatentMapping]:
    """Fit the paper's regressors from physics to the latent space, on RRab stars.

    Parameters
    ----------
    model : LightCurveModel
        The model; it stays as it is.
    folder : Path
        Where the mappings are written.
    table : OpenSet
        The open training set.
    seed : int
        Seed of everything random.

    Returns
    -------
    dict of str to LatentMapping
        By the name of the regressor.
    """
    return {
        name: fit_mapping(
            model,
            folder,
            MappingOptions(regressor=name, star_class="RRab", seed=seed),
            table=table,
            quiet=True,
        )
        for name in _REGRESSORS
    }


def draw_figures(
    model: LightCurveModel, folder: Path, table: OpenSet, *, logs: Path | None = None, seed: int = 0
) -> Iterator[tuple[str, Figure]]:
    """Draw the paper's figures, one after the other.

    Parameters
    ----------
    model : LightCurveModel
        The model.
    folder : Path
        Where the regressors of the RR Lyrae sequence are kept.
    table : OpenSet
        The open training set.
    logs : Path, optional
        Folder of the fit, for its losses; without it they are left out.
    seed : int
        Seed of draws and choices.

    Yields
    ------
    str, Figure
        Name and figure.
    """
    yield "reconstructions", figures.plot_reconstructions(model, table, seed=seed)
    yield "latent", figures.plot_latent(model, table, seed=seed)
    trends, labels = {}, {}
    test = {name: choose(table, name, "test", 2000) for name in ("RRLYR", "CEP")}
    if "RRLYR" in model.classes and len(test["RRLYR"]):
        rows = test["RRLYR"]
        for name, trend in rr_lyrae_trends(model, rows, seed=seed).items():
            trends[f"RR Lyrae, {name}"] = trend
            labels[f"RR Lyrae, {name}"] = ("Teff [K]", name)
    if "CEP" in model.classes and len(test["CEP"]):
        rows = test["CEP"]
        trends["Cepheids"] = hertzsprung_progression(model, rows, seed=seed)
        labels["Cepheids"] = ("log10 (P / d)", r"$\varphi_{21}$ [rad]")
    if trends:
        yield "trends", figures.plot_trends(trends, labels)
    if "RR Lyrae, skewness" in trends:
        fitted = fit_regressors(model, folder / "regressors", table, seed=seed)
        yield "rr_lyrae_sequence", figures.plot_rr_lyrae_sequence(model, table, fitted, seed=seed)
    if logs is not None:
        yield "losses", figures.plot_losses(logs)


def evaluate(
    out_dir: str | Path,
    *,
    weights: str | Path = "default",
    table: OpenSet | None = None,
    logs: str | Path | None = None,
    parts: tuple[str, ...] = tuple(PARTS),
    most: int = 300,
    draws: int = 2,
    seed: int = 0,
    tell: Callable[[str], object] = lambda text: None,
) -> Report:
    """Measure a model on its test stars and draw the paper's figures from it.

    Parameters
    ----------
    out_dir : str or Path
        Folder for ``report.json`` and the pictures.
    weights : str or Path
        Name or path of the weights.
    table : OpenSet, optional
        The open training set; the committed one by default.
    logs : str or Path, optional
        Folder of the fit, for its losses.
    parts : tuple of str
        Parts of the report, out of `pelsvae_cadence.training.evaluate.report.PARTS`.
    most : int
        Most test stars per class.
    draws : int
        Draws per test star.
    seed : int
        Seed of everything random.
    tell : callable
        Told what is being done.

    Returns
    -------
    Report
        The report that was written.

    Raises
    ------
    InputError
        If a part is unknown, or the folder cannot be written to.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise InputError(f"unknown parts {', '.join(unknown)}", allowed=", ".join(PARTS))
    folder = output_folder(out_dir)
    stars = table if table is not None else load_open_set()
    model = LightCurveModel.load(weights)
    place = Path(logs) if logs is not None else None
    # Pictures first: they show at once what the figures take minutes to measure.
    for name, figure in draw_figures(model, folder, stars, logs=place, seed=seed):
        tell(f"drawn: {name}")
        with replacing(folder / f"{name}.png") as partial:
            figure.savefig(partial, dpi=_DPI)
    tell("drawing: gallery")
    gallery(folder / "gallery.png", weights=weights, table=stars, seed=seed)
    reports = []
    for part in parts:
        tell(f"measuring: {part}")
        reports.append(
            model_report(seed, weights=weights, table=stars, most=most, draws=draws, parts=(part,))
        )
    extra: dict[str, object] = {}
    for report in reports:
        extra |= report.extra
    whole = Report(
        topic=reports[0].topic if reports else "model",
        data=reports[0].data if reports else "",
        seed=seed,
        figures=tuple(f for report in reports for f in report.figures),
        extra=extra,
    )
    with replacing(folder / "report.json") as partial:
        partial.write_text(json.dumps(whole.as_dict(), indent=1, default=_plain) + "\n")
    return whole


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value)} is no JSON")
