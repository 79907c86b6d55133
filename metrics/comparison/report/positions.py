"""What positions are like: their visits, which explain the rest, and further metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelsvae_cadence.metrics.comparison.quantities import CADENCE_QUANTITIES
from pelsvae_cadence.metrics.comparison.report.answers import number
from pelsvae_cadence.metrics.comparison.report.drawing import (
    MOST_PANELS,
    Picture,
    legend_below,
    line_with_interval,
    new_figure,
    panels_of,
    wrapped,
)

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = ["cadence_picture", "further_picture"]


def cadence_picture(result: Comparison) -> Picture:
    """Draw what the visits are like, one panel a quantity.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    Picture
        The picture.
    """
    values = result.summary.values
    rows = values[(values["footprint"] == "common")]
    figure = new_figure(10.2, 5.8)
    panels = figure.subplots(2, 4).ravel()
    ends = []
    for axes, quantity in zip(panels, CADENCE_QUANTITIES, strict=False):
        for k, run in enumerate(result.runs):
            mine = rows[(rows["metric"] == quantity.name) & (rows["run"] == run.name)]
            line_with_interval(axes, mine, "year", k, run.name)
            if quantity.name in ("visits", "nights", "pairs"):
                ends.append(f"{quantity.name}, {run.name}: {mine['value'].iloc[-1]:.4g}")
        axes.set_title(wrapped(quantity.caption, 30), fontsize=8.5)
        axes.set_xlabel("survey year", fontsize=8.5)
        axes.set_ylabel(quantity.unit, fontsize=8.5)
        axes.tick_params(labelsize=8)
        axes.set_xlim(left=0.0)
        axes.grid(color="0.92")
        if quantity.name == "median_m5":
            axes.invert_yaxis()
        elif quantity.name == "pairs":
            axes.set_ylim(-0.03, 1.03)
        else:
            axes.set_ylim(bottom=0.0)
    for empty in panels[len(CADENCE_QUANTITIES) :]:
        empty.set_visible(False)
    legend_below(figure, panels[0], len(result.runs))
    return Picture(
        name="cadences",
        short="Visits",
        heading="Why? What the visits are like",
        caption="Means over the common footprint of what each position sees.",
        text="Visits, nights, gaps, pairs, seasons and depth against survey year. At the end: "
        + "; ".join(ends)
        + ".",
        figure=figure,
    )


def further_picture(result: Comparison, name: str) -> Picture:
    """Draw a further metric against the survey year.

    Parameters
    ----------
    result : Comparison
        The comparison.
    name : str
        The metric.

    Returns
    -------
    Picture
        The picture.
    """
    quantities = [q for q in result.further[name] if q.better != "neither"][:MOST_PANELS]
    quantities = quantities or list(result.further[name])[:MOST_PANELS]
    values = result.summary.values
    rows = values[values["footprint"] == "common"]
    figure, panels = panels_of(len(quantities))
    ends = []
    for axes, quantity in zip(panels, quantities, strict=True):
        for k, run in enumerate(result.runs):
            mine = rows[(rows["metric"] == quantity.name) & (rows["run"] == run.name)]
            line_with_interval(axes, mine, "year", k, run.name)
            ends.append(f"{quantity.name}, {run.name}: {number(mine['value'].iloc[-1], 3)}")
        axes.set_title(wrapped(quantity.caption, 38), fontsize=9)
        axes.set_xlabel("survey year")
        axes.set_ylabel(quantity.unit)
        axes.set_xlim(left=0.0)
        axes.grid(color="0.92")
    legend_below(figure, panels[0], len(result.runs))
    return Picture(
        name=name.lower().replace(" ", "_"),
        short=name,
        heading=name,
        caption="Means over the common footprint; bands are 95 % intervals.",
        text=f"{name} against survey year. At the end: " + "; ".join(ends) + ".",
        figure=figure,
    )
