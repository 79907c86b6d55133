"""Maps of recall over the sky, one a class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.plotting.sky_map import plot_sky_map
from pelsvae_cadence.plotting.styles import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_recall_maps"]

_COLUMNS: Final = 3


def plot_recall_maps(
    maps: Mapping[str, npt.ArrayLike],
    *,
    ra: npt.ArrayLike | None = None,
    dec: npt.ArrayLike | None = None,
    title: str = "",
) -> Figure:
    """Draw a sky map of recall for each class, all in one scale from 0 to 1.

    Parameters
    ----------
    maps : mapping of str to array_like
        By class: a HEALPix map in ring ordering, or one value per position; NaN is grey.
    ra, dec : array_like, optional
        Positions (ICRS) in degrees, where the values are not HEALPix maps.
    title : str
        Title above all.

    Returns
    -------
    matplotlib.figure.Figure
        The figure; each map says the mean over its positions.

    Raises
    ------
    InputError
        If there is no map.
    """
    if not maps:
        raise InputError("no recall to draw")
    n_columns = min(_COLUMNS, len(maps))
    n_rows = -(-len(maps) // n_columns)
    figure = new_figure(4.2 * n_columns, 2.45 * n_rows + 1.1)
    grid = figure.subplots(n_rows, n_columns, squeeze=False, subplot_kw={"projection": "mollweide"}).ravel()
    for ax, (name, values) in zip(grid, maps.items(), strict=False):
        known = np.ma.masked_invalid(np.ma.asarray(values, dtype=np.float64)).compressed()
        mean = f": {known.mean():.2f}" if known.size else ": none"
        plot_sky_map(values, ra=ra, dec=dec, vmin=0.0, vmax=1.0, title=name + mean, ax=ax)
    for ax in grid[len(maps) :]:
        ax.set_visible(False)
    figure.suptitle(title)
    return figure
