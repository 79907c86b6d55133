"""Pictures of a source model beside real stars, for the eye."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.open_set.table import OpenSet, load_open_set

__all__ = ["gallery"]


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
    from matplotlib.backends.backend_agg import FigureCanvasAgg

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
    FigureCanvasAgg(figure)
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
