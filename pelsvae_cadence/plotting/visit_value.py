"""Picture of what visits would tell: bits over time, band by band."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.plotting.styles import BAND_MARKERS, axes_of, legend_outside

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pelsvae_cadence.inference.visit_value.visit_value import VisitValue

__all__ = ["plot_visit_value"]

_NAMES: Final = {
    "total": "period and class",
    "period": "which period",
    "star_class": "class",
    "period_and_class": "which period, and class",
    "precision": "exact period",
    "distance": "distance",
}


def plot_visit_value(
    value: VisitValue,
    quantity: Literal["total", "period", "star_class", "period_and_class", "precision", "distance"] = "total",
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the expected information of candidate visits over time, the mean over the stars.

    Parameters
    ----------
    value : VisitValue
        What `pelsvae_cadence.inference.visit_value.visit_value` gives.
    quantity : str
        Which information.
    title : str
        Title.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    visits = value.candidates
    bits = getattr(value, quantity).mean(axis=0) if value.star_id.size else np.zeros(len(visits))
    stars = "one star" if value.star_id.size == 1 else f"mean of {value.star_id.size} stars"
    label = f"expected information on {_NAMES[quantity]} [bit]"
    ax = axes_of(ax, 9.0, 4.5, title=title or stars, xlabel="MJD (TAI) of the visit", ylabel=label)
    for name in visits.bands:
        mine = visits.band == name
        ax.plot(
            visits.mjd[mine],
            bits[mine],
            BAND_MARKERS[name],
            color=BANDS[name].colour,
            markersize=5,
            label=name,
        )
    ax.set_ylim(bottom=0.0)
    if visits.bands:
        legend_outside(ax, "band")
    return ax
