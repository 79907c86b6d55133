"""Pictures of populations: the sky, colours, period-luminosity and period-amplitude diagrams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.photometry.colours import colour_minus_i
from pelsvae_cadence.photometry.magnitudes import mean_magnitudes
from pelsvae_cadence.plotting.sky_map import label_sky, map_coordinates
from pelsvae_cadence.plotting.styles import CLASS_STYLES, axes_of, new_figure
from pelsvae_cadence.population.galaxy import galactic_to_equatorial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pelsvae_cadence.population.survey import DrawnPopulation
    from pelsvae_cadence.stars import Stars

__all__ = [
    "REAL_COLOUR",
    "plot_colour_colour",
    "plot_period_amplitude",
    "plot_period_luminosity",
    "plot_population",
    "plot_population_sky",
]

FloatArray = npt.NDArray[np.float64]

#: Colour of real stars beside drawn ones.
REAL_COLOUR: Final = "#222222"


def _size(n: int) -> float:
    return float(np.clip(9000.0 / max(n, 1), 3.0, 16.0))


def _by_class(ax: Axes, stars: Stars, x: FloatArray, y: FloatArray) -> None:
    for name in sorted(set(stars.star_class.tolist())):
        mine = stars.star_class == name
        style = CLASS_STYLES[name]
        ax.scatter(
            x[mine],
            y[mine],
            s=_size(len(stars)) * (3.0 if style.marker == "*" else 1.0),
            c=style.colour,
            marker=style.marker,
            alpha=0.75,
            linewidths=0.0,
            label=f"{name} ({int(mine.sum())})",
            rasterized=True,
            zorder=3,
        )


def _diagram(
    ax: Axes | None, real: tuple[npt.ArrayLike, npt.ArrayLike, str] | None, xlabel: str, ylabel: str
) -> Axes:
    """Begin a diagram, with real stars behind the others where there are any."""
    ax = axes_of(ax, 6.0, 4.5, xlabel=xlabel, ylabel=ylabel)
    if real is not None:
        x, y, label = real
        style: dict[str, Any] = {"facecolors": "none", "edgecolors": REAL_COLOUR, "linewidths": 0.5}
        ax.scatter(x, y, s=18.0, label=label, zorder=2, rasterized=True, **style)
    return ax


def plot_population_sky(stars: Stars, *, ax: Axes | None = None) -> Axes:
    """Draw stars on the sky, with the Galactic plane.

    Parameters
    ----------
    stars : Stars
        The stars.
    ax : matplotlib.axes.Axes, optional
        Where to draw, with the projection ``"mollweide"``; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: equatorial coordinates, right ascension rising to the left.
    """
    ax = axes_of(ax, 8.5, 5.0, "mollweide")
    l = np.linspace(0.0, 360.0, 721)
    for b, width in ((0.0, 1.0), (-10.0, 0.5), (10.0, 0.5)):
        x, y = map_coordinates(*galactic_to_equatorial(l, np.full_like(l, b)), 0.0)
        breaks = np.flatnonzero(np.abs(np.diff(x)) > np.pi)
        ax.plot(
            np.insert(x, breaks + 1, np.nan),
            np.insert(y, breaks + 1, np.nan),
            color="0.35",
            linewidth=width,
            zorder=1,
        )
    _by_class(ax, stars, *map_coordinates(stars.ra, stars.dec, 0.0))
    label_sky(ax, 0.0)
    return ax


def plot_period_luminosity(
    stars: Stars, *, real: tuple[npt.ArrayLike, npt.ArrayLike, str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw absolute I magnitudes, free of dust, against periods.

    Parameters
    ----------
    stars : Stars
        The stars.
    real : tuple, optional
        Periods [d], absolute I magnitudes and a label of real stars.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    ax = _diagram(ax, real, "period [d]", "$M_I$ [mag]")
    m_i = stars.abs_mag_g - colour_minus_i("G", stars.teff, stars.star_class)
    _by_class(ax, stars, np.asarray(stars.period), m_i)
    ax.set_xscale("log")
    ax.invert_yaxis()
    return ax


def plot_colour_colour(
    stars: Stars,
    *,
    real: tuple[npt.ArrayLike, npt.ArrayLike, str] | None = None,
    reddened: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw mean g-r against r-i.

    Parameters
    ----------
    stars : Stars
        The stars.
    real : tuple, optional
        r-i, g-r and a label of real stars.
    reddened : bool
        Include the stars' dust.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    from dataclasses import replace

    zero = "" if reddened else "_0"
    ax = _diagram(ax, real, f"$(r-i){zero}$ [mag]", f"$(g-r){zero}$ [mag]")
    seen = stars if reddened else replace(stars, ebv=np.zeros(len(stars)))
    g, r, i = mean_magnitudes(seen, ("g", "r", "i")).T
    _by_class(ax, stars, r - i, g - r)
    return ax


def plot_period_amplitude(
    period: npt.ArrayLike,
    amplitude: npt.ArrayLike,
    stars: Stars,
    *,
    band: str = "g",
    real: tuple[npt.ArrayLike, npt.ArrayLike, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw amplitudes against periods (the Bailey diagram of RR Lyrae stars).

    Parameters
    ----------
    period, amplitude : array_like, shape (N,)
        Periods [d] and peak-to-peak amplitudes [mag] of the drawn stars.
    stars : Stars
        The stars, for their classes.
    band : str
        Band of the amplitudes, for the label.
    real : tuple, optional
        Periods, amplitudes and a label of real stars.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    ax = _diagram(ax, real, "period [d]", f"$A_{{{band}}}$ [mag]")
    _by_class(ax, stars, np.asarray(period), np.asarray(amplitude))
    return ax


def plot_population(drawn: DrawnPopulation) -> Figure:
    """Draw the four diagrams of a population."""
    stars, figure = drawn.stars, new_figure(12.0, 8.4)
    grid = figure.add_gridspec(2, 2)
    sky = plot_population_sky(stars, ax=figure.add_subplot(grid[0, 0], projection="mollweide"))
    sky.set_title(f"{len(stars)} stars, {drawn.options['where']}, {drawn.options['mode']}")
    depth = figure.add_subplot(grid[0, 1])
    kpc = 10.0 ** (0.2 * stars.distance_modulus - 2.0)
    _by_class(depth, stars, kpc, np.asarray(drawn.magnitude))
    depth.set_xscale("log")
    depth.invert_yaxis()
    depth.set_xlabel("distance [kpc]")
    depth.set_ylabel(f"mean {drawn.band} [mag]")
    depth.legend(frameon=False, markerscale=2.0, loc="best")
    depth.set_title("dust dims: stars below the ridge")
    colours = plot_colour_colour(stars, reddened=True, ax=figure.add_subplot(grid[1, 0]))
    colours.set_title("mean colours, with dust")
    plot_period_luminosity(stars, ax=figure.add_subplot(grid[1, 1])).set_title("without dust")
    return figure
