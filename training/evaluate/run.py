"""Evaluate weights: report and figures from one call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from pelsvae_cadence.core.files import output_folder, replacing
from pelsvae_cadence.model.latent.mapping import LatentMapping
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.evaluate import figures
from pelsvae_cadence.training.evaluate.measures.samples import choose
from pelsvae_cadence.training.evaluate.measures.trends import hertzsprung_progression, rr_lyrae_trends
from pelsvae_cadence.training.evaluate.report import PARTS, check_parts, model_report
from pelsvae_cadence.training.fit.fit_mapping import fit_mapping
from pelsvae_cadence.training.fit.options import MappingOptions
from pelsvae_cadence.training.open_set.table import OpenSet, load_open_set
from pelsvae_cadence.validate.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["evaluate"]

#: The regressors of the paper, next to the model's own map.
_REGRESSORS: Final = ("forest", "linear", "mlp")
_DPI: Final = 110


def _fit_regressors(
    model: LightCurveModel, folder: Path, table: OpenSet, seed: int
) -> dict[str, LatentMapping]:
    """Fit the paper's regressors from physics to the latent space, on RRab stars, by their names."""
    options = [MappingOptions(regressor=name, star_class="RRab", seed=seed) for name in _REGRESSORS]
    return {o.regressor: fit_mapping(model, folder, o, table=table, quiet=True) for o in options}


def _draw_figures(
    model: LightCurveModel, folder: Path, table: OpenSet, logs: Path | None, seed: int
) -> Iterator[tuple[str, Figure]]:
    """Draw the paper's figures, one after the other; the losses only where there are logs of the fit."""
    yield "reconstructions", figures.plot_reconstructions(model, table, seed=seed)
    yield "latent", figures.plot_latent(model, table, seed=seed)
    trends, labels = {}, {}
    test = {name: choose(table, name, "test", 2000) for name in ("RRLYR", "CEP") if name in model.classes}
    if len(test.get("RRLYR", ())):
        for name, trend in rr_lyrae_trends(model, test["RRLYR"], seed=seed).items():
            trends[f"RR Lyrae, {name}"] = trend
            labels[f"RR Lyrae, {name}"] = ("Teff [K]", name)
    if len(test.get("CEP", ())):
        trends["Cepheids"] = hertzsprung_progression(model, test["CEP"], seed=seed)
        labels["Cepheids"] = ("log10 (P / d)", r"$\varphi_{21}$ [rad]")
    if trends:
        yield "trends", figures.plot_trends(trends, labels)
    if "RR Lyrae, skewness" in trends:
        fitted = _fit_regressors(model, folder / "regressors", table, seed)
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
    check_parts(parts)
    folder = output_folder(out_dir)
    stars = table if table is not None else load_open_set()
    model = LightCurveModel.load(weights)
    place = Path(logs) if logs is not None else None
    # Pictures first: they show at once what the figures take minutes to measure.
    for name, figure in _draw_figures(model, folder, stars, place, seed):
        tell(f"drawn: {name}")
        with replacing(folder / f"{name}.png") as partial:
            figure.savefig(partial, dpi=_DPI)
    tell("drawing: gallery")
    figures.gallery(folder / "gallery.png", weights=weights, table=stars, seed=seed)
    report = model_report(seed, weights=weights, table=stars, most=most, draws=draws, parts=parts, tell=tell)
    with replacing(folder / "report.json") as partial:
        partial.write_text(json.dumps(report.as_dict(), indent=1, default=np.generic.item) + "\n")
    return report
