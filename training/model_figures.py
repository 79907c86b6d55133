"""Pictures of a source model beside real stars, for the eye."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pelsvae_cadence.source import LightCurveModel
from pelsvae_cadence.training.open_set import OpenSet, load_open_set

__all__ = ["gallery"]


def gallery(
    path: str | Path,
    *,
    weights: str | Path = "default",
    table: OpenSet | None = None,
    n: int = 8,
    seed: int = 0,
) -> Path:
    """Draw test stars and drawn stars of each class and subtype, in pairs of rows.

    Parameters
    ----------
    path : str or Path
        PNG file to write.
    weights : str or Path
        Name or path of the weights.
    table : OpenSet, optional
        The open training set; the committed one by default.
    n : int
        Stars per row. Each drawn star shares the subtype and the period of the test star above.
    seed : int
        Seed of the choice and of the draws.

    Returns
    -------
    Path
        The file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    model = LightCurveModel.load(weights)
    rows = table if table is not None else load_open_set()
    rng = np.random.default_rng(seed)
    pairs = sorted({(c, s) for c, s in zip(rows.star_class.tolist(), rows.subtype.tolist(),
                                           strict=True) if c in model.classes})  # fmt: skip
    figure = Figure(figsize=(1.5 * n, 2.1 * len(pairs)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2 * len(pairs), n, sharex=True, sharey=True)
    phase = np.linspace(-0.3, 1.3, 800)
    for r, (star_class, subtype) in enumerate(pairs):
        mine = np.flatnonzero(
            (rows.star_class == star_class) & (rows.subtype == subtype) & (rows.split == "test")
        )
        some = rows.take(np.sort(rng.choice(mine, min(n, len(mine)), replace=False)))
        low, high = model.ranges(star_class, subtype)["period"]
        period = np.clip(some.period, low, high)
        stars = model.sample(star_class, subtype=subtype, period=period, seed=seed)
        real, drawn = some.curve.evaluate(phase), model.phase_curve(stars).evaluate(phase)
        for i in range(n):
            for ax, curve, colour in ((axes[2 * r, i], real, "0.25"),
                                      (axes[2 * r + 1, i], drawn, "C0")):  # fmt: skip
                ax.set_xticks([])
                ax.set_yticks([])
                if i < len(some):
                    ax.plot(phase, curve[i], color=colour, lw=1)
                    ax.set_ylim(0.8, -0.8)
            if i < len(some):
                axes[2 * r, i].set_title(f"{some.period[i]:.3g} d", fontsize=7, pad=2)
        label = f"{star_class} {subtype}"
        axes[2 * r, 0].set_ylabel(f"{label}\nreal", fontsize=8)
        axes[2 * r + 1, 0].set_ylabel("drawn", fontsize=8, color="C0")
    figure.suptitle("Test stars (grey), and stars drawn at their periods (blue)", fontsize=9)
    target = Path(path)
    figure.savefig(target, dpi=80)
    return target
