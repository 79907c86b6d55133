"""The picture of what a survey recovers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import CLASS_DESCRIPTIONS, STAR_CLASSES, parse_star_class
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.plotting.styles import CLASS_STYLES, axes_of, legend_outside

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_recovery_by_magnitude"]

FloatArray = npt.NDArray[np.float64]

# So many different magnitudes at most are taken for a ladder rather than for a distribution.
_MOST_STEPS = 12


def plot_recovery_by_magnitude(
    table: Any,
    *,
    bins: npt.ArrayLike | None = None,
    magnitude_label: str = "mean r magnitude",
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the fraction of recovered stars against magnitude, class by class.

    Error bars are Wilson intervals of 68.3 per cent (Wilson 1927, J. Am. Stat. Assoc. 22, 209),
    which hold for small numbers and for fractions of 0 and 1.

    Parameters
    ----------
    table : pandas.DataFrame or mapping
        One row a star, with the columns ``star_class`` (class, subtype or alias; each name is a
        line of its own), ``magnitude`` and ``recovered`` (bool).
    bins : array_like, optional
        Edges of the magnitude bins. By default a dozen magnitudes or fewer stand for themselves;
        more are put into bins of a whole or half magnitude.
    magnitude_label : str
        Label of the magnitudes.
    title : str
        Title.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    InputError
        If a class is unknown, a magnitude is not finite or outside the bins, or the bins do not
        rise.
    """
    from astropy.stats import binom_conf_interval

    star_class = np.asarray(table["star_class"]).astype(str)
    magnitude = np.asarray(table["magnitude"], dtype=np.float64)
    recovered = np.asarray(table["recovered"]).astype(np.bool_)
    parents = {name: parse_star_class(name)[0] for name in dict.fromkeys(star_class.tolist())}
    if not np.isfinite(magnitude).all():
        raise InputError("magnitudes of recovered fractions must be finite")
    steps = np.unique(magnitude)
    discrete = bins is None and 0 < steps.size <= _MOST_STEPS
    if bins is not None:
        edges = np.asarray(bins, dtype=np.float64)
    elif discrete:
        middle = 0.5 * (steps[1:] + steps[:-1])
        edges = np.concatenate([[steps[0] - 0.5], middle, [steps[-1] + 0.5]])
    else:
        edges = _magnitude_bins(magnitude)
    if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
        raise InputError("magnitude bins must be two or more rising edges")
    outside = (magnitude < edges[0]) | (magnitude > edges[-1])
    if outside.any():
        raise InputError(
            f"{outside.sum()} magnitudes lie outside the bins, first {magnitude[outside][0]:g}",
            allowed=f"{edges[0]:g} to {edges[-1]:g}",
        )
    which = np.clip(np.searchsorted(edges, magnitude, side="right") - 1, 0, edges.size - 2)
    present = sorted(parents, key=lambda name: STAR_CLASSES.index(parents[name]))
    seen: dict[str, int] = {}

    ylabel = "fraction with recovered period"
    ax = axes_of(ax, 9.5, 4.8, title=title, xlabel=magnitude_label, ylabel=ylabel)
    for k, name in enumerate(present):
        mine = star_class == name
        n = np.bincount(which[mine], minlength=edges.size - 1)
        found = np.bincount(which[mine & recovered], minlength=edges.size - 1)
        used = n > 0
        low, high = binom_conf_interval(found[used], n[used], interval="wilson")
        fraction = found[used] / n[used]
        # Side by side in the bin, so that error bars do not cover each other.
        offset = (k + 1) / (len(present) + 1) - 0.5
        if discrete:
            centres = steps + 0.25 * offset * np.diff(steps).min(initial=1.0)
        else:
            centres = 0.5 * (edges[1:] + edges[:-1]) + 0.6 * offset * np.diff(edges)
        parent = parents[name]
        style = CLASS_STYLES[parent]
        line = ("-", "--", ":", "-.")[seen.setdefault(parent, 0) % 4]
        seen[parent] += 1
        label = CLASS_DESCRIPTIONS[parent] if name == parent else name
        ax.errorbar(
            centres[used],
            fraction,
            # The interval holds the fraction itself but for rounding.
            yerr=np.maximum([fraction - low, high - fraction], 0.0),
            fmt=style.marker + line,
            color=style.colour,
            markersize=7.0,
            linewidth=1.2,
            elinewidth=1.0,
            capsize=2.0,
            label=f"{label} ({n.sum()})",
        )
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(-0.03, 1.03)
    ax.grid(axis="y", color="0.9")
    ax.set_axisbelow(True)
    if present:
        legend_outside(ax, "class (stars)")
    return ax


def _magnitude_bins(magnitude: FloatArray) -> FloatArray:
    if magnitude.size == 0:
        return np.array([15.0, 25.0])
    low, high = float(magnitude.min()), float(magnitude.max())
    step = 0.5 if high - low <= 6.0 else 1.0
    first, last = np.floor(low / step), np.ceil(high / step)
    return np.asarray(step * np.arange(first, max(last, first + 1.0) + 1.0))
