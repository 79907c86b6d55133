"""Headline pictures of a comparison: all stars at a glance, forest of differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pelsvae_cadence.metrics.comparison.quantities import HEADLINE, YEARS_WITHOUT
from pelsvae_cadence.metrics.comparison.report.answers import answers, number
from pelsvae_cadence.metrics.comparison.report.drawing import (
    Picture,
    draw_runs,
    legend_below,
    run_style,
    wrapped,
)
from pelsvae_cadence.metrics.comparison.statistics.summary import ALL_CLASSES, overall, select
from pelsvae_cadence.plotting.styles import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = ["headline_pictures"]

_INK: Final = "0.25"
# Grounds on which a difference is better or worse, as in the maps of differences.
_GROUNDS: Final = {"better": "#e3eef7", "worse": "#fbeadf"}
_SAYS: Final = {"better": "better", "worse": "worse", "no difference shown": "not shown"}
_LONGEST_NAME: Final = 22


def _shade(axes: Axes, *, right_is_better: bool) -> None:
    """Colour the two sides of zero, and say in words which one is better."""
    low, high = axes.get_xlim()
    words = ("worse", "better") if right_is_better else ("better", "worse")
    for end, word, at, x in zip((low, high), words, ("left", "right"), (0.02, 0.98), strict=True):
        axes.axvspan(0.0, end, color=_GROUNDS[word], linewidth=0, zorder=0)
        axes.annotate(
            word,
            (x, 1.0),
            xycoords="axes fraction",
            xytext=(0, -4),
            textcoords="offset points",
            ha=at,
            va="top",
            fontsize=9,
            color=_INK,
            style="italic",
        )
    axes.axvline(0.0, color="0.3", linewidth=1.0)
    axes.set_xlim(low, high)


def headline_pictures(result: Comparison) -> Iterator[Picture]:
    """Draw the answer.

    Parameters
    ----------
    result : Comparison
        A comparison of two runs or more.

    Yields
    ------
    Picture
        All stars together: who has a period when, and how much longer they wait for it; then the
        differences of the recovered fraction by class, magnitude and year.
    """
    yield _at_a_glance(result)
    yield _forest(result)


def _at_a_glance(result: Comparison) -> Picture:
    figure = new_figure(10.2, 2.7 + 0.25 * max(len(result.runs) - 3, 0))
    left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.15))
    shares = overall(select(result.summary.values, footprint="common"), HEADLINE)
    draw_runs(left, result, shares, "year", title="stars with their period", size=10.5, percent=True)
    left.set_ylabel("[%]")
    left.set_axisbelow(True)
    _waiting(result, right)
    legend_below(figure, left, len(result.runs))
    kinds = ", ".join(result.plan.star_classes)
    return Picture(
        name="at_a_glance",
        short="At a glance",
        heading="At a glance",
        caption=(
            f"All stars together ({kinds}). Left: stars with their period after each survey year. "
            f"Right: how much longer than in {result.runs[0].name} a star is without its period, "
            "the same stars in both. Bands and bars are 95 % intervals; filled symbols are "
            "significant."
        ),
        text=" ".join(answer.headline for answer in answers(result)),
        figure=figure,
    )


def _draw_difference(
    axes: Axes,
    row: Any,
    y: float,
    style: dict[str, Any],
    *,
    size: tuple[float, float],
    scale: float = 1.0,
    **marker: Any,
) -> None:
    """Draw a difference with its interval, in widths of line and marker; open if not significant."""
    colour, (linewidth, markersize) = style["color"], size
    if np.isfinite(row.low):
        axes.hlines(y, scale * row.low, scale * row.high, color=colour, linewidth=linewidth, zorder=2)
    sure = row.verdict in ("better", "worse")
    axes.plot(
        scale * row.difference,
        y,
        style["marker"],
        color=colour,
        markersize=markersize,
        markerfacecolor=colour if sure else "white",
        zorder=3,
        **marker,
    )


def _waiting(result: Comparison, axes: Axes) -> None:
    rows = overall(result.summary.differences, YEARS_WITHOUT).set_index("run")
    others = [run.name for run in result.runs[1:]]
    for k, name in enumerate(others, start=1):
        row = rows.loc[name]
        _draw_difference(axes, row, k, run_style(k), size=(2.2, 9.0), markeredgewidth=1.6)
        axes.annotate(
            f"{number(row['difference'], sign=True)} yr: {_SAYS[row['verdict']]}",
            (row["difference"], k),
            xytext=(0, 9),
            textcoords="offset points",
            ha="center",
            fontsize=9.5,
            zorder=4,
        )
    ends = rows.loc[others, ["difference", "low", "high"]].to_numpy(np.float64)
    widest = 1.35 * max(0.1, float(np.nanmax(np.abs(ends))))
    axes.set_xlim(-widest, widest)
    axes.set_ylim(len(others) + 0.5, 0.0)
    axes.set_yticks(range(1, len(others) + 1), [wrapped(name, width=_LONGEST_NAME) for name in others])
    axes.set_title(f"time without a period, against {wrapped(result.runs[0].name)}", fontsize=10.5)
    axes.set_xlabel("difference [yr]")
    _shade(axes, right_is_better=False)


def _forest(result: Comparison) -> Picture:
    plan, reference = result.plan, result.runs[0].name
    # At most four years: the first, the last, and two between.
    shown = np.unique(np.linspace(0, len(plan.years) - 1, 4).round().astype(int))
    years = [plan.years[k] for k in shown]
    keys: list[tuple[str, dict[str, Any]]] = [
        (group.label, {"star_class": group.star_class, "magnitude": group.magnitude}) for group in plan.groups
    ]
    if len(keys) > 1:
        keys.insert(0, ("all stars", {"star_class": ALL_CLASSES}))
    others = [run.name for run in result.runs[1:]]
    figure = new_figure(2.0 + 2.4 * len(years), 1.7 + 0.3 * len(keys) * max(len(others), 2))
    panels = figure.subplots(1, len(years), sharey=True, squeeze=False)[0]
    table = select(result.summary.differences, metric=HEADLINE)
    ends = 100.0 * table[["difference", "low", "high"]].to_numpy(np.float64)
    widest = 1.08 * max(5.0, float(np.nanmax(np.abs(ends))))
    for axes, year in zip(panels, years, strict=True):
        for k, name in enumerate(others, start=1):
            away = (k - 0.5 * (len(others) + 1)) * 0.8 / len(others)
            for at, (_, where) in enumerate(keys):
                row = select(table, run=name, year=year, **where).iloc[0]
                _draw_difference(axes, row, at + away, run_style(k), scale=100.0, size=(1.6, 7.0))
            axes.plot([], [], run_style(k)["marker"], color=run_style(k)["color"], label=name)
        axes.set_title(f"after {year:g} yr", fontsize=10)
        axes.set_xlim(-widest, widest)
        axes.grid(axis="x", color="0.92")
        axes.set_axisbelow(True)
        _shade(axes, right_is_better=True)
        if len(keys) > 1:
            axes.axhline(0.5, color="0.7", linewidth=0.8)
    panels[0].set_yticks(np.arange(len(keys)), [label for label, _ in keys])
    panels[0].set_ylim(len(keys) - 0.45, -0.85)
    panels[(len(years) - 1) // 2].set_xlabel(f"difference to {reference} [% of stars]")
    legend_below(figure, panels[0], len(others))
    counts = table["verdict"].value_counts()
    return Picture(
        name="differences",
        short="Differences",
        heading="Is the difference real?",
        caption=(
            f"Difference to {reference} of the share of stars with their period, the same stars in "
            "both, over the common footprint, with 95 % intervals. Filled symbols are significant "
            "after correction for all comparisons of the table."
        ),
        text=(
            f"Dot plot of {len(table)} differences of the recovered fraction to {reference}: "
            f"{counts.get('better', 0)} significantly better, {counts.get('worse', 0)} "
            "significantly worse. The table of differences holds the numbers."
        ),
        figure=figure,
    )
