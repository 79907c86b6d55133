"""What all pictures of a comparison share: one look for each run, panels, legends, words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = [
    "BETTER_COLOUR",
    "MOST_PANELS",
    "WORSE_COLOUR",
    "Picture",
    "draw_runs",
    "legend_below",
    "new_figure",
    "panels_of",
    "plain_period_ticks",
    "run_style",
    "shown_years",
    "telling_year",
    "wrapped",
    "years_in_words",
]

# Okabe & Ito's colours, which people with any colour vision can tell apart, and what else tells
# runs apart in print.
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
_LINES: Final = ("-", "--", "-.", ":")

_AXIS_LABELS: Final = {"year": "survey year", "magnitude": "mean r [mag]", "period": "true period [d]"}

#: Grounds on which a difference is better or worse, as in the maps of differences.
BETTER_COLOUR: Final = "#e3eef7"
WORSE_COLOUR: Final = "#fbeadf"
#: More classes than this are left to the tables.
MOST_PANELS: Final = 6


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture of the report.

    Parameters
    ----------
    name : str
        Name of its file, without suffix.
    short : str
        A word or two for the table of contents.
    heading : str
        What it answers.
    caption : str
        What is drawn.
    text : str
        What it shows, for those who cannot see it.
    figure : matplotlib.figure.Figure
        The picture.
    """

    name: str
    short: str
    heading: str
    caption: str
    text: str
    figure: Figure


def years_in_words(year: float) -> str:
    """Say a number of years.

    Parameters
    ----------
    year : float
        The number.

    Returns
    -------
    str
        With the right form of the word.
    """
    return f"{year:g} year" if year == 1 else f"{year:g} years"


def new_figure(width: float, height: float) -> Figure:
    """Make a figure that pyplot does not know, so that none piles up in memory.

    Parameters
    ----------
    width, height : float
        Size in inches.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def run_style(k: int) -> dict[str, Any]:
    """Choose colour, marker and line of a run.

    Parameters
    ----------
    k : int
        Its place among the runs.

    Returns
    -------
    dict
        Keywords of matplotlib's ``plot``; runs differ in all three, for print and any eye.
    """
    return {
        "color": _COLOURS[k % len(_COLOURS)],
        "marker": _MARKERS[k % len(_MARKERS)],
        "linestyle": _LINES[(k // len(_COLOURS) + k) % len(_LINES)],
    }


def shown_years(plan_years: Sequence[float]) -> list[float]:
    """Choose at most four years to show: the first, the last, and two between.

    Parameters
    ----------
    plan_years : sequence of float
        The years of a plan.

    Returns
    -------
    list of float
        Some of them.
    """
    at = np.unique(np.linspace(0, len(plan_years) - 1, 4).round().astype(int))
    return [plan_years[k] for k in at]


def telling_year(result: Comparison) -> int:
    """Pick the year whose recovered fractions differ most between runs.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    int
        Its place among the years of the plan; the last one where nothing differs.
    """
    shares = np.array(
        [run.outcome[result.summary.common][..., 0].mean(axis=(0, 1, 3)) for run in result.outcomes]
    )
    spread = np.ptp(shares, axis=0)
    return int(np.argmax(spread)) if spread.max() > 0 else len(result.plan.years) - 1


def wrapped(name: str, width: int = 44) -> str:
    """Break a long title into lines.

    Parameters
    ----------
    name : str
        The title.
    width : int
        Letters a line.

    Returns
    -------
    str
        The title with line breaks.
    """
    from textwrap import fill

    return fill(name, width)


def legend_below(figure: Figure, axes: Axes, n: int) -> None:
    """Put the legend of one panel below all of them.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    axes : matplotlib.axes.Axes
        The panel that has the labels.
    n : int
        Number of entries.
    """
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(n, 3), frameon=False, fontsize=9.5)


def draw_runs(
    axes: Axes,
    result: Comparison,
    table: pd.DataFrame,
    x: str,
    *,
    title: str = "",
    size: float = 10,
    percent: bool = False,
) -> dict[str, float]:
    """Draw the values of all runs with their intervals.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where.
    result : Comparison
        The comparison.
    table : pandas.DataFrame
        Rows with run, value, low, high.
    x : {"year", "magnitude", "period"}
        Column of the horizontal axis.
    title : str
        Title of the panel.
    size : float
        Size of its letters.
    percent : bool
        Show fractions in per cent, from 0 to 100.

    Returns
    -------
    dict of str to float
        The last value of each run.
    """
    last = {}
    scale = 100.0 if percent else 1.0
    for k, run in enumerate(result.runs):
        rows, style = table[table["run"] == run.name], run_style(k)
        value, low, high = (scale * rows[name].to_numpy(np.float64) for name in ("value", "low", "high"))
        axes.plot(rows[x], value, label=run.name, markersize=5, linewidth=1.6, **style)
        if np.isfinite(low).all():
            axes.fill_between(rows[x], low, high, color=style["color"], alpha=0.13, linewidth=0)
        last[run.name] = float(rows["value"].iloc[-1])
    axes.set_title(title, fontsize=size)
    axes.set_xlabel(_AXIS_LABELS[x])
    axes.grid(color="0.92")
    if x == "year":
        axes.set_xlim(left=0.0)
    if percent:
        axes.set_ylim(-3.0, 103.0)
    return last


def panels_of(n: int, height: float = 2.7) -> tuple[Figure, list[Axes]]:
    """Make a figure of n panels with one vertical scale.

    Parameters
    ----------
    n : int
        Number of panels.
    height : float
        Height of each in inches.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    panels : list of matplotlib.axes.Axes
        Its panels.
    """
    columns = 2 if n == 4 else min(n, 3)
    rows = -(-n // columns)
    figure = new_figure(max(3.4 * columns, 6.0), height * rows + 0.5)
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel().tolist()
    for empty in axes[n:]:
        empty.set_visible(False)
    return figure, axes[:n]


def plain_period_ticks(axes: Axes) -> None:
    """Label a logarithmic axis of periods with plain numbers.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The panel.
    """
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

    low, high = axes.get_xlim()
    if high / low < 2.5:
        axes.xaxis.set_major_locator(MaxNLocator(4))
    else:
        narrow = high / low < 12.0
        subs = (1.0, 2.0, 3.0, 5.0, 7.0) if narrow else (1.0,)
        axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
