"""The figures of the paper drawn from our models: losses, reconstructions, latent space, RR Lyrae.

Figure numbers are those of Martinez-Palomera, Bloom & Abrahams 2020 (arXiv:2005.07773).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.plotting.styles import CLASS_STYLES
from pelsvae_cadence.training.evaluate.measures.latent_table import encode_rows
from pelsvae_cadence.training.evaluate.measures.reconstruction import reconstruct
from pelsvae_cadence.training.evaluate.measures.samples import choose, exposure_error, stars_of
from pelsvae_cadence.training.evaluate.measures.trends import Trend
from pelsvae_cadence.training.open_set.table import OpenSet, load_open_set

if TYPE_CHECKING:
    from pelsvae_cadence.model.latent.mapping import LatentMapping

__all__ = [
    "gallery",
    "plot_latent",
    "plot_losses",
    "plot_reconstructions",
    "plot_rr_lyrae_sequence",
    "plot_trends",
]

_PHASE: Final = np.linspace(-0.25, 1.25, 600)
_REAL, _DRAWN = "0.35", "C0"


def plot_losses(folder: str | Path) -> Figure:
    """Draw the losses of a fit against its steps (Figure 4).

    Parameters
    ----------
    folder : str or Path
        Folder of a fit: what ``python -m pelsvae_cadence.training fit --out-dir`` names, with
        ``vae/log.csv`` and, if there is one, ``map/log.csv``.

    Returns
    -------
    Figure
        Training loss and its terms, and the validation score; nothing is shown or saved.

    Raises
    ------
    InputError
        If the folder holds no log.
    """
    logs = {n: Path(folder) / n / "log.csv" for n in ("vae", "map")}
    found = {name: path for name, path in logs.items() if path.is_file()}
    if not found:
        raise InputError(f"{folder} holds no vae/log.csv", remedy="Name the folder that fit --out-dir wrote.")
    figure = Figure(figsize=(5.2 * len(found), 5.6), layout="constrained")
    axes = figure.subplots(2, len(found), squeeze=False, sharex="col")
    for column, (name, path) in enumerate(found.items()):
        rows = _read_log(path)
        top, bottom = axes[0, column], axes[1, column]
        for key, values in rows.items():
            if key.startswith("train_"):
                main = key == "train_loss"
                top.plot(
                    rows["step"],
                    values,
                    lw=1.8 if main else 1.0,
                    color="k" if main else None,
                    label=key.removeprefix("train_").replace("_", " "),
                )
        positive = all(v.min() > 0 for k, v in rows.items() if k.startswith("train_"))
        if positive:
            top.set_yscale("log")
        top.set_ylabel("training, mean of the steps")
        top.legend(frameon=False, fontsize=8)
        top.set_title({"vae": "networks", "map": "physics to latent space"}[name])
        bottom.plot(rows["step"], rows["score"], color="C3")
        best = int(np.argmin(rows["score"]))
        bottom.plot(rows["step"][best], rows["score"][best], "o", color="C3", label="kept")
        bottom.set_ylabel("validation score")
        bottom.set_xlabel("step")
        bottom.legend(frameon=False, fontsize=8)
    return figure


def _read_log(path: Path) -> dict[str, FloatArray]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [n for n in rows[0] if all(r.get(n) not in (None, "") for r in rows)]
    return {n: np.array([float(r[n]) for r in rows]) for n in names}


def plot_reconstructions(
    model: LightCurveModel, table: OpenSet, *, n_points: int = 40, n: int = 4, seed: int = 0
) -> Figure:
    """Draw test stars as they were observed, decoded and in truth (Figures 5 and 7)."""
    names = _tested(model, table)
    figure = Figure(figsize=(2.7 * n, 1.55 * len(names)), layout="constrained")
    axes = figure.subplots(len(names), n, squeeze=False, sharex=True)
    rng = np.random.default_rng(seed)
    for line, name in enumerate(names):
        mine = np.flatnonzero((table.star_class == name) & (table.split == "test"))
        rows = table.take(np.sort(rng.choice(mine, min(n, len(mine)), replace=False)))
        phase, mag, curve = reconstruct(model, rows, n_points, seed=seed)
        truth, answer = rows.curve.evaluate(_PHASE), curve.evaluate(_PHASE)
        error = exposure_error(rows)
        for i in range(n):
            ax = axes[line, i]
            ax.set_xticks([0, 0.5, 1])
            ax.tick_params(labelsize=7)
            if i >= len(rows):
                ax.set_axis_off()
                continue
            size = rows.amplitude_i[i]
            for cycle in (-1, 0, 1):
                x = phase[i] % 1 + cycle
                seen = (x > _PHASE[0]) & (x < _PHASE[-1])
                ax.errorbar(
                    x[seen], mag[i][seen] - 16.0, error[i], fmt=".", ms=3, color="0.6", lw=0.6, zorder=0
                )
            ax.plot(_PHASE, size * truth[i], color="k", lw=1.0, label="truth")
            ax.plot(_PHASE, size * answer[i], color="C3", lw=1.4, ls=(0, (4, 1.5)), label="decoded")
            ax.set_ylim(size * (truth[i].max() + 0.15), size * (truth[i].min() - 0.15))
            ax.set_title(f"{rows.subtype[i]}, {rows.period[i]:.3g} d", fontsize=7, pad=2)
        axes[line, 0].set_ylabel(f"{name}\nI - <I> [mag]", fontsize=8)
    for ax in axes[-1]:
        ax.set_xlabel("phase", fontsize=8)
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), frameon=False, fontsize=8, ncols=2, loc="outside upper right"
    )
    figure.suptitle(f"Test stars seen {n_points} times (grey), decoded (red) and true (black)", fontsize=10)
    return figure


def _tested(model: LightCurveModel, table: OpenSet) -> list[str]:
    """Classes of the model that have test stars."""
    there = set(table.star_class[table.split == "test"].tolist())
    return [name for name in model.classes if name in there]


def plot_latent(
    model: LightCurveModel, table: OpenSet, *, dimensions: int = 4, most: int = 200, seed: int = 0
) -> Figure:
    """Draw the joint distribution of latent coordinates of test stars by class (Figure 6).

    Parameters
    ----------
    model : LightCurveModel
        The model.
    table : OpenSet
        The open training set.
    dimensions : int
        How many latent coordinates, from the first.
    most : int
        Most stars per class.
    seed : int
        Seed of the noise.

    Returns
    -------
    Figure
        Pairs of coordinates, with histograms on the diagonal; nothing is shown or saved.
    """
    n = min(dimensions, model.n_latent)
    figure = Figure(figsize=(2.2 * n + 0.6, 2.2 * n), layout="constrained")
    axes = figure.subplots(n, n, squeeze=False)
    for name in _tested(model, table):
        mu, _ = encode_rows(model, choose(table, name, "test", most), seed=seed)
        style = CLASS_STYLES[name]
        for i in range(n):
            for j in range(i):
                axes[i, j].scatter(
                    mu[:, j], mu[:, i], s=9, c=style.colour, marker=style.marker, lw=0, alpha=0.6
                )
            axes[i, i].hist(
                mu[:, i],
                bins=np.linspace(-3.5, 3.5, 24),
                density=True,
                histtype="step",
                color=style.colour,
                label=f"{name} ({len(mu)})",
            )
    for i in range(n):
        for j in range(n):
            ax = axes[i, j]
            ax.tick_params(labelsize=7)
            if j > i:
                ax.set_axis_off()
                continue
            ax.set_xlim(-3.5, 3.5)
            if j < i:
                ax.set_ylim(-3.5, 3.5)
            else:
                ax.set_yticks([])
            if i == n - 1:
                ax.set_xlabel(f"$z_{{{j + 1}}}$")
            if j == 0 and i > 0:
                ax.set_ylabel(f"$z_{{{i + 1}}}$")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper right", frameon=False, fontsize=9)
    figure.suptitle("Latent means of test stars", fontsize=10)
    return figure


def plot_rr_lyrae_sequence(
    model: LightCurveModel,
    table: OpenSet,
    mappings: Mapping[str, LatentMapping] | None = None,
    *,
    seed: int = 0,
) -> Figure:
    """Draw RRab shapes along the temperature sequence for each regressor (Figure 8).

    Parameters
    ----------
    model : LightCurveModel
        The model, with its own map.
    table : OpenSet
        The open training set.
    mappings : mapping of str to LatentMapping, optional
        Other maps from physics to its latent space, by name.
    seed : int
        Seed of the draws.

    Returns
    -------
    Figure
        Mean shape in each bin, real and drawn at the test stars' physics; nothing is shown or
        saved.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    rows = choose(table, "RRLYR", "test", 2000)
    rows = rows.take(rows.subtype == "RRab")
    limits = model.ranges("RRLYR", "RRab")
    inside = {name: np.clip(getattr(rows, name), *limit) for name, limit in limits.items()}
    stars = stars_of(rows, **inside)
    panels = {"real test stars": rows.curve}
    own = model.sample(
        "RRab", star_id=stars.star_id, seed=seed, **{k: inside[k] for k in ("period", "teff", "abs_mag_g")}
    )
    panels["flow (the model's own)"] = model.phase_curve(own)
    for name, mapping in (mappings or {}).items():
        drawn = mapping.draw(replace(stars, latent=None), seed=seed, extrapolate=True)
        panels[name] = model.phase_curve(drawn, extrapolate="error")
    order = np.argsort(rows.teff, kind="stable")
    bins = np.array_split(order, 6)
    low, high = (float(np.mean(rows.teff[b])) for b in (bins[0], bins[-1]))
    colours = ScalarMappable(Normalize(low, high), "coolwarm_r")
    figure = Figure(figsize=(2.9 * len(panels) + 0.6, 3.6), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
    for ax, (name, curve) in zip(axes, panels.items(), strict=True):
        values = curve.evaluate(_PHASE)
        for members in bins:
            colour = colours.to_rgba(np.mean(rows.teff[members], keepdims=True))[0]
            for i in members[:6]:
                ax.plot(_PHASE, values[i], color=colour, lw=0.4, alpha=0.35)
            ax.plot(_PHASE, values[members].mean(axis=0), color=colour, lw=1.8)
        ax.set_title(name, fontsize=9)
        ax.set_xlabel("phase")
        ax.set_ylim(0.6, -0.75)
    axes[0].set_ylabel("I / amplitude")
    figure.colorbar(colours, ax=list(axes), label="mean Teff of the bin [K]", pad=0.01)
    figure.suptitle("RRab along the temperature sequence: means of bins, and six stars of each", fontsize=10)
    return figure


def plot_trends(trends: Mapping[str, Trend], labels: Mapping[str, tuple[str, str]]) -> Figure:
    """Draw quantities against parameters, real and drawn."""
    figure = Figure(figsize=(4.2 * len(trends), 3.4), layout="constrained")
    axes = figure.subplots(1, len(trends), squeeze=False)[0]
    for ax, (name, trend) in zip(axes, trends.items(), strict=True):
        ax.plot(trend.centre, trend.real, "o-", color=_REAL, label=f"{trend.n} real test stars")
        ax.plot(trend.centre, trend.drawn, "s--", color=_DRAWN, label="drawn, mean of 20")
        ax.fill_between(
            trend.centre, trend.real - trend.noise, trend.real + trend.noise, color=_REAL, alpha=0.15, lw=0
        )
        ax.set_xlabel(labels[name][0])
        ax.set_ylabel(labels[name][1])
        ax.set_title(f"{name}: RMS difference {trend.rms:.2g}", fontsize=9)
        ax.legend(frameon=False, fontsize=8)
    return figure


def gallery(
    path: str | Path,
    *,
    weights: str | Path = "default",
    table: OpenSet | None = None,
    n: int = 5,
    seed: int = 0,
) -> Path:
    """Draw test stars and drawn stars of each class and subtype, side by side.

    Parameters
    ----------
    path : str or Path
        PNG file to write.
    weights : str or Path
        Name or path of the weights.
    table : OpenSet, optional
        The open training set; the committed one by default.
    n : int
        Stars on either side. Each drawn star shares the subtype and the period of the test star
        in the same place on the left.
    seed : int
        Seed of the choice and of the draws.

    Returns
    -------
    Path
        The file.
    """
    model = LightCurveModel.load(weights)
    rows = table if table is not None else load_open_set()
    rng = np.random.default_rng(seed)
    pairs = sorted(
        {
            (c, s)
            for c, s in zip(rows.star_class.tolist(), rows.subtype.tolist(), strict=True)
            if c in model.classes
        }
    )
    figure = Figure(figsize=(2.3 * n, 0.95 * len(pairs) + 0.6), layout="constrained")
    columns = figure.add_gridspec(1, 2, wspace=0.03)
    left, right = figure.add_subfigure(columns[0]), figure.add_subfigure(columns[1])
    left.suptitle("Real: test stars", fontsize=11, color="0.25")
    right.suptitle("Drawn, at the same periods", fontsize=11, color="C0")
    grids = [
        (side.subplots(len(pairs), n, sharex=True, sharey=True, squeeze=False), colour)
        for side, colour in ((left, "0.25"), (right, "C0"))
    ]
    phase = np.linspace(-0.3, 1.3, 800)
    for r, (star_class, subtype) in enumerate(pairs):
        mine = np.flatnonzero(
            (rows.star_class == star_class) & (rows.subtype == subtype) & (rows.split == "test")
        )
        some = rows.take(np.sort(rng.choice(mine, min(n, len(mine)), replace=False)))
        low, high = model.ranges(star_class, subtype)["period"]
        period = np.clip(some.period, low, high)
        stars = model.sample(star_class, subtype=subtype, period=period, seed=seed)
        curves = some.curve.evaluate(phase), model.phase_curve(stars).evaluate(phase)
        for (axes, colour), curve in zip(grids, curves, strict=True):
            for i in range(n):
                ax = axes[r, i]
                ax.set_xticks([])
                ax.set_yticks([])
                ax.set_ylim(1.0, -0.75)
                if i < len(some):
                    ax.plot(phase, curve[i], color=colour, lw=1)
                    ax.set_title(f"{some.period[i]:.3g} d", fontsize=6, pad=1.5, color="0.4")
        kind = star_class if subtype == star_class else f"{star_class}\n{subtype}"
        grids[0][0][r, 0].set_ylabel(kind, fontsize=8)
    target = Path(path)
    figure.savefig(target, dpi=80)
    return target
