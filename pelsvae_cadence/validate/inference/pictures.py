"""Pictures of the reading of stars: reliability of what is stated, and recovery set by set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from pelsvae_cadence.plotting.styles import axes_of, legend_outside
from pelsvae_cadence.validate.report import share_error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pelsvae_cadence.validate.inference.readings import Outcome

__all__ = ["plot_recovery", "plot_reliability"]

# Finer where decisions are taken.
_EDGES: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1.0)
# Okabe & Ito's colours, which people with any colour vision can tell apart.
_SEARCH, _OURS, _SURE = "#999999", "#0072B2", "#D55E00"
_MARKERS: Final = "os^vD<>pPXh*d"
_LEAST: Final = 3
_LEAST_OF_A_SET: Final = 5


def plot_reliability(outcomes: Sequence[Outcome], *, ax: Axes | None = None) -> Axes:
    """Draw the right share of stars against what was stated of them, in all sets and in each.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Readings, and which of their periods are right.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes. Error bars are binomial; bins with fewer than three stars are left out, and fewer
        than five of a single set.
    """
    ax = axes_of(
        ax,
        8.5,
        5.5,
        xlabel="stated probability that the period is right (drift below 0.1 cycle)",
        ylabel="share of stars with such a period",
        title="Reliability of stated probabilities",
    )
    ax.plot([0.0, 1.0], [0.0, 1.0], color="black", linewidth=1.0, linestyle="--", label="as stated")
    for k, outcome in enumerate(outcomes):
        points = _binned(outcome.reading.ours.probability, outcome.exact, _LEAST_OF_A_SET)
        if points.size:
            marker = _MARKERS[k % len(_MARKERS)]
            ax.plot(*points[:2], marker, color=_SEARCH, markersize=5, alpha=0.8, label=outcome.name)
    # Of stars that were read twice, once counts.
    once = [outcome for outcome in outcomes if outcome.reading.held] or outcomes
    stated = np.concatenate([outcome.reading.ours.probability for outcome in once])
    right = np.concatenate([outcome.exact for outcome in once])
    x, y, error, n = _binned(stated, right, _LEAST)
    ax.errorbar(x, y, yerr=error, fmt="o-", color=_OURS, markersize=7, capsize=3, label="all sets")
    for place, share, number in zip(x, y, n, strict=True):
        text = f"{number:.0f}"
        ax.annotate(text, (place, share), (-7, 5), textcoords="offset points", ha="right", color=_OURS)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
    legend_outside(ax, "numbers: stars")
    return ax


def _binned(stated: np.ndarray, right: np.ndarray, least: int) -> np.ndarray:
    """Give mean stated probability, right share, its error and number, bin by bin, shape (4, n_bins)."""
    which = np.clip(np.searchsorted(_EDGES, stated, side="right") - 1, 0, len(_EDGES) - 2)
    columns = []
    for k in range(len(_EDGES) - 1):
        here = which == k
        n = int(here.sum())
        if n >= least:
            share = float(right[here].mean())
            columns.append((float(stated[here].mean()), share, share_error(share, n), float(n)))
    return np.array(columns, dtype=np.float64).reshape(-1, 4).T


def plot_recovery(outcomes: Sequence[Outcome], *, ax: Axes | None = None) -> Axes:
    """Draw the share of right periods, set by set, beside that of the search.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Readings, and which of their periods are right.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    place = np.arange(len(outcomes), dtype=np.float64)
    ax = axes_of(
        ax,
        8.5,
        1.5 + 0.5 * len(outcomes),
        xlabel="share of stars with the right period",
        title="Periods found, set by set",
    )
    shares = [(float(o.right_of_search.mean()), float(o.right.mean()), len(o.right)) for o in outcomes]
    for column, shift, colour, hatch, words in (
        (0, 0.2, _SEARCH, "//", "harmonic search"),
        (1, -0.2, _OURS, "", "reading with the model"),
    ):
        values = [row[column] for row in shares]
        errors = [share_error(row[column], row[2]) for row in shares]
        ax.barh(
            place - shift,
            values,
            0.38,
            xerr=errors,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            label=words,
        )
    stated = [float(o.reading.ours.probability.mean()) for o in outcomes]
    ax.plot(stated, place + 0.2, "D", color=_SURE, markersize=6, markeredgecolor="white", label="mean stated")
    ax.set_yticks(place, [f"{o.name} ({len(o.right)})" for o in outcomes])
    ax.invert_yaxis()
    ax.set_xlim(0.0, 1.05)
    legend_outside(ax, "")
    return ax
