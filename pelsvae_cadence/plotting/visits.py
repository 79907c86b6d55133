"""Plots of visits over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.plotting.styles import BAND_MARKERS, axes_of, legend_outside

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pelsvae_cadence.cadence.visits import Visits

__all__ = ["plot_cadence", "plot_cumulative_visits"]

# Where the surveys' telescopes stand, degrees east: Cerro Pachon (LSE-30) and Palomar.
_LONGITUDES: Final = {"lsst": -70.749417, "ztf": -116.8631}


def plot_cadence(
    visits: Visits, *, longitude: float | None = None, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw when a position was visited: night by night, hour by hour, coloured by band.

    Parameters
    ----------
    visits : Visits
        The visits.
    longitude : float, optional
        Longitude of the telescope in degrees, east positive; by default that of the survey whose
        bands they are.
    title : str
        Title.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    xlabel, ylabel = "nights since the first visit", "local hour from midnight"
    ax = axes_of(ax, 9.0, 4.5, title=title, xlabel=xlabel, ylabel=ylabel)
    if longitude is None:
        survey = BANDS[visits.bands[0]].survey if len(visits) else "lsst"
        longitude = _LONGITUDES[survey]
    local = visits.mjd + longitude / 360.0
    # From noon to noon, so that a night is in one piece; midnight is 0.
    hour = 24.0 * ((local + 0.5) % 1.0) - 12.0
    day = np.floor(local + 0.5)
    first = float(day.min()) if len(visits) else 0.0
    for name in visits.bands:
        mine = visits.band == name
        ax.plot(
            day[mine] - first,
            hour[mine],
            BAND_MARKERS[name],
            color=BANDS[name].colour,
            markersize=6.0 if BAND_MARKERS[name] == "*" else 4.0,
            markeredgewidth=0.0,
            alpha=0.75,
            label=f"{name} ({np.count_nonzero(mine)})",
        )
    if visits.bands:
        legend_outside(ax, "band (visits)")
    return ax


def plot_cumulative_visits(visits: Visits, *, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw how the number of visits grows with time, band by band.

    Parameters
    ----------
    visits : Visits
        The visits.
    title : str
        Title.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    xlabel, ylabel = "days since the first visit", "visits so far"
    ax = axes_of(ax, 9.0, 4.5, title=title, xlabel=xlabel, ylabel=ylabel)
    for name in visits.bands:
        times = visits.mjd[visits.band == name] - visits.mjd[0]
        end = visits.mjd[-1] - visits.mjd[0]
        ax.step(
            np.concatenate([[0.0], times, [end]]),
            np.concatenate([np.arange(times.size + 1), [times.size]]),
            where="post",
            color=BANDS[name].colour,
            linewidth=1.8,
            label=f"{name} ({times.size})",
        )
    ax.set_ylim(bottom=0.0)
    if visits.bands:
        legend_outside(ax, "band (visits)")
    return ax
