"""Pictures of classification scores of runs: by year, magnitude, period and class."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.metrics.comparison.report.answers import number
from pelsvae_cadence.metrics.comparison.report.drawing import (
    Picture,
    draw_runs,
    legend_below,
    plain_period_ticks,
    run_style,
    years_in_words,
)
from pelsvae_cadence.metrics.comparison.statistics.class_scores import F1, MACRO_F1, scores_of_run
from pelsvae_cadence.metrics.comparison.statistics.summary import select
from pelsvae_cadence.plotting.styles import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pelsvae_cadence.metrics.comparison.classified_stars import ClassifiedStars
    from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = ["classification_picture"]

FloatArray = npt.NDArray[np.float64]

_BINS: Final = 6
# A class with fewer stars in a bin has no score worth averaging.
_FEWEST_STARS: Final = 10


def _score_table(result: Comparison, by: str) -> pd.DataFrame:
    """Score the stars of every run in bins of magnitude or period, over the common footprint.

    Bins are equally wide in magnitude, equally full in period. Macro-F1 is over the classes with ten
    stars or more in the bin, in the year in which the runs differ most.
    """
    year, common = _telling_year(result), result.summary.common
    first = next(run.classified for run in result.outcomes if run.classified is not None)
    values = np.log10(first.period) if by == "period" else first.magnitude
    known = np.isfinite(values) & common[:, None]
    steps = np.linspace(0.0, 1.0, _BINS + 1)
    edges = (
        np.quantile(values[known], steps)
        if by == "period"
        else values[known].min() + np.ptp(values[known]) * steps
    )
    rows = []
    for low, high in pairwise(edges.tolist()):
        keep = known & (values >= low) & ((values < high) | (high == edges[-1]))
        keep &= np.isin(first.label, _frequent(first, keep))
        centre = float(np.mean(values[keep])) if keep.any() else 0.5 * (low + high)
        for run in result.outcomes:
            found = scores_of_run(
                run.classified,
                common,
                [year],
                len(first.classes),
                unit=result.summary.unit,
                seed=result.plan.seed,
                keep=keep,
            )
            rows.append(
                {
                    "run": run.name,
                    by: 10.0**centre if by == "period" else centre,
                    "value": found.mean[0],
                    "low": found.low[0],
                    "high": found.high[0],
                }
            )
    return pd.DataFrame(rows)


def _frequent(stars: ClassifiedStars, keep: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    count = np.bincount(stars.label[keep], minlength=len(stars.classes))
    return np.flatnonzero(count >= _FEWEST_STARS)


def _scores(result: Comparison, metric: str) -> pd.DataFrame:
    return select(result.summary.values, metric=metric, footprint="common")


def _telling_year(result: Comparison) -> int:
    """Pick the year in which the macro-F1 scores of the runs differ most, else the last."""
    table = _scores(result, MACRO_F1.name).pivot(index="year", columns="run", values="value")
    spread = (table.max(axis=1) - table.min(axis=1)).reindex(list(result.plan.years)).to_numpy()
    return int(np.nanargmax(spread)) if np.nanmax(spread) > 0.0 else len(result.plan.years) - 1


def classification_picture(result: Comparison) -> Picture:
    """Draw F1 scores against survey year, magnitude, period and class."""
    figure = new_figure(10.2, 6.4)
    panels = figure.subplots(2, 2, width_ratios=(1.0, 1.3))
    year = years_in_words(result.plan.years[_telling_year(result)])
    last = draw_runs(panels[0, 0], result, _scores(result, MACRO_F1.name), "year", title="all stars")
    words = [f"{name} {number(value)}" for name, value in last.items()]
    for axes, by in ((panels[0, 1], "magnitude"), (panels[1, 0], "period")):
        draw_runs(axes, result, _score_table(result, by), by, title=f"after {year}")
    _by_class(result, panels[1, 1], _telling_year(result))
    panels[1, 0].set_xscale("log")
    plain_period_ticks(panels[1, 0])
    panels[1, 1].set(title=f"each class after {year}", ylabel="F1")
    for axes in panels.flat[:3]:
        axes.set_ylabel("macro-F1")
    for axes in panels.flat:
        axes.title.set_fontsize(10)
        axes.set_ylim(-0.03, 1.03)
        axes.grid(color="0.92", axis="both" if axes is not panels[1, 1] else "y")
        axes.set_axisbelow(True)
    legend_below(figure, panels[0, 0], len(result.runs))
    return Picture(
        name="classification",
        short="Classes",
        heading="Can the stars be told apart?",
        caption=(
            "F1 scores of stars told apart by classifiers trained on each run, on parts of the sky "
            f"that these have not seen; common footprint, bands are 95 % intervals. After {year} "
            "the runs differ most. Stars at positions with too few visits count as missed."
        ),
        text="Macro-F1 against survey year, magnitude and period, and F1 of each class. At the "
        "end: " + "; ".join(words) + ".",
        figure=figure,
    )


def _by_class(result: Comparison, axes: Axes, year: int) -> None:
    rows = select(_scores(result, F1.name), year=result.plan.years[year])
    classes = list(dict.fromkeys(rows["star_class"]))
    for k, run in enumerate(result.runs):
        mine = select(rows, run=run.name).set_index("star_class").loc[classes]
        away = (k - 0.5 * (len(result.runs) - 1)) * 0.6 / len(result.runs)
        x = np.arange(len(classes)) + away
        style: dict[str, Any] = run_style(k)
        low, high = mine["low"].to_numpy(np.float64), mine["high"].to_numpy(np.float64)
        axes.vlines(x, low, high, color=style["color"], linewidth=1.6)
        axes.plot(x, mine["value"], style["marker"], color=style["color"], markersize=6)
    axes.set_xticks(range(len(classes)), classes, fontsize=8.5)
    axes.set_xlim(-0.6, len(classes) - 0.4)
