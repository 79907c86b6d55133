"""Shared drawing of comparison pictures: colours of runs, panels, legends, words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = [
    "Picture",
    "draw_runs",
    "legend_below",
    "plain_period_ticks",
    "run_style",
    "telling_year",
    "wrapped",
    "years_in_words",
]

# Okabe & Ito's colours, which people with any colour vision can tell apart, and what else tells
# runs apart in print.
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
_LINES: Final = ("-", "--", "-.", ":")

#: Breaks long titles into lines.
wrapped: Final = partial(fill, width=44)
_AXIS_LABELS: Final = {"year": "survey year", "magnitude": "mean r [mag]", "period": "true period [d]"}


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
    """Say a number of years."""
    return f"{year:g} year" if year == 1 else f"{year:g} years"


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


def legend_below(figure: Figure, axes: Axes, n: int) -> None:
    """Put the legend of one panel below all of them."""
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
    """Draw the values of all runs with their intervals."""
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


def plain_period_ticks(axes: Axes) -> None:
    """Label a logarithmic axis of periods with plain numbers."""
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
