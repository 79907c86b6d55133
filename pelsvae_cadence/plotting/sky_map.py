"""Sky maps: values of positions or pixels on the sphere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.plotting.styles import axes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["label_sky", "map_coordinates", "plot_sky_map"]

FloatArray = npt.NDArray[np.float64]

_MASKED: Final = "#d5d5d5"


def plot_sky_map(
    values: npt.ArrayLike,
    *,
    ra: npt.ArrayLike | None = None,
    dec: npt.ArrayLike | None = None,
    nest: bool = False,
    title: str = "",
    label: str = "",
    vmin: float | None = None,
    vmax: float | None = None,
    cmap: str = "viridis",
    centre_ra: float = 0.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw values on the sky, in Mollweide's projection, with right ascension rising to the left.

    Values that are NaN or masked are grey.

    Parameters
    ----------
    values : array_like or masked array
        A HEALPix map, or one value per position.
    ra, dec : array_like, optional
        Positions (ICRS) in degrees; without them `values` is a HEALPix map in equatorial
        coordinates.
    nest : bool
        Whether the map has nested ordering.
    title : str
        Title.
    label : str
        Label of the colour bar: the quantity and its unit.
    vmin, vmax : float, optional
        Range of the colours; by default that of the values.
    cmap : str
        Matplotlib's name of the colour map.
    centre_ra : float
        Right ascension at the centre, in degrees.
    ax : matplotlib.axes.Axes, optional
        Where to draw, with the projection ``"mollweide"``; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    InputError
        If the values are neither a HEALPix map nor one per position, or the axes have another
        projection.
    """
    import matplotlib as mpl

    shown = np.ma.masked_invalid(np.ma.asarray(values, dtype=np.float64))
    ax = axes_of(ax, 8.5, 5.6, "mollweide", title=title)
    if ax.name != "mollweide":
        raise InputError(f"axes of projection {ax.name!r} for a sky map", allowed="'mollweide'")
    valid = shown.compressed()
    norm = mpl.colors.Normalize(
        vmin if vmin is not None else (valid.min() if valid.size else 0.0),
        vmax if vmax is not None else (valid.max() if valid.size else 1.0),
    )
    colours = mpl.colormaps[cmap].with_extremes(bad=_MASKED)
    if ra is None and dec is None:
        drawn: Any = _draw_healpix(ax, shown, nest, centre_ra, norm, colours)
    elif ra is not None and dec is not None:
        x, y = map_coordinates(ra, dec, centre_ra)
        if x.shape != shown.shape or y.shape != shown.shape:
            raise InputError(f"{shown.size} values for {x.size} positions")
        size = float(np.clip(20000.0 / max(1, shown.size), 4.0, 60.0))
        # Masked positions lie below, so that they hide nothing.
        hidden = np.ma.getmaskarray(shown)
        ax.scatter(x[hidden], y[hidden], s=size, c=_MASKED, linewidths=0.0)
        drawn = ax.scatter(x[~hidden], y[~hidden], s=size, c=valid, norm=norm, cmap=colours, linewidths=0.0)
    else:
        raise InputError("positions need both ra and dec")
    label_sky(ax, centre_ra)
    ax.figure.colorbar(drawn, ax=ax, orientation="horizontal", shrink=0.6, pad=0.06, aspect=30, label=label)
    return ax


def map_coordinates(ra: npt.ArrayLike, dec: npt.ArrayLike, centre_ra: float) -> tuple[FloatArray, FloatArray]:
    """Turn positions into coordinates of a map of the sky, seen from inside: east is left.

    Parameters
    ----------
    ra, dec : array_like
        Positions in degrees.
    centre_ra : float
        Right ascension at the centre, in degrees.

    Returns
    -------
    x, y : ndarray of float64
        Coordinates in radians.
    """
    longitude = (np.asarray(ra, dtype=np.float64) - centre_ra + 180.0) % 360.0 - 180.0
    return -np.radians(longitude), np.radians(np.asarray(dec, dtype=np.float64))


def _draw_healpix(ax: Axes, values: Any, nest: bool, centre_ra: float, norm: Any, colours: Any) -> Any:
    import healpy

    if values.ndim != 1 or not healpy.isnpixok(values.size):
        raise InputError(
            f"{values.size} values are not a HEALPix map",
            allowed="12 nside^2 values",
            remedy="Give ra and dec for values at positions.",
        )
    nside = healpy.npix2nside(values.size)
    # Fine enough to show the pixels' shape, coarse enough to draw within a second.
    step = float(np.clip(np.degrees(healpy.nside2resol(nside)) / 4.0, 0.3, 1.0))
    n = round(180.0 / step)
    x = np.linspace(-180.0, 180.0, 2 * n + 1)
    y = np.linspace(-90.0, 90.0, n + 1)
    ra = (centre_ra - 0.5 * (x[1:] + x[:-1])) % 360.0
    grid_ra, grid_dec = np.meshgrid(ra, 0.5 * (y[1:] + y[:-1]))
    pixel = healpy.ang2pix(nside, grid_ra, grid_dec, nest=nest, lonlat=True)
    return ax.pcolormesh(
        np.radians(x), np.radians(y), values[pixel], norm=norm, cmap=colours, rasterized=True
    )


def label_sky(ax: Axes, centre_ra: float) -> None:
    """Draw the grid of a map of the sky, and label it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes in Mollweide's projection.
    centre_ra : float
        Right ascension at the centre, in degrees.
    """
    from matplotlib.patheffects import withStroke

    ax.grid(color="0.5", linewidth=0.4, alpha=0.6)
    around = np.arange(-120.0, 121.0, 60.0)
    ax.set_xticks(np.radians(around), [f"{(centre_ra - x) % 360.0:g}°" for x in around], fontsize=9)
    for text in ax.get_xticklabels():
        text.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
    ax.set_yticks(np.radians([-60.0, -30.0, 0.0, 30.0, 60.0]))
    ax.tick_params(axis="y", labelsize=9)
